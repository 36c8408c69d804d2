//! The whole server, and whole agents: what they keep, they keep on disk.

use serde_json::{Value, json};
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, UdpSocket};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};
use vigo_agent::life::{Bootstrap, Ended, LifeError, LifeOptions, bootstrap, live};
use vigo_agent::state::Journal;
use vigo_core::agent::Until;
use vigo_core::bundle::VerifyingKey;

/// A server on a data directory of its own, which can be killed.
pub struct Whole {
    pub path: PathBuf,
    /// What it logs from its next start on.
    pub level: &'static str,
    process: Option<Child>,
    pub agents: u16,
}

/// A machine with an image that it converges.
pub struct Machine {
    pub path: PathBuf,
}

impl Whole {
    /// Starts one on an empty directory, with a policy for everybody.
    pub fn start(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("vigo-whole-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        let data = path.join("data");
        fs::create_dir_all(data.join("stacks/configcrates")).unwrap();
        let agents = free_port();
        fs::write(data.join("stacks/envoys.vgo"), "envoys:\n  - {match: '*', configcrates: [page]}\n").unwrap();
        let mut server = Self { path, level: "info", process: None, agents };
        server.configure("");
        server.resume();
        server.publish("first");
        server
    }

    /// Returns one that has no data directory yet, and does not run.
    pub fn beside(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("vigo-whole-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self { path, level: "info", process: None, agents: free_port() }
    }

    /// Gives it other keys in `server.yaml`, for its next start.
    pub fn configure(&self, keys: &str) {
        self.configure_at(&[format!("127.0.0.1:{}", self.agents)], keys);
    }

    /// The same, with other addresses told to agents.
    pub fn configure_at(&self, servers: &[String], keys: &str) {
        let own = self.agents;
        let server = format!(
            "server:\n  agent_listen: '127.0.0.1:{own}'\n  api_listen: '127.0.0.1:0'\n  advertise: {servers:?}\n"
        );
        fs::write(self.data().join("server.yaml"), server + keys).unwrap();
    }

    /// Has it read `server.yaml` again.
    pub fn reload(&self) {
        let pid = self.process.as_ref().and_then(|process| i32::try_from(process.id()).ok());
        let pid = pid.and_then(rustix::process::Pid::from_raw).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::HUP).unwrap();
    }

    pub fn data(&self) -> PathBuf {
        self.path.join("data")
    }

    /// Starts it again, on what is there.
    pub fn resume(&mut self) {
        let log = fs::OpenOptions::new().create(true).append(true).open(self.path.join("log")).unwrap();
        let mut vigosrv = Command::new(env!("CARGO_BIN_EXE_vigosrv"));
        vigosrv.arg("--data-dir").arg(self.data()).args(["--log-level", self.level]).stdin(Stdio::null()).stderr(log);
        let mut process = vigosrv.spawn().unwrap();
        wait_for("the server comes up", || {
            assert!(process.try_wait().unwrap().is_none(), "{}", self.log());
            self.try_api("GET", "/health", &json!({})).is_some()
        });
        self.process = Some(process);
    }

    /// Ends it where it stands.
    pub fn kill(&mut self) {
        let mut process = self.process.take().unwrap();
        process.kill().unwrap();
        process.wait().unwrap();
    }

    /// Has it crash, and returns how it ended.
    pub fn crash(&mut self) -> std::process::ExitStatus {
        let mut process = self.process.take().unwrap();
        let pid = rustix::process::Pid::from_raw(i32::try_from(process.id()).unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::ABORT).unwrap();
        process.wait().unwrap()
    }

    /// Returns what it has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path.join("log")).unwrap_or_default()
    }

    /// Starts it again, with other keys in `server.yaml`.
    pub fn restart_with(&mut self, keys: &str) {
        self.kill();
        self.configure(keys);
        self.resume();
    }

