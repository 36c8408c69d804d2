//! When an agent talks to its server, and that nothing ends it.

use super::rig::*;
use crate::agent::*;
use crate::time::Duration;
use crate::traits::TraitSet;
use crate::value::Value;
use crate::wire::message::{Answer, Refused, Renewed, ReportTaken, TraitsTaken};
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec;
use alloc::vec::Vec;

#[test]
fn it_goes_on_converging_without_a_server_and_backs_off() {
    let mut rig = Rig::new();
    rig.server().publish("p");
    rig.settle();
    rig.server = None;
    let runs = rig.runs.len();
    for _ in 0..100 {
        rig.pass(INTERVAL);
    }
    assert_eq!(rig.runs.len(), runs + 100, "at its interval, neither more nor less");
    let attempts = rig.events.iter().filter(|e| matches!(e, Event::Failed { .. })).count();
    assert!((100..400).contains(&attempts), "{attempts} in {} s", 100 * 300);
    rig.server = Some(Server::new());
    rig.server().publish("q");
    rig.pass(INTERVAL);
    assert_eq!(rig.runs.last().map(|r| &*r.1), Some("q"));
}

#[test]
fn a_run_waits_for_a_check_in_that_may_bring_a_policy_but_not_for_a_server_that_is_away() {
    let mut rig = Rig::new();
    rig.server().publish("p");
    rig.settle();
    rig.now = rig.now + INTERVAL;
    // The question is on its way, and nothing comes back.
    assert!(matches!(rig.agent.poll(rig.now), Step::Ask(Ask::CheckIn(_))));
    let patient = rig.settle().expect("it waits").since(rig.now);
    assert_eq!((patient, rig.runs.len()), (Duration::from_secs(15), 1));
    rig.now = rig.now + patient;
    rig.settle();
    assert_eq!(rig.runs.len(), 2);
    rig.agent.handle_failure("nothing came", rig.now);
    rig.now = rig.now + INTERVAL;
    assert!(matches!(rig.agent.poll(rig.now), Step::Ask(Ask::CheckIn(_))));
    rig.settle();
    assert_eq!(rig.runs.len(), 3, "at once");
}

#[test]
fn no_refusal_and_no_garbage_ends_it() {
    let answers: Vec<Response> = vec![
        Response::Refused(Refused { code: Refused::REVOKED.into(), message: "you were revoked".into() }),
        Response::Refused(Refused { code: Refused::UNKNOWN.into(), message: "x".repeat(1 << 20) }),
        Response::Refused(Refused { code: "later\n".into(), message: "é".repeat(1 << 12) }),
        Response::Taken(ReportTaken { incarnation: 7, seq: 1 }),
        Response::Renewed(Renewed::default()),
        Response::Answer(Answer { assignment: Some(vec![0; 4096]), next_in_ms: u64::MAX, ..Answer::default() }),
    ];
    for response in answers {
        let name = format!("{response:?}").chars().take(60).collect::<String>();
        let mut rig = Rig::new();
        rig.server().publish("p");
        rig.settle();
        let mut server = rig.server.take();
        rig.now = rig.now + INTERVAL;
        let Step::Ask(Ask::CheckIn(_)) = rig.agent.poll(rig.now) else { panic!("{name}: it checks in") };
        rig.agent.handle_answer(response, rig.now);
        rig.pass(INTERVAL);
        assert!(rig.runs.len() >= 2, "{name}: {:?}", rig.runs);
        assert!(rig.events.iter().all(|e| e.to_string().len() < 16 << 10), "{name}");
        server.as_mut().expect("it is there").publish("q");
        rig.server = server;
        rig.pass(Duration::from_secs(86_400));
        assert_eq!(rig.runs.last().map(|r| &*r.1), Some("q"), "{name}");
    }
}

#[test]
fn what_the_server_says_decides_when_to_come_back() {
    let cases = [
        ("the interval", 300_000, 300),
        ("an overloaded server", 900_000, 900),
        ("a class that is not ready", 2_000, 2),
        ("nothing", 0, 300),
        ("at once", 1, 1),
        ("never", u64::MAX, 86_400),
    ];
    for (name, said, expected) in cases {
        let mut rig = Rig::new();
        rig.server().next_in = Duration::from_ms(said);
        let at = rig.settle();
        assert_eq!(at, Some(START + Duration::from_secs(expected)), "{name}");
    }
}

#[test]
fn a_splay_is_added_that_is_the_envoys_own() {
    let mut rig = Rig::new();
    rig.server().publish("p");
    rig.settle();
    let first = rig.disk.policy.as_ref().and_then(|p| p.bundle.clone());
    let spread = crate::bundle::Assignment { splay: Duration::from_secs(60), ..assignment(500, first.as_ref()) };
    rig.agent.check_in_now();
    let Step::Ask(_) = rig.agent.poll(rig.now) else { panic!("it checks in") };
    let answer = Answer { next_in_ms: 300_000, assignment: Some(spread.sign(&key(2)).encode()), ..Answer::default() };
    rig.agent.handle_answer(Response::Answer(answer), rig.now);
    rig.agent.check_in_now();
    let Ask::CheckIn(_) = rig.next_ask() else { panic!("it checks in") };
    rig.agent.handle_answer(Response::Answer(Answer { next_in_ms: 300_000, ..Answer::default() }), rig.now);
    let wait = rig.settle().expect("it waits").since(rig.now);
    assert!(wait > INTERVAL && wait <= Duration::from_secs(360), "{wait}");
}

