//! A tree that changes: what is remembered of it makes no difference to what is found.

use proptest::prelude::*;
use std::collections::BTreeSet;
use vigo_core::config::Config;
use vigo_core::resolve::{self, Checker};
use vigo_core::source::{Sources, Tree};

/// A file of the tree, and the texts that it may have.
const FILES: &[(&str, &[&str])] = &[
    (
        "configcrates/a.vgo",
        &[
            "resources:\n  - {name: f, type: file, target_path: '/etc/{{ .Vars.place }}', content: '{{ .Vars.port }}'}\n",
            "resources:\n  - {name: f, type: file, target_path: '/etc/{{ .Vars.place }}', content: '{{ .Vars.deep.x }}'}\n",
            "resources:\n  - {name: f, type: file, foreach: sites, target_path: '/a/{{ .Item }}', content: x}\n",
            "resources:\n  - {name: f, type: file, target_path: /etc/f, source: templates/t.conf}\n",
            "resources:\n  - {name: f, type: file, target_path: /etc/f, content: x, when: \"var('flag') && environment('p')\"}\n",
            "resources:\n  - {name: f, type: file, target_path: /etc/f, contents: x}\n",
        ],
    ),
    (
        "configcrates/b.vgo",
        &[
            "resources:\n  - {name: g, type: file, target_path: /etc/f, content: '{{ .Vars.port }}'}\n",
            "depends_on: a\nvars: {port: 1}\nresources:\n  - {name: g, type: file, target_path: /b, content: '{{ .Vars.port }}', notify: a/f}\n",
            "name: c\nresources:\n  - {name: g, type: file, target_path: '/b{{ range .Vars.sites }}{{ . }}{{ end }}', content: x}\n",
            "resources:\n  - {name: g, type: file, target_path: /b, content: '{{ with .Vars }}{{ .port }}{{ end }}', before: a}\n",
            "resources:\n  - {name: g, type: file, target_path: /b, content: x, depends_on: a/nothing}\n",
            "resources: [\n",
        ],
    ),
    ("templates/t.conf", &["{{ .Vars.port }}", "{{ .Vars.deep.y }}", "{{ if }}", "plain"]),
    (
        "common.vgo",
        &[
            "vars: {place: x, port: 1}\n",
            "vars: {place: f, sites: [a, b], deep: {x: 1}}\nconfigcrates: [b]\n",
            "vars: {place: f, port: 'secret:vigo/p', sites: [a, a]}\n",
        ],
    ),
    (
        "environments.vgo",
        &["env: {p: {vars: {flag: true}}, q: {}}\n", "env: {p: {exclude_configcrates: [a]}, q: {}}\n"],
    ),
    (
        "hosts/one.vgo",
        &[
            "envoys:\n  - {match: one, configcrates: [a], environment: p}\n",
            "envoys:\n  - {match: one, configcrates: [a, b], vars: {port: 3}}\n",
            "# moved\nenvoys:\n  - {match: one, configcrates: [a, b], vars: {port: {x: 3}}}\n",
        ],
    ),
    (
        "hosts/two.vgo",
        &[
            "envoys:\n  - {match: two, configcrates: [a], environment: q, vars: {place: y}}\n",
            "envoys:\n  - {match: two, configcrates: [a, b], vars: {port: 4}}\n",
            "envoys:\n  - {match: two, configcrates: [b], vars: {place: 'secret:vigo/x', port: 3, deep: {y: 2}}}\n",
        ],
    ),
];

