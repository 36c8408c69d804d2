use super::*;
use crate::data_dir::{DataDir, Keys};
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use vigo_core::bundle::{PROGRAM_MARK, Signed, SigningKey, Target};
use vigo_core::time::Timestamp;

mod faults;

struct Temp {
    path: PathBuf,
    keys: Keys,
}

impl Temp {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("vigo-agents-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        let dir = DataDir::open(&path).unwrap();
        let keys = Keys::open(&dir, &path.join("db/vigo.db"), &[], Timestamp::from_epoch_secs(1_800_000_000)).unwrap();
        Self { path, keys }
    }

    fn open(&self) -> Agents {
        Agents::open(&self.path, &self.keys.keyset, self.keys.bundle.clone()).unwrap()
    }

    fn files(&self) -> Vec<String> {
        let mut names = Vec::new();
        for folder in ["blobs", "blobs/agents"] {
            let entries = fs::read_dir(self.path.join(folder)).unwrap().map(|e| e.unwrap());
            let files = entries.filter(|entry| entry.file_type().unwrap().is_file());
            names.extend(files.map(|entry| entry.file_name().into_string().unwrap()));
        }
        names.sort();
        names
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// A program that says how it was called.
fn program(version: &str) -> Vec<u8> {
    format!("#!/bin/sh\n# {PROGRAM_MARK}{version}\nprintf '%s\\n' \"token $VIGO_TOKEN\" \"$@\" >\"$OUT\"\n")
        .into_bytes()
}

fn own() -> Target {
    format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH).parse().unwrap()
}

fn stage(agents: &Agents, program: &[u8], target: Option<Target>) -> Result<Staged, AgentsError> {
    agents.stage(program.chunks(10).map(Ok), target)
}

fn add(agents: &Agents, version: &str, target: &str) -> Agent {
    agents.commit(stage(agents, &program(version), Some(target.parse().unwrap())).unwrap()).unwrap()
}

#[test]
fn a_program_is_handed_out_until_another_takes_its_place() {
    let temp = Temp::new("shelf");
    let agents = temp.open();
    assert_eq!(agents.all(), []);
    let first = add(&agents, "1.0.0", "linux-x86_64");
    let other = add(&agents, "1.0.0", "linux-aarch64");
    assert_eq!(fs::read(agents.path(&first.manifest)).unwrap(), program("1.0.0"));
    assert_eq!(temp.open().all(), [other.clone(), first.clone()], "a restart changes nothing");
    let second = add(&agents, "2.0.0", "linux-x86_64");
    assert_eq!(agents.get(&second.manifest.target), Some(second.clone()));
    assert!(agents.path(&first.manifest).exists(), "the other target has the same program");
    assert!(agents.remove(&other.manifest.target).unwrap());
    assert!(!agents.remove(&other.manifest.target).unwrap());
    assert_eq!(temp.files(), {
        let mut left = [second.manifest.digest(), "linux-x86_64".into()];
        left.sort();
        left
    });
    assert_eq!(temp.open().all(), [second]);
}

#[test]
fn what_is_no_agent_is_refused_and_leaves_nothing() {
    let temp = Temp::new("refused");
    let agents = temp.open();
    let refused = stage(&agents, b"\x7fELF and what not", None).unwrap_err();
    assert!(refused.to_string().contains("no agent") && refused.help().is_some(), "{refused}");
    let refused = stage(&agents, &program("1.0.0"), None).unwrap_err();
    assert!(
        refused.to_string().contains("what it runs on") && refused.help().unwrap().contains("--target"),
        "{refused}"
    );
    let broken = [Ok(program("1.0.0")), Err(io::ErrorKind::ConnectionReset.into())];
    assert!(matches!(agents.stage(broken, Some(own())), Err(AgentsError::Read(_))));
    assert_eq!((temp.files(), agents.all()), (Vec::new(), Vec::new()));
}

#[test]
fn an_entry_that_the_bundle_key_did_not_sign_is_passed_over() {
    let temp = Temp::new("entries");
    let agent = add(&temp.open(), "1.0.0", "linux-x86_64");
    let path = temp.path.join("blobs/agents/linux-x86_64");
    let good = fs::read_to_string(&path).unwrap();
    let entry = |signed: &Signed| format!("vigo-agent-1 {}\n", signed.to_hex());
    let stranger = entry(&agent.manifest.sign(&SigningKey::from_bytes(&[9; 32])));
    let other = add(&temp.open(), "1.0.0", "linux-aarch64");
    temp.open().remove(&other.manifest.target).unwrap();
    for (name, text) in [
        ("nothing", ""),
        ("cut", &good[..good.len() / 2]),
        ("no digits", "vigo-agent-1 xyz\n"),
        ("another key", &*stranger),
        ("another target", &*entry(&other.signed)),
    ] {
        fs::write(&path, text).unwrap();
        assert_eq!(temp.open().all(), [], "{name}");
    }
    fs::write(&path, &good).unwrap();
    assert_eq!(temp.open().all(), [agent]);
}

/// Runs the script as a machine does; `served` is what its `curl` fetches. Returns what the program was told, too.
fn run(temp: &Temp, shell: &[&str], agents: &[Agent], served: &[u8], fakes: [&str; 2]) -> (Output, Option<String>) {
    let [curl, id] = fakes;
    let bin = temp.path.join("bin");
    fs::create_dir_all(&bin).unwrap();
    for (name, text) in [("curl", curl), ("id", id), ("sleep", ":")] {
        let path = bin.join(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let paths = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
    run_with(temp, shell, agents, served, &paths)
}

/// Runs it with these folders of programs.
fn run_with(temp: &Temp, shell: &[&str], agents: &[Agent], served: &[u8], paths: &str) -> (Output, Option<String>) {
    let scratch = temp.path.join("scratch");
    let (out, file) = (temp.path.join("out"), temp.path.join("served"));
    fs::create_dir_all(&scratch).unwrap();
    let _ = fs::remove_file(&out);
    fs::write(&file, served).unwrap();
    let text = script(Script {
        https: "vigo.example:8443",
        https_pin: "sha256//abc=",
        servers: &["a.example:1530".into(), "it's:1530".into()],
        root_key: "r00t",
        ca_sha256: "ca",
        agents,
    });
    let path = temp.path.join("script");
    fs::write(&path, text).unwrap();
    let mut command = Command::new(shell[0]);
    command.args(&shell[1..]).arg("-s").args(["--", "--hostname", "web 1"]).stdin(fs::File::open(&path).unwrap());
    command.env("PATH", paths).env("TMPDIR", &scratch).env("OUT", &out).env("FILE", &file).env("VIGO_TOKEN", "t0ken");
    let output = command.output().unwrap();
    assert_eq!(fs::read_dir(&scratch).unwrap().count(), 0, "nothing stays: {output:?}");
    (output, fs::read_to_string(&out).ok())
}

/// A `curl` that writes what is served to the file behind `-o`.
const CURL: &str = "while [ \"$1\" != -o ]; do shift; done; cat \"$FILE\" >\"$2\"";

/// A `wget` that does likewise behind `-O`.
const WGET: &str = "while [ \"$1\" != -O ]; do shift; done; cat \"$FILE\" >\"$2\"";

const ROOT: &str = "echo 0";

fn shells() -> Vec<Vec<&'static str>> {
    let all = [vec!["sh"], vec!["dash"], vec!["bash", "--posix"], vec!["busybox", "ash"]];
    let there = |shell: &Vec<&str>| Path::new("/bin").join(shell[0]).exists();
    all.into_iter().filter(there).collect()
}

#[test]
fn the_script_runs_the_right_program_with_what_it_must_know() {
    let temp = Temp::new("script");
    let agents = temp.open();
    let agent = add(&agents, "1.0.0", &own().to_string());
    add(&agents, "1.0.0", "plan9-mips");
    for shell in shells() {
        let (output, told) = run(&temp, &shell, &agents.all(), &program("1.0.0"), [CURL, ROOT]);
        assert!(output.status.success(), "{shell:?}: {output:?}");
        let expected = [
            "token t0ken",
            "bootstrap",
            "--server",
            "a.example:1530",
            "--server",
            "it's:1530",
            "--root-key",
            "r00t",
            "--ca-sha256",
            "ca",
            "--manifest",
            &agent.signed.to_hex(),
            "--hostname",
            "web 1",
            "",
        ];
        assert_eq!(told.unwrap(), expected.join("\n"), "{shell:?}");
    }
}

/// What a unix has of its own to fetch and to hash with: name, machine, target, and the programs.
type Own<'a> = (&'a str, &'a str, &'a str, &'a [(&'a str, &'a str)]);

#[test]
fn a_unix_needs_nothing_but_what_it_comes_with() {
    const TO_O: &str = "for last; do :; done; case $last in https://vigo.example:8443/bootstrap/binary/*) ;; *) exit 9; esac; \
                        while [ \"$1\" != -o ]; do shift; done; cat \"$FILE\" >\"$2\"";
    const HASH: &str = "for last; do :; done; /usr/bin/sha256sum \"$last\" | cut -d ' ' -f 1";
    let systems: [Own<'_>; 6] = [
        ("FreeBSD", "amd64", "freebsd-x86_64", &[("fetch", TO_O), ("sha256", HASH)]),
        ("OpenBSD", "amd64", "openbsd-x86_64", &[("ftp", TO_O), ("sha256", HASH)]),
        ("NetBSD", "evbarm", "netbsd-aarch64", &[("ftp", TO_O), ("openssl", HASH)]),
        ("SunOS", "i86pc", "sunos-x86_64", &[("curl", CURL), ("digest", HASH)]),
        ("Darwin", "arm64", "darwin-aarch64", &[("curl", CURL), ("shasum", HASH)]),
        ("Linux", "aarch64", "linux-aarch64", &[("wget", WGET), ("sha256sum", HASH)]),
    ];
    for (system, machine, target, programs) in systems {
        let temp = Temp::new(&format!("own-{target}"));
        let agents = temp.open();
        add(&agents, "1.0.0", target);
        let bin = temp.path.join("only");
        fs::create_dir_all(&bin).unwrap();
        for name in ["cat", "chmod", "cut", "head", "mktemp", "rm", "sh", "tr"] {
            std::os::unix::fs::symlink(Path::new("/usr/bin").join(name), bin.join(name)).unwrap();
        }
        let uname = format!("case $1 in -s) echo {system} ;; -m) echo {machine} ;; -p) echo aarch64 ;; esac");
        for (name, text) in programs.iter().copied().chain([("uname", &*uname), ("id", ROOT), ("sleep", ":")]) {
            fs::write(bin.join(name), format!("#!/bin/sh\n{text}\n")).unwrap();
            fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755)).unwrap();
        }
        let (output, told) = run_with(&temp, &["/bin/sh"], &agents.all(), &program("1.0.0"), bin.to_str().unwrap());
        assert!(
            output.status.success() && told.is_some_and(|told| told.contains("--manifest")),
            "{target}: {output:?}"
        );
    }
}

