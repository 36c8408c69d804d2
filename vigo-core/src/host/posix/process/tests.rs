//! Processes as ps(1) prints them.

use super::*;
use crate::action::{FailureKind, OpFailure, Ran};
use crate::host::observe;
use crate::resource::process::Matching;
use crate::time::Duration;

static PS: Ps = Ps {
    system: "freebsd",
    all: "-axww",
    name: "ucomm",
    command: "args",
    age: Age::Elapsed,
    state: "stat",
    start: "lstart",
    tenant: None,
    restart: |name| Command::change("/usr/sbin/service", [name, "onerestart"]),
};

fn want(name: &str) -> Want {
    Want {
        process: name.into(),
        matching: Matching::Name(name.into()),
        running: true,
        min: 1,
        max: None,
        signal: "TERM".into(),
        kill_excess: false,
        kill_timeout: Duration::from_secs(10),
        bool_timeout: false,
        restart: None,
    }
}

const LISTING: &str = "    0     0 DLs   9-00:00:01 [kernel]
    1     0 SLs   9-00:00:00 /sbin/init
    2     0 DL    9-00:00:00 [nginx]
   70     1 S        10:00 /usr/local/sbin/vigo run
   71    70 R        00:00 ps -axww -o pid= -o ppid= -o stat= -o etime= -o args=
   72    70 R        00:00 /bin/ps -axww -o pid= -o ucomm=
   73    70 S        00:03 /bin/sh -c sleep 100
   30     1 Is    01:00:00 nginx: master process /usr/local/sbin/nginx
   20    30 I        59:59 nginx: worker process
   21    30 I     01:00:00 nginx: worker process
   40    30 Z        01:00 <defunct>
   50     1 S     2-03:04:05 /opt/a program/tool -x
   60     1 S        00:10 [paged]
";

const NAMES: &str =
    "    0 kernel\n    1 init\n    2 nginx\n   70 vigo\n   71 ps\n   72 ps\n   73 sh\n   30 nginx\n   20 nginx\n   21 nginx
   40 nginx\n   50 a program\n   60 paged\n";

fn see_with(want: &Want, own: OpOutput, listing: OpOutput, names: OpOutput) -> Interpreted<State> {
    observe(&PS, want, &HostFacts::default(), |op| match op.to_string() {
        op if op.starts_with("/bin/sh") => own.clone(),
        op if op.contains("args=") => listing.clone(),
        _ => names.clone(),
    })
}

fn see(want: &Want, listing: &str) -> Interpreted<State> {
    see_with(want, OpOutput::exited(0, "70\n", ""), OpOutput::exited(0, listing, ""), OpOutput::exited(0, NAMES, ""))
}

