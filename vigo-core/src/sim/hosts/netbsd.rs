//! NetBSD: rc.conf(5) and the scripts of rc.d(8), whose verbs are those of rc.subr(8).

use super::assignment::{is_yes, set, value};
use super::daemon::{Began, Daemon};
use super::files::{Files, failed};
use super::luck::Luck;
use super::model::{Answer, Can, Deed, LOOK, Model, Truth};
use crate::action::{FailureKind, Op};
use crate::random::Random;
use crate::time::{Duration, Timestamp};
use crate::value::Text;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// A NetBSD machine.
#[derive(Clone, Debug)]
pub struct NetBsd {
    services: BTreeMap<String, Service>,
    files: Files,
    deeds: Vec<(Arc<str>, Deed)>,
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

impl NetBsd {
    /// Returns the machine of the recordings: the script `food`, which cannot reload, and an empty rc.conf.
    pub fn new() -> Self {
        let mut machine = Self { services: BTreeMap::new(), files: Files::default(), deeds: Vec::new() };
        machine.files.set(RC_CONF, "", Timestamp::default());
        machine.add("food", "/etc/rc.d", Some("food".into()), false, Luck::good());
        machine
    }

    /// Returns a machine with services of every kind in states of every kind, all from a seed. One in `rarity` starts goes
    /// wrong.
    pub fn from_seed(seed: u64, rarity: u64, now: Timestamp) -> Self {
        let mut random = Random::new(seed);
        let mut machine = Self { services: BTreeMap::new(), files: Files::default(), deeds: Vec::new() };
        let mut one_in = |n: u64| random.next().is_multiple_of(n);
        machine.files.set(RC_CONF, "rc_directories=\"/etc/rc.d /usr/pkg/etc/rc.d\"\nhostname=\"h\"\n", now);
        for (number, name) in ["web", "my-db", "cache", "mail", "queue"].into_iter().enumerate() {
            let folder = if one_in(2) { "/etc/rc.d" } else { "/usr/pkg/etc/rc.d" };
            let variable = name.replace('-', "_");
            let own = (!one_in(8)).then(|| variable.clone());
            machine.add(name, folder, own, one_in(2), Luck::new(seed ^ (number as u64) << 32, rarity));
            let file = if one_in(4) { format!("/etc/rc.conf.d/{name}") } else { RC_CONF.into() };
            let word = ["YES", "NO", "on", "off"][usize::from(one_in(2)) + 2 * usize::from(one_in(3))];
            if !one_in(4) {
                machine.edit(&file, &variable, word, now);
            }
            if let Some(service) = machine.services.get_mut(name) {
                service.daemon.stops_in = Duration::from_ms(if one_in(4) { 12_000 } else { 200 });
                service.daemon.starts_in = Duration::from_ms(if one_in(4) { 8_000 } else { 100 });
                if one_in(2) {
                    service.daemon.start(now);
                }
            }
        }
        machine
    }

    fn add(&mut self, name: &str, folder: &'static str, variable: Option<String>, reloads: bool, luck: Luck) {
        let mut text = format!("#!/bin/sh\n. /etc/rc.subr\nname={}\n", name.replace('-', "_"));
        text.push_str(if variable.is_some() { "rcvar=$name\n" } else { "" });
        text.push_str(if reloads { "extra_commands=\"reload\"\n" } else { "" });
        self.files.set(&format!("{folder}/{name}"), &text, Timestamp::default());
        self.services.insert(name.into(), Service { folder, variable, reloads, daemon: Daemon::new(luck) });
    }

    /// Sets a variable in a file, as an administrator does.
    pub fn edit(&mut self, file: &str, variable: &str, word: &str, now: Timestamp) {
        let text = set(self.files.text(file).unwrap_or(""), variable, word);
        self.files.set(file, &text, now);
    }

    fn word(&self, service: &str, variable: &str) -> Option<String> {
        let own = format!("/etc/rc.conf.d/{service}");
        [&own, RC_CONF].iter().find_map(|file| value(self.files.text(file)?, variable))
    }

    fn is_enabled(&self, name: &str, service: &Service) -> Option<bool> {
        let variable = service.variable.as_ref()?;
        Some(self.word(name, variable).is_some_and(|word| is_yes(&word)))
    }

