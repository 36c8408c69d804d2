//! What is done, for every state that is found and every one that is wanted: a table a type, as an operator would read it.

use crate::accounts::{group, machine, user};
use crate::machine::{Model, call, facts, list, once, secret, text};
use std::fmt::Write as _;
use vigo_core::action::{Op, OpOutput};
use vigo_core::resource::Datum;

/// A state by its name, and what it answers.
type Found<'a> = (&'a str, &'a mut dyn FnMut(&Op) -> OpOutput);

type Wants<'a> = &'a [(&'a str, Vec<(&'a str, Datum)>)];

/// Returns the table of a type: what is wanted, what is found, the changes, and the operations of the first round.
fn table(type_name: &str, wants: Wants<'_>, states: &mut [Found<'_>]) -> String {
    let mut table = String::new();
    for (wanted, attributes) in wants {
        writeln!(table, "{wanted}").expect("a text");
        for (found, model) in states.iter_mut() {
            let mut looks = |op: &Op| model(op);
            let run = once(&mut looks, &facts(), type_name, attributes);
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
            ("with a password", bob(&[("password", secret("hunter2", "people/bob"))])),
            (
                "with a password, locked",
                bob(&[("password", secret("hunter2", "people/bob")), ("locked", text("true"))]),
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
