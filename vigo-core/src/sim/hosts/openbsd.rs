//! OpenBSD: rcctl(8) and the scripts of rc.d(8).

use super::daemon::{Began, Daemon};
use super::files::{Files, failed};
use super::luck::{Luck, Start};
use super::model::{Answer, Can, Deed, LOOK, Model, Truth};
use crate::action::{FailureKind, Op};
use crate::random::Random;
use crate::time::{Duration, Timestamp};
use crate::value::Text;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// An OpenBSD machine.
#[derive(Clone, Debug)]
pub struct OpenBsd {
    services: BTreeMap<String, Service>,
    files: Files,
    /// The daemons of packages that are enabled, in the order of their start.
    packages: Vec<String>,
    deeds: Vec<(Arc<str>, Deed)>,
}

#[derive(Clone, Debug)]
struct Service {
    kind: Kind,
    is_on: bool,
    /// What rc.conf.local sets; `None` is the default of the script.
    flags: Option<String>,
    timeout: Option<String>,
    default_flags: &'static str,
    reloads: bool,
    has_configtest: bool,
    daemon: Daemon,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// Of the system.
    Base,
    /// Of a package: off unless it is in `pkg_scripts`.
    Package,
    /// A variable without a script.
    Special,
}

const USAGE: &str = "usage:\trcctl get|getdef|set daemon|service [variable [argument ...]]
\trcctl [-df] check|configtest|reload|restart|start|stop daemon ...
\trcctl disable|enable|order [daemon ...]
\trcctl ls all|failed|off|on|rogue|started|stopped
";

/// How long a script waits for its daemon to come up (`daemon_timeout`).
const START_MAX: Duration = Duration::from_secs(30);

impl OpenBsd {
    /// Returns the machine of the recordings: `food` and `badd`, which cannot reload, are packages; everything is as it is
    /// installed, and nothing runs.
    pub fn new() -> Self {
        let mut machine = Self::bare();
        for (name, is_on) in [("cron", true), ("httpd", false), ("ntpd", true), ("sshd", true)] {
            machine.add(name, Kind::Base, "", true, Luck::good());
            if let Some(service) = machine.services.get_mut(name) {
                (service.is_on, service.has_configtest) = (is_on, name == "httpd");
            }
        }
        let specials = [
            ("accounting", false),
            ("check_quotas", true),
            ("ipsec", false),
            ("library_aslr", true),
            ("multicast", false),
            ("pf", true),
            ("spamd_black", false),
        ];
        for (name, is_on) in specials {
            machine.add(name, Kind::Special, "", false, Luck::good());
            if let Some(service) = machine.services.get_mut(name) {
                service.is_on = is_on;
            }
        }
        machine.add("food", Kind::Package, "-a one", true, Luck::good());
        machine.add("badd", Kind::Package, "", false, Luck::always(Start::Refuses(Duration::from_ms(50))));
        machine
    }

    /// Returns a machine with services of every kind in states of every kind, all from a seed. One in `rarity` starts goes
    /// wrong.
    pub fn from_seed(seed: u64, rarity: u64, now: Timestamp) -> Self {
        let mut random = Random::new(seed);
        let mut machine = Self::bare();
        let mut one_in = |n: u64| random.next().is_multiple_of(n);
        for (number, name) in ["web", "my_db", "cache", "mail", "queue"].into_iter().enumerate() {
            let kind = if one_in(2) { Kind::Base } else { Kind::Package };
            let default = if one_in(2) { "" } else { "-a one" };
            machine.add(name, kind, default, one_in(2), Luck::new(seed ^ (number as u64) << 32, rarity));
            let is_on = one_in(2);
            if is_on && kind == Kind::Package {
                machine.packages.push(name.into());
            }
            let Some(service) = machine.services.get_mut(name) else { continue };
            service.is_on = is_on;
            service.flags = (is_on && one_in(2)).then(|| "-v".into());
            service.daemon.stops_in = Duration::from_ms(if one_in(4) { 9_000 } else { 200 });
            service.daemon.starts_in = Duration::from_ms(if one_in(4) { 8_000 } else { 100 });
            if one_in(2) {
                service.daemon.start(now);
            }
        }
        machine
    }

