//! A connection that the server holds.

use super::rig::*;
use crate::agent::*;
use crate::time::Duration;
use crate::wire::message::Awaited;

const NEVER: Awaited = Awaited { check_in: false, hold: true, come_back_in_ms: 0 };

fn held() -> Rig {
    let mut rig = Rig::new();
    rig.server().publish("p");
    rig.server().hold = true;
    rig.settle();
    assert_eq!((rig.awaits, rig.disconnects), (1, 0));
    rig
}

#[test]
fn it_stays_connected_and_comes_when_it_is_called() {
    let mut rig = held();
    let check_ins = rig.server().check_ins.len();
    rig.now = rig.now + Duration::from_secs(2);
    rig.server().publish("q");
    rig.agent.handle_awaited(Ok(Awaited { check_in: true, ..NEVER }), rig.now);
    rig.settle();
    assert_eq!(rig.runs.last().map(|r| &*r.1), Some("q"), "at once");
    assert_eq!((rig.awaits, rig.disconnects), (2, 0), "over the same connection");
    assert!(rig.server().check_ins[check_ins].held);
    // It was not called: it asks again, and comes at its interval as others do.
    rig.now = rig.now + Duration::from_secs(40);
    rig.agent.handle_awaited(Ok(NEVER), rig.now);
    rig.pass(INTERVAL);
    assert_eq!((rig.awaits, rig.disconnects, rig.server().check_ins.len()), (3, 0, check_ins + 2));
}

#[test]
fn it_is_let_go_by_either_answer() {
    let mut rig = held();
    rig.agent.handle_awaited(Ok(Awaited::default()), rig.now);
    let at = rig.settle();
    assert_eq!((rig.disconnects, at), (1, Some(START + INTERVAL)));
    let mut rig = held();
    rig.server().hold = false;
    rig.pass(INTERVAL);
    assert_eq!((rig.awaits, rig.disconnects), (1, 1));
    rig.agent.handle_awaited(Ok(Awaited { check_in: true, ..NEVER }), rig.now);
    assert!(rig.settle() > Some(rig.now), "what comes too late is nothing");
}

#[test]
fn it_comes_back_when_it_is_told_or_soon_after_the_connection_is_lost() {
    let mut rig = held();
    rig.agent.handle_awaited(Ok(Awaited { come_back_in_ms: 4321, ..Awaited::default() }), rig.now);
    assert_eq!(rig.settle(), Some(START + Duration::from_ms(4321)));
    let mut rig = held();
    rig.agent.handle_awaited(Ok(Awaited { come_back_in_ms: u64::MAX, ..Awaited::default() }), rig.now);
    assert_eq!(rig.settle(), Some(START + INTERVAL), "not later than it would have");
    let mut rig = held();
    rig.agent.handle_awaited(Err("the network is down".into()), rig.now);
    let wait = rig.settle().expect("it waits").since(rig.now);
    assert!(wait >= Duration::from_secs(1) && wait <= Duration::from_secs(5), "{wait}");
    assert!(rig.said().contains("the held connection is lost: the network is down"));
    rig.now = rig.now + wait;
    rig.settle();
    assert_eq!((rig.awaits, rig.server().check_ins.len()), (2, 2));
}

#[test]
fn a_server_that_calls_all_the_time_is_listened_to_once_a_second() {
    let mut rig = held();
    for call in [NEVER, Awaited { check_in: true, ..NEVER }] {
        let (start, awaits) = (rig.now, rig.awaits);
        let mut answered = rig.awaits;
        while rig.now.since(start) < Duration::from_secs(60) {
            if rig.awaits >= answered {
                rig.agent.handle_awaited(Ok(call), rig.now);
                answered = rig.awaits + 1;
            }
            let next = rig.settle().expect("it waits");
            rig.now = if rig.awaits >= answered { rig.now } else { next };
        }
        assert!((55..=65).contains(&(rig.awaits - awaits)), "{}", rig.awaits - awaits);
    }
}

#[test]
fn who_lives_for_one_run_is_not_held() {
    let mut rig = Rig::new();
    rig.agent = boot(&rig.disk, Until::Converged, START);
    rig.server().publish("p");
    rig.server().hold = true;
    assert_eq!((rig.settle(), rig.awaits), (None, 0));
    let mut rig = held();
    rig.agent.stop();
    assert!(matches!(rig.agent.poll(rig.now), Step::Disconnect));
    assert!(matches!(rig.agent.poll(rig.now), Step::Finished));
}
