//! `process`: how many processes run.

use super::{Attr, Change, Datum, Fields, Footprint, Instance, Kind, Managed, Prepare, Refresh, TypeDecl, kind};
use crate::host::{Comparison, Family, HostFacts, Phase, Problem, ProblemKind};
use crate::time::Duration;
use crate::value::Text;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

const RUNNING: &[&str] = &["running"];

/// More processes than any machine runs.
const COUNT_MAX: i64 = 1_000_000;

/// The declaration.
pub static DECL: TypeDecl = TypeDecl {
    name: "process",
    aliases: &[],
    summary: "Manages how many processes of a kind run.",
    states: &["running", "stopped"],
    attributes: &[
        Attr::new("process", Kind::Line, "Base name of the executable; with `pattern` a regex over the command line.")
            .required()
            .no_secret(),
        Attr::new("match_mode", Kind::Choice(&["exact", "pattern"]), "How `process` is compared.").default("exact"),
        Attr::new("count", Kind::Integer(0, COUNT_MAX), "How many; excludes `min` and `max`.").only_in(RUNNING),
        Attr::new("min", Kind::Integer(0, COUNT_MAX), "At least how many.").default("1").only_in(RUNNING),
        Attr::new("max", Kind::Integer(0, COUNT_MAX), "At most how many.").only_in(RUNNING),
        Attr::new("signal", Kind::Choice(SIGNALS), "What ends a process.").default("TERM"),
        Attr::new("kill_excess", Kind::Bool, "Whether the youngest over `count` or `max` are ended.")
            .default("false")
            .only_in(RUNNING),
        Attr::new("kill_timeout", Kind::Text, "How long after the signal a process is killed; `0` is never.")
            .default("10s")
            .no_secret(),
        Attr::new("restart_method", Kind::Choice(&["systemctl", "service", "command"]), "How to reach `min`.")
            .only_in(RUNNING),
        Attr::new("restart_unit", Kind::Name, "The unit or service that starts them.").only_in(RUNNING),
        Attr::new("restart_command", Kind::Text, "The command for `sh -c` that starts them.")
            .only_in(RUNNING)
            .no_secret(),
    ],
    refresh: Refresh::Nothing,
    batch: false,
    identity: |fields| fields.str("process"),
    footprint: |fields| Footprint {
        commands: fields.str("restart_command").into_iter().collect(),
        ..Footprint::default()
    },
    check,
    prepare,
};

const SIGNALS: &[&str] = &["TERM", "KILL", "HUP", "INT", "QUIT", "USR1", "USR2", "ABRT", "ALRM"];

fn check(fields: &Fields) -> Vec<Problem> {
    let mut problems = Vec::new();
    let written = |name: &str| fields.is_written(name);
    if written("count") {
        for other in ["min", "max"].into_iter().filter(|o| written(o)) {
            problems.push(Problem::conflict(other, "excludes `count`"));
        }
    }
    if let (Some(min), Some(max)) = (fields.int("min"), fields.int("max"))
        && min > max
        && !written("count")
    {
        problems.push(Problem::bad_value("max", format!("expected at least `min` {min}, found {max}")));
    }
    if fields.choice("match_mode") == Some("pattern") && !fields.is_pending("process") {
        problems.extend(
            fields.datum("process").and_then(|d| kind::regex(d).err()).map(|e| Problem::bad_value("process", e)),
        );
    }
    if let Some(name) = fields.str("process").filter(|_| fields.choice("match_mode") == Some("exact"))
        && (name.is_empty() || name.contains('/'))
    {
        let problem = Problem::bad_value("process", format!("expected the base name of an executable, found `{name}`"));
        problems.push(problem.help("write `match_mode: pattern` to match the command line"));
    }
    if let Some(Err(why)) = fields.datum("kill_timeout").map(kill_timeout) {
        problems.push(Problem::bad_value("kill_timeout", why));
    }
    let needs = match fields.choice("restart_method") {
        Some("command") => Some("restart_command"),
        Some(_) => Some("restart_unit"),
        None => None,
    };
    for name in ["restart_unit", "restart_command"] {
        match needs {
            Some(needed) if needed == name && !written(name) => {
                let problem = Problem::new(ProblemKind::MissingAttribute, format!("`restart_method` needs `{name}`"));
                problems.push(problem);
            }
            Some(needed) if needed == name => {}
            _ if written(name) => {
                problems.push(Problem::conflict(name, "has no meaning with this `restart_method`"));
            }
            _ => {}
        }
    }
    let ends = fields.state() == "stopped" || fields.flag("kill_excess");
    let own = fields.str("process").filter(|name| ends && OWN.contains(&&**name));
    if let Some(name) = own.filter(|_| fields.choice("match_mode") == Some("exact")) {
        problems.push(Problem::new(ProblemKind::Guarded, format!("process `{name}` is Vigo itself")));
    }
    problems
}

