//! The server is lost with all that it has but its recovery kit, and another takes its place.

use super::server::{Disk, Server};
use super::world::{Event, World};
use crate::bundle::{KeySet, KeyState, NewKey, SigningKey};
use crate::glob::Glob;
use crate::server::{Network, Trusted};
use crate::time::{Duration, Timestamp};
use crate::wire::{Channel, Kind};

impl Server {
    /// Begins anew on an empty disk, with other keys for which the root has signed. Whom it threw out somebody still knows.
    pub(super) fn lose(&mut self, key: SigningKey, now: Timestamp) {
        self.authority = self.authority.saturating_add(1);
        let new = [NewKey::Bundle(key.verifying_key()), NewKey::Ca([self.authority].into())];
        self.set = self.set.replacing(new);
        self.set.version = self.set.version.max(u64::try_from(now.epoch_secs()).unwrap_or(0));
        self.keyset = self.set.sign(&self.kit);
        self.key = key;
        // The last publish is what is lost last: it is published again, by the new key.
        self.disk = Disk::default();
        self.beside.forget();
    }

    /// Trusts the names that begin with these letters, from anywhere.
    pub(super) fn trust(&mut self, glob: &str) {
        if let Ok(pattern) = Glob::parse(glob) {
            self.trusted.push(Trusted { pattern, from: Network::ANY, until: None });
        }
    }

    /// Returns whether a machine with this key set believes the server.
    fn is_believed_by(&self, set: &KeySet) -> bool {
        let own = self.set.cas.iter().find(|ca| ca.state == KeyState::Active);
        own.is_some_and(|own| set.authorities().any(|ca| ca == own.certificate))
    }
}

impl World {
    /// Loses the server, once in a story.
    pub(super) fn lose(&mut self) {
        if self.told.losses > 0 {
            return;
        }
        self.crash_server(true);
        if self.server.is_up() {
            return;
        }
        let key = SigningKey::from_bytes(&self.faults.bytes());
        self.server.lose(key, self.now);
        self.server.trust("web-*");
        self.snapshot = None;
        (self.told.losses, self.told.restores) = (1, self.told.restores + 1);
        self.note(|| "server: lost, and begun anew by its recovery kit".into());
    }

    /// Lets all in that wait.
    pub(super) fn let_in(&mut self) {
        let now = self.server.clock(self.now);
        let count = self.server.waiting.admit_all("somebody", now).len();
        self.note(|| alloc::format!("server: {count} are let in"));
    }

    /// Returns whether the machine takes the server for its own on this channel. Who asks for the key set takes anybody.
    pub(super) fn believes(&self, at: usize, channel: Channel, kind: Kind) -> bool {
        let Some(machine) = self.machines.get(at) else { return false };
        if machine.agent.is_none() || (channel, kind) == (Channel::Enrol, Kind::GetKeySet) {
            return true;
        }
        let set = machine.disk.as_ref().and_then(|disk| KeySet::verify(&disk.keyset, &self.server.root).ok());
        set.is_some_and(|set| self.server.is_believed_by(&set))
    }

    /// Has a machine find that it does not believe the server, a moment from now.
    pub(super) fn is_strange(&mut self, at: usize, kind: Kind) {
        let number = self.next_number();
        let Some(machine) = self.machines.get_mut(at) else { return };
        machine.asked = Some((number, kind));
        let boot = machine.boot;
        self.at(self.now + Duration::from_ms(5), Event::Strange { machine: at, boot, number });
    }
}
