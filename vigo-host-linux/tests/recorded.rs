//! What the tools really answered to calls such as ours: which exits count as done, which say what is in the way, and
//! which leave it at the exit code.

use std::path::Path;
use std::sync::Arc;
use vigo_core::action::{Op, Ran};
use vigo_core::host::{Adapter, Family, Host, HostFacts, Init};
use vigo_core::resource::package::{self, Ensure, Hold, Version};
use vigo_core::resource::service::{self, Goal, Observed};
use vigo_host_linux::Linux;

/// Returns the recorded call and its answer.
fn recording(case: &str) -> (String, Ran) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(case);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{case}: {e}"));
    let (call, ran) = Ran::from_recording(&text).expect("a recording");
    (call.to_string(), ran)
}

/// What tells calls of one program apart.
const VERBS: &str = "install remove purge upgrade update hold unhold addlock removelock refresh enable disable mask \
    unmask start stop restart add del -S -R -Sy -Su";

/// Says what the recorded answer means for the first of `ops` that is a call of the same kind.
fn meaning<F: Family>(adapter: &dyn Adapter<F>, want: &F::Want, ops: &[Op], case: &str) -> String {
    let (call, ran) = recording(case);
    let program = call.split_whitespace().next();
    let verb = call
        .split_whitespace()
        .find(|word| VERBS.split(' ').any(|v| v == *word))
        .unwrap_or_else(|| panic!("{case}: {call}"));
    let ours = |op: &&Op| match op {
        Op::Run(c) => c.program.rsplit('/').next() == program && c.args.iter().any(|a| a.as_str() == verb),
        _ => false,
    };
    let op = ops.iter().find(ours);
    let Some(op @ Op::Run(command)) = op else { panic!("{case}: `{call}` is no call of ours: {ops:?}") };
    match ran.code() {
        Some(code) if command.accept.contains(&code) => "done".into(),
        _ => match adapter.classify(want, op, &ran) {
            Some(problem) => format!("{:?}: {}", problem.kind, problem.message).to_lowercase(),
            None => ran.exit.to_string(),
        },
    }
}

#[test]
fn what_package_managers_answered() {
    use package::Action::{Hold as Keep, Install, RefreshIndex, Release, Remove, Upgrade, UpgradeAll};
    let food: Vec<Arc<str>> = vec!["food".into()];
    let cases = [
        ("apt/2.6.1/install-version.txt", Install(food.clone()), "done"),
        ("apt/2.6.1/install-again.txt", Install(food.clone()), "done"),
        ("apt/2.6.1/upgrade-one.txt", Upgrade(food.clone()), "done"),
        ("apt/2.6.1/remove.txt", Remove(food.clone()), "done"),
        ("apt/2.6.1/remove-again.txt", Remove(food.clone()), "done"),
        ("apt/2.6.1/hold.txt", Keep(food.clone()), "done"),
        ("apt/2.6.1/hold-again.txt", Keep(food.clone()), "done"),
        ("apt/2.6.1/unhold.txt", Release(food.clone()), "done"),
        ("dnf/4.14.0/install-version.txt", Install(food.clone()), "done"),
        ("dnf/4.14.0/install-again.txt", Install(food.clone()), "done"),
        ("dnf/4.14.0/remove.txt", Remove(food.clone()), "done"),
        // Exit 0 for what was not there: the database is asked afterwards, whatever was said.
        ("dnf/4.14.0/remove-missing.txt", Remove(food.clone()), "done"),
        ("zypper/1.14.42/install-version.txt", Install(food.clone()), "done"),
        ("zypper/1.14.42/install-again.txt", Install(food.clone()), "done"),
        ("zypper/1.14.42/remove-missing.txt", Remove(food.clone()), "failed: no provider of 'food' found"),
        ("zypper/1.14.42/addlock.txt", Keep(food.clone()), "done"),
        ("zypper/1.14.42/removelock.txt", Release(food.clone()), "done"),
        ("zypper/1.14.42/refresh.txt", RefreshIndex, "done"),
        ("pacman/6.0.2/install.txt", Install(food.clone()), "done"),
        ("pacman/6.0.2/install-needed-again.txt", Install(food.clone()), "done"),
        ("pacman/6.0.2/remove.txt", Remove(food.clone()), "done"),
        ("pacman/6.0.2/remove-missing.txt", Remove(food.clone()), "failed: target not found: food"),
        ("pacman/6.0.2/sync-refresh.txt", RefreshIndex, "done"),
        ("pacman/6.0.2/sync-refresh-changed.txt", RefreshIndex, "done"),
        ("pacman/6.0.2/upgrade-all.txt", UpgradeAll, "done"),
    ];
    let want = |ensure| package::Want {
        names: food.clone(),
        everything: false,
        ensure,
        version: Some(Version::new("1.0")),
        allow_downgrade: false,
        purge: false,
        refresh_after: None,
        hold: Hold::AsIs,
        cleanup: false,
        flags: Vec::new(),
    };
    let means = |want: &package::Want, case: &str, action: package::Action| {
        let manager = case.split('/').next();
        let adapter = Linux.package(&HostFacts::default(), manager).expect("a manager");
        let ops = adapter.lower(want, &package::State::default(), &[action], &HostFacts::default()).expect("calls");
        meaning(adapter, want, &ops, case)
    };
    for (case, action, expected) in cases {
        assert_eq!(means(&want(Ensure::Present), case, action), expected, "{case}");
    }
    let latest = package::Want { version: None, ..want(Ensure::Latest) };
    for case in ["dnf/4.14.0/upgrade.txt", "zypper/1.14.42/update.txt"] {
        assert_eq!(means(&latest, case, Upgrade(food.clone())), "done", "{case}");
    }
    let purge = package::Want { purge: true, version: None, ..want(Ensure::Absent) };
    assert_eq!(means(&purge, "apt/2.6.1/purge.txt", Remove(food.clone())), "done");
}

