//! Whether the server still has what it has acknowledged, each once, and nothing in half.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::acknowledged::{Acknowledged, Ledger, Report};
use super::api::{Answer, Api};
use super::story::{VERSION_FILE, version_text};
use crate::failure::{Failure, Result};
use crate::json::Json;

/// What was found at the server, from one look to the next.
pub struct Verdict {
    api: Api,
    data: PathBuf,
    /// The reports that it has, and under which of its own numbers.
    runs: BTreeMap<Report, u64>,
    newest_run: u64,
    /// How often it was looked.
    pub looks: u64,
}

/// Entries of the history that are looked for: it keeps some more.
const HISTORY_LOOKED_AT: usize = 40;

fn lost(what: impl Into<String>) -> Failure {
    Failure::new(what)
}

impl Verdict {
    /// Begins.
    pub fn new(api: Api, data: PathBuf) -> Self {
        Self { api, data, runs: BTreeMap::new(), newest_run: 0, looks: 0 }
    }

    /// Returns how many reports the server has.
    pub fn reports(&self) -> usize {
        self.runs.len()
    }

    /// Looks at everything. What was on its way is known afterwards.
    pub fn look(&mut self, known: &mut Acknowledged, ledgers: &mut [&mut Ledger]) -> Result<()> {
        self.looks += 1;
        // Before the server is asked: what is in it then has to be there.
        ledgers.iter_mut().try_for_each(|ledger| ledger.read())?;
        self.read_runs()?;
        for ledger in ledgers.iter() {
            if let Some(report) = ledger.reports.iter().find(|report| !self.runs.contains_key(*report)) {
                return Err(lost(format!("report {report:?} was acknowledged, and is not there")));
            }
        }
        self.look_at_envoys(known, ledgers)?;
        self.look_at_publishes(known)?;
        self.look_at_tokens(known)?;
        self.look_at_secrets(known)?;
        match self.api.get("/audit/verify")?.at("whole") {
            Some(Json::Bool(true)) => Ok(()),
            found => Err(lost(format!("expected a whole audit, found {found:?}"))),
        }
    }

    /// Looks at all runs again, from the first.
    pub fn look_again(&mut self, known: &mut Acknowledged, ledgers: &mut [&mut Ledger]) -> Result<()> {
        let before = std::mem::take(&mut self.runs);
        self.newest_run = 0;
        self.look(known, ledgers)?;
        // A page that was read may have ended in the middle of a commit, but nothing that was read goes.
        match before.iter().find(|(report, id)| self.runs.get(*report) != Some(id)) {
            Some((report, id)) => Err(lost(format!("report {report:?} was run {id}, and is not any more"))),
            None => Ok(()),
        }
    }

    /// Reads the runs that have come since.
    fn read_runs(&mut self) -> Result<()> {
        let (mut before, mut newest) = (String::new(), self.newest_run);
        loop {
            let page = self.api.get(&format!("/runs?limit=500{before}"))?;
            for run in page.list("runs") {
                let id = run.number("id")? as u64;
                if id <= self.newest_run {
                    self.newest_run = newest;
                    return Ok(());
                }
                newest = newest.max(id);
                let text = |key: &str| run.text(key).unwrap_or_default().to_owned();
                let report = (text("hostname"), text("incarnation"), run.number("seq")? as u64);
                if let Some(other) = self.runs.insert(report.clone(), id).filter(|other| *other != id) {
                    return Err(lost(format!("report {report:?} is there twice, as runs {other} and {id}")));
                }
            }
            match page.number("next") {
                Ok(next) => before = format!("&before={next}"),
                Err(_) => {
                    self.newest_run = newest;
                    return Ok(());
                }
            }
        }
    }

    fn look_at_envoys(&self, known: &mut Acknowledged, ledgers: &[&mut Ledger]) -> Result<()> {
        let answer = self.api.get("/envoys?revoked=true")?;
        let envoys: BTreeMap<&str, &Json> =
            answer.list("envoys").iter().filter_map(|envoy| Some((envoy.text("hostname")?, envoy))).collect();
        for name in ledgers.iter().flat_map(|ledger| &ledger.envoys) {
            let Some(envoy) = envoys.get(&**name) else {
                return Err(lost(format!("{name} was enrolled, and is not there")));
            };
            let is_revoked = envoy.text("revoked_at").is_some();
            let maybe = known.maybe_revoked.as_ref() == Some(name);
            if is_revoked != known.revoked.contains(name) && !maybe {
                return Err(lost(format!(
                    "expected that {name} is revoked or not as was acknowledged, found {envoy:?}"
                )));
            }
        }
        if let Some(name) = known.maybe_revoked.take() {
            match envoys.get(&*name).is_some_and(|envoy| envoy.text("revoked_at").is_some()) {
                true => _ = known.revoked.insert(name),
                false => known.not_revoked.push(name),
            }
        }
        let path = self.data.join("tls/revoked");
        let beside = fs::read_to_string(&path).unwrap_or_default();
        for name in &known.revoked {
            let id = envoys.get(&**name).and_then(|envoy| envoy.text("id")).unwrap_or("?");
            if !beside.lines().any(|line| line == id) {
                return Err(lost(format!("{name} ({id}) was revoked, and is not in `{}`", path.display())));
            }
        }
        for (name, envoy) in &envoys {
            if !matches!(envoy.at("cloned"), None | Some(Json::Null)) || envoy.number("reports_doubled")? > 0.0 {
                return Err(lost(format!("{name} is taken for two machines: {envoy:?}")));
            }
        }
        Ok(())
    }

