//! The managers beside apt, on recorded output.

use super::apk::Apk;
use super::dnf::Dnf;
use super::pacman::Pacman;
use super::rpm;
use super::zypper::Zypper;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use proptest::prelude::*;
use vigo_core::action::{AbsPath, Effect, Exit, Op, OpOutput, Outputs, Ran};
use vigo_core::host::{Adapter, Family, HostFacts, Interpreted, Phase, ProblemKind};
use vigo_core::resource::package::{By, Ensure, Hold, Package, State, Tool, Version, Want};
use vigo_core::time::Duration;

fn recorded(text: &str) -> Ran {
    Ran::from_recording(text).unwrap().1
}

fn ran(code: i32, out: &str) -> Ran {
    Ran { exit: Exit::Code(code), stdout: out.into(), stderr: Vec::new(), truncated: false }
}

fn want(ensure: Ensure) -> Want {
    Want {
        names: alloc::vec!["food".into()],
        everything: false,
        ensure,
        version: None,
        allow_downgrade: false,
        purge: false,
        refresh_after: None,
        hold: Hold::AsIs,
        cleanup: false,
        flags: Vec::new(),
    }
}

fn version(text: &str) -> Want {
    Want { version: Some(Version::new(text)), ..want(Ensure::Present) }
}

/// Observes, asking `answer` by the command line, and returns what would be called.
fn calls<T: Tool>(
    tool: T,
    want: &Want,
    facts: &HostFacts,
    answer: impl Fn(&str) -> Ran,
) -> Result<Vec<String>, String> {
    let by = By(tool);
    let mut outputs = Outputs::default();
    let mut ops = by.probe(want, facts);
    let state: State = loop {
        for op in ops {
            assert_eq!(op.effect(), Effect::Reads, "{op}");
            let output = match &op {
                Op::Run(_) => OpOutput::Ran(answer(&op.to_string())),
                _ => OpOutput::Missing,
            };
            outputs.push(op, Arc::new(output));
        }
        match by.interpret(want, &outputs, facts) {
            Interpreted::Known(state) => break state,
            Interpreted::Ask(more) => ops = more,
            Interpreted::Unknown(why) => return Err(why),
        }
    };
    let c = Package::compare(want, &state, Phase::Before);
    if let Some(problem) = c.failure {
        return Err(problem.message);
    }
    let ops = by.lower(want, &state, &c.actions, facts).unwrap();
    Ok(ops.iter().map(ToString::to_string).collect())
}

const RPM_THERE: &str = include_str!("../../tests/fixtures/rpm/4.18.0/q-format.txt");
const RPM_GONE: &str = include_str!("../../tests/fixtures/rpm/4.18.0/q-missing.txt");

#[test]
fn rpm_names_versions_and_what_is_missing() {
    let ran_there = recorded(RPM_THERE);
    let food = rpm::installed(&ran_there, &"food".into()).unwrap();
    assert_eq!(food.installed.as_deref(), Some("1.0-1"));
    let spellings: Vec<&str> = food.spellings.iter().map(|s| &**s).collect();
    assert_eq!(spellings, ["1.0-1", "1.0", "0:1.0-1", "0:1.0"]);
    assert_eq!(rpm::installed(&ran_there, &"food.noarch".into()).unwrap().installed, food.installed);
    assert_eq!(rpm::installed(&ran_there, &"nosuch".into()).unwrap().installed, None);
    assert!(rpm::installed(&ran_there, &"foo".into()).is_err(), "what nobody spoke of is unknown");
    let kernels = ran(0, "kernel 0 5.9 1 x86_64\nkernel 0 5.10 1 x86_64\n");
    assert_eq!(rpm::installed(&kernels, &"kernel".into()).unwrap().installed.as_deref(), Some("5.10-1"));
    let epoch = ran(0, "a 2 1 3 x86_64\n");
    assert_eq!(rpm::installed(&epoch, &"a".into()).unwrap().installed.as_deref(), Some("2:1-3"));
    let broken = Ran { stderr: b"error: rpmdb open failed\n".to_vec(), ..ran(1, "") };
    assert_eq!(rpm::installed(&broken, &"a".into()), Err("`rpm -q a`: error: rpmdb open failed".to_string()));
}

