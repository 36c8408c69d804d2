//! Packages by choco, winget and scoop, against their printed lists.

use crate::machine::{call, facts, once, prepare, text, unknown};
use vigo_core::action::{Op, OpOutput};
use vigo_core::host::HostFacts;
use vigo_core::resource::Datum;

const NONE_FOUND: i32 = -1_978_335_212;

fn has(program: &str) -> HostFacts {
    HostFacts { programs: [program.into()].into(), ..facts() }
}

fn food<'a>(more: &[(&'a str, Datum)]) -> Vec<(&'a str, Datum)> {
    [("package", text("Food"))].into_iter().chain(more.iter().cloned()).collect()
}

/// Returns what is done about a package, and the changes; the machine stays as it is.
fn run(program: &'static str, answer: fn(&str) -> OpOutput, more: &[(&str, Datum)]) -> (Vec<String>, Vec<String>) {
    let mut model = move |op: &Op| match call(op) {
        Some((_, args)) => answer(&args.join(" ")),
        None => panic!("{op}"),
    };
    let run = once(&mut model, &has(program), "package", &food(more));
    // It is only looked at what is done: nothing comes of it.
    let failure = run.failure.filter(|why| !why.contains("reported success") && why != "did not settle");
    (run.changes.into_iter().chain(failure).collect(), run.ops)
}

fn choco(line: &str) -> OpOutput {
    OpOutput::exited(
        0,
        match line {
            "--version" => "2.2.2\r\n",
            "list --limit-output" => "chocolatey|2.2.2\r\nfood|1.10.0\r\ngit.install|2.40.0\r\n",
            "outdated --limit-output --ignore-unfound" => {
                "food|1.10.0|1.11.0|false\r\ngit.install|2.40.0|2.41.0|true\r\n"
            }
            "pin list --limit-output" => "git.install|2.40.0\r\n",
            line if line.starts_with("list") => panic!("{line}"),
            _ => "",
        },
        "",
    )
}

fn winget(line: &str) -> OpOutput {
    match line {
        line if line.starts_with("list --id Food --exact") => OpOutput::exited(
            0,
            "Name           ID   Version  Verfügbar Quelle\r\n--------------------------------------\r\nFood for all  Food 1.10.0   1.11.0    winget\r\n",
            "",
        ),
        line if line.starts_with("list") => OpOutput::exited(NONE_FOUND, "Es wurde kein Paket gefunden.\r\n", ""),
        line if line.starts_with("upgrade --accept") => OpOutput::exited(
            0,
            "Name           ID   Version  Verfügbar Quelle\r\n-------------------------------------------\r\nFood for all  Food 1.10.0   1.11.0    winget\r\n1 Aktualisierungen verfügbar.\r\n2 package(s) have version numbers that cannot be determined.\r\n",
            "",
        ),
        _ => OpOutput::exited(0, "", ""),
    }
}

fn scoop(line: &str) -> OpOutput {
    OpOutput::exited(
        0,
        match line {
            "list" => {
                "Installed apps:\r\n\r\nName Version Source Updated             Info\r\n---- ------- ------ -------             ----\r\nfood 1.10.0  main   2026-01-01 10:00:00 Global install\r\n"
            }
            "status" => {
                "Name Installed Version Latest Version Missing Dependencies Info\r\n---- ----------------- -------------- -------------------- ----\r\nfood 1.10.0            1.11.0\r\n"
            }
            _ => "",
        },
        "",
    )
}

