//! Resolves a tree and prints what a run would do on an OpenBSD machine, from any machine.
//!
//! `cargo run -p vigo-core --example resolve_and_plan`

use std::sync::Arc;
use vigo_core::action::{Command, Effect, Exit, FailureKind, FileKind, Metadata, Op, OpFailure, OpOutput, Ran};
use vigo_core::config::Config;
use vigo_core::converge::{Converge, Envoy, Options, RunOutcome, RunReport, Step};
use vigo_core::host::HostFacts;
use vigo_core::resolve;
use vigo_core::source::{Sources, Tree};
use vigo_core::time::Timestamp;
use vigo_core::traits::TraitSet;
use vigo_core::value::Value;
use vigo_host_bsd::OpenBsd;

/// Answers a read as the machine would: `/etc` is there, `/etc/ntpd.conf` is not, and `ntpd` is off.
fn answer(op: &Op) -> OpOutput {
    match op {
        Op::Stat { path, .. } | Op::ReadFile { path, .. } | Op::HashFile { path, .. } => match path.as_str() {
            "/" | "/etc" => OpOutput::Stat(directory()),
            _ => OpOutput::Missing,
        },
        Op::Run(command) => ran(command),
        other => cannot(other),
    }
}

/// Answers as rcctl(8) does for a service that is disabled and stopped: both commands exit 1.
fn ran(command: &Command) -> OpOutput {
    let args: Vec<&str> = command.args.iter().map(|a| a.as_str()).collect();
    let stdout = match (&*command.program, &args[..]) {
        ("/usr/sbin/rcctl", ["get", "ntpd"]) => "ntpd_class=daemon\nntpd_flags=NO\n",
        ("/usr/sbin/rcctl", ["check", "ntpd"]) => "ntpd(failed)\n",
        _ => return cannot(&Op::Run(command.clone())),
    };
    OpOutput::Ran(Ran { exit: Exit::Code(1), stdout: stdout.into(), stderr: Vec::new(), truncated: false })
}

fn directory() -> Metadata {
    let (kind, mode, uid, gid, size) = (FileKind::Dir, 0o755, 0, 0, 512);
    Metadata { kind, mode, uid, gid, size, mtime_ms: 0, dev: 1, ino: 2, nlink: 2, target: None, context: None }
}

fn cannot(op: &Op) -> OpOutput {
    OpOutput::Failed(OpFailure { kind: FailureKind::Other, message: format!("nobody answers `{op}` here") })
}

/// Drives a dry run to its report. It asks for reads only, and foretells the rest.
fn plan(mut converge: Converge, now: Timestamp) -> Arc<RunReport> {
    loop {
        match converge.poll(now) {
            Step::Run(ops) => {
                for (id, op) in ops {
                    assert_eq!(op.effect(), Effect::Reads, "a plan changes nothing: {op}");
                    println!("  reads: {op}");
                    converge.handle_output(id, answer(&op), now);
                }
            }
            Step::Store(_) => converge.handle_stored(),
            Step::Resolve(_) => converge.handle_secrets(Vec::new()),
            Step::WaitUntil { at, .. } => converge.handle_timeout(at),
            Step::Waiting => unreachable!("every operation is answered at once"),
            Step::Done(report) => return report,
        }
    }
}

/// Runs the example.
pub fn main() {
    let tree = Tree::from_texts([
        (
            "configcrates/ntp.vgo",
            r#"
vars: {servers: [ntp1.example.org, ntp2.example.org]}
resources:
  - name: conf
    type: file
    target_path: /etc/ntpd.conf
    mode: "0644"
    content: "{{ range .Vars.servers }}server {{ . }}\n{{ end }}"
  - {name: ntpd, type: service, service: ntpd, state: running, enabled: true, depends_on: conf}
"#,
        ),
        ("envoys.vgo", "envoys:\n  - {match: 'gw-*', configcrates: [ntp]}\n"),
    ]);
    let sources = Sources::read(&tree);
    let policy = resolve::resolve(&Config::read(&sources), "gw-1", None).expect("the tree is valid").bundle;

    // Traits are what an agent finds out about its machine.
    let os = Value::map([("family", Value::text("openbsd")), ("version", Value::text("7.8"))]);
    let init = Value::map([("manager", Value::text("rcctl"))]);
    let traits = TraitSet::from_value(Value::map([("os", os), ("init", init)])).expect("these are traits");
    let now = Timestamp::from_epoch_secs(1_795_262_400);
    let facts = HostFacts { now, ..HostFacts::from_traits(traits.value()) };
    let options = Options {
        dry_run: true,
        only: Vec::new(),
        envoy: Envoy { hostname: "gw-1".into(), ..Envoy::default() },
        clock: now.civil(0),
        triggers: Vec::new(),
        snapshots: Vec::new(),
        revert_commands: Vec::new(),
        proofs: None,
        entropy: Vec::new(),
        seed: 1,
    };
    let report = plan(Converge::new(Arc::new(policy), traits, &OpenBsd, facts, options), now);

    for resource in &report.resources {
        println!("{} {}", resource.id, resource.outcome.word());
        resource.operations.iter().for_each(|op| println!("  would: {op}"));
    }
    assert_eq!(report.outcome, RunOutcome::Drift, "{report:#?}");
    let would: Vec<&str> = report.resources.iter().flat_map(|r| &r.operations).map(String::as_str).collect();
    let expected =
        ["write /etc/ntpd.conf (48 bytes) mode 0644", "/usr/sbin/rcctl enable ntpd", "/usr/sbin/rcctl -f start ntpd"];
    assert_eq!(would, expected, "{report:#?}");
}
