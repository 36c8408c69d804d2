//! The program itself, against a server of this process.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use vigo_core::bundle::{Maintenance, Order, SigningKey};
use vigo_core::fleet;
use vigo_core::id::EnvoyId;
use vigo_core::server::{AdmittedBy, Adoption, Trusted, Waiting, Waits, WentBack, WentBackBy};
use vigo_core::time::{Duration, Timestamp};
use vigo_core::wire::Message as _;
use vigo_core::wire::message::{Counts, Report, ResourceReport};
use vigosrv::agents::Agents;
use vigosrv::api::{self, About, Context, Load, Running};
use vigosrv::backup::{Backups, Places};
use vigosrv::data_dir::{DataDir, Keys};
use vigosrv::keyring::Keyring;
use vigosrv::publish::{Published, Publisher};
use vigosrv::store::{Enrolment, Seen, Store};
use vigosrv::vault::Vault;

const NOW: Timestamp = Timestamp::from_epoch_secs(1_800_000_000);

struct Told(Mutex<Vec<fleet::Envoy>>, Mutex<BTreeMap<Arc<str>, Vec<Arc<str>>>>, Mutex<Arc<Keys>>, Mutex<Waiting>);

impl Running for Told {
    fn now(&self) -> Timestamp {
        NOW
    }

    fn clock(&self) -> Timestamp {
        NOW
    }

    fn servers(&self) -> Vec<String> {
        vec!["vigo.example:1530".into()]
    }

    fn trusted(&self) -> Vec<Trusted> {
        Vec::new()
    }

    fn envoy(&self, id: EnvoyId) -> Option<fleet::Envoy> {
        self.0.lock().unwrap().iter().find(|envoy| envoy.id == id).cloned()
    }

    fn revoked(&self, _: EnvoyId) {}

    fn is_current(&self, _: EnvoyId) -> bool {
        false
    }

    fn renamed(&self, _: EnvoyId, _: &str) {}

    fn rests(&self, _: EnvoyId, _: Maintenance, _: bool) -> bool {
        false
    }

    fn dismissed_clone(&self, _: EnvoyId) {}

    fn orders(&self, _: EnvoyId) -> usize {
        0
    }

    fn ordered(&self, _: Vec<Order>) -> usize {
        0
    }

    fn words(&self) -> BTreeMap<String, u64> {
        BTreeMap::new()
    }

    fn load(&self) -> Load {
        Load::default()
    }

    fn serial(&self) -> u64 {
        1_799_999_999_000
    }

    fn keys(&self) -> Arc<Keys> {
        self.2.lock().unwrap().clone()
    }

    fn behind(&self, version: u64) -> Vec<Arc<str>> {
        let envoys = self.0.lock().unwrap();
        envoys.iter().filter(|envoy| envoy.keyset < version).map(|envoy| envoy.hostname.clone()).collect()
    }

    fn rekeyed(&self, keys: Arc<Keys>, _: Option<&Published>) {
        *self.2.lock().unwrap() = keys;
    }

    fn published(&self, _: &Published) {}

    fn waiting(&self) -> Vec<Waits> {
        self.3.lock().unwrap().all(NOW)
    }

    fn admit_waiting(&self, by: &str) -> Vec<Waits> {
        self.3.lock().unwrap().admit_all(by, NOW)
    }

    fn secrets_changed(&self) {}

    fn secret_uses(&self) -> BTreeMap<Arc<str>, Vec<Arc<str>>> {
        self.1.lock().unwrap().clone()
    }
}

/// A server on a data directory of its own.
struct Server {
    path: PathBuf,
    runtime: Runtime,
    store: Store,
    told: Arc<Told>,
    end: watch::Sender<bool>,
    https: SocketAddr,
    pin: String,
}

impl Server {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("vigocli-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        let dir = DataDir::serve(&path).unwrap();
        let database = path.join("db/vigo.db");
        let keys = Arc::new(Keys::open(&dir, &database, &[], NOW).unwrap());
        let store = Store::open(&database, &dir.revoked(), NOW).unwrap();
        let (publisher, _) = Publisher::open(dir.root(), keys.bundle.clone(), 0).unwrap();
        let told = Arc::new(Told(Mutex::default(), Mutex::default(), Mutex::new(keys.clone()), Mutex::default()));
        let about = About {
            fleet: keys.keyset.fleet(),
            root_key: keys.root_public(),
            https_pin: keys.https_pin().unwrap(),
            https: "vigo.example:8443".into(),
            token_ttl: Duration::from_secs(60),
            data_dir: path.clone(),
            database: database.clone(),
            metrics_public: false,
            replicates: false,
            started_at: NOW,
        };
        let publisher = Arc::new(tokio::sync::Mutex::new(publisher));
        let agents = Arc::new(Agents::open(dir.root(), &keys.keyset, keys.bundle.clone()).unwrap());
        let running = told.clone();
        let keyring =
            Keyring::new(dir.tls(), Vec::new(), store.clone(), publisher.clone(), agents.clone(), running.clone());
        let context = Context {
            store: store.clone(),
            publisher,
            agents,
            vault: Vault::open(&dir, &vigosrv::config::Secrets::default()).unwrap(),
            vault_turn: Arc::default(),
            envoy_turn: Arc::default(),
            auth: api::Auth::default(),
            running,
            keyring,
            backups: Backups::new(Places::of(&dir, &vigosrv::config::Config::default(), "localhost")),
            alarms: vigosrv::notify::Alarms::new(),
            about: Arc::new(about),
        };
        let (end, ended) = watch::channel(false);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let socket = dir.socket();
        let pin = keys.https_pin().unwrap();
        let (tls, changed) = watch::channel(api::tls_config(&keys.server).unwrap());
        let people = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let https = people.local_addr().unwrap();
        runtime.spawn(api::serve_https(people, changed, api::public(context.clone()), ended.clone()));
        runtime.spawn(async move {
            let (_dir, _tls) = (dir, tls);
            api::serve_socket(&socket, api::local(context), ended).await.unwrap();
        });
        let server = Self { path, runtime, store, told, end, https, pin };
        while !server.path.join("run/admin.sock").exists() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        server
    }

    fn https(&self) -> String {
        format!("https://{}", self.https)
    }

