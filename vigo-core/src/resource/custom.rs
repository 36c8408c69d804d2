//! `custom`: an external script that speaks JSON.

use super::json_file::json::{Json, quoted};
use super::{Attr, Change, Datum, Fields, Footprint, Instance, Kind, Managed, Prepare, Refresh, TypeDecl};
use crate::action::{AbsPath, Command, Effect, Entry, FileKind, Metadata, Op, OpOutput, Outputs, Ran};
use crate::host::{Adapter, Comparison, Family, HostFacts, Interpreted, Phase, Problem};
use crate::time::Duration;
use crate::value::{Text, Value};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// The declaration. Attributes that it does not name are parameters of the script, and `state` is any word.
pub static DECL: TypeDecl = TypeDecl {
    name: "custom",
    aliases: &[],
    summary: "Hands a resource to a script of the machine.",
    states: &[],
    attributes: &[
        Attr::new(
            SCRIPT,
            Kind::Name,
            "The script's name in one of the folders for executors, without its extension too.",
        )
        .required(),
        Attr::new("params", Kind::Any, "A map of parameters; attributes that the type does not know are added to it."),
        Attr::new(TIMEOUT, Kind::Integer(1, 86_400), "How long each call may take.").default("300"),
    ],
    refresh: Refresh::Nothing,
    batch: false,
    identity: |fields| match &*fields.name {
        "" => fields.str("script"),
        _ => Some(fields.id.clone()),
    },
    footprint: |_| Footprint::default(),
    check,
    prepare,
};

/// The attribute that names the script.
pub(crate) const SCRIPT: &str = "script";

/// The attribute that says how long a call may take; the key `timeout` of all resources, by another name.
pub(crate) const TIMEOUT: &str = "timeout_secs";

/// Returns a script's name without its extension.
pub(crate) fn stem(script: &str) -> &str {
    script.split('.').next().unwrap_or_default()
}

/// Returns whether a type takes attributes and states that it does not declare.
pub(crate) fn is_open(decl: &TypeDecl) -> bool {
    decl.name == DECL.name
}

/// Where scripts are; the first that has one of the name wins. Into the second a policy may write.
pub const FOLDERS: [&str; 2] = ["/etc/vigo-envoy/executors", "/usr/local/share/vigo/executors"];

/// Where scripts are on Windows, likewise.
pub const WINDOWS_FOLDERS: [&str; 2] = ["C:\\ProgramData\\Vigo\\executors", "C:\\ProgramData\\vigo-local\\executors"];

/// More entries in one of the folders than this are a mistake.
const SCRIPTS_MAX: usize = 1024;

fn check(fields: &Fields) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(script) = fields.str("script")
        && (script.starts_with('.') || script.contains(['/', '\\']))
    {
        let message = format!("expected a script's name without folders, found `{script}`");
        problems.push(Problem::bad_value("script", message));
    }
    if let Err(expected) = params(fields) {
        problems.push(Problem::bad_value("params", expected));
    }
    problems
}

/// Returns the parameters, those outside of `params` among them.
fn params(fields: &Fields) -> Result<BTreeMap<Arc<str>, Value>, String> {
    let mut all = BTreeMap::new();
    match fields.datum("params") {
        None => {}
        Some(Datum::Map(entries)) => all.extend(entries.iter().map(|(k, v)| (k.clone(), v.to_value()))),
        Some(other) => {
            let map = super::kind::map(other)?;
            all.extend(map.into_iter().map(|(k, v)| (k, Value::Text(v))));
        }
    }
    for field in &fields.items {
        if DECL.attribute(&field.name).is_none()
            && &*field.name != "state"
            && let Some(datum) = fields.datum(&field.name)
        {
            all.insert(field.name.clone(), datum.to_value());
        }
    }
    Ok(all)
}

fn prepare(fields: &Fields, _: &Prepare<'_>) -> Result<Box<dyn Instance>, Problem> {
    let want = Want {
        name: fields.name.clone(),
        script: fields.str("script").unwrap_or_default(),
        state: fields.state().into(),
        params: params(fields).map_err(|expected| Problem::bad_value("params", expected))?,
        triggered: fields.handler,
        timeout: Duration::from_secs(fields.int(TIMEOUT).and_then(|s| u64::try_from(s).ok()).unwrap_or(300)),
    };
    Ok(Managed::<Custom>::boxed(want, &Native))
}

