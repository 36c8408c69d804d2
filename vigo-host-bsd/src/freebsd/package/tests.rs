//! pkg(8) in its own words, from its manual pages and source: nothing here was recorded on a machine.

use super::*;
use alloc::vec;
use proptest::prelude::*;
use vigo_core::action::{AbsPath, OpOutput, Outputs};
use vigo_core::host::{Adapter, Family, Interpreted, Phase, ProblemKind, observe};
use vigo_core::resource::package::{Ensure, Hold, Package, Step, Target, Version};

const INSTALLED: &str = "curl 8.10.1 ftp/curl 0\nnginx 1.26.2_3,3 www/nginx 1\npkg 1.21.3 ports-mgmt/pkg 0
py311-foo 2.0 devel/py-foo 0\npy39-foo 2.0 devel/py-foo 0\n";

const UPGRADES: &str = "Checking for upgrades (3 candidates): ... done
Processing candidates (3 candidates): ... done
The following 4 package(s) will be affected (of 0 checked):

New packages to be INSTALLED:
\tlibnew: 1.0 [FreeBSD]

Installed packages to be UPGRADED:
\tcurl: 8.10.1 -> 8.11.0 [FreeBSD]
\tnginx: 1.26.2_3,3 -> 1.26.2_4,3

Installed packages to be REINSTALLED:
\tpy311-foo-2.0 [FreeBSD] (required shared library changed)

Number of packages to be installed: 1
Number of packages to be upgraded: 2

The process will require 1 MiB more space.
";

fn want(name: &str) -> Want {
    Want {
        names: vec![name.into()],
        everything: false,
        ensure: Ensure::Present,
        version: None,
        allow_downgrade: false,
        purge: false,
        refresh_after: None,
        hold: Hold::AsIs,
        cleanup: false,
        flags: Vec::new(),
    }
}

fn ran(code: i32, out: &str, err: &str) -> Ran {
    Ran::exited(code, out, err)
}

fn see(want: &Want, upgrade: &Ran) -> Interpreted<State> {
    observe(&PKG, want, &HostFacts::default(), |op| match op.to_string() {
        op if op.starts_with("pkg query") => OpOutput::exited(0, INSTALLED, ""),
        op if op.starts_with("pkg upgrade") => OpOutput::Ran(upgrade.clone()),
        op if op.starts_with("pkg rquery") => OpOutput::exited(0, "1.26.2_4,3\n", ""),
        op => panic!("{op}"),
    })
}

fn lowered(want: &Want, state: &State) -> Vec<String> {
    let actions = Package::compare(want, state, Phase::Before).actions;
    let ops = PKG.lower(want, state, &actions, &HostFacts::default()).unwrap();
    ops.iter().map(ToString::to_string).collect()
}

