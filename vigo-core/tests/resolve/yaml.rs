//! What YAML makes of a text: its traps, its budgets, its places.

use crate::support::{brief, check, sources, words};
use std::fmt::Write;
use vigo_core::source::{Node, NodeKind};

/// Checks each text as a crate, and prints what is said of it.
fn said(cases: &[(&str, &str)]) -> String {
    let mut out = String::new();
    for (name, text) in cases {
        let found = brief(&check(&[("configcrates/a.vgo", text)]));
        writeln!(out, "## {name}\n{}", if found.is_empty() { "nothing\n" } else { &found })
            .expect("a string takes all");
    }
    out
}

#[test]
fn traps_have_messages_of_their_own() {
    let file = |rest: &str| format!("resources:\n  - name: f\n    type: file\n    target_path: /etc/f\n    {rest}\n");
    let texts: Vec<(&str, String)> = [
        ("a template that begins a value", "content: {{ .Vars.x }}"),
        ("a template and more", "content: {{ .Vars.x }}/y"),
        ("a template in a list", "stream_edit: [{{ .Vars.x }}, b]"),
        ("a template in a map", "content: {a: {{ .Vars.x }}}"),
        ("a negation", "when: !is_container"),
        ("a star", "content: *"),
        ("a star and more", "content: *.conf"),
        ("braces and more", "content: {a,b}.x"),
        ("brackets and more", "content: [a].x"),
        ("a colon in a plain text", "content: a {{ .Vars.x }}: b"),
        ("a comment in a template", "content: a {{ .Vars.x # }} b"),
        ("quotes in quotes", "content: \"{{ index .Vars \"x\" }}\""),
        ("a tab as indent", "content: |\n\tx"),
        ("a tab before a key", "content: x\n\tmode: 0644"),
        ("folded content", "content: >\n      a\n      b"),
        ("an at sign", "content: @x"),
        ("a tag of our own", "content: !mine x"),
        ("an unknown core tag", "content: !!timestamp 2026-01-01"),
        ("an unclosed list", "stream_edit: [a, b"),
        ("an unclosed quote", "content: \"abc"),
        ("a duplicate key", "mode: 0644\n    mode: 0600"),
        ("a duplicate key in quotes", "mode: 0644\n    \"mode\": 0600"),
        ("an empty key", ": x"),
        ("a key that is a list", "? [a]\n    : b"),
        ("a merge of no map", "<<: x"),
        ("an alias inside its anchor", "content: &a [*a]"),
        ("nothing written", "owner:"),
        ("null written", "owner: null"),
    ]
    .iter()
    .map(|(name, rest)| (*name, file(rest)))
    .collect();
    let cases: Vec<(&str, &str)> = texts.iter().map(|(n, t)| (*n, &**t)).collect();
    insta::assert_snapshot!(said(&cases));
}

#[test]
fn budgets_are_kept() {
    let deep = format!("x-a: {}", "[".repeat(200));
    let deep_block: String = (0..200).map(|i| format!("{}x-a:\n", " ".repeat(i))).collect();
    let mut laughs = String::from("x-a: &a [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]\n");
    for (this, before) in ["b", "c", "d", "e", "f", "g"].iter().zip(["a", "b", "c", "d", "e", "f"]) {
        laughs += &format!("x-{this}: &{this} [{}]\n", vec![format!("*{before}"); 10].join(", "));
    }
    let mut merges = String::from("x-a: &a {k: 1}\n");
    for (this, before) in ["b", "c", "d"].iter().zip(["a", "b", "c"]) {
        let items: Vec<String> = (0..100).map(|i| format!("k{i}: *{before}")).collect();
        merges += &format!("x-{this}: &{this} {{{}}}\n", items.join(", "));
    }
    merges += "x-z: {<<: *d}\n";
    let long = format!("x-a: \"{}\"", "a".repeat(3 << 20));
    let large = format!("x-a: |\n{}", " aaaaaaaaaaaaaaa\n".repeat(300_000));
    let keys: String = (0..200).map(|i| format!("a: {i}\n")).collect();
    insta::assert_snapshot!(
        said(&[
            ("flow", &deep),
            ("block", &deep_block),
            ("laughs", &laughs),
            ("merges", &merges),
            ("one long text", &long),
            ("a large file", &large),
            ("very many errors", &keys),
        ])
        .lines()
        .filter(|l| !l.starts_with("  configcrates/a.vgo") && !l.contains("key `a` is written twice"))
        .collect::<Vec<_>>()
        .join("\n")
    );
}

#[test]
fn a_broken_document_does_not_hide_the_others() {
    let text = "name: one\nresources: [\n---\nname: two\nresorces: []\n---\nname: three\nvars: {a-b: 1}\n";
    insta::assert_snapshot!(check(&[("configcrates/all.vgo", text)]));
}

#[test]
fn bytes_that_are_no_text_are_named() {
    use vigo_core::source::{Sources, Tree, TreeFile};
    let file = TreeFile { path: "a.vgo".into(), bytes: b"envoys:\n\xff"[..].into(), executable: false };
    let sources = Sources::read(&Tree { files: vec![file] });
    assert_eq!(words(sources.diagnostics(), sources.map()), "E0200 a.vgo:2:1: `a.vgo` is not UTF-8 from byte 8 on\n");
}

