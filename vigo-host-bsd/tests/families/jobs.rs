//! `process` and `cron`.

use crate::rig::{Answers, denied, plan, said, see, table};
use vigo_core::host::{Host, HostFacts, Interpreted};
use vigo_core::resource::cron::{self, Schedule};
use vigo_core::resource::process::{self, Matching, Restart};
use vigo_core::time::Duration;
use vigo_host_bsd::{FreeBsd, NetBsd, OpenBsd};

fn facts() -> HostFacts {
    HostFacts::default()
}

fn job(user: &str, present: bool) -> cron::Want {
    cron::Want {
        id: "backup".into(),
        present,
        command: "/usr/local/bin/backup".into(),
        schedule: Schedule::Macro("@daily"),
        user: user.into(),
        environment: Vec::new(),
    }
}

#[test]
fn jobs_are_lines_of_the_users_table_and_other_lines_stay() {
    let ours = "# by hand\n5 4 * * * /x\n# vigo: backup\n@daily /usr/local/bin/backup\n";
    let observed: Vec<(&str, Answers<'_>)> = vec![
        (
            "none",
            vec![
                ("crontab -l", said(1, "", "crontab: no crontab for root\n")),
                ("crontab -u _app -l", said(1, "", "crontab: no crontab for _app\n")),
            ],
        ),
        ("there", vec![("crontab -l", said(0, ours, "")), ("crontab -u _app -l", said(0, ours, ""))]),
        (
            "others, without a last line end",
            vec![("crontab -l", said(0, "MAILTO=ops\n5 4 * * * /x", "")), ("crontab -u _app -l", denied())],
        ),
        (
            "not allowed",
            vec![
                ("crontab -l", said(1, "", "crontab: you do not have permission to use crontab\n")),
                ("crontab -u _app -l", said(1, "", "")),
            ],
        ),
    ];
    let wanted = [("root's", job("root", true)), ("_app's", job("_app", true)), ("none of root's", job("root", false))];
    let openbsd = table(|| OpenBsd.cron(&facts()), &observed, &wanted);
    assert_eq!(openbsd, table(|| NetBsd.cron(&facts()), &observed, &wanted));
    insta::assert_snapshot!(openbsd);
}

fn running(restart: Option<Restart>) -> process::Want {
    process::Want {
        process: "httpd".into(),
        matching: Matching::Name("httpd".into()),
        running: true,
        min: 1,
        max: None,
        signal: "TERM".into(),
        kill_excess: false,
        kill_timeout: Duration::from_secs(10),
        bool_timeout: false,
        restart,
    }
}

/// Columns as each system prints them.
const OPENBSD: &str = "    1     0 I     Thu Jan  1 00:00:00 2026    /sbin/init
   70     1 S     Sun Nov 22 16:20:16 2026    /usr/local/sbin/vigo run
   80     1 Ip    Sun Nov 22 16:20:16 2026    httpd: server
";
const NETBSD: &str = "    0     0 DKl  20:00 [system]
    1     0 Is   20:00 init
   70     1 S    10:00 /usr/local/sbin/vigo run
   80     1 Is   10:00 /usr/libexec/httpd -b
";
const NAMES: &str = "    1 init\n   70 vigo\n   80 httpd\n";

/// Every state against every want, with `ps` as each system has it: the columns, and lines of the three who were started one
/// after the other.
fn processes(host: &dyn Host, columns: &str, first: &str, lines: [&str; 3]) -> String {
    let shell = || ("/bin/sh -c 'echo \"$PPID\"'", said(0, "70\n", ""));
    let names = "ps -axww -o pid= -o ucomm=";
    let listing = |some: &[&str]| said(0, &format!("{first}{}", some.concat()), "");
    let named = || said(0, "    1 init\n   70 vigo\n   80 httpd\n   81 httpd\n   82 httpd\n", "");
    let state = |some: &[&str]| vec![shell(), (columns, listing(some)), (names, named())];
    let observed: Vec<(&str, Answers<'_>)> = vec![
        ("none", state(&[])),
        ("one", state(&lines[..1])),
        ("three", state(&lines)),
        ("not to be seen", vec![shell(), (columns, said(1, "", "ps: no\n")), (names, named())]),
    ];
    let some = |min, max| process::Want { min, max, kill_excess: max.is_some(), ..running(None) };
    let wanted = [
        ("running, and nothing starts it", running(None)),
        ("running, as a service", running(Some(Restart::Service("httpd".into())))),
        ("running, by a command", running(Some(Restart::Command(vigo_core::value::Text::plain("httpd -k start"))))),
        ("two at most", some(0, Some(2))),
        ("one at most, and no time to end", process::Want { kill_timeout: Duration::ZERO, ..some(0, Some(1)) }),
        ("none", process::Want { running: false, ..some(0, Some(0)) }),
        ("none, at once", process::Want { running: false, signal: "KILL".into(), ..some(0, Some(0)) }),
    ];
    table(|| host.process(&facts()), &observed, &wanted)
}

