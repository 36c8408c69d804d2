//! FreeBSD: service(8), sysrc(8), rc.conf(5) and the scripts of rc.d, whose verbs are those of rc.subr(8).

use super::assignment::{is_yes, set, unset, value};
use super::daemon::{Began, Daemon};
use super::files::{Files, failed};
use super::luck::{Luck, Start};
use super::model::{Answer, Can, Deed, LOOK, Model, Truth};
use crate::action::{FailureKind, Op, OpOutput};
use crate::random::Random;
use crate::time::{Duration, Timestamp};
use crate::value::Text;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// A FreeBSD machine.
#[derive(Clone, Debug)]
pub struct FreeBsd {
    services: BTreeMap<String, Service>,
    files: Files,
    deeds: Vec<(Arc<str>, Deed)>,
    /// What a line of rc.conf that is none makes every shell say that reads it.
    noise: String,
}

#[derive(Clone, Debug)]
struct Service {
    folder: &'static str,
    /// `None` where the script has none: nothing can enable or disable it.
    variable: Option<String>,
    reloads: bool,
    daemon: Daemon,
}

const RC_CONF: &str = "/etc/rc.conf";
const RC_CONF_LOCAL: &str = "/etc/rc.conf.local";

impl FreeBsd {
    /// Returns a machine with the scripts `cron`, `sshd` and `food`, which offers `reload`; nothing is enabled and nothing
    /// runs.
    pub fn new() -> Self {
        let mut machine =
            Self { services: BTreeMap::new(), files: Files::default(), deeds: Vec::new(), noise: String::new() };
        machine.files.set(RC_CONF, "", Timestamp::default());
        for (name, folder) in [("cron", "/etc/rc.d"), ("sshd", "/etc/rc.d"), ("food", "/usr/local/etc/rc.d")] {
            machine.add(name, folder, Some(format!("{name}_enable")), true, Luck::good());
        }
        machine
    }

    /// Returns a machine with services of every kind in states of every kind, all from a seed. One in `rarity` starts goes
    /// wrong.
    pub fn from_seed(seed: u64, rarity: u64, now: Timestamp) -> Self {
        let mut random = Random::new(seed);
        let mut machine =
            Self { services: BTreeMap::new(), files: Files::default(), deeds: Vec::new(), noise: String::new() };
        machine.files.set(RC_CONF, "hostname=\"h\"\n", now);
        let mut one_in = |n: u64| random.next().is_multiple_of(n);
        for (number, name) in ["web", "my-db", "cache", "mail", "queue"].into_iter().enumerate() {
            let folder = if one_in(2) { "/etc/rc.d" } else { "/usr/local/etc/rc.d" };
            let variable = format!("{}_enable", name.replace('-', "_"));
            let has_variable = !one_in(8);
            let luck = Luck::new(seed ^ (number as u64) << 32, rarity);
            machine.add(name, folder, has_variable.then(|| variable.clone()), one_in(2), luck);
            let file = match () {
                () if one_in(4) => format!("/etc/rc.conf.d/{name}"),
                () if one_in(6) => format!("/usr/local/etc/rc.conf.d/{name}"),
                () if one_in(6) => RC_CONF_LOCAL.into(),
                () => RC_CONF.into(),
            };
            let word = if one_in(2) { ["YES", "yes", "On", "TRUE"] } else { ["NO", "no", "Off", "NONE"] };
            let word = word[(1..4).find(|_| one_in(3)).unwrap_or(0)];
            if !one_in(4) {
                machine.edit(&file, |text| set(text, &variable, word), now);
            }
            if one_in(4) {
                let flags = variable.replace("_enable", "_flags");
                machine.edit(if one_in(2) { RC_CONF } else { &file }, |text| set(text, &flags, "-v"), now);
            }
            if let Some(service) = machine.services.get_mut(name) {
                service.daemon.stops_in = Duration::from_ms(if one_in(4) { 12_000 } else { 200 });
                service.daemon.starts_in = Duration::from_ms(if one_in(4) { 8_000 } else { 100 });
                if one_in(2) {
                    service.daemon.start(now);
                }
            }
        }
        if one_in(6) {
            machine.break_rc_conf();
        }
        machine
    }

    /// Puts a line into rc.conf that is no assignment.
    pub fn break_rc_conf(&mut self) {
        self.noise = format!("{RC_CONF}: line 4: bad: command not found\n");
    }

    /// Makes every start of `food` end in this way.
    pub fn always(&mut self, start: Start) {
        if let Some(service) = self.services.get_mut("food") {
            service.daemon.luck = Luck::always(start);
        }
    }

