//! Clocks jump.

use super::rig::*;
use crate::time::Duration;

const YEARS: Duration = Duration::from_secs(20 * 365 * 86_400);

#[test]
fn a_clock_that_jumps_by_years_costs_no_more_than_an_interval() {
    for name in ["back", "forth", "forth and back"] {
        let mut rig = Rig::new();
        rig.server().publish("p");
        rig.settle();
        let (runs, check_ins) = (rig.runs.len(), rig.server().check_ins.len());
        if name != "back" {
            rig.now = rig.now + YEARS;
            rig.settle();
        }
        if name != "forth" {
            rig.now = rig.now - YEARS;
            rig.settle();
        }
        rig.pass(INTERVAL);
        let (more_runs, more_check_ins) = (rig.runs.len() - runs, rig.server().check_ins.len() - check_ins);
        assert!((1..=2).contains(&more_runs), "{name}: {more_runs} runs");
        assert!((1..=2).contains(&more_check_ins), "{name}: {more_check_ins} check-ins");
    }
}

#[test]
fn a_back_off_does_not_last_for_years() {
    let mut rig = Rig::new();
    rig.server = None;
    rig.settle();
    rig.now = rig.now - YEARS;
    let at = rig.settle().expect("it waits");
    assert!(at.since(rig.now) <= Duration::from_secs(5), "{at}");
}
