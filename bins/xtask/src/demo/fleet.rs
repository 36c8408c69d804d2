//! One server and three machines.

use std::fs::{self, File};
use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use super::story::{expect, expect_soon, say};
use crate::failure::{Failure, Result};
use crate::json::Json;
use crate::process::{Program, signal};
use crate::workspace::{root, which};

/// The machines' names; the example's match block takes them.
const NAMES: &[&str] = &["demo-1", "demo-2", "demo-3"];

/// Tells it, in `place`, with these programs; with `keep`, the fleet then runs until Ctrl-C.
pub fn tell(programs: &Path, place: &Path, keep: bool) -> Result<()> {
    let fleet = Fleet::new(programs, place)?;
    say("A server", "On an empty directory it makes its keys, its database and its ports.");
    let mut server = fleet.serve()?;
    fleet.show(&["server", "status"])?;

    say("Three machines", "One token admits them. Each makes its own keys, and enrols.");
    let token = fleet.json(&["tokens", "create", "--match", "demo-*", "--uses", "3"])?;
    let token = token.text("token").unwrap_or_default().to_owned();
    let status = fleet.json(&["server", "status"])?;
    for name in NAMES {
        print!("{}", fleet.bootstrap(name, &token, &status)?.text()?);
    }
    let spent = fleet.bootstrap("demo-4", &token, &status)?.output()?;
    print!("{}", spent.stderr);
    expect("a token that is used up admits nobody", spent.code() == 1)?;

    say("The policy", "Published once: every machine of the fleet gets it with its next check-in, signed.");
    copy(&root().join("examples/stacks"), &fleet.data().join("stacks"))?;
    fleet.show(&["config", "publish"])?;
    let agents = NAMES.iter().map(|name| fleet.live(name)).collect::<Result<Vec<_>>>()?;
    expect_soon("all three converge", || Ok(fleet.words()? == ["converged"; 3]))?;
    fleet.show(&["nodes", "list"])?;
    for name in NAMES {
        expect(&format!("{name} has the files"), fleet.root(name).join("etc/motd").is_file())?;
    }

    say("Somebody was here", "A file on one machine is edited by hand. The machine puts it back, and reports it.");
    fleet.drift(NAMES[0])?;
    expect_soon("it is put back", || fleet.is_repaired(NAMES[0]))?;
    let reports = || Ok::<_, Failure>(fleet.json(&["runs", "list"])?.list("runs").len());
    expect_soon("the server has the report", || Ok(reports()? == NAMES.len() + 1))?;
    fleet.show(&["runs", "list"])?;

    say("The server is killed", "The machines go on without it: their policy is their own, signed.");
    server.kill();
    fleet.drift(NAMES[1])?;
    expect_soon("a machine repairs itself without a server", || fleet.is_repaired(NAMES[1]))?;

    say("The server returns", "What happened meanwhile is delivered, once.");
    let server = fleet.serve()?;
    expect_soon("the report that waited arrives", || Ok(reports()? == NAMES.len() + 2))?;
    expect_soon("and nobody has any left", || {
        let envoys = fleet.json(&["nodes", "list"])?;
        Ok(envoys.list("envoys").iter().all(|e| e.number("queued").is_ok_and(|n| n == 0.0)))
    })?;
    fleet.show(&["nodes", "list"])?;
    let health = format!("https://127.0.0.1:{}/api/v1/health", fleet.https);
    println!("\nThat was all: one tree of files, one command, every machine.\nThe API: {health}");
    if keep {
        let cli = fleet.programs.join("vigocli");
        println!("It runs until Ctrl-C: {} --data-dir {} nodes list", cli.display(), fleet.data().display());
        loop {
            std::thread::park();
        }
    }
    drop((agents, server));
    Ok(())
}

/// A server, with its programs and a directory for all of it.
pub struct Fleet {
    place: PathBuf,
    programs: PathBuf,
    /// The server's directory, below `place`.
    server: &'static str,
    host: &'static str,
    agents: u16,
    https: u16,
}

/// A process that generates machines.
pub struct Generated {
    /// The process.
    pub running: Running,
    /// What it is known by, and what was acknowledged to it: JSON lines.
    pub ledger: PathBuf,
    log: PathBuf,
}

impl Generated {
    /// Returns the last that it has said of itself.
    pub fn last_line(&self) -> Result<Json> {
        let text = fs::read_to_string(&self.log).map_err(|e| Failure::at(&self.log, &e))?;
        let lines = text.lines().rev().filter(|line| line.starts_with('{'));
        let line = lines.filter_map(|line| Json::parse(line).ok()).next();
        line.ok_or_else(|| Failure::new(format!("expected a line of counts, seen `{text}`")))
    }
}

