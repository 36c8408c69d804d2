//! systemctl, by what it printed.

use super::*;
use vigo_core::action::{FailureKind, OpFailure};
use vigo_core::resource::service::{Boot, Goal, Mask};
use vigo_core::resource::service::{MaskState as M, RunState as R};

macro_rules! fixture {
    ($case:literal) => {
        OpOutput::Ran(
            Ran::from_recording(include_str!(concat!("../../../tests/fixtures/systemctl/252/", $case, ".txt")))
                .unwrap()
                .1,
        )
    };
}

fn ran(stdout: &str, stderr: &str, code: i32) -> OpOutput {
    OpOutput::exited(code, stdout, stderr)
}

fn link() -> OpOutput {
    let OpOutput::File { meta, .. } = OpOutput::file("") else { panic!() };
    OpOutput::Stat(meta)
}

fn want(name: &str) -> Want {
    Want { boot: Some(Boot::Enabled), ..Want::new(name, Goal::Running) }
}

fn facts() -> HostFacts {
    HostFacts::default()
}

/// Answers the probe of one want by one output, and what is asked for then by `Missing`.
fn observe(want: &Want, answer: OpOutput) -> Interpreted<State> {
    let show = Systemd.probe(want, &facts());
    vigo_core::host::observe(&Systemd, want, &facts(), |op| match show.contains(op) {
        true => answer.clone(),
        false => OpOutput::Missing,
    })
}

fn found(want: &Want, answer: OpOutput) -> Observed {
    match observe(want, answer) {
        Interpreted::Known(State::Found(seen)) => seen,
        other => panic!("{}: {other:?}", want.name),
    }
}

fn lowered(want: &Want, seen: Observed, actions: &[Action]) -> Vec<String> {
    let ops = Systemd.lower(want, &State::Found(seen), actions, &facts()).unwrap();
    ops.iter().map(ToString::to_string).collect()
}

#[test]
fn an_answer_that_was_cut_is_unknown() {
    let OpOutput::Ran(whole) = fixture!("show-running") else { panic!() };
    for at in 0..whole.stdout.len() {
        let cut = Ran { stdout: whole.stdout[..at].into(), truncated: true, ..whole.clone() };
        let seen = observe(&want("food"), OpOutput::Ran(cut));
        assert!(matches!(seen, Interpreted::Unknown(_)), "at {at}: {seen:?}");
    }
}

#[test]
fn show_says_run_state_and_boot_state() {
    let cases = [
        ("food", fixture!("show-running"), R::Running, BootState::Enabled, M::Unmasked, None),
        ("food", fixture!("show-stopped"), R::Stopped, BootState::Disabled, M::Unmasked, None),
        ("slow", fixture!("show-activating"), R::Starting, BootState::Fixed("static"), M::Unmasked, Some("start")),
        ("badd", fixture!("show-failed"), R::Failed, BootState::Fixed("static"), M::Unmasked, Some("exit-code")),
        ("slow", fixture!("show-failed-timeout"), R::Failed, BootState::Fixed("static"), M::Unmasked, Some("timeout")),
        ("vend", fixture!("show-masked"), R::Stopped, BootState::Disabled, M::Masked, None),
        (
            "broken",
            fixture!("show-bad-setting"),
            R::Stopped,
            BootState::Fixed("static"),
            M::Unmasked,
            Some("bad-setting"),
        ),
    ];
    for (name, output, run, boot, mask, detail) in cases {
        // The recording of a running unit did not ask for `Id`.
        let OpOutput::Ran(mut seen) = output else { panic!() };
        if !seen.out().contains("\nId=") {
            seen.stdout.extend_from_slice(format!("Id={name}.service\n").as_bytes());
        }
        let seen = found(&want(name), OpOutput::Ran(seen));
        assert_eq!((seen.run, seen.boot, seen.mask), (Some(run), boot, mask), "{name}");
        assert_eq!(seen.detail.as_deref(), detail, "{name}");
    }
}

