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
        let mut now = self.now;
        let report =
            run("{name: food, type: package, package: food}", "debian", &mut now, |op| (self.perform(op), false));
        self.now = now;
        report
    }
}

/// Runs a policy of one resource on a machine that answers so, and says whether the run is cancelled then.
fn run(
    resource: &str,
    family: &str,
    now: &mut Timestamp,
    mut perform: impl FnMut(&Op) -> (OpOutput, bool),
) -> Arc<RunReport> {
    let text = format!("name: c\nresources:\n  - {resource}\n");
    let envoys = "envoys: [{match: '*', configcrates: [c]}]\n";
    let sources = Sources::read(&Tree::from_texts([("configcrates/c.vgo", text.as_str()), ("envoys.vgo", envoys)]));
    let resolved = resolve::resolve(&Config::read(&sources), "h", None).expect("a policy");
    let options = Options {
        dry_run: false,
        only: Vec::new(),
        envoy: Default::default(),
        clock: now.civil(0),
        triggers: Vec::new(),
        snapshots: Vec::new(),
        revert_commands: Vec::new(),
        proofs: None,
        entropy: Vec::new(),
        seed: 1,
    };
    let facts = HostFacts { family: family.into(), now: *now, ..HostFacts::default() };
    let traits = TraitSet::from_value(Value::map([("os", Value::map([("family", Value::text(family))]))]));
    let mut converge = Converge::new(Arc::new(resolved.bundle), traits.expect("traits"), &Linux, facts, options);
    for _ in 0..1000 {
        match converge.poll(*now) {
            Step::Run(ops) => {
                for (id, op) in ops {
                    let (output, ends) = perform(&op);
                    converge.handle_output(id, output, *now);
                    if ends {
                        converge.cancel();
                    }
                }
            }
            Step::Store(_) => converge.handle_stored(),
            Step::WaitUntil { at, why } => {
                assert!(why.contains("Could not get lock"), "{why}");
                *now = at;
                converge.handle_timeout(at);
            }
            Step::Done(report) => return report,
            Step::Resolve(_) | Step::Waiting => panic!("nothing of this is asked for here"),
        }
    }
    panic!("the run does not end");
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

/// A machine with a `food` that somebody has locked, whose zypper says this to what changes something. The run is
/// cancelled after such a call.
fn locked_food(
    resource: &str,
    cancelled_after: &str,
    says: impl Fn(&str) -> (i32, &'static str),
) -> (bool, Arc<RunReport>) {
    let (mut held, mut now) = (true, Timestamp::from_epoch_secs(1_795_262_400));
    let report = run(resource, "suse", &mut now, |op| {
        let Op::Run(command) = op else { return (OpOutput::Missing, false) };
        let words: Vec<&str> = command.args.iter().map(|arg| arg.as_str()).collect();
        let verb =
            ["locks", "removelock", "addlock", "install", "remove"].into_iter().find(|verb| words.contains(verb));
        let ((code, text), verb) = match verb {
            None => ((0, "food 0 1 1 x86_64\n"), ""),
            Some("locks") if held => ((0, "# | Name | Type\n--+------+-----\n1 | food | package\n"), ""),
            Some("locks") => ((0, "There are no package locks defined.\n"), ""),
            Some(verb) => (says(verb), verb),
        };
        held = match verb {
            "removelock" => held && code != 0,
            "addlock" => held || code == 0,
            _ => held,
        };
        (OpOutput::exited(code, text, ""), verb == cancelled_after)
    });
    (held, report)
}

const NEVER: &str = "never";
const DONE: (i32, &str) = (0, "");
const REFUSED: (i32, &str) = (4, "Problem: no\n");
const GONE: &str = "{name: food, type: package, package: food, manager: zypper, state: absent}";
const NEWER: &str = "{name: food, type: package, package: food, manager: zypper, version: 2-1}";

#[test]
fn the_lock_of_an_administrator_is_put_back_when_what_it_was_taken_off_for_fails() {
    for (resource, verb) in [(GONE, "remove"), (NEWER, "install")] {
        let (held, report) = locked_food(resource, NEVER, |of| if of == verb { REFUSED } else { DONE });
        let food = report.resources.first().expect("a resource");
        assert!(held, "{food:?}");
        assert_eq!(food.outcome, Outcome::Failed, "{food:?}");
        assert!(food.cause.as_ref().is_some_and(|cause| cause == "no"), "of what failed first: {food:?}");
        let last = food.operations.last().expect("an operation");
        assert!(last.ends_with("addlock food") && food.operations.len() == 3, "{food:?}");
    }
}

#[test]
fn a_lock_is_put_back_when_the_manager_only_says_that_it_has_done_what_it_was_taken_off_for() {
    let (held, report) = locked_food(GONE, NEVER, |_| DONE);
    let food = report.resources.first().expect("a resource");
    assert!(held && food.cause.as_ref().is_some_and(|cause| cause.contains("reported success")), "{food:?}");
}

#[test]
fn a_lock_that_cannot_be_put_back_is_told() {
    let (held, report) = locked_food(GONE, NEVER, |of| if of == "removelock" { DONE } else { REFUSED });
    let food = report.resources.first().expect("a resource");
    assert!(!held && food.outcome == Outcome::Failed, "{food:?}");
    assert!(food.notes.iter().any(|note| note.contains("addlock food` was to put back")), "{food:?}");
}

#[test]
fn a_lock_that_could_not_be_taken_off_is_left_alone() {
    let (held, report) = locked_food(GONE, NEVER, |of| if of == "removelock" { REFUSED } else { DONE });
    let food = report.resources.first().expect("a resource");
    assert!(held && food.operations.len() == 1, "{food:?}");
}

#[test]
fn a_run_that_is_cancelled_puts_a_lock_back() {
    let (held, report) = locked_food(GONE, "removelock", |_| DONE);
    let food = report.resources.first().expect("a resource");
    assert!(held && food.operations.len() == 2, "{food:?}");
    assert!(food.cause.as_ref().is_some_and(|cause| cause.contains("cancelled")), "{food:?}");
}
