//! `exec`: a guarded command.

use super::{Attr, Change, Datum, Fields, Footprint, Instance, Kind, Managed, Need, Prepare, Refresh, TypeDecl, kind};
use crate::action::{AbsPath, Command, Effect, Exit, FailureKind, FileKind, Op, OpOutput, Outputs, Ran};
use crate::host::{Adapter, Comparison, Family, HostFacts, Interpreted, Phase, Problem, ProblemKind};
use crate::time::Duration;
use crate::value::Text;
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// The declaration.
pub static DECL: TypeDecl = TypeDecl {
    name: "exec",
    aliases: &[],
    summary: "Runs a command when its guards allow it.",
    states: &[],
    attributes: &[
        Attr::new(
            "command",
            Kind::Command,
            "Text for `sh -c` (W `cmd /C`), or a list: program and arguments, no shell.",
        )
        .required(),
        Attr::new("onlyif", Kind::Command, "Run only when this exits 0; same user, directory and environment; 60 s."),
        Attr::new("unless", Kind::Command, "Run only when this does not exit 0."),
        Attr::new("creates", Kind::List, "A path or several: run only when one of them is missing.").no_secret(),
        Attr::new("stdin", Kind::LongText, "What the command reads."),
        Attr::new(
            "secret_file",
            Kind::LongText,
            "Content of a 0600 file whose path replaces `{{secret_file}}` in the command.",
        ),
        Attr::new("cwd", Kind::Path, "The directory to run in.").default("/"),
        Attr::new("user", Kind::Name, "The account to run as.").default("root"),
        Attr::new("umask", Kind::Mode, "The file mode creation mask.").default("022"),
        Attr::new("environment", Kind::Map, "Variables added to `PATH`, `HOME`, `USER` and `LC_ALL`."),
        Attr::new("returns", Kind::List, "Exit codes that are success.").default("0"),
        Attr::new("logoutput", Kind::Bool, "`false` hides the output everywhere.").default("true"),
        Attr::new("background", Kind::Bool, "Do not wait for it; niceness 19.").default("false"),
        Attr::new("nice", Kind::Integer(0, 19), "Niceness; from 15 on also the idle class of input and output.")
            .default("0"),
    ],
    refresh: Refresh::Nothing,
    batch: false,
    identity,
    footprint,
    check,
    prepare,
};

/// An `exec` is about nothing that another could be about: its own name is its identity.
fn identity(fields: &Fields) -> Option<Arc<str>> {
    match &*fields.name {
        "" => line(fields, "command").map(|l| l.shown().into()),
        _ => Some(fields.id.clone()),
    }
}

fn footprint(fields: &Fields) -> Footprint {
    let commands = ["command", "onlyif", "unless"].into_iter().filter_map(|name| line(fields, name));
    let needs = [
        fields.str("user").filter(|_| fields.is_written("user")).map(Need::User),
        fields.path("cwd").filter(|_| fields.is_written("cwd")).map(Need::Dir),
    ];
    Footprint {
        commands: commands.filter(|l| l.secret_path().is_none()).map(|l| l.shown().into()).collect(),
        needs: needs.into_iter().flatten().collect(),
        ..Footprint::default()
    }
}

