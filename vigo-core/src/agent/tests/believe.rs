//! What a hostile or mistaken server can make an agent do: nothing.

use super::rig::*;
use crate::agent::*;
use crate::bundle::{KeyState, Maintenance, Signed, sign};
use crate::id::EnvoyId;
use crate::wire::message::{Answer, Enrolled, KeySetAnswer, Refused, Renewed};
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

/// Polls until the agent asks, and answers that with `answer`; then lets it settle without a server.
fn tell(rig: &mut Rig, answer: Answer) {
    rig.agent.check_in_now();
    while !matches!(rig.next_ask(), Ask::CheckIn(_)) {
        rig.agent.handle_failure("not now", rig.now);
    }
    rig.agent.handle_answer(Response::Answer(answer), rig.now);
    rig.server = None;
    rig.settle();
}

fn with(assignment: &Signed, bundle: Option<&Signed>) -> Answer {
    Answer {
        next_in_ms: 1000,
        assignment: Some(assignment.encode()),
        bundle: bundle.map(Signed::encode),
        ..Answer::default()
    }
}

/// Returns a rig whose agent runs `first` under serial 101.
fn running() -> Rig {
    let mut rig = Rig::new();
    rig.server().publish("first");
    rig.settle();
    assert_eq!((rig.runs.len(), rig.floor()), (1, 101));
    rig.now = rig.now + INTERVAL;
    rig.events.clear();
    rig
}

#[test]
fn only_a_signed_assignment_of_ones_own_and_its_signed_bundle_change_what_runs() {
    let (good, bad) = (key(2), key(66));
    let second = sign(&bundle("second"), &good).expect("a bundle");
    let third = sign(&bundle("third"), &good).expect("a bundle");
    let forged = sign(&bundle("second"), &bad).expect("a bundle");
    let garbage = Signed::new(crate::bundle::Purpose::Bundle, vec![9; 40].into(), &good);
    let own = |serial, bundle| assignment(serial, Some(bundle));
    let foreign = crate::bundle::Assignment { envoy_id: EnvoyId([3; 16]), ..own(102, &second) };
    let as_bundle = Signed::new(crate::bundle::Purpose::Bundle, own(102, &second).sign(&good).bytes, &good);
    let mut changed = own(102, &second).sign(&good);
    changed.signature[0] ^= 1;
    let cases: Vec<(&str, Answer, &str)> = vec![
        ("a foreign assignment", with(&foreign.sign(&good), Some(&second)), "expected what is for"),
        ("an older serial", with(&own(100, &second).sign(&good), Some(&second)), "serial 101 or later, found 100"),
        ("another's signature", with(&own(102, &second).sign(&bad), Some(&second)), "not trusted"),
        ("a broken signature", with(&changed, Some(&second)), "does not match"),
        ("a signature for something else", with(&as_bundle, Some(&second)), "does not match"),
        ("an unsigned bundle", with(&own(102, &forged).sign(&good), Some(&forged)), "not trusted"),
        ("another class's bundle", with(&own(102, &second).sign(&good), Some(&third)), "expected the bundle"),
        ("no bundle", with(&own(102, &second).sign(&good), None), "found none"),
        ("garbage, signed", with(&own(102, &garbage).sign(&good), Some(&garbage)), "the bundle:"),
        ("cut", Answer { assignment: Some(vec![1, 2, 3]), ..Answer::default() }, "the assignment:"),
        (
            "a key set of another root",
            {
                let mut signed = keyset(9, &[(&bad, KeyState::Active)]);
                signed.key_id.0[0] ^= 1;
                Answer { keyset: Some(signed.encode()), ..with(&own(102, &forged).sign(&bad), Some(&forged)) }
            },
            "expected a key set of fleet",
        ),
        ("no key set", Answer { keyset: Some(vec![]), ..Answer::default() }, "the key set is not believed"),
    ];
    for (name, answer, why) in cases {
        let mut rig = running();
        let before = rig.disk.clone();
        tell(&mut rig, answer);
        let said = rig.said();
        assert!(said.contains(why), "{name}: {said}");
        assert_eq!(rig.runs.last().map(|r| &*r.1), Some("first"), "{name}");
        assert!(rig.runs.len() > 1, "{name}: it goes on converging");
        assert!(rig.disk.policy == before.policy && rig.disk.keyset == before.keyset, "{name}");
        rig.reboot();
        rig.settle();
        assert_eq!(rig.runs.last().map(|r| &*r.1), Some("first"), "{name}");
    }
    let mut rig = running();
    tell(&mut rig, with(&own(102, &second).sign(&good), Some(&second)));
    assert_eq!(rig.runs.last().map(|r| &*r.1), Some("second"));
    assert_eq!(rig.floor(), 102);
}

