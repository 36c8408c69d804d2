//! Secrets go where they belong and nowhere else: a server and agents that log everything, a policy that uses secrets in
//! every way, and a look into all that they leave behind.

#![cfg(target_os = "linux")]

use crate::whole::{Machine, Whole, wait_for};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Parser as _;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use vigo_agent::cli::Cli;

/// The secrets, and values that stand nowhere else.
const SECRETS: &[(&str, &str)] = &[
    ("canary/file", "Kanarie-file-7Qx"),
    ("canary/template", "Kanarie-template-8Rz"),
    ("canary/shipped", "Kanarie-shipped-2Vb"),
    ("canary/stdin", "Kanarie-stdin-3Wn"),
    ("canary/env", "Kanarie-env-5Tm"),
    ("canary/failing", "Kanarie-failing-9Lp"),
    ("canary/other", "Kanarie-other-1Cs"),
    ("canary/password", "Kanarie-password-4Hd"),
    ("canary/coded", "Kanarie-coded-6Ub"),
    ("canary/handed", "Kanarie-handed-8Me"),
];

/// What the first is rotated to.
const ROTATED: &str = "Kanarie-rotated-0Jf";

/// What somebody sends who does not know how.
const MISTAKEN: &str = "Kanarie-mistaken-6Yk";

const CANARY: &str = r#"
name: canary
vars: {dsn: "pg://app:secret:canary/template@db"}
resources:
  - {name: file, type: file, target_path: DIR/file, content: "a=1\npw=secret:canary/file\n", mode: "0600"}
  - {name: template, type: file, target_path: DIR/template, content: "{{ .Vars.dsn }}\n", mode: "0600"}
  - {name: shipped, type: file, target_path: DIR/shipped, source: templates/shipped, mode: "0600"}
  - name: stdin
    type: exec
    command: [sh, -c, "cat > DIR/stdin; sleep 0.321"]
    stdin: "secret:canary/stdin"
    creates: DIR/stdin
  - name: env
    type: exec
    command: [sh, -c, "echo $PW > DIR/env; echo said $PW; echo $PW >&2; sleep 0.3; exit 3"]
    environment: {PW: "secret:canary/env"}
    creates: DIR/never
  - {name: coded, type: file, target_path: DIR/coded, content: "{{ secret \"canary/coded\" | b64enc }}", mode: "0600"}
  - name: handed
    type: exec
    command: [sh, -c, "cat {{secret_file}} - > DIR/handed; sleep 0.3"]
    secret_file: "file secret:canary/handed"
    creates: DIR/handed
  - {name: failing, type: file, target_path: DIR/file/x, content: "secret:canary/failing"}
"#;

const OTHER: &str = "
name: other
resources:
  - {name: other, type: file, target_path: /other, content: 'secret:canary/other'}
  - {name: user, type: user, username: canary, uid: 4242, manage_home: false, password: 'secret:canary/password'}
";

/// The name of the variable with the arguments of an agent, a line each: then the test is one.
const AGENT: &str = "VIGO_TEST_AGENT";

impl Machine {
    /// Has an agent of its own process live, log everything to `agent.log`, and end where it stands when `is_done`.
    fn lives(&self, root: bool, is_done: impl Fn() -> bool) {
        let log = fs::File::options().create(true).append(true).open(self.path.join("agent.log")).unwrap();
        let state = self.path.join("state").display().to_string();
        let mut arguments = vec!["vigo".into(), "run".into(), "--once".into(), "--state-dir".into(), state];
        arguments.extend(["--log-level".into(), "trace".into()]);
        if root {
            arguments.extend(["--root".into(), self.path.join("root").display().to_string()]);
        }
        let mut agent = Command::new(std::env::current_exe().unwrap());
        agent.args(["--exact", "canary::secrets_are_where_they_belong_and_nowhere_else", "--nocapture"]);
        agent.env(AGENT, arguments.join("\n")).stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let mut agent = agent.spawn().unwrap();
        wait_for("the agent has done it", is_done);
        agent.kill().unwrap();
        agent.wait().unwrap();
    }
}

impl Whole {
    /// Has an agent live until it has ended a run and the server, if there is one, has its report.
    fn run(&self, machine: &Machine, root: bool, is_served: bool) {
        let ended = || {
            let log = fs::read_to_string(machine.path.join("agent.log")).unwrap_or_default();
            log.matches("converge").count()
        };
        let reports = || if is_served { self.get("/runs")["runs"].as_array().unwrap().len() } else { usize::MAX };
        let before = (ended(), if is_served { reports() } else { 0 });
        machine.lives(root, || ended() > before.0 && reports() > before.1);
    }

    fn set(&self, path: &str, body: &Value) -> (u16, Value) {
        self.try_api("PUT", &format!("/secrets/{}", path.replace('/', "%2F")), body).unwrap()
    }
}

