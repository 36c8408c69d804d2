//! A database that is damaged, or gone: nothing is served, and nothing takes its place by itself.

use crate::whole::{Whole, wait_for};
use serde_json::json;
use std::fs;
use std::path::Path;

/// Overwrites all pages of a database but the first.
fn spoil(database: &Path) {
    let mut bytes = fs::read(database).unwrap();
    bytes[4096..].fill(0x5a);
    fs::write(database, bytes).unwrap();
}

/// Returns the folders in which damaged databases are.
fn aside(server: &Whole) -> Vec<String> {
    let entries = fs::read_dir(server.data().join("db")).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name.starts_with("damaged-"));
    names.sort();
    names
}

#[test]
fn a_damaged_database_is_kept_aside_and_the_way_back_is_printed_until_somebody_goes_it() {
    let mut server = Whole::start("damaged");
    let machine = server.enrol("web");
    machine.takes("first");
    let backup = server.path.join("backup.tar.gz");
    server.post("/backups", &json!({ "file": backup }));
    server.post("/users", &json!({ "name": "ann", "password": "a long password, this", "role": "viewer" }));
    let database = server.data().join("db/vigo.db");

    // A disk breaks while nobody looks.
    server.kill();
    fs::remove_file(server.data().join("db/vigo.db-wal")).unwrap();
    spoil(&database);
    let spoiled = fs::read(&database).unwrap();
    let mut said = Vec::new();
    for _ in 0..3 {
        // As what restarts it always would.
        let (done, text) = server.vigosrv(&[]);
        assert!(!done && text.contains("is damaged"), "{text}");
        for way in ["backup restore FILE --db-only --force", "vigosrv without-database"] {
            assert!(text.contains(way), "{text}");
        }
        said.push(text);
    }
    let kept = aside(&server);
    assert_eq!((kept.len(), database.exists()), (1, false), "{said:?}");
    assert!(fs::read(server.data().join("db").join(&kept[0]).join("vigo.db")).unwrap() == spoiled);
    assert!(said.iter().all(|text| text.contains(&kept[0])), "{said:?}");

    // A backup answers it.
    let (done, text) =
        server.vigosrv(&["backup", "restore", backup.to_str().unwrap(), "--only", "database", "--force"]);
    assert!(done, "{text}");
    server.resume();
    machine.check_in();
    assert_eq!(server.get("/envoys/web")["hostname"], "web");
    assert_eq!(server.get("/users")["users"], json!([]), "what came after the backup is lost");
    assert_eq!(aside(&server), kept);

    // It breaks while it runs; the doctor notices, and somebody is told.
    let heard = server.path.join("heard");
    server.configure(&format!("notify: {{command: [/bin/sh, -c, 'cat >>\"$0\"', '{}']}}\n", heard.display()));
    server.reload();
    server.publish("second");
    wait_for("all is in the one file", || {
        server.kill();
        server.resume();
        fs::metadata(&database).unwrap().len() > 8192
    });
    spoil(&database);
    let _ = server.try_api("GET", "/doctor", &json!({}));
    server.ended();
    assert!(server.log().contains("was put aside"), "{}", server.log());
    assert_eq!((aside(&server).len(), database.exists()), (2, false));
    let heard = fs::read_to_string(&heard).unwrap_or_default();
    assert!(heard.contains("database-damaged") && heard.contains("vigosrv without-database"), "{heard:?}");

    // Who does without says so.
    let (done, text) = server.vigosrv(&["without-database"]);
    assert!(done && text.contains("empty"), "{text}");
    let (done, text) = server.vigosrv(&["without-database"]);
    assert!(!done && text.contains("there is a database"), "{text}");
    server.resume();
    assert_eq!(server.get("/envoys")["envoys"], json!([]));
    wait_for("it is taken up again", || {
        machine.check_in();
        !server.get("/envoys")["envoys"].as_array().unwrap().is_empty()
    });
    machine.takes("second");
    assert_eq!(server.get("/restored")["restores"][0]["how"], "stamp", "that it went back is known");
}

#[test]
fn a_database_that_is_gone_is_missed() {
    let mut server = Whole::start("gone");
    server.kill();
    server.lose_database(None);
    for kept in [false, true] {
        if kept {
            fs::write(server.data().join("db/vigo.db"), "").unwrap();
        }
        let (done, text) = server.vigosrv(&[]);
        assert!(!done && text.contains("is gone") && text.contains("vigosrv without-database"), "{text}");
    }
    server.go_on_without_database();
    server.resume();
    // As one that has a database again, however it came there.
    server.kill();
    let copy = server.copy("copy");
    server.lose_database(None);
    fs::write(server.data().join("db/damaged"), "vigo-damaged-1 1 damaged-then it was\n").unwrap();
    let (done, text) = server.vigosrv(&[]);
    assert!(!done && text.contains("it was") && text.contains("damaged-then"), "{text}");
    server.lose_database(Some(&copy));
    server.resume();
    assert!(!server.data().join("db/damaged").exists());
}
