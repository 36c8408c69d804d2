//! What ails a server is found: each ailment is made, found with what to do, and found no more when that was done.

use crate::whole::{Whole, free_port, wait_for};
use serde_json::{Value, json};
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

/// Returns the finding of a kind, if there is one.
fn finding(found: &Value, code: &str) -> Option<Value> {
    found["findings"].as_array().unwrap().iter().find(|finding| finding["code"] == code).cloned()
}

/// Asserts that something is found, how grave it is, and that it says what it is and what to do.
#[track_caller]
fn finds(found: &Value, code: &str, severity: &str, parts: &[&str]) {
    let finding = finding(found, code).unwrap_or_else(|| panic!("no `{code}` in {found:#}"));
    assert_eq!(finding["severity"], severity, "{finding}");
    assert!(finding["help"][0].as_str().is_some_and(|help| !help.is_empty()), "{finding}");
    for part in parts {
        assert!(finding.to_string().contains(part), "no `{part}` in {finding}");
    }
    assert_eq!(found["well"] == false, errors(found) > 0, "{found}");
}

fn errors(found: &Value) -> usize {
    found["findings"].as_array().unwrap().iter().filter(|finding| finding["severity"] == "error").count()
}

/// Looks at a data directory without its server.
fn offline(data: &Path) -> Value {
    let output =
        Command::new(env!("CARGO_BIN_EXE_vigosrv")).arg("--data-dir").arg(data).arg("doctor").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let answer: Value = serde_json::from_str(text.trim()).unwrap_or_else(|e| panic!("{e}: {text}"));
    assert_eq!(output.status.success(), answer["answer"]["well"] == true, "{answer}");
    answer["answer"].clone()
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_server_that_runs_finds_what_ails_its_machine() {
    let mut server = Whole::start("doctor");
    let doctor = |server: &Whole| server.get("/doctor");
    let found = doctor(&server);
    assert_eq!(errors(&found), 0, "{found:#}");
    finds(&found, "backup-none", "note", &["backup.schedule"]);

    // A key that others may read, a folder in which others may write.
    let key = server.data().join("tls/bundle_key");
    chmod(&key, 0o640);
    finds(&doctor(&server), "mode", "error", &["bundle_key", "chmod go="]);
    chmod(&key, 0o600);
    chmod(&server.data().join("stacks"), 0o777);
    finds(&doctor(&server), "mode", "error", &["stacks", "chmod go-w"]);
    chmod(&server.data().join("stacks"), 0o755);
    assert!(finding(&doctor(&server), "mode").is_none());

    // `server.yaml` was changed, and the server not started again: agents are to be answered elsewhere.
    let yaml = server.data().join("server.yaml");
    let before = fs::read_to_string(&yaml).unwrap();
    let elsewhere = free_port();
    fs::write(&yaml, before.replace(&format!("'127.0.0.1:{}'", server.agents), &format!("'127.0.0.1:{elsewhere}'")))
        .unwrap();
    finds(&doctor(&server), "port-deaf", "error", &["agents answered on", &elsewhere.to_string(), "restart"]);
    fs::write(&yaml, "checkin: {intervall: 1s}\n").unwrap();
    finds(&doctor(&server), "config", "error", &["did you mean `interval`"]);
    fs::write(&yaml, &before).unwrap();
    assert_eq!(errors(&doctor(&server)), 0);

    // Agents are told an address where nobody listens.
    server.kill();
    server.configure_at(&[format!("127.0.0.1:{elsewhere}")], "");
    server.resume();
    finds(&doctor(&server), "address-unreached", "warning", &[&elsewhere.to_string(), "advertise"]);

    // Backups: on the same disk, for everybody to read; then the folder is gone, and they are too old.
    let folder = server.path.join("backups");
    fs::create_dir(&folder).unwrap();
    let keys = format!("backup: {{schedule: '@hourly', directory: '{}'}}\n", folder.display());
    server.restart_with(&keys);
    wait_for("one is verified", || server.get("/backups")["scheduled"]["last_verified_at"].is_string());
    let found = doctor(&server);
    finds(&found, "backup-plain", "warning", &["not encrypted", "encrypt_to"]);
    finds(&found, "backup-beside", "warning", &["both are lost together"]);
    assert!(finding(&found, "backup-none").is_none() && errors(&found) == 0, "{found:#}");
    server.kill();
    fs::remove_dir_all(&folder).unwrap();
    server.resume();
    wait_for("it has failed", || finding(&doctor(&server), "backup-old").is_some());
    finds(&doctor(&server), "backup-old", "error", &["there is no good backup"]);
}

#[test]
fn a_server_that_does_not_run_or_start_is_looked_at_without_it() {
    let mut server = Whole::start("doctor-offline");
    let (status, _) = server.try_api("PUT", "/secrets/db%2Fpassword", &json!({ "value": "hunter2" })).unwrap();
    assert_eq!(status, 200);
    let data = server.data();
    finds(&offline(&data), "running", "note", &["vigocli server doctor"]);
    server.kill();
    let well = offline(&data);
    assert_eq!(errors(&well), 0, "{well:#}");
    assert!(finding(&well, "running").is_none());
    finds(&offline(&server.path.join("nothing")), "no-data-dir", "error", &["--data-dir"]);
    let kept = server.copy("kept");

    // Each of these is one that keeps a server from starting, or from doing what it should.
    type Case<'a> = (&'a str, &'a str, &'a [&'a str], Box<dyn Fn(&Path) + 'a>);
    let port = server.agents;
    let write =
        |name: &'static str, bytes: &'static [u8]| move |data: &Path| fs::write(data.join(name), bytes).unwrap();
    let remove = |name: &'static str| move |data: &Path| fs::remove_file(data.join(name)).unwrap();
    let cases: Vec<Case<'_>> = vec![
        (
            "a typing error",
            "config",
            &["unknown key `sever`", "did you mean `server`"],
            Box::new(write("server.yaml", b"sever: {}")),
        ),
        ("no key set", "keys", &["no server"], Box::new(remove("tls/keyset"))),
        ("no key", "keys", &["bundle_key"], Box::new(remove("tls/bundle_key"))),
        ("another key", "keys", &["ca_key"], Box::new(write("tls/ca_key", b"none"))),
        (
            "a key for all",
            "mode",
            &["bundle_key", "chmod"],
            Box::new(|data| chmod(&data.join("tls/bundle_key"), 0o644)),
        ),
        ("no database", "database-lost", &["--db-only"], Box::new(remove("db/vigo.db"))),
        (
            "no database at all",
            "database-damaged",
            &["--db-only"],
            Box::new(|data| {
                // Its log would bring the pages back.
                for end in ["-wal", "-shm"] {
                    let _ = fs::remove_file(data.join(format!("db/vigo.db{end}")));
                }
                let path = data.join("db/vigo.db");
                let mut bytes = fs::read(&path).unwrap();
                let len = bytes.len();
                bytes[4096..len].iter_mut().for_each(|byte| *byte ^= 0xff);
                fs::write(path, bytes).unwrap();
            }),
        ),
        (
            "no publish",
            "live",
            &[".live", "history"],
            Box::new(|data| {
                fs::remove_file(data.join(".live")).unwrap();
                std::os::unix::fs::symlink("history/77", data.join(".live")).unwrap();
            }),
        ),
        (
            "a newer database",
            "database",
            &["7.1.0"],
            Box::new(|data| {
                let database = rusqlite::Connection::open(data.join("db/vigo.db")).unwrap();
                database.execute("INSERT INTO programs VALUES (99, '7.1.0', 1)", []).unwrap();
                database.pragma_update(None, "user_version", 99).unwrap();
            }),
        ),
        ("no master key", "secrets", &[".master.key"], Box::new(write("secrets/.master.key", b"none"))),
        (
            "another master key",
            "secret-closed",
            &["db/password"],
            Box::new(|data| {
                fs::remove_file(data.join("secrets/.master.key")).unwrap();
            }),
        ),
    ];
    for (name, code, parts, break_it) in cases {
        let data = server.path.join("broken");
        let _ = fs::remove_dir_all(&data);
        let copied = Command::new("/bin/cp").arg("-a").arg(&kept).arg(&data).status().unwrap();
        assert!(copied.success(), "{name}");
        break_it(&data);
        let found = offline(&data);
        assert!(finding(&found, code).is_some(), "{name}: no `{code}` in {found:#}");
        finds(&found, code, "error", parts);
    }
    let data_of_restore = server.path.join("broken");
    fs::write(data_of_restore.join("restore-journal"), "{}").unwrap();
    finds(&offline(&data_of_restore), "restore-open", "note", &["start vigosrv"]);
    let taken = TcpListener::bind(("127.0.0.1", port)).unwrap();
    finds(&offline(&data), "port-taken", "error", &[&port.to_string(), "server.agent_listen"]);
    drop(taken);
    let after = offline(&data);
    assert_eq!(errors(&after), 0, "looking has changed nothing: {after:#}");
    server.resume();
}
