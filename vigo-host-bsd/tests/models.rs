//! Converge against the models of rc.d, rcctl and sysrc, and the models against recordings of them.

use std::ops::Range;
use std::path::Path;
use vigo_core::host::{HostFacts, Init};
use vigo_core::sim::hosts::{FreeBsd, Model, NetBsd, OpenBsd, Recording, Seen, Trial};
use vigo_host_bsd::{FreeBsd as OnFreeBsd, NetBsd as OnNetBsd, OpenBsd as OnOpenBsd};

/// More by `VIGO_MODEL_SEEDS`.
fn seeds() -> Range<u64> {
    let count = std::env::var("VIGO_MODEL_SEEDS").ok().and_then(|n| n.parse().ok());
    0..count.unwrap_or(300)
}

fn check(seen: Result<Seen, String>) {
    let seen = seen.unwrap_or_else(|violation| panic!("{violation}"));
    println!("seeds {:?}: {seen:?}", seeds());
    assert!(seen.mishaps > 0 && seen.failures > 0 && seen.deaths > 0, "{seen:?}");
}

fn facts(init: Init) -> HostFacts {
    HostFacts { init, ..HostFacts::default() }
}

#[test]
fn services_converge_on_freebsd_whatever_fails_before() {
    check(Trial::run_all(&OnFreeBsd, &facts(Init::Rc), seeds(), |seed, now| FreeBsd::from_seed(seed, 4, now)));
}

#[test]
fn services_converge_on_openbsd_whatever_fails_before() {
    check(Trial::run_all(&OnOpenBsd, &facts(Init::Rcctl), seeds(), |seed, now| OpenBsd::from_seed(seed, 4, now)));
}

#[test]
fn services_converge_on_netbsd_whatever_fails_before() {
    check(Trial::run_all(&OnNetBsd, &facts(Init::Rc), seeds(), |seed, now| NetBsd::from_seed(seed, 4, now)));
}

/// Takes out process ids.
fn without_pids(text: &str) -> String {
    let word = |word: &str| match word.trim_end_matches('.').parse::<u32>() {
        Ok(_) => "PID".into(),
        Err(_) if word.starts_with("(pid=") => "(PID)".into(),
        Err(_) => word.to_owned(),
    };
    text.split('\n').map(|line| line.split(' ').map(word).collect::<Vec<_>>().join(" ")).collect::<Vec<_>>().join("\n")
}

/// Replays recordings: their folder, their names with the calls before each, and those that the model has nothing for.
fn replay<M: Model>(folder: &str, machine: fn(&str) -> M, cases: &[(&str, &[&str])], others: &[&str]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(folder);
    for (name, before) in cases {
        let text =
            std::fs::read_to_string(folder.join(format!("{name}.txt"))).unwrap_or_else(|e| panic!("{name}: {e}"));
        let recording = Recording::parse(&text).expect("a recording");
        recording.replay(&mut machine(name), before, without_pids).unwrap_or_else(|why| panic!("{name}: {why}"));
    }
    for file in std::fs::read_dir(&folder).expect("the recordings") {
        let name = file.expect("a file").file_name().into_string().expect("a name");
        let name = name.trim_end_matches(".txt");
        let told = cases.iter().map(|(name, _)| name).chain(others).any(|told| *told == name);
        assert!(told, "nothing is said of {name}");
    }
}

