//! The fleet's keys are changed, with agents that are there and agents that are not, and thieves.

use crate::whole::{Machine, Whole, wait_for};
use serde_json::{Value, json};
use std::fs;
use vigo_core::bundle::{KeySet, Signed, VerifyingKey};
use x509_parser::parse_x509_certificate;

fn states(keys: &Value, kind: &str) -> Vec<String> {
    keys[kind].as_array().unwrap().iter().map(|key| key["state"].as_str().unwrap().to_owned()).collect()
}

fn version(server: &Whole) -> u64 {
    server.get("/keys")["version"].as_u64().unwrap()
}

/// Returns the version of the key set that a machine has.
fn held(machine: &Machine) -> u64 {
    let root = VerifyingKey::from_bytes(&machine.identity("root_key").try_into().unwrap()).unwrap();
    KeySet::verify(&Signed::decode(&machine.identity("keyset")).unwrap(), &root).unwrap().version
}

fn is_signed_by(certificate: &[u8], authority: &[u8]) -> bool {
    let authority = vigosrv::ca::certificate_from_pem(std::str::from_utf8(authority).unwrap()).unwrap();
    let (_, ca) = parse_x509_certificate(&authority).unwrap();
    parse_x509_certificate(certificate).unwrap().1.verify_signature(Some(ca.public_key())).is_ok()
}

#[test]
fn a_bundle_key_is_rotated_when_everybody_knows_the_next_and_the_old_one_signs_nothing_more() {
    let mut server = Whole::start("bundle");
    let (here, away) = (server.enrol("here"), server.enrol("away"));
    here.takes("first");
    away.takes("first");
    server.kill();
    let stolen = server.copy("stolen");
    server.resume();
    server.post("/keys/rotate", &json!({ "kind": "bundle" }));
    // With one check-in an agent takes it, with the next it says so.
    here.check_in();
    here.check_in();
    wait_for("one is waited for", || server.get("/keys")["rotation"]["waiting_for"] == json!(["away"]));
    // It is no request that waits.
    server.kill();
    server.resume();
    let keys = server.get("/keys");
    assert_eq!(
        (keys["version"].as_u64(), states(&keys, "bundle_keys")),
        (Some(2), vec!["active".into(), "next".into()])
    );
    server.publish("second");
    here.takes("second");
    away.takes("second");
    away.check_in();
    wait_for("the next key is used", || version(&server) == 3);
    assert_eq!(states(&server.get("/keys"), "bundle_keys"), ["retired", "active"]);
    for machine in [&here, &away] {
        machine.takes("second");
        assert_eq!(held(machine), 3);
    }
    server.publish("third");
    here.takes("third");

    // A thief has all that the server had before, but for the root, and a policy of his own.
    server.kill();
    let real = server.copy("real");
    fs::remove_file(stolen.join("tls/root_key")).unwrap();
    server.restore(&stolen);
    server.resume();
    server.publish("evil");
    for _ in 0..3 {
        here.check_in();
        assert!(here.has("third"));
    }
    // What he sees of the newer key set he cannot use.
    let keys = server.get("/keys");
    assert_eq!((keys["version"].as_u64(), &keys["newer"]), (Some(1), &json!({ "version": 3, "lacking": ["bundle"] })));
    let (status, refused) =
        server.try_api("POST", "/keys/rotate", &json!({ "kind": "bundle", "force": true })).unwrap();
    assert_eq!((status, refused["code"].as_str()), (409, Some("no-root")));
    server.kill();
    server.restore(&real);
    server.resume();
    server.publish("fourth");
    here.takes("fourth");
    away.takes("fourth");
}

#[test]
fn an_authority_is_rotated_and_agents_that_were_away_come_back_by_themselves() {
    let mut server = Whole::start("ca");
    let (here, away) = (server.enrol("here"), server.enrol("away"));
    here.takes("first");
    away.takes("first");
    let pin = server.get("/status")["https_pin"].clone();
    let old = fs::read(server.data().join("tls/ca")).unwrap();
    assert!(is_signed_by(&here.identity("certificate"), &old));
    // Nobody waits for the one that is away: it was seen a moment ago, so that takes force.
    server.post("/keys/rotate", &json!({ "kind": "ca" }));
    here.takes("first");
    let (status, refused) = server.try_api("POST", "/keys/rotate", &json!({ "kind": "ca" })).unwrap();
    assert_eq!((status, refused["code"].as_str()), (409, Some("rotating")));
    let keys = server.post("/keys/rotate", &json!({ "kind": "ca", "force": true }));
    assert_eq!((keys["version"].as_u64(), states(&keys, "cas")), (Some(3), vec!["retired".into(), "active".into()]));
    let new = fs::read(server.data().join("tls/ca")).unwrap();
    assert_ne!(old, new);
    assert_eq!(server.get("/status")["https_pin"], pin, "the server's key is the same");
    let served = fs::read_to_string(server.data().join("tls/cert")).unwrap();
    assert!(is_signed_by(&vigosrv::ca::certificate_from_pem(&served).unwrap(), &new));
    server.publish("second");
    for machine in [&here, &away] {
        machine.takes("second");
        let certificate = machine.identity("certificate");
        assert!(is_signed_by(&certificate, &new) && !is_signed_by(&certificate, &old));
    }
    // All of it is on the disk.
    server.kill();
    server.resume();
    server.enrol("new").takes("second");
    away.takes("second");
}

#[test]
fn a_server_from_before_a_rotation_makes_new_keys_with_the_root_and_asks_for_it_without() {
    for with_root in [true, false] {
        let mut server = Whole::start(&format!("restored-{with_root}"));
        let machine = server.enrol("web");
        machine.takes("first");
        let kit = fs::read_to_string(server.data().join("tls/root_key")).unwrap();
        server.kill();
        let before = server.copy("before");
        server.resume();
        for kind in ["bundle", "ca"] {
            server.post("/keys/rotate", &json!({ "kind": kind, "force": true }));
            machine.takes("first");
        }
        server.kill();
        server.restore(&before);
        if !with_root {
            fs::remove_file(server.data().join("tls/root_key")).unwrap();
        }
        server.resume();
        server.publish("second");
        if !with_root {
            wait_for("it is told", || {
                machine.check_in();
                server.get("/keys")["newer"] == json!({ "version": 5, "lacking": ["bundle", "ca"] })
            });
            // It does not forget.
            server.kill();
            server.resume();
            assert!(machine.has("first"));
            let keys = server.post("/keys/rotate", &json!({ "kind": "bundle", "root_key": kit }));
            assert_eq!((keys["version"].as_u64(), &keys["newer"]), (Some(6), &Value::Null));
        }
        machine.takes("second");
        let keys = server.get("/keys");
        assert_eq!(keys["version"], 6);
        let expected = ["retired", "retired", "active"];
        assert_eq!(
            (states(&keys, "bundle_keys"), states(&keys, "cas")),
            (expected.map(String::from).to_vec(), expected.map(String::from).to_vec())
        );
    }
}
