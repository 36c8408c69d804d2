//! sc.exe and net.exe.

use crate::program::{CMD, NET, REG, SC, ran};
use crate::status::{error, field, number, registry_number, registry_text, run_state, running_names, start_type};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use vigo_core::action::{Command, Op, Outputs, Ran};
use vigo_core::host::{Adapter, HostFacts, Interpreted, Problem};
use vigo_core::resource::service::{
    Action, BootState, Observed, Reload, RunState, Scope, Service, StartType, State, Want, unsupported,
};

/// Services of the Windows service control manager. *Unverified*: written after texts that people reported; the format of
/// `query` and of `reg.exe` was also seen in Wine.
pub struct Scm;

/// Where the registry has the services.
const SERVICES: &str = "HKLM\\SYSTEM\\CurrentControlSet\\Services";
/// The value that tells an automatic start which waits from one which does not.
const DELAYED: &str = "DelayedAutostart";

/// ERROR_SERVICE_DOES_NOT_EXIST.
const MISSING: i32 = 1060;
/// ERROR_SERVICE_ALREADY_RUNNING.
const RUNNING: i32 = 1056;
/// ERROR_SERVICE_NOT_ACTIVE.
const NOT_ACTIVE: i32 = 1062;
/// ERROR_SERVICE_DISABLED.
const DISABLED: i32 = 1058;
/// ERROR_SERVICE_CANNOT_ACCEPT_CTRL.
const CANNOT_ACCEPT: i32 = 1061;
/// ERROR_SERVICE_MARKED_FOR_DELETE.
const MARKED: i32 = 1072;

impl Adapter<Service> for Scm {
    fn check(&self, want: &Want, facts: &HostFacts) -> Result<(), Problem> {
        if want.name.contains(['/', '\\', '"', '%', '&', '|', '<', '>', '^']) {
            let message = format!("expected the name of a service, found `{}`", want.name);
            return Err(Problem::bad_value("service", message));
        }
        let attribute = match want {
            Want { mask: Some(_), .. } => Some("masked"),
            Want { flags: Some(_), .. } => Some("flags"),
            Want { runlevel: Some(_), .. } => Some("runlevel"),
            Want { scope: Scope::User(_), .. } => Some("scope"),
            _ => None,
        };
        match attribute {
            Some(attribute) => Err(unsupported(attribute, "the service control manager", facts)),
            None if facts.image.is_some() => Err(Problem::unsupported("services of an image cannot be managed")),
            None => Ok(()),
        }
    }

    fn probe(&self, want: &Want, _: &HostFacts) -> Vec<Op> {
        alloc::vec![query(&want.name), config(&want.name)]
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, _: &HostFacts) -> Interpreted<State> {
        observed(want, outputs).unwrap_or_else(Interpreted::Unknown)
    }

    fn lower(&self, want: &Want, state: &State, actions: &[Action], facts: &HostFacts) -> Result<Vec<Op>, Problem> {
        let State::Found(seen) = state else {
            return Err(Problem::failed(format!("service `{}` does not exist", want.name)));
        };
        let name = &*seen.native;
        let mut ops = Vec::new();
        for action in actions {
            if let Some(own) = own_command(want, *action) {
                ops.push(own);
                continue;
            }
            match action {
                Action::Start if seen.run == Some(RunState::Paused) => ops.push(change(SC, &["continue", name], &[0])),
                Action::Start => ops.push(change(SC, &["start", name], &[0, RUNNING])),
                Action::Stop => {
                    // `net.exe stop` waits until it has stopped; `sc.exe` refuses while something depends on it.
                    ops.extend(seen.dependents.iter().map(|d| change(NET, &["stop", d], &[0])));
                    ops.push(change(SC, &["stop", name], &[0, NOT_ACTIVE]));
                }
                // The manager knows no reload, and no restart: both calls of net.exe wait.
                Action::Restart | Action::Reload => {
                    let is_switched_on = actions.iter().any(|action| match action {
                        Action::SetStartType(wanted) => *wanted != StartType::Disabled,
                        action => *action == Action::Enable,
                    });
                    if seen.start_type == Some(StartType::Disabled) && !is_switched_on {
                        let message =
                            format!("service `{name}` is disabled: once stopped it could not be started again");
                        return Err(Problem::failed(message).help("write `start_type: manual` or `auto`"));
                    }
                    ops.extend(seen.dependents.iter().map(|d| change(NET, &["stop", d], &[0])));
                    ops.push(change(NET, &["stop", name], &[0]));
                    ops.push(change(NET, &["start", name], &[0]));
                    ops.extend(seen.dependents.iter().rev().map(|d| change(NET, &["start", d], &[0])));
                }
                Action::Enable => ops.push(set_start(name, "auto")),
                Action::Disable => ops.push(set_start(name, "disabled")),
                Action::SetStartType(StartType::Delayed) if seen.group.is_some() => {
                    let group = seen.group.as_deref().unwrap_or_default();
                    let message = format!(
                        "service `{name}` belongs to the load-order group `{group}`, whose members cannot be started late"
                    );
                    return Err(Problem::failed(message).help("write `start_type: auto`"));
                }
                Action::SetStartType(wanted) => ops.push(set_start(
                    name,
                    match wanted {
                        StartType::Auto | StartType::Kernel => "auto",
                        StartType::Delayed => "delayed-auto",
                        StartType::Manual => "demand",
                        StartType::Disabled => "disabled",
                    },
                )),
                Action::Mask | Action::Unmask => {
                    return Err(unsupported("masked", "the service control manager", facts));
                }
                Action::SetFlags => return Err(unsupported("flags", "the service control manager", facts)),
            }
        }
        Ok(ops)
    }

