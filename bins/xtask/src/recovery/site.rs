//! A server that is lost, and its machines.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::load::Load;
use super::table::Row;
use super::watch::{WHOLE, Watch};
use crate::demo::{Fleet, Running, expect, expect_soon};
use crate::failure::{Failure, Result};
use crate::json::Json;
use crate::process::Program;

/// The policy: one file that is broken, and one that tells which publish it is.
const CRATE: &str = "configcrates/guard.vgo";
const ENVOYS: &str =
    "envoys: [{match: 'machine-*', configcrates: [guard]}, {match: 'load-*', configcrates: [guard]}]\n";

/// What makes an agent the one that it is.
const IDENTITY: &[&str] = &["key", "root_key", "certificate_key"];

/// A server, and machines that are broken all the time.
pub struct Site {
    /// The server and its programs.
    pub fleet: Fleet,
    /// The server's process.
    pub server: Option<Running>,
    names: Vec<String>,
    agents: Vec<Running>,
    watch: Option<Watch>,
    load: Option<Load>,
    identities: BTreeMap<String, Vec<Vec<u8>>>,
    root_key: String,
}

/// When the way back began.
pub struct Began {
    clock: Instant,
    /// As the server prints times.
    at: String,
}

impl Began {
    /// Begins it.
    pub fn now() -> Result<Self> {
        let at = Program::new("date").args(["-u", "+%Y-%m-%dT%H:%M:%SZ"]).text()?.trim().to_owned();
        Ok(Self { clock: Instant::now(), at })
    }

    /// Returns when, as the server prints times.
    pub fn at(&self) -> &str {
        &self.at
    }

    /// Returns how long ago that is.
    pub fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }
}

impl Site {
    /// Makes one with `machines` machines in `place`, which converge, and beside them generated ones.
    pub fn new(programs: &Path, place: &Path, machines: usize, generated: usize) -> Result<Self> {
        let fleet = Fleet::new(programs, place)?;
        let names: Vec<String> = (1..=machines).map(|n| format!("machine-{n}")).collect();
        let mut site = Self {
            fleet,
            server: None,
            names,
            agents: Vec::new(),
            watch: None,
            load: None,
            identities: BTreeMap::new(),
            root_key: String::new(),
        };
        site.server = Some(site.fleet.serve()?);
        let uses = machines.to_string();
        let token = site.fleet.json(&["tokens", "create", "--match", "machine-*", "--uses", &uses])?;
        let token = token.text("token").unwrap_or_default().to_owned();
        let status = site.fleet.json(&["server", "status"])?;
        site.root_key = status.text("root_key").unwrap_or_default().to_owned();
        for name in &site.names {
            let etc = site.fleet.root(name).join("etc");
            fs::create_dir_all(&etc).map_err(|e| Failure::at(&etc, &e))?;
            site.fleet.bootstrap(name, &token, &status)?.text()?;
        }
        site.publish("1")?;
        for name in &site.names {
            site.agents.push(site.fleet.live(name)?);
        }
        site.expect_version("1")?;
        if generated > 0 {
            site.load = Some(Load::start(&site.fleet, generated, &status)?);
        }
        for name in &site.names {
            site.identities.insert(name.clone(), site.identity(name)?);
        }
        let files = site.names.iter().map(|name| site.fleet.root(name).join("etc/guarded")).collect();
        site.watch = Some(Watch::new(files));
        Ok(site)
    }

    /// Returns the names of all machines.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Publishes the policy under another number.
    pub fn publish(&self, version: &str) -> Result<()> {
        self.publish_with(version, "")
    }

    /// Publishes the policy under another number, with more resources.
    pub fn publish_with(&self, version: &str, resources: &str) -> Result<()> {
        let text = format!(
            "resources:\n  - {{name: guarded, type: file, target_path: /etc/guarded, content: \"{}\", mode: '0644'}}\n  \
             - {{name: version, type: file, target_path: /etc/version, content: \"{version}\\n\"}}\n{resources}",
            WHOLE.escape_default()
        );
        for (name, text) in [(CRATE, text.as_str()), ("envoys.vgo", ENVOYS)] {
            let path = self.fleet.data().join("stacks").join(name);
            let folder = path.parent().unwrap_or(Path::new("/"));
            fs::create_dir_all(folder).and_then(|()| fs::write(&path, text)).map_err(|e| Failure::at(&path, &e))?;
        }
        self.fleet.cli(&["config", "publish"]).text().map(drop)
    }

    /// Waits until every machine has the policy of this number.
    pub fn expect_version(&self, version: &str) -> Result<()> {
        let has = |name: &String| {
            let file = self.fleet.root(name).join("etc/version");
            fs::read_to_string(file).is_ok_and(|text| text.trim() == version)
        };
        expect_soon(&format!("all machines have policy {version}"), || Ok(self.names.iter().all(has)))
    }

    /// Makes an archive beside, and returns it with the moment that it holds.
    pub fn back_up(&self) -> Result<(PathBuf, Instant)> {
        let archive = self.fleet.data().with_extension("tar.zst");
        let saved = Instant::now();
        print!("{}", self.fleet.cli(&["backup", "create", &archive.to_string_lossy()]).text()?);
        Ok((archive, saved))
    }

    /// Lets the server read its configuration again.
    pub fn reload(&self) {
        if let Some(server) = &self.server {
            server.signal("HUP");
        }
    }

    /// Waits until every machine knows this address of the server.
    pub fn expect_told(&self, address: &str) -> Result<()> {
        let knows = |name: &String| {
            let servers = fs::read_to_string(self.fleet.state(name).join("identity/servers"));
            servers.is_ok_and(|servers| servers.lines().any(|line| line == address))
        };
        expect_soon(&format!("all machines know of {address}"), || Ok(self.names.iter().all(knows)))?;
        self.load.as_ref().map_or(Ok(()), |load| load.expect_told(address))
    }

