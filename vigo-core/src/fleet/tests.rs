use super::*;
use crate::id::EnvoyId;
use crate::server::may_have_secrets;
use crate::time::{Duration, Timestamp};
use crate::wire::message::{CheckIn, Counts, QuietRuns, Report};
use alloc::string::ToString;
use core::net::IpAddr;
use ed25519_dalek::SigningKey;

fn envoy(seed: u8, hostname: &str) -> Envoy {
    let key = SigningKey::from_bytes(&[seed; 32]).verifying_key();
    Envoy::new(EnvoyId::of(&key), key, hostname.into())
}

#[test]
fn a_name_is_one_envoys_until_that_is_revoked() {
    let mut fleet = FleetIndex::default();
    let (a, b) = (envoy(1, "web-1"), envoy(2, "web-1"));
    fleet.insert(a.clone()).unwrap();
    let taken = fleet.insert(b.clone()).unwrap_err();
    assert_eq!(taken, NameTaken { hostname: "web-1".into(), holder: a.id });
    assert!(fleet.get(b.id).is_none());
    assert!(fleet.revoke(a.id));
    assert!(!fleet.revoke(a.id), "it was before");
    assert!(fleet.named("web-1").is_none());
    fleet.insert(b.clone()).unwrap();
    assert_eq!(fleet.named("web-1").unwrap().id, b.id);
    // What is read of the revoked one again, at a start, takes nothing away.
    fleet.insert(Envoy { revoked: true, ..a.clone() }).unwrap();
    assert_eq!(fleet.named("web-1").unwrap().id, b.id);
    assert!(fleet.get(a.id).unwrap().revoked);
}

#[test]
fn a_renamed_envoy_leaves_its_name() {
    let mut fleet = FleetIndex::default();
    let a = envoy(1, "old");
    fleet.insert(a.clone()).unwrap();
    fleet.insert(Envoy { hostname: "new".into(), ..a }).unwrap();
    assert!(fleet.named("old").is_none());
    assert!(fleet.named("new").is_some());
}

fn report(seq: u64, outcome: &str, changed: u32, failed: u32) -> Report {
    let counts = Counts { ok: 5, changed, failed, ..Counts::default() };
    Report { incarnation: 1, seq, outcome: outcome.into(), counts: Some(counts), ..Report::default() }
}

#[test]
fn one_word_stands_for_the_worst() {
    let now = Timestamp::from_epoch_secs(1_000_000);
    let mut envoy = envoy(1, "a");
    envoy.cadence = Duration::from_secs(100);
    let word = |envoy: &Envoy, silent: u64| {
        let envoy = Envoy { last_seen: now - Duration::from_secs(silent), ..envoy.clone() };
        Status::of(&envoy, now).to_string()
    };
    assert_eq!(word(&envoy, 0), "no data");
    envoy.take_report(&report(1, "converged", 1, 0));
    assert_eq!(word(&envoy, 0), "converged");
    envoy.take_report(&report(2, "converged", 1, 0));
    assert_eq!(word(&envoy, 0), "relapsed");
    envoy.take_report(&report(2, "not converged", 0, 1));
    assert_eq!(word(&envoy, 0), "relapsed", "run 2 was taken");
    envoy.take_report(&report(3, "converged", 2, 0));
    assert_eq!(word(&envoy, 0), "diverged");
    envoy.take_report(&report(4, "not converged", 0, 1));
    assert_eq!(word(&envoy, 249), "degraded");
    assert_eq!(
        Status::of(&Envoy { last_seen: now - Duration::from_secs(250), ..envoy.clone() }, now).reach,
        Reach::Stale
    );
    assert_eq!(word(&envoy, 500), "offline");
    envoy.take_report(&report(5, "fatal", 0, 0));
    assert_eq!(word(&envoy, 0), "failed");
    assert!(envoy.take_quiet(&QuietRuns { incarnation: 1, seq: 9, runs: 4, counts: None, ended_ms: 0 }));
    assert_eq!(word(&envoy, 0), "converged");
    assert!(!envoy.take_quiet(&QuietRuns { incarnation: 1, seq: 12, runs: 0, counts: None, ended_ms: 0 }), "no run");
    assert!(!envoy.take_quiet(&QuietRuns { incarnation: 1, seq: 9, runs: 4, counts: None, ended_ms: 0 }), "the same");
    envoy.take_report(&report(10, "converged", 1, 0));
    envoy.take_report(&report(14, "converged", 1, 0));
    assert_eq!(word(&envoy, 0), "converged", "between the two nothing changed");
}

#[test]
fn what_a_new_policy_changes_is_no_drift() {
    let now = Timestamp::from_epoch_secs(1_000_000);
    let mut envoy = envoy(1, "a");
    (envoy.cadence, envoy.last_seen) = (Duration::from_secs(100), now);
    let runs = [(1, 1, "converged"), (2, 2, "converged"), (3, 1, "converged"), (4, 1, "relapsed"), (5, 1, "diverged")];
    for (seq, bundle, word) in runs {
        envoy.take_report(&Report { bundle_digest: [bundle; 32].to_vec(), ..report(seq, "converged", 1, 0) });
        assert_eq!(Status::of(&envoy, now).to_string(), word, "run {seq} of bundle {bundle}");
    }
}

#[test]
fn a_clone_is_news_once_until_it_is_dismissed() {
    let mut envoy = envoy(1, "a");
    let mut news = 0;
    let mut hear = |envoy: &mut Envoy, turns: core::ops::Range<u64>| -> u32 {
        for turn in turns {
            let check_in = CheckIn { life: 7 + turn % 2, turn, machine: [1].to_vec(), ..CheckIn::default() };
            let from = [IpAddr::from([192, 0, 2, 1]), "::ffff:192.0.2.2".parse().unwrap()][turn as usize % 2];
            news += u32::from(envoy.hear(Life::of(&check_in, from), Timestamp::from_epoch_secs(1_000_000)).is_some());
        }
        news
    };
    assert_eq!(hear(&mut envoy, 0..4), 0, "it may be an accident");
    assert!(may_have_secrets(&envoy, true));
    assert_eq!(hear(&mut envoy, 4..50), 1);
    let from = envoy.cloned.unwrap().from.map(|from| from.to_string());
    assert_eq!(from, ["192.0.2.2", "192.0.2.1"]);
    assert!(!may_have_secrets(&envoy, true) && may_have_secrets(&envoy, false));
    envoy.dismiss_clone();
    assert!(may_have_secrets(&envoy, true));
    assert_eq!(hear(&mut envoy, 50..54), 1, "it begins again");
    assert_eq!(hear(&mut envoy, 54..60), 2);
}
