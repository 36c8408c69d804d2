//! tasklist.exe and taskkill.exe.

use crate::program::{CMD, NET, PING, TASKKILL, TASKLIST, ran};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use vigo_core::action::{Command, Op, Outputs};
use vigo_core::host::{Adapter, Family, HostFacts, Interpreted, Problem, ProblemKind};
use vigo_core::resource::process::{Action, Found, Matching, Process, Restart, State, Want};
use vigo_core::resource::service::Service;

/// Processes by `tasklist.exe`, which tells names and numbers and nothing else. *Unverified*: written after its help text.
pub(crate) struct Tasklist;

/// Exit codes of `taskkill.exe`: it did; a process is gone already, or takes no request to end.
const TRIED: &[i32] = &[0, 1, 128, 255];

/// Vigo's own programs, which are never ended.
const OWN: &[&str] = &["vigo", "vigosrv"];

impl Adapter<Process> for Tasklist {
    fn check(&self, want: &Want, facts: &HostFacts) -> Result<(), Problem> {
        if facts.image.is_some() {
            return Err(Problem::unsupported("processes of an image cannot be managed"));
        }
        let attribute = match want {
            Want { matching: Matching::Pattern(_), .. } => Some("match_mode"),
            Want { restart: Some(Restart::Unit(_)), .. } => Some("restart_unit"),
            want if !matches!(&*want.signal, "TERM" | "KILL") => Some("signal"),
            _ => None,
        };
        if let Some(attribute) = attribute {
            let help = match attribute {
                "match_mode" => "write the name of the program: its command line is not to be had",
                "signal" => "write `TERM` or `KILL`",
                _ => "write `restart_method: service` or `command`",
            };
            let message =
                format!("attribute `{attribute}` of type `process` is not supported on windows as it is written");
            return Err(Problem::unsupported(message).help(help));
        }
        let ends = !want.running || want.kill_excess;
        match ends && OWN.iter().any(|own| own.eq_ignore_ascii_case(stem(&want.process))) {
            true => Err(Problem::new(ProblemKind::Guarded, format!("process `{}` is Vigo itself", want.process))),
            false => Ok(()),
        }
    }

    fn probe(&self, _: &Want, _: &HostFacts) -> Vec<Op> {
        alloc::vec![list()]
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, _: &HostFacts) -> Interpreted<State> {
        match found(want, outputs) {
            Ok(found) => Interpreted::Known(State { found }),
            Err(why) => Interpreted::Unknown(why),
        }
    }

    fn lower(&self, want: &Want, _: &State, actions: &[Action], _: &HostFacts) -> Result<Vec<Op>, Problem> {
        let mut ops = Vec::new();
        for action in actions {
            match action {
                Action::Start => ops.extend(start(want)?),
                Action::End(found) => ops.extend(end(want, found)),
            }
        }
        Ok(ops)
    }
}

fn list() -> Op {
    Op::Run(Command::read(TASKLIST, ["/FO", "CSV", "/NH"]).output_bytes_max(8 << 20))
}

/// Returns a program's name without `.exe`.
fn stem(name: &str) -> &str {
    let at = name.len().saturating_sub(4);
    match name.get(at..) {
        Some(end) if end.eq_ignore_ascii_case(".exe") => &name[..at],
        _ => name,
    }
}

fn start(want: &Want) -> Result<Vec<Op>, Problem> {
    let run = |program: &str, args: &[&str], accept: &[i32]| {
        let command = Command::change(program, args.iter().copied()).accept(accept);
        Op::Run(command.timeout(Service::COMMAND_TIMEOUT))
    };
    match &want.restart {
        // A service can run with too few processes of it. 2 is what net.exe says of one that is stopped already.
        Some(Restart::Service(name)) => {
            Ok(alloc::vec![run(NET, &["stop", name], &[0, 2]), run(NET, &["start", name], &[0])])
        }
        Some(Restart::Command(text)) => Ok(alloc::vec![run(CMD, &["/C", text.as_str()], &[0])]),
        _ => Err(Problem::failed(format!("nothing says how to start `{}`", want.process))),
    }
}

