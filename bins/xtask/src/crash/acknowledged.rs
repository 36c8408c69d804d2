//! What the server has said is done.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::path::PathBuf;

use crate::failure::{Failure, Result};
use crate::json::Json;

/// What the server has said is done, and what was on its way when it was killed: that may be done or not.
#[derive(Default)]
pub struct Acknowledged {
    /// Publishes: their numbers, and the version of the policy.
    pub publishes: Vec<(u64, u64)>,
    /// The version that was being published.
    pub maybe_published: Option<u64>,
    /// Tokens that admit.
    pub tokens: BTreeSet<String>,
    /// Tokens that were made worthless.
    pub dead_tokens: BTreeSet<String>,
    /// A token that was being made worthless.
    pub maybe_dead: Option<String>,
    /// Envoys that were thrown out, by name.
    pub revoked: BTreeSet<String>,
    /// One that was being thrown out.
    pub maybe_revoked: Option<String>,
    /// Those that were being thrown out, and were not.
    pub not_revoked: Vec<String>,
    /// Secrets, and their values.
    pub secrets: BTreeMap<String, String>,
    /// A secret that was being given this value.
    pub maybe_secret: Option<(String, String)>,
    /// Questions that were cut off.
    pub cut_off: u64,
}

/// The report of a run: whose, of which database, and its number.
pub type Report = (String, String, u64);

/// The ledger of generated machines, which is read while it is written.
pub struct Ledger {
    path: PathBuf,
    read: u64,
    /// The reports that were acknowledged.
    pub reports: BTreeSet<Report>,
    /// The machines that are envoys.
    pub envoys: BTreeSet<String>,
}

impl Ledger {
    /// Begins with nothing.
    pub fn new(path: PathBuf) -> Self {
        Self { path, read: 0, reports: BTreeSet::new(), envoys: BTreeSet::new() }
    }

    /// Reads what was written since.
    pub fn read(&mut self) -> Result<()> {
        let failed = |e| Failure::at(&self.path, &e);
        let mut file = File::open(&self.path).map_err(failed)?;
        file.seek(SeekFrom::Start(self.read)).map_err(failed)?;
        let mut reader = BufReader::new(file);
        let mut line = String::new();
        loop {
            line.clear();
            let count = reader.read_line(&mut line).map_err(failed)?;
            if !line.ends_with('\n') {
                return Ok(());
            }
            self.read += count as u64;
            // Keys and key sets are long, and nobody's business here.
            if line.starts_with("{\"enrolled\"") {
                let name = line.split('"').nth(3);
                self.envoys.extend(name.map(str::to_owned));
            } else if line.contains("\"taken\":") {
                let entry = Json::parse(&line)?;
                let text = |key: &str| entry.text(key).unwrap_or_default().to_owned();
                self.reports.insert((text("taken"), text("incarnation"), entry.number("seq")? as u64));
            }
        }
    }
}
