//! The shelf of programs on a disk that is full, or broken, or whose machine dies, at each step of each change.

use super::{Temp, own, program};
use crate::agents::{Agents, AgentsError};
use std::fs;
use vigo_driver::disk::{Fault, each_step};

/// A change that may fail.
type Change = fn(&Agents) -> Result<(), AgentsError>;

fn add(agents: &Agents, version: &str) -> Result<(), AgentsError> {
    let staged = agents.stage(program(version).chunks(100).map(Ok), Some(own()))?;
    agents.commit(staged).map(drop)
}

/// Returns the versions that are handed out, each with its bytes as they should be.
fn versions(temp: &Temp, agents: &Agents) -> Vec<String> {
    let whole = |version: &str| {
        let agent = agents.get(&own()).unwrap();
        assert_eq!(fs::read(agents.path(&agent.manifest)).unwrap(), program(version));
        version.to_owned()
    };
    let found: Vec<String> = agents.all().iter().map(|agent| whole(&agent.manifest.version.to_string())).collect();
    assert!(temp.path.join("blobs").exists());
    found
}

#[test]
fn a_program_that_the_disk_does_not_take_is_handed_out_whole_or_not_at_all() {
    let changes: [(&str, Change, &[&str]); 2] = [
        ("another", |agents| add(agents, "1.0.1"), &["1.0.1"]),
        ("none", |agents| agents.remove(&own()).map(drop), &[]),
    ];
    for (what, change, after) in changes {
        let steps = each_step(
            |_| {
                let temp = Temp::new("faults");
                let agents = temp.open();
                add(&agents, "1.0.0").unwrap();
                (temp, agents)
            },
            |(_, agents)| change(agents),
            |case, fault, (temp, agents), done| {
                let case = format!("{what}, {case}");
                let is_right = |found: &[String]| found == ["1.0.0"] || found == after;
                if fault != Fault::Death {
                    let now = versions(temp, agents);
                    assert!(is_right(&now) && (done.is_err() || now == after), "{case}: {now:?}");
                }
                let opened = temp.open();
                let found = versions(temp, &opened);
                assert!(is_right(&found), "{case}: {found:?}");
                assert!(done.is_err() || found == after, "{case}: it was said to be made");
                change(&opened).unwrap_or_else(|error| panic!("{case}: {error}"));
                assert_eq!(versions(temp, &temp.open()), after, "{case}: the next time");
            },
        );
        assert!(steps >= 2, "{what}: {steps}");
    }
}