#[test]
fn a_reserved_character_is_refused_however_it_is_written() {
    for text in ["x-a: \u{10F5E0}", "x-a: \"\\U0010F5E1\""] {
        let found = check(&[("configcrates/a.vgo", text)]);
        assert!(found.contains("a character that Vigo reserves for itself"), "{text}: {found}");
    }
}

fn shape(node: Node<'_>) -> String {
    match node.kind() {
        NodeKind::Scalar(text, style) => format!("{style:?}({text:?})@{:?}", node.text_place()),
        NodeKind::List => {
            format!("[{}]", node.list().into_iter().flatten().map(shape).collect::<Vec<_>>().join(", "))
        }
        NodeKind::Map(map) => {
            let entries = map.iter().map(|e| format!("{}: {}", e.name, shape(e.value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
    }
}

#[test]
fn every_text_knows_its_place_and_how_it_was_written() {
    let cases: &[(&str, &str, &str)] = &[
        ("plain", "a: 0644", "{a: Plain(\"0644\")@(1, 4)}"),
        ("quoted", "a: 'x'\nb: \"y\\n\"", "{a: Single(\"x\")@(1, 5), b: Double(\"y\\n\")@(2, 5)}"),
        ("block", "a: |\n  x\n   y\n", "{a: Literal(\"x\\n y\\n\")@(2, 3)}"),
        ("block after a blank line", "a: |\n\n  x\n", "{a: Literal(\"\\nx\\n\")@(2, 3)}"),
        ("block with an indent", "a: |2-\n    x\n", "{a: Literal(\"  x\")@(2, 3)}"),
        ("folded", "a: >-\n  x\n  y\n", "{a: Folded(\"x y\")@(2, 3)}"),
        ("nothing and null", "a:\nb: ~", "{a: Empty(\"\")@(1, 2), b: Plain(\"~\")@(2, 4)}"),
        ("a tag makes text", "a: !!str 1", "{a: Single(\"1\")@(1, 10)}"),
        ("a tag makes a number", "a: !!int '1'", "{a: Plain(\"1\")@(1, 10)}"),
        ("characters, not bytes", "é: ü", "{é: Plain(\"ü\")@(1, 4)}"),
        ("json", "{\"a\": [1, \"b\"]}", "{a: [Plain(\"1\")@(1, 8), Double(\"b\")@(1, 12)]}"),
        (
            "merge: written keys win, then the earlier alias",
            "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc:\n  <<: [*a, *b]\n  x: 3\n",
            "{a: {x: Plain(\"1\")@(1, 11), y: Plain(\"1\")@(1, 17)}, b: {y: Plain(\"2\")@(2, 11), z: Plain(\"2\")@(2, 17)}, \
             c: {x: Plain(\"3\")@(5, 6), y: Plain(\"1\")@(1, 17), z: Plain(\"2\")@(2, 17)}}",
        ),
        ("an alias is its node", "a: &a [x]\nb: *a", "{a: [Plain(\"x\")@(1, 8)], b: [Plain(\"x\")@(1, 8)]}"),
        ("an empty file", "", ""),
        ("a comment alone", "# x\n", ""),
        ("documents", "--- a\n--- b\n", "Plain(\"a\")@(1, 5) Plain(\"b\")@(2, 5)"),
        ("a byte order mark", "\u{feff}a: b", "{a: Plain(\"b\")@(1, 4)}"),
        ("carriage returns", "a: b\r\nc: |\r\n  d\r\n", "{a: Plain(\"b\")@(1, 4), c: Literal(\"d\\n\")@(3, 3)}"),
        ("a base in 60", "a: 22:22", "{a: Plain(\"22:22\")@(1, 4)}"),
        (
            "words of YAML 1.1",
            "a: [y, No, ON, 0o17, 017]",
            "{a: [Plain(\"y\")@(1, 5), Plain(\"No\")@(1, 8), Plain(\"ON\")@(1, 12), Plain(\"0o17\")@(1, 16), Plain(\"017\")@(1, 22)]}",
        ),
        (
            "a block that keeps its ends",
            "a: |+\n  x\n\nb: 1",
            "{a: Literal(\"x\\n\\n\")@(2, 3), b: Plain(\"1\")@(4, 4)}",
        ),
        ("a tab inside a text", "a: x\ty", "{a: Plain(\"x\\ty\")@(1, 4)}"),
        ("many bytes before", "ключ: [\"日本\", x]", "{ключ: [Double(\"日本\")@(1, 9), Plain(\"x\")@(1, 14)]}"),
    ];
    for (name, text, expected) in cases {
        let sources = sources(&[("a.vgo", text)]);
        assert_eq!(words(sources.diagnostics(), sources.map()), "", "{name}");
        let shapes: Vec<String> = sources.policy_files().flat_map(|f| f.documents()).map(shape).collect();
        assert_eq!(shapes.join(" "), *expected, "{name}");
    }
}
