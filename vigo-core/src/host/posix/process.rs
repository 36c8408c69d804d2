//! Processes by ps(1).

use crate::action::{Command, Op, OpOutput, Outputs};
use crate::host::{Adapter, Family, HostFacts, Interpreted, Problem};
use crate::resource::process::{Action, Found, Process, Restart, State, Want, in_image};
use crate::resource::service::Service;
use crate::time::Timestamp;
use crate::value::Text;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Bytes of a listing that are kept; a longer one is not known. 200 bytes for each of 40,000 processes.
const LISTING_BYTES_MAX: usize = 8 << 20;

/// A ps(1), with what each system calls its columns. Each is asked for by an option of its own: what follows the first `=`
/// of one option may all be its heading.
pub struct Ps {
    /// The system, for messages.
    pub system: &'static str,
    /// Selects all processes, and as much of a command line as there is.
    pub all: &'static str,
    /// The column of the executable's name, which is the last and may hold blanks.
    pub name: &'static str,
    /// The column of the command line, which is the last and holds blanks.
    pub command: &'static str,
    /// What tells older from younger ones.
    pub age: Age,
    /// The column of the state; a `Z` is its first letter once the process has ended.
    pub state: &'static str,
    /// The column that tells a process from a later one of the same number: when it was started.
    pub start: &'static str,
    /// The column with the number of the jail or zone, on systems whose listing shows the processes of those which the
    /// machine holds, too. They are their own agents' business: only what is where the agent is counts.
    pub tenant: Option<&'static str>,
    /// Returns how a service is stopped, if it runs, and started.
    pub restart: fn(&str) -> Command,
}

/// A column that tells older processes from younger ones.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Age {
    /// `etime`: how long it has run, `[[days-]hours:]minutes:seconds`.
    Elapsed,
    /// `lstart`: when it was started, `Sun Nov 22 16:20:16 2026`. OpenBSD's `etime` is a time of day or a date.
    Started,
}

impl Age {
    fn column(self) -> &'static str {
        match self {
            Self::Elapsed => "etime",
            Self::Started => "lstart",
        }
    }

    /// Reads the column off the front of a line: a number that is greater for what is older, and the rest.
    fn read(self, text: &str) -> (i64, &str) {
        match self {
            Self::Elapsed => word(text).map_or((0, ""), |(age, rest)| (age_secs(age).unwrap_or(0), rest)),
            Self::Started => {
                let rest = (0..5).try_fold(text, |rest, _| word(rest).map(|(_, rest)| rest));
                (Timestamp::from_ctime(text).map_or(i64::MIN, |at| -at.epoch_secs()), rest.unwrap_or(""))
            }
        }
    }
}

/// Prints the agent's own number.
const OWN_NUMBER: &str = "echo \"$PPID\"";

/// Waits until none of the processes is left, at most so many tenths of a second, and kills those which are still the same
/// ones then: meanwhile a number may have become another's. Its arguments are numbers and the column of the start.
const WAIT_AND_KILL: &str = "n=$1; c=$2; shift 2; \
    for p; do eval \"s$p=\\$(ps -o $c= -p $p)\"; done; \
    while [ \"$n\" -gt 0 ]; do left=; for p; do kill -0 \"$p\" 2>/dev/null && left=1; done; \
    [ -n \"$left\" ] || exit 0; sleep 0.1; n=$((n-1)); done; \
    for p; do eval \"s=\\$s$p\"; [ -n \"$s\" ] && [ \"$s\" = \"$(ps -o \"$c=\" -p \"$p\")\" ] && kill -KILL \"$p\"; done; \
    exit 0";

impl Ps {
    fn listing(&self, columns: &[&str]) -> Op {
        let mut args = alloc::vec![self.all.to_string()];
        args.extend(columns.iter().flat_map(|column| ["-o".into(), format!("{column}=")]));
        Op::Run(Command::read("ps", args).output_bytes_max(LISTING_BYTES_MAX))
    }

    fn command_lines(&self) -> Op {
        let columns = ["pid", "ppid", self.state, self.age.column(), self.command];
        self.listing(&self.tenant.into_iter().chain(columns).collect::<Vec<_>>())
    }

