//! systemctl(1).

use super::unit_file::{Install, candidates, install, is_template, local_folder, system_folders, unit_name};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, Command, Op, OpOutput, Outputs, Ran};
use vigo_core::host::{Accounts, Adapter, HostFacts, Interpreted, Problem};
use vigo_core::resource::service::{
    Action, BootState, MaskState, Observed, RunState, Scope, Service, State, Want, is_own, unsupported,
};
use vigo_core::value::Text;

/// Services of systemd: all system units of a run cost one `systemctl show`.
pub struct Systemd;

const SYSTEMCTL: &str = "systemctl";

/// What is asked of each unit. `Names` tells an alias; systemd prints in an order of its own.
const KEYS: &str = "Id,Names,LoadState,ActiveState,SubState,UnitFileState,Result,NeedDaemonReload,FragmentPath";

/// Units in one call: their answer stays far below the bound of an output.
const UNITS_MAX: usize = 500;

impl Adapter<Service> for Systemd {
    fn check(&self, want: &Want, facts: &HostFacts) -> Result<(), Problem> {
        let unit = unit_name(&want.name);
        if want.name.contains('/') {
            return Err(Problem::bad_value("service", format!("expected the name of a unit, found `{}`", want.name)));
        }
        if is_template(&unit) {
            let problem = Problem::bad_value("service", format!("expected an instance, found the template `{unit}`"));
            return Err(problem.help("write the instance between `@` and the suffix"));
        }
        let attribute = match want {
            Want { flags: Some(_), .. } => Some("flags"),
            Want { start_type: Some(_), .. } => Some("start_type"),
            Want { runlevel: Some(_), .. } => Some("runlevel"),
            Want { scope: Scope::User(_), .. } if facts.image.is_some() => Some("scope"),
            _ => None,
        };
        if let Some(attribute) = attribute {
            return Err(unsupported(attribute, "systemd", facts));
        }
        if facts.image.is_some() && !facts.has(SYSTEMCTL) {
            return Err(Problem::unsupported("type `service` needs `systemctl` on this machine to enable in an image"));
        }
        Ok(())
    }

    fn probe(&self, want: &Want, facts: &HostFacts) -> Vec<Op> {
        self.probe_all(&[want], facts)
    }

    fn probe_all(&self, wants: &[&Want], facts: &HostFacts) -> Vec<Op> {
        let mut units: Vec<Arc<str>> = Vec::new();
        let mut accounts = false;
        for want in wants {
            match want.scope {
                Scope::System => units.push(unit_name(&want.name)),
                Scope::User(_) => accounts = true,
            }
        }
        units.sort_unstable();
        units.dedup();
        let mut ops: Vec<Op> = match &facts.image {
            Some(image) => units.iter().map(|unit| is_enabled_in(image, unit)).collect(),
            None => units.chunks(UNITS_MAX).map(|units| Op::Run(show(&Manager::System, units))).collect(),
        };
        // A user manager is reached below the account's number.
        ops.extend(accounts.then(|| Op::read_file(&passwd())));
        ops
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, facts: &HostFacts) -> Interpreted<State> {
        let unit = unit_name(&want.name);
        if let Some(image) = &facts.image {
            return interpret_image(image, &unit, outputs);
        }
        let manager = match Manager::of(&want.scope, outputs) {
            Ok(Some(manager)) => manager,
            Ok(None) => return Interpreted::Ask(alloc::vec![Op::read_file(&passwd())]),
            Err(why) => return Interpreted::Unknown(why),
        };
        let ran = match find_show(outputs, &manager, &unit) {
            None => return Interpreted::Ask(alloc::vec![Op::Run(show(&manager, &[unit]))]),
            Some(Err(why)) => return Interpreted::Unknown(why),
            Some(Ok(ran)) => ran,
        };
        let text = ran.0.out();
        let Some(block) = block(&text, ran.1, &unit) else {
            return Interpreted::Unknown(format!("systemctl show does not answer for `{unit}`"));
        };
        if block.load_state == "not-found" {
            // In a plan the resource that writes the file has it loaded; on a machine nobody has, yet.
            return not_found(&manager, &unit, outputs, Some(RunState::Stopped), !facts.planning);
        }
        let mut seen = match observed(&block, &unit) {
            Ok(seen) => seen,
            Err(why) => return Interpreted::Unknown(why),
        };
        seen.uid = manager.uid();
        if block.unit_file_state == "generated" && want.boot.is_some() {
            // What a generator made of a SysV script is enabled by the script's links; only is-enabled looks there.
            match outputs.ran(SYSTEMCTL, &["is-enabled", "--", &unit]) {
                None => return Interpreted::Ask(alloc::vec![Op::Run(is_enabled(&unit))]),
                Some(OpOutput::Ran(ran)) => match boot_state(ran.out().trim()) {
                    Some((boot, _)) => seen.boot = boot,
                    None => return Interpreted::Unknown(format!("systemctl is-enabled says `{}`", ran.out().trim())),
                },
                Some(other) => return Interpreted::Unknown(failure(other)),
            }
        }
        Interpreted::Known(State::Found(seen))
    }

