//! A fleet of machines: a server and its envoys, on a network of their own.

use std::collections::BTreeSet;

use super::boxes::Machine;
use super::network::Network;
use super::scenario::Lab;
use crate::failure::{Failure, Result};
use crate::json::Json;
use crate::process::Output;

/// Where the server has its data.
pub const DATA: &str = "/srv/vigo";

const SERVER_YAML: &str = "server:\n  advertise: ['10.77.0.1:1530']\ncheckin:\n  interval: 2s\n";

const SERVER_UNIT: &str = "[Unit]\nDescription=Vigo server\n[Service]\nExecStart=/usr/bin/vigosrv --data-dir /srv/vigo\n\
    Restart=always\n[Install]\nWantedBy=multi-user.target\n";

/// What the agents log is looked into; and each has a child that outlives it, if it is let.
const AGENT_LOGS: &str = "[Service]\nExecStart=\n\
    ExecStart=/bin/sh -c 'sleep 98765 & exec /usr/local/sbin/vigo run --log-level debug'\n";

/// A server and its envoys.
pub struct Fleet<const N: usize = 2> {
    /// The server.
    pub server: Machine,
    /// The envoys.
    pub envoys: [Machine; N],
    /// What connects them.
    pub network: Network,
}

/// A run that the server knows of.
#[derive(PartialEq, Eq, PartialOrd, Ord, Clone, Debug)]
pub struct Told {
    /// Its number at the server.
    pub id: i64,
    /// Which of the envoy's database it is, and its number there.
    pub origin: (String, i64),
    /// `converged` …
    pub outcome: String,
    /// How many resources it changed.
    pub changed: u64,
}

impl<const N: usize> Fleet<N> {
    /// Boots the machines and starts the server. None is enrolled.
    pub fn boot(lab: &Lab) -> Result<Self> {
        let network = Network::new()?;
        let machine = |name: &str, number| {
            let machine = lab.boot(name)?;
            network.connect(&machine, number)?;
            Ok::<_, Failure>(machine)
        };
        let server = machine("fleet-srv", 1)?;
        let envoys = (1..).take(N).map(|number| machine(&format!("fleet-{number}"), number + 1));
        let envoys: Vec<Machine> = envoys.collect::<Result<_>>()?;
        let envoys: [Machine; N] =
            envoys.try_into().map_err(|_| Failure::new("expected as many envoys as were asked for"))?;
        server.push_file(&format!("{DATA}/server.yaml"), SERVER_YAML, "0644")?;
        server.push_file("/etc/systemd/system/vigosrv.service", SERVER_UNIT, "0644")?;
        server.sh("systemctl daemon-reload; systemctl enable --now vigosrv")?;
        for envoy in &envoys {
            // A fresh machine has no agent.
            envoy.sh("rm /usr/bin/vigo")?;
            envoy.push_file("/etc/systemd/system/vigo-envoy.service.d/logs.conf", AGENT_LOGS, "0644")?;
        }
        Ok(Self { server, envoys, network })
    }

    /// Runs `vigocli` where the server is; whatever its exit code, that is an answer.
    pub fn cli(&self, args: &[&str]) -> Result<Output> {
        self.server.exec(&[&["vigocli"], args].concat())
    }

    /// Runs a verb of `vigocli` that must succeed, and reads what it prints.
    pub fn json(&self, args: &[&str]) -> Result<Json> {
        let output = self.cli(&[args, &["--format", "json"]].concat())?;
        if output.ok() {
            return Json::parse(&output.stdout);
        }
        Err(Failure::new(format!("`vigocli {}`: {}{}", args.join(" "), output.stdout, output.stderr)))
    }

    /// Makes a token, and returns the line that makes a machine an envoy with it.
    pub fn token(&self, hostname: &str) -> Result<String> {
        self.token_for(hostname, "1h")
    }

    /// The same, for a token that is good for so long.
    pub fn token_for(&self, hostname: &str, ttl: &str) -> Result<String> {
        let token = self.json(&["tokens", "create", "--match", hostname, "--ttl", ttl])?;
        Ok(token.text("command").unwrap_or_default().to_owned())
    }

    /// Returns the envoys that are not revoked, each with a field: `fleet-1=converged fleet-2=converged`.
    pub fn envoys(&self, field: &str) -> Result<String> {
        let envoys = self.json(&["nodes", "list"])?;
        let shown = |e: &Json| {
            let value = e.number(field).map_or_else(|_| e.text(field).unwrap_or("none").to_owned(), |n| n.to_string());
            format!("{}={value}", e.text("hostname").unwrap_or_default())
        };
        let shown: BTreeSet<String> = envoys.list("envoys").iter().map(shown).collect();
        Ok(shown.into_iter().collect::<Vec<_>>().join(" "))
    }

    /// Returns the runs that an envoy has reported, the newest first.
    pub fn runs(&self, envoy: &Machine) -> Result<Vec<Told>> {
        let runs = self.json(&["runs", "list", "--envoy", envoy.name(), "--limit", "500"])?;
        let told = |run: &Json| {
            let word = |field: &str| run.text(field).unwrap_or_default().to_owned();
            let changed = run.number("counts.changed").unwrap_or_default() as u64;
            let origin = (word("incarnation"), run.number("seq")? as i64);
            Ok(Told { id: run.number("id")? as i64, origin, outcome: word("outcome"), changed })
        };
        runs.list("runs").iter().map(told).collect()
    }

    /// Returns how often the audit has something: an action, and a word of its detail.
    pub fn audited(&self, action: &str, word: &str) -> Result<usize> {
        let script = "import sqlite3, sys
rows = sqlite3.connect('file:/srv/vigo/db/vigo.db?mode=ro', uri=True).execute('SELECT action, detail FROM audit')
print(sum(action == sys.argv[1] and sys.argv[2] in detail for action, detail in rows))";
        let counted = self.server.exec(&["python3", "-c", script, action, word])?;
        let none = || Failure::new(format!("the audit is not read: {}", counted.stderr));
        counted.stdout.trim().parse().map_err(|_| none())
    }

    /// Returns what a run changed: the ids of its resources.
    pub fn changed(&self, run: &Told) -> Result<Vec<String>> {
        let run = self.json(&["runs", "show", &run.id.to_string()])?;
        let changed = run.list("resources").iter().filter(|r| r.text("outcome") == Some("changed"));
        Ok(changed.filter_map(|r| r.text("id").map(str::to_owned)).collect())
    }

    /// Returns the end of what all of them say of themselves, for whoever looks for the cause of a failure.
    pub fn logs(&self) -> String {
        let mut text = String::new();
        let envoys = self.envoys.iter().map(|envoy| (envoy, "vigo-envoy"));
        for (machine, unit) in std::iter::once((&self.server, "vigosrv")).chain(envoys) {
            let said = machine.sh(&format!("journalctl -u {unit} -n 40 --no-pager -o short-precise"));
            text += &format!("{}:\n{}\n", machine.name(), said.unwrap_or_else(|e| e.to_string()));
        }
        text
    }
}
