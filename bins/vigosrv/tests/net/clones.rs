//! One identity on two machines, with agents that know nothing of that.

use crate::whole::{Machine, Whole, wait_for};
use serde_json::{Value, json};
use std::fs;

fn found(server: &Whole) -> usize {
    let rows = server.get("/audit")["rows"].as_array().unwrap().clone();
    rows.iter().filter(|row| row["action"] == "envoy.cloned").count()
}

#[test]
fn a_copied_machine_is_found_and_gets_no_secrets_until_somebody_decides() {
    let mut server = Whole::start("clones");
    server.restart_with("checkin:\n  interval: 1s\nenrollment:\n  on_clone: withhold_secrets\n");
    server.post("/vault/init", &json!({}));
    let (status, _) = server.try_api("PUT", "/secrets/app%2Fpw", &json!({ "value": "one" })).unwrap();
    assert_eq!(status, 200);
    server.publish("secret:app/pw");
    let machine = server.enrol("web-1");
    let copy = machine.copy(&server.path.join("copy"));
    let envoy = |server: &Whole| server.get("/envoys/web-1");
    let outcome = |server: &Whole| envoy(server)["last_run"]["outcome"].clone();
    machine.lives_on();
    wait_for("it converges", || outcome(&server) == "converged");
    assert_eq!((envoy(&server)["cloned"].clone(), found(&server)), (Value::Null, 0));

    copy.lives_on();
    wait_for("both are found", || envoy(&server)["cloned"].is_object());
    assert_eq!(envoy(&server)["cloned"]["from"], json!(["127.0.0.1", "127.0.0.1"]));
    wait_for("they get no secrets", || outcome(&server) == "not converged");
    assert_eq!(found(&server), 1);

    server.post("/envoys/web-1/rebootstrap", &json!({ "dismiss": true }));
    wait_for("both are found again", || found(&server) == 2);
    server.kill();
    server.resume();
    assert!(envoy(&server)["cloned"].is_object(), "it is on the disk");
    let voided = server.post("/envoys/web-1/rebootstrap", &json!({}));
    assert_eq!((&voided["status"], &voided["token"]["match"]), (&json!("revoked"), &json!("web-1")));
    let (status, _) = server.try_api("GET", "/envoys/web-1", &json!({})).unwrap();
    assert_eq!(status, 404, "the name is free");
    let anew = Machine { path: server.path.join("anew") };
    fs::create_dir_all(&anew.path).unwrap();
    server.try_enrol("web-1", &anew).unwrap();
    assert_ne!(anew.identity("key"), machine.identity("key"));
}
