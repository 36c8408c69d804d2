//! The agent on a machine of ours: it is run, and its report read.

use std::collections::BTreeMap;
use std::process::Child;
use std::time::Duration;

use super::boxes::Machine;
use crate::failure::{Failure, Result};
use crate::json::Json;
use crate::process::Output;

/// No run takes longer.
const RUN_LIMIT: Duration = Duration::from_secs(600);

/// What a run reports.
pub struct Run {
    /// Its exit code.
    pub code: i32,
    /// All that it printed.
    pub text: String,
    /// What each resource came to, by `crate/name`.
    pub resources: BTreeMap<String, Reported>,
}

/// What one resource came to.
#[derive(Default)]
pub struct Reported {
    /// Its type.
    pub type_name: String,
    /// `changed`, `would_change` …
    pub outcome: String,
    /// Why, where it did not go well.
    pub cause: String,
    /// `field: before → after`.
    pub changes: Vec<String>,
}

impl Run {
    /// Returns the resources with this outcome.
    pub fn ids(&self, outcome: &str) -> Vec<String> {
        self.resources.iter().filter(|(_, r)| r.outcome == outcome).map(|(id, _)| id.clone()).collect()
    }

    /// Returns what a resource came to.
    pub fn outcome(&self, id: &str) -> &str {
        self.resources.get(id).map_or("nothing", |r| &r.outcome)
    }

    /// Returns what did not go well, each with its cause.
    pub fn bad(&self) -> Vec<String> {
        let mut bad: Vec<String> = Vec::new();
        for (id, Reported { outcome, cause, .. }) in &self.resources {
            let fine = cause.contains("when") || cause.contains("gate is false") || cause.contains("triggered");
            if outcome == "failed" || outcome == "blocked" || (outcome == "skipped" && !fine) {
                bad.push(format!("{id} {outcome}: {cause}"));
            }
        }
        bad
    }
}

/// The name that the tests' policies know their machine by, unless they say another.
const HOSTNAME: &str = "converge";

/// How the agent is called on the test's policy.
fn argv<'a>(verb: &'a str, stacks: &'a str, hostname: &'a str) -> [&'a str; 10] {
    [
        "vigo",
        verb,
        "--stacks",
        stacks,
        "--hostname",
        hostname,
        "--secrets-file",
        "/root/secrets.yaml",
        "--format",
        "json",
    ]
}

/// Runs `vigo apply` or `plan` on the policy in `stacks`, and reads its report.
pub fn vigo(machine: &Machine, verb: &str, stacks: &str, more: &[&str]) -> Result<Run> {
    vigo_as(machine, HOSTNAME, verb, stacks, more)
}

/// The same for the policy of a machine that is called `hostname`.
pub fn vigo_as(machine: &Machine, hostname: &str, verb: &str, stacks: &str, more: &[&str]) -> Result<Run> {
    let argv = [&argv(verb, stacks, hostname)[..], more].concat();
    let output: Output = machine.exec_with(&argv, "", RUN_LIMIT)?;
    let none = || Failure::new(format!("`vigo {verb}` printed no report: {}{}", output.stdout, output.stderr));
    let json = Json::parse(&output.stdout).map_err(|_| none())?;
    json.at("resources").ok_or_else(none)?;
    let word = |json: &Json, key: &str| json.text(key).unwrap_or_default().to_owned();
    let change = |c: &Json| format!("{}: {} → {}", word(c, "field"), word(c, "before"), word(c, "after"));
    let resource = |r: &Json| {
        let reported = Reported {
            type_name: word(r, "type"),
            outcome: word(r, "outcome"),
            cause: word(r, "cause"),
            changes: r.list("changes").iter().map(change).collect(),
        };
        (word(r, "id"), reported)
    };
    let resources = json.list("resources").iter().map(resource).collect();
    Ok(Run { code: output.code(), text: output.stdout + &output.stderr, resources })
}

/// Starts `vigo apply` on the policy in `stacks`, and does not wait for it.
pub fn start(machine: &Machine, stacks: &str) -> Result<Child> {
    machine.spawn(&argv("apply", stacks, HOSTNAME))
}
