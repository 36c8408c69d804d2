mod damaged;
mod torn;
mod upgraded;

use super::*;
use rusqlite::Connection;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::ops::Deref;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use tokio::runtime::Runtime;
use vigo_core::bundle::Maintenance;
use vigo_core::fleet::Cloned;
use vigo_core::id::EnvoyId;
use vigo_core::server::{AdmittedBy, NotAdmitted, TokenText, WentBack, WentBackBy};
use vigo_core::time::{Duration, Timestamp};
use vigo_core::wire::Message as _;
use vigo_core::wire::message::{Counts, Report};

const NOW: Timestamp = Timestamp::from_epoch_secs(1_800_000_000);

fn later(seconds: u64) -> Timestamp {
    NOW + Duration::from_secs(seconds)
}

/// A store in a folder of its own, and what its futures run on.
struct Temp {
    dir: PathBuf,
    store: Store,
    runtime: Runtime,
}

impl Temp {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("vigo-store-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        Self { store: open(&dir).unwrap(), dir, runtime }
    }

    fn run<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Closes the database, lets `meanwhile` at its folder, and opens it again.
    fn reopen(&mut self, meanwhile: impl FnOnce(&PathBuf)) {
        self.store.close();
        meanwhile(&self.dir);
        self.store = open(&self.dir).unwrap();
    }

    fn token(&self, match_glob: &str, uses: u32, replaces: bool) -> String {
        let (text, _) = make_token().unwrap();
        let new = NewToken { match_glob: match_glob.into(), uses, expires_at: later(60), replaces };
        self.run(self.add_token(&text, "hash".into(), new, Actor::Local(0), NOW)).unwrap().id
    }

    fn enrolled(&self, key: u8, hostname: &str) -> EnvoyId {
        let id = self.token("*", 1, false);
        match self.run(self.enrol(enrolment(key, hostname, &id), NOW)).unwrap() {
            Enrolled::New { envoy, .. } => envoy.id,
            other => panic!("{other:?}"),
        }
    }

    fn get(&self, id: EnvoyId) -> Envoy {
        self.run(self.envoy(id)).unwrap().unwrap()
    }

    /// Stops the writer until the sender is dropped, so that what is queued meanwhile becomes the next transaction.
    fn hold(&self) -> (mpsc::Sender<()>, tokio::task::JoinHandle<Result<(), StoreError>>) {
        let (go, wait) = mpsc::channel::<()>();
        let (begun, begins) = mpsc::channel();
        let store = self.store.clone();
        let held = self.runtime.spawn(async move {
            let work = move |_: &Connection| {
                begun.send(()).unwrap();
                let _ = wait.recv();
                Ok(())
            };
            store.write(0, work).await
        });
        begins.recv().unwrap();
        (go, held)
    }
}

impl Deref for Temp {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        self.store.close();
        let _ = fs::remove_dir_all(&self.dir);
    }
}

fn open(dir: &std::path::Path) -> Result<Store, StoreError> {
    Store::open(&dir.join("vigo.db"), &dir.join("revoked"), NOW)
}

fn seen() -> Seen {
    Seen {
        last_seen: NOW,
        remote: "192.0.2.1:5".into(),
        agent_version: "0.1.0".into(),
        machine: vec![1],
        contact: 1,
        keyset: 1,
        queued: 0,
    }
}

fn enrolment(key: u8, hostname: &str, token: &str) -> Enrolment {
    Enrolment {
        id: EnvoyId([key; 16]),
        identity_key: [key; 32],
        hostname: hostname.into(),
        admitted: AdmittedBy::Token { id: token.into() },
        seen: seen(),
    }
}

fn report(incarnation: u64, seq: u64, changed: u32) -> Report {
    let counts = Counts { ok: 5, changed, ..Counts::default() };
    Report { incarnation, seq, counts: Some(counts), outcome: "converged".into(), ..Report::default() }
}

async fn send(store: &Store, id: EnvoyId, report: Report, now: Timestamp) -> Result<Option<Recorded>, StoreError> {
    store.record(id, &report, report.encode(), now).await
}