fn check(fields: &Fields) -> Vec<Problem> {
    let mut problems = Vec::new();
    let guards = ["onlyif", "unless", "creates"];
    if !fields.handler && !guards.iter().any(|g| fields.is_written(g)) {
        let message = "expected a guard, or a handler: this would run on every run".to_string();
        problems.push(
            Problem::new(ProblemKind::NotIdempotent, message)
                .help("write `onlyif`, `unless` or `creates`, or let a change trigger it by `subscribes`"),
        );
    }
    if fields.is_written("stdin") && fields.is_written("secret_file") {
        problems.push(Problem::conflict("secret_file", "excludes `stdin`"));
    }
    let command = line(fields, "command");
    if fields.is_written("secret_file")
        && let Some(command) = &command
        && !command.shown().contains(SECRET_FILE)
    {
        let help = "write the file's path as `{{secret_file}}` in `command`";
        problems.push(Problem::bad_value("command", "expected `{{secret_file}}`, found none").help(help));
    }
    if !fields.is_written("secret_file") && command.as_ref().is_some_and(|c| c.shown().contains(SECRET_FILE)) {
        let message = "holds `{{secret_file}}`, and there is no attribute `secret_file`";
        problems.push(Problem::bad_value("command", message));
    }
    for name in ["command", "onlyif", "unless"] {
        let Some(line) = line(fields, name) else { continue };
        if name != "command" && line.shown().contains(SECRET_FILE) {
            problems.push(Problem::bad_value(name, "expected no `{{secret_file}}`, which is for `command` alone"));
        }
        let Some(path) = line.secret_path() else { continue };
        let found = format!("found «secret {path}»");
        match line {
            Line::Argv(_) => problems.push(
                Problem::bad_value(name, format!("expected no secret among arguments, {found}"))
                    .help("pass it by `stdin` or `secret_file`"),
            ),
            Line::Shell(_) if name == "command" && fields.is_written("secret_file") => problems.push(
                Problem::bad_value(name, format!("expected no secret beside `secret_file`, {found}"))
                    .help("write it into `secret_file`"),
            ),
            Line::Shell(_) => {}
        }
    }
    for item in fields.list("creates").into_iter().flatten() {
        if let Err(e) = AbsPath::parse(item.as_str()) {
            problems.push(Problem::bad_value("creates", format!("{e}, found `{}`", item.as_str().escape_debug())));
        }
    }
    for item in fields.list("returns").into_iter().flatten() {
        if !matches!(item.as_str().parse::<i64>(), Ok(0..=0xffff_ffff)) {
            problems.push(Problem::bad_value("returns", format!("expected exit codes, found `{item:?}`")));
        }
    }
    for name in fields.map("environment").into_iter().flatten().map(|(name, _)| name) {
        if name.is_empty() || name.contains(['=', '\0']) {
            let message = format!("expected names of variables, found `{}`", name.escape_debug());
            problems.push(Problem::bad_value("environment", message));
        }
    }
    problems
}

fn prepare(fields: &Fields, _: &Prepare<'_>) -> Result<Box<dyn Instance>, Problem> {
    let command = line(fields, "command").ok_or_else(|| Problem::bad_value("command", "expected a command"))?;
    let creates = fields.list("creates").unwrap_or_default();
    let returns = fields.list("returns").unwrap_or_default();
    let background = fields.flag("background");
    let want = Want {
        command,
        onlyif: line(fields, "onlyif"),
        unless: line(fields, "unless"),
        creates: creates.iter().map(|p| AbsPath::parse(p.as_str())).collect::<Result<_, _>>()?,
        stdin: fields.text("stdin"),
        secret_file: fields.text("secret_file"),
        cwd: fields.path("cwd").filter(|_| fields.is_written("cwd")),
        user: fields.str("user").filter(|_| fields.is_written("user")),
        umask: fields.mode("umask").filter(|_| fields.is_written("umask")),
        environment: fields.map("environment").unwrap_or_default().into_iter().collect(),
        returns: returns.iter().filter_map(|c| c.as_str().parse::<u32>().ok()).map(|c| c as i32).collect(),
        hide_output: !fields.bool("logoutput").unwrap_or(true),
        background,
        nice: if background { 19 } else { fields.int("nice").and_then(|n| u8::try_from(n).ok()).unwrap_or(0) },
    };
    Ok(Managed::<Exec>::boxed(want, &Native))
}

/// Returns the command line of an attribute that is written and known.
fn line(fields: &Fields, name: &str) -> Option<Line> {
    match fields.datum(name)? {
        Datum::List(items) => Some(Line::Argv(items.iter().filter_map(|i| kind::text(i).ok().cloned()).collect())),
        Datum::Scalar { text, .. } => Some(Line::Shell(text.clone())),
        Datum::Map(_) => None,
    }
}

/// What stands for the path of the secret file.
pub(crate) const SECRET_FILE: &str = "{{secret_file}}";

/// Returns whether `{{secret_file}}` is no template in the texts of this type.
pub(crate) fn takes_secret_file(type_name: &str) -> bool {
    matches!(type_name, "exec" | "powershell")
}

/// How long a guard may take.
const GUARD_TIMEOUT: Duration = Duration::from_secs(60);

/// The family.
pub struct Exec;

/// A command line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Line {
    /// Text for a shell.
    Shell(Text),
    /// Program and arguments.
    Argv(Vec<Text>),
}