/// A request to each, a wait, and the end of what is left. The filters hold a number to its program: one that has ended
/// may be another's by then.
fn end(want: &Want, found: &[Found]) -> Vec<Op> {
    let image = format!("IMAGENAME eq {}.exe", stem(&want.process));
    let kill = |how: &'static [&'static str]| {
        let image = image.clone();
        move |p: &Found| {
            let pid = format!("PID eq {}", p.pid);
            let args = how.iter().copied().chain(["/FI", &pid, "/FI", &image]);
            Op::Run(Command::change(TASKKILL, args).accept(TRIED))
        }
    };
    if &*want.signal == "KILL" {
        return found.iter().map(kill(&["/F"])).collect();
    }
    let mut ops: Vec<Op> = found.iter().map(kill(&[])).collect();
    let seconds = want.kill_timeout.as_ms().div_ceil(1000);
    if seconds > 0 {
        // The one program that waits without a console: a second lies between two of its packets.
        let count = seconds.saturating_add(1).to_string();
        let wait = Command::change(PING, ["-n", &count, "127.0.0.1"]).accept(&[0, 1]).timeout(Process::timeout(want));
        ops.push(Op::Run(wait));
        ops.extend(found.iter().map(kill(&["/F"])));
    }
    ops
}

fn found(want: &Want, outputs: &Outputs) -> Result<Vec<Found>, String> {
    let op = list();
    let seen = ran(outputs, &op).unwrap_or_else(|| Err(format!("`{op}` was not run")))?;
    if !seen.success() {
        return Err(format!("`{op}` ended with {}: {}", seen.exit, seen.err().trim()));
    }
    let out = seen.out();
    let processes: Vec<(String, u32)> = out.lines().filter_map(row).collect();
    // It lists itself, at least.
    if processes.is_empty() {
        return Err(format!("`{op}` exited 0 and tells no process"));
    }
    let wanted = stem(&want.process);
    let right = |(name, _): &&(String, u32)| stem(name).eq_ignore_ascii_case(wanted);
    // Numbers are given anew, so that they tell no order; they are kept the same from one look to the next.
    let mut found: Vec<Found> =
        processes.iter().filter(right).map(|(_, pid)| Found { pid: *pid, start_time: 0 }).collect();
    found.sort_unstable_by_key(|p| p.pid);
    found.dedup();
    Ok(found)
}

