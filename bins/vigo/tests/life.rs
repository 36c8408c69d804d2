//! The life of an agent, as the machine sees it, without a server: what it has, it goes on with.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use vigo_agent::identity::Keys;
use vigo_agent::state::Journal;
use vigo_core::agent::{BundleRecord, Record};
use vigo_core::bundle::{Assignment, Ca, KeySet, KeyState, Maintenance, Signed, SigningKey, TrustedKey, sign};
use vigo_core::config::Config;
use vigo_core::id::EnvoyId;
use vigo_core::resolve::resolve;
use vigo_core::source::{Sources, Tree};
use vigo_core::time::{Duration as Span, Timestamp};
use vigo_core::wire::Message as _;
use vigo_core::wire::message::Report;

const CRATE: &str = "\
name: web
resources:
  - {name: page, type: file, target_path: /page, content: \"hello {{ .Envoy.Hostname }}\\n\"}
";

const ENVOYS: &str = "envoys:\n  - {match: 'web-*', configcrates: [web]}\n";

/// A machine with an image that it converges.
struct Machine(PathBuf);

impl Machine {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("vigo-life-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(dir.join("image")).unwrap();
        Self(dir.canonicalize().unwrap())
    }

    /// Enrols it with a fleet whose server is not there, which had assigned it a policy signed by `key`.
    fn enrolled(name: &str, key: &SigningKey) -> Self {
        let machine = Self::new(name);
        let root = SigningKey::from_bytes(&[1; 32]);
        let trusted = SigningKey::from_bytes(&[2; 32]).verifying_key();
        let set = KeySet {
            version: 1,
            root: root.verifying_key(),
            bundle_keys: vec![TrustedKey { key: trusted, state: KeyState::Active }],
            cas: vec![Ca { certificate: certificate(), state: KeyState::Active }],
        };
        let keyset = set.sign(&root);
        let keys = Keys::load_or_make(&machine.state()).unwrap();
        keys.enrolled(&root.verifying_key(), &keyset, &["127.0.0.1:1".into()], &certificate()).unwrap();
        let tree = Tree::from_texts([("configcrates/web.vgo", CRATE), ("envoys.vgo", ENVOYS)]);
        let sources = Sources::read(&tree);
        let policy = resolve(&Config::read(&sources), "web-1", None).ok().unwrap().bundle;
        let bundle = sign(&policy, key).unwrap();
        let assignment = assignment(EnvoyId::of(&keys.identity.verifying_key()), &bundle).sign(key);
        let (mut journal, _) = Journal::open(&machine.state(), 7).unwrap();
        journal.store(&[Record::Policy { keyset, assignment, bundle: BundleRecord::New(bundle) }]).unwrap();
        machine
    }

    fn state(&self) -> PathBuf {
        self.0.join("state")
    }

    fn vigo(&self, args: &[&str]) -> Command {
        let mut vigo = Command::new(env!("CARGO_BIN_EXE_vigo"));
        vigo.current_dir(&self.0).args(args).args(["--state-dir", "state"]).stdin(Stdio::null());
        vigo.env("NO_COLOR", "1").env_remove("VIGO_TOKEN").env_remove("VIGO_TOKEN_FILE");
        vigo
    }

    fn page(&self) -> Option<String> {
        fs::read_to_string(self.0.join("image/page")).ok()
    }

    fn reports(&self) -> Vec<Report> {
        let (mut journal, opened) = Journal::open(&self.state(), 8).unwrap();
        assert_eq!(opened.counters.incarnation, 7, "the database is the same");
        let read = |(seq, _): &(u64, u64)| Report::decode(&journal.report(*seq).unwrap().unwrap()).unwrap();
        opened.reports.iter().map(read).collect()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn certificate() -> Vec<u8> {
    let key = rcgen::KeyPair::generate().unwrap();
    rcgen::CertificateParams::default().self_signed(&key).unwrap().der().to_vec()
}

fn assignment(envoy_id: EnvoyId, bundle: &Signed) -> Assignment {
    Assignment {
        envoy_id,
        hostname: "web-1".into(),
        environment: String::new(),
        bundle_digest: Some(bundle.digest()),
        observe_only: false,
        maintenance: Maintenance::No,
        max_age: Span::ZERO,
        interval: Span::from_secs(1),
        splay: Span::ZERO,
        serial: 100,
        issued_at: Timestamp::from_epoch_secs(1_795_000_000),
    }
}

fn fleet_key() -> SigningKey {
    SigningKey::from_bytes(&[2; 32])
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

fn wait_for(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Ends a child that a failed test leaves behind.
struct Alive(Child);

impl Alive {
    fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.0), signal).unwrap();
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn once_without_a_server_converges_and_keeps_its_report() {
    let machine = Machine::enrolled("once", &fleet_key());
    let output = machine.vigo(&["run", "--once", "--root", "image"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "no server was reached: {}", said(&output));
    assert_eq!(machine.page().as_deref(), Some("hello web-1\n"), "{}", said(&output));
    let reports = machine.reports();
    assert_eq!(reports.len(), 1);
    assert_eq!((reports[0].seq, reports[0].incarnation, &*reports[0].outcome), (1, 7, "converged"));
    assert_eq!(reports[0].resources[0].id, "web/page");
}

#[test]
fn a_policy_that_the_fleet_did_not_sign_is_not_applied() {
    let machine = Machine::enrolled("unsigned", &SigningKey::from_bytes(&[66; 32]));
    let output = machine.vigo(&["run", "--once", "--root", "image"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(machine.page().is_none() && said(&output).contains("not trusted"), "{}", said(&output));
}

#[test]
fn it_repairs_drift_at_its_interval_until_a_signal_ends_it() {
    let machine = Machine::enrolled("drift", &fleet_key());
    let mut vigo = machine.vigo(&["run", "--root", "image", "--log-level", "warn"]);
    let mut alive = Alive(vigo.stderr(Stdio::null()).spawn().unwrap());
    wait_for("it converges", || machine.page().is_some());
    fs::write(machine.0.join("image/page"), "drift\n").unwrap();
    wait_for("it repairs", || machine.page().as_deref() == Some("hello web-1\n"));
    let second = machine.vigo(&["run", "--root", "image"]).output().unwrap();
    assert_eq!(second.status.code(), Some(2), "{}", said(&second));
    assert!(said(&second).contains("is at work"), "{}", said(&second));
    alive.signal(rustix::process::Signal::USR1);
    alive.signal(rustix::process::Signal::TERM);
    let status = alive.0.wait().unwrap();
    assert!(status.success(), "{status}");
    let reports = machine.reports();
    let numbers: Vec<u64> = reports.iter().map(|r| r.seq).collect();
    assert!(numbers.len() >= 2 && numbers.is_sorted(), "{numbers:?}");
}

#[test]
fn a_database_that_is_damaged_is_put_aside() {
    let machine = Machine::enrolled("damaged", &fleet_key());
    fs::write(machine.state().join("agent.redb"), "no database".repeat(500)).unwrap();
    let output = machine.vigo(&["run", "--once", "--root", "image"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("agent.redb.unusable"), "{}", said(&output));
    assert!(machine.page().is_none(), "its policy was lost with it");
}

#[test]
fn a_damaged_assignment_beside_the_identity_stops_nothing() {
    let machine = Machine::enrolled("floor", &fleet_key());
    let path = machine.state().join("identity/assignment");
    fs::write(&path, "no assignment").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let output = machine.vigo(&["run", "--once", "--root", "image"]).output().unwrap();
    assert_eq!(machine.page().as_deref(), Some("hello web-1\n"), "{}", said(&output));
    assert!(said(&output).contains("identity/assignment` is no assignment"), "{}", said(&output));
}

#[test]
fn a_machine_without_an_identity_of_its_own_does_not_live() {
    let machine = Machine::new("nobody");
    let output = machine.vigo(&["run"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("belongs to no fleet") && said(&output).contains("vigo bootstrap"));
    let machine = Machine::enrolled("readable", &fleet_key());
    let key = machine.state().join("identity/key");
    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    let output = machine.vigo(&["run", "--once"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("has mode 0640, expected 0600"), "{}", said(&output));
}

const ROOT: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

/// Enrols a machine with the fleet of `root_key`, without a service.
fn bootstrap(machine: &Machine, server: &str, root_key: &str) -> Command {
    let to = ["--server", server, "--root-key", root_key, "--ca-sha256", ROOT];
    machine.vigo(&[&["bootstrap", "--no-service"][..], &to].concat())
}

#[test]
fn a_token_is_in_nothing_that_is_said() {
    const TOKEN: &str = "vgt_00112233_hunter2hunter2";
    let machine = Machine::new("token");
    fs::write(machine.0.join("token"), format!("{TOKEN}\n")).unwrap();
    let mut vigo = bootstrap(&machine, "127.0.0.1:1", ROOT);
    let vigo = vigo.args(["--log-level", "trace"]);
    for (name, value) in [("VIGO_TOKEN", TOKEN), ("VIGO_TOKEN_FILE", "token")] {
        let output = vigo.env(name, value).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        assert!(
            said(&output).contains("no server answered") && !said(&output).contains("hunter2"),
            "{}",
            said(&output)
        );
    }
    let output = vigo.env("VIGO_TOKEN_FILE", "nowhere").output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    let output = bootstrap(&machine, "a:1", "d7").output().unwrap();
    assert!(output.status.code() == Some(2) && said(&output).contains("64 hexadecimal digits"), "{}", said(&output));
}

#[test]
fn a_machine_of_one_fleet_is_not_enrolled_in_another() {
    let machine = Machine::enrolled("other-fleet", &fleet_key());
    let mut vigo = bootstrap(&machine, "127.0.0.1:1", ROOT);
    let output = vigo.output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("an envoy of another fleet"), "{}", said(&output));
}
