//! Databases of every version that was released: each has a fixture, and is brought up to date.

use super::*;
use rusqlite::types::Value;
use std::path::Path;

/// Returns the text of the fixture of a version: `.dump` of a database of it, behind its two numbers. Who adds a version adds
/// one, with a row in every table, and never changes it.
pub(super) fn fixture(version: u32) -> String {
    // walks fixtures/schema/
    let path = format!("{}/tests/fixtures/schema/{version}.sql", env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("version {version} needs a fixture, `{path}`: {error}"))
}

/// Makes a database of a text.
pub(super) fn make(path: &Path, text: &str) {
    Connection::open(path).unwrap().execute_batch(text).unwrap();
}

/// Returns the tables with the names of their columns.
pub(super) fn tables(conn: &Connection) -> Vec<(String, Vec<String>)> {
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND substr(name, 1, 7) <> 'sqlite_' ORDER BY name";
    let mut names = conn.prepare(sql).unwrap();
    let names = names.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let columns = |table: &str| {
        let mut columns = conn.prepare("SELECT name FROM pragma_table_info(?)").unwrap();
        columns.query_map([table], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    };
    names.map(Result::unwrap).map(|table| (table.clone(), columns(&table))).collect()
}

/// Returns the rows of a table: these columns.
pub(super) fn rows(conn: &Connection, table: &str, columns: &[String]) -> rusqlite::Result<Vec<Vec<Value>>> {
    let names: Vec<_> = columns.iter().map(|name| format!("\"{name}\"")).collect();
    let mut statement = conn.prepare(&format!("SELECT {} FROM {table} NOT INDEXED", names.join(", ")))?;
    let row = |row: &rusqlite::Row<'_>| (0..columns.len()).map(|at| row.get(at)).collect();
    statement.query_map([], row)?.collect()
}

#[test]
fn a_database_of_every_version_is_brought_up_to_date_and_keeps_its_rows() {
    for version in 1..=SCHEMA {
        let mut temp = Temp::new(&format!("upgrade-{version}"));
        temp.store.close();
        let (path, before) = (temp.dir.join("vigo.db"), temp.dir.join("before.db"));
        fs::remove_file(&path).unwrap();
        fs::remove_file(temp.dir.join("opened")).unwrap();
        for path in [&path, &before] {
            make(path, &fixture(version));
        }
        temp.store = open(&temp.dir).unwrap();
        assert_eq!(temp.run(temp.check()), Ok(vec![]), "{version}");
        assert!(matches!(temp.run(temp.verify_audit()), Ok(Verified::Whole { rows: 2, .. })), "{version}");
        let envoys = temp.run(temp.envoys()).unwrap();
        assert_eq!(envoys.iter().filter(|envoy| envoy.revoked_at.is_some()).count(), 1, "{version}");
        let runs = temp.run(temp.runs(RunFilter { limit: 9, ..RunFilter::default() })).unwrap();
        let run = temp.run(temp.store.run(runs[0].id)).unwrap().unwrap();
        assert_eq!((runs.len(), &*run.report.outcome, run.report.seq), (1, "degraded", 3), "{version}");
        let again = temp.run(send(&temp, EnvoyId([1; 16]), run.report, NOW)).unwrap().unwrap();
        assert_eq!((again.seq, again.is_doubled), (3, false), "{version}: it is counted once");
        assert!(temp.run(temp.traits(EnvoyId([1; 16]))).unwrap().is_some(), "{version}");
        temp.enrolled(7, "new");
        temp.store.close();
        let (old, new) = (Connection::open(&before).unwrap(), Connection::open(&path).unwrap());
        for (table, columns) in tables(&old) {
            let was = rows(&old, &table, &columns).unwrap();
            assert!(!was.is_empty(), "the fixture of version {version} has no row in `{table}`");
            let is = rows(&new, &table, &columns).unwrap();
            for row in was {
                assert!(is.contains(&row), "{version}: {table}: {row:?} became one of {is:?}");
            }
        }
        let noted = rows(&new, "programs", &["version".into(), "program".into()]).unwrap();
        let last = [Value::Integer(SCHEMA.into()), Value::Text(env!("CARGO_PKG_VERSION").into())];
        assert_eq!(noted.last().map(|row| &row[..]), Some(&last[..]), "{version}");
        assert_eq!(rows(&new, "tombstones", &["id".into()]).unwrap(), [[Value::Blob(vec![2; 16])]], "{version}");
    }
}

#[test]
fn a_version_that_is_not_what_the_tables_say_is_damage() {
    let cases = [
        ("PRAGMA user_version = 0", "its header says version 0"),
        ("PRAGMA user_version = 1", "its header says version 1"),
        ("PRAGMA user_version = -1", "its header says version -1"),
        ("PRAGMA user_version = 77", "its header says version 77"),
        ("DELETE FROM programs", "its tables none"),
        ("DROP TABLE freeze", "`freeze_whole` is another"),
        ("DROP INDEX runs_received", "its index `runs_received` is another"),
        ("ALTER TABLE users RENAME COLUMN role TO rule", "its index `users_whole` is another"),
    ];
    for (sql, expected) in cases {
        let temp = Temp::new("contradiction");
        temp.store.close();
        Connection::open(temp.dir.join("vigo.db")).unwrap().execute_batch(sql).unwrap();
        let error = open(&temp.dir).unwrap_err();
        assert!(matches!(&error, StoreError::Corrupt { why, .. } if why.contains(expected)), "{sql}: {error}");
    }
    // Others may have tables of their own there.
    let mut temp = Temp::new("strangers");
    let sql =
        "CREATE TABLE _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER); INSERT INTO _litestream_seq VALUES (1, 1)";
    temp.reopen(|dir| Connection::open(dir.join("vigo.db")).unwrap().execute_batch(sql).unwrap());
    assert_eq!(temp.run(temp.check()), Ok(vec![]));
}