#[test]
fn an_assignment_may_keep_the_bundle_that_is_there() {
    let mut rig = running();
    let first = sign(&bundle("first"), &key(2)).expect("a bundle");
    let quiet = crate::bundle::Assignment { observe_only: true, ..assignment(102, Some(&first)) };
    tell(&mut rig, with(&quiet.sign(&key(2)), None));
    assert_eq!(rig.runs.len(), 2);
    assert!(rig.disk.policy.as_ref().is_some_and(|p| p.bundle == Some(first)));
    rig.reboot();
    rig.settle();
    assert_eq!(rig.runs.len(), 3);
}

#[test]
fn a_bundle_of_none_is_nothing_to_manage_and_maintenance_is_a_pause() {
    let mut rig = running();
    tell(&mut rig, with(&assignment(102, None).sign(&key(2)), None));
    rig.pass(INTERVAL);
    assert_eq!(rig.runs.len(), 1);
    assert!(rig.disk.policy.as_ref().is_some_and(|p| p.bundle.is_none()));
    let first = sign(&bundle("first"), &key(2)).expect("a bundle");
    let pause = crate::bundle::Assignment { maintenance: Maintenance::Open, ..assignment(103, Some(&first)) };
    tell(&mut rig, with(&pause.sign(&key(2)), Some(&first)));
    rig.pass(INTERVAL);
    assert_eq!(rig.runs.len(), 1);
    tell(&mut rig, with(&assignment(104, Some(&first)).sign(&key(2)), None));
    assert_eq!(rig.runs.len(), 2);
}

#[test]
fn a_stolen_key_is_worth_nothing_after_its_rotation() {
    let mut rig = running();
    let (old, new) = (key(2), key(3));
    let rotated = keyset(2, &[(&old, KeyState::Retired), (&new, KeyState::Active)]);
    tell(&mut rig, Answer { keyset: Some(rotated.encode()), ..Answer::default() });
    assert!(rig.disk.keyset == rotated);
    rig.pass(INTERVAL);
    rig.reboot();
    rig.settle();
    assert_eq!(rig.runs.last().map(|r| &*r.1), Some("first"), "what is stored runs until it is replaced");
    let runs = rig.runs.len();
    let evil = sign(&bundle("evil"), &old).expect("a bundle");
    for bundle in [Some(&evil), None] {
        tell(&mut rig, with(&assignment(200, Some(&evil)).sign(&old), bundle));
        assert!(rig.said().contains("not trusted"));
    }
    // Its own successor it cannot announce either.
    let next = keyset(3, &[(&old, KeyState::Active)]);
    let forged = Signed::new(crate::bundle::Purpose::KeySet, next.bytes, &old);
    tell(&mut rig, Answer { keyset: Some(forged.encode()), ..Answer::default() });
    // Nor may the new key's assignment name what the old one signed.
    let first = sign(&bundle("first"), &old).expect("a bundle");
    tell(&mut rig, with(&assignment(201, Some(&first)).sign(&new), None));
    assert!(rig.said().contains("expected the bundle"));
    // And nobody goes back to a lower version.
    let back = keyset(1, &[(&old, KeyState::Active)]);
    tell(&mut rig, Answer { keyset: Some(back.encode()), ..Answer::default() });
    assert!(rig.said().contains("version 2 or later, found 1"));
    rig.agent.check_in_now();
    match rig.agent.poll(rig.now) {
        Step::Ask(Ask::CheckIn(c)) => assert_eq!(c.shown_keyset, rotated.encode(), "it shows the newer one"),
        other => panic!("{other:?}"),
    }
    rig.agent.handle_failure("gone", rig.now);
    assert!(rig.disk.keyset == rotated);
    assert!(rig.runs[runs..].iter().all(|r| r.1 == "first"), "{:?}", rig.runs);
    let good = sign(&bundle("good"), &new).expect("a bundle");
    tell(&mut rig, with(&assignment(202, Some(&good)).sign(&new), Some(&good)));
    assert_eq!(rig.runs.last().map(|r| &*r.1), Some("good"));
}

