//! A server that makes backups by itself, looks at them, takes old ones away, and tells whoever wants to know.

use crate::whole::{Whole, wait_for};
use serde_json::{Value, json};
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use vigo_core::backup::age::Identity;
use vigo_core::entropy::Entropy;

/// Somebody who is told: what was posted, and what is answered.
struct Listener {
    address: String,
    told: Arc<Mutex<Vec<Value>>>,
    status: Arc<AtomicU16>,
}

impl Listener {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (told, status) = (Arc::<Mutex<Vec<Value>>>::default(), Arc::new(AtomicU16::new(200)));
        let (keep, answer) = (told.clone(), status.clone());
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
                let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
                let body = loop {
                    let read = stream.read(&mut piece).unwrap_or(0);
                    bytes.extend_from_slice(&piece[..read]);
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    let length = text
                        .to_ascii_lowercase()
                        .split("content-length: ")
                        .nth(1)
                        .and_then(|rest| rest.split("\r\n").next()?.parse::<usize>().ok());
                    match (text.split_once("\r\n\r\n"), length) {
                        (Some((head, body)), Some(length)) if body.len() >= length => {
                            assert!(head.starts_with("POST /hook/hunter2 HTTP/1.1"), "{head}");
                            break body.to_owned();
                        }
                        _ if read == 0 => break String::new(),
                        _ => {}
                    }
                };
                let status = answer.load(Ordering::Relaxed);
                if status == 200 {
                    keep.lock().unwrap().push(serde_json::from_str(&body).unwrap());
                }
                let _ = write!(stream, "HTTP/1.1 {status} x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            }
        });
        Self { address, told, status }
    }

    /// Returns what was told, as `event state`.
    fn words(&self) -> Vec<String> {
        let told = self.told.lock().unwrap();
        told.iter()
            .map(|one| format!("{} {}", one["event"].as_str().unwrap(), one["state"].as_str().unwrap()))
            .collect()
    }
}

fn scheduled(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> = entries.filter(|path| path.display().to_string().ends_with(".scheduled.tar.zst")).collect();
    found.sort();
    found
}

/// Changes what is known of the backups, as if it had come so.
fn rewrite(folder: &Path, change: impl FnOnce(&mut Value)) {
    let path = folder.join("backups.json");
    let mut book: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    change(&mut book);
    fs::write(&path, book.to_string()).unwrap();
}

/// Gives a backup the name that it would have if it had been made so many days ago.
fn age(folder: &Path, fleet: &str, year: u32) -> String {
    let newest = scheduled(folder).pop().unwrap();
    let name = format!("vigo-{fleet}-{year}0101T000000Z.scheduled.tar.zst");
    fs::rename(&newest, folder.join(&name)).unwrap();
    let before = newest.file_name().unwrap().to_str().unwrap().to_owned();
    rewrite(folder, |book| {
        let noted = book["backups"].as_object_mut().unwrap().remove(&before).unwrap();
        book["backups"][&name] = noted;
    });
    name
}