    fn bare() -> Self {
        Self { services: BTreeMap::new(), files: Files::default(), packages: Vec::new(), deeds: Vec::new() }
    }

    fn add(&mut self, name: &str, kind: Kind, default_flags: &'static str, reloads: bool, luck: Luck) {
        let service = Service {
            kind,
            is_on: false,
            flags: None,
            timeout: None,
            default_flags,
            reloads,
            has_configtest: false,
            daemon: Daemon::new(luck),
        };
        self.services.insert(name.into(), service);
        if kind != Kind::Special {
            let reload = if reloads { "" } else { "rc_reload=NO\n" };
            let text =
                format!("#!/bin/ksh\ndaemon=\"/usr/local/sbin/{name}\"\n. /etc/rc.d/rc.subr\n{reload}rc_cmd $1\n");
            self.files.set(&format!("/etc/rc.d/{name}"), &text, Timestamp::default());
        }
    }

    fn rcctl(&mut self, args: &[&str], now: Timestamp) -> Answer {
        let is_forced = args.iter().take_while(|arg| arg.starts_with('-')).any(|arg| arg.contains('f'));
        let args: Vec<&str> = args.iter().copied().skip_while(|arg| arg.starts_with('-')).collect();
        let usage = || Answer::says(1, "", USAGE);
        match args[..] {
            ["ls", what] => self.list(what).unwrap_or_else(usage),
            ["order"] => Answer::says(0, &format!("{}\n", self.packages.join(" ")), ""),
            ["order", ref names @ ..] => {
                self.packages.retain(|name| !names.contains(&&**name));
                self.packages.splice(0..0, names.iter().map(|name| String::from(*name)));
                Answer::says(0, "", "")
            }
            // Of what does not exist nothing starts at boot: that is no error.
            ["disable", name] if !self.services.contains_key(name) => Answer::says(0, "", ""),
            ["get" | "getdef" | "set" | "enable" | "disable", name, ..] if !self.services.contains_key(name) => {
                Answer::says(2, "", &format!("rcctl: service {name} does not exist\n"))
            }
            ["get", name, ref rest @ ..] => self.get(name, rest.first().copied()),
            ["getdef", name] => self.get_default(name),
            ["set", name, "status", word] => self.switch(name, word == "on"),
            ["set", name, variable, ref rest @ ..] => self.set(name, variable, &rest.join(" ")),
            ["enable", name] => self.switch(name, true),
            ["disable", name] => self.switch(name, false),
            [verb @ ("start" | "stop" | "restart" | "reload" | "check" | "configtest"), ref names @ ..] => {
                if let Some(name) = names.iter().find(|name| !self.services.contains_key(**name)) {
                    return Answer::says(2, "", &format!("rcctl: service {name} does not exist\n"));
                }
                self.each(verb, names, is_forced, now)
            }
            _ => usage(),
        }
    }

    /// Has each script do the verb, one after the other; the code is that of the last that failed.
    fn each(&mut self, verb: &str, names: &[&str], is_forced: bool, now: Timestamp) -> Answer {
        let (mut code, mut out, mut err, mut at) = (0, String::new(), String::new(), now);
        for name in names {
            let (this, said, complained, took) = self.script(verb, name, is_forced, at);
            code = if this == 0 { code } else { this };
            out.push_str(&said);
            err.push_str(&complained);
            at = at + took;
        }
        Answer::exited(code, &out, &err, at.since(now).max(LOOK))
    }

