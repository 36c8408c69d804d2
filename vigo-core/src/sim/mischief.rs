//! What goes wrong, and what people do meanwhile.

use super::machine::{Lived, Machine};
use super::policy::Publish;
use super::restored::By;
use super::story::Violation;
use super::world::{Event, FLUSH_PERIOD, REMEMBERED, START, World};
use crate::bundle::{Maintenance, OrderId};
use crate::id::EnvoyId;
use crate::time::{Duration, Timestamp};
use crate::wire::Channel;
use alloc::format;
use alloc::string::ToString as _;
use alloc::vec::Vec;

/// How long a machine is left alone at the most, where that ends by itself.
const REST_MS_MAX: u64 = 600_000;

impl World {
    pub(super) fn mischief(&mut self) -> Result<(), Violation> {
        if self.now >= START + self.story.storm {
            return Ok(());
        }
        let crowd = self.machines.len() as u64;
        // The larger the fleet the more happens.
        let pause = 1000 + self.faults.below(200_000 / crowd.clamp(1, 100));
        self.at(self.now + Duration::from_ms(pause), Event::Mischief);
        let at = self.faults.below(crowd) as usize;
        match self.faults.below(16) {
            0 | 1 => self.publish(),
            _ if self.story.rarity == 0 => {}
            2 => self.crash_server(true),
            3 | 4 if self.machines[at].agent.is_some() => self.crash(at),
            5 => {
                let long = Duration::from_secs(self.faults.below(300));
                self.machines[at].cut_until = self.now + long;
            }
            6 => return self.turn_clock(at),
            7 => self.replay(),
            8 if self.story.restores => self.restore(),
            8 if self.story.losses => self.lose(),
            9 if self.faults.below(crowd.max(8)) == 0 => {
                let id = self.machines[at].id;
                self.note(|| format!("{at}: revoked"));
                self.server.revoke(id);
            }
            10 | 11 => self.order(at),
            12 if self.story.snapshots => self.set_back(at),
            13 if self.story.copies && self.told.copies == 0 => self.copy(at),
            14 => self.rest(at),
            15 => return self.steal(at),
            _ => {}
        }
        Ok(())
    }

    fn order(&mut self, at: usize) {
        let id = OrderId(self.faults.below(u64::MAX).to_be_bytes().repeat(2).try_into().unwrap_or_default());
        let envoy = self.machines[at].id;
        self.note(|| format!("{at}: ordered {id}"));
        self.told.orders += 1;
        self.server.order(envoy, id, self.now);
        self.call();
    }

    /// Has a machine left alone: until a time, until somebody ends it, or no more.
    fn rest(&mut self, at: usize) {
        let end = self.server.clock(self.now) + Duration::from_ms(self.faults.below(REST_MS_MAX));
        let maintenance = match self.faults.below(4) {
            0 => Maintenance::No,
            1 => Maintenance::Open,
            _ => Maintenance::Until(end),
        };
        self.note(|| format!("{at}: {maintenance}"));
        self.told.rests += u64::from(maintenance != Maintenance::No);
        self.server.rest(self.machines[at].id, maintenance);
        self.call();
    }

    pub(super) fn publish(&mut self) {
        let number = self.told.publishes;
        if let Some(publish) = Publish::new(number, &self.server.key).filter(|_| self.server.is_up()) {
            self.told.publishes += 1;
            self.server.publish(publish, self.now);
            self.call();
            self.note(|| format!("server: publish {number}"));
        }
    }

    pub(super) fn start_server(&mut self) {
        self.server.start(self.now);
        let boot = self.server.boot;
        self.note(|| format!("server: start {boot}"));
        self.at(self.now + FLUSH_PERIOD, Event::Flush { boot });
    }

    /// Cuts the power of the server; what was to be committed may be.
    pub(super) fn crash_server(&mut self, may_commit: bool) {
        if !self.server.is_up() {
            return;
        }
        self.told.crashes += 1;
        let is_committed = may_commit && self.faults.coin();
        self.server.crash(is_committed, self.now);
        self.links.clear();
        self.server.skew_ms = if self.faults.strikes(1) { self.skew(3_600_000) } else { self.server.skew_ms };
        self.note(|| "server: crashed".to_string());
        let back = self.now + Duration::from_ms(self.faults.below(60_000));
        self.at(back, Event::ServerUp);
    }

