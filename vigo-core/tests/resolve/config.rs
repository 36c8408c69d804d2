//! What a tree may say, and what is said of what it may not.

use crate::support::{brief, check, resolved};
use std::fmt::Write;

const ONE: &str = "resources:\n  - {name: it, type: file, target_path: /etc/it, content: x}\n";
const ALL: &str = "envoys:\n  - {match: \"*\", configcrates: [a]}\n";

type Case<'t> = (&'t str, &'t [(&'t str, &'t str)]);

fn said(cases: &[Case<'_>]) -> String {
    let mut out = String::new();
    for (name, files) in cases {
        let found = check(files);
        writeln!(out, "## {name}\n{}", if found.is_empty() { "nothing\n" } else { &found })
            .expect("a string takes all");
    }
    out
}

/// Returns a tree of one crate of this text that every host includes.
fn crate_of(text: &str) -> Vec<(&str, &str)> {
    vec![("configcrates/a.vgo", text), ("envoys.vgo", ALL)]
}

#[test]
fn keys_and_shapes_that_do_not_exist_are_named_with_what_does() {
    insta::assert_snapshot!(said(&[
        ("a crate", &[("configcrates/a.vgo", "nmae: a\nresources: {}\nvars: [1]\nwhen: true\nx-own: 1\n")]),
        (
            "old words in a match file",
            &[("nodes.vgo", "nodes: []\n"), ("b.vgo", "envoys:\n  - {match: '*', modules: [a], include: x}\n")]
        ),
        (
            "a match file",
            &[(
                "b.vgo",
                "envoys: {match: x}\n---\nenvoys:\n  - x\n  - {configcrates: []}\n  - {match: }\n  - {match: '[a', observe_only: yes}\n"
            )]
        ),
        ("common", &[("p/common.vgo", "enviroment: x\nwhen: x\n"), ("p/q/m.vgo", "envoys: []\n")]),
        (
            "environments",
            &[
                ("environments.vgo", "environments: {}\n---\nenv: {}\n"),
                ("p/environments.vgo", "env: {Prod: {}, x: {var: {}}}\n")
            ]
        ),
        (
            "a role",
            &[(
                "roles.vgo",
                "roles:\n  - {configcrates: []}\n  - {name: r, include: [x], case: [{configcrates: []}, {default: true}, {when: 'os_family(''debian'')', configcrate: x}]}\n"
            )]
        ),
        (
            "a resource",
            &[(
                "configcrates/a.vgo",
                "resources:\n  - file: /etc/x\n  - {type: file, target_path: /etc/x, retries: many, timeout: 5 minutes, revert: yes, name: [a]}\n  - x\n"
            )]
        ),
        (
            "waivers",
            &[(
                "compliance.vgo",
                "waivers:\n  - {framework: cis, control: '1', until: tomorrow, reason: x}\n  - {framework: cis}\n"
            )]
        ),
        ("claims", &[("configcrates/compliance.vgo", "complience: {}\n"), ("configcrates/a.vgo", ONE)]),
        (
            "variables",
            &[(
                "configcrates/a.vgo",
                "vars: {app-tag: 1, 9x: 2, 'a b': 3, ok: yes, mode: 0644, v: 1.10, t: '{{ .Vars.x }}', d: 2026-01-01, e: 1e3}\nresources: []\n"
            )]
        ),
        (
            "a network device",
            &[(
                "b.vgo",
                "envoys:\n  - {match: sw1, network_device: {gateway: gw, type: cisco_ios, ssh_password: hunter2}}\n  - {match: sw2, network_device: {tpye: x}}\n"
            )]
        ),
    ]));
}

#[test]
fn names_that_lead_nowhere_are_named_with_the_nearest() {
    insta::assert_snapshot!(said(&[
        (
            "crates and roles",
            &[
                ("configcrates/nginx.vgo", ONE),
                ("usercrates/dan.vgo", ONE),
                ("roles.vgo", "roles:\n  - {name: web, configcrates: [ngnix], includes: [wbe]}\n"),
                (
                    "b.vgo",
                    "envoys:\n  - {match: '*', configcrates: [ngnix, dan, web], roles: [nginx, wbe], usercrates: [dna], exclude_configcrates: [ngnix]}\n"
                ),
            ]
        ),
        (
            "nested includes",
            &[("roles.vgo", "roles:\n  - {name: a, includes: [b]}\n  - {name: b, includes: [c]}\n  - {name: c}\n"),]
        ),
        (
            "environments",
            &[
                ("environments.vgo", "env: {production: {}}\n"),
                (
                    "b.vgo",
                    "envoys:\n  - {match: 'a', environment: prodution}\n  - {match: 'b', environment: production}\n"
                ),
                (
                    "configcrates/a.vgo",
                    "when: environment('prod')\nenvironment_overrides: {staging: {vars: {}}}\nresources: []\n"
                ),
            ]
        ),
        (
            "conditions",
            &[
                ("configcrates/a.vgo", "when: \"has_role('wbe') && has_configcrate('b')\"\nresources: []\n"),
                ("roles.vgo", "roles:\n  - {name: web}\n"),
            ]
        ),
        (
            "duplicates",
            &[
                ("configcrates/a.vgo", "name: x\nresources: []\n"),
                ("configcrates/b.vgo", "configcrate: x\nresources: []\n"),
                ("roles.vgo", "roles: [{name: r}, {name: r}]\n"),
            ]
        ),
        (
            "names",
            &[
                ("configcrates/My Crate.vgo", ONE),
                ("configcrates/b.vgo", "name: Nginx\nresources: []\n"),
                ("configcrates/c.vgo", "name: a\nconfigcrate: b\nresources: []\n"),
                ("roles.vgo", "roles: [{name: Web Server}]\n"),
            ]
        ),
        (
            "data files",
            &[
                ("b.vgo", "envoys:\n  - {match: '*', vars_from: [data/a.yaml, data/none.yaml]}\n"),
                ("data/a.yaml", "a: 1\n---\nb: 2\n"),
            ]
        ),
    ]));
}

#[test]
fn files_stand_where_they_belong() {
    insta::assert_snapshot!(said(&[
        (
            "old names",
            &[("per_env_overrides.vgo", "env: {}\n"), ("p/waivers.vgo", "waivers: []\n"), ("modules/a.vgo", ONE)]
        ),
        ("library folders and roles below", &[("p/configcrates/a.vgo", ONE), ("p/roles.vgo", "roles: []\n")]),
        ("a crate among match files", &[("nginx.vgo", ONE)]),
        ("dot files and tests are ignored", &[(".git/a.vgo", "]"), ("p/.x.vgo", "]"), ("envoys.test.vgo", "]")]),
        ("roles in a folder", &[("roles/web.vgo", "name: web\n"), ("roles/db.vgo", "name: web\n")]),
        ("other files", &[("README.md", "]"), ("data/x.yaml", "]")]),
    ]));
}

#[test]
fn doubtful_blocks_are_warned_of() {
    insta::assert_snapshot!(said(&[
        (
            "shadowed",
            &[(
                "b.vgo",
                "envoys:\n  - {match: 'web-*'}\n  - {match: ['web-[0-9].acme.com', 'web-{a,b}']}\n  - {match: ['web-1', 'db-1']}\n"
            )]
        ),
        (
            "shadowed by a sub-folder",
            &[("p/b.vgo", "envoys:\n  - {match: '*'}\n"), ("a.vgo", "envoys:\n  - {match: x}\n")]
        ),
    ]));
}

#[test]
fn a_resource_is_checked_against_its_type() {
    let file = |rest: &str| format!("resources:\n  - name: f\n    type: file\n    target_path: /etc/f\n    {rest}\n");
    let exec = |rest: &str| format!("resources:\n  - name: e\n    type: exec\n    command: date\n    {rest}\n");
    let service = |rest: &str| format!("resources:\n  - name: s\n    type: service\n    service: nginx\n    {rest}\n");
    let whole = |text: &str| text.to_string();
    let texts = [
        ("an unknown type", whole("resources:\n  - {name: x, type: flie, target_path: /x}\n")),
        ("an unknown attribute", file("contents: x")),
        ("words of other tools", file("dest: x\n    ensure: present")),
        ("a bad mode", file("mode: rw")),
        ("a mode as a bare number", file("mode: 0644")),
        ("a relative path", whole("resources:\n  - {name: f, type: file, target_path: etc/f}\n")),
        ("a missing attribute", whole("resources:\n  - {name: f, type: file}\n")),
        ("an unknown state", file("state: presnt")),
        ("a rendered value waits", file("mode: '{{ .Vars.mode | default \"0644\" }}'")),
        ("template syntax", file("content: |\n      a\n        {{ if }}\n      {{ nosuch 1 }}")),
        ("template syntax in a list", exec("creates: /x\n    returns: ['{{ .Vars.a', 2]")),
        (
            "a placeholder that is no template",
            whole(
                "resources:\n  - {name: e, type: exec, creates: /x, secret_file: 'secret:a', command: 'use {{secret_file}}'}\n",
            ),
        ),
        ("no guard", exec("")),
        ("a guard", exec("creates: /etc/x")),
        ("a handler", exec("when: changed")),
        ("restarted", service("state: restarted")),
        (
            "reloaded, triggered",
            service("state: reloaded\n    subscribes: [f]\n  - {name: f, type: file, target_path: /etc/f}"),
        ),
        (
            "an arm without guard",
            whole(
                "resources:\n  - name: s\n    type: service\n    service: nginx\n    case:\n      - {when: \"os_family('debian')\", set: {state: restarted, mode: x}}\n",
            ),
        ),
        ("an arm that sets a common key", file("case:\n      - {when: is_container, set: {name: x, owner: root}}")),
        (
            "arms without a condition",
            file("case:\n      - {set: {owner: root}}\n      - {default: true, set: {}}\n      - {when: is_container}"),
        ),
        ("a selector without match", file("case: '{{ .Traits.os.family }}'")),
        ("match without case", file("match: {a: {}}")),
        (
            "a default nobody takes",
            whole(
                "defaults: {ownr: root, service: {enabled: true}}\nresources:\n  - {name: f, type: file, target_path: /etc/f}\n",
            ),
        ),
        (
            "a default that is none",
            whole(
                "defaults: {name: x, state: absent, owner: }\nresources:\n  - {name: f, type: file, target_path: /etc/f}\n",
            ),
        ),
        (
            "a file of ours",
            whole(
                "resources:\n  - {name: f, type: file, target_path: /etc/vigo-envoy/x}\n  - {name: s, type: service, service: vigo-envoy, state: stopped}\n  - {name: e, type: exec, creates: /x, command: 'systemctl stop vigo-envoy'}\n",
            ),
        ),
        (
            "a package of ours",
            whole("resources:\n  - {name: p, type: package, package: [curl, vigo], state: absent}\n"),
        ),
        ("a command in a condition", file("when: \"command_succeeds('systemctl stop vigo-envoy')\"")),
        (
            "revert",
            whole(
                "resources:\n  - {name: f, type: file, target_path: /etc/f, revert: true}\n  - {name: s, type: service, service: x, revert: true}\n  - {name: e, type: exec, command: x, creates: /x, revert: true}\n  - {name: g, type: file, target_path: /etc/g, on_revert: x}\n",
            ),
        ),
        ("a shipped file that is not there", file("source: templates/web/sit.conf")),
        (
            "names twice",
            whole(
                "resources:\n  - {name: f, type: file, target_path: /etc/f}\n  - {name: f, type: file, target_path: /etc/g}\n  - {type: file, target_path: /etc/h}\n  - {type: file, target_path: /etc/h}\n",
            ),
        ),
        (
            "names that are none",
            whole(
                "resources:\n  - {name: 'a*', type: file, target_path: /etc/f}\n  - {name: 'a[b]', type: file, target_path: /etc/g}\n",
            ),
        ),
    ];
    let mut out = String::new();
    for (name, text) in &texts {
        let mut files = crate_of(text);
        files.push(("templates/web/site.conf", "{{ end }}"));
        let found = brief(&check(&files));
        writeln!(out, "## {name}\n{}", if found.is_empty() { "nothing\n" } else { &found })
            .expect("a string takes all");
    }
    insta::assert_snapshot!(out);
}

#[test]
fn names_in_templates_are_checked_for_every_class() {
    let text = r#"
vars: {own: 1, map: {a: {b: 1}}, sites: [{name: s, port: 1}], dsn: "secret:db/dsn"}
resources:
  - name: f
    type: file
    target_path: /etc/f
    content: |
      {{ .Vars.own }} {{ .Vars.map.a.b }} {{ .Vars.host_var }} {{ .Vars.dsn }}
      {{ .Vars.onw }} {{ .Vars.map.a.c }} {{ .Vars.others }}
      {{ .Vars.maybe | default 1 }}{{ if hasKey .Vars "perhaps" }}{{ .Vars.perhaps }}{{ end }}
      {{ .Traits.os.family }} {{ .Traits.os.famly }} {{ .Envoy.Hostname }} {{ .Envoy.Name }}
      {{ .Item }} {{ .User }} {{ .own }}
  - name: g
    type: file
    foreach: sites
    target_path: "/etc/{{ .Item.name }}"
    content: "{{ .Item.port }} {{ .Item.prt }} {{ .Index }} {{ .Outer }}"
  - name: h
    type: file
    target_path: "/etc/{{ .Vars.dsn }}"
  - name: i
    type: file
    target_path: /etc/i
    source: templates/i.conf
"#;
    insta::assert_snapshot!(check(&[
        ("configcrates/a.vgo", text),
        ("configcrates/b.vgo", "vars: {others: 1}\nresources: []\n"),
        (
            "envoys.vgo",
            "envoys:\n  - {match: 'a', configcrates: [a], vars: {host_var: 1}}\n  - {match: 'b', configcrates: [a]}\n  - {match: 'c', configcrates: [a]}\n"
        ),
        ("templates/i.conf", "one\n{{ .Vars.nowhere }}\n"),
    ]));
}

#[test]
fn a_mistake_hides_none_elsewhere() {
    let resources = |first: &str| {
        format!(
            "{first}    target_path: /etc/f\n    content: '{{{{ .Vars.own }}}}'\n  - name: g\n    type: file\n    \
             target_path: /etc/g\n    content: '{{{{ .Vars.other }}}}'\n    depends_on: [h]\n  - {{name: h, type: file, \
             target_path: /etc/h}}\n"
        )
    };
    let cases = [
        ("name", "resources:\n  - name: 'f{{ if }}'\n    type: file\n"),
        ("name, undefined", "resources:\n  - name: 'f{{ .Vars.no }}'\n    type: file\n"),
        ("type", "resources:\n  - name: h2\n    type: '{{ if }}'\n"),
        ("condition", "resources:\n  - name: f\n    type: file\n    when: var('{{ if }}')\n"),
        ("condition, undefined", "resources:\n  - name: f\n    type: file\n    when: var('{{ .Vars.no }}')\n"),
        ("gate", "when: var('{{ if }}')\nresources:\n  - name: f\n    type: file\n"),
        ("gate, undefined", "when: var('{{ .Vars.no }}')\nresources:\n  - name: f\n    type: file\n"),
        ("a path", "resources:\n  - name: f\n    type: file\n    mode: '{{ if }}'\n"),
    ];
    for (name, first) in cases {
        let found = check(&crate_of(&resources(first)));
        let count = found.lines().filter(|line| line.starts_with('E')).count();
        assert_eq!((count, found.contains("`own`"), found.contains("`other`")), (3, true, true), "{name}: {found}");
    }
    // What stands in for a condition that could not be read is no condition that targets are compared by.
    let two = "resources:\n  - {name: a, type: file, target_path: /etc/f, content: x, when: \"var('{{ if }}')\"}\n  \
               - {name: b, type: file, target_path: /etc/f, content: y, when: \"!has_role('r')\"}\n";
    let found = check(&crate_of(two));
    assert_eq!(found.matches("/etc/f").count(), 0, "{found}");
}

#[test]
fn a_crate_that_no_host_includes_is_validated() {
    insta::assert_snapshot!(check(&[
        (
            "configcrates/a.vgo",
            "resources:\n  - {name: f, type: file, target_path: /etc/f, content: '{{ .Vars.from_host }}', depends_on: [g]}\n  - {name: l, type: file, foreach: from_host, target_path: /etc/l}\n"
        ),
        ("envoys.vgo", "envoys:\n  - {match: '*'}\n"),
    ]));
}

#[test]
fn scalars_of_variables_are_typed_by_how_they_print() {
    let text = "vars: {a: 8080, b: 1.5, c: 0644, d: 1.10, e: 'yes', f: TRUE, g: ~, h: \"1\", i: [1, x], j: {k: 1}}\nresources:\n  - {name: f, type: file, target_path: /etc/f}\n";
    let r = resolved(&crate_of(text), "h");
    let shown = format!("{:?}", r.bundle.scopes[0].as_map().unwrap().values().collect::<Vec<_>>());
    assert_eq!(
        shown,
        r#"[Int(8080), Float(1.5), Text("0644"), Text("1.10"), Text("yes"), Bool(true), Null, Text("1"), List([Int(1), Text("x")]), Map({"k": Int(1)})]"#
    );
}