    fn lower(&self, want: &Want, state: &State, actions: &[Action], facts: &HostFacts) -> Result<Vec<Op>, Problem> {
        let unit = unit_name(&want.name);
        let State::Found(seen) = state else {
            return Err(Problem::failed(format!("service `{}` does not exist", want.name)));
        };
        let manager = match (&facts.image, &want.scope) {
            (Some(image), _) => Manager::Image(image.clone()),
            (None, Scope::System) => Manager::System,
            (None, Scope::User(user)) => match seen.uid {
                Some(uid) => Manager::User { user: user.clone(), uid },
                None => return Err(Problem::failed(format!("user `{user}` does not exist"))),
            },
        };
        let mut ops = Vec::new();
        if seen.stale && !actions.is_empty() && facts.image.is_none() {
            ops.push(manager.change(&["daemon-reload"]));
        }
        for action in actions {
            if let Some(op) = want.own_command(*action) {
                ops.push(op);
                continue;
            }
            let verb = match action {
                Action::Start => {
                    if seen.run == Some(RunState::Failed) {
                        // A unit that failed too often is refused until its counter is reset.
                        ops.push(manager.change(&["reset-failed", "--", &unit]));
                    }
                    "start"
                }
                Action::Stop => "stop",
                Action::Restart => "restart",
                Action::Reload => "reload-or-restart",
                // An alias cannot be enabled, its unit can.
                Action::Enable => {
                    ops.push(manager.change(&["enable", "--", &seen.native]));
                    continue;
                }
                Action::Disable => {
                    ops.push(manager.change(&["disable", "--", &seen.native]));
                    continue;
                }
                Action::Mask => {
                    // systemctl(1) refuses to mask what an administrator defined.
                    if let Some(file) = seen.file.as_ref().filter(|f| f.parent() == Some(local_folder())) {
                        let problem = Problem::failed(format!("`{unit}` is defined by `{file}` and cannot be masked"));
                        return Err(problem.help("remove the file, or write `enabled: false`"));
                    }
                    "mask"
                }
                Action::Unmask => {
                    ops.push(manager.change(&["unmask", "--", &unit]));
                    ops.push(manager.change(&["unmask", "--runtime", "--", &unit]));
                    continue;
                }
                Action::SetFlags => return Err(unsupported("flags", "systemd", facts)),
                Action::SetStartType(_) => return Err(unsupported("start_type", "systemd", facts)),
            };
            let runs = matches!(action, Action::Start | Action::Stop | Action::Restart | Action::Reload);
            ops.push(match runs && is_own(&unit) {
                // Waiting for one's own stop never ends.
                true => manager.change(&[verb, "--no-block", "--", &unit]),
                false => manager.change(&[verb, "--", &unit]),
            });
        }
        Ok(ops)
    }

    fn diagnose(&self, want: &Want, facts: &HostFacts) -> Vec<Op> {
        if facts.image.is_some() {
            return Vec::new();
        }
        let unit = unit_name(&want.name);
        let flag = if want.scope == Scope::System { "-u" } else { "--user-unit" };
        alloc::vec![Op::Run(Command::read("journalctl", [flag, &*unit, "-n", "20", "--no-pager"]))]
    }
}

/// The manager that is asked.
enum Manager {
    System,
    User { user: Arc<str>, uid: u32 },
    Image(AbsPath),
}

impl Manager {
    /// Returns the manager of the scope; `None` while the account database is not read.
    fn of(scope: &Scope, outputs: &Outputs) -> Result<Option<Self>, String> {
        let Scope::User(user) = scope else { return Ok(Some(Self::System)) };
        let content = match outputs.path(&passwd()) {
            None => return Ok(None),
            Some(OpOutput::File { content, .. }) => content,
            Some(other) => return Err(failure(other)),
        };
        match (Accounts { passwd: content, group: &[] }).uid(user) {
            Some(uid) => Ok(Some(Self::User { user: user.clone(), uid })),
            None => Err(format!("user `{user}` does not exist")),
        }
    }

    fn uid(&self) -> Option<u32> {
        match self {
            Self::User { uid, .. } => Some(*uid),
            _ => None,
        }
    }

    fn change(&self, args: &[&str]) -> Op {
        Op::Run(self.dress(Command::change(SYSTEMCTL, args.iter().copied()).timeout(Service::COMMAND_TIMEOUT)))
    }

    /// Points a call of systemctl at this manager.
    fn dress(&self, mut command: Command) -> Command {
        match self {
            Self::System => command,
            Self::Image(image) => {
                command.args.insert(0, Text::plain(format!("--root={image}")));
                command
            }
            Self::User { user, uid } => {
                command.args.insert(0, Text::plain("--user"));
                command.user = Some(user.clone());
                command.env("XDG_RUNTIME_DIR", format!("/run/user/{uid}"))
            }
        }
    }
}

fn passwd() -> AbsPath {
    AbsPath::known("/etc/passwd")
}

fn show(manager: &Manager, units: &[Arc<str>]) -> Command {
    let args = ["show".into(), "-p".into(), KEYS.into(), "--".into()].into_iter().chain(units.iter().cloned());
    manager.dress(Command::read(SYSTEMCTL, args))
}

fn is_enabled(unit: &str) -> Command {
    Command::read(SYSTEMCTL, ["is-enabled", "--", unit])
}

pub(super) fn is_enabled_in(image: &AbsPath, unit: &str) -> Op {
    Op::Run(Manager::Image(image.clone()).dress(is_enabled(unit)))
}

