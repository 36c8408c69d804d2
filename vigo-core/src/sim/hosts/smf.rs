//! illumos: the Service Management Facility, as smf(7), svcs(1), svcadm(8) and svcprop(1) have it.

use super::files::{Files, failed};
use super::luck::{Luck, Start};
use super::model::{Answer, Can, Deed, LOOK, Model, Run, Truth};
use crate::action::{FailureKind, Op};
use crate::random::Random;
use crate::time::{Duration, Timestamp};
use crate::value::Text;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// An illumos machine.
#[derive(Clone, Debug)]
pub struct Smf {
    services: BTreeMap<String, Service>,
    legacy: Vec<String>,
    files: Files,
    deeds: Vec<(Arc<str>, Deed)>,
}

#[derive(Clone, Debug)]
struct Service {
    /// `general/enabled`
    is_enabled: bool,
    /// Until the next boot (`general_ovr/enabled`).
    temporary: Option<bool>,
    state: State,
    /// It starts when all of these are online.
    needs: Vec<String>,
    /// It is stopped when one of them goes (`restart_on`).
    follows: bool,
    luck: Luck,
    starts: u64,
    starts_in: Duration,
    stops_in: Duration,
    /// Starts that went wrong, one after the other.
    failures: u32,
    /// What was asked while its start method ran: that waits until it has.
    queued: Option<Deed>,
    taken_in: Timestamp,
    moved: Timestamp,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Uninitialized,
    Disabled,
    Offline,
    Starting { until: Timestamp, end: Start },
    Online { dies_at: Option<Timestamp> },
    Degraded,
    Stopping { until: Timestamp },
    Maintenance,
}

/// How long a start method may take.
const METHOD_MAX: Duration = Duration::from_secs(60);

/// After so many failures in a row the restarter gives up (svc.startd(8)).
const FAILURES_MAX: u32 = 3;

impl Smf {
    /// Returns a machine with `ssh`, which needs `rpc/bind`, `cron`, two instances of `http` and a legacy script: all that is
    /// enabled is online.
    pub fn new() -> Self {
        let mut smf = Self::bare();
        let online = State::Online { dies_at: None };
        for (fmri, needs, state) in [
            ("svc:/network/rpc/bind:default", &[][..], online),
            ("svc:/network/ssh:default", &["svc:/network/rpc/bind:default"], online),
            ("svc:/system/cron:default", &[], online),
            ("svc:/network/http:apache24", &[], State::Disabled),
            ("svc:/network/http:nginx", &[], State::Disabled),
        ] {
            let service = smf.add(fmri, needs, Luck::good());
            (service.state, service.is_enabled) = (state, state == online);
        }
        smf.legacy.push("lrc:/etc/rc2_d/S99old".into());
        smf
    }

    /// Returns a machine with services of every kind in states of every kind, all from a seed. One in `rarity` starts goes
    /// wrong.
    pub fn from_seed(seed: u64, rarity: u64, now: Timestamp) -> Self {
        let mut random = Random::new(seed);
        let mut one_in = |n: u64| random.next().is_multiple_of(n);
        let mut smf = Self::bare();
        let mut earlier: Vec<String> = Vec::new();
        for (number, name) in ["db", "web", "cache", "mail", "queue"].into_iter().enumerate() {
            let fmri = format!("svc:/site/{name}:default");
            let needs: Vec<&str> = earlier.iter().filter(|_| one_in(5)).map(String::as_str).collect();
            let service = smf.add(&fmri, &needs, Luck::new(seed ^ (number as u64) << 32, rarity));
            service.is_enabled = one_in(2);
            service.temporary = one_in(4).then(|| one_in(2));
            service.follows = one_in(2);
            service.starts_in = Duration::from_ms(if one_in(3) { 15_000 } else { 400 });
            service.stops_in = Duration::from_ms(if one_in(4) { 8_000 } else { 200 });
            service.state = match () {
                () if one_in(6) => State::Maintenance,
                () if one_in(12) => State::Degraded,
                () if one_in(12) => State::Uninitialized,
                () if service.is_wanted() => State::Online { dies_at: None },
                () => State::Disabled,
            };
            earlier.push(fmri);
        }
        smf.advance(now);
        smf
    }