/// The family.
pub struct Custom;

/// What is wanted.
#[derive(Clone, Debug)]
pub struct Want {
    /// The resource's name.
    pub name: Arc<str>,
    /// The script's name.
    pub script: Arc<str>,
    /// The state, in the script's words.
    pub state: Arc<str>,
    /// What the script is told.
    pub params: BTreeMap<Arc<str>, Value>,
    /// Whether a change of another resource is why it runs.
    pub triggered: bool,
    /// How long a call may take.
    pub timeout: Duration,
}

/// What the script says it would do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum State {
    /// This.
    Answer {
        /// Where the script is.
        script: AbsPath,
        /// Its answer.
        answer: Answer,
    },
    /// It cannot be asked, or does not answer as agreed.
    Refused(Problem),
}

/// An answer of a script.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// Whether it changed something, or would.
    pub changed: bool,
    /// What it did: `created`, `updated`, `deleted`, `skipped`, `none`.
    pub action: String,
    /// What differs, for people.
    pub diff: Option<String>,
}

/// What is done.
#[derive(Clone, Debug)]
pub enum Action {
    /// Runs the script.
    Run,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("run script")
    }
}

impl Family for Custom {
    const TYPE: &'static str = "custom";
    const UNPREDICTABLE: bool = true;
    const GUARDS: bool = true;
    const SPOILS: &'static [&'static str] = &["*"];
    const TIMEOUT: Duration = Duration::from_secs(300);
    type Want = Want;
    type State = State;
    type Action = Action;

    fn timeout(want: &Want) -> Duration {
        want.timeout
    }

    fn compare(want: &Want, state: &State, phase: Phase) -> Comparison<Action> {
        let answer = match state {
            State::Refused(problem) => return Comparison::fail(problem.clone()),
            State::Answer { answer, .. } => answer,
        };
        let mut c = Comparison::in_sync();
        if !answer.changed {
            return c;
        }
        if phase == Phase::After {
            let message = format!("script `{}` would change something again after it ran", want.script);
            return Comparison::fail(
                Problem::failed(message).help("let it report `changed: false` once the state is reached"),
            );
        }
        let after = if want.state.is_empty() { answer.action.clone() } else { want.state.to_string() };
        c.change(Change::new("state", format!("would be {}", answer.action), after));
        c.notes.extend(answer.diff.clone());
        c.act(Action::Run);
        c
    }

    fn predict(_: &Want, state: &State) -> Option<State> {
        match state {
            State::Answer { script, .. } => {
                let answer = Answer { changed: false, action: "none".into(), diff: None };
                Some(State::Answer { script: script.clone(), answer })
            }
            State::Refused(_) => None,
        }
    }
}

/// Scripts by the executor.
pub struct Native;

impl Adapter<Custom> for Native {
    fn check(&self, _: &Want, facts: &HostFacts) -> Result<(), Problem> {
        if facts.image.is_some() {
            return Err(Problem::unsupported("type `custom` is not supported in an image"));
        }
        Ok(())
    }

    fn probe(&self, _: &Want, facts: &HostFacts) -> Vec<Op> {
        let look = |folder: &AbsPath| {
            let above = folder.parent().map(|p| Op::stat(&p));
            above.into_iter().chain([Op::stat(folder), list(folder)])
        };
        folders(facts).iter().flat_map(look).collect()
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, facts: &HostFacts) -> Interpreted<State> {
        let script = match find(want, outputs, facts) {
            Ok(script) => script,
            Err(Lack::Refused(problem)) => return Interpreted::Known(State::Refused(problem)),
            Err(Lack::Unknown(why)) => return Interpreted::Unknown(why),
        };
        let op = Op::Run(call(want, &script, true));
        let answer = match outputs.get(&op) {
            None => return Interpreted::Ask(alloc::vec![op]),
            Some(OpOutput::Ran(ran)) => answer(want, ran),
            Some(OpOutput::Failed(failure)) => Err(failure.into()),
            Some(_) => Err(Problem::failed("expected the answer of a script, found something else")),
        };
        Interpreted::Known(match answer {
            Ok(answer) => State::Answer { script, answer },
            Err(problem) => State::Refused(problem),
        })
    }

