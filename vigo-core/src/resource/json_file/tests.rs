use super::DECL;
use super::edit::{JsonFile, Spec, remove};
use super::json::Json;
use super::path::steps;
use crate::resource::Datum;
use crate::resource::editing::Editor;
use crate::resource::rig::{Checks, Disk, checked, list, plain, secret};
use crate::value::Text;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use proptest::prelude::*;

fn quoted(text: &str) -> Datum {
    Datum::Scalar { text: Text::plain(text), plain: false }
}

#[test]
fn attributes_are_checked() {
    let cases: Checks<'_> = &[
        ("plain", &[("key", "a.b"), ("value", "1")], ""),
        ("tab", &[("key", "a"), ("value", "1"), ("indent", "tab")], ""),
        ("no value", &[("key", "a")], "type `json_file` needs `value`"),
        ("word", &[("key", "a"), ("value", "abc")], "attribute `value`: expected a JSON literal, found `abc`"),
        (
            "broken",
            &[("key", "a"), ("value", "{\"a\":")],
            "attribute `value`: expected a JSON literal, found `{\"a\":`",
        ),
        (
            "empty step",
            &[("key", "a..b"), ("value", "1")],
            "attribute `key`: expected a dotted path without empty steps, found `a..b`",
        ),
        ("escape", &[("key", "a\\b"), ("value", "1")], "attribute `key`: expected `\\.` or `\\\\`, found `a\\b`"),
        (
            "append in the middle",
            &[("key", "a.-.b"), ("value", "1")],
            "attribute `key`: expected `-` as the last step only, found `a.-.b`",
        ),
        (
            "append removed",
            &[("key", "a.-"), ("state", "absent")],
            "attribute `key`: expected a place to remove, found `-`",
        ),
        (
            "indent",
            &[("key", "a"), ("value", "1"), ("indent", "99")],
            "attribute `indent`: expected 0 to 16 spaces or `tab`, found `99`",
        ),
    ];
    for (name, attributes, expected) in cases {
        let attributes: Vec<_> = [("target_path", "/etc/x")].iter().chain(*attributes).copied().collect();
        assert_eq!(checked(&DECL, &attributes).join("; "), *expected, "{name}");
    }
}

#[test]
fn the_help_shows_how_a_string_is_written() {
    let fields = crate::resource::rig::fields(
        &DECL,
        &[("target_path", plain("/x")), ("key", plain("a")), ("value", plain("a\"b"))],
    );
    let problems = crate::resource::check(&fields);
    assert_eq!(problems[0].help.as_deref(), Some("for a string, write `'\"a\\\"b\"'`"));
}

