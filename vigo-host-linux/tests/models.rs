//! Converge against the model of systemd, and the model against recordings of systemd.

use std::collections::BTreeSet;
use std::ops::Range;
use vigo_core::host::{HostFacts, Init};
use vigo_core::sim::hosts::{Install, Kind, Recording, Start, Systemd, Trial, Unit};
use vigo_core::time::Duration;
use vigo_host_linux::Linux;

/// More by `VIGO_MODEL_SEEDS`.
fn seeds() -> Range<u64> {
    let count = std::env::var("VIGO_MODEL_SEEDS").ok().and_then(|n| n.parse().ok());
    0..count.unwrap_or(300)
}

#[test]
fn services_converge_on_systemd_whatever_fails_before() {
    let facts = HostFacts { init: Init::Systemd, ..HostFacts::default() };
    let seen = Trial::run_all(&Linux, &facts, seeds(), |seed, now| Systemd::from_seed(seed, 4, now));
    let seen = seen.unwrap_or_else(|violation| panic!("{violation}"));
    println!("seeds {:?}: {seen:?}", seeds());
    assert!(seen.mishaps > 0 && seen.failures > 0 && seen.deaths > 0 && seen.hopeless > 0, "{seen:?}");
}

/// The machine of the recordings.
fn machine() -> Systemd {
    let unit = |name: &str, set: fn(&mut Unit)| {
        let mut unit = Unit::new(name);
        set(&mut unit);
        unit
    };
    let badd = unit("badd.service", |u| (u.install, u.kind) = (Install::Nothing, Kind::Oneshot));
    let slow = unit("slow.service", |u| {
        (u.install, u.kind, u.start_max) = (Install::Nothing, Kind::Notify, Duration::from_secs(3));
    });
    Systemd::new([
        Unit::new("food.service"),
        unit("vend.service", |u| (u.is_local, u.install) = (false, Install::Alias("vendalias.service"))),
        badd.always(Start::Refuses(Duration::from_ms(10))),
        slow.always(Start::Hangs),
        unit("ind.service", |u| u.install = Install::Also),
        unit("tpl@.service", |u| u.is_local = false),
        unit("broken.service", |u| (u.install, u.is_bad) = (Install::Nothing, true)),
    ])
}

/// Takes out process ids.
fn without_pids(text: &str) -> String {
    let line = |line: &str| match line.split_once('=') {
        Some(("MainPID", pid)) if pid != "0" => "MainPID=PID".into(),
        _ => line.to_owned(),
    };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_model_answers_as_systemd_252_did() {
    // walks fixtures/systemctl/252
    let cases: &[(&str, &[&str])] = &[
        ("daemon-reload", &[]),
        ("disable", &["systemctl enable food"]),
        ("disable-runtime", &["systemctl enable --runtime food"]),
        ("disable-with-alias", &["systemctl enable vend"]),
        ("enable", &[]),
        ("enable-already-enabled", &["systemctl enable food"]),
        ("enable-masked", &["systemctl mask vend"]),
        ("enable-missing", &[]),
        ("enable-runtime", &[]),
        ("enable-static", &[]),
        ("enable-template-instance", &[]),
        ("enable-template-without-instance", &[]),
        ("enable-with-alias", &[]),
        ("is-active-activating", &["systemctl start --no-block slow"]),
        ("is-active-active", &["systemctl start food"]),
        ("is-active-failed", &["systemctl start badd"]),
        ("is-active-inactive", &[]),
        ("is-active-missing", &[]),
        ("is-enabled-alias", &["systemctl enable vend"]),
        ("is-enabled-disabled", &[]),
        ("is-enabled-enabled", &["systemctl enable food"]),
        ("is-enabled-enabled-runtime", &["systemctl enable --runtime food"]),
        ("is-enabled-indirect", &[]),
        ("is-enabled-masked", &["systemctl mask vend"]),
        ("is-enabled-masked-runtime", &["systemctl mask --runtime vend"]),
        ("is-enabled-missing", &[]),
        ("is-enabled-static", &[]),
        ("is-enabled-template-instance", &["systemctl enable tpl@5.service"]),
        ("is-failed-yes", &["systemctl start badd"]),
        ("is-system-running", &[]),
        ("is-system-running-degraded", &["systemctl start badd"]),
        ("mask-refused-unit-in-etc", &[]),
        ("mask-runtime", &[]),
        ("mask-vendor-unit", &[]),
        ("reload-not-supported", &["systemctl start food"]),
        ("reset-failed", &["systemctl start badd"]),
        ("show-activating", &["systemctl start --no-block slow"]),
        ("show-alias", &["systemctl enable vend"]),
        ("show-bad-setting", &[]),
        ("show-batch-of-three", &[]),
        ("show-failed", &["systemctl start badd"]),
        ("show-failed-timeout", &["systemctl start slow"]),
        ("show-masked", &["systemctl mask vend"]),
        ("show-missing", &[]),
        ("show-need-daemon-reload", &["touch"]),
        ("show-running", &["systemctl enable food", "systemctl start food"]),
        ("show-stopped", &[]),
        ("start", &[]),
        ("start-bad-setting", &[]),
        ("start-masked", &["systemctl mask vend"]),
        ("start-missing", &[]),
        ("start-oneshot-fails", &[]),
        ("start-simple-unit-that-fails-later", &["simple"]),
        ("start-times-out", &[]),
        ("start-with-changed-unit-file", &["touch"]),
        ("stop", &["systemctl start food"]),
        ("stop-missing", &[]),
        ("unmask-not-masked", &[]),
        ("unmask-runtime", &["systemctl mask --runtime vend"]),
        ("unmask-vendor-unit", &["systemctl mask vend"]),
    ];
    for (name, before) in cases {
        let text = fixture(name);
        let mut machine = machine();
        let mut before = before.to_vec();
        if before == ["touch"] {
            machine.unit("food").expect("a unit").touch();
            before.clear();
        } else if before == ["simple"] {
            machine.unit("badd").expect("a unit").kind = Kind::Simple;
            before.clear();
        }
        let recording = Recording::parse(&text).expect("a recording");
        recording.replay(&mut machine, &before, without_pids).unwrap_or_else(|why| panic!("{name}: {why}"));
    }
    // Not here, because the model does not have them: pages for people (`status`, `list-units`), the text of a unit file
    // (`ExecStart`), the arrows of a UTF-8 locale, other tools.
    let told: BTreeSet<String> = cases.iter().map(|(name, _)| String::from(*name)).collect();
    let untold: Vec<String> = fixtures().into_iter().filter(|name| !told.contains(name)).collect();
    assert!(untold.is_empty(), "recordings that nothing is said of: {untold:?}");
}

fn folder() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/systemctl/252")
}

fn fixture(name: &str) -> String {
    std::fs::read_to_string(folder().join(format!("{name}.txt"))).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn fixtures() -> Vec<String> {
    let files = std::fs::read_dir(folder()).expect("the recordings");
    let name = |file: std::fs::DirEntry| Some(file.file_name().to_str()?.strip_suffix(".txt")?.to_owned());
    files.filter_map(|file| name(file.expect("a file"))).collect()
}
