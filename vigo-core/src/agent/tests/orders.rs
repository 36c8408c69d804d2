//! Orders: each is obeyed once.

use super::rig::*;
use crate::agent::*;
use crate::bundle::{Order, OrderId};
use crate::id::EnvoyId;
use crate::time::{Duration, Timestamp};
use crate::wire::message::{Answer, OrderTaken, Refused};
use alloc::string::{String, ToString as _};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

fn settled() -> Rig {
    let mut rig = Rig::new();
    rig.server().publish("p");
    rig.settle();
    rig
}

fn check_in(rig: &mut Rig) {
    rig.agent.check_in_now();
    rig.settle();
}

fn answered(rig: &mut Rig) -> Vec<String> {
    rig.server().answered.iter().map(|(_, outcome)| outcome.clone()).collect()
}

/// Goes on until a run begins.
fn to_run(rig: &mut Rig) -> Arc<RunOrder> {
    loop {
        match rig.agent.poll(rig.now) {
            Step::Run(order) => return order,
            Step::Ask(ask) => rig.answer(&ask),
            Step::Store(records) => {
                store(&mut rig.disk, &records);
                rig.agent.handle_stored(rig.now);
            }
            Step::Load => rig.agent.handle_policy(rig.disk.policy.clone().ok_or("gone".into()), rig.now),
            Step::Disconnect => {}
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn an_order_is_one_run_and_one_answer() {
    let mut rig = settled();
    let now = rig.now;
    rig.server().order(1, now);
    rig.server().order(2, now);
    check_in(&mut rig);
    assert_eq!((rig.runs.len(), answered(&mut rig)), (2, vec!["converged".to_string(); 2]), "one run for both");
    // The server has lost the answer, as after a restore.
    rig.server().order(1, now);
    check_in(&mut rig);
    assert_eq!((rig.runs.len(), rig.server().answered.len()), (2, 3), "it is answered for again, not obeyed");
    rig.server().order(1, now);
    rig.reboot();
    rig.settle();
    assert_eq!(rig.runs.len(), 3, "the one after the start");
    check_in(&mut rig);
    assert_eq!(rig.runs.len(), 3);
}

#[test]
fn an_order_that_comes_during_a_run_gets_the_next_one() {
    let mut rig = settled();
    rig.now = rig.now + INTERVAL;
    let run = to_run(&mut rig);
    let now = rig.now;
    rig.server().order(1, now);
    check_in(&mut rig);
    rig.agent.handle_run(RunResult { seq: run.seq, started: now, outcome: Ok(ran(0)) }, now);
    assert!(rig.server().answered.is_empty());
    rig.settle();
    assert_eq!((rig.runs.last().map(|r| r.0), answered(&mut rig).len()), (Some(run.seq + 1), 1));
}

#[test]
fn what_a_crash_cut_short_is_never_begun_again() {
    let mut rig = settled();
    let now = rig.now;
    rig.server().order(1, now);
    rig.agent.check_in_now();
    to_run(&mut rig);
    rig.reboot();
    rig.settle();
    assert_eq!(answered(&mut rig), ["interrupted"]);
}

#[test]
fn an_order_is_not_begun_before_its_name_is_on_disk() {
    let mut rig = settled();
    let (now, runs) = (rig.now, rig.runs.len());
    rig.server().order(1, now);
    rig.disk_is_full = true;
    check_in(&mut rig);
    assert_eq!((rig.runs.len(), answered(&mut rig).len()), (runs, 0));
    rig.disk_is_full = false;
    rig.pass(INTERVAL);
    assert_eq!(answered(&mut rig), ["converged"]);
}

#[test]
fn what_is_not_to_be_obeyed_is_answered_for_or_not_believed() {
    let order = |change: fn(&mut Order)| {
        let (id, kind) = (OrderId([1; 16]), String::from(Order::CONVERGE));
        let not_after = START + Duration::from_secs(3600);
        let mut order = Order { id, envoy_id: me(), kind, body: Vec::new(), issued_at: START, not_after };
        change(&mut order);
        order
    };
    let cases: [(&str, Order, u8, &str); 5] = [
        ("too late", order(|o| o.not_after = START - Duration::from_secs(1)), 2, "expired"),
        ("of a later version", order(|o| o.kind = "x".repeat(1000)), 2, "refused"),
        ("good", order(|_| {}), 2, "converged"),
        ("another's", order(|o| o.envoy_id = EnvoyId([0; 16])), 2, "expected what is for"),
        ("signed by a stranger", order(|_| {}), 66, "not trusted"),
    ];
    for (name, order, signer, expected) in cases {
        let mut rig = settled();
        let runs = rig.runs.len();
        rig.agent.check_in_now();
        let Step::Ask(_) = rig.agent.poll(rig.now) else { panic!("{name}: it checks in") };
        let orders = vec![order.sign(&key(signer)).encode()];
        rig.server().orders.push(order);
        rig.agent.handle_answer(Response::Answer(Answer { orders, ..Answer::default() }), rig.now);
        rig.server().orders[0].not_after = Timestamp::default();
        rig.settle();
        let said = answered(&mut rig).first().cloned().unwrap_or_else(|| rig.said());
        assert!(said.contains(expected), "{name}: {said}");
        assert_eq!(rig.runs.len() > runs, expected == "converged", "{name}");
        assert!(rig.events.iter().all(|e| e.to_string().len() < 1000), "{name}");
    }
}

#[test]
fn where_there_is_nothing_to_converge_an_order_is_answered_at_once() {
    let mut rig = Rig::new();
    let now = rig.now;
    rig.server().order(1, now);
    rig.settle();
    assert_eq!(answered(&mut rig), ["refused"]);
    assert!(rig.runs.is_empty());
}

#[test]
fn an_answer_that_nobody_takes_does_not_come_for_ever() {
    let mut rig = settled();
    let now = rig.now;
    rig.server().order(1, now);
    rig.agent.check_in_now();
    let mut refusals = 0;
    while refusals < 3 {
        let ask = rig.next_ask();
        if let Ask::Order(result) = &ask {
            refusals += 1;
            let refused = match refusals {
                // Another's name acknowledges nothing.
                1 => Response::Order(OrderTaken { id: vec![9; 16] }),
                _ => Response::Refused(Refused { code: Refused::INVALID.into(), message: result.detail.clone() }),
            };
            rig.agent.handle_answer(refused, rig.now);
        } else {
            rig.answer(&ask);
        }
    }
    let Ask::Order(_) = rig.next_ask() else { panic!("twice is not for ever") };
    rig.agent
        .handle_answer(Response::Refused(Refused { code: Refused::INVALID.into(), message: String::new() }), rig.now);
    rig.server().orders.clear();
    assert!(matches!(rig.next_ask(), Ask::CheckIn(_)));
}