fn refused(found: Enrolled) -> NotAdmitted {
    match found {
        Enrolled::Refused(why) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn of_those_who_race_for_the_last_use_of_a_token_one_wins() {
    let temp = Temp::new("race");
    let token = temp.token("*", 3, false);
    let all: Vec<_> = (0..20)
        .map(|key| {
            let (store, new) = (temp.store.clone(), enrolment(key, &format!("web-{key}"), &token));
            temp.runtime.spawn(async move { store.enrol(new, NOW).await })
        })
        .collect();
    let found: Vec<_> = all.into_iter().map(|one| temp.run(one).unwrap().unwrap()).collect();
    assert_eq!(found.iter().filter(|found| matches!(found, Enrolled::New { .. })).count(), 3);
    let spent = |found: &&Enrolled| **found == Enrolled::Refused(NotAdmitted::TokenUsed { id: token.clone() });
    assert_eq!(found.iter().filter(spent).count(), 17);
    assert_eq!(temp.run(temp.envoys()).unwrap().len(), 3);
    assert_eq!(temp.run(temp.store.token(token)).unwrap().unwrap().uses_left, 0);
}

#[test]
fn the_same_key_under_the_same_name_is_the_same_envoy_however_often_it_asks() {
    let temp = Temp::new("again");
    let token = temp.token("*", 1, false);
    let first = temp.run(temp.enrol(enrolment(1, "web-1", &token), NOW)).unwrap();
    let Enrolled::New { envoy, replaced: None } = first else { panic!("{first:?}") };
    // The token is used up and expired, and has even been removed: the key says enough.
    let moved = Enrolment {
        seen: Seen { remote: "192.0.2.2:6".into(), contact: 0, ..seen() },
        ..enrolment(1, "web-1", &token)
    };
    let again = temp.run(temp.enrol(moved.clone(), later(100))).unwrap();
    let expected = Envoy { seen: Seen { contact: 1, ..moved.seen.clone() }, ..envoy };
    assert_eq!(again, Enrolled::Again(expected.clone()));
    assert!(temp.run(temp.revoke_token(token, Actor::Server, NOW)).unwrap());
    assert_eq!(temp.run(temp.enrol(moved, later(100))).unwrap(), Enrolled::Again(expected.clone()));
    assert_eq!(temp.run(temp.envoys()).unwrap(), [expected]);
}

#[test]
fn who_is_refused_is_told_why_and_uses_nothing_up() {
    let temp = Temp::new("refused");
    let taken = temp.enrolled(1, "web-1");
    let token = temp.token("*", 1, false);
    temp.enrolled(9, "gone");
    temp.run(temp.revoke(EnvoyId([9; 16]), Actor::Server, NOW)).unwrap();
    let spent = temp.token("*", 0, false);
    let cases = [
        (enrolment(2, "web-2", "nope"), NOW, NotAdmitted::BadToken),
        (enrolment(2, "web-2", &spent), NOW, NotAdmitted::TokenUsed { id: spent.clone() }),
        (enrolment(2, "web-2", &token), later(60), NotAdmitted::TokenExpired { id: token.clone() }),
        (enrolment(2, "web-1", &token), NOW, NotAdmitted::NameTaken { hostname: "web-1".into(), holder: taken }),
        (
            enrolment(1, "web-2", &token),
            NOW,
            NotAdmitted::OtherName { enrolled: "web-1".into(), claimed: "web-2".into() },
        ),
        (enrolment(9, "gone", &token), NOW, NotAdmitted::Revoked(EnvoyId([9; 16]))),
        (enrolment(9, "other", &token), NOW, NotAdmitted::Revoked(EnvoyId([9; 16]))),
    ];
    for (new, now, why) in cases {
        let (key, name) = (new.id, new.hostname.clone());
        assert_eq!(refused(temp.run(temp.enrol(new, now)).unwrap()), why, "{key} {name}");
        let row = temp.run(temp.audit_rows(None, 1)).unwrap().remove(0);
        assert_eq!((&*row.action, &row.subject), ("envoy.refuse", &name));
        assert!(row.detail.contains(&why.to_string()), "{}", row.detail);
    }
    // A trusted pattern takes nothing from anybody, either.
    let trusted = AdmittedBy::Trusted { pattern: "*".into() };
    let new = Enrolment { admitted: trusted, ..enrolment(3, "web-1", "") };
    assert!(matches!(refused(temp.run(temp.enrol(new, NOW)).unwrap()), NotAdmitted::NameTaken { .. }));
    assert_eq!(temp.run(temp.store.token(token)).unwrap().unwrap().uses_left, 1);
    assert_eq!(temp.get(taken).hostname, "web-1");
}

#[test]
fn a_token_that_replaces_takes_the_name_and_revokes_who_had_it() {
    let temp = Temp::new("replace");
    let before = temp.enrolled(1, "web-1");
    let token = temp.token("*", 1, true);
    let found = temp.run(temp.enrol(enrolment(2, "web-1", &token), NOW)).unwrap();
    assert!(matches!(found, Enrolled::New { replaced: Some(id), .. } if id == before), "{found:?}");
    assert_eq!(temp.get(before).revoked_at, Some(NOW));
    assert_eq!(temp.run(temp.envoy_named("web-1".into())).unwrap().unwrap().id, EnvoyId([2; 16]));
}

#[test]
fn what_was_revoked_does_not_come_back_with_an_older_database() {
    let mut temp = Temp::new("restored");
    let id = temp.enrolled(1, "web-1");
    temp.store.close();
    let backup = fs::read(temp.dir.join("vigo.db")).unwrap();
    temp.reopen(|_| {});
    let found = temp.run(temp.revoke(id, Actor::Local(0), later(1))).unwrap().unwrap();
    assert_eq!(found.revoked_at, Some(later(1)));
    assert_eq!(temp.run(temp.revoke(id, Actor::Local(0), later(2))).unwrap().unwrap(), found, "once is enough");
    assert_eq!(temp.run(temp.revoke(EnvoyId([7; 16]), Actor::Local(0), NOW)).unwrap(), None);
    temp.reopen(|dir| {
        fs::write(dir.join("vigo.db"), backup).unwrap();
        // Half a line, which the power cut.
        let torn = format!("{}\n0101", fs::read_to_string(dir.join("revoked")).unwrap());
        fs::write(dir.join("revoked"), torn).unwrap();
    });
    assert!(temp.get(id).revoked_at.is_some());
    let other = temp.enrolled(2, "web-1");
    temp.run(temp.revoke(other, Actor::Local(0), NOW)).unwrap();
    temp.reopen(|dir| fs::remove_file(dir.join("vigo.db")).unwrap());
    for key in [1, 2] {
        let token = temp.token("*", 1, false);
        let found = temp.run(temp.enrol(enrolment(key, "web-1", &token), NOW)).unwrap();
        assert_eq!(refused(found), NotAdmitted::Revoked(EnvoyId([key; 16])), "{key}");
    }
}

#[test]
fn a_report_is_counted_once_and_only_a_newer_one_moves_the_status() {
    let temp = Temp::new("reports");
    let id = temp.enrolled(1, "web-1");
    // Incarnation, number, changes; then what is acknowledged, and what stands as status: number, changes in a row.
    let steps = [
        ((u64::MAX, 1, 1), 1, (1, 1)),
        ((u64::MAX, 2, 1), 2, (2, 2)),
        ((u64::MAX, 2, 1), 2, (2, 2)),
        ((u64::MAX, 1, 0), 2, (2, 2)),
        ((u64::MAX, 3, 0), 3, (3, 0)),
        ((u64::MAX, 9, 1), 9, (9, 1)),
        ((7, 4, 2), 4, (4, 1)),
        ((7, 4, 2), 4, (4, 1)),
        ((u64::MAX, 9, 1), 9, (4, 1)),
    ];
    for (at, ((incarnation, seq, changed), taken, (status, in_a_row))) in steps.into_iter().enumerate() {
        let now = later(at as u64);
        let got = temp.run(send(&temp, id, report(incarnation, seq, changed), now)).unwrap().unwrap();
        let found = temp.get(id).status.unwrap();
        assert_eq!((got.seq, found.seq, found.changed_in_a_row), (taken, status, in_a_row), "step {at}");
        assert_eq!(got.status.is_some(), found.received_at == now, "step {at}");
        assert!(got.status.is_none_or(|status| status == found), "step {at}");
    }
    let runs = temp.run(temp.runs(RunFilter { envoy: Some(id), before: None, limit: 100 })).unwrap();
    let numbers: Vec<_> = runs.iter().map(|run| (run.incarnation, run.seq)).collect();
    assert_eq!(numbers, [(7, 4), (u64::MAX, 9), (u64::MAX, 3), (u64::MAX, 2), (u64::MAX, 1)]);
    let page = RunFilter { envoy: None, before: Some(runs[1].id), limit: 1 };
    assert_eq!(temp.run(temp.runs(page)).unwrap(), runs[2..3]);
    let whole = temp.run(temp.store.run(runs[0].id)).unwrap().unwrap();
    assert_eq!((whole.report, &whole.head), (report(7, 4, 2), &runs[0]));
    assert_eq!(temp.run(temp.store.run(999)).unwrap(), None);
}

#[test]
fn nobody_else_is_heard() {
    let temp = Temp::new("unheard");
    assert_eq!(temp.run(send(&temp, EnvoyId([1; 16]), report(1, 1, 0), NOW)), Ok(None));
    let id = temp.enrolled(1, "web-1");
    let hostile = temp.run(send(&temp, id, report(1, u64::MAX, 0), NOW));
    assert!(matches!(hostile, Err(StoreError::Invalid { .. })), "{hostile:?}");
    temp.run(temp.revoke(id, Actor::Server, NOW)).unwrap();
    assert_eq!(temp.run(send(&temp, id, report(1, 1, 0), NOW)), Ok(None));
    temp.run(temp.set_traits(EnvoyId([5; 16]), [0; 32], "{}".into(), Vec::new(), NOW)).unwrap();
    assert_eq!(temp.run(temp.traits(EnvoyId([5; 16]))), Ok(None));
}

#[test]
fn an_envoy_takes_only_so_much_room() {
    let temp = Temp::new("room");
    let id = temp.enrolled(1, "web-1");
    let flood = temp.write(0, move |conn| {
        for number in 1..=1100 {
            let report = report(number % 40, 1 + number / 40, 0);
            report::record(conn, id, &report, &report.encode(), later(number))?;
        }
        Ok(())
    });
    temp.run(flood).unwrap();
    let count = |sql: &'static str| {
        let query =
            move |conn: &Connection| conn.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(value::failed(conn));
        temp.run(temp.read(query)).unwrap()
    };
    assert_eq!(count("SELECT count(*) FROM incarnations"), 16);
    assert_eq!(count("SELECT count(*) FROM runs"), 1000);
    assert_eq!(temp.run(temp.prune_runs(later(5000))), Ok(999));
    assert_eq!(count("SELECT max(received_at) FROM runs"), later(1100).epoch_ms());
}

#[test]
fn a_command_that_fails_takes_no_other_with_it() {
    let temp = Temp::new("savepoint");
    let id = temp.enrolled(1, "web-1");
    let (go, held) = temp.hold();
    let bad = temp.runtime.spawn({
        let store = temp.store.clone();
        async move {
            let work = |conn: &Connection| {
                conn.execute_batch("DELETE FROM envoys; INSERT INTO nowhere VALUES (1)").map_err(value::failed(conn))
            };
            store.write(0, work).await
        }
    });
    let good = temp.runtime.spawn({
        let store = temp.store.clone();
        async move { send(&store, id, report(1, 1, 0), NOW).await }
    });
    drop(go);
    temp.run(held).unwrap().unwrap();
    let error = temp.run(bad).unwrap().unwrap_err();
    assert!(error.to_string().contains("no such table: nowhere"), "{error}");
    assert_eq!(temp.run(good).unwrap().unwrap().unwrap().seq, 1);
    assert_eq!(temp.get(id).status.unwrap().seq, 1);
}

#[test]
fn a_commit_that_fails_is_an_error_to_all_and_leaves_nothing() {
    let temp = Temp::new("commit");
    let id = temp.enrolled(1, "web-1");
    let audited = temp.run(temp.audit_rows(None, 100)).unwrap();
    let (go, held) = temp.hold();
    // A row without its envoy is found when the transaction ends, not before.
    let bad = temp.runtime.spawn({
        let store = temp.store.clone();
        async move {
            let work = |conn: &Connection| {
                let sql = "PRAGMA defer_foreign_keys = true; INSERT INTO incarnations VALUES (x'00', 1, 1, 1)";
                conn.execute_batch(sql).map_err(value::failed(conn))
            };
            store.write(0, work).await
        }
    });
    let token = temp.runtime.spawn({
        let store = temp.store.clone();
        let new = NewToken { match_glob: "*".into(), uses: 1, expires_at: later(60), replaces: false };
        async move { store.add_token(&make_token().unwrap().0, "hash".into(), new, Actor::Server, NOW).await }
    });
    let good = temp.runtime.spawn({
        let store = temp.store.clone();
        async move { send(&store, id, report(1, 1, 0), NOW).await }
    });
    // All three are in the queue: the writer is held, and each waits for an answer.
    std::thread::sleep(std::time::Duration::from_secs(1));
    drop(go);
    temp.run(held).unwrap().unwrap();
    for error in [
        temp.run(bad).unwrap().unwrap_err(),
        temp.run(token).unwrap().unwrap_err(),
        temp.run(good).unwrap().unwrap_err(),
    ] {
        assert!(error.to_string().contains("FOREIGN KEY"), "{error}");
    }
    assert_eq!(temp.run(temp.runs(RunFilter { limit: 9, ..RunFilter::default() })).unwrap(), []);
    assert_eq!(temp.run(temp.audit_rows(None, 100)).unwrap(), audited);
    assert_eq!(temp.run(send(&temp, id, report(1, 1, 0), NOW)).unwrap().unwrap().seq, 1, "a retry counts");
}

#[test]
fn a_writer_that_is_gone_is_noticed() {
    let temp = Temp::new("gone");
    assert!(temp.is_open());
    let gone = temp.write(0, |_| -> Result<(), StoreError> { panic!("a bug") });
    assert_eq!(temp.run(gone), Err(StoreError::Closed));
    while temp.is_open() {
        std::thread::yield_now();
    }
    assert_eq!(temp.run(temp.revoke_token("x".into(), Actor::Server, NOW)), Err(StoreError::Closed));
    assert_eq!(temp.run(temp.envoys()), Ok(vec![]));
}

#[test]
fn a_full_disk_costs_acknowledgements_and_nothing_else() {
    let temp = Temp::new("full");
    let id = temp.enrolled(1, "web-1");
    let pages = |number: i64| {
        temp.run(temp.write(0, move |conn| {
            conn.query_row(&format!("PRAGMA max_page_count = {number}"), [], |_| Ok(())).map_err(value::failed(conn))
        }))
    };
    pages(1).unwrap();
    let large = Report { error: "x".repeat(1 << 20), ..report(1, 1, 0) };
    let error = temp.run(send(&temp, id, large.clone(), NOW)).unwrap_err();
    assert!(error.to_string().contains("full"), "{error}");
    temp.touch(id, Touch { seen: Seen { contact: 5, ..seen() }, status: None });
    assert_eq!(temp.get(id).status, None);
    pages(1 << 20).unwrap();
    let recorded = temp.run(send(&temp, id, large.clone(), NOW)).unwrap().unwrap();
    assert_eq!(recorded.seq, 1);
    // In the envoy's row it is short, in the run it is whole.
    assert_eq!(recorded.status.unwrap().error.len(), 2048);
    let run = temp.run(temp.runs(RunFilter { limit: 1, ..RunFilter::default() })).unwrap().remove(0);
    assert_eq!(temp.run(temp.store.run(run.id)).unwrap().unwrap().report, large);
}

#[test]
fn what_was_laid_down_is_written_at_the_end_and_older_news_move_nothing() {
    let mut temp = Temp::new("dirty");
    let id = temp.enrolled(1, "web-1");
    temp.run(send(&temp, id, report(1, 5, 1), later(5))).unwrap();
    let run = temp.get(id).status.unwrap();
    let quiet = |seq, at| Status { seq, received_at: later(at), changed_in_a_row: 0, ..run.clone() };
    let contact = |contact| Seen { contact, last_seen: later(contact), ..seen() };
    temp.touch(id, Touch { seen: contact(2), status: Some(quiet(6, 6)) });
    temp.touch(id, Touch { seen: contact(3), status: None });
    temp.touch(EnvoyId([8; 16]), Touch { seen: contact(3), status: None });
    temp.reopen(|_| {});
    let found = temp.get(id);
    assert_eq!((found.seen, found.status), (contact(3), Some(quiet(6, 6))));
    assert_eq!(temp.newest(), later(5).max(later(3)));
    temp.touch(id, Touch { seen: contact(4), status: Some(quiet(5, 7)) });
    temp.reopen(|_| {});
    assert_eq!(temp.get(id).status, Some(quiet(6, 6)), "an older run");
    let other = Status { incarnation: 2, seq: 1, ..quiet(1, 3) };
    temp.touch(id, Touch { seen: contact(5), status: Some(other.clone()) });
    temp.reopen(|_| {});
    assert_eq!(temp.get(id).status, Some(quiet(6, 6)), "a database that the server heard of before");
    temp.touch(id, Touch { seen: contact(6), status: Some(Status { received_at: later(9), ..other.clone() }) });
    temp.reopen(|_| {});
    assert_eq!(temp.get(id).status.map(|s| (s.incarnation, s.seq)), Some((2, 1)), "a new database of the agent");
}

#[test]
fn what_is_changed_in_the_audit_shows() {
    let mut temp = Temp::new("audit");
    temp.enrolled(1, "web-1");
    let detail = "\u{fffd}".repeat(1000);
    let entry = Entry { actor: Actor::Server, action: "test", subject: "s".into(), detail };
    temp.run(temp.audit(entry, NOW)).unwrap();
    let rows = temp.run(temp.audit_rows(None, 100)).unwrap();
    assert_eq!(rows.iter().map(|row| &*row.action).collect::<Vec<_>>(), ["test", "envoy.enrol", "token.create"]);
    assert_eq!(rows[0].detail.len(), 1023);
    assert_eq!(temp.run(temp.verify_audit()), Ok(Verified::Whole { rows: 3, head: rows[0].hash }));
    let cases = [
        ("UPDATE audit SET detail = 'x' WHERE id = 2", 2),
        ("UPDATE audit SET actor = actor || action, action = '' WHERE id = 1", 1),
        ("DELETE FROM audit WHERE id = 2", 3),
        ("UPDATE audit SET at = at + 1 WHERE id = 3", 3),
    ];
    for (sql, broken) in cases {
        temp.store.close();
        let saved = fs::read(temp.dir.join("vigo.db")).unwrap();
        Connection::open(temp.dir.join("vigo.db")).unwrap().execute_batch(sql).unwrap();
        temp.reopen(|_| {});
        assert_eq!(temp.run(temp.verify_audit()), Ok(Verified::Broken { id: broken }), "{sql}");
        temp.reopen(|dir| fs::write(dir.join("vigo.db"), saved).unwrap());
    }
}

#[test]
fn a_database_of_somebody_else_or_of_a_later_server_is_left_alone() {
    let mut temp = Temp::new("versions");
    temp.store.close();
    let path = temp.dir.join("vigo.db");
    let sql = |text: &str| Connection::open(&path).unwrap().execute_batch(text).unwrap();
    let number =
        |name| Connection::open(&path).unwrap().pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
    let version = number("user_version");
    sql("PRAGMA user_version = 99");
    assert!(matches!(open(&temp.dir), Err(StoreError::Corrupt { .. })), "nobody has noted that version");
    sql("INSERT INTO programs VALUES (99, '7.1.0', 0)");
    let error = open(&temp.dir).unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 99, known, .. } if known == version), "{error}");
    assert!(error.help().is_some_and(|help| help.contains("use vigosrv 7.1.0 or later")), "{error:?}");
    sql("DELETE FROM programs WHERE version = 99");
    sql(&format!("PRAGMA user_version = {version}; PRAGMA application_id = 0"));
    assert!(matches!(open(&temp.dir), Err(StoreError::Foreign { .. })));
    fs::remove_file(&path).unwrap();
    sql("CREATE TABLE letters (a)");
    assert!(matches!(open(&temp.dir), Err(StoreError::Foreign { .. })));
    fs::write(&path, "this is no database, whatever its name says").unwrap();
    assert!(matches!(open(&temp.dir), Err(StoreError::Corrupt { .. })));
    fs::remove_file(&path).unwrap();
    temp.reopen(|_| {});
    temp.store.close();
    assert!(!temp.dir.join("vigo.db-wal").exists(), "a stopped server's database is one file");
    assert_eq!(temp.run(temp.envoys()), Err(StoreError::Closed));
    assert_eq!(temp.run(temp.revoke_token("x".into(), Actor::Server, NOW)), Err(StoreError::Closed));
}

