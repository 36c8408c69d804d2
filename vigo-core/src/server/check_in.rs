//! What an envoy is answered at its check-in.

use super::{CheckInSettings, ServedClass, ServedPolicy, Signer};
use crate::bundle::{Assignment, KeyId, KeySet, Signed};
use crate::fleet::{ClassOf, Envoy, Shown};
use crate::time::Timestamp;
use crate::wire::message::{Answer, CheckIn};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// An answer, and what was noticed on the way to it.
#[derive(Clone, PartialEq, Debug)]
pub struct CheckedIn {
    /// What to send.
    pub answer: Answer,
    /// The counter that the envoy came with is neither the one it was given nor the one before: power was cut, a disk
    /// went back in time, or one identity runs twice.
    pub contact_differs: bool,
    /// The quiet runs that it told of are news.
    pub quiet_is_news: bool,
    /// The envoy has an assignment that this server signed and does not remember: the server's disk went back in time.
    pub was_restored: bool,
}

/// The key set that a server has.
#[derive(Clone, Copy, Debug)]
pub struct ServedKeySet<'a> {
    /// It.
    pub set: &'a KeySet,
    /// The newest version that the server knows of: its own, or one that it was shown and cannot work with.
    pub known: u64,
    /// It, signed by the root.
    pub signed: &'a Signed,
}

/// Decides about a check-in of an authorised envoy, and notes it.
pub fn answer(
    check_in: &CheckIn,
    envoy: &mut Envoy,
    policy: &ServedPolicy,
    settings: &CheckInSettings,
    keyset: ServedKeySet<'_>,
    signer: &mut Signer,
    now: Timestamp,
) -> CheckedIn {
    if core::mem::take(&mut envoy.contact_is_old) {
        envoy.contact = envoy.contact.max(check_in.contact);
    }
    let contact_differs = check_in.contact != envoy.contact && check_in.contact.checked_add(1) != Some(envoy.contact);
    envoy.contact = envoy.contact.saturating_add(1);
    envoy.last_seen = now;
    envoy.called = false;
    let quiet_is_news = check_in.run.is_some_and(|runs| envoy.take_quiet(&runs));
    let mut answer = Answer { contact: envoy.contact, newest_run: newer_run(check_in, envoy), ..Answer::default() };
    envoy.keyset = check_in.keyset;
    // One that has a newer set shows it when it sees an older.
    if check_in.keyset < keyset.set.version || check_in.keyset > keyset.known {
        answer.keyset = Some(keyset.signed.encode());
    }
    if check_in.traits_digest != envoy.traits_digest {
        let known = envoy.traits_digest != [0; 32];
        answer.send_traits = Some(if known { envoy.traits_digest.to_vec() } else { Default::default() });
    }
    envoy.cadence = settings.interval;
    if envoy.class == ClassOf::Pending && policy.is_published {
        envoy.cadence = settings.soon;
    }
    answer.next_in_ms = envoy.cadence.as_ms();
    let was_restored = match wanted(envoy, policy, settings, now) {
        Some((assignment, class)) if !has_it(check_in, envoy, &assignment, class, signer) => {
            assign(check_in, assignment, class, keyset.set, signer, &mut answer)
        }
        _ => false,
    };
    if let Some(epoch) = epoch_of(envoy, policy).filter(|epoch| *epoch != check_in.secrets_epoch) {
        answer.secrets_epoch = Some(epoch);
    }
    tell_servers(check_in, envoy, settings, &mut answer);
    CheckedIn { answer, contact_differs, quiet_is_news, was_restored }
}

/// Tells an envoy where the servers are: once after each start, again when that is changed, and again where the answer
/// that told it was lost.
fn tell_servers(check_in: &CheckIn, envoy: &mut Envoy, settings: &CheckInSettings, answer: &mut Answer) {
    let has_them = |(told, at): &(Arc<[String]>, u64)| *told == settings.servers && check_in.contact >= *at;
    if settings.servers.is_empty() || envoy.servers_told.as_ref().is_some_and(has_them) {
        return;
    }
    answer.servers = settings.servers.to_vec();
    envoy.servers_told = Some((Arc::clone(&settings.servers), answer.contact));
}