    fn script(&mut self, verb: &str, name: &str, is_forced: bool, now: Timestamp) -> (i32, String, String, Duration) {
        let deed = match verb {
            "start" => Some(Deed::Start),
            "stop" => Some(Deed::Stop),
            "restart" => Some(Deed::Restart),
            "reload" => Some(Deed::Reload),
            _ => None,
        };
        self.deeds.extend(deed.map(|deed| (name.into(), deed)));
        let says = |code: i32, out: String, err: String| (code, out, err, LOOK);
        let Some(service) = self.services.get_mut(name) else { return says(2, String::new(), String::new()) };
        if service.kind == Kind::Special {
            return says(1, String::new(), format!("rcctl: \"{name}\" is a special variable, no rc.d(8) script\n"));
        }
        let refuses = |verb: &str| says(1, String::new(), format!("/etc/rc.d/{name}: {verb} is not supported\n"));
        let ok = || says(0, format!("{name}(ok)\n"), String::new());
        let no = || says(1, format!("{name}(failed)\n"), String::new());
        let daemon = &mut service.daemon;
        match verb {
            "check" if daemon.pid().is_some() => ok(),
            "check" => no(),
            "configtest" if service.has_configtest => ok(),
            "configtest" => refuses(verb),
            "reload" if !service.reloads => refuses(verb),
            "reload" if daemon.pid().is_none() => no(),
            "reload" => {
                daemon.taken_in = now;
                ok()
            }
            "stop" if daemon.pid().is_none() => says(0, String::new(), String::new()),
            "stop" => {
                let (code, out, err, _) = ok();
                (code, out, err, daemon.stop(now))
            }
            _ if !service.is_on && !is_forced => {
                let why = format!("/etc/rc.d/{name}: need -f to force {verb} since {name}_flags=NO\n");
                says(1, String::new(), why)
            }
            "start" if daemon.pid().is_some() => says(0, String::new(), String::new()),
            _ => {
                let mut out = String::new();
                if daemon.pid().is_some() {
                    daemon.stop(now);
                    out = format!("{name}(ok)\n");
                }
                let (code, word, took) = match daemon.start(now) {
                    (Began::Up, took) => (0, "ok", took),
                    (Began::Refused, took) => (1, "failed", took),
                    (Began::Hangs, _) => (1, "timeout", START_MAX),
                };
                (code, format!("{out}{name}({word})\n"), String::new(), took)
            }
        }
    }

    fn list(&self, what: &str) -> Option<Answer> {
        let mut names = Vec::new();
        for (name, service) in &self.services {
            let runs = service.daemon.pid().is_some();
            let is_real = service.kind != Kind::Special;
            let is_in = match what {
                "all" => true,
                "on" => service.is_on,
                "off" => !service.is_on,
                "started" => runs,
                "stopped" => is_real && !runs,
                "failed" => is_real && service.is_on && !runs,
                "rogue" => is_real && !service.is_on && runs,
                _ => return None,
            };
            names.extend(is_in.then_some(&**name));
        }
        let code = i32::from(matches!(what, "failed" | "rogue") && !names.is_empty());
        Some(Answer::says(code, &names.iter().map(|name| format!("{name}\n")).collect::<String>(), ""))
    }

    fn get(&self, name: &str, variable: Option<&str>) -> Answer {
        let Some(service) = self.services.get(name) else { return Answer::says(2, "", "") };
        let code = i32::from(!service.is_on);
        let flags = match (service.is_on, &service.flags) {
            (false, _) => "NO",
            (true, Some(flags)) => flags,
            (true, None) => service.default_flags,
        };
        let text = match (variable, service.kind) {
            (Some("status"), _) => String::new(),
            (Some("flags"), _) => return Answer::says(0, &format!("{flags}\n"), ""),
            (_, Kind::Special) => format!("{name}={}\n", if service.is_on { "YES" } else { "NO" }),
            _ => all(name, flags, service.timeout.as_deref().filter(|_| service.is_on).unwrap_or("30")),
        };
        Answer::says(code, &text, "")
    }

    fn get_default(&self, name: &str) -> Answer {
        match self.services.get(name) {
            Some(service) => Answer::says(1, &all(name, service.default_flags, "30"), ""),
            None => Answer::says(2, "", ""),
        }
    }

    fn switch(&mut self, name: &str, on: bool) -> Answer {
        let Some(service) = self.services.get_mut(name) else { return Answer::says(2, "", "") };
        self.deeds.push((name.into(), if on { Deed::Enable } else { Deed::Disable }));
        service.is_on = on;
        if !on {
            (service.flags, service.timeout) = (None, None);
        }
        if service.kind == Kind::Package {
            match on {
                true if !self.packages.iter().any(|package| package == name) => self.packages.push(name.into()),
                true => {}
                false => self.packages.retain(|package| package != name),
            }
        }
        Answer::says(0, "", "")
    }

