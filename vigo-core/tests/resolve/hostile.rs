//! Whatever stands in the files: no panic, and an answer.

use crate::support::busy;
use proptest::prelude::*;
use vigo_core::config::Config;
use vigo_core::resolve;
use vigo_core::source::{Sources, Tree, TreeFile};

const PATHS: &[&str] = &[
    "configcrates/a.vgo",
    "configcrates/b/c.vgo",
    "usercrates/u.vgo",
    "roles.vgo",
    "common.vgo",
    "p/common.vgo",
    "environments.vgo",
    "compliance.vgo",
    "configcrates/compliance.vgo",
    "p/m.vgo",
    "z.vgo",
    "data/x.yaml",
    "templates/t",
];

/// Pieces of policies, put together in any way.
const PIECES: &[&str] = &[
    "name: a\n",
    "name: b\n",
    "resources:\n",
    "  - ",
    "type: file\n",
    "    type: file\n",
    "    target_path: /x\n",
    "    name: n\n",
    "    name: 'n-{{ .Item }}'\n",
    "    foreach: v\n",
    "    foreach: Item.x\n",
    "foreach: v\n",
    "vars: {v: [a, b], w: {k: 1}, x: 'secret:a/b'}\n",
    "vars:\n",
    "  v: &x [1, 2]\n",
    "  w: *x\n",
    "  <<: *x\n",
    "    depends_on: [n, 'n*', a, a/n, b]\n",
    "    before: a\n",
    "    notify: n\n",
    "    subscribes: 'a/*'\n",
    "    when: changed\n",
    "    when: \"environment('e') && has_configcrate('a') && file_exists('{{ .Vars.v }}')\"\n",
    "when: \"has_role('r') || hostname_match('h*')\"\n",
    "    content: |\n      {{ .Vars.v }}\n\n      {{ if }}\n",
    "    content: >-\n\n      x {{ secret \"a\" }}\n",
    "    case: '{{ .Vars.v }}'\n    match: {a: {owner: x}, default: {}}\n",
    "    case:\n      - {when: is_container, set: {mode: '0600'}}\n      - {default: true, set: {mode: x}}\n",
    "    source: templates/t\n",
    "    mode: 0644\n",
    "    retries: 3\n",
    "defaults: {owner: x, file: {mode: '0600'}}\n",
    "depends_on: [b]\n",
    "before: b\n",
    "environment_overrides: {e: {vars: {v: 1}}}\n",
    "roles:\n",
    "  - {name: r, configcrates: [a], includes: [q], case: [{when: is_virtual, configcrates: [b]}, {default: true, configcrates: [a]}]}\n",
    "envoys:\n",
    "  - {match: '*', roles: [r], configcrates: [a, b], usercrates: [u], environment: e, vars_from: data/x.yaml}\n",
    "  - {match: ['h', '{a,b}*'], exclude_configcrates: [b]}\n",
    "env:\n",
    "  e: {vars: {v: [1]}, configcrates: [b]}\n",
    "waivers: [{framework: f, control: c, reason: r, until: 2026-01-01}]\n",
    "---\n",
    "...\n",
    "x-y: &a {b: 1}\n",
    "? ",
    ": ",
    "- ",
    "{",
    "}",
    "[",
    "]",
    "'",
    "\"",
    "|\n",
    ">\n",
    "#",
    "&a ",
    "*a ",
    "!x ",
    "!!str ",
    "\t",
    "\r\n",
    "\n",
    "é",
    "{{",
    "}}",
    "secret:",
    "a/b.c-",
    "\u{10F5E0}",
    "\u{feff}",
    "~",
    "null",
    "%YAML 1.2\n",
    "0644",
    "yes",
    "<<: ",
];

fn text() -> impl Strategy<Value = Vec<u8>> {
    let pieces = prop::collection::vec(prop::sample::select(PIECES), 0..24).prop_map(|p| p.concat().into_bytes());
    let bytes = prop::collection::vec(any::<u8>(), 0..200);
    let mixed = (pieces.clone(), bytes.clone(), any::<prop::sample::Index>()).prop_map(|(mut p, b, at)| {
        let at = at.index(p.len() + 1);
        p.splice(at..at, b.into_iter().take(4));
        p
    });
    prop_oneof![4 => pieces, 1 => bytes, 2 => mixed]
}

fn tree() -> impl Strategy<Value = Tree> {
    let file = (prop::sample::select(PATHS), text());
    prop::collection::btree_map(prop::sample::select(PATHS), text(), 0..7)
        .prop_map(|files| Tree {
            files: files
                .into_iter()
                .map(|(path, bytes)| TreeFile { path: path.into(), bytes: bytes.into(), executable: false })
                .collect(),
        })
        .boxed()
        .prop_union(
            file.prop_map(|(path, bytes)| Tree {
                files: vec![TreeFile { path: path.into(), bytes: bytes.into(), executable: true }],
            })
            .boxed(),
        )
}