#[test]
fn a_stranger_is_asked_for_its_key_set_and_only_the_roots_word_counts() {
    let (old, new) = (key(2), key(3));
    let own = keyset(2, &[(&old, KeyState::Active)]);
    let newer = keyset(3, &[(&old, KeyState::Retired), (&new, KeyState::Active)]);
    let forged = Signed::new(crate::bundle::Purpose::KeySet, newer.bytes.clone(), &old);
    let cases = [
        ("the root's, newer", newer.encode(), true),
        ("the same", own.encode(), false),
        ("an older one", keyset(1, &[(&old, KeyState::Active)]).encode(), false),
        ("not the root's", forged.encode(), false),
        ("cut", newer.encode()[..90].to_vec(), false),
        ("nothing", vec![], false),
    ];
    for (name, answer, is_believed) in cases {
        let mut rig = running();
        rig.disk.keyset = own.clone();
        rig.reboot();
        assert!(matches!(rig.next_ask(), Ask::CheckIn(_)));
        rig.agent.handle_stranger("the certificate is not believed", rig.now);
        let asked = rig.now;
        let Ask::KeySet(shown) = rig.next_ask() else { panic!("{name}: it asks") };
        assert_eq!((shown.keyset, rig.now), (own.encode(), asked), "{name}: at once, and shows its own");
        rig.agent.handle_answer(Response::KeySet(KeySetAnswer { keyset: answer }), rig.now);
        let Ask::CheckIn(check_in) = rig.next_ask() else { panic!("{name}: it checks in") };
        assert_eq!(check_in.keyset, if is_believed { 3 } else { 2 }, "{name}");
        assert_eq!(rig.disk.keyset == newer, is_believed, "{name}");
        assert_eq!(rig.now == asked, is_believed, "{name}: at once if it is news, else with patience");
        // Whoever is no more believed after that is not asked without a pause.
        rig.agent.handle_stranger("the certificate is not believed", rig.now);
        assert!(matches!(rig.next_ask(), Ask::KeySet(_)));
        rig.agent.handle_stranger("the certificate is not believed", rig.now);
        let failed = rig.now;
        assert!(matches!(rig.next_ask(), Ask::CheckIn(_)) && rig.now > failed, "{name}");
    }
}

#[test]
fn a_server_with_an_older_key_set_is_shown_the_newer_at_once_and_once() {
    let mut rig = running();
    let newer = keyset(5, &[(&key(2), KeyState::Active)]);
    rig.disk.keyset = newer.clone();
    rig.reboot();
    let older = Answer {
        next_in_ms: 60_000,
        keyset: Some(keyset(1, &[(&key(2), KeyState::Active)]).encode()),
        ..Answer::default()
    };
    let Ask::CheckIn(first) = rig.next_ask() else { panic!("it checks in") };
    assert!(first.shown_keyset.is_empty());
    let of_the_life = first.turn;
    let at = rig.now;
    rig.agent.handle_answer(Response::Answer(older.clone()), rig.now);
    let Ask::CheckIn(second) = rig.next_ask() else { panic!("it checks in") };
    assert_eq!((second.shown_keyset, rig.now), (newer.encode(), at));
    assert_eq!((of_the_life, second.turn, second.life), (1, 2, 9), "each says its number, and which process it is of");
    rig.agent.handle_answer(Response::Answer(older), rig.now);
    let Ask::CheckIn(third) = rig.next_ask() else { panic!("it checks in") };
    assert!(rig.now > at && !third.shown_keyset.is_empty(), "it does not go round in circles");
    assert!(rig.disk.keyset == newer);
}