    /// Makes the next start of a service take its time.
    pub fn slow_down(&mut self, fmri: &str) {
        if let Some(service) = self.services.get_mut(fmri) {
            service.starts_in = Duration::from_secs(30);
        }
    }

    fn bare() -> Self {
        Self { services: BTreeMap::new(), legacy: Vec::new(), files: Files::default(), deeds: Vec::new() }
    }

    fn add(&mut self, fmri: &str, needs: &[&str], luck: Luck) -> &mut Service {
        self.services.entry(fmri.into()).or_insert_with(|| Service {
            is_enabled: false,
            temporary: None,
            state: State::Disabled,
            needs: needs.iter().map(|need| String::from(*need)).collect(),
            follows: false,
            luck,
            starts: 0,
            starts_in: Duration::from_ms(300),
            stops_in: Duration::from_ms(100),
            failures: 0,
            queued: None,
            taken_in: Timestamp::default(),
            moved: Timestamp::default(),
        })
    }

    /// Returns the instances that a pattern means: an FMRI, or its end after a slash, with or without the instance.
    fn matching(&self, pattern: &str) -> Vec<String> {
        let is_meant = |fmri: &&String| {
            let path = fmri.trim_start_matches("svc:/");
            let pattern = pattern.trim_start_matches("svc:/");
            let service = path.split(':').next().unwrap_or(path);
            [path, service].iter().any(|p| *p == pattern || p.ends_with(&format!("/{pattern}")))
        };
        self.services.keys().filter(is_meant).cloned().collect()
    }

    /// Lets time pass: what is due happens, and what follows from it, until nothing does.
    fn advance(&mut self, now: Timestamp) {
        let mut moves = true;
        while moves {
            moves = false;
            let is_online = |s: &Service| matches!(s.state, State::Online { .. } | State::Degraded);
            let online: Vec<String> =
                self.services.iter().filter(|(_, s)| is_online(s)).map(|(fmri, _)| fmri.clone()).collect();
            for service in self.services.values_mut() {
                let is_ready = service.needs.iter().all(|need| online.contains(need));
                moves |= service.step(is_ready, now);
            }
        }
    }

    fn svcs(&self, args: &[&str]) -> Answer {
        match args {
            ["-H", "-o", columns, pattern] => {
                let mut lines = String::new();
                let row = |fmri: &str, state: &str, next: &str| match *columns {
                    "state,nstate,fmri" => format!("{state:<14} {next:<13} {fmri}\n"),
                    _ => format!("{:<14} {fmri}\n", format!("{state}{}", if next == "-" { "" } else { "*" })),
                };
                for fmri in self.matching(pattern) {
                    let (state, next) = self.services.get(&fmri).map_or(("", "-"), Service::words);
                    lines.push_str(&row(&fmri, state, next));
                }
                for script in self.legacy.iter().filter(|script| *script == pattern) {
                    lines.push_str(&row(script, "legacy_run", "-"));
                }
                match lines.is_empty() {
                    true => Answer::says(1, "", &format!("svcs: Pattern '{pattern}' doesn't match any instances\n")),
                    false => Answer::says(0, &lines, ""),
                }
            }
            ["-l", pattern] => {
                let details = self.matching(pattern).into_iter().map(|fmri| self.details(&fmri)).collect::<String>();
                Answer::says(0, &details, "")
            }
            ["-xv", pattern] => {
                let of = |fmri: &String| {
                    format!("{fmri}\n State: {}\n", self.services.get(fmri).map_or("", |s| s.words().0))
                };
                Answer::says(0, &self.matching(pattern).iter().map(of).collect::<String>(), "")
            }
            _ => Answer::says(2, "", "Usage: svcs\n"),
        }
    }

