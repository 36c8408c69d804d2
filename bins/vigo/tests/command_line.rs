//! The command line, as a shell sees it: flags, exit statuses, what is printed where.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A tree, an image and a state directory of one test.
struct Sandbox(PathBuf);

const ENVOYS: &str = "envoys:\n  - match: \"*\"\n    configcrates: [web]\n";

const WEB: &str = "\
name: web
resources:
  - name: root
    type: directory
    target_path: /srv
  - name: page
    type: file
    target_path: /srv/page
    content: \"hello\\n\"
  - name: elsewhere
    type: file
    when: \"distro('plan9')\"
    target_path: /srv/plan9
    content: \"hello\\n\"
";

impl Sandbox {
    fn new(name: &str, web: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("vigo-cli-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(dir.join("stacks/configcrates")).unwrap();
        fs::create_dir_all(dir.join("image")).unwrap();
        let dir = dir.canonicalize().unwrap();
        fs::write(dir.join("stacks/envoys.vgo"), ENVOYS).unwrap();
        fs::write(dir.join("stacks/configcrates/web.vgo"), web).unwrap();
        Self(dir)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut vigo = Command::new(env!("CARGO_BIN_EXE_vigo"));
        vigo.current_dir(&self.0).args(args).stdin(Stdio::null()).env("NO_COLOR", "1");
        vigo
    }

    /// Returns a command that works on the image.
    fn vigo(&self, args: &[&str]) -> Command {
        let mut vigo = self.command(args);
        if matches!(args.first(), Some(&"apply" | &"plan")) {
            vigo.args(["--root", "image", "--state-dir", "state"]);
            if !args.contains(&"--hostname") {
                vigo.args(["--hostname", "web-01"]);
            }
        }
        vigo
    }

    fn run(&self, args: &[&str]) -> Said {
        Said::of(self.vigo(args).output().unwrap())
    }

    fn image_is_empty(&self) -> bool {
        fs::read_dir(self.0.join("image")).unwrap().next().is_none()
    }

    /// Starts a run of two commands, on the machine itself, and returns when the first of them is at work.
    fn begun(&self) -> Child {
        let dir = self.0.display();
        let web = format!(
            "name: web\nresources:\n  - name: first\n    type: exec\n    creates: {dir}/first\n    \
             command: touch {dir}/begun; sleep 1; touch {dir}/first\n  - name: second\n    type: exec\n    \
             creates: {dir}/second\n    command: touch {dir}/second\n    depends_on: [first]\n"
        );
        fs::write(self.0.join("stacks/configcrates/web.vgo"), web).unwrap();
        let args = ["apply", "--hostname", "web-01", "--state-dir", "state", "--format", "json"];
        let child = self.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let until = Instant::now() + Duration::from_secs(20);
        while !self.0.join("begun").exists() {
            assert!(Instant::now() < until, "it did not begin");
            std::thread::sleep(Duration::from_millis(10));
        }
        child
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What a run left: exit status, standard output, standard error.
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Said {
    fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {}\n{}", self.out, self.err))
    }

    fn counts(&self) -> Value {
        self.json()["counts"].clone()
    }
}

#[test]
fn a_plan_and_a_run_say_what_there_is_to_do_by_exit_status_text_and_json() {
    let s = Sandbox::new("story", WEB);
    let plan = s.run(&["plan"]);
    assert_eq!(plan.code, Some(1), "{}", plan.err);
    for line in
        ["would change web/root (directory)", "would change web/page (file)", "skipped web/elsewhere (file): `when:`"]
    {
        assert!(plan.out.contains(line), "{line}: {}", plan.out);
    }
    assert!(plan.out.contains("+++ /srv/page\n") && plan.out.contains("+hello\n"), "{}", plan.out);
    assert_eq!(s.run(&["apply", "--dry-run"]).code, Some(1));
    assert!(!s.0.join("state").exists() && s.image_is_empty());

    let plan = s.run(&["plan", "--format", "json"]);
    let json = plan.json();
    assert_eq!((plan.code, json["outcome"].as_str(), json["dry_run"].as_bool()), (Some(1), Some("drift"), Some(true)));
    let expected = r#"{"ok":0,"changed":0,"failed":0,"skipped":1,"blocked":0,"would_change":2,"unknown":0}"#;
    assert_eq!(plan.counts().to_string(), expected);
    let words: Vec<_> = json["resources"].as_array().unwrap().iter().map(|r| r["outcome"].as_str().unwrap()).collect();
    assert_eq!(words, ["would_change", "would_change", "skipped"]);

    let apply = s.run(&["apply", "--format", "json"]);
    let json = apply.json();
    assert_eq!(
        (apply.code, json["outcome"].as_str(), json["dry_run"].as_bool()),
        (Some(0), Some("converged"), Some(false))
    );
    assert_eq!(apply.counts().to_string(), r#"{"ok":0,"changed":2,"failed":0,"skipped":1,"blocked":0}"#);
    let page = &json["resources"][1];
    assert_eq!(page["changes"][0].to_string(), r#"{"field":"state","before":"absent","after":"present"}"#);
    let keys: Vec<_> = page.as_object().unwrap().keys().map(String::as_str).collect();
    let promised = ["id", "type", "outcome", "changes", "operations", "diff", "cause", "reason", "duration_ms"];
    assert!(promised.iter().all(|key| keys.contains(key)), "{keys:?}");
    let keys: Vec<_> = json.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["outcome", "dry_run", "counts", "duration_ms", "resources"]);
    assert_eq!(json["resources"][2]["reason"].as_str(), Some("when"));

    assert_eq!(s.run(&["plan"]).code, Some(0));
    let again = s.run(&["apply"]);
    assert!(again.code == Some(0) && again.out.contains("Converged: 2 ok, 1 skipped"), "{}", again.out);
    fs::write(s.0.join("image/srv/page"), "drifted\n").unwrap();
    let only = s.run(&["apply", "--only", "web/root"]);
    assert!(only.code == Some(0) && only.out.contains("Converged: 1 ok in"), "{}", only.out);
    assert_eq!(s.run(&["plan", "--only", "web"]).code, Some(1));
}

#[test]
fn wrong_usage_says_what_is_wrong_and_what_to_do_and_does_nothing() {
    let s = Sandbox::new("usage", WEB);
    fs::write(s.0.join("open.yaml"), "a: b\n").unwrap();
    type Case<'a> = (&'a [&'a str], &'a str, &'a str);
    let cases: &[Case<'_>] = &[
        (&["apply", "--stacks", "nowhere"], "`nowhere`: no such file", "--stacks DIR"),
        (&["apply", "--stacks", "image"], "`image`: there is no .vgo file", "--stacks DIR"),
        (&["apply", "--only", "web/pag"], "`--only web/pag` names no resource", "`web/page`"),
        (&["apply", "--only", "database"], "`--only database`", "the crates are `web`"),
        (&["apply", "--only", ""], "`--only `", "name a crate"),
        (&["apply", "--hostname", ""], "hostname ``: it is empty", "--hostname NAME"),
        (&["apply", "--hostname", "a b"], "hostname `a b`: expected letters", "--hostname NAME"),
        (&["apply", "--secrets-file", "open.yaml"], "its mode is 0644, expected 0600", "`chmod 600 open.yaml`"),
    ];
    for (args, what, help) in cases {
        let said = s.run(args);
        let (first, rest) = said.err.split_once('\n').unwrap_or_default();
        assert!(said.code == Some(2) && said.out.is_empty(), "{args:?}: {} {}", said.out, said.err);
        assert!(first.starts_with("error: ") && first.contains(what), "{args:?}: {first}");
        assert!(rest.starts_with("  = help: ") && rest.contains(help), "{args:?}: {rest}");
        let said = s.run(&[args, &["--format", "json"][..]].concat());
        let (json, error) = (said.json(), first.strip_prefix("error: "));
        assert!(said.code == Some(2) && said.err.is_empty(), "{args:?}: {}", said.err);
        assert_eq!(json["diagnostics"][0]["message"].as_str(), error, "{args:?}");
        assert_eq!(json["errors"].as_u64(), Some(1), "{args:?}");
    }
    for args in
        [&["aply"][..], &["plan", "--color"], &["plan", "--format", "xml"], &["plan", "--log-level", "loud"], &[]]
    {
        let said = s.run(args);
        assert!(
            said.code == Some(2) && said.out.is_empty() && said.err.contains("Usage") | said.err.contains("--help")
        );
    }
    assert!(s.image_is_empty());
}

#[test]
fn a_tree_with_mistakes_is_shown_with_its_lines_and_as_json() {
    let s = Sandbox::new("mistakes", &WEB.replace("content:", "contents:"));
    let said = s.run(&["apply"]);
    assert!(said.code == Some(2) && said.out.is_empty(), "{}", said.out);
    for part in ["configcrates/web.vgo:9:5", "configcrates/web.vgo:14:5", "did you mean `content`?"] {
        assert!(said.err.contains(part), "{part}: {}", said.err);
    }
    let said = s.run(&["apply", "--format", "json"]);
    let first = &said.json()["diagnostics"][0];
    assert_eq!((said.code, first["severity"].as_str()), (Some(2), Some("error")));
    let place = &first["labels"][0];
    assert_eq!((place["line"].as_u64(), place["column"].as_u64()), (Some(9), Some(5)), "{place}");
    assert!(!s.0.join("state").exists());
}

#[test]
fn a_check_that_says_no_is_shown_as_it_was_written_with_its_own_words_below() {
    let check = "validate: \"echo 'line 1: no' && echo 'in %' && false %\"";
    let s =
        Sandbox::new("check", &WEB.replace("target_path: /srv/page", &format!("target_path: /srv/page\n    {check}")));
    let args = ["apply", "--hostname", "web-01", "--state-dir", "state"];
    let page = s.0.join("page").display().to_string();
    let web = fs::read_to_string(s.0.join("stacks/configcrates/web.vgo")).unwrap();
    let root = s.0.display().to_string();
    fs::write(
        s.0.join("stacks/configcrates/web.vgo"),
        web.replace("/srv/page", &page).replace("target_path: /srv\n", &format!("target_path: {root}\n")),
    )
    .unwrap();
    let said = Said::of(s.command(&args).output().unwrap());
    assert_eq!(said.code, Some(1), "{}", said.err);
    let expected = "the check `echo 'line 1: no' && echo 'in %' && false %` said no (exit 1)\n              \
                    | line 1: no\n              | in %\n";
    assert!(said.out.contains(expected), "{}", said.out);
}

#[test]
fn nothing_on_the_machine_commands_the_terminal() {
    let link = "name: web\nresources:\n  - name: link\n    type: symlink\n    target_path: /link\n    to: /srv\n";
    let s = Sandbox::new("escape", link);
    std::os::unix::fs::symlink("a\x1b[31mb", s.0.join("image/link")).unwrap();
    let said = s.run(&["plan"]);
    assert!(said.code == Some(1) && said.out.contains("link to a\\u{1b}[31mb -> link to /srv"), "{}", said.out);
    let said = s.run(&["plan", "--only", "\x1b[31m"]);
    assert!(said.err.contains("\\u{1b}[31m") && !said.err.contains('\x1b'), "{}", said.err);
}

#[test]
fn output_that_nobody_takes_is_no_crash() {
    let s = Sandbox::new("pipe", WEB);
    let many: Vec<String> = (0..2000)
        .map(|n| {
            format!(
                "  - name: f{n}\n    type: file\n    target_path: /etc/f{n}\n    make_parents: true\n    content: x\n"
            )
        })
        .collect();
    fs::write(s.0.join("stacks/configcrates/web.vgo"), format!("name: web\nresources:\n{}", many.concat())).unwrap();
    let cases: [(&[&str], i32); 5] = [
        (&["plan"], 1),
        (&["plan", "--format", "json"], 1),
        (&["traits", "os", "network"], 0),
        (&["version"], 0),
        (&["--help"], 0),
    ];
    for (args, code) in cases {
        // The reader is gone before anything is written.
        let mut child = s.vigo(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let said = Said::of(child.wait_with_output().unwrap());
        assert!(said.code == Some(code) && said.err.is_empty(), "{args:?}: {:?} {}", said.code, said.err);
    }
    if Path::new("/dev/full").exists() {
        for args in [&["traits", "os"][..], &["version"]] {
            let full = fs::File::options().write(true).open("/dev/full").unwrap();
            let said = Said::of(s.vigo(args).stdout(full).output().unwrap());
            assert!(said.code == Some(1) && said.err.contains("standard output"), "{args:?}: {}", said.err);
        }
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let said = Said::of(s.vigo(&["plan", "--stacks", "nowhere"]).stderr(full).output().unwrap());
        assert_eq!(said.code, Some(2));
    }
}

#[test]
fn a_signal_ends_the_run_after_the_operation_in_hand() {
    use rustix::process::{Pid, Signal, kill_process};
    for (name, signal) in [("int", Signal::INT), ("term", Signal::TERM)] {
        let s = Sandbox::new(&format!("signal-{name}"), WEB);
        let child = s.begun();
        kill_process(Pid::from_child(&child), signal).unwrap();
        let said = Said::of(child.wait_with_output().unwrap());
        let json = said.json();
        assert_eq!((said.code, json["outcome"].as_str()), (Some(1), Some("not_converged")), "{name}: {}", said.err);
        let seen: Vec<_> =
            json["resources"].as_array().unwrap().iter().map(|r| (&r["outcome"], &r["reason"])).collect();
        assert_eq!(seen, [(&Value::from("changed"), &Value::Null), (&"skipped".into(), &"cancelled".into())], "{name}");
        assert!(s.0.join("first").exists() && !s.0.join("second").exists(), "{name}");
    }
}

#[test]
fn of_two_runs_on_one_state_directory_the_second_is_refused() {
    let s = Sandbox::new("two", WEB);
    let child = s.begun();
    let said = s.run(&["apply"]);
    let pid = format!("another run (process {})", child.id());
    assert!(said.code == Some(2) && said.err.contains(&pid) && said.err.contains("= help: wait"), "{}", said.err);
    let first = Said::of(child.wait_with_output().unwrap());
    assert_eq!((first.code, first.json()["outcome"].as_str()), (Some(0), Some("converged")), "{}", first.err);
}

#[test]
fn a_log_shows_operations_and_no_secret() {
    let s = Sandbox::new("log", &WEB.replace("hello\\n", "password secret:db/pw\\n"));
    let path = s.0.join("secrets.yaml");
    fs::write(&path, "db/pw: hunter2\n").unwrap();
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let said = s.run(&["apply", "--secrets-file", "secrets.yaml", "--log-level", "trace"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.err.contains("web/page") && said.err.contains("write /srv/page"), "{}", said.err);
    assert!(!said.err.contains("hunter2") && !said.out.contains("hunter2"), "{}{}", said.err, said.out);
    assert_eq!(fs::read_to_string(s.0.join("image/srv/page")).unwrap(), "password hunter2\n");
    assert!(s.run(&["plan", "--secrets-file", "secrets.yaml", "--log-level", "off"]).err.is_empty());
}