#[test]
fn a_token_is_opened_by_its_own_secret_alone() {
    let temp = Temp::new("token");
    let (text, hash) = make_token().unwrap();
    let new = NewToken { match_glob: "web-*".into(), uses: 2, expires_at: later(60), replaces: false };
    let token = temp.run(temp.add_token(&text, hash, new, Actor::Local(0), NOW)).unwrap();
    assert_eq!(temp.run(temp.store.token(text.id().into())).unwrap().as_ref(), Some(&token));
    let opens = |text: &TokenText| is_of(text, &token.hash);
    assert!(opens(&text) && opens(&TokenText::parse(&text.reveal()).unwrap()));
    let shown = text.reveal();
    let other = format!("{}{}", &shown[..shown.len() - 1], if shown.ends_with('0') { '1' } else { '0' });
    assert!(!opens(&TokenText::parse(&other).unwrap()));
    assert!(!opens(&make_token().unwrap().0));
    assert!(!is_of(&text, &decoy().unwrap()) && !is_of(&text, "no hash"));
    let record = token.record().unwrap();
    assert!(record.pattern.matches("web-1") && record.uses_left == 2);
    for shown in [format!("{token:?}"), format!("{:?}", temp.run(temp.audit_rows(None, 9)))] {
        assert!(!shown.contains(text.secret()) && !shown.contains(&token.hash), "{shown}");
    }
    assert_eq!(temp.run(temp.tokens()).unwrap(), [token]);
}

