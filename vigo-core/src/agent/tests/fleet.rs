//! An agent on a bad day, again and again: lost questions, lost answers, full disks, crashes between any two steps.

use super::rig::*;
use crate::agent::*;
use crate::time::Duration;
use crate::wire::message::Awaited;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

struct Dice(u64);

impl Dice {
    fn one_in(&mut self, n: u64) -> bool {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33).is_multiple_of(n)
    }
}

/// One life with faults and, after them, one without. Returns how many crashes there were.
fn live(seed: u64) -> u32 {
    let mut dice = Dice(seed);
    let mut rig = Rig::new();
    rig.server().publish("first");
    rig.wants = ["db/pw", "tls/key"].map(Into::into).to_vec();
    let (mut crashes, mut published) = (0, Vec::from([String::from("first")]));
    // What a run with this number found, for those whose report is on disk.
    let mut stored: BTreeMap<u64, u32> = BTreeMap::new();
    let mut serial = 0;
    let (mut awaits, mut given) = (false, 0);
    for round in 0..400 {
        let is_calm = round >= 300;
        let mut fault = |n| !is_calm && dice.one_in(n);
        if fault(40) {
            let name = alloc::format!("policy-{round}");
            rig.server().publish(&name);
            published.push(name);
        }
        if fault(15) && given < 200 {
            given += 1;
            let now = rig.now;
            rig.server().order(given, now);
        }
        if fault(20) {
            rig.reboot();
            (crashes, awaits) = (crashes + 1, false);
        }
        rig.server().hold = if is_calm { seed.is_multiple_of(2) } else { dice.one_in(2) };
        let mut fault = |n| !is_calm && dice.one_in(n);
        match rig.agent.poll(rig.now) {
            Step::Store(_) if fault(8) => rig.agent.handle_store_failed("no space is left", rig.now),
            Step::Store(records) => {
                store(&mut rig.disk, &records);
                for record in records.iter() {
                    if let Record::Report { seq, bytes } = record {
                        assert!(stored.insert(*seq, bytes.len() as u32).is_none(), "seed {seed}: number {seq} twice");
                    }
                }
                if fault(10) {
                    rig.reboot();
                    (crashes, awaits) = (crashes + 1, false);
                } else {
                    rig.agent.handle_stored(rig.now);
                }
                let policy = rig.disk.policy.as_ref();
                let now = policy.map_or(0, |p| {
                    let a = crate::bundle::Assignment::verify(&p.assignment, &believed(&key(2)));
                    a.expect("what is stored is signed").serial
                });
                assert!(now >= serial, "seed {seed}: back to serial {now} from {serial}");
                serial = now;
            }
            Step::Load => {
                let policy = rig.disk.policy.clone().ok_or("it is gone".into());
                rig.agent.handle_policy(policy, rig.now);
            }
            Step::Run(order) => {
                let name: String = order.bundle.files[0].as_ref().into();
                assert!(published.contains(&name), "seed {seed}: {name}");
                rig.runs.push((order.seq, name));
                if order.seq % 2 == 0 {
                    rig.waiting = Some(order.seq);
                    rig.agent.want_secrets(rig.wants.clone(), rig.now);
                    continue;
                }
                let outcome = match (fault(10), fault(2)) {
                    (true, _) => Err("another run is at work".into()),
                    (_, is_changed) => Ok(ran(u32::from(is_changed))),
                };
                rig.agent.handle_run(RunResult { seq: order.seq, started: rig.now, outcome }, rig.now);
            }
            Step::Ask(_) if fault(4) => {
                awaits = false;
                rig.agent.handle_failure("the question got lost", rig.now);
            }
            Step::Ask(ask) => {
                let response = rig.server.as_mut().expect("it is there").answer(&ask, &rig.disk);
                match fault(5) {
                    true => {
                        awaits = false;
                        rig.agent.handle_failure("the answer got lost", rig.now);
                    }
                    false => rig.agent.handle_answer(response, rig.now),
                }
            }
            Step::Wait(_) if awaits && fault(3) => {
                awaits = false;
                let called = |check_in, hold| Awaited { check_in, hold, come_back_in_ms: 0 };
                let awaited = match dice.0 >> 61 {
                    0 => Ok(called(true, true)),
                    1 => Ok(called(false, true)),
                    2 => Ok(called(false, false)),
                    3 => Ok(Awaited { come_back_in_ms: 4000, ..called(false, false) }),
                    _ => Err("the connection is lost".into()),
                };
                rig.agent.handle_awaited(awaited, rig.now);
            }
            Step::Wait(Some(at)) => {
                rig.now = if fault(10) { at + Duration::from_secs(3600) } else { at };
                if fault(30) {
                    rig.now = rig.now - Duration::from_secs(86_400);
                }
            }
            Step::Secrets(answers) => {
                for (path, value) in &answers {
                    assert!(value.as_ref().is_ok_and(|v| *v == secret_of(path)) || value.is_err(), "seed {seed}");
                }
                rig.hand_over(answers);
            }
            Step::Collect(_) => rig.agent.handle_traits(&rig.traits, rig.now),
            Step::Await => awaits = true,
            Step::Disconnect => awaits = false,
            Step::Wait(None) | Step::Finished => panic!("seed {seed}: it ended"),
        }
    }
    for _ in 0..3 {
        rig.pass(INTERVAL);
    }
    assert_eq!(rig.runs.last().map(|r| &r.1), published.last(), "seed {seed}: not on the last policy");
    assert!(rig.handed.last().is_some_and(|last| last.iter().all(|(_, v)| v.is_ok())), "seed {seed}: no secrets");
    assert_eq!(rig.agent.queued(), 0, "seed {seed}");
    let counted: Vec<u64> = rig.server().counted.iter().map(|r| r.seq).collect();
    let expected: Vec<u64> = stored.keys().copied().collect();
    assert_eq!(counted, expected, "seed {seed}: every stored report once, in order");
    assert_eq!(rig.disk.counters.lost_reports, 0, "seed {seed}");
    let mut answered: Vec<u8> = rig.server().answered.iter().map(|(id, _)| id.0[0]).collect();
    answered.sort_unstable();
    assert_eq!(answered, (1..=given).collect::<Vec<_>>(), "seed {seed}: each order is answered for once");
    crashes
}

#[test]
fn no_report_is_lost_or_counted_twice_and_no_policy_goes_back() {
    let crashes: u32 = (0..60).map(live).sum();
    assert!(crashes > 60, "{crashes}");
}