fn pids(want: &Want) -> Vec<u32> {
    match see(want, LISTING) {
        Interpreted::Known(state) => state.found.iter().map(|p| p.pid).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_column_is_an_option_of_its_own() {
    let ops: Vec<String> = PS.probe(&want("x"), &HostFacts::default()).iter().map(ToString::to_string).collect();
    assert_eq!(
        ops,
        [
            "/bin/sh -c 'echo \"$PPID\"'",
            "ps -axww -o pid= -o ppid= -o stat= -o etime= -o args=",
            "ps -axww -o pid= -o ucomm="
        ]
    );
}

#[test]
fn matches_are_found_oldest_first_without_threads_of_the_kernel_and_the_dead() {
    let pattern = |p: &str| Want { matching: Matching::Pattern(regex::Regex::new(p).unwrap()), ..want("x") };
    assert_eq!(pids(&want("nginx")), [21, 30, 20]);
    assert_eq!(pids(&want("a program")), [50]);
    assert_eq!(pids(&want("paged")), [60], "its arguments could not be read, but it is no thread of the kernel");
    assert_eq!(pids(&want("init")), [0_u32; 0], "the agent descends from it");
    assert_eq!(pids(&want("nosuch")), [0_u32; 0]);
    assert_eq!(pids(&pattern("worker process$")), [21, 20]);
    assert_eq!(pids(&pattern("^/opt/a program/tool -x$")), [50]);
}

#[test]
fn the_agent_what_it_descends_from_and_its_own_looks_do_not_count() {
    assert_eq!(pids(&want("ps")), [0_u32; 0]);
    assert_eq!(pids(&want("vigo")), [0_u32; 0]);
    assert_eq!(pids(&want("sh")), [73], "what the agent runs otherwise does");
    let others = LISTING.replace("   70     1 S", "   70    99 S") + "   99     1 S 00:10 /usr/local/sbin/vigo agent\n";
    let Interpreted::Known(state) = see(&Want { running: false, ..want("vigo") }, &others) else { panic!() };
    assert!(state.found.is_empty(), "it descends from that one");
    assert_eq!(ancestors(5, |pid| [(5, 6), (6, 5)].iter().find(|(p, _)| *p == pid).map(|(_, up)| *up)).len(), 2);
}

#[test]
fn processes_of_other_jails_and_zones_are_neither_counted_nor_signalled() {
    let jails = Ps { tenant: Some("jid"), ..PS };
    let listing = "    0     1     0 SLs   9-00:00:00 /sbin/init
    0    70     1 S        10:00 /usr/local/sbin/vigo run
    0    30     1 Is    01:00:00 nginx: master process
   12    31     1 Is    02:00:00 nginx: master process
   12    32    31 I     02:00:00 nginx: worker process
   13    71     1 S        10:00 /usr/local/sbin/vigo run
   13    33     1 I     02:00:00 nginx: master process
";
    let names = "    1 init\n   70 vigo\n   71 vigo\n   30 nginx\n   31 nginx\n   32 nginx\n   33 nginx\n";
    let see = |own: &str, listing: &str| {
        observe(&jails, &want("nginx"), &HostFacts::default(), |op| match op.to_string() {
            op if op.starts_with("/bin/sh") => OpOutput::exited(0, own, ""),
            op if op == "ps -axww -o jid= -o pid= -o ppid= -o stat= -o etime= -o args=" => {
                OpOutput::exited(0, listing, "")
            }
            op if op.contains("ucomm=") => OpOutput::exited(0, names, ""),
            op => panic!("{op}"),
        })
    };
    for (own, pids) in [("70\n", [30]), ("71\n", [33])] {
        let Interpreted::Known(state) = see(own, listing) else { panic!("agent {own}") };
        assert_eq!(state.found.iter().map(|p| p.pid).collect::<Vec<_>>(), pids, "agent {own}");
    }
    let without = listing.replace("    0    70", "   70").replace("   12 ", "");
    assert!(matches!(see("70\n", &without), Interpreted::Unknown(_)), "a `ps` that does not know the column");
}

#[test]
fn ages_are_read_in_every_form() {
    for (text, secs) in [("00:05", Some(5)), ("01:00:00", Some(3600)), ("2-00:00:01", Some(172_801)), ("-", None)] {
        assert_eq!(age_secs(text), secs, "{text}");
    }
    assert_eq!(age_secs("99999999999999999999-00:00"), None);
    assert_eq!(age_secs("213503982334602-00:00:00"), None);
}

#[test]
fn what_cannot_be_seen_is_unknown_and_never_stopped() {
    let ok = |text: &str| OpOutput::exited(0, text, "");
    let cut = || OpOutput::Ran(Ran { truncated: true, ..Ran::exited(0, LISTING, "") });
    let gone = || OpOutput::Failed(OpFailure { kind: FailureKind::NoProgram, message: "no `ps`".into() });
    let bytes = || OpOutput::Ran(Ran { stdout: b"\xff\xfe\x00 7 \n".to_vec(), ..Ran::exited(0, "", "") });
    let cases = [
        ("no own number", ok("me\n"), ok(LISTING), ok(NAMES)),
        ("empty", ok("70\n"), ok(""), ok("")),
        ("an error", ok("70\n"), OpOutput::exited(1, "", "ps: kvm_open: no\n"), ok(NAMES)),
        ("no names", ok("70\n"), ok(LISTING), OpOutput::exited(1, "", "ps: ucomm: keyword not found\n")),
        ("cut by its bound", ok("70\n"), cut(), ok(NAMES)),
        ("cut before us", ok("70\n"), ok(&LISTING[..120]), ok(NAMES)),
        ("localised", ok("70\n"), ok("Benutzung: ps [-A]\n"), ok(NAMES)),
        ("not UTF-8", ok("70\n"), bytes(), ok(NAMES)),
        ("no program", ok("70\n"), gone(), gone()),
        ("another answer", ok("70\n"), OpOutput::Missing, ok(NAMES)),
    ];
    for (name, own, listing, names) in cases {
        assert!(matches!(see_with(&want("x"), own, listing, names), Interpreted::Unknown(_)), "{name}");
    }
}

#[test]
fn a_process_is_asked_to_end_then_waited_for_then_killed_if_it_is_still_the_same() {
    let found = alloc::vec![Found { pid: 7, start_time: 0 }, Found { pid: 8, start_time: 0 }];
    let state = State { found: found.clone() };
    let lower = |want: &Want| {
        let ops = PS.lower(want, &state, &[Action::End(found.clone())], &HostFacts::default()).unwrap();
        ops.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let ops = lower(&want("x"));
    assert_eq!(ops[..2], ["signal TERM to 7", "signal TERM to 8"]);
    assert!(ops[2].starts_with("/bin/sh -c ") && ops[2].ends_with(" sh 100 lstart 7 8"), "{}", ops[2]);
    assert_eq!(ops.len(), 3);
    let never = Want { kill_timeout: Duration::ZERO, ..want("x") };
    assert_eq!(lower(&never), ["signal TERM to 7", "signal TERM to 8"]);
    let kill = Want { signal: "KILL".into(), ..want("x") };
    assert_eq!(lower(&kill), ["signal KILL to 7", "signal KILL to 8"]);
}

#[test]
fn processes_are_started_by_what_the_policy_names() {
    let with = |restart: Option<Restart>| Want { restart, ..want("x") };
    let lower = |want: &Want| PS.lower(want, &State { found: Vec::new() }, &[Action::Start], &HostFacts::default());
    let service = with(Some(Restart::Service("x".into())));
    assert_eq!(lower(&service).unwrap()[0].to_string(), "/usr/sbin/service x onerestart");
    let command = with(Some(Restart::Command(Text::plain("x -d"))));
    assert_eq!(lower(&command).unwrap()[0].to_string(), "/bin/sh -c 'x -d'");
    assert!(lower(&with(None)).is_err());
    let unit = with(Some(Restart::Unit("x.service".into())));
    let problem = PS.check(&unit, &HostFacts::default()).unwrap_err();
    assert_eq!(
        problem.message,
        "attribute `restart_method` of type `process` is not supported as `systemctl` on freebsd"
    );
    assert!(lower(&unit).is_err());
}

#[test]
fn older_ones_are_told_by_when_they_were_started() {
    let openbsd = Ps {
        command: "command",
        age: Age::Started,
        state: "state",
        system: "openbsd",
        all: PS.all,
        name: PS.name,
        start: PS.start,
        tenant: None,
        restart: PS.restart,
    };
    let listing = "    1     0 I     Sat Nov 21 10:00:00 2026    /sbin/init
   70     1 S     Sun Nov 22 16:20:16 2026    /usr/local/sbin/vigo run
   30     1 Ip    Sun Nov 22 16:20:16 2026    nginx: master process
   20    30 Ip    Tue Dec  1 00:00:00 2026    nginx: worker process
   21    30 I     Thu Dec 31 23:59:59 2025    nginx: worker process
";
    let names = "    1 init\n   70 vigo\n   30 nginx\n   20 nginx\n   21 nginx\n";
    let seen = observe(&openbsd, &want("nginx"), &HostFacts::default(), |op| {
        OpOutput::exited(
            0,
            if op.to_string().contains("command=") {
                listing
            } else if op.to_string().contains("ucomm=") {
                names
            } else {
                "70\n"
            },
            "",
        )
    });
    let Interpreted::Known(state) = seen else { panic!("{seen:?}") };
    assert_eq!(state.found.iter().map(|p| p.pid).collect::<Vec<_>>(), [21, 30, 20]);
}