#[test]
fn all_services_cost_one_show() {
    let wants = [want("food"), want("nosuch"), want("vend"), want("food.service")];
    let refs: Vec<&Want> = wants.iter().collect();
    let ops = Systemd.probe_all(&refs, &facts());
    assert_eq!(
        ops.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [format!("systemctl show -p {KEYS} -- food.service nosuch.service vend.service")]
    );
    let mut outputs = Outputs::default();
    outputs.push(ops[0].clone(), Arc::new(fixture!("show-batch-of-three")));
    for name in ["food", "vend", "food.service"] {
        let seen = Systemd.interpret(&want(name), &outputs, &facts());
        assert!(matches!(&seen, Interpreted::Known(State::Found(s)) if *s.native == *unit_name(name)), "{seen:?}");
    }
    assert!(matches!(Systemd.interpret(&want("nosuch"), &outputs, &facts()), Interpreted::Ask(_)));
    // A batch that did not ask for a unit says nothing of it.
    let Interpreted::Ask(ops) = Systemd.interpret(&want("other"), &outputs, &facts()) else { panic!() };
    assert!(ops[0].to_string().ends_with("-- other.service"));
}

#[test]
fn many_services_are_asked_for_in_bounded_calls() {
    let wants: Vec<Want> = (0..1200).map(|i| want(&format!("s{i}"))).collect();
    assert_eq!(Systemd.probe_all(&wants.iter().collect::<Vec<_>>(), &facts()).len(), 3);
}

#[test]
fn an_answer_that_moved_is_found_by_its_name() {
    let wants = [want("aa"), want("food"), want("vend")];
    let ops = Systemd.probe_all(&wants.iter().collect::<Vec<_>>(), &facts());
    let mut outputs = Outputs::default();
    outputs.push(
        ops[0].clone(),
        Arc::new(ran("Id=food.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\n", "", 0)),
    );
    assert!(matches!(Systemd.interpret(&want("food"), &outputs, &facts()), Interpreted::Known(_)));
    assert!(matches!(Systemd.interpret(&want("vend"), &outputs, &facts()), Interpreted::Unknown(_)));
}

#[test]
fn a_missing_unit_is_missing_although_show_exits_0() {
    assert!(matches!(observe(&want("nosuch"), fixture!("show-missing")), Interpreted::Known(State::Missing)));
}

#[test]
fn a_unit_whose_file_was_just_written_is_there() {
    let show = ran("Id=app.service\nLoadState=not-found\nActiveState=inactive\nUnitFileState=\n", "", 0);
    let unit = "[Service]\nExecStart=/x\n[Install]\nWantedBy=multi-user.target\n";
    let cases = [
        ("not enabled", unit, OpOutput::Missing, BootState::Disabled, M::Unmasked),
        ("enabled", unit, link(), BootState::Enabled, M::Unmasked),
        ("static", "[Service]\n", OpOutput::Missing, BootState::Fixed("static"), M::Unmasked),
        ("an empty file masks", "", OpOutput::Missing, BootState::Disabled, M::Masked),
    ];
    for (name, text, link, boot, mask) in cases {
        let want = want("app");
        let mut outputs = Outputs::default();
        outputs.push(Systemd.probe(&want, &facts()).remove(0), Arc::new(show.clone()));
        let Interpreted::Ask(ops) = Systemd.interpret(&want, &outputs, &facts()) else { panic!("{name}") };
        assert_eq!(ops[0].to_string(), "read /etc/systemd/system/app.service");
        for (i, op) in ops.into_iter().enumerate() {
            outputs.push(op, Arc::new(if i == 0 { OpOutput::file(text) } else { OpOutput::Missing }));
        }
        let mut seen = Systemd.interpret(&want, &outputs, &facts());
        if let Interpreted::Ask(ops) = seen {
            assert_eq!(ops[0].to_string(), "stat /etc/systemd/system/multi-user.target.wants/app.service");
            outputs.push(ops[0].clone(), Arc::new(link));
            seen = Systemd.interpret(&want, &outputs, &facts());
        }
        let Interpreted::Known(State::Found(seen)) = seen else { panic!("{name}: {seen:?}") };
        assert_eq!((seen.run, seen.boot, seen.mask), (Some(R::Stopped), boot, mask), "{name}");
        let calls = lowered(&want, seen, &[Action::Start]);
        assert_eq!(calls, ["systemctl daemon-reload", "systemctl start -- app.service"], "{name}");
        let planning = HostFacts { planning: true, ..facts() };
        let Interpreted::Known(State::Found(seen)) = Systemd.interpret(&want, &outputs, &planning) else { panic!() };
        assert!(!seen.stale, "{name}: in a plan who writes it has it loaded");
    }
}

