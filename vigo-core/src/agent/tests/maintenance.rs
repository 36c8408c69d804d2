//! Machines that are left alone for a while.

use super::rig::*;
use crate::bundle::Maintenance;
use crate::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// Returns a rig whose agent has run once, and has then heard of this maintenance.
fn told(maintenance: impl FnOnce(&Rig) -> Maintenance) -> Rig {
    let mut rig = Rig::new();
    rig.server().publish("p");
    rig.settle();
    rig.server().maintenance = maintenance(&rig);
    rig.agent.check_in_now();
    rig.settle();
    rig
}

#[test]
fn maintenance_ends_by_itself_without_a_server_and_after_a_restart() {
    let left = Duration::from_secs(2 * INTERVAL.as_secs() + 7);
    let mut rig = told(|rig| Maintenance::Until(rig.now + INTERVAL + left + SECOND));
    assert!(rig.said().contains("maintenance until "), "{}", rig.said());
    rig.server = None;
    rig.pass(INTERVAL);
    rig.reboot();
    rig.pass(left);
    assert_eq!(rig.runs.len(), 1, "{}", rig.said());
    rig.pass(SECOND);
    assert_eq!(rig.runs.len(), 2, "at once when it is over: {}", rig.said());
    assert!(rig.said().contains("maintenance is over"), "{}", rig.said());
    rig.pass(INTERVAL);
    assert_eq!(rig.runs.len(), 3);
}

#[test]
fn maintenance_without_an_end_is_ended_by_the_server() {
    let mut rig = told(|_| Maintenance::Open);
    let now = rig.now;
    rig.server().order(1, now);
    rig.server().publish("another");
    rig.pass(Duration::from_secs(100 * INTERVAL.as_secs()));
    assert_eq!(rig.runs.len(), 1, "not for another policy, and not for an order");
    assert_eq!(rig.server().answered[0].1, "refused");
    rig.server().maintenance = Maintenance::No;
    rig.agent.check_in_now();
    rig.settle();
    assert_eq!(rig.runs.last().map(|run| &*run.1), Some("another"));
}

#[test]
fn a_clock_that_is_behind_does_not_prolong_maintenance() {
    let mut rig = told(|rig| Maintenance::Until(rig.now + INTERVAL));
    rig.server = None;
    // The newest time that a server told counts, too: it made the assignment then.
    rig.now = rig.now - Duration::from_secs(86_400);
    rig.pass(Duration::from_secs(86_400));
    assert_eq!(rig.runs.len(), 1, "it is not over");
    rig.pass(INTERVAL);
    assert_eq!(rig.runs.len(), 2);
}

#[test]
fn a_policy_with_a_bound_is_applied_no_longer_than_that_without_a_server() {
    let mut rig = Rig::new();
    let bound = Duration::from_secs(5 * INTERVAL.as_secs());
    rig.server().max_age = bound;
    rig.server().publish("p");
    rig.settle();
    let mut server = rig.server.take();
    rig.pass(bound);
    rig.pass(SECOND);
    let runs = rig.runs.len();
    assert!(runs > 3, "it goes on: {}", rig.said());
    rig.reboot();
    rig.pass(bound);
    assert_eq!(rig.runs.len(), runs, "also after a restart: {}", rig.said());
    assert!(rig.said().contains("nothing is applied until one answers"), "{}", rig.said());
    rig.server = server.take();
    rig.agent.check_in_now();
    rig.settle();
    assert_eq!(rig.runs.len(), runs + 1, "{}", rig.said());
    assert!(rig.said().contains("the policy is applied again"), "{}", rig.said());
    // A clock that goes back has heard of the server just now.
    rig.server = None;
    rig.now = rig.now - bound;
    rig.pass(INTERVAL);
    assert!(rig.runs.len() > runs + 1);
}