impl Line {
    fn shown(&self) -> Cow<'_, str> {
        match self {
            Self::Shell(text) => Cow::Borrowed(text.as_str()),
            Self::Argv(items) => Cow::Owned(items.iter().map(Text::as_str).collect::<Vec<_>>().join(" ")),
        }
    }

    fn secret_path(&self) -> Option<&Arc<str>> {
        match self {
            Self::Shell(text) => text.secret_path(),
            Self::Argv(items) => items.iter().find_map(Text::secret_path),
        }
    }
}

/// What is wanted.
#[derive(Clone, Debug)]
pub struct Want {
    /// What is run.
    pub command: Line,
    /// Runs only when this exits 0.
    pub onlyif: Option<Line>,
    /// Runs only when this does not.
    pub unless: Option<Line>,
    /// Runs only when one of these is missing.
    pub creates: Vec<AbsPath>,
    /// What it reads.
    pub stdin: Option<Text>,
    /// What a 0600 file holds for it.
    pub secret_file: Option<Text>,
    /// Where it runs; `None` is `/`.
    pub cwd: Option<AbsPath>,
    /// Whom it runs as; `None` is the agent's own account.
    pub user: Option<Arc<str>>,
    /// Its file mode creation mask.
    pub umask: Option<u32>,
    /// Its variables.
    pub environment: Vec<(Arc<str>, Text)>,
    /// Exit codes that are success.
    pub returns: Vec<i32>,
    /// Whether nothing shows its output.
    pub hide_output: bool,
    /// Whether it is not waited for.
    pub background: bool,
    /// Its niceness.
    pub nice: u8,
}

impl Want {
    fn is_guarded(&self) -> bool {
        self.onlyif.is_some() || self.unless.is_some() || !self.creates.is_empty()
    }
}

/// What the guards say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum State {
    /// All agree to run; why.
    Allowed(String),
    /// One says no. `missing` tells that it does so for something that is not there.
    Refused {
        /// Whether something that an earlier resource may bring could change its mind.
        missing: bool,
    },
}

/// What is done.
#[derive(Clone, Debug)]
pub enum Action {
    /// Runs the command.
    Run,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("run command")
    }
}

impl Family for Exec {
    const TYPE: &'static str = "exec";
    const UNPREDICTABLE: bool = true;
    const GUARDS: bool = true;
    const SPOILS: &'static [&'static str] = &["*"];
    const TIMEOUT: Duration = Duration::from_secs(300);
    type Want = Want;
    type State = State;
    type Action = Action;

    fn compare(want: &Want, state: &State, phase: Phase) -> Comparison<Action> {
        let mut c = Comparison::in_sync();
        let why = match state {
            State::Allowed(why) => why,
            State::Refused { missing } => {
                c.doubtful = *missing;
                return c;
            }
        };
        if phase == Phase::After {
            if want.is_guarded() && !want.background {
                c.notes.push(format!("would run again: {why}"));
            }
            return c;
        }
        if let Some((name, text)) = want.environment.iter().find(|(_, text)| text.secret_path().is_some()) {
            c.notes.push(format!("variable `{name}` holds {text:?}, which processes of the same account can read"));
        }
        c.doubtful = want.is_guarded();
        c.change(Change::new("command", why.clone(), "run"));
        c.act(Action::Run);
        c
    }

    fn evidence(state: &State) -> Option<String> {
        Some(format!("{state:?}"))
    }

    fn predict(want: &Want, _: &State) -> Option<State> {
        // A guard is written so that it says no afterwards.
        want.is_guarded().then_some(State::Refused { missing: false })
    }
}

/// Commands by the executor, the same everywhere.
pub struct Native;