/// Reports until it is killed, and says what was acknowledged.
#[test]
#[ignore = "it is the child of the test below"]
fn a_child_reports_until_it_is_killed() {
    let store = open(std::env::var("VIGO_TEST_STORE").unwrap().as_ref()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        for seq in 1.. {
            send(&store, EnvoyId([1; 16]), report(1, seq, 0), NOW).await.unwrap();
            println!("acknowledged {seq}");
        }
    });
}

#[test]
fn what_was_acknowledged_outlasts_a_kill_and_the_rest_is_whole() {
    let mut temp = Temp::new("kill");
    let id = temp.enrolled(1, "web-1");
    let mut last = 0;
    for round in 0..5 {
        temp.store.close();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "--nocapture", "store::tests::a_child_reports_until_it_is_killed"])
            .env("VIGO_TEST_STORE", &temp.dir)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut taken = 0;
        for line in lines.map_while(Result::ok) {
            if let Some((_, seq)) = line.split_once("acknowledged ") {
                taken = seq.parse().unwrap();
            }
            if taken >= last + 20 + round {
                let _ = child.kill();
            }
        }
        child.wait().unwrap();
        assert!(taken >= last + 20, "round {round}: {taken}");
        temp.reopen(|_| {});
        let highest = temp.get(id).status.unwrap().seq;
        assert!(highest >= taken, "round {round}: {highest} of {taken}");
        let runs = temp.run(temp.runs(RunFilter { limit: 500, ..RunFilter::default() })).unwrap();
        assert_eq!(runs.len() as u64, highest, "round {round}");
        last = highest;
    }
}

