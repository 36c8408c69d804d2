//! Bytes of the database that a disk has changed.

use super::upgraded::{fixture, make};
use super::*;
use rusqlite::types::Value;
use std::path::Path;

/// What the server decides by, and what people rely on. The rest is shown only, or said again by envoys: that a byte of it is
/// another is not noticed.
const GUARDED: &[(&str, &str)] = &[
    ("envoys", "id, hostname, identity_key, enrolled_at, revoked_at, observes, maintenance, maintenance_until"),
    ("tokens", "id, hash, match, uses_left, expires_at, replaces, created_at"),
    ("trusted", "match, source, until"),
    ("users", "name, hash, role"),
    ("api_tokens", "id, hash, user, role, expires_at"),
    ("freeze", "by, at, until, reason"),
    ("pushes", "id, kind, body, issued_at, not_after, issued_by"),
    ("orders", "id, push, envoy, answered_at IS NULL"),
    ("runs", "id, envoy, incarnation, seq, received_at, body"),
    ("traits", "envoy, json"),
    ("trait_changes", "id, envoy, at"),
    ("publishes", "author, at, restores"),
    ("tombstones", "id"),
    ("audit", "id, at, actor, action, subject, detail, hash"),
    ("incarnations", "envoy, CASE incarnation WHEN -5 THEN seq END"),
];

/// Numbers that look random, from a seed.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}

/// Returns what a database says of what is guarded, read from its tables.
fn guarded(path: &Path) -> Vec<Vec<Vec<Value>>> {
    let conn = Connection::open(path).unwrap();
    let read = |(table, columns): &(&str, &str)| {
        let mut statement = conn.prepare(&format!("SELECT {columns} FROM {table} NOT INDEXED")).unwrap();
        let columns = statement.column_count();
        let row = |row: &rusqlite::Row<'_>| (0..columns).map(|at| row.get(at)).collect();
        let mut rows: Vec<Vec<Value>> = statement.query_map([], row).unwrap().collect::<Result<_, _>>().unwrap();
        rows.sort_by_key(|row| format!("{row:?}"));
        rows
    };
    GUARDED.iter().map(read).collect()
}

/// Makes a database with rows in all tables, on small pages, and returns its bytes.
fn sound(name: &str) -> Vec<u8> {
    let temp = Temp::new(name);
    temp.store.close();
    let path = temp.dir.join("sound.db");
    make(&path, &format!("PRAGMA page_size = 1024; {}", fixture(SCHEMA)));
    fs::remove_file(temp.dir.join("opened")).unwrap();
    let store = Store::open(&path, &temp.dir.join("revoked"), NOW).unwrap();
    temp.run(async {
        for n in 1..12_u64 {
            let large = Report { error: "why ".repeat(200 * (n as usize % 3)), ..report(-5_i64 as u64, 3 + n, 1) };
            send(&store, EnvoyId([1; 16]), large, later(n)).await.unwrap();
            let entry = Entry { actor: Actor::Server, action: "test", subject: n.to_string(), detail: "x".repeat(99) };
            store.audit(entry, later(n)).await.unwrap();
            let json = format!("{{\"many\": \"{}\"}}", "y".repeat(1500));
            store.set_traits(EnvoyId([3; 16]), [n as u8; 32], json, Vec::new(), later(n)).await.unwrap();
        }
        store.prune_runs(later(3)).await.unwrap();
    });
    store.close();
    fs::read(&path).unwrap()
}

/// Opens a database as a server does and looks at all of it. Returns what it says of damage; nothing where it sees none.
fn said(temp: &Temp, path: &Path) -> Option<String> {
    // That it is another file each time has nothing to do with it.
    let _ = fs::remove_file(temp.dir.join("opened"));
    let found = look(path).and_then(|()| {
        let store = Store::open(path, &temp.dir.join("revoked"), NOW)?;
        let found = temp.run(async {
            let mut wrong = store.check().await?;
            if let Verified::Broken { id } = store.verify_audit().await? {
                wrong.push(format!("row {id}"));
            }
            store.envoys().await?;
            store.runs(RunFilter { limit: 99, ..RunFilter::default() }).await?;
            Ok::<_, StoreError>(wrong)
        });
        store.close();
        found
    });
    match found {
        Ok(wrong) => wrong.first().cloned(),
        Err(StoreError::Closed) => panic!("the store has panicked"),
        Err(error) => Some(error.to_string()),
    }
}

#[test]
fn a_byte_that_a_disk_has_changed_is_noticed_or_changes_nothing_that_counts() {
    let seed = 0x5eed_0001_u64;
    let (mut random, sound, temp) = (Random(seed), sound("to-flip"), Temp::new("flipped"));
    let path = temp.dir.join("flipped.db");
    fs::write(&path, &sound).unwrap();
    fs::write(temp.dir.join("revoked"), format!("{}\n", EnvoyId([2; 16]))).unwrap();
    assert_eq!(said(&temp, &path), None);
    let expected = guarded(&path);
    assert!(expected.iter().all(|rows| !rows.is_empty()), "{expected:?}");
    let pages = sound.len() / 1024;
    assert!(pages > 60, "{pages}");
    let mut places: Vec<usize> = (0..sound.len()).step_by(4096).chain(0..100).collect();
    for page in 0..pages {
        // The header of the page, the places of its cells, and anywhere.
        places.extend([page * 1024 + random.below(12), page * 1024 + random.below(64)]);
        places.extend([0; 4].map(|_| page * 1024 + random.below(1024)));
    }
    let (mut noticed, mut harmless) = (0, 0);
    for at in places {
        for end in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(temp.dir.join(format!("flipped.db{end}")));
        }
        let mut bytes = sound.clone();
        bytes[at] ^= 1 << random.below(8);
        fs::write(&path, &bytes).unwrap();
        match said(&temp, &path) {
            Some(_) => noticed += 1,
            None => {
                harmless += 1;
                let found = guarded(&path);
                for ((table, _), (found, expected)) in GUARDED.iter().zip(found.iter().zip(&expected)) {
                    assert_eq!(found, expected, "byte {at} of {}, seed {seed:#x}: {table}", sound.len());
                }
            }
        }
    }
    println!("{noticed} were noticed, {harmless} changed nothing that counts");
    assert!(noticed > 2 * pages, "{noticed} of {} were noticed", noticed + harmless);
}

