//! Processes, from proc(5).

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, Command, Op, OpOutput, Outputs};
use vigo_core::host::posix::ancestors;
use vigo_core::host::{Adapter, Family, HostFacts, Interpreted, Problem};
use vigo_core::resource::process::{Action, Found, Process, Restart, State, Want, in_image};
use vigo_core::resource::service::Service;
use vigo_core::value::Text;

/// Processes of Linux. No program is run to see them.
pub struct ProcFs;

/// Entries of `/proc` (processes and the kernel's own files) that are looked at.
const ENTRIES_MAX: usize = 200_000;

/// Bytes of a command line; a longer one is taken for its process's name only.
const COMMAND_LINE_BYTES_MAX: u64 = 1 << 20;

/// Waits until none of the processes is left, at most so many tenths of a second. Its arguments are numbers.
const WAIT: &str = "n=$1; shift; while [ \"$n\" -gt 0 ]; do left=; \
    for p; do [ -d \"/proc/$p\" ] && ! grep -q '^State:.Z' \"/proc/$p/status\" 2>/dev/null && left=1; done; \
    [ -n \"$left\" ] || exit 0; sleep 0.1; n=$((n-1)); done; exit 0";

impl Adapter<Process> for ProcFs {
    fn check(&self, _: &Want, facts: &HostFacts) -> Result<(), Problem> {
        in_image(facts).map_or(Ok(()), Err)
    }

    fn probe(&self, _: &Want, _: &HostFacts) -> Vec<Op> {
        alloc::vec![
            Op::stat(&proc_folder().join("self")),
            Op::ListDir { path: proc_folder(), deep: false, entries_max: ENTRIES_MAX },
        ]
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, _: &HostFacts) -> Interpreted<State> {
        let entries = match outputs.path(&proc_folder()) {
            Some(OpOutput::Dir(entries)) => entries,
            Some(OpOutput::Failed(failure)) => return Interpreted::Unknown(failure.message.clone()),
            _ => return Interpreted::Unknown("`/proc` was not listed".into()),
        };
        let own: u32 = match outputs.path(&proc_folder().join("self")) {
            Some(OpOutput::Stat(meta)) => match meta.target.as_deref().and_then(|pid| pid.parse().ok()) {
                Some(pid) => pid,
                None => return Interpreted::Unknown("`/proc/self` names no process".into()),
            },
            _ => return Interpreted::Unknown("`/proc/self` was not read".into()),
        };
        let (stats, command_lines) = answers(outputs);
        if stats.is_empty() {
            let pids = entries.iter().filter_map(|e| e.path.parse::<u32>().ok());
            return Interpreted::Ask(pids.flat_map(|pid| [read(pid, "stat"), read(pid, "cmdline")]).collect());
        }
        Interpreted::Known(State { found: matches(want, own, &stats, &command_lines) })
    }

    fn lower(&self, want: &Want, _: &State, actions: &[Action], _: &HostFacts) -> Result<Vec<Op>, Problem> {
        let mut ops = Vec::new();
        for action in actions {
            match action {
                Action::Start => ops.push(start(want)?),
                Action::End(found) => ops.extend(end(want, found)),
            }
        }
        Ok(ops)
    }
}

fn proc_folder() -> AbsPath {
    AbsPath::known("/proc")
}

fn read(pid: u32, name: &str) -> Op {
    let path = proc_folder().join(&format!("{pid}/{name}"));
    Op::ReadFile { path, follow: true, bytes_max: COMMAND_LINE_BYTES_MAX }
}

fn start(want: &Want) -> Result<Op, Problem> {
    let run = |program: &str, args: &[&str]| {
        Op::Run(Command::change(program, args.iter().copied()).timeout(Service::COMMAND_TIMEOUT))
    };
    match &want.restart {
        // Restart, not start: a unit can be active with too few processes of it.
        Some(Restart::Unit(unit)) => Ok(run("systemctl", &["restart", "--", unit])),
        Some(Restart::Service(name)) => Ok(run("service", &[name, "restart"])),
        Some(Restart::Command(text)) => Ok(run("/bin/sh", &["-c", text.as_str()])),
        None => Err(Problem::failed(format!("nothing says how to start `{}`", want.process))),
    }
}

/// The signal, a wait, and the end of what is left: a signal to a process that is gone does nothing.
fn end(want: &Want, found: &[Found]) -> Vec<Op> {
    let signal = |signal: &str| {
        let signal = signal.to_string();
        move |p: &Found| Op::Signal { pid: p.pid, start_time: p.start_time, signal: signal.as_str().into() }
    };
    let mut ops: Vec<Op> = found.iter().map(signal(&want.signal)).collect();
    let tenths = want.kill_timeout.as_ms() / 100;
    if tenths > 0 && &*want.signal != "KILL" {
        let mut wait = Command::change("/bin/sh", ["-c", WAIT, "sh"]).timeout(Process::timeout(want));
        wait.args.push(Text::plain(tenths.to_string()));
        wait.args.extend(found.iter().map(|p| Text::plain(p.pid.to_string())));
        ops.push(Op::Run(wait));
        ops.extend(found.iter().map(signal("KILL")));
    }
    ops
}