#[test]
fn values_are_set_and_removed() {
    let map =
        || Datum::Map(alloc::vec![("x".into(), plain("1")), ("y".into(), quoted("2")), ("z".into(), plain("yes"))]);
    let gone = "state";
    type Case<'a> = (&'a str, &'a str, &'a [(&'a str, Datum)], Result<&'a str, &'a str>);
    let cases: &[Case<'_>] = &[
        ("there", "{\"a\":1.0}", &[("key", plain("a")), ("value", plain("1"))], Ok("{\"a\":1.0}")),
        (
            "set and printed",
            "{\"b\":1.50,\"a\":1}\n",
            &[("key", plain("a")), ("value", plain("2"))],
            Ok("{\n  \"b\": 1.50,\n  \"a\": 2\n}\n"),
        ),
        ("a JSON string", "{}", &[("key", plain("a")), ("value", quoted("\"8080\""))], Ok("{\n  \"a\": \"8080\"\n}")),
        ("a JSON number", "{}", &[("key", plain("a")), ("value", quoted("8080"))], Ok("{\n  \"a\": 8080\n}")),
        ("a YAML boolean", "{}", &[("key", plain("a")), ("value", plain("True"))], Ok("{\n  \"a\": true\n}")),
        (
            "objects are made",
            "{}",
            &[("key", plain("a.b\\.c.0")), ("value", plain("1"))],
            Ok("{\n  \"a\": {\n    \"b.c\": {\n      \"0\": 1\n    }\n  }\n}"),
        ),
        (
            "a map",
            "{}",
            &[("key", plain("a")), ("value", map()), ("indent", plain("tab"))],
            Ok("{\n\t\"a\": {\n\t\t\"x\": 1,\n\t\t\"y\": \"2\",\n\t\t\"z\": \"yes\"\n\t}\n}"),
        ),
        (
            "a list, as it is",
            "{\"a\": [1, \"b\"]}",
            &[("key", plain("a")), ("value", list(&["1", "b"]))],
            Ok("{\"a\": [1, \"b\"]}"),
        ),
        ("an index", "[1, 2]", &[("key", plain("1")), ("value", plain("3"))], Ok("[\n  1,\n  3\n]")),
        (
            "appended",
            "{\"a\": [1]}",
            &[("key", plain("a.-")), ("value", plain("2"))],
            Ok("{\n  \"a\": [\n    1,\n    2\n  ]\n}"),
        ),
        ("appended already", "{\"a\":[2.0]}", &[("key", plain("a.-")), ("value", plain("2"))], Ok("{\"a\":[2.0]}")),
        (
            "appended to nothing",
            "{}",
            &[("key", plain("a.-")), ("value", plain("2"))],
            Ok("{\n  \"a\": [\n    2\n  ]\n}"),
        ),
        (
            "carriage returns",
            "\u{feff}{\r\n  \"a\": 1\r\n}\r\n",
            &[("key", plain("a")), ("value", plain("2"))],
            Ok("\u{feff}{\r\n  \"a\": 2\r\n}\r\n"),
        ),
        ("removed", "{\"a\":{\"b\":1}}", &[("key", plain("a.b")), (gone, plain("absent"))], Ok("{\n  \"a\": {}\n}")),
        ("removed already", "{\"a\":1}", &[("key", plain("a.b")), (gone, plain("absent"))], Ok("{\"a\":1}")),
        ("the last item removed", "[1,2]", &[("key", plain("1")), (gone, plain("absent"))], Ok("[\n  1\n]")),
        (
            "another item removed",
            "[1,2]",
            &[("key", plain("0")), (gone, plain("absent"))],
            Err("expected an edit that leaves its own result alone, found one that changes it again"),
        ),
        (
            "a scalar in the way",
            "{\"a\":{\"b\":1}}",
            &[("key", plain("a.b.c")), ("value", plain("1"))],
            Err("expected an object or array at `a.b`, found a number"),
        ),
        (
            "a scalar at the top",
            "null",
            &[("key", plain("a")), ("value", plain("1"))],
            Err("expected an object or array at `the top`, found null"),
        ),
        (
            "an index too far",
            "{\"a\":[1]}",
            &[("key", plain("a.1")), ("value", plain("1"))],
            Err("expected an index below 1 or `-` in the array at `a`, found `1`"),
        ),
        (
            "no JSON",
            "{\n  \"a\": 1,\n}",
            &[("key", plain("a")), ("value", plain("1"))],
            Err("expected JSON, at line 3, column 1: expected a key in quotes, found `}`"),
        ),
    ];
    for (name, before, attributes, expected) in cases {
        let mut disk = Disk::new();
        disk.file("/d/x", before);
        let attributes: Vec<_> = [("target_path", plain("/d/x"))].iter().chain(*attributes).cloned().collect();
        let run = disk.run_data(&DECL, &attributes);
        match expected {
            Ok(after) => {
                assert_eq!(run.failure, None, "{name}");
                assert_eq!(disk.read("/d/x").as_deref(), Some(*after), "{name}");
            }
            Err(message) => {
                assert_eq!(run.failure.as_deref(), Some(*message), "{name}");
                assert_eq!(disk.read("/d/x").as_deref(), Some(*before), "{name}");
            }
        }
    }
}

#[test]
fn a_missing_file_starts_as_an_object() {
    let mut disk = Disk::new();
    let run = disk.run(&DECL, &[("target_path", "/d/x"), ("key", "a"), ("value", "1"), ("create", "true")]);
    assert_eq!(run.changed(), ["state: absent → present", "a: absent → 1"]);
    assert_eq!(disk.read("/d/x").as_deref(), Some("{\n  \"a\": 1\n}\n"));
}

#[test]
fn secrets_are_not_shown() {
    let mut disk = Disk::new();
    disk.file("/d/x", "{\"db\":{\"pass\":\"hunter1\"}}");
    let inside = Datum::Map(alloc::vec![("pass".into(), secret("hunter2\""))]);
    let run = disk.run_data(&DECL, &[("target_path", plain("/d/x")), ("key", plain("db")), ("value", inside)]);
    assert_eq!(run.changed(), ["db: (differs) → «secret db/dsn»"]);
    assert!(!format!("{run:?}").contains("hunter"), "{run:?}");
    assert_eq!(disk.read("/d/x").as_deref(), Some("{\n  \"db\": {\n    \"pass\": \"hunter2\\\"\"\n  }\n}"));
    let run =
        disk.run_data(&DECL, &[("target_path", plain("/d/x")), ("key", plain("db")), ("value", secret("hunter2"))]);
    assert_eq!(run.failure.as_deref(), Some("attribute `value`: expected a JSON literal, found `«secret db/dsn»`"));
}

/// A random document, as text.
fn document() -> impl Strategy<Value = String> {
    let leaf = prop_oneof!["1|1\\.0|-2e3|true|null", "\"[a-c]{0,2}\""];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            proptest::collection::btree_map("[a-c]", inner, 0..3).prop_map(|entries| {
                let entries: Vec<String> = entries.iter().map(|(k, v)| format!("\"{k}\":{v}")).collect();
                format!("{{{}}}", entries.join(", "))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn a_second_edit_changes_nothing_and_other_values_stay(
        text in document(),
        key in "[a-c]|[a-c]\\.[a-c0-]|[a-c]\\.[a-c0-1]\\.[a-c-]",
        value in document(),
    ) {
        let value = Json::parse(&value).unwrap();
        let (steps, indent) = (steps(&key).unwrap(), "  ".into());
        let spec = Spec { steps: steps.clone(), key: key.into(), value: Some(value), secret: None, indent };
        if let Ok(Some((after, _))) = JsonFile::edit(&spec, &text) {
            prop_assert!(JsonFile::edit(&spec, &after).unwrap().is_none());
            let (mut before, mut after) = (Json::parse(&text).unwrap(), Json::parse(&after).unwrap());
            let first = &steps[..1];
            remove(&mut before, first).unwrap();
            remove(&mut after, first).unwrap();
            prop_assert_eq!(before, after);
        }
    }
}
