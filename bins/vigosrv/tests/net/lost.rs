//! A server of which nothing is left but its recovery kit, or less; and what a thief makes of the same.

use crate::whole::{Machine, Whole};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use vigo_agent::life::LifeError;
use vigo_agent::net::{Anchor, ClientCertificate, ClientIdentity, Dialer, TrustAnchors, new_key, signing_request};
use vigo_core::bundle::{KeySet, Signed, SigningKey, VerifyingKey};
use vigo_core::id::EnvoyId;
use vigo_core::time::Timestamp;
use vigo_core::wire::message::{Answer, CheckIn};
use vigo_core::wire::{Channel, Reply};
use vigosrv::ca::{Authority, certificate_from_pem};

/// Writes the recovery kit beside the server.
fn kit(server: &Whole) -> PathBuf {
    let text = server.post("/keys/root/export", &json!({}))["root_key"].as_str().unwrap().to_owned();
    write(&server.path.join("kit"), &text)
}

fn write(path: &Path, text: &str) -> PathBuf {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    path.to_owned()
}

/// Takes the whole data directory away; the address stays.
fn lose(server: &mut Whole) {
    server.kill();
    fs::remove_dir_all(server.data()).unwrap();
    fs::create_dir_all(server.data().join("stacks/configcrates")).unwrap();
    fs::set_permissions(server.data(), fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(server.data().join("stacks/envoys.vgo"), "envoys:\n  - {match: '*', configcrates: [page]}\n").unwrap();
    server.configure("");
}

fn init(server: &Whole, kit: &Path) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vigosrv"));
    let output = command.arg("--data-dir").arg(server.data()).args(["init", "--root-key"]).arg(kit).output().unwrap();
    (output.status.success(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

fn trust(server: &Whole, glob: &str) {
    server.post("/trusted", &json!({ "match": glob, "from": "127.0.0.0/8" }));
}

fn waiting(server: &Whole) -> Vec<Value> {
    let waiting = server.get("/envoys/waiting")["waiting"].clone();
    waiting.as_array().unwrap().iter().map(|one| one["hostname"].clone()).collect()
}

fn audited(server: &Whole, action: &str) -> Vec<Value> {
    let rows = server.get("/audit")["rows"].as_array().unwrap().clone();
    rows.into_iter().filter(|row| row["action"] == action).collect()
}

fn id(machine: &Machine) -> EnvoyId {
    EnvoyId::of(&SigningKey::from_bytes(&machine.identity("key").try_into().unwrap()).verifying_key())
}

#[test]
fn with_the_recovery_kit_the_fleet_returns_by_itself_through_a_pattern_or_waits_for_a_word() {
    let mut server = Whole::start("loss-kit");
    let [web, db] = ["web", "db"].map(|name| server.enrol(name));
    for machine in [&web, &db] {
        machine.takes("first");
    }
    let before = [web.identity("key"), db.identity("key")];
    let kit = kit(&server);
    let (was, retired) = (fs::read_to_string(&kit).unwrap(), fs::read(server.data().join("tls/ca_key")).unwrap());
    let old_ca = fs::read(server.data().join("tls/ca")).unwrap();
    assert_eq!(was.lines().count(), 2, "the root, and the keys of now");
    let (is_made, said) = init(&server, &kit);
    assert!(!is_made && said.contains("is at work in"), "{said}");
    lose(&mut server);
    for (bad, why) in [
        (write(&server.path.join("bad"), "vigo-ed25519-key-1 00"), "expected a recovery kit"),
        (write(&server.path.join("twisted"), &was.replace("\nkeyset ", "\nkeyset 00")), "recovery kit"),
        (server.path.join("nowhere"), "nowhere"),
    ] {
        let (is_made, said) = init(&server, &bad);
        assert!(!is_made && said.contains(why) && !server.data().join("tls").exists(), "{said}");
    }
    let (is_made, said) = init(&server, &kit);
    assert!(is_made && said.contains("has new keys for fleet"), "{said}");
    let (again, said) = init(&server, &kit);
    assert!(!again && said.contains("is there: this directory has a server's data"), "{said}");
    server.resume();
    let keys = server.get("/keys");
    assert!(keys["version"].as_u64().unwrap() > 1_700_000_000, "higher than any before: {keys}");
    server.publish("second");
    assert_eq!(server.get("/restored")["restores"][0]["how"], "restore", "what to look at is said");
    let token = server.token("new");
    trust(&server, "web*");
    web.takes("second");
    assert_eq!(web.identity("key"), before[0], "it is the same machine");
    assert_eq!(server.get("/envoys/web")["id"], json!(id(&web).to_string()));
    let rows = audited(&server, "envoy.enrol");
    assert_eq!((rows.len(), &rows[0]["detail"]), (1, &json!("by trusted pattern `web*`")));

    // The other one goes on with what it has, and waits.
    assert!(!db.check_in().in_touch && db.has("first"));
    assert_eq!(waiting(&server), ["db"]);
    let doctor = server.get("/doctor").to_string();
    assert!(doctor.contains("envoys-waiting"), "{doctor}");
    // A thief who has the key of the retired authority waits beside it: he is nobody before somebody says so.
    let thief = forge(&old_ca, &retired, 66, "shop");
    assert!(matches!(asks(&server, &thief), Reply::Refused(refused) if refused.code == "unknown"));
    assert_eq!(waiting(&server), ["db", "shop"]);
    server.kill();
    server.resume();
    assert!(waiting(&server).is_empty(), "it is in memory");
    assert!(!db.check_in().in_touch);
    assert_eq!(waiting(&server), ["db"], "who is there says so again");
    assert!(server.try_api("POST", "/envoys/waiting", &json!({ "all": false })).unwrap().0 == 400);
    let admitted = server.post("/envoys/waiting", &json!({ "all": true }));
    assert_eq!(admitted["admitted"].as_array().unwrap().len(), 1);
    assert!(matches!(asks(&server, &thief), Reply::Refused(_)), "who comes after the word waits for another");
    db.takes("second");
    assert_eq!(db.identity("key"), before[1]);
    assert_eq!(server.get("/envoys/db")["id"], json!(id(&db).to_string()));
    let rows = audited(&server, "envoy.adopt");
    assert_eq!((rows.len(), audited(&server, "envoys.rebootstrap-all").len()), (1, 1));
    assert!(rows[0]["detail"].as_str().is_some_and(|text| text.contains("local:") && text.contains("has let it in")));
    assert_eq!(waiting(&server), ["shop"]);
    // What agents remember of the server before takes nothing back of what was done since.
    server.try_enrol_by(&token, "new", &Machine { path: server.path.join("new") }).unwrap();
    // All of it is on the disk.
    server.kill();
    server.resume();
    server.publish("third");
    web.takes("third");
    db.takes("third");
}

#[test]
fn a_kit_of_before_key_sets_were_in_it_is_as_good_where_a_pattern_admits() {
    let mut server = Whole::start("loss-old-kit");
    let web = server.enrol("web");
    web.takes("first");
    let kit = kit(&server);
    let root = fs::read_to_string(&kit).unwrap().lines().next().unwrap().to_owned();
    lose(&mut server);
    let (is_made, said) = init(&server, &write(&kit, &format!("{root}\n")));
    assert!(is_made, "{said}");
    server.resume();
    server.publish("second");
    // Nobody knows its authority any more: it has nothing to show but its key, by which it may enrol.
    for _ in 0..3 {
        assert!(!web.check_in().in_touch);
    }
    assert!(web.has("first") && waiting(&server).is_empty());
    trust(&server, "web");
    let key = web.identity("key");
    // What the agent remembers of strangers lasts as long as it lives.
    web.lives_on();
    crate::whole::wait_for("it is enrolled anew", || {
        server.try_api("GET", "/envoys/web", &json!({})).is_some_and(|(status, _)| status == 200)
    });
    assert_eq!(web.identity("key"), key);
}

#[test]
fn an_empty_server_at_the_right_address_gets_nobody() {
    let mut server = Whole::start("loss-imposter");
    let web = server.enrol("web");
    web.takes("first");
    let (keyset, certificate) = (web.identity("keyset"), web.identity("certificate"));
    let real = {
        server.kill();
        server.copy("real")
    };
    server.resume();
    lose(&mut server);
    server.resume();
    server.publish("evil");
    trust(&server, "*");
    for _ in 0..4 {
        assert!(!web.check_in().in_touch);
        assert!(web.has("first") && !web.has("evil"));
    }
    assert_eq!((web.identity("keyset"), web.identity("certificate")), (keyset, certificate));
    assert!(server.get("/envoys")["envoys"].as_array().unwrap().is_empty() && waiting(&server).is_empty());
    // Nor does a thief who has all but the root: the authority that he has is retired.
    server.kill();
    server.restore(&real);
    server.resume();
    server.post("/keys/rotate", &json!({ "kind": "ca" }));
    web.takes("first");
    server.post("/keys/rotate", &json!({ "kind": "ca", "force": true }));
    web.takes("first");
    web.takes("first");
    server.kill();
    fs::remove_file(real.join("tls/root_key")).unwrap();
    server.restore(&real);
    server.lose_database(None);
    server.go_on_without_database();
    server.resume();
    server.publish("evil");
    trust(&server, "*");
    for _ in 0..4 {
        assert!(!web.check_in().in_touch);
        assert!(web.has("first") && !web.has("evil"));
    }
    assert!(server.get("/envoys")["envoys"].as_array().unwrap().is_empty());
}

#[test]
fn who_enrolled_after_a_rotation_that_the_server_has_forgotten_waits_for_a_word() {
    let mut server = Whole::start("loss-rotation");
    let early = server.enrol("early");
    early.takes("first");
    server.kill();
    let before = server.copy("before");
    server.resume();
    server.post("/keys/rotate", &json!({ "kind": "ca", "force": true }));
    server.post("/keys/rotate", &json!({ "kind": "ca", "force": true }));
    let late = server.enrol("late");
    late.takes("first");
    early.takes("first");
    server.kill();
    server.restore(&before);
    server.resume();
    server.publish("second");
    // The root is there: the keys of a third version are everybody's, and no authority before it counts.
    early.takes("second");
    for _ in 0..3 {
        assert!(!late.check_in().in_touch && late.has("first"));
    }
    assert_eq!(waiting(&server), ["late"]);
    server.post("/envoys/waiting", &json!({ "all": true }));
    late.takes("second");
    assert_eq!(server.get("/envoys/late")["id"], json!(id(&late).to_string()));
    assert!(waiting(&server).is_empty());
}

#[test]
fn a_rack_behind_one_address_comes_back_within_a_minute_and_tokens_are_still_not_guessed() {
    let server = Whole::start("loss-rack");
    trust(&server, "rack-*");
    for n in 0..40 {
        let name = format!("rack-{n}");
        let machine = Machine { path: server.path.join(&name) };
        server.try_enrol_by("", &name, &machine).unwrap();
    }
    let mut refusals = Vec::new();
    let token = server.token("guess");
    for n in 0..33 {
        let machine = Machine { path: server.path.join(format!("guess-{n}")) };
        let wrong = format!("{}{}", &token[..token.len() - 1], if token.ends_with('0') { '1' } else { '0' });
        let wrong = if n == 0 { "no token".into() } else { wrong };
        refusals.push(server.try_enrol_by(&wrong, "guess", &machine).unwrap_err().to_string());
    }
    assert!(!refusals[0].contains("too many attempts"), "{}", refusals[0]);
    assert!(refusals.last().is_some_and(|why| why.contains("too many attempts")), "{refusals:?}");
    // Who brings none and is not let in is not written down for ever.
    for n in 0..40 {
        let machine = Machine { path: server.path.join(format!("nobody-{n}")) };
        let why = server.try_enrol_by("", "nobody", &machine).unwrap_err().to_string();
        assert!(why.contains("no trusted pattern"), "{why}");
    }
    let nobody = audited(&server, "envoy.refuse").iter().filter(|row| row["subject"] == "nobody").count();
    assert!((1..=30).contains(&nobody), "{nobody}");
}

#[test]
fn a_machine_leaves_its_fleet_where_that_is_said_and_only_for_one_that_takes_it() {
    let (old, new) = (Whole::start("left"), Whole::start("joined"));
    new.publish("joined");
    let machine = old.enrol("web");
    machine.takes("first");
    let (key, root) = (machine.identity("key"), machine.identity("root_key"));
    let token = new.token("web");
    let stays = new.try_bootstrap(&token, "web", &machine, false).unwrap_err();
    assert!(
        matches!(stays, LifeError::OtherFleet { .. })
            && stays.help().is_some_and(|help| help.contains("--leave-fleet"))
    );
    // A token that is not good leaves all as it is.
    new.try_bootstrap(&old.token("web"), "web", &machine, true).unwrap_err();
    assert_eq!(machine.identity("root_key"), root);
    machine.takes("first");
    new.try_bootstrap(&token, "web", &machine, true).unwrap();
    machine.takes("joined");
    assert_eq!(machine.identity("key"), key, "the machine keeps its own key");
    assert_ne!(machine.identity("root_key"), root);
    assert!(machine.path.join("state/agent.redb.left").exists(), "what was of the old fleet is aside");
    // It is of the other fleet for good: the same again is harmless.
    new.try_bootstrap("", "web", &machine, true).unwrap();
    machine.takes("joined");
    assert!(new.get("/envoys/web")["status"].is_string());
}

/// Makes an identity with a certificate of an authority whose key was stolen.
fn forge(ca: &[u8], key: &[u8], seed: u8, hostname: &str) -> ClientIdentity {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let authority = Authority::load(&certificate_from_pem(&text(ca)).unwrap(), &text(key)).unwrap();
    let key = SigningKey::from_bytes(&[seed; 32]);
    let tls = new_key().unwrap();
    let now = crate::fleet::now();
    let id = EnvoyId::of(&key.verifying_key());
    let certificate = authority.envoy(&signing_request(&tls).unwrap(), id, hostname, now).unwrap();
    ClientIdentity { key, certificate: Some(ClientCertificate { certificate, key: tls }) }
}

/// Checks in as somebody who shows his key.
fn asks(server: &Whole, identity: &ClientIdentity) -> Reply<Answer> {
    let keyset = fs::read_to_string(server.data().join("tls/keyset")).unwrap();
    let bytes: Vec<u8> =
        (0..keyset.trim().len()).step_by(2).map(|at| u8::from_str_radix(&keyset[at..at + 2], 16).unwrap()).collect();
    let root = server.get("/status")["root_key"].as_str().unwrap().to_owned();
    let root: Vec<u8> = (0..64).step_by(2).map(|at| u8::from_str_radix(&root[at..at + 2], 16).unwrap()).collect();
    let root = VerifyingKey::from_bytes(&root.try_into().unwrap()).unwrap();
    let set = KeySet::verify(&Signed::decode(&bytes).unwrap(), &root).unwrap();
    let trust = TrustAnchors {
        authorities: set.authorities().map(|ca| Anchor::Certificate(ca.to_vec())).collect(),
        server_name: set.server_name(),
        newest: Timestamp::default(),
    };
    let shows = CheckIn { identity_key: identity.key.verifying_key().as_bytes().to_vec(), ..CheckIn::default() };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let servers = [format!("127.0.0.1:{}", server.agents)];
        let session = Dialer::new().connect(&servers, &trust, identity, Channel::Request).await.unwrap();
        session.ask::<CheckIn, Answer>(&shows).await.unwrap()
    })
}
