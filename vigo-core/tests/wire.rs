//! What agents and servers of earlier releases say is understood for ever, and what those of later ones say as far as it
//! goes: both come two releases apart.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use vigo_core::bundle::{Assignment, Maintenance, Signed, SigningKey};
use vigo_core::wire::message::*;
use vigo_core::wire::{Channel, Envelope, Exporter, Reply};

const RECORDED: &str = include_str!("fixtures/wire/1.txt");

fn lines() -> Vec<(&'static str, Vec<u8>)> {
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    let bytes = |text: &str| text.as_bytes().chunks(2).map(byte).collect();
    let lines = RECORDED.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split_once(' ').unwrap()).map(|(name, text)| (name, bytes(text))).collect()
}

fn recorded(name: &str) -> Vec<u8> {
    lines().into_iter().find(|line| line.0 == name).unwrap().1
}

/// Returns what is made of the bytes of a message: a field that is not known any more falls out of it.
fn again(name: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    fn of<M: Message>(bytes: &[u8]) -> Vec<u8> {
        M::decode(bytes).unwrap().encode()
    }
    Some(match name {
        "Enrol" => of::<Enrol>(bytes),
        "Enrolled" => of::<Enrolled>(bytes),
        "GetKeySet" => of::<GetKeySet>(bytes),
        "KeySetAnswer" => of::<KeySetAnswer>(bytes),
        "CheckIn" => of::<CheckIn>(bytes),
        "Answer" => of::<Answer>(bytes),
        "Report" => of::<Report>(bytes),
        "ReportTaken" => of::<ReportTaken>(bytes),
        "TraitsDelta" => of::<TraitsDelta>(bytes),
        "TraitsTaken" => of::<TraitsTaken>(bytes),
        "RenewCertificate" => of::<RenewCertificate>(bytes),
        "Renewed" => of::<Renewed>(bytes),
        "ResolveSecrets" => of::<ResolveSecrets>(bytes),
        "SealedSecrets" => of::<SealedSecrets>(bytes),
        "Refused" => Refused::decode(bytes).unwrap().encode(),
        _ => return None,
    })
}

#[test]
fn what_was_said_once_is_understood_for_ever() {
    let mut messages = 0;
    for (name, bytes) in lines() {
        if let Some(again) = again(name, &bytes) {
            assert_eq!(again, bytes, "{name}");
            messages += 1;
        }
    }
    assert!(messages >= 15, "{messages}");
    let check_in = CheckIn::decode(&recorded("CheckIn")).unwrap();
    assert_eq!((check_in.serial, check_in.keyset, check_in.contact, check_in.queued), (2, 3, 7, 8));
    assert_eq!(check_in.run.unwrap().ended_ms, -5);
    let answer = Answer::decode(&recorded("Answer")).unwrap();
    assert_eq!((answer.next_in_ms, answer.secrets_epoch, answer.hold), (300_000, Some(5), true));
    let report = Report::decode(&recorded("Report")).unwrap();
    assert_eq!((report.started_ms, &*report.resources[0].place), (-3, "a.vgo:3"));
}

#[test]
fn envelopes_answers_and_signatures_of_the_first_version_hold() {
    let key = SigningKey::from_bytes(&[1; 32]).verifying_key();
    let bytes = recorded("envelope");
    let envelope = Envelope::decode(Channel::Request, &bytes).unwrap();
    envelope.verify(Channel::Request, &key, &Exporter([3; 32])).unwrap();
    assert_eq!((envelope.sequence, envelope.message::<CheckIn>().unwrap().serial), (9, 7));
    assert_eq!(envelope.encode(), bytes);
    let done = Reply::<Answer>::decode(&recorded("reply")).unwrap();
    assert!(matches!(done, Reply::Done(answer) if answer.contact == 4));
    let refusal = Reply::<Answer>::decode(&recorded("refusal")).unwrap();
    assert!(matches!(refusal, Reply::Refused(refused) if refused.code == Refused::UNKNOWN));
    let assignment = Assignment::verify(&Signed::decode(&recorded("assignment")).unwrap(), &[key]).unwrap();
    assert!(assignment.maintenance == Maintenance::Open && assignment.observe_only);
    assert_eq!((&*assignment.hostname, assignment.serial, assignment.interval.as_ms()), ("web-1", 12, 300_000));
}

#[test]
fn what_a_later_version_adds_is_passed_over() {
    // A number, a text and a message under tags that are not in use.
    let later = [&[0xf8, 0x7f, 1][..], &[0x82, 0x80, 1, 2, b'h', b'i'], &[0x8a, 0x80, 1, 2, 8, 1]].concat();
    for (name, bytes) in lines() {
        let longer = [&later[..], &bytes, &later].concat();
        if let Some(again) = again(name, &longer) {
            assert_eq!(again, bytes, "{name}");
        }
    }
}
