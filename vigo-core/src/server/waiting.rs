//! Machines that were this fleet's and that nobody takes up by himself: they wait until somebody says that they may come in.
//!
//! Each has shown a certificate of an authority that the root once signed for, and the key that its id is made of. That
//! authority is retired, or the certificate has ended: whoever stole the one has such certificates, too. So a person decides.

use super::Adoption;
use crate::id::EnvoyId;
use crate::limits::WAITING_MAX;
use crate::time::{Duration, Timestamp};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::IpAddr;

/// Who waits, in memory: after a restart they say so again.
#[derive(Clone, Debug, Default)]
pub struct Waiting {
    envoys: BTreeMap<EnvoyId, Waits>,
}

/// A machine that waits.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Waits {
    /// Who it is, as it has proved, and the name that it had last.
    pub adoption: Adoption,
    /// Where it was heard from.
    pub remote: IpAddr,
    /// When it was first heard.
    pub since: Timestamp,
    /// When it was last heard.
    pub heard: Timestamp,
    /// Who lets it in with its next check-in, and until when that is good.
    pub admitted: Option<(String, Timestamp)>,
}

/// How long one is remembered that is not heard, and one that is let in is waited for: the longest back-off is a fraction.
const REMEMBERED: Duration = Duration::from_secs(86_400);

impl Waiting {
    /// Takes note of a machine that has proved itself, and is not taken up by that. Returns who has let it in.
    pub fn heard(&mut self, adoption: Adoption, remote: IpAddr, now: Timestamp) -> Option<String> {
        self.tidy(now);
        if self.envoys.len() >= WAITING_MAX && !self.envoys.contains_key(&adoption.id) {
            return None;
        }
        let new = || Waits { adoption: adoption.clone(), remote, since: now, heard: now, admitted: None };
        let waits = self.envoys.entry(adoption.id).or_insert_with(new);
        if waits.adoption != adoption {
            // What was said of another name does not hold for this one.
            waits.admitted = None;
        }
        (waits.adoption, waits.remote, waits.heard) = (adoption, remote, now);
        waits.admitted.as_ref().map(|(by, _)| by.clone())
    }

    /// Lets all in that wait, with their next check-in, by the word of `by`. Returns those for whom that is news.
    pub fn admit_all(&mut self, by: &str, now: Timestamp) -> Vec<Waits> {
        self.tidy(now);
        let waiting = self.envoys.values_mut().filter(|waits| waits.admitted.is_none());
        waiting
            .map(|waits| {
                waits.admitted = Some((by.into(), now + REMEMBERED));
                waits.clone()
            })
            .collect()
    }

    /// Takes that a machine waits no more: it is in, or thrown out.
    pub fn forget(&mut self, id: EnvoyId) {
        self.envoys.remove(&id);
    }

    /// Returns who waits, by name.
    pub fn all(&mut self, now: Timestamp) -> Vec<Waits> {
        self.tidy(now);
        let mut all: Vec<_> = self.envoys.values().cloned().collect();
        all.sort_by(|a, b| (&a.adoption.hostname, a.adoption.id).cmp(&(&b.adoption.hostname, b.adoption.id)));
        all
    }

    fn tidy(&mut self, now: Timestamp) {
        for waits in self.envoys.values_mut() {
            if waits.admitted.as_ref().is_some_and(|(_, until)| *until <= now) {
                waits.admitted = None;
            }
        }
        self.envoys.retain(|_, waits| now.since(waits.heard) < REMEMBERED);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::SigningKey;

    fn adoption(n: u8, hostname: &str) -> Adoption {
        let key = SigningKey::from_bytes(&[n; 32]).verifying_key();
        Adoption { id: EnvoyId::of(&key), key, hostname: hostname.into() }
    }

    #[test]
    fn who_waits_is_let_in_by_name_once_somebody_says_so_and_for_a_day() {
        let (from, at) = (IpAddr::from([192, 0, 2, 1]), Timestamp::from_epoch_secs(1000));
        let later = |seconds| at + Duration::from_secs(seconds);
        let mut waiting = Waiting::default();
        assert_eq!(waiting.heard(adoption(1, "b"), from, at), None);
        assert_eq!(waiting.heard(adoption(2, "a"), from, at), None);
        assert_eq!(waiting.heard(adoption(1, "b"), from, later(5)), None, "to be heard again is no admission");
        let all = waiting.all(later(5));
        let names: Vec<_> = all.iter().map(|waits| (&*waits.adoption.hostname, waits.since, waits.heard)).collect();
        assert_eq!(names, [("a", at, at), ("b", at, later(5))]);
        assert_eq!(waiting.admit_all("ann", later(10)).len(), 2);
        assert_eq!(waiting.admit_all("ann", later(10)).len(), 0, "it is known");
        assert_eq!(waiting.heard(adoption(3, "c"), from, later(11)), None, "who comes after waits");
        assert_eq!(waiting.heard(adoption(1, "b"), from, later(12)).as_deref(), Some("ann"));
        waiting.forget(adoption(1, "b").id);
        assert_eq!(waiting.heard(adoption(1, "b"), from, later(13)), None, "that was good once");
        assert_eq!(waiting.heard(adoption(2, "other"), from, later(14)), None, "under another name it waits again");
        waiting.admit_all("ann", later(20));
        assert_eq!(waiting.heard(adoption(3, "c"), from, later(20 + 86_400)), None, "the word of yesterday");
        assert!(waiting.all(later(3 * 86_400)).is_empty(), "who is gone does not wait");
    }

    #[test]
    fn only_so_many_wait() {
        let (from, at) = (IpAddr::from([192, 0, 2, 1]), Timestamp::from_epoch_secs(1000));
        let mut waiting = Waiting::default();
        let one = waiting.heard(adoption(1, "a"), from, at);
        let waits = waiting.all(at).remove(0);
        for n in 0..WAITING_MAX as u64 {
            let mut id = [7; 16];
            id[..8].copy_from_slice(&n.to_be_bytes());
            waiting.envoys.insert(EnvoyId(id), waits.clone());
            if waiting.envoys.len() == WAITING_MAX {
                break;
            }
        }
        assert_eq!((one, waiting.heard(adoption(2, "b"), from, at)), (None, None));
        assert_eq!(waiting.envoys.len(), WAITING_MAX);
        waiting.admit_all("ann", at);
        assert!(waiting.heard(adoption(1, "a"), from, at).is_some(), "who is in the list stays there");
    }
}
