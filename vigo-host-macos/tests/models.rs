//! Converge against the model of launchd, and the model against what people reported of it.

use std::ops::Range;
use std::path::Path;
use vigo_core::host::{HostFacts, Init};
use vigo_core::sim::hosts::{Launchd, Recording, Start, Trial};
use vigo_core::time::Duration;
use vigo_host_macos::MacOs;

/// More by `VIGO_MODEL_SEEDS`.
fn seeds() -> Range<u64> {
    let count = std::env::var("VIGO_MODEL_SEEDS").ok().and_then(|n| n.parse().ok());
    0..count.unwrap_or(300)
}

#[test]
fn services_converge_on_launchd_whatever_fails_before() {
    let facts = HostFacts { init: Init::Launchd, ..HostFacts::default() };
    let seen = Trial::run_all(&MacOs, &facts, seeds(), |seed, now| Launchd::from_seed(seed, 4, now));
    let seen = seen.unwrap_or_else(|violation| panic!("{violation}"));
    println!("seeds {:?}: {seen:?}", seeds());
    assert!(seen.mishaps > 0 && seen.failures > 0 && seen.deaths > 0 && seen.hopeless > 0, "{seen:?}");
}

/// Returns a machine whose job fails, where the case is about that.
fn machine(name: &str) -> Launchd {
    let mut machine = Launchd::new(name.contains("words"));
    if name == "print-not-running" || name == "print-spawn-scheduled" {
        let dies = Start::Dies(Duration::ZERO, Duration::from_ms(1));
        machine.always(dies, name == "print-spawn-scheduled");
    }
    machine
}

/// Takes out what differs from run to run: process ids, how often it ran and how that ended.
fn normalised(text: &str) -> String {
    let line = |line: &str| match line.trim().split_once(" = ") {
        Some((key @ ("pid" | "runs"), _)) => key.to_owned(),
        Some(("last exit code", "(never exited)" | "0")) => "last exit code = 0".to_owned(),
        _ => line.to_owned(),
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// Replays recordings of a folder, each after its calls.
fn replay(folder: &str, cases: &[(&str, &[&str])], others: &[&str]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(folder);
    for (name, before) in cases {
        let text =
            std::fs::read_to_string(folder.join(format!("{name}.txt"))).unwrap_or_else(|e| panic!("{name}: {e}"));
        let recording = Recording::parse(&text).expect("a recording");
        recording.replay(&mut machine(name), before, normalised).unwrap_or_else(|why| panic!("{name}: {why}"));
    }
    for file in std::fs::read_dir(&folder).expect("the recordings") {
        let name = file.expect("a file").file_name().into_string().expect("a name");
        let name = name.trim_end_matches(".txt");
        let told = cases.iter().map(|(name, _)| name).chain(others).any(|told| *told == name);
        assert!(told, "nothing is said of {name}");
    }
}

#[test]
fn the_model_answers_as_launchctl_is_reported_to() {
    // walks fixtures/launchctl/reported
    const LOAD: &str = "launchctl bootstrap system /Library/LaunchDaemons/com.example.food.plist";
    const KICK: &str = "launchctl kickstart system/com.example.food";
    const OFF: &str = "launchctl disable system/com.example.food";
    const IDLE: &str = "launchctl enable system/com.example.idle";
    let cases: &[(&str, &[&str])] = &[
        ("bootout-error-3", &[]),
        ("bootstrap-error-119-disabled", &[OFF]),
        ("bootstrap-error-5", &[LOAD]),
        ("print-disabled-booleans", &[OFF, IDLE]),
        ("print-disabled-words", &[OFF, IDLE]),
        ("print-missing", &[]),
        ("print-never-exited", &[LOAD]),
        ("print-not-running", &[LOAD, KICK]),
        ("print-running", &[LOAD, KICK]),
        ("print-spawn-scheduled", &[LOAD]),
    ];
    // What differs by version: the old heading, `waiting`, an error 5 of `bootout`. The list is of other jobs.
    let others = ["bootout-error-5", "list", "print-running-old-heading", "print-waiting"];
    replay("launchctl/reported", cases, &others);
}