/// Returns whether an envoy has what is published for it, as it has shown since the server started.
pub fn is_current(envoy: &Envoy, policy: &ServedPolicy) -> bool {
    match envoy.class {
        ClassOf::Pending => false,
        ClassOf::None => envoy.shown == Shown::Nothing,
        ClassOf::Class(index) => {
            policy.classes.get(index as usize).is_some_and(|class| envoy.shown == Shown::Bundle(class.digest))
        }
    }
}

/// Returns the number of the envoy's newest run, where the check-in tells of an older one; 0 otherwise.
fn newer_run(check_in: &CheckIn, envoy: &Envoy) -> u64 {
    let (Some(told), Some(known)) = (check_in.run, envoy.last_run) else { return 0 };
    if told.incarnation == known.incarnation && told.seq < known.seq { known.seq } else { 0 }
}

/// Returns the epoch of the envoy's secrets, where its class is known.
fn epoch_of(envoy: &Envoy, policy: &ServedPolicy) -> Option<u64> {
    match envoy.class {
        ClassOf::Class(index) => policy.classes.get(index as usize).map(|class| class.secrets_epoch),
        ClassOf::None | ClassOf::Pending => None,
    }
}

/// Returns what the envoy is to apply, and its class; `None` where that is not known yet.
fn wanted<'a>(
    envoy: &Envoy,
    policy: &'a ServedPolicy,
    settings: &CheckInSettings,
    now: Timestamp,
) -> Option<(Assignment, Option<&'a ServedClass>)> {
    let class = match envoy.class {
        _ if !policy.is_published => return None,
        ClassOf::Pending => return None,
        ClassOf::None => None,
        // Where there is none it is of a policy before, and is looked up again.
        ClassOf::Class(index) => Some(policy.classes.get(index as usize)?),
    };
    let assignment = Assignment {
        envoy_id: envoy.id,
        hostname: String::from(&*envoy.hostname),
        environment: class.map(|c| c.environment.clone()).unwrap_or_default(),
        bundle_digest: class.map(|c| c.digest),
        observe_only: settings.observe_only || envoy.observes || class.is_some_and(|c| c.observe_only),
        maintenance: envoy.maintenance.at(now),
        max_age: settings.bundle_max_age,
        interval: settings.interval,
        splay: settings.splay,
        serial: 0,
        issued_at: now,
    };
    Some((assignment, class))
}

/// Returns whether the envoy has that already, and notes what it showed.
fn has_it(
    check_in: &CheckIn,
    envoy: &mut Envoy,
    assignment: &Assignment,
    class: Option<&ServedClass>,
    signer: &Signer,
) -> bool {
    let bundle_key = class.map_or(KeyId([0; 32]), |c| c.key_id);
    let key = KeyId::of(&signer.key().verifying_key());
    let has_it = assignment.digest(key, bundle_key) == *check_in.assignment_digest;
    envoy.shown = match assignment.bundle_digest {
        _ if !has_it => Shown::Other,
        None => Shown::Nothing,
        Some(digest) => Shown::Bundle(digest),
    };
    has_it
}

/// Puts the assignment into the answer. Returns whether the server was set back in time.
fn assign(
    check_in: &CheckIn,
    assignment: Assignment,
    class: Option<&ServedClass>,
    keyset: &KeySet,
    signer: &mut Signer,
    answer: &mut Answer,
) -> bool {
    let next = signer.next_serial(assignment.issued_at.epoch_ms());
    let was_restored = next <= check_in.serial;
    let serial = if was_restored {
        // Only this fleet's keys can have made it, one that is retired since among them, so one envoy cannot raise the
        // serials of others by a lie.
        let keys: Vec<_> = keyset.bundle_keys.iter().map(|trusted| trusted.key).collect();
        let shown = Signed::decode(&check_in.shown_assignment).ok();
        let shown = shown.and_then(|s| Assignment::verify(&s, &keys).ok());
        match shown.filter(|a| a.envoy_id == assignment.envoy_id && a.serial == check_in.serial) {
            Some(shown) => shown.serial.saturating_add(1),
            None => {
                answer.show_assignment = true;
                return false;
            }
        }
    } else {
        signer.use_serial(next);
        next
    };
    answer.assignment = Some(Assignment { serial, ..assignment }.sign(signer.key()).encode());
    answer.bundle = class.map(|c| c.bundle.to_vec());
    was_restored
}