#[test]
fn dnf_is_called_for_what_is_wanted() {
    let newer = include_str!("../../tests/fixtures/dnf/4.14.0/check-update-available.txt");
    let none = include_str!("../../tests/fixtures/dnf/4.14.0/check-update-none.txt");
    let offer = include_str!("../../tests/fixtures/dnf/4.14.0/repoquery.txt");
    let image = HostFacts { image: Some(AbsPath::known("/img")), ..HostFacts::default() };
    let here = HostFacts::default();
    let held = Want { hold: Hold::Held, ..version("1.0") };
    let refreshed = Want { refresh_after: Some(Duration::from_secs(60)), ..want(Ensure::Present) };
    let down = Want { allow_downgrade: true, ..version("0.9") };
    type Case<'a> = (&'a str, &'a Want, &'a HostFacts, &'a str, &'a str, &'a [&'a str]);
    let cases: [Case<'_>; 11] = [
        ("missing", &want(Ensure::Present), &here, RPM_GONE, none, &["/usr/bin/dnf -q -y install food"]),
        ("there", &want(Ensure::Present), &here, RPM_THERE, none, &[]),
        ("absent", &want(Ensure::Absent), &here, RPM_THERE, none, &["/usr/bin/dnf -q -y remove food"]),
        ("latest", &want(Ensure::Latest), &here, RPM_THERE, newer, &["/usr/bin/dnf -q -y upgrade food"]),
        ("is latest", &want(Ensure::Latest), &here, RPM_THERE, none, &[]),
        ("version", &version("1.0"), &here, RPM_THERE, none, &[]),
        ("newer", &version("1.1"), &here, RPM_THERE, none, &["/usr/bin/dnf -q -y install food-1.1"]),
        ("prefix", &version("1.1*"), &here, RPM_THERE, none, &["/usr/bin/dnf -q -y install 'food-1.1*'"]),
        ("older", &down, &here, RPM_THERE, none, &["/usr/bin/dnf -q -y downgrade food-0.9"]),
        ("held", &held, &here, RPM_THERE, none, &["/usr/bin/dnf -q -y versionlock add food"]),
        (
            "image",
            &refreshed,
            &image,
            RPM_GONE,
            none,
            &[
                "/usr/bin/dnf -q -y --installroot=/img makecache",
                "write /var/cache/dnf/vigo-refreshed",
                "/usr/bin/dnf -q -y --installroot=/img install food",
            ],
        ),
    ];
    for (name, want, facts, rpm, updates, expected) in cases {
        let seen = calls(Dnf::<false>, want, facts, |line| match line {
            l if l.starts_with("/usr/bin/rpm") => recorded(rpm),
            l if l.contains("check-update") => recorded(updates),
            l if l.contains("repoquery") => recorded(offer),
            _ => ran(0, "bar-0:1.0-1.*\nfoodie-0:1.0-1.*\n"),
        })
        .unwrap();
        assert_eq!(seen.len(), expected.len(), "{name}: {seen:?}");
        for (seen, expected) in seen.iter().zip(expected) {
            assert!(seen.starts_with(expected), "{name}: {seen}");
        }
    }
    let locked = |line: &str| match line {
        l if l.starts_with("/usr/bin/rpm") => recorded(RPM_THERE),
        _ => ran(0, "food-0:1.0-1.*\n"),
    };
    assert_eq!(calls(Dnf::<false>, &held, &here, locked), Ok(Vec::new()));
}

#[test]
fn check_update_is_cut_where_it_speaks_of_something_else() {
    let out = "\nSecurity: kernel-5 is an installed security update\nfood.noarch    1.1-1    local\n\
        a-very-long-name-of-a-package.x86_64\n               2:3.4-1      updates\nObsoleting Packages\nnew.noarch  1-1  local\n";
    let upgrades = Dnf::<true>.upgrades(&ran(100, out)).unwrap();
    let seen: Vec<String> = upgrades.iter().map(|u| format!("{} {}", u.name, u.to)).collect();
    assert_eq!(seen, ["food 1.1-1", "a-very-long-name-of-a-package 2:3.4-1"]);
    assert!(Dnf::<false>.upgrades(&ran(1, "")).is_err());
}

