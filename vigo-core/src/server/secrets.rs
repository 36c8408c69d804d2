//! Who gets which secret.

use super::ServedClass;
use crate::fleet::Envoy;
use crate::id::EnvoyId;
use crate::limits;
use crate::secret::SecretNeeds;
use crate::time::Timestamp;
use alloc::sync::Arc;
use hashbrown::HashMap;

/// What a reference is to the envoy that asks for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Claimed {
    /// It stands in the envoy's policy: the envoy gets it.
    Own,
    /// It stood there before: the envoy checks in first.
    Stale,
    /// It is none of the envoy's business.
    Foreign,
}

/// Decides what `path` is to an envoy of this name: `own` are the secrets of the policy that is assigned to it, `before`
/// those of the policies that were.
pub fn secret_claim<'a>(
    hostname: &str,
    path: &str,
    own: Option<&SecretNeeds>,
    before: impl IntoIterator<Item = &'a Arc<SecretNeeds>>,
) -> Claimed {
    if own.is_some_and(|own| own.has_for(hostname, path)) {
        Claimed::Own
    } else if before.into_iter().any(|needs| needs.has_for(hostname, path)) {
        Claimed::Stale
    } else {
        Claimed::Foreign
    }
}

/// Returns the epoch of a class: the newest revision of its secrets. It rises when one of them has a new value, and never
/// for another's.
pub fn secrets_epoch(class: &ServedClass, revision: impl Fn(&str) -> Option<u64>) -> u64 {
    class.secrets.all().iter().filter_map(|path| revision(path)).max().unwrap_or(0)
}

/// Returns whether an envoy gets secrets at all. With `on_clone: withhold_secrets` one that seems to run twice gets none.
pub fn may_have_secrets(envoy: &Envoy, withhold_from_clones: bool) -> bool {
    let is_withheld = withhold_from_clones && envoy.cloned.is_some();
    !envoy.revoked && !is_withheld
}

/// Counts what envoys ask for that is not theirs.
#[derive(Clone, Debug, Default)]
pub struct Denials {
    envoys: HashMap<EnvoyId, (Timestamp, u32)>,
}

/// Milliseconds that are counted together.
const WINDOW_MS: u64 = 60_000;

impl Denials {
    /// Returns whether the envoy has asked so often for what is not its own that it is not listened to for now.
    pub fn is_deaf_to(&self, envoy: EnvoyId, now: Timestamp) -> bool {
        self.envoys
            .get(&envoy)
            .is_some_and(|(start, count)| *count >= limits::SECRETS_DENIED_A_MINUTE_MAX && !is_over(*start, now))
    }

    /// Counts a question for what is not the envoy's own. Returns whether it is the first in a while: each is worth a line
    /// in the audit.
    pub fn count(&mut self, envoy: EnvoyId, now: Timestamp) -> bool {
        let (start, count) = self.envoys.entry(envoy).or_insert((now, 0));
        if is_over(*start, now) {
            (*start, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
        *count == 1
    }
}

fn is_over(start: Timestamp, now: Timestamp) -> bool {
    now.since(start).as_ms() >= WINDOW_MS || start > now
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::{PolicyBundle, SigningKey, sign};
    use crate::time::Duration;
    use alloc::string::String;

    fn needs(paths: &[&str]) -> Arc<SecretNeeds> {
        let secret_refs = paths.iter().map(|p| Arc::from(*p)).collect();
        Arc::new(SecretNeeds::of(&PolicyBundle { secret_refs, ..PolicyBundle::default() }))
    }

    #[test]
    fn only_what_the_policy_of_now_refers_to_is_given() {
        let (own, before) = (needs(&["db/pw", "new"]), [needs(&["old"]), needs(&["db/pw", "older"])]);
        let cases = [
            ("db/pw", Claimed::Own),
            ("new", Claimed::Own),
            ("old", Claimed::Stale),
            ("older", Claimed::Stale),
            ("db/p", Claimed::Foreign),
            ("", Claimed::Foreign),
        ];
        for (path, expected) in cases {
            assert_eq!(secret_claim("web-1", path, Some(&own), &before), expected, "{path}");
        }
        assert_eq!(secret_claim("web-1", "db/pw", None, []), Claimed::Foreign);
    }

    #[test]
    fn an_epoch_rises_with_the_secrets_of_its_class_only() {
        let signed = sign(&PolicyBundle::default(), &SigningKey::from_bytes(&[1; 32])).unwrap();
        let class = ServedClass::new(&signed, String::new(), false, false).with_secrets(needs(&["a", "b", "unset"]));
        let revisions = |a: u64, c: u64| {
            move |path: &str| [("a", a), ("b", 5), ("c", c)].iter().find(|(p, _)| *p == path).map(|(_, r)| *r)
        };
        assert_eq!(secrets_epoch(&class, revisions(3, 9)), 5);
        assert_eq!(secrets_epoch(&class, revisions(7, 9)), 7);
        assert_eq!(secrets_epoch(&class, |_| None), 0);
    }

    #[test]
    fn who_asks_for_others_secrets_is_told_of_once_and_not_listened_to_in_the_end() {
        let (mut denials, now) = (Denials::default(), Timestamp::from_epoch_secs(1_000_000));
        let (bad, good) = (EnvoyId([1; 16]), EnvoyId([2; 16]));
        let told = (0..20).filter(|_| denials.count(bad, now)).count();
        assert_eq!((told, denials.is_deaf_to(bad, now), denials.is_deaf_to(good, now)), (1, true, false));
        let later = now + Duration::from_secs(60);
        assert!(!denials.is_deaf_to(bad, later) && denials.count(bad, later), "once more");
        assert!(!denials.is_deaf_to(bad, later));
        denials.count(bad, now);
        assert!(!denials.is_deaf_to(bad, now), "a clock that went back");
    }
}