impl Adapter<Exec> for Native {
    fn check(&self, want: &Want, facts: &HostFacts) -> Result<(), Problem> {
        let unsupported = |attribute: &str, whose: &str| {
            let problem = Problem::unsupported(format!("attribute `{attribute}` of type `exec` {whose}"));
            Err(Problem { attribute: Some(attribute.into()), ..problem })
        };
        if facts.image.is_some() {
            if want.secret_file.is_some() {
                return unsupported("secret_file", "is not supported in an image");
            }
            let secret = [Some(&want.command), want.onlyif.as_ref(), want.unless.as_ref()];
            if secret.into_iter().flatten().any(|l| l.secret_path().is_some()) {
                return unsupported("command", "with a secret is not supported in an image");
            }
        }
        if is_windows(facts) {
            if want.user.is_some() {
                return unsupported("user", "is not supported on windows");
            }
            if want.umask.is_some() {
                return unsupported("umask", "is not supported on windows");
            }
            let lines = [Some(&want.command), want.onlyif.as_ref(), want.unless.as_ref()];
            let is_secret = |line: &&Line| matches!(line, Line::Shell(text) if text.secret_path().is_some());
            if lines.into_iter().flatten().any(|line| is_secret(&line)) {
                return unsupported("command", "as a text with a secret is not supported on windows");
            }
        }
        Ok(())
    }

    fn probe(&self, want: &Want, facts: &HostFacts) -> Vec<Op> {
        match want.creates.is_empty() {
            false => want.creates.iter().map(|p| Op::Stat { path: p.clone(), follow: true }).collect(),
            true => {
                let first = want.onlyif.as_ref().or(want.unless.as_ref());
                first.map(|line| Op::Run(guard(want, line, facts))).into_iter().collect()
            }
        }
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, facts: &HostFacts) -> Interpreted<State> {
        let mut why = Vec::new();
        if !want.creates.is_empty() {
            let mut missing = None;
            for path in &want.creates {
                match outputs.path(path) {
                    Some(OpOutput::Missing) => missing = missing.or(Some(path)),
                    Some(OpOutput::Failed(failure)) => return Interpreted::Unknown(failure.message.clone()),
                    // A link to nothing.
                    Some(OpOutput::Stat(meta)) if meta.kind == FileKind::Symlink => missing = missing.or(Some(path)),
                    Some(_) => {}
                    None => return Interpreted::Unknown(format!("`{path}` was not looked at")),
                }
            }
            match missing {
                None => return Interpreted::Known(State::Refused { missing: false }),
                Some(path) => why.push(format!("`{path}` is missing")),
            }
        }
        for (name, line) in [("onlyif", &want.onlyif), ("unless", &want.unless)] {
            let Some(line) = line else { continue };
            let op = Op::Run(guard(want, line, facts));
            let success = match outputs.get(&op) {
                None => return Interpreted::Ask(alloc::vec![op]),
                Some(OpOutput::Ran(ran)) if chroot_failed(facts, ran) => {
                    return Interpreted::Unknown(format!("`{name}`: {}", ran.err().trim()));
                }
                Some(OpOutput::Ran(ran)) => ran.success(),
                // As a shell has it: 127 is not 0.
                Some(OpOutput::Failed(failure)) if failure.kind == FailureKind::NoProgram => false,
                Some(OpOutput::Failed(failure)) => {
                    return Interpreted::Unknown(format!("`{name}`: {}", failure.message));
                }
                Some(other) => {
                    return Interpreted::Unknown(format!("`{name}`: expected an exit code, found {other:?}"));
                }
            };
            match (name, success) {
                ("onlyif", true) => why.push("`onlyif` exits 0".to_string()),
                ("unless", false) => why.push("`unless` does not exit 0".to_string()),
                (_, success) => return Interpreted::Known(State::Refused { missing: !success }),
            }
        }
        let why = if why.is_empty() { "triggered".to_string() } else { why.join(", ") };
        Interpreted::Known(State::Allowed(why))
    }

    fn lower(&self, want: &Want, _: &State, _: &[Action], facts: &HostFacts) -> Result<Vec<Op>, Problem> {
        let mut command = command(want, &want.command, facts);
        if let Some(stdin) = &want.stdin {
            command.stdin = Some(stdin.clone());
        }
        if let Some(content) = &want.secret_file {
            command.secret_file = Some(content.clone());
        }
        command.accept.clone_from(&want.returns);
        command.effect = Effect::Changes;
        command.timeout = Exec::TIMEOUT;
        command.background = want.background;
        command.nice = want.nice;
        command.hide_output = want.hide_output;
        Ok(alloc::vec![Op::Run(command)])
    }