    /// Returns the fleet's root key, as it is compared with an archive's.
    pub fn root_fingerprint(&self) -> &str {
        &self.root_key
    }

    /// Returns whether the server says that its database went back.
    pub fn went_back(&self) -> Result<bool> {
        let status = self.fleet.json(&["server", "status"])?;
        Ok(!matches!(status.at("restored"), None | Some(Json::Null)))
    }

    /// Ends the server without a word.
    pub fn lose_server(&mut self) {
        self.server = None;
    }

    /// Starts the server again, waits for every machine, and returns what the way back has taken since it `began`.
    pub fn come_back(&mut self, name: &'static str, began: &Began, lost: Duration) -> Result<Row> {
        // The server is gone: nobody can be answered before it is back.
        self.load.as_ref().map_or(Ok(()), Load::mark)?;
        let marked = began.clock.elapsed();
        self.server = Some(self.fleet.serve()?);
        let mut first = None;
        expect_soon("every machine checks in", || {
            let seen = self.seen_since(&began.at)?;
            if seen > 0 {
                first.get_or_insert_with(|| began.clock.elapsed());
            }
            Ok(seen == self.names.len())
        })?;
        let all = began.clock.elapsed();
        let generated = self.load.as_ref().map(Load::expect_back).transpose()?;
        let generated = generated.map(|(first, all)| (marked + first, marked + all));
        let first = first.unwrap_or(all);
        Ok(Row { name, first, all, generated, lost, repairs: 0, longest: Duration::ZERO })
    }

    /// Ends the machines; fails when one of them has stopped converging in all this time, or has enrolled again.
    pub fn end(mut self, row: &mut Row) -> Result<()> {
        for name in &self.names {
            let same = self.identities.get(name) == Some(&self.identity(name)?);
            if !same {
                return expect(&format!("{name} has not enrolled again"), false);
            }
        }
        expect("no machine has enrolled again", true)?;
        if let Some(load) = self.load.take() {
            load.end()?;
        }
        if let Some(watch) = self.watch.take() {
            let seen = watch.end()?;
            (row.repairs, row.longest) = (seen.repairs, seen.longest);
        }
        expect(&format!("all machines were made whole all the time, {} times", row.repairs), true)
    }

    /// Enrols one machine more, which is watched like the others but for its repairs.
    pub fn add_machine(&mut self) -> Result<()> {
        let name = format!("machine-{}", self.names.len() + 1);
        let token = self.fleet.json(&["tokens", "create", "--match", &name])?;
        let status = self.fleet.json(&["server", "status"])?;
        let etc = self.fleet.root(&name).join("etc");
        fs::create_dir_all(&etc).map_err(|e| Failure::at(&etc, &e))?;
        self.fleet.bootstrap(&name, token.text("token").unwrap_or_default(), &status)?.text()?;
        self.agents.push(self.fleet.live(&name)?);
        self.identities.insert(name.clone(), self.identity(&name)?);
        self.names.push(name);
        Ok(())
    }

    /// Has every machine leave its fleet for the one of the server that runs, one after the other, as somebody does who goes
    /// from one to the next; `each` is called after each. They keep their own keys.
    pub fn move_all(&mut self, each: &mut dyn FnMut()) -> Result<()> {
        let uses = self.names.len().to_string();
        let made = self.fleet.json(&["tokens", "create", "--match", "machine-*", "--uses", &uses, "--leave-fleet"])?;
        let line = made.text("command_with_agent").unwrap_or_default();
        expect("the line says that the fleet is left", line.ends_with(" --leave-fleet"))?;
        let token = made.text("token").unwrap_or_default().to_owned();
        let status = self.fleet.json(&["server", "status"])?;
        self.root_key = status.text("root_key").unwrap_or_default().to_owned();
        for at in 0..self.names.len() {
            let Some(name) = self.names.get(at).cloned() else { continue };
            let stays = self.fleet.bootstrap(&name, &token, &status)?.output()?;
            if stays.ok() || !stays.stderr.contains("--leave-fleet") {
                return expect(&format!("{name} leaves its fleet only where that is said"), false);
            }
            drop(self.agents.remove(at));
            self.fleet.bootstrap(&name, &token, &status)?.arg("--leave-fleet").text()?;
            self.agents.insert(at, self.fleet.live(&name)?);
            let identity = self.identity(&name)?;
            let before = self.identities.insert(name, identity.clone());
            let is_same = before.is_some_and(|before| before.first() == identity.first() && before != identity);
            if !is_same {
                return expect("a machine keeps its own key, and believes another root", false);
            }
            each();
        }
        expect("every machine keeps its own key, and believes another root", true)
    }

    /// Returns how many machines, but for generated ones, have checked in after this time.
    pub fn seen_since(&self, since: &str) -> Result<usize> {
        let envoys = self.fleet.json(&["envoys", "list"])?;
        let is_real =
            |envoy: &Json| envoy.text("hostname").is_some_and(|name| self.names.iter().any(|own| own == name));
        let seen = |envoy: &&Json| is_real(envoy) && envoy.text("last_seen").is_some_and(|at| at > since);
        Ok(envoys.list("envoys").iter().filter(seen).count())
    }

    fn identity(&self, name: &str) -> Result<Vec<Vec<u8>>> {
        let folder = self.fleet.state(name).join("identity");
        let read = |file: &&str| {
            let path: PathBuf = folder.join(file);
            fs::read(&path).map_err(|e| Failure::at(&path, &e))
        };
        IDENTITY.iter().map(read).collect()
    }
}