    fn details(&self, fmri: &str) -> String {
        let Some(service) = self.services.get(fmri) else { return String::new() };
        let (state, next) = service.words();
        let path = fmri.trim_start_matches("svc:/").replace('/', "-");
        let enabled = match service.temporary {
            Some(on) => format!("{on} (temporary)"),
            None => service.is_enabled.to_string(),
        };
        let mut lines = alloc::vec![
            ("fmri", fmri.to_string()),
            ("name", "SSH server".into()),
            ("enabled", enabled),
            ("state", state.into()),
            ("next_state", if next == "-" { "none" } else { next }.into()),
            ("state_time", "Sat Nov 21 19:00:00 2026".into()),
            ("logfile", format!("/var/svc/log/{path}.log")),
            ("restarter", "svc:/system/svc/restarter:default".into()),
            ("contract_id", "77 ".into()),
        ];
        for need in &service.needs {
            let state = self.services.get(need).map_or("absent", |s| s.words().0);
            let kind = if service.follows { "restart" } else { "error" };
            let need = need.trim_end_matches(":default");
            lines.push(("dependency", format!("require_all/{kind} {need} ({state})")));
        }
        lines.iter().map(|(key, value)| format!("{key:<12} {value}\n")).collect()
    }

    fn svcprop(&self, args: &[&str]) -> Answer {
        let (Some(pattern), Some(property)) = (args.last(), args.iter().rev().nth(1)) else {
            return Answer::says(2, "", "Usage: svcprop\n");
        };
        let found = self.matching(pattern);
        let Some(service) = found.first().and_then(|fmri| self.services.get(fmri)) else {
            return Answer::says(1, "", &format!("svcprop: Pattern '{pattern}' doesn't match any entities\n"));
        };
        let enabled = service.is_enabled;
        match *property {
            "general/enabled" => Answer::says(0, &format!("{enabled}\n"), ""),
            "general" => Answer::says(0, &format!("general/enabled boolean {enabled}\n"), ""),
            "restarter/state" => Answer::says(0, &format!("{}\n", service.words().0), ""),
            _ => Answer::says(1, "", &format!("svcprop: Couldn't find property '{property}' for '{pattern}'.\n")),
        }
    }

    fn svcadm(&mut self, args: &[&str], now: Timestamp) -> Answer {
        let verbose = args.first() == Some(&"-v");
        let words: Vec<&str> = args.iter().copied().filter(|arg| !arg.starts_with('-')).collect();
        let has = |flag: &str| args.contains(&flag);
        let (Some(verb), Some(pattern)) = (words.first().copied(), words.last().copied()) else {
            return Answer::says(2, "", "Usage: svcadm\n");
        };
        if self.legacy.iter().any(|script| script == pattern) {
            return Answer::says(1, "", &format!("svcadm: Operation not supported for legacy service '{pattern}'\n"));
        }
        let found = self.matching(pattern);
        let fmri = match &found[..] {
            [fmri] => fmri.clone(),
            [] => return Answer::says(1, "", &format!("svcadm: Pattern '{pattern}' doesn't match any instances\n")),
            many => {
                let list: String = many.iter().map(|fmri| format!("    {fmri}\n")).collect();
                return Answer::says(
                    1,
                    "",
                    &format!("svcadm: Pattern '{pattern}' matches multiple instances:\n{list}"),
                );
            }
        };
        let temporary = has("-t");
        let deed = match verb {
            "enable" if temporary => Some(Deed::Start),
            "enable" => Some(Deed::Enable),
            "disable" if temporary => Some(Deed::Stop),
            "disable" => Some(Deed::Disable),
            "restart" => Some(Deed::Restart),
            "refresh" => Some(Deed::Reload),
            "clear" => Some(Deed::Clear),
            _ => None,
        };
        self.deeds.extend(deed.map(|deed| (short(&fmri).into(), deed)));
        let Some(service) = self.services.get_mut(&fmri) else { return Answer::says(1, "", "") };
        let on = verb == "enable";
        let said = match verb {
            "enable" | "disable" => {
                service.failures = 0;
                match temporary {
                    true => service.temporary = Some(on),
                    false => (service.is_enabled, service.temporary) = (on, None),
                }
                format!("{fmri} {}{verb}d.\n", if temporary { "temporarily " } else { "" })
            }
            "restart" => {
                service.failures = 0;
                service.ask(Deed::Restart, now);
                format!("Action restart set for {fmri}.\n")
            }
            "refresh" => {
                service.ask(Deed::Reload, now);
                format!("Action refresh set for {fmri}.\n")
            }
            "clear" => match service.state {
                State::Maintenance => {
                    (service.state, service.failures) = (State::Offline, 0);
                    format!("Action maint_off set for {fmri}.\n")
                }
                State::Degraded => {
                    service.state = State::Online { dies_at: None };
                    format!("Action restore set for {fmri}.\n")
                }
                _ => {
                    let why = "is not in a maintenance or degraded state.";
                    return Answer::says(1, "", &format!("svcadm: Instance \"{fmri}\" {why}\n"));
                }
            },
            "mark" => {
                let action = words.get(1).copied().unwrap_or("");
                service.state = if action == "degraded" { State::Degraded } else { State::Maintenance };
                format!("Action {action} set for {fmri}.\n")
            }
            _ => return Answer::says(2, "", "Usage: svcadm\n"),
        };
        self.advance(now);
        if has("-s")
            && let Some(service) = self.services.get(&fmri)
        {
            let why = |text: &str| format!("svcadm: Instance \"{fmri}\" {text}\n");
            match service.state {
                State::Maintenance => return Answer::says(3, "", &why("is in maintenance state.")),
                State::Offline => return Answer::says(4, "", &why("has unsatisfied dependencies.")),
                _ => {}
            }
        }
        Answer::says(0, if verbose { &said } else { "" }, "")
    }
}

