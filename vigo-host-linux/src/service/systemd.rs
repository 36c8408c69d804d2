//! systemctl(1).

use super::unit_file::{Install, candidates, install, is_template, local_folder, system_folders, unit_name};
use alloc::collections::BTreeSet;
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
        let mut ops: Vec<Op> = match &facts.image {
            Some(image) => units.iter().map(|unit| is_enabled_in(image, unit)).collect(),
            None => probe_show(&units),
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

pub(super) fn is_enabled_here(unit: &str) -> Op {
    Op::Run(is_enabled(unit))
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
            OpOutput::Ran(ran) if ran.truncated => Err("the answer of systemctl show was cut".into()),
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

/// Returns the reads of units of the machine, many in one call.
pub(super) fn probe_show<'a>(units: impl IntoIterator<Item = &'a Arc<str>>) -> Vec<Op> {
    let units: BTreeSet<&Arc<str>> = units.into_iter().collect();
    let units: Vec<Arc<str>> = units.into_iter().cloned().collect();
    units.chunks(UNITS_MAX).map(|units| Op::Run(show(&Manager::System, units))).collect()
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

/// Returns what `systemctl is-enabled` answered. A unit that is not there is disabled.
pub(super) fn is_enabled_answer(asked: &Op, outputs: &Outputs) -> Result<Show, String> {
    let ran = match outputs.get(asked) {
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

/// Returns the call that enables or disables a unit, here or in the image. Definitions are loaded anew by
/// [`daemon_reload`], once for several units.
pub(super) fn manage(verb: &str, unit: &str, facts: &HostFacts) -> Result<Op, Problem> {
    match &facts.image {
        Some(_) if !facts.has(SYSTEMCTL) => {
            Err(Problem::unsupported("enabling a unit in an image needs `systemctl` on this machine"))
        }
        Some(image) => Ok(Manager::Image(image.clone()).change(&[verb, "--", unit])),
        None => Ok(Manager::System.change(&[verb, "--no-reload", "--", unit])),
    }
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
mod tests;
