//! A server that has too many agents for its means, and one that comes back with no memory of its connections.

use crate::whole::{Machine, Whole, wait_for};
use serde_json::Value;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use vigo_agent::identity::Identity;
use vigo_agent::net::{NetError, Session, Transport};
use vigo_core::time::Timestamp;
use vigo_core::wire::Channel;
use vigo_core::wire::message::{Answer, CheckIn};

fn count(server: &Whole, at: &str) -> u64 {
    server.get("/status").pointer(at).and_then(Value::as_u64).unwrap()
}

#[test]
fn agents_that_are_refused_and_put_off_have_the_policy_in_the_end() {
    let mut server = Whole::start("overload");
    let machines: Vec<Machine> = (0..4).map(|n| server.enrol(&format!("web-{n}"))).collect();
    machines.iter().for_each(|machine| machine.takes("first"));
    assert_eq!((count(&server, "/load/connections/refused"), count(&server, "/load/check_ins_put_off")), (0, 0));
    server.kill();
    server.configure(
        "limits:\n  connections_per_second: 1\n  connections_burst: 2\n  check_ins_per_second: 1\n  check_ins_burst: 1\n",
    );
    server.resume();
    server.publish("second");
    let (is_enough, begun) = (AtomicBool::new(false), Instant::now());
    thread::scope(|scope| {
        for machine in &machines {
            scope.spawn(|| {
                while !is_enough.load(Ordering::Relaxed) && begun.elapsed() < Duration::from_secs(60) {
                    let ended = machine.check_in();
                    assert!(ended.in_touch || machine.has("first"), "it goes on with what it has: {ended:?}");
                }
            });
        }
        let refused = || {
            let seen = ["connections/taken", "connections/validated", "connections/refused", "check_ins_put_off"];
            seen.iter().all(|what| count(&server, &format!("/load/{what}")) > 0)
        };
        wait_for("some are refused, some put off", refused);
        is_enough.store(true, Ordering::Relaxed);
    });
    machines.iter().for_each(|machine| machine.takes("second"));
}

#[test]
fn whoever_was_connected_when_the_server_was_killed_hears_of_it_from_the_next_one() {
    let mut server = Whole::start("killed");
    let machine = server.enrol("web");
    let identity = Identity::load(&machine.path.join("state")).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (trust, client) = (identity.trust(Timestamp::default()), identity.client());
    let connecting = Session::connect(&identity.servers, &trust, &client, Channel::Request);
    let session = runtime.block_on(connecting).unwrap();
    assert_eq!(session.transport(), Transport::Quic);
    runtime.block_on(session.ask::<CheckIn, Answer>(&CheckIn::default())).unwrap();
    server.kill();
    server.resume();
    // Whatever is said next: a packet that keeps the connection alive is as good.
    let lost = runtime.block_on(session.ask::<CheckIn, Answer>(&CheckIn::default())).unwrap_err();
    let NetError::Closed { why } = &lost else { panic!("{lost}") };
    assert!(why.contains("reset"), "it ran out of time instead: {why}");
}