impl Service {
    fn is_wanted(&self) -> bool {
        self.temporary.unwrap_or(self.is_enabled)
    }

    /// Returns the words of its state and of the next one.
    fn words(&self) -> (&'static str, &'static str) {
        match self.state {
            State::Uninitialized => ("uninitialized", "-"),
            State::Disabled => ("disabled", "-"),
            State::Offline => ("offline", "-"),
            State::Starting { .. } => ("offline", "online"),
            State::Online { .. } => ("online", "-"),
            State::Degraded => ("degraded", "-"),
            State::Stopping { .. } if self.is_wanted() => ("online", "offline"),
            State::Stopping { .. } => ("online", "disabled"),
            State::Maintenance => ("maintenance", "-"),
        }
    }

    /// Does the next thing that is due; returns whether there was one.
    fn step(&mut self, is_ready: bool, now: Timestamp) -> bool {
        match self.state {
            State::Starting { until, end } if until <= now => {
                match end {
                    Start::Up(_) => self.state = State::Online { dies_at: None },
                    Start::Dies(_, after) => self.state = State::Online { dies_at: Some(until + after) },
                    Start::Refuses(_) => self.fail(until),
                    Start::Hangs => (self.state, self.moved) = (State::Maintenance, until),
                }
                if let Some(deed) = self.queued.take() {
                    self.ask(deed, until);
                }
            }
            State::Online { dies_at: Some(at) } if at <= now => self.fail(at),
            State::Stopping { until } if until <= now => {
                self.state = if self.is_wanted() { State::Offline } else { State::Disabled };
            }
            State::Uninitialized | State::Disabled if self.is_wanted() => self.state = State::Offline,
            State::Uninitialized | State::Offline | State::Maintenance if !self.is_wanted() => {
                self.state = State::Disabled;
            }
            State::Offline if is_ready => self.begin(now),
            State::Online { .. } | State::Degraded if !self.is_wanted() => {
                self.state = State::Stopping { until: now + self.stops_in };
            }
            State::Online { .. } if self.follows && !is_ready => {
                (self.state, self.moved) = (State::Stopping { until: now + self.stops_in }, now);
            }
            _ => return false,
        }
        true
    }

    /// Restarts it, or has it take in its configuration, if it runs.
    fn ask(&mut self, deed: Deed, at: Timestamp) {
        match self.state {
            State::Starting { .. } => self.queued = Some(deed),
            State::Online { .. } | State::Degraded if deed == Deed::Reload => self.taken_in = at,
            State::Online { .. } | State::Degraded => self.state = State::Stopping { until: at + self.stops_in },
            _ => {}
        }
    }