#[test]
fn zypper_is_called_for_what_is_wanted() {
    let newer = include_str!("../../tests/fixtures/zypper/1.14.42/xml-list-updates.txt");
    let locks = include_str!("../../tests/fixtures/zypper/1.14.42/locks.txt");
    let found = "<search-result><solvable-list>\n<solvable status=\"installed\" name=\"food\" kind=\"package\" \
        edition=\"1.0-1\" arch=\"noarch\"/>\n<solvable name=\"food\" edition=\"1.1-1\"/><solvable name=\"foo\" edition=\"1.9\"/>";
    let zypper = "/usr/bin/zypper --non-interactive";
    let install = format!("{zypper} install --auto-agree-with-licenses");
    let free = Want { hold: Hold::Free, ..want(Ensure::Present) };
    let down = Want { allow_downgrade: true, ..version("0.9") };
    let cases = [
        ("missing", want(Ensure::Present), RPM_GONE, alloc::vec![format!("{install} food")]),
        (
            "latest",
            want(Ensure::Latest),
            RPM_THERE,
            alloc::vec![format!("{zypper} update --auto-agree-with-licenses food")],
        ),
        ("version", version("1.1"), RPM_THERE, alloc::vec![format!("{install} food=1.1")]),
        ("prefix", version("1.1*"), RPM_THERE, alloc::vec![format!("{install} food=1.1-1")]),
        ("older", down, RPM_THERE, alloc::vec![format!("{install} --oldpackage food=0.9")]),
        ("absent", want(Ensure::Absent), RPM_THERE, alloc::vec![format!("{zypper} remove food")]),
        ("locked", free, RPM_THERE, alloc::vec![format!("{zypper} removelock food")]),
    ];
    for (name, want, rpm, expected) in cases {
        let seen = calls(Zypper, &want, &HostFacts::default(), |line| match line {
            l if l.starts_with("/usr/bin/rpm") => recorded(rpm),
            l if l.contains("list-updates") => recorded(newer),
            l if l.contains("search") => ran(0, found),
            _ if want.hold == Hold::Free => recorded(locks),
            _ => ran(0, "\nThere are no package locks defined.\n"),
        });
        assert_eq!(seen, Ok(expected), "{name}");
    }
}

#[test]
fn a_lock_of_zypper_is_released_for_a_removal_or_another_version_and_set_again() {
    let locks = include_str!("../../tests/fixtures/zypper/1.14.42/locks.txt");
    let zypper = |words: &str| format!("/usr/bin/zypper --non-interactive {words}");
    let other = "install --auto-agree-with-licenses food=1.1";
    let cases = [
        ("removed", want(Ensure::Absent), alloc::vec![zypper("removelock food"), zypper("remove food")]),
        ("changed", version("1.1"), alloc::vec![zypper("removelock food"), zypper(other), zypper("addlock food")]),
        ("left alone", version("1.0"), Vec::new()),
    ];
    for (name, want, expected) in cases {
        let seen = calls(Zypper, &want, &HostFacts::default(), |line| match line {
            l if l.starts_with("/usr/bin/rpm") => recorded(RPM_THERE),
            _ => recorded(locks),
        });
        assert_eq!(seen, Ok(expected), "{name}");
    }
    // Otherwise it refuses.
    let refused = recorded(include_str!("../../tests/fixtures/zypper/1.14.42/install-locked-refused.txt"));
    assert_eq!(Zypper.classify(&refused).unwrap().message, "conflicting requests");
}

#[test]
fn whoever_has_no_plugin_for_locks_removes_what_is_there() {
    let refused = |line: &str| match line {
        l if l.starts_with("/usr/bin/rpm") => recorded(RPM_THERE),
        _ => ran(1, ""),
    };
    let seen = calls(Dnf::<false>, &want(Ensure::Absent), &HostFacts::default(), refused);
    assert_eq!(seen, Ok(alloc::vec!["/usr/bin/dnf -q -y remove food".to_string()]));
    let held = Want { hold: Hold::Held, ..version("1.0") };
    assert!(calls(Dnf::<false>, &held, &HostFacts::default(), refused).is_err(), "a wanted hold is Unknown");
}

