//! Keys and values by reg.exe, against a model of it that prints what Wine's does.

#![expect(clippy::unwrap_used, reason = "a model of a tool: what is not as it should be ends the test")]

use crate::machine::{Model, apply, call, facts, list, no_program, once, prepare, recorded, shown, text, unknown};
use std::collections::BTreeMap;
use vigo_core::action::{Op, OpOutput};
use vigo_core::resource::Datum;

/// Keys with their values, which have a type and printed data.
#[derive(Default, Clone)]
struct Registry {
    keys: BTreeMap<String, BTreeMap<String, (String, String)>>,
    /// A key that nobody may look into.
    closed: Option<&'static str>,
}

impl Registry {
    fn with(keys: &[&str]) -> Self {
        let mut r = Self::default();
        keys.iter().for_each(|key| r.make(key));
        r
    }

    fn make(&mut self, key: &str) {
        let mut at = String::new();
        for part in key.split('\\') {
            at = if at.is_empty() { part.into() } else { format!("{at}\\{part}") };
            self.keys.entry(at.clone()).or_default();
        }
    }

    fn query(&self, key: &str, name: Option<&str>) -> OpOutput {
        let long = |key: &str| key.replacen("HKLM", "HKEY_LOCAL_MACHINE", 1);
        let Some(values) = self.keys.get(key).filter(|_| !self.closed.is_some_and(|c| key.starts_with(c))) else {
            return OpOutput::exited(1, "reg: nothing\r\n", "");
        };
        let line = |name: &str, (kind, data): &(String, String)| {
            let name = if name.is_empty() { "(Default)" } else { name };
            format!("    {name}    {kind}    {data}\r\n")
        };
        match name {
            Some("") if !values.contains_key("") => {
                let out = format!("\r\n{}\r\n    (Default)    REG_SZ    (value not set)\r\n\r\n", long(key));
                OpOutput::exited(0, &out, "")
            }
            Some(name) => match values.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)) {
                Some((_, value)) => OpOutput::exited(0, &format!("\r\n{}\r\n{}\r\n", long(key), line(name, value)), ""),
                None => OpOutput::exited(1, "\r\nreg: nothing\r\n", ""),
            },
            None => {
                let mut out = String::new();
                if !values.is_empty() {
                    let lines: String = values.iter().map(|(name, value)| line(name, value)).collect();
                    out = format!("\r\n{}\r\n{lines}", long(key));
                }
                let below = format!("{key}\\");
                let children: String = self
                    .keys
                    .keys()
                    .filter(|k| k.strip_prefix(&below).is_some_and(|rest| !rest.contains('\\')))
                    .map(|k| format!("{}\r\n", long(k)))
                    .collect();
                OpOutput::exited(0, &format!("{out}\r\n{children}"), "")
            }
        }
    }
}

impl Model for Registry {
    fn perform(&mut self, op: &Op) -> OpOutput {
        let Some(("reg.exe", args)) = call(op) else { return no_program() };
        assert!(["/reg:64", "/reg:32"].contains(args.last().unwrap()), "{args:?}");
        let key = args[1];
        match args[0] {
            "query" => match args[2] {
                "/v" => self.query(key, Some(args[3])),
                "/ve" => self.query(key, Some("")),
                _ => self.query(key, None),
            },
            "add" => {
                self.make(key);
                let (name, rest) = match args[2] {
                    "/v" => (args[3], &args[4..]),
                    "/ve" => ("", &args[3..]),
                    _ => return OpOutput::exited(0, "", ""),
                };
                let ["/t", kind, "/d", data, "/f", _] = rest else { panic!("{args:?}") };
                let data = match *kind {
                    "REG_DWORD" | "REG_QWORD" => format!("0x{:x}", data.parse::<u64>().unwrap()),
                    "REG_BINARY" => data.to_uppercase(),
                    _ => (*data).into(),
                };
                self.keys.get_mut(key).unwrap().insert(name.into(), ((*kind).into(), data));
                OpOutput::exited(0, "", "")
            }
            "delete" if args[2] == "/f" => {
                let below = format!("{key}\\");
                let before = self.keys.len();
                self.keys.retain(|k, _| k != key && !k.starts_with(&below));
                OpOutput::exited(i32::from(before == self.keys.len()), "", "")
            }
            "delete" => {
                let name = if args[2] == "/ve" { "" } else { args[3] };
                let gone = self.keys.get_mut(key).and_then(|values| values.remove(name));
                OpOutput::exited(i32::from(gone.is_none()), "", "")
            }
            other => panic!("{other}"),
        }
    }
}

