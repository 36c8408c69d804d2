//! A server that moves, or that is put back to an earlier state, by whatever means.

use crate::fleet::{days_ago, now};
use crate::whole::{Machine, Whole, wait_for};
use serde_json::{Value, json};
use std::fs;
use vigo_core::bundle::VerifyingKey;
use vigo_core::id::EnvoyId;
use vigo_core::server::Adoption;
use vigosrv::store::{Actor, NewToken, Seen, Store, make_token};

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
    wait_for("it is read", || server.get("/status")["servers"] == json!([here, there]));
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

/// Returns the codes of what `doctor` finds that speak of a restore.
fn found(server: &Whole) -> Vec<String> {
    let codes = strings(&server.get("/doctor")["findings"], "code");
    codes.into_iter().filter(|code| ["restored", "envoys-adopted"].contains(&&**code)).collect()
}

fn names(server: &Whole, query: &str) -> Vec<String> {
    strings(&server.get(&format!("/envoys{query}"))["envoys"], "hostname")
}

fn stamp(server: &Whole) -> String {
    fs::read_to_string(server.data().join("tls/stamp")).unwrap_or_default()
}

#[test]
fn what_was_used_up_or_withdrawn_stays_so_when_the_server_is_put_back() {
    for how in ["restore", "stamp"] {
        let mut server = Whole::start(&format!("back-{how}"));
        let [web, gone] = ["web", "gone"].map(|name| server.enrol(name));
        for machine in [&web, &gone] {
            machine.takes("first");
        }
        let token = server.token("late");
        server.post("/auth/tokens", &json!({ "label": "ci", "role": "admin" }));
        let push = server.post("/push", &json!({ "envoys": ["web"] }))["push"].clone();
        server.kill();
        let before = server.copy("before");
        server.resume();
        let began = stamp(&server);
        let late = Machine { path: server.path.join("late") };
        server.try_enrol_by(&token, "late", &late).unwrap();
        late.takes("first");
        let (status, _) = server.try_api("DELETE", "/envoys/gone", &json!({})).unwrap();
        assert_eq!(status, 200);
        wait_for("the stamp follows the database", || stamp(&server) != began);
        server.kill();
        let revoked = fs::read(server.data().join("tls/revoked")).unwrap();
        if how == "restore" {
            // What a restore does: the files of the backup, what never comes back of here, and the mark.
            server.restore(&before);
            fs::write(server.data().join("tls/revoked"), revoked).unwrap();
            let mark = format!("vigo-restored-1 {} 9 1\n", now().epoch_ms());
            fs::write(server.data().join("tls/restored"), mark).unwrap();
        } else {
            // What somebody does with a copy of the database, or a replica of it.
            server.lose_database(Some(&before));
        }
        server.resume();
        assert!(!server.data().join("tls/restored").exists(), "what it asks for is done");
        assert!(server.log().contains("the database is older than what this server has done"), "{}", server.log());
        let thief = Machine { path: server.path.join("thief") };
        let refused = server.try_enrol_by(&token, "late", &thief).unwrap_err().to_string();
        assert!(refused.contains("used up"), "{refused}");
        assert_eq!(server.get("/auth/tokens")["tokens"], json!([]));
        server.publish("second");
        for machine in [&web, &late] {
            machine.takes("second");
        }
        let pushed = server.get(&format!("/pushes/{push}"));
        assert_eq!((&pushed["open"], &pushed["orders"][0]["outcome"]), (&json!(0), &json!("void")), "{pushed}");
        assert!(!gone.check_in().in_touch, "it never comes back");

        let restored = server.get("/restored");
        let [restore] = &restored["restores"].as_array().unwrap()[..] else { panic!("{restored}") };
        assert_eq!((&restore["how"], &restored["adopted"]), (&json!(how), &json!(1)), "{restored}");
        assert_eq!(restore["void"], json!({ "tokens": 1, "api_tokens": 1, "orders": 1 }));
        assert!(restore["lost_from"].as_str() <= restore["lost_to"].as_str(), "{restored}");
        assert_eq!(server.get("/status")["restored"], *restore);
        assert_eq!(
            (found(&server), names(&server, "?adopted=true")),
            (vec!["restored".into(), "envoys-adopted".into()], vec!["late".into()])
        );
        server.post("/restored/reviewed", &json!({}));
        assert_eq!((found(&server), names(&server, "?adopted=true").len()), (Vec::new(), 0));
        assert_eq!(server.get("/restored")["look_at"], json!([]));
        // It does not find the same twice, and what is made now is good.
        let fresh = server.token("thief");
        server.kill();
        server.resume();
        server.try_enrol_by(&fresh, "thief", &thief).unwrap();
        assert_eq!(server.get("/restored")["restores"].as_array().unwrap().len(), 1);
        assert_eq!(server.get("/audit/verify")["whole"], true);
    }
}

