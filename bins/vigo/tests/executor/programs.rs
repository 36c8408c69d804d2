//! Programs, signals, downloads.

use super::support::{Scratch, is_root, kind, message, ran, replace};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use vigo_core::action::{AccountKind, Command, Effect, Exit, Expect, FailureKind, Op, OpOutput, Replace};
use vigo_core::converge::OpId;
use vigo_core::time;
use vigo_core::value::Text;

#[test]
fn programs_run_with_arguments_and_an_environment_of_ours() {
    let t = Scratch::new("run");
    let mut x = t.executor();
    let mut run = |command: Command| ran(x.perform(&Op::Run(command)));
    assert_eq!(run(Command::read("printf", ["%s|", "a b", "$HOME", ""])).out(), "a b|$HOME||");
    let env = run(Command::read("env", [""; 0]).env("EXTRA", "1"));
    let mut names: Vec<_> = env.out().lines().map(|l| l.split('=').next().unwrap().to_owned()).collect();
    names.sort();
    assert_eq!(names, ["EXTRA", "HOME", "LC_ALL", "PATH", "TERM", "USER"]);
    assert_eq!(run(Command::read("sh", ["-c", "exit 3"])).exit, Exit::Code(3));
    assert_eq!(run(Command::read("sh", ["-c", "kill -9 $$"])).exit, Exit::Signal(9));
    assert_eq!(run(Command::read("cat", [""; 0]).stdin(Text::plain("in"))).out(), "in");
    assert_eq!(run(Command::read("cat", [""; 0])).out(), "", "nothing to read");
    let large = "x".repeat(3 << 20);
    let echoed = run(Command::read("cat", [""; 0]).stdin(Text::plain(large.as_str())).output_bytes_max(4 << 20));
    assert_eq!(echoed.stdout.len(), 3 << 20, "more than a pipe holds, both ways");
    let unread = run(Command::read("true", [""; 0]).stdin(Text::plain(large.as_str())));
    assert!(unread.success(), "input that nobody reads");
    let cut = run(Command::read("sh", ["-c", "head -c 100000 /dev/zero; echo done >&2"]).output_bytes_max(10));
    assert_eq!((cut.stdout.len(), cut.truncated, &*cut.err()), (10, true, "done\n"));
    let here = run(Command { cwd: Some(t.path("")), ..Command::read("pwd", [""; 0]) });
    assert_eq!(here.out().trim(), t.0.to_str().unwrap());
    assert_eq!(run(Command { umask: Some(0o077), ..Command::read("sh", ["-c", "umask"]) }).out(), "0077\n");
    assert_eq!(run(Command::read("sh", ["-c", "umask"])).out(), "0022\n");
    let nice = run(Command { nice: 15, ..Command::read("nice", [""; 0]) });
    assert_eq!(nice.out(), "15\n");
    let changes = run(Command { effect: Effect::Changes, ..Command::change("sh", ["-c", "exit 4"]) });
    assert_eq!(changes.exit, Exit::Code(4), "what an exit means is not the executor's to say");
}

#[test]
fn a_program_that_was_written_a_moment_ago_runs() {
    let t = Scratch::new("fresh");
    let mut x = t.executor();
    for (name, mode) in [("plain", 0o755), ("unreadable", 0o300)] {
        let script = Replace { mode: Some(mode), expect: Expect::Missing, ..replace(t.path(name), "#!/bin/true\n") };
        assert_eq!(x.perform(&Op::ReplaceFile(script)), OpOutput::Done, "{name}");
    }
    let done = ran(x.perform(&Op::Run(Command::change(t.path("plain").as_str(), [""; 0]))));
    assert!(done.success(), "nobody holds it open for writing: {done:?}");
    x.sync().unwrap();
}