#[test]
fn the_model_answers_as_service_of_freebsd_did() {
    // walks fixtures/service-freebsd/12.1
    const ON: &str = "sysrc food_enable=YES";
    const RUN: &str = "service food onestart";
    let machine = |name: &str| {
        let mut machine = FreeBsd::new();
        if name.contains("broken") {
            machine.break_rc_conf();
        }
        machine
    };
    let cases: &[(&str, &[&str])] = &[
        ("food-enabled-no", &[]),
        ("food-enabled-yes", &[ON]),
        ("food-onestart", &[]),
        ("food-onestart-already-running", &[RUN]),
        ("food-onestatus-running", &[RUN]),
        ("food-onestatus-stopped", &[]),
        ("food-onestop", &[RUN]),
        ("food-onestop-already-stopped", &[]),
        ("food-rcvar-disabled", &[]),
        ("food-reload", &[ON, RUN]),
        ("food-reload-stopped", &[ON]),
        ("food-restart", &[ON, RUN]),
        ("food-start", &[ON]),
        ("food-start-already-running", &[ON, RUN]),
        ("food-start-not-enabled", &[]),
        ("food-status-not-enabled", &[]),
        ("food-status-running", &[ON, RUN]),
        ("food-status-stopped", &[ON]),
        ("food-stop", &[ON, RUN]),
        ("food-stop-already-stopped", &[ON]),
        ("food-unknown-verb", &[]),
        ("list-all-with-broken-rc.conf", &[]),
        ("list-enabled-with-broken-rc.conf", &[]),
        ("missing-onestart", &[]),
        ("missing-status", &[]),
    ];
    replay("service-freebsd/12.1", machine, cases, &["usage-with-broken-rc.conf"]);
}

#[test]
fn the_model_answers_as_sysrc_did() {
    // walks fixtures/sysrc/10.2
    let cases: &[(&str, &[&str])] = &[
        ("append", &["sysrc food_list+=one"]),
        ("append-was-unset", &[]),
        ("check-differs", &["sysrc food_enable=NO"]),
        ("check-same", &["sysrc food_enable=NO"]),
        ("delete", &["sysrc food_list=one"]),
        ("delete-missing", &[]),
        ("get", &["sysrc food_enable=NO"]),
        ("get-missing", &[]),
        ("get-missing-ignore", &[]),
        ("get-missing-quiet", &[]),
        ("get-value-only", &["sysrc food_enable=NO"]),
        ("get-verbose", &["sysrc food_list+=one", "sysrc food_list+=two"]),
        (
            "rc.conf-after-sets",
            &["sysrc food_enable=NO", "sysrc food_list=one", "sysrc food_list+=two", "sysrc \"food_flags=-a 'x y'\""],
        ),
        ("service-list-enabled-none", &[]),
        ("service-onestatus-stopped", &[]),
        ("service-verbose-onestatus", &[]),
        ("set-changes", &["sysrc food_enable=YES"]),
        ("set-in-other-file", &[]),
        ("set-same-value", &["sysrc food_enable=NO"]),
        ("set-was-unset", &[]),
    ];
    // Its command line cannot be told from one of two words: blanks are not quoted in recordings.
    replay("sysrc/10.2", |_| FreeBsd::new(), cases, &["set-value-with-quotes"]);
}

#[test]
fn the_model_answers_as_scripts_of_netbsd_did() {
    // walks fixtures/rcd-netbsd/1.96
    const RUN: &str = "/etc/rc.d/food onestart";
    let machine = |name: &str| {
        let mut machine = NetBsd::new();
        let is_on = ["enabled", "start", "stop", "restart", "status-running", "status-stopped", "reload-not-supported"];
        if is_on.iter().any(|case| name.strip_prefix("food-") == Some(case) || name == "food-rcvar-enabled") {
            machine.edit("/etc/rc.conf", "food", "YES", vigo_core::time::Timestamp::default());
        }
        machine
    };
    let cases: &[(&str, &[&str])] = &[
        ("food-no-verb", &[]),
        ("food-onestart", &[]),
        ("food-onestart-already-running", &[RUN]),
        ("food-onestatus-running", &[RUN]),
        ("food-onestatus-stopped", &[]),
        ("food-onestop", &[RUN]),
        ("food-onestop-already-stopped", &[]),
        ("food-rcvar-enabled", &[]),
        ("food-rcvar-unset", &[]),
        ("food-reload-not-supported", &[RUN]),
        ("food-restart", &[RUN]),
        ("food-start", &[]),
        ("food-start-not-enabled", &[]),
        ("food-status-not-enabled", &[]),
        ("food-status-running", &[RUN]),
        ("food-status-stopped", &[]),
        ("food-stop", &[RUN]),
        ("food-unknown-verb", &[]),
    ];
    replay("rcd-netbsd/1.96", machine, cases, &[]);
}