/// Returns a value in the forms in which it might leak: as it is, in hexadecimal digits, in base64 at any offset.
fn forms(value: &str) -> Vec<Vec<u8>> {
    let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut forms = vec![value.into(), value.to_uppercase().into(), hex.to_uppercase().into(), hex.into()];
    for offset in 0..3 {
        let text = STANDARD.encode([&vec![0; offset], value.as_bytes()].concat());
        // The ends depend on the neighbours.
        forms.push(text.as_bytes()[4..text.len() - 4].to_vec());
    }
    forms
}

/// Returns where a value is, in any form.
fn found<'a>(value: &str, places: &'a [(String, Vec<u8>)]) -> Vec<&'a str> {
    let forms = forms(value);
    places.iter().filter(|(_, bytes)| holds(bytes, &forms)).map(|(place, _)| place.as_str()).collect()
}

fn holds(bytes: &[u8], forms: &[Vec<u8>]) -> bool {
    let mut begins = [false; 256];
    forms.iter().for_each(|form| begins[usize::from(form[0])] = true);
    let mut rest = bytes;
    while let [first, more @ ..] = rest {
        if begins[usize::from(*first)] && forms.iter().any(|form| rest.starts_with(form)) {
            return true;
        }
        rest = more;
    }
    false
}

/// Reads all files below `dir`.
fn files(dir: &Path, into: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let meta = fs::symlink_metadata(&path).unwrap();
        if meta.is_dir() {
            files(&path, into);
        } else if meta.is_file() {
            into.push((path.display().to_string(), fs::read(path).unwrap()));
        }
    }
}

/// Collects the command lines of all programs, until it is told to end.
fn watch(end: &AtomicBool) -> BTreeSet<Vec<u8>> {
    let mut seen = BTreeSet::new();
    while !end.load(Ordering::Relaxed) {
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            seen.extend(fs::read(entry.path().join("cmdline")).ok().filter(|line| !line.is_empty()));
        }
        std::thread::sleep(Duration::from_millis(30));
    }
    seen
}

/// Starts a server that logs everything, with the policy and the secrets.
fn serve(made: &Path) -> Whole {
    let mut server = Whole::start("canary");
    server.kill();
    server.level = "trace";
    server.resume();
    let stacks = server.data().join("stacks");
    let write = |name: &str, text: &str| fs::write(stacks.join(name), text).unwrap();
    fs::create_dir_all(stacks.join("templates")).unwrap();
    fs::create_dir_all(made).unwrap();
    write("configcrates/canary.vgo", &CANARY.replace("DIR", made.to_str().unwrap()));
    write("configcrates/other.vgo", OTHER);
    write("templates/shipped", "{{ secret \"canary/shipped\" | upper }} secret:canary/shipped\n");
    write(
        "envoys.vgo",
        "envoys:\n  - {match: web-1, configcrates: [canary]}\n  - {match: web-2, configcrates: [other]}\n",
    );
    fs::write(made.join("file"), "a=1\npw=by hand\n").unwrap();
    server
}

/// Makes an image of which a user can be made.
pub(crate) fn image(machine: &Machine) {
    let etc = machine.path.join("root/etc");
    fs::create_dir_all(&etc).unwrap();
    fs::write(etc.join("passwd"), "root:x:0:0:root:/root:/bin/sh\n").unwrap();
    fs::write(etc.join("shadow"), "root:*:19000:0:99999:7:::\n").unwrap();
    fs::write(etc.join("group"), "root:x:0:\n").unwrap();
    fs::write(etc.join("gshadow"), "root:*::\n").unwrap();
}

/// Asks the server for all that it tells, and makes each mistake with a value.
fn ask(server: &Whole, said: &mut Vec<(String, Vec<u8>)>) {
    let mut paths: Vec<String> = [
        "/secrets",
        "/secrets/canary%2Ffile",
        "/audit",
        "/audit/verify",
        "/envoys",
        "/publishes",
        "/status",
        "/keys",
        "/config/status",
        "/config/diff",
        "/config/diff?from=1&to=2",
        "/config/server-yaml",
        "/runs",
    ]
    .map(String::from)
    .into();
    for (list, name) in [("/runs", "runs"), ("/envoys", "envoys")] {
        let list_of = server.get(list);
        let ids = list_of[name].as_array().unwrap().iter().map(|one| match &one["id"] {
            Value::String(id) => format!("{list}/{id}"),
            id => format!("{list}/{id}"),
        });
        paths.extend(ids);
    }
    said.extend(paths.into_iter().map(|path| (path.clone(), server.get(&path).to_string().into_bytes())));
    said.push(("verify".into(), server.post("/vault/verify", &json!({})).to_string().into_bytes()));
    for (path, body) in [
        ("canary/", json!({ "value": MISTAKEN })),
        ("canary/unknown", json!({ "value": MISTAKEN, "rotate": true })),
        ("canary/file", json!(MISTAKEN)),
        ("canary/file", json!({ "value": "", "rotate": MISTAKEN })),
        ("canary/file", json!({ "value": MISTAKEN, "more": MISTAKEN })),
    ] {
        let (status, answer) = server.set(path, &body);
        assert!((400..500).contains(&status), "{path}: {status} {answer}");
        said.push((format!("PUT {path} {}", said.len()), answer.to_string().into_bytes()));
    }
}

