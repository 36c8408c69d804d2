//! Tests of the formatter: what it writes, and that it says the same.

use super::{Unformatted, format};
use crate::source::{Sources, Tree};
use alloc::format as text;
use alloc::string::String;
use alloc::vec::Vec;
use proptest::prelude::*;

fn formatted(path: &str, text: &str) -> Result<String, Unformatted> {
    let tree = Tree::from_texts([(path, text)]);
    let sources = Sources::read(&tree).with_tests(&tree);
    format(sources.policy_files().chain(sources.test_files()).next().expect("a policy file"))
}

/// Formats a configcrate, and once more.
fn twice(text: &str) -> Result<String, Unformatted> {
    let once = formatted("configcrates/a.vgo", text)?;
    let again = formatted("configcrates/a.vgo", &once)?;
    assert_eq!(again, once, "not the same a second time, from\n{text}");
    Ok(once)
}

#[test]
fn a_file_has_one_form() {
    let cases = [
        ("indent", "resources:\n- type: file\n  name: a\n", "resources:\n  - name: a\n    type: file\n"),
        ("deep", "vars:\n    a:\n        b: 1\n", "vars:\n  a:\n    b: 1\n"),
        ("quotes", "vars: {a: 'x', b: \"y\", c: '\"'}\n", "vars: {a: \"x\", b: \"y\", c: '\"'}\n"),
        ("flow", "vars: { a: [1,2 , 3],b: {c: d} }\n", "vars: {a: [1, 2, 3], b: {c: d}}\n"),
        ("flow over lines", "vars: {\n  a: 1,\n  b: 2,\n}\n", "vars: {a: 1, b: 2}\n"),
        ("crate keys", "resources: []\nvars: {}\nname: x\n", "name: x\nvars: {}\nresources: []\n"),
        ("configcrate", "configcrate: x\n", "name: x\n"),
        (
            "resource keys",
            "resources:\n  - when: changed\n    notify: b\n    mode: 0644\n    content: x\n    target_path: /x\n    state: present\n    foo: 1\n    type: template\n    name: a\n",
            "resources:\n  - name: a\n    type: file\n    state: present\n    target_path: /x\n    content: x\n    mode: 0644\n    foo: 1\n    when: changed\n    notify: b\n",
        ),
        (
            "attribute",
            "resources:\n  - {type: mount, name: m, mountpoint: /x}\n",
            "resources:\n  - {name: m, type: mount, path: /x}\n",
        ),
        ("vars stay", "vars:\n  z: 1\n  a: 2\n", "vars:\n  z: 1\n  a: 2\n"),
        ("blank lines", "\n\nvars:\n\n\n  a: 1\n\n\n\n  b: 2\n\n\nname: x\n\n", "name: x\n\nvars:\n  a: 1\n\n  b: 2\n"),
        (
            "literal",
            "vars:\n   a: |\n       one\n         two\n\n       three\n\n   b: 1\n",
            "vars:\n  a: |\n    one\n      two\n\n    three\n\n  b: 1\n",
        ),
        (
            "strip",
            "vars:\n  a: |-\n      one\n  b: >\n      x\n      y\n\n      z\n",
            "vars:\n  a: |-\n    one\n  b: >\n    x\n    y\n\n    z\n",
        ),
        ("keep", "vars:\n  a: |+\n      one\n\n\n  b: 1\n", "vars:\n  a: |+\n    one\n\n\n  b: 1\n"),
        ("indicator", "vars:\n  a: |4\n        one\n      two\n", "vars:\n  a: |2\n      one\n    two\n"),
        ("empty block", "vars:\n  a: |\n  b: 1\n", "vars:\n  a: |\n  b: 1\n"),
        ("item block", "vars:\n  a:\n  - |\n   x\n   y\n  - z\n", "vars:\n  a:\n    - |\n      x\n      y\n    - z\n"),
        (
            "lists in lists",
            "vars:\n  a:\n  - - 1\n    - 2\n  -\n    - 3\n",
            "vars:\n  a:\n    - - 1\n      - 2\n    - - 3\n",
        ),
        (
            "plain over lines",
            "vars:\n  a: one\n    two\n\n    three\n  b: 1\n",
            "vars:\n  a: one\n    two\n\n    three\n  b: 1\n",
        ),
        ("nothing", "vars:\n  a:\n  b: ~\n", "vars:\n  a:\n  b: ~\n"),
        ("documents", "name: a\n---\nname: b\n", "name: a\n---\nname: b\n"),
        ("a first sign", "---\nname: a\n...\n---\nname: b\n...\n", "---\nname: a\n---\nname: b\n"),
        ("crlf", "name: a\r\nvars:\r\n  b: |\r\n    x\r\n", "name: a\nvars:\n  b: |\n    x\n"),
        (
            "anchors",
            "x-a: &a\n    k: 1\nvars:\n    <<: *a\n    b: &b [1]\n    c: *b\n",
            "x-a: &a\n  k: 1\nvars:\n  <<: *a\n  b: &b [1]\n  c: *b\n",
        ),
        ("anchors hold the order", "vars: {a: &a 1}\nname: *a\n", "vars: {a: &a 1}\nname: *a\n"),
        ("tags", "vars: {a: !!str 1, b: !!map {c: 1}}\n", "vars: {a: !!str 1, b: !!map {c: 1}}\n"),
        ("empty file", "", ""),
        ("no line break at the end", "name: a", "name: a\n"),
    ];
    for (name, text, expected) in cases {
        assert_eq!(twice(text).as_deref(), Ok(expected), "{name}");
    }
}