#[test]
fn a_program_that_is_not_there_says_so() {
    let t = Scratch::new("noprogram");
    t.write("script", "#!/no/such/interpreter\n");
    fs::set_permissions(t.0.join("script"), fs::Permissions::from_mode(0o755)).unwrap();
    let script = t.path("script");
    let absent = t.path("absent");
    let mut x = t.executor();
    let cases: &[(&str, Command, FailureKind)] = &[
        ("by name", Command::read("vigo-no-such-program", [""; 0]), FailureKind::NoProgram),
        ("by path", Command::read("/no/such/program", [""; 0]), FailureKind::NoProgram),
        ("relative", Command::read("bin/true", [""; 0]), FailureKind::NoProgram),
        ("empty", Command::read("", [""; 0]), FailureKind::NoProgram),
        ("its interpreter", Command::read(script.as_str(), [""; 0]), FailureKind::Other),
        ("its folder", Command { cwd: Some(absent), ..Command::read("true", [""; 0]) }, FailureKind::NoParent),
        ("not executable", Command::read("/etc/passwd", [""; 0]), FailureKind::Denied),
        ("account", Command { user: Some("vigo-nobody".into()), ..Command::read("id", [""; 0]) }, FailureKind::NoUser),
    ];
    for (name, command, expected) in cases {
        let output = x.perform(&Op::Run(command.clone()));
        assert_eq!(kind(&output), Some(*expected), "{name}: {output:?}");
    }
}

#[test]
fn a_program_runs_as_another_with_all_its_groups() {
    if !is_root() {
        return;
    }
    let t = Scratch::new("asuser");
    let mut x = t.executor();
    let command = Command { user: Some("nobody".into()), ..Command::read("sh", ["-c", "id -un; id -G; echo $USER"]) };
    let seen = ran(x.perform(&Op::Run(command)));
    let groups = ran(x.perform(&Op::Run(Command::read("id", ["-G", "nobody"]))));
    assert_eq!(seen.out(), format!("nobody\n{}nobody\n", groups.out()));
}

#[test]
fn an_account_that_nobody_has_is_missing_and_one_of_the_files_is_not_asked_for() {
    let t = Scratch::new("account");
    let account = |kind, name: &str| Op::Account { kind, name: name.into() };
    let names = ["vigo-nobody", "root", "", "-x", "a:b", "a\nb", "a\0b"];
    for kind in [AccountKind::User, AccountKind::Group] {
        for name in names {
            assert_eq!(t.executor().perform(&account(kind, name)), OpOutput::Missing, "{kind} {name:?}");
        }
    }
    let command = Command { user: Some("vigo-nobody".into()), ..Command::read("id", [""; 0]) };
    let output = t.executor().perform(&Op::Run(command));
    let neither = "account `vigo-nobody` does not exist: neither `/etc/passwd` nor the system has it";
    assert_eq!(message(output), neither);
}