#[test]
fn run_now_and_a_signal_do_not_wait_for_the_interval() {
    let mut rig = Rig::new();
    rig.server().publish("p");
    rig.settle();
    rig.agent.check_in_now();
    let Step::Ask(_) = rig.agent.poll(rig.now) else { panic!("it checks in") };
    rig.agent.handle_answer(Response::Answer(Answer { run_now: true, ..Answer::default() }), rig.now);
    rig.settle();
    assert_eq!(rig.runs.len(), 2);
    rig.server = None;
    rig.agent.check_in_now();
    rig.settle();
    rig.agent.check_in_now();
    assert!(matches!(rig.agent.poll(rig.now), Step::Ask(_)), "not even for the back-off");
}

#[test]
fn it_ends_when_it_is_told_and_then_only() {
    let mut rig = Rig::new();
    rig.server().publish("p");
    let run = loop {
        match rig.agent.poll(rig.now) {
            Step::Run(order) => break order,
            Step::Ask(ask) => {
                let response = rig.server.as_mut().expect("it is there").answer(&ask, &rig.disk);
                rig.agent.handle_answer(response, rig.now);
            }
            Step::Store(records) => {
                store(&mut rig.disk, &records);
                rig.agent.handle_stored(rig.now);
            }
            Step::Load => rig.agent.handle_policy(rig.disk.policy.clone().ok_or("gone".into()), rig.now),
            Step::Await | Step::Disconnect => {}
            other => panic!("{other:?}"),
        }
    };
    rig.agent.stop();
    assert!(matches!(rig.agent.poll(rig.now), Step::Wait(None)), "the run in hand is waited for");
    rig.agent.handle_run(RunResult { seq: run.seq, started: rig.now, outcome: Ok(ran(2)) }, rig.now);
    let Step::Store(records) = rig.agent.poll(rig.now) else { panic!("its report is stored") };
    assert!(records.iter().any(|r| matches!(r, Record::Report { seq: 1, .. })));
    rig.agent.handle_store_failed("no space is left", rig.now);
    assert!(matches!(rig.agent.poll(rig.now), Step::Finished));
}

#[test]
fn once_is_a_check_in_a_run_and_its_report() {
    for (name, changes, reports, check_ins) in [("a change", 1, 1, 2), ("none", 0, 0, 2)] {
        let mut rig = Rig::new();
        rig.agent = boot(&rig.disk, Until::Converged, START);
        rig.server().publish("p");
        rig.changes = changes;
        assert_eq!(rig.settle(), None, "{name}");
        assert!(matches!(rig.agent.poll(rig.now), Step::Finished), "{name}");
        assert_eq!((rig.runs.len(), rig.server().counted.len()), (1, reports), "{name}");
        assert_eq!(rig.server().check_ins.len(), check_ins, "{name}");
        assert!(rig.agent.is_in_touch());
    }
    let mut rig = Rig::new();
    rig.server = None;
    rig.agent = boot(&rig.disk, Until::Converged, START);
    assert_eq!(rig.settle(), None);
    assert!(!rig.agent.is_in_touch() && rig.runs.is_empty());
    let mut rig = Rig::new();
    rig.server().publish("p");
    rig.agent = boot(&rig.disk, Until::CheckedIn, START);
    assert_eq!(rig.settle(), None);
    assert!(rig.runs.is_empty() && rig.disk.policy.is_some());
}

fn certificate(from: &str, to: &str) -> Vec<u8> {
    crate::agent::validity::tests::certificate(from, to)
}

#[test]
fn the_certificate_is_renewed_at_two_thirds_and_the_connection_made_anew() {
    let first = certificate("261101000000Z", "271101000000Z");
    let two_thirds = validity(&first).expect("it is one").renewal();
    let renewal = |rig: &mut Rig| {
        while !matches!(rig.next_ask(), Ask::Renew(_)) {
            rig.agent.handle_answer(Response::Answer(Answer::default()), rig.now);
        }
    };
    let mut rig = Rig::new();
    rig.disk.certificate = first.clone();
    rig.reboot();
    rig.settle();
    rig.now = two_thirds - Duration::from_secs(400);
    renewal(&mut rig);
    assert!(rig.now >= two_thirds && rig.now.since(two_thirds) <= INTERVAL, "{}", rig.now);
    for answer in [Response::Renewed(Renewed { certificate: vec![1] }), Response::Refused(Refused::default())] {
        let asked = rig.now;
        rig.agent.handle_answer(answer, rig.now);
        renewal(&mut rig);
        assert!(rig.now.since(asked) >= Duration::from_secs(3600), "it does not insist");
        assert!(rig.disk.certificate == first);
    }
    let second = certificate("270704000000Z", "280704000000Z");
    rig.agent.handle_answer(Response::Renewed(Renewed { certificate: second.clone() }), rig.now);
    let before = rig.disconnects;
    let asked = rig.next_ask();
    assert!(rig.disk.certificate == second && rig.disconnects > before && matches!(asked, Ask::CheckIn(_)));
    rig.agent.handle_answer(Response::Answer(Answer::default()), rig.now);
    renewal(&mut rig);
    assert!(rig.now >= validity(&second).expect("it is one").renewal());
}

