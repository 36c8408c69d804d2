//! What becomes of reports: none is lost, none is counted twice.

use super::rig::*;
use crate::agent::*;
use crate::time::Duration;
use crate::wire::message::{Refused, ReportTaken};
use alloc::vec::Vec;

fn offline_for(intervals: u64) -> Rig {
    let mut rig = Rig::new();
    rig.server().publish("p");
    rig.changes = 1;
    rig.settle();
    assert_eq!(rig.server().counted.len(), 1);
    let server = rig.server.take();
    for _ in 0..intervals {
        rig.pass(INTERVAL);
    }
    rig.server = server;
    rig
}

#[test]
fn reports_wait_for_a_server_that_is_away_and_are_sent_in_order() {
    let mut rig = offline_for(5);
    let waiting: Vec<u64> = rig.disk.reports.keys().copied().collect();
    assert_eq!(waiting, [1, 2, 3, 4, 5, 6], "the newest that was taken is kept");
    assert_eq!(rig.agent.queued(), 5);
    rig.changes = 0;
    rig.pass(INTERVAL);
    let counted: Vec<u64> = rig.server().counted.iter().map(|r| r.seq).collect();
    assert_eq!(counted, [1, 2, 3, 4, 5, 6]);
    assert_eq!(rig.disk.reports.keys().copied().collect::<Vec<_>>(), [6]);
    assert!(rig.server().check_ins.iter().all(|c| c.run.is_none()), "no quiet run overtakes a report");
    rig.pass(INTERVAL);
    let quiet = rig.server().check_ins.last().and_then(|c| c.run).expect("it tells of quiet runs");
    assert!(quiet.seq > 6 && quiet.runs >= 1 && quiet.incarnation == 7);
    assert_eq!(rig.server().counted.len(), 6);
}

#[test]
fn a_quiet_run_is_no_report_and_rides_in_the_next_check_in() {
    let mut rig = Rig::new();
    rig.server().publish("p");
    rig.settle();
    for n in 1..4 {
        rig.pass(INTERVAL);
        let run = rig.server().check_ins.last().and_then(|c| c.run).expect("it tells of them");
        assert_eq!((run.runs, run.seq, run.counts.map(|c| c.ok)), (n, n, Some(3)));
    }
    assert!(rig.disk.reports.is_empty());
    assert_eq!(rig.server().check_ins.len(), 4, "one connection an interval");
}

/// Answers until the agent sends its first report, whose number is returned.
fn until_report(rig: &mut Rig) -> u64 {
    rig.agent.check_in_now();
    loop {
        match rig.next_ask() {
            Ask::Report(seq) => return seq,
            ask => rig.answer(&ask),
        }
    }
}

fn counted(rig: &mut Rig) -> Vec<u64> {
    rig.server().counted.iter().map(|r| r.seq).collect()
}

#[test]
fn an_answer_that_got_lost_costs_nothing() {
    let mut rig = offline_for(1);
    let seq = until_report(&mut rig);
    let _ = rig.server.as_mut().expect("it is there").answer(&Ask::Report(seq), &rig.disk);
    rig.agent.handle_failure("the connection ended", rig.now);
    rig.reboot();
    rig.changes = 0;
    rig.pass(INTERVAL);
    assert_eq!((counted(&mut rig), rig.agent.queued()), (Vec::from([1, 2]), 0));
}

#[test]
fn an_acknowledgement_of_something_else_deletes_nothing() {
    for taken in [ReportTaken { incarnation: 8, seq: 2 }, ReportTaken { incarnation: 7, seq: 1 }] {
        let mut rig = offline_for(2);
        rig.changes = 0;
        assert_eq!(until_report(&mut rig), 2);
        rig.agent.handle_answer(Response::Taken(taken), rig.now);
        assert_eq!(rig.agent.queued(), 2, "{taken:?}");
        rig.pass(INTERVAL);
        assert!(rig.said().contains("expected it to take report 2"), "{}", rig.said());
        assert_eq!(counted(&mut rig), [1, 2, 3], "{taken:?}");
    }
    let mut rig = offline_for(2);
    until_report(&mut rig);
    rig.agent.handle_answer(Response::Taken(ReportTaken { incarnation: 7, seq: u64::MAX }), rig.now);
    assert_eq!(rig.agent.queued(), 1, "no more than was sent is taken");
}

#[test]
fn a_report_that_is_refused_for_good_does_not_block_those_behind_it() {
    let mut rig = offline_for(2);
    rig.changes = 0;
    for _ in 0..3 {
        assert_eq!(until_report(&mut rig), 2);
        let refused = Refused { code: Refused::INVALID.into(), message: "it is none".into() };
        rig.agent.handle_answer(Response::Refused(refused), rig.now);
    }
    rig.pass(INTERVAL);
    assert_eq!(counted(&mut rig), [1, 3]);
    assert_eq!(rig.disk.counters.lost_reports, 1);
}

#[test]
fn a_report_that_cannot_be_read_back_is_given_up() {
    let mut rig = offline_for(2);
    rig.changes = 0;
    until_report(&mut rig);
    rig.agent.handle_unreadable(rig.now);
    rig.pass(INTERVAL);
    assert_eq!((counted(&mut rig), rig.disk.counters.lost_reports), (Vec::from([1, 3]), 1));
}

#[test]
fn a_full_disk_holds_reports_back_and_stops_nothing() {
    let mut rig = Rig::new();
    rig.server().publish("p");
    rig.changes = 1;
    rig.settle();
    rig.disk_is_full = true;
    rig.server().publish("q");
    for _ in 0..3 {
        rig.pass(INTERVAL);
    }
    assert!(rig.runs.len() >= 4 && rig.runs.iter().all(|r| r.1 == "p"), "stored before use: {:?}", rig.runs);
    assert_eq!(rig.server().counted.len(), 1, "stored before it is sent");
    rig.disk_is_full = false;
    rig.changes = 0;
    rig.pass(INTERVAL);
    let counted: Vec<u64> = rig.server().counted.iter().map(|r| r.seq).collect();
    let reported: Vec<u64> = rig.runs.iter().map(|r| r.0).take(counted.len()).collect();
    assert!(counted.len() >= 4 && counted == reported, "{counted:?} {reported:?}");
    assert_eq!(rig.runs.last().map(|r| &*r.1), Some("q"));
    rig.disk_is_full = true;
    rig.changes = 1;
    for _ in 0..20 {
        rig.pass(INTERVAL);
    }
    rig.disk_is_full = false;
    rig.pass(Duration::from_secs(360));
    assert!(rig.said().contains("1 reports were lost"), "memory is bounded");
    assert!(rig.disk.counters.lost_reports >= 10);
}

#[test]
fn an_agent_that_was_set_back_in_time_numbers_its_runs_behind_what_the_server_knows() {
    for by_a_report in [true, false] {
        let mut rig = Rig::new();
        rig.changes = u32::from(by_a_report);
        rig.server().publish("p");
        rig.settle();
        let before = rig.disk.clone();
        rig.pass(Duration::from_secs(10 * INTERVAL.as_secs()));
        let known = rig.runs.last().map(|run| run.0).expect("it has run");
        rig.server().highest = known;
        rig.disk = before;
        rig.reboot();
        rig.runs.clear();
        rig.pass(INTERVAL);
        rig.pass(INTERVAL);
        assert!(rig.runs.last().is_some_and(|run| run.0 > known), "{by_a_report}: {:?}, {known} is known", rig.runs);
        assert!(rig.server().highest > known);
    }
}