#[test]
fn pacman_is_called_for_what_is_wanted() {
    let there = include_str!("../../tests/fixtures/pacman/6.0.2/query.txt");
    let newer = include_str!("../../tests/fixtures/pacman/6.0.2/query-upgrades.txt");
    let none = include_str!("../../tests/fixtures/pacman/6.0.2/query-upgrades-none.txt");
    let other = "$ x\nO| bar 1-1\n[exit 0]\n";
    let pacman = "/usr/bin/pacman --noconfirm";
    let all = Want { everything: true, names: Vec::new(), ..want(Ensure::Latest) };
    let cases = [
        (
            "missing",
            want(Ensure::Present),
            other,
            none,
            alloc::vec![format!("{pacman} -S --needed --noprogressbar food")],
        ),
        ("there", want(Ensure::Present), there, none, Vec::new()),
        ("version", version("1.0"), there, none, Vec::new()),
        (
            "latest",
            want(Ensure::Latest),
            there,
            newer,
            alloc::vec![format!("{pacman} -S --needed --noprogressbar food")],
        ),
        ("is latest", want(Ensure::Latest), there, none, Vec::new()),
        ("everything", all.clone(), there, newer, alloc::vec![format!("{pacman} -Su --noprogressbar")]),
        ("everything is", all, there, none, Vec::new()),
        ("absent", want(Ensure::Absent), there, none, alloc::vec![format!("{pacman} -R --noprogressbar food")]),
    ];
    for (name, want, query, updates, expected) in cases {
        let seen = calls(Pacman, &want, &HostFacts::default(), |line| match line {
            l if l.ends_with("-Qu") => recorded(updates),
            _ => recorded(query),
        });
        assert_eq!(seen, Ok(expected), "{name}");
    }
    let ignored = Pacman.upgrades(&ran(0, "food 1 -> 2 [ignored]\nbar 1 -> 2\n")).unwrap();
    assert_eq!(ignored.len(), 1, "what pacman.conf holds is no upgrade");
}

#[test]
fn an_empty_database_of_pacman_has_no_package() {
    let empty = recorded(include_str!("../../tests/fixtures/pacman/6.0.2/query-empty-database.txt"));
    assert_eq!(Pacman.installed(&empty, &"food".into()).unwrap().installed, None);
    let unread = Ran { stderr: b"error: failed to initialize alpm library:\n".to_vec(), ..ran(255, "") };
    for (name, answer) in [("unread", unread), ("some lines", ran(1, "bar 1-1\n")), ("killed", ran(137, ""))] {
        assert!(Pacman.installed(&answer, &"food".into()).is_err(), "{name}");
    }
}

#[test]
fn an_upgrade_of_everything_by_dnf_is_one_of_what_is_installed() {
    let newer = recorded(include_str!("../../tests/fixtures/dnf/4.14.0/check-update-available.txt"));
    let upgrades = Dnf::<false>.upgrades(&newer).unwrap();
    let c = Package::compare(
        &Want { everything: true, names: Vec::new(), ..want(Ensure::Latest) },
        &State { upgrades, ..State::default() },
        Phase::Before,
    );
    let told: Vec<String> = c.changes.iter().map(|c| format!("{}: {} -> {}", c.field, c.before, c.after)).collect();
    assert_eq!(told, ["food: installed -> 1.1-1"]);
}

#[test]
fn apk_is_called_for_what_is_wanted() {
    let there = |line: &str| match line {
        l if l.contains("version") => ran(0, "Installed:    Available:\nfood-1.0-r0   < 1.1-r0\n"),
        _ => ran(0, "food-1.0-r0\nfood-doc-1.0-r0\nlib-x-2-r12\n"),
    };
    let cases = [
        ("there", want(Ensure::Present), Vec::new()),
        ("latest", want(Ensure::Latest), alloc::vec!["/sbin/apk --wait 120 add --upgrade food".to_string()]),
        ("version", version("1.0"), Vec::new()),
        ("newer", version("1.1-r0"), alloc::vec!["/sbin/apk --wait 120 add food=1.1-r0".to_string()]),
        ("absent", want(Ensure::Absent), alloc::vec!["/sbin/apk --wait 120 del food".to_string()]),
    ];
    for (name, want, expected) in cases {
        assert_eq!(calls(Apk, &want, &HostFacts::default(), there), Ok(expected), "{name}");
    }
}