#[test]
fn comments_stay_where_they_belong() {
    let cases = [
        ("head", "# what this is\nvars: {}\nname: x\n", "# what this is\nname: x\nvars: {}\n"),
        ("head apart", "# what this is\n\n# vars\nname: x\n", "# what this is\n\n# vars\nname: x\n"),
        (
            "above and behind",
            "name: x   # here\n# above\nvars: # all\n    # first\n    a: 1 # one\n    # last\n",
            "name: x   # here\n# above\nvars: # all\n  # first\n  a: 1 # one\n  # last\n",
        ),
        (
            "moves with its key",
            "name: x\nresources: []\n# of vars\nvars: {}\n",
            "name: x\n# of vars\nvars: {}\nresources: []\n",
        ),
        (
            "items",
            "resources:\n# one\n- name: a\n  type: file\n  # tail of a\n\n# two\n-  # odd\n  name: b\n# end\n",
            "resources:\n  # one\n  - name: a\n    type: file\n    # tail of a\n\n  # two\n  # odd\n  - name: b\n# end\n",
        ),
        (
            "block",
            "vars:\n  a: | # text\n      # no comment\n      x\n  # below\n  b: 1\n",
            "vars:\n  a: | # text\n    # no comment\n    x\n  # below\n  b: 1\n",
        ),
        ("in flow", "vars: {a: 1, # one\n  # two\n  b: 2}  # all\n", "vars:  # all\n  a: 1 # one\n  # two\n  b: 2\n"),
        (
            "documents",
            "# first\n---\n# second\nname: a\n# third\n---\n# fourth\nname: b\n",
            "# first\n---\n# second\nname: a\n# third\n---\n# fourth\nname: b\n",
        ),
        ("only", "# nothing here\n", "# nothing here\n"),
        ("empty list", "resources: [ # none\n]\n", "# none\nresources: []\n"),
        ("before a value", "name:\n  # why\n  x\n", "# why\nname: x\n"),
    ];
    for (name, text, expected) in cases {
        assert_eq!(twice(text).as_deref(), Ok(expected), "{name}");
    }
}

#[test]
fn long_flow_is_broken_and_short_stays() {
    let long = "x".repeat(60);
    let text = text!("vars:\n  a: [{long}, {long}]\n  b: [{{n: {long}, m: {long}}}, 1]\n");
    let expected = text!("vars:\n  a:\n    - {long}\n    - {long}\n  b:\n    - n: {long}\n      m: {long}\n    - 1\n");
    assert_eq!(twice(&text), Ok(expected));
}

#[test]
fn other_files_have_their_own_order() {
    let cases = [
        (
            "envoys.vgo",
            "envoys:\n- vars: {a: 1}\n  roles: [r]\n  match: x\n",
            "envoys:\n  - match: x\n    roles: [r]\n    vars: {a: 1}\n",
        ),
        (
            "roles.vgo",
            "roles: [{configcrates: [a], name: r, case: [{configcrates: [b], when: is_virtual}]}]\n",
            "roles: [{name: r, configcrates: [a], case: [{when: is_virtual, configcrates: [b]}]}]\n",
        ),
        (
            "prod/environments.vgo",
            "env: {p: {configcrates: [a], vars: {x: 1}}}\n",
            "env: {p: {vars: {x: 1}, configcrates: [a]}}\n",
        ),
        ("a/b.test.vgo", "tests:\n  - expect: {}\n    name: t\n", "tests:\n  - name: t\n    expect: {}\n"),
    ];
    for (path, text, expected) in cases {
        assert_eq!(formatted(path, text).as_deref(), Ok(expected), "{path}");
    }
}

