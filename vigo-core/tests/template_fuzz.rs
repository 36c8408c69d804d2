//! Arbitrary templates: none panics, none runs on, and what is not broken means the same each time.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use granit_parser::{Event, Parser, ScalarStyle};
use proptest::prelude::*;
use vigo_core::limits::TEMPLATE_OUTPUT_BYTES_MAX;
use vigo_core::template::{Names, Scope, Template, Unknown, functions};
use vigo_core::value::{Text, Value};

struct Anything;

impl Names for Anything {
    fn look(&self, path: &[&str], optional: bool) -> Result<(), Unknown> {
        let known = optional || path.last().is_none_or(|last| last.len() < 3);
        if known { Ok(()) } else { Err(Unknown { message: path.join("."), help: None }) }
    }
}

/// Data with every kind of value, a secret among them.
fn data() -> Value {
    let inner =
        Value::map([("a", Value::Int(1)), ("b", "text".into()), ("c", Value::list([Value::Null, true.into()]))]);
    Value::map([
        ("a", inner.clone()),
        ("b", Value::list([Value::Int(3), "x".into(), inner, Value::Float(2.5)])),
        ("c", "héllo\nwörld".into()),
        ("d", Value::Int(-7)),
        ("e", Value::Float(1e21)),
        ("f", false.into()),
        ("g", Value::Null),
        ("h", Value::Text(Text::secret("hunter2", "a/b"))),
    ])
}

/// Parses, checks and renders; what it prints is within its bounds, and a secret is never outside a marked part.
fn exercise(text: &str) {
    let all = Template::parse_all(text);
    let template = match Template::parse(text) {
        Ok(template) => template,
        Err(error) => {
            assert!(
                text.get(error.offset..error.offset + error.len).is_some() && error.line >= 1 && error.column >= 1,
                "{error:?}"
            );
            assert!(all.contains(&error), "the first error is one of all: {error:?} in {all:?}");
            return;
        }
    };
    assert!(all.is_empty(), "{all:?}");
    for error in template.check(&Anything) {
        assert!(text.get(error.offset..error.offset + error.len).is_some(), "{error:?}");
    }
    let data = data();
    let secrets = BTreeMap::from([(Arc::from("a"), Text::secret("tops3cret", "a"))]);
    let scope = Scope::over(&data, &secrets);
    let rendered = template.render(&scope);
    assert_eq!(rendered, template.render(&scope), "rendering is a function of its data");
    match rendered {
        Ok(rendered) => {
            assert!(rendered.text.as_str().len() <= TEMPLATE_OUTPUT_BYTES_MAX);
            let masked = rendered.masked();
            let written = text.contains("hunter2") || text.contains("tops3cret");
            assert!(written || !(masked.contains("hunter2") || masked.contains("tops3cret")), "{masked}");
        }
        Err(error) => {
            assert!(text.get(error.offset..error.offset + error.len).is_some(), "{error:?}");
            assert!(!error.message.contains("hunter2") || text.contains("hunter2"), "{error:?}");
        }
    }
    let _ = template.render_value(&scope);
}

/// Pieces of templates, so that much of what is put together of them parses.
fn piece() -> impl Strategy<Value = String> {
    let words: Vec<&'static str> = vec![
        "{{",
        "}}",
        "{{-",
        "-}}",
        " ",
        "\n",
        "if ",
        "else ",
        "end",
        "range ",
        "with ",
        "define \"x\"",
        "template \"x\" ",
        "block \"y\" ",
        "break",
        "continue",
        ".a",
        ".b",
        ".h",
        ".",
        "$",
        "$x",
        ":=",
        "=",
        "|",
        "(",
        ")",
        "\"a\"",
        "`r`",
        "'c'",
        "1",
        "-2",
        "1.5",
        "true",
        "nil",
        ",",
        "{{/* c */}}",
        "{{ end }}",
        "{{ .h }}",
        "{{ if .a }}",
        "{{ range .b }}",
        "{{ else }}",
        "{{ with .a }}",
        "{{ $x := .b }}",
        "{{ $x }}",
        "{{ break }}",
        "{{ define \"x\" }}",
        "{{ template \"x\" . }}",
        "{{ range $i, $e := .a }}",
        "{{ . }}",
        "text",
        "é",
        "\"%5.2d%v%s\"",
    ];
    let function = (0..functions().len()).prop_map(|i| format!("{} ", functions()[i].name));
    prop_oneof![6 => prop::sample::select(words).prop_map(String::from), 2 => function, 1 => "\\PC{0,3}"]
}