/// Reads the first two fields of a line `"name","7",…`.
fn row(line: &str) -> Option<(String, u32)> {
    let (name, rest) = line.trim().strip_prefix('"')?.split_once("\",\"")?;
    let pid = rest.split('"').next()?.parse().ok()?;
    (!name.is_empty()).then(|| (name.replace("\"\"", "\""), pid))
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_core::action::OpOutput;
    use vigo_core::host::observe;
    use vigo_core::time::Duration;
    use vigo_core::value::Text;

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

    const LISTING: &str = "\"System Idle Process\",\"0\",\"Services\",\"0\",\"8 K\"\r\n\
        \"food.exe\",\"712\",\"Services\",\"0\",\"6.144 K\"\r\n\
        \"Food.EXE\",\"70\",\"Console\",\"1\",\"6,144 K\"\r\n\
        \"foodx.exe\",\"71\",\"Console\",\"1\",\"6,144 K\"\r\n\
        \"tasklist.exe\",\"900\",\"Console\",\"1\",\"9,000 K\"\r\n";

    fn pids(name: &str) -> Vec<u32> {
        match observe(&Tasklist, &want(name), &HostFacts::default(), |_| OpOutput::exited(0, LISTING, "")) {
            Interpreted::Known(state) => state.found.iter().map(|p| p.pid).collect(),
            other => panic!("{other:?}"),
        }
    }

    fn lower(want: &Want, action: Action) -> Vec<String> {
        let ops = Tasklist.lower(want, &State { found: Vec::new() }, &[action], &HostFacts::default()).unwrap();
        let show = |op: &Op| match op {
            Op::Run(c) => {
                let args: Vec<&str> = c.args.iter().map(|a| a.as_str()).collect();
                format!("{} {}", c.program.rsplit('\\').next().unwrap(), args.join(" "))
            }
            other => other.to_string(),
        };
        ops.iter().map(show).collect()
    }

    #[test]
    fn names_match_whole_in_any_case_with_or_without_exe() {
        for name in ["food", "food.exe", "FOOD.Exe"] {
            assert_eq!(pids(name), [70, 712], "{name}");
        }
        assert_eq!(pids("foo"), [0; 0]);
    }

    #[test]
    fn silence_of_a_stub_is_unknown_and_never_stopped() {
        let wine =
            vigo_core::action::Ran::from_recording(include_str!("../tests/fixtures/wine/8.0/tasklist.txt")).unwrap();
        for output in [
            OpOutput::Ran(wine.1),
            OpOutput::exited(1, LISTING, ""),
            OpOutput::exited(0, "INFO: No tasks are running\r\n", ""),
            OpOutput::exited(0, "\"a\r\n\"\",\"\"\r\n\"x\",\"y\"", ""),
            OpOutput::Missing,
        ] {
            let seen = observe(&Tasklist, &want("food"), &HostFacts::default(), |_| output.clone());
            assert!(matches!(seen, Interpreted::Unknown(_)), "{output:?}: {seen:?}");
        }
    }

    #[test]
    fn a_process_is_asked_to_end_then_waited_for_then_ended() {
        let found = alloc::vec![Found { pid: 7, start_time: 0 }];
        let filters = "/FI PID eq 7 /FI IMAGENAME eq food.exe";
        assert_eq!(
            lower(&want("food"), Action::End(found.clone())),
            [
                format!("taskkill.exe {filters}"),
                "PING.EXE -n 11 127.0.0.1".into(),
                format!("taskkill.exe /F {filters}")
            ]
        );
        let never = Want { kill_timeout: Duration::ZERO, ..want("food.exe") };
        assert_eq!(lower(&never, Action::End(found.clone())), [format!("taskkill.exe {filters}")]);
        let kill = Want { signal: "KILL".into(), ..want("food") };
        assert_eq!(lower(&kill, Action::End(found)), [format!("taskkill.exe /F {filters}")]);
    }

    #[test]
    fn processes_are_started_by_what_the_policy_names() {
        let by = |restart| Want { restart: Some(restart), ..want("food") };
        assert_eq!(
            lower(&by(Restart::Service("food".into())), Action::Start),
            ["net.exe stop food", "net.exe start food"]
        );
        assert_eq!(lower(&by(Restart::Command(Text::plain("x y"))), Action::Start), ["cmd.exe /C x y"]);
    }

    #[test]
    fn what_windows_has_not_is_refused_when_the_plan_is_made() {
        let check = |want: Want| Tasklist.check(&want, &HostFacts::default()).map_err(|p| p.to_string());
        for (attribute, want) in [
            ("signal", Want { signal: "HUP".into(), ..want("food") }),
            ("restart_unit", Want { restart: Some(Restart::Unit("food".into())), ..want("food") }),
        ] {
            let said = check(want).unwrap_err();
            let expected =
                format!("attribute `{attribute}` of type `process` is not supported on windows as it is written");
            assert_eq!(said, expected);
        }
        assert!(check(Want { signal: "KILL".into(), ..want("food") }).is_ok());
        assert_eq!(check(Want { running: false, ..want("VIGO.exe") }), Err("process `VIGO.exe` is Vigo itself".into()));
        assert!(check(want("vigo.exe")).is_ok(), "it may be counted");
    }
}
