//! What an envoy is answered at its check-in.

use super::{CheckInSettings, ServedClass, ServedPolicy, Signer};
use crate::bundle::{Assignment, KeyId, KeySet, Maintenance, Signed};
use crate::fleet::{ClassOf, Envoy, Past, Shown};
use crate::id::EnvoyId;
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
    /// The envoy has applied newer values of its secrets than there are: they went back, or one was removed.
    pub secrets_are_older: bool,
    /// What the envoy has shown of a time that the database has lost: the server was put back to an earlier state.
    pub remembered: Option<Remembered>,
}

/// What an envoy remembers and the server's database does not. The envoy in memory has it already, but for its name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Remembered {
    /// When its assignment was signed, which is how long there was more than the database has.
    pub at: Timestamp,
    /// It has another name since.
    pub hostname: Option<String>,
    /// It is left alone since, or no more.
    pub maintenance: Option<Maintenance>,
    /// It observes since, or no more.
    pub observes: Option<bool>,
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
    let mut remembered = None;
    let mut waits = false;
    match past(check_in, envoy, keyset.set, signer) {
        Asks::Nothing => {}
        // What is signed now would be in the place of what it is to show.
        Asks::First => (waits, answer.show_assignment) = (!check_in.assignment_digest.is_empty(), true),
        Asks::Again => answer.show_assignment = true,
        Asks::Seen { assignment, is_believed } => {
            let seen = remember(&assignment, is_believed, envoy, policy, settings, now);
            // The policy of the name that it had is not its own.
            waits = seen.hostname.is_some();
            remembered = Some(seen);
        }
    }
    let was_restored = match wanted(envoy, policy, settings, now) {
        Some((assignment, class)) if !has_it(check_in, envoy, &assignment, class, signer) && !waits => {
            assign(check_in, assignment, class, keyset.set, signer, &mut answer)
        }
        _ => false,
    };
    answer.secrets_epoch = epoch_of(envoy, policy).filter(|epoch| *epoch != check_in.secrets_epoch);
    let secrets_are_older = answer.secrets_epoch.is_some_and(|epoch| 0 < epoch && epoch < check_in.secrets_epoch);
    tell_servers(check_in, envoy, settings, &mut answer);
    CheckedIn { answer, contact_differs, quiet_is_news, was_restored, secrets_are_older, remembered }
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

/// How often an envoy is asked that shows nothing: answers get lost.
const ASKED_MAX: u8 = 3;

/// What there is to ask of an envoy about a time that the database may have lost.
enum Asks {
    Nothing,
    /// To show its assignment.
    First,
    /// The same: its answer was lost, or it has nothing to show.
    Again,
    /// Nothing more: it has shown it.
    Seen {
        assignment: Assignment,
        is_believed: bool,
    },
}

/// Looks whether an envoy has an assignment of a time that the database has lost.
fn past(check_in: &CheckIn, envoy: &mut Envoy, keyset: &KeySet, signer: &Signer) -> Asks {
    if envoy.past == Past::Shown || !signer.has_lost(check_in.serial) {
        return Asks::Nothing;
    }
    let Some((assignment, signed)) = shown(check_in, envoy.id, keyset) else {
        let asked = if let Past::Asked(times) = envoy.past { times } else { 0 };
        // What it shows may be of a key that is only to be learned of; what it does not show it may not have.
        let asked = if check_in.shown_assignment.is_empty() { asked } else { asked.min(1) };
        envoy.past = if asked < ASKED_MAX { Past::Asked(asked + 1) } else { Past::Shown };
        return match asked {
            0 => Asks::First,
            ASKED_MAX.. => Asks::Nothing,
            _ => Asks::Again,
        };
    };
    envoy.past = Past::Shown;
    let is_believed = keyset.believed().iter().any(|key| KeyId::of(key) == signed.key_id);
    Asks::Seen { assignment, is_believed }
}

/// Returns the assignment that an envoy shows, if this fleet's keys have made it, one that is retired since among them, for
/// this envoy, and it has the serial that the envoy tells: by a lie none raises the serials of others.
fn shown(check_in: &CheckIn, id: EnvoyId, keyset: &KeySet) -> Option<(Assignment, Signed)> {
    let keys: Vec<_> = keyset.bundle_keys.iter().map(|trusted| trusted.key).collect();
    let signed = Signed::decode(&check_in.shown_assignment).ok()?;
    let assignment = Assignment::verify(&signed, &keys).ok()?;
    (assignment.envoy_id == id && assignment.serial == check_in.serial).then_some((assignment, signed))
}

/// Takes from an assignment what the server knew of the envoy when it signed it. Whose key is retired may be a thief's: it
/// says only that there was such a time.
fn remember(
    assignment: &Assignment,
    is_believed: bool,
    envoy: &mut Envoy,
    policy: &ServedPolicy,
    settings: &CheckInSettings,
    now: Timestamp,
) -> Remembered {
    let at = Timestamp::from_epoch_ms(i64::try_from(assignment.serial).unwrap_or(i64::MAX));
    let mut seen = Remembered { at, hostname: None, maintenance: None, observes: None };
    if !is_believed {
        return seen;
    }
    if *assignment.hostname != *envoy.hostname {
        seen.hostname = Some(assignment.hostname.clone());
    }
    let maintenance = assignment.maintenance.at(now);
    if maintenance != envoy.maintenance.at(now) {
        envoy.maintenance = maintenance;
        seen.maintenance = Some(maintenance);
    }
    let class = policy.class(envoy.class);
    // Where the policy was another one it may have been that which said so.
    let is_its_own = !settings.observe_only
        && class.is_some_and(|class| !class.observe_only && Some(class.digest) == assignment.bundle_digest);
    let observes = assignment.observe_only && (is_its_own || envoy.observes);
    if observes != envoy.observes {
        envoy.observes = observes;
        seen.observes = Some(observes);
    }
    seen
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
        match shown(check_in, assignment.envoy_id, keyset) {
            Some((shown, _)) => shown.serial.saturating_add(1),
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