    fn set(&mut self, name: &str, variable: &str, value: &str) -> Answer {
        let error = |text: &str| Answer::says(1, "", &format!("rcctl: {text}\n"));
        let Some(service) = self.services.get_mut(name) else { return Answer::says(2, "", "") };
        match variable {
            "flags" if value == "NO" => return error("\"flags NO\" contradicts \"set\""),
            _ if service.kind == Kind::Special => {
                return error(&format!("\"{name}\" is a special variable, cannot \"set {variable}\""));
            }
            "class" => return error(&format!("\"{name}_class\" is a read-only variable set in login.conf(5)")),
            _ if !service.is_on => return error(&format!("{name} is not enabled")),
            "timeout" if value.parse::<u32>().is_err() => {
                return error(&format!("\"{value}\" is not a positive integer"));
            }
            "user" => return error(&format!("user \"{value}\" does not exist")),
            "timeout" => service.timeout = Some(value.into()),
            "flags" => {
                self.deeds.push((name.into(), Deed::SetFlags));
                service.flags = (!value.is_empty() && value != service.default_flags).then(|| value.into());
            }
            _ => {}
        }
        Answer::says(0, "", "")
    }

    /// Returns rc.conf.local, as rcctl writes it.
    fn rc_conf_local(&self) -> String {
        let mut text = String::new();
        for (name, service) in &self.services {
            text.extend(service.flags.iter().map(|flags| format!("{name}_flags={flags}\n")));
            text.extend(service.timeout.iter().map(|timeout| format!("{name}_timeout={timeout}\n")));
        }
        if !self.packages.is_empty() {
            text.push_str(&format!("pkg_scripts={}\n", self.packages.join(" ")));
        }
        text
    }

    fn advance(&mut self, now: Timestamp) {
        self.services.values_mut().for_each(|service| service.daemon.advance(now));
    }
}

fn all(name: &str, flags: &str, timeout: &str) -> String {
    let values = [
        ("class", "daemon"),
        ("execdir", ""),
        ("flags", flags),
        ("logger", ""),
        ("rtable", "0"),
        ("timeout", timeout),
        ("user", "root"),
    ];
    values.iter().map(|(variable, value)| format!("{name}_{variable}={value}\n")).collect()
}

impl Default for OpenBsd {
    fn default() -> Self {
        Self::new()
    }
}

impl Model for OpenBsd {
    fn perform(&mut self, op: &Op, now: Timestamp) -> Answer {
        self.advance(now);
        let Op::Run(command) = op else {
            let unknown = || failed(FailureKind::Other, "it is not known here");
            return Answer { output: self.files.perform(op, now).unwrap_or_else(unknown), took: LOOK };
        };
        let args: Vec<&str> = command.args.iter().map(Text::as_str).collect();
        match command.program.rsplit('/').next() {
            Some("rcctl") => self.rcctl(&args, now),
            Some("cat") => Answer::says(0, &self.rc_conf_local(), ""),
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
        // Empty stands for what the script has; what is off has none.
        let flags = of.is_on.then(|| of.flags.clone().unwrap_or_default());
        Some(Truth {
            run: of.daemon.run(),
            enabled: Some(of.is_on),
            masked: false,
            unmaskable: false,
            is_sound: true,
            flags,
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
        match number % 4 {
            0 => of.daemon.kill(now),
            1 if of.daemon.pid().is_none() => {
                of.daemon.start(now);
            }
            2 => {
                let on = !of.is_on;
                self.switch(service, on);
                self.deeds.clear();
            }
            3 if of.is_on => of.flags = Some("-x".to_string()),
            _ => {}
        }
    }

    fn calm(&mut self, now: Timestamp) {
        self.advance(now);
        self.services.values_mut().for_each(|service| service.daemon.calm());
    }
}
