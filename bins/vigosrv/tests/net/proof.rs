//! Without a server, what was made of secrets is proved unchanged, or left alone.

use crate::canary::image;
use crate::whole::Whole;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use vigo_core::agent::Until;

const POLICY: &str = "
vars: {dsn: 'pg://app:secret:app/db@db'}
resources:
  - {name: conf, type: file, target_path: /conf, content: 'pw=secret:app/pw'}
  - {name: dsn, type: file, target_path: /dsn, source: templates/dsn}
  - {name: ini, type: ini, target_path: /app.ini, section: db, key: password, value: 'secret:app/pw', create: true}
  - {name: after, type: file, target_path: /after, content: 'after conf', depends_on: [conf]}
  - {name: page, type: file, target_path: /page, content: 'a page'}
";
const USER: &str =
    "  - {name: user, type: user, username: app, uid: 4242, manage_home: false, password: 'secret:app/pw'}\n";

#[test]
fn a_machine_without_a_server_knows_what_is_unchanged() {
    let mut server = Whole::start("proof");
    let stacks = server.data().join("stacks");
    fs::create_dir_all(stacks.join("templates")).unwrap();
    fs::write(stacks.join("templates/dsn"), "{{ .Vars.dsn | upper }} on {{ .Envoy.Hostname }}\n").unwrap();
    let user = if rustix::process::geteuid().is_root() { USER } else { "" };
    fs::write(stacks.join("configcrates/page.vgo"), format!("name: page{POLICY}{user}")).unwrap();
    let set = |server: &Whole, path: &str, value: &str| {
        let path = format!("/secrets/{}", path.replace('/', "%2F"));
        assert_eq!(server.try_api("PUT", &path, &json!({ "value": value })).unwrap().0, 200);
    };
    set(&server, "app/pw", "Hunter2-pw");
    set(&server, "app/db", "Hunter2-db");
    server.post("/publish", &json!({}));
    let machine = server.enrol("web-1");
    image(&machine);
    let root = machine.path.join("root");
    let read = |name: &str| fs::read_to_string(root.join(name)).unwrap_or_default();
    let ended = machine.live(Until::Converged);
    assert_eq!((ended.in_touch, ended.converged), (true, Some(true)), "{ended:?}");
    assert_eq!((read("conf"), read("dsn")), ("pw=Hunter2-pw".into(), "PG://APP:HUNTER2-DB@DB on web-1\n".into()));
    let key = machine.path.join("state/identity/proof_key");
    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);

    server.kill();
    fs::remove_file(root.join("after")).unwrap();
    let ended = machine.live(Until::Converged);
    assert_eq!((ended.in_touch, ended.converged), (false, Some(true)), "{ended:?}");
    assert_eq!(read("after"), "after conf", "what depends on it runs");

    for name in ["conf", "after", "page"] {
        fs::write(root.join(name), "by hand").unwrap();
    }
    let ended = machine.live(Until::Converged);
    assert_eq!((ended.in_touch, ended.converged), (false, Some(false)), "{ended:?}");
    assert_eq!([read("conf"), read("after"), read("page")], ["by hand", "by hand", "a page"]);

    server.resume();
    let ended = machine.live(Until::Converged);
    assert_eq!((ended.in_touch, ended.converged), (true, Some(true)), "{ended:?}");
    assert_eq!([read("conf"), read("after")], ["pw=Hunter2-pw", "after conf"]);
    let runs = server.get("/runs");
    let ids = runs["runs"].as_array().unwrap().iter().map(|run| run["id"].clone());
    let shown: Vec<Value> = ids.map(|id| server.get(&format!("/runs/{id}"))).collect();
    let shown = format!("{shown:?}");
    assert!(shown.contains("no server answers") && shown.contains("it is not as it was left"), "{shown}");
    assert!(!shown.contains("Hunter2"), "{shown}");

    // The digests are of no use to a machine with another key, nor after the key is gone.
    server.kill();
    fs::remove_file(&key).unwrap();
    let ended = machine.live(Until::Converged);
    assert_eq!((ended.in_touch, ended.converged), (false, Some(false)), "{ended:?}");
}