#[test]
fn a_file_that_is_cut_or_has_pages_of_nothing_is_damaged() {
    let (sound, temp) = (sound("to-cut"), Temp::new("cut"));
    let path = temp.dir.join("cut.db");
    let put = |bytes: &[u8]| {
        for end in ["-wal", "-shm"] {
            let _ = fs::remove_file(temp.dir.join(format!("cut.db{end}")));
        }
        fs::write(&path, bytes).unwrap();
    };
    put(&sound);
    fs::write(temp.dir.join("revoked"), format!("{}\n", EnvoyId([2; 16]))).unwrap();
    let expected = guarded(&path);
    let pages = sound.len() / 1024;
    // An empty file is none at all: the server does not open it.
    for cut in (1..pages).map(|page| page * 1024) {
        put(&sound[..cut]);
        assert!(matches!(look(&path), Err(StoreError::Corrupt { .. })), "cut at {cut} of {}", sound.len());
    }
    let mut noticed = 0;
    for page in 0..=pages {
        let mut broken = sound.clone();
        match broken.get_mut(page * 1024..(page + 1) * 1024) {
            Some(whole) => whole.fill(0),
            None => broken.truncate(sound.len() - 300),
        }
        put(&broken);
        match said(&temp, &path) {
            Some(_) => noticed += 1,
            // There was nothing in it.
            None => assert_eq!(guarded(&path), expected, "page {page}"),
        }
    }
    assert!(noticed * 10 > pages * 9, "{noticed} of {pages}");
}

#[test]
fn a_database_that_breaks_while_it_is_open_takes_nothing_more_and_is_left_as_it_is() {
    let temp = Temp::new("breaks");
    let id = temp.enrolled(1, "web-1");
    assert_eq!((temp.damage(), temp.run(temp.check())), (None, Ok(vec![])));
    let path = temp.dir.join("vigo.db");
    // Into the file, so that it is read from there.
    temp.run(temp.write(0, |conn| {
        conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).ok();
        Ok(())
    }))
    .unwrap();
    temp.store.close();
    let store = open(&temp.dir).unwrap();
    let mut bytes = fs::read(&path).unwrap();
    let len = bytes.len();
    bytes[4096..len].fill(0x5a);
    fs::write(&path, &bytes).unwrap();
    let error = temp.run(store.check()).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
    assert!(store.damage().is_some());
    assert_eq!(temp.run(store.damaged()), store.damage().unwrap());
    let refused = temp.run(store.revoke(id, Actor::Server, NOW)).unwrap_err();
    assert!(matches!(refused, StoreError::Corrupt { .. }), "{refused:?}");
    let before = fs::read(&path).unwrap();
    store.close();
    assert!(fs::read(&path).unwrap() == before, "what is wrong with it can still be seen");
}

#[test]
fn a_row_that_is_not_what_was_written_is_told() {
    let mut temp = Temp::new("rows");
    let id = temp.enrolled(1, "web-1");
    temp.run(send(&temp, id, report(1, 4, 1), NOW)).unwrap();
    temp.run(temp.set_traits(id, [1; 32], "{\"a\": 1}".into(), Vec::new(), NOW)).unwrap();
    let cases = [
        ("UPDATE runs SET body = CAST(body || x'00' AS BLOB)", "the report 1 is not"),
        ("UPDATE traits SET json = '{}'", "the text of the traits of envoy 01010101010101010101010101010101 is not"),
        ("UPDATE incarnations SET seq = 5", "the number of the newest report of envoy 0101"),
        ("UPDATE incarnations SET incarnation = 2", "the number of the newest report of envoy 0101"),
    ];
    for (sql, expected) in cases {
        temp.store.close();
        let saved = fs::read(temp.dir.join("vigo.db")).unwrap();
        make(&temp.dir.join("vigo.db"), sql);
        temp.reopen(|_| {});
        let wrong = temp.run(temp.check()).unwrap();
        assert!(matches!(&wrong[..], [one] if one.starts_with(expected)), "{sql}: {wrong:?}");
        assert_eq!(temp.damage(), None, "others do not suffer from it");
        temp.reopen(|dir| fs::write(dir.join("vigo.db"), saved).unwrap());
    }
    make(&temp.dir.join("vigo.db"), "UPDATE runs SET body = CAST(body || x'00' AS BLOB)");
    assert!(matches!(temp.run(temp.store.run(1)), Err(StoreError::Damaged { what: "a report", .. })));
}