/// A whole action that parses: a function on operands, piped on.
fn action() -> impl Strategy<Value = String> {
    let operands: Vec<&'static str> = vec![
        ".a",
        ".b",
        ".c",
        ".d",
        ".e",
        ".f",
        ".g",
        ".h",
        ".",
        ".a.b",
        "$",
        "0",
        "3",
        "-1",
        "2.5",
        "\"a\"",
        "\"%d|%q\"",
        "nil",
    ];
    let call = (0..functions().len(), prop::collection::vec(prop::sample::select(operands), 0..4)).prop_map(
        |(i, mut args)| {
            let f = &functions()[i];
            let max = usize::from(f.args_max.unwrap_or(4));
            args.truncate(max);
            while args.len() < usize::from(f.args_min) {
                args.push(".c");
            }
            if f.name == "secret" {
                args = vec!["\"a\""];
            }
            format!("({} {})", f.name, args.join(" "))
        },
    );
    let nested = (call.clone(), 0..functions().len(), call).prop_map(|(a, i, b)| {
        let f = &functions()[i];
        match f.args_min {
            0 | 1 => format!("{} {a}", f.name),
            2 => format!("{} {a} {b}", f.name),
            _ => format!("{} {a} {b} .c", f.name),
        }
    });
    nested.prop_map(|expr| format!("{{{{ with $x := {expr} }}}}[{{{{ . }}}}]{{{{ else }}}}-{{{{ end }}}}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6 * ProptestConfig::default().cases))]

    #[test]
    fn any_text_is_parsed_or_refused(text in "\\PC{0,80}") {
        exercise(&text);
    }

    #[test]
    fn anything_put_together_of_pieces_ends(pieces in prop::collection::vec(piece(), 0..24)) {
        exercise(&pieces.concat());
    }

    #[test]
    fn every_function_takes_anything(actions in prop::collection::vec(action(), 1..4)) {
        exercise(&actions.concat());
    }

    #[test]
    fn json_and_yaml_are_read_back(value in tree()) {
        let scope_data = Value::map([("v", value.clone())]);
        let secrets: BTreeMap<Arc<str>, Text> = BTreeMap::new();
        for function in ["toYaml", "toJson"] {
            let template = Template::parse(format!("{{{{ {function} .v }}}}")).unwrap();
            let printed = template.render(&Scope::over(&scope_data, &secrets)).unwrap();
            let printed = printed.text.as_str();
            prop_assert_eq!(read_yaml(printed), Some(value.clone()), "{}", printed);
            // Below a key, as it is used in files.
            let template = Template::parse(format!("k:\n{{{{ {function} .v | indent 2 }}}}\nl: 1\n")).unwrap();
            let printed = template.render(&Scope::over(&scope_data, &secrets)).unwrap();
            if !matches!(value, Value::Text(_)) {
                let whole = Value::map([("k", value.clone()), ("l", Value::Int(1))]);
                prop_assert_eq!(read_yaml(printed.text.as_str()), Some(whole), "{}", printed.text.as_str());
            }
        }
    }
}

fn tree() -> impl Strategy<Value = Value> {
    let texts = prop_oneof![
        "[a-z :#'\"\\-\\[\\]{}\n\t&*!|>%@`,?.0-9=~]{0,12}",
        "\\PC{0,6}",
        prop::sample::select(vec![
            "true",
            "No",
            "~",
            "null",
            "0644",
            "1e3",
            "- a",
            "a\nb",
            "a\n\n",
            "\na",
            " a",
            "a ",
            "2001-01-01",
            "=",
            "<<",
            "a: b",
            "x:"
        ])
        .prop_map(String::from),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        (-1e6..1e6)
            .prop_map(|f: f64| Value::Float(f + 0.5))
            .prop_filter("fraction", |v| matches!(v, Value::Float(f) if f % 1.0 != 0.0)),
        texts.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::list),
            prop::collection::btree_map(texts.clone(), inner, 0..4).prop_map(Value::map),
        ]
    })
}

/// Reads YAML by the core schema, with the parser that the configuration is read with.
fn read_yaml(text: &str) -> Option<Value> {
    let mut open: Vec<(bool, Vec<Value>)> = vec![(false, Vec::new())];
    for event in Parser::new_from_str(text) {
        let value = match event.ok()?.0 {
            Event::SequenceStart(..) => {
                open.push((false, Vec::new()));
                continue;
            }
            Event::MappingStart(..) => {
                open.push((true, Vec::new()));
                continue;
            }
            Event::SequenceEnd => Value::list(open.pop()?.1),
            Event::MappingEnd => {
                let items = open.pop()?.1;
                Value::map(items.chunks(2).map(|pair| (pair[0].as_str().unwrap().to_owned(), pair[1].clone())))
            }
            Event::Scalar(text, ScalarStyle::Plain, ..) => match &*text {
                // A key is text, whatever it looks like: what is not quoted there must look like text.
                "null" | "~" | "" => Value::Null,
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                other => match (other.parse::<i64>(), other.parse::<f64>()) {
                    (Ok(n), _) => Value::Int(n),
                    (_, Ok(f)) => Value::Float(f),
                    _ => Value::from(other),
                },
            },
            Event::Scalar(text, ..) => Value::from(&*text),
            _ => continue,
        };
        open.last_mut()?.1.push(value);
    }
    open.pop()?.1.pop()
}