#[test]
fn a_server_makes_keeps_verifies_and_notifies_by_itself() {
    let mut server = Whole::start("scheduled");
    let folder = server.path.join("backups");
    let listener = Listener::start();
    let heard = server.path.join("heard");
    let yaml = format!(
        "backup: {{schedule: '@yearly', directory: '{}', keep: 2}}\nnotify:\n  webhook: {{url: 'http://{}/hook/hunter2'}}\n  \
         command: [/bin/sh, -c, 'cat >>\"$0\"; echo >>\"$0\"', '{}']\n",
        folder.display(),
        listener.address,
        heard.display()
    );
    let metric = |server: &Whole, name: &str| -> u64 {
        let text = server.metrics();
        let line = text.lines().find(|line| line.split(' ').next() == Some(name));
        line.unwrap_or_else(|| panic!("{name} in\n{text}")).rsplit(' ').next().unwrap().parse().unwrap()
    };

    // The folder is not there: it says so, and tells, as soon as somebody answers.
    listener.status.store(503, Ordering::Relaxed);
    server.restart_with(&yaml);
    wait_for("it has failed", || server.log().contains("notify.webhook was not told of backup-old"));
    assert!(server.log().contains("the answer is 503") && !server.log().contains("hunter2"), "{}", server.log());
    assert_eq!(metric(&server, "vigo_backup_failed_total"), 1);
    assert_eq!(metric(&server, "vigo_backup_last_good_seconds"), 0);
    assert_eq!(metric(&server, "vigo_alarm{event=\"backup-old\"}"), 1);
    listener.status.store(200, Ordering::Relaxed);
    wait_for("it is told", || listener.words() == ["backup-old raised"]);
    let told = listener.told.lock().unwrap()[0].clone();
    assert!(told["message"].as_str().unwrap().contains("there is no good backup in"), "{told}");
    assert!(told["audit"]["id"].as_u64().unwrap() > 0 && told["help"].as_str().is_some(), "{told}");
    assert!(fs::read_to_string(&heard).unwrap().contains("\"event\":\"backup-old\""));

    // With a folder it is made at once, looked at, and all is well.
    fs::create_dir(&folder).unwrap();
    server.restart_with(&yaml);
    wait_for("it is made and verified", || metric(&server, "vigo_backup_last_verified_seconds") > 0);
    wait_for("that is told", || listener.words() == ["backup-old raised", "backup-old over"]);
    let made = scheduled(&folder);
    assert_eq!(made.len(), 1, "{made:?}");
    assert_eq!(fs::metadata(&made[0]).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(metric(&server, "vigo_backup_last_good_seconds") > 1_700_000_000);
    let listed = server.get("/backups");
    assert_eq!(listed["backups"][0]["scheduled"], true, "{listed}");
    assert!(listed["backups"][0]["verified_at"].is_string() && listed["scheduled"]["next_at"].is_string(), "{listed}");
    let fleet = server.get("/status")["fleet"].as_str().unwrap().to_owned();
    let manual = folder.join(format!("vigo-{fleet}-20200101T000000Z.tar.zst"));
    server.post("/backups", &json!({ "file": manual }));

    // It was made years ago: another is due, and then another; the oldest goes, what somebody has made stays.
    server.kill();
    let first = age(&folder, &fleet, 2021);
    server.resume();
    wait_for("a second one is made", || scheduled(&folder).len() == 2);
    wait_for("it is verified", || metric(&server, "vigo_backup_last_verified_seconds") > 0);
    server.kill();
    let second = age(&folder, &fleet, 2022);
    server.resume();
    wait_for("a third one is made", || !folder.join(&first).exists());
    wait_for("it is verified", || metric(&server, "vigo_backup_last_verified_seconds") > 0);
    let kept = scheduled(&folder);
    assert!(kept.len() == 2 && kept[0].ends_with(&second) && manual.exists(), "{kept:?}");
    assert_eq!(listener.words().len(), 2, "nobody was bothered: {:?}", listener.words());

    // A week later the newest is looked at again; a bit has flipped meanwhile.
    server.kill();
    let newest = kept[1].clone();
    let mut bytes = fs::read(&newest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&newest, bytes).unwrap();
    rewrite(&folder, |book| {
        let noted = &mut book["backups"][newest.file_name().unwrap().to_str().unwrap()];
        noted["verified_at"] = (noted["verified_at"].as_i64().unwrap() - 8 * 86_400_000).into();
    });
    server.resume();
    wait_for("that is told", || listener.words().contains(&"backup-bad raised".into()));
    let told = listener.told.lock().unwrap().last().unwrap().clone();
    assert!(told["message"].as_str().unwrap().contains(newest.file_name().unwrap().to_str().unwrap()), "{told}");
    assert_eq!(metric(&server, "vigo_backup_failed_total"), 1);
    assert_eq!(metric(&server, "vigo_alarm{event=\"backup-bad\"}"), 1);
    let found = server.get("/doctor");
    let found = found["findings"].as_array().unwrap().iter().find(|one| one["code"] == "backup-bad");
    assert!(found.is_some_and(|one| one["severity"] == "error" && one["help"][0].is_string()), "{found:?}");
    let listed = server.get("/backups");
    assert!(listed["scheduled"]["problem"].as_str().is_some() && listed["backups"][0]["bad"].is_string(), "{listed}");

    // What was told is not told again by the next start; another is made as soon as it may be tried, and all is well.
    let count = listener.words().len();
    server.kill();
    rewrite(&folder, |book| book["failed_at"] = 0.into());
    server.resume();
    wait_for("another is made and verified", || listener.words().last().is_some_and(|word| word == "backup-bad over"));
    assert_eq!(
        listener.words().iter().filter(|word| *word == "backup-bad raised").count(),
        1,
        "{:?}",
        listener.words()
    );
    assert!(listener.words().len() <= count + 2, "{:?}", listener.words());
    assert_eq!(metric(&server, "vigo_alarm{event=\"backup-bad\"}"), 0);
    assert!(
        !fs::read_to_string(server.data().join("run/told-webhook.json")).unwrap().contains("backup"),
        "all is over"
    );
}

#[test]
fn encrypted_backups_are_made_looked_at_without_their_key_and_opened_with_it() {
    let mut server = Whole::start("scheduled-age");
    let (folder, key) = (server.path.join("backups"), server.path.join("key"));
    fs::create_dir(&folder).unwrap();
    let identity = Identity::new(Entropy::new([7; 32]));
    fs::write(&key, format!("{}\n", *identity.text())).unwrap();
    let (status, _) = server.try_api("PUT", "/secrets/db%2Fpassword", &json!({ "value": "hunter2" })).unwrap();
    assert_eq!(status, 200);
    let yaml = format!(
        "backup: {{schedule: '@daily', directory: '{}', encrypt_to: [{}]}}\n",
        folder.display(),
        identity.recipient()
    );
    server.restart_with(&yaml);
    wait_for("it is made, and verified while it was", || {
        server.get("/backups")["backups"][0]["verified_at"].is_string()
    });
    let listed = server.get("/backups");
    let file = PathBuf::from(listed["backups"][0]["file"].as_str().unwrap());
    assert!(listed["backups"][0]["encrypted"] == true && file.to_str().unwrap().ends_with(".scheduled.tar.zst.age"));
    assert!(fs::read(&file).unwrap().starts_with(b"age-encryption.org/v1\n-> X25519 "));
    let codes = server.get("/doctor");
    let codes: Vec<_> = codes["findings"].as_array().unwrap().iter().map(|f| f["code"].as_str().unwrap()).collect();
    assert!(!codes.contains(&"backup-plain") && codes.contains(&"backup-beside"), "{codes:?}");
    let names: Vec<_> = fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(names.iter().filter(|name| name.starts_with('.')).count(), 0, "nothing lies about: {names:?}");
    assert!(!server.data().join("run/backup.look").exists());

    // A week later the server looks at it, without a key, and again when a bit has flipped.
    let name = file.file_name().unwrap().to_str().unwrap().to_owned();
    let week = |book: &mut Value| {
        let at = &mut book["backups"][&name]["verified_at"];
        *at = (at.as_i64().unwrap() - 8 * 86_400_000).into();
    };
    server.kill();
    rewrite(&folder, week);
    let before = fs::read(folder.join("backups.json")).unwrap();
    server.resume();
    wait_for("it is looked at", || server.log().contains("was looked at, and is good"));
    assert_ne!(fs::read(folder.join("backups.json")).unwrap(), before);
    server.kill();
    let whole = fs::read(&file).unwrap();
    let mut bytes = whole.clone();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&file, bytes).unwrap();
    rewrite(&folder, week);
    server.resume();
    wait_for("it is bad", || server.get("/backups")["backups"][0]["bad"].is_string());
    server.kill();
    fs::write(&file, whole).unwrap();

    // Whoever has the key comes back from it.
    let target = server.path.join("restored");
    let restore = |identity: Option<&Path>| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_vigosrv"));
        command.arg("--data-dir").arg(&target).args(["backup", "restore"]).arg(&file);
        command.arg("--expect-root").arg(server.data().join("tls/root"));
        let identity = identity.map(|path| [Path::new("--identity"), path]);
        command.args(identity.iter().flatten()).output().unwrap()
    };
    let refused = String::from_utf8(restore(None).stdout).unwrap();
    assert!(refused.contains("\"locked\"") && refused.contains("--identity") && !target.exists(), "{refused}");
    let done = restore(Some(&key));
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
    assert_eq!(
        fs::read(target.join("tls/bundle_key")).unwrap(),
        fs::read(server.data().join("tls/bundle_key")).unwrap()
    );
}