/// Vigo's own programs, which are never ended.
const OWN: &[&str] = &["vigo", "vigosrv"];

/// Reads `kill_timeout`; `None` is the boolean that other tools have there.
fn kill_timeout(datum: &Datum) -> Result<Option<Duration>, String> {
    let written = kind::text(datum)?.as_str();
    match kind::bool(written) {
        Ok(true) => Ok(None),
        Ok(false) => Ok(Some(Duration::ZERO)),
        Err(_) => kind::duration(written).map(Some),
    }
}

fn prepare(fields: &Fields, ctx: &Prepare<'_>) -> Result<Box<dyn Instance>, Problem> {
    let process = fields.str("process").ok_or_else(|| Problem::bad_value("process", "expected a name"))?;
    let number = |name: &str| fields.int(name).and_then(|n| u32::try_from(n).ok());
    let asked = fields.datum("kill_timeout").map(kill_timeout).transpose().unwrap_or(None);
    let unit = || fields.str("restart_unit").ok_or_else(|| Problem::bad_value("restart_unit", "expected a name"));
    let want = Want {
        matching: match fields.choice("match_mode") {
            Some("pattern") => Matching::Pattern(
                fields
                    .regex("process")
                    .ok_or_else(|| Problem::bad_value("process", "expected a regular expression"))?,
            ),
            _ => Matching::Name(process.clone()),
        },
        process,
        running: fields.state() == "running",
        min: number("count").or_else(|| number("min")).unwrap_or(1),
        max: number("count").or_else(|| number("max")),
        signal: fields.choice("signal").unwrap_or("TERM").into(),
        kill_excess: fields.flag("kill_excess") || asked == Some(None),
        kill_timeout: asked.flatten().unwrap_or(Duration::from_secs(10)),
        bool_timeout: asked == Some(None),
        restart: match fields.choice("restart_method") {
            Some("systemctl") => Some(Restart::Unit(unit()?)),
            Some("service") => Some(Restart::Service(unit()?)),
            Some(_) => Some(Restart::Command(
                fields.text("restart_command").ok_or_else(|| Problem::bad_value("restart_command", "expected text"))?,
            )),
            None => None,
        },
    };
    Ok(Managed::<Process>::boxed(want, ctx.host.process(ctx.facts)?))
}

/// The family.
pub struct Process;

/// What is wanted of processes.
#[derive(Clone, Debug)]
pub struct Want {
    /// The name or pattern, as written.
    pub process: Arc<str>,
    /// What counts as one of them.
    pub matching: Matching,
    /// Whether they run, or none does.
    pub running: bool,
    /// At least how many.
    pub min: u32,
    /// At most how many.
    pub max: Option<u32>,
    /// The name of the signal that ends one, without `SIG`.
    pub signal: Arc<str>,
    /// Whether those over `max` are ended.
    pub kill_excess: bool,
    /// How long after the signal a process is killed; zero is never.
    pub kill_timeout: Duration,
    /// Whether `kill_timeout` was written as a boolean.
    pub bool_timeout: bool,
    /// How to reach `min`.
    pub restart: Option<Restart>,
}

impl Want {
    /// Returns whether a process of this name and these arguments is one of them. Vigo's own programs are never ended.
    pub fn counts(&self, name: &str, args: &[&str]) -> bool {
        let spared = !self.running && OWN.contains(&name);
        !spared && self.matching.matches(name, args)
    }
}

/// What counts as one of the processes.
#[derive(Clone, Debug)]
pub enum Matching {
    /// The base name of the executable.
    Name(Arc<str>),
    /// A match in the command line, its arguments joined by blanks.
    Pattern(regex::Regex),
}

/// How processes are started.
#[derive(Clone, Debug)]
pub enum Restart {
    /// By systemd.
    Unit(Arc<str>),
    /// By `service`.
    Service(Arc<str>),
    /// By an operator's command.
    Command(Text),
}

