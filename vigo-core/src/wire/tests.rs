use super::message::{CheckIn, GetKeySet, Refused};
use super::*;
use crate::id::EnvoyId;
use crate::limits;
use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;
use ed25519_dalek::SigningKey;

const EXPORTER: Exporter = Exporter([3; 32]);

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn check_in() -> CheckIn {
    CheckIn { serial: 7, contact: 3, agent_version: "1.2.3".into(), ..CheckIn::default() }
}

fn envelope() -> Envelope {
    Envelope::sign(Channel::Request, &key(1), 9, &EXPORTER, &check_in())
}

#[test]
fn a_request_comes_back_as_it_was_and_is_its_senders() {
    let envelope = envelope();
    let read = Envelope::decode(Channel::Request, &envelope.encode()).unwrap();
    assert!(read == envelope);
    assert_eq!(read.envoy_id, EnvoyId::of(&key(1).verifying_key()));
    assert_eq!(read.message::<CheckIn>().unwrap(), check_in());
    read.verify(Channel::Request, &key(1).verifying_key(), &EXPORTER).unwrap();
}

#[test]
fn a_request_is_good_for_one_sender_connection_channel_number_and_body() {
    let good = envelope();
    let with = |change: fn(&mut Envelope)| {
        let mut changed = good.clone();
        change(&mut changed);
        changed
    };
    let is_refused = |what: &str, envelope: &Envelope, channel, key: &SigningKey, exporter| {
        let said = envelope.verify(channel, &key.verifying_key(), &exporter);
        assert_eq!(said, Err(WireError::BadSignature), "{what}");
    };
    let request = Channel::Request;
    is_refused("another key", &good, request, &key(2), EXPORTER);
    is_refused("another connection", &good, request, &key(1), Exporter([4; 32]));
    is_refused("another channel", &good, Channel::Enrol, &key(1), EXPORTER);
    is_refused("another number", &with(|e| e.sequence += 1), request, &key(1), EXPORTER);
    is_refused("another kind", &with(|e| e.kind = Kind::Report), request, &key(1), EXPORTER);
    is_refused("another body", &with(|e| e.body.push(0)), request, &key(1), EXPORTER);
    is_refused("another signature", &with(|e| e.signature[5] ^= 1), request, &key(1), EXPORTER);
    is_refused("another envoy's id", &with(|e| e.envoy_id.0[0] ^= 1), request, &key(1), EXPORTER);
    // The same key, but an id that was signed in as well.
    let foreign = with(|e| e.envoy_id = EnvoyId([0; 16]));
    is_refused("an id that is not the key's", &foreign, request, &key(1), EXPORTER);
}

#[test]
fn what_is_no_envelope_is_named() {
    let good = envelope().encode();
    for len in 0..92 {
        let error = Envelope::decode(Channel::Request, &good[..len]).err().expect("it is cut");
        assert_eq!(error, WireError::Short { expected: 92, found: len }, "{len}");
    }
    let mut other = good.clone();
    other[1] = 2;
    assert_eq!(said(&other), "expected wire version 1, found 2");
    let mut other = good.clone();
    other[3] = 99;
    assert_eq!(said(&other), "message kind 99 is not known here");
    let long = vec![0; limits::REQUEST_BYTES_MAX + 1];
    assert_eq!(said(&long), format_large(limits::REQUEST_BYTES_MAX));
    let long = vec![0; limits::ENROL_BYTES_MAX + 1];
    let error = Envelope::decode(Channel::Enrol, &long).err().expect("it is too long");
    assert_eq!(error.to_string(), format_large(limits::ENROL_BYTES_MAX));
}

fn said(bytes: &[u8]) -> alloc::string::String {
    Envelope::decode(Channel::Request, bytes).err().expect("it is no envelope").to_string()
}

fn format_large(max: usize) -> alloc::string::String {
    alloc::format!("expected at most {max} bytes, found {}", max + 1)
}

#[test]
fn a_message_of_another_kind_is_not_read_as_this_one() {
    let error = envelope().message::<GetKeySet>().unwrap_err();
    assert_eq!(error, WireError::OtherKind { expected: 2, found: 3 });
    let mut broken = envelope();
    broken.body = vec![0xff; 3];
    assert!(matches!(broken.message::<CheckIn>(), Err(WireError::Body { what: "CheckIn", .. })));
}

#[test]
fn an_answer_is_done_or_refused_and_to_what_was_asked() {
    let done = Reply::Done(message::Answer { next_in_ms: 300_000, contact: 4, ..Default::default() });
    assert_eq!(Reply::decode(&done.encode()), Ok(done.clone()));
    // A check-in in which nothing changed.
    assert!(done.encode().len() < 100);
    let refused = Refused { code: Refused::REVOKED.into(), message: "enrol again".into() };
    let refused: Reply<message::Answer> = Reply::Refused(refused);
    assert_eq!(Reply::decode(&refused.encode()), Ok(refused.clone()));
    let other = Reply::<message::ReportTaken>::decode(&done.encode());
    assert_eq!(other, Err(WireError::OtherKind { expected: 4, found: 3 }));
    for len in 0..5 {
        let error = Reply::<message::Answer>::decode(&done.encode()[..len]).unwrap_err();
        assert_eq!(error, WireError::Short { expected: 5, found: len });
    }
}