#[test]
fn a_backup_that_fails_is_told_of_before_the_last_good_one_is_too_old() {
    let mut server = Whole::start("scheduled-fails");
    let folder = server.path.join("backups");
    fs::create_dir(&folder).unwrap();
    let yaml = |keep| format!("backup: {{schedule: '@daily', directory: '{}', keep: {keep}}}\n", folder.display());
    server.restart_with(&yaml(2));
    wait_for("one is verified", || server.get("/backups")["scheduled"]["last_verified_at"].is_string());
    let codes = |server: &Whole| -> Vec<String> {
        let found = server.get("/doctor");
        found["findings"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap().to_owned()).collect()
    };
    assert!(!codes(&server).contains(&"backup-failed".into()));
    // It is of a day ago, and no other can be laid beside.
    let fleet = server.get("/status")["fleet"].as_str().unwrap().to_owned();
    let newest = scheduled(&folder).pop().unwrap();
    let before = newest.file_name().unwrap().to_str().unwrap().to_owned();
    let made = vigo_core::backup::scheduled_at(&before, &fleet).unwrap();
    let name = vigo_core::backup::scheduled_name(&fleet, made - vigo_core::time::Duration::from_secs(25 * 3600), false);
    fs::write(server.data().join("run/backup.new"), "in the way").unwrap();
    fs::rename(&newest, folder.join(&name)).unwrap();
    rewrite(&folder, |book| {
        let noted = book["backups"].as_object_mut().unwrap().remove(&before).unwrap();
        book["backups"][&name] = noted;
    });
    server.configure(&yaml(3));
    server.reload();
    wait_for("it has failed", || codes(&server).contains(&"backup-failed".into()));
    let listed = server.get("/backups");
    assert!(listed["scheduled"]["problem"].as_str().unwrap().contains("backup.new"), "{listed}");
    assert!(!codes(&server).contains(&"backup-old".into()) && server.log().contains("tried again in 5m"));
    // What is in the way goes, and whoever has mended it wants to see that: the file is read again.
    fs::remove_file(server.data().join("run/backup.new")).unwrap();
    rewrite(&folder, |book| book["failed_at"] = 0.into());
    server.configure(&yaml(2));
    server.reload();
    wait_for("all is well", || !codes(&server).contains(&"backup-failed".into()));
    assert_eq!(scheduled(&folder).len(), 2);
    fs::remove_dir_all(&folder).unwrap();
}
