//! A generated fleet and a real server.

#![expect(clippy::unwrap_used, reason = "a test stops where something is not as expected")]

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, UdpSocket};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const MACHINES: usize = 40;

/// A server in this process, which takes up whoever comes from this machine.
struct Server {
    path: PathBuf,
    address: String,
}

impl Server {
    fn start(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("vigo-load-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        let data = path.join("data");
        fs::create_dir_all(data.join("stacks/configcrates")).unwrap();
        let address = format!("127.0.0.1:{}", free_port());
        let files = [
            (
                "server.yaml",
                format!(
                    "server: {{agent_listen: '{address}', api_listen: '127.0.0.1:0', advertise: ['{address}']}}\n\
                     checkin: {{interval: 1s}}\n\
                     enrollment: {{trusted: [{{match: 'load-*', from: 127.0.0.0/8}}]}}\n"
                ),
            ),
            ("stacks/envoys.vgo", "envoys:\n  - {match: '*', configcrates: [page]}\n".into()),
            (
                "stacks/configcrates/page.vgo",
                "resources:\n  - {name: page, type: file, target_path: /page, content: 'x'}\n".into(),
            ),
        ];
        for (name, text) in files {
            fs::write(data.join(name), text).unwrap();
        }
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
            runtime.block_on(vigosrv::serve::run(&data)).unwrap();
        });
        let server = Self { path, address };
        let end = Instant::now() + Duration::from_secs(60);
        while server.api("GET", "/health").is_none() {
            assert!(Instant::now() < end, "the server has not come up");
            std::thread::sleep(Duration::from_millis(50));
        }
        server.api("POST", "/publish").unwrap();
        server
    }

    fn api(&self, method: &str, path: &str) -> Option<Value> {
        let mut stream = UnixStream::connect(self.path.join("data/run/admin.sock")).ok()?;
        let head = format!("{method} /api/v1{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
        write!(stream, "{head}Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}").ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        assert!(text.starts_with("HTTP/1.1 200"), "{path}: {text}");
        serde_json::from_str(text.split_once("\r\n\r\n")?.1).ok()
    }

    fn ledger(&self) -> PathBuf {
        self.path.join("ledger")
    }

    /// Starts the fleet that the ledger knows.
    fn load(&self, profile: &str) -> Load {
        let status = self.api("GET", "/status").unwrap();
        let told = |key: &str| status[key].as_str().unwrap().to_owned();
        let mut command = Command::new(env!("CARGO_BIN_EXE_vigo-load"));
        command.args(["--server", &self.address, "--root-key", &told("root_key"), "--ca-sha256", &told("ca_sha256")]);
        command.args(["--agents", &MACHINES.to_string(), "--profile", profile, "--every", "100", "--ramp", "0"]);
        command.args(["--from", "127.1.0.1", "--addresses", "4", "--run-ms", "10", "--ledger"]).arg(self.ledger());
        command.env_remove("VIGO_TOKEN").env_remove("VIGO_TOKEN_FILE");
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let out = BufReader::new(process.stdout.take().unwrap());
        Load { process, out }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

struct Load {
    process: Child,
    out: BufReader<std::process::ChildStdout>,
}

impl Load {
    /// Returns the first line that is as wanted.
    fn line(&mut self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            let mut text = String::new();
            assert!(self.out.read_line(&mut text).unwrap() > 0, "{what}: it has ended");
            let line: Value = serde_json::from_str(&text).unwrap();
            if is_it(&line) {
                return line;
            }
            assert!(Instant::now() < end, "{what}: {text}");
        }
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(i32::try_from(self.process.id()).unwrap()).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Tells it to end, and returns its last line.
    fn end(mut self) -> Value {
        self.signal(rustix::process::Signal::TERM);
        let last = self.line("it ends", |line| line["end"] == true);
        assert!(self.process.wait().unwrap().success());
        last
    }
}

/// Returns the ledger's lines that have this key, as they are.
fn ledger(path: &Path, key: &str) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| !line[key].is_null()).collect()
}

fn free_port() -> u16 {
    loop {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        if UdpSocket::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

#[test]
fn a_fleet_enrols_once_runs_all_the_time_and_is_the_same_after_it_was_killed() {
    let server = Server::start("same");
    let mut first = server.load("report");
    let all = |line: &Value| line["since_mark"]["answered"] == MACHINES && line["reports_taken"].as_u64() > Some(200);
    let line = first.line("everybody reports", all);
    assert_eq!((line["envoys"].as_u64(), line["enrolments"].as_u64()), (Some(40), Some(40)));
    assert_eq!(line["not_believed"], 0);
    first.kill();
    let keys = ledger(&server.ledger(), "keys").len();
    assert_eq!((keys, ledger(&server.ledger(), "enrolled").len()), (MACHINES, MACHINES));

    // What was acknowledged is there, each once.
    let mut stored = BTreeMap::new();
    let mut before = String::new();
    loop {
        let page = server.api("GET", &format!("/runs?limit=500{before}")).unwrap();
        for run in page["runs"].as_array().unwrap() {
            let key = (run["hostname"].to_string(), run["incarnation"].to_string(), run["seq"].as_u64());
            *stored.entry(key).or_insert(0) += 1;
        }
        match page["next"].as_i64() {
            Some(next) => before = format!("&before={next}"),
            None => break,
        }
    }
    assert!(stored.values().all(|count| *count == 1));
    let taken = ledger(&server.ledger(), "taken");
    assert!(taken.len() > 200);
    for line in taken {
        let key = (line["taken"].to_string(), line["incarnation"].to_string(), line["seq"].as_u64());
        assert!(stored.contains_key(&key), "{key:?} was acknowledged");
    }

    let mut second = server.load("poll");
    second.line("everybody is answered", |line| line["since_mark"]["answered"] == MACHINES);
    second.signal(rustix::process::Signal::USR1);
    let marked = second.line("it counts anew", |line| line["since_mark"]["answered"] != MACHINES);
    assert!(marked["since_mark"]["all"].is_null());
    second.line("everybody is answered again", |line| line["since_mark"]["all"].is_number());
    let last = second.end();
    assert_eq!((last["envoys"].as_u64(), last["enrolments"].as_u64()), (Some(40), Some(0)), "{last}");
    assert_eq!(last["converging"], MACHINES);
    assert!(last["longest_pause"].as_f64().unwrap() < 20.0, "{last}");
    let envoys = server.api("GET", "/envoys?limit=500").unwrap();
    let names: BTreeSet<&str> =
        envoys["envoys"].as_array().unwrap().iter().filter_map(|e| e["hostname"].as_str()).collect();
    assert_eq!(names.len(), MACHINES);
    let audit = server.api("GET", "/audit?limit=500").unwrap();
    let actions = |action: &str| audit["rows"].as_array().unwrap().iter().filter(|a| a["action"] == action).count();
    assert_eq!(actions("envoy.enrol"), MACHINES, "{audit}");
}

#[test]
fn a_fleet_that_nobody_takes_up_says_why() {
    let server = Server::start("nobody");
    let status = server.api("GET", "/status").unwrap();
    let told = |key: &str| status[key].as_str().unwrap().to_owned();
    let mut command = Command::new(env!("CARGO_BIN_EXE_vigo-load"));
    command.args(["--server", &server.address, "--root-key", &told("root_key"), "--ca-sha256", &told("ca_sha256")]);
    command.args(["--agents", "2", "--prefix", "stranger-", "--ramp", "0"]);
    let output = command.env_remove("VIGO_TOKEN").env_remove("VIGO_TOKEN_FILE").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("none of the 2 machines became an envoy"), "{said}");
}