#[test]
fn an_instance_is_looked_for_as_its_template() {
    let show = ran("Id=x@1.service\nLoadState=not-found\nActiveState=inactive\n", "", 0);
    let mut outputs = Outputs::default();
    outputs.push(Systemd.probe(&want("x@1"), &facts()).remove(0), Arc::new(show));
    let Interpreted::Ask(ops) = Systemd.interpret(&want("x@1"), &outputs, &facts()) else { panic!() };
    assert!(ops.iter().any(|op| op.to_string() == "read /etc/systemd/system/x@.service"), "{ops:?}");
    assert!(Systemd.check(&want("x@"), &facts()).is_err(), "a template cannot be started");
    assert!(Systemd.check(&want("x@1"), &facts()).is_ok());
}

#[test]
fn every_unit_file_state_has_a_meaning_and_an_unknown_word_is_unknown() {
    let cases = [
        ("enabled", BootState::Enabled, M::Unmasked),
        ("disabled", BootState::Disabled, M::Unmasked),
        ("enabled-runtime", BootState::Disabled, M::Unmasked),
        ("linked", BootState::Disabled, M::Unmasked),
        ("linked-runtime", BootState::Disabled, M::Unmasked),
        ("static", BootState::Fixed("static"), M::Unmasked),
        ("indirect", BootState::Fixed("indirect"), M::Unmasked),
        ("alias", BootState::Fixed("an alias"), M::Unmasked),
        ("transient", BootState::Fixed("transient"), M::Unmasked),
        ("", BootState::Fixed("without a unit file"), M::Unmasked),
        ("masked", BootState::Disabled, M::Masked),
        ("masked-runtime", BootState::Disabled, M::Runtime),
    ];
    let show = |word: &str| {
        let load = if word.starts_with("masked") { "masked" } else { "loaded" };
        ran(&format!("Id=a.service\nLoadState={load}\nActiveState=active\nUnitFileState={word}\n"), "", 0)
    };
    for (word, boot, mask) in cases {
        let seen = found(&want("a"), show(word));
        assert_eq!((seen.boot, seen.mask), (boot, mask), "{word:?}");
    }
    for word in ["bad", "enabled-soon"] {
        assert!(matches!(observe(&want("a"), show(word)), Interpreted::Unknown(_)), "{word:?}");
    }
}

#[test]
fn an_alias_is_enabled_by_its_units_own_name() {
    let seen = found(&want("vendalias"), fixture!("show-alias"));
    assert_eq!(&*seen.native, "vend.service");
    assert_eq!(lowered(&want("vendalias"), seen, &[Action::Enable]), ["systemctl enable -- vend.service"]);
}

#[test]
fn an_empty_unit_file_masks_as_well() {
    let show = ran("Id=a.service\nLoadState=masked\nActiveState=inactive\nUnitFileState=disabled\n", "", 0);
    assert_eq!(found(&want("a"), show).mask, M::Masked);
}

#[test]
fn both_masks_go_on_unmask() {
    let want = Want { mask: Some(Mask::Unmasked), ..want("vend") };
    assert_eq!(
        lowered(&want, Observed::new("vend.service"), &[Action::Unmask, Action::Enable, Action::Start]),
        [
            "systemctl unmask -- vend.service",
            "systemctl unmask --runtime -- vend.service",
            "systemctl enable -- vend.service",
            "systemctl start -- vend.service"
        ]
    );
}

#[test]
fn a_changed_unit_file_is_loaded_before_anything_is_done() {
    let output = ran(
        "Id=food.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\nNeedDaemonReload=yes\n",
        "",
        0,
    );
    let seen = found(&want("food"), output);
    assert!(seen.stale);
    assert_eq!(
        lowered(&want("food"), seen, &[Action::Restart]),
        ["systemctl daemon-reload", "systemctl restart -- food.service"]
    );
    let OpOutput::Ran(recorded) = fixture!("show-need-daemon-reload") else { panic!() };
    assert_eq!(Block::parse(&recorded.out()).need_daemon_reload, "yes");
}

#[test]
fn a_unit_that_failed_is_reset_before_it_is_started() {
    let seen = found(&want("badd"), fixture!("show-failed"));
    assert_eq!(
        lowered(&want("badd"), seen, &[Action::Start]),
        ["systemctl reset-failed -- badd.service", "systemctl start -- badd.service"]
    );
}