/// What is there.
#[derive(Clone, Debug)]
pub struct State {
    /// The matches, the oldest first; never the agent or what it descends from.
    pub found: Vec<Found>,
}

/// A process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Found {
    /// Its number.
    pub pid: u32,
    /// When it was started, in the unit that the signal operation compares.
    pub start_time: u64,
}

/// What is done.
#[derive(Clone, Debug)]
pub enum Action {
    /// Starts them.
    Start,
    /// Sends the signal to these, and kills what is left of them in the end.
    End(Vec<Found>),
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start => f.write_str("start"),
            Self::End(found) => {
                f.write_str("end")?;
                found.iter().take(20).try_for_each(|p| write!(f, " {}", p.pid))
            }
        }
    }
}

impl Matching {
    /// Returns whether a process of this name and these arguments counts.
    pub fn matches(&self, name: &str, args: &[&str]) -> bool {
        match self {
            Self::Name(wanted) => {
                // The kernel keeps 15 bytes of a name; a longer one stands in the arguments.
                let first = args.first().map_or("", |arg| arg.rsplit('/').next().unwrap_or(arg));
                **wanted == *name || **wanted == *first
            }
            Self::Pattern(regex) => regex.is_match(&args.join(" ")),
        }
    }
}

impl Family for Process {
    const TYPE: &'static str = "process";
    type Want = Want;
    type State = State;
    type Action = Action;

    const GUARDS: bool = true;
    const SETTLE: Duration = Duration::from_secs(60);

    fn timeout(want: &Want) -> Duration {
        Duration::from_ms(Self::TIMEOUT.as_ms().saturating_add(want.kill_timeout.as_ms()))
    }

    fn compare(want: &Want, state: &State, _: Phase) -> Comparison<Action> {
        let mut c = Comparison::in_sync();
        let count = u32::try_from(state.found.len()).unwrap_or(u32::MAX);
        if want.bool_timeout {
            c.notes.push("`kill_timeout: true` is read as `kill_excess: true`".into());
        }
        let change = |after: String| Change::new("count", count.to_string(), after);
        if !want.running {
            if count > 0 {
                c.change(change("0".into()));
                c.act(Action::End(state.found.clone()));
            }
            return c;
        }
        let excess = want.max.map_or(0, |max| count.saturating_sub(max));
        if count < want.min {
            if want.restart.is_none() {
                let message = format!("expected at least {} of `{}`, found {count}", want.min, want.process);
                return Comparison::fail(Problem::failed(message).help("write `restart_method` to have them started"));
            }
            c.change(change(format!("at least {}", want.min)));
            c.act(Action::Start);
        } else if excess > 0 {
            let max = want.max.unwrap_or(u32::MAX);
            if !want.kill_excess {
                let message = format!("expected at most {max} of `{}`, found {count}", want.process);
                return Comparison::fail(
                    Problem::failed(message).help("write `kill_excess: true` to have the rest ended"),
                );
            }
            let kept = usize::try_from(max).unwrap_or(usize::MAX);
            c.change(change(format!("at most {max}")));
            c.act(Action::End(state.found.get(kept..).unwrap_or_default().to_vec()));
        }
        c
    }

    fn predict(want: &Want, state: &State) -> Option<State> {
        match want.running {
            false => Some(State { found: Vec::new() }),
            true if u32::try_from(state.found.len()).is_ok_and(|n| n < want.min) => None,
            true => {
                let kept = want.max.map_or(usize::MAX, |max| usize::try_from(max).unwrap_or(usize::MAX));
                Some(State { found: state.found.iter().copied().take(kept).collect() })
            }
        }
    }

    fn starts(action: &Action, _: &State) -> bool {
        matches!(action, Action::Start)
    }
}

/// Returns that processes of an image cannot be managed: nothing runs there.
pub fn in_image(facts: &HostFacts) -> Option<Problem> {
    facts
        .image
        .as_ref()
        .map(|_| Problem::unsupported("type `process` is not supported in an image, where nothing runs"))
}

#[cfg(test)]
mod tests {
    use super::super::sample::{fields, problems, text};
    use super::*;