fn all(tree: &Tree) {
    let sources = Sources::read(tree);
    let config = Config::read(&sources);
    let diagnostics = resolve::check(&config);
    for d in &diagnostics {
        for label in &d.labels {
            // Every span is inside of its file, between characters.
            if let Some(file) = sources.map().file(label.span.file) {
                let range = label.span.start as usize..label.span.end as usize;
                assert!(file.text.get(range).is_some(), "{d:?} in {:?}", file.text);
            }
        }
        assert!(!d.message.is_empty() && !d.message.ends_with('.'), "{d:?}");
    }
    for environment in [None, Some("e"), Some("no")] {
        if let Ok(r) = resolve::resolve(&config, "host.example.com", environment) {
            let count = r.bundle.resources.len() as u32;
            assert!(r.bundle.edges.iter().all(|e| e.from < count && e.to < count));
            assert!(r.bundle.resources.iter().all(|r2| (r2.krate as usize) < r.bundle.crates.len()));
            assert!(r.bundle.crates.iter().all(|c| (c.scope as usize) < r.bundle.scopes.len()));
            let files = r.bundle.files.len() as u32;
            assert!(r.bundle.resources.iter().all(|r| r.place.file < files));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6 * ProptestConfig::default().cases))]

    #[test]
    fn no_tree_makes_it_panic(tree in tree()) {
        all(&tree);
    }
}

/// Crates that refer to each other as a whole, patterns over many names, conditions over many arms: bounded.
#[test]
fn large_trees_are_bounded() {
    let many: String = (0..2000).map(|i| format!("  - {{name: r{i}, type: file, target_path: /r{i}}}\n")).collect();
    let a = format!("resources:\n{many}");
    let b = format!("depends_on: a\nresources:\n{many}");
    let tree = Tree::from_texts([
        ("configcrates/a.vgo", &*a),
        ("configcrates/b.vgo", &*b),
        ("envoys.vgo", "envoys:\n  - {match: '*', configcrates: [a, b]}\n"),
    ]);
    let sources = Sources::read(&tree);
    let config = Config::read(&sources);
    let errors = resolve::resolve(&config, "h", None).unwrap_err();
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].message, "more than 2000000 edges in one class");
}

/// Thousands of references into another crate, into one that is not included, and through a chain that is dropped.
#[test]
fn many_references_are_quick() {
    let many = |keys: &str| -> String {
        (0..3000).map(|i| format!("  - {{name: r{i}, type: file, target_path: /r{i}{keys}}}\n")).collect()
    };
    let a = format!("resources:\n{}", many(", notify: [b, none/x], depends_on: b/r1"));
    let b = format!("resources:\n{}", many(""));
    let chain: String = (0..3000)
        .map(|i| format!("  - {{name: r{i}, type: file, target_path: /c{i}, when: 'false', before: 'r{}'}}\n", i + 1))
        .chain(["  - {name: r3000, type: file, target_path: /c}\n".into()])
        .collect();
    let c = format!("resources:\n{chain}");
    let none = "resources:\n  - {name: x, type: file, target_path: /n}\n".to_string();
    let tree = Tree::from_texts([
        ("configcrates/a.vgo", &*a),
        ("configcrates/b.vgo", &*b),
        ("configcrates/c.vgo", &*c),
        ("configcrates/none.vgo", &*none),
        ("envoys.vgo", "envoys:\n  - {match: '*', configcrates: [a, b, c]}\n"),
    ]);
    let begun = busy();
    let sources = Sources::read(&tree);
    let config = Config::read(&sources);
    let r = resolve::resolve(&config, "h", None).unwrap();
    assert_eq!(r.bundle.resources.len(), 6001);
    assert_eq!(r.bundle.edges.len(), 3000);
    resolve::check(&config);
    // A debug build takes a second; what is quadratic takes minutes.
    let spent = busy() - begun;
    assert!(spent.as_secs() < 30, "{spent:?}");
}

/// Names that nobody has, by the thousand, each of which may have been meant for thousands of others; and patterns.
#[test]
fn many_mistakes_and_patterns_are_quick() {
    let crates: String =
        (0..3000).map(|i| format!("---\nname: crate{i}\ndepends_on: [crote{i}]\nresources: []\n")).collect();
    let included: Vec<String> = (0..3000).map(|i| format!("crata{i}")).collect();
    let envoys = format!("envoys:\n  - {{match: '*', configcrates: [{}]}}\n", included.join(", "));
    let begun = busy();
    let found = |tree: &Tree| resolve::check(&Config::read(&Sources::read(tree)));
    let mistakes = found(&Tree::from_texts([("configcrates/c.vgo", &*crates), ("envoys.vgo", &*envoys)]));
    assert_eq!(mistakes.len(), 200, "a hundred for each file");
    assert!(mistakes.iter().any(|d| d.help.iter().any(|h| h == "2900 more errors of this file are not shown")));

    let edges = |edge: &dyn Fn(usize) -> String| -> String {
        let one = |i| format!("  - {{name: r{i}, type: file, target_path: /r{i}, depends_on: '{}'}}\n", edge(i));
        let all: String = (0..9000).map(one).collect();
        format!("resources:\n{all}")
    };
    let host = "envoys:\n  - {match: '*', configcrates: [a]}\n";
    let unknown = edges(&|i| format!("q{i}"));
    let unknown = found(&Tree::from_texts([("configcrates/a.vgo", &*unknown), ("envoys.vgo", host)]));
    assert_eq!(unknown.len(), 100);
    let patterns = edges(&|i| format!("*{i}*"));
    let patterns = found(&Tree::from_texts([("configcrates/a.vgo", &*patterns), ("envoys.vgo", host)]));
    let messages: Vec<&str> = patterns.iter().map(|d| &*d.message).collect();
    assert_eq!(messages, ["the references with `*` are compared with more than 5000000 names"]);
    // A debug build takes seconds; what is quadratic takes minutes.
    let spent = busy() - begun;
    assert!(spent.as_secs() < 60, "{spent:?}");
}