    fn classify(&self, want: &Want, _: &Op, ran: &Ran) -> Option<Problem> {
        let name = &want.name;
        let problem = |message: String| Some(Problem::failed(message));
        match failure_number(ran)? {
            MISSING => problem(format!("service `{name}` does not exist")),
            DISABLED => problem(format!("service `{name}` is disabled and cannot be started"))
                .map(|p| p.help("write `start_type: manual` or `auto`")),
            CANNOT_ACCEPT => problem(format!("service `{name}` takes no request at this time")),
            MARKED => problem(format!("service `{name}` is marked for deletion"))
                .map(|p| p.help("close what holds it open, such as the services console, or restart the machine")),
            _ => None,
        }
    }
}

fn change(program: &str, args: &[&str], accept: &[i32]) -> Op {
    Op::Run(Command::change(program, args.iter().copied()).accept(accept).timeout(Service::COMMAND_TIMEOUT))
}

/// `start=` and its value are two arguments: as one it prints the usage.
fn set_start(name: &str, word: &str) -> Op {
    change(SC, &["config", name, "start=", word], &[0])
}

fn own_command(want: &Want, action: Action) -> Option<Op> {
    let text = match action {
        Action::Restart => want.restart_command.as_ref(),
        Action::Reload => want.reload_command.as_ref(),
        _ => None,
    }?;
    Some(change(CMD, &["/C", text.as_str()], &[0]))
}

fn query(name: &str) -> Op {
    Op::Run(Command::read(SC, ["queryex", name]))
}

fn config(name: &str) -> Op {
    Op::Run(Command::read(SC, ["qc", name, "8192"]))
}

/// Returns the read that an older sc.exe knows.
fn plain_query(name: &str) -> Op {
    Op::Run(Command::read(SC, ["query", name]))
}

/// Returns the read of all that the registry has of a service.
fn key(name: &str) -> Op {
    Op::Run(Command::read(REG, ["query", &format!("{SERVICES}\\{name}")]))
}

/// Returns the question for the service that people see under this name.
fn key_of(display_name: &str) -> Op {
    Op::Run(Command::read(SC, ["GetKeyName", display_name]))
}

/// Returns the read of what all services depend on.
fn all_dependencies() -> Op {
    Op::Run(Command::read(REG, ["query", SERVICES, "/s", "/v", "DependOnService"]))
}

fn dependents(name: &str) -> Op {
    Op::Run(Command::read(SC, ["enumdepend", name, "65536"]))
}

/// Returns whether a program said nothing and failed: Windows' own say why.
fn silent(ran: &Ran) -> bool {
    ran.code() == Some(1) && ran.stdout.is_empty() && ran.stderr.is_empty()
}

