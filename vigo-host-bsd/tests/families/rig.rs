//! A machine of answers, and what a plan for it comes to.

use std::fmt::Write as _;
use vigo_core::action::{Command, Effect, FailureKind, FileKind, Metadata, Op, OpFailure, OpOutput};
use vigo_core::host::{Adapter, Family, HostFacts, Interpreted, Phase, Problem, observe};

/// What a machine answers: an operation as it is shown, and the answer. Of several for one operation the first counts; what
/// is not named is not there.
pub type Answers<'a> = Vec<(&'a str, OpOutput)>;

/// A program's answer.
pub fn said(code: i32, out: &str, err: &str) -> OpOutput {
    OpOutput::exited(code, out, err)
}

/// A file.
pub fn file(text: &str) -> OpOutput {
    OpOutput::file(text)
}

/// A file of any bytes.
pub fn bytes(content: &[u8]) -> OpOutput {
    match file("") {
        OpOutput::File { meta, .. } => OpOutput::File { meta, content: content.into() },
        other => other,
    }
}

/// Metadata of what is there.
pub fn stat(kind: FileKind, mode: u32) -> OpOutput {
    let OpOutput::File { meta, .. } = OpOutput::file("") else { panic!("a file") };
    OpOutput::Stat(Metadata { kind, mode, ..meta })
}

/// A symbolic link.
pub fn link(to: &str) -> OpOutput {
    match stat(FileKind::Symlink, 0o777) {
        OpOutput::Stat(meta) => OpOutput::Stat(Metadata { target: Some(to.into()), ..meta }),
        other => other,
    }
}

/// Something that cannot be read.
pub fn denied() -> OpOutput {
    OpOutput::Failed(OpFailure { kind: FailureKind::Denied, message: "permission denied".into() })
}

/// Returns the state that the answers come to.
pub fn see<F: Family>(
    adapter: Result<&'static dyn Adapter<F>, Problem>,
    want: &F::Want,
    answers: &Answers<'_>,
) -> Interpreted<F::State> {
    let adapter = adapter.expect("an adapter");
    observe(adapter, want, &HostFacts::default(), |op| {
        assert_eq!(op.effect(), Effect::Reads, "{op}");
        let shown = op.to_string();
        let missing = || match op {
            Op::Run(Command { program, .. }) => OpOutput::Failed(OpFailure {
                kind: FailureKind::NoProgram,
                message: format!("no answer for `{program}`: `{shown}`"),
            }),
            _ => OpOutput::Missing,
        };
        answers.iter().find(|(line, _)| *line == shown).map_or_else(missing, |(_, answer)| answer.clone())
    })
}

/// Returns what a plan says: why it is refused or fails, or changes and operations.
pub fn plan<F: Family>(
    adapter: Result<&'static dyn Adapter<F>, Problem>,
    want: &F::Want,
    answers: &Answers<'_>,
) -> String {
    let facts = HostFacts::default();
    let tool = adapter.clone().expect("an adapter");
    if let Err(problem) = tool.check(want, &facts) {
        return format!("  refused: {problem}\n");
    }
    let state = match see(adapter, want, answers) {
        Interpreted::Known(state) => state,
        Interpreted::Unknown(why) => return format!("  unknown: {why}\n"),
        Interpreted::Ask(_) => panic!("the observation does not end"),
    };
    let compared = F::compare(want, &state, Phase::Before);
    let mut text = String::new();
    if let Some(problem) = compared.failure {
        let _ = writeln!(text, "  failed: {problem}");
        return text;
    }
    for change in &compared.changes {
        let _ = writeln!(text, "  {}: {} -> {}", change.field, change.before, change.after);
    }
    for note in &compared.notes {
        let _ = writeln!(text, "  ({note})");
    }
    if compared.actions.is_empty() {
        let _ = writeln!(text, "  in sync");
        return text;
    }
    match tool.lower(want, &state, &compared.actions, &facts) {
        Err(problem) => {
            let _ = writeln!(text, "  failed: {problem}");
        }
        Ok(ops) => ops.iter().for_each(|op| text.push_str(&shown(op))),
    }
    text
}

/// Returns an operation with what it writes or hands in.
fn shown(op: &Op) -> String {
    let indented = |text: &str| text.lines().map(|line| format!("      {line}\n")).collect::<String>();
    let more = match op {
        Op::ReplaceFile(replace) => {
            let checked =
                replace.validate.as_ref().map(|v| format!("      checked by {}\n", Op::Run(v.command.clone())));
            let text = replace.content.bytes().map(|bytes| indented(&String::from_utf8_lossy(bytes)));
            format!("{}{}", text.unwrap_or_default(), checked.unwrap_or_default())
        }
        Op::Run(Command { stdin: Some(text), .. } | Command { secret_file: Some(text), .. }) => indented(text.as_str()),
        _ => String::new(),
    };
    format!("  $ {op}\n{more}")
}

/// Returns every observed state against every wanted one.
pub fn table<F: Family>(
    adapter: impl Fn() -> Result<&'static dyn Adapter<F>, Problem>,
    observed: &[(&str, Answers<'_>)],
    wanted: &[(&str, F::Want)],
) -> String {
    let mut text = String::new();
    for (there, answers) in observed {
        for (name, want) in wanted {
            let _ = write!(text, "{there} | wanted: {name}\n{}\n", plan(adapter(), want, answers));
        }
    }
    text
}

/// Answers of every kind that no tool should give: none may be taken for "absent" or "stopped", and none may panic.
pub fn hostile() -> Vec<(&'static str, OpOutput)> {
    let ran = |out: &[u8]| match said(0, "", "") {
        OpOutput::Ran(ran) => OpOutput::Ran(vigo_core::action::Ran { stdout: out.to_vec(), ..ran }),
        other => other,
    };
    let cut = match said(0, "a b c\n", "") {
        OpOutput::Ran(ran) => OpOutput::Ran(vigo_core::action::Ran { truncated: true, ..ran }),
        other => other,
    };
    vec![
        (
            "killed",
            OpOutput::Ran(vigo_core::action::Ran {
                exit: vigo_core::action::Exit::Signal(9),
                stdout: vec![],
                stderr: vec![],
                truncated: false,
            }),
        ),
        ("not there", OpOutput::Failed(OpFailure { kind: FailureKind::NoProgram, message: "no such program".into() })),
        ("timed out", OpOutput::Failed(OpFailure { kind: FailureKind::TimedOut, message: "timed out".into() })),
        ("another kind of answer", OpOutput::Done),
        ("another language", said(1, "", "Fehler: Keine Berechtigung\n")),
        ("cut", cut),
        ("bytes", ran(b"\xff\xfe\x00\x01\n\xff\n")),
    ]
}