    fn classify(&self, want: &Want, op: &Op, ran: &Ran) -> Option<Problem> {
        let expected: Vec<String> = want.returns.iter().map(ToString::to_string).collect();
        let how = match ran.exit {
            Exit::Code(code) => format!("exited {code}"),
            Exit::Signal(signal) => format!("was ended by signal {signal}"),
        };
        let line = excerpt(&op.to_string(), 200).into_owned();
        let mut message = format!("`{line}` {how}, expected {}", expected.join(" or "));
        if want.hide_output {
            message.push_str(" (its output is hidden by `logoutput: false`)");
        }
        Some(Problem::failed(message))
    }
}

fn is_windows(facts: &HostFacts) -> bool {
    &*facts.family == "windows"
}

fn guard(want: &Want, line: &Line, facts: &HostFacts) -> Command {
    let guard = command(want, line, facts).timeout(GUARD_TIMEOUT);
    Command { hide_output: want.hide_output, ..guard }
}

/// Returns a read of `line` under the account, directory and environment of `want`.
fn command(want: &Want, line: &Line, facts: &HostFacts) -> Command {
    let mut secret_file = None;
    let mut argv: Vec<Text> = match line {
        Line::Argv(items) => items.clone(),
        Line::Shell(text) if text.secret_path().is_some() => {
            // The script itself must not be seen in the list of processes.
            secret_file = Some(text.clone());
            alloc::vec![Text::plain("/bin/sh"), Text::plain(SECRET_FILE)]
        }
        Line::Shell(text) if is_windows(facts) => {
            alloc::vec![Text::plain("cmd.exe"), Text::plain("/C"), text.clone()]
        }
        Line::Shell(text) => alloc::vec![Text::plain("/bin/sh"), Text::plain("-c"), Text::plain("--"), text.clone()],
    };
    let (mut cwd, mut user) = (want.cwd.clone(), want.user.clone());
    if let Some(image) = &facts.image {
        let mut outer = alloc::vec![Text::plain("chroot")];
        outer.extend(user.take().map(|user| Text::plain(format!("--userspec={user}"))));
        outer.push(Text::plain(image.shared()));
        outer.extend(cwd.take().into_iter().flat_map(|cwd| {
            [Text::plain("/usr/bin/env"), Text::plain("-C"), Text::plain(cwd.shared()), Text::plain("--")]
        }));
        outer.append(&mut argv);
        argv = outer;
    }
    let program = if argv.is_empty() { Text::default() } else { argv.remove(0) };
    Command {
        args: argv,
        env: want.environment.clone(),
        cwd,
        user,
        umask: want.umask,
        secret_file,
        ..Command::read(program.as_str(), None::<Arc<str>>)
    }
}

/// Returns whether chroot(1) itself failed, which is no answer of the guard.
fn chroot_failed(facts: &HostFacts, ran: &Ran) -> bool {
    facts.image.is_some() && matches!(ran.code(), Some(125..=127)) && ran.stderr.starts_with(b"chroot:")
}