/// Returns the newest `show` that asked this manager for the unit, and which of its answers is the unit's.
fn find_show<'a>(outputs: &'a Outputs, manager: &Manager, unit: &str) -> Option<Result<(&'a Ran, usize), String>> {
    let user = match manager {
        Manager::User { user, .. } => Some(user),
        _ => None,
    };
    outputs.iter().rev().find_map(|(op, output)| {
        let Op::Run(c) = op else { return None };
        if &*c.program != SYSTEMCTL || c.user.as_ref() != user {
            return None;
        }
        let mut args = c.args.iter().map(Text::as_str);
        args.by_ref().find(|a| matches!(*a, "show" | "is-enabled")).filter(|a| *a == "show")?;
        let at = args.skip_while(|a| *a != "--").skip(1).position(|a| a == unit)?;
        Some(match output {
            OpOutput::Ran(ran) if ran.success() => Ok((ran, at)),
            OpOutput::Ran(ran) => Err(format!("systemctl show: {}, {}", ran.exit, ran.err().trim())),
            other => Err(failure(other)),
        })
    })
}

fn failure(output: &OpOutput) -> String {
    match output {
        OpOutput::Failed(failure) => failure.message.clone(),
        other => format!("expected an answer, found {other:?}"),
    }
}

/// One unit's answer to `show`.
#[derive(Default, Debug)]
struct Block<'a> {
    id: &'a str,
    names: &'a str,
    load_state: &'a str,
    active_state: &'a str,
    sub_state: &'a str,
    unit_file_state: &'a str,
    result: &'a str,
    need_daemon_reload: &'a str,
    fragment_path: &'a str,
}

impl<'a> Block<'a> {
    fn parse(text: &'a str) -> Self {
        let mut block = Self::default();
        for (key, value) in text.lines().filter_map(|l| l.split_once('=')) {
            *match key {
                "Id" => &mut block.id,
                "Names" => &mut block.names,
                "LoadState" => &mut block.load_state,
                "ActiveState" => &mut block.active_state,
                "SubState" => &mut block.sub_state,
                "UnitFileState" => &mut block.unit_file_state,
                "Result" => &mut block.result,
                "NeedDaemonReload" => &mut block.need_daemon_reload,
                "FragmentPath" => &mut block.fragment_path,
                _ => continue,
            } = value;
        }
        block
    }

    fn is_of(&self, unit: &str) -> bool {
        self.id == unit || self.names.split(' ').any(|name| name == unit)
    }
}

/// Returns the answer for `unit`: the one at its place, if that is the unit's, else the one that carries its name.
fn block<'a>(text: &'a str, at: usize, unit: &str) -> Option<Block<'a>> {
    let mut blocks = text.split("\n\n").map(|b| b.trim_matches('\n')).filter(|b| !b.is_empty());
    let by_place = blocks.clone().nth(at).map(Block::parse).filter(|b| b.is_of(unit));
    by_place.or_else(|| blocks.find(|b| b.contains(unit) && Block::parse(b).is_of(unit)).map(Block::parse))
}

fn observed(block: &Block<'_>, unit: &str) -> Result<Observed, String> {
    let broken = match block.load_state {
        "loaded" | "masked" | "merged" => false,
        "bad-setting" | "error" => true,
        other => return Err(format!("unit `{unit}` has the load state `{other}`, which is not known")),
    };
    let run = match block.active_state {
        "active" | "reloading" | "refreshing" => RunState::Running,
        "activating" => RunState::Starting,
        "deactivating" | "maintenance" => RunState::Stopping,
        "inactive" => RunState::Stopped,
        "failed" => RunState::Failed,
        other => return Err(format!("unit `{unit}` has the active state `{other}`, which is not known")),
    };
    let Some((boot, mut mask)) = boot_state(block.unit_file_state) else {
        return Err(format!("unit `{unit}` has the unit file state `{}`, which is not known", block.unit_file_state));
    };
    if block.load_state == "masked" && mask == MaskState::Unmasked {
        // An empty unit file masks as well, and says nothing in its file state.
        mask = MaskState::Masked;
    }
    let detail = match run {
        _ if broken => Some(block.load_state),
        RunState::Failed => Some(block.result),
        RunState::Starting | RunState::Stopping => Some(block.sub_state),
        _ => None,
    };
    Ok(Observed {
        run: Some(run),
        boot,
        mask,
        broken,
        stale: block.need_daemon_reload == "yes",
        detail: detail.filter(|d| !d.is_empty()).map(ToString::to_string),
        file: AbsPath::parse(block.fragment_path).ok(),
        ..Observed::new(if block.id.is_empty() { unit } else { block.id })
    })
}

/// Returns what a word of `UnitFileState` (systemctl(1), is-enabled) means; `None` for a word that is not known.
fn boot_state(word: &str) -> Option<(BootState, MaskState)> {
    let mut mask = MaskState::Unmasked;
    let boot = match word {
        "enabled" => BootState::Enabled,
        // None of these survives to the next boot, or is started by it.
        "disabled" | "enabled-runtime" | "linked" | "linked-runtime" => BootState::Disabled,
        "static" => BootState::Fixed("static"),
        "indirect" => BootState::Fixed("indirect"),
        "alias" => BootState::Fixed("an alias"),
        "generated" => BootState::Fixed("generated"),
        "transient" => BootState::Fixed("transient"),
        "" => BootState::Fixed("without a unit file"),
        "masked" => {
            mask = MaskState::Masked;
            BootState::Disabled
        }
        "masked-runtime" => {
            mask = MaskState::Runtime;
            BootState::Disabled
        }
        _ => return None,
    };
    Some((boot, mask))
}

/// What `systemctl` says of a unit beside its run state.
pub(super) struct Show {
    pub(super) boot: BootState,
    pub(super) stale: bool,
}

/// Returns the read of one unit.
pub(super) fn probe_show(unit: &str) -> Op {
    Op::Run(show(&Manager::System, &[unit.into()]))
}