/// Waits until something is so.
fn soon(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Returns commands of sh(1) that wait for a file, and fail when it does not come.
fn until(file: &str, t: &Scratch) -> String {
    let path = t.0.join(file);
    format!("n=0; until [ -e {} ]; do n=$((n+1)); [ $n -lt 1200 ] || exit 9; sleep 0.05; done", path.display())
}

#[test]
fn a_program_that_takes_too_long_is_ended_with_its_children() {
    let t = Scratch::new("timeout");
    let mut x = t.executor();
    let start = Instant::now();
    let text = format!("sleep 100 & echo $! > {}/pid; wait", t.0.display());
    let command = Command::read("sh", ["-c", &text]).timeout(time::Duration::from_ms(300));
    let output = x.perform(&Op::Run(command));
    assert_eq!(kind(&output), Some(FailureKind::TimedOut));
    assert!(start.elapsed() < Duration::from_secs(90), "took {:?}", start.elapsed());
    let pid = t.read("pid");
    soon("its child is gone", || {
        let state = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
        state.is_empty() || state.contains(") Z ")
    });
}

#[test]
fn a_daemon_that_holds_the_pipe_is_not_waited_for() {
    let t = Scratch::new("daemon");
    let text = format!("{{ {}; : > {}/ended; }} & echo started", until("end", &t), t.0.display());
    let seen = ran(t.executor().perform(&Op::Run(Command::read("sh", ["-c", &text]))));
    assert_eq!(seen.out(), "started\n");
    assert!(!t.0.join("ended").exists(), "it was waited for");
    t.write("end", "");
    soon("the daemon ends", || t.0.join("ended").exists());
}

#[test]
fn a_background_program_is_left_running() {
    let t = Scratch::new("background");
    let text =
        format!("cat > {0}/in; {1}; ps -o sid= -p $$ > {0}/sid; mv {0}/in {0}/done", t.0.display(), until("end", &t));
    let command = Command { background: true, ..Command::change("sh", ["-c", &text]) }.stdin(Text::plain("hello"));
    assert!(ran(t.executor().perform(&Op::Run(command))).success());
    assert!(!t.0.join("done").exists(), "it was waited for");
    t.write("end", "");
    soon("the program ends", || t.0.join("done").exists());
    assert_eq!(t.read("done"), "hello");
}

#[test]
fn a_secret_reaches_a_program_by_a_file_that_then_goes() {
    let t = Scratch::new("secret");
    let mut command = Command::read("sh", ["-c", "cat $0; stat -c ' %a' $0; echo $0", "{{secret_file}}"]);
    command.secret_file = Some(Text::secret("hunter2", "a/b"));
    let seen = ran(t.executor().perform(&Op::Run(command)));
    let out = seen.out();
    let (content, path) = out.trim().split_once('\n').unwrap();
    assert_eq!(content, "hunter2 600");
    assert!(!Path::new(path).exists(), "{path}");
}

#[test]
fn reads_by_programs_run_side_by_side() {
    let t = Scratch::new("parallel");
    t.write("f", "1");
    // Each waits for the one that comes after it.
    let run = |id: u64| {
        let text = format!(": > {}/{id}; {}", t.0.display(), until(&(id + 1).to_string(), &t));
        (OpId(id), Arc::new(Op::Run(Command::read("sh", ["-c", &text]))))
    };
    t.write("4", "");
    let mut ops: Vec<_> = (0..4).map(run).collect();
    ops.push((OpId(4), Arc::new(Op::stat(&t.path("f")))));
    let mut seen = Vec::new();
    t.executor().perform_all(ops, |id, output| seen.push((id, matches!(output, OpOutput::Ran(ran) if ran.success()))));
    seen.sort_unstable();
    let expected: Vec<_> = (0..5).map(|id| (OpId(id), id < 4)).collect();
    assert_eq!(seen, expected);
}

#[test]
fn a_signal_reaches_only_the_process_that_was_observed() {
    let t = Scratch::new("signal");
    let mut child = std::process::Command::new("sleep").arg("100").spawn().unwrap();
    let stat = fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
    let start_time: u64 = stat.rsplit_once(") ").unwrap().1.split(' ').nth(19).unwrap().parse().unwrap();
    let signal = |start_time, name: &str| Op::Signal { pid: child.id(), start_time, signal: name.into() };
    let mut x = t.executor();
    assert_eq!(x.perform(&signal(start_time + 1, "KILL")), OpOutput::Done, "another process");
    assert_eq!(kind(&x.perform(&signal(start_time, "NONSENSE"))), Some(FailureKind::Other));
    let ours = Op::Signal { pid: std::process::id(), start_time: 0, signal: "TERM".into() };
    assert_eq!(kind(&x.perform(&ours)), Some(FailureKind::Denied));
    assert_eq!(
        kind(&x.perform(&Op::Signal { pid: 0, start_time: 0, signal: "TERM".into() })),
        Some(FailureKind::Other)
    );
    let term = signal(start_time, "TERM");
    assert!(child.try_wait().unwrap().is_none(), "still there");
    assert_eq!(x.perform(&term), OpOutput::Done);
    use std::os::unix::process::ExitStatusExt;
    assert_eq!(child.wait().unwrap().signal(), Some(15));
    assert_eq!(x.perform(&term), OpOutput::Done, "gone");
}

#[test]
fn a_download_is_over_https_only() {
    let t = Scratch::new("fetch");
    let fetch = |url: &str| Op::Fetch { url: url.into(), sha256: [0; 32], staged: vigo_core::action::StagedId(1) };
    for url in ["http://localhost/x", "file:///etc/passwd", "ftp://x", ""] {
        let told = message(t.executor().perform(&fetch(url)));
        assert!(told.contains("https://"), "{url}: {told}");
        let told = message(t.executor().perform(&Op::ReadUrl { url: url.into(), bytes_max: 10 }));
        assert!(told.contains("https://"), "{url}: {told}");
    }
    let nobody = t.executor().perform(&Op::ReadUrl { url: "https://127.0.0.1:1/x".into(), bytes_max: 10 });
    assert_eq!(kind(&nobody), Some(FailureKind::Unreachable), "{nobody:?}");
    let nobody = t.executor().perform(&fetch("https://127.0.0.1:1/x"));
    assert_eq!(kind(&nobody), Some(FailureKind::Unreachable), "{nobody:?}");
}