#[test]
fn a_clone_is_marked_and_audited_once_and_the_mark_stays() {
    let mut temp = Temp::new("clones");
    let (id, other) = (temp.enrolled(1, "web-1"), temp.enrolled(2, "web-2"));
    let cloned = Cloned { from: ["192.0.2.1".parse().unwrap(), "2001:db8::2".parse().unwrap()], at: NOW };
    let again = Cloned { at: later(9), ..cloned };
    let actions = |temp: &Temp, action: &str| -> Vec<String> {
        let rows = temp.run(temp.audit_rows(None, 100)).unwrap();
        rows.into_iter().filter(|row| row.action == action).map(|row| row.detail).collect()
    };
    for mark in [cloned, again, again] {
        temp.run(temp.mark_cloned(id, mark)).unwrap();
    }
    assert_eq!(actions(&temp, "envoy.cloned"), ["`web-1` runs twice: at 192.0.2.1 and at 2001:db8::2"]);
    temp.reopen(|_| {});
    assert_eq!((temp.get(id).cloned, temp.get(other).cloned), (Some(cloned), None));
    for is_first in [true, false] {
        let dismissed = temp.run(temp.dismiss_clone(id, Actor::Local(0), NOW)).unwrap();
        assert_eq!(dismissed.map(|envoy| envoy.cloned), is_first.then_some(None));
    }
    assert_eq!(actions(&temp, "envoy.dismiss-clone"), ["web-1"]);
    temp.run(temp.mark_cloned(id, again)).unwrap();
    assert_eq!(actions(&temp, "envoy.cloned").len(), 2, "seen again, told again");

    let (text, _) = make_token().unwrap();
    let new = || NewToken { match_glob: "web-1".into(), uses: 1, expires_at: later(60), replaces: false };
    let void = || temp.run(temp.rebootstrap(id, (&text, "hash".into()), new(), Actor::Local(0), NOW)).unwrap();
    let (envoy, token) = void().unwrap();
    assert!(envoy.revoked_at.is_some() && token.id == text.id());
    assert_eq!(void(), None, "it is over");
    temp.run(temp.mark_cloned(id, cloned)).unwrap();
    assert_eq!(actions(&temp, "envoy.cloned").len(), 2, "of one that was revoked nothing is told");
    let old = temp.run(temp.enrol(enrolment(1, "web-1", &token.id), NOW)).unwrap();
    assert_eq!(refused(old), NotAdmitted::Revoked(id));
    let anew = temp.run(temp.enrol(enrolment(3, "web-1", &token.id), NOW)).unwrap();
    assert!(matches!(anew, Enrolled::New { replaced: None, .. }), "{anew:?}");
}

