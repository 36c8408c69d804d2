//! The manager: services, and what they need of each other.

use super::service::{Service, State};
use crate::action::{FailureKind, Op};
use crate::random::Random;
use crate::resource::service::StartType;
use crate::sim::hosts::files::{Files, failed};
use crate::sim::hosts::luck::Luck;
use crate::sim::hosts::model::{Answer, Can, Deed, LOOK, Model, Run, Truth};
use crate::time::{Duration, Timestamp};
use crate::value::Text;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString as _};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// A Windows machine.
#[derive(Clone, Debug)]
pub struct Scm {
    pub(super) services: BTreeMap<String, Service>,
    pub(super) files: Files,
    pub(super) deeds: Vec<(Arc<str>, Deed)>,
}

/// What a call of the manager is answered: the number of a Windows error.
pub(super) type Called = Result<(), (i32, Duration)>;

impl Scm {
    /// Returns a machine with the service `food`, which starts at boot and is stopped.
    pub fn new() -> Self {
        let mut scm = Self { services: BTreeMap::new(), files: Files::default(), deeds: Vec::new() };
        scm.services.insert("food".into(), Service::new("Food", Luck::good()));
        scm
    }

    /// Returns a machine with services of every kind in states of every kind, all from a seed. One in `rarity` starts goes
    /// wrong.
    pub fn from_seed(seed: u64, rarity: u64, now: Timestamp) -> Self {
        let mut random = Random::new(seed);
        let mut one_in = |n: u64| random.next().is_multiple_of(n);
        let mut scm = Self { services: BTreeMap::new(), files: Files::default(), deeds: Vec::new() };
        let mut earlier: Vec<String> = Vec::new();
        for (number, name) in ["db", "web", "cache", "mail", "queue"].into_iter().enumerate() {
            let mut service = Service::new(&name.to_uppercase(), Luck::new(seed ^ (number as u64) << 32, rarity));
            service.start_type = match () {
                () if one_in(4) => StartType::Disabled,
                () if one_in(4) => StartType::Manual,
                () if one_in(4) => StartType::Delayed,
                () => StartType::Auto,
            };
            service.needs = earlier.iter().filter(|_| one_in(6)).cloned().collect();
            service.can_pause = one_in(3);
            service.starts_in = Duration::from_ms(if one_in(3) { 12_000 } else { 300 });
            service.stops_in = Duration::from_ms(if one_in(3) { 15_000 } else { 200 });
            let has_needs = service.needs.iter().all(|need| scm.services.get(need).is_some_and(Service::is_active));
            service.state = match () {
                () if has_needs && one_in(2) => State::Running { dies_at: None },
                () if has_needs && service.can_pause && one_in(2) => State::Paused,
                () if service.needs.is_empty() && one_in(5) => {
                    State::StopPending { until: now + Duration::from_secs(20) }
                }
                () => State::Stopped,
            };
            scm.services.insert(name.into(), service);
            earlier.push(name.into());
        }
        scm
    }

    /// Returns the name as the manager has it: names compare in any case.
    pub(super) fn name(&self, name: &str) -> Option<String> {
        self.services.keys().find(|own| own.eq_ignore_ascii_case(name)).cloned()
    }

    /// Returns what needs the service, and what needs that, the last first.
    pub(super) fn dependents(&self, name: &str) -> Vec<String> {
        let mut all = Vec::new();
        for (dependent, service) in &self.services {
            if service.needs.iter().any(|need| need == name) {
                for further in self.dependents(dependent).into_iter().chain([dependent.clone()]) {
                    if !all.contains(&further) {
                        all.push(further);
                    }
                }
            }
        }
        all
    }

    /// Returns what the service needs, and what that needs.
    fn all_needs(&self, name: &str) -> Vec<String> {
        let is_needed = |other: &&String| self.dependents(other).iter().any(|dependent| dependent == name);
        self.services.keys().filter(is_needed).cloned().collect()
    }

    pub(super) fn note(&mut self, name: &str, deed: Deed) {
        self.deeds.push((name.into(), deed));
    }

    /// StartService: what it needs is started before it.
    pub(super) fn start(&mut self, name: &str, now: Timestamp) -> Called {
        let fast = |number| Err((number, LOOK));
        let Some(service) = self.services.get(name) else { return fast(1060) };
        match service.state {
            _ if service.start_type == StartType::Disabled && !service.is_active() => return fast(1058),
            State::Stopped => {}
            _ => return fast(1056),
        }
        let mut at = now;
        for need in service.needs.clone() {
            let Some(of) = self.services.get_mut(&need) else { return fast(1075) };
            if !of.is_active() {
                of.moved = now;
                if let Err((_, took)) = self.start(&need, at) {
                    return Err((1068, took));
                }
            }
            let Some((rests, then)) = self.services.get(&need).map(|of| of.rest(at)) else { continue };
            at = rests;
            if !then.is_active() {
                return Err((1068, at.since(now)));
            }
        }
        match self.services.get_mut(name).map(|service| service.begin(at)) {
            Some(Err(took)) => Err((1053, (at + took).since(now))),
            _ => Ok(()),
        }
    }

