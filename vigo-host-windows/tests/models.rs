//! Converge against the model of the service control manager, and the model against what people reported of it.

use std::ops::Range;
use std::path::Path;
use vigo_core::host::{HostFacts, Init};
use vigo_core::sim::hosts::{Recording, Scm, Trial};
use vigo_host_windows::Windows;

/// More by `VIGO_MODEL_SEEDS`.
fn seeds() -> Range<u64> {
    let count = std::env::var("VIGO_MODEL_SEEDS").ok().and_then(|n| n.parse().ok());
    0..count.unwrap_or(300)
}

#[test]
fn services_converge_on_windows_whatever_fails_before() {
    let facts = HostFacts { init: Init::Scm, ..HostFacts::default() };
    let seen = Trial::run_all(&Windows, &facts, seeds(), |seed, now| Scm::from_seed(seed, 4, now));
    let seen = seen.unwrap_or_else(|violation| panic!("{violation}"));
    println!("seeds {:?}: {seen:?}", seeds());
    assert!(seen.mishaps > 0 && seen.failures > 0 && seen.deaths > 0 && seen.hopeless > 0, "{seen:?}");
}

fn machine(_: &str) -> Scm {
    Scm::new()
}

/// Takes out process ids, and blanks at the end of lines.
fn normalised(text: &str) -> String {
    let line = |line: &str| match line.trim_end().split_once(" : ") {
        Some((key, value)) if key.trim() == "PID" && value != "0" => "PID".to_owned(),
        _ => line.trim_end().to_owned(),
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
fn the_model_answers_as_sc_exe_is_reported_to() {
    // walks fixtures/sc.exe/windows
    const SC: &str = "C:\\Windows\\System32\\sc.exe";
    let start = format!("{SC} start food");
    let delete = format!("{SC} delete food");
    let cases: &[(&str, &[&str])] = &[
        ("config-delayed-marked-for-deletion", &[&start, &delete]),
        ("create", &[&delete]),
        ("failure", &[]),
        ("qc", &[]),
        ("qc-missing", &[]),
        ("query-missing", &[]),
        ("query-running", &[&start]),
        ("query-stopped", &[]),
        ("queryex-running", &[&start]),
        ("start", &[]),
        ("start-missing", &[]),
    ];
    // The model speaks English.
    replay("sc.exe/windows", cases, &["query-missing-chinese", "start-already-running-chinese"]);
}