/// Puts a database of yesterday in the place of the server's, which knows one envoy under this name and has a token. No mark
/// and no stamp tells of it: the disk as a whole went back.
fn yesterday(server: &Whole, id: EnvoyId, key: [u8; 32], hostname: &str) {
    server.lose_database(None);
    let _ = fs::remove_file(server.data().join("tls/stamp"));
    let _ = fs::remove_file(server.data().join("tls/opened"));
    let (path, at) = (server.data().join("db/vigo.db"), days_ago(1));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Store::open(&path, &server.data().join("tls/revoked"), at).unwrap();
        let seen = Seen {
            last_seen: at,
            remote: "127.0.0.1".into(),
            agent_version: String::new(),
            machine: Vec::new(),
            contact: 0,
            queued: 0,
            keyset: 0,
        };
        let key = VerifyingKey::from_bytes(&key).unwrap();
        store.adopt(Adoption { id, key, hostname: hostname.into() }, None, seen, at).await.unwrap().unwrap();
        let (text, hash) = make_token().unwrap();
        let new = NewToken { match_glob: "*".into(), uses: 1, expires_at: days_ago(-1), replaces: false };
        store.add_token(&text, hash, new, Actor::Server, at).await.unwrap();
        store.review_restores(Actor::Server, at).await.unwrap();
        store.close();
    });
    fs::remove_file(server.data().join("tls/stamp")).unwrap();
}

#[test]
fn an_agent_that_remembers_more_than_the_database_says_so_and_keeps_what_it_was_told() {
    let mut server = Whole::start("remembers");
    let machine = server.enrol("web");
    machine.takes("first");
    let envoy = server.get("/envoys/web");
    let id: EnvoyId = envoy["id"].as_str().unwrap().parse().unwrap();
    // Its certificate has the name of before.
    server.post("/envoys/web/rename", &json!({ "hostname": "shop" }));
    server.post("/envoys/shop/observe", &json!({}));
    machine.check_in();
    server.kill();
    let key = {
        let copy = server.copy("copy");
        let store = Store::open(&copy.join("db/vigo.db"), &copy.join("tls/revoked"), now()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let key = runtime.block_on(store.envoy(id)).unwrap().unwrap().identity_key;
        store.close();
        key
    };
    yesterday(&server, id, key, "web");
    server.resume();
    let tokens = |server: &Whole| server.get("/tokens")["tokens"][0]["uses_left"].clone();
    assert_eq!(
        (server.get("/restored")["restores"].clone(), tokens(&server)),
        (json!([]), json!(1)),
        "nothing tells of it yet"
    );
    let is_itself =
        |server: &Whole| names(server, "").contains(&"shop".into()) && server.get("/envoys/shop")["observes"] == true;
    wait_for("the agent tells of it", || {
        machine.check_in();
        is_itself(&server)
    });
    let restored = server.get("/restored");
    let [restore] = &restored["restores"].as_array().unwrap()[..] else { panic!("{restored}") };
    assert_eq!((&restore["how"], tokens(&server)), (&json!("agent"), json!(0)));
    server.publish("second");
    machine.takes("second");
    // The next start has nothing to find, and a token of after that stays good.
    let token = server.token("new");
    server.kill();
    server.resume();
    machine.takes("second");
    server.try_enrol_by(&token, "new", &Machine { path: server.path.join("new") }).unwrap();
    assert_eq!(server.get("/restored")["restores"].as_array().unwrap().len(), 1);

    // All of it is lost: it is taken up again under the name that it had last.
    server.kill();
    server.lose_database(None);
    server.go_on_without_database();
    server.resume();
    wait_for("it is taken up again", || {
        machine.check_in();
        is_itself(&server)
    });
    assert_eq!(strings(&server.get("/restored")["restores"], "how"), ["stamp"]);
}

#[test]
fn secrets_that_went_back_with_the_database_are_told_by_those_who_had_newer_ones() {
    let mut server = Whole::start("older-secrets");
    let set = |server: &Whole, value: &str| {
        let (status, answer) = server.try_api("PUT", "/secrets/app%2Fpw", &json!({ "value": value })).unwrap();
        assert_eq!(status, 200, "{answer}");
    };
    set(&server, "one");
    server.publish("pw=secret:app/pw");
    let machine = server.enrol("web");
    machine.check_in();
    server.kill();
    let before = server.copy("before");
    server.resume();
    set(&server, "two");
    machine.check_in();
    assert_eq!(server.get("/restored")["restores"], json!([]), "another value is no restore");
    server.kill();
    server.restore(&before);
    fs::write(server.data().join("tls/restored"), format!("vigo-restored-1 {} 9 1\n", now().epoch_ms())).unwrap();
    server.resume();
    let older = |server: &Whole| server.get("/restored")["restores"][0]["older_secrets"].clone();
    assert_eq!(older(&server), json!([]));
    machine.check_in();
    wait_for("it is noted", || older(&server).as_array().is_some_and(|classes| classes.len() == 1));
}