/// What `/proc/PID/stat` says.
struct Stat {
    name: String,
    zombie: bool,
    parent: u32,
    start_time: u64,
}

impl Stat {
    /// Reads the fields: the second is the name in parentheses, which may hold any character.
    fn parse(content: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(content);
        let (head, rest) = text.rsplit_once(") ")?;
        let name = head.split_once(" (")?.1.into();
        let mut fields = rest.split(' ');
        let zombie = matches!(fields.next()?, "Z" | "X");
        let parent = fields.next()?.parse().ok()?;
        // Field 22; the parent was the fourth.
        let start_time = fields.nth(17)?.trim().parse().ok()?;
        Some(Self { name, zombie, parent, start_time })
    }
}

/// Returns the answers by process. One that is gone by now is left out.
fn answers(outputs: &Outputs) -> (BTreeMap<u32, Stat>, BTreeMap<u32, String>) {
    let (mut stats, mut command_lines) = (BTreeMap::new(), BTreeMap::new());
    for (op, output) in outputs.iter() {
        let Op::ReadFile { path, .. } = op else { continue };
        let Some((pid, name)) = path.as_str().strip_prefix("/proc/").and_then(|rest| rest.split_once('/')) else {
            continue;
        };
        let (Ok(pid), OpOutput::File { content, .. }) = (pid.parse::<u32>(), output) else { continue };
        match name {
            "stat" => {
                if let Some(stat) = Stat::parse(content) {
                    stats.insert(pid, stat);
                }
            }
            "cmdline" => {
                command_lines.insert(pid, String::from_utf8_lossy(content).into_owned());
            }
            _ => {}
        }
    }
    (stats, command_lines)
}

