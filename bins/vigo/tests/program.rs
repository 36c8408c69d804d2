//! What a server sees of the agent's program without running it.

use vigo_core::bundle::ProgramReader;

#[test]
fn the_program_says_what_it_is() {
    let mut reader = ProgramReader::default();
    std::fs::read(env!("CARGO_BIN_EXE_vigo")).unwrap().chunks(1 << 20).for_each(|piece| reader.feed(piece).unwrap());
    let manifest = reader.finish(None).unwrap();
    assert_eq!(manifest.version, env!("CARGO_PKG_VERSION"));
    assert_eq!(manifest.target.to_string(), format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH));
}

/// A program that crashes with secrets in its memory leaves them nowhere.
#[cfg(target_os = "linux")]
#[test]
fn it_leaves_no_core_when_it_crashes() {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::{Command, Stdio};
    let dir = std::env::temp_dir().join(format!("vigo-core-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(dir.join("stacks/configcrates")).unwrap();
    let policy = "name: long\nresources:\n  - {name: long, type: exec, command: [sh, -c, 'touch DIR/begun; sleep 600'], creates: DIR/never}\n";
    let policy = policy.replace("DIR", dir.to_str().unwrap());
    std::fs::write(dir.join("stacks/configcrates/long.vgo"), policy).unwrap();
    std::fs::write(dir.join("stacks/envoys.vgo"), "envoys: [{match: '*', configcrates: [long]}]\n").unwrap();
    // What others do here, with the same limit, says whether a core would be left at all.
    let crash = |line: &str| {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("ulimit -c unlimited; {line}")]).current_dir(&dir);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    let others = crash("kill -ABRT $$").wait().unwrap();
    let _ = std::fs::remove_file(dir.join("core"));
    let vigo = env!("CARGO_BIN_EXE_vigo");
    let mut own = crash(&format!("exec {vigo} apply --stacks stacks --hostname h --state-dir state"));
    let start = std::time::Instant::now();
    while !dir.join("begun").exists() {
        assert!(own.try_wait().unwrap().is_none(), "it has ended");
        assert!(start.elapsed().as_secs() < 60, "it does not begin");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let pid = rustix::process::Pid::from_raw(i32::try_from(own.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::ABORT).unwrap();
    let own = own.wait().unwrap();
    assert_eq!((own.signal(), own.core_dumped()), (Some(6), false), "others: {others:?}");
    assert!(!dir.join("core").exists());
    std::fs::remove_dir_all(&dir).unwrap();
}
