//! A server that is backed up under load, lost, and comes back in another place: its agents go on.

use crate::whole::{Whole, wait_for};
use serde_json::{Value, json};
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// Runs a verb of `vigosrv backup`, and returns its last line.
fn vigosrv(args: &[&str]) -> (bool, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_vigosrv")).args(args).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let last = text.lines().last().unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    (output.status.success(), serde_json::from_str(last).unwrap())
}

fn rows(server: &Whole, action: &str) -> usize {
    let (mut found, mut before) = (0, i64::MAX);
    loop {
        let rows = server.get(&format!("/audit?limit=1000&before={before}"))["rows"].as_array().unwrap().clone();
        found += rows.iter().filter(|row| row["action"] == action).count();
        match rows.last() {
            Some(last) => before = last["id"].as_i64().unwrap(),
            None => return found,
        }
    }
}

#[test]
fn a_server_comes_back_elsewhere_from_a_backup_that_was_made_under_load() {
    let mut server = Whole::start("backup");
    let machines: Vec<_> = ["web", "db", "mail"].map(|name| server.enrol(name)).into();
    let thrown = server.enrol("thrown");
    machines.iter().for_each(|machine| machine.takes("first"));
    let (status, _) = server.try_api("PUT", "/secrets/db%2Fpassword", &json!({ "value": "hunter2" })).unwrap();
    assert_eq!(status, 200);
    server.post("/envoys/thrown/revoke", &json!({}));

    // While it is made, tokens are made, secrets set, policies published, and machines check in.
    let (is_over, made) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let file = server.path.join("vigo.tar.zst");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                server.post("/tokens", &json!({ "match": "x" }));
                made.fetch_add(1, Ordering::Relaxed);
            }
        });
        scope.spawn(|| {
            let mut round = 0;
            while !is_over.load(Ordering::Relaxed) {
                round += 1;
                server.publish(&format!("round {round}"));
                server.try_api("PUT", "/secrets/load", &json!({ "value": round.to_string() })).unwrap();
            }
        });
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                machines[0].check_in();
            }
        });
        wait_for("there is some load", || made.load(Ordering::Relaxed) > 20);
        let made_before = made.load(Ordering::Relaxed);
        let answer = server.post("/backups", &json!({ "file": file }));
        assert_eq!(answer["envoys"], 4, "{answer}");
        assert_eq!(
            fs::metadata(&file).map(|meta| std::os::unix::fs::PermissionsExt::mode(&meta.permissions())).unwrap()
                & 0o777,
            0o600
        );
        let again = server.try_api("POST", "/backups", &json!({ "file": file })).unwrap();
        assert_eq!((again.0, &again.1["code"]), (409, &json!("exists")));
        let (status, odd) = server.try_api("POST", "/backups", &json!({ "file": "/tmp/x.zip" })).unwrap();
        assert_eq!((status, &odd["code"]), (400, &json!("invalid")));
        is_over.store(true, Ordering::Relaxed);
        assert!(made_before > 20);
    });
    assert!(!server.data().join("run/backup.new").exists(), "nothing lies about");
    let data = server.data().display().to_string();
    let (valid, answer) = vigosrv(&["--data-dir", &data, "backup", "verify", file.to_str().unwrap()]);
    assert!(valid && answer["answer"]["valid"] == true, "{answer}");
    assert_eq!(answer["answer"]["secrets"]["good"], 2, "{answer}");
    server.publish("never backed up");
    let late = server.enrol("late");
    late.takes("never backed up");
    let root_key = server.get("/status")["root_key"].as_str().unwrap().to_owned();
    let (restored, running) = vigosrv(&["--data-dir", &data, "backup", "restore", file.to_str().unwrap(), "--force"]);
    assert!(!restored && running["problem"]["code"] == "running", "{running}");
    server.kill();

    // Another machine, other ports, and the name that agents dial leads there.
    let mut other = Whole::beside("backup-other");
    let target = other.data().display().to_string();
    let restore = ["--data-dir", &target, "backup", "restore", file.to_str().unwrap()];
    let (restored, asked) = vigosrv(&restore);
    assert!(!restored && asked["problem"]["code"] == "unknown-root", "{asked}");
    assert!(!other.data().exists(), "nothing is made where nothing is restored");
    let (restored, answer) = vigosrv(&[&restore[..], &["--expect-root", &root_key]].concat());
    assert!(restored, "{answer}");
    other.configure("");
    other.resume();
    let moved = |machine: &Path| {
        let servers = machine.join("state/identity/servers");
        fs::write(servers, format!("127.0.0.1:{}\n", other.agents)).unwrap();
    };
    let before: Vec<_> = machines.iter().map(|machine| machine.identity("certificate")).collect();
    other.publish("restored");
    for machine in machines.iter().chain([&late]) {
        moved(&machine.path);
        machine.takes("restored");
    }
    let after: Vec<_> = machines.iter().map(|machine| machine.identity("certificate")).collect();
    assert_eq!(before, after, "nobody has enrolled again");
    assert_eq!(rows(&other, "envoy.enrol"), 4, "those of before the backup");
    assert_eq!(rows(&other, "envoy.adopt"), 1, "the one that came after it");
    moved(&thrown.path);
    let ended = thrown.check_in();
    assert!(!ended.in_touch && ended.why.is_some_and(|why| why.contains("revoked")), "who was thrown out stays out");
    let value = other.post("/secrets/db%2Fpassword/reveal", &json!({}));
    assert_eq!(value["value"], "hunter2");
    assert_eq!(other.get("/audit/verify")["whole"], true);
}

#[test]
fn a_backup_of_a_server_that_is_stopped_says_how_far_it_is() {
    let mut server = Whole::start("backup-stopped");
    server.kill();
    let file = server.path.join("vigo.tar.zst");
    let mut command = Command::new(env!("CARGO_BIN_EXE_vigosrv"));
    command.arg("--data-dir").arg(server.data()).args(["offline", "--progress"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let request = json!({ "method": "POST", "path": "/api/v1/backups", "body": { "file": file } });
    child.stdin.take().unwrap().write_all(request.to_string().as_bytes()).unwrap();
    let text = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (answer, told) = lines.split_last().unwrap();
    assert!(answer["status"] == 200 && file.exists(), "{answer}");
    let last = told.last().unwrap_or_else(|| panic!("{text}"));
    assert!(last["total"].as_u64().unwrap() > 0 && last["done"] == last["total"], "{last}");
}