#[test]
fn a_report_that_is_thrown_away_for_another_had_its_number_is_counted() {
    let temp = Temp::new("doubled");
    let id = temp.enrolled(1, "web-1");
    let is_doubled =
        |seq, changed| temp.run(send(&temp, id, report(1, seq, changed), NOW)).unwrap().unwrap().is_doubled;
    assert!(!is_doubled(5, 1));
    assert!(!is_doubled(5, 1), "the same report again");
    assert!(!is_doubled(3, 1), "a number that no report had");
    assert!(is_doubled(5, 2), "another report");
    let cloned = Cloned { from: ["192.0.2.1".parse().unwrap(); 2], at: NOW };
    temp.run(temp.mark_cloned(id, cloned)).unwrap();
    assert!(is_doubled(3, 1), "of one that runs twice it is the other's");
    assert_eq!(temp.get(id).reports_doubled, 2);
    assert_eq!(temp.get(id).status.unwrap().counts.changed, 1, "what was acknowledged stays");
}

#[test]
fn who_rests_and_who_observes_is_on_the_disk() {
    let mut temp = Temp::new("rest");
    let (id, other) = (temp.enrolled(1, "web-1"), temp.enrolled(2, "web-2"));
    for maintenance in [Maintenance::Until(later(60)), Maintenance::Open, Maintenance::No] {
        temp.run(temp.set_maintenance(id, maintenance, Actor::Local(0), NOW)).unwrap().unwrap();
        temp.run(temp.set_observes(id, maintenance == Maintenance::Open, Actor::Local(0), NOW)).unwrap().unwrap();
        temp.reopen(|_| {});
        assert_eq!((temp.get(id).maintenance, temp.get(id).observes), (maintenance, maintenance == Maintenance::Open));
        assert_eq!((temp.get(other).maintenance, temp.get(other).observes), (Maintenance::No, false));
    }
    temp.run(temp.set_maintenance(id, Maintenance::Until(later(60)), Actor::Local(0), NOW)).unwrap();
    let over = temp.run(temp.set_maintenance(id, Maintenance::No, Actor::Local(0), later(61))).unwrap().unwrap();
    assert_eq!(over.maintenance.at(later(61)), Maintenance::No, "it was over");
    temp.run(temp.revoke(id, Actor::Local(0), NOW)).unwrap();
    assert_eq!(temp.run(temp.set_observes(id, true, Actor::Local(0), NOW)).unwrap(), None);
}

