//! A run that needs secrets is answered, whatever happens.

use super::rig::*;
use crate::agent::*;
use crate::secret::Withheld;
use crate::time::Duration;
use crate::wire::message::{Refused, Renewed};
use alloc::string::String;
use alloc::vec::Vec;

fn rig() -> Rig {
    let mut rig = Rig::new();
    rig.server().publish("p");
    rig.wants = ["db/pw", "tls/key"].map(Into::into).to_vec();
    rig
}

/// Returns why the last run has no secrets.
fn denied(rig: &Rig) -> Vec<String> {
    let last = rig.handed.last().expect("a run was answered");
    last.iter().map(|(_, value)| value.clone().expect_err("it is denied").why().into()).collect()
}

#[test]
fn a_run_gets_its_secrets_once() {
    let mut rig = rig();
    rig.settle();
    assert_eq!((rig.runs.len(), rig.handed.len()), (1, 1));
    for (path, value) in &rig.handed[0] {
        assert_eq!(value.as_ref(), Ok(&secret_of(path)));
    }
}

#[test]
fn without_a_server_it_is_told_so_at_once() {
    let mut rig = rig();
    rig.settle();
    rig.server = None;
    rig.pass(INTERVAL);
    assert_eq!((rig.runs.len(), denied(&rig)), (2, ["no server answers"; 2].map(String::from).to_vec()));
    let is_unreachable = |(_, value): &(_, Result<_, _>)| matches!(value, Err(Withheld::Unreachable(_)));
    assert!(rig.handed.last().unwrap().iter().all(is_unreachable));
    rig.server = Some(Server::new());
    rig.server().publish("p");
    rig.pass(INTERVAL);
    assert!(rig.handed.last().unwrap().iter().all(|(_, value)| value.is_ok()));
}

#[test]
fn an_answer_that_never_comes_is_waited_for_no_longer_than_others() {
    let mut rig = rig();
    rig.settle();
    rig.now = rig.now + INTERVAL;
    assert!(matches!(rig.agent.poll(rig.now), Step::Ask(Ask::CheckIn(_))));
    rig.now = rig.settle().expect("it waits");
    rig.settle();
    assert_eq!((rig.runs.len(), denied(&rig)[0].as_str()), (2, "the server does not answer"));
}

#[test]
fn a_stale_policy_is_no_fault_and_brings_a_check_in() {
    let mut rig = rig();
    assert!(matches!(rig.next_ask(), Ask::CheckIn(_)));
    let check_in = Ask::CheckIn(Default::default());
    rig.answer(&check_in);
    let ask = rig.next_ask();
    assert!(matches!(&ask, Ask::Secrets(asked) if asked.refs == ["db/pw", "tls/key"]), "{ask:?}");
    let stale = Refused { code: Refused::STALE.into(), message: "check in".into() };
    rig.agent.handle_answer(Response::Refused(stale), rig.now);
    let Step::Secrets(answers) = rig.agent.poll(rig.now) else { panic!("it is told") };
    rig.hand_over(answers);
    assert_eq!(denied(&rig)[0], "the server refuses: check in");
    assert!(matches!(rig.next_ask(), Ask::CheckIn(_)));
    assert!(!rig.said().contains("next attempt"), "no back-off: {}", rig.said());
}

#[test]
fn a_server_that_refuses_is_no_server_that_does_not_answer() {
    for (code, is_later) in [("stale", true), ("busy", true), ("invalid", false), ("revoked", false)] {
        let mut rig = rig();
        assert!(matches!(rig.next_ask(), Ask::CheckIn(_)));
        rig.answer(&Ask::CheckIn(Default::default()));
        assert!(matches!(rig.next_ask(), Ask::Secrets(_)));
        let refused = Refused { code: code.into(), message: "no".into() };
        rig.agent.handle_answer(Response::Refused(refused), rig.now);
        let Step::Secrets(answers) = rig.agent.poll(rig.now) else { panic!("it is told") };
        let why = answers[0].1.clone().expect_err("it is denied");
        assert_eq!(matches!(why, Withheld::Unreachable(_)), is_later, "{code}");
    }
}

#[test]
fn what_the_server_leaves_out_is_said_and_what_it_adds_falls_away() {
    let mut rig = rig();
    assert!(matches!(rig.next_ask(), Ask::CheckIn(_)));
    rig.answer(&Ask::CheckIn(Default::default()));
    assert!(matches!(rig.next_ask(), Ask::Secrets(_)));
    let answers = [("tls/key", Ok(secret_of("x"))), ("other", Ok(secret_of("y")))];
    rig.agent.handle_answer(Response::Secrets(answers.map(|(p, v)| (p.into(), v)).to_vec()), rig.now);
    rig.settle();
    let handed = &rig.handed[0];
    assert_eq!(handed[0].1, Err(Withheld::Refused("the server says nothing of it".into())));
    assert_eq!(handed[1].1, Ok(secret_of("x")));
}

#[test]
fn an_agent_that_ends_lets_its_run_end() {
    let mut rig = rig();
    rig.settle();
    rig.now = rig.now + INTERVAL;
    let check_in = rig.agent.poll(rig.now);
    let Step::Ask(check_in) = check_in else { panic!("{check_in:?}") };
    rig.answer(&check_in);
    loop {
        match rig.agent.poll(rig.now) {
            Step::Run(order) => {
                rig.waiting = Some(order.seq);
                break;
            }
            Step::Store(records) => {
                store(&mut rig.disk, &records);
                rig.agent.handle_stored(rig.now);
            }
            Step::Load => rig.agent.handle_policy(rig.disk.policy.clone().ok_or_else(String::new), rig.now),
            Step::Wait(at) => rig.now = at.expect("a time"),
            _ => {}
        }
    }
    rig.agent.stop();
    rig.agent.want_secrets(rig.wants.clone(), rig.now);
    assert_eq!(rig.settle(), None, "it has finished");
    assert_eq!(denied(&rig)[0], "the agent is ending");
}

#[test]
fn more_than_the_server_answers_are_not_asked_for() {
    let mut rig = rig();
    rig.wants = (0..crate::limits::SECRETS_ASKED_MAX + 1).map(|n| alloc::format!("s{n}").into()).collect();
    rig.settle();
    assert!(denied(&rig)[0].contains("expected at most"), "{}", denied(&rig)[0]);
}

#[test]
fn a_clock_that_is_years_ahead_keeps_no_secret_from_a_run() {
    let mut rig = rig();
    rig.now = START + Duration::from_secs(10 * 365 * 86_400);
    let mut renewals = 0;
    let is_asked = (0..50).any(|_| {
        match rig.next_ask() {
            Ask::Secrets(_) => return true,
            Ask::Renew(_) => {
                renewals += 1;
                let certificate = crate::agent::validity::tests::certificate("261121000000Z", "271121000000Z");
                rig.agent.handle_answer(Response::Renewed(Renewed { certificate }), rig.now);
            }
            ask => rig.answer(&ask),
        }
        false
    });
    assert!(is_asked, "{}", rig.said());
    assert_eq!(renewals, 1, "by that clock the new certificate has expired, too");
}