    fn look_at_publishes(&self, known: &mut Acknowledged) -> Result<()> {
        let answer = self.api.get("/publishes")?;
        let mut found = BTreeSet::new();
        for publish in answer.list("publishes") {
            found.insert(publish.number("id")? as u64);
        }
        for (id, version) in known.publishes.iter().rev().take(HISTORY_LOOKED_AT) {
            if !found.contains(id) {
                return Err(lost(format!("publish {id} was acknowledged, and is not there")));
            }
            self.expect_version(*id, *version)?;
        }
        let newest = found.last().copied().unwrap_or_default();
        let acknowledged = known.publishes.last().map_or(1, |(id, _)| *id);
        match known.maybe_published {
            Some(version) if newest > acknowledged => {
                self.expect_version(newest, version)?;
                known.publishes.push((newest, version));
            }
            _ if newest != acknowledged => {
                return Err(lost(format!("expected publish {acknowledged} as the newest, found {newest}")));
            }
            _ => {}
        }
        known.maybe_published = None;
        let link = self.data.join(".live");
        let live = fs::read_link(&link).map_err(|e| Failure::at(&link, &e))?;
        if live != Path::new("history").join(newest.to_string()) {
            return Err(lost(format!("expected publish {newest} to be live, found `{}`", live.display())));
        }
        self.look_at_history(&found)
    }

    /// Nothing in the history is half of a publish.
    fn look_at_history(&self, listed: &BTreeSet<u64>) -> Result<()> {
        let history = self.data.join("history");
        for entry in fs::read_dir(&history).map_err(|e| Failure::at(&history, &e))? {
            let path = entry.map_err(|e| Failure::at(&history, &e))?.path();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let is_listed = name.parse().is_ok_and(|id| listed.contains(&id));
            let parts = ["tree", "bundles", "classes", "publish"].iter().all(|part| path.join(part).exists());
            if !is_listed || !parts {
                return Err(lost(format!("`{}` is no whole publish", path.display())));
            }
        }
        Ok(())
    }

    fn expect_version(&self, id: u64, version: u64) -> Result<()> {
        let path = self.data.join(format!("history/{id}/tree")).join(VERSION_FILE);
        let text = fs::read_to_string(&path).map_err(|e| Failure::at(&path, &e))?;
        match text == version_text(version) {
            true => Ok(()),
            false => Err(lost(format!("expected that publish {id} is of version {version}, found {text}"))),
        }
    }

    fn look_at_tokens(&self, known: &mut Acknowledged) -> Result<()> {
        let answer = self.api.get("/tokens")?;
        let found: BTreeSet<&str> = answer.list("tokens").iter().filter_map(|token| token.text("id")).collect();
        if let Some(id) = known.tokens.iter().find(|id| !found.contains(&***id)) {
            return Err(lost(format!("token {id} was made, and is not there")));
        }
        // One that was on its way is dead or alive now, and stays so.
        if let Some(id) = known.maybe_dead.take() {
            let is_dead = !found.contains(&*id);
            let _ = if is_dead { known.dead_tokens.insert(id) } else { known.tokens.insert(id) };
        }
        match known.dead_tokens.iter().find(|id| found.contains(&***id)) {
            Some(id) => Err(lost(format!("token {id} was made worthless, and is there again"))),
            None => Ok(()),
        }
    }

    fn look_at_secrets(&self, known: &mut Acknowledged) -> Result<()> {
        let verified = match self.api.ask("POST", "/vault/verify", "") {
            Answer::Done(answer) => answer,
            other => return Err(Failure::new(format!("the vault is not verified: {other:?}"))),
        };
        if !verified.list("bad").is_empty() {
            return Err(lost(format!("secrets cannot be opened: {verified:?}")));
        }
        let maybe = known.maybe_secret.take();
        let paths: BTreeSet<String> = known.secrets.keys().chain(maybe.iter().map(|(path, _)| path)).cloned().collect();
        for path in paths {
            let value = match self.api.ask("POST", &format!("/secrets/{path}/reveal"), "") {
                Answer::Done(answer) => answer.text("value").map(str::to_owned),
                _ => None,
            };
            let acknowledged = known.secrets.get(&path).cloned();
            let on_its_way = maybe.as_ref().filter(|(on_its_way, _)| *on_its_way == path).map(|(_, value)| value);
            if value == acknowledged {
                continue;
            }
            match value {
                Some(value) if Some(&value) == on_its_way => _ = known.secrets.insert(path, value),
                value => {
                    return Err(lost(format!("expected {acknowledged:?} as the secret `{path}`, found {value:?}")));
                }
            }
        }
        Ok(())
    }
}