    fn lower(&self, want: &Want, state: &State, _: &[Action], _: &HostFacts) -> Result<Vec<Op>, Problem> {
        match state {
            State::Answer { script, .. } => Ok(alloc::vec![Op::Run(call(want, script, false))]),
            State::Refused(problem) => Err(problem.clone()),
        }
    }

    fn objection(&self, want: &Want, _: &Op, ran: &Ran) -> Option<Problem> {
        answer(want, ran).err()
    }

    fn classify(&self, want: &Want, _: &Op, ran: &Ran) -> Option<Problem> {
        answer(want, ran).err()
    }
}

enum Lack {
    Refused(Problem),
    Unknown(String),
}

fn is_windows(facts: &HostFacts) -> bool {
    &*facts.family == "windows"
}

fn folders(facts: &HostFacts) -> [AbsPath; 2] {
    if is_windows(facts) { WINDOWS_FOLDERS } else { FOLDERS }.map(AbsPath::known)
}

fn list(folder: &AbsPath) -> Op {
    Op::ListDir { path: folder.clone(), deep: false, entries_max: SCRIPTS_MAX }
}

/// Returns the path of the script, if it and the folders that it is in are root's alone, or administrators'.
fn find(want: &Want, outputs: &Outputs, facts: &HostFacts) -> Result<AbsPath, Lack> {
    let look = |path: &AbsPath| match outputs.get(&Op::stat(path)) {
        Some(OpOutput::Stat(meta)) => Ok(Some(meta.clone())),
        Some(OpOutput::Missing) => Ok(None),
        Some(OpOutput::Failed(failure)) => Err(Lack::Unknown(failure.message.clone())),
        other => Err(Lack::Unknown(format!("expected metadata of `{path}`, found {other:?}"))),
    };
    let (whose, help) = match is_windows(facts) {
        true => ("administrators'", "let administrators own it and nobody else change it, if it is what it should be"),
        false => ("root's", "`chown root` and `chmod go-w` it, if it is what it should be"),
    };
    for folder in folders(facts) {
        let Some((path, meta)) = in_folder(want, &folder, outputs)? else { continue };
        let above = folder.parent().into_iter().chain([folder]);
        for (path, kind, meta) in above
            .map(|dir| Ok((dir.clone(), FileKind::Dir, look(&dir)?)))
            .chain([Ok((path.clone(), FileKind::File, Some(meta.clone())))])
            .collect::<Result<Vec<_>, Lack>>()?
        {
            if let Some(why) = meta.as_ref().and_then(|meta| distrust(meta, kind)) {
                let problem = Problem::failed(format!("expected `{path}` to be {whose} alone, found {why}"));
                return Err(Lack::Refused(problem.help(help)));
            }
        }
        // Without modes the file's ending says so, and the executor tells it as a mode.
        if meta.mode & 0o100 == 0 {
            return Err(Lack::Refused(Problem::failed(format!("expected `{path}` to be executable"))));
        }
        return Ok(path);
    }
    let message = format!(
        "expected a script `{}` in {}, found none",
        want.script,
        folders(facts).map(|f| format!("`{f}`")).join(" or ")
    );
    Err(Lack::Refused(Problem::failed(message)))
}

/// Returns the script of this folder: the one of the very name, or the only one that has it before its extension.
fn in_folder(want: &Want, folder: &AbsPath, outputs: &Outputs) -> Result<Option<(AbsPath, Metadata)>, Lack> {
    let entries = match outputs.get(&list(folder)) {
        Some(OpOutput::Dir(entries)) => entries,
        Some(OpOutput::Failed(failure)) => return Err(Lack::Unknown(failure.message.clone())),
        _ => return Ok(None),
    };
    let exact = entries.iter().find(|e| *e.path == *want.script);
    let named: Vec<&Entry> = match exact {
        Some(entry) => alloc::vec![entry],
        None => entries.iter().filter(|e| stem(&e.path) == &*want.script && !e.path.ends_with('~')).collect(),
    };
    match named[..] {
        [] => Ok(None),
        [entry] => Ok(Some((folder.join(&entry.path), entry.meta.clone()))),
        _ => {
            let found: Vec<String> = named.iter().map(|e| format!("`{}`", e.path)).collect();
            let message = format!("expected one script `{}` in `{folder}`, found {}", want.script, found.join(", "));
            Err(Lack::Refused(Problem::failed(message).help("write the whole name into `script`")))
        }
    }
}

