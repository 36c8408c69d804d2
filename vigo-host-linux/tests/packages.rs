//! Whole runs over packages, against a small model of apt whose lock somebody else may hold.

use std::sync::Arc;
use vigo_core::action::{Op, OpOutput};
use vigo_core::config::Config;
use vigo_core::converge::{Converge, Options, Outcome, RunReport, Step};
use vigo_core::host::HostFacts;
use vigo_core::resolve;
use vigo_core::source::{Sources, Tree};
use vigo_core::time::Timestamp;
use vigo_core::traits::TraitSet;
use vigo_core::value::Value;
use vigo_host_linux::Linux;

const LOCKED: &str = "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 7 (apt-get)\n";

/// A Debian machine without `food`.
struct Machine {
    installed: bool,
    /// How often `apt-get` meets the lock.
    locked: u32,
    calls: u32,
    now: Timestamp,
}

impl Machine {
    fn new(locked: u32) -> Self {
        Self { installed: false, locked, calls: 0, now: Timestamp::from_epoch_secs(1_795_262_400) }
    }

    fn perform(&mut self, op: &Op) -> OpOutput {
        match op {
            Op::ReadFile { .. } if self.installed => {
                OpOutput::file("Package: food\nStatus: install ok installed\nVersion: 1\n")
            }
            Op::ReadFile { .. } => OpOutput::file(""),
            Op::ListDir { .. } => OpOutput::Dir(Vec::new()),
            Op::Run(c) if c.args.iter().any(|a| a.as_str() == "policy") => {
                OpOutput::exited(0, "food:\n  Candidate: 1\n", "")
            }
            Op::Run(c) if c.args.iter().any(|a| a.as_str() == "install") => {
                self.calls += 1;
                if self.locked > 0 {
                    self.locked -= 1;
                    return OpOutput::exited(100, "", LOCKED);
                }
                self.installed = true;
                OpOutput::exited(0, "", "")
            }
            other => panic!("{other}"),
        }
    }

    fn run(&mut self) -> Arc<RunReport> {
        let text = "name: c\nresources:\n  - {name: food, type: package, package: food}\n";
        let envoys = "envoys: [{match: '*', configcrates: [c]}]\n";
        let sources = Sources::read(&Tree::from_texts([("configcrates/c.vgo", text), ("envoys.vgo", envoys)]));
        let resolved = resolve::resolve(&Config::read(&sources), "h", None).expect("a policy");
        let options = Options {
            dry_run: false,
            only: Vec::new(),
            envoy: Default::default(),
            clock: self.now.civil(0),
            triggers: Vec::new(),
            snapshots: Vec::new(),
            revert_commands: Vec::new(),
            proofs: None,
            entropy: Vec::new(),
            seed: 1,
        };
        let facts = HostFacts { family: "debian".into(), now: self.now, ..HostFacts::default() };
        let traits = TraitSet::from_value(Value::map([("os", Value::map([("family", Value::text("debian"))]))]));
        let mut converge = Converge::new(Arc::new(resolved.bundle), traits.expect("traits"), &Linux, facts, options);
        for _ in 0..1000 {
            match converge.poll(self.now) {
                Step::Run(ops) => {
                    for (id, op) in ops {
                        let output = self.perform(&op);
                        converge.handle_output(id, output, self.now);
                    }
                }
                Step::Store(_) => converge.handle_stored(),
                Step::WaitUntil { at, why } => {
                    assert!(why.contains("Could not get lock"), "{why}");
                    self.now = at;
                    converge.handle_timeout(at);
                }
                Step::Done(report) => return report,
                Step::Resolve(_) | Step::Waiting => panic!("nothing of this is asked for here"),
            }
        }
        panic!("the run does not end");
    }
}

#[test]
fn the_lock_of_another_is_waited_for() {
    let mut m = Machine::new(3);
    let before = m.now;
    let report = m.run();
    let food = report.resources.first().expect("a resource");
    assert_eq!((food.outcome.clone(), m.calls), (Outcome::Changed, 4), "{food:?}");
    assert_eq!(food.operations.len(), 1, "it is one operation, however often it was tried");
    assert_eq!(m.now, before + vigo_core::time::Duration::from_secs(9));
    assert!(m.run().resources.iter().all(|r| r.outcome == Outcome::Ok));
}

#[test]
fn a_lock_that_stays_blocks() {
    let mut m = Machine::new(u32::MAX);
    let before = m.now;
    let report = m.run();
    let food = report.resources.first().expect("a resource");
    assert_eq!(food.outcome, Outcome::Blocked, "{food:?}");
    assert!(food.cause.as_ref().is_some_and(|c| c.contains("It is held by process 7")), "{food:?}");
    assert_eq!(m.now, before + vigo_core::time::Duration::from_secs(120));
    assert!(!m.installed);
}
