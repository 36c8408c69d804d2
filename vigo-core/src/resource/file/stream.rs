//! `stream_edit`: scripts that a content passes through.

use super::Wanted;
use crate::action::{AbsPath, Command, FileKind, Op, OpOutput, Outputs};
use crate::host::{Problem, ProblemKind};
use crate::resource::edit::{EDITED_BYTES_MAX, Looking};
use crate::resource::{Fields, Prepare};
use crate::time::Duration;
use crate::value::Text;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// More scripts than this are a mistake.
const SCRIPTS_MAX: usize = 16;

/// How long each script may take.
const SCRIPT_SECONDS: u64 = 30;

/// What a stage that failed leaves in the pipeline's error output.
const STAGE_FAILED: &str = "vigo: stage failed:";

/// A script of `stream_edit`.
#[derive(Clone, Debug)]
pub enum Script {
    /// A program of the machine.
    Path(AbsPath),
    /// A shipped one.
    Shipped {
        /// Its path in the tree.
        path: Arc<str>,
        /// What runs it, as its first line says.
        interpreter: Vec<Arc<str>>,
        /// The script.
        text: Arc<str>,
    },
}

/// Checks the scripts as written.
pub(super) fn check(fields: &Fields) -> Vec<Problem> {
    let Some(scripts) = fields.words("stream_edit") else { return Vec::new() };
    let mut problems = Vec::new();
    if scripts.len() > SCRIPTS_MAX {
        let message = format!("expected at most {SCRIPTS_MAX} scripts, found {}", scripts.len());
        problems.push(Problem::bad_value("stream_edit", message));
    }
    for script in scripts {
        if !script.starts_with("templates/") && AbsPath::parse(&script).is_err() {
            let message = format!("expected an absolute path or `templates/…`, found `{script}`");
            problems.push(Problem::bad_value("stream_edit", message));
        }
    }
    problems
}

/// Reads the scripts of known and checked fields.
pub(super) fn read(fields: &Fields, ctx: &Prepare<'_>) -> Result<Vec<Script>, Problem> {
    let script = |written: Arc<str>| {
        if !written.starts_with("templates/") {
            return Ok(Script::Path(AbsPath::parse(&written)?));
        }
        let blob = super::source::blob(ctx.blobs, &written)?;
        match core::str::from_utf8(&blob.content) {
            Ok(text) => Ok(Script::Shipped { path: written, interpreter: interpreter(text), text: text.into() }),
            Err(_) => {
                Err(Problem::bad_value("stream_edit", format!("expected a script in `{written}`, found other bytes")))
            }
        }
    };
    fields.words("stream_edit").unwrap_or_default().into_iter().map(script).collect()
}

/// Returns what the first line of a script asks for, as the kernel reads it: a program and at most one argument.
fn interpreter(script: &str) -> Vec<Arc<str>> {
    let line = script.strip_prefix("#!").and_then(|rest| rest.lines().next()).unwrap_or_default().trim();
    let mut words: Vec<Arc<str>> =
        line.splitn(2, [' ', '\t']).map(str::trim).filter(|w| !w.is_empty()).map(Arc::from).collect();
    if !words.first().is_some_and(|program| program.starts_with('/')) {
        words = alloc::vec!["/bin/sh".into()];
    }
    words
}

impl Script {
    /// Returns the read that shows whose script it is.
    pub(super) fn probe(&self) -> Option<Op> {
        match self {
            Self::Path(path) => Some(Op::Stat { path: path.clone(), follow: true }),
            Self::Shipped { .. } => None,
        }
    }

    /// Says when it is nobody's to run as root.
    fn trusted(&self, outputs: &Outputs) -> Result<(), Problem> {
        let Self::Path(path) = self else { return Ok(()) };
        let bad =
            |found: String| Err(Problem::failed(format!("expected a script of root's at `{path}`, found {found}")));
        match self.probe().and_then(|op| outputs.get(&op)) {
            Some(OpOutput::Stat(meta)) if meta.kind != FileKind::File => bad(crate::resource::edit::kind_shown(meta)),
            Some(OpOutput::Stat(meta)) if meta.uid != 0 => bad(format!("one owned by uid {}", meta.uid)),
            Some(OpOutput::Stat(meta)) if meta.mode & 0o022 != 0 => {
                bad(format!("mode {:04o}, which others may write", meta.mode))
            }
            Some(OpOutput::Stat(_)) => Ok(()),
            Some(OpOutput::Failed(failure)) => bad(failure.message.clone()),
            _ => bad("nothing".into()),
        }
    }

    /// Returns the words of its command line, `script` standing for the path of a shipped one. A program of an image
    /// runs in it.
    fn words<'a>(&'a self, script: &'a str, image: Option<&'a AbsPath>) -> impl Iterator<Item = &'a str> {
        let (image, path, interpreter) = match self {
            Self::Path(path) => (image, path.as_str(), &[][..]),
            Self::Shipped { interpreter, .. } => (None, script, interpreter.as_slice()),
        };
        let inside = image.into_iter().flat_map(|dir| ["chroot", dir.as_str()]);
        inside.chain(interpreter.iter().map(|w| &**w)).chain([path])
    }
}

