//! What is done, for every state that is found and every one that is wanted: a table a type, as an operator would read it.

use crate::accounts::{group, machine, user};
use crate::cron::task;
use crate::machine::{Model, call, facts, list, once, secret, text};
use std::fmt::Write as _;
use vigo_core::action::{Op, OpOutput};
use vigo_core::host::HostFacts;
use vigo_core::resource::Datum;

/// A state by its name, and what it answers.
type Found<'a> = (&'a str, &'a mut dyn FnMut(&Op) -> OpOutput);

type Wants<'a> = &'a [(&'a str, Vec<(&'a str, Datum)>)];

/// Returns the table of a type: what is wanted, what is found, the changes, and the operations of the first round.
fn table(type_name: &str, wants: Wants<'_>, states: &mut [Found<'_>]) -> String {
    table_on(&facts(), type_name, wants, states)
}

fn table_on(facts: &HostFacts, type_name: &str, wants: Wants<'_>, states: &mut [Found<'_>]) -> String {
    let mut table = String::new();
    for (wanted, attributes) in wants {
        writeln!(table, "{wanted}").expect("a text");
        for (found, model) in states.iter_mut() {
            let mut looks = |op: &Op| model(op);
            let run = once(&mut looks, facts, type_name, attributes);
            let usual = |why: &String| why == "did not settle";
            let failed = run.failure.filter(|why| !usual(why)).map(|why| format!("failed: {why}"));
            let all: Vec<String> = run.changes.into_iter().chain(failed).collect();
            let said = if all.is_empty() { "in order".into() } else { all.join("; ") };
            writeln!(table, "  {found}: {said}").expect("a text");
            for op in run.ops {
                let start = "powershell.exe -NoProfile -NonInteractive -ExecutionPolicy Bypass -Command \
                             $ErrorActionPreference='Stop'; ";
                let op = op.replace("WindowsPowerShell\\v1.0\\", "").replace(start, "powershell: ");
                writeln!(table, "    {op}").expect("a text");
            }
        }
    }
    table
}