/// Returns what [`probe_show`] was answered. A unit that is not there is disabled.
pub(super) fn show_answer(unit: &str, outputs: &Outputs) -> Result<Show, String> {
    let (ran, at) = find_show(outputs, &Manager::System, unit).ok_or("systemctl show was not run")??;
    let text = ran.out();
    let block = block(&text, at, unit).ok_or_else(|| format!("systemctl show does not answer for `{unit}`"))?;
    let stale = block.need_daemon_reload == "yes";
    if block.load_state == "not-found" {
        return Ok(Show { boot: BootState::Disabled, stale });
    }
    match boot_state(block.unit_file_state) {
        Some((boot, _)) => Ok(Show { boot, stale }),
        // A unit file that cannot be read is about to be written.
        None if block.unit_file_state == "bad" => Ok(Show { boot: BootState::Disabled, stale }),
        None => Err(format!("unit `{unit}` has the unit file state `{}`, which is not known", block.unit_file_state)),
    }
}

/// Returns what [`is_enabled_in`] was answered. A unit that is not there is disabled.
pub(super) fn is_enabled_answer(image: &AbsPath, unit: &str, outputs: &Outputs) -> Result<Show, String> {
    let ran = match outputs.get(&is_enabled_in(image, unit)) {
        Some(OpOutput::Ran(ran)) => ran,
        Some(other) => return Err(failure(other)),
        None => return Err("systemctl is-enabled was not run".into()),
    };
    let out = ran.out();
    let boot = match out.trim() {
        "" if ran.err().contains("No such file") => BootState::Disabled,
        "not-found" | "bad" => BootState::Disabled,
        "" => return Err(format!("systemctl is-enabled: {}, {}", ran.exit, ran.err().trim())),
        word => boot_state(word).map(|(boot, _)| boot).ok_or_else(|| format!("systemctl is-enabled says `{word}`"))?,
    };
    Ok(Show { boot, stale: false })
}

/// Returns the call that has systemd read its files again.
pub(super) fn daemon_reload() -> Op {
    Manager::System.change(&["daemon-reload"])
}

/// Returns the call that enables or disables a unit, here or in the image.
pub(super) fn manage(verb: &str, unit: &str, facts: &HostFacts) -> Result<Op, Problem> {
    let manager = match &facts.image {
        Some(_) if !facts.has(SYSTEMCTL) => {
            return Err(Problem::unsupported("enabling a unit in an image needs `systemctl` on this machine"));
        }
        Some(image) => Manager::Image(image.clone()),
        None => Manager::System,
    };
    Ok(manager.change(&[verb, "--", unit]))
}

fn interpret_image(image: &AbsPath, unit: &str, outputs: &Outputs) -> Interpreted<State> {
    let ran = match outputs.get(&is_enabled_in(image, unit)) {
        None => return Interpreted::Ask(alloc::vec![is_enabled_in(image, unit)]),
        Some(OpOutput::Ran(ran)) => ran,
        Some(other) => return Interpreted::Unknown(failure(other)),
    };
    let out = ran.out();
    match out.trim() {
        "" if ran.err().contains("No such file") => not_found(&Manager::System, unit, outputs, None, false),
        // Newer versions say it in a word.
        "not-found" => not_found(&Manager::System, unit, outputs, None, false),
        "" => Interpreted::Unknown(format!("systemctl is-enabled: {}, {}", ran.exit, ran.err().trim())),
        word => match boot_state(word) {
            Some((boot, mask)) => {
                Interpreted::Known(State::Found(Observed { run: None, boot, mask, ..Observed::new(unit) }))
            }
            None => Interpreted::Unknown(format!("systemctl is-enabled says `{word}`, which is not known")),
        },
    }
}

/// Looks for the file of a unit that systemd does not know (yet): one that was just written, or in a plan one that an
/// earlier resource would write.
fn not_found(
    manager: &Manager,
    unit: &str,
    outputs: &Outputs,
    run: Option<RunState>,
    stale: bool,
) -> Interpreted<State> {
    if matches!(manager, Manager::User { .. }) {
        return Interpreted::Known(State::Missing);
    }
    let files = candidates(&system_folders(), unit);
    if files.first().is_some_and(|file| outputs.path(file).is_none()) {
        return Interpreted::Ask(files.iter().map(Op::read_file).collect());
    }
    for file in &files {
        match outputs.path(file) {
            None | Some(OpOutput::Missing) => {}
            Some(OpOutput::File { content, .. }) if !content.is_empty() => {
                let install = install(content, unit);
                return match defined(&install, outputs) {
                    Ok(boot) => {
                        let seen = Observed { run, boot, stale, file: Some(file.clone()), ..Observed::new(unit) };
                        Interpreted::Known(State::Found(seen))
                    }
                    Err(ops) => Interpreted::Ask(ops),
                };
            }
            // An empty file, or a link to /dev/null.
            Some(OpOutput::File { .. } | OpOutput::Stat(_)) => {
                let seen = Observed { run, mask: MaskState::Masked, stale, ..Observed::new(unit) };
                return Interpreted::Known(State::Found(seen));
            }
            Some(other) => return Interpreted::Unknown(failure(other)),
        }
    }
    Interpreted::Known(State::Missing)
}