fn matches(want: &Want, own: u32, stats: &BTreeMap<u32, Stat>, command_lines: &BTreeMap<u32, String>) -> Vec<Found> {
    let ancestors = ancestors(own, |pid| stats.get(&pid).map(|stat| stat.parent));
    let mut found: Vec<Found> = Vec::new();
    for (pid, stat) in stats {
        if stat.zombie || ancestors.contains(pid) {
            continue;
        }
        // Threads of the kernel have no command line; neither has what is just ending.
        let line = match command_lines.get(pid) {
            Some(line) if line.is_empty() => continue,
            Some(line) => line.as_str(),
            None => "",
        };
        let args: Vec<&str> = line.trim_end_matches('\0').split('\0').collect();
        if want.counts(&stat.name, &args) {
            found.push(Found { pid: *pid, start_time: stat.start_time });
        }
    }
    found.sort_unstable_by_key(|p| (p.start_time, p.pid));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::sync::Arc;
    use vigo_core::action::{Entry, FileKind, Metadata};
    use vigo_core::host::observe;
    use vigo_core::resource::process::Matching;
    use vigo_core::time::Duration;

    fn want(name: &str) -> Want {
        Want {
            process: name.into(),
            matching: Matching::Name(name.into()),
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

    struct Fake {
        pid: u32,
        parent: u32,
        name: &'static str,
        args: &'static str,
        state: &'static str,
        start: u64,
    }

    fn fake(pid: u32, parent: u32, name: &'static str, args: &'static str, start: u64) -> Fake {
        Fake { pid, parent, name, args, state: "S", start }
    }

    fn see(want: &Want, own: &str, processes: &[Fake]) -> Interpreted<State> {
        let meta = |target: Option<&str>| {
            let OpOutput::File { meta, .. } = OpOutput::file("") else { panic!() };
            Metadata { kind: FileKind::Symlink, target: target.map(Arc::from), ..meta }
        };
        observe(&ProcFs, want, &HostFacts::default(), |op| match op {
            Op::Stat { .. } => OpOutput::Stat(meta(Some(own))),
            Op::ListDir { .. } => {
                let names = processes.iter().map(|p| p.pid.to_string()).chain(["meminfo".into(), "999".into()]);
                OpOutput::Dir(names.map(|name| Entry { path: name.into(), meta: meta(None) }).collect())
            }
            Op::ReadFile { path, .. } => {
                let Some(p) = processes.iter().find(|p| path.as_str().starts_with(&format!("/proc/{}/", p.pid))) else {
                    return OpOutput::Missing;
                };
                match path.name() {
                    "cmdline" => OpOutput::file(p.args),
                    _ => OpOutput::file(&format!(
                        "{} ({}) {} {} 1 1 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 {} 8192 100 18446744073709551615 0\n",
                        p.pid, p.name, p.state, p.parent, p.start
                    )),
                }
            }
            other => panic!("{other}"),
        })
    }

    fn pids(want: &Want, own: &str, processes: &[Fake]) -> Vec<u32> {
        match see(want, own, processes) {
            Interpreted::Known(state) => state.found.iter().map(|p| p.pid).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn matches_are_found_oldest_first_without_threads_and_the_dead() {
        let processes = [
            fake(1, 0, "init", "/sbin/init\0", 1),
            fake(30, 1, "nginx", "nginx: master process\0", 300),
            fake(20, 1, "nginx", "nginx: worker process\0", 400),
            fake(2, 0, "nginx", "", 1),
            Fake { state: "Z", ..fake(40, 1, "nginx", "nginx\0", 500) },
            fake(50, 1, "a) (b", "/opt/a) (b\0-x\0", 600),
        ];
        assert_eq!(pids(&want("nginx"), "70", &processes), [30, 20]);
        assert_eq!(pids(&want("a) (b"), "70", &processes), [50], "a name may hold parentheses");
        assert_eq!(pids(&want("nosuch"), "70", &processes), [0; 0]);
    }

    #[test]
    fn the_agent_and_what_it_descends_from_do_not_count() {
        let processes = [
            fake(1, 0, "bash", "bash\0", 1),
            fake(5, 1, "bash", "bash\0run\0", 2),
            fake(6, 5, "vigo", "vigo\0apply\0", 3),
            fake(7, 6, "bash", "bash\0", 4),
            fake(8, 1, "bash", "bash\0", 5),
        ];
        assert_eq!(pids(&want("bash"), "6", &processes), [7, 8]);
        let circle =
            [fake(5, 6, "bash", "bash\0", 2), fake(6, 5, "bash", "bash\0", 3), fake(9, 1, "bash", "bash\0", 3)];
        assert_eq!(pids(&want("bash"), "6", &circle), [9]);
    }

    #[test]
    fn what_cannot_be_seen_is_unknown() {
        let processes = [fake(1, 0, "init", "init\0", 1)];
        assert!(matches!(see(&want("x"), "me", &processes), Interpreted::Unknown(_)));
        let seen = observe(&ProcFs, &want("x"), &HostFacts::default(), |_| OpOutput::Missing);
        assert!(matches!(seen, Interpreted::Unknown(_)));
    }

    #[test]
    fn a_process_is_asked_to_end_then_waited_for_then_killed() {
        let found = alloc::vec![Found { pid: 7, start_time: 70 }, Found { pid: 8, start_time: 80 }];
        let state = State { found: found.clone() };
        let lower = |want: &Want| {
            let ops = ProcFs.lower(want, &state, &[Action::End(found.clone())], &HostFacts::default()).unwrap();
            ops.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let ops = lower(&want("x"));
        assert_eq!(ops.len(), 5, "{ops:?}");
        assert_eq!((&*ops[0], &*ops[4]), ("signal TERM to 7", "signal KILL to 8"));
        assert!(ops[2].starts_with("/bin/sh -c ") && ops[2].ends_with(" sh 100 7 8"), "{}", ops[2]);
        let long = Want { kill_timeout: Duration::from_secs(600), ..want("x") };
        assert!(Process::timeout(&long) > Duration::from_secs(600), "the operations' time holds the wait");
        let Op::Run(wait) =
            &ProcFs.lower(&long, &state, &[Action::End(found.clone())], &HostFacts::default()).unwrap()[2]
        else {
            panic!("expected a wait")
        };
        assert!(wait.timeout > Duration::from_secs(600));
        let never = Want { kill_timeout: Duration::ZERO, ..want("x") };
        assert_eq!(lower(&never), ["signal TERM to 7", "signal TERM to 8"]);
        let kill = Want { signal: "KILL".into(), ..want("x") };
        assert_eq!(lower(&kill), ["signal KILL to 7", "signal KILL to 8"]);
    }

    #[test]
    fn processes_are_started_by_what_the_policy_names() {
        let lower = |restart: Option<Restart>| {
            let want = Want { restart, ..want("x") };
            ProcFs.lower(&want, &State { found: Vec::new() }, &[Action::Start], &HostFacts::default())
        };
        let cases = [
            (Restart::Unit("x.service".into()), "systemctl restart -- x.service"),
            (Restart::Service("x".into()), "service x restart"),
            (Restart::Command(Text::plain("x -d")), "/bin/sh -c 'x -d'"),
        ];
        for (restart, call) in cases {
            assert_eq!(lower(Some(restart)).unwrap()[0].to_string(), call);
        }
        assert!(lower(None).is_err());
    }
}
