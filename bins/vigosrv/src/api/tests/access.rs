//! Who may ask what from elsewhere.

use super::*;
use axum::http::header;
use std::net::SocketAddr;
use vigo_core::server::Role;

const PASSWORD: &str = "correct horse battery";

impl Temp {
    /// Asks as somebody elsewhere, with a token where there is one.
    async fn elsewhere(&self, method: Method, path: &str, token: Option<&str>, body: Value) -> (StatusCode, Value) {
        let mut request = Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, "application/json");
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let from = Remote(SocketAddr::from(([192, 0, 2, 7], 1234)));
        let router = public(self.context.clone()).layer(Extension(from));
        let response = router.oneshot(request.body(Body::from(body.to_string())).unwrap()).await.unwrap();
        let status = response.status();
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    async fn user(&self, name: &str, role: Role) {
        let body = json!({ "name": name, "role": role.word(), "password": PASSWORD });
        let (status, answer) = self.ask(Method::POST, "/api/v1/users", body).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
    }

    async fn login(&self, name: &str, password: &str) -> (StatusCode, Value) {
        let body = json!({ "name": name, "password": password });
        self.elsewhere(Method::POST, "/api/v1/login", None, body).await
    }
}

#[tokio::test]
async fn every_endpoint_is_in_the_document_and_answers_whom_it_says() {
    let temp = Temp::new("access");
    let mut tokens = Vec::new();
    for role in Role::ALL {
        temp.user(role.word(), role).await;
        let (status, answer) = temp.login(role.word(), PASSWORD).await;
        assert_eq!((status, &answer["role"]), (StatusCode::OK, &json!(role.word())), "{answer}");
        tokens.push((role, answer["token"].as_str().unwrap().to_owned()));
    }
    let (_, document) = temp.elsewhere(Method::GET, "/api/v1/openapi.json", None, json!({})).await;
    let mut seen = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let wanted = Method::from_bytes(method.to_ascii_uppercase().as_bytes()).unwrap();
            let at = path.replace("{id}", "1").replace("{name}", "nobody").replace("{target}", "none");
            // What is asked here changes nothing: it is not found, or no request at all.
            let ask = |token| temp.elsewhere(wanted.clone(), &at, token, json!("no object"));
            let is_open = operation["security"] == json!([]);
            let (status, answer) = ask(None).await;
            assert_eq!(status == StatusCode::UNAUTHORIZED, !is_open, "{method} {path}: {status} {answer}");
            seen += 1;
            if is_open || path.ends_with("/logout") || method == "delete" && path.ends_with("/freeze") {
                continue;
            }
            if path.contains("/keys/root/") {
                for (_, token) in &tokens {
                    let (status, answer) =
                        temp.elsewhere(wanted.clone(), &at, Some(token), json!({ "root_key": "" })).await;
                    assert_eq!(status, StatusCode::FORBIDDEN, "nobody elsewhere, {path}: {answer}");
                }
                continue;
            }
            let needs: Role = operation["x-role"].as_str().unwrap().parse().unwrap();
            for (role, token) in &tokens {
                let (status, answer) = ask(Some(token)).await;
                assert_eq!(
                    status == StatusCode::FORBIDDEN,
                    *role < needs,
                    "{method} {path} as {role}: {status} {answer}"
                );
                assert_ne!(status, StatusCode::UNAUTHORIZED, "{method} {path} as {role}");
            }
        }
    }
    assert!(seen > 30, "{seen}");
    // No path stands beside those that are declared.
    let router = include_str!("../router.rs");
    assert_eq!(router.matches(".route(").count(), 2, "the document itself, and metrics that are for everybody");
    let login = &document["paths"]["/api/v1/login"]["post"]["requestBody"]["content"]["application/json"]["schema"];
    assert_eq!(login["properties"], json!({ "name": { "type": "string" }, "password": { "type": "string" } }));
    let runs = document["paths"]["/api/v1/runs"]["get"]["parameters"].as_array().unwrap();
    let runs: Vec<_> =
        runs.iter().map(|p| (p["name"].as_str().unwrap(), p["schema"]["type"].as_str().unwrap())).collect();
    assert_eq!(runs, [("envoy", "string"), ("before", "integer"), ("limit", "integer")]);
}