    /// The disk of the server goes back in time, but for the file of revoked ids.
    fn restore(&mut self) {
        let Some(snapshot) = self.snapshot.take() else {
            self.snapshot = Some(self.server.disk.clone());
            return;
        };
        self.crash_server(true);
        if self.server.is_up() {
            return;
        }
        let by = match self.faults.below(3) {
            // What was done since the stamp was written, some seconds ago, it does not tell of.
            0 if self.server.tells(&snapshot) => By::Hand,
            1 => By::Volume,
            _ => By::Restore,
        };
        self.server.put_back(snapshot, by);
        self.told.restores += 1;
        self.told.volumes += u64::from(by == By::Volume);
        self.note(|| format!("server: its disk went back in time, {by:?}"));
    }

    /// The disk of a machine goes back in time.
    fn set_back(&mut self, at: usize) {
        match self.machines[at].snapshot.take() {
            Some((disk, lived)) => {
                self.crash(at);
                let machine = &mut self.machines[at];
                (machine.disk, machine.lived) = (Some(disk), Lived { is_doubled: true, ..lived });
                self.told.snapshots += 1;
                self.note(|| format!("{at}: its disk went back in time"));
            }
            None => {
                let machine = &mut self.machines[at];
                machine.snapshot = machine.disk.clone().map(|disk| (disk, machine.lived.clone()));
            }
        }
    }

    /// The disk of a machine is copied into another one: identity, name and all.
    fn copy(&mut self, at: usize) {
        let machine = &mut self.machines[at];
        if machine.disk.is_none() {
            return;
        }
        machine.lived.is_doubled = true;
        let (disk, lived) = (machine.disk.clone(), machine.lived.clone());
        let copy = Machine::new(machine.key.clone(), machine.hostname.clone(), machine.token.clone());
        let number = self.machines.len();
        self.machines.push(Machine { disk, lived, ..copy });
        self.told.copies += 1;
        self.note(|| format!("{at}: copied into {number}"));
        self.at(self.now, Event::Boot(number));
    }

    /// Turns the clock of a machine: by some minutes mostly, by years now and then.
    fn turn_clock(&mut self, at: usize) -> Result<(), Violation> {
        let most = if self.faults.coin() { 600_000 } else { 3 * 365 * 86_400_000 };
        self.machines[at].skew_ms = self.skew(most);
        self.note(|| format!("{at}: its clock was set"));
        self.drive(at)
    }

    fn skew(&mut self, most_ms: u64) -> i64 {
        let ms = i64::try_from(self.faults.below(most_ms)).unwrap_or(0);
        if self.faults.coin() { ms } else { -ms }
    }

    /// Sends a request again that was answered, over whatever connection is open.
    fn replay(&mut self) {
        let chosen = self.faults.below(REMEMBERED as u64) as usize;
        let open = self.links.iter().find(|(_, link)| link.channel == Channel::Request).map(|(id, _)| *id);
        if let (Some(bytes), Some(link)) = (self.answered.get(chosen).cloned(), open) {
            self.again(link, bytes);
        }
    }

    /// Sends a request that was answered over this connection, after a while.
    pub(super) fn again(&mut self, link: u64, bytes: Vec<u8>) {
        let number = self.next_number();
        self.replays.insert(number);
        let due = self.now + self.faults.delay();
        self.at(due, Event::Arrive { link, number, bytes });
    }

    /// Nothing fails any more; what is off comes back, and there is one more publish.
    pub(super) fn calm(&mut self) {
        self.note(|| "calm".to_string());
        self.faults.stop();
        self.server.is_calm = true;
        self.story.hostile = false;
        self.server.skew_ms = 0;
        if !self.server.is_up() {
            self.start_server();
        }
        // What ends by itself is left to, unless a clock that was far ahead said when.
        let soon = self.now + Duration::from_ms(REST_MS_MAX);
        let stays = |maintenance: Maintenance| maintenance == Maintenance::Open || maintenance.holds(soon);
        let resting = self.server.disk.envoys.iter().filter(|(_, row)| stays(row.maintenance));
        let resting: Vec<EnvoyId> = resting.map(|(id, _)| *id).collect();
        resting.into_iter().for_each(|id| self.server.rest(id, Maintenance::No));
        for machine in &mut self.machines {
            machine.cut_until = Timestamp::default();
        }
        self.publish();
        if self.told.losses > 0 {
            // Those whom no pattern admits are heard within a back-off.
            self.at(self.now + Duration::from_secs(400), Event::LetIn);
        }
    }
}
