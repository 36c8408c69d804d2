//! What people and programs get to see of diagnostics: right lines, right columns, whatever the text is like.

use serde_json::json;
use vigo_core::diagnostic::{Code, Diagnostic, SourceMap, Span};
use vigo_driver::{diagnostics_json, document, render, summary};

/// Renders one diagnostic about `what` of a file of this text.
fn shown(text: &str, what: &str) -> (String, serde_json::Value) {
    let mut map = SourceMap::default();
    let file = map.add("a.vgo", text);
    let start = text.find(what).unwrap_or(text.len());
    let span = Span::new(file, start as u32, (start + what.len()) as u32);
    let json = diagnostics_json(&[Diagnostic::new(Code::UnknownKey, span, "x")], &map);
    (render(&json, false), document(&json))
}

#[test]
fn what_is_meant_is_underlined_whatever_the_line_is_like() {
    let long = format!("a: [{}], bad: 1, c: [{}]", "x".repeat(3000), "y".repeat(3000));
    let cases: [(&str, &str, &str, (u32, u32)); 9] = [
        ("plain", "a: 1\nbad: 2\n", "  |\n2 | bad: 2\n  | ^^^", (2, 1)),
        ("no line feed at the end", "a: 1\nbad", "2 | bad\n  | ^^^", (2, 1)),
        ("CRLF", "a: 1\r\n  bad: 2\r\n", "2 |   bad: 2\n  |   ^^^", (2, 3)),
        ("a tab is four wide", "a:\t\tbad\n", "1 | a:        bad\n  |           ^^^", (1, 5)),
        ("wide characters", "漢字: bad\n", "1 | 漢字: bad\n  |       ^^^", (1, 5)),
        ("combining characters", "e\u{301}: bad\n", "1 | e\u{301}: bad\n  |    ^^^", (1, 5)),
        ("control characters", "\u{1b}[2J\u{9b}: bad\n", "1 | ␛[2J\u{fffd}: bad\n  |        ^^^", (1, 8)),
        ("a change of direction", "\u{202e}: bad\n", "1 | \u{fffd}: bad\n  |    ^^^", (1, 4)),
        ("a very long line", &long, "bad: 1, c: [yyy", (1, 3008)),
    ];
    for (name, text, expected, (line, column)) in cases {
        let (rendered, json) = shown(text, "bad");
        assert!(rendered.contains(expected), "{name}:\n{rendered}\nexpected\n{expected}");
        assert!(rendered.contains(&format!("--> a.vgo:{line}:{column}\n")), "{name}:\n{rendered}");
        assert!(rendered.lines().all(|l| l.chars().count() < 200), "{name}:\n{rendered}");
        let underlined = rendered.lines().any(|l| l.trim_end().ends_with(" ^^^"));
        assert!(underlined, "{name}:\n{rendered}");
        let label = &json["diagnostics"][0]["labels"][0];
        let place = json!({"file": "a.vgo", "line": line, "column": column, "end_line": line, "end_column": column + 3,
            "text": "", "primary": true});
        assert_eq!(label, &place, "{name}");
    }
}

#[test]
fn the_end_of_a_file_and_what_is_in_none_have_a_place_too() {
    let (rendered, json) = shown("a: 1\n", "");
    assert!(rendered.contains("--> a.vgo:1:1"), "{rendered}");
    assert_eq!(json["diagnostics"][0]["labels"][0]["line"], 1);
    let (rendered, json) = shown("a: [1\n", "nowhere");
    assert!(rendered.contains("--> a.vgo:2:1"), "{rendered}");
    assert_eq!((&json["diagnostics"][0]["labels"][0]["line"], &json["errors"]), (&json!(2), &json!(1)));
    let nowhere = Diagnostic::new(Code::Unassigned, Span::NONE, "no match block takes `a`").help("add one");
    let json = diagnostics_json(&[nowhere], &SourceMap::default());
    assert_eq!(
        render(&json, false),
        "error[E0109]: no match block takes `a`\n |\n = help: add one\n\n`vigocli explain E0109` says more about it\n"
    );
    assert_eq!(summary(&json), "1 error");
}

#[test]
fn places_in_one_file_share_an_excerpt_and_others_have_their_own() {
    let mut map = SourceMap::default();
    let (a, b) = (map.add("a.vgo", "one: 1\n# between\none: 2\n\n\none: 3\n"), map.add("b.vgo", "one: 4\n"));
    let d = Diagnostic::new(Code::DuplicateKey, Span::new(a, 17, 20), "twice")
        .at("again")
        .label(Span::new(a, 0, 3), "first")
        .label(Span::new(a, 26, 29), "third")
        .label(Span::new(b, 0, 3), "elsewhere");
    let json = diagnostics_json(&[d, Diagnostic::new(Code::StaysText, Span::new(b, 0, 1), "y")], &map);
    let expected = "error[E0202]: twice
 --> a.vgo:3:1
  |
1 | one: 1
  | --- first
2 | # between
3 | one: 2
  | ^^^ again
...
6 | one: 3
  | --- third
  |
 ::: b.vgo:1:1
  |
1 | one: 4
  | --- elsewhere

warning[W0152]: y
 --> b.vgo:1:1
  |
1 | one: 4
  | ^

`vigocli explain E0202` says more about E0202, and so for W0152
";
    assert_eq!(render(&json, false), expected);
    assert_eq!(summary(&json), "1 error, 1 warning in 2 files");
    assert!(render(&json, true).contains("\u{1b}["));
    assert!(!document(&json).to_string().contains("between"), "source lines are not a part of it");
}