#[tokio::test]
async fn metrics_need_a_token_unless_they_are_for_everybody() {
    let temp = Temp::new("metrics");
    temp.enrol(1, "web-1").await;
    let ask = async |context: Context, path: &str| {
        let request = Request::builder().uri(path).body(Body::empty()).unwrap();
        let answer = public(context).oneshot(request).await.unwrap();
        let (status, kind) = (answer.status(), answer.headers()["content-type"].to_str().unwrap().to_owned());
        let bytes = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        (status, kind, String::from_utf8(bytes.into()).unwrap())
    };
    let (status, _, text) = ask(temp.context.clone(), "/metrics").await;
    assert_eq!(status, StatusCode::UNAUTHORIZED, "{text}");
    let about = About { metrics_public: true, ..(*temp.context.about).clone() };
    let context = Context { about: Arc::new(about), ..temp.context.clone() };
    let (status, kind, text) = ask(context.clone(), "/metrics").await;
    assert_eq!((status, &*kind), (StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8"));
    for sample in ["vigo_up 1", "vigo_envoys{status=\"no data\"} 1", "vigo_restored_total 0", "vigo_wal_bytes "] {
        assert!(text.contains(&format!("\n{sample}")), "{sample} in {text}");
    }
    let (status, _, _) = ask(context, "/api/v1/doctor").await;
    assert_eq!(status, StatusCode::UNAUTHORIZED, "and nothing else is");
}

#[tokio::test]
async fn a_login_is_good_until_it_is_not() {
    let temp = Temp::new("login");
    temp.user("ann", Role::Operator).await;
    let get = |token: &str| {
        let token = token.to_owned();
        let temp = &temp;
        async move { temp.elsewhere(Method::GET, "/api/v1/whoami", Some(&token), json!({})).await }
    };
    let login = || async { temp.login("ann", PASSWORD).await.1["token"].as_str().unwrap().to_owned() };
    let token = login().await;
    let (_, who) = get(&token).await;
    assert_eq!(who, json!({ "actor": "user:ann", "role": "operator" }));
    let stored = format!("{:?}", temp.context.store.api_tokens().await.unwrap());
    assert!(!stored.contains(&token) && !stored.contains(token.rsplit('_').next().unwrap()), "only its hash is kept");
    // A role that is taken away is away at once.
    let role = |role: &str| temp.ask(Method::POST, "/api/v1/users/ann/role", json!({ "role": role }));
    assert_eq!(role("viewer").await.0, StatusCode::OK);
    assert_eq!(get(&token).await.1["role"], "viewer");
    assert_eq!(role("admn").await.0, StatusCode::BAD_REQUEST);
    // So is a password.
    let password = json!({ "password": "another one altogether" });
    assert_eq!(temp.ask(Method::POST, "/api/v1/users/ann/password", password).await.0, StatusCode::OK);
    assert_eq!(get(&token).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(temp.login("ann", PASSWORD).await.0, StatusCode::UNAUTHORIZED);
    let (_, answer) = temp.login("ann", "another one altogether").await;
    let token = answer["token"].as_str().unwrap();
    let out = temp.elsewhere(Method::POST, "/api/v1/logout", Some(token), json!({})).await;
    assert_eq!((out.0, get(token).await.0), (StatusCode::OK, StatusCode::UNAUTHORIZED));
    // A program's token ends by itself, and with a flipped digit it is none.
    let make = |body: Value| temp.ask(Method::POST, "/api/v1/auth/tokens", body);
    let (status, made) = make(json!({ "label": "ci", "role": "viewer", "ttl": "1h" })).await;
    assert_eq!(status, StatusCode::OK, "{made}");
    let token = made["token"].as_str().unwrap();
    assert_eq!(get(token).await.1["actor"], format!("token:{}", made["id"].as_str().unwrap()));
    let flipped = token.strip_suffix(|_: char| true).unwrap().to_owned() + if token.ends_with('0') { "1" } else { "0" };
    assert_eq!(get(&flipped).await.0, StatusCode::UNAUTHORIZED);
    let (_, old) = make(json!({ "label": "old", "role": "admin", "ttl": "1ms" })).await;
    assert_eq!(get(old["token"].as_str().unwrap()).await.0, StatusCode::OK);
    let token = temp.context.store.api_token(old["id"].as_str().unwrap().into()).await.unwrap().unwrap();
    assert!(token.is_good(NOW) && !token.is_good(NOW + Duration::from_ms(1)));
    assert_eq!(make(json!({ "label": "x", "role": "viewer", "user": "nobody" })).await.0, StatusCode::NOT_FOUND);
    assert_eq!(temp.ask(Method::DELETE, "/api/v1/users/ann", json!({})).await.0, StatusCode::OK);
    let audit = temp.context.store.audit_rows(None, 1000).await.unwrap();
    let text = format!("{audit:?}");
    assert!(!text.contains(PASSWORD) && !text.contains("another one") && text.contains("user.remove"), "{text}");
}

#[tokio::test]
async fn who_guesses_waits() {
    let temp = Temp::new("guess");
    temp.user("ann", Role::Admin).await;
    for _ in 0..5 {
        assert_eq!(temp.login("ann", "a wrong password").await.0, StatusCode::UNAUTHORIZED);
    }
    let (status, problem) = temp.login("ann", PASSWORD).await;
    assert_eq!((status, &problem["code"]), (StatusCode::TOO_MANY_REQUESTS, &json!("wait")), "{problem}");
    assert_eq!(temp.login("nobody", PASSWORD).await.0, StatusCode::TOO_MANY_REQUESTS, "the source waits, too");
}

#[tokio::test]
async fn certificates_that_end_or_have_not_begun_are_told() {
    let year = Duration::from_secs(365 * 86_400).as_ms();
    let years = |years: u64| Duration::from_ms(years * year);
    let cases = [
        ("young", NOW, vec![]),
        ("a-year", NOW - Duration::from_secs(300 * 86_400), vec![("certificate-ends", "server")]),
        ("old", NOW - years(2), vec![("certificate-ended", "server")]),
        (
            "very-old",
            NOW - Duration::from_secs(7200 * 86_400),
            vec![("certificate-ended", "server"), ("certificate-ends", "authority")],
        ),
        ("too-old", NOW - years(21), vec![("certificate-ended", "authority"), ("certificate-ended", "server")]),
        (
            "of-tomorrow",
            NOW + Duration::from_secs(3 * 86_400),
            vec![("certificate-early", "authority"), ("certificate-early", "server")],
        ),
    ];
    for (name, made, expected) in cases {
        let temp = Temp::with_keys_of(name, made);
        let found = temp.get("/api/v1/doctor").await;
        let findings = found["findings"].as_array().unwrap();
        let told: Vec<_> =
            findings.iter().filter(|one| one["code"].as_str().unwrap().starts_with("certificate")).collect();
        assert_eq!(told.len(), expected.len(), "{name}: {found}");
        for (code, of) in expected {
            let is_told = |one: &&&Value| one["code"] == code && one["message"].as_str().unwrap().contains(of);
            let one = told.iter().find(is_told).unwrap_or_else(|| panic!("{name}: no {code} of the {of} in {found}"));
            assert!(one["help"][0].as_str().is_some_and(|help| !help.is_empty()), "{one}");
        }
    }
}
