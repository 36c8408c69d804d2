//! The manager: units, files, and who asks what.

use super::unit::{Install, Kind, State, Unit};
use crate::action::{FailureKind, Op};
use crate::random::Random;
use crate::sim::hosts::files::{Files, failed};
use crate::sim::hosts::luck::Luck;
use crate::sim::hosts::model::{Answer, Can, Deed, LOOK, Model, Run, Truth};
use crate::time::{Duration, Timestamp};
use crate::value::Text;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// A machine whose first process is systemd.
#[derive(Clone, Debug)]
pub struct Systemd {
    pub(super) units: BTreeMap<String, Unit>,
    pub(super) files: Files,
    pub(super) deeds: Vec<(Arc<str>, Deed)>,
}

impl Systemd {
    /// Returns a machine with these units.
    pub fn new(units: impl IntoIterator<Item = Unit>) -> Self {
        let mut systemd = Self { units: BTreeMap::new(), files: Files::default(), deeds: Vec::new() };
        for unit in units {
            let folder = if unit.is_local { "/etc/systemd/system" } else { "/lib/systemd/system" };
            let install = match unit.install {
                Install::Wanted => "[Install]\nWantedBy=multi-user.target\n".to_string(),
                Install::Alias(name) => format!("[Install]\nWantedBy=multi-user.target\nAlias={name}\n"),
                Install::Nothing => String::new(),
                Install::Also => "[Install]\nAlso=other.service\n".to_string(),
            };
            let text = format!("[Service]\nExecStart=/usr/bin/{}\n{install}", unit.name);
            systemd.files.set(&format!("{folder}/{}", unit.name), &text, Timestamp::default());
            systemd.units.insert(unit.name.clone(), unit);
        }
        systemd
    }

    /// Returns a machine with units of every kind in states of every kind, all from a seed. One in `rarity` starts goes
    /// wrong.
    pub fn from_seed(seed: u64, rarity: u64, now: Timestamp) -> Self {
        let mut random = Random::new(seed);
        let mut one_in = |n: u64| random.next().is_multiple_of(n);
        let names = ["web", "db", "cache", "mail", "queue"];
        let mut units = Vec::new();
        for (number, name) in names.into_iter().enumerate() {
            let mut unit = Unit::new(&format!("{name}.service"));
            unit.is_local = one_in(2);
            unit.luck = Luck::new(seed ^ (number as u64) << 32, rarity);
            if one_in(2) {
                unit.kind = Kind::Notify;
                unit.starts_in = Duration::from_ms(if one_in(3) { 20_000 } else { 1_500 });
            }
            unit.install = match () {
                () if one_in(6) => Install::Nothing,
                () if one_in(8) => Install::Also,
                () => Install::Wanted,
            };
            unit.reloads = one_in(2);
            unit.stops_in = Duration::from_ms(if one_in(4) { 9_000 } else { 200 });
            unit.restarts_in = one_in(3).then_some(Duration::from_ms(100));
            unit.is_enabled = one_in(2) && matches!(unit.install, Install::Wanted);
            unit.is_enabled_runtime = one_in(6) && matches!(unit.install, Install::Wanted);
            unit.is_masked = !unit.is_local && one_in(5);
            unit.is_masked_runtime = !unit.is_local && one_in(6);
            unit.is_stale = one_in(5);
            unit.is_bad = one_in(20);
            match () {
                () if one_in(2) && !unit.masked() && !unit.is_bad => unit.begin(now),
                () if one_in(4) => (unit.state, unit.result) = (State::Failed, "exit-code"),
                () if one_in(6) => {
                    unit.state = State::Stopping { until: now + Duration::from_secs(30), again: one_in(4) }
                }
                () => {}
            }
            units.push(unit);
        }
        Self::new(units)
    }

    /// Returns a unit, so that it can be set up.
    pub fn unit(&mut self, name: &str) -> Option<&mut Unit> {
        let name = self.resolve(name)?;
        self.units.get_mut(&name)
    }

    /// Returns the unit that a name means: itself, one that it is an alias of, an instance of a template.
    pub(super) fn resolve(&mut self, name: &str) -> Option<String> {
        let name = if name.contains('.') { name.to_string() } else { format!("{name}.service") };
        if self.units.contains_key(&name) {
            return Some(name);
        }
        let is_alias = |unit: &&Unit| unit.is_enabled && matches!(unit.install, Install::Alias(a) if a == name);
        if let Some(unit) = self.units.values().find(is_alias) {
            return Some(unit.name.clone());
        }
        let (stem, _) = name.split_once('@')?;
        let template = self.units.get(&format!("{stem}@.service"))?.clone();
        self.units.insert(name.clone(), Unit { name: name.clone(), ..template });
        Some(name)
    }

    fn advance(&mut self, now: Timestamp) {
        self.units.values_mut().for_each(|unit| unit.advance(now));
    }
}

impl Model for Systemd {
    fn perform(&mut self, op: &Op, now: Timestamp) -> Answer {
        self.advance(now);
        let Op::Run(command) = op else {
            let output = self.files.perform(op, now);
            let unknown = || failed(FailureKind::Other, "it is not known here");
            return Answer { output: output.unwrap_or_else(unknown), took: LOOK };
        };
        let args: Vec<&str> = command.args.iter().map(Text::as_str).collect();
        match &*command.program {
            "systemctl" => self.systemctl(&args, now),
            "journalctl" => Answer::says(0, "-- No entries --\n", ""),
            _ => Answer { output: failed(FailureKind::NoProgram, "no such program"), took: LOOK },
        }
    }

    fn services(&self) -> Vec<Arc<str>> {
        self.units.keys().filter_map(|name| name.strip_suffix(".service")).map(Arc::from).collect()
    }

    fn can(&self) -> Can {
        Can { mask: true, run_disabled: true, ..Can::default() }
    }

    fn truth(&mut self, service: &str, now: Timestamp) -> Option<Truth> {
        self.advance(now);
        let unit = self.unit(service)?;
        Some(Truth {
            run: match unit.state {
                State::Active { .. } => Run::Up,
                State::Inactive | State::Failed => Run::Down,
                _ => Run::Between,
            },
            enabled: match unit.install {
                Install::Wanted | Install::Alias(_) => Some(unit.is_enabled),
                Install::Nothing | Install::Also => None,
            },
            masked: unit.is_masked || unit.is_masked_runtime,
            is_sound: !unit.is_bad,
            unmaskable: unit.is_local,
            flags: None,
            start_type: None,
            needs: Vec::new(),
            stopped_with: Vec::new(),
            taken_in: unit.taken_in,
            moved: unit.moved,
        })
    }

    fn take_deeds(&mut self) -> Vec<(Arc<str>, Deed)> {
        core::mem::take(&mut self.deeds)
    }

    fn meddle(&mut self, service: &str, number: u64, now: Timestamp) {
        self.advance(now);
        let Some(unit) = self.unit(service) else { return };
        match number % 6 {
            0 => unit.stop(now, false),
            1 if !unit.masked() && !unit.is_bad => unit.stop(now, true),
            2 if matches!(unit.install, Install::Wanted) => unit.is_enabled = !unit.is_enabled,
            3 => unit.touch(),
            4 if !unit.is_local => unit.is_masked_runtime = !unit.is_masked_runtime,
            5 if !unit.is_local => unit.is_masked = !unit.is_masked,
            _ => {}
        }
        unit.moved = now;
    }

    fn calm(&mut self, now: Timestamp) {
        self.advance(now);
        self.units.values_mut().for_each(Unit::calm);
    }
}
