//! A real OpenBao keeps the secrets.

use crate::whole::{Whole, free_port, wait_for};
use serde_json::json;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};
use vigo_core::agent::Until;

const POLICY: &str = "
name: page
resources:
  - {name: conf, type: file, target_path: /conf, content: 'pw=secret:app/db/password'}
";

/// What the server may: read, and nothing else.
const RIGHTS: &str = "path \"secret/data/*\" { capabilities = [\"read\"] }";

/// An OpenBao that keeps everything in memory, and ends with the test.
struct OpenBao {
    program: String,
    address: String,
    process: Child,
}

impl OpenBao {
    fn start(program: String) -> Self {
        let port = free_port();
        let mut bao = Command::new(&program);
        bao.args(["server", "-dev", "-dev-root-token-id=root", "-dev-no-store-token"]);
        bao.arg(format!("-dev-listen-address=127.0.0.1:{port}"));
        let process = bao.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let bao = Self { program, address: format!("http://127.0.0.1:{port}"), process };
        wait_for("OpenBao comes up", || bao.command(&["status"]).status().unwrap().success());
        bao
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).env("BAO_ADDR", &self.address).env("BAO_TOKEN", "root");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// Gives the secret this value.
    fn put(&self, value: &str) {
        let put = ["kv", "put", "-mount=secret", "app/db", &format!("password={value}"), "user=app"];
        assert!(self.command(&put).status().unwrap().success());
    }

    /// Returns the text of a new token with these rights.
    fn token(&self, rights: &std::path::Path) -> String {
        assert!(self.command(&["policy", "write", "vigo", rights.to_str().unwrap()]).status().unwrap().success());
        let mut create = self.command(&["token", "create", "-policy=vigo", "-field=token"]);
        let created = create.stdout(Stdio::piped()).output().unwrap();
        assert!(created.status.success());
        String::from_utf8(created.stdout).unwrap()
    }

    fn end(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for OpenBao {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
#[ignore = "needs an OpenBao: `cargo xtask test openbao` fetches it"]
fn an_openbao_has_the_secrets_and_is_asked_for_new_values() {
    let mut bao = OpenBao::start(std::env::var("VIGO_BAO").expect("VIGO_BAO names the program"));
    bao.put("Outside-1");
    let mut server = Whole::start("openbao");
    server.kill();
    let (rights, token) = (server.path.join("rights.hcl"), server.path.join("token"));
    fs::write(&rights, RIGHTS).unwrap();
    fs::write(&token, bao.token(&rights)).unwrap();
    fs::set_permissions(&token, fs::Permissions::from_mode(0o600)).unwrap();
    let (url, token) = (&bao.address, token.display());
    server.configure(&format!("secrets: {{backend: http, url: '{url}', token_file: '{token}', poll_interval: 1s}}\n"));
    fs::write(server.data().join("stacks/configcrates/page.vgo"), POLICY).unwrap();
    server.resume();
    server.post("/publish", &json!({}));
    let machine = server.enrol("web-1");
    let conf = machine.path.join("root/conf");
    let read = || fs::read_to_string(&conf).unwrap_or_default();
    let ended = machine.live(Until::Converged);
    assert_eq!((ended.converged, read()), (Some(true), "pw=Outside-1".into()), "{ended:?}\n{}", server.log());

    let changed_at = || server.get("/secrets")["secrets"][0]["changed_at"].clone();
    wait_for("it is seen", || !changed_at().is_null());
    let before = changed_at();
    bao.put("Outside-2");
    wait_for("the new value is seen", || changed_at() != before);
    let ended = machine.live(Until::Converged);
    assert_eq!((ended.converged, read()), (Some(true), "pw=Outside-2".into()), "{ended:?}\n{}", server.log());

    // It is gone: what is as it was left is known to be, what is not stays as it is.
    bao.end();
    wait_for("it is noticed", || server.log().contains("secret `app/db/password`"));
    let ended = machine.live(Until::Converged);
    assert_eq!((ended.in_touch, ended.converged), (true, Some(true)), "{ended:?}\n{}", server.log());
    fs::write(&conf, "by hand").unwrap();
    let ended = machine.live(Until::Converged);
    assert_eq!((ended.in_touch, ended.converged, &*read()), (true, Some(false), "by hand"), "{ended:?}");
    assert!(!server.log().contains("Outside-"), "{}", server.log());
}
