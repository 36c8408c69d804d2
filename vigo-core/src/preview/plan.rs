//! A dry run against a blank machine.

use super::blank::Blank;
use super::unknown::Known;
use crate::bundle::{BundleResource, PolicyBundle};
use crate::converge::{Converge, Counts, Envoy, Options, Outcome, ResourceReport, RunOutcome, RunReport, Step};
use crate::entropy::Entropy;
use crate::host::{HostFacts, Support};
use crate::time::Timestamp;
use crate::traits::TraitSet;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Whom a plan is for.
#[derive(Debug)]
pub struct Subject {
    /// `.Envoy`.
    pub envoy: Envoy,
    /// As [`super::traits`] returns them.
    pub traits: TraitSet,
    /// The time of the run; its clock is UTC.
    pub now: Timestamp,
    /// As [`Options::entropy`].
    pub entropy: Vec<Entropy>,
}

/// Returns what a run of `bundle` would do on a machine like `blank`: a report as of `vigo plan`, in which everything that
/// only the machine can know is unknown. Secrets count as known, and are shown by their paths.
pub fn plan(bundle: &Arc<PolicyBundle>, blank: &Blank, subject: Subject) -> RunReport {
    let Subject { envoy, traits, now, entropy } = subject;
    let mut facts = HostFacts { now, ..HostFacts::from_traits(traits.value()) };
    facts.programs = blank.programs.iter().map(|program| Arc::from(*program)).collect();
    let clock = now.civil(0);
    let options = Options {
        dry_run: true,
        only: Vec::new(),
        envoy: envoy.clone(),
        clock,
        triggers: Vec::new(),
        snapshots: Vec::new(),
        revert_commands: Vec::new(),
        proofs: None,
        entropy,
        seed: 1,
    };
    let converge = Converge::new(bundle.clone(), traits.clone(), blank.host, facts, options);
    let report = drive(converge, blank, now);
    let mut resources = report.resources.clone();
    let numbers: BTreeMap<&str, u32> = (0u32..).zip(&bundle.resources).map(|(i, r)| (&*r.id, i)).collect();
    for report in &mut resources {
        let resource = numbers.get(&*report.id).and_then(|&number| bundle.resources.get(number as usize));
        if let Some(resource) = resource {
            unsupported(report, resource, blank);
        }
    }
    Known { bundle, traits: &traits, envoy: &envoy, clock: &clock }.doubt(&numbers, &mut resources);
    summed(resources, report.files.clone())
}

/// Drives a dry run to its report: it asks for reads only.
fn drive(mut converge: Converge, blank: &Blank, now: Timestamp) -> Arc<RunReport> {
    loop {
        match converge.poll(now) {
            Step::Run(ops) => {
                for (id, op) in ops {
                    converge.handle_output(id, blank.perform(&op), now);
                }
            }
            Step::Store(_) => converge.handle_stored(),
            Step::Resolve(paths) => {
                let stand_in = |path: Arc<str>| (path.clone(), Ok(format!("«secret {path}»")));
                converge.handle_secrets(paths.into_iter().map(stand_in).collect());
            }
            Step::WaitUntil { at, .. } => converge.handle_timeout(at),
            // Every operation is answered at once.
            Step::Waiting => converge.cancel(),
            Step::Done(report) => return report,
        }
    }
}

/// Fails what the host's table says it cannot do and no adapter was asked for: what is done to files is the same code on
/// every system.
fn unsupported(report: &mut ResourceReport, resource: &BundleResource, blank: &Blank) {
    let (type_name, host) = (&*resource.type_name, blank.host.name());
    let Some(capability) = blank.host.capabilities().iter().find(|c| c.type_name == type_name) else { return };
    let cause = match capability.support {
        Support::Full => return,
        Support::Planned | Support::No => format!("type `{type_name}` is not supported on {host}"),
        Support::Partly(excepted) => {
            let is_plain = excepted.split(", ").all(|word| word.starts_with('`') && word.ends_with('`'));
            let lacks = |name: &str| excepted.split(", ").any(|word| word.trim_matches('`') == name);
            match resource.attributes.iter().find(|a| is_plain && !a.is_default && lacks(&a.name)) {
                Some(a) => format!("attribute `{}` of type `{type_name}` is not supported on {host}", a.name),
                None => return,
            }
        }
    };
    if !matches!(report.outcome, Outcome::Failed | Outcome::Skipped(_)) {
        report.outcome = Outcome::Failed;
        report.cause = Some(cause);
        report.unsupported = true;
        report.operations.clear();
    }
}

fn summed(resources: Vec<ResourceReport>, files: Vec<Arc<str>>) -> RunReport {
    let mut counts = Counts::default();
    for r in &resources {
        *match &r.outcome {
            Outcome::Ok => &mut counts.ok,
            Outcome::Changed => &mut counts.changed,
            Outcome::Failed => &mut counts.failed,
            Outcome::Blocked => &mut counts.blocked,
            Outcome::Skipped(_) => &mut counts.skipped,
            Outcome::Unknown { .. } => &mut counts.unknown,
        } += 1;
    }
    let outcome = if resources.iter().any(|r| !r.outcome.satisfies()) {
        RunOutcome::NotConverged
    } else if counts.changed > 0 || counts.unknown > 0 {
        RunOutcome::Drift
    } else {
        RunOutcome::Converged
    };
    RunReport { dry_run: true, outcome, counts, duration: Default::default(), resources, files }
}
