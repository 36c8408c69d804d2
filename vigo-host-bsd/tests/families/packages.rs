//! `package` and `repository`.

use crate::rig::{Answers, bytes, denied, file, hostile, plan, said, see, table};
use std::sync::Arc;
use vigo_core::action::{Command, Op, OpOutput, Ran};
use vigo_core::host::{Adapter, Host, HostFacts, Interpreted, ProblemKind};
use vigo_core::resource::package::{Ensure, Hold, Package, Version, Want};
use vigo_core::resource::repository::{self, Format};
use vigo_core::time::Duration;
use vigo_core::value::Text;
use vigo_host_bsd::{NetBsd, OpenBsd};

fn facts() -> HostFacts {
    HostFacts::default()
}

fn want(name: &str, ensure: Ensure) -> Want {
    let everything = name == "*";
    Want {
        names: if everything { Vec::new() } else { vec![name.into()] },
        everything,
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

fn of_version(name: &str, version: &str) -> Want {
    Want { version: Some(Version::new(version)), ..want(name, Ensure::Present) }
}

const INSTALLED: &str = "bash-5.2.15\nvim-9.0.1p1-no_x11\npython-3.11.6p0\npython-3.10.2\nquirks-6.42\n";
const NEWER: &str = "quirks-6.42 signed on 2026-06-16T18:34:16Z\nbash-5.2.15->5.2.21: ok\n\
                     vim-9.0.1p1-no_x11->9.0.2-no_x11: ok\nquirks-6.42->6.42: ok\nRead shared items: ok\n";

#[test]
fn packages_on_openbsd() {
    let list = |text: &str| ("/usr/sbin/pkg_info -q -a", said(0, text, ""));
    let newer = |text: &str| ("/usr/sbin/pkg_add -I -x -n -u", said(0, text, ""));
    let observed: Vec<(&str, Answers<'_>)> = vec![
        ("nothing", vec![list(""), newer("")]),
        ("some, of which some are older", vec![list(INSTALLED), newer(NEWER)]),
        (
            "the mirror does not answer",
            vec![
                list(INSTALLED),
                (
                    "/usr/sbin/pkg_add -I -x -n -u",
                    said(0, "", "https://mirror/pub: ftp: mirror: no address associated with name\n"),
                ),
            ],
        ),
        ("pkg_info fails", vec![("/usr/sbin/pkg_info -q -a", said(1, "", "pkg_info: no\n")), newer("")]),
    ];
    let wanted = [
        ("bash", want("bash", Ensure::Present)),
        ("bash 5.2.15", of_version("bash", "5.2.15")),
        ("bash 5.2.21", of_version("bash", "5.2.21")),
        ("bash 5.1, which is older", of_version("bash", "5.1")),
        ("vim--no_x11", want("vim--no_x11", Ensure::Present)),
        ("vim--no_x11 9.0.1", of_version("vim--no_x11", "9.0.1")),
        ("vim without a flavor", want("vim--", Ensure::Present)),
        ("python of a branch", want("python%3.11", Ensure::Present)),
        ("the latest bash", want("bash", Ensure::Latest)),
        ("the latest vim--no_x11", want("vim--no_x11", Ensure::Latest)),
        ("the latest of all", want("*", Ensure::Latest)),
        ("no python of a branch", want("python%3.11", Ensure::Absent)),
        ("no bash, nor what it needed", Want { cleanup: true, ..want("bash", Ensure::Absent) }),
        ("a hold", Want { hold: Hold::Held, ..of_version("bash", "5.2.15") }),
        ("configuration gone", Want { purge: true, ..want("bash", Ensure::Absent) }),
    ];
    insta::assert_snapshot!(table(|| OpenBsd.package(&facts(), None), &observed, &wanted));
}

fn add(names: &[&str]) -> Op {
    let args = ["-I", "-x", "--"].iter().chain(names).map(|a| Arc::from(*a)).collect::<Vec<Arc<str>>>();
    Op::Run(Command::change("/usr/sbin/pkg_add", args))
}

fn ran(code: i32, out: &str, err: &str) -> Ran {
    Ran::exited(code, out, err)
}

#[test]
fn pkg_add_exits_0_when_nothing_was_found_and_stderr_decides() {
    let tool = OpenBsd.package(&facts(), None).expect("an adapter");
    let wanted = want("bash", Ensure::Present);
    let cases = [
        ("added", &["bash"][..], "bash-5.2.15: ok\n", "", None),
        ("nothing was found", &["nosuch"], "", "Can't find nosuch\n", Some("Can't find nosuch")),
        (
            "a folder on the way is empty, and it was added",
            &["bash"],
            "bash-5.2.15: ok\n",
            "file:/local/packages/ directory is empty\n",
            None,
        ),
        (
            "a folder on the way is empty, and nothing else is said",
            &["bash"],
            "",
            "file:/local/packages/ is empty\n",
            None,
        ),
        ("one of two", &["bash", "nosuch"], "bash-5.2.15: ok\n", "Can't find nosuch\n", Some("Can't find nosuch")),
        ("added, with a remark", &["vim--no_x11"], "vim-9.0-no_x11: ok\n", "The following new rcscripts\n", None),
        ("ambiguous", &["vim"], "", "Ambiguous: choose package for vim\n", Some("Ambiguous: choose package for vim")),
    ];
    for (name, names, out, err, expected) in cases {
        let problem = tool.objection(&wanted, &add(names), &ran(0, out, err));
        assert_eq!(problem.as_ref().map(|p| &*p.message), expected, "{name}");
    }
    let info = Op::Run(Command::change("/usr/sbin/pkg_delete", ["-I", "-x", "--", "bash-5.2.15"]));
    assert!(tool.objection(&wanted, &info, &ran(0, "", "bash-5.2.15: something\n")).is_none(), "it is pkg_add's way");
}

#[test]
fn what_is_in_the_way_of_pkg_add_is_blocked() {
    let tool = OpenBsd.package(&facts(), None).expect("an adapter");
    let wanted = want("bash", Ensure::Present);
    for (err, kind) in [
        ("ftp: mirror: no address associated with name\n", ProblemKind::Blocked),
        ("https://mirror/pub/OpenBSD/7.4/packages/amd64/: no such dir\n", ProblemKind::Blocked),
        ("Error: /dev/sd0e on /usr/local is not large enough (/usr/local/bin/x)\n", ProblemKind::Blocked),
        ("Package database already locked\n", ProblemKind::Locked),
        ("Can't find nosuch\n", ProblemKind::Failed),
    ] {
        assert_eq!(tool.classify(&wanted, &add(&["x"]), &ran(1, "", err)).map(|p| p.kind), Some(kind), "{err}");
    }
    assert!(tool.classify(&wanted, &add(&["x"]), &ran(1, "", "\u{fffd}\n")).is_none());
}

fn with_pkgin() -> HostFacts {
    HostFacts { programs: ["pkgin".into()].into(), ..HostFacts::default() }
}

const PKG_INFO: &str = "bash-5.2.15nb1      The GNU Bourne Again Shell\npy311-foo-1.2       Foo\n";
const SEARCH: &str = "processing remote summary (https://mirror/All)...\n\
                      bash-5.2.21;<;The GNU Bourne Again Shell\npy311-foo-1.2;=;Foo\ntnftp-20260101;;The NetBSD ftp client\n\
                      newer-1.0;>;Newer here; and there\n\n=: package is installed and up-to-date\n\
                      <: package is installed but newer version is available\n\
                      >: installed package has a greater version than available package\n";

fn pkgsrc_rows() -> Vec<(&'static str, Answers<'static>)> {
    let list = |text: &str| ("/usr/sbin/pkg_info", said(0, text, ""));
    let search = |text: &str| ("/usr/pkg/bin/pkgin -p search .", said(0, text, ""));
    vec![
        ("nothing", vec![("/usr/sbin/pkg_info", said(1, "", "pkg_info: no packages installed.\n")), search(SEARCH)]),
        ("some, of which some are older", vec![list(PKG_INFO), search(SEARCH)]),
        ("an empty summary", vec![list(PKG_INFO), search("No results found for .\n")]),
        ("pkg_info fails", vec![("/usr/sbin/pkg_info", said(1, "", "pkg_info: no\n")), search(SEARCH)]),
    ]
}

fn pkgsrc_wanted() -> Vec<(&'static str, Want)> {
    let refreshed = Some(Duration::from_secs(3600));
    vec![
        ("bash", want("bash", Ensure::Present)),
        ("bash 5.2.15", of_version("bash", "5.2.15")),
        ("bash 5.2.21", of_version("bash", "5.2.21")),
        ("py311-foo", want("py311-foo", Ensure::Present)),
        ("py311, which is another name", want("py311", Ensure::Present)),
        ("the latest bash", want("bash", Ensure::Latest)),
        ("the latest of all", want("*", Ensure::Latest)),
        ("tnftp, with a fresh index", Want { refresh_after: refreshed, ..want("tnftp", Ensure::Present) }),
        ("no bash, nor what it needed", Want { cleanup: true, ..want("bash", Ensure::Absent) }),
        ("a hold", Want { hold: Hold::Held, ..of_version("bash", "5.2.15") }),
    ]
}

#[test]
fn packages_on_netbsd_by_pkgin() {
    insta::assert_snapshot!(table(|| NetBsd.package(&with_pkgin(), None), &pkgsrc_rows(), &pkgsrc_wanted()));
}

#[test]
fn packages_on_netbsd_by_pkg_add_where_there_is_no_pkgin() {
    insta::assert_snapshot!(table(|| NetBsd.package(&facts(), None), &pkgsrc_rows(), &pkgsrc_wanted()));
    let name = |manager: Option<&str>, facts: &HostFacts| {
        let tool = NetBsd.package(facts, manager).expect("an adapter");
        plan(Ok(tool), &want("x", Ensure::Present), &vec![("/usr/sbin/pkg_info", said(0, "", ""))])
    };
    assert!(name(Some("pkg_add"), &with_pkgin()).contains("/usr/sbin/pkg_add"));
    assert!(name(Some("pkgin"), &facts()).contains("/usr/pkg/bin/pkgin"));
    for (host, manager) in [(&NetBsd as &dyn Host, "apt"), (&OpenBsd, "pkgin")] {
        let Err(problem) = host.package(&facts(), Some(manager)) else { panic!("{manager}") };
        assert_eq!(problem.kind, ProblemKind::Unsupported);
    }
}

#[test]
fn states_of_pkgin_are_signs_and_the_legend_is_no_package() {
    let answers: Answers<'_> =
        vec![("/usr/sbin/pkg_info", said(0, PKG_INFO, "")), ("/usr/pkg/bin/pkgin -p search .", said(0, SEARCH, ""))];
    let seen = see(NetBsd.package(&with_pkgin(), None), &want("*", Ensure::Latest), &answers);
    let Interpreted::Known(state) = seen else { panic!("{seen:?}") };
    let names: Vec<&str> = state.upgrades.iter().map(|u| &*u.name).collect();
    assert_eq!(names, ["bash"], "`=` and `>` are no upgrades, and lines of the legend none at all");
}

#[test]
fn update_comes_before_install() {
    let wanted = Want { refresh_after: Some(Duration::from_secs(60)), ..want("tnftp", Ensure::Present) };
    let answers: Answers<'_> = vec![("/usr/sbin/pkg_info", said(0, PKG_INFO, ""))];
    let seen = plan(NetBsd.package(&with_pkgin(), None), &wanted, &answers);
    let (update, install) = (seen.find("pkgin -y update"), seen.find("pkgin -y install tnftp"));
    assert!(update.is_some() && update < install, "{seen}");
}

#[test]
fn hostile_listings_are_unknown() {
    type Tool = &'static dyn Adapter<Package>;
    let tools: [(&str, Tool, &str); 3] = [
        ("openbsd", OpenBsd.package(&facts(), None).expect("an adapter"), "/usr/sbin/pkg_info -q -a"),
        ("pkgin", NetBsd.package(&with_pkgin(), None).expect("an adapter"), "/usr/sbin/pkg_info"),
        ("pkg_add", NetBsd.package(&facts(), None).expect("an adapter"), "/usr/sbin/pkg_info"),
    ];
    for (system, tool, listing) in tools {
        for (name, answer) in hostile() {
            let seen = see(Ok(tool), &want("bash", Ensure::Absent), &vec![(listing, answer)]);
            assert!(matches!(seen, Interpreted::Unknown(_)), "{name} of {system}: {seen:?}");
        }
        // A line among others that makes no sense is not the end of the others.
        let odd = said(0, "\u{fffd}\nbash-1.0 x\nbash-1.0\n---\n", "");
        let seen = see(Ok(tool), &want("bash", Ensure::Absent), &vec![(listing, odd)]);
        let Interpreted::Known(state) = seen else { panic!("{system}: {seen:?}") };
        assert!(state.packages.iter().all(|p| p.installed.is_some()), "{system}");
    }
}

fn source(id: &str, url: &str) -> repository::Want {
    repository::Want {
        id: id.into(),
        present: true,
        repo: Text::plain(url),
        key: None,
        fingerprints: Vec::new(),
        enabled: true,
        format: Format::Auto,
        gpgcheck: true,
        priority: None,
    }
}

#[test]
fn the_source_of_openbsd_is_installurl() {
    let url = "https://cdn.openbsd.org/pub/OpenBSD";
    let observed: Vec<(&str, Answers<'_>)> = vec![
        ("none", vec![]),
        ("there", vec![("read /etc/installurl", file(&format!("{url}\n")))]),
        ("another", vec![("read /etc/installurl", file("https://mirror/pub\n"))]),
        ("unreadable", vec![("read /etc/installurl", denied())]),
        ("other bytes", vec![("read /etc/installurl", bytes(b"\xff\n"))]),
    ];
    let ours = source("installurl", url);
    let wanted = [
        ("there", ours.clone()),
        ("absent", repository::Want { present: false, ..ours.clone() }),
        ("another id", source("own", url)),
        ("off", repository::Want { enabled: false, ..ours.clone() }),
        ("two lines", source("installurl", "https://a\nhttps://b")),
        ("a priority", repository::Want { priority: Some(1), ..ours }),
    ];
    insta::assert_snapshot!(table(|| OpenBsd.repository(&facts()), &observed, &wanted));
}

#[test]
fn the_sources_of_netbsd_are_lines() {
    let path = "read /usr/pkg/etc/pkgin/repositories.conf";
    let observed: Vec<(&str, Answers<'_>)> = vec![
        ("no file", vec![]),
        ("another", vec![(path, file("# main\nhttps://a/All\n"))]),
        ("there", vec![(path, file("https://a/All\n# vigo: own\nhttps://b/All\n"))]),
        ("unreadable", vec![(path, denied())]),
        ("other bytes", vec![(path, bytes(b"\xff\n"))]),
    ];
    let ours = source("own", "https://b/All");
    let wanted = [
        ("there", ours.clone()),
        ("off", repository::Want { enabled: false, ..ours.clone() }),
        ("absent", repository::Want { present: false, ..ours.clone() }),
        ("unchecked", repository::Want { gpgcheck: false, ..ours }),
    ];
    insta::assert_snapshot!(table(|| NetBsd.repository(&facts()), &observed, &wanted));
    let tool = NetBsd.repository(&facts()).expect("an adapter");
    let update = Op::Run(Command::change("/usr/pkg/bin/pkgin", ["-y", "update"]));
    let failed = match said(1, "", "pkgin: Could not fetch https://b/All/pkg_summary.xz: Not Found\n") {
        OpOutput::Ran(ran) => ran,
        other => panic!("{other:?}"),
    };
    let problem = tool.classify(&source("own", "https://b/All"), &update, &failed).expect("a problem");
    assert_eq!(problem.kind, ProblemKind::Blocked);
}