#[test]
fn every_action_has_its_verb() {
    let cases = [
        (Action::Stop, "systemctl stop -- food.service"),
        (Action::Restart, "systemctl restart -- food.service"),
        (Action::Reload, "systemctl reload-or-restart -- food.service"),
        (Action::Disable, "systemctl disable -- food.service"),
        (Action::Mask, "systemctl mask -- food.service"),
    ];
    for (action, call) in cases {
        assert_eq!(lowered(&want("food"), Observed::new("food.service"), &[action]), [call]);
    }
    let own = Want { restart_command: Some(Text::plain("x --now")), ..want("food") };
    assert_eq!(lowered(&own, Observed::new("food.service"), &[Action::Restart]), ["/bin/sh -c 'x --now'"]);
}

#[test]
fn a_unit_of_the_administrators_own_is_not_masked() {
    let OpOutput::Ran(recorded) = fixture!("mask-refused-unit-in-etc") else { panic!() };
    assert_eq!(recorded.code(), Some(1), "systemctl refuses it");
    let seen = Observed { file: Some(local_folder().join("food.service")), ..Observed::new("food.service") };
    let problem = Systemd.lower(&want("food"), &State::Found(seen), &[Action::Mask], &facts()).unwrap_err();
    assert_eq!(problem.message, "`food.service` is defined by `/etc/systemd/system/food.service` and cannot be masked");
    let vendor = Observed {
        file: Some(AbsPath::known("/usr/lib/systemd/system/food.service")),
        ..Observed::new("food.service")
    };
    assert_eq!(lowered(&want("food"), vendor, &[Action::Mask]), ["systemctl mask -- food.service"]);
}

#[test]
fn our_own_unit_is_not_waited_for() {
    let calls = lowered(&want("vigo-envoy"), Observed::new("vigo-envoy.service"), &[Action::Restart]);
    assert_eq!(calls, ["systemctl restart --no-block -- vigo-envoy.service"]);
}

#[test]
fn a_failed_read_is_unknown() {
    let failed = OpOutput::Failed(OpFailure { kind: FailureKind::TimedOut, message: "timed out".into() });
    let cases = [
        ("a bus error", ran("", "Failed to connect to bus: Connection refused\n", 1)),
        ("no answer", ran("", "", 0)),
        ("an operation that failed", failed),
        ("not UTF-8", ran_bytes(b"Id=food.service\nLoadState=\xff\n")),
        ("cut", ran("Id=food.service\nLoadState=loaded\nActiveSt", "", 0)),
    ];
    for (name, output) in cases {
        assert!(matches!(observe(&want("food"), output), Interpreted::Unknown(_)), "{name}");
    }
}

fn ran_bytes(stdout: &[u8]) -> OpOutput {
    let OpOutput::Ran(mut ran) = ran("", "", 0) else { panic!() };
    ran.stdout = stdout.to_vec();
    OpOutput::Ran(ran)
}

#[test]
fn a_unit_made_of_a_sysv_script_is_enabled_by_its_links() {
    let show = ran("Id=old.service\nLoadState=loaded\nActiveState=active\nUnitFileState=generated\n", "", 0);
    for (word, boot) in [
        ("enabled", BootState::Enabled),
        ("disabled", BootState::Disabled),
        ("generated", BootState::Fixed("generated")),
    ] {
        let mut outputs = Outputs::default();
        outputs.push(Systemd.probe(&want("old"), &facts()).remove(0), Arc::new(show.clone()));
        let Interpreted::Ask(ops) = Systemd.interpret(&want("old"), &outputs, &facts()) else { panic!() };
        assert_eq!(ops[0].to_string(), "systemctl is-enabled -- old.service");
        outputs.push(ops[0].clone(), Arc::new(ran(word, "", 0)));
        let Interpreted::Known(State::Found(seen)) = Systemd.interpret(&want("old"), &outputs, &facts()) else {
            panic!()
        };
        assert_eq!(seen.boot, boot, "{word}");
    }
}