#[test]
fn what_service_managers_answered() {
    use service::Action::{Disable, Enable, Mask, Reload, Restart, Start, Stop, Unmask};
    let cases = [
        // Nothing is read out of what `enable` prints: it exits 0 also when there was nothing to do.
        ("systemctl/252/enable-already-enabled.txt", Enable, "done"),
        ("systemctl/252/enable-with-alias.txt", Enable, "done"),
        ("systemctl/252/enable-static.txt", Enable, "done"),
        ("systemctl/252/enable-template-instance.txt", Enable, "done"),
        ("systemctl/252/enable-template-without-instance.txt", Enable, "exit 1"),
        ("systemctl/252/enable-masked.txt", Enable, "exit 1"),
        ("systemctl/252/enable-missing.txt", Enable, "exit 1"),
        ("systemctl/252/disable-with-alias.txt", Disable, "done"),
        ("systemctl/252/mask-vendor-unit.txt", Mask, "done"),
        ("systemctl/252/unmask-vendor-unit.txt", Unmask, "done"),
        ("systemctl/252/unmask-runtime.txt", Unmask, "done"),
        ("systemctl/252/unmask-not-masked.txt", Unmask, "done"),
        // It failed a moment later: only looking again finds that.
        ("systemctl/252/start-simple-unit-that-fails-later.txt", Start, "done"),
        ("systemctl/252/start-with-changed-unit-file.txt", Start, "done"),
        ("systemctl/252/start-bad-setting.txt", Start, "exit 1"),
        ("systemctl/252/start-masked.txt", Start, "exit 1"),
        ("systemctl/252/start-missing.txt", Start, "exit 5"),
        ("systemctl/252/start-oneshot-fails.txt", Start, "exit 1"),
        ("systemctl/252/start-times-out.txt", Start, "exit 1"),
        ("systemctl/252/stop-missing.txt", Stop, "exit 5"),
        ("openrc/0.45.2/native-start.txt", Start, "done"),
        ("openrc/0.45.2/native-start-already-running.txt", Start, "done"),
        ("openrc/0.45.2/rc-service-cron-start.txt", Start, "done"),
        ("openrc/0.45.2/rc-service-missing-start.txt", Start, "exit 1"),
        ("openrc/0.45.2/native-stop.txt", Stop, "done"),
        ("openrc/0.45.2/native-stop-already-stopped.txt", Stop, "done"),
        ("openrc/0.45.2/rc-service-cron-stop-already-stopped.txt", Stop, "done"),
        ("openrc/0.45.2/native-restart.txt", Restart, "done"),
        ("openrc/0.45.2/rc-update-add.txt", Enable, "done"),
        ("openrc/0.45.2/rc-update-add-present.txt", Enable, "done"),
        ("openrc/0.45.2/rc-update-add-missing.txt", Enable, "exit 1"),
        ("openrc/0.45.2/rc-update-add-bad-runlevel.txt", Enable, "exit 1"),
        ("openrc/0.45.2/rc-update-del.txt", Disable, "done"),
        ("sysvinit/3.06/service-cron-start.txt", Start, "done"),
        ("sysvinit/3.06/service-cron-start-already-running.txt", Start, "done"),
        ("sysvinit/3.06/service-missing-start.txt", Start, "exit 1"),
        ("sysvinit/3.06/service-cron-stop.txt", Stop, "done"),
        ("sysvinit/3.06/service-cron-stop-already-stopped.txt", Stop, "done"),
        ("sysvinit/3.06/service-cron-restart.txt", Restart, "done"),
        ("sysvinit/3.06/update-rc.d-enable.txt", Enable, "done"),
        ("sysvinit/3.06/update-rc.d-enable-again.txt", Enable, "done"),
        ("sysvinit/3.06/update-rc.d-missing.txt", Enable, "exit 1"),
        ("sysvinit/3.06/update-rc.d-disable.txt", Disable, "done"),
        ("sysvinit/3.06/update-rc.d-disable-again.txt", Disable, "done"),
    ];
    let lowered = |case: &str, action| {
        let init = match case.split('/').next() {
            Some("systemctl") => Init::Systemd,
            Some("openrc") => Init::OpenRc,
            _ => Init::SysV,
        };
        let facts = HostFacts { init, programs: [Arc::from("update-rc.d")].into(), ..HostFacts::default() };
        let adapter = Linux.service(&facts).expect("a service manager");
        let want = service::Want::new("food", Goal::Running);
        let state = service::State::Found(Observed::new("food"));
        let ops = adapter.lower(&want, &state, &[action], &facts).expect("calls");
        (adapter, want, ops)
    };
    for (case, action, expected) in cases {
        let (adapter, want, ops) = lowered(case, action);
        // `rc-update --all del` is `rc-update del` in all runlevels.
        assert_eq!(meaning(adapter, &want, &ops, case), expected, "{case}");
    }
    // `reload` of what cannot reload is refused, which is why it is never called.
    let (call, refused) = recording("systemctl/252/reload-not-supported.txt");
    assert_eq!((&*call, refused.code()), ("systemctl reload food", Some(3)));
    let (_, _, ops) = lowered("systemctl", Reload);
    assert_eq!(
        ops.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["systemctl reload-or-restart -- food.service"]
    );
}