    /// ControlService with SERVICE_CONTROL_STOP.
    pub(super) fn stop(&mut self, name: &str, now: Timestamp) -> Called {
        let fast = |number| Err((number, LOOK));
        let is_active = |other: &String| self.services.get(other).is_some_and(Service::is_active);
        let is_needed = self.dependents(name).iter().any(is_active);
        let Some(service) = self.services.get_mut(name) else { return fast(1060) };
        match service.state {
            State::Stopped => fast(1062),
            State::StartPending { .. } | State::StopPending { .. } => fast(1061),
            _ if is_needed => fast(1051),
            State::Running { .. } | State::Paused | State::ContinuePending { .. } => {
                service.state = State::StopPending { until: now + service.stops_in };
                Ok(())
            }
        }
    }

    fn advance(&mut self, now: Timestamp) {
        self.services.values_mut().for_each(|service| service.advance(now));
        self.services.retain(|_, service| !service.is_marked || service.is_active());
    }
}

impl Default for Scm {
    fn default() -> Self {
        Self::new()
    }
}

impl Model for Scm {
    fn perform(&mut self, op: &Op, now: Timestamp) -> Answer {
        self.advance(now);
        let Op::Run(command) = op else {
            let unknown = || failed(FailureKind::Other, "it is not known here");
            return Answer { output: self.files.perform(op, now).unwrap_or_else(unknown), took: LOOK };
        };
        let args: Vec<&str> = command.args.iter().map(Text::as_str).collect();
        match command.program.rsplit('\\').next() {
            Some("sc.exe") => self.sc(&args, now),
            Some("net.exe") => self.net(&args, now),
            Some("reg.exe") => self.reg(&args),
            _ => Answer { output: failed(FailureKind::NoProgram, "no such program"), took: LOOK },
        }
    }

    fn services(&self) -> Vec<Arc<str>> {
        self.services.keys().map(|name| name.as_str().into()).collect()
    }

    fn can(&self) -> Can {
        Can { start_type: true, ..Can::default() }
    }

    fn truth(&mut self, service: &str, now: Timestamp) -> Option<Truth> {
        self.advance(now);
        let of = self.services.get(service)?;
        let is_off = |need: &String| {
            self.services.get(need).is_some_and(|of| of.start_type == StartType::Disabled && !of.is_active())
        };
        Some(Truth {
            run: match of.state {
                State::Running { .. } => Run::Up,
                State::Stopped => Run::Down,
                _ => Run::Between,
            },
            enabled: Some(matches!(of.start_type, StartType::Auto | StartType::Delayed | StartType::Kernel)),
            masked: false,
            unmaskable: false,
            is_sound: true,
            flags: None,
            start_type: Some(of.start_type),
            // What it needs is started with it, unless that is disabled.
            needs: of.needs.iter().filter(|need| is_off(need)).map(|need| need.as_str().into()).collect(),
            stopped_with: self.all_needs(service).iter().map(|need| need.as_str().into()).collect(),
            taken_in: of.taken_in,
            moved: of.moved,
        })
    }

    fn take_deeds(&mut self) -> Vec<(Arc<str>, Deed)> {
        core::mem::take(&mut self.deeds)
    }

    fn meddle(&mut self, service: &str, number: u64, now: Timestamp) {
        self.advance(now);
        let words = [StartType::Auto, StartType::Delayed, StartType::Manual, StartType::Disabled];
        match number % 4 {
            // It is refused where it cannot be: nobody minds.
            0 => drop(self.stop(service, now)),
            1 => drop(self.start(service, now)),
            _ => {}
        }
        let Some(of) = self.services.get_mut(service) else { return };
        of.moved = now;
        match (number % 4, of.state) {
            (2, _) => of.start_type = words[(number / 4 % 4) as usize],
            (3, State::Running { .. }) if of.can_pause => of.state = State::Paused,
            _ => {}
        }
        self.deeds.clear();
    }

    fn calm(&mut self, now: Timestamp) {
        self.advance(now);
        self.services.values_mut().for_each(Service::calm);
    }
}

/// Returns the number and the word of a start type, as `sc.exe qc` prints them.
pub(super) fn start_words(start_type: StartType) -> (u32, String) {
    match start_type {
        StartType::Kernel => (0, "BOOT_START".to_string()),
        StartType::Auto => (2, "AUTO_START".to_string()),
        StartType::Delayed => (2, "AUTO_START  (DELAYED)".to_string()),
        StartType::Manual => (3, "DEMAND_START".to_string()),
        StartType::Disabled => (4, "DISABLED".to_string()),
    }
}