    fn script(&mut self, path: &str, name: &str, full: &str, now: Timestamp) -> Option<Answer> {
        let mut service = self.services.get(name).filter(|s| format!("{}/{name}", s.folder) == path)?.clone();
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
        let word = service.variable.as_ref().and_then(|variable| self.word(name, variable));
        let variable = service.variable.clone().unwrap_or_default();
        let warning = match word {
            Some(_) => String::new(),
            None => format!("{path}: WARNING: ${variable} is not set properly - see rc.conf(5).\n"),
        };
        let reload = if service.reloads { "reload " } else { "" };
        let usage = format!("Usage: {path} [fast|force|one](start stop restart rcvar {reload}status poll)\n");
        let daemon = &mut service.daemon;
        let gated =
            matches!(verb, "start" | "stop" | "restart" | "status" | "poll") || (verb == "reload" && service.reloads);
        let not_running = format!("{name} not running?\n");
        let stopping = format!("Stopping {name}.\n");
        let answer = match verb {
            "" => Answer::says(1, "", &usage),
            _ if gated && !is_one && enabled == Some(false) => {
                let how = "Use the following if you wish to perform the operation:";
                let why = format!("{warning}${variable} is not enabled - see rc.conf(5).\n{how}\n  {path} one{verb}\n");
                Answer::says(1, "", &why)
            }
            "rcvar" if service.variable.is_none() => Answer::says(0, &format!("# {name}\n"), ""),
            "rcvar" => {
                let word = if enabled == Some(true) { "YES" } else { "NO" };
                Answer::says(0, &format!("# {name}\n${variable}={word}\n"), &warning)
            }
            "status" => match daemon.pid() {
                Some(pid) => Answer::says(0, &format!("{name} is running as pid {pid}.\n"), ""),
                None => Answer::says(1, &format!("{name} is not running.\n"), ""),
            },
            "reload" if service.reloads => match daemon.pid() {
                Some(_) => {
                    daemon.taken_in = now;
                    Answer::says(0, &format!("Reloading {name} config files.\n"), "")
                }
                None => Answer::says(1, "", &not_running),
            },
            "start" => match daemon.pid() {
                Some(pid) => Answer::says(1, "", &format!("{name} already running? (pid={pid}).\n")),
                None => start(daemon, name, "", "", now),
            },
            "stop" => match daemon.pid() {
                Some(_) => Answer::exited(0, &stopping, "", daemon.stop(now).max(LOOK)),
                None => Answer::says(1, "", &not_running),
            },
            "restart" => match daemon.pid() {
                Some(_) => {
                    daemon.stop(now);
                    start(daemon, name, &stopping, "", now)
                }
                None => start(daemon, name, "", &not_running, now),
            },
            _ => Answer::says(1, "", &format!("{path}: unknown directive '{full}'.\n{usage}")),
        };
        self.services.insert(name.into(), service);
        Some(answer)
    }

    fn advance(&mut self, now: Timestamp) {
        self.services.values_mut().for_each(|service| service.daemon.advance(now));
    }

    fn enabled(&self) -> Vec<(Arc<str>, Option<bool>)> {
        self.services.iter().map(|(name, s)| (name.as_str().into(), self.is_enabled(name, s))).collect()
    }
}

impl Default for NetBsd {
    fn default() -> Self {
        Self::new()
    }
}

fn start(daemon: &mut Daemon, name: &str, out: &str, err: &str, now: Timestamp) -> Answer {
    let (began, took) = daemon.start(now);
    Answer::exited(i32::from(began == Began::Refused), &format!("{out}Starting {name}.\n"), err, took)
}

impl Model for NetBsd {
    fn perform(&mut self, op: &Op, now: Timestamp) -> Answer {
        self.advance(now);
        let Op::Run(command) = op else {
            let before = self.enabled();
            let unknown = || failed(FailureKind::Other, "it is not known here");
            let output = self.files.perform(op, now).unwrap_or_else(unknown);
            for ((name, was), (_, is)) in before.into_iter().zip(self.enabled()) {
                let deed = if is == Some(true) { Deed::Enable } else { Deed::Disable };
                self.deeds.extend((was != is).then_some((name, deed)));
            }
            return Answer { output, took: LOOK };
        };
        let args: Vec<&str> = command.args.iter().map(Text::as_str).collect();
        let program = &*command.program;
        let name = program.rsplit('/').next().unwrap_or(program);
        let missing = || Answer { output: failed(FailureKind::NoProgram, "no such program"), took: LOOK };
        match name {
            "tail" => Answer::says(0, "", ""),
            _ => self.script(program, name, args.first().copied().unwrap_or(""), now).unwrap_or_else(missing),
        }
    }

    fn services(&self) -> Vec<Arc<str>> {
        self.services.keys().map(|name| name.as_str().into()).collect()
    }

    fn can(&self) -> Can {
        Can { run_disabled: true, ..Can::default() }
    }

    fn truth(&mut self, service: &str, now: Timestamp) -> Option<Truth> {
        self.advance(now);
        let of = self.services.get(service)?;
        Some(Truth {
            run: of.daemon.run(),
            enabled: self.is_enabled(service, of),
            masked: false,
            unmaskable: false,
            is_sound: true,
            flags: None,
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
        match number % 4 {
            0 => of.daemon.kill(now),
            1 if of.daemon.pid().is_none() => {
                of.daemon.start(now);
            }
            2 | 3 => {
                let word = ["YES", "NO", "on", "off"][(number / 4 % 4) as usize];
                let file =
                    if (number / 16).is_multiple_of(3) { format!("/etc/rc.conf.d/{service}") } else { RC_CONF.into() };
                if let Some(variable) = variable {
                    self.edit(&file, &variable, word, now);
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
