//! What installers write can be read by those it is for.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::io::Write as _;
use std::process::{Command, Stdio};
use vigo_core::host::{Host, HostFacts, Init, Installation, Step};

const HOSTS: [(&dyn Host, &[Init]); 6] = [
    (&vigo_host_linux::Linux, &[Init::Systemd, Init::OpenRc, Init::SysV, Init::Runit]),
    (&vigo_host_macos::MacOs, &[Init::Launchd]),
    (&vigo_host_bsd::FreeBsd, &[Init::Rc]),
    (&vigo_host_bsd::OpenBsd, &[Init::Rcctl]),
    (&vigo_host_bsd::NetBsd, &[Init::Rc]),
    (&vigo_host_illumos::Illumos, &[Init::Smf]),
];

#[test]
fn every_unix_takes_the_agent_in_as_a_service() {
    let mut seen = 0;
    for (host, inits) in HOSTS {
        let installer = host.installer().unwrap_or_else(|| panic!("{} has none", host.name()));
        for init in inits {
            let facts = HostFacts { init: *init, programs: ["update-rc.d".into()].into(), ..HostFacts::default() };
            let told = Installation::new(installer.places(), "", installer.places().state_dir).unwrap();
            for step in installer.install(&told, &facts).unwrap() {
                let Step::Write { path, text, .. } = step else { continue };
                seen += 1;
                if text.starts_with("#!") {
                    is_shell(&path, &text);
                } else if text.starts_with("<?xml") {
                    let options = roxmltree::ParsingOptions { allow_dtd: true, ..roxmltree::ParsingOptions::default() };
                    roxmltree::Document::parse_with_options(&text, options).unwrap_or_else(|e| panic!("{path}: {e}"));
                } else {
                    assert!(text.ends_with('\n') && text.contains('='), "{path}: {text}");
                }
            }
        }
    }
    assert_eq!(seen, 10, "files that were written");
}

/// Has the shell read a script without running it.
fn is_shell(path: &str, text: &str) {
    let mut sh = Command::new("sh").args(["-n", "-s"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    sh.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = sh.wait_with_output().unwrap();
    assert!(output.status.success(), "{path}: {}", String::from_utf8_lossy(&output.stderr));
}