#[test]
fn what_became_of_traits_is_kept_for_a_while() {
    let temp = Temp::new("trait-changes");
    let (id, other) = (temp.enrolled(1, "web-1"), temp.enrolled(2, "web-2"));
    let change = |path: &str, n: u32| ChangedTrait {
        path: path.into(),
        before: Some(n.to_string()),
        after: (n.is_multiple_of(2)).then(|| (n + 1).to_string()),
    };
    let set = |id, changes, at| temp.run(temp.set_traits(id, [1; 32], "{}".into(), changes, at)).unwrap();
    set(id, vec![change("os.version", 1), change("os.versions", 2), change("os", 3)], NOW);
    set(other, vec![change("os.version", 9)], NOW);
    let found = |path: Option<&str>, before, limit| -> Vec<(i64, String)> {
        let rows = temp.run(temp.trait_changes(id, path.map(Into::into), before, limit)).unwrap();
        rows.into_iter().map(|row| (row.id, row.change.path)).collect()
    };
    let all = found(None, None, 10);
    assert_eq!(all.iter().map(|row| &*row.1).collect::<Vec<_>>(), ["os", "os.versions", "os.version"]);
    assert_eq!(found(None, Some(all[0].0), 1), [all[1].clone()]);
    assert_eq!(found(Some("os"), None, 10).len(), 3);
    assert_eq!(found(Some("os.version"), None, 10), [all[2].clone()], "a longer name is another");
    let rows = temp.run(temp.trait_changes(id, Some("os.versions".into()), None, 1)).unwrap();
    assert_eq!((rows[0].at, &rows[0].change), (NOW, &change("os.versions", 2)));
    set(id, (0..2500).map(|n| change("disks", n)).collect(), later(60));
    assert_eq!(found(None, None, 5000).len(), 2000, "the oldest have gone");
    assert_eq!(temp.run(temp.prune_trait_changes(later(60))), Ok(1), "the other's");
    assert_eq!(found(None, None, 5000).len(), 2000);
    set(EnvoyId([5; 16]), vec![change("os", 1)], NOW);
    temp.run(temp.delete(id, Actor::Local(0), NOW)).unwrap();
    assert!(found(None, None, 10).is_empty(), "they go with it");
}

/// Returns what a database of a token, a token of the API, an envoy and its order is left with.
fn left(temp: &Temp) -> (u32, usize, Option<String>) {
    let tokens = temp.run(temp.tokens()).unwrap();
    let order = temp.run(temp.push(1)).unwrap().into_iter().next().unwrap();
    let uses = tokens.iter().map(|token| token.uses_left).sum();
    (uses, temp.run(temp.api_tokens()).unwrap().len(), order.answer.map(|answer| answer.outcome))
}

#[test]
fn a_database_that_is_put_back_counts_no_more_however_that_is_known() {
    let mut temp = Temp::new("went-back");
    let id = temp.enrolled(1, "web-1");
    temp.token("*", 2, false);
    let login = |id: &str| ApiToken {
        id: id.into(),
        hash: [1; 32],
        label: "login".into(),
        user: None,
        role: vigo_core::server::Role::Admin,
        expires_at: None,
        created_at: NOW,
        created_by: "ann".into(),
    };
    assert!(temp.run(temp.add_api_token(login("a"), Actor::Server)).unwrap());
    let order = |n| vigo_core::bundle::Order {
        id: vigo_core::bundle::OrderId([n; 16]),
        envoy_id: id,
        kind: "converge".into(),
        body: Vec::new(),
        issued_at: NOW,
        not_after: later(3600),
    };
    temp.run(temp.order(vec![order(1)], String::new(), Actor::Server, NOW)).unwrap();
    temp.store.close();
    let backup = fs::read(temp.dir.join("vigo.db")).unwrap();
    let stamp = fs::read(temp.dir.join("stamp")).unwrap();
    temp.reopen(|_| {});
    assert_eq!((temp.found_back(), left(&temp)), (None, (2, 1, None)), "a start is no restore");
    temp.token("*", 7, false);
    let put_back = |dir: &PathBuf| fs::write(dir.join("vigo.db"), &backup).unwrap();
    let void = (0, 0, Some("void".to_owned()));

    // By hand: the stamp tells.
    temp.reopen(put_back);
    assert_eq!((temp.found_back().unwrap().by, left(&temp)), (WentBackBy::Stamp, void.clone()));
    temp.run(temp.add_api_token(login("b"), Actor::Server)).unwrap();
    temp.reopen(|_| {});
    assert_eq!((temp.found_back(), left(&temp).1), (None, 1), "once; what was made since is good");
    // By a restore, which brings the older keys as well.
    for mark in ["vigo-restored-1 1800000000000 9 1\n", "something else"] {
        temp.reopen(|dir| {
            put_back(dir);
            fs::write(dir.join("stamp"), &stamp).unwrap();
            fs::write(dir.join("restored"), mark).unwrap();
        });
        assert_eq!((temp.found_back().unwrap().by, left(&temp)), (WentBackBy::Mark, void.clone()), "{mark:?}");
        assert!(!temp.dir.join("restored").exists());
    }
    // The disk as a whole: somebody else has to tell, while it runs.
    temp.reopen(|dir| {
        put_back(dir);
        fs::write(dir.join("stamp"), &stamp).unwrap();
    });
    assert_eq!((temp.found_back(), left(&temp)), (None, (2, 1, None)));
    let fresh = ApiToken { created_at: later(9), ..login("c") };
    temp.run(temp.add_api_token(fresh, Actor::Server)).unwrap();
    let went_back = WentBack { by: WentBackBy::Shown(id), from: NOW, to: later(5) };
    let voided = temp.run(temp.went_back(went_back, later(10))).unwrap();
    assert_eq!(voided, Voided { tokens: 1, api_tokens: 1, orders: 1 });
    assert_eq!(left(&temp), (0, 1, Some("void".into())), "what was made since it was opened is good");
    let restores = temp.run(temp.restores()).unwrap();
    let [Restore { how, lost_from, lost_to, reviewed: None, .. }] = &restores[..] else { panic!("{restores:?}") };
    assert_eq!((&**how, *lost_from, *lost_to), ("agent", NOW, later(5)));
    for class in ["a", "b\"", "a"] {
        temp.run(temp.secrets_went_back(class.into())).unwrap();
    }
    assert_eq!(temp.run(temp.restores()).unwrap()[0].older_secrets, ["a", "b\""]);
    assert!(temp.run(temp.review_restores(Actor::Local(7), later(20))).unwrap());
    temp.run(temp.secrets_went_back("c".into())).unwrap();
    assert_eq!(temp.run(temp.restores()).unwrap()[0].older_secrets.len(), 2, "somebody has looked");
    assert!(!temp.run(temp.review_restores(Actor::Local(7), later(21))).unwrap(), "once");
    let reviewed = temp.run(temp.restores()).unwrap()[0].reviewed.clone();
    assert_eq!(reviewed, Some((later(20), "local:7".into())));
    assert!(matches!(temp.run(temp.verify_audit()).unwrap(), Verified::Whole { .. }));
    // There is nothing left of it.
    temp.reopen(|dir| fs::remove_file(dir.join("vigo.db")).unwrap());
    assert_eq!(temp.found_back().unwrap().by, WentBackBy::Stamp);
    assert_eq!(temp.run(temp.restores()).unwrap().len(), 1);
}

