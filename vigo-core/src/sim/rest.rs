//! What must be when nothing fails any more.

use super::story::Violation;
use super::world::World;
use crate::bundle::{Assignment, Maintenance};
use crate::fleet::Health;
use alloc::format;
use alloc::string::String;

impl World {
    /// Looks whether everything came to rest.
    pub(super) fn at_rest(&mut self) -> Result<(), Violation> {
        let found = (0..self.machines.len()).find_map(|at| self.unrest(at).map(|what| format!("{at}: {what}")));
        let uses: usize = self.server.disk.tokens.values().map(|token| token.uses as usize).sum();
        let uneven = (uses != self.server.disk.envoys.len() && self.told.restores == 0)
            .then(|| format!("{uses} uses of tokens made {} envoys", self.server.disk.envoys.len()));
        match found.or(uneven) {
            Some(what) => Err(self.violation(what)),
            None => Ok(()),
        }
    }

    /// Returns what is not as it should be with a machine.
    fn unrest(&self, at: usize) -> Option<String> {
        let machine = &self.machines[at];
        let row = self.server.disk.envoys.get(&machine.id);
        let Some(disk) = &machine.disk else {
            let token = self.server.disk.tokens.values().find(|token| token.text.reveal() == machine.token);
            let is_left = token.is_some_and(|token| token.record.uses_left > 0);
            return (is_left && row.is_none_or(|row| !row.revoked))
                .then(|| "its token admits it, and it is not enrolled".into());
        };
        let agent = machine.agent.as_ref()?;
        let wanted = self.server.live().and_then(|publish| publish.digest_for(&machine.hostname));
        if row.is_none() && !self.server.beside.revoked.contains(&machine.id) {
            return Some("the server does not know it any more".into());
        }
        if row.is_none_or(|row| row.revoked) {
            // One that was to be left alone does not hear that this is over.
            let keys = self.server.set.believed();
            let policy = disk.policy.as_ref().and_then(|policy| Assignment::verify(&policy.assignment, &keys).ok());
            let may_run = policy.is_some_and(|assignment| assignment.maintenance == Maintenance::No);
            return (wanted.is_some() && may_run && machine.lived.applied.is_some() && machine.runs == 0)
                .then(|| "it runs no more".into());
        }
        if wanted.is_some() && machine.lived.applied != wanted {
            return Some("it is not on the last policy".into());
        }
        if agent.queued() > 0 {
            return Some(format!("{} reports wait", agent.queued()));
        }
        let open = self.server.open_orders(machine.id, self.now);
        if open > 0 {
            return Some(format!("{open} orders are not answered for"));
        }
        let key = |(incarnation, seq): &(u64, u64)| (machine.id, *incarnation, *seq);
        let missing = machine
            .lived
            .made
            .difference(&machine.lived.dropped)
            .find(|run| !self.server.disk.reports.contains(&key(run)));
        if let Some((incarnation, seq)) = missing.filter(|_| self.told.restores == 0 && !machine.lived.is_doubled) {
            return Some(format!("report {seq} of {incarnation:x} never arrived"));
        }
        let copies = self.machines.iter().filter(|other| other.id == machine.id).count();
        let cloned = row.and_then(|row| row.cloned);
        if cloned.is_some() != (copies > 1) {
            return Some(format!("{copies} machines have its identity, and what is known is {cloned:?}"));
        }
        let health = self.server.fleet()?.get(machine.id)?.last_run.map(|run| run.health);
        let is_fine = wanted.is_none() || health == Some(Health::Converged);
        (!is_fine).then(|| format!("the server has it as {health:?}, incarnation {:x}", disk.counters.incarnation))
    }
}