#[test]
fn refusals_are_told_apart() {
    use ProblemKind::{Failed, Locked};
    let help = Some("check the name, add its repository, or refresh the index by `update_cache: true`");
    let dnf = recorded(include_str!("../../tests/fixtures/dnf/4.14.0/install-missing.txt"));
    let zypper = recorded(include_str!("../../tests/fixtures/zypper/1.14.42/install-missing.txt"));
    let locked = recorded(include_str!("../../tests/fixtures/zypper/1.14.42/remove-locked-refused.txt"));
    let pacman = recorded(include_str!("../../tests/fixtures/pacman/6.0.2/install-missing.txt"));
    let busy = Ran { stderr: b"error: failed to init transaction (unable to lock database)\n".to_vec(), ..ran(1, "") };
    let cases = [
        (Dnf::<false>.classify(&dnf), Failed, "Unable to find a match: nosuch", help),
        (Zypper.classify(&zypper), Failed, "No provider of 'nosuch' found", help),
        (Zypper.classify(&locked), Failed, "conflicting requests", None),
        (
            Zypper.classify(&ran(7, "")),
            Locked,
            "another package manager holds the lock",
            Some("let the other package manager finish"),
        ),
        (Pacman.classify(&pacman), Failed, "target not found: nosuch", help),
        (
            Pacman.classify(&busy),
            Locked,
            "error: failed to init transaction (unable to lock database)",
            Some("let the other package manager finish"),
        ),
    ];
    for (problem, kind, message, help) in cases {
        let problem = problem.unwrap();
        assert_eq!((problem.kind, &*problem.message, problem.help.as_deref()), (kind, message, help));
    }
}

#[test]
fn a_removal_that_zypper_stumbles_after_counts_as_one() {
    let stumbled = recorded(include_str!("../../tests/fixtures/zypper/1.14.42/remove-then-rpmdb-cache-error.txt"));
    let Ok(ops) = By(Zypper).lower(
        &want(Ensure::Absent),
        &State::default(),
        &[vigo_core::resource::package::Action::Remove(alloc::vec!["food".into()])],
        &HostFacts::default(),
    ) else {
        panic!("it can be lowered")
    };
    let [Op::Run(command)] = &*ops else { panic!("{ops:?}") };
    assert!(command.accept.contains(&stumbled.code().unwrap()), "the database is asked afterwards");
}

#[test]
fn attributes_that_a_manager_lacks_are_refused() {
    let here = HostFacts::default();
    let purge = Want { purge: true, ..want(Ensure::Absent) };
    let held = Want { hold: Hold::Held, ..version("1") };
    assert!(By(Dnf::<false>).check(&purge, &here).is_err());
    assert!(By(Zypper).check(&held, &here).is_ok());
    for problem in [By(Pacman).check(&held, &here), By(Apk).check(&held, &here)] {
        let problem = problem.unwrap_err();
        assert_eq!((problem.kind, problem.attribute.as_deref()), (ProblemKind::Unsupported, Some("lock_version")));
    }
    assert!(By(Pacman).check(&version("1*"), &here).is_err());
}

proptest! {
    #[test]
    fn any_output_is_read_without_panic(out in "(food|[a-z]{1,3}|<update|<solvable| name=\"|edition=\"|[-0-9.: <>|\"/\n]){0,40}", code in 0..3) {
        let (answer, name) = (ran(code * 50, &out), Arc::<str>::from("food"));
        let _ = (rpm::installed(&answer, &name), Pacman.installed(&answer, &name), Apk.installed(&answer, &name));
        let _ = (Dnf::<false>.upgrades(&answer), Zypper.upgrades(&answer), Pacman.upgrades(&answer), Apk.upgrades(&answer));
        let _ = (Dnf::<false>.offered(&answer, "food"), Zypper.offered(&answer, "food"), Zypper.is_held(&answer, "food"));
        let _ = (Dnf::<true>.is_held(&answer, "food"), Dnf::<false>.classify(&answer), Zypper.classify(&answer));
    }
}