#[test]
fn unknown_fields_are_passed_over() {
    let mut body = check_in().encode();
    // Field 1000, a varint: one of a later version.
    body.extend([0xc0, 0x3e, 1]);
    assert_eq!(CheckIn::decode(&body), Ok(check_in()));
}

#[test]
fn each_number_is_taken_once_in_any_order() {
    let window = limits::REPLAY_WINDOW;
    let cases: &[(&str, &[u64], &[u64])] = &[
        ("in order", &[1, 2, 3], &[1, 2, 3]),
        ("overtaken", &[3, 1, 2], &[1, 2, 3]),
        ("zero is none", &[], &[0]),
        ("a jump over words", &[1, 130, 66, 65, 64, 129], &[1, 64, 65, 66, 129, 130]),
        ("the oldest that is known", &[1, window], &[1, window]),
        ("too old", &[window + 1], &[1]),
        ("a jump to the end", &[1, u64::MAX, u64::MAX - 255], &[u64::MAX, 1, u64::MAX - 256, u64::MAX - 255]),
    ];
    for (name, accepted, refused) in cases {
        let mut replays = ReplayWindow::default();
        for n in *accepted {
            assert_eq!(replays.accept(*n), Ok(()), "{name}: {n}");
        }
        for n in *refused {
            assert_eq!(replays.accept(*n), Err(WireError::Replayed { sequence: *n }), "{name}: {n}");
        }
    }
}

proptest::proptest! {
    #[test]
    fn the_window_answers_as_a_set_would(steps in proptest::collection::vec(0u64..400, 1..600)) {
        let (mut replays, mut seen, mut base) = (ReplayWindow::default(), Vec::new(), 1u64);
        for step in steps {
            base += step / 100;
            let n = (base + step).saturating_sub(200);
            let highest = seen.iter().copied().max().unwrap_or(0);
            let expected = n > 0 && !seen.contains(&n) && n + limits::REPLAY_WINDOW > highest;
            proptest::prop_assert_eq!(replays.accept(n).is_ok(), expected);
            if expected {
                seen.push(n);
            }
        }
    }
}

/// Returns `Message.field number type` of each field of the Rust structs.
fn rust_fields(text: &str) -> Vec<alloc::string::String> {
    let (mut fields, mut message, mut spec) = (Vec::new(), "", "");
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("pub struct ").and_then(|l| l.strip_suffix(" {")) {
            message = name;
        } else if let Some(attribute) = line.strip_prefix("#[prost(").and_then(|l| l.strip_suffix(")]")) {
            spec = attribute;
        } else if let Some((name, typed)) = line.strip_prefix("pub ").and_then(|l| l.split_once(": "))
            && !spec.is_empty()
        {
            let spec = core::mem::take(&mut spec);
            let kind = spec.split([',', ' ']).next().unwrap_or_default();
            let tag = spec.split('"').nth_back(1).unwrap_or_default();
            let inner = typed.trim_end_matches([',', '>']).rsplit('<').next().unwrap_or_default();
            let kind = if kind == "message" { inner } else { kind };
            let is_many = spec.contains("repeated");
            let is_optional = spec.contains("optional") && kind != inner;
            let label = if is_many {
                "repeated "
            } else if is_optional {
                "optional "
            } else {
                ""
            };
            fields.push(alloc::format!("{message}.{name} {tag} {label}{kind}"));
        }
    }
    fields
}

/// Returns the same of the contract.
fn contract_fields(text: &str) -> Vec<alloc::string::String> {
    let (mut fields, mut message) = (Vec::new(), "");
    for line in text.lines().map(str::trim).filter(|l| !l.starts_with("//")) {
        if let Some(name) = line.strip_prefix("message ").and_then(|l| l.strip_suffix(" {")) {
            message = name;
        } else if let Some((declared, tag)) = line.strip_suffix(';').and_then(|l| l.split_once(" = "))
            && let Some((kind, name)) = declared.rsplit_once(' ')
        {
            fields.push(alloc::format!("{message}.{name} {tag} {kind}"));
        }
    }
    fields
}

#[test]
fn the_published_contract_is_what_is_spoken() {
    let spoken = rust_fields(include_str!("message.rs"));
    assert!(spoken.len() > 80, "{} fields were found", spoken.len());
    assert_eq!(contract_fields(include_str!("vigo.proto")), spoken);
}
