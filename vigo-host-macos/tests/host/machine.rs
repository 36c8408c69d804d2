//! A machine on which nothing has been set up, but for what a case says, and what a plan would do on it.

use std::fmt::Write as _;
use std::sync::Arc;
use vigo_core::action::{Command, Effect, FileKind, Metadata, Op, OpOutput};
use vigo_core::config::Config;
use vigo_core::converge::{Converge, Options, ResourceReport, Step};
use vigo_core::entropy::Entropy;
use vigo_core::host::{HostFacts, Init};
use vigo_core::preview::{At, Blank};
use vigo_core::resolve;
use vigo_core::source::{Sources, Tree};
use vigo_core::time::Timestamp;
use vigo_core::traits::TraitSet;
use vigo_core::value::Value;

/// What the machine answers otherwise: the operation as a plan shows it, up to a `*`, and the answer.
pub type Answers<'a> = &'a [(&'a str, OpOutput)];

/// A case: its name, the attributes of the resource, and what the machine answers otherwise.
pub type Case<'a> = (&'a str, &'a str, Answers<'a>);

/// Returns what the plans of all cases come to, as one text.
pub fn table(blank: &'static Blank, kind: &str, cases: &[Case<'_>]) -> String {
    cases.iter().fold(String::new(), |text, case| text + &told(blank, kind, case) + "\n")
}

fn told(blank: &'static Blank, kind: &str, (name, attributes, answers): &Case<'_>) -> String {
    let report = plan(blank, kind, attributes, answers);
    let mut text = format!("## {name}: {attributes}\n{:?}\n", report.outcome);
    for change in &report.changes {
        let _ = writeln!(text, "~ {}: {} -> {}", change.field, change.before, change.after);
    }
    report.operations.iter().for_each(|op| text += &format!("$ {op}\n"));
    report.cause.iter().for_each(|cause| text += &format!("! {cause}\n"));
    report.help.iter().for_each(|help| text += &format!("? {help}\n"));
    report.notes.iter().for_each(|note| text += &format!("# {note}\n"));
    text
}

/// Returns what a plan says of one resource.
pub fn plan(blank: &'static Blank, kind: &str, attributes: &str, answers: Answers<'_>) -> ResourceReport {
    let text = format!("name: c\nresources:\n  - {{name: r, type: {kind}, {attributes}}}\n");
    let envoys = "envoys: [{match: '*', configcrates: [c]}]\n";
    let sources = Sources::read(&Tree::from_texts([("configcrates/c.vgo", text.as_str()), ("envoys.vgo", envoys)]));
    let bundle = resolve::resolve(&Config::read(&sources), "h", None).unwrap_or_else(|d| panic!("{text}{d:#?}")).bundle;
    let bundle = Arc::new(bundle);
    let now = Timestamp::from_epoch_secs(1_795_262_400);
    let of = |path: &str| blank.traits.iter().find(|(p, _)| *p == path).map_or("", |(_, value)| *value);
    let facts = HostFacts {
        family: of("os.family").into(),
        distro: of("os.distro").into(),
        version: "1".into(),
        init: Init::from_name(of("init.manager")),
        now,
        ..HostFacts::default()
    };
    let os = Value::map([("family", Value::text(of("os.family")))]);
    let traits = TraitSet::from_value(Value::map([("os", os)])).expect("traits");
    let options = Options {
        dry_run: true,
        only: Vec::new(),
        envoy: Default::default(),
        clock: now.civil(0),
        triggers: Vec::new(),
        snapshots: Vec::new(),
        revert_commands: Vec::new(),
        proofs: None,
        entropy: (0..Converge::entropy_wanted(&bundle)).map(|_| Entropy::new([7; 32])).collect(),
        seed: 1,
    };
    let mut converge = Converge::new(bundle, traits, blank.host, facts, options);
    for _ in 0..1000 {
        match converge.poll(now) {
            Step::Run(ops) => {
                for (id, op) in ops {
                    assert_eq!(op.effect(), Effect::Reads, "{op}");
                    converge.handle_output(id, answer(blank, &op, answers), now);
                }
            }
            Step::Done(report) => return report.resources.first().expect("a resource").clone(),
            step => panic!("{step:?}"),
        }
    }
    panic!("the plan does not end");
}

fn answer(blank: &Blank, op: &Op, answers: Answers<'_>) -> OpOutput {
    let shown = op.to_string();
    let is = |key: &str| match key.strip_suffix('*') {
        Some(start) => shown.starts_with(start),
        None => shown == key,
    };
    if let Some((_, output)) = answers.iter().find(|(key, _)| is(key)) {
        return output.clone();
    }
    let OpOutput::File { meta, .. } = OpOutput::file("") else { panic!("a file") };
    let at = |path: &str| match (blank.at)(path) {
        None => OpOutput::Missing,
        Some(At::Dir(_)) => OpOutput::Stat(Metadata { kind: FileKind::Dir, mode: 0o755, ..meta.clone() }),
        Some(At::File(text)) => OpOutput::file(&text),
        Some(At::Program) => OpOutput::Stat(Metadata { mode: 0o755, ..meta.clone() }),
        Some(At::Link(to)) => {
            OpOutput::Stat(Metadata { kind: FileKind::Symlink, target: Some(to.into()), ..meta.clone() })
        }
    };
    match op {
        Op::ReadFile { path, .. } => at(path.as_str()),
        Op::Stat { path, .. } => match at(path.as_str()) {
            OpOutput::File { meta, .. } => OpOutput::Stat(meta),
            other => other,
        },
        Op::ListDir { .. } => OpOutput::Dir(Vec::new()),
        Op::Run(command) => match (blank.answer)(command) {
            Some(ran) => OpOutput::Ran(ran),
            None => panic!("nothing answers `{op}`"),
        },
        other => panic!("nothing answers `{other}`"),
    }
}

/// Returns metadata of a folder of a user's own.
pub fn folder(uid: u32) -> OpOutput {
    let OpOutput::File { meta, .. } = OpOutput::file("") else { panic!("a file") };
    OpOutput::Stat(Metadata { kind: FileKind::Dir, mode: 0o755, uid, ..meta })
}

/// Returns an answer of a program that ended well.
pub fn said(out: &str) -> OpOutput {
    OpOutput::exited(0, out, "")
}

/// Returns whether a plan refuses what is wanted as impossible on this system.
pub fn is_refused(blank: &'static Blank, kind: &str, attributes: &str) -> bool {
    let report = plan(blank, kind, attributes, &[]);
    let refused = report.cause.as_deref().is_some_and(|cause| cause.contains("is not supported"));
    assert!(!refused || report.operations.is_empty(), "{report:?}");
    refused
}

/// Returns the command of an operation.
pub fn command(op: &Op) -> &Command {
    match op {
        Op::Run(command) => command,
        other => panic!("{other}"),
    }
}