/// Returns whether one of the lists `DependOnService    REG_MULTI_SZ    a\0b` has the name.
fn depended_on(out: &str, name: &str) -> bool {
    let lists =
        out.lines().filter_map(|line| line.trim_start().strip_prefix("DependOnService")?.split_once("REG_MULTI_SZ"));
    lists.flat_map(|(_, list)| list.trim().split("\\0")).any(|other| other.eq_ignore_ascii_case(name))
}

/// Returns the error number of a call that failed: its exit code, or the number in its text.
fn failure_number(ran: &Ran) -> Option<i32> {
    match ran.code()? {
        0 => None,
        code @ (1000..) => Some(code),
        code => error(&ran.out()).and_then(|n| i32::try_from(n).ok()).or(Some(code)),
    }
}

/// Returns that there is no such service; an error where people see one under this name. What is done to a service is
/// guarded by its own name, so that it takes no other.
fn missing(name: &str, outputs: &Outputs) -> Result<Interpreted<State>, String> {
    let op = key_of(name);
    match ran(outputs, &op) {
        None => Ok(Interpreted::Ask(alloc::vec![op])),
        Some(Ok(seen)) if seen.success() => match seen.out().lines().find_map(|line| line.split_once(" = ")) {
            Some((_, own)) => {
                let own: String = own.trim().chars().take(256).collect();
                Err(format!("expected the name of a service, found `{name}`, under which people see service `{own}`"))
            }
            None => Err(format!("`{op}` exited 0 and names no service")),
        },
        Some(_) => Ok(Interpreted::Known(State::Missing)),
    }
}

