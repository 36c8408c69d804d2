//! A server that has lost its database, and agents that know nothing of that.

use crate::whole::{Machine, Whole};
use serde_json::Value;
use std::fs;
use vigo_core::agent::Until;

/// Returns who has a name now.
fn holder(server: &Whole, name: &str) -> Option<Value> {
    let envoys = server.get("/envoys")["envoys"].as_array().unwrap().clone();
    envoys.into_iter().find(|envoy| envoy["hostname"] == name && envoy["status"] != "revoked")
}

fn adopted(server: &Whole) -> Vec<Value> {
    let rows = server.get("/audit")["rows"].as_array().unwrap().clone();
    rows.into_iter().filter(|row| row["action"] == "envoy.adopt").map(|row| row["subject"].clone()).collect()
}

#[test]
fn a_server_without_its_database_takes_its_agents_up_again_but_not_those_that_were_thrown_out() {
    for is_restored in [false, true] {
        let mut server = Whole::start(&format!("lost-{is_restored}"));
        // One from before the first enrolment.
        server.kill();
        let empty = server.copy("empty");
        server.resume();
        let [web, thrown, deleted, outdone] = ["web", "thrown", "deleted", "outdone"].map(|name| server.enrol(name));
        for machine in [&web, &thrown, &deleted, &outdone] {
            machine.takes("first");
        }
        server.post("/envoys/thrown/revoke", &serde_json::json!({}));
        let (status, _) = server.try_api("DELETE", "/envoys/deleted", &serde_json::json!({})).unwrap();
        assert_eq!(status, 200);
        let before = holder(&server, "web").unwrap();
        server.kill();
        server.lose_database(is_restored.then_some(&*empty));
        if !is_restored {
            server.go_on_without_database();
        }
        server.resume();
        assert!(server.get("/envoys")["envoys"].as_array().unwrap().is_empty());
        // Somebody enrols under the name of one that is not back yet.
        let other = Machine { path: server.path.join("other") };
        fs::create_dir_all(&other.path).unwrap();
        server.try_enrol("outdone", &other).unwrap();
        let other_id = holder(&server, "outdone").unwrap()["id"].clone();

        server.publish("second");
        web.takes("second");
        let after = holder(&server, "web").unwrap();
        assert_eq!(after["id"], before["id"]);
        assert_eq!(adopted(&server), ["web"]);
        assert!(server.log().contains("web at 127.0.0.1"), "{}", server.log());
        if !is_restored {
            // A whole life takes its time: the machine's traits are collected.
            let ended = web.live(Until::Converged);
            assert!(ended.in_touch && ended.converged == Some(true), "{ended:?}");
            assert!(!server.get("/runs?envoy=web")["runs"].as_array().unwrap().is_empty());
        }

        for (machine, why) in [(&thrown, "was revoked"), (&deleted, "was revoked"), (&outdone, "is enrolled as")] {
            let ended = machine.check_in();
            assert!(!ended.in_touch && ended.why.as_ref().is_some_and(|said| said.contains(why)), "{ended:?}");
            // It goes on with what it has.
            assert!(machine.has("first"));
        }
        assert_eq!(holder(&server, "thrown"), None);
        assert_eq!(holder(&server, "deleted"), None);
        assert_eq!(holder(&server, "outdone").unwrap()["id"], other_id);
        assert_eq!(adopted(&server), ["web"]);
        // It is on the disk: nothing is adopted twice.
        server.kill();
        server.resume();
        web.takes("second");
        assert_eq!((holder(&server, "web").unwrap()["id"].clone(), adopted(&server).len()), (before["id"].clone(), 1));
    }
}