    #[test]
    fn attributes_are_checked() {
        let cases = [
            ("plain", alloc::vec![("process", text("nginx"))], ""),
            (
                "count and max",
                alloc::vec![("process", text("x")), ("count", text("2")), ("max", text("3"))],
                "attribute `max`: excludes `count`",
            ),
            (
                "a path",
                alloc::vec![("process", text("/usr/sbin/nginx"))],
                "attribute `process`: expected the base name of an executable, found `/usr/sbin/nginx`",
            ),
            (
                "min over max",
                alloc::vec![("process", text("x")), ("min", text("3")), ("max", text("2"))],
                "attribute `max`: expected at least `min` 3, found 2",
            ),
            (
                "a method without what it needs",
                alloc::vec![("process", text("x")), ("restart_method", text("systemctl"))],
                "`restart_method` needs `restart_unit`",
            ),
            (
                "a command without a method",
                alloc::vec![("process", text("x")), ("restart_command", text("y"))],
                "attribute `restart_command`: has no meaning with this `restart_method`",
            ),
            ("a boolean of other tools", alloc::vec![("process", text("x")), ("kill_timeout", text("true"))], ""),
            (
                "no duration",
                alloc::vec![("process", text("x")), ("kill_timeout", text("soon"))],
                "attribute `kill_timeout`: expected a duration such as `45`, `30s`, `5m`, `4h` or `1d`, found `soon`",
            ),
            (
                "Vigo itself",
                alloc::vec![("process", text("vigosrv")), ("state", text("stopped"))],
                "process `vigosrv` is Vigo itself",
            ),
            (
                "count of what is stopped",
                alloc::vec![("process", text("x")), ("state", text("stopped")), ("count", text("0"))],
                "attribute `count`: has no meaning with `state: stopped`",
            ),
        ];
        for (name, items, expected) in cases {
            assert_eq!(problems(&fields(&DECL, &items)), expected, "{name}");
        }
        let bad = fields(&DECL, &[("process", text("a(")), ("match_mode", text("pattern"))]);
        assert!(problems(&bad).starts_with("attribute `process`: expected a regular expression"), "{}", problems(&bad));
    }

    fn want() -> Want {
        Want {
            process: "x".into(),
            matching: Matching::Name("x".into()),
            running: true,
            min: 1,
            max: None,
            signal: "TERM".into(),
            kill_excess: false,
            kill_timeout: Duration::from_secs(10),
            bool_timeout: false,
            restart: None,
        }
    }

    #[test]
    fn the_number_of_processes_is_compared() {
        let unit = Some(Restart::Unit("x.service".into()));
        let cases = [
            ("enough", want(), 1, "", ""),
            ("too few, no method", want(), 0, "", "expected at least 1 of `x`, found 0"),
            ("too few", Want { min: 2, restart: unit.clone(), ..want() }, 1, "start", ""),
            ("more than the minimum", Want { restart: unit, ..want() }, 3, "", ""),
            ("too many, left alone", Want { max: Some(1), ..want() }, 3, "", "expected at most 1 of `x`, found 3"),
            ("the youngest go", Want { max: Some(1), kill_excess: true, ..want() }, 3, "end 2 3", ""),
            ("none wanted", Want { running: false, ..want() }, 2, "end 1 2", ""),
            ("none there", Want { running: false, ..want() }, 0, "", ""),
        ];
        for (name, want, count, actions, failure) in cases {
            let found = (1..=count).map(|pid| Found { pid, start_time: u64::from(pid) }).collect();
            let c = Process::compare(&want, &State { found }, Phase::Before);
            let shown: Vec<String> = c.actions.iter().map(ToString::to_string).collect();
            assert_eq!(shown.join(", "), actions, "{name}");
            assert_eq!(c.failure.map(|p| p.message).unwrap_or_default(), failure, "{name}");
        }
    }

    #[test]
    fn a_name_is_the_executables_and_a_pattern_sees_the_command_line() {
        let name = |n: &str| Matching::Name(n.into());
        let pattern = |p: &str| Matching::Pattern(regex::Regex::new(p).unwrap());
        let cases = [
            (name("nginx"), "nginx", &["nginx: worker process"][..], true),
            (name("a-very-long-program"), "a-very-long-pro", &["/usr/bin/a-very-long-program", "-x"][..], true),
            (name("ngin"), "nginx", &["nginx"][..], false),
            (name("python3"), "app.py", &["/usr/bin/python3", "app.py"][..], true),
            (pattern("app\\.py --port 80$"), "python3", &["python3", "app.py", "--port", "80"][..], true),
            (pattern("^app"), "python3", &["python3", "app.py"][..], false),
        ];
        for (matching, name, args, expected) in cases {
            assert_eq!(matching.matches(name, args), expected, "{matching:?} {args:?}");
        }
    }
}