    /// Publishes a policy of one page that says `text`.
    pub fn publish(&self, text: &str) {
        let page = format!("resources:\n  - {{name: page, type: file, target_path: /page, content: '{text}'}}\n");
        fs::write(self.data().join("stacks/configcrates/page.vgo"), page).unwrap();
        self.post("/publish", &json!({}));
    }

    /// Asks the API and returns the answer.
    pub fn get(&self, path: &str) -> Value {
        let (status, answer) = self.try_api("GET", path, &json!({})).unwrap();
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    pub fn post(&self, path: &str, body: &Value) -> Value {
        let (status, answer) = self.try_api("POST", path, body).unwrap();
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    /// Returns what it measures.
    pub fn metrics(&self) -> String {
        let mut stream = UnixStream::connect(self.data().join("run/admin.sock")).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    }

    pub fn try_api(&self, method: &str, path: &str, body: &Value) -> Option<(u16, Value)> {
        let mut stream = UnixStream::connect(self.data().join("run/admin.sock")).ok()?;
        let body = body.to_string();
        let head = format!(
            "{method} /api/v1{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(head.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let status = answer.split(' ').nth(1)?.parse().ok()?;
        let (_, body) = answer.split_once("\r\n\r\n")?;
        Some((status, serde_json::from_str(body).ok()?))
    }

    /// Enrols a machine, which then has checked in.
    pub fn enrol(&self, name: &str) -> Machine {
        let machine = Machine { path: self.path.join(name) };
        self.try_enrol(name, &machine).unwrap();
        machine
    }

    pub fn try_enrol(&self, name: &str, machine: &Machine) -> Result<(), LifeError> {
        self.try_enrol_by(&self.token(name), name, machine)
    }

    /// Returns a new token for machines of this name.
    pub fn token(&self, name: &str) -> String {
        self.post("/tokens", &json!({ "match": name }))["token"].as_str().unwrap().to_owned()
    }

    pub fn try_enrol_by(&self, token: &str, name: &str, machine: &Machine) -> Result<(), LifeError> {
        self.try_bootstrap(token, name, machine, false)
    }

    /// Enrols a machine; with `leaves` it leaves the fleet that it is in.
    pub fn try_bootstrap(&self, token: &str, name: &str, machine: &Machine, leaves: bool) -> Result<(), LifeError> {
        fs::create_dir_all(&machine.path).unwrap();
        let token = token.to_owned();
        let status = self.get("/status");
        let key = |name: &str| -> [u8; 32] { unhex(status[name].as_str().unwrap()).try_into().unwrap() };
        let told = Bootstrap {
            servers: vec![format!("127.0.0.1:{}", self.agents)],
            token,
            root: VerifyingKey::from_bytes(&key("root_key")).unwrap(),
            ca_sha256: key("ca_sha256"),
            hostname: name.into(),
            manifest: None,
            state_dir: Some(machine.path.join("state")),
            leaves,
        };
        on_a_thread(move || bootstrap(told, None)).map(drop)
    }

    /// Returns a copy of the data directory as it is; the server is not running.
    pub fn copy(&self, name: &str) -> PathBuf {
        assert!(self.process.is_none());
        let to = self.path.join(name);
        copy(&self.data(), &to);
        to
    }

    /// Puts such a copy in the place of the data directory; the server is not running.
    pub fn restore(&self, from: &Path) {
        assert!(self.process.is_none());
        fs::remove_dir_all(self.data()).unwrap();
        copy(from, &self.data());
    }

    /// Puts the database of such a copy in the place of the database, or none; the server is not running.
    pub fn lose_database(&self, from: Option<&Path>) {
        assert!(self.process.is_none());
        let database = self.data().join("db");
        fs::remove_dir_all(&database).unwrap();
        match from {
            Some(from) => copy(&from.join("db"), &database),
            None => fs::create_dir(&database).unwrap(),
        }
    }

    /// Says that it is to go on without the database that is lost.
    pub fn go_on_without_database(&self) {
        let (done, said) = self.vigosrv(&["without-database"]);
        assert!(done, "{said}");
    }

    /// Runs the program on its data directory, and returns whether that went well, and what it said.
    pub fn vigosrv(&self, arguments: &[&str]) -> (bool, String) {
        let mut vigosrv = Command::new(env!("CARGO_BIN_EXE_vigosrv"));
        let ended = vigosrv.arg("--data-dir").arg(self.data()).args(arguments).stdin(Stdio::null()).output().unwrap();
        let said = [ended.stdout, ended.stderr].map(|text| String::from_utf8(text).unwrap()).concat();
        (ended.status.success(), said)
    }

    /// Waits until it has ended by itself.
    pub fn ended(&mut self) {
        let mut process = self.process.take().unwrap();
        wait_for("the server ends", || process.try_wait().unwrap().is_some());
    }
}

impl Drop for Whole {
    fn drop(&mut self) {
        if self.process.is_some() {
            self.kill();
        }
        let _ = fs::remove_dir_all(&self.path);
    }
}

impl Machine {
    /// Starts an agent, which ends when it has checked in, or tried to.
    pub fn check_in(&self) -> Ended {
        self.live(Until::CheckedIn)
    }

    /// Starts an agent of an image, which ends by itself.
    pub fn live(&self, until: Until) -> Ended {
        let options = self.options(until);
        on_a_thread(move || live(&options)).unwrap()
    }

    /// Starts an agent of an image, which ends with the test.
    pub fn lives_on(&self) {
        let options = self.options(Until::Stopped);
        std::thread::spawn(move || live(&options));
    }

    fn options(&self, until: Until) -> LifeOptions {
        let root = self.path.join("root");
        fs::create_dir_all(&root).unwrap();
        LifeOptions { state_dir: Some(self.path.join("state")), root: Some(root), until }
    }

    /// Returns a copy, as of a disk: no agent lives on it now.
    pub fn copy(&self, to: &Path) -> Self {
        copy(&self.path, to);
        Self { path: to.to_owned() }
    }

    /// Checks in, for some attempts, until it is in touch with the server and has a policy of this page.
    pub fn takes(&self, page: &str) {
        let start = Instant::now();
        loop {
            let ended = self.check_in();
            if ended.in_touch && self.has(page) {
                return;
            }
            assert!(start.elapsed() < Duration::from_secs(30), "no `{page}`: {ended:?}");
        }
    }

    /// Returns whether the policy that it converges to has this page.
    pub fn has(&self, page: &str) -> bool {
        let (_, opened) = Journal::open(&self.path.join("state"), 7).unwrap();
        let bundle = opened.policy.and_then(|policy| policy.bundle);
        bundle.is_some_and(|bundle| bundle.bytes.windows(page.len()).any(|bytes| bytes == page.as_bytes()))
    }

    pub fn identity(&self, file: &str) -> Vec<u8> {
        fs::read(self.path.join("state/identity").join(file)).unwrap()
    }
}

pub fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(90), "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The agent has a runtime of its own.
fn on_a_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    std::thread::spawn(work).join().unwrap()
}

/// Returns a port that is free, of a range of this process: the system gives none of those to a connection, and no test
/// that runs beside takes it before it is used.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let begin = 10_000 + (std::process::id() % 1000) as u16 * 20;
    loop {
        let port = begin + NEXT.fetch_add(1, Ordering::Relaxed) % 20;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() && UdpSocket::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    fs::set_permissions(to, fs::metadata(from).unwrap().permissions()).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, name) = entry.map(|e| (e.path(), e.file_name())).unwrap();
        let meta = fs::symlink_metadata(&path).unwrap();
        if meta.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(&path).unwrap(), to.join(name)).unwrap();
        } else if meta.is_dir() {
            copy(&path, &to.join(name));
        } else if meta.is_file() {
            fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}
