//! The master key is lost, and everything else is there.

use crate::whole::{Whole, wait_for};
use serde_json::{Value, json};
use std::fs;

#[test]
fn secrets_are_set_again_under_a_new_master_key_and_machines_say_what_they_wait_for() {
    let mut server = Whole::start("lost-key");
    server.restart_with("checkin:\n  interval: 1s\n");
    let set = |server: &Whole, path: &str, value: &str| {
        server.try_api("PUT", &format!("/secrets/{path}"), &json!({ "value": value })).unwrap()
    };
    assert_eq!((set(&server, "app%2Fpw", "one").0, set(&server, "unused", "x").0), (200, 200));
    server.publish("secret:app/pw");
    let machine = server.enrol("web-1");
    machine.lives_on();
    let page = machine.path.join("root/page");
    let is = |text: &str| fs::read_to_string(&page).is_ok_and(|found| found == text);
    wait_for("it converges", || is("one"));
    let (status, refused) = server.try_api("POST", "/vault/init", &json!({ "new_key": true })).unwrap();
    assert_eq!((status, &refused["code"]), (409, &json!("not-lost")), "{refused}");

    server.kill();
    fs::remove_file(server.data().join("secrets/.master.key")).unwrap();
    server.resume();
    assert_eq!(set(&server, "app%2Fpw", "two").0, 503);
    let runs = |server: &Whole| server.get("/envoys/web-1")["last_run"]["outcome"].clone();
    let cause = |server: &Whole| {
        let runs = server.get("/runs?envoy=web-1");
        let Some(id) = runs["runs"][0]["id"].as_i64() else { return String::new() };
        let run = server.get(&format!("/runs/{id}"));
        let skipped =
            run["resources"].as_array().into_iter().flatten().find(|one| one["outcome"] == "skipped").cloned();
        skipped.map(|one| one["cause"].as_str().unwrap_or_default().to_owned()).unwrap_or_default()
    };
    // What is as it was is known to be, without the value; what is not has to wait.
    fs::write(&page, "broken").unwrap();
    wait_for("it says why it is skipped", || cause(&server).contains("the master key"));

    let made = server.post("/vault/init", &json!({ "new_key": true }));
    assert_eq!(made["lost"], json!(["app/pw", "unused"]));
    let states = |server: &Whole| -> Value {
        let list = server.get("/secrets")["secrets"].clone();
        list.as_array().unwrap().iter().map(|secret| json!([secret["path"], secret["state"]])).collect()
    };
    assert_eq!(states(&server), json!([["app/pw", "lost"], ["unused", "lost"]]));
    wait_for("it says that the secret is lost", || cause(&server).contains("lost with the master key"));
    assert!(fs::read_to_string(&page).is_ok_and(|text| text == "broken"), "nothing is made of nothing");
    let (status, lost) = server.try_api("POST", "/secrets/app%2Fpw/reveal", &json!({})).unwrap();
    assert_eq!((status, &lost["code"]), (409, &json!("lost")), "{lost}");
    server.kill();
    server.resume();
    assert_eq!(states(&server), json!([["app/pw", "lost"], ["unused", "lost"]]), "it is on the disk");

    assert_eq!(set(&server, "app%2Fpw", "two").0, 200);
    wait_for("it converges again", || is("two") && runs(&server) == "converged");
    assert_eq!(server.try_api("DELETE", "/secrets/unused", &json!({})).unwrap().0, 200);
    assert_eq!(states(&server), json!([["app/pw", "used"]]));
    let rows = server.get("/audit")["rows"].clone();
    let audited = rows.as_array().unwrap().iter().filter(|row| row["action"] == "secret.new-key").count();
    assert_eq!(audited, 1, "{rows}");
}
