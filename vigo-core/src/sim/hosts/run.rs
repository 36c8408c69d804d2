//! One run of Converge, as a driver drives it.

use super::model::Model;
use super::trial::Trial;
use super::watch::Watch;
use super::wish::Wish;
use crate::action::Effect;
use crate::bundle::PolicyBundle;
use crate::config::Config;
use crate::converge::{Converge, Envoy, Options, Record, RunReport, Step};
use crate::host::Init;
use crate::resolve::resolve;
use crate::sim::Violation;
use crate::source::{Sources, Tree};
use crate::traits::TraitSet;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

impl<M: Model> Trial<M> {
    fn bundle(&self) -> Option<PolicyBundle> {
        let is_windows = self.facts.init == Init::Scm;
        let version = |wish: &Wish| self.versions.get(&wish.service).copied().unwrap_or_default();
        let resources: String = self.wishes.iter().map(|wish| wish.text(version(wish), is_windows)).collect();
        let text = if resources.is_empty() { "resources: []\n".into() } else { format!("resources:\n{resources}") };
        let envoys = "envoys: [{match: '*', configcrates: [c]}]\n";
        let sources = Sources::read(&Tree::from_texts([("configcrates/c.vgo", &*text), ("envoys.vgo", envoys)]));
        Some(resolve(&Config::read(&sources), "h", None).ok()?.bundle)
    }

    /// Makes one run; `None` when the agent died in it.
    pub(super) fn converge(&mut self) -> Result<Option<(Arc<RunReport>, Watch)>, Violation> {
        let bundle = self.bundle().ok_or_else(|| self.violation("the policy is none".into()))?;
        let options = Options {
            dry_run: false,
            only: Vec::new(),
            envoy: Envoy { hostname: "h".into(), ..Envoy::default() },
            clock: self.now.civil(0),
            triggers: self.triggers.clone(),
            snapshots: Vec::new(),
            revert_commands: Vec::new(),
            proofs: None,
            entropy: Vec::new(),
            seed: self.seed,
        };
        let mut watch = Watch { start: self.now, ..Watch::default() };
        for service in self.model.services() {
            let truth = self.model.truth(&service, self.now);
            watch.before.extend(truth.map(|truth| (service, truth)));
        }
        self.note(|| "a run".into());
        let mut run = Converge::new(Arc::new(bundle), TraitSet::new(), self.host, self.facts.clone(), options);
        for _ in 0..20_000 {
            match run.poll(self.now) {
                Step::Run(ops) => {
                    for (id, op) in ops {
                        if op.effect() == Effect::Changes {
                            if self.faults.strikes(8) {
                                self.note(|| "the agent dies".into());
                                self.seen.deaths += 1;
                                return Ok(None);
                            }
                            watch.changes += 1;
                            self.seen.changes += 1;
                        }
                        let current = run.current_id();
                        if let Some(service) = current.as_deref().and_then(|id| id.strip_prefix("c/")) {
                            *watch.asked.entry(service.into()).or_default() +=
                                u32::from(op.effect() == Effect::Changes);
                        }
                        watch.last.extend(current.map(|id| (id, op.effect())));
                        let output = self.perform(&op);
                        self.judge_deeds(&mut watch, run.current_id().as_deref())?;
                        run.handle_output(id, output, self.now);
                    }
                }
                Step::Store(records) => {
                    records.into_iter().for_each(|record| self.keep(record));
                    run.handle_stored();
                }
                Step::WaitUntil { at, .. } => {
                    self.now = at;
                    run.handle_timeout(at);
                }
                Step::Resolve(_) | Step::Waiting => return Err(self.violation("nothing is outstanding".into())),
                Step::Done(report) => {
                    self.seen.runs += 1;
                    self.judge(&report, &watch)?;
                    return Ok(Some((report, watch)));
                }
            }
        }
        Err(self.violation("the run does not end".into()))
    }

    fn keep(&mut self, record: Record) {
        match record {
            Record::Trigger(t) => {
                self.triggers.retain(|o| (&o.source, &o.target) != (&t.source, &t.target));
                self.triggers.push(t);
            }
            Record::TriggerDone { source, target } => {
                self.triggers.retain(|o| (&o.source, &o.target) != (&source, &target));
            }
            _ => {}
        }
    }
}
