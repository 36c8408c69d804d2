//! What systemctl(1) does and says.

use super::manager::Systemd;
use super::unit::{Install, State, Unit};
use crate::sim::hosts::model::{Answer, Deed, LOOK};
use crate::time::{Duration, Timestamp};
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

const NO_INSTALL: &str = "The unit files have no installation config (WantedBy=, RequiredBy=, Also=,
Alias= settings in the [Install] section, and DefaultInstance= for template
units). This means they are not meant to be enabled using systemctl.
 
Possible reasons for having this kind of units are:
* A unit may be statically enabled by being symlinked from another unit's
  .wants/ or .requires/ directory.
* A unit's purpose may be to act as a helper for some other unit which has
  a requirement dependency on it.
* A unit may be started when needed via activation (socket, path, timer,
  D-Bus, udev, scripted systemctl call, ...).
* In case of template units, the unit is meant to be enabled with some
  instance name specified.
";

/// A call, taken apart.
#[derive(Default)]
struct Call<'a> {
    verb: &'a str,
    units: Vec<&'a str>,
    keys: Vec<&'a str>,
    runtime: bool,
    no_block: bool,
    no_reload: bool,
}

impl<'a> Call<'a> {
    fn parse(args: &[&'a str]) -> Self {
        let mut call = Self::default();
        let mut words = args.iter().copied();
        let mut plain = false;
        while let Some(word) = words.next() {
            match word {
                "--" if !plain => plain = true,
                "-p" if !plain => call.keys = words.next().unwrap_or("").split(',').collect(),
                "--runtime" if !plain => call.runtime = true,
                "--no-block" if !plain => call.no_block = true,
                "--no-reload" if !plain => call.no_reload = true,
                _ if call.verb.is_empty() => call.verb = word,
                _ => call.units.push(word),
            }
        }
        call
    }
}

fn full(name: &str) -> String {
    if name.contains('.') { name.into() } else { format!("{name}.service") }
}

impl Systemd {
    pub(super) fn systemctl(&mut self, args: &[&str], now: Timestamp) -> Answer {
        let call = Call::parse(args);
        match call.verb {
            "show" => self.show(&call),
            "daemon-reload" => {
                self.reload_all();
                Answer::exited(0, "", "", Duration::from_ms(200))
            }
            "is-system-running" => match self.units.values().any(|unit| unit.state == State::Failed) {
                true => Answer::says(1, "degraded\n", ""),
                false => Answer::says(0, "running\n", ""),
            },
            _ => {
                let mut last = Answer::says(0, "", "");
                let mut at = now;
                for name in &call.units {
                    let answer = self.verb(&call, name, at);
                    at = at + answer.took;
                    last = Answer { took: at.since(now), ..answer };
                }
                last
            }
        }
    }

    fn reload_all(&mut self) {
        self.units.values_mut().for_each(|unit| unit.is_stale = false);
    }

    fn show(&mut self, call: &Call<'_>) -> Answer {
        let mut blocks = Vec::new();
        for name in &call.units {
            let unit = self.resolve(name).and_then(|name| self.units.get(&name));
            blocks.push(block(unit, &full(name), &call.keys));
        }
        Answer::says(0, &blocks.join("\n"), "")
    }

