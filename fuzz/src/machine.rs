//! A machine that answers whatever the input says.

use crate::answers::Answers;
use std::sync::{Arc, OnceLock};
use vigo_core::action::Effect;
use vigo_core::bundle::PolicyBundle;
use vigo_core::config::Config;
use vigo_core::converge::{Converge, Envoy, Options, RunReport, Step};
use vigo_core::entropy::Entropy;
use vigo_core::host::{Host, HostFacts, Init};
use vigo_core::resolve;
use vigo_core::source::{Sources, Tree};
use vigo_core::time::Timestamp;
use vigo_core::traits::TraitSet;
use vigo_core::value::Value;

/// A secret that must be shown nowhere.
pub const SECRET: &str = "s3cr3t-of-the-fuzzer";

/// One resource of every type, and their edges.
const POLICY: &str = include_str!("policy.vgo");

/// No run takes more steps: more is a run that does not end.
const STEPS_MAX: usize = 20_000;

/// Returns the policy of all types.
pub fn policy() -> Arc<PolicyBundle> {
    static POLICY_BUNDLE: OnceLock<Arc<PolicyBundle>> = OnceLock::new();
    let make = || {
        let envoys = "envoys: [{match: '*', configcrates: [all]}]\n";
        let sources = Sources::read(&Tree::from_texts([("configcrates/all.vgo", POLICY), ("envoys.vgo", envoys)]));
        let config = Config::read(&sources);
        match resolve::resolve(&config, "fuzz", None) {
            Ok(resolved) => Arc::new(resolved.bundle),
            Err(diagnostics) => panic!("the policy of the fuzz targets is wrong: {diagnostics:#?}"),
        }
    };
    POLICY_BUNDLE.get_or_init(make).clone()
}

/// Runs `only` of the policy (all when empty) on a machine whose every answer is taken from `data`.
pub fn run(data: &[u8], host: &'static dyn Host, init: Init, only: Vec<Arc<str>>, dry_run: bool) -> Arc<RunReport> {
    let mut answers = Answers::of(data);
    let is_told = data.windows(SECRET.len()).any(|bytes| bytes == SECRET.as_bytes());
    let bundle = policy();
    let facts = HostFacts {
        family: "debian".into(),
        distro: "debian".into(),
        version: "12".into(),
        init,
        programs: host.programs().iter().map(|p| Arc::from(*p)).collect(),
        planning: dry_run,
        ..HostFacts::default()
    };
    let os = Value::map([("family", Value::text("debian"))]);
    let traits = TraitSet::from_value(Value::map([("os", os)])).unwrap_or_default();
    let mut now = Timestamp::from_epoch_secs(1_795_262_400);
    let entropy = (0..Converge::entropy_wanted(&bundle)).map(|i| Entropy::new([i as u8; 32])).collect();
    let options = Options {
        dry_run,
        only,
        envoy: Envoy { hostname: "fuzz".into(), ..Envoy::default() },
        clock: now.civil(0),
        triggers: Vec::new(),
        snapshots: Vec::new(),
        revert_commands: Vec::new(),
        proofs: None,
        entropy,
        seed: 1,
    };
    let mut converge = Converge::new(bundle, traits, host, facts, options);
    for _ in 0..STEPS_MAX {
        match converge.poll(now) {
            Step::Run(ops) => {
                for (id, op) in ops {
                    assert!(!dry_run || op.effect() == Effect::Reads, "a plan performed {op}");
                    let shown = converge.shown(&op);
                    assert!(!shown.contains(SECRET), "an operation shows a secret: {shown}");
                    // A path may hold what the machine itself has said: where one of its links leads.
                    let bare = op.to_string();
                    assert!(is_told || !bare.contains(SECRET), "an operation shows a secret: {bare}");
                    let answer = answers.answer(&op);
                    converge.handle_output(id, answer, now);
                }
            }
            Step::Store(_) => {
                assert!(!dry_run, "a plan stored something");
                converge.handle_stored();
            }
            Step::Resolve(paths) => {
                converge.handle_secrets(paths.into_iter().map(|p| (p, Ok(SECRET.to_owned()))).collect());
            }
            Step::WaitUntil { at, .. } => {
                assert!(at > now, "a wait for what is past");
                now = at;
            }
            Step::Waiting => panic!("nothing is outstanding"),
            Step::Done(report) => {
                let debug = format!("{report:?}");
                assert!(!debug.contains(SECRET), "the report shows a secret: {debug}");
                return report;
            }
        }
    }
    panic!("the run does not end");
}