fn tree(choice: &[usize], without: &str) -> Tree {
    let file =
        |(&(path, texts), &n): (&(&'static str, &'static [&'static str]), &usize)| (path, texts[n % texts.len()]);
    // Each crate is in some class, whichever files there are.
    let rest = ("hosts/rest.vgo", "envoys:\n  - {match: rest, configcrates: [a, b], environment: q}\n");
    Tree::from_texts(FILES.iter().zip(choice).map(file).chain([rest]).filter(|(path, _)| *path != without))
}

/// What is found, by places that do not depend on which files there are besides.
fn found(tree: &Tree) -> BTreeSet<String> {
    let sources = Sources::read(tree);
    let place = |span| (sources.map().describe(span), sources.map().text(span).to_owned());
    let all = resolve::check(&Config::read(&sources));
    all.iter().map(|d| format!("{} {:?} {}", d.code, place(d.span()), d.message)).collect()
}

proptest! {
    #[test]
    fn after_each_change_all_is_found_that_a_first_look_finds(
        start in prop::collection::vec(0..6usize, FILES.len()),
        changes in prop::collection::vec((0..FILES.len(), 0..6usize), 1..12),
    ) {
        let mut choice = start;
        let mut checker = Checker::default();
        checker.update(&tree(&choice, ""));
        checker.check();
        for (file, text) in changes {
            choice[file] = text;
            let tree = tree(&choice, "");
            checker.update(&tree);
            let sources = Sources::read(&tree);
            prop_assert_eq!(checker.check(), resolve::check(&Config::read(&sources)), "{:?}", choice);
        }
    }

    #[test]
    fn what_two_blocks_have_in_common_hides_nothing_of_either(choice in prop::collection::vec(0..6usize, FILES.len())) {
        let both = found(&tree(&choice, ""));
        let [one, two] = ["hosts/two.vgo", "hosts/one.vgo"].map(|other| found(&tree(&choice, other)));
        for d in &both {
            prop_assert!(one.contains(d) || two.contains(d), "{} in {:?}", d, choice);
        }
        for d in one.union(&two) {
            prop_assert!(both.contains(d), "{} in {:?}", d, choice);
        }
    }
}

const MOTD: &str = "resources:\n  - {name: m, type: file, target_path: /m, content: x}\n";

/// Two blocks, the second with a mistake that the first does not have, however near the two are to each other.
#[test]
fn one_block_in_order_does_not_speak_for_the_next() {
    let file = |name, path, content| {
        format!("resources:\n  - {{name: {name}, type: file, target_path: '{path}', content: '{content}'}}\n")
    };
    let role = "roles: [{name: r, case: [{when: \"os_family('debian')\", configcrates: [a]},
        {when: \"os_family('redhat')\", configcrates: [b]}]}]\n";
    let cases: &[(&str, String, String, &str, &str)] = &[
        ("a value in a path", file("f", "/{{ .Vars.v }}", "x"), file("g", "/b", "y"), "vars: {v: a}", "vars: {v: b}"),
        (
            "values that must agree",
            file("f", "/b", "{{ .Vars.v }}"),
            file("g", "/b", "{{ .Vars.w }}"),
            "vars: {v: 1, w: 1}",
            "vars: {v: 1, w: 2}",
        ),
        ("a key of a map", file("f", "/a", "{{ .Vars.v.x }}"), MOTD.into(), "vars: {v: {x: 1}}", "vars: {v: {y: 1}}"),
        (
            "a variable",
            file("f", "/a", "{{ with .Vars }}{{ .v }}{{ end }}"),
            MOTD.into(),
            "vars: {v: 1}",
            "vars: {w: 1}",
        ),
        (
            "items",
            file("f", "/a", "{{ .Item }}").replace("type:", "foreach: v, type:"),
            MOTD.into(),
            "vars: {v: []}",
            "vars: {v: [a, b]}",
        ),
        (
            "a condition on a variable",
            file("f", "/m", "y").replace("type:", "when: \"var('v')\", type:"),
            MOTD.into(),
            "vars: {v: false}",
            "vars: {v: true}",
        ),
        (
            "an environment",
            file("f", "/m", "y").replace("type:", "when: \"environment('p')\", type:"),
            MOTD.into(),
            "environment: q",
            "environment: p",
        ),
        ("an exclusion", format!("depends_on: c\n{MOTD}"), "resources: []".into(), "exclude_configcrates: [c]", ""),
        ("the arms of a role", file("f", "/b", "x"), file("g", "/b", "y"), "roles: [r]", "configcrates: [a, b]"),
    ];
    for (name, a, b, first, second) in cases {
        let include = |own: &str| if own.contains("roles:") { "" } else { "configcrates: [a, b]" };
        let block = |host, own: &&str| {
            let include = if own.contains("configcrates: [a") { "" } else { include(own) };
            let parts = [include, own].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ");
            format!("  - {{match: {host}, {parts}}}\n")
        };
        let tree = |blocks: &str| {
            Tree::from_texts([
                ("configcrates/a.vgo", &**a),
                ("configcrates/b.vgo", &**b),
                ("configcrates/c.vgo", "resources: []"),
                ("environments.vgo", "env: {p: {}, q: {}}"),
                ("roles.vgo", role),
                ("envoys.vgo", &*format!("envoys:\n{blocks}")),
            ])
        };
        let (first, second) = (block("one", first), block("two", second));
        assert_eq!(found(&tree(&first)), BTreeSet::new(), "{name}");
        let alone = found(&tree(&second));
        assert_eq!(alone.len(), 1, "{name}: {alone:?}");
        let codes = |found: &BTreeSet<String>| found.iter().map(|d| d[..5].to_owned()).collect::<Vec<_>>();
        assert_eq!(codes(&found(&tree(&format!("{first}{second}")))), codes(&alone), "{name}");
        // The same one after the other.
        let mut checker = Checker::default();
        for (blocks, expected) in [(&first, 0), (&second, 1), (&first, 0)] {
            checker.update(&tree(blocks));
            assert_eq!(checker.check().len(), expected, "{name}");
        }
    }
}

/// A change to a file in which nothing is wrong makes a mistake in another.
#[test]
fn what_a_change_makes_wrong_elsewhere_is_seen() {
    let envoys = ("envoys.vgo", "envoys:\n  - {match: a, configcrates: [a]}\n");
    let a = |attributes| format!("resources:\n  - {{name: f, type: file, target_path: /f, {attributes}}}\n");
    let cases = [
        (
            "a resource of a crate that is not there",
            a("content: x, notify: b/m"),
            ("configcrates/b.vgo", MOTD, "resources:\n  - {name: n, type: file, target_path: /m, content: x}\n"),
        ),
        ("a template file", a("source: templates/t"), ("templates/t", "plain", "{{ .Vars.nothing }}")),
        (
            "a template file by a default",
            format!("defaults: {{file: {{source: templates/t}}}}\n{}", a("mode: '0644'")),
            ("templates/t", "plain", "{{ .Vars.nothing }}"),
        ),
        ("a variable", a("content: '{{ .Vars.v }}'"), ("environments.vgo", "env: {}", "env: {p: {vars: {w: 1}}}")),
    ];
    for (name, a, (path, before, after)) in &cases {
        let common = if *name == "a variable" { "" } else { "vars: {v: 1}" };
        let tree = |text| {
            let common = if text == *before { "vars: {v: 1}" } else { common };
            Tree::from_texts([
                ("configcrates/a.vgo", &**a),
                (path, text),
                ("common.vgo", common),
                ("h/envoys.vgo", envoys.1),
            ])
        };
        let mut checker = Checker::default();
        for (text, expected) in [(before, true), (after, false), (before, true)] {
            checker.update(&tree(text));
            let found = checker.check();
            assert_eq!(found.is_empty(), expected, "{name}: {found:#?}");
        }
    }
}

/// Twenty crates, each of three match blocks of its own.
fn many(changed: &str, text: &str) -> Tree {
    let mut files = vec![("common.vgo".to_owned(), "vars: {shared: 1}\n".to_owned())];
    for n in 0..20 {
        let content = if n == 7 { "'{{ .Vars.own }}'" } else { "x" };
        files.push((
            format!("configcrates/c{n}.vgo"),
            format!("resources:\n  - {{name: f, type: file, target_path: /c{n}, content: {content}}}\n"),
        ));
        let block = |i: usize| format!("  - {{match: h{n}-{i}, configcrates: [c{n}], vars: {{own: {i}}}}}\n");
        files.push((format!("hosts/b{n:02}.vgo"), format!("envoys:\n{}", (0..3).map(block).collect::<String>())));
    }
    let texts = files.iter().map(|(path, old)| (&**path, if path == changed { text } else { old }));
    Tree::from_texts(texts)
}

#[test]
fn after_a_change_only_what_depends_on_it_is_looked_at() {
    let mut checker = Checker::default();
    let mut work = |tree: Tree| {
        checker.update(&tree);
        let found = checker.check();
        assert!(found.is_empty(), "{found:#?}");
        (checker.work().crates, checker.work().classes)
    };
    let crate_text =
        |content| format!("resources:\n  - {{name: f, type: file, target_path: /c3, content: {content}}}\n");
    let block = |vars| format!("envoys:\n  - {{match: h3-0, configcrates: [c3], vars: {vars}}}\n");
    assert_eq!(work(many("", "")), (20, 20), "three blocks that come to the same are looked at once");
    assert_eq!(work(many("", "")), (0, 0), "nothing changed");
    assert_eq!(work(many("configcrates/c3.vgo", &crate_text("y"))), (1, 1));
    assert_eq!(work(many("configcrates/c3.vgo", &crate_text("y"))), (0, 0));
    assert_eq!(work(many("", "")), (1, 1), "what is forgotten is looked at again");
    assert_eq!(work(many("hosts/b03.vgo", &block("{own: 9}"))), (0, 0), "no check sees the value");
    let other = "envoys:\n  - {match: h3-0, configcrates: [c3, c4]}\n";
    assert_eq!(work(many("hosts/b03.vgo", other)), (0, 1), "another set of crates");
    assert_eq!(
        work(many("common.vgo", "vars: {shared: 2}\n")),
        (0, 1),
        "the first set again, and a value that nobody sees"
    );
    assert_eq!(
        work(many("hosts/b07.vgo", "envoys:\n  - {match: h7, configcrates: [c7], vars: {own: {a: 1}}}\n")),
        (0, 1)
    );
}

#[test]
fn a_file_that_comes_or_goes_is_seen() {
    let envoys = ("envoys.vgo", "envoys:\n  - {match: a, configcrates: [a]}\n");
    let a = ("configcrates/a.vgo", "resources:\n  - {name: f, type: file, target_path: /f, content: x, notify: b}\n");
    let b = ("configcrates/b.vgo", "resources: []\n");
    let mut checker = Checker::default();
    for (files, expected) in [(vec![a, b, envoys], 0), (vec![a, envoys], 1), (vec![b, a, envoys], 0)] {
        checker.update(&Tree::from_texts(files));
        let found = checker.check();
        assert_eq!(found.len(), expected, "{found:#?}");
    }
}
