//! The rehearsal of the guide: its commands are run, in their order, beside a server that runs.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A server on a directory of its own.
struct Server {
    home: PathBuf,
    process: Child,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.home);
    }
}

fn programs() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_vigocli")).parent().unwrap().to_owned()
}

/// Returns a port that is free now.
fn port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn shell(home: &Path, script: &str) -> (bool, String) {
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", programs().display());
    let mut command = Command::new("/bin/sh");
    command.arg("-ec").arg(format!("exec 2>&1\n{script}")).current_dir(home).env_clear();
    let output = command.env("PATH", path).env("VIGO_DATA_DIR", home.join("data")).output().unwrap();
    (output.status.success(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn the_rehearsal_of_the_guide_is_done_as_it_is_told() {
    let vigosrv = programs().join("vigosrv");
    assert!(vigosrv.exists(), "the server's program of the same build is run: `cargo build -p vigosrv` makes it");
    let home = std::env::temp_dir().join(format!("vigo-rehearsal-{}", std::process::id()));
    let _ = fs::remove_dir_all(&home);
    let data = home.join("data");
    fs::create_dir_all(data.join("stacks")).unwrap();
    let yaml = format!("server:\n  agent_listen: 127.0.0.1:{}\n  api_listen: 127.0.0.1:0\n", port());
    fs::write(data.join("server.yaml"), yaml).unwrap();
    fs::write(data.join("stacks/envoys.vgo"), "envoys:\n  - {match: '*', configcrates: []}\n").unwrap();
    let mut command = Command::new(vigosrv);
    command.arg("--data-dir").arg(&data).stdin(Stdio::null()).stderr(Stdio::null());
    let mut server = Server { process: command.spawn().unwrap(), home: home.clone() };
    let start = Instant::now();
    while !shell(&home, "vigocli server status").0 {
        assert!(start.elapsed() < Duration::from_secs(60), "the server does not come up");
        std::thread::sleep(Duration::from_millis(100));
    }
    let (done, said) = shell(&home, "vigocli config publish; printf hunter2 | vigocli secrets set db/password");
    assert!(done, "{said}");

    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/recovery.md");
    let page = fs::read_to_string(page).unwrap();
    let blocks: Vec<&str> = page.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(blocks.len(), 5, "the rehearsal has so many steps");
    let home_text = home.to_str().unwrap();
    // The reader's machine is this folder.
    let script = blocks.concat();
    let script = script.replace("/srv/vigo", &format!("{home_text}/data")).replace("/root/", &format!("{home_text}/"));
    let script = script.replace("/tmp/rehearsal", &format!("{home_text}/rehearsal"));
    let script = script.replace("11530", &port().to_string()).replace("18443", &port().to_string());
    let (done, said) = shell(&home, &script);
    assert!(done, "{said}");
    for part in ["holds the server as of", "1 secrets open", "Restored to", "HTTPS pin", "1 secrets can be opened"] {
        assert!(said.contains(part), "expected `{part}` in\n{said}");
    }
    assert!(!home.join("rehearsal").exists());

    // Without its server, the data directory is looked at.
    server.process.kill().unwrap();
    server.process.wait().unwrap();
    let (well, said) = shell(&home, "vigocli server doctor");
    assert!(well && said.contains("is looked at without it") && said.contains("backup.schedule"), "{said}");
    fs::remove_file(data.join("tls/bundle_key")).unwrap();
    let (well, said) = shell(&home, "vigocli server doctor || { echo \"status $?\"; false; }");
    assert!(!well && said.contains("status 1") && said.contains("from a backup"), "{said}");
    drop(server);
}