fn converged(want: &Want) -> Vec<String> {
    match see(want, &ran(1, UPGRADES, "")) {
        Interpreted::Known(state) => lowered(want, &state),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_package_is_found_by_name_or_by_origin() {
    for (name, version) in [("curl", Some("8.10.1")), ("www/nginx", Some("1.26.2_3,3")), ("ngin", None)] {
        let found = Pkg.installed(&ran(0, INSTALLED, ""), &name.into()).unwrap();
        assert_eq!(found.installed.as_deref(), version, "{name}");
    }
    let nginx = Pkg.installed(&ran(0, INSTALLED, ""), &"nginx".into()).unwrap();
    assert_eq!((nginx.held, &nginx.spellings[..]), (true, &["1.26.2".into()][..]));
}

#[test]
fn exit_1_of_upgrade_with_a_list_is_that_updates_exist() {
    let upgrades = Pkg.upgrades(&ran(1, UPGRADES, "")).unwrap();
    let shown: Vec<String> = upgrades.iter().map(|u| format!("{} {} {}", u.name, u.from, u.to)).collect();
    assert_eq!(shown, ["libnew  1.0", "curl 8.10.1 8.11.0", "nginx 1.26.2_3,3 1.26.2_4,3", "py311-foo 2.0 2.0"]);
    let none = "Checking for upgrades (0 candidates): . done\nYour packages are up to date.\n";
    assert_eq!(Pkg.upgrades(&ran(0, none, "")), Ok(Vec::new()));
}

#[test]
fn what_pkg_does_not_say_is_unknown_and_never_absent() {
    let bytes = Ran { stdout: b"\xff\xfe \xff\n".to_vec(), ..ran(0, "", "") };
    let cases = [
        ("an error", ran(1, "", "pkg: database disk image is malformed\n")),
        ("empty", ran(0, "", "")),
        ("half a line", ran(0, "curl 8.10.1 ftp/cu", "")),
        ("localised", ran(0, "Es gibt keine Pakete\n", "")),
        ("not UTF-8", bytes),
    ];
    for (name, ran) in cases {
        assert!(Pkg.installed(&ran, &"curl".into()).is_err(), "{name}");
        assert!(Pkg.upgrades(&ran).is_err(), "{name}");
    }
    let silent = Pkg.upgrades(&ran(1, "", ""));
    assert!(silent.unwrap_err().contains("ended with exit 1"), "exit 1 alone says nothing");
}

#[test]
fn before_pkg_itself_is_installed_nothing_is_and_the_first_change_brings_it() {
    let stand_in = ran(1, "", "The package management tool is not yet installed on your system.\n");
    assert_eq!(Pkg.installed(&stand_in, &"curl".into()).unwrap().installed, None);
    assert_eq!(Pkg.upgrades(&stand_in), Ok(Vec::new()));
    let call = Pkg.call(&want("curl"), &State::default(), &Action::Install(vec!["curl".into()]), &HostFacts::default());
    assert!(call.env.iter().any(|(name, value)| &**name == "ASSUME_ALWAYS_YES" && value.as_str() == "yes"));
}

#[test]
fn each_want_comes_to_its_calls() {
    let latest = |name: &str| Want { ensure: Ensure::Latest, ..want(name) };
    let absent = |name: &str| Want { ensure: Ensure::Absent, ..want(name) };
    let version = |name: &str, version: &str| Want { version: Some(Version::new(version)), ..want(name) };
    let cases: Vec<(&str, Want, &[&str])> = vec![
        ("there", want("curl"), &[]),
        ("not there", want("nosuch"), &["pkg install -y -- nosuch"]),
        ("by origin", want("www/apache24"), &["pkg install -y -- www/apache24"]),
        ("latest", latest("curl"), &["pkg upgrade -y -- curl"]),
        (
            "latest, held: released, and held again",
            latest("nginx"),
            &["pkg unlock -y -- nginx", "pkg upgrade -y -- nginx", "pkg lock -y -- nginx"],
        ),
        ("latest, there is none newer", latest("pkg"), &[]),
        ("gone", absent("curl"), &["pkg delete -y -- curl"]),
        ("gone, held", absent("nginx"), &["pkg unlock -y -- nginx", "pkg delete -y -- nginx"]),
        ("was not there", absent("nosuch"), &[]),
        ("this version", version("nginx", "1.26.2_3,3"), &[]),
        ("its authors' spelling", version("nginx", "1.26.2"), &[]),
        ("a newer version", version("curl", "8.11.0"), &["pkg install -y -- curl-8.11.0"]),
        ("free", Want { hold: Hold::Free, ..want("nginx") }, &["pkg unlock -y -- nginx"]),
        ("held", Want { hold: Hold::Held, ..version("curl", "8.10.1") }, &["pkg lock -y -- curl"]),
        (
            "with all the rest",
            Want { cleanup: true, flags: vec!["-q".into()], ..want("nosuch") },
            &["pkg install -y -q -- nosuch", "pkg autoremove -y -q"],
        ),
        ("everything", Want { names: vec![], everything: true, ..latest("x") }, &["pkg upgrade -y"]),
    ];
    for (name, want, calls) in cases {
        assert_eq!(converged(&want), calls, "{name}");
    }
}

#[test]
fn a_beginning_of_a_version_takes_the_one_on_offer() {
    let want = Want { version: Some(Version::new("1.26.2_4*")), ..want("nginx") };
    let Interpreted::Known(state) = see(&want, &ran(0, "", "")) else { panic!() };
    assert_eq!(state.packages[0].target, Target::Version { version: "1.26.2_4,3".into(), step: Step::Up });
}

#[test]
fn an_older_version_is_refused() {
    let want = Want { version: Some(Version::new("7.0")), ..want("curl") };
    let Interpreted::Known(state) = see(&want, &ran(0, "", "")) else { panic!() };
    let failure = Package::compare(&want, &state, Phase::Before).failure.unwrap();
    assert_eq!(failure.message, "expected `curl` 7.0, found 8.10.1, which is newer");
}

#[test]
fn what_pkg_cannot_do_is_refused_when_the_plan_is_made() {
    let facts = HostFacts::default();
    assert!(PKG.check(&want("curl"), &facts).is_ok());
    for (attribute, want) in [
        ("purge", Want { ensure: Ensure::Absent, purge: true, ..want("curl") }),
        ("allow_downgrade", Want { allow_downgrade: true, ..want("curl") }),
    ] {
        let problem = PKG.check(&want, &facts).unwrap_err();
        assert_eq!((problem.kind, problem.attribute.as_deref()), (ProblemKind::Unsupported, Some(attribute)));
    }
}

#[test]
fn an_image_has_a_database_of_its_own() {
    let facts = HostFacts { image: Some(AbsPath::known("/image")), ..HostFacts::default() };
    assert_eq!(PKG.probe(&want("curl"), &facts)[0].to_string(), "pkg -r /image query -a '%n %v %o %k'");
    let outputs = Outputs::default();
    assert!(matches!(PKG.interpret(&want("curl"), &outputs, &facts), Interpreted::Unknown(_)), "nobody asked");
}

#[test]
fn failures_are_told_apart() {
    let cases = [
        (
            "pkg: Cannot get an advisory lock on a database, it is locked by another process\n",
            ProblemKind::Locked,
            LOCKED_HELP,
        ),
        (
            "pkg: Newer FreeBSD version for package curl:\nTo ignore this error set IGNORE_OSVERSION=yes\n",
            ProblemKind::Blocked,
            "upgrade the system first, or write `IGNORE_OSVERSION = yes` into /usr/local/etc/pkg.conf",
        ),
        (
            "pkg: No packages available to install matching 'nosuch' have been found in the repositories\n",
            ProblemKind::Failed,
            "check the name, add its repository, or refresh the index by `update_cache: true`",
        ),
    ];
    for (err, kind, help) in cases {
        let problem = Pkg.classify(&ran(1, "", err)).unwrap();
        assert_eq!((problem.kind, problem.help.as_deref()), (kind, Some(help)), "{err}");
    }
    assert!(Pkg.classify(&ran(1, "", "")).is_none());
}

#[test]
fn versions_are_ordered_as_pkg_orders_them() {
    // Each is older than the next, pkg-version(8).
    let ascending = [
        "1.0.alpha1",
        "1.0.beta2",
        "1.0.pre1",
        "1.0.rc1",
        "1.0",
        "1.0pl1",
        "1.0a",
        "1.0.1",
        "1.0.2",
        "1.0.2_1",
        "1.0.2_10",
        "1.0.10",
        "2",
        "0.1,1",
        "0.1_1,1",
        "0.0,2",
    ];
    for pair in ascending.windows(2) {
        assert_eq!(compare(pair[0], pair[1]), Ordering::Less, "{pair:?}");
        assert_eq!(compare(pair[1], pair[0]), Ordering::Greater, "{pair:?}");
    }
    for (a, b) in [("1.0", "1"), ("1.01", "1.1"), ("1.0_0", "1.0,0"), ("", "")] {
        assert_eq!(compare(a, b), Ordering::Equal, "{a:?} {b:?}");
    }
}

proptest! {
    #[test]
    fn any_text_is_ordered_both_ways(a in "[0-9a-c._,]{0,12}", b in ".{0,12}") {
        prop_assert_eq!(compare(&a, &b), compare(&b, &a).reverse());
        prop_assert_eq!(compare(&b, &b), Ordering::Equal);
    }
    #[test]
    fn any_output_is_read_without_panic(text in "(New packages to be INSTALLED:|[a-z]{1,3}-?: ?[0-9.]* ->| \t|\n|\\PC){0,20}") {
        let _ = listed(&text);
        let _ = Pkg.installed(&ran(0, &text, ""), &"a".into());
    }
}