    /// Ends it, and leaves its directory.
    fn stop(self) {
        self.end.send_replace(true);
        self.store.close();
        while DataDir::open(&self.path).is_err() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        // Its directory goes with it otherwise.
        std::mem::forget(self);
    }

    fn enrol(&self, key: u8, hostname: &str) -> EnvoyId {
        let key = SigningKey::from_bytes(&[key; 32]).verifying_key();
        let id = EnvoyId::of(&key);
        let seen = Seen {
            last_seen: NOW,
            remote: "192.0.2.1".into(),
            // What a hostile machine would have the administrator's terminal do.
            agent_version: "\u{1b}[2J".into(),
            machine: vec![],
            contact: 0,
            keyset: 1,
            queued: 0,
        };
        let admitted = AdmittedBy::Trusted { pattern: "*".into() };
        let enrolment = Enrolment { id, identity_key: key.to_bytes(), hostname: hostname.into(), admitted, seen };
        self.runtime.block_on(self.store.enrol(enrolment, NOW)).unwrap();
        let mut envoy = fleet::Envoy::new(id, key, hostname.into());
        envoy.last_seen = NOW;
        envoy.cadence = Duration::from_secs(60);
        self.told.0.lock().unwrap().push(envoy);
        id
    }

    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        vigocli(&self.path, arguments)
    }

    /// Runs it with this on standard input.
    fn pipe(&self, input: &str, arguments: &[&str]) -> (i32, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vigocli"));
        command.arg("--data-dir").arg(&self.path).args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        feed(&mut child, input);
        let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
        (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
    }

    fn stacks(&self, path: &str, text: &str) {
        let path = self.path.join("stacks").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end.send_replace(true);
        self.store.close();
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Gives it this on standard input; it may end before it has read all of it.
fn feed(child: &mut Child, input: &str) {
    match child.stdin.take().unwrap().write_all(input.as_bytes()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => (),
        result => result.unwrap(),
    }
}

fn vigocli(data_dir: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vigocli"));
    // A proxy in the environment is not asked for what is on this machine.
    command.env("VIGO_DATA_DIR", data_dir).env("http_proxy", "http://192.0.2.1:1").args(arguments);
    let Output { status, stdout, stderr } = command.output().unwrap();
    (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn a_token_is_made_listed_and_revoked() {
    let server = Server::new("tokens");
    let (status, out, err) = server.run(&["tokens", "create", "--match", "web-*", "--ttl", "2h"]);
    assert_eq!((status, &*err), (0, ""), "{out}");
    let token = out.lines().next().unwrap();
    assert!(out.contains(&format!("/bootstrap | sudo VIGO_TOKEN={token} sh\n")), "{out}");
    assert!(out.contains(&format!("sudo VIGO_TOKEN={token} vigo bootstrap --server vigo.example:1530 --root-key ")));
    let id = token.split('_').nth(1).unwrap();
    let (_, list, _) = server.run(&["tokens", "list"]);
    let row = list.lines().nth(1).unwrap();
    assert!(row.starts_with(id) && row.contains("web-*") && row.contains("good"), "{list}");
    assert_eq!(server.run(&["tokens", "revoke", id]).0, 0);
    let (status, out, err) = server.run(&["tokens", "revoke", id]);
    assert_eq!((status, &*out), (1, ""));
    assert_eq!(err, format!("error: there is no token `{id}`\n  = help: see `vigocli tokens list`\n"));
    let (status, out, _) = server.run(&["--format", "json", "tokens", "create", "--match", "["]);
    assert_eq!(status, 1);
    assert!(out.contains("\"code\": \"invalid\""), "{out}");
}

#[test]
fn agents_are_added_listed_and_removed() {
    let server = Server::new("agents");
    let file = server.path.join("vigo");
    fs::write(&file, "#!/bin/sh\n").unwrap();
    let path = file.to_str().unwrap();
    let (status, _, err) = server.run(&["server", "agents", "add", path]);
    assert!(status == 1 && err.contains("no agent") && err.contains("= help: "), "{err}");
    fs::write(&file, format!("{}1.2.3\n{}", vigo_core::bundle::PROGRAM_MARK, "x".repeat(300_000))).unwrap();
    let (status, _, err) = server.run(&["server", "agents", "add", path]);
    assert!(status == 1 && err.contains("--target"), "{err}");
    let (status, out, err) = server.run(&["server", "agents", "add", path, "--target", "linux-riscv64"]);
    assert_eq!((status, &*err, &*out), (0, "", "Machines of linux-riscv64 are given agent 1.2.3 from now on.\n"));
    let (_, list, _) = server.run(&["server", "agents", "list"]);
    let row = list.lines().nth(1).unwrap();
    assert!(row.starts_with("linux-riscv64") && row.contains("1.2.3"), "{list}");
    assert_eq!(server.run(&["server", "agents", "remove", "linux-riscv64"]).0, 0);
    let (status, _, err) = server.run(&["server", "agents", "remove", "linux-riscv64"]);
    assert!(status == 1 && err.contains("there is no agent for `linux-riscv64`"), "{err}");
    for bad in ["/nowhere", server.path.to_str().unwrap()] {
        let (status, _, err) = server.run(&["server", "agents", "add", bad]);
        assert!(status == 1 && err.starts_with(&format!("error: read `{bad}`: ")), "{err}");
    }
}

#[test]
fn envoys_and_their_runs_are_shown_and_command_no_terminal() {
    let server = Server::new("envoys");
    let id = server.enrol(1, "web-1");
    server.enrol(2, "web-2");
    let resource = ResourceReport {
        id: "web/page".into(),
        type_name: "file".into(),
        outcome: "failed".into(),
        diff: "-a\n+\u{1b}]0;b\n".into(),
        cause: "no space".into(),
        ..ResourceReport::default()
    };
    let counts = Some(Counts { ok: 4, failed: 1, ..Counts::default() });
    let report =
        Report { seq: 1, outcome: "not converged".into(), counts, resources: vec![resource], ..Report::default() };
    server.runtime.block_on(server.store.record(id, &report, report.encode(), NOW)).unwrap();
    let (status, list, _) = server.run(&["nodes"]);
    assert_eq!(server.run(&["envoys", "list"]), (0, list.clone(), String::new()));
    assert_eq!((status, list.lines().count()), (0, 3), "{list}");
    assert!(list.contains("web-1") && list.contains("\\u{1b}[2J") && !list.contains('\u{1b}'), "{list}");
    let (_, show, _) = server.run(&["envoys", "show", "web-1"]);
    assert!(show.contains(&id.to_string()) && show.contains("failed           1\n"), "{show}");
    let (_, runs, _) = server.run(&["runs", "--envoy", "web-1"]);
    let run = runs.lines().nth(1).unwrap().split_whitespace().next().unwrap();
    let (_, shown, _) = server.run(&["runs", "show", run]);
    let expected =
        "      failed web/page (file)\n             -a\n             +\\u{1b}]0;b\n             cause: no space\n";
    assert!(shown.ends_with(expected), "{shown}");
    let (_, json, _) = server.run(&["envoys", "list", "--match", "*-2", "--format", "json"]);
    assert!(json.contains("\"hostname\": \"web-2\"") && !json.contains("web-1"), "{json}");
    let (status, out, _) = server.run(&["envoys", "revoke", "web-2"]);
    assert!(status == 0 && out.starts_with("web-2 (") && out.ends_with(") is revoked.\n"), "{out}");
    assert_eq!(server.run(&["envoys", "show", "web-2"]).0, 1, "the name is free");
}

#[test]
fn policy_is_validated_published_and_rolled_back() {
    let server = Server::new("config");
    assert!(server.run(&["config", "status"]).1.starts_with("Nothing is published.\n"));
    server.stacks(
        "configcrates/motd.vgo",
        "resources:\n  - {name: motd, type: file, target_path: /etc/motd, content: a}\n",
    );
    server.stacks("envoys.vgo", "envoys:\n  - match: '*'\n    configcrates: [modt]\n");
    let (status, out, validated) = server.run(&["config", "validate"]);
    assert_eq!(status, 1, "{out}");
    assert_eq!(out, "The tree is not valid: 1 error in 1 file.\n");
    assert!(validated.contains("--> envoys.vgo:3:20") && validated.contains("did you mean `motd`?"), "{validated}");
    assert!(validated.contains("configcrates: [modt]\n") && validated.contains("^^^^"), "{validated}");
    let (status, _, published) = server.run(&["config", "publish"]);
    assert_eq!(status, 1);
    assert_eq!(published, format!("{validated}error: the configuration is invalid\n"));
    server.stacks("envoys.vgo", "envoys:\n  - match: '*'\n    configcrates: [motd]\n");
    let (status, out, err) = server.run(&["config", "validate"]);
    assert_eq!((status, &*out, &*err), (0, "The tree is valid.\n", ""));
    let (status, out, err) = server.run(&["config", "publish"]);
    assert_eq!((status, &*out, &*err), (0, "Published as 1: 1 class.\n", ""));
    assert_eq!(server.run(&["config", "rollback", "1"]).1, "Published as 2: 1 class.\n");
    let (_, history, _) = server.run(&["config", "history"]);
    let first_words: Vec<_> = history.lines().map(|line| line.split_whitespace().next().unwrap()).collect();
    assert_eq!(first_words, ["PUBLISH", "2", "1"], "{history}");
    let (_, status, _) = server.run(&["config", "status"]);
    assert!(status.starts_with("Publish 2, 2027-01-15T08:00:00Z by local:"), "{status}");
    server.stacks(
        "configcrates/motd.vgo",
        "resources:\n  - {name: motd, type: file, target_path: /etc/motd, content: b}\n",
    );
    let (code, diff, _) = server.run(&["config", "diff"]);
    let expected =
        "~ resource motd/motd (file) in envoys.vgo#1\n    content:\n      - a\n      + b\nIt concerns no machine.\n";
    assert_eq!((code, &*diff), (0, expected));
    let (_, frozen, _) = server.run(&["config", "freeze", "--for", "1h", "--reason", "sale"]);
    assert!(frozen.starts_with("Publishing is frozen by local:") && frozen.ends_with(": sale.\n"), "{frozen}");
    let (code, _, refused) = server.run(&["config", "publish"]);
    assert!(code == 1 && refused.contains("sale") && refused.contains("vigocli config unfreeze"), "{refused}");
    let (_, status, _) = server.run(&["config", "status"]);
    assert!(status.contains("The stacks differ in 1 file: configcrates/motd.vgo.\nPublishing is frozen"), "{status}");
    assert_eq!(server.run(&["config", "unfreeze"]).0, 0);
    assert_eq!(server.run(&["config", "unfreeze"]).0, 1);
    let (_, yaml, _) = server.run(&["config", "server.yaml"]);
    assert!(yaml.contains("\nserver:\n") && yaml.contains("\n  interval: 5m\n"), "{yaml}");
    let (_, status, _) = server.run(&["server", "status"]);
    assert!(status.contains("publish        2\n") && status.contains("envoys         0\n"), "{status}");
}

#[test]
fn what_is_known_of_machines_is_asked() {
    let server = Server::new("traits");
    let id = server.enrol(1, "web-1");
    let traits = "{\"os\":{\"family\":\"debian\",\"name\":\"\\u001b[2J\"}}";
    server.runtime.block_on(server.store.set_traits(id, [1; 32], traits.into(), Vec::new(), NOW)).unwrap();
    let (_, shown, _) = server.run(&["traits", "show", "web-1"]);
    assert_eq!(shown, "os.family = debian\nos.name = \\u{1b}[2J\n");
    let (_, found, _) = server.run(&["traits", "query", "os.family = \"debian\""]);
    assert_eq!(found, "web-1  os.family = debian\n");
    let (code, _, err) = server.run(&["traits", "query", "os.family ="]);
    assert!(code == 1 && err.contains("character 12: expected a value"), "{err}");
    let (_, yaml, _) = server.run(&["traits", "query", "hostname", "--format", "yaml"]);
    assert!(yaml.starts_with("envoys:\n- id: ") && yaml.contains("hostname: web-1\n"), "{yaml}");
    let (_, added, _) = server.run(&["trusted", "add", "--match", "*", "--from", "any"]);
    assert_eq!(added, "Pattern 1 admits `*` from `any`.\n");
    assert!(server.run(&["trusted", "list"]).1.lines().nth(1).unwrap().starts_with('1'));
    assert_eq!(server.run(&["trusted", "remove", "1"]).0, 0);
    let (_, renamed, _) = server.run(&["envoys", "rename", "web-1", "www"]);
    assert!(renamed.contains(" is www now"), "{renamed}");
    assert_eq!(server.run(&["envoys", "delete", "www"]).1, format!("www ({id}) is deleted.\n"));
    assert_eq!(server.run(&["nodes", "--limit", "0"]).0, 2);
    let (code, _, err) = server.run(&["nodes", "--status", "convergd"]);
    assert!(code == 1 && err.contains("did you mean `converged`?"), "{err}");
    let (_, audit, _) = server.run(&["audit", "list", "--limit", "1"]);
    assert!(audit.contains("envoy.delete"), "{audit}");
    let (code, whole, _) = server.run(&["audit", "verify"]);
    assert!(code == 0 && whole.starts_with("All "), "{whole}");
}

#[test]
fn two_runs_are_compared() {
    let server = Server::new("runs");
    let id = server.enrol(1, "web-1");
    let resource = |id: &str, outcome: &str| ResourceReport {
        id: id.into(),
        outcome: outcome.into(),
        ..ResourceReport::default()
    };
    for (seq, resources) in [
        (1, vec![resource("a/x", "changed"), resource("a/y", "failed")]),
        (2, vec![resource("a/x", "changed"), resource("a/y", "changed")]),
    ] {
        let report = Report { seq, outcome: "converged".into(), resources, ..Report::default() };
        server.runtime.block_on(server.store.record(id, &report, report.encode(), NOW)).unwrap().unwrap();
    }
    let (code, diff, _) = server.run(&["runs", "diff", "1", "2"]);
    assert!(code == 0 && diff.ends_with("a/y\n  - failed\n  + changed\n") && !diff.contains("a/x"), "{diff}");
    assert!(server.run(&["runs", "diff", "1", "1"]).1.ends_with("The same came out of both.\n"));
}

#[test]
fn an_answer_that_never_comes_is_no_answer() {
    use std::io::Read as _;
    let path = std::env::temp_dir().join(format!("vigocli-{}-broken", std::process::id()));
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(path.join("run")).unwrap();
    let listener = std::os::unix::net::UnixListener::bind(path.join("run/admin.sock")).unwrap();
    // As a server that is killed while it publishes.
    let killed = std::thread::spawn(move || {
        for _ in 0..2 {
            let mut byte = [0; 1];
            listener.accept().unwrap().0.read_exact(&mut byte).unwrap();
        }
    });
    let (code, _, err) = vigocli(&path, &["config", "publish"]);
    assert!(code == 3 && err.contains("whether it was done is not known") && err.contains("config history"), "{err}");
    let (code, _, err) = vigocli(&path, &["config", "history"]);
    assert!(code == 3 && err.contains("no vigosrv answers"), "{err}");
    killed.join().unwrap();
    let _ = fs::remove_dir_all(&path);
}

#[test]
fn keys_are_shown_and_rotated_with_the_root_which_may_be_kept_elsewhere() {
    let server = Server::new("keys");
    server.enrol(1, "web-1");
    let (status, shown, _) = server.run(&["keys", "show"]);
    assert!(status == 0 && shown.contains("key set, version     1\n") && !shown.contains("announced"), "{shown}");
    assert!(shown.contains("  on the server's machine\n"), "{shown}");
    let (status, out, err) = server.run(&["keys", "rotate", "bundle"]);
    let announced = "Version 2 of the key set announces the new key. It is used when the agents know it (1 are yet to \
                     come): see `vigocli keys show`.\n";
    assert_eq!((status, &*out), (0, announced), "{err}");
    let (_, shown, _) = server.run(&["keys", "show"]);
    assert!(shown.ends_with("\nA new bundle key is announced; 1 agents are yet to take it.\n  web-1\n"), "{shown}");
    let (status, _, err) = server.run(&["keys", "rotate", "ca"]);
    assert_eq!(status, 1);
    assert!(
        err.starts_with("error: the bundle key is being rotated already\n  = help: see `vigocli keys show`"),
        "{err}"
    );
    let used = "Version 3 of the key set: the new key is used, the one before is retired.\n";
    assert_eq!(server.run(&["keys", "rotate", "bundle", "--force"]).1, used);

    let kit = server.path.join("kit");
    let file = kit.to_str().unwrap();
    let (status, out, err) = server.run(&["keys", "export-root", file, "--remove"]);
    assert!(status == 0 && out.contains("It is on the server's machine no more."), "{out}{err}");
    let key = fs::read_to_string(&kit).unwrap();
    assert!(key.starts_with("vigo-ed25519-key-1 ") && !out.contains(&key[19..40]));
    assert_eq!(std::os::unix::fs::MetadataExt::mode(&fs::metadata(&kit).unwrap()) & 0o7777, 0o600);
    assert!(!server.path.join("tls/root_key").exists());
    let (status, _, err) = server.run(&["keys", "export-root", file]);
    assert!(status == 1 && err.starts_with("error: make `") && err.contains("not there yet"), "{err}");
    assert_eq!(fs::read_to_string(&kit).unwrap(), key, "it is not written over");
    let (status, _, err) = server.run(&["keys", "rotate", "ca", "--force"]);
    let expected = "error: the fleet's root key is not on this machine\n  = help: name the file that `vigocli keys \
                    export-root` wrote with `--root-key FILE`\n";
    assert_eq!((status, &*err), (1, expected));
    let other = server.path.join("other");
    fs::write(&other, format!("vigo-ed25519-key-1 {}\n", "07".repeat(32))).unwrap();
    let rotate = |root: &Path| server.run(&["keys", "rotate", "ca", "--force", "--root-key", root.to_str().unwrap()]);
    let (status, _, err) = rotate(&other);
    assert!(status == 1 && err.starts_with("error: expected the root key of fleet `"), "{err}");
    assert!(!err.contains("0707"), "{err}");
    let (status, out, err) = rotate(&kit);
    assert_eq!((status, &*out), (0, &*used.replace('3', "5")), "{err}");
    let (_, shown, _) = server.run(&["keys", "show"]);
    assert!(shown.contains("not on the server's machine") && shown.matches("retired").count() == 2, "{shown}");
    let audit = server.runtime.block_on(server.store.audit_rows(None, 9)).unwrap();
    let told: Vec<_> = audit.iter().rev().map(|row| (&*row.action, &*row.subject)).skip(1).collect();
    let expected = [
        ("keys.rotate", "bundle key"),
        ("keys.switch", "bundle key"),
        ("keys.export-root", &*server.told.keys().keyset.fleet()),
        ("keys.remove-root", &*server.told.keys().keyset.fleet()),
        ("keys.rotate", "authority"),
        ("keys.switch", "authority"),
    ];
    assert_eq!(told, expected);
}

#[test]
fn from_elsewhere_the_key_is_pinned_and_the_role_decides() {
    let server = Server::new("https");
    let address = server.https();
    let home = server.path.join("home");
    let elsewhere = |arguments: &[&str], input: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vigocli"));
        command.env_clear().env("HOME", &home).env("USER", "ann").args(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        feed(&mut child, input);
        let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
        (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
    };
    let users = ["users", "add", "ann", "--role", "viewer"];
    let socket = server.path.join("run/admin.sock");
    let local = ["--socket", socket.to_str().unwrap()];
    let (code, added, err) = elsewhere(&[&local[..], &users].concat(), "correct horse battery\n");
    assert_eq!((code, &*added), (0, "ann is a user, with role viewer.\n"), "{err}");
    // Nobody is at the terminal who could say that the key is right.
    let (code, _, err) = elsewhere(&["login", &address], "correct horse battery\n");
    assert!(code == 2 && err.contains("--pin sha256//"), "{err}");
    let pin = server.pin.as_str();
    let other = format!("sha256//{}", "A".repeat(43) + "=");
    let (code, _, err) = elsewhere(&["login", &address, "--pin", &other], "correct horse battery\n");
    assert!(code == 3 && err.contains("another key") && err.contains(pin), "{err}");
    let (code, _, err) = elsewhere(&["login", &address, "--pin", pin], "a wrong password\n");
    assert!(code == 3 && err.contains("the name or the password is wrong"), "{err}");
    let (code, out, err) = elsewhere(&["login", &address, "--pin", pin], "correct horse battery\n");
    assert!(code == 0 && out.starts_with(&format!("ann is logged in to {address} as viewer, until ")), "{out}{err}");
    use std::os::unix::fs::PermissionsExt as _;
    let file = fs::metadata(home.join(".config/vigo/login.json")).unwrap();
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
    // From here on the login is what is asked with.
    let (code, out, err) = elsewhere(&["auth", "whoami"], "");
    assert_eq!((code, &*out), (0, "user:ann, with role viewer\n"), "{err}");
    assert_eq!(elsewhere(&["nodes"], "").0, 0);
    let (code, _, err) = elsewhere(&["config", "publish"], "");
    assert!(code == 3 && err.contains("permission `publish`") && err.contains("role `operator`"), "{err}");
    let (code, out, err) = elsewhere(&["logout"], "");
    assert!(code == 0 && out.starts_with("ann is logged out of "), "{out}{err}");
    assert!(!home.join(".config/vigo/login.json").exists());
    let (_, made, _) = server.run(&["auth", "token", "create", "ci", "--role", "operator"]);
    let file = server.path.join("token");
    fs::write(&file, made.lines().next().unwrap()).unwrap();
    let with = ["--server", &address, "--pin", pin, "--token-file", file.to_str().unwrap(), "auth", "whoami"];
    let (code, out, err) = elsewhere(&with, "");
    assert!(code == 0 && out.starts_with("token:") && out.ends_with("with role operator\n"), "{out}{err}");
}

#[test]
fn what_a_stopped_server_is_asked_its_program_answers() {
    let program = Path::new(env!("CARGO_BIN_EXE_vigocli")).with_file_name("vigosrv");
    assert!(program.exists(), "the server's program of the same build is asked: `cargo build -p vigosrv` makes it");
    let server = Server::new("offline");
    server.stacks("envoys.vgo", "envoys:\n  - {match: '*', configcrates: []}\n");
    let path = server.path.clone();
    let (code, made, _) = server.run(&["tokens", "create", "--match", "web-*"]);
    assert_eq!(code, 0, "{made}");
    server.stop();
    let (code, published, err) = vigocli(&path, &["config", "publish"]);
    assert_eq!((code, &*published), (0, "Published as 1: 1 class.\n"), "{err}");
    assert!(err.starts_with("note: vigosrv does not run; this was answered from `"), "{err}");
    let (code, tokens, _) = vigocli(&path, &["tokens", "list"]);
    assert!(code == 0 && tokens.contains("web-*"), "{tokens}");
    let (code, _, err) = vigocli(&path, &["config", "rollback", "9"]);
    assert!(code == 1 && err.contains("publish 9 is not in the history"), "{err}");
    let dir = DataDir::serve(&path).unwrap();
    let since = Instant::now();
    let ends = thread::spawn(move || {
        thread::sleep(std::time::Duration::from_secs(1));
        drop(dir);
    });
    let (code, tokens, err) = vigocli(&path, &["tokens", "list"]);
    assert!(code == 0 && tokens.contains("web-*"), "a server that does not listen yet is waited for: {err}");
    assert!(since.elapsed() >= std::time::Duration::from_secs(1), "and not disturbed");
    ends.join().unwrap();
    let _ = fs::remove_dir_all(&path);
}

#[test]
fn a_server_is_backed_up_looked_at_and_restored_elsewhere() {
    let server = Server::new("backup");
    server.stacks("envoys.vgo", "envoys:\n  - {match: '*', configcrates: []}\n");
    let path = server.path.clone();
    let beside = |name: &str| path.with_file_name(format!("{}-{name}", path.file_name().unwrap().to_str().unwrap()));
    let (file, target) = (beside("x.tar.gz"), beside("target"));
    let (_, _, _) = (fs::remove_file(&file), fs::remove_dir_all(&target), server.run(&["config", "publish"]));
    let (name, place) = (file.to_str().unwrap(), target.to_str().unwrap());
    let (code, out, err) = server.run(&["backup", "create", name]);
    assert!(code == 0 && out.contains("publish 1, 0 envoys"), "{out}{err}");
    let (code, _, err) = server.run(&["backup", "create", name]);
    assert!(code == 1 && err.contains("is there already") && err.contains("= help: "), "{err}");
    let (code, _, err) = server.run(&["backup", "create", "/tmp/x.zip"]);
    assert!(code == 1 && err.contains(".tar.zst"), "{err}");
    let (_, made, _) = server.run(&["auth", "token", "create", "ci", "--role", "admin"]);
    let token = server.path.join("token");
    fs::write(&token, made.lines().next().unwrap()).unwrap();
    let elsewhere = ["--server", &server.https(), "--pin", &server.pin, "--token-file", token.to_str().unwrap()];
    let mut command = Command::new(env!("CARGO_BIN_EXE_vigocli"));
    let output = command.args(elsewhere).args(["backup", "create", "/tmp/x.tar.gz"]).env_clear();
    let output = output.env("HOME", &server.path).output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(3) && err.contains("on the server's machine only"), "{err}");

    let (code, out, err) = server.run(&["backup", "verify", name]);
    assert!(code == 0 && out.contains("Every file is as it was signed"), "{out}{err}");
    assert!(!err.contains('\r'), "no progress where there is no terminal: {err}");
    let (code, out, _) = vigocli(&target, &["backup", "verify", name, "--format", "json"]);
    assert!(code == 1 && out.contains("\"code\": \"unknown-root\""), "{out}");
    let root = path.join("tls/root");
    let expect = ["--expect-root", root.to_str().unwrap()];
    let restore = [&["backup", "restore", name, "--target", place], &expect[..]].concat();
    let (code, out, err) = server.run(&[&restore[..], &["--dry-run"]].concat());
    assert!(code == 0 && out.contains("Nothing was changed") && !target.exists(), "{out}{err}");
    let (code, out, err) = server.run(&restore);
    assert!(code == 0 && out.contains("Restored to "), "{out}{err}");
    let (code, _, err) = server.run(&restore);
    assert!(code == 1 && err.contains("is there already") && err.contains("--force"), "{err}");
    let (code, out, _) =
        server.run(&[&restore[..], &["--only", "stacks,blobs", "--force", "--format", "json"]].concat());
    assert!(code == 0 && out.contains("\"stacks\"") && out.contains("restore.old"), "{out}");
    assert_eq!(server.run(&["backup", "restore", name, "--only", "stack"]).0, 2);
    let (code, _, err) = server.run(&["backup", "restore", name, "--force"]);
    assert!(code == 1 && err.contains("is at work in") && err.contains("stop vigosrv"), "{err}");
    let (code, out, err) = vigocli(&target, &["config", "history"]);
    assert!(code == 0 && out.contains("local:"), "{out}{err}");

    let folder = beside("list");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir(&folder).unwrap();
    fs::rename(&file, folder.join("a.tar.gz")).unwrap();
    fs::write(folder.join("b.tar.zst"), "x").unwrap();
    let (code, out, err) = server.run(&["backup", "list", folder.to_str().unwrap()]);
    assert!(code == 0 && out.contains("a.tar.gz") && out.contains("cannot be read"), "{out}{err}");
    // A stopped server is backed up by its program.
    server.stop();
    let again = folder.join("c.tar.zst");
    let (code, out, err) = vigocli(&path, &["backup", "create", again.to_str().unwrap(), "--without-blobs"]);
    assert!(code == 0 && err.starts_with("note: vigosrv does not run") && out.contains("publish 1"), "{out}{err}");
    let (code, out, err) = vigocli(&path, &["backup", "restore", again.to_str().unwrap(), "--db-only", "--force"]);
    assert!(code == 0 && out.contains("Restored to ") && out.contains("note: what happened after"), "{out}{err}");
    [&path, &target, &folder].into_iter().for_each(|path| drop(fs::remove_dir_all(path)));
}

#[test]
fn without_a_server_it_says_so() {
    let nowhere = std::env::temp_dir().join(format!("vigocli-{}-nowhere", std::process::id()));
    let (status, out, err) = vigocli(&nowhere, &["envoys", "list"]);
    assert_eq!((status, &*out), (3, ""));
    assert!(err.starts_with("error: no vigosrv answers at `") && err.contains("--data-dir"), "{err}");
    let (status, out, _) = vigocli(&nowhere, &["envoys", "list", "--format", "json"]);
    assert!(status == 3 && out.contains("\"code\": \"client\""), "{out}");
    assert_eq!(vigocli(&nowhere, &["tokens"]).0, 2);
    assert_eq!(vigocli(&nowhere, &["nodes", "--revoked", "show", "web-1"]).0, 2);
    assert_eq!(vigocli(&nowhere, &["config", "validate"]).0, 1);
}

#[test]
fn secrets_are_set_from_standard_input_and_shown_only_on_demand() {
    let server = Server::new("secrets");
    server.told.1.lock().unwrap().insert("db/pw".into(), vec!["envoys.vgo#1".into()]);
    let (status, out, err) = server.pipe("hunter2\n", &["secrets", "set", "db/pw"]);
    assert_eq!((status, &*err), (0, ""));
    assert_eq!(out, "Secret db/pw is set; the envoys of 1 class apply it at their next check-in.\n");
    assert_eq!(server.pipe("hunter2", &["secrets", "set", "db/pw"]).1, "Secret db/pw has this value already.\n");
    let (_, out, _) = server.pipe("key\n", &["secrets", "set", "tls/key", "--exact"]);
    assert_eq!(out, "Secret tls/key is set; no policy that is published refers to it.\n");
    let (_, list, _) = server.run(&["secrets", "list"]);
    let lines: Vec<Vec<&str>> = list.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!((lines[1][0], lines[1][1], lines[1][3]), ("db/pw", "used", "envoys.vgo#1"), "{list}");
    assert_eq!((lines[2][0], lines[2][1]), ("tls/key", "unused"), "{list}");
    let (_, shown, _) = server.run(&["secrets", "get", "db/pw"]);
    assert!(shown.contains("db/pw") && !shown.contains("hunter2"), "{shown}");
    assert_eq!(server.run(&["secrets", "get", "db/pw", "--reveal"]).1, "hunter2\n");
    assert!(server.run(&["secrets", "get", "tls/key", "--reveal", "--format", "json"]).1.contains("\"key\\n\""));
    assert_eq!(server.run(&["secrets", "rotate", "db/pw", "--generate", "32"]).0, 0);
    let made = server.run(&["secrets", "get", "db/pw", "--reveal"]).1;
    assert!(made.len() == 33 && made != server.run(&["secrets", "get", "tls/key", "--reveal"]).1, "{made}");
    assert!(server.run(&["secrets", "rekey"]).1.starts_with("2 secrets are sealed by the new master key ("));
    assert_eq!(server.run(&["secrets", "verify"]).1, "2 secrets can be opened.\n");
    assert_eq!(server.run(&["secrets", "get", "db/pw", "--reveal"]).1, made);
    fs::write(server.path.join("secrets/tls+key"), "garbage").unwrap();
    let (status, out, _) = server.run(&["secrets", "verify"]);
    assert!(status == 1 && out.contains("secret `tls/key`: the record"), "{out}");
    let (_, out, _) = server.run(&["secrets", "delete", "db/pw"]);
    assert_eq!(out, "Secret db/pw is gone.\nPolicy still refers to it: what uses it will be skipped.\n");
    for (arguments, expected) in [
        (&["secrets", "get", "db/pw"][..], "error: there is no secret `db/pw`"),
        (&["secrets", "delete", "db/pw"], "error: there is no secret `db/pw`"),
        (&["secrets", "rotate", "db/pw"], "error: there is no secret `db/pw`"),
        (&["secrets", "set", "../x"], "error: `../x` is no path of a secret"),
        (&["secrets", "rotate", "x", "--generate", "8"], "error: --generate: expected 16 to 1024, found 8"),
    ] {
        let (status, out, err) = server.pipe("v", arguments);
        assert!(matches!(status, 1 | 2) && out.is_empty() && err.starts_with(expected), "{arguments:?}: {err}");
        assert!(err.contains("= help: "), "{err}");
    }
    let long = "x".repeat((64 << 10) + 2);
    let (status, _, err) = server.pipe(&long, &["secrets", "set", "db/pw"]);
    assert!(status == 2 && err.contains("more than 65536 bytes"), "{err}");
    let rows = server.runtime.block_on(server.store.audit_rows(None, 100)).unwrap();
    let actions: Vec<_> = rows.iter().rev().map(|row| (row.action.as_str(), row.subject.as_str())).collect();
    let expected = [
        ("secret.set", "db/pw"),
        ("secret.set", "tls/key"),
        ("secret.reveal", "db/pw"),
        ("secret.reveal", "tls/key"),
        ("secret.rotate", "db/pw"),
        ("secret.reveal", "db/pw"),
        ("secret.reveal", "tls/key"),
        ("secret.rekey", ""),
        ("secret.reveal", "db/pw"),
        ("secret.delete", "db/pw"),
    ];
    assert_eq!(actions, expected);
    assert!(!rows.iter().any(|row| format!("{row:?}").contains("hunter2")));
}

#[test]
fn a_lost_master_key_is_replaced_and_what_is_lost_is_listed() {
    let server = Server::new("lost-key");
    let path = server.path.clone();
    for secret in ["db/pw", "tls/key"] {
        assert_eq!(server.pipe("hunter2", &["secrets", "set", secret]).0, 0);
    }
    let (status, out, err) = server.run(&["secrets", "init", "--new-key"]);
    assert!(status == 1 && out.is_empty() && err.contains("is not lost: 2 of 2 secrets are sealed by it"), "{err}");
    assert!(err.contains("secrets rekey"), "{err}");
    server.stop();
    fs::remove_file(path.join("secrets/.master.key")).unwrap();
    let (status, _, err) = vigocli(&path, &["secrets", "init"]);
    assert!(
        status != 0 && err.contains("is missing, and 2 secrets") && err.contains("secrets init --new-key"),
        "{err}"
    );
    let (status, out, err) = vigocli(&path, &["secrets", "init", "--new-key"]);
    assert!(status == 0 && out.starts_with("There is a new master key, `"), "{out}{err}");
    assert!(out.contains("\n2 secrets are lost with the one before."), "{out}");
    assert!(out.ends_with(":\n  vigocli secrets set db/pw\n  vigocli secrets set tls/key\n"), "{out}");
    let (_, list, _) = vigocli(&path, &["secrets", "list"]);
    let lines: Vec<Vec<&str>> = list.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!((&lines[1][..2], &lines[2][..2]), (&["db/pw", "lost"][..], &["tls/key", "lost"][..]), "{list}");
    let (status, _, err) = vigocli(&path, &["secrets", "get", "db/pw", "--reveal"]);
    assert!(status != 0 && err.contains("set it again: `vigocli secrets set db/pw`"), "{err}");
    // What is kept of it is in the backup, too.
    let file = path.with_extension("tar.gz");
    let _ = fs::remove_file(&file);
    let (status, out, err) = vigocli(&path, &["backup", "create", file.to_str().unwrap()]);
    assert!(status == 0 && !format!("{out}{err}").contains("left out"), "{out}{err}");
    let target = path.with_extension("target");
    let _ = fs::remove_dir_all(&target);
    let root = path.join("tls/root");
    let to = ["--target", target.to_str().unwrap(), "--expect-root", root.to_str().unwrap()];
    let (status, out, err) = vigocli(&path, &[&["backup", "restore", file.to_str().unwrap()], &to[..]].concat());
    assert_eq!(status, 0, "{out}{err}");
    assert!(target.join("secrets/.lost/db+pw").exists(), "{out}{err}");
    let _ = (fs::remove_file(&file), fs::remove_dir_all(&target), fs::remove_dir_all(&path));
}

#[test]
fn machines_that_wait_are_listed_and_let_in_all_at_once() {
    let server = Server::new("waiting");
    let (status, out, _) = server.run(&["envoys", "rebootstrap", "--all"]);
    assert_eq!((status, &*out), (0, "Nobody waits.\n"));
    for (n, hostname) in [(1, "web-2"), (2, "web-1")] {
        let key = SigningKey::from_bytes(&[n; 32]).verifying_key();
        let adoption = Adoption { id: EnvoyId::of(&key), key, hostname: hostname.into() };
        server.told.3.lock().unwrap().heard(adoption, "192.0.2.1".parse().unwrap(), NOW);
    }
    let (status, out, err) = server.run(&["envoys", "list", "--waiting"]);
    let lines: Vec<Vec<&str>> = out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(
        (status, lines.len(), lines[1][0], lines[1][2], lines[2][0]),
        (0, 3, "web-1", "192.0.2.1", "web-2"),
        "{err}"
    );
    let (_, out, _) = server.run(&["server", "doctor"]);
    assert!(out.contains("warning[envoys-waiting]: ") && out.contains("2 machines (`web-1`, `web-2`)"), "{out}");
    let (status, out, err) = server.run(&["envoys", "rebootstrap", "--all"]);
    assert!(status == 0 && out.starts_with("2 machines are let in with their next check-in"), "{out}{err}");
    assert!(out.contains("local:") && out.contains("web-2"), "{out}");
    assert_eq!(server.run(&["envoys", "rebootstrap", "--all"]).1, "Nobody waits.\n");
    assert!(!server.run(&["server", "doctor"]).1.contains("envoys-waiting"), "it was decided");
    for wrong in [&["envoys", "rebootstrap"][..], &["envoys", "rebootstrap", "web-1", "--all"]] {
        assert_eq!(server.run(wrong).0, 2, "{wrong:?}");
    }
    let rows = server.runtime.block_on(server.store.audit_rows(None, 100)).unwrap();
    let row = rows.iter().find(|row| row.action == "envoys.rebootstrap-all").unwrap();
    assert!(row.detail.starts_with("2 machines that wait are let in"), "{row:?}");
}

#[test]
fn what_ails_the_server_is_told_with_what_to_do() {
    let server = Server::new("doctor");
    // Nobody listens for this one.
    let yaml = "server: {agent_listen: '127.0.0.1:0', api_listen: '127.0.0.1:0'}\n";
    fs::write(server.path.join("server.yaml"), yaml).unwrap();
    let (status, out, err) = server.run(&["server", "doctor"]);
    assert_eq!((status, &*err), (0, ""), "warnings are no failure: {out}");
    for expected in [
        "warning[not-published]: nothing is published: no envoy manages anything",
        "warning[no-agent]: there is no agent to give to new machines",
        "help: add one: `vigocli server agents add FILE`",
        "note[root-key-here]: the root key lies on this machine",
    ] {
        assert!(out.contains(expected), "{expected}: {out}");
    }
    server.stacks("envoys.vgo", "envoys:\n  - {match: '*', configcrates: []}\n");
    server.told.1.lock().unwrap().insert("not/set".into(), vec!["envoys.vgo#1".into()]);
    assert_eq!(server.run(&["config", "publish"]).0, 0);
    assert_eq!(server.run(&["trusted", "add", "--match", "lab-*", "--from", "any"]).0, 0);
    assert_eq!(server.pipe("v", &["secrets", "set", "tls/key"]).0, 0);
    fs::write(server.path.join("secrets/tls+key"), "garbage").unwrap();
    let (status, out, _) = server.run(&["server", "doctor"]);
    assert_eq!(status, 1, "{out}");
    assert!(out.starts_with("error[secret-closed]: secret `tls/key` cannot be opened"), "the gravest first: {out}");
    assert!(out.contains("refers to secret `not/set`") && out.contains("a name like `lab-*`"), "{out}");
    assert!(!out.contains("not-published"), "{out}");
    let (_, json, _) = server.run(&["--format", "json", "server", "doctor"]);
    assert!(json.contains("\"code\": \"secret-closed\"") && json.contains("\"well\": false"), "{json}");
}

#[test]
fn what_a_restored_database_has_lost_is_told_until_somebody_has_looked() {
    let server = Server::new("restored");
    assert_eq!(server.run(&["server", "restored"]), (0, "The database never went back.\n".into(), String::new()));
    let id = EnvoyId([3; 16]);
    let went_back = WentBack { by: WentBackBy::Shown(id), from: NOW, to: NOW + Duration::from_secs(3600) };
    assert_eq!(server.run(&["tokens", "create", "--match", "web-*", "--uses", "2"]).0, 0);
    server.runtime.block_on(server.store.went_back(went_back, NOW)).unwrap();
    let key = SigningKey::from_bytes(&[9; 32]).verifying_key();
    let adoption = Adoption { id: EnvoyId::of(&key), key, hostname: "lost".into() };
    let seen = Seen {
        last_seen: NOW,
        remote: "192.0.2.1".into(),
        agent_version: String::new(),
        machine: vec![],
        contact: 0,
        keyset: 1,
        queued: 0,
    };
    server.runtime.block_on(server.store.adopt(adoption, None, seen, NOW)).unwrap().unwrap();
    let (status, out, err) = server.run(&["server", "restored"]);
    assert_eq!((status, &*err), (0, ""), "{out}");
    for expected in [
        "envoy 03030303-0303-0303-0303-030303030303 has an assignment that it does not remember",
        "  lost      what was done from 2027-01-15T08:00:00Z to 2027-01-15T09:00:00Z\n",
        // It was made after the database was opened.
        "  void      tokens: 0; tokens of the API and logins: 0; orders: 0\n",
        "  reviewed  no\n",
        "Envoys that were not in it and are taken up again: 1; see `vigocli envoys list --adopted`\n",
        "then run `vigocli server restored --reviewed`:\n  users: who was added",
    ] {
        assert!(out.contains(expected), "{expected}: {out}");
    }
    let told = |words: &[&str]| server.run(words).1;
    assert!(told(&["server", "status"]).contains("is lost; see `vigocli server restored`\n"));
    let doctor = told(&["server", "doctor"]);
    assert!(doctor.contains("warning[restored]") && doctor.contains("warning[envoys-adopted]"), "{doctor}");
    server.enrol(1, "web-1");
    let listed = told(&["envoys", "list", "--adopted"]);
    assert!(listed.contains("lost") && listed.contains(", adopted ") && !listed.contains("web-1"), "{listed}");
    assert!(told(&["envoys", "show", "lost"]).contains("the database had lost it"));
    let (status, out, _) = server.run(&["server", "restored", "--reviewed"]);
    assert!(status == 0 && out.contains(" by local:") && !out.contains("--reviewed"), "{out}");
    let all = [told(&["server", "status"]), told(&["server", "doctor"]), told(&["envoys", "list"])].concat();
    assert!(!all.contains("restored") && !all.contains("adopted"), "{all}");
}
