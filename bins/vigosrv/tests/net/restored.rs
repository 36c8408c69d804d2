//! A server that moves, or that is put back to an earlier state, by whatever means.

use crate::whole::{Whole, wait_for};
use serde_json::Value;

fn strings(list: &Value, at: &str) -> Vec<String> {
    let all = list.as_array().unwrap().iter();
    all.map(|row| row[at].as_str().map_or_else(|| row[at].to_string(), String::from)).collect()
}

#[test]
fn agents_are_told_where_the_servers_are_going_to_be_and_dial_that() {
    let mut server = Whole::start("moves");
    let machine = server.enrol("web");
    machine.takes("first");
    let here = format!("127.0.0.1:{}", server.agents);
    let servers = || String::from_utf8(machine.identity("servers")).unwrap();
    assert_eq!(servers(), format!("{here}\n"));
    // Announced before the move, while it runs.
    let there = format!("127.0.0.1:{}", crate::whole::free_port());
    server.configure_at(&[here.clone(), there.clone()], "");
    server.reload();
    wait_for("it is read", || server.get("/status")["servers"] == serde_json::json!([here, there]));
    machine.check_in();
    assert_eq!(servers(), format!("{here}\n{there}\n"));
    // The move itself: nobody listens at the old address any more.
    server.kill();
    server.agents = there.rsplit_once(':').unwrap().1.parse().unwrap();
    server.configure("");
    server.resume();
    server.publish("second");
    machine.takes("second");
    assert_eq!(servers(), format!("{there}\n"), "the old address is forgotten");
}

#[test]
fn a_database_that_is_newer_than_the_history_keeps_its_publishes() {
    let mut server = Whole::start("newer-rows");
    server.kill();
    let before = server.copy("before");
    server.resume();
    server.publish("lost");
    server.publish("lost too");
    server.kill();
    let after = server.copy("after");
    server.restore(&before);
    server.lose_database(Some(&after));
    server.resume();
    server.publish("third");
    assert_eq!(strings(&server.get("/publishes")["publishes"], "id"), ["4", "1"], "what can be rolled back to");
    let audited = server.get("/audit")["rows"].as_array().unwrap().clone();
    let audited: Vec<_> = audited.iter().filter(|row| row["action"] == "publish").map(|r| &r["subject"]).collect();
    assert_eq!(audited, ["4", "3", "2", "1"]);
}
