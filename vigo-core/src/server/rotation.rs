//! When a key that was announced may take the place of the one before.

use crate::fleet::{Envoy, FleetIndex};
use crate::time::{Duration, Timestamp};

/// How long an envoy that is not heard of is waited for. One that comes later asks for the key set itself.
const PATIENCE: Duration = Duration::from_secs(30 * 86_400);

/// Returns the envoys, in no order, that have not acknowledged this version of the key set, of those that were heard of
/// within thirty days: while there are any, what it announces is not used.
pub fn behind(fleet: &FleetIndex, version: u64, now: Timestamp) -> impl Iterator<Item = &Envoy> {
    fleet.iter().filter(move |envoy| !envoy.revoked && envoy.keyset < version && now.since(envoy.last_seen) < PATIENCE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::SigningKey;
    use crate::id::EnvoyId;
    use alloc::vec::Vec;

    #[test]
    fn those_who_were_heard_of_are_waited_for() {
        let now = Timestamp::from_epoch_secs(1_800_000_000);
        let day = |days: u64| now - Duration::from_secs(days * 86_400);
        let cases = [
            ("behind", 1, day(0), false, true),
            ("behind-of-late", 1, day(29), false, true),
            ("silent", 1, day(30), false, false),
            ("revoked", 1, day(0), true, false),
            ("up-to-date", 2, day(0), false, false),
            ("ahead", 3, day(0), false, false),
        ];
        let mut fleet = FleetIndex::default();
        for (seed, (name, keyset, last_seen, revoked, _)) in cases.into_iter().enumerate() {
            let key = SigningKey::from_bytes(&[seed as u8; 32]).verifying_key();
            let mut envoy = Envoy::new(EnvoyId::of(&key), key, name.into());
            (envoy.keyset, envoy.last_seen, envoy.revoked) = (keyset, last_seen, revoked);
            fleet.insert(envoy).expect("the names differ");
        }
        let mut found: Vec<_> = behind(&fleet, 2, now).map(|envoy| &*envoy.hostname).collect();
        found.sort_unstable();
        let expected: Vec<_> = cases.iter().filter(|case| case.4).map(|case| case.0).collect();
        assert_eq!(found, expected);
    }
}