type Tool = (&'static str, fn(&str) -> OpOutput);
const TOOLS: [Tool; 3] = [("choco.exe", choco), ("winget.exe", winget), ("scoop.cmd", scoop)];

#[test]
fn ids_are_found_in_any_case_and_what_is_right_stays() {
    for (program, answer) in TOOLS {
        for more in [vec![], vec![("version", text("1.10.0"))], vec![("version", text("1.10"))]] {
            assert_eq!(run(program, answer, &more), (vec![], vec![]), "{program} {more:?}");
        }
    }
}

#[test]
fn what_is_lowered_for_each_manager() {
    let wants: [(&str, &[(&str, Datum)]); 5] = [
        ("another version", &[("version", text("1.12"))]),
        ("latest", &[("state", text("latest"))]),
        ("absent", &[("state", text("absent"))]),
        ("flags", &[("state", text("absent")), ("flags", text("--a --b"))]),
        ("older", &[("version", text("1.2"))]),
    ];
    let mut table = String::new();
    for (program, answer) in TOOLS {
        for (name, more) in &wants {
            let (changes, ops) = run(program, answer, more);
            table += &format!("{program}, {name}: {}\n", changes.join(", "));
            ops.iter().for_each(|op| table += &format!("    {op}\n"));
        }
        let mut model = move |op: &Op| answer(&call(op).map(|(_, args)| args.join(" ")).unwrap_or_default());
        for (name, wanted) in [
            ("missing", vec![("package", text("Other"))]),
            ("missing, a version", vec![("package", text("Other")), ("version", text("2.0"))]),
            ("everything", vec![("package", text("*")), ("state", text("latest"))]),
        ] {
            let run = once(&mut model, &has(program), "package", &wanted);
            table += &format!("{program}, {name}: {}\n", run.changes.join(", "));
            run.ops.iter().for_each(|op| table += &format!("    {op}\n"));
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn installers_that_want_a_restart_have_succeeded() {
    for code in [0, 1641, 3010] {
        let mut installed = false;
        let mut model = |op: &Op| match call(op).map(|(_, args)| args.join(" ")).as_deref() {
            Some("--version") => OpOutput::exited(0, "2.2.2\r\n", ""),
            Some("list --limit-output") if installed => OpOutput::exited(0, "chocolatey|2.2.2\r\nfood|1.0\r\n", ""),
            Some("list --limit-output") => OpOutput::exited(0, "chocolatey|2.2.2\r\n", ""),
            _ => {
                installed = true;
                OpOutput::exited(code, "", "")
            }
        };
        let run = once(&mut model, &has("choco.exe"), "package", &food(&[]));
        assert_eq!((run.failure, run.ops.len()), (None, 1), "{code}");
        let is_told = run.notes.iter().any(|note| note.ends_with("is done when the machine has been started again"));
        assert_eq!(is_told, code != 0, "{:?}", run.notes);
    }
    let mut fails = |op: &Op| match call(op).map(|(_, args)| args.join(" ")).as_deref() {
        Some("--version") => OpOutput::exited(0, "2.2.2\r\n", ""),
        Some("list --limit-output") => OpOutput::exited(0, "chocolatey|2.2.2\r\n", ""),
        _ => OpOutput::exited(1603, "", ""),
    };
    assert!(once(&mut fails, &has("choco.exe"), "package", &food(&[])).failure.is_some());
}

#[test]
fn exit_0_of_a_manager_that_did_nothing_is_a_failure() {
    for (program, answer) in TOOLS {
        let mut model = move |op: &Op| answer(&call(op).map(|(_, args)| args.join(" ")).unwrap_or_default());
        let run = once(&mut model, &has(program), "package", &[("package", text("Other"))]);
        let why = run.failure.unwrap_or_default();
        assert!(why.contains("reported success, but `Other` is absent"), "{program}: {why}");
    }
}

#[test]
fn an_old_choco_is_asked_about_the_machine_and_not_about_the_world() {
    let mut asked = Vec::new();
    let mut model = |op: &Op| {
        let line = call(op).map(|(_, args)| args.join(" ")).unwrap_or_default();
        asked.push(line.clone());
        OpOutput::exited(
            0,
            if line == "--version" { "a notice\r\n1.4.0\r\n" } else { "chocolatey|1.4.0\r\nfood|1\r\n" },
            "",
        )
    };
    once(&mut model, &has("choco.exe"), "package", &food(&[]));
    assert_eq!(asked, ["--version", "list --local-only --limit-output"]);
}

#[test]
fn silence_and_nonsense_are_unknown_and_never_absent() {
    for (program, _) in TOOLS {
        for (code, out) in [(0, ""), (1, ""), (0, "\u{fffd}\0"), (0, "Food"), (1, "food|1.0\r\n"), (-1, "Food 1.0")] {
            let mut model = |_: &Op| OpOutput::exited(code, out, "");
            for more in [vec![], vec![("state", text("absent"))], vec![("state", text("latest"))]] {
                let mut instance = prepare(&has(program), "package", &food(&more)).expect("an instance");
                let seen = crate::machine::observe(&mut model, &has(program), &mut *instance);
                assert!(seen.is_err(), "{program} {code} {out:?}: {seen:?}");
            }
        }
    }
    let none = |_: &Op| OpOutput::Missing;
    unknown(&mut { none }, "package", &food(&[("manager", text("choco"))]));
}

#[test]
fn the_first_manager_that_the_machine_has_is_taken() {
    let all = HostFacts { programs: ["scoop.cmd".into(), "choco.exe".into()].into(), ..facts() };
    let mut asked = Vec::new();
    let mut model = |op: &Op| {
        asked.push(call(op).map(|(program, _)| program.to_owned()).unwrap_or_default());
        OpOutput::Missing
    };
    once(&mut model, &all, "package", &food(&[]));
    once(&mut model, &all, "package", &food(&[("manager", text("winget"))]));
    assert_eq!(asked, ["choco.exe", "winget.exe"]);
    let said = |facts: &HostFacts, more: &[(&str, Datum)]| {
        prepare(facts, "package", &food(more)).err().expect("a problem").to_string()
    };
    assert_eq!(said(&facts(), &[]), "type `package` found no package manager on windows");
    assert_eq!(said(&all, &[("manager", text("apt"))]), "manager `apt` of type `package` is not supported on windows");
}

#[test]
fn what_a_manager_has_no_way_to_do_is_refused_when_the_plan_is_made() {
    for (program, _) in TOOLS {
        for (attribute, more) in [
            ("purge", vec![("state", text("absent")), ("purge", text("true"))]),
            ("allow_downgrade", vec![("version", text("1")), ("allow_downgrade", text("true"))]),
            ("update_cache", vec![("update_cache", text("true"))]),
            ("post_cleanup", vec![("post_cleanup", text("true"))]),
            ("version", vec![("version", text("1.*"))]),
            ("lock_version", vec![("version", text("1")), ("lock_version", text("true"))]),
        ] {
            let refused = prepare(&has(program), "package", &food(&more)).err().map(|p| p.to_string());
            if attribute == "lock_version" && program == "choco.exe" {
                assert_eq!(refused, None);
            } else {
                assert!(refused.is_some_and(|why| why.contains(&format!("attribute `{attribute}`"))), "{attribute}");
            }
        }
    }
}