    fn names(&self) -> Op {
        self.listing(&["pid", self.name])
    }

    fn start(&self, want: &Want) -> Result<Op, Problem> {
        let command = match &want.restart {
            Some(Restart::Service(name)) => (self.restart)(name),
            Some(Restart::Command(text)) => Command::change("/bin/sh", ["-c", text.as_str()]),
            Some(Restart::Unit(_)) => return Err(self.no_units()),
            None => return Err(Problem::failed(format!("nothing says how to start `{}`", want.process))),
        };
        Ok(Op::Run(command.timeout(Service::COMMAND_TIMEOUT)))
    }

    fn no_units(&self) -> Problem {
        let message =
            format!("attribute `restart_method` of type `process` is not supported as `systemctl` on {}", self.system);
        Problem::unsupported(message).help("write `restart_method: service`")
    }
}

impl Adapter<Process> for Ps {
    fn check(&self, want: &Want, facts: &HostFacts) -> Result<(), Problem> {
        match want.restart {
            Some(Restart::Unit(_)) => Err(self.no_units()),
            _ => in_image(facts).map_or(Ok(()), Err),
        }
    }

    fn probe(&self, _: &Want, _: &HostFacts) -> Vec<Op> {
        alloc::vec![own_number(), self.command_lines(), self.names()]
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, _: &HostFacts) -> Interpreted<State> {
        let seen = || {
            let own = answer(outputs, &own_number())?;
            let own = own.trim().parse().map_err(|_| format!("expected a process number, found `{}`", own.trim()))?;
            let (listing, names) = (self.command_lines(), self.names());
            let probes = [own_number(), listing.clone(), names.clone()].map(|op| op.to_string());
            let listing = answer(outputs, &listing)?;
            let names = answer(outputs, &names)?;
            matches(want, own, (&listing, self), &names, &probes)
        };
        seen().map_or_else(Interpreted::Unknown, |found| Interpreted::Known(State { found }))
    }

    fn lower(&self, want: &Want, _: &State, actions: &[Action], _: &HostFacts) -> Result<Vec<Op>, Problem> {
        let mut ops = Vec::new();
        for action in actions {
            match action {
                Action::Start => ops.push(self.start(want)?),
                Action::End(found) => ops.extend(self.end(want, found)),
            }
        }
        Ok(ops)
    }
}

impl Ps {
    /// The signal, a wait, and the end of what is left.
    fn end(&self, want: &Want, found: &[Found]) -> Vec<Op> {
        let signal = |p: &Found| Op::Signal { pid: p.pid, start_time: p.start_time, signal: want.signal.clone() };
        let mut ops: Vec<Op> = found.iter().map(signal).collect();
        let tenths = want.kill_timeout.as_ms() / 100;
        if tenths > 0 && &*want.signal != "KILL" {
            let mut wait = Command::change("/bin/sh", ["-c", WAIT_AND_KILL, "sh"]).timeout(Process::timeout(want));
            wait.args.extend([tenths.to_string(), self.start.to_string()].map(Text::plain));
            wait.args.extend(found.iter().map(|p| Text::plain(p.pid.to_string())));
            ops.push(Op::Run(wait));
        }
        ops
    }
}

/// Returns the process with this number and those that it descends from; a circle of parents ends where it was seen before.
pub fn ancestors(own: u32, parent: impl Fn(u32) -> Option<u32>) -> BTreeSet<u32> {
    let mut all = BTreeSet::new();
    let mut at = own;
    while all.insert(at)
        && let Some(parent) = parent(at)
    {
        at = parent;
    }
    all
}

fn own_number() -> Op {
    Op::Run(Command::read("/bin/sh", ["-c", OWN_NUMBER]))
}