#[test]
fn the_model_answers_as_rcctl_did() {
    // walks fixtures/rcctl/1.120
    const ON: &str = "rcctl enable food";
    const RUN: &str = "rcctl -f start food";
    const FLAGS: &str = "rcctl set food flags -a two -b x y";
    let cases: &[(&str, &[&str])] = &[
        ("bogus-food", &[]),
        ("check-food-running", &[RUN]),
        ("check-food-stopped", &[]),
        ("check-httpd", &["rcctl -f start httpd"]),
        ("check-missing", &[]),
        ("configtest-food", &[]),
        ("configtest-httpd", &[]),
        ("disable-badd", &[]),
        ("disable-food", &[ON]),
        ("disable-missing", &[]),
        ("disable-pf", &[]),
        ("enable-badd", &[]),
        ("enable-dotdot-x", &[]),
        ("enable-food", &[]),
        ("enable-httpd", &[]),
        ("enable-missing", &[]),
        ("enable-pf", &[]),
        ("force-start-food-already-running", &[RUN]),
        ("get-food-disabled", &[]),
        ("get-food-enabled", &[ON]),
        ("get-food-enabled-custom-flags", &[ON, FLAGS, "rcctl set food timeout 60"]),
        ("get-food-flags-custom", &[ON, FLAGS]),
        ("get-food-flags-disabled", &[]),
        ("get-food-status-off", &[]),
        ("get-food-status-on", &[ON]),
        ("get-httpd", &[]),
        ("get-httpd-status", &[]),
        ("get-missing", &[]),
        ("get-missing-status", &[]),
        ("get-pf-special-variable", &[]),
        ("get-pf-status", &[]),
        ("getdef-food", &[]),
        ("ls-all", &[]),
        ("ls-failed", &[ON, RUN, "rcctl enable badd"]),
        ("ls-off", &[ON, "rcctl enable badd"]),
        ("ls-on", &[ON, "rcctl enable badd"]),
        ("ls-rogue", &[ON, RUN]),
        ("ls-started", &[RUN]),
        ("order", &[ON, "rcctl enable badd"]),
        ("order-badd-food", &[ON, "rcctl enable badd"]),
        ("rc.conf.local-flags-and-timeout", &[ON, FLAGS, "rcctl set food timeout 60"]),
        ("rc.conf.local-one-package-daemon", &[ON]),
        ("reload-badd", &[]),
        ("reload-food", &[RUN]),
        ("reload-food-stopped", &[]),
        ("restart-food", &[ON, RUN]),
        ("set-food-class-x", &[ON]),
        ("set-food-flags--a-two--b-x-y", &[ON]),
        ("set-food-flags-NO", &[ON]),
        ("set-food-flags-reset", &[ON, FLAGS]),
        ("set-food-timeout-60", &[ON]),
        ("set-food-timeout-abc", &[ON]),
        ("set-food-user-nosuchuser", &[ON]),
        ("set-httpd-status-off", &["rcctl enable httpd"]),
        ("set-pf-flags-x", &[]),
        ("start-badd-fails", &["rcctl enable badd"]),
        ("start-food", &[ON]),
        ("start-food-already-running", &[ON, RUN]),
        ("start-food-badd-second-fails", &[ON, "rcctl enable badd"]),
        ("start-httpd", &["rcctl enable httpd"]),
        ("start-missing", &[]),
        ("start-pf-special-variable", &[]),
        ("stop-food", &[RUN]),
        ("stop-food-already-stopped", &[]),
        ("stop-httpd", &["rcctl -f start httpd"]),
        ("usage", &[]),
    ];
    // What rc.subr(8) writes for itself, and what it says for those who look for mistakes in scripts.
    replay("rcctl/1.120", |_| OpenBsd::new(), cases, &["run-file-of-running-daemon", "debug-stop-food"]);
}
