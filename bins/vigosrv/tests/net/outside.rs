//! Secrets that somebody else keeps: a program is asked, and looked at for new values.

use crate::whole::{Whole, wait_for};
use serde_json::json;
use std::fs;
use vigo_core::agent::Until;

const POLICY: &str = "
name: page
resources:
  - {name: conf, type: file, target_path: /conf, content: 'pw=secret:app/pw'}
  - {name: page, type: file, target_path: /page, content: 'a page'}
";

#[test]
fn a_program_has_the_secrets_and_the_server_only_reads() {
    let mut server = Whole::start("outside");
    server.kill();
    let value = server.path.join("value");
    let config = server.data().join("server.yaml");
    let command = format!("read path; test $path = app/pw && cat {}", value.display());
    let section = format!("secrets:\n  backend: command\n  command: [/bin/sh, -c, '{command}']\n  poll_interval: 1s\n");
    fs::write(&config, fs::read_to_string(&config).unwrap() + &section).unwrap();
    fs::write(&value, "Outside-1\n").unwrap();
    fs::write(server.data().join("stacks/configcrates/page.vgo"), POLICY).unwrap();
    server.resume();
    server.post("/publish", &json!({}));
    let machine = server.enrol("web-1");
    let read = || fs::read_to_string(machine.path.join("root/conf")).unwrap_or_default();
    let ended = machine.live(Until::Converged);
    assert_eq!((ended.in_touch, ended.converged), (true, Some(true)), "{ended:?}");
    assert_eq!(read(), "pw=Outside-1");

    for (method, path) in [("PUT", "/secrets/app%2Fpw"), ("POST", "/vault/rekey"), ("DELETE", "/secrets/app%2Fpw")] {
        let (status, answer) = server.try_api(method, path, &json!({ "value": "x" })).unwrap();
        assert_eq!((status, answer["code"].as_str()), (409, Some("read-only")), "{method} {path}: {answer}");
        assert!(answer.to_string().contains("backend `command`"), "{answer}");
    }
    let changed_at = || server.get("/secrets")["secrets"][0]["changed_at"].clone();
    wait_for("it is seen", || !changed_at().is_null());
    let before = changed_at();
    fs::write(&value, "Outside-2\n").unwrap();
    wait_for("the new value is seen", || changed_at() != before);
    let ended = machine.live(Until::Converged);
    assert_eq!((ended.converged, read()), (Some(true), "pw=Outside-2".into()), "{ended:?}");
    assert_eq!(server.post("/vault/verify", &json!({})), json!({ "good": 1, "bad": [] }));

    // It fails: what is unchanged is known all the same.
    fs::remove_file(&value).unwrap();
    wait_for("it is noticed", || server.log().contains("secret `app/pw`: `/bin/sh` ends with exit status: 1"));
    let ended = machine.live(Until::Converged);
    assert_eq!((ended.in_touch, ended.converged), (true, Some(true)), "{ended:?}");
    fs::write(machine.path.join("root/conf"), "by hand").unwrap();
    let ended = machine.live(Until::Converged);
    assert_eq!((ended.in_touch, ended.converged), (true, Some(false)), "{ended:?}");
    assert_eq!(read(), "by hand");
    assert!(!server.log().contains("Outside-"), "{}", server.log());
}