const KEY: (&str, &str) = ("key", "HKLM\\SOFTWARE\\App\\Deep");

fn attributes<'a>(more: &[(&'a str, Datum)]) -> Vec<(&'a str, Datum)> {
    [(KEY.0, text(KEY.1))].into_iter().chain(more.iter().cloned()).collect()
}

fn machine() -> Registry {
    Registry::with(&["HKLM\\SOFTWARE\\Other", "HKLM\\SYSTEM"])
}

#[test]
fn every_type_of_value_is_written_and_read_back() {
    let cases: [(&str, Datum, &str); 10] = [
        ("string", text("a \"b\" c\\"), "/t REG_SZ /d"),
        ("string", text(""), "/t REG_SZ /d"),
        ("expand", text("%SystemRoot%\\x"), "/t REG_EXPAND_SZ /d"),
        ("dword", text("4294967295"), "/t REG_DWORD /d 4294967295"),
        ("dword", text("0x10"), "/t REG_DWORD /d 16"),
        ("qword", text("5000000000"), "/t REG_QWORD /d 5000000000"),
        ("binary", text("00deadBEEF"), "/t REG_BINARY /d 00deadbeef"),
        ("binary", text(""), "/t REG_BINARY /d"),
        ("multi", list(&["one", "two three"]), "/t REG_MULTI_SZ /d"),
        ("multi", Datum::List(vec![]), "/t REG_MULTI_SZ /d"),
    ];
    for name in ["Port", ""] {
        for (kind, value, expected) in &cases {
            let wanted =
                attributes(&[("value_name", text(name)), ("value", value.clone()), ("value_type", text(kind))]);
            let run = apply(&mut machine(), &facts(), "registry", &wanted);
            assert_eq!(run.failure, None, "{kind} {value:?}");
            assert_eq!(run.ops.len(), 1, "{kind} {value:?}");
            assert!(run.ops[0].contains(expected), "{:?}", run.ops);
            assert_eq!(run.ops[0].contains("/ve"), name.is_empty(), "{:?}", run.ops);
        }
    }
}

