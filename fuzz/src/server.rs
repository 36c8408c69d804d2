//! A server and whatever is said to it.

use vigo_core::bundle::{Assignment, KeySet, KeyState, PolicyBundle, Signed, SigningKey, TrustedKey, sign};
use vigo_core::fleet::{ClassOf, Envoy, Status};
use vigo_core::id::EnvoyId;
use vigo_core::server::{
    CheckInSettings, HoldSettings, ServedClass, ServedKeySet, ServedPolicy, Signer, answer, hold_for,
};
use vigo_core::time::{Duration, Timestamp};
use vigo_core::wire::Message;
use vigo_core::wire::message::{CheckIn, Report};

/// Each part of the input, behind its length in one byte, is said by one envoy: a check-in, a report, a later time.
///
/// No serial is given twice, none goes back, and no assignment is for anybody else.
pub fn server(data: &[u8]) {
    let (key, server) = (SigningKey::from_bytes(&[1; 32]), SigningKey::from_bytes(&[2; 32]));
    let mut envoy = Envoy::new(EnvoyId::of(&key.verifying_key()), key.verifying_key(), "a".into());
    let signed = sign(&PolicyBundle::default(), &server).expect("an empty policy fits");
    let policy =
        ServedPolicy { classes: vec![ServedClass::new(&signed, "prod".into(), false, true)], is_published: true };
    let (interval, splay, soon) = (Duration::from_secs(300), Duration::from_secs(30), Duration::from_secs(5));
    let hold = HoldSettings { idle: soon, below: soon, max: 2 };
    let servers = ["a:1530".into()].into();
    let settings = CheckInSettings { interval, splay, observe_only: false, bundle_max_age: splay, soon, hold, servers };
    let trusted = TrustedKey { key: server.verifying_key(), state: KeyState::Active };
    let set = KeySet { version: 1, root: server.verifying_key(), bundle_keys: vec![trusted], cas: Vec::new() };
    let signed_set = set.sign(&server);
    let keyset = ServedKeySet { set: &set, known: 1, signed: &signed_set };
    let mut signer = Signer::new(server.clone(), 0);
    let mut now = Timestamp::from_epoch_secs(1_800_000_000);
    let mut highest = 0;
    let mut rest = data;
    while let Some((&len, after)) = rest.split_first() {
        let (part, after) = after.split_at(after.len().min(usize::from(len)));
        rest = after;
        let Some((&what, body)) = part.split_first() else { continue };
        match what % 4 {
            0 => now = now + Duration::from_ms(u64::from(len) << (what % 32)),
            1 => envoy.class = if what < 128 { ClassOf::Class(u32::from(what / 64)) } else { ClassOf::None },
            2 => {
                if let Ok(report) = Report::decode(body) {
                    envoy.take_report(&report);
                    assert!(!envoy.is_news(report.incarnation, report.seq), "it counts once");
                }
            }
            _ => {
                let Ok(check_in) = CheckIn::decode(body) else { continue };
                let said = answer(&check_in, &mut envoy, &policy, &settings, keyset, &mut signer, now);
                if let Some(bytes) = said.answer.assignment {
                    let signed = Signed::decode(&bytes).expect("the server wrote it");
                    let assignment =
                        Assignment::verify(&signed, &[server.verifying_key()]).expect("the server signed it");
                    assert_eq!(assignment.envoy_id, envoy.id);
                    assert!(assignment.serial > check_in.serial, "an agent would not take it");
                    if !said.was_restored {
                        assert!(assignment.serial > highest, "a serial was given twice");
                        highest = assignment.serial;
                    }
                }
            }
        }
        let _ = (Status::of(&envoy, now).to_string(), hold_for(&envoy, &policy, &settings, usize::from(len), now));
    }
}