#[test]
fn what_never_comes_back_is_taken_from_the_database_when_the_file_went_back() {
    let mut temp = Temp::new("tombstones");
    let [revoked, deleted] = [(1, "web-1"), (2, "web-2")].map(|(key, name)| temp.enrolled(key, name));
    temp.run(temp.revoke(revoked, Actor::Local(0), NOW)).unwrap();
    temp.run(temp.delete(deleted, Actor::Local(0), NOW)).unwrap();
    let file = temp.dir.join("revoked");
    let whole = fs::read_to_string(&file).unwrap();
    for before in ["", whole.lines().find(|line| !line.is_empty()).unwrap()] {
        temp.reopen(|_| fs::write(&file, before).unwrap());
        assert!(temp.is_revoked(revoked) && temp.is_revoked(deleted), "{before:?}");
        let text = fs::read_to_string(&file).unwrap();
        assert!([revoked, deleted].iter().all(|id| text.contains(&id.to_string())), "{text}");
    }
    let same = fs::read_to_string(&file).unwrap();
    temp.reopen(|_| {});
    assert_eq!(fs::read_to_string(&file).unwrap(), same, "nothing is written twice");
}

#[test]
fn the_program_that_made_the_database_what_it_is_stands_in_it() {
    let temp = Temp::new("programs");
    let programs = temp.run(temp.read(|conn| {
        let sql = "SELECT version, program, at, (SELECT user_version FROM pragma_user_version) AS newest FROM programs";
        let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
        Ok(conn.query_row(sql, [], row).unwrap())
    }));
    let (version, program, at, newest): (i64, String, i64, i64) = programs.unwrap();
    assert_eq!((version, &*program, at), (newest, env!("CARGO_PKG_VERSION"), NOW.epoch_ms()));
}

#[test]
fn a_snapshot_under_writers_is_the_database_at_one_moment() {
    let temp = Temp::new("snapshot");
    let is_over = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let writers: Vec<_> = (0..4)
        .map(|writer: u32| {
            let (store, is_over) = (temp.store.clone(), is_over.clone());
            temp.runtime.spawn(async move {
                let mut written = 0_u64;
                while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                    let subject = format!("{writer}-{written}");
                    let entry = Entry { actor: Actor::Server, action: "test", subject, detail: String::new() };
                    store.audit(entry, NOW).await.unwrap();
                    written += 1;
                }
                written
            })
        })
        .collect();
    let mut before = 0;
    for round in 0..5 {
        std::thread::sleep(std::time::Duration::from_millis(100));
        let to = temp.dir.join(format!("copy-{round}"));
        temp.store.snapshot(&to).unwrap();
        assert_eq!(damage(&to).unwrap(), None);
        let facts = Facts::of(&to).unwrap();
        assert!(facts.audit.id > before && facts.schema == SCHEMA, "{facts:?}");
        before = facts.audit.id;
        let rows = temp.run(temp.store.audit_rows(Some(before as i64 + 1), 1)).unwrap();
        assert_eq!(
            (rows[0].id as u64, rows[0].hash),
            (facts.audit.id, facts.audit.hash),
            "a row that was acknowledged"
        );
        let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&to).unwrap().permissions()) & 0o777;
        assert_eq!(mode, 0o600);
        assert!(temp.store.snapshot(&to).is_err(), "nothing is written over");
    }
    is_over.store(true, std::sync::atomic::Ordering::Relaxed);
    let written: u64 = writers.into_iter().map(|writer| temp.run(writer).unwrap()).sum();
    assert!(written >= before);
    fs::write(temp.dir.join("none"), "no database").unwrap();
    assert!(Facts::of(&temp.dir.join("none")).is_err());
}

#[test]
fn a_database_that_is_another_file_after_a_kill_went_back_however_little_it_lacks() {
    // As what copies it every second leaves it: newer than the stamp.
    let copied = |name: &str, is_killed: bool| {
        let mut temp = Temp::new(name);
        temp.enrolled(1, "web-1");
        temp.reopen(|_| {});
        temp.token("*", 2, false);
        let path = temp.dir.join("vigo.db");
        let copy = temp.dir.join("copy.db");
        temp.store.snapshot(&copy).unwrap();
        let stamp = fs::read(temp.dir.join("stamp")).unwrap();
        temp.reopen(|dir| {
            if is_killed {
                fs::write(dir.join("stamp"), stamp).unwrap();
            }
            fs::rename(&copy, &path).unwrap();
        });
        let found = temp.found_back().map(|found| found.by);
        (found, temp.run(temp.tokens()).unwrap().iter().map(|token| token.uses_left).sum::<u32>())
    };
    assert_eq!(copied("other-file", true), (Some(WentBackBy::OtherFile), 0));
    assert_eq!(copied("same-rows", false), (None, 2), "nothing can be missing");
}