/// A program that ends when the story does.
pub struct Running(Child);

impl Running {
    /// Sends it a signal.
    pub fn signal(&self, name: &str) {
        signal(name, i64::from(self.0.id()));
    }

    /// Asks it to end, and waits until it has; not for longer than half a minute.
    pub fn terminate(&mut self) {
        self.signal("TERM");
        let deadline = Instant::now() + Duration::from_secs(30);
        while self.is_alive() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Returns whether it has not ended yet.
    pub fn is_alive(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(None))
    }

    /// Ends it where it stands.
    pub fn kill(&mut self) {
        signal("KILL", -i64::from(self.0.id()));
        let _ = self.0.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Fleet {
    /// Prepares one, in `place`; nothing runs yet.
    pub fn new(programs: &Path, place: &Path) -> Result<Self> {
        let (programs, place) = (programs.to_owned(), place.to_owned());
        let fleet =
            Self { place, programs, server: "server", host: "127.0.0.1", agents: free_port()?, https: free_port()? };
        fs::create_dir_all(fleet.data()).map_err(|e| Failure::at(&fleet.place, &e))?;
        fleet.configure(&[fleet.address()])?;
        Ok(fleet)
    }

    /// Returns the same fleet with a server in another directory and at another address, which is not there yet.
    pub fn elsewhere(&self, server: &'static str, host: &'static str) -> Result<Self> {
        let (place, programs) = (self.place.clone(), self.programs.clone());
        Ok(Self { place, programs, server, host, agents: free_port()?, https: free_port()? })
    }

    /// Writes the server's configuration; agents are told these addresses.
    pub fn configure(&self, advertise: &[String]) -> Result<()> {
        let config = format!(
            "server:\n  agent_listen: \"{0}\"\n  api_listen: \"{1}:{2}\"\n  hostname: localhost\n  advertise: \
             {advertise:?}\ncheckin:\n  interval: 2s\n",
            self.address(),
            self.host,
            self.https
        );
        let path = self.data().join("server.yaml");
        fs::write(&path, config).map_err(|e| Failure::at(&path, &e))
    }

    /// Returns the server's directory.
    pub fn data(&self) -> PathBuf {
        self.place.join(self.server)
    }

    /// Returns where the server answers agents.
    pub fn address(&self) -> String {
        format!("{}:{}", self.host, self.agents)
    }

    /// Returns where a machine's agent keeps its state.
    pub fn state(&self, name: &str) -> PathBuf {
        self.place.join(name).join("state")
    }

    /// Returns what an agent is told of the server: where it is, and whom to believe.
    pub fn told(&self, status: &Json) -> [String; 6] {
        let told = |what: &str| status.text(what).unwrap_or_default().to_owned();
        let (server, key, digest) = (self.address(), told("root_key"), told("ca_sha256"));
        ["--server".into(), server, "--root-key".into(), key, "--ca-sha256".into(), digest]
    }

    /// Returns the directory that stands for a machine.
    pub fn root(&self, name: &str) -> PathBuf {
        self.place.join(name).join("root")
    }

    /// Starts a program whose words go to a file beside.
    pub fn start(&self, name: &str, program: Program) -> Result<Running> {
        let path = self.log(name);
        let log = File::options().create(true).append(true).open(&path).map_err(|e| Failure::at(&path, &e))?;
        // Ctrl-C ends this program without a word: then the others end, too.
        let bound = if which("setpriv").is_some() { &["setpriv", "--pdeathsig", "KILL"][..] } else { &["env"] };
        program.under(bound).spawn(Some(log)).map(Running)
    }

    /// Starts the server; it does not answer yet.
    pub fn begin_to_serve(&self) -> Result<Running> {
        self.start("server", self.vigosrv())
    }

    /// Starts the server and waits until it answers.
    pub fn serve(&self) -> Result<Running> {
        let server = self.begin_to_serve()?;
        // By its socket: with the directory, its program would answer for one that is not there yet.
        let socket = self.data().join("run/admin.sock");
        let asked =
            || Program::new(self.programs.join("vigocli")).arg("--socket").arg(&socket).args(["server", "status"]);
        expect_soon("the server answers", || Ok(asked().output()?.ok()))?;
        Ok(server)
    }

    /// Returns what makes commands of the client's, on any thread.
    pub fn client(&self) -> impl Fn() -> Program + Send + use<> {
        let (program, data) = (self.programs.join("vigocli"), self.data());
        move || Program::new(&program).arg("--data-dir").arg(&data)
    }

    /// Starts the agent of a machine.
    pub fn live(&self, name: &str) -> Result<Running> {
        let program = Program::new(self.programs.join("vigo")).arg("run").arg("--root").arg(self.root(name));
        self.start(name, program.arg("--state-dir").arg(self.state(name)))
    }

    /// Returns what a program of this name has said.
    pub fn log(&self, name: &str) -> PathBuf {
        self.place.join(format!("{name}.log"))
    }

    /// Generates machines whose names begin with `name` and a hyphen.
    pub fn generate(
        &self,
        name: &str,
        machines: usize,
        profile: &str,
        token: &str,
        status: &Json,
    ) -> Result<Generated> {
        let ledger = self.place.join(format!("{name}.ledger"));
        // Each address may try 30 times a minute; others have others.
        let from = format!("127.{}.0.1", name.bytes().next().unwrap_or(1));
        let addresses = machines.div_ceil(20).to_string();
        let program = Program::new(self.programs.join("vigo-load")).args(self.told(status)).env("VIGO_TOKEN", token);
        let program = program.args(["--agents", &machines.to_string(), "--prefix", &format!("{name}-")]);
        let program = program.args(["--profile", profile, "--from", &from, "--addresses", &addresses]);
        let program = program.args(["--every", "200", "--ledger"]).arg(&ledger);
        Ok(Generated { running: self.start(name, program)?, ledger, log: self.log(name) })
    }

    /// Makes a machine an envoy.
    pub fn bootstrap(&self, name: &str, token: &str, status: &Json) -> Result<Program> {
        let root = self.root(name);
        fs::create_dir_all(&root).map_err(|e| Failure::at(&root, &e))?;
        let program = Program::new(self.programs.join("vigo")).args(["bootstrap", "--no-service", "--hostname", name]);
        let program = program.args(self.told(status)).env("VIGO_TOKEN", token);
        Ok(program.arg("--state-dir").arg(self.state(name)))
    }

    /// Returns a command of the server's, on its directory.
    pub fn vigosrv(&self) -> Program {
        Program::new(self.programs.join("vigosrv")).arg("--data-dir").arg(self.data())
    }

    /// Returns a command of the client's.
    pub fn cli(&self, args: &[&str]) -> Program {
        Program::new(self.programs.join("vigocli")).arg("--data-dir").arg(self.data()).args(args)
    }

    /// Runs a command for a person to read.
    pub fn show(&self, args: &[&str]) -> Result<()> {
        println!("$ vigocli {}", args.join(" "));
        print!("{}", self.cli(args).text()?);
        Ok(())
    }

    /// Runs a command for a program to read.
    pub fn json(&self, args: &[&str]) -> Result<Json> {
        Json::parse(&self.cli(args).args(["--format", "json"]).text()?)
    }

    /// Returns the status of each envoy, in one word.
    pub fn words(&self) -> Result<Vec<String>> {
        let envoys = self.json(&["nodes", "list"])?;
        Ok(envoys.list("envoys").iter().filter_map(|e| e.text("status").map(str::to_owned)).collect())
    }

    fn drift(&self, name: &str) -> Result<()> {
        let path = self.root(name).join("etc/motd");
        println!("edited: /etc/motd of {name}");
        fs::write(&path, "edited by hand\n").map_err(|e| Failure::at(&path, &e))
    }

    fn is_repaired(&self, name: &str) -> Result<bool> {
        let path = self.root(name).join("etc/motd");
        let text = fs::read_to_string(&path).map_err(|e| Failure::at(&path, &e))?;
        Ok(!text.contains("edited by hand") && text.contains(name))
    }
}

/// Returns a port that nobody has, for TCP and UDP.
pub fn free_port() -> Result<u16> {
    let taken = |e: std::io::Error| Failure::new(format!("no port is free: {e}"));
    for _ in 0..100 {
        let tcp = TcpListener::bind("127.0.0.1:0").map_err(taken)?;
        let port = tcp.local_addr().map_err(taken)?.port();
        if UdpSocket::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    Err(Failure::new("no port is free for TCP and UDP"))
}

/// Copies a tree of files.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).map_err(|e| Failure::at(to, &e))?;
    for entry in fs::read_dir(from).map_err(|e| Failure::at(from, &e))? {
        let entry = entry.map_err(|e| Failure::at(from, &e))?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &target)?;
        } else {
            fs::copy(&path, &target).map_err(|e| Failure::at(&path, &e))?;
        }
    }
    Ok(())
}