fn observed(want: &Want, outputs: &Outputs) -> Result<Interpreted<State>, String> {
    let name = &*want.name;
    let answer = |op: &Op| {
        let ran = ran(outputs, op).unwrap_or_else(|| Err(format!("`{op}` was not run")))?;
        match failure_number(ran) {
            Some(MISSING) => Ok(None),
            // Some systems answer 0 and print the error all the same.
            None if error(&ran.out()) == Some(1060) => Ok(None),
            None => Ok(Some(ran.out().into_owned())),
            Some(number) => Err(format!("`{op}` failed with {number}: {}", ran.out().trim())),
        }
    };
    // Wine's sc.exe knows neither of the two: it says nothing at all.
    let is_silent = |op: &Op| matches!(ran(outputs, op), Some(Ok(ran)) if silent(ran));
    let of_registry = is_silent(&query(name)) || is_silent(&config(name));
    let (status_op, config_op) = if of_registry { (plain_query(name), key(name)) } else { (query(name), config(name)) };
    if of_registry && outputs.get(&status_op).is_none() {
        return Ok(Interpreted::Ask(alloc::vec![status_op, config_op]));
    }
    if of_registry && is_silent(&status_op) && matches!(ran(outputs, &config_op), Some(Ok(ran)) if !ran.success()) {
        // Neither the manager nor the registry has it.
        return missing(name, outputs);
    }
    let (Some(status), Some(config)) = (answer(&status_op)?, answer(&config_op)?) else {
        return missing(name, outputs);
    };
    let state = number(&status, "STATE").ok_or_else(|| format!("sc.exe queryex tells no state of `{name}`"))?;
    let run =
        run_state(state).ok_or_else(|| format!("service `{name}` is in the state {state}, which is not known"))?;
    let start = if of_registry { registry_number(&config, "Start") } else { number(&config, "START_TYPE") };
    let start = start.ok_or_else(|| format!("`{config_op}` tells no start type"))?;
    let mut start =
        start_type(start).ok_or_else(|| format!("service `{name}` has the start type {start}, which is not known"))?;
    // The service's name as the manager spells it: names compare in any case.
    let mut seen = Observed { run: Some(run), reload: Reload::Impossible, ..Observed::new(name) };
    seen.resumes = run == RunState::Paused;
    let group = if of_registry { registry_text(&config, "Group") } else { field(&config, "LOAD_ORDER_GROUP") };
    seen.group = group.filter(|group| !group.is_empty()).map(Arc::from);
    seen.busy = !matches!(run, RunState::Running | RunState::Stopped | RunState::Paused);
    if of_registry && start == StartType::Auto {
        if registry_number(&config, DELAYED).is_some_and(|n| n != 0) {
            start = StartType::Delayed;
        }
    } else if start == StartType::Auto && want.start_type.is_some() {
        // The whole key is read: what reg.exe says of a value that is not there is what it says of any failure.
        match ran(outputs, &key(name)).transpose()? {
            None => return Ok(Interpreted::Ask(alloc::vec![key(name)])),
            Some(ran) if !ran.success() => return Err(format!("reg.exe: {}, {}", ran.exit, ran.err().trim())),
            Some(ran) if registry_number(&ran.out(), DELAYED).is_some_and(|n| n != 0) => {
                start = StartType::Delayed;
            }
            Some(_) => {}
        }
    }
    seen.start_type = Some(start);
    seen.boot = match start {
        StartType::Kernel | StartType::Auto | StartType::Delayed => BootState::Enabled,
        StartType::Manual | StartType::Disabled => BootState::Disabled,
    };
    if matches!(run, RunState::Running | RunState::Paused) {
        match ran(outputs, &dependents(name)).transpose()? {
            None => return Ok(Interpreted::Ask(alloc::vec![dependents(name)])),
            Some(ran) if ran.success() => {
                seen.dependents = running_names(&ran.out()).into_iter().map(Arc::from).collect();
            }
            Some(enumerated) if silent(enumerated) => match ran(outputs, &all_dependencies()).transpose()? {
                None => return Ok(Interpreted::Ask(alloc::vec![all_dependencies()])),
                Some(all) if depended_on(&all.out(), name) => {
                    return Err(format!(
                        "services depend on `{name}`, and `{}` does not tell which run",
                        dependents(name)
                    ));
                }
                Some(_) => {}
            },
            Some(ran) => return Err(format!("sc.exe enumdepend: {}", ran.exit)),
        }
    }
    Ok(Interpreted::Known(State::Found(seen)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use vigo_core::action::OpOutput;
    use vigo_core::host::observe;
    use vigo_core::resource::service::{Boot, Goal};

    macro_rules! fixture {
        ($folder:literal, $case:literal) => {
            OpOutput::Ran(
                Ran::from_recording(include_str!(concat!("../tests/fixtures/", $folder, "/", $case, ".txt")))
                    .unwrap()
                    .1,
            )
        };
    }
    macro_rules! windows {
        ($case:literal) => {
            fixture!("sc.exe/windows", $case)
        };
    }
    macro_rules! wine {
        ($case:literal) => {
            fixture!("wine/8.0", $case)
        };
    }

    fn want() -> Want {
        Want { start_type: Some(StartType::Auto), ..Want::new("food", Goal::Running) }
    }

    fn no_value() -> OpOutput {
        OpOutput::exited(0, "\r\nHKEY_LOCAL_MACHINE\\X\r\n    Start    REG_DWORD    0x2\r\n\r\n", "")
    }

    fn nothing_depends() -> OpOutput {
        OpOutput::exited(0, "[SC] EnumDependentServices: entriesRead = 0\r\n", "")
    }

    fn see(
        want: &Want,
        query: OpOutput,
        config: OpOutput,
        registry: OpOutput,
        dependents: OpOutput,
    ) -> Interpreted<State> {
        observe(&Scm, want, &HostFacts::default(), |op| {
            let op = op.to_string();
            let answers = [("queryex", &query), ("qc", &config), ("reg.exe", &registry), ("enumdepend", &dependents)];
            answers
                .iter()
                .find(|(word, _)| op.contains(word))
                .map_or(OpOutput::Missing, |(_, output)| (*output).clone())
        })
    }

    fn found(query: OpOutput, config: OpOutput, registry: OpOutput) -> Observed {
        match see(&want(), query, config, registry, nothing_depends()) {
            Interpreted::Known(State::Found(seen)) => seen,
            other => panic!("{other:?}"),
        }
    }

    fn lowered(seen: Observed, actions: &[Action]) -> Vec<String> {
        let ops = Scm.lower(&want(), &State::Found(seen), actions, &HostFacts::default()).unwrap();
        ops.iter().map(|op| op.to_string().replace("C:\\Windows\\System32\\", "")).collect()
    }

    #[test]
    fn numbers_are_read_and_words_never() {
        let chinese =
            OpOutput::exited(0, "\r\nSERVICE_NAME: food \r\n        STATE              : 4  正在运行 \r\n", "");
        let cases = [
            (windows!("queryex-running"), RunState::Running),
            (windows!("query-running"), RunState::Running),
            (windows!("query-stopped"), RunState::Stopped),
            (windows!("start"), RunState::Starting),
            (wine!("sc-query-running"), RunState::Running),
            (wine!("sc-query-stopped"), RunState::Stopped),
            (wine!("sc-query-never-started"), RunState::Stopped),
            (chinese, RunState::Running),
        ];
        for (query, run) in cases {
            let seen = found(query, windows!("qc"), no_value());
            assert_eq!((seen.run, seen.start_type, seen.boot), (Some(run), Some(StartType::Auto), BootState::Enabled));
        }
    }

    #[test]
    fn every_start_type_has_a_meaning() {
        let qc = |n: u32| OpOutput::exited(0, &format!("        START_TYPE         : {n}   WORD\r\n"), "");
        let delayed =
            OpOutput::exited(0, "\r\nHKEY_LOCAL_MACHINE\\X\r\n    DelayedAutostart    REG_DWORD    0x1\r\n\r\n", "");
        let cases = [
            (0, no_value(), StartType::Kernel, BootState::Enabled),
            (1, no_value(), StartType::Kernel, BootState::Enabled),
            (2, no_value(), StartType::Auto, BootState::Enabled),
            (2, delayed, StartType::Delayed, BootState::Enabled),
            (3, no_value(), StartType::Manual, BootState::Disabled),
            (4, no_value(), StartType::Disabled, BootState::Disabled),
        ];
        for (n, registry, start, boot) in cases {
            let seen = found(windows!("query-stopped"), qc(n), registry);
            assert_eq!((seen.start_type, seen.boot), (Some(start), boot), "{n}");
        }
        let seen = see(&want(), windows!("query-stopped"), qc(9), no_value(), nothing_depends());
        assert!(matches!(seen, Interpreted::Unknown(_)), "{seen:?}");
        let OpOutput::Ran(value) = wine!("reg-query-value") else { panic!() };
        assert_eq!(registry_number(&value.out(), "Num"), Some(7));
    }

    #[test]
    fn a_registry_that_does_not_answer_is_unknown_and_never_not_delayed() {
        for registry in [wine!("reg-query-missing-value"), OpOutput::exited(5, "", ""), OpOutput::Missing] {
            let seen = see(&want(), windows!("query-stopped"), windows!("qc"), registry, nothing_depends());
            assert!(matches!(seen, Interpreted::Unknown(_)), "{seen:?}");
        }
    }

    #[test]
    fn a_missing_service_is_missing_in_any_language() {
        let silent = OpOutput::exited(1, "[SC] OpenService 失败 1060:\r\n", "");
        for query in [windows!("query-missing"), windows!("query-missing-chinese"), silent] {
            let seen = see(&want(), query, windows!("qc-missing"), no_value(), nothing_depends());
            assert!(matches!(seen, Interpreted::Known(State::Missing)), "{seen:?}");
        }
    }

    #[test]
    fn pending_states_are_waited_for() {
        for (n, run) in
            [(2, RunState::Starting), (3, RunState::Stopping), (5, RunState::Starting), (6, RunState::Stopping)]
        {
            let query = OpOutput::exited(0, &format!("        STATE              : {n}  X\r\n"), "");
            let seen = found(query, windows!("qc"), no_value());
            assert_eq!((seen.run, seen.busy), (Some(run), true), "{n}");
        }
        assert!(!found(windows!("query-stopped"), windows!("qc"), no_value()).busy);
    }

    #[test]
    fn a_paused_service_that_takes_no_request_says_so() {
        let OpOutput::Ran(refused) = OpOutput::exited(1061, "[SC] ControlService FAILED 1061:\r\n", "") else {
            panic!()
        };
        let problem = Scm.classify(&want(), &query("food"), &refused).unwrap();
        assert_eq!(problem.message, "service `food` takes no request at this time");
    }

    #[test]
    fn a_paused_service_is_continued() {
        let query = OpOutput::exited(0, "        STATE              : 7  PAUSED\r\n", "");
        let seen = found(query, windows!("qc"), no_value());
        assert!(seen.resumes, "the process is the same as before");
        assert_eq!(lowered(seen, &[Action::Start]), ["sc.exe continue food"]);
    }

    #[test]
    fn the_start_type_is_two_arguments() {
        let cases = [
            (Action::Enable, "auto"),
            (Action::Disable, "disabled"),
            (Action::SetStartType(StartType::Manual), "demand"),
            (Action::SetStartType(StartType::Delayed), "delayed-auto"),
        ];
        for (action, word) in cases {
            let ops =
                Scm.lower(&want(), &State::Found(Observed::new("food")), &[action], &HostFacts::default()).unwrap();
            let [Op::Run(c)] = &ops[..] else { panic!() };
            let args: Vec<&str> = c.args.iter().map(|a| a.as_str()).collect();
            assert_eq!(args, ["config", "food", "start=", word]);
        }
    }

    #[test]
    fn a_delayed_start_is_refused_for_a_member_of_a_load_order_group_when_the_plan_is_made() {
        let OpOutput::Ran(qc) = windows!("qc") else { panic!() };
        let grouped = qc.out().replace("LOAD_ORDER_GROUP   : ", "LOAD_ORDER_GROUP   : NetworkProvider");
        for (config, refused) in [(grouped, true), (qc.out().into_owned(), false)] {
            let seen = found(windows!("query-stopped"), OpOutput::exited(0, &config, ""), no_value());
            let delayed = [Action::SetStartType(StartType::Delayed)];
            let lowered = Scm.lower(&want(), &State::Found(seen.clone()), &delayed, &HostFacts::default());
            assert_eq!(lowered.is_err(), refused, "{lowered:?}");
            let said = lowered.err().map(|problem| problem.message);
            assert!(said.is_none_or(|said| said.contains("the load-order group `NetworkProvider`")));
            let other = [Action::SetStartType(StartType::Auto)];
            assert!(Scm.lower(&want(), &State::Found(seen), &other, &HostFacts::default()).is_ok());
        }
        let OpOutput::Ran(key) = wine!("reg-query-service") else { panic!() };
        let key = key.out().replace("    Start ", "    Group    REG_SZ    Base Group\r\n    Start ");
        assert_eq!(registry_text(&key, "Group"), Some("Base Group"), "where the registry is asked");
    }

    #[test]
    fn a_name_that_people_see_is_told_from_the_services_own() {
        let seen = |key: OpOutput| {
            let want = Want::new("Print Spooler", Goal::Stopped);
            observe(&Scm, &want, &HostFacts::default(), |op| match op.to_string().contains("GetKeyName") {
                true => key.clone(),
                false => windows!("query-missing"),
            })
        };
        let known = seen(OpOutput::exited(0, "[SC] GetServiceKeyName ERFOLG\r\nName = Spooler\r\n", ""));
        assert!(matches!(&known, Interpreted::Unknown(why) if why.contains("service `Spooler`")), "{known:?}");
        for output in [
            OpOutput::exited(1060, "[SC] GetServiceKeyName FEHLER 1060:\r\n", ""),
            OpOutput::exited(1, "", ""),
            OpOutput::Missing,
        ] {
            assert!(matches!(seen(output), Interpreted::Known(State::Missing)));
        }
        assert!(matches!(seen(OpOutput::exited(0, "", "")), Interpreted::Unknown(_)), "exit 0 of a stub");
    }

    #[test]
    fn a_service_is_known_by_its_name_in_any_case() {
        // The manager, and the registry, compare so.
        let manager = |name: &str| {
            let want = Want { start_type: Some(StartType::Auto), ..Want::new(name, Goal::Running) };
            observe(&Scm, &want, &HostFacts::default(), |op| {
                let Op::Run(command) = op else { panic!("{op}") };
                let args: Vec<&str> = command.args.iter().map(|arg| arg.as_str()).collect();
                let asked = args[1].rsplit('\\').next().unwrap_or_default();
                if !asked.eq_ignore_ascii_case("food") {
                    return windows!("query-missing");
                }
                match args[0] {
                    "queryex" => windows!("query-running"),
                    "qc" => windows!("qc"),
                    "enumdepend" => nothing_depends(),
                    _ => no_value(),
                }
            })
        };
        for name in ["food", "FOOD", "Food"] {
            let Interpreted::Known(State::Found(seen)) = manager(name) else { panic!("{name}") };
            assert_eq!(&*seen.native, name, "and is called by the name of the policy");
        }
        assert!(matches!(manager("foods"), Interpreted::Known(State::Missing)));
        assert!(depended_on("    DependOnService    REG_MULTI_SZ    rpc\\0Food\r\n", "fOOD"));
    }

    #[test]
    fn a_disabled_service_is_not_started_unless_its_start_type_is_managed() {
        use vigo_core::host::{Family, Phase};
        let disabled = OpOutput::exited(0, "        START_TYPE         : 4   DISABLED\r\n", "");
        let seen = found(windows!("query-stopped"), disabled, no_value());
        let actions = |want: &Want| Service::compare(want, &State::Found(seen.clone()), Phase::Before).actions;
        let plain = Want::new("food", Goal::Running);
        assert_eq!(lowered(seen.clone(), &actions(&plain)), ["sc.exe start food"]);
        let OpOutput::Ran(refused) = OpOutput::exited(1058, "", "") else { panic!() };
        let problem = Scm.classify(&plain, &query("food"), &refused).unwrap();
        assert_eq!(problem.message, "service `food` is disabled and cannot be started");
        assert_eq!(lowered(seen.clone(), &actions(&want())), ["sc.exe config food start= auto", "sc.exe start food"]);
    }

    #[test]
    fn dependents_are_stopped_first_and_started_again() {
        let listing = "Enum: entriesRead = 2\r\n\r\nSERVICE_NAME: up\r\nDISPLAY_NAME: Up\r\n        STATE : 4  RUNNING\r\n\
            \r\nSERVICE_NAME: down\r\nDISPLAY_NAME: Down\r\n        STATE : 1  STOPPED\r\n\
            \r\nSERVICE_NAME: also\r\n        STATE : 2  START_PENDING\r\n";
        let dependents = OpOutput::exited(0, listing, "");
        let seen = see(&want(), windows!("query-running"), windows!("qc"), no_value(), dependents);
        let Interpreted::Known(State::Found(seen)) = seen else { panic!("{seen:?}") };
        assert_eq!(seen.dependents.iter().map(|d| &**d).collect::<Vec<_>>(), ["up", "also"]);
        assert_eq!(
            lowered(seen.clone(), &[Action::Stop]),
            ["net.exe stop up", "net.exe stop also", "sc.exe stop food"]
        );
        assert_eq!(
            lowered(seen, &[Action::Restart]),
            [
                "net.exe stop up",
                "net.exe stop also",
                "net.exe stop food",
                "net.exe start food",
                "net.exe start also",
                "net.exe start up"
            ]
        );
    }

    #[test]
    fn what_is_disabled_is_not_restarted_because_it_would_not_come_back() {
        let seen = Observed { start_type: Some(StartType::Disabled), ..Observed::new("food") };
        for action in [Action::Restart, Action::Reload] {
            let refused = Scm.lower(&want(), &State::Found(seen.clone()), &[action], &HostFacts::default());
            assert!(refused.unwrap_err().message.contains("is disabled"), "{action}");
        }
        let switched = [Action::SetStartType(StartType::Auto), Action::Restart];
        assert!(Scm.lower(&want(), &State::Found(seen.clone()), &switched, &HostFacts::default()).is_ok());
        let enabled = Observed { start_type: Some(StartType::Manual), ..seen };
        assert!(Scm.lower(&want(), &State::Found(enabled), &[Action::Restart], &HostFacts::default()).is_ok());
    }

    #[test]
    fn started_already_and_stopped_already_are_no_failures() {
        let accepts = |action: Action, number: i32| {
            let state = State::Found(Observed::new("food"));
            let ops = Scm.lower(&want(), &state, &[action], &HostFacts::default()).unwrap();
            matches!(&ops[..], [Op::Run(c)] if c.accept.contains(&number))
        };
        let OpOutput::Ran(running) = windows!("start-already-running-chinese") else { panic!() };
        assert!(accepts(Action::Start, running.code().unwrap()));
        assert!(accepts(Action::Stop, NOT_ACTIVE));
        assert!(!accepts(Action::Start, DISABLED));
    }

    #[test]
    fn known_errors_have_words_of_their_own() {
        let cases = [
            (windows!("start-missing"), "service `food` does not exist"),
            (windows!("config-delayed-marked-for-deletion"), "service `food` is marked for deletion"),
            (OpOutput::exited(1058, "", ""), "service `food` is disabled and cannot be started"),
            (OpOutput::exited(1061, "", ""), "service `food` takes no request at this time"),
        ];
        for (output, expected) in cases {
            let OpOutput::Ran(ran) = output else { panic!() };
            assert_eq!(Scm.classify(&want(), &query("food"), &ran).unwrap().message, expected);
        }
        let OpOutput::Ran(other) = OpOutput::exited(5, "", "") else { panic!() };
        assert!(Scm.classify(&want(), &query("food"), &other).is_none());
    }

    #[test]
    fn a_stub_that_says_nothing_is_unknown_and_never_stopped() {
        let cases = [
            ("silent with 1", wine!("sc-queryex"), windows!("qc")),
            ("silent with 0", OpOutput::exited(0, "", ""), windows!("qc")),
            ("no configuration", windows!("query-running"), wine!("sc-qc")),
            ("access denied", OpOutput::exited(5, "[SC] OpenService FAILED 5:\r\n", ""), windows!("qc")),
            ("another state", OpOutput::exited(0, "STATE : 12 X\r\n", ""), windows!("qc")),
            ("not run", OpOutput::Missing, windows!("qc")),
        ];
        for (name, query, config) in cases {
            let seen = see(&want(), query, config, no_value(), nothing_depends());
            assert!(matches!(seen, Interpreted::Unknown(_)), "{name}: {seen:?}");
        }
    }

    #[test]
    fn where_sc_says_nothing_older_calls_and_the_registry_do() {
        let seen = |query: OpOutput, dependencies: &str| {
            observe(&Scm, &want(), &HostFacts::default(), |op| {
                let is = |word: &str| op.to_string().contains(word);
                match () {
                    () if is("queryex") => wine!("sc-queryex"),
                    () if is(" qc ") => wine!("sc-qc"),
                    () if is("enumdepend") => OpOutput::exited(1, "", ""),
                    () if is("DependOnService") => OpOutput::exited(0, dependencies, ""),
                    () if is("sc.exe") => query.clone(),
                    () => wine!("reg-query-service"),
                }
            })
        };
        let other = "\r\nHKEY_LOCAL_MACHINE\\X\r\n    DependOnService    REG_MULTI_SZ    rpc\\0foodx\r\n";
        let Interpreted::Known(State::Found(found)) = seen(wine!("sc-query-running"), other) else { panic!() };
        assert_eq!((found.run, found.start_type), (Some(RunState::Running), Some(StartType::Manual)));
        let of_ours = other.replace("foodx", "FOOD");
        assert!(matches!(seen(wine!("sc-query-running"), &of_ours), Interpreted::Unknown(_)));
        assert!(matches!(seen(wine!("sc-queryex"), other), Interpreted::Unknown(_)), "not even that");
        let nowhere = observe(&Scm, &want(), &HostFacts::default(), |op| match op.to_string().contains("reg.exe") {
            true => wine!("reg-query-missing-key"),
            false => wine!("sc-queryex"),
        });
        assert!(matches!(nowhere, Interpreted::Known(State::Missing)), "neither has it: {nowhere:?}");
    }

    #[test]
    fn disable_is_not_manual() {
        use vigo_core::host::{Family, Phase};
        let off = Want { boot: Some(Boot::Disabled), ..Want::new("food", Goal::Unmanaged) };
        let manual = OpOutput::exited(0, "        START_TYPE         : 3   DEMAND_START\r\n", "");
        let seen = found(windows!("query-stopped"), manual, no_value());
        let comparison = Service::compare(&off, &State::Found(seen), Phase::Before);
        assert_eq!(comparison.actions, [Action::Disable]);
    }

    #[test]
    fn an_operators_command_runs_in_cmd() {
        let want = Want { restart_command: Some(vigo_core::value::Text::plain("iisreset")), ..want() };
        let state = State::Found(Observed::new("food"));
        let ops = Scm.lower(&want, &state, &[Action::Restart], &HostFacts::default()).unwrap();
        let [Op::Run(c)] = &ops[..] else { panic!() };
        assert_eq!((&*c.program, c.args[1].as_str()), (CMD, "iisreset"));
    }
}