#[test]
fn a_certificate_of_a_retired_authority_is_renewed_at_once_but_not_at_every_word() {
    let refused = || Response::Refused(Refused { code: Refused::RENEW.into(), message: "renew it".into() });
    let mut rig = running();
    rig.agent.check_in_now();
    assert!(matches!(rig.next_ask(), Ask::CheckIn(_)));
    rig.agent.handle_answer(refused(), rig.now);
    let at = rig.now;
    assert!(matches!(rig.next_ask(), Ask::Renew(_)) && rig.now == at);
    // A server that cannot now is asked again, before anything else.
    rig.agent.handle_answer(Response::Refused(Refused { code: Refused::BUSY.into(), ..Refused::default() }), rig.now);
    assert!(matches!(rig.next_ask(), Ask::Renew(_)) && rig.now > at);
    let certificate = crate::agent::validity::tests::certificate("261121000000Z", "271121000000Z");
    let at = rig.now;
    rig.agent.handle_answer(Response::Renewed(Renewed { certificate: certificate.clone() }), rig.now);
    assert!(matches!(rig.next_ask(), Ask::CheckIn(_)) && rig.now == at && rig.disk.certificate == certificate);
    // A server that does not know what it wants gets no certificate after another.
    let mut renewals = 0;
    while rig.now.since(at) < crate::time::Duration::from_secs(3000) {
        rig.agent.handle_answer(refused(), rig.now);
        renewals += u32::from(matches!(rig.next_ask(), Ask::Renew(_)));
    }
    assert_eq!(renewals, 0);
    // Keys that changed once more are a reason.
    rig.agent.handle_stranger("the certificate is not believed", rig.now);
    assert!(matches!(rig.next_ask(), Ask::KeySet(_)));
    let newer = keyset(9, &[(&key(2), KeyState::Active)]).encode();
    rig.agent.handle_answer(Response::KeySet(KeySetAnswer { keyset: newer }), rig.now);
    assert!(matches!(rig.next_ask(), Ask::CheckIn(_)));
    let at = rig.now;
    rig.agent.handle_answer(refused(), rig.now);
    assert!(matches!(rig.next_ask(), Ask::Renew(_)) && rig.now == at, "at once");
}

#[test]
fn a_server_that_was_restored_is_shown_the_newer_assignment_once() {
    let mut rig = running();
    let first = sign(&bundle("first"), &key(2)).expect("a bundle");
    rig.server = Some(Server::new());
    tell(&mut rig, with(&assignment(50, Some(&first)).sign(&key(2)), Some(&first)));
    let shown = rig.disk.policy.as_ref().map(|p| p.assignment.encode());
    rig.agent.check_in_now();
    let Step::Ask(Ask::CheckIn(check_in)) = rig.agent.poll(rig.now) else { panic!("it checks in") };
    assert_eq!(Some(check_in.shown_assignment), shown);
    assert_eq!(check_in.serial, 101);
    let answer = Answer { show_assignment: true, next_in_ms: 60_000, ..Answer::default() };
    rig.agent.handle_answer(Response::Answer(answer), rig.now);
    let due = rig.settle();
    assert!(due > Some(rig.now), "{due:?}: it does not go round in circles");
}

#[test]
fn what_a_server_that_was_restored_has_to_see_outlives_the_database() {
    let mut rig = running();
    let shown = rig.disk.policy.as_ref().map(|p| p.assignment.encode()).expect("it has one");
    rig.disk.lose_database(8);
    rig.reboot();
    let Ask::CheckIn(check_in) = rig.next_ask() else { panic!("it checks in") };
    assert!(check_in.assignment_digest.is_empty() && check_in.serial == 101);
    let answer = Answer { show_assignment: true, next_in_ms: 60_000, ..Answer::default() };
    rig.agent.handle_answer(Response::Answer(answer), rig.now);
    let Ask::CheckIn(check_in) = rig.next_ask() else { panic!("it shows it") };
    assert_eq!((check_in.serial, check_in.shown_assignment), (101, shown));
}