/// Returns how long this thread was computing: a machine that is busy with something else is not our slowness.
fn busy() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    match stat.split(' ').next().and_then(|ns| ns.parse().ok()) {
        Some(ns) => Duration::from_nanos(ns),
        None => std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default(),
    }
}

#[test]
fn the_worst_templates_end_soon() {
    let cases = [
        "{{ range 1000000 }}{{ range 1000000 }}{{ end }}{{ end }}",
        "{{ $l := .b }}{{ range 1000000 }}{{ $l = list $l $l }}{{ end }}",
        "{{ $s := printf \"%1000000s\" \"\" }}{{ range 1000000 }}{{ $s | upper | lower | len }}{{ end }}",
        "{{ $s := printf \"%1000000s\" \"\" }}{{ range 1000000 }}{{ if eq $s (print $s) }}{{ end }}{{ end }}",
        "{{ $l := split \"\" (printf \"%200000s\" \"\") }}{{ range 1000000 }}{{ $x := len (sortAlpha $l) }}{{ end }}",
        "{{ $l := split \"\" (printf \"%200000s\" \"\") }}{{ range 1000000 }}{{ if len (uniq $l) }}{{ end }}{{ end }}",
        "{{ $l := split \"\" (printf \"%200000s\" \"\") }}{{ range 1000000 }}{{ $x := index $l 1 }}{{ end }}",
        "{{ $l := split \"\" (printf \"%200000s\" \"\") }}{{ range 1000000 }}{{ $x := slice $l 1 }}{{ end }}",
        "{{ $l := split \"\" (printf \"%200000s\" \"\") }}{{ range 1000000 }}{{ if eq 1 2 }}{{ $l }}{{ end }}{{ $x := first $l }}{{ end }}",
        "{{ $s := printf \"%4000000s\" \"\" }}{{ range 1000000 }}{{ if contains \"y\" $s }}{{ end }}{{ end }}",
        "{{ $s := printf \"%4000000s\" \"\" }}{{ range 1000000 }}{{ $x := trim $s }}{{ end }}",
        "{{ $s := printf \"%4000000s\" \"\" }}{{ range 1000000 }}{{ $x := trimAll $s $s }}{{ end }}",
        "{{ $s := printf \"%1000000s\" \"\" }}{{ trimAll $s $s }}",
        "{{ $s := printf \"%1000000s\" \"\" }}{{ $x := trimAll (print $s \"x\") (print \"y\" $s) }}",
        "{{ $s := printf \"%2000000s\" \"\" }}{{ $x := trimLeft (print $s \"ab\") (replace \" \" \"b\" $s) }}",
        "{{ $f := replace \" \" \"%d\" (printf \"%400000s\" \"\") }}{{ printf $f }}",
        "{{ $f := replace \" \" \"[1]%\" (printf \"%400000s\" \"\") }}{{ printf $f 1 }}",
        "{{ $f := replace \" \" \"%[\" (printf \"%400000s\" \"\") }}{{ printf $f 1 }}",
        "{{ $f := replace \" \" \"[\" (printf \"%400000s\" \"\") }}{{ printf (print \"%\" $f) 1 }}",
        "{{ define \"r\" }}{{ range 10 }}{{ template \"r\" . }}{{ end }}{{ end }}{{ template \"r\" }}",
        "{{ printf \"%.1000000f %1000000d %.1000000e %.1000000x %.1000000U\" 1.5 1 1.5 1.5 1 | len }}",
    ];
    for template in cases {
        let started = busy();
        exercise(template);
        let spent = busy() - started;
        assert!(spent < Duration::from_secs(20), "{template}: {spent:?}");
    }
}

#[test]
fn long_templates_are_parsed_in_time_that_grows_with_them() {
    for unit in [
        "{{ if .a }}{{ end }}",
        "{{ $x := 1 }}",
        "{{ define \"x\" }} {{ end }}",
        "{{",
        "{{ .a",
        "}}",
        "{{ $x }}",
        "{{/*",
        "{{ end }}",
        "{{ else }}",
        "{{ template \"y\" }}",
        "{{ nosuch }}",
        "{{ (",
        "{{ \"",
        "{{ `",
        "{{ if hasKey . \"x\" }}{{ .x }}{{ end }}",
        "{{ or (hasKey . \"x\") (hasKey . \"y\") }}",
        "a-",
        "{{- .a -}}   ",
        "{{ range .b }}{{ break }}{{ end }}",
    ] {
        let text = unit.repeat(200_000 / unit.len());
        let started = busy();
        exercise(&text);
        let spent = busy() - started;
        assert!(spent < Duration::from_secs(10), "{unit}: {spent:?}");
    }
    // Each its own definition.
    let text: String =
        (0..5000).map(|i| format!("{{{{ define \"d{i}\" }}}}{{{{ template \"d{i}\" }}}}{{{{ end }}}}")).collect();
    let started = busy();
    exercise(&text);
    let spent = busy() - started;
    assert!(spent < Duration::from_secs(10), "definitions: {spent:?}");
}