#[test]
fn with_an_expired_certificate_it_asks_for_another_before_anything_else() {
    let mut rig = Rig::new();
    rig.disk.certificate = certificate("251101000000Z", "261101000000Z");
    rig.reboot();
    assert!(matches!(rig.next_ask(), Ask::Renew(_)));
    // Whoever refuses that may still think that it holds.
    rig.agent.handle_answer(Response::Refused(Refused::default()), rig.now);
    assert!(matches!(rig.next_ask(), Ask::CheckIn(_)));
    assert!(rig.now.since(START) < Duration::from_secs(10));
}

#[test]
fn traits_are_sent_when_the_server_asks_and_then_what_changed() {
    let mut rig = Rig::new();
    let set = |pairs: &[(&str, i64)]| {
        let mut set = TraitSet::new();
        pairs.iter().for_each(|(k, v)| set.insert(k, Value::Int(*v)).expect("it fits"));
        set
    };
    rig.traits = set(&[("a", 1), ("b", 2), ("c", 3)]);
    let Ask::CheckIn(check_in) = rig.next_ask() else { panic!("it checks in") };
    assert!(check_in.traits_digest.is_empty());
    let wants = |base: &[u8]| Response::Answer(Answer { send_traits: Some(base.to_vec()), ..Answer::default() });
    rig.agent.handle_answer(wants(&[]), rig.now);
    let Ask::Traits(whole) = rig.next_ask() else { panic!("it sends them") };
    let paths: Vec<&str> = whole.set.iter().map(|t| &*t.path).collect();
    assert_eq!((&*whole.base, &*paths), (&[][..], &["a", "b", "c"][..]));
    let pairs = whole.set.iter().map(|t| (&*t.path, &*t.json));
    assert_eq!(whole.digest, traits_digest(pairs));
    rig.agent.handle_answer(Response::Traits(TraitsTaken { digest: whole.digest.clone() }), rig.now);
    rig.traits = set(&[("a", 1), ("b", 9), ("d", 4)]);
    let sent = rig.now;
    let delta = loop {
        match rig.next_ask() {
            Ask::Traits(delta) => break delta,
            Ask::CheckIn(c) => {
                assert_eq!(c.traits_digest, whole.digest);
                rig.agent.handle_answer(Response::Answer(Answer::default()), rig.now);
            }
            other => panic!("{other:?}"),
        }
    };
    assert!(rig.now.since(sent) >= Duration::from_secs(3600), "by the hour");
    let paths: Vec<&str> = delta.set.iter().map(|t| &*t.path).collect();
    assert_eq!((&delta.base, &*paths, &*delta.removed), (&whole.digest, &["b", "d"][..], &["c".to_string()][..]));
    // The server has lost what it had.
    rig.agent.handle_answer(Response::Traits(TraitsTaken { digest: vec![0; 32] }), rig.now);
    let Ask::CheckIn(check_in) = rig.next_ask() else { panic!("it checks in") };
    assert!(check_in.traits_digest.is_empty());
    rig.agent.handle_answer(wants(&[0; 32]), rig.now);
    let Ask::Traits(whole) = rig.next_ask() else { panic!("it sends them") };
    assert_eq!((whole.set.len(), whole.base.len(), whole.removed.len()), (3, 0, 0));
}

#[test]
fn traits_that_are_too_many_for_a_request_are_cut() {
    let mut set = TraitSet::new();
    set.insert("large", "x".repeat(5 << 20).into()).expect("it fits");
    set.insert("small", "y".into()).expect("it fits");
    let traits = traits_of(&set);
    assert_eq!(traits.iter().map(|t| (&*t.path, &*t.json)).collect::<Vec<_>>(), [("small", "\"y\"")]);
}

#[test]
fn an_agent_that_ends_by_itself_waits_for_no_walk_over_all_files() {
    for (until, walks) in [(Until::Stopped, true), (Until::Converged, false)] {
        let mut rig = Rig::new();
        rig.agent = boot(&rig.disk, until, START);
        assert!(matches!(rig.next_ask(), Ask::CheckIn(_)));
        let answer = Answer { send_traits: Some(Vec::new()), next_in_ms: 60_000, ..Answer::default() };
        rig.agent.handle_answer(Response::Answer(answer), rig.now);
        let wanted = loop {
            match rig.agent.poll(rig.now) {
                Step::Collect(wanted) => break wanted,
                Step::Store(records) => {
                    store(&mut rig.disk, &records);
                    rig.agent.handle_stored(rig.now);
                }
                Step::Disconnect => {}
                other => panic!("{other:?}"),
            }
        };
        assert_eq!((wanted.has("security_scan"), wanted.has("os"), wanted.has("custom")), (walks, true, true));
    }
}