#[test]
fn secrets_are_where_they_belong_and_nowhere_else() {
    if let Ok(arguments) = std::env::var(AGENT) {
        // What it comes to is seen in what it makes and reports: one resource fails.
        let _ = vigo_agent::cli::run(&Cli::parse_from(arguments.lines()));
        return;
    }
    let made = std::env::temp_dir().join(format!("vigo-canary-{}", std::process::id()));
    let _ = fs::remove_dir_all(&made);
    let read = |name: &str| fs::read_to_string(made.join(name)).unwrap_or_default();
    let mut server = serve(&made);
    let end = Arc::new(AtomicBool::new(false));
    let watching = std::thread::spawn({
        let end = end.clone();
        move || watch(&end)
    });
    for (path, value) in SECRETS {
        assert_eq!(server.set(path, &json!({ "value": value })).0, 200);
    }
    server.post("/publish", &json!({}));
    let (one, two) = (server.enrol("web-1"), server.enrol("web-2"));
    image(&two);
    server.run(&one, false, true);
    server.run(&two, true, true);
    assert_eq!(read("file"), "a=1\npw=Kanarie-file-7Qx\n");
    assert_eq!(read("template"), "pg://app:Kanarie-template-8Rz@db\n");
    assert_eq!(read("shipped"), "KANARIE-SHIPPED-2VB Kanarie-shipped-2Vb\n");
    assert_eq!(read("stdin"), "Kanarie-stdin-3Wn");
    assert_eq!(read("env"), "Kanarie-env-5Tm\n");
    assert_eq!(read("coded"), STANDARD.encode("Kanarie-coded-6Ub"));
    assert_eq!(read("handed"), "file Kanarie-handed-8Me");
    assert_eq!(fs::read_to_string(two.path.join("root/other")).unwrap(), "Kanarie-other-1Cs");
    if rustix::process::geteuid().is_root() {
        let shadow = fs::read_to_string(two.path.join("root/etc/shadow")).unwrap();
        assert!(shadow.contains("\ncanary:$6$"), "{shadow}");
    }
    // A new value: what it replaces is a secret, too.
    assert_eq!(server.set("canary/file", &json!({ "value": ROTATED, "rotate": true })).0, 200);
    server.run(&one, false, true);
    assert_eq!(read("file"), format!("a=1\npw={ROTATED}\n"));
    let mut said = Vec::new();
    ask(&server, &mut said);
    let told = |name: &str| said.iter().any(|(_, text)| holds(text, &[format!("«secret {name}»").into()]));
    assert!(told("canary/env") && told("canary/file"), "what a program printed, and a diff, are masked: {said:?}");
    // Without a server what needs a secret is proved unchanged, or skipped.
    server.kill();
    fs::remove_file(made.join("stdin")).unwrap();
    server.run(&one, false, false);
    assert_eq!(read("stdin"), "");
    server.run(&two, true, false);
    // What the killed server left is looked at before another puts it in order.
    let mut left = said;
    files(&server.path, &mut left);
    server.resume();
    server.run(&one, false, true);
    assert_eq!(read("stdin"), "Kanarie-stdin-3Wn", "and with one all is well again");
    let crashed = server.crash();
    assert_eq!((crashed.signal(), crashed.core_dumped()), (Some(6), false));
    end.store(true, Ordering::Relaxed);
    left.extend(watching.join().unwrap().into_iter().map(|line| (String::from_utf8_lossy(&line).into_owned(), line)));
    files(&server.path, &mut left);
    // What did not change meanwhile is looked at once.
    left.sort();
    left.dedup();

    // It looks at what there is, and finds what is there.
    for name in ["vigo.db", "vigo.db-wal", "/secrets/", "/history/", ".redb", "/log", "agent.log", "sleep 0.321"] {
        assert!(left.iter().any(|(place, _)| place.contains(name)), "no {name}: {:?}", places(&left));
    }
    let mut belongs = Vec::new();
    files(&made, &mut belongs);
    files(&two.path.join("root"), &mut belongs);
    let hidden = ["canary/failing", "canary/password"];
    for (path, value) in SECRETS.iter().copied().filter(|(path, _)| !hidden.contains(path) && *path != "canary/file") {
        assert!(!found(value, &belongs).is_empty(), "{path} is not where it belongs");
    }
    for form in forms(ROTATED) {
        assert_eq!(found(ROTATED, &[("planted".into(), [b"ab", &*form, b"cd"].concat())]), ["planted"]);
    }
    let own: Vec<_> = [&made, &two.path.join("root")].map(|dir: &PathBuf| dir.display().to_string()).into();
    left.retain(|(place, _)| !own.iter().any(|dir| place.starts_with(dir)));
    for (path, value) in SECRETS.iter().copied().chain([("rotated", ROTATED), ("mistaken", MISTAKEN)]) {
        assert_eq!(found(value, &left), [""; 0], "{path}");
    }
    fs::remove_dir_all(&made).unwrap();
}

fn places(of: &[(String, Vec<u8>)]) -> Vec<&str> {
    of.iter().map(|(place, _)| place.as_str()).collect()
}