fn with<'a>(first: (&'a str, &str), more: &[(&'a str, Datum)]) -> Vec<(&'a str, Datum)> {
    [(first.0, text(first.1))].into_iter().chain(more.iter().cloned()).collect()
}

#[test]
fn services() {
    let service = |more: &[(&'static str, Datum)]| with(("service", "food"), more);
    let answers = |state: u32, start: u32| {
        move |op: &Op| match call(op).map(|(_, args)| args.first().copied().unwrap_or_default().to_owned()) {
            Some(verb) if verb == "queryex" => {
                OpOutput::exited(0, &format!("        STATE              : {state}  X\r\n"), "")
            }
            Some(verb) if verb == "qc" => {
                OpOutput::exited(0, &format!("        START_TYPE         : {start}   X\r\n"), "")
            }
            Some(verb) if verb == "enumdepend" => OpOutput::exited(0, "entriesRead = 0\r\n", ""),
            Some(verb) if verb == "query" => OpOutput::exited(
                0,
                &format!("\r\nHKEY_LOCAL_MACHINE\\X\r\n    Start    REG_DWORD    {start:#x}\r\n\r\n"),
                "",
            ),
            _ => OpOutput::exited(0, "", ""),
        }
    };
    let seen = table(
        "service",
        &[
            ("running", service(&[])),
            ("stopped", service(&[("state", text("stopped"))])),
            ("enabled", service(&[("enabled", text("true")), ("state", text("unmanaged"))])),
            ("disabled", service(&[("enabled", text("false")), ("state", text("unmanaged"))])),
            ("started late", service(&[("start_type", text("delayed"))])),
            ("started by hand", service(&[("start_type", text("manual")), ("state", text("stopped"))])),
        ],
        &mut [
            ("runs, automatic", &mut answers(4, 2)),
            ("stopped, automatic", &mut answers(1, 2)),
            ("stopped, by hand", &mut answers(1, 3)),
            ("stopped, disabled", &mut answers(1, 4)),
            ("paused, automatic", &mut answers(7, 2)),
        ],
    );
    insta::assert_snapshot!(seen);
}

#[test]
fn values_of_the_registry() {
    let value = |more: &[(&'static str, Datum)]| with(("key", "HKLM\\SOFTWARE\\App"), more);
    let port = |more: &[(&'static str, Datum)]| {
        let more: Vec<_> = [("value_name", text("Port"))].into_iter().chain(more.iter().cloned()).collect();
        value(&more)
    };
    let answers = |key: bool, port: Option<&'static str>| {
        move |op: &Op| match call(op) {
            Some((_, args)) if args[..2] == ["query", "HKLM\\SOFTWARE"] => {
                OpOutput::exited(0, if key { "\r\nHKEY_LOCAL_MACHINE\\SOFTWARE\\App\r\n" } else { "\r\n" }, "")
            }
            Some((_, args)) if args[0] == "query" && args[2] == "/v" => match port {
                Some(port) => OpOutput::exited(
                    0,
                    &format!("\r\nHKEY_LOCAL_MACHINE\\SOFTWARE\\App\r\n    Port    {port}\r\n\r\n"),
                    "",
                ),
                None => OpOutput::exited(1, "", ""),
            },
            Some((_, args)) if args[0] == "query" && key => OpOutput::exited(0, "\r\n", ""),
            Some((_, args)) if args[0] == "query" => OpOutput::exited(1, "", ""),
            _ => OpOutput::exited(0, "", ""),
        }
    };
    let seen = table(
        "registry",
        &[
            ("the key", value(&[])),
            ("no key", value(&[("state", text("absent"))])),
            ("the number 80", port(&[("value", text("80")), ("value_type", text("dword"))])),
            ("the text 80, for 32 bits", port(&[("value", text("80")), ("view", text("32"))])),
            ("no value", port(&[("state", text("absent"))])),
        ],
        &mut [
            ("nothing", &mut answers(false, None)),
            ("an empty key", &mut answers(true, None)),
            ("the number 80", &mut answers(true, Some("REG_DWORD    0x50"))),
            ("the text 80", &mut answers(true, Some("REG_SZ    80"))),
        ],
    );
    insta::assert_snapshot!(seen);
}

#[test]
fn users() {
    let bob = |more: &[(&'static str, Datum)]| with(("username", "bob"), more);
    let (mut there, mut wrong, mut none) = (machine(), machine(), machine());
    wrong.logon = 1326;
    none.lines.retain(|line| !line.contains("-1001 ="));
    let mut locked = machine();
    locked.lines[1] = user(1001, "bob", false, "2030-01-01", "x");
    let seen = table(
        "user",
        &[
            ("present", bob(&[])),
            ("absent", bob(&[("state", text("absent"))])),
            ("with a first password", bob(&[("password", secret("hunter2", "people/bob"))])),
            (
                "with a password",
                bob(&[("password", secret("hunter2", "people/bob")), ("update_password", text("always"))]),
            ),
            (
                "with a password, locked",
                bob(&[
                    ("password", secret("hunter2", "people/bob")),
                    ("update_password", text("always")),
                    ("locked", text("true")),
                ]),
            ),
            ("open", bob(&[("locked", text("false"))])),
            ("comment, home, day", bob(&[("comment", text("it's Bob")), ("expires", text("2031-02-03"))])),
            ("never closed", bob(&[("expires", text("never"))])),
            ("exactly in ops", bob(&[("groups", text("ops")), ("groups_exact", text("true"))])),
            ("among others in administrators", bob(&[("groups", list(&["S-1-5-32-544"]))])),
        ],
        &mut [
            ("nobody", &mut |op: &Op| none.perform(op)),
            ("bob", &mut |op: &Op| there.perform(op)),
            ("bob with another password", &mut |op: &Op| wrong.perform(op)),
            ("bob, locked, till 2030", &mut |op: &Op| locked.perform(op)),
        ],
    );
    insta::assert_snapshot!(seen);
}

#[test]
fn groups() {
    let ops = |more: &[(&'static str, Datum)]| with(("group", "ops"), more);
    let (mut there, mut none) = (machine(), machine());
    none.lines.retain(|line| !line.contains("-1005 ="));
    let mut empty = machine();
    empty.lines[5] = group("S-1-5-21-1-2-3-1005", "ops", &[]);
    let seen = table(
        "group",
        &[
            ("present", ops(&[])),
            ("absent", ops(&[("state", text("absent"))])),
            ("bob alone", ops(&[("members", text("bob"))])),
            ("bob at least", ops(&[("members", text("bob")), ("members_exact", text("false"))])),
            ("nobody", ops(&[("members", list(&[]))])),
        ],
        &mut [
            ("no group", &mut |op: &Op| none.perform(op)),
            ("nobody in it", &mut |op: &Op| empty.perform(op)),
            ("bob and carol in it", &mut |op: &Op| there.perform(op)),
        ],
    );
    insta::assert_snapshot!(seen);
}

#[test]
fn processes_names_and_zones() {
    let process = |more: &[(&'static str, Datum)]| with(("process", "food"), more);
    let tasks = |count: u32| {
        move |_: &Op| {
            let rows: String =
                (1..=count).map(|pid| format!("\"food.exe\",\"{pid}\",\"Services\",\"0\",\"1 K\"\r\n")).collect();
            OpOutput::exited(0, &format!("{rows}\"tasklist.exe\",\"900\",\"Services\",\"0\",\"1 K\"\r\n"), "")
        }
    };
    let mut all = table(
        "process",
        &[
            ("stopped", process(&[("state", text("stopped"))])),
            ("stopped at once", process(&[("state", text("stopped")), ("signal", text("KILL"))])),
            ("one at most", process(&[("max", text("1")), ("kill_excess", text("true")), ("kill_timeout", text("0"))])),
            ("running, as a service", process(&[("restart_method", text("service")), ("restart_unit", text("food"))])),
            (
                "running, by a command",
                process(&[("restart_method", text("command")), ("restart_command", text("x y"))]),
            ),
            ("running, somehow", process(&[])),
        ],
        &mut [("none", &mut tasks(0)), ("one", &mut tasks(1)), ("two", &mut tasks(2))],
    );
    let name = |pending: &'static str| {
        move |op: &Op| match call(op).map(|(_, args)| args.last().copied().unwrap_or_default().to_owned()) {
            Some(name) if name == "Domain" => OpOutput::exited(1, "", ""),
            Some(name) => OpOutput::exited(0, &format!("\r\nX\r\n    {name}    REG_SZ    {pending}\r\n\r\n"), ""),
            None => OpOutput::Missing,
        }
    };
    all += &table(
        "hostname",
        &[("the name web-1", with(("hostname", "Web-1"), &[]))],
        &mut [("WEB-1", &mut name("WEB-1")), ("OLD", &mut name("OLD"))],
    );
    let zone = |zone: &'static str| move |_: &Op| OpOutput::exited(0, zone, "");
    all += &table(
        "timezone",
        &[("the zone Europe/Vienna", with(("timezone", "Europe/Vienna"), &[]))],
        &mut [
            ("W. Europe Standard Time", &mut zone("W. Europe Standard Time")),
            ("UTC", &mut zone("UTC")),
            ("without summer", &mut zone("W. Europe Standard Time_dstoff")),
        ],
    );
    insta::assert_snapshot!(all);
}

#[test]
fn jobs() {
    let job = |more: &[(&'static str, Datum)]| with(("cron", "job"), more);
    let nightly = job(&[("schedule", text("30 2 * * *")), ("command", text("C:\\tools\\run.cmd"))]);
    let hourly = job(&[("schedule", text("@hourly")), ("command", text("x")), ("user", text("bob"))]);
    let own = task(&nightly);
    let switched_off = own.replace("<Enabled>true</Enabled></Settings>", "<Enabled>false</Enabled></Settings>");
    let limited = own.replace("PT0S", "PT72H");
    let answers = |task: Option<String>| {
        move |op: &Op| match (call(op), &task) {
            (None, _) => OpOutput::Done,
            (Some((_, args)), Some(task)) if args.contains(&"/XML") && args[0] == "/Query" => {
                OpOutput::exited(0, task, "")
            }
            (Some((_, args)), None) if args.contains(&"/XML") && args[0] == "/Query" => OpOutput::exited(1, "", "X"),
            (Some((_, args)), _) if args[0] == "/Query" => OpOutput::exited(0, "\"\\Other\",\"N/A\",\"X\"\r\n", ""),
            _ => OpOutput::exited(0, "", ""),
        }
    };
    let seen = table(
        "cron",
        &[
            ("every night", nightly),
            ("each hour, as bob", hourly),
            ("at boot", job(&[("schedule", text("@reboot")), ("command", text("x"))])),
            ("none", job(&[("state", text("absent"))])),
        ],
        &mut [
            ("no task", &mut answers(None)),
            ("every night", &mut answers(Some(own))),
            ("every night, switched off", &mut answers(Some(switched_off))),
            ("every night, three days at most", &mut answers(Some(limited))),
            ("a stub that says nothing", &mut |_: &Op| OpOutput::exited(0, "", "")),
        ],
    );
    insta::assert_snapshot!(seen);
}

#[test]
fn sources() {
    let own = |more: &[(&'static str, Datum)]| with(("repository", "own"), more);
    let url = "https://a.example/nuget";
    let choco = |rows: &'static str| {
        move |op: &Op| match call(op) {
            Some((_, args)) if args[0] == "--version" => OpOutput::exited(0, "2.2.2\r\n", ""),
            Some((_, args)) if args[..2] == ["source", "list"] => OpOutput::exited(0, rows, ""),
            _ => OpOutput::exited(0, "", ""),
        }
    };
    let scoop = |rows: &'static str| {
        move |op: &Op| match call(op) {
            Some((_, args)) if args[..2] == ["bucket", "list"] => OpOutput::exited(0, rows, ""),
            _ => OpOutput::exited(0, "", ""),
        }
    };
    let has = |program: &str| HostFacts { programs: [program.into()].into(), ..facts() };
    let mut all = String::from("choco\n");
    all += &table_on(
        &has("choco.exe"),
        "repository",
        &[
            ("there", own(&[("repo", text(url))])),
            ("there, off", own(&[("repo", text(url)), ("enabled", text("false"))])),
            ("gone", own(&[("state", text("absent"))])),
        ],
        &mut [
            ("no source of the name", &mut choco("other|https://b.example|False|||0|False|False|False\r\n")),
            ("the source", &mut choco("own|https://a.example/nuget|False|||0|False|False|False\r\n")),
            ("the source, off", &mut choco("own|https://a.example/nuget|True|||0|False|False|False\r\n")),
            ("another address", &mut choco("own|https://b.example/nuget|False|||0|False|False|False\r\n")),
            ("a stub that says nothing", &mut |_: &Op| OpOutput::exited(0, "", "")),
        ],
    );
    all += "scoop\n";
    all += &table_on(
        &has("scoop.cmd"),
        "repository",
        &[("there", own(&[("repo", text(url))])), ("gone", own(&[("state", text("absent"))]))],
        &mut [
            ("no bucket", &mut scoop("WARN  No bucket found. Please run ...\r\n")),
            (
                "the bucket",
                &mut scoop("Name Source Updated\r\n---- ------ -------\r\nown https://a.example/nuget x\r\n"),
            ),
            (
                "another address",
                &mut scoop("Name Source Updated\r\n---- ------ ----\r\nown https://b.example/nuget x\r\n"),
            ),
            ("a stub that says nothing", &mut scoop("")),
        ],
    );
    insta::assert_snapshot!(all);
}