#[test]
fn values_and_keys_go_and_come_back() {
    let mut m = machine();
    let port = |more: &[(&'static str, Datum)]| {
        let more: Vec<_> = [("value_name", text("Port"))].into_iter().chain(more.iter().cloned()).collect();
        attributes(&more)
    };
    let run = apply(&mut m, &facts(), "registry", &attributes(&[]));
    assert_eq!(run.ops, ["reg.exe add HKLM\\SOFTWARE\\App\\Deep /f /reg:64"]);
    apply(&mut m, &facts(), "registry", &port(&[("value", text("80")), ("value_type", text("dword"))]));
    let run = apply(&mut m, &facts(), "registry", &port(&[("value", text("80"))]));
    assert_eq!(run.changes, ["value: 80 → 80", "value_type: dword → string"]);
    let run = apply(&mut m, &facts(), "registry", &port(&[("state", text("absent"))]));
    assert_eq!(run.ops, ["reg.exe delete HKLM\\SOFTWARE\\App\\Deep /v Port /f /reg:64"]);

    let above = [("key", text("HKLM\\SOFTWARE\\App")), ("state", text("absent"))];
    let run = once(&mut m, &facts(), "registry", &above);
    assert_eq!(run.failure.as_deref(), Some("key `HKLM\\SOFTWARE\\App` has keys below it"));
    let forced = [above[0].clone(), above[1].clone(), ("force", text("true"))];
    let run = apply(&mut m, &facts(), "registry", &forced);
    assert_eq!(run.ops, ["reg.exe delete HKLM\\SOFTWARE\\App /f /reg:64"]);
    assert!(m.keys.keys().eq(["HKLM", "HKLM\\SOFTWARE", "HKLM\\SOFTWARE\\Other", "HKLM\\SYSTEM"]));
    for gone in [attributes(&[("state", text("absent"))]), port(&[("state", text("absent"))])] {
        assert_eq!(apply(&mut m, &facts(), "registry", &gone).changes.len(), 0);
    }
}

#[test]
fn the_view_of_32_bit_programs_is_another_registry() {
    let wanted = attributes(&[("view", text("32"))]);
    let run = apply(&mut machine(), &facts(), "registry", &wanted);
    assert_eq!(run.ops, ["reg.exe add HKLM\\SOFTWARE\\App\\Deep /f /reg:32"]);
}

#[test]
fn a_key_that_may_not_be_read_is_unknown_and_never_absent() {
    let port = [("value_name", text("Port")), ("state", text("absent"))];
    for closed in ["HKLM\\SOFTWARE\\App\\Deep", "HKLM\\SOFTWARE\\App", "HKLM\\SOFTWARE"] {
        let mut m = machine();
        m.make(KEY.1);
        m.closed = Some(closed);
        for wanted in [attributes(&[]), attributes(&port), attributes(&[("state", text("absent"))])] {
            let why = unknown(&mut m, "registry", &wanted);
            assert!(why.contains("the key is there"), "{closed}: {why}");
        }
    }
    let mut m = machine();
    m.closed = Some("HKLM");
    assert!(unknown(&mut m, "registry", &attributes(&port)).contains("no key above"));
}

#[test]
fn exit_0_of_a_program_that_does_nothing_is_unknown() {
    let silent = || |_: &Op| OpOutput::exited(0, "", "");
    let wants = [
        attributes(&[]),
        attributes(&[("state", text("absent"))]),
        attributes(&[("value_name", text("Port")), ("value", text("x"))]),
        attributes(&[("value_name", text("")), ("value", text("x"))]),
        attributes(&[("value_name", text("Port")), ("state", text("absent"))]),
    ];
    for wanted in wants {
        unknown(&mut silent(), "registry", &wanted);
        unknown(&mut |_: &Op| OpOutput::exited(0, "\u{fffd}\0\u{fffd}", ""), "registry", &wanted);
        unknown(&mut |_: &Op| OpOutput::exited(1, "", ""), "registry", &wanted);
        unknown(&mut |_: &Op| OpOutput::exited(-1, "", ""), "registry", &wanted);
        unknown(&mut |_: &Op| no_program(), "registry", &wanted);
        unknown(&mut |_: &Op| OpOutput::Missing, "registry", &wanted);
    }
}

#[test]
fn a_value_that_is_not_set_although_reg_exits_0_did_not_settle() {
    let mut m = machine();
    let mut stub = move |op: &Op| match call(op) {
        Some((_, args)) if args[0] == "query" => m.perform(op),
        _ => OpOutput::exited(0, "", ""),
    };
    let wanted = attributes(&[("value_name", text("Port")), ("value", text("x"))]);
    assert_eq!(once(&mut stub, &facts(), "registry", &wanted).failure.as_deref(), Some("did not settle"));
}

#[test]
fn letters_that_reg_prints_as_others_are_not_supported() {
    let cases: [(&str, &[(&str, Datum)]); 4] = [
        ("key", &[("key", text("HKLM\\SOFTWARE\\Käse"))]),
        ("value_name", &[("key", text("HKLM\\x")), ("value_name", text("é")), ("value", text("x"))]),
        ("value", &[("key", text("HKLM\\x")), ("value_name", text("x")), ("value", text("é"))]),
        (
            "value",
            &[
                ("key", text("HKLM\\x")),
                ("value_name", text("x")),
                ("value", list(&["é"])),
                ("value_type", text("multi")),
            ],
        ),
    ];
    for (attribute, wanted) in cases {
        let problem = prepare(&facts(), "registry", wanted).err().expect("a problem").to_string();
        let expected =
            format!("attribute `{attribute}` of type `registry` with letters beyond ASCII is not supported on windows");
        assert_eq!(problem, expected);
    }
}

/// What Wine's reg.exe answered.
fn wine(op: &Op) -> OpOutput {
    let line = shown(op).replace("HKLM\\SOFTWARE\\", "");
    recorded(match line.as_str() {
        "reg.exe query HKLM /reg:64" => include_str!("../fixtures/wine/8.0/reg-query-machine.txt"),
        "reg.exe query HKLM\\SOFTWARE /reg:64" => include_str!("../fixtures/wine/8.0/reg-query-software.txt"),
        "reg.exe query Feas /reg:64" => include_str!("../fixtures/wine/8.0/reg-query-key.txt"),
        "reg.exe query Feas\\Empty /reg:64" => include_str!("../fixtures/wine/8.0/reg-query-empty-key.txt"),
        "reg.exe query Feas\\Empty /ve /reg:64" => {
            include_str!("../fixtures/wine/8.0/reg-query-default-not-set.txt")
        }
        "reg.exe query Feas /ve /reg:64" => include_str!("../fixtures/wine/8.0/reg-query-default.txt"),
        "reg.exe query Feas /v Text /reg:64" => include_str!("../fixtures/wine/8.0/reg-query-text.txt"),
        "reg.exe query Feas /v Expand /reg:64" => include_str!("../fixtures/wine/8.0/reg-query-expand.txt"),
        "reg.exe query Feas /v Number /reg:64" => include_str!("../fixtures/wine/8.0/reg-query-number.txt"),
        "reg.exe query Feas /v Long /reg:64" => include_str!("../fixtures/wine/8.0/reg-query-long.txt"),
        "reg.exe query Feas /v Bytes /reg:64" => include_str!("../fixtures/wine/8.0/reg-query-bytes.txt"),
        "reg.exe query Feas /v Nothing /reg:64" => include_str!("../fixtures/wine/8.0/reg-query-nothing.txt"),
        "reg.exe query Feas /v Lines /reg:64" => include_str!("../fixtures/wine/8.0/reg-query-lines.txt"),
        line if line.contains("two WORDS") => include_str!("../fixtures/wine/8.0/reg-query-words.txt"),
        line if line.starts_with("reg.exe query Feas /v") => {
            include_str!("../fixtures/wine/8.0/reg-query-absent-value.txt")
        }
        line if line.starts_with("reg.exe query") => include_str!("../fixtures/wine/8.0/reg-query-missing-key.txt"),
        line => panic!("{line}"),
    })
}

#[test]
fn what_reg_of_wine_prints_is_read() {
    let in_sync = |name: &str, value: Datum, kind: &str| {
        let wanted = [
            ("key", text("HKLM\\SOFTWARE\\Feas")),
            ("value_name", text(name)),
            ("value", value),
            ("value_type", text(kind)),
        ];
        once(&mut wine, &facts(), "registry", &wanted)
    };
    for (name, value, kind) in [
        ("Text", text("a \"b\" c\\"), "string"),
        ("Expand", text("%SystemRoot%\\x"), "expand"),
        ("Number", text("0xffffffff"), "dword"),
        ("Bytes", text("00deadbeef"), "binary"),
        ("Nothing", text(""), "string"),
        ("two WORDS", list(&["one", "two three"]), "multi"),
        ("", text("dear"), "string"),
    ] {
        let run = in_sync(name, value, kind);
        assert_eq!((run.failure, run.changes.len()), (None, 0), "{name}");
    }
    // It prints no number of 64 bits.
    let run = in_sync("Long", text("5000000000"), "qword");
    assert!(run.failure.is_some_and(|why| why.contains("tells no value")));
}

#[test]
fn text_of_several_lines_is_read_whole() {
    let wanted = [("key", text("HKLM\\SOFTWARE\\Feas")), ("value_name", text("Lines")), ("value", text("first"))];
    let facts = facts();
    let mut instance = prepare(&facts, "registry", &wanted).unwrap();
    crate::machine::observe(&mut wine, &facts, &mut *instance).unwrap();
    let verdict = instance.compare(vigo_core::host::Phase::Before);
    assert_eq!(verdict.changes[0].before, "first\n    Other    REG_DWORD    0x1\nlast");
    // The line that only looks like a value of that name is no reason to believe that there is none.
    let other = [("key", text("HKLM\\SOFTWARE\\Feas")), ("value_name", text("Other")), ("state", text("absent"))];
    assert!(unknown(&mut wine, "registry", &other).contains("the value is there"));
}

#[test]
fn a_default_value_that_is_not_set_is_absent() {
    let wanted = [("key", text("HKLM\\SOFTWARE\\Feas\\Empty")), ("value_name", text("")), ("state", text("absent"))];
    let run = once(&mut wine, &facts(), "registry", &wanted);
    assert_eq!((run.failure, run.changes.len()), (None, 0));
}

#[test]
fn keys_are_found_and_missed_as_wine_lists_them() {
    let key = |key: &str| [("key", text(key))];
    for there in ["HKLM\\SOFTWARE\\Feas", "HKLM\\SOFTWARE\\Feas\\Empty"] {
        assert_eq!(once(&mut wine, &facts(), "registry", &key(there)).changes.len(), 0, "{there}");
    }
    for missing in ["HKLM\\SOFTWARE\\Absent", "HKLM\\SOFTWARE\\Absent\\Deep", "HKLM\\Absent\\Deep\\Deeper"] {
        let facts = facts();
        let mut instance = prepare(&facts, "registry", &key(missing)).unwrap();
        crate::machine::observe(&mut wine, &facts, &mut *instance).unwrap();
        assert_eq!(instance.compare(vigo_core::host::Phase::Before).changes.len(), 1, "{missing}");
    }
}