#[test]
fn a_server_that_has_lost_the_envoy_is_shown_its_key_and_then_as_often_as_the_back_off_says() {
    let unknown = || Response::Refused(Refused { code: Refused::UNKNOWN.into(), message: "who is that".into() });
    let mut rig = running();
    rig.changes = 1;
    rig.pass(INTERVAL);
    let (taken, runs) = (rig.disk.taken, rig.runs.len());
    let Ask::CheckIn(first) = rig.next_ask() else { panic!("it checks in") };
    assert!(first.identity_key.is_empty());
    let at = rig.now;
    rig.agent.handle_answer(unknown(), rig.now);
    let key = key(9).verifying_key().as_bytes().to_vec();
    let Ask::CheckIn(second) = rig.next_ask() else { panic!("it checks in") };
    assert_eq!((&second.identity_key, rig.now), (&key, at));
    let (mut asked, mut enrolments) = (0, 0);
    while rig.now.since(at) < crate::time::Duration::from_secs(3000) {
        let before = rig.now;
        rig.agent.handle_answer(unknown(), rig.now);
        let next = match rig.next_ask() {
            Ask::Enrol(enrol) => {
                assert_eq!((&*enrol.token, &*enrol.hostname, &enrol.identity_key), ("", "web-1", &key));
                enrolments += 1;
                let refused = Refused { code: Refused::NOT_ADMITTED.into(), message: "no pattern".into() };
                rig.agent.handle_answer(Response::Refused(refused), rig.now);
                rig.next_ask()
            }
            next => next,
        };
        let Ask::CheckIn(next) = next else { panic!("it checks in") };
        assert!(next.identity_key == key && rig.now.since(before) >= crate::time::Duration::from_secs(1));
        asked += 1;
    }
    assert!(asked < 40, "{asked}");
    assert!((5..=10).contains(&enrolments), "by its own key, every five minutes at most: {enrolments}");
    assert!(rig.runs.len() > runs + 3, "it goes on converging");
    // What the server took before it lost all is told once more, with what has gathered since.
    rig.answer(&Ask::CheckIn(second));
    let Ask::Report(seq) = rig.next_ask() else { panic!("it reports") };
    assert_eq!(Some(seq), taken);
    // A server that takes it up and does not know it at once is no reason to hurry.
    let at = rig.now;
    rig.agent.handle_answer(unknown(), rig.now);
    assert!(matches!(rig.next_ask(), Ask::CheckIn(c) if c.identity_key == key) && rig.now > at);
    rig.answer(&Ask::CheckIn(Default::default()));
    let quiet = loop {
        match rig.next_ask() {
            Ask::CheckIn(check_in) => break check_in,
            ask => rig.answer(&ask),
        }
    };
    assert!(quiet.identity_key.is_empty(), "it is known again");
}

/// Returns a machine that has just asked to be enrolled anew.
fn enrols() -> Rig {
    let unknown = || Response::Refused(Refused { code: Refused::UNKNOWN.into(), message: "who is that".into() });
    let mut rig = running();
    for _ in 0..2 {
        assert!(matches!(rig.next_ask(), Ask::CheckIn(_)));
        rig.agent.handle_answer(unknown(), rig.now);
    }
    let Ask::Enrol(asked) = rig.next_ask() else { panic!("it asks to be enrolled") };
    assert_eq!((&*asked.token, &*asked.hostname), ("", "web-1"));
    rig
}