    fn verb(&mut self, call: &Call<'_>, name: &str, now: Timestamp) -> Answer {
        let full = full(name);
        let is_alias = !self.units.contains_key(&full);
        let Some(unit) = self.resolve(name) else { return missing(call.verb, &full) };
        let deed = match call.verb {
            "start" => Some(Deed::Start),
            "stop" => Some(Deed::Stop),
            "restart" => Some(Deed::Restart),
            "reload" | "reload-or-restart" => Some(Deed::Reload),
            "enable" => Some(Deed::Enable),
            "disable" => Some(Deed::Disable),
            "mask" => Some(Deed::Mask),
            "unmask" => Some(Deed::Unmask),
            "reset-failed" => Some(Deed::Clear),
            _ => None,
        };
        self.deeds.extend(deed.map(|deed| (unit.strip_suffix(".service").unwrap_or(&unit).into(), deed)));
        let reloads = matches!(call.verb, "enable" | "disable" | "mask" | "unmask") && !call.no_reload;
        let Some(unit) = self.units.get_mut(&unit) else { return missing(call.verb, &full) };
        let answer = match call.verb {
            "is-active" => match unit.active_state().0 {
                word @ ("active" | "reloading") => Answer::says(0, &format!("{word}\n"), ""),
                word => Answer::says(3, &format!("{word}\n"), ""),
            },
            "is-failed" => {
                Answer::says(i32::from(unit.state != State::Failed), &format!("{}\n", unit.active_state().0), "")
            }
            "is-enabled" if is_alias && unit.install != Install::Wanted => Answer::says(0, "alias\n", ""),
            "is-enabled" => {
                let word = unit.file_state();
                Answer::says(
                    i32::from(matches!(word, "disabled" | "masked" | "masked-runtime")),
                    &format!("{word}\n"),
                    "",
                )
            }
            "start" => start(unit, call, now),
            "restart" => {
                if let Some(refusal) = refusal(unit, "restart") {
                    return refusal;
                }
                unit.stop(now, true);
                job(unit, call, now)
            }
            "stop" => {
                unit.stop(now, false);
                job(unit, call, now)
            }
            "reload" | "reload-or-restart" => reload(unit, call, now),
            "reset-failed" => {
                unit.recent.clear();
                if unit.state == State::Failed {
                    (unit.state, unit.result, unit.status) = (State::Inactive, "success", 0);
                }
                Answer::says(0, "", "")
            }
            "enable" => enable(unit, call),
            "disable" => disable(unit, call),
            "mask" => mask(unit, call),
            "unmask" => unmask(unit, call),
            _ => Answer::says(1, "", &format!("Unknown command verb {}.\n", call.verb)),
        };
        if reloads {
            self.reload_all();
        }
        answer
    }
}

fn missing(verb: &str, unit: &str) -> Answer {
    match verb {
        "start" | "restart" | "reload-or-restart" => {
            let verb = if verb == "start" { "start" } else { "restart" };
            Answer::says(5, "", &format!("Failed to {verb} {unit}: Unit {unit} not found.\n"))
        }
        "stop" => Answer::says(5, "", &format!("Failed to stop {unit}: Unit {unit} not loaded.\n")),
        "is-active" => Answer::says(3, "inactive\n", ""),
        "is-failed" => Answer::says(1, "inactive\n", ""),
        "is-enabled" => {
            let why = "No such file or directory";
            Answer::says(1, "", &format!("Failed to get unit file state for {unit}: {why}\n"))
        }
        _ => Answer::says(1, "", &format!("Failed to {verb} unit: Unit file {unit} does not exist.\n")),
    }
}

/// Returns one unit's answer to `show`: the keys in systemd's own order, not in that of the question.
fn block(unit: Option<&Unit>, name: &str, keys: &[&str]) -> String {
    let (active, sub) = unit.map_or(("inactive", "dead"), Unit::active_state);
    let names = match unit {
        Some(Unit { install: Install::Alias(alias), is_enabled: true, name, .. }) => format!("{name} {alias}"),
        Some(unit) => unit.name.clone(),
        None => name.into(),
    };
    let is_up = matches!(active, "active" | "activating");
    let values: [(&str, String); 11] = [
        ("MainPID", unit.filter(|_| is_up).map_or(0, |u| u.pid).to_string()),
        ("Result", unit.map_or("success", |u| u.result).into()),
        ("ExecMainStatus", unit.map_or(0, |u| u.status).to_string()),
        ("Id", unit.map_or(name, |u| &u.name).into()),
        ("Names", names),
        ("LoadState", unit.map_or("not-found", Unit::load_state).into()),
        ("ActiveState", active.into()),
        ("SubState", sub.into()),
        ("FragmentPath", unit.map(Unit::fragment).unwrap_or_default()),
        ("UnitFileState", unit.map_or("", Unit::file_state).into()),
        ("NeedDaemonReload", if unit.is_some_and(|u| u.is_stale) { "yes" } else { "no" }.into()),
    ];
    let asked = values.iter().filter(|(key, _)| keys.is_empty() || keys.contains(key));
    asked.map(|(key, value)| format!("{key}={value}\n")).collect()
}

fn refusal(unit: &Unit, verb: &str) -> Option<Answer> {
    let name = &unit.name;
    if unit.masked() {
        return Some(Answer::says(1, "", &format!("Failed to {verb} {name}: Unit {name} is masked.\n")));
    }
    let more = format!("See system logs and 'systemctl status {name}' for details.\n");
    let bad = format!("Failed to {verb} {name}: Unit {name} has a bad unit file setting.\n{more}");
    unit.is_bad.then(|| Answer::says(1, "", &bad))
}

fn start(unit: &mut Unit, call: &Call<'_>, now: Timestamp) -> Answer {
    if let Some(refusal) = refusal(unit, "start") {
        return refusal;
    }
    match unit.state {
        State::Active { .. } | State::Starting { .. } => {}
        State::Stopping { .. } => unit.stop(now, true),
        State::Inactive | State::Failed | State::Waiting { .. } => unit.begin(now),
    }
    job(unit, call, now)
}

/// Waits for what was begun, and says what came of it.
fn job(unit: &mut Unit, call: &Call<'_>, now: Timestamp) -> Answer {
    let name = &unit.name;
    let mut warning = String::new();
    if unit.is_stale {
        let hint = "Run 'systemctl daemon-reload' to reload units.";
        warning = format!(
            "Warning: The unit file, source configuration file or drop-ins of {name} changed on disk. {hint}\n"
        );
    }
    if call.no_block {
        return Answer::says(0, "", &warning);
    }
    let (end, then) = unit.job_end(now);
    let took = end.since(now).max(LOOK);
    let why = match then.state {
        State::Failed | State::Waiting { .. } if call.verb != "stop" => match then.result {
            "timeout" => "a timeout was exceeded",
            "start-limit-hit" => "start of the service was attempted too often",
            _ => "the control process exited with error code",
        },
        _ => return Answer::exited(0, "", &warning, took),
    };
    let see = format!("See \"systemctl status {name}\" and \"journalctl -xeu {name}\" for details.");
    Answer::exited(1, "", &format!("{warning}Job for {name} failed because {why}.\n{see}\n"), took)
}

fn reload(unit: &mut Unit, call: &Call<'_>, now: Timestamp) -> Answer {
    let name = &unit.name;
    match (unit.state, unit.reloads) {
        (State::Active { .. }, true) => {
            unit.taken_in = now;
            Answer::exited(0, "", "", Duration::from_ms(100))
        }
        _ if call.verb == "reload" && !unit.reloads => {
            let why = format!("Job type reload is not applicable for unit {name}.");
            Answer::says(3, "", &format!("Failed to reload {name}: {why}\n"))
        }
        _ if call.verb == "reload" => Answer::says(1, "", &format!("{name} is not active, cannot reload.\n")),
        _ => match refusal(unit, "restart") {
            Some(refusal) => refusal,
            None => {
                unit.stop(now, true);
                job(unit, call, now)
            }
        },
    }
}

/// Returns the links that enabling makes, in the order in which systemd names them: link, target.
fn links(unit: &Unit, folder: &str) -> Vec<(String, String)> {
    let target = unit.fragment();
    let wants = (format!("{folder}/multi-user.target.wants/{}", unit.name), target.clone());
    match unit.install {
        Install::Wanted => alloc::vec![wants],
        Install::Alias(alias) => alloc::vec![(format!("{folder}/{alias}"), target), wants],
        Install::Nothing | Install::Also => Vec::new(),
    }
}

fn enable(unit: &mut Unit, call: &Call<'_>) -> Answer {
    if unit.masked() {
        return Answer::says(1, "", &format!("Failed to enable unit: Unit file {} is masked.\n", unit.fragment()));
    }
    if unit.is_template() && unit.install == Install::Wanted {
        let why = "Destination unit multi-user.target is a non-template unit.";
        return Answer::says(1, "", &format!("Failed to enable unit: {why}\n"));
    }
    if unit.install == Install::Nothing {
        return Answer::says(0, "", NO_INSTALL);
    }
    let (flag, folder) = match call.runtime {
        true => (&mut unit.is_enabled_runtime, "/run/systemd/system"),
        false => (&mut unit.is_enabled, "/etc/systemd/system"),
    };
    if core::mem::replace(flag, true) {
        return Answer::says(0, "", "");
    }
    let made =
        links(unit, folder).iter().map(|(link, to)| format!("Created symlink {link} -> {to}.\n")).collect::<String>();
    Answer::says(0, "", &made)
}

fn disable(unit: &mut Unit, call: &Call<'_>) -> Answer {
    if unit.masked() {
        return Answer::says(1, "", &format!("Failed to disable unit: Unit file {} is masked.\n", unit.fragment()));
    }
    let (flag, folder) = match call.runtime {
        true => (&mut unit.is_enabled_runtime, "/run/systemd/system"),
        false => (&mut unit.is_enabled, "/etc/systemd/system"),
    };
    if !core::mem::replace(flag, false) {
        return Answer::says(0, "", "");
    }
    let mut gone: Vec<String> = links(unit, folder).into_iter().map(|(link, _)| link).collect();
    gone.sort();
    Answer::says(0, "", &gone.iter().map(|link| format!("Removed \"{link}\".\n")).collect::<String>())
}

fn mask(unit: &mut Unit, call: &Call<'_>) -> Answer {
    let (flag, folder) = match call.runtime {
        true => (&mut unit.is_masked_runtime, "/run/systemd/system"),
        false => (&mut unit.is_masked, "/etc/systemd/system"),
    };
    if unit.is_local && !call.runtime {
        let file = format!("{folder}/{}", unit.name);
        return Answer::says(1, "", &format!("Failed to mask unit: File {file} already exists.\n"));
    }
    if core::mem::replace(flag, true) {
        return Answer::says(0, "", "");
    }
    Answer::says(0, "", &format!("Created symlink {folder}/{} -> /dev/null.\n", unit.name))
}

fn unmask(unit: &mut Unit, call: &Call<'_>) -> Answer {
    let (flag, folder) = match call.runtime {
        true => (&mut unit.is_masked_runtime, "/run/systemd/system"),
        false => (&mut unit.is_masked, "/etc/systemd/system"),
    };
    match core::mem::replace(flag, false) {
        true => Answer::says(0, "", &format!("Removed \"{folder}/{}\".\n", unit.name)),
        false => Answer::says(0, "", ""),
    }
}