#[test]
fn a_user_manager_is_reached_as_the_user() {
    let want = Want { scope: Scope::User("alice".into()), ..want("sync") };
    let mut outputs = Outputs::default();
    let probe = Systemd.probe(&want, &facts());
    assert_eq!(probe.len(), 1, "{probe:?}");
    outputs.push(probe[0].clone(), Arc::new(OpOutput::file("alice:x:1000:1000::/home/alice:/bin/sh\n")));
    let Interpreted::Ask(ops) = Systemd.interpret(&want, &outputs, &facts()) else { panic!() };
    let Op::Run(c) = &ops[0] else { panic!() };
    assert_eq!(c.user.as_deref(), Some("alice"));
    assert_eq!(c.env, [("XDG_RUNTIME_DIR".into(), Text::plain("/run/user/1000"))]);
    assert!(ops[0].to_string().contains("systemctl --user show"), "{}", ops[0]);
    outputs.push(
        ops[0].clone(),
        Arc::new(ran("Id=sync.service\nLoadState=loaded\nActiveState=inactive\nUnitFileState=disabled\n", "", 0)),
    );
    let Interpreted::Known(State::Found(seen)) = Systemd.interpret(&want, &outputs, &facts()) else { panic!() };
    let calls = lowered(&want, seen, &[Action::Enable, Action::Start]);
    assert_eq!(
        calls,
        ["as alice: systemctl --user enable -- sync.service", "as alice: systemctl --user start -- sync.service"]
    );
    let mut missing = Outputs::default();
    missing.push(probe[0].clone(), Arc::new(OpOutput::file("root:x:0:0::/root:/bin/sh\n")));
    assert!(matches!(Systemd.interpret(&want, &missing, &facts()), Interpreted::Unknown(_)));
}

#[test]
fn in_an_image_services_are_enabled_only() {
    let facts = HostFacts {
        image: Some(AbsPath::known("/mnt/img")),
        programs: [Arc::from("systemctl")].into(),
        ..HostFacts::default()
    };
    let want = want("food");
    assert!(Systemd.check(&want, &facts).is_ok());
    assert!(Systemd.check(&want, &HostFacts { programs: Default::default(), ..facts.clone() }).is_err());
    let ops = Systemd.probe(&want, &facts);
    assert_eq!(ops[0].to_string(), "systemctl --root=/mnt/img is-enabled -- food.service");
    let cases = [
        (fixture!("is-enabled-enabled"), BootState::Enabled, M::Unmasked),
        (fixture!("is-enabled-disabled"), BootState::Disabled, M::Unmasked),
        (fixture!("is-enabled-enabled-runtime"), BootState::Disabled, M::Unmasked),
        (fixture!("is-enabled-indirect"), BootState::Fixed("indirect"), M::Unmasked),
        (fixture!("is-enabled-static"), BootState::Fixed("static"), M::Unmasked),
        (fixture!("is-enabled-alias"), BootState::Fixed("an alias"), M::Unmasked),
        (fixture!("is-enabled-masked"), BootState::Disabled, M::Masked),
        (fixture!("is-enabled-masked-runtime"), BootState::Disabled, M::Runtime),
    ];
    for (output, boot, mask) in cases {
        let mut outputs = Outputs::default();
        outputs.push(ops[0].clone(), Arc::new(output));
        let seen = Systemd.interpret(&want, &outputs, &facts);
        let Interpreted::Known(State::Found(seen)) = seen else { panic!("{seen:?}") };
        assert_eq!((seen.run, seen.boot, seen.mask), (None, boot, mask));
    }
    let mut outputs = Outputs::default();
    outputs.push(ops[0].clone(), Arc::new(fixture!("is-enabled-missing")));
    assert!(matches!(Systemd.interpret(&want, &outputs, &facts), Interpreted::Ask(_)));
    let calls = Systemd.lower(&want, &State::Found(Observed::new("food.service")), &[Action::Enable], &facts).unwrap();
    assert_eq!(calls[0].to_string(), "systemctl --root=/mnt/img enable -- food.service");
    assert!(Systemd.diagnose(&want, &facts).is_empty());
}

#[test]
fn the_last_log_lines_explain_a_failed_start() {
    assert_eq!(Systemd.diagnose(&want("food"), &facts())[0].to_string(), "journalctl -u food.service -n 20 --no-pager");
}

#[test]
fn attributes_of_other_systems_are_unsupported() {
    let cases = [
        Want { flags: Some("-v".into()), ..want("food") },
        Want { start_type: Some(vigo_core::resource::service::StartType::Auto), ..want("food") },
        Want { runlevel: Some("boot".into()), ..want("food") },
    ];
    for want in cases {
        let problem = Systemd.check(&want, &facts()).unwrap_err();
        assert_eq!(problem.kind, vigo_core::host::ProblemKind::Unsupported, "{problem}");
    }
    assert!(Systemd.check(&want("../x"), &facts()).is_err());
}