#[test]
fn an_enrolment_anew_is_taken_with_the_roots_word_and_not_without() {
    let own = keyset(1, &[(&key(2), KeyState::Active)]);
    let newer = keyset(1_800_000_000, &[(&key(2), KeyState::Retired), (&key(3), KeyState::Active)]);
    let forged = Signed::new(crate::bundle::Purpose::KeySet, newer.bytes.clone(), &key(2));
    let certificate = || crate::agent::validity::tests::certificate("261101000000Z", "291101000000Z");
    let ended = crate::agent::validity::tests::certificate("200101000000Z", "210101000000Z");
    let good = Enrolled {
        envoy_id: me().0.to_vec(),
        hostname: "web-1".into(),
        certificate: certificate(),
        keyset: newer.encode(),
        servers: vec!["192.0.2.9:1530".into()],
    };
    let cases = [
        ("a newer key set", good.clone(), true),
        ("the key set at hand", Enrolled { keyset: own.encode(), ..good.clone() }, true),
        ("another id", Enrolled { envoy_id: vec![7; 16], ..good.clone() }, false),
        ("not the root's word", Enrolled { keyset: forged.encode(), ..good.clone() }, false),
        ("no key set", Enrolled { keyset: Vec::new(), ..good.clone() }, false),
        ("no certificate", Enrolled { certificate: vec![1], ..good.clone() }, false),
        ("one that has ended", Enrolled { certificate: ended, ..good.clone() }, false),
    ];
    for (name, enrolled, is_taken) in cases {
        let mut rig = enrols();
        let (before, runs) = (rig.disk.clone(), rig.runs.len());
        let at = rig.now;
        rig.agent.handle_answer(Response::Enrolled(enrolled.clone()), rig.now);
        let Ask::CheckIn(check_in) = rig.next_ask() else { panic!("{name}: it checks in") };
        assert_eq!(rig.now == at, is_taken, "{name}: at once, or after the back-off");
        if is_taken {
            assert_eq!((&rig.disk.certificate, rig.disk.keyset.encode()), (&certificate(), enrolled.keyset), "{name}");
            assert!(rig.disconnects > 0, "{name}: over a connection of its own");
        } else {
            assert_eq!((&rig.disk.certificate, &rig.disk.keyset), (&before.certificate, &before.keyset), "{name}");
        }
        assert!(!check_in.identity_key.is_empty(), "{name}: it says who it is");
        rig.answer(&Ask::CheckIn(check_in));
        rig.pass(INTERVAL);
        assert!(rig.runs.len() > runs, "{name}: it converges all the time");
    }
}

#[test]
fn who_is_believed_by_nobody_twice_asks_to_be_enrolled_and_not_again_for_five_minutes() {
    let mut rig = running();
    let (mut enrolments, mut last) = (0, None);
    let end = rig.now + crate::time::Duration::from_secs(3000);
    while rig.now < end {
        match rig.next_ask() {
            Ask::KeySet(shown) => {
                // Nothing new: it may be a server that knows nothing of what was before it, or anybody.
                rig.agent.handle_answer(Response::KeySet(KeySetAnswer { keyset: shown.keyset }), rig.now);
            }
            Ask::Enrol(_) => {
                assert!(last.is_none_or(|at| rig.now.since(at) >= crate::time::Duration::from_secs(300)));
                (enrolments, last) = (enrolments + 1, Some(rig.now));
                rig.agent.handle_stranger("the certificate is not believed", rig.now);
            }
            _ => rig.agent.handle_stranger("the certificate is not believed", rig.now),
        }
    }
    assert!((5..=10).contains(&enrolments), "{enrolments}");
    assert!(rig.runs.len() > 8, "it goes on converging");
}

#[test]
fn a_policy_that_was_tampered_with_on_disk_does_not_run() {
    let mut rig = running();
    let evil = sign(&bundle("evil"), &key(66)).expect("a bundle");
    let policy = rig.disk.policy.as_mut().expect("it is stored");
    policy.bundle = Some(evil);
    rig.server = None;
    rig.pass(INTERVAL);
    assert_eq!(rig.runs.len(), 1);
    assert!(rig.said().contains("the stored policy cannot be used"), "{}", rig.said());
    let said = rig
        .disk
        .reports
        .values()
        .last()
        .map(|r| format!("{:?}", <crate::wire::message::Report as crate::wire::Message>::decode(r)));
    assert!(said.is_some_and(|r| r.contains("fatal") && r.contains("expected the bundle")));
    rig.reboot();
    rig.settle();
    assert_eq!(rig.runs.len(), 1, "not at the start either");
    let mut server = Server::new();
    server.publish("first");
    rig.server = Some(server);
    rig.pass(INTERVAL);
    assert_eq!(rig.runs.last().map(|r| &*r.1), Some("first"), "the server sends it again");
    assert!(Assigned(&rig).serial() > 101);
}

struct Assigned<'a>(&'a Rig);

impl Assigned<'_> {
    fn serial(&self) -> u64 {
        let policy = self.0.disk.policy.as_ref().expect("it is stored");
        crate::bundle::Assignment::verify(&policy.assignment, &believed(&key(2))).expect("it is signed").serial
    }
}