    fn begin(&mut self, at: Timestamp) {
        self.starts += 1;
        self.taken_in = at;
        let end = self.luck.start(self.starts, self.starts_in);
        let took = match end {
            Start::Up(took) | Start::Refuses(took) | Start::Dies(took, _) => took,
            Start::Hangs => METHOD_MAX,
        };
        self.state = State::Starting { until: at + took, end };
    }

    /// The restarter tries again, until it gives up.
    fn fail(&mut self, at: Timestamp) {
        self.failures += 1;
        self.moved = at;
        match self.failures >= FAILURES_MAX {
            true => self.state = State::Maintenance,
            false => self.state = State::Offline,
        }
    }
}

/// Returns the name of a service in a policy: the last of its path.
fn short(fmri: &str) -> &str {
    let path = fmri.split(':').nth(1).unwrap_or(fmri);
    path.rsplit('/').next().unwrap_or(path)
}

impl Default for Smf {
    fn default() -> Self {
        Self::new()
    }
}

impl Model for Smf {
    fn perform(&mut self, op: &Op, now: Timestamp) -> Answer {
        self.advance(now);
        let Op::Run(command) = op else {
            let unknown = || failed(FailureKind::Other, "it is not known here");
            return Answer { output: self.files.perform(op, now).unwrap_or_else(unknown), took: LOOK };
        };
        let args: Vec<&str> = command.args.iter().map(Text::as_str).collect();
        match command.program.rsplit('/').next() {
            Some("svcs") => self.svcs(&args),
            Some("svcadm") => self.svcadm(&args, now),
            Some("svcprop") => self.svcprop(&args),
            _ => Answer { output: failed(FailureKind::NoProgram, "no such program"), took: LOOK },
        }
    }

    fn services(&self) -> Vec<Arc<str>> {
        self.services.keys().map(|fmri| short(fmri).into()).collect()
    }

    fn can(&self) -> Can {
        Can { run_disabled: true, ..Can::default() }
    }

    fn truth(&mut self, service: &str, now: Timestamp) -> Option<Truth> {
        self.advance(now);
        let (_, of) = self.services.iter().find(|(fmri, _)| short(fmri) == service)?;
        Some(Truth {
            run: match of.state {
                State::Online { .. } => Run::Up,
                State::Disabled | State::Maintenance => Run::Down,
                _ => Run::Between,
            },
            enabled: Some(of.is_enabled),
            masked: false,
            unmaskable: false,
            is_sound: true,
            flags: None,
            start_type: None,
            needs: of.needs.iter().map(|need| short(need).into()).collect(),
            // Whoever stops a service stops nothing else by it.
            stopped_with: Vec::new(),
            taken_in: of.taken_in,
            moved: of.moved,
        })
    }

    fn take_deeds(&mut self) -> Vec<(Arc<str>, Deed)> {
        core::mem::take(&mut self.deeds)
    }

    fn meddle(&mut self, service: &str, number: u64, now: Timestamp) {
        self.advance(now);
        let Some((_, of)) = self.services.iter_mut().find(|(fmri, _)| short(fmri) == service) else { return };
        of.moved = now;
        match number % 5 {
            0 => of.temporary = Some(number.is_multiple_of(2)),
            1 => (of.is_enabled, of.temporary) = (!of.is_enabled, None),
            2 if of.is_wanted() => of.state = State::Maintenance,
            3 if matches!(of.state, State::Online { .. }) => of.state = State::Degraded,
            4 if matches!(of.state, State::Online { .. }) => of.state = State::Stopping { until: now + of.stops_in },
            _ => {}
        }
        self.advance(now);
    }

    fn calm(&mut self, now: Timestamp) {
        self.advance(now);
        for service in self.services.values_mut() {
            service.luck.calm();
            if let State::Online { dies_at } = &mut service.state {
                *dies_at = None;
            }
        }
    }
}
