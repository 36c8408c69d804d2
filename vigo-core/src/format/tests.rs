//! Tests of the formatter: what it writes, and that it says the same.

use super::{Unformatted, format};
use crate::source::{Sources, Tree};
use alloc::format as text;
use alloc::string::String;

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
            "resources:\n  - name: a\n    type: file\n    target_path: /x\n    state: present\n    content: x\n    mode: 0644\n    foo: 1\n    when: changed\n    notify: b\n",
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
        (
            "aliases in flow",
            "vars: {a: &a {b: 1}, c: [ *a , *a ], d: { <<: *a , e: 1}}\n",
            "vars: {a: &a {b: 1}, c: [*a, *a], d: {<<: *a, e: 1}}\n",
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
        (
            "a/c.test.vgo",
            "tests:\n  - expect: {resources: {a/b: {notify: c, mode: 1, runs: true}}}\n",
            "tests:\n  - expect: {resources: {a/b: {runs: true, mode: 1, notify: c}}}\n",
        ),
    ];
    for (path, text, expected) in cases {
        assert_eq!(formatted(path, text).as_deref(), Ok(expected), "{path}");
    }
}

/// Empty lines below a text with `+` are a part of it: none comes to it, and none is lost.
#[test]
fn what_a_kept_text_ends_with_stays() {
    let cases = [
        ("comment apart", "a: >+\n  x\n\n# c\n\nb: 1\n", "a: >+\n  x\n\n# c\n\nb: 1\n"),
        (
            "a comment that moves up",
            "a:\n- |+\n  x\n\n- - \n\n   # c\n\n   - 1\n",
            "a:\n  - |+\n    x\n\n  # c\n  - - - 1\n",
        ),
        (
            "lists in lists",
            "\n# above\nk0: \n # above\n - \n  # above\n  k0: >+\n      a\n      b\n\n\n\n - \n  - \n\n   # apart\n\n   - a\n",
            "# above\nk0:\n  # above\n  # above\n  - k0: >+\n      a\n      b\n\n\n\n  # apart\n  - - - a\n",
        ),
        (
            "a text that moves up",
            "resources: []\n\nvars: {}\n\n\nname: |+\n  x\n\n",
            "name: |+\n  x\n\nvars: {}\nresources: []\n",
        ),
        ("map", "vars:\n   a: |+\n     x\n   b: |+\n   c: 1\n", "vars:\n  a: |+\n    x\n  b: |+\n  c: 1\n"),
        (
            "list",
            "vars:\n- >2+\n     x\n\n- |+\n  x\n\n\n# c\n- 1\n",
            "vars:\n  - >2+\n       x\n\n  - |+\n    x\n\n\n  # c\n  - 1\n",
        ),
        ("end", "vars:\n  a:\n  - |+\n   x\n\n\n\n", "vars:\n  a:\n    - |+\n      x\n\n\n\n"),
        ("end without a line break", "vars: |+\n  x", "vars: |+\n  x\n"),
        ("end in blanks", "vars: |+\n  x\n  ", "vars: |+\n  x\n"),
        ("blanks alone", "vars: |+\n  ", "vars: |+\n\n"),
        ("end with a comment", "vars: |+\n  x\n\n\n# end\n", "vars: |+\n  x\n\n\n# end\n"),
        (
            "documents",
            "vars: |+\n x\n\n---\nvars: >+\n\n---\n|+\n x\n\n",
            "vars: |+\n  x\n\n---\nvars: >+\n\n---\n|+\n  x\n\n",
        ),
        ("nothing", "vars:\n a: |+\n\n\n b: |1+\n c: |+\n", "vars:\n  a: |+\n\n\n  b: |+\n  c: |+\n"),
    ];
    for (name, text, expected) in cases {
        assert_eq!(twice(text).as_deref(), Ok(expected), "{name}");
    }
}

/// A text of which nothing stands there has no indent that tells it from what follows.
#[test]
fn an_empty_text_takes_no_line_of_others() {
    let cases = [
        ("end", "vars: |1+\n# end\n", "vars: |+\n# end\n"),
        ("blanks", "vars: |\n    \n# end\n", "vars: |\n\n# end\n"),
        ("the whole file", "|\n  \n# end\n", "|2\n\n# end\n"),
        ("a whole document", "a: 1\n---\n|1\n\n...\n# c\n---\nb: 1\n", "a: 1\n---\n|2\n# c\n---\nb: 1\n"),
    ];
    for (name, text, expected) in cases {
        assert_eq!(twice(text).as_deref(), Ok(expected), "{name}");
    }
}

#[test]
fn a_mark_at_the_top_and_all_ends_of_lines_are_read() {
    let cases = [
        ("mark", "\u{feff}# top\nname: a\n", "# top\nname: a\n"),
        (
            "CRLF",
            "name: a # b\r\n\r\nvars:\r\n- |+\r\n x\r\n\r\n- 'a\r\n  b'\r\n",
            "name: a # b\n\nvars:\n  - |+\n    x\n\n  - 'a\n    b'\n",
        ),
        ("CR", "name: a\rvars: >\r x\r y\r", "name: a\nvars: >\n  x\n  y\n"),
    ];
    for (name, text, expected) in cases {
        assert_eq!(twice(text).as_deref(), Ok(expected), "{name}");
    }
}

#[test]
fn a_key_in_flow_needs_no_value() {
    let cases = [
        ("map", "vars: {a, b: , 'c', d: 1}\n", "vars: {a, b, \"c\", d: 1}\n"),
        ("list", "vars: [{a}, b: , c]\n", "vars: [{a}, b: , c]\n"),
    ];
    for (name, text, expected) in cases {
        assert_eq!(twice(text).as_deref(), Ok(expected), "{name}");
    }
}

#[test]
fn comments_in_flow_that_is_broken_stay_with_their_item() {
    let cases = [
        ("in lists", "vars:\n- - [[ # c\n  ]]\n", "vars:\n  # c\n  - - - []\n"),
        ("in maps", "vars:\n- - {a: [ # c\n  ]} # d\n", "vars:\n  # d\n  # c\n  - - a: []\n"),
        ("behind an anchor", "vars:\n- &a [[ # c\n  ]]\n", "vars:\n  - &a\n    # c\n    - []\n"),
    ];
    for (name, text, expected) in cases {
        assert_eq!(twice(text).as_deref(), Ok(expected), "{name}");
    }
}

#[test]
fn anchors_and_tags_of_collections_stay_theirs() {
    let cases = [
        ("line of their own", "vars: \n  &a\n - a\n", "vars: &a\n  - a\n"),
        ("of the first key", "vars:\n  &a k: 1\n", "vars:\n  &a k: 1\n"),
        ("both", "vars:\n  &a\n  &b k: 1\n", "vars: &a\n  &b k: 1\n"),
        ("in a list", "vars:\n- !!seq &a\n  # c\n  - 1\n", "vars:\n  - !!seq &a\n    # c\n    - 1\n"),
    ];
    for (name, text, expected) in cases {
        assert_eq!(twice(text).as_deref(), Ok(expected), "{name}");
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