#[test]
fn what_cannot_be_written_anew_stays() {
    let cases = [
        ("a: [1\n", Unformatted::Unread),
        ("? a\n: b\n", Unformatted::Construct("a key with `?`")),
        ("%YAML 1.2\n---\na: 1\n", Unformatted::Construct("a directive")),
    ];
    for (text, expected) in cases {
        assert_eq!(twice(text), Err(expected), "{text}");
    }
}

/// A value of a generated file, at this depth, with comments and blank lines strewn in.
fn value(depth: u32) -> BoxedStrategy<String> {
    let word = prop_oneof![
        "[a-z][a-z0-9_]{0,6}",
        "[0-9]{1,4}",
        Just(String::from("true")),
        Just(String::from("'it''s'")),
        Just(String::from("\"a: b # c\"")),
        Just(String::from("'{{ .Vars.x }}'")),
        Just(String::from("~")),
    ];
    let flow = prop_oneof![
        prop::collection::vec(word.clone(), 0..4).prop_map(|items| text!("[{}]", items.join(" , "))),
        prop::collection::vec(word.clone(), 0..3).prop_map(|items| {
            let pairs: Vec<String> = items.iter().enumerate().map(|(i, v)| text!("k{i}: {v}")).collect();
            text!("{{ {} }}", pairs.join(","))
        }),
    ];
    let block = prop_oneof![
        Just(String::from("|\n  one\n   two\n\n  three")),
        Just(String::from("|-\n  # no comment\n  x")),
        Just(String::from(">+\n  a\n  b\n\n\n")),
        Just(String::from("|2-\n   x\n  y")),
    ];
    let leaf = prop_oneof![4 => word, 2 => flow, 1 => block];
    if depth == 0 {
        return leaf.boxed();
    }
    let inner = (value(depth - 1), 0..7u8, 1..4usize);
    let map = prop::collection::vec(inner.clone(), 1..4).prop_map(|entries| collection(&entries, true));
    let list = prop::collection::vec(inner, 1..4).prop_map(|items| collection(&items, false));
    prop_oneof![2 => leaf, 2 => map, 1 => list].boxed()
}

/// Writes a block collection, its lines indented; it begins with a line break.
fn collection(entries: &[(String, u8, usize)], is_map: bool) -> String {
    let mut out = String::new();
    for (i, (value, noise, indent)) in entries.iter().enumerate() {
        let (above, behind) = match noise {
            0 => ("# above\n", ""),
            1 => ("\n\n", ""),
            2 => ("\n# apart\n\n", ""),
            3 => ("", "  # behind"),
            4 => ("# one\n\n# two\n", " # behind"),
            _ => ("", ""),
        };
        out.push('\n');
        out.push_str(above);
        let sign = if is_map { text!("k{i}:") } else { "-".into() };
        let is_open = value.starts_with('\n');
        let mut lines = value.split('\n');
        let first = lines.next().unwrap_or_default();
        let is_block = first.starts_with(['|', '>']);
        // A comment behind a text that goes on below would end it.
        let behind = if is_open || is_block || !value.contains('\n') { behind } else { "" };
        out.push_str(&text!("{sign} {first}{behind}"));
        for line in lines {
            out.push('\n');
            if !line.is_empty() {
                out.push_str(&" ".repeat(if is_block { 2 } else { *indent }));
                out.push_str(line);
            }
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn whatever_is_written_says_the_same_and_stays(root in prop::collection::vec((value(3), 0..7u8, 1..4usize), 1..4)) {
        let text = collection(&root, true);
        let tree = Tree::from_texts([("x.vgo", &*text)]);
        prop_assume!(Sources::read(&tree).diagnostics().is_empty());
        let once = formatted("x.vgo", &text);
        prop_assert!(once.is_ok(), "{:?} of\n{}", once, text);
        let once = once.unwrap_or_default();
        prop_assert_eq!(formatted("x.vgo", &once), Ok(once.clone()), "{}\nfrom\n{}", &once, text);
    }
}
