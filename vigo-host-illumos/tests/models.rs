//! Converge against the model of SMF, and the model against what its manual pages document.

use std::ops::Range;
use std::path::Path;
use vigo_core::host::{HostFacts, Init};
use vigo_core::sim::hosts::{Recording, Smf, Trial};
use vigo_host_illumos::Illumos;

/// More by `VIGO_MODEL_SEEDS`.
fn seeds() -> Range<u64> {
    let count = std::env::var("VIGO_MODEL_SEEDS").ok().and_then(|n| n.parse().ok());
    0..count.unwrap_or(300)
}

#[test]
fn services_converge_on_smf_whatever_fails_before() {
    let facts = HostFacts { init: Init::Smf, ..HostFacts::default() };
    let seen = Trial::run_all(&Illumos, &facts, seeds(), |seed, now| Smf::from_seed(seed, 4, now));
    let seen = seen.unwrap_or_else(|violation| panic!("{violation}"));
    println!("seeds {:?}: {seen:?}", seeds());
    assert!(seen.mishaps > 0 && seen.failures > 0 && seen.deaths > 0 && seen.hopeless > 0, "{seen:?}");
}

const SSH: &str = "svc:/network/ssh:default";

/// Returns a machine that is slow, where the case is about a state on its way.
fn machine(name: &str) -> Smf {
    let mut machine = Smf::new();
    if name.contains("-to-") || name.contains("transition") {
        machine.slow_down(SSH);
    }
    machine
}

/// Takes out blanks at the end of lines.
fn normalised(text: &str) -> String {
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
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
fn the_model_answers_as_svcs_is_documented() {
    // walks fixtures/svcs/documented
    let off = format!("svcadm disable {SSH}");
    let no_bind = "svcadm disable svc:/network/rpc/bind:default";
    let mark = |what: &str| format!("svcadm mark {what} {SSH}");
    let (degraded, maintenance) = (mark("degraded"), mark("maintenance"));
    let on = format!("svcadm enable {SSH}");
    let on_for_now = format!("svcadm enable -t {SSH}");
    let cases: &[(&str, &[&str])] = &[
        ("detail-online", &[]),
        ("detail-temporarily-enabled", &[&on_for_now]),
        ("missing", &[]),
        ("state-degraded", &[&degraded]),
        ("state-disabled", &[&off]),
        ("state-legacy", &[]),
        ("state-maintenance", &[&maintenance]),
        ("state-offline", &[&off, no_bind, &on]),
        ("state-offline-to-online", &[&off, &on]),
        ("state-online", &[]),
        ("state-column-with-transition-star", &[&off, &on]),
    ];
    // It is before the restarter has looked at it for the first time: nothing leads there.
    replay("svcs/documented", cases, &["state-uninitialized"]);
}

#[test]
fn the_model_answers_as_svcadm_is_documented() {
    // walks fixtures/svcadm/documented
    let cases: &[(&str, &[&str])] = &[
        ("disable-temporary-verbose", &[]),
        ("enable-ambiguous", &[]),
        ("enable-missing", &[]),
        ("enable-verbose", &[]),
        ("enable-wait-maintenance", &["svcadm mark maintenance ssh"]),
        ("enable-wait-unsatisfied", &["svcadm disable ssh", "svcadm disable rpc/bind"]),
        ("legacy", &[]),
        ("mark-maintenance-verbose", &[]),
    ];
    // The model has one administrator, who may do everything.
    replay("svcadm/documented", cases, &["enable-wait-disabled-by-other", "permission-denied", "repository-read-only"]);
}

#[test]
fn the_model_answers_as_svcprop_is_documented() {
    // walks fixtures/svcprop/documented
    replay("svcprop/documented", &[("enabled", &[]), ("group", &[]), ("state", &[])], &[]);
}
