//! Envoys that get other names and go, what is asked of them, and who may become one.

use super::*;

#[tokio::test]
async fn envoys_are_renamed_and_deleted() {
    let temp = Temp::new("rename");
    let (one, two) = (temp.enrol(1, "web-1").await, temp.enrol(2, "web-2").await);
    let rename = |path: &'static str, name: &'static str| temp.ask(Method::POST, path, json!({ "hostname": name }));
    let (status, problem) = rename("/api/v1/envoys/web-1/rename", "web-2").await;
    assert_eq!((status, &problem["code"]), (StatusCode::CONFLICT, &json!("taken")), "{problem}");
    assert_eq!(rename("/api/v1/envoys/web-1/rename", "../x").await.0, StatusCode::BAD_REQUEST);
    assert_eq!(rename("/api/v1/envoys/web-9/rename", "x").await.0, StatusCode::NOT_FOUND);
    let (status, renamed) = rename("/api/v1/envoys/web-1/rename", "WWW").await;
    assert_eq!(
        (status, &renamed["hostname"], &renamed["id"]),
        (StatusCode::OK, &json!("www"), &json!(one.to_string()))
    );
    assert_eq!(temp.told.fleet.lock().unwrap().named("www").unwrap().id, one, "the running server was told");
    let report = Report { seq: 1, outcome: "converged".into(), ..Report::default() };
    temp.context.store.record(two, &report, report.encode(), NOW).await.unwrap().unwrap();
    temp.context.store.set_traits(two, [3; 32], "{}".into(), Vec::new(), NOW).await.unwrap();
    let (status, deleted) = temp.ask(Method::DELETE, "/api/v1/envoys/web-2", json!({})).await;
    assert_eq!((status, &deleted["deleted"]), (StatusCode::OK, &json!(true)), "{deleted}");
    assert!(temp.told.fleet.lock().unwrap().get(two).unwrap().revoked);
    assert!(temp.context.store.envoy(two).await.unwrap().is_none());
    assert_eq!(temp.get("/api/v1/runs").await["runs"], json!([]), "its runs went with it");
    let text = fs::read_to_string(temp.path.join("tls/revoked")).unwrap();
    assert!(text.contains(&two.to_string()), "its id never comes back: {text}");
    for (path, detail) in [
        ("/api/v1/envoys?status=offlin", "no envoy is `offlin`"),
        ("/api/v1/envoys?limit=0", "expected 1 to 1000, found 0"),
        ("/api/v1/runs?limit=0", "expected 1 to 500, found 0"),
    ] {
        let (status, problem) = temp.ask(Method::GET, path, json!({})).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{path}");
        assert!(problem["detail"].as_str().unwrap().contains(detail), "{path}: {problem}");
    }
    let (_, problem) = temp.ask(Method::GET, "/api/v1/envoys?status=offlin", json!({})).await;
    assert_eq!(problem["help"], "did you mean `offline`?");
}

