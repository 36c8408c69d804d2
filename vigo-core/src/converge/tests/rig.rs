//! Whole runs, from text to report, on a disk in memory and a clock that only moves when it is waited for.

use crate::action::{Content, Effect, FailureKind, Op, OpFailure, OpOutput};
use crate::config::Config;
use crate::converge::{
    Converge, Envoy, Options, Outcome, Proof, Proofs, Record, ResourceReport, RevertCommand, RunReport, Step,
    StoredTrigger,
};
use crate::entropy::Entropy;
use crate::host::{Capability, Host, HostFacts};
use crate::resolve;
use crate::resource::Snapshot;
use crate::resource::rig::Disk;
use crate::secret::{ProofKey, Withheld};
use crate::source::{Sources, Tree};
use crate::time::Timestamp;
use crate::traits::TraitSet;
use crate::value::Value;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

struct Bare;

impl Host for Bare {
    fn name(&self) -> &'static str {
        "test"
    }

    fn capabilities(&self) -> &'static [Capability] {
        &[]
    }
}

/// A machine that is converged again and again.
pub(super) struct Machine {
    pub(super) disk: Disk,
    pub(super) triggers: Vec<StoredTrigger>,
    pub(super) snapshots: Vec<Snapshot>,
    pub(super) revert_commands: Vec<RevertCommand>,
    /// Somebody writes this file just before the next operation.
    pub(super) meddles: Option<(&'static str, &'static str)>,
    /// Somebody writes this file while a run waits.
    pub(super) meddles_waiting: Option<(&'static str, &'static str)>,
    pub(super) now: Timestamp,
    pub(super) secrets: Vec<(&'static str, &'static str)>,
    /// Nobody has the secrets any more, or nobody who has answers.
    pub(super) offline: bool,
    pub(super) secrets_epoch: u64,
    pub(super) proofs: Vec<Proof>,
    pub(super) only: Vec<Arc<str>>,
    /// After this many changing operations the agent dies.
    pub(super) dies_after: Option<usize>,
    /// After this many changing operations the run is cancelled.
    pub(super) cancelled_after: Option<usize>,
    /// The program of this name panics the adapter: simulated by abandoning when it is asked for.
    pub(super) panics_on: Option<&'static str>,
    /// The run is cancelled at the first operation or wait in whose text this stands.
    pub(super) cancelled_on: Option<&'static str>,
    /// The next operation in whose text this stands fails.
    pub(super) fails_on: Option<&'static str>,
    /// How it fails.
    pub(super) fails_as: FailureKind,
    /// So many times the disk is full when something is to be stored.
    pub(super) full: usize,
    pub(super) changed_ops: Vec<String>,
}

impl Machine {
    pub(super) fn new() -> Self {
        Self {
            disk: Disk::new(),
            triggers: Vec::new(),
            snapshots: Vec::new(),
            revert_commands: Vec::new(),
            meddles: None,
            meddles_waiting: None,
            now: Timestamp::from_epoch_secs(1_795_262_400),
            secrets: Vec::new(),
            offline: false,
            secrets_epoch: 1,
            proofs: Vec::new(),
            only: Vec::new(),
            dies_after: None,
            cancelled_after: None,
            panics_on: None,
            cancelled_on: None,
            fails_on: None,
            fails_as: FailureKind::Other,
            full: 0,
            changed_ops: Vec::new(),
        }
    }