    fn add(&mut self, name: &str, folder: &'static str, variable: Option<String>, reloads: bool, luck: Luck) {
        let mut text = format!("#!/bin/sh\n. /etc/rc.subr\nname={}\n", name.replace('-', "_"));
        text.extend(variable.iter().map(|variable| format!("rcvar={variable}\n: ${{{variable}:=\"NO\"}}\n")));
        text.push_str(if reloads { "extra_commands=\"reload\"\n" } else { "" });
        self.files.set(&format!("{folder}/{name}"), &text, Timestamp::default());
        let service = Service { folder, variable, reloads, daemon: Daemon::new(luck) };
        self.services.insert(name.into(), service);
    }

    fn edit(&mut self, file: &str, edit: impl FnOnce(&str) -> String, now: Timestamp) {
        let text = edit(self.files.text(file).unwrap_or(""));
        self.files.set(file, &text, now);
    }

    /// Returns what the shell of a script has in a variable: the last file that sets it wins (rc.conf(5)).
    fn variable(&self, service: &str, name: &str) -> Option<String> {
        let own = [format!("/etc/rc.conf.d/{service}"), format!("/usr/local/etc/rc.conf.d/{service}")];
        let files = [RC_CONF, RC_CONF_LOCAL, &own[0], &own[1]];
        files.iter().rev().find_map(|file| value(self.files.text(file)?, name))
    }

    fn is_enabled(&self, name: &str, service: &Service) -> Option<bool> {
        let variable = service.variable.as_ref()?;
        Some(self.variable(name, variable).is_some_and(|word| is_yes(&word)))
    }

