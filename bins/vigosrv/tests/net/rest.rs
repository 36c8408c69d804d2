//! A machine that is left alone, with an agent that lives.

use crate::whole::{Whole, wait_for};
use serde_json::{Value, json};
use std::fs;
use std::time::Duration;

#[test]
fn a_machine_that_is_left_alone_stays_as_it_is_until_that_ends_by_itself() {
    let mut server = Whole::start("rest");
    server.restart_with("checkin:\n  interval: 1s\n  hold_below: 0s\n");
    let machine = server.enrol("web-1");
    let page = machine.path.join("root/page");
    machine.lives_on();
    wait_for("it converges", || fs::read_to_string(&page).is_ok_and(|text| text == "first"));

    server.post("/envoys/web-1/maintenance", &json!({ "for": "1h" }));
    let envoy = |server: &Whole| server.get("/envoys/web-1");
    wait_for("it hears of it", || envoy(&server)["told"] == true);
    fs::remove_file(&page).unwrap();
    server.publish("second");
    server.kill();
    server.resume();
    assert!(envoy(&server)["maintenance"]["until"].is_string(), "it is on the disk");
    wait_for("it has the policy", || server.get("/config/status")["envoys"]["have_it"] == 1);
    for _ in 0..3 {
        let seen = envoy(&server)["last_seen"].clone();
        wait_for("it checks in", || envoy(&server)["last_seen"] != seen);
    }
    assert!(!page.exists(), "it puts nothing back and applies nothing new");

    server.post("/envoys/web-1/observe", &json!({}));
    server.post("/envoys/web-1/maintenance", &json!({ "for": "1s" }));
    wait_for("it observes", || envoy(&server)["last_run"]["observed"] == true);
    assert!(!page.exists() && envoy(&server)["maintenance"] == Value::Null);
    let (status, _) = server.try_api("DELETE", "/envoys/web-1/observe", &json!({})).unwrap();
    assert_eq!(status, 200);
    wait_for("it makes changes again", || page.exists());

    server.post("/envoys/web-1/maintenance", &json!({ "for": "4s" }));
    wait_for("it hears of it", || envoy(&server)["told"] == true);
    server.publish("third");
    wait_for("it has the policy", || server.get("/config/status")["envoys"]["have_it"] == 1);
    server.kill();
    wait_for("it ends without a server", || fs::read_to_string(&page).is_ok_and(|text| text == "third"));
}

#[test]
fn a_machine_that_stays_connected_hears_of_it_at_once() {
    let mut server = Whole::start("called");
    server.restart_with("checkin:\n  interval: 1h\n  hold_below: 1h\n");
    let machine = server.enrol("web-1");
    machine.lives_on();
    let envoy = |server: &Whole| server.get("/envoys/web-1");
    wait_for("it has run", || envoy(&server)["last_run"].is_object());
    let seen = envoy(&server)["last_seen"].clone();
    wait_for("it is called, and checks in", || {
        let begun = server.post("/envoys/web-1/maintenance", &json!({}));
        server.try_api("DELETE", "/envoys/web-1/maintenance", &json!({})).unwrap();
        begun["last_seen"] != seen
    });
}

#[test]
fn a_policy_that_is_bound_is_not_applied_when_the_server_stays_away_and_is_when_it_is_back() {
    let mut server = Whole::start("outdated");
    server.restart_with("checkin:\n  interval: 1s\n  hold_below: 0\n  bundle_max_age: 3s\n");
    let machine = server.enrol("web-1");
    let page = machine.path.join("root/page");
    machine.lives_on();
    wait_for("it converges", || page.exists());
    server.kill();
    wait_for("it applies nothing any more", || {
        let _ = fs::remove_file(&page);
        std::thread::sleep(Duration::from_secs(3));
        !page.exists()
    });
    server.resume();
    wait_for("it converges again", || page.exists());
}