/// Returns what a program printed that ended well.
fn answer(outputs: &Outputs, op: &Op) -> Result<String, String> {
    match outputs.get(op) {
        Some(OpOutput::Ran(ran)) if ran.truncated => Err(format!("`{op}` printed more than is kept")),
        Some(OpOutput::Ran(ran)) if ran.success() => Ok(ran.out().into_owned()),
        Some(OpOutput::Ran(ran)) => {
            Err(format!("`{op}` ended with {}: {}", ran.exit, ran.err().lines().next().unwrap_or_default()))
        }
        Some(OpOutput::Failed(failure)) => Err(failure.message.clone()),
        _ => Err(format!("expected an answer of `{op}`")),
    }
}

/// A line of the listing.
struct Line<'a> {
    tenant: u32,
    parent: u32,
    ended: bool,
    age_secs: i64,
    args: &'a str,
}

impl<'a> Line<'a> {
    fn parse(line: &'a str, ps: &Ps) -> Option<(u32, Self)> {
        let (tenant, rest) = match ps.tenant {
            Some(_) => word(line)?,
            None => ("0", line),
        };
        let (pid, rest) = word(rest)?;
        let (parent, rest) = word(rest)?;
        let (state, rest) = word(rest)?;
        let (tenant, pid, parent) = (tenant.parse().ok()?, pid.parse().ok()?, parent.parse().ok()?);
        let (age_secs, args) = ps.age.read(rest);
        Some((pid, Self { tenant, parent, ended: state.starts_with('Z'), age_secs, args: args.trim() }))
    }

    /// Returns whether it is a thread of the kernel: those have no command line, and their name stands in brackets.
    fn is_kernels(&self, pid: u32) -> bool {
        let bracketed = self.args.starts_with('[') && self.args.ends_with(']');
        self.args.is_empty() || bracketed && (pid == 0 || self.parent == 0)
    }
}

fn word(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let word = text.split_ascii_whitespace().next()?;
    Some((word, &text[word.len()..]))
}

/// Reads `[[days-]hours:]minutes:seconds`.
fn age_secs(text: &str) -> Option<i64> {
    let (days, clock) = match text.split_once('-') {
        Some((days, clock)) => (days.parse::<u32>().ok()?, clock),
        None => (0, text),
    };
    let seconds = clock.split(':').try_fold(0_i64, |sum, part| {
        let part: u32 = part.parse().ok()?;
        sum.checked_mul(60)?.checked_add(part.into())
    })?;
    i64::from(days).checked_mul(86_400)?.checked_add(seconds)
}

/// Returns the matches, the oldest first.
fn matches(
    want: &Want,
    own: u32,
    (listing, ps): (&str, &Ps),
    names: &str,
    probes: &[String],
) -> Result<Vec<Found>, String> {
    let lines: BTreeMap<u32, Line<'_>> = listing.lines().filter_map(|line| Line::parse(line, ps)).collect();
    let asked = || format!("expected process {own}, which asked, among those of `ps`");
    let tenant = lines.get(&own).ok_or_else(asked)?.tenant;
    let named = |line| word(line).and_then(|(pid, name): (&str, _)| Some((pid.parse().ok()?, name.trim())));
    let names: BTreeMap<u32, &str> = names.lines().filter_map(named).collect();
    let ancestors = ancestors(own, |pid| lines.get(&pid).map(|line| line.parent));
    // A probe is seen, too: its program may stand there with a folder.
    let is_probe = |line: &Line<'_>| {
        let args = |text: &str| text.split_once(' ').map(|(_, args)| args.replace('\'', ""));
        line.parent == own && args(line.args).is_some_and(|a| probes.iter().any(|p| args(p).as_ref() == Some(&a)))
    };
    let mut found: Vec<(i64, u32)> = Vec::new();
    for (pid, line) in &lines {
        if line.tenant != tenant || line.ended || ancestors.contains(pid) || line.is_kernels(*pid) || is_probe(line) {
            continue;
        }
        let args: Vec<&str> = line.args.split(' ').collect();
        if want.counts(names.get(pid).copied().unwrap_or_default(), &args) {
            found.push((line.age_secs, *pid));
        }
    }
    found.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    Ok(found.into_iter().map(|(_, pid)| Found { pid, start_time: 0 }).collect())
}

#[cfg(test)]
mod tests;