    fn service(&mut self, args: &[&str], now: Timestamp) -> Answer {
        let noise = self.noise.clone();
        let answer = match args {
            ["-l"] => {
                let folder = |folder: &'static str| {
                    let mine = move |(_, s): &(&String, &Service)| s.folder == folder;
                    self.services.iter().filter(mine).map(|(name, _)| format!("{name}\n")).collect::<String>()
                };
                Answer::says(0, &(folder("/etc/rc.d") + &folder("/usr/local/etc/rc.d")), "")
            }
            ["-e"] => {
                let on = self.services.iter().filter(|(name, s)| self.is_enabled(name, s) == Some(true));
                let lines: String = on.map(|(name, s)| format!("{}/{name}\n", s.folder)).collect();
                Answer::says(0, &lines, "")
            }
            ["-v", name, rest @ ..] => {
                let folder = self.services.get(*name).map_or("", |s| s.folder);
                let line = format!("{name} is located in {folder}\n");
                self.script(name, rest, &line, now)
            }
            [name, rest @ ..] => self.script(name, rest, "", now),
            [] => Answer::says(1, "", "usage\n"),
        };
        let Answer { output: OpOutput::Ran(mut ran), took } = answer else { return answer };
        ran.stderr.splice(0..0, noise.into_bytes());
        Answer { output: OpOutput::Ran(ran), took }
    }

    /// Runs the script of a service with a verb.
    fn script(&mut self, name: &str, args: &[&str], heading: &str, now: Timestamp) -> Answer {
        let missing = || {
            let text =
                format!("{name} does not exist in /etc/rc.d or the local startup\ndirectories (/usr/local/etc/rc.d)\n");
            Answer::says(1, &text, "")
        };
        let Some(mut service) = self.services.get(name).cloned() else { return missing() };
        let full = args.first().copied().unwrap_or("");
        let is_one = full.starts_with("one") && full.len() > 3;
        let verb = if is_one { &full[3..] } else { full };
        let deed = match verb {
            "start" => Some(Deed::Start),
            "stop" => Some(Deed::Stop),
            "restart" => Some(Deed::Restart),
            "reload" => Some(Deed::Reload),
            _ => None,
        };
        self.deeds.extend(deed.map(|deed| (name.into(), deed)));
        let enabled = self.is_enabled(name, &service);
        let daemon = &mut service.daemon;
        let path = format!("{}/{name}", service.folder);
        let gated = matches!(verb, "start" | "stop" | "restart" | "reload" | "status" | "poll");
        let hint = service.variable.clone().unwrap_or_default();
        let not_running = format!("{name} not running?\n");
        let says = |code, out: &str, err: &str| Answer::says(code, &format!("{heading}{out}"), err);
        let answer = match verb {
            // What is not enabled does nothing, and that is no error.
            _ if gated && !is_one && enabled == Some(false) && (verb != "stop" || daemon.pid().is_none()) => {
                let how = format!("use 'one{verb}' instead of '{verb}'");
                says(0, &format!("Cannot '{verb}' {name}. Set {hint} to YES in {RC_CONF} or {how}.\n"), "")
            }
            "enabled" => says(i32::from(enabled == Some(false)), "", ""),
            "rcvar" => match &service.variable {
                Some(variable) => {
                    let now = self.variable(name, variable).unwrap_or_else(|| "NO".into());
                    says(0, &format!("# {name}\n#\n{variable}=\"{now}\"\n#   (default: \"\")\n\n"), "")
                }
                None => says(0, &format!("# {name}\n#\n\n"), ""),
            },
            "status" => match daemon.pid() {
                Some(pid) => says(0, &format!("{name} is running as pid {pid}.\n"), ""),
                None => says(1, &format!("{name} is not running.\n"), ""),
            },
            "reload" if service.reloads => match daemon.pid() {
                Some(_) => {
                    daemon.taken_in = now;
                    says(0, "", "")
                }
                None => says(1, "", &not_running),
            },
            "start" => match daemon.pid() {
                Some(pid) => says(1, "", &format!("{name} already running?  (pid={pid}).\n")),
                None => start(daemon, &path, name, heading, now),
            },
            "stop" => match daemon.pid() {
                Some(pid) => {
                    let out = format!("{heading}Stopping {name}.\nWaiting for PIDS: {pid}.\n");
                    Answer::exited(0, &out, "", daemon.stop(now).max(LOOK))
                }
                None => says(1, "", &not_running),
            },
            "restart" => match daemon.pid() {
                Some(pid) => {
                    daemon.stop(now);
                    let out = format!("{heading}Stopping {name}.\nWaiting for PIDS: {pid}.\n");
                    start(daemon, &path, name, &out, now)
                }
                None => {
                    let mut answer = start(daemon, &path, name, heading, now);
                    if let OpOutput::Ran(ran) = &mut answer.output {
                        ran.stderr.splice(0..0, not_running.into_bytes());
                    }
                    answer
                }
            },
            _ => {
                let reload = if service.reloads { "reload|" } else { "" };
                let verbs = format!(
                    "start|stop|restart|rcvar|enable|disable|delete|enabled|describe|extracommands|{reload}status|poll"
                );
                let usage = format!("Usage: {path} [fast|force|one|quiet]({verbs})\n");
                says(1, "", &format!("{path}: unknown directive '{full}'.\n{usage}"))
            }
        };
        self.services.insert(name.into(), service);
        answer
    }

    fn sysrc(&mut self, args: &[&str], now: Timestamp) -> Answer {
        let (mut file, mut flags, mut word) = (None, String::new(), "");
        let mut words = args.iter().copied();
        while let Some(arg) = words.next() {
            match arg.strip_prefix('-') {
                Some("f") => file = words.next(),
                Some(letters) if word.is_empty() => flags.push_str(letters),
                _ => word = arg,
            }
        }
        let has = |letter| flags.contains(letter);
        // Where no file is named, the last one that sets it is meant, and else the first (sysrc(8)).
        let sets = |file: &&str, name: &str| self.files.text(file).is_some_and(|text| value(text, name).is_some());
        let place = |name: &str| {
            let files: &[&str] = &[RC_CONF_LOCAL, RC_CONF];
            file.or_else(|| files.iter().copied().find(|file| sets(file, name))).unwrap_or(RC_CONF).to_string()
        };
        let (name, new) = word.split_once('=').map_or((word, None), |(name, new)| (name, Some(new)));
        let (name, appends) = name.strip_suffix('+').map_or((name, false), |name| (name, true));
        let place = place(name);
        let old = self.files.text(&place).and_then(|text| value(text, name));
        let unknown = || match has('q') || has('i') {
            true => Answer::says(1, "", ""),
            false => Answer::says(1, &format!("sysrc: unknown variable '{name}'\n"), ""),
        };
        match (new, old) {
            (None, None) => unknown(),
            (None, Some(_)) if has('x') => {
                self.edit(&place, |text| unset(text, name), now);
                Answer::says(0, "", "")
            }
            (None, Some(old)) if has('n') => Answer::says(0, &format!("{old}\n"), ""),
            (None, Some(old)) if has('v') => Answer::says(0, &format!("{place}: {name}: {old}\n"), ""),
            (None, Some(old)) => Answer::says(0, &format!("{name}: {old}\n"), ""),
            (Some(new), old) if has('c') => Answer::says(i32::from(old.as_deref() != Some(new)), "", ""),
            (Some(new), old) => {
                let old = old.unwrap_or_default();
                let new = match appends && !old.is_empty() {
                    true => format!("{old} {new}"),
                    false => new.into(),
                };
                self.note_setting(name, &new);
                self.edit(&place, |text| set(text, name, &new), now);
                Answer::says(0, &format!("{name}: {old} -> {new}\n"), "")
            }
        }
    }

    /// Notes whose variable is set.
    fn note_setting(&mut self, variable: &str, word: &str) {
        for (name, service) in &self.services {
            let own = service.variable.as_deref();
            let flags = own.map(|own| own.replace("_enable", "_flags"));
            let deed = match () {
                () if own == Some(variable) && is_yes(word) => Deed::Enable,
                () if own == Some(variable) => Deed::Disable,
                () if flags.as_deref() == Some(variable) => Deed::SetFlags,
                () => continue,
            };
            self.deeds.push((name.as_str().into(), deed));
        }
    }

    fn advance(&mut self, now: Timestamp) {
        self.services.values_mut().for_each(|service| service.daemon.advance(now));
    }
}