/// Says why a script or folder is not trusted: others than root could have written it.
fn distrust(meta: &Metadata, kind: FileKind) -> Option<String> {
    match meta {
        meta if meta.kind != kind => Some("something else".into()),
        meta if meta.uid != 0 => Some(format!("owner {}", meta.uid)),
        meta if meta.mode & 0o022 != 0 => Some(format!("mode {:04o}", meta.mode)),
        _ => None,
    }
}

fn call(want: &Want, script: &AbsPath, dry_run: bool) -> Command {
    let command = match dry_run {
        true => Command::read(script.as_str(), None::<Arc<str>>),
        false => Command::change(script.as_str(), None::<Arc<str>>),
    };
    debug_assert_eq!(command.effect == Effect::Reads, dry_run);
    command.timeout(want.timeout).stdin(question(want, dry_run))
}

/// Returns what the script reads.
fn question(want: &Want, dry_run: bool) -> Text {
    let mut text = String::from("{\"name\":");
    text.push_str(&quoted(&want.name));
    text.push_str(",\"type\":");
    text.push_str(&quoted(stem(&want.script)));
    text.push_str(",\"state\":");
    text.push_str(&quoted(&want.state));
    text.push_str(",\"params\":");
    let params = Value::Map(Arc::new(want.params.clone()));
    json(&mut text, &params, 0);
    text.push_str(&format!(",\"dry_run\":{dry_run},\"triggered\":{}}}\n", want.triggered));
    Text::plain(text).tainted_by(params.secret_path())
}

/// What a policy can nest is less.
const DEPTH_MAX: usize = 128;

/// Writes a value as JSON.
pub(crate) fn json(out: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Int(n) => out.push_str(&n.to_string()),
        Value::Float(x) if x.is_finite() => out.push_str(&x.to_string()),
        Value::Text(text) => out.push_str(&quoted(text.as_str())),
        Value::List(items) if depth < DEPTH_MAX => {
            for (i, item) in items.iter().enumerate() {
                out.push(if i == 0 { '[' } else { ',' });
                json(out, item, depth + 1);
            }
            out.push_str(if items.is_empty() { "[]" } else { "]" });
        }
        Value::Map(entries) if depth < DEPTH_MAX => {
            for (i, (key, item)) in entries.iter().enumerate() {
                out.push(if i == 0 { '{' } else { ',' });
                out.push_str(&quoted(key));
                out.push(':');
                json(out, item, depth + 1);
            }
            out.push_str(if entries.is_empty() { "{}" } else { "}" });
        }
        Value::Null | Value::Float(_) | Value::List(_) | Value::Map(_) => out.push_str("null"),
    }
}