#[test]
fn processes_on_freebsd() {
    insta::assert_snapshot!(processes(
        &FreeBsd,
        "ps -axww -o jid= -o pid= -o ppid= -o stat= -o etime= -o args=",
        "    0     1     0 SLs  20:00 /sbin/init\n    0    70     1 S  10:00 /usr/local/sbin/vigo run\n    7    99     1 S  10:00 httpd of a jail\n",
        [
            "    0    80     1 Is   10:00 /usr/local/sbin/httpd\n",
            "    0    81    80 I    09:00 /usr/local/sbin/httpd\n",
            "    0    82    80 I    08:00 /usr/local/sbin/httpd\n",
        ],
    ));
}

#[test]
fn processes_on_openbsd() {
    insta::assert_snapshot!(processes(
        &OpenBsd,
        "ps -axww -o pid= -o ppid= -o state= -o lstart= -o command=",
        "    1     0 I     Thu Jan  1 00:00:00 2026    /sbin/init\n   70     1 S     Sun Nov 22 16:20:16 2026    /usr/local/sbin/vigo run\n",
        [
            "   80     1 Ip    Sun Nov 22 16:20:16 2026    httpd: server\n",
            "   81    80 Ip    Sun Nov 22 16:20:17 2026    httpd: logger\n",
            "   82    80 Ip    Sun Nov 22 16:20:18 2026    httpd: parent\n",
        ],
    ));
}

#[test]
fn processes_on_netbsd() {
    insta::assert_snapshot!(processes(
        &NetBsd,
        "ps -axww -o pid= -o ppid= -o stat= -o etime= -o args=",
        "    0     0 DKl  20:00 [system]\n    1     0 Is   20:00 init\n   70     1 S    10:00 /usr/local/sbin/vigo run\n",
        [
            "   80     1 Is   10:00 /usr/libexec/httpd -b\n",
            "   81    80 I    09:00 /usr/libexec/httpd -b\n",
            "   82    80 I    08:00 /usr/libexec/httpd -b\n",
        ],
    ));
}

#[test]
fn processes_are_seen_by_ps_and_restarted_as_services() {
    let shell = ("/bin/sh -c 'echo \"$PPID\"'", said(0, "70\n", ""));
    let answers = |lines: &'static str, names: &'static str, listing: &str, named: &str| -> Answers<'static> {
        vec![shell.clone(), (lines, said(0, listing, "")), (names, said(0, named, ""))]
    };
    let openbsd = |listing, named| {
        let columns = "ps -axww -o pid= -o ppid= -o state= -o lstart= -o command=";
        answers(columns, "ps -axww -o pid= -o ucomm=", listing, named)
    };
    let netbsd = |listing, named| {
        let columns = "ps -axww -o pid= -o ppid= -o stat= -o etime= -o args=";
        answers(columns, "ps -axww -o pid= -o ucomm=", listing, named)
    };
    let stopped = process::Want { running: false, min: 0, max: Some(0), ..running(None) };
    let service = running(Some(Restart::Service("httpd".into())));
    let few =
        |listing: &str| listing.lines().filter(|l| !l.contains("httpd")).map(|l| format!("{l}\n")).collect::<String>();
    let cases = [
        (plan(OpenBsd.process(&facts()), &service, &openbsd(OPENBSD, NAMES)), "  in sync\n"),
        (plan(NetBsd.process(&facts()), &service, &netbsd(NETBSD, NAMES)), "  in sync\n"),
    ];
    for (seen, expected) in cases {
        assert_eq!(seen, expected);
    }
    let (none_openbsd, none_netbsd) = (few(OPENBSD), few(NETBSD));
    let start = plan(OpenBsd.process(&facts()), &service, &openbsd(&none_openbsd, "    1 init\n"));
    assert!(start.ends_with("  $ /usr/sbin/rcctl -f restart httpd\n"), "{start}");
    let start = plan(NetBsd.process(&facts()), &service, &netbsd(&none_netbsd, "    1 init\n"));
    assert!(start.ends_with("  $ /usr/sbin/service httpd onerestart\n"), "{start}");
    for seen in [
        plan(OpenBsd.process(&facts()), &stopped, &openbsd(OPENBSD, NAMES)),
        plan(NetBsd.process(&facts()), &stopped, &netbsd(NETBSD, NAMES)),
    ] {
        assert!(seen.contains("  $ signal TERM to 80\n"), "{seen}");
    }
    let unit = running(Some(Restart::Unit("httpd.service".into())));
    for refused in [OpenBsd.process(&facts()), NetBsd.process(&facts())] {
        let refused = refused.expect("an adapter").check(&unit, &facts()).expect_err("no units here");
        assert!(refused.message.contains("is not supported as `systemctl` on "), "{refused}");
    }
    // What does not show the process that asked proves nothing of others.
    let seen = see(OpenBsd.process(&facts()), &stopped, &openbsd("", ""));
    assert!(matches!(seen, Interpreted::Unknown(_)), "{seen:?}");
}