/// Returns the boot state of a unit that has a file: whether its links are there. `Err` asks for them.
fn defined(install: &Install, outputs: &Outputs) -> Result<BootState, Vec<Op>> {
    let links: Vec<AbsPath> = install.links.iter().map(|link| local_folder().join(link)).collect();
    if links.first().is_some_and(|first| outputs.path(first).is_none()) {
        return Err(links.iter().map(Op::stat).collect());
    }
    Ok(match (links.is_empty(), install.also) {
        (true, false) => BootState::Fixed("static"),
        (true, true) => BootState::Fixed("indirect"),
        _ if links.iter().all(|l| matches!(outputs.path(l), Some(OpOutput::Stat(_)))) => BootState::Enabled,
        _ => BootState::Disabled,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_core::action::{FailureKind, OpFailure};
    use vigo_core::resource::service::{Boot, Goal, Mask};
    use vigo_core::resource::service::{MaskState as M, RunState as R};

    macro_rules! fixture {
        ($case:literal) => {
            OpOutput::Ran(
                Ran::from_recording(include_str!(concat!("../../tests/fixtures/systemctl/252/", $case, ".txt")))
                    .unwrap()
                    .1,
            )
        };
    }

    fn ran(stdout: &str, stderr: &str, code: i32) -> OpOutput {
        OpOutput::exited(code, stdout, stderr)
    }

    fn link() -> OpOutput {
        let OpOutput::File { meta, .. } = OpOutput::file("") else { panic!() };
        OpOutput::Stat(meta)
    }

    fn want(name: &str) -> Want {
        Want { boot: Some(Boot::Enabled), ..Want::new(name, Goal::Running) }
    }

    fn facts() -> HostFacts {
        HostFacts::default()
    }

    /// Answers the probe of one want by one output, and what is asked for then by `Missing`.
    fn observe(want: &Want, answer: OpOutput) -> Interpreted<State> {
        let show = Systemd.probe(want, &facts());
        vigo_core::host::observe(&Systemd, want, &facts(), |op| match show.contains(op) {
            true => answer.clone(),
            false => OpOutput::Missing,
        })
    }

    fn found(want: &Want, answer: OpOutput) -> Observed {
        match observe(want, answer) {
            Interpreted::Known(State::Found(seen)) => seen,
            other => panic!("{}: {other:?}", want.name),
        }
    }

    fn lowered(want: &Want, seen: Observed, actions: &[Action]) -> Vec<String> {
        let ops = Systemd.lower(want, &State::Found(seen), actions, &facts()).unwrap();
        ops.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn show_says_run_state_and_boot_state() {
        let cases = [
            ("food", fixture!("show-running"), R::Running, BootState::Enabled, M::Unmasked, None),
            ("food", fixture!("show-stopped"), R::Stopped, BootState::Disabled, M::Unmasked, None),
            ("slow", fixture!("show-activating"), R::Starting, BootState::Fixed("static"), M::Unmasked, Some("start")),
            ("badd", fixture!("show-failed"), R::Failed, BootState::Fixed("static"), M::Unmasked, Some("exit-code")),
            (
                "slow",
                fixture!("show-failed-timeout"),
                R::Failed,
                BootState::Fixed("static"),
                M::Unmasked,
                Some("timeout"),
            ),
            ("vend", fixture!("show-masked"), R::Stopped, BootState::Disabled, M::Masked, None),
            (
                "broken",
                fixture!("show-bad-setting"),
                R::Stopped,
                BootState::Fixed("static"),
                M::Unmasked,
                Some("bad-setting"),
            ),
        ];
        for (name, output, run, boot, mask, detail) in cases {
            // The recording of a running unit did not ask for `Id`.
            let OpOutput::Ran(mut seen) = output else { panic!() };
            if !seen.out().contains("\nId=") {
                seen.stdout.extend_from_slice(format!("Id={name}.service\n").as_bytes());
            }
            let seen = found(&want(name), OpOutput::Ran(seen));
            assert_eq!((seen.run, seen.boot, seen.mask), (Some(run), boot, mask), "{name}");
            assert_eq!(seen.detail.as_deref(), detail, "{name}");
        }
    }

    #[test]
    fn all_services_cost_one_show() {
        let wants = [want("food"), want("nosuch"), want("vend"), want("food.service")];
        let refs: Vec<&Want> = wants.iter().collect();
        let ops = Systemd.probe_all(&refs, &facts());
        assert_eq!(
            ops.iter().map(ToString::to_string).collect::<Vec<_>>(),
            [format!("systemctl show -p {KEYS} -- food.service nosuch.service vend.service")]
        );
        let mut outputs = Outputs::default();
        outputs.push(ops[0].clone(), Arc::new(fixture!("show-batch-of-three")));
        for name in ["food", "vend", "food.service"] {
            let seen = Systemd.interpret(&want(name), &outputs, &facts());
            assert!(matches!(&seen, Interpreted::Known(State::Found(s)) if *s.native == *unit_name(name)), "{seen:?}");
        }
        assert!(matches!(Systemd.interpret(&want("nosuch"), &outputs, &facts()), Interpreted::Ask(_)));
        // A batch that did not ask for a unit says nothing of it.
        let Interpreted::Ask(ops) = Systemd.interpret(&want("other"), &outputs, &facts()) else { panic!() };
        assert!(ops[0].to_string().ends_with("-- other.service"));
    }

    #[test]
    fn many_services_are_asked_for_in_bounded_calls() {
        let wants: Vec<Want> = (0..1200).map(|i| want(&format!("s{i}"))).collect();
        assert_eq!(Systemd.probe_all(&wants.iter().collect::<Vec<_>>(), &facts()).len(), 3);
    }

    #[test]
    fn an_answer_that_moved_is_found_by_its_name() {
        let wants = [want("aa"), want("food"), want("vend")];
        let ops = Systemd.probe_all(&wants.iter().collect::<Vec<_>>(), &facts());
        let mut outputs = Outputs::default();
        outputs.push(
            ops[0].clone(),
            Arc::new(ran("Id=food.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\n", "", 0)),
        );
        assert!(matches!(Systemd.interpret(&want("food"), &outputs, &facts()), Interpreted::Known(_)));
        assert!(matches!(Systemd.interpret(&want("vend"), &outputs, &facts()), Interpreted::Unknown(_)));
    }

    #[test]
    fn a_missing_unit_is_missing_although_show_exits_0() {
        assert!(matches!(observe(&want("nosuch"), fixture!("show-missing")), Interpreted::Known(State::Missing)));
    }

    #[test]
    fn a_unit_whose_file_was_just_written_is_there() {
        let show = ran("Id=app.service\nLoadState=not-found\nActiveState=inactive\nUnitFileState=\n", "", 0);
        let unit = "[Service]\nExecStart=/x\n[Install]\nWantedBy=multi-user.target\n";
        let cases = [
            ("not enabled", unit, OpOutput::Missing, BootState::Disabled, M::Unmasked),
            ("enabled", unit, link(), BootState::Enabled, M::Unmasked),
            ("static", "[Service]\n", OpOutput::Missing, BootState::Fixed("static"), M::Unmasked),
            ("an empty file masks", "", OpOutput::Missing, BootState::Disabled, M::Masked),
        ];
        for (name, text, link, boot, mask) in cases {
            let want = want("app");
            let mut outputs = Outputs::default();
            outputs.push(Systemd.probe(&want, &facts()).remove(0), Arc::new(show.clone()));
            let Interpreted::Ask(ops) = Systemd.interpret(&want, &outputs, &facts()) else { panic!("{name}") };
            assert_eq!(ops[0].to_string(), "read /etc/systemd/system/app.service");
            for (i, op) in ops.into_iter().enumerate() {
                outputs.push(op, Arc::new(if i == 0 { OpOutput::file(text) } else { OpOutput::Missing }));
            }
            let mut seen = Systemd.interpret(&want, &outputs, &facts());
            if let Interpreted::Ask(ops) = seen {
                assert_eq!(ops[0].to_string(), "stat /etc/systemd/system/multi-user.target.wants/app.service");
                outputs.push(ops[0].clone(), Arc::new(link));
                seen = Systemd.interpret(&want, &outputs, &facts());
            }
            let Interpreted::Known(State::Found(seen)) = seen else { panic!("{name}: {seen:?}") };
            assert_eq!((seen.run, seen.boot, seen.mask), (Some(R::Stopped), boot, mask), "{name}");
            let calls = lowered(&want, seen, &[Action::Start]);
            assert_eq!(calls, ["systemctl daemon-reload", "systemctl start -- app.service"], "{name}");
            let planning = HostFacts { planning: true, ..facts() };
            let Interpreted::Known(State::Found(seen)) = Systemd.interpret(&want, &outputs, &planning) else {
                panic!()
            };
            assert!(!seen.stale, "{name}: in a plan who writes it has it loaded");
        }
    }

    #[test]
    fn an_instance_is_looked_for_as_its_template() {
        let show = ran("Id=x@1.service\nLoadState=not-found\nActiveState=inactive\n", "", 0);
        let mut outputs = Outputs::default();
        outputs.push(Systemd.probe(&want("x@1"), &facts()).remove(0), Arc::new(show));
        let Interpreted::Ask(ops) = Systemd.interpret(&want("x@1"), &outputs, &facts()) else { panic!() };
        assert!(ops.iter().any(|op| op.to_string() == "read /etc/systemd/system/x@.service"), "{ops:?}");
        assert!(Systemd.check(&want("x@"), &facts()).is_err(), "a template cannot be started");
        assert!(Systemd.check(&want("x@1"), &facts()).is_ok());
    }

    #[test]
    fn every_unit_file_state_has_a_meaning_and_an_unknown_word_is_unknown() {
        let cases = [
            ("enabled", BootState::Enabled, M::Unmasked),
            ("disabled", BootState::Disabled, M::Unmasked),
            ("enabled-runtime", BootState::Disabled, M::Unmasked),
            ("linked", BootState::Disabled, M::Unmasked),
            ("linked-runtime", BootState::Disabled, M::Unmasked),
            ("static", BootState::Fixed("static"), M::Unmasked),
            ("indirect", BootState::Fixed("indirect"), M::Unmasked),
            ("alias", BootState::Fixed("an alias"), M::Unmasked),
            ("transient", BootState::Fixed("transient"), M::Unmasked),
            ("", BootState::Fixed("without a unit file"), M::Unmasked),
            ("masked", BootState::Disabled, M::Masked),
            ("masked-runtime", BootState::Disabled, M::Runtime),
        ];
        let show = |word: &str| {
            let load = if word.starts_with("masked") { "masked" } else { "loaded" };
            ran(&format!("Id=a.service\nLoadState={load}\nActiveState=active\nUnitFileState={word}\n"), "", 0)
        };
        for (word, boot, mask) in cases {
            let seen = found(&want("a"), show(word));
            assert_eq!((seen.boot, seen.mask), (boot, mask), "{word:?}");
        }
        for word in ["bad", "enabled-soon"] {
            assert!(matches!(observe(&want("a"), show(word)), Interpreted::Unknown(_)), "{word:?}");
        }
    }

    #[test]
    fn an_alias_is_enabled_by_its_units_own_name() {
        let seen = found(&want("vendalias"), fixture!("show-alias"));
        assert_eq!(&*seen.native, "vend.service");
        assert_eq!(lowered(&want("vendalias"), seen, &[Action::Enable]), ["systemctl enable -- vend.service"]);
    }

    #[test]
    fn an_empty_unit_file_masks_as_well() {
        let show = ran("Id=a.service\nLoadState=masked\nActiveState=inactive\nUnitFileState=disabled\n", "", 0);
        assert_eq!(found(&want("a"), show).mask, M::Masked);
    }

    #[test]
    fn both_masks_go_on_unmask() {
        let want = Want { mask: Some(Mask::Unmasked), ..want("vend") };
        assert_eq!(
            lowered(&want, Observed::new("vend.service"), &[Action::Unmask, Action::Enable, Action::Start]),
            [
                "systemctl unmask -- vend.service",
                "systemctl unmask --runtime -- vend.service",
                "systemctl enable -- vend.service",
                "systemctl start -- vend.service"
            ]
        );
    }

    #[test]
    fn a_changed_unit_file_is_loaded_before_anything_is_done() {
        let output = ran(
            "Id=food.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\nNeedDaemonReload=yes\n",
            "",
            0,
        );
        let seen = found(&want("food"), output);
        assert!(seen.stale);
        assert_eq!(
            lowered(&want("food"), seen, &[Action::Restart]),
            ["systemctl daemon-reload", "systemctl restart -- food.service"]
        );
        let OpOutput::Ran(recorded) = fixture!("show-need-daemon-reload") else { panic!() };
        assert_eq!(Block::parse(&recorded.out()).need_daemon_reload, "yes");
    }

    #[test]
    fn a_unit_that_failed_is_reset_before_it_is_started() {
        let seen = found(&want("badd"), fixture!("show-failed"));
        assert_eq!(
            lowered(&want("badd"), seen, &[Action::Start]),
            ["systemctl reset-failed -- badd.service", "systemctl start -- badd.service"]
        );
    }

    #[test]
    fn every_action_has_its_verb() {
        let cases = [
            (Action::Stop, "systemctl stop -- food.service"),
            (Action::Restart, "systemctl restart -- food.service"),
            (Action::Reload, "systemctl reload-or-restart -- food.service"),
            (Action::Disable, "systemctl disable -- food.service"),
            (Action::Mask, "systemctl mask -- food.service"),
        ];
        for (action, call) in cases {
            assert_eq!(lowered(&want("food"), Observed::new("food.service"), &[action]), [call]);
        }
        let own = Want { restart_command: Some(Text::plain("x --now")), ..want("food") };
        assert_eq!(lowered(&own, Observed::new("food.service"), &[Action::Restart]), ["/bin/sh -c 'x --now'"]);
    }

    #[test]
    fn a_unit_of_the_administrators_own_is_not_masked() {
        let OpOutput::Ran(recorded) = fixture!("mask-refused-unit-in-etc") else { panic!() };
        assert_eq!(recorded.code(), Some(1), "systemctl refuses it");
        let seen = Observed { file: Some(local_folder().join("food.service")), ..Observed::new("food.service") };
        let problem = Systemd.lower(&want("food"), &State::Found(seen), &[Action::Mask], &facts()).unwrap_err();
        assert_eq!(
            problem.message,
            "`food.service` is defined by `/etc/systemd/system/food.service` and cannot be masked"
        );
        let vendor = Observed {
            file: Some(AbsPath::known("/usr/lib/systemd/system/food.service")),
            ..Observed::new("food.service")
        };
        assert_eq!(lowered(&want("food"), vendor, &[Action::Mask]), ["systemctl mask -- food.service"]);
    }

    #[test]
    fn our_own_unit_is_not_waited_for() {
        let calls = lowered(&want("vigo-envoy"), Observed::new("vigo-envoy.service"), &[Action::Restart]);
        assert_eq!(calls, ["systemctl restart --no-block -- vigo-envoy.service"]);
    }

    #[test]
    fn a_failed_read_is_unknown() {
        let failed = OpOutput::Failed(OpFailure { kind: FailureKind::TimedOut, message: "timed out".into() });
        let cases = [
            ("a bus error", ran("", "Failed to connect to bus: Connection refused\n", 1)),
            ("no answer", ran("", "", 0)),
            ("an operation that failed", failed),
            ("not UTF-8", ran_bytes(b"Id=food.service\nLoadState=\xff\n")),
            ("cut", ran("Id=food.service\nLoadState=loaded\nActiveSt", "", 0)),
        ];
        for (name, output) in cases {
            assert!(matches!(observe(&want("food"), output), Interpreted::Unknown(_)), "{name}");
        }
    }

    fn ran_bytes(stdout: &[u8]) -> OpOutput {
        let OpOutput::Ran(mut ran) = ran("", "", 0) else { panic!() };
        ran.stdout = stdout.to_vec();
        OpOutput::Ran(ran)
    }

    #[test]
    fn a_unit_made_of_a_sysv_script_is_enabled_by_its_links() {
        let show = ran("Id=old.service\nLoadState=loaded\nActiveState=active\nUnitFileState=generated\n", "", 0);
        for (word, boot) in [
            ("enabled", BootState::Enabled),
            ("disabled", BootState::Disabled),
            ("generated", BootState::Fixed("generated")),
        ] {
            let mut outputs = Outputs::default();
            outputs.push(Systemd.probe(&want("old"), &facts()).remove(0), Arc::new(show.clone()));
            let Interpreted::Ask(ops) = Systemd.interpret(&want("old"), &outputs, &facts()) else { panic!() };
            assert_eq!(ops[0].to_string(), "systemctl is-enabled -- old.service");
            outputs.push(ops[0].clone(), Arc::new(ran(word, "", 0)));
            let Interpreted::Known(State::Found(seen)) = Systemd.interpret(&want("old"), &outputs, &facts()) else {
                panic!()
            };
            assert_eq!(seen.boot, boot, "{word}");
        }
    }

    #[test]
    fn a_user_manager_is_reached_as_the_user() {
        let want = Want { scope: Scope::User("alice".into()), ..want("sync") };
        let mut outputs = Outputs::default();
        let probe = Systemd.probe(&want, &facts());
        assert_eq!(probe.len(), 1, "{probe:?}");
        outputs.push(probe[0].clone(), Arc::new(OpOutput::file("alice:x:1000:1000::/home/alice:/bin/sh\n")));
        let Interpreted::Ask(ops) = Systemd.interpret(&want, &outputs, &facts()) else { panic!() };
        let Op::Run(c) = &ops[0] else { panic!() };
        assert_eq!(c.user.as_deref(), Some("alice"));
        assert_eq!(c.env, [("XDG_RUNTIME_DIR".into(), Text::plain("/run/user/1000"))]);
        assert!(ops[0].to_string().contains("systemctl --user show"), "{}", ops[0]);
        outputs.push(
            ops[0].clone(),
            Arc::new(ran("Id=sync.service\nLoadState=loaded\nActiveState=inactive\nUnitFileState=disabled\n", "", 0)),
        );
        let Interpreted::Known(State::Found(seen)) = Systemd.interpret(&want, &outputs, &facts()) else { panic!() };
        let calls = lowered(&want, seen, &[Action::Enable, Action::Start]);
        assert_eq!(
            calls,
            ["as alice: systemctl --user enable -- sync.service", "as alice: systemctl --user start -- sync.service"]
        );
        let mut missing = Outputs::default();
        missing.push(probe[0].clone(), Arc::new(OpOutput::file("root:x:0:0::/root:/bin/sh\n")));
        assert!(matches!(Systemd.interpret(&want, &missing, &facts()), Interpreted::Unknown(_)));
    }

    #[test]
    fn in_an_image_services_are_enabled_only() {
        let facts = HostFacts {
            image: Some(AbsPath::known("/mnt/img")),
            programs: [Arc::from("systemctl")].into(),
            ..HostFacts::default()
        };
        let want = want("food");
        assert!(Systemd.check(&want, &facts).is_ok());
        assert!(Systemd.check(&want, &HostFacts { programs: Default::default(), ..facts.clone() }).is_err());
        let ops = Systemd.probe(&want, &facts);
        assert_eq!(ops[0].to_string(), "systemctl --root=/mnt/img is-enabled -- food.service");
        let cases = [
            (fixture!("is-enabled-enabled"), BootState::Enabled, M::Unmasked),
            (fixture!("is-enabled-disabled"), BootState::Disabled, M::Unmasked),
            (fixture!("is-enabled-enabled-runtime"), BootState::Disabled, M::Unmasked),
            (fixture!("is-enabled-indirect"), BootState::Fixed("indirect"), M::Unmasked),
            (fixture!("is-enabled-static"), BootState::Fixed("static"), M::Unmasked),
            (fixture!("is-enabled-alias"), BootState::Fixed("an alias"), M::Unmasked),
            (fixture!("is-enabled-masked"), BootState::Disabled, M::Masked),
            (fixture!("is-enabled-masked-runtime"), BootState::Disabled, M::Runtime),
        ];
        for (output, boot, mask) in cases {
            let mut outputs = Outputs::default();
            outputs.push(ops[0].clone(), Arc::new(output));
            let seen = Systemd.interpret(&want, &outputs, &facts);
            let Interpreted::Known(State::Found(seen)) = seen else { panic!("{seen:?}") };
            assert_eq!((seen.run, seen.boot, seen.mask), (None, boot, mask));
        }
        let mut outputs = Outputs::default();
        outputs.push(ops[0].clone(), Arc::new(fixture!("is-enabled-missing")));
        assert!(matches!(Systemd.interpret(&want, &outputs, &facts), Interpreted::Ask(_)));
        let calls =
            Systemd.lower(&want, &State::Found(Observed::new("food.service")), &[Action::Enable], &facts).unwrap();
        assert_eq!(calls[0].to_string(), "systemctl --root=/mnt/img enable -- food.service");
        assert!(Systemd.diagnose(&want, &facts).is_empty());
    }

    #[test]
    fn the_last_log_lines_explain_a_failed_start() {
        assert_eq!(
            Systemd.diagnose(&want("food"), &facts())[0].to_string(),
            "journalctl -u food.service -n 20 --no-pager"
        );
    }

    #[test]
    fn attributes_of_other_systems_are_unsupported() {
        let cases = [
            Want { flags: Some("-v".into()), ..want("food") },
            Want { start_type: Some(vigo_core::resource::service::StartType::Auto), ..want("food") },
            Want { runlevel: Some("boot".into()), ..want("food") },
        ];
        for want in cases {
            let problem = Systemd.check(&want, &facts()).unwrap_err();
            assert_eq!(problem.kind, vigo_core::host::ProblemKind::Unsupported, "{problem}");
        }
        assert!(Systemd.check(&want("../x"), &facts()).is_err());
    }
}
