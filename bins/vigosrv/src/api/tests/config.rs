//! What is published, in what it differs, and the freeze.

use super::*;

#[tokio::test]
async fn nothing_is_published_while_that_is_frozen() {
    let temp = Temp::new("freeze");
    let envoys = "envoys:\n  - {match: '*', configcrates: []}\n";
    fs::write(temp.path.join("stacks/envoys.vgo"), envoys).unwrap();
    assert_eq!(temp.ask(Method::POST, "/api/v1/publish", json!({})).await.0, StatusCode::OK);
    let freeze = |body: Value| temp.ask(Method::POST, "/api/v1/config/freeze", body);
    let wrong = [
        (json!({ "until": "2027-01-15T07:59:59Z" }), "a time to come"),
        (json!({ "until": "tomorrow" }), "a time to come"),
        (json!({ "for": "0" }), "expected an end between"),
        (json!({ "for": "9999d" }), "expected an end between"),
        (json!({ "for": "1h", "until": "2027-02-01T00:00:00Z" }), "found both"),
        (json!({ "reason": "x".repeat(501) }), "at most 500 bytes"),
    ];
    for (body, expected) in wrong {
        let (status, problem) = freeze(body.clone()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
        assert!(problem["detail"].as_str().unwrap().contains(expected), "{body}: {problem}");
    }
    let (status, frozen) = freeze(json!({ "for": "2h", "reason": "the sale" })).await;
    assert_eq!((status, &frozen["until"]), (StatusCode::OK, &json!("2027-01-15T10:00:00Z")), "{frozen}");
    for (path, body) in [("/api/v1/publish", json!({})), ("/api/v1/rollback", json!({ "id": 1 }))] {
        let (status, problem) = temp.ask(Method::POST, path, body).await;
        assert_eq!((status, &problem["code"]), (StatusCode::CONFLICT, &json!("frozen")), "{path}");
        let said = problem["detail"].as_str().unwrap();
        for expected in ["`local:7`", "2027-01-15T08:00:00Z", "until 2027-01-15T10:00:00Z", "the sale"] {
            assert!(said.contains(expected), "{path}: {said}");
        }
    }
    // It outlasts a restart, and ends by itself.
    temp.context.store.close();
    let revoked = temp.path.join("tls/revoked");
    let store = Store::open(&temp.path.join("db/vigo.db"), &revoked, NOW).unwrap();
    let kept = store.freeze().await.unwrap().unwrap();
    assert!(kept.holds(NOW) && !kept.holds(NOW + Duration::from_secs(7200)));
    let context = Context { store: store.clone(), ..temp.context.clone() };
    let router = || local(context.clone()).layer(Extension(Caller::Local(7)));
    let ask = |method, path: &'static str| ask(router(), method, path, String::new());
    let (_, status) = ask(Method::GET, "/api/v1/config/status").await;
    assert_eq!((&status["freeze"]["reason"], &status["stacks"]["count"]), (&json!("the sale"), &json!(0)), "{status}");
    assert_eq!(ask(Method::DELETE, "/api/v1/config/freeze").await.0, StatusCode::OK);
    assert_eq!(ask(Method::DELETE, "/api/v1/config/freeze").await.0, StatusCode::NOT_FOUND);
    assert_eq!(ask(Method::POST, "/api/v1/publish").await.1["id"], 2);
    let audit = store.audit_rows(None, 3).await.unwrap();
    let told: Vec<_> = audit.iter().map(|row| &*row.action).collect();
    assert_eq!(told, ["publish", "publish.unfreeze", "publish.freeze"]);
    store.close();
}

#[tokio::test]
async fn publishes_differ_by_class_and_resource() {
    let temp = Temp::new("diff");
    temp.enrol(1, "web-1").await;
    temp.enrol(2, "db-1").await;
    let write = |path: &str, text: &str| {
        let path = temp.path.join("stacks").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let motd = |content: &str| {
        let text =
            format!("resources:\n  - {{name: motd, type: file, target_path: /etc/motd, content: '{content}'}}\n");
        write("configcrates/motd.vgo", &text);
    };
    let publish = || temp.ask(Method::POST, "/api/v1/publish", json!({}));
    motd("hello");
    let block = "  - {match: 'web-*', configcrates: [motd]}\n";
    write("envoys.vgo", &format!("envoys:\n{block}"));
    let first = temp.get("/api/v1/config/diff").await;
    assert_eq!((&first["from"], &first["envoys"]["hostnames"]), (&Value::Null, &json!(["web-1"])), "{first}");
    assert_eq!(publish().await.0, StatusCode::OK);
    let none = temp.get("/api/v1/config/diff").await;
    assert_eq!((&none["classes"], &none["differences"], &none["envoys"]["count"]), (&json!([]), &json!([]), &json!(0)));
    motd("secret:motd/text");
    // A block before the other: that is no other class for it.
    write("envoys.vgo", &format!("envoys:\n  - {{match: 'db-*', configcrates: []}}\n{block}"));
    let diff = temp.get("/api/v1/config/diff").await;
    let classes: Vec<_> = diff["classes"].as_array().unwrap().iter().map(|class| &class["change"]).collect();
    assert!(classes.contains(&&json!("added")), "{diff}");
    let differences = diff["differences"].as_array().unwrap();
    let difference = differences.iter().find(|one| one["id"] == "motd/motd").unwrap_or_else(|| panic!("{diff}"));
    assert!(difference["fields"].to_string().contains("«secret motd/text»"), "{diff}");
    assert_eq!(diff["envoys"]["hostnames"], json!(["db-1", "web-1"]));
    let status = temp.get("/api/v1/config/status").await;
    assert_eq!(status["stacks"]["files"], json!(["configcrates/motd.vgo", "envoys.vgo"]));
    assert_eq!((&status["envoys"]["have_it"], &status["envoys"]["not_yet"]["count"]), (&json!(0), &json!(2)));
    let id = temp.id("db-1");
    temp.told.fleet.lock().unwrap().get_mut(id).unwrap().shown = fleet::Shown::Nothing;
    assert_eq!(temp.get("/api/v1/config/status").await["envoys"]["not_yet"]["hostnames"], json!(["web-1"]));
    assert_eq!(temp.context.publisher.lock().await.live(), Some(1), "a look publishes nothing");
    publish().await;
    motd("hello again");
    publish().await;
    let back = temp.get("/api/v1/config/diff?from=3&to=2").await;
    let field = json!({ "name": "content", "before": "hello again", "after": "«secret motd/text»" });
    assert_eq!(back["differences"][0]["fields"], json!([field]), "{back}");
    assert_eq!(temp.ask(Method::GET, "/api/v1/config/diff?from=9", json!({})).await.0, StatusCode::NOT_FOUND);
    write("envoys.vgo", "envoys:\n  - {match: '*', configcrates: [modt]}\n");
    let (status, problem) = temp.ask(Method::GET, "/api/v1/config/diff", json!({})).await;
    assert_eq!((status.as_u16(), &problem["code"]), (422, &json!("invalid-policy")), "{problem}");
}

#[tokio::test]
async fn a_publish_warns_of_what_the_systems_of_envoys_cannot_do() {
    let temp = Temp::new("refusals");
    for (key, hostname, os) in [
        (1, "web-1", r#"{"os":{"family":"debian","distro":"debian"},"init":{"manager":"systemd"}}"#),
        (2, "web-2", r#"{"os":{"family":"openbsd","distro":"openbsd"},"init":{"manager":"rcctl"}}"#),
        (3, "web-3", r#"{"os":{"family":"openbsd","distro":"openbsd"},"init":{"manager":"rcctl"}}"#),
        (4, "db-1", r#"{"os":{"family":"openbsd","distro":"openbsd"},"init":{"manager":"rcctl"}}"#),
        (5, "web-4", "{}"),
    ] {
        let id = temp.enrol(key, hostname).await;
        temp.context.store.set_traits(id, [key; 32], os.into(), Vec::new(), NOW).await.unwrap();
    }
    let crates = temp.path.join("stacks/configcrates");
    fs::create_dir_all(&crates).unwrap();
    let write = |when: &str| {
        let unit = format!("{{name: unit, type: systemd_unit, unit: a.service, content: '[Unit]'{when}}}");
        let masked =
            "{name: masked, type: service, service: b, state: stopped, masked: true, when: \"!os_family('openbsd')\"}";
        fs::write(crates.join("a.vgo"), format!("resources:\n  - {unit}\n  - {masked}\n")).unwrap();
    };
    write("");
    fs::write(temp.path.join("stacks/envoys.vgo"), "envoys:\n  - {match: 'web-*', configcrates: [a]}\n").unwrap();
    let publish = || temp.ask(Method::POST, "/api/v1/publish", json!({}));
    let (status, published) = publish().await;
    assert_eq!(status, StatusCode::OK, "{published}");
    let refusals = |published: &Value| -> Vec<String> {
        let warnings =
            published["warnings"].as_array().unwrap().iter().map(|w| w["message"].as_str().unwrap().to_owned());
        warnings.filter(|message| !message.starts_with("secret ")).collect()
    };
    assert_eq!(
        refusals(&published),
        ["`a/unit` at configcrates/a.vgo:2:5 fails on envoy `web-2`: type `systemd_unit` is not supported on openbsd"],
        "one of each kind is enough"
    );
    write(", when: \"os_family('debian')\"");
    assert_eq!(refusals(&publish().await.1), [""; 0]);
}