impl Default for FreeBsd {
    fn default() -> Self {
        Self::new()
    }
}

fn start(daemon: &mut Daemon, path: &str, name: &str, heading: &str, now: Timestamp) -> Answer {
    let (began, took) = daemon.start(now);
    let out = format!("{heading}Starting {name}.\n");
    match began {
        Began::Up | Began::Hangs => Answer::exited(0, &out, "", took),
        Began::Refused => Answer::exited(1, &out, &format!("{path}: WARNING: failed to start {name}\n"), took),
    }
}

impl Model for FreeBsd {
    fn perform(&mut self, op: &Op, now: Timestamp) -> Answer {
        self.advance(now);
        let Op::Run(command) = op else {
            let unknown = || failed(FailureKind::Other, "it is not known here");
            return Answer { output: self.files.perform(op, now).unwrap_or_else(unknown), took: LOOK };
        };
        let args: Vec<&str> = command.args.iter().map(Text::as_str).collect();
        match command.program.rsplit('/').next() {
            Some("service") => self.service(&args, now),
            Some("sysrc") => self.sysrc(&args, now),
            Some("cat") => Answer::says(0, args.first().and_then(|path| self.files.text(path)).unwrap_or(""), ""),
            Some("tail") => Answer::says(0, "", ""),
            _ => Answer { output: failed(FailureKind::NoProgram, "no such program"), took: LOOK },
        }
    }

    fn services(&self) -> Vec<Arc<str>> {
        self.services.keys().map(|name| name.as_str().into()).collect()
    }

    fn can(&self) -> Can {
        Can { flags: true, run_disabled: true, ..Can::default() }
    }

    fn truth(&mut self, service: &str, now: Timestamp) -> Option<Truth> {
        self.advance(now);
        let of = self.services.get(service)?;
        let flags = of.variable.as_ref().map(|variable| variable.replace("_enable", "_flags"));
        Some(Truth {
            run: of.daemon.run(),
            enabled: self.is_enabled(service, of),
            masked: false,
            unmaskable: false,
            is_sound: true,
            flags: flags.map(|flags| self.variable(service, &flags).unwrap_or_default()),
            start_type: None,
            needs: Vec::new(),
            stopped_with: Vec::new(),
            taken_in: of.daemon.taken_in,
            moved: of.daemon.moved,
        })
    }

    fn take_deeds(&mut self) -> Vec<(Arc<str>, Deed)> {
        core::mem::take(&mut self.deeds)
    }

    fn meddle(&mut self, service: &str, number: u64, now: Timestamp) {
        self.advance(now);
        let Some(of) = self.services.get_mut(service) else { return };
        of.daemon.moved = now;
        let variable = of.variable.clone();
        match number % 5 {
            0 => of.daemon.kill(now),
            1 if of.daemon.pid().is_none() => {
                of.daemon.start(now);
            }
            2 | 3 => {
                let word = ["YES", "NO", "on", "0"][(number / 5 % 4) as usize];
                let file = match number / 20 % 3 {
                    0 => format!("/etc/rc.conf.d/{service}"),
                    _ => RC_CONF.into(),
                };
                if let Some(variable) = variable {
                    self.edit(&file, |text| set(text, &variable, word), now);
                }
            }
            4 => {
                if let Some(variable) = variable {
                    self.edit(RC_CONF, |text| set(text, &variable.replace("_enable", "_flags"), "-x"), now);
                }
            }
            _ => {}
        }
    }

    fn calm(&mut self, now: Timestamp) {
        self.advance(now);
        self.services.values_mut().for_each(|service| service.daemon.calm());
    }
}