    /// Runs; `None` when the agent died.
    pub(super) fn run(&mut self, crates: &str, dry_run: bool) -> Option<Arc<RunReport>> {
        let bundle = bundle(crates);
        let traits = Value::map([("os", Value::map([("family", Value::text("debian"))]))]);
        let options = Options {
            dry_run,
            only: self.only.clone(),
            envoy: Envoy { hostname: "h".into(), ..Envoy::default() },
            clock: self.now.civil(0),
            triggers: self.triggers.clone(),
            snapshots: self.snapshots.clone(),
            revert_commands: self.revert_commands.clone(),
            proofs: Some(Proofs {
                key: ProofKey::from_bytes([7; 32]),
                secrets_epoch: self.secrets_epoch,
                kept: self.proofs.clone(),
            }),
            entropy: (0..Converge::entropy_wanted(&bundle)).map(|n| Entropy::new([n as u8; 32])).collect(),
            seed: 1,
        };
        let facts = HostFacts { now: self.now, planning: dry_run, ..HostFacts::default() };
        let traits = TraitSet::from_value(traits).unwrap();
        let mut converge = Converge::new(Arc::new(bundle), traits, &Bare, facts, options);
        self.changed_ops.clear();
        for _ in 0..10_000 {
            match converge.poll(self.now) {
                Step::Run(ops) => {
                    for (id, op) in ops {
                        assert!(!is_stand_in(&op), "a stand-in goes out: {op:?}");
                        if let (Some(name), Op::Run(command)) = (self.panics_on, &*op)
                            && command.args.iter().any(|a| a.as_str().contains(name))
                        {
                            converge.abandon("it panicked");
                            continue;
                        }
                        if op.effect() == Effect::Changes {
                            assert!(!dry_run, "a plan performed {op}");
                            if self.dies_after == Some(self.changed_ops.len()) {
                                return None;
                            }
                            if self.cancelled_after == Some(self.changed_ops.len()) {
                                converge.cancel();
                            }
                            self.changed_ops.push(op.to_string());
                            if let Some((path, text)) = self.meddles.take() {
                                self.disk.file(path, text);
                            }
                        }
                        if self.cancelled_on.is_some_and(|text| op.to_string().contains(text)) {
                            converge.cancel();
                        }
                        let output = match self.fails_on.take_if(|text| op.to_string().contains(*text)) {
                            Some(_) => OpOutput::Failed(OpFailure { kind: self.fails_as, message: "no luck".into() }),
                            None => self.disk.perform(&op),
                        };
                        converge.handle_output(id, output, self.now);
                    }
                }
                Step::Store(records) => {
                    assert!(!dry_run, "a plan stored {records:?}");
                    if self.full > 0 {
                        self.full -= 1;
                        converge.handle_store_failed("no space left on device");
                        continue;
                    }
                    for record in records {
                        match record {
                            Record::Trigger(t) => {
                                self.triggers.retain(|o| (&o.source, &o.target) != (&t.source, &t.target));
                                self.triggers.push(t);
                            }
                            Record::TriggerDone { source, target } => {
                                self.triggers.retain(|o| (&o.source, &o.target) != (&source, &target));
                            }
                            Record::Snapshot(new) => {
                                let same =
                                    |s: &&mut Snapshot| (&s.type_name, &s.target) == (&new.type_name, &new.target);
                                match self.snapshots.iter_mut().find(same) {
                                    Some(old) if old.reverted => *old = new,
                                    Some(_) => {}
                                    None => self.snapshots.push(new),
                                }
                            }
                            Record::Reverted { type_name, target } => {
                                let same = |s: &&mut Snapshot| (&s.type_name, &s.target) == (&type_name, &target);
                                self.snapshots.iter_mut().filter(|s| same(s)).for_each(|s| s.reverted = true);
                            }
                            Record::RevertCommand(done) => self.revert_commands.push(done),
                            Record::Proof(proof) => {
                                self.proofs.retain(|old| old.id != proof.id);
                                self.proofs.push(proof);
                            }
                            Record::Unproved(id) => self.proofs.retain(|old| old.id != id),
                        }
                    }
                    converge.handle_stored();
                }
                Step::Resolve(paths) => {
                    let of = |path: &str| self.secrets.iter().find(|(p, _)| *p == path).map(|(_, v)| v.to_string());
                    let denied = || match self.offline {
                        true => Withheld::Unreachable("no server answers".into()),
                        false => Withheld::Refused("not in the test".into()),
                    };
                    let of = |path: &str| of(path).filter(|_| !self.offline).ok_or_else(denied);
                    let found = paths.into_iter().map(|p| (p.clone(), of(&p)));
                    converge.handle_secrets(found.collect());
                }
                Step::WaitUntil { at, why } => {
                    if self.cancelled_on.is_some_and(|text| why.contains(text)) {
                        converge.cancel();
                        continue;
                    }
                    self.now = at;
                    if let Some((path, text)) = self.meddles_waiting.take() {
                        self.disk.file(path, text);
                    }
                    converge.handle_timeout(at);
                }
                Step::Waiting => panic!("nothing is outstanding"),
                Step::Done(report) => return Some(report),
            }
        }
        panic!("the run does not end");
    }

    pub(super) fn apply(&mut self, crates: &str) -> Arc<RunReport> {
        self.run(crates, false).expect("the agent lives")
    }

    pub(super) fn plan(&mut self, crates: &str) -> Arc<RunReport> {
        self.run(crates, true).expect("the agent lives")
    }
}

/// Resolves the crates `c`, `d` …, which lines of `---` part, for a host.
pub(super) fn bundle(crates: &str) -> crate::bundle::PolicyBundle {
    let named = |(text, name): (&str, char)| (format!("configcrates/{name}.vgo"), format!("name: {name}\n{text}"));
    let mut texts: Vec<(String, String)> = crates.split("---\n").zip('c'..).map(named).collect();
    let names: Vec<String> = ('c'..).take(texts.len()).map(String::from).collect();
    let envoys = format!("envoys: [{{match: '*', configcrates: [{}]}}]\n", names.join(", "));
    texts.push(("envoys.vgo".into(), envoys));
    let tree = Tree::from_texts(texts.iter().map(|(path, text)| (path.as_str(), text.as_str())));
    let sources = Sources::read(&tree);
    let config = Config::read(&sources);
    match resolve::resolve(&config, "h", None) {
        Ok(resolved) => resolved.bundle,
        Err(diagnostics) => {
            let shown: Vec<String> =
                diagnostics.iter().map(|d| format!("{} {}", sources.map().describe(d.span()), d.message)).collect();
            panic!("{shown:#?}\n{crates}");
        }
    }
}

/// Returns `name outcome` of each resource.
pub(super) fn outcomes(report: &RunReport) -> Vec<String> {
    let one = |r: &ResourceReport| {
        let why = match &r.outcome {
            Outcome::Skipped(cause) => format!(" {}", cause.word()),
            Outcome::Unknown { because } => format!(" {because}"),
            _ => String::new(),
        };
        format!("{} {}{why}", r.id.trim_start_matches("c/"), r.outcome.word())
    };
    report.resources.iter().map(one).collect()
}

/// Returns whether what stands in for the secret of a test is in an operation.
fn is_stand_in(op: &Op) -> bool {
    let text = crate::hex::encode(crate::resource::digest::sha256(b"vigo stand-in v1\0db/pw"));
    match op {
        Op::ReplaceFile(replace) => matches!(&replace.content, Content::Text(t) if t.as_str().contains(&text)),
        Op::Run(c) => c.args.iter().chain(&c.stdin).chain(&c.secret_file).any(|t| t.as_str().contains(&text)),
        _ => false,
    }
}