#[test]
fn the_script_runs_nothing_that_is_not_the_program() {
    let temp = Temp::new("script-no");
    let agents = temp.open();
    add(&agents, "1.0.0", &own().to_string());
    let mut flipped = program("1.0.0");
    *flipped.last_mut().unwrap() ^= 1;
    let foreign = [add(&agents, "1.0.0", "plan9-mips")];
    let failing = "echo 'curl: (7) no route' >&2; exit 7";
    let pinned = "echo 'curl: (90) SSL: public key does not match pinned public key' >&2; exit 90";
    for shell in shells() {
        let cases = [
            ("a byte is another one", &agents.all()[..], &*flipped, CURL, "expected "),
            ("nothing came", &agents.all(), b"", CURL, "has SHA-256"),
            ("no agent for it", &foreign, b"", CURL, "it has: plan9-mips"),
            ("none at all", &[], b"", CURL, "it has: none"),
            ("not fetched", &agents.all(), b"", failing, "curl: (7) no route"),
            ("another server", &agents.all(), b"", pinned, "another key than the pinned one"),
            ("another user", &agents.all(), b"", CURL, "only root"),
        ];
        for (name, agents, served, curl, expected) in cases {
            let id = if name == "another user" { "echo 1000" } else { ROOT };
            let (output, told) = run(&temp, &shell, agents, served, [curl, id]);
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!((output.status.code(), told), (Some(1), None), "{shell:?}: {name}: {said}");
            assert!(said.starts_with("error: ") && said.contains(expected), "{shell:?}: {name}: {said}");
        }
    }
}
