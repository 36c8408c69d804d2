//! Edges, stamps, conditions, sets: what a policy is made of.

use crate::support::{attribute, check, edges, ids, resolve, resolved};
use vigo_core::bundle::Raw;
use vigo_core::value::Value;

/// Returns a crate of files; each line is a resource's keys beside `type` and `target_path`.
fn files(head: &str, resources: &[&str]) -> String {
    let mut text = format!("{head}\nresources:\n");
    for (i, keys) in resources.iter().enumerate() {
        text += &format!("  - {{type: file, target_path: /etc/{i}, {keys}}}\n");
    }
    text
}

fn tree<'t>(crates: &'t [(&'t str, &'t str)], envoys: &'t str) -> Vec<(&'t str, &'t str)> {
    crates.iter().copied().chain([("envoys.vgo", envoys)]).collect()
}

const ALL: &str = "envoys:\n  - {match: '*', configcrates: [a, b]}\n";

#[test]
fn references_mean_what_the_reference_says() {
    type Case = (&'static str, &'static [&'static str], &'static [&'static str], &'static [&'static str]);
    let cases: &[Case] = &[
        ("one", &["name: x", "name: y, depends_on: x"], &[], &["a/x → a/y"]),
        ("a list", &["name: x", "name: y", "name: z, depends_on: [x, y]"], &[], &["a/x → a/z", "a/y → a/z"]),
        ("before", &["name: x, before: y", "name: y"], &[], &["a/x → a/y"]),
        (
            "a pattern, not itself",
            &["name: s-1", "name: s-2", "name: s-3, depends_on: 's-*'"],
            &[],
            &["a/s-1 → a/s-3", "a/s-2 → a/s-3"],
        ),
        ("default names", &["name: x, depends_on: 'file:/etc/1'", "mode: 0600"], &[], &["a/file:/etc/1 → a/x"]),
        ("the own crate first", &["name: b", "name: y, depends_on: b"], &["name: z"], &["a/b → a/y"]),
        ("crate/name", &["name: x, depends_on: b/z"], &["name: y", "name: z"], &["b/z → a/x"]),
        ("crate/pattern", &["name: x, depends_on: 'b/z*'"], &["name: y", "name: z1"], &["b/z1 → a/x"]),
        (
            "a whole crate: its steady resources",
            &["name: x, depends_on: b"],
            &["name: y, notify: h", "name: h, when: changed"],
            &["b/y → a/x", "b/y ⇒ b/h"],
        ),
        (
            "notify a whole crate: its handlers",
            &["name: x, notify: b"],
            &["name: y", "name: h, when: changed"],
            &["a/x ⇒ b/h"],
        ),
        ("subscribes", &["name: x", "name: y, when: changed, subscribes: x"], &[], &["a/x ⇒ a/y"]),
        ("the same edge twice", &["name: x, before: y", "name: y, depends_on: [x, x]"], &[], &["a/x → a/y"]),
        (
            "a false resource hands its edges on",
            &["name: x", "name: y, depends_on: x, when: 'false'", "name: z, depends_on: y"],
            &[],
            &["a/x ⇢ a/z"],
        ),
        (
            "a chain of false resources",
            &[
                "name: x",
                "name: y, depends_on: x, when: \"environment('no')\"",
                "name: z, depends_on: y, when: 'false', notify: w",
                "name: w",
            ],
            &[],
            &["a/x ⇢ a/w"],
        ),
        (
            "order gives way to what says more",
            &["name: x", "name: y, depends_on: x, when: 'false'", "name: z, depends_on: [x, y]"],
            &[],
            &["a/x → a/z"],
        ),
    ];
    for (name, a, b, expected) in cases {
        let (a, b) = (files("", a), files("", b));
        let crates = [("configcrates/a.vgo", &*a), ("configcrates/b.vgo", &*b)];
        let r = resolved(&tree(&crates, ALL), "h");
        assert_eq!(edges(&r.bundle), *expected, "{name}");
    }
}

#[test]
fn crates_come_before_and_after_each_other() {
    let x = files("", &["name: x", "name: h, when: changed, subscribes: x"]);
    type Case = (&'static str, &'static str, &'static str, &'static [&'static str]);
    let cases: &[Case] = &[
        ("depends_on", "depends_on: [b]", "", &["a/x ⇒ a/h", "b/x → a/x", "b/x → a/h", "b/x ⇒ b/h"]),
        ("before", "before: b", "", &["a/x ⇒ a/h", "a/x → b/x", "a/x → b/h", "b/x ⇒ b/h"]),
        (
            "a crate whose gate is false hands order on",
            "depends_on: [b]",
            "when: \"environment('no')\"\ndepends_on: [c]",
            &["a/x ⇒ a/h", "c/x ⇢ a/x", "c/x ⇢ a/h", "c/x ⇒ c/h"],
        ),
    ];
    for (name, a, b, expected) in cases {
        let (a, b) = (format!("{a}{x}"), format!("{b}{x}"));
        let crates = [("configcrates/a.vgo", &*a), ("configcrates/b.vgo", &*b), ("configcrates/c.vgo", &*x)];
        let set = if name.contains("gate") { "[a, b, c]" } else { "[a, b]" };
        let envoys = format!("envoys:\n  - {{match: '*', configcrates: {set}}}\n");
        assert_eq!(edges(&resolved(&tree(&crates, &envoys), "h").bundle), *expected, "{name}");
    }
}

#[test]
fn references_that_lead_nowhere_are_errors() {
    let c = files("", &["name: z"]);
    let cases: &[(&str, &str, &str)] = &[
        ("nothing of that name", "depends_on: zz", "nothing in the tree is called `zz`"),
        ("nothing in a crate", "depends_on: c/y", "nothing in the tree is called `c/y`"),
        ("a pattern without a match", "notify: 'q*'", "nothing in the tree is called `q*`"),
        ("a crate that is not included", "depends_on: c", "`c` is needed here, and crate `c` is not included"),
        ("a resource of such a crate", "depends_on: c/z", "`c/z` is needed here, and crate `c` is not included"),
        ("notify is ignored", "notify: c", ""),
        ("subscribes is ignored", "subscribes: c/z, when: changed", ""),
        ("before is ignored", "before: c/z", ""),
        ("an exclusion took it out", "depends_on: d/z", ""),
        ("a type is no name", "depends_on: file", "nothing in the tree is called `file`"),
    ];
    for (name, keys, expected) in cases {
        let a = files("", &[&format!("name: x, {keys}")]);
        let crates = [("configcrates/a.vgo", &*a), ("configcrates/c.vgo", &*c), ("configcrates/d.vgo", &*c)];
        let envoys = "envoys:\n  - {match: '*', configcrates: [a, d], exclude_configcrates: [d]}\n";
        match resolve(&tree(&crates, envoys), "h") {
            Ok(_) => assert_eq!(*expected, "", "{name}"),
            Err(e) => assert!(!expected.is_empty() && e.contains(expected), "{name}: {e}"),
        }
    }
}

#[test]
fn a_cycle_is_shown_whole_with_a_place_for_each_edge() {
    let a = files(
        "",
        &["name: x, depends_on: z", "name: y, depends_on: x", "name: z, when: changed", "name: w, depends_on: z"],
    );
    let a = a.replace("depends_on: x", "depends_on: x, notify: z");
    let b = files("depends_on: c", &["name: x, before: c/x"]);
    let c = files("", &["name: x, before: b/x", "name: self, depends_on: self"]);
    let envoys = "envoys:\n  - {match: '*', configcrates: [a, b, c]}\n";
    insta::assert_snapshot!(check(&tree(
        &[("configcrates/a.vgo", &a), ("configcrates/b.vgo", &b), ("configcrates/c.vgo", &c)],
        envoys
    )));
}

#[test]
fn foreach_stamps_resources_and_crates() {
    let a = r#"
vars:
  sites: [{name: one, port: 80}, {name: two, port: 81, aliases: [x, y]}]
  users: {dan: {uid: 5}, amy: {uid: 4}}
  none: []
resources:
  - {name: base, type: file, target_path: /etc/base}
  - {name: site, type: file, foreach: sites, target_path: "/etc/{{ .Item.name }}", depends_on: base}
  - {name: "user-{{ .Item.key }}", type: file, foreach: users, target_path: "/u/{{ .Each.key }}", depends_on: "site[two]"}
  - {type: file, foreach: sites, target_path: "/d/{{ .Item.name }}"}
  - {name: deep, type: file, foreach: sites.1.aliases, target_path: "/x/{{ .Item }}"}
  - {name: empty, type: file, foreach: none, target_path: /none}
  - {name: last, type: file, target_path: /etc/last, depends_on: [site, empty, "user-*"]}
"#;
    let b = r#"
vars: {apps: {web: {ports: [1, 2]}, api: {ports: []}}}
foreach: apps
resources:
  - {name: root, type: file, target_path: "/app/{{ .Item.key }}"}
  - {name: port, type: file, foreach: Item.value.ports, target_path: "/app/{{ .Outer.key }}/{{ .Item }}", depends_on: root}
"#;
    let c = "resources:\n  - {name: x, type: file, target_path: /c, depends_on: [b, 'b[web]/port']}\n  - {name: y, type: file, target_path: /c2, depends_on: ['b[api]']}\n";
    let crates = [("configcrates/a.vgo", a), ("configcrates/b.vgo", b), ("configcrates/c.vgo", c)];
    let r = resolved(&tree(&crates, "envoys:\n  - {match: '*', configcrates: [a, b, c]}\n"), "h");
    assert_eq!(
        ids(&r.bundle),
        [
            "a/base",
            "a/site[one]",
            "a/site[two]",
            "a/user-amy",
            "a/user-dan",
            "a/file:/d/one",
            "a/file:/d/two",
            "a/deep[x]",
            "a/deep[y]",
            "a/last",
            "b[api]/root",
            "b[web]/root",
            "b[web]/port[1]",
            "b[web]/port[2]",
            "c/x",
            "c/y",
        ]
    );
    assert_eq!(
        edges(&r.bundle),
        [
            "a/base → a/site[one]",
            "a/base → a/site[two]",
            "a/site[one] → a/last",
            "a/site[two] → a/user-amy",
            "a/site[two] → a/user-dan",
            "a/site[two] → a/last",
            "a/user-amy → a/last",
            "a/user-dan → a/last",
            "b[api]/root → c/x",
            "b[api]/root → c/y",
            "b[web]/root → b[web]/port[1]",
            "b[web]/root → b[web]/port[2]",
            "b[web]/root → c/x",
            "b[web]/port[1] → c/x",
            "b[web]/port[2] → c/x",
        ]
    );
    let amy = r.bundle.resources.iter().find(|r| &*r.id == "a/user-amy").unwrap().stamp.as_ref().unwrap();
    assert_eq!((amy.item.at("value.uid"), amy.index), (Some(&Value::Int(4)), 0));
    let port = r.bundle.resources.iter().find(|r| &*r.id == "b[web]/port[2]").unwrap().stamp.as_ref().unwrap();
    assert_eq!((&port.item, port.index), (&Value::Int(2), 1));
    assert_eq!(port.outer.as_ref().and_then(|o| o.at("key")).and_then(Value::as_str), Some("web"));
    assert_eq!(
        attribute(&r.bundle, "a/deep[x]", "target_path"),
        Some("/x/{{ .Item }}"),
        "attributes travel unrendered"
    );
}

#[test]
fn foreach_refuses_what_gives_no_names() {
    let cases: &[(&str, &str, &str)] = &[
        ("undefined", "{}", "variable `v` is not defined"),
        ("a number", "{v: 1}", "`v` is an integer, expected a list or a map"),
        ("two of one label", "{v: [a, a]}", "two items of `v` have the label `a`"),
        ("a star", "{v: ['*']}", "gives the label `*`, which no name can hold"),
        ("an empty label", "{v: ['']}", "gives the label ``"),
        ("a secret", "{v: ['secret:a/b']}", "an item of `v` is a secret"),
        ("labels as indices", "{v: [[1], [2]]}", ""),
    ];
    for (name, vars, expected) in cases {
        let a = format!("vars: {vars}\nresources:\n  - {{name: x, type: file, target_path: /x, foreach: v}}\n");
        match resolve(&tree(&[("configcrates/a.vgo", &a)], "envoys:\n  - {match: '*', configcrates: [a]}\n"), "h") {
            Ok(r) => {
                assert_eq!(*expected, "", "{name}");
                assert_eq!(ids(&r.bundle), ["a/x[0]", "a/x[1]"], "{name}");
            }
            Err(e) => assert!(!expected.is_empty() && e.contains(expected), "{name}: {e}"),
        }
    }
}

#[test]
fn conditions_are_folded_as_far_as_the_server_knows() {
    let a = r#"
when: "environment('prod') && os_family('debian') && has_configcrate('b')"
vars: {on: true, tag: x}
resources:
  - {name: none, type: file, target_path: /1, when: "environment('prod')"}
  - {name: gone, type: file, target_path: /2, when: "!environment('prod')"}
  - {name: agent, type: file, target_path: /3, when: "var('on') && is_container"}
  - {name: host, type: file, target_path: /4, when: "hostname_match('web-*')"}
  - {name: other, type: file, target_path: /5, when: "hostname_match('db-*')"}
  - {name: text, type: file, target_path: /6, when: "file_exists('/etc/{{ .Vars.tag }}')"}
  - {name: handler, type: file, target_path: /7, when: "changed && hour_range(2,5)", subscribes: none}
  - {name: role, type: file, target_path: /8, when: "has_role('r') && has_configcrate('c')"}
"#;
    let roles = "roles:\n  - {name: r, case: [{when: is_virtual, configcrates: [b]}, {when: \"environment('prod')\", configcrates: [c]}, {default: true, configcrates: [d]}]}\n";
    let one = files("", &["name: x"]);
    let files = [
        ("configcrates/a.vgo", a),
        ("configcrates/b.vgo", &one),
        ("configcrates/c.vgo", &one),
        ("configcrates/d.vgo", &one),
        ("roles.vgo", roles),
        ("environments.vgo", "env: {prod: {}}\n"),
        ("envoys.vgo", "envoys:\n  - {match: '*', environment: prod, roles: [r], configcrates: [a]}\n"),
    ];
    let r = resolved(&files, "web-1");
    let gates: Vec<String> = r
        .bundle
        .crates
        .iter()
        .map(|c| format!("{} {}", c.name, c.gate.as_ref().map(|g| g.to_string()).unwrap_or_default()))
        .collect();
    assert_eq!(
        gates,
        ["b is_virtual", "c !is_virtual", "a os_family('debian') && is_virtual"],
        "arm three is never reached"
    );
    let whens: Vec<String> = r
        .bundle
        .resources
        .iter()
        .filter(|r| r.id.starts_with("a/"))
        .map(|r| {
            format!(
                "{}{} {}",
                r.id,
                if r.handler { "!" } else { "" },
                r.when.as_ref().map(|w| w.to_string()).unwrap_or_default()
            )
        })
        .collect();
    assert_eq!(
        whens,
        [
            "a/none ",
            "a/agent is_container",
            "a/host hostname_match('web-*')",
            "a/other hostname_match('db-*')",
            "a/text file_exists('/etc/x')",
            "a/role !is_virtual",
            "a/handler! hour_range(2, 5)",
        ]
    );
    assert_eq!(r.class.to_string(), "envoys.vgo#1@prod");
    assert_eq!(edges(&r.bundle), ["a/none ⇒ a/handler"]);
}

#[test]
fn arms_of_a_resource_are_folded_too() {
    let a = r#"
resources:
  - name: known
    type: file
    target_path: /1
    mode: "0600"
    case:
      - {when: "environment('dev')", set: {mode: "0666"}}
      - {when: "environment('prod')", set: {mode: "0640", owner: app}}
      - {default: true, set: {mode: "0600"}}
  - name: open
    type: file
    target_path: /2
    case:
      - {when: is_container, set: {mode: "0666"}}
      - {when: "environment('prod')", set: {mode: "0640"}}
      - {default: true, set: {mode: "0600"}}
  - name: word
    type: file
    target_path: /3
    case: "{{ .Traits.os.family }}"
    match: {debian: {owner: www-data}, default: {owner: www}}
"#;
    let files = [
        ("configcrates/a.vgo", a),
        ("environments.vgo", "env: {prod: {}, dev: {}}\n"),
        ("envoys.vgo", "envoys:\n  - {match: '*', environment: prod, configcrates: [a]}\n"),
    ];
    let r = resolved(&files, "h");
    assert_eq!(attribute(&r.bundle, "a/known", "mode"), Some("0640"));
    assert_eq!(attribute(&r.bundle, "a/known", "owner"), Some("app"));
    let arms: Vec<String> = r.bundle.resources[1]
        .arms
        .iter()
        .map(|a| {
            let Raw::Scalar(mode) = &a.set[0].value else { panic!("a scalar") };
            format!("{} {}", a.when.as_ref().map_or("default".into(), |w| w.to_string()), mode.text)
        })
        .collect();
    assert_eq!(arms, ["is_container 0666", "default 0640"]);
    let selector = r.bundle.resources[2].selector.as_ref().unwrap();
    assert_eq!(&*selector.on.text, "{{ .Traits.os.family }}");
    let words: Vec<Option<&str>> = selector.arms.iter().map(|a| a.word.as_deref()).collect();
    assert_eq!(words, [Some("debian"), None]);
}

#[test]
fn defaults_reach_what_knows_them() {
    let a = r#"
defaults: {owner: www-data, mode: "0644", file: {group: web, owner: app}, retries: 2, retry_delay: 1m}
resources:
  - {name: f, type: file, target_path: /1}
  - {name: own, type: file, target_path: /2, owner: root, retries: 5}
  - {name: d, type: directory, target_path: /3}
  - {name: l, type: symlink, target_path: /4, to: /x}
"#;
    let r = resolved(&tree(&[("configcrates/a.vgo", a)], "envoys:\n  - {match: '*', configcrates: [a]}\n"), "h");
    let get = |id: &str, name: &str| attribute(&r.bundle, id, name).unwrap_or("-").to_string();
    let shown: Vec<String> = ["a/f", "a/own", "a/d", "a/l"]
        .iter()
        .map(|id| format!("{id} {} {} {}", get(id, "owner"), get(id, "group"), get(id, "mode")))
        .collect();
    assert_eq!(shown, ["a/f app web 0644", "a/own root web 0644", "a/d www-data - -", "a/l www-data - -"]);
    let attempts: Vec<(u32, u64)> = r.bundle.resources.iter().map(|r| (r.retries, r.retry_delay.as_secs())).collect();
    assert_eq!(attempts, [(2, 60), (5, 60), (2, 60), (2, 60)]);
}

#[test]
fn a_default_is_left_out_where_the_state_does_not_take_it() {
    let a = r#"
vars: {gone: absent}
defaults: {owner: www-data, show_diff: false}
resources:
  - {name: there, type: file, target_path: /1}
  - {name: gone, type: file, target_path: /2, state: absent}
  - {name: rendered, type: file, target_path: /3, state: "{{ .Vars.gone }}"}
  - name: arm
    type: file
    target_path: /4
    case:
      - {when: is_container, set: {state: absent}}
      - {default: true, set: {owner: root}}
"#;
    let envoys = "envoys:\n  - {match: '*', configcrates: [a]}\n";
    let crates = [("configcrates/a.vgo", a)];
    let files = tree(&crates, envoys);
    assert_eq!(check(&files), "");
    let r = resolved(&files, "h");
    let shown = |id: &str| {
        let r = r.bundle.resources.iter().find(|r| &*r.id == id).unwrap();
        let names = r.attributes.iter().filter(|a| a.is_default).map(|a| &*a.name);
        names.collect::<Vec<_>>().join(" ")
    };
    let all = ["a/there", "a/gone", "a/rendered", "a/arm"].map(shown);
    assert_eq!(all, ["owner show_diff", "show_diff", "owner show_diff", "owner show_diff"]);
    let written = a.replace("state: absent}\n", "state: absent, owner: root}\n");
    let refused = check(&tree(&[("configcrates/a.vgo", &*written)], envoys));
    assert!(refused.contains("`owner`: has no meaning with `state: absent`"), "{refused}");
}

#[test]
fn secrets_travel_as_markers_and_are_listed() {
    let a = r#"
vars: {dsn: "secret:db/dsn"}
resources:
  - name: f
    type: file
    target_path: /1
    content: "user=x password=secret:db/pw. {{ .Vars.dsn }} {{ secret \"app/key\" }}"
  - {name: g, type: file, target_path: /2, source: templates/g}
  - {name: h, type: file, target_path: /3, source: templates/raw, render: false}
"#;
    let files = [
        ("configcrates/a.vgo", a),
        ("envoys.vgo", "envoys:\n  - {match: '*', configcrates: [a]}\n"),
        ("templates/g", "x secret:in/file {{ secret `in/action` }}"),
        ("templates/raw", "secret:not/this"),
        ("templates/unused", "secret:nor/this"),
    ];
    let r = resolved(&files, "h");
    let refs: Vec<&str> = r.bundle.secret_refs.iter().map(|s| &**s).collect();
    assert_eq!(refs, ["app/key", "db/dsn", "db/pw", "in/action", "in/file"]);
    let content = attribute(&r.bundle, "a/f", "content").unwrap();
    assert_eq!(
        vigo_core::secret::shown(content),
        "user=x password=«secret db/pw». {{ .Vars.dsn }} {{ secret \"app/key\" }}"
    );
    let blobs: Vec<&str> = r.bundle.blobs.iter().map(|b| &*b.path).collect();
    assert_eq!(blobs, ["templates/g", "templates/raw"]);
}

#[test]
fn secrets_do_not_stand_where_they_would_be_seen() {
    let cases: &[(&str, &str)] = &[
        ("a name", "name: 'secret:a/b', target_path: /1"),
        ("an edge", "name: x, target_path: /1, depends_on: 'secret:a/b'"),
        ("a condition", "name: x, target_path: /1, when: \"var_is('v', 'secret:a/b')\""),
        ("a comparison of one", "name: x, target_path: /1, when: \"var_is('dsn', 'x')\""),
        ("a condition by a variable", "name: x, target_path: /1, when: \"file_exists('{{ .Vars.dsn }}')\""),
        ("a name by a variable", "name: 'x-{{ .Vars.dsn }}', target_path: /1"),
        ("a path", "name: x, target_path: '/secret:a/b'"),
        ("foreach", "name: x, target_path: /1, foreach: 'secret:a/b'"),
        ("a selector", "name: x, target_path: /1, case: 'secret:a/b', match: {}"),
        ("a source", "name: x, target_path: /1, source: 'templates/secret:a/b'"),
    ];
    for (name, keys) in cases {
        let a = format!("vars: {{dsn: 'secret:db/dsn'}}\nresources:\n  - {{type: file, {keys}}}\n");
        let found = check(&tree(&[("configcrates/a.vgo", &a)], "envoys:\n  - {match: '*', configcrates: [a]}\n"));
        let said = found.contains("secret cannot stand")
            || found.contains("expected no secret")
            || found.contains("holds a secret")
            || found.contains("no secret can stand");
        assert!(said, "{name}: {found}");
        assert!(!found.contains('\u{10F5E0}'), "{name}: {found}");
    }
}

#[test]
fn two_resources_for_one_target_are_told_apart_by_their_conditions() {
    let cases: &[(&str, &str, &str, &str)] = &[
        ("other wishes", "mode: 0600", "mode: 0644", "E0505"),
        ("the same wish", "mode: 0600", "mode: '0600'", ""),
        ("exclusive", "mode: 0600, when: \"os_family('debian')\"", "mode: 0644, when: \"os_family('redhat')\"", ""),
        ("not exclusive", "mode: 0600, when: is_container", "mode: 0644, when: is_virtual", "W0551"),
        ("one of them false", "mode: 0600, when: \"environment('x')\"", "mode: 0644", ""),
        ("a handler beside it", "mode: 0600, notify: b", "mode: 0644, when: changed", ""),
    ];
    for (name, a, b, expected) in cases {
        let text = format!(
            "resources:\n  - {{name: a, type: file, target_path: /x, {a}}}\n  - {{name: b, type: file, target_path: '/{{{{ .Vars.v }}}}', {b}}}\nvars: {{v: x}}\n"
        );
        let found = check(&tree(&[("configcrates/a.vgo", &text)], "envoys:\n  - {match: '*', configcrates: [a]}\n"));
        assert_eq!(found.get(..5).unwrap_or(""), *expected, "{name}: {found}");
    }
}

#[test]
fn resources_of_different_types_for_one_path_must_agree() {
    let cases: &[(&str, &str, &str, &str)] = &[
        ("a file and a directory", "file, target_path: /x", "directory, target_path: /x", "E0505"),
        ("a file and a link", "file, target_path: /x", "symlink, target_path: /x, to: /y", "E0505"),
        ("gone and there", "file, target_path: /x, state: absent", "directory, target_path: /x", "E0505"),
        ("gone, both", "file, target_path: /x, state: absent", "directory, target_path: /x, state: absent", ""),
        ("all and a line", "file, target_path: /x, content: a", "file_line, target_path: /x, line: b", "E0505"),
        ("all and a key", "file, target_path: /x, source: /y", "ini, target_path: /x, key: k, value: v", "E0505"),
        ("attributes and a line", "file, target_path: /x, mode: '0600'", "file_line, target_path: /x, line: b", ""),
        ("two lines", "file_line, target_path: /x, line: a", "file_line, target_path: /x, line: b", ""),
        ("a line and a key", "file_line, target_path: /x, line: a", "ini, target_path: /x, key: k, value: v", ""),
        ("gone and a line", "file, target_path: /x, state: absent", "file_line, target_path: /x, line: b", "E0505"),
        (
            "gone and no line",
            "file, target_path: /x, state: absent",
            "file_line, target_path: /x, line: b, state: absent",
            "",
        ),
        ("other paths", "file, target_path: /x", "directory, target_path: /y", ""),
        (
            "exclusive",
            "file, target_path: /x, when: \"os_family('debian')\"",
            "directory, target_path: /x, when: \"os_family('redhat')\"",
            "",
        ),
        ("perhaps both", "file, target_path: /x, when: is_container", "directory, target_path: /x", "W0551"),
        (
            "a unit and its file",
            "systemd_unit, unit: a.service, content: '[Unit]'",
            "file, target_path: /etc/systemd/system/a.service, content: x",
            "E0505",
        ),
        ("one key", "ini, target_path: /x, key: k, value: v", "ini, target_path: /x, key: k, value: w", "E0505"),
        ("two keys", "ini, target_path: /x, key: k, value: v", "ini, target_path: /x, key: l, value: w", ""),
        ("one of several", "package, package: [a, b]", "package, package: b, state: absent", "E0505"),
        ("one of several, alike", "package, package: [a, b]", "package, package: b", ""),
    ];
    for (name, a, b, expected) in cases {
        let text = format!("resources:\n  - {{name: a, type: {a}}}\n  - {{name: b, type: {b}}}\n");
        let found = check(&tree(&[("configcrates/a.vgo", &text)], "envoys:\n  - {match: '*', configcrates: [a]}\n"));
        assert_eq!(found.get(..5).unwrap_or(""), *expected, "{name}: {found}");
        assert!(expected.is_empty() || found.contains("`a/a` and `a/b` ma"), "{name}: {found}");
    }
}

#[test]
fn the_keys_of_an_account_are_managed_whole_or_one_by_one() {
    let key = "key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDk3VvZTO6vQ5tIcYG8DcNnZdqbYzTgYAVtk8zHbVUwA";
    let cases: &[(&str, &str, &str, &str)] = &[
        ("both", "authorized_keys: x", "user: eve", "E0505"),
        ("no keys of the user", "shell: /bin/sh", "user: eve", ""),
        ("another user", "authorized_keys: x", "user: bob", ""),
        ("another file", "authorized_keys: x", "user: eve, file: /etc/keys", ""),
        (
            "exclusive",
            "authorized_keys: x, when: \"os_family('debian')\"",
            "user: eve, when: \"os_family('redhat')\"",
            "",
        ),
        ("perhaps both", "authorized_keys: x, when: is_container", "user: eve", "W0551"),
    ];
    for (name, user, one, expected) in cases {
        let text = format!(
            "resources:\n  - {{name: k, type: authorized_key, {one}, {key}}}\n  - {{name: u, type: user, username: eve, {user}}}\n"
        );
        let found = check(&tree(&[("configcrates/a.vgo", &text)], "envoys:\n  - {match: '*', configcrates: [a]}\n"));
        assert_eq!(found.get(..5).unwrap_or(""), *expected, "{name}: {found}");
    }
}

#[test]
fn a_usercrate_is_a_crate_of_its_own_name_space() {
    let files = [
        (
            "usercrates/dan.vgo",
            "resources:\n  - {name: '{{ .User }}-home', type: file, target_path: '/home/{{ .User }}'}\n",
        ),
        ("configcrates/dan.vgo", "resources:\n  - {name: x, type: file, target_path: /x, depends_on: user:dan}\n"),
        (
            "envoys.vgo",
            "envoys:\n  - {match: a, configcrates: [dan], usercrates: [dan]}\n  - {match: b, usercrates: [dan], exclude_configcrates: [user:dan]}\n",
        ),
    ];
    let r = resolved(&files, "a");
    assert_eq!(ids(&r.bundle), ["dan/x", "user:dan/dan-home"]);
    assert_eq!(edges(&r.bundle), ["user:dan/dan-home → dan/x"]);
    assert_eq!(r.bundle.crates[1].user.as_deref(), Some("dan"));
    assert!(resolved(&files, "b").bundle.resources.is_empty());
}

#[test]
fn an_environment_given_by_hand_must_be_known() {
    use vigo_core::{config::Config, resolve};
    let files = [
        ("environments.vgo", "env: {prod: {vars: {a: 1}}, dev: {vars: {a: 2}}}\n"),
        ("envoys.vgo", "envoys:\n  - {match: '*', environment: prod}\n"),
    ];
    let sources = crate::support::sources(&files);
    let config = Config::read(&sources);
    let value = |env| {
        let r = resolve::resolve(&config, "h", env).map_err(|e| crate::support::words(&e, sources.map()))?;
        Ok::<_, String>(r.trace.variables[0].value.clone())
    };
    assert_eq!(value(None), Ok(Value::Int(1)));
    assert_eq!(value(Some("dev")), Ok(Value::Int(2)));
    assert_eq!(
        value(Some("pord")),
        Err("E0108 <no file>: unknown environment `pord`\n  = did you mean `prod`?\n  = declare it in `environments.vgo`: `env: {pord: {}}`\n".into())
    );
}

#[test]
fn data_files_lie_under_written_variables() {
    let files = [
        ("envoys.vgo", "envoys:\n  - {match: '*', vars: {a: 1}, vars_from: [data/one.yaml, data/two.json]}\n"),
        ("data/one.yaml", "a: 2\nb: 2\nc: 2\n"),
        ("data/two.json", "{\"b\": 3, \"d\": \"0644\"}"),
    ];
    let r = resolved(&files, "h");
    let shown: Vec<String> = r
        .trace
        .variables
        .iter()
        .map(|v| format!("{} {:?} {} over {}", v.name, v.value, v.set, v.shadowed.len()))
        .collect();
    assert_eq!(
        shown,
        [
            "a Int(1) envoys.vgo:2 (block) over 1",
            "b Int(3) data/two.json:1 (block vars_from) over 0",
            "c Int(2) data/one.yaml:3 (block vars_from) over 0",
            "d Text(\"0644\") data/two.json:1 (block vars_from) over 0",
        ]
    );
}

#[test]
fn a_script_of_the_machine_is_a_type() {
    let a = r#"
vars: {kind: greet}
resources:
  - {type: greet, to: world, state: loud}
  - {name: second, type: "{{ .Vars.kind }}", depends_on: greet}
"#;
    let crates = [("configcrates/a.vgo", a)];
    let files = tree(&crates, "envoys:\n  - {match: '*', configcrates: [a]}\n");
    let sources = crate::support::sources(&files);
    let read = || vigo_core::config::Config::read(&sources);
    assert!(read().has_foreign_types());
    let errors = crate::support::words(&vigo_core::resolve::check(&read()), sources.map());
    assert!(errors.contains("unknown resource type `greet`"), "{errors}");
    assert!(errors.contains("  = for a script of the machine, write `type: custom` and `script: greet`"), "{errors}");
    let config = read().with_custom_types(["greet.py".into()]);
    assert_eq!(crate::support::words(&vigo_core::resolve::check(&config), sources.map()), "");
    let r = vigo_core::resolve::resolve(&config, "h", None).unwrap();
    assert_eq!(ids(&r.bundle), ["a/greet", "a/second"]);
    assert_eq!(edges(&r.bundle), ["a/greet → a/second"]);
    assert!(r.bundle.resources.iter().all(|r| &*r.type_name == "custom"));
    assert_eq!(attribute(&r.bundle, "a/greet", "script"), Some("greet"));
    assert_eq!(attribute(&r.bundle, "a/greet", "to"), Some("world"));
}