#[tokio::test]
async fn traits_are_asked() {
    let temp = Temp::new("query");
    for (key, name, family) in [(1, "a", "debian"), (2, "b", "alpine"), (3, "c", "debian")] {
        let id = temp.enrol(key, name).await;
        let traits = format!(r#"{{"os":{{"family":"{family}"}}}}"#);
        temp.context.store.set_traits(id, [key; 32], traits, Vec::new(), NOW).await.unwrap();
    }
    temp.enrol(4, "d").await;
    let names = |answer: &Value| -> Vec<String> {
        answer["envoys"].as_array().unwrap().iter().map(|e| e["hostname"].as_str().unwrap().into()).collect()
    };
    let found = temp.get("/api/v1/traits?query=os.family%20%3D%20debian").await;
    assert_eq!((names(&found), &found["next"]), (vec!["a".to_owned(), "c".into()], &Value::Null));
    assert_eq!(found["envoys"][0]["traits"], json!({ "os.family": "debian" }));
    assert_eq!(names(&temp.get("/api/v1/traits?query=not%20os.family").await), ["d"]);
    let page = temp.get("/api/v1/traits?query=hostname&limit=3").await;
    assert_eq!(page["next"], "c");
    assert_eq!(names(&temp.get("/api/v1/traits?query=hostname&limit=3&after=c").await), ["d"]);
    let (status, problem) = temp.ask(Method::GET, "/api/v1/traits?query=os.famly", json!({})).await;
    assert_eq!((status, &problem["help"]), (StatusCode::BAD_REQUEST, &json!("did you mean `os.family`?")));
    assert_eq!(temp.get("/api/v1/envoys/a/traits").await["traits"]["os"]["family"], "debian");
    assert_eq!(temp.ask(Method::GET, "/api/v1/envoys/d/traits", json!({})).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn patterns_are_trusted_and_audited() {
    let temp = Temp::new("trusted");
    let add = |body: Value| temp.ask(Method::POST, "/api/v1/trusted", body);
    for body in [json!({ "match": "[", "from": "any" }), json!({ "match": "*", "from": "10.0.0.0/99" })] {
        assert_eq!(add(body.clone()).await.0, StatusCode::BAD_REQUEST, "{body}");
    }
    assert_eq!(add(json!({ "match": "*", "from": "any", "until": "1999-01-01T00:00:00Z" })).await.0.as_u16(), 400);
    let (status, added) = add(json!({ "match": "web-*", "from": "10.0.0.0/8" })).await;
    assert_eq!((status, &added["created_by"]), (StatusCode::OK, &json!("local:7")), "{added}");
    assert_eq!(temp.get("/api/v1/trusted").await["trusted"], json!([added]));
    let path = format!("/api/v1/trusted/{}", added["id"]);
    for expected in [200, 404] {
        assert_eq!(temp.ask(Method::DELETE, &path, json!({})).await.0.as_u16(), expected);
    }
    let audit = temp.get("/api/v1/audit?limit=2").await;
    let actions = (&audit["rows"][0]["action"], &audit["rows"][1]["action"]);
    assert_eq!(actions, (&json!("trusted.remove"), &json!("trusted.add")));
    assert_eq!(temp.get("/api/v1/audit/verify").await["whole"], true);
}

#[tokio::test]
async fn what_seems_to_run_twice_is_shown_dismissed_or_voided() {
    let temp = Temp::new("clones");
    let id = temp.enrol(1, "web-1").await;
    let path = "/api/v1/envoys/web-1/rebootstrap";
    let mark = async || {
        let cloned = fleet::Cloned { from: ["192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap()], at: NOW };
        temp.context.store.mark_cloned(id, cloned).await.unwrap();
        temp.told.fleet.lock().unwrap().get_mut(id).unwrap().cloned = Some(cloned);
        json!({ "from": ["192.0.2.1", "192.0.2.2"], "at": NOW.to_string() })
    };
    assert_eq!(temp.get("/api/v1/envoys").await["envoys"][0]["cloned"], Value::Null);
    let (status, problem) = temp.ask(Method::POST, path, json!({ "dismiss": true })).await;
    assert_eq!((status, &problem["code"]), (StatusCode::CONFLICT, &json!("not_cloned")), "{problem}");
    let shown = mark().await;
    assert_eq!(temp.get("/api/v1/envoys").await["envoys"][0]["cloned"], shown);
    assert_eq!(temp.get("/api/v1/envoys/web-1").await["cloned"], shown);
    let (status, dismissed) = temp.ask(Method::POST, path, json!({ "dismiss": true })).await;
    assert_eq!((status, &dismissed["cloned"]), (StatusCode::OK, &Value::Null), "{dismissed}");
    assert!(temp.told.fleet.lock().unwrap().get(id).unwrap().cloned.is_none(), "the running server was told");

    mark().await;
    let (status, voided) = temp.ask(Method::POST, path, json!({})).await;
    assert_eq!((status, &voided["status"]), (StatusCode::OK, &json!("revoked")), "{voided}");
    let token = &voided["token"];
    assert_eq!((&token["match"], &token["uses_left"]), (&json!("web-1"), &json!(1)), "{token}");
    assert!(token["command"].as_str().unwrap().contains(token["token"].as_str().unwrap()), "{token}");
    assert!(temp.told.fleet.lock().unwrap().get(id).unwrap().revoked);
    let (status, _) = temp.ask(Method::POST, &format!("/api/v1/envoys/{id}/rebootstrap"), json!({})).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn envoys_rest_and_observe_and_the_running_server_hears_of_it() {
    let temp = Temp::new("rest");
    let id = temp.enrol(1, "web-1").await;
    let path = "/api/v1/envoys/web-1/maintenance";
    let live = || temp.told.fleet.lock().unwrap().get(id).unwrap().clone();
    let until = NOW + Duration::from_secs(7200);
    let (status, begun) = temp.ask(Method::POST, path, json!({ "for": "2h" })).await;
    assert_eq!((status, &begun["called"], &begun["told"]), (StatusCode::OK, &json!(true), &json!(false)), "{begun}");
    assert_eq!(begun["maintenance"], json!({ "until": until.to_string() }));
    assert_eq!(live().maintenance, Maintenance::Until(until));
    assert_eq!(temp.get("/api/v1/envoys").await["envoys"][0]["maintenance"], begun["maintenance"]);
    let (_, open) = temp.ask(Method::POST, path, json!({})).await;
    assert_eq!((&open["maintenance"], live().maintenance), (&json!({ "until": null }), Maintenance::Open));
    let (status, observes) = temp.ask(Method::POST, "/api/v1/envoys/web-1/observe", json!({})).await;
    assert_eq!((status, &observes["observes"], live().observes), (StatusCode::OK, &json!(true), true));
    assert_eq!(live().maintenance, Maintenance::Open, "each goes its own way");
    for _ in 0..2 {
        let (status, over) = temp.ask(Method::DELETE, path, json!({})).await;
        assert_eq!((status, &over["maintenance"]), (StatusCode::OK, &Value::Null));
        let (_, changes) = temp.ask(Method::DELETE, "/api/v1/envoys/web-1/observe", json!({})).await;
        assert_eq!((&changes["observes"], live().observes), (&json!(false), false));
    }
    let rows = temp.get("/api/v1/audit").await["rows"].as_array().unwrap().clone();
    let details: Vec<_> = rows.iter().filter(|row| row["subject"] == id.to_string()).map(|r| &r["detail"]).collect();
    let until = format!("`web-1`: maintenance until {until}");
    let expected = [
        "`web-1` makes changes",
        "`web-1`: no maintenance",
        "`web-1` observes only",
        "`web-1`: maintenance until somebody ends it",
        &*until,
    ];
    assert_eq!(details, expected, "what is so already is not audited");
    for (body, detail) in [
        (json!({ "until": "1999-01-01T00:00:00Z" }), "expected a time to come"),
        (json!({ "until": "2027-03-01T00:00:00Z", "for": "2h" }), "found both"),
        (json!({ "for": "9000d" }), "expected an end between"),
    ] {
        let (status, problem) = temp.ask(Method::POST, path, body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(detail), "{problem}");
    }
    let (status, _) = temp.ask(Method::POST, "/api/v1/envoys/web-9/observe", json!({})).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_traits_were_before_is_shown() {
    let temp = Temp::new("history");
    let id = temp.enrol(1, "web-1").await;
    let change = |path: &str, before: Option<&str>, after: Option<&str>| ChangedTrait {
        path: path.into(),
        before: before.map(Into::into),
        after: after.map(Into::into),
    };
    let changes = vec![change("os.version", Some("\"12\""), Some("\"13\"")), change("custom.rack", None, Some("null"))];
    temp.context.store.set_traits(id, [1; 32], "{}".into(), changes, NOW).await.unwrap();
    let found = temp.get("/api/v1/envoys/web-1/traits/history").await;
    let expected = json!([
        { "number": 2, "at": NOW.to_string(), "trait": "custom.rack", "after": null },
        { "number": 1, "at": NOW.to_string(), "trait": "os.version", "before": "12", "after": "13" },
    ]);
    assert_eq!((&found["changes"], &found["next"]), (&expected, &Value::Null));
    let page = temp.get("/api/v1/envoys/web-1/traits/history?limit=1").await;
    assert_eq!((&page["changes"][0], &page["next"]), (&expected[0], &json!(2)));
    let page = temp.get("/api/v1/envoys/web-1/traits/history?limit=1&before=2").await;
    assert_eq!(page["changes"][0], expected[1]);
    assert_eq!(temp.get("/api/v1/envoys/web-1/traits/history?path=os").await["changes"], json!([expected[1]]));
    let (status, problem) = temp.ask(Method::GET, "/api/v1/envoys/web-1/traits/history?path=oz", json!({})).await;
    assert_eq!((status, &problem["help"]), (StatusCode::BAD_REQUEST, &json!("did you mean `os`?")), "{problem}");
}