fn excerpt(text: &str, bytes_max: usize) -> Cow<'_, str> {
    match text.char_indices().find(|(i, c)| i + c.len_utf8() > bytes_max) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Items, fields, list, map, problems, secret, text};
    use super::*;

    #[test]
    fn checks_name_what_is_wrong() {
        let cases: [(&str, Items<'_>, &str); 12] = [
            ("guarded", &[("command", text("touch /x")), ("creates", text("/x"))], ""),
            ("argv", &[("command", list(&["touch", "/x"])), ("creates", list(&["/x", "/y"]))], ""),
            (
                "unguarded",
                &[("command", text("touch /x"))],
                "expected a guard, or a handler: this would run on every run",
            ),
            (
                "two inputs",
                &[
                    ("command", text("x {{secret_file}}")),
                    ("unless", text("y")),
                    ("stdin", text("a")),
                    ("secret_file", text("b")),
                ],
                "attribute `secret_file`: excludes `stdin`",
            ),
            (
                "unused file",
                &[("command", text("x")), ("unless", text("y")), ("secret_file", text("b"))],
                "attribute `command`: expected `{{secret_file}}`, found none",
            ),
            (
                "no file",
                &[("command", text("x {{secret_file}}")), ("unless", text("y"))],
                "attribute `command`: holds `{{secret_file}}`, and there is no attribute `secret_file`",
            ),
            ("secret script", &[("command", secret("x", "db/dsn")), ("unless", text("y"))], ""),
            (
                "relative path",
                &[("command", text("x")), ("creates", text("x"))],
                "attribute `creates`: expected an absolute path, found `x`",
            ),
            (
                "codes",
                &[("command", text("x")), ("unless", text("y")), ("returns", list(&["0", "two"]))],
                "attribute `returns`: expected exit codes, found `\"two\"`",
            ),
            ("empty", &[("command", text(" "))], "attribute `command`: expected a command, found nothing"),
            (
                "variables",
                &[("command", text("x")), ("unless", text("y")), ("environment", map(&[("A=B", "c")]))],
                "attribute `environment`: expected names of variables, found `A=B`",
            ),
            (
                "state",
                &[("command", text("x")), ("unless", text("y")), ("state", text("present"))],
                "type `exec` has no `state`",
            ),
        ];
        for (name, items, expected) in cases {
            assert_eq!(problems(&fields(&DECL, items)), expected, "{name}");
        }
        let argv = Datum::List(alloc::vec![text("x"), secret("hunter2", "a/b")]);
        let seen = problems(&fields(&DECL, &[("command", argv), ("unless", text("y"))]));
        assert_eq!(seen, "attribute `command`: expected no secret among arguments, found «secret a/b»");
        let handler = Fields { handler: true, ..fields(&DECL, &[("command", text("x"))]) };
        assert_eq!(problems(&handler), "", "a handler needs no guard");
    }

    fn want(items: Items<'_>) -> Want {
        let fields = fields(&DECL, items);
        let line = |name| super::line(&fields, name);
        Want {
            command: line("command").unwrap(),
            onlyif: line("onlyif"),
            unless: line("unless"),
            creates: fields.list("creates").unwrap_or_default().iter().map(path).collect(),
            stdin: fields.text("stdin"),
            secret_file: fields.text("secret_file"),
            cwd: fields.path("cwd").filter(|_| fields.is_written("cwd")),
            user: fields.str("user").filter(|_| fields.is_written("user")),
            umask: None,
            environment: fields.map("environment").unwrap_or_default().into_iter().collect(),
            returns: fields.list("returns").unwrap().iter().map(|c| c.as_str().parse().unwrap()).collect(),
            hide_output: !fields.bool("logoutput").unwrap(),
            background: fields.flag("background"),
            nice: 0,
        }
    }

    fn path(text: &Text) -> AbsPath {
        AbsPath::parse(text.as_str()).unwrap()
    }

    fn ran(code: i32, out: &str, err: &str) -> Ran {
        Ran { exit: Exit::Code(code), stdout: out.into(), stderr: err.into(), truncated: false }
    }

    /// Asks until the state is known; `answer` is asked for each read. Returns the reads in order, too.
    fn observe(want: &Want, facts: &HostFacts, answer: impl Fn(&str) -> OpOutput) -> (Vec<String>, State) {
        let (mut outputs, mut seen) = (Outputs::default(), Vec::new());
        let mut ops = Native.probe(want, facts);
        for _ in 0..4 {
            for op in ops.drain(..) {
                assert_eq!(op.effect(), Effect::Reads);
                seen.push(op.to_string());
                let output = answer(&op.to_string());
                outputs.push(op, Arc::new(output));
            }
            match Native.interpret(want, &outputs, facts) {
                Interpreted::Known(state) => return (seen, state),
                Interpreted::Ask(more) => ops = more,
                Interpreted::Unknown(why) => panic!("{why}"),
            }
        }
        panic!("asked for more than three rounds");
    }

    #[test]
    fn guards_are_asked_in_order_and_all_must_agree() {
        let all = want(&[
            ("command", text("make")),
            ("creates", text("/x")),
            ("onlyif", text("a")),
            ("unless", list(&["b", "c"])),
        ]);
        let a = "/bin/sh -c -- a";
        let stat = |there: bool| match there {
            true => OpOutput::Dir(Vec::new()),
            false => OpOutput::Missing,
        };
        let run = |code| OpOutput::Ran(ran(code, "", ""));
        let no = |missing| State::Refused { missing };
        let yes = State::Allowed("`/x` is missing, `onlyif` exits 0, `unless` does not exit 0".into());
        type Case<'a> = (&'a str, bool, i32, i32, &'a [&'a str], State);
        let cases: [Case<'_>; 4] = [
            ("made already", true, 0, 1, &["stat /x"], no(false)),
            ("onlyif says no", false, 127, 1, &["stat /x", a], no(true)),
            ("unless says no", false, 0, 0, &["stat /x", a, "b c"], no(false)),
            ("all agree", false, 0, 1, &["stat /x", a, "b c"], yes.clone()),
        ];
        for (name, there, onlyif, unless, reads, expected) in cases {
            let (seen, state) = observe(&all, &HostFacts::default(), |op| match op {
                "stat /x" => stat(there),
                op if op == a => run(onlyif),
                _ => run(unless),
            });
            assert_eq!(
                (seen.as_slice(), &state),
                (reads.iter().map(|s| s.to_string()).collect::<Vec<_>>().as_slice(), &expected),
                "{name}"
            );
            let changes = Exec::compare(&all, &state, Phase::Before).changes.len();
            assert_eq!(changes, usize::from(state == yes), "{name}");
            let after = Exec::compare(&all, &state, Phase::After);
            assert!(after.changes.is_empty(), "{name}: what was run counts as done");
            assert_eq!(after.notes.len(), usize::from(state == yes), "{name}: would run again");
        }
    }

    #[test]
    fn a_guard_that_cannot_be_asked_is_unknown() {
        let want = want(&[("command", text("make")), ("unless", text("b"))]);
        let mut outputs = Outputs::default();
        let failure = crate::action::OpFailure { kind: FailureKind::TimedOut, message: "took longer than 60s".into() };
        for op in Native.probe(&want, &HostFacts::default()) {
            outputs.push(op, Arc::new(OpOutput::Failed(failure.clone())));
        }
        let seen = Native.interpret(&want, &outputs, &HostFacts::default());
        assert!(matches!(&seen, Interpreted::Unknown(why) if why == "`unless`: took longer than 60s"), "{seen:?}");
    }

    #[test]
    fn commands_become_one_operation() {
        let image = HostFacts { image: Some(AbsPath::known("/img")), ..HostFacts::default() };
        let windows = HostFacts { family: "windows".into(), ..HostFacts::default() };
        let linux = HostFacts::default();
        let cases: [(&str, &HostFacts, Items<'_>, &str); 6] = [
            ("shell", &linux, &[("command", text("a | b"))], "/bin/sh -c -- 'a | b'"),
            ("argv", &linux, &[("command", list(&["a", "|", "b"])), ("user", text("bob"))], "as bob: a '|' b"),
            ("background", &linux, &[("command", list(&["a"])), ("background", text("true"))], "a &"),
            ("secret", &linux, &[("command", secret("a hunter2", "p/q"))], "/bin/sh '{{secret_file}}'"),
            ("windows", &windows, &[("command", text("dir"))], "cmd.exe /C dir"),
            (
                "image",
                &image,
                &[("command", list(&["a"])), ("user", text("bob")), ("cwd", text("/srv"))],
                "chroot --userspec=bob /img /usr/bin/env -C /srv -- a",
            ),
        ];
        for (name, facts, items, expected) in cases {
            let want = want(items);
            let ops = Native.lower(&want, &State::Allowed(String::new()), &[Action::Run], facts).unwrap();
            let shown: Vec<String> = ops.iter().map(ToString::to_string).collect();
            assert_eq!(shown, [expected], "{name}");
            assert!(!format!("{ops:?}").contains("hunter2"), "{name}");
        }
    }

    #[test]
    fn a_failure_says_what_was_expected() {
        let two = want(&[("command", text("make")), ("returns", list(&["0", "3"]))]);
        let hidden = want(&[("command", text("make")), ("logoutput", text("false"))]);
        let op = Op::Run(command(&two, &two.command, &HostFacts::default()));
        let killed = Ran { exit: Exit::Signal(9), ..ran(0, "", "") };
        let cases = [
            ("code", &two, ran(2, "out", "err"), "`/bin/sh -c -- make` exited 2, expected 0 or 3"),
            ("signal", &two, killed, "`/bin/sh -c -- make` was ended by signal 9, expected 0 or 3"),
            (
                "hidden",
                &hidden,
                ran(2, "out", "err"),
                "`/bin/sh -c -- make` exited 2, expected 0 (its output is hidden by `logoutput: false`)",
            ),
        ];
        for (name, want, ran, expected) in cases {
            assert_eq!(Native.classify(want, &op, &ran).unwrap().message, expected, "{name}");
        }
    }
}