/// Reads the script's answer.
fn answer(want: &Want, ran: &Ran) -> Result<Answer, Problem> {
    let bad = |why: String| Problem::failed(format!("script `{}`: {why}", want.script));
    let out = ran.out();
    let parsed = Json::parse(out.trim());
    let text = |name: &str| parsed.as_ref().ok().and_then(|json| json.get(name)?.as_text()).map(|t| t.into_owned());
    if let Some(error) = text("error").filter(|e| !e.is_empty()) {
        return Err(bad(error));
    }
    if !ran.success() {
        let err = ran.err();
        let last = err.lines().rfind(|l| !l.trim().is_empty()).map(|l| format!(": {}", l.trim())).unwrap_or_default();
        return Err(bad(format!("{}{last}", ran.exit)));
    }
    let json = parsed.as_ref().map_err(|e| {
        bad(format!("expected one JSON object as its answer: {} at line {}, column {}", e.message, e.line, e.column))
    })?;
    let changed = match json.get("changed") {
        Some(Json::Word(word)) if &**word == "true" => true,
        Some(Json::Word(word)) if &**word == "false" => false,
        Some(other) => return Err(bad(format!("expected `changed` to be true or false, found {}", other.kind()))),
        None => return Err(bad("expected `changed` in its answer, found none".into())),
    };
    let action = match text("action").as_deref() {
        None if changed => "updated".to_string(),
        None | Some("already in desired state") => "none".to_string(),
        Some(word @ ("created" | "updated" | "deleted" | "skipped" | "none")) => word.to_string(),
        Some(other) => {
            let expected = "`created`, `updated`, `deleted`, `skipped` or `none`";
            return Err(bad(format!("expected `action` to be {expected}, found `{}`", other.escape_debug())));
        }
    };
    Ok(Answer { changed, action, diff: text("diff").filter(|d| !d.trim().is_empty()) })
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Items, fields, list, map, problems, secret, text};
    use super::*;
    use crate::action::Exit;

    fn want(items: Items<'_>) -> Want {
        let fields = fields(&DECL, items);
        Want {
            name: fields.name.clone(),
            script: fields.str("script").unwrap(),
            state: fields.state().into(),
            params: params(&fields).unwrap(),
            triggered: false,
            timeout: Duration::from_secs(300),
        }
    }

    fn ran(code: i32, out: &str, err: &str) -> Ran {
        Ran { exit: Exit::Code(code), stdout: out.into(), stderr: err.into(), truncated: false }
    }

    fn meta(kind: FileKind, uid: u32, mode: u32) -> Metadata {
        let (context, target) = (None, None);
        Metadata { kind, mode, uid, gid: 0, size: 0, mtime_ms: 0, dev: 1, ino: 1, nlink: 1, target, context }
    }

    #[test]
    fn any_attribute_and_any_state_is_taken() {
        let cases: [(&str, Items<'_>, &str); 5] = [
            ("plain", &[("script", text("greet"))], ""),
            ("more", &[("script", text("greet.py")), ("state", text("shiny")), ("colour", text("red"))], ""),
            ("map", &[("script", text("greet")), ("params", map(&[("a", "1")]))], ""),
            (
                "folder",
                &[("script", text("../greet"))],
                "attribute `script`: expected a script's name without folders, found `../greet`",
            ),
            (
                "no map",
                &[("script", text("greet")), ("params", text("a"))],
                "attribute `params`: expected `KEY=VALUE`, found `\"a\"`",
            ),
        ];
        for (name, items, expected) in cases {
            assert_eq!(problems(&fields(&DECL, items)), expected, "{name}");
        }
    }

    #[test]
    fn the_script_is_told_all_by_json() {
        let want = want(&[
            ("script", text("greet.py")),
            ("state", text("sh\"iny")),
            ("params", map(&[("to", "world"), ("n", "7")])),
            ("list", list(&["a", "true", "1.50"])),
            ("password", secret("hunter2", "a/b")),
        ]);
        let question = question(&want, true);
        assert_eq!(
            question.as_str(),
            "{\"name\":\"sample\",\"type\":\"greet\",\"state\":\"sh\\\"iny\",\"params\":{\"list\":[\"a\",true,\"1.50\"],\
             \"n\":7,\"password\":\"hunter2\",\"to\":\"world\"},\"dry_run\":true,\"triggered\":false}\n"
        );
        assert_eq!(question.secret_path().map(|p| &**p), Some("a/b"));
        let op = Op::Run(call(&want, &AbsPath::known("/x"), true));
        assert!(!format!("{op:?} {op}").contains("hunter2"));
    }

    #[test]
    fn answers_are_read_strictly() {
        let want = want(&[("script", text("greet"))]);
        let good = |changed, action: &str, diff: Option<&str>| {
            Ok(Answer { changed, action: action.into(), diff: diff.map(String::from) })
        };
        let bad = |why: &str| Err(Problem::failed(format!("script `greet`: {why}")));
        let cases = [
            ("in sync", ran(0, "{\"changed\": false}\n", ""), good(false, "none", None)),
            (
                "changed",
                ran(0, " {\"changed\":true,\"action\":\"created\",\"diff\":\"+a\"}", "noise"),
                good(true, "created", Some("+a")),
            ),
            (
                "words",
                ran(0, "{\"changed\":false,\"action\":\"already in desired state\"}", ""),
                good(false, "none", None),
            ),
            ("error", ran(0, "{\"changed\":false,\"error\":\"no \\u0022x\\u0022\"}", ""), bad("no \"x\"")),
            ("exit", ran(2, "{\"changed\":false}", "Traceback\nboom\n"), bad("exit 2: boom")),
            ("exit, silent", ran(2, "", ""), bad("exit 2")),
            ("no changed", ran(0, "{}", ""), bad("expected `changed` in its answer, found none")),
            ("number", ran(0, "{\"changed\":1}", ""), bad("expected `changed` to be true or false, found a number")),
            (
                "action",
                ran(0, "{\"changed\":true,\"action\":\"did\"}", ""),
                bad("expected `action` to be `created`, `updated`, `deleted`, `skipped` or `none`, found `did`"),
            ),
        ];
        for (name, ran, expected) in cases {
            assert_eq!(answer(&want, &ran), expected, "{name}");
        }
        for out in ["", "hello", "{\"changed\":true}{}", "[]", "\u{fffd}", "{\"changed\":"] {
            assert!(answer(&want, &ran(0, out, "")).is_err(), "{out}");
        }
    }

    #[test]
    fn scripts_are_trusted_only_when_they_are_roots_alone() {
        let want = want(&[("script", text("greet"))]);
        let (dir, file) = (FileKind::Dir, FileKind::File);
        let good = [meta(dir, 0, 0o755), meta(dir, 0, 0o755), meta(file, 0, 0o755)];
        let with = |at: usize, m: Metadata| {
            let mut all = good.clone();
            all[at] = m;
            all
        };
        let cases = [
            ("good", good.clone(), Ok("/usr/local/share/vigo/executors/greet")),
            ("owner", with(2, meta(file, 1000, 0o755)), Err("found owner 1000")),
            ("group may write", with(2, meta(file, 0, 0o775)), Err("found mode 0775")),
            ("link", with(2, meta(FileKind::Symlink, 0, 0o777)), Err("found something else")),
            ("folder", with(1, meta(dir, 0, 0o777)), Err("found mode 0777")),
            ("folder above", with(0, meta(dir, 7, 0o755)), Err("found owner 7")),
            ("not executable", with(2, meta(file, 0, 0o644)), Err("to be executable")),
        ];
        for (name, metas, expected) in cases {
            let mut outputs = Outputs::default();
            for (i, op) in Native.probe(&want, &HostFacts::default()).into_iter().enumerate() {
                let output = match i {
                    3 | 4 => OpOutput::Stat(metas[i - 3].clone()),
                    5 => OpOutput::Dir(alloc::vec![Entry { path: "greet".into(), meta: metas[2].clone() }]),
                    _ => OpOutput::Missing,
                };
                outputs.push(op, Arc::new(output));
            }
            let seen = Native.interpret(&want, &outputs, &HostFacts::default());
            match (seen, expected) {
                (Interpreted::Ask(ops), Ok(path)) => assert_eq!(ops[0].to_string(), path, "{name}"),
                (Interpreted::Known(State::Refused(problem)), Err(why)) => {
                    assert!(problem.message.ends_with(why), "{name}: {}", problem.message);
                }
                (seen, _) => panic!("{name}: {seen:?}"),
            }
        }
        let mut outputs = Outputs::default();
        for op in Native.probe(&want, &HostFacts::default()) {
            outputs.push(op, Arc::new(OpOutput::Missing));
        }
        let seen = Native.interpret(&want, &outputs, &HostFacts::default());
        assert!(matches!(&seen, Interpreted::Known(State::Refused(p)) if p.message.contains("found none")), "{seen:?}");
    }

    #[test]
    fn windows_has_folders_of_its_own_and_runs_what_it_can_start() {
        let want = want(&[("script", text("greet"))]);
        let windows = HostFacts { family: "windows".into(), ..HostFacts::default() };
        let seen = |script: &str, uid: u32, mode: u32| {
            let mut outputs = Outputs::default();
            for (i, op) in Native.probe(&want, &windows).into_iter().enumerate() {
                let output = match i {
                    0..3 => OpOutput::Missing,
                    5 => {
                        OpOutput::Dir(alloc::vec![Entry { path: script.into(), meta: meta(FileKind::File, uid, mode) }])
                    }
                    _ => OpOutput::Stat(meta(FileKind::Dir, 0, 0o755)),
                };
                outputs.push(op, Arc::new(output));
            }
            match Native.interpret(&want, &outputs, &windows) {
                Interpreted::Ask(ops) => ops[0].to_string(),
                Interpreted::Known(State::Refused(problem)) => problem.message,
                other => panic!("{other:?}"),
            }
        };
        let greet = "C:\\ProgramData\\vigo-local\\executors\\greet";
        assert_eq!(seen("greet.CMD", 0, 0o755), format!("{greet}.CMD"));
        assert_eq!(seen("greet.py", 0, 0o644), format!("expected `{greet}.py` to be executable"));
        let refused = format!("expected `{greet}.exe` to be administrators' alone, found");
        assert_eq!(seen("greet.exe", 1000, 0o755), format!("{refused} owner 1000"));
        assert_eq!(seen("greet.exe", 0, 0o757), format!("{refused} mode 0757"));
    }

    #[test]
    fn a_script_is_found_by_its_name_with_or_without_its_extension() {
        let cases: [(&str, &[&str], &[&str], &str); 6] = [
            ("greet.py", &[], &["greet.py"], "/usr/local/share/vigo/executors/greet.py"),
            ("greet", &["greet.sh"], &["greet"], "/etc/vigo-envoy/executors/greet.sh"),
            ("greet", &[], &["greet", "greet.py", "greeter.sh"], "/usr/local/share/vigo/executors/greet"),
            ("greet", &[], &["greet.py~", "greet.py"], "/usr/local/share/vigo/executors/greet.py"),
            (
                "greet",
                &[],
                &["greet.py", "greet.sh"],
                "expected one script `greet` in `/usr/local/share/vigo/executors`, found `greet.py`, `greet.sh`",
            ),
            (
                "greet.py",
                &["greet.sh", "greet"],
                &[],
                "expected a script `greet.py` in `/etc/vigo-envoy/executors` or `/usr/local/share/vigo/executors`, found none",
            ),
        ];
        for (script, first, second, expected) in cases {
            let want = want(&[("script", text(script))]);
            let mut outputs = Outputs::default();
            for (i, op) in Native.probe(&want, &HostFacts::default()).into_iter().enumerate() {
                let entry = |name: &&str| Entry { path: (*name).into(), meta: meta(FileKind::File, 0, 0o755) };
                let output = match i {
                    2 => OpOutput::Dir(first.iter().map(entry).collect()),
                    5 => OpOutput::Dir(second.iter().map(entry).collect()),
                    _ => OpOutput::Stat(meta(FileKind::Dir, 0, 0o755)),
                };
                outputs.push(op, Arc::new(output));
            }
            let seen = match Native.interpret(&want, &outputs, &HostFacts::default()) {
                Interpreted::Ask(ops) => ops[0].to_string(),
                Interpreted::Known(State::Refused(problem)) => problem.message,
                other => panic!("{other:?}"),
            };
            assert_eq!(seen, expected, "{script} of {first:?}, {second:?}");
        }
    }

    #[test]
    fn a_script_that_never_settles_fails() {
        let want = want(&[("script", text("greet"))]);
        let answer = |changed| Answer { changed, action: "updated".into(), diff: None };
        let state = |changed| State::Answer { script: AbsPath::known("/x"), answer: answer(changed) };
        assert_eq!(Custom::compare(&want, &state(true), Phase::Before).changes.len(), 1);
        assert!(Custom::compare(&want, &state(true), Phase::After).failure.is_some());
        assert!(Custom::compare(&want, &state(false), Phase::After).failure.is_none());
        let predicted = Custom::predict(&want, &state(true)).unwrap();
        assert!(Custom::compare(&want, &predicted, Phase::Before).changes.is_empty());
    }
}