/// Passes `input` through the scripts twice: the second time, nothing may change any more.
///
/// # Errors
/// What must be run first. The inner error is the resource's failure.
pub(super) fn run(
    scripts: &[Script],
    input: Text,
    outputs: &Outputs,
    image: Option<&AbsPath>,
) -> Result<Result<Option<Wanted>, Problem>, Looking> {
    if let Some(problem) = scripts.iter().find_map(|script| script.trusted(outputs).err()) {
        return Ok(Err(problem));
    }
    let once = match pass(scripts, &input, outputs, image)? {
        Ok(once) => once,
        Err(problem) => return Ok(Err(problem)),
    };
    if once.as_str() != input.as_str() {
        match pass(scripts, &once, outputs, image)? {
            Ok(twice) if twice.as_str() == once.as_str() => {}
            Ok(_) => {
                let message = "expected the same text from a second pass through the scripts, found another";
                let problem = Problem::new(ProblemKind::NotIdempotent, message);
                return Ok(Err(Problem { attribute: Some("stream_edit".into()), ..problem }));
            }
            Err(problem) => return Ok(Err(problem)),
        }
    }
    Ok(Ok(Some(Wanted::text(once))))
}

/// Passes `input` through the scripts.
fn pass(
    scripts: &[Script],
    input: &Text,
    outputs: &Outputs,
    image: Option<&AbsPath>,
) -> Result<Result<Text, Problem>, Looking> {
    let op = Op::Run(command(scripts, input, image));
    let failed = |message: String| Ok(Err(Problem::failed(message)));
    match outputs.get(&op) {
        None => Err(Looking::Ask(alloc::vec![op])),
        Some(OpOutput::Failed(failure)) => Ok(Err(Problem::from(failure))),
        Some(OpOutput::Ran(ran)) if !ran.success() || ran.err().contains(STAGE_FAILED) => {
            let log = match input.secret_path() {
                Some(path) => format!("«secret {path}»"),
                None => ran.err().trim().chars().rev().take(500).collect::<Vec<_>>().into_iter().rev().collect(),
            };
            failed(format!("expected exit 0 of `stream_edit`, found {}: {log}", ran.exit))
        }
        Some(OpOutput::Ran(ran)) if ran.truncated => {
            failed("expected at most 16 MiB of `stream_edit`, found more".into())
        }
        Some(OpOutput::Ran(ran)) => match core::str::from_utf8(&ran.stdout) {
            Ok(text) => Ok(Ok(Text::plain(text).tainted_by(input.secret_path()))),
            Err(_) => failed("expected UTF-8 text of `stream_edit`, found other bytes".into()),
        },
        Some(_) => Err(Looking::Unknown("`stream_edit` did not run".into())),
    }
}

/// Returns the command that passes its input through all scripts: one is run as it is, several as a pipeline.
fn command(scripts: &[Script], input: &Text, image: Option<&AbsPath>) -> Command {
    let command = match scripts {
        [script] => {
            let mut words = script.words("{{secret_file}}", image);
            let mut command = Command::read(words.next().unwrap_or_default(), words);
            if let Script::Shipped { text, .. } = script {
                command.secret_file = Some(Text::plain(text.clone()));
            }
            command
        }
        _ => {
            let mut command = Command::read("/bin/sh", ["{{secret_file}}"]);
            command.secret_file = Some(Text::plain(pipeline(scripts, image)));
            command
        }
    };
    let timeout = Duration::from_secs(SCRIPT_SECONDS * scripts.len() as u64);
    command.timeout(timeout).stdin(input.clone()).output_bytes_max(EDITED_BYTES_MAX as usize)
}

/// Returns the shell script of a pipeline. POSIX sh tells the exit code of the last stage only, so the others say in the
/// error output that they failed; a shipped script is read from descriptor 3.
fn pipeline(scripts: &[Script], image: Option<&AbsPath>) -> String {
    let mut out = String::new();
    for (i, script) in scripts.iter().enumerate() {
        let words: Vec<String> = script.words("/dev/fd/3", image).map(quoted).collect();
        let join = if i == 0 { "" } else { " |\n" };
        out.push_str(&format!("{join}{{ {}", words.join(" ")));
        if let Script::Shipped { text, .. } = script {
            let end = end_word(text, i);
            let newline = if text.ends_with('\n') { "" } else { "\n" };
            out.push_str(&format!(
                " 3<<'{end}'\n{text}{newline}{end}\n[ $? = 0 ] || echo '{STAGE_FAILED} {}' >&2; }}",
                i + 1
            ));
        } else {
            out.push_str(&format!(" || echo '{STAGE_FAILED} {}' >&2; }}", i + 1));
        }
    }
    out.push('\n');
    out
}

/// Returns a line that does not stand in the script.
fn end_word(text: &str, number: usize) -> String {
    let mut word = format!("VIGO_END_{number}");
    while text.lines().any(|line| line == word) {
        word.push('_');
    }
    word
}

fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}
