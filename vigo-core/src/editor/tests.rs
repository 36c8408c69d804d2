//! Trees with a cursor in them: `‸` in the text of one file.

use super::*;
use crate::source::Tree;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

const CURSOR: char = '‸';

/// A tree of `=== path` sections, and where its cursor is.
struct At {
    workspace: Workspace,
    path: String,
    at: usize,
}

fn tree(text: &str) -> At {
    let (mut files, mut cursor): (Vec<(String, String)>, _) = (Vec::new(), None);
    for part in text.split("=== ").skip(1) {
        let (path, content) = part.split_once('\n').expect("a path on its own line");
        if let Some(at) = content.find(CURSOR) {
            cursor = Some((String::from(path), at));
        }
        files.push((path.into(), content.replace(CURSOR, "")));
    }
    let workspace = Workspace::new(Tree::from_texts(files.iter().map(|(p, t)| (&**p, &**t))));
    let (path, at) = cursor.unwrap_or_default();
    At { workspace, path, at }
}

const TREE: &str = "\
=== common.vgo
vars: {ntp: pool.example.com, port: 80}
=== data/app.yaml
app: {name: shop, hosts: [a, b]}
token: secret:app/token
=== environments.vgo
env:
  production: {vars: {port: 443}, configcrates: [waf]}
  staging: {}
=== roles.vgo
roles:
  - name: webserver
    configcrates: [nginx]
  - name: tls
    configcrates: [waf]
=== prod/web.vgo
envoys:
  - match: \"web-*\"
    environment: production
    roles: [webserver]
    usercrates: [dan]
    vars_from: [data/app.yaml]
    vars: {port: 8080}
=== configcrates/waf.vgo
resources:
  - {name: rules, type: file, target_path: /etc/waf, content: \"{{ .Vars.port }}\"}
=== usercrates/dan.vgo
resources: []
=== templates/site.conf
listen {{ .Vars.port }};
=== configcrates/nginx.vgo
# The web server
# of the shop
name: nginx
vars:
  sites: {shop: {root: /srv/shop}}
  workers: 2
resources:
  - name: package
    type: package
    package: nginx
  - name: config
    type: file
    target_path: /etc/nginx.conf
    source: templates/site.conf
    depends_on: [package]
    notify: [reload]
  - name: reload
    type: service
    service: nginx
    state: reloaded
    when: changed
";

/// Returns the whole tree with another text of one file.
fn with(path: &str, text: &str) -> At {
    let mut all = String::new();
    for part in TREE.split("=== ").skip(1).filter(|part| !part.starts_with(&format!("{path}\n"))) {
        all.push_str(&format!("=== {part}"));
    }
    all.push_str(&format!("=== {path}\n{text}"));
    tree(&all)
}

fn labels(at: &At) -> Vec<String> {
    at.workspace.complete(&at.path, at.at).into_iter().map(|c| c.label).collect()
}

/// What it is about, a file, its text, what is offered there, and what is not.
type Offer<'a> = (&'a str, &'a str, String, &'a [&'a str], &'a [&'a str]);

#[test]
fn what_is_offered_is_what_may_stand_there() {
    let c = "configcrates/x.vgo";
    let r = |lines: &str| format!("resources:\n  - name: a\n{lines}");
    let cases: &[Offer<'_>] = &[
        ("keys of an empty crate", c, "‸".into(), &["name", "resources", "vars", "foreach"], &["type", "envoys"]),
        ("keys that are written are not offered", c, "name: x\nre‸".into(), &["resources", "when"], &["name"]),
        ("keys of a match file", "x.vgo", "‸".into(), &["envoys"], &["resources"]),
        ("keys of a block", "x.vgo", "envoys:\n  - match: a\n    ‸".into(), &["roles", "observe_only"], &["match"]),
        ("keys of a block, its dash first", "x.vgo", "envoys:\n  - ‸\n    match: a\n".into(), &["roles"], &["match"]),
        ("keys of a block in braces", "x.vgo", "envoys:\n  - {match: a, ‸}\n".into(), &["roles"], &["match", "type"]),
        ("keys of a role", "roles.vgo", "roles:\n  - name: a\n    ‸".into(), &["includes", "case"], &["name", "vars"]),
        ("keys of an arm", "roles.vgo", "roles:\n  - case:\n      - ‸".into(), &["when", "default"], &["includes"]),
        ("keys of common.vgo", "a/common.vgo", "‸".into(), &["vars_from", "roles"], &["match"]),
        (
            "keys of an environment",
            "environments.vgo",
            "env:\n  production:\n    ‸".into(),
            &["vars", "roles"],
            &["env"],
        ),
        ("keys of a waiver", "compliance.vgo", "waivers:\n- ‸".into(), &["framework", "until"], &[]),
        ("environments of an override", c, "environment_overrides:\n  ‸".into(), &["staging", "production"], &["vars"]),
        ("keys of a test", "x.test.vgo", "tests:\n  - ‸".into(), &["hostname", "expect"], &["match", "resources"]),
        (
            "resources of a test",
            "x.test.vgo",
            "tests:\n- expect:\n    resources:\n      ‸".into(),
            &["nginx/config"],
            &["config"],
        ),
        (
            "crates of a test",
            "x.test.vgo",
            "tests:\n- expect: {configcrates: {absent: [‸]}}\n".into(),
            &["nginx"],
            &["tls"],
        ),
        ("keys of an override", c, "environment_overrides:\n  staging:\n    ‸".into(), &["vars"], &["roles"]),
        (
            "attributes by type",
            c,
            r("    type: file\n    ‸"),
            &["target_path", "content", "notify", "state"],
            &["service"],
        ),
        ("attributes before the type", c, r("    ‸\n    type: service\n"), &["service", "enabled"], &["target_path"]),
        ("attributes in braces", c, "resources:\n- {type: file, ‸, mode: x}".into(), &["content"], &["mode", "type"]),
        ("the type comes first", c, r("    ty‸"), &["type"], &["target_path"]),
        ("attributes of an arm", c, r("    type: file\n    case:\n      - set:\n          ‸"), &["mode"], &["notify"]),
        ("attributes of a word", c, r("    type: file\n    case: x\n    match:\n      a: {‸}"), &["mode"], &["notify"]),
        ("defaults", c, "defaults:\n  ‸".into(), &["file", "owner", "retries"], &["resources"]),
        ("defaults of a type", c, "defaults:\n  file:\n    ‸".into(), &["owner", "mode"], &["service"]),
        ("types", c, r("    type: ‸"), &["file", "package", "service"], &["nginx"]),
        ("types, while the line is no YAML", c, r("    type: \"fi‸"), &["file"], &[]),
        ("states", c, r("    type: service\n    state: ‸"), &["running", "stopped"], &["present"]),
        ("choices", c, r("    type: service\n    on_notify: ‸"), &["restart", "none"], &["true"]),
        ("booleans", c, r("    type: service\n    enabled: ‸"), &["true", "false"], &["restart"]),
        ("booleans of a block", "x.vgo", "envoys:\n  - observe_only: ‸".into(), &["true", "false"], &[]),
        ("crates", "x.vgo", "envoys:\n  - configcrates: [‸]".into(), &["nginx", "waf", "user:dan"], &["dan", "tls"]),
        ("crates, an item a line", "x.vgo", "envoys:\n  - configcrates:\n      - n‸".into(), &["nginx"], &["roles"]),
        ("crates, the list at the key", "x.vgo", "envoys:\n  - configcrates:\n    - ‸".into(), &["nginx"], &["match"]),
        ("usercrates", "x.vgo", "envoys:\n  - usercrates: [‸".into(), &["dan"], &["nginx"]),
        ("crates of a role", "roles.vgo", "roles:\n  - configcrates: ‸".into(), &["waf"], &[]),
        ("roles", "x.vgo", "envoys:\n  - roles: [‸]".into(), &["webserver", "tls"], &["nginx"]),
        ("environments", "x.vgo", "envoys:\n  - environment: ‸".into(), &["production", "staging"], &[]),
        ("data files", "x.vgo", "envoys:\n  - vars_from: [‸]".into(), &["data/app.yaml"], &["common.vgo"]),
        ("templates", c, r("    type: file\n    source: ‸"), &["templates/site.conf"], &["data/app.yaml"]),
        ("references", c, r("    type: file\n    notify: [‸]"), &["a", "nginx", "nginx/reload"], &["reload"]),
        ("crates in the head", c, "depends_on: ‸".into(), &["nginx"], &["nginx/reload", "user:dan"]),
        ("variables for foreach", c, "foreach: ‸\nvars: {own: [1]}".into(), &["ntp", "own", "app"], &["sites"]),
        ("builtins", c, r("    when: \"os‸\""), &["os_family", "has_role"], &["debian"]),
        ("builtins behind an operator", c, r("    when: changed && ‸"), &["os_family"], &[]),
        ("families", c, r("    when: \"os_family('‸')\""), &["debian", "bsd"], &["os_family", "ubuntu"]),
        ("families without quotes", c, r("    when: os_family(‸)"), &["debian"], &["os_family"]),
        ("distributions", c, r("    when: \"distro('‸"), &["ubuntu"], &["debian x"]),
        ("roles in a condition", c, r("    when: \"has_role('‸')\""), &["webserver"], &["nginx"]),
        ("crates in a condition", c, r("    when: \"has_configcrate('‸')\""), &["nginx"], &["webserver"]),
        ("environments in a condition", c, r("    when: \"environment('‸')\""), &["staging"], &["webserver"]),
        ("variables in a condition", c, r("    when: \"var('‸')\""), &["port", "token"], &["workers"]),
        ("traits in a condition", c, r("    when: \"has_trait('os.‸')\""), &["family"], &["os"]),
        ("days", c, r("    when: \"is_virtual && day_of_week('‸')\""), &["monday"], &["debian"]),
        ("fields", c, r("    type: file\n    content: \"{{ .‸"), &["Vars", "Traits"], &["quote"]),
        ("functions", c, r("    type: file\n    content: \"{{ ‸ }}\""), &["quote", "if"], &["Vars"]),
        ("functions behind a pipe", c, r("    type: file\n    content: \"{{ .Vars.port | ‸"), &["quote"], &["port"]),
        ("variables", c, r("    type: file\n    content: \"{{ .Vars.‸ }}\""), &["port", "ntp", "app"], &["workers"]),
        (
            "what a variable holds",
            c,
            r("    type: file\n    content: '{{ .Vars.app.‸ }}'"),
            &["name", "hosts"],
            &["port"],
        ),
        ("traits", c, r("    type: file\n    content: '{{ .Traits.os.‸ }}'"), &["family", "distro"], &["os"]),
        ("the machine", c, r("    type: file\n    content: |\n      a\n      {{ .Envoy.‸"), &["Hostname"], &["os"]),
        (
            "nothing behind a template",
            c,
            r("    type: file\n    content: \"{{ .Vars.port }}‸\""),
            &[],
            &["quote", "port"],
        ),
        ("nothing in a comment", c, "name: x # ‸".into(), &[], &["resources"]),
        ("nothing in a text", c, r("    type: file\n    content: |\n      ty‸"), &[], &["type", "name"]),
        ("variables in a template file", "templates/x", "a {{ .Vars.‸".into(), &["port", "workers"], &["quote"]),
        (
            "items of a map",
            "configcrates/nginx.vgo",
            "vars: {sites: {a: {root: /}}}\nresources:\n  - foreach: sites\n    content: '{{ .Item.value.‸ }}'".into(),
            &["root"],
            &["key"],
        ),
    ];
    for (name, path, text, there, not_there) in cases {
        let at = with(path, text);
        let found = labels(&at);
        for label in *there {
            assert!(found.iter().any(|l| l == label), "{name}: no `{label}` in {found:?}");
        }
        for label in *not_there {
            assert!(!found.iter().any(|l| l == label), "{name}: `{label}` in {found:?}");
        }
        assert!(!there.is_empty() || found.is_empty(), "{name}: {found:?}");
    }
}

#[test]
fn a_completion_replaces_the_word_around_it() {
    let c = "configcrates/x.vgo";
    let cases: &[(&str, &str, &str, &str, &str)] = &[
        ("a key", c, "na‸", "name", "name: "),
        ("a key that has a value", c, "na‸me: x", "name", "name: x"),
        ("a key with lines below", c, "res‸", "resources", "resources:"),
        (
            "a crate in a list",
            "x.vgo",
            "envoys:\n- roles: [tls, web‸]\n",
            "webserver",
            "envoys:\n- roles: [tls, webserver]\n",
        ),
        ("a part of a path", c, "when: \"has_trait('os.fa‸')\"", "family", "when: \"has_trait('os.family')\""),
        ("an argument without quotes", c, "when: os_family(de‸)", "debian", "when: os_family('debian')"),
        (
            "a variable",
            c,
            "resources:\n- content: \"{{ .Vars.po‸ }}\"",
            "port",
            "resources:\n- content: \"{{ .Vars.port }}\"",
        ),
        (
            "a file",
            c,
            "resources:\n- {type: file, source: templates/s‸}",
            "templates/site.conf",
            "resources:\n- {type: file, source: templates/site.conf}",
        ),
    ];
    for (name, path, text, label, expected) in cases {
        let at = with(path, text);
        let all = at.workspace.complete(&at.path, at.at);
        let found = all.iter().find(|c| c.label == *label).unwrap_or_else(|| panic!("{name}: {all:?}"));
        let mut text = String::from(&**at.workspace.text(&at.path).expect("a text"));
        text.replace_range(found.replace.clone(), &found.text);
        assert_eq!(text, *expected, "{name}");
    }
}

/// Returns places as `path: text of the line with [the place]`.
fn places(workspace: &Workspace, found: &[Location]) -> Vec<String> {
    let shown = |l: &Location| {
        let text = workspace.text(&l.path).expect("a text");
        let start = text[..l.at.start].rfind('\n').map_or(0, |i| i + 1);
        let end = text[l.at.end..].find('\n').map_or(text.len(), |i| i + l.at.end);
        let line = format!("{}[{}]{}", &text[start..l.at.start], &text[l.at.clone()], &text[l.at.end..end]);
        format!("{}: {}", l.path, line.trim())
    };
    found.iter().map(shown).collect()
}

#[test]
fn a_name_leads_to_where_it_is_defined() {
    let cases: &[(&str, &str, &str, &[&str])] = &[
        (
            "a crate",
            "x.vgo",
            "envoys:\n- {match: a, configcrates: [ng‸inx]}\n",
            &["configcrates/nginx.vgo: name: [nginx]"],
        ),
        (
            "a crate without a name",
            "x.vgo",
            "envoys:\n- {match: a, configcrates: [waf‸]}\n",
            &["configcrates/waf.vgo: []resources:"],
        ),
        (
            "a usercrate",
            "x.vgo",
            "envoys:\n- {match: a, usercrates: [‸dan]}\n",
            &["usercrates/dan.vgo: []resources: []"],
        ),
        (
            "a usercrate that is out",
            "x.vgo",
            "envoys:\n- {match: a, exclude_configcrates: [user:d‸an]}\n",
            &["usercrates/dan.vgo: []resources: []"],
        ),
        ("a role", "x.vgo", "envoys:\n- {match: a, roles: [webserv‸er]}\n", &["roles.vgo: - name: [webserver]"]),
        (
            "an environment",
            "x.vgo",
            "envoys:\n- {match: a, environment: ‸staging}\n",
            &["environments.vgo: [staging]: {}"],
        ),
        ("a role in a condition", "configcrates/x.vgo", "when: \"has_role('t‸ls')\"\n", &["roles.vgo: - name: [tls]"]),
        (
            "a crate in a condition",
            "configcrates/x.vgo",
            "when: \"has_configcrate('ng‸inx')\"\n",
            &["configcrates/nginx.vgo: name: [nginx]"],
        ),
        (
            "a resource",
            "configcrates/x.vgo",
            "resources:\n- {name: a, type: exec}\n- {type: exec, depends_on: a‸}\n",
            &["configcrates/x.vgo: - {name: [a], type: exec}"],
        ),
        (
            "a resource elsewhere",
            "configcrates/x.vgo",
            "resources:\n- {type: exec, notify: [nginx/re‸load]}\n",
            &["configcrates/nginx.vgo: - name: [reload]"],
        ),
        (
            "the crate before a `/`",
            "configcrates/x.vgo",
            "resources:\n- {type: exec, notify: [ngi‸nx/reload]}\n",
            &["configcrates/nginx.vgo: name: [nginx]"],
        ),
        (
            "a crate as a whole",
            "configcrates/x.vgo",
            "resources:\n- {type: exec, before: [ngi‸nx]}\n",
            &["configcrates/nginx.vgo: name: [nginx]"],
        ),
        (
            "one stamp",
            "configcrates/x.vgo",
            "resources:\n- {name: a, type: exec, foreach: ntp}\n- {type: exec, before: 'a‸[x]'}\n",
            &["configcrates/x.vgo: - {name: [a], type: exec, foreach: ntp}"],
        ),
        (
            "a pattern",
            "configcrates/x.vgo",
            "resources:\n- {name: a-1, type: exec}\n- {name: a-2, type: exec}\n- {type: exec, before: 'a‸-*'}\n",
            &["configcrates/x.vgo: - {name: [a-1], type: exec}", "configcrates/x.vgo: - {name: [a-2], type: exec}"],
        ),
        (
            "a templated name",
            "configcrates/x.vgo",
            "resources:\n- {name: 's-{{ .Item }}', type: exec, foreach: ntp}\n- {type: exec, before: 's‸-a'}\n",
            &["configcrates/x.vgo: - {name: '[s-{{ .Item }}]', type: exec, foreach: ntp}"],
        ),
        (
            "a name by identity",
            "configcrates/x.vgo",
            "resources:\n- {type: file, target_path: /a}\n- {type: exec, before: 'file:‸/a'}\n",
            &["configcrates/x.vgo: - {type: []file, target_path: /a}"],
        ),
        (
            "a variable",
            "configcrates/x.vgo",
            "resources:\n- {type: exec, command: \"{{ .Vars.po‸rt }}\"}\n",
            &[
                "common.vgo: vars: {ntp: pool.example.com, [port]: 80}",
                "environments.vgo: production: {vars: {[port]: 443}, configcrates: [waf]}",
                "prod/web.vgo: vars: {[port]: 8080}",
            ],
        ),
        (
            "a variable of data",
            "configcrates/x.vgo",
            "foreach: app‸.hosts\n",
            &["data/app.yaml: [app]: {name: shop, hosts: [a, b]}"],
        ),
        (
            "a variable in a condition",
            "configcrates/x.vgo",
            "when: \"var('n‸tp')\"\n",
            &["common.vgo: vars: {[ntp]: pool.example.com, port: 80}"],
        ),
        (
            "a variable of the crate",
            "configcrates/x.vgo",
            "vars: {own: 1}\nresources:\n- {type: exec, command: \"{{ index .Vars \\\"x\\\" }} {{ .Vars.own }}\", stdin: '{{ hasKey .Vars \"o‸wn\" }}'}\n",
            &["configcrates/x.vgo: vars: {[own]: 1}"],
        ),
        (
            "a block of text",
            "configcrates/x.vgo",
            "resources:\n- type: file\n  content: |\n\n    ä {{ with .Vars }}\n    {{ .nt‸p }}{{ end }}\n",
            &["common.vgo: vars: {[ntp]: pool.example.com, port: 80}"],
        ),
        (
            "a file",
            "configcrates/x.vgo",
            "resources:\n- {type: file, source: templates/si‸te.conf}\n",
            &["templates/site.conf: []listen {{ .Vars.port }};"],
        ),
        (
            "a folder",
            "configcrates/x.vgo",
            "resources:\n- {type: directory, source: templa‸tes/}\n",
            &["templates/site.conf: []listen {{ .Vars.port }};"],
        ),
        ("nothing", "configcrates/x.vgo", "name: x\nwhen: tr‸ue\n", &[]),
        ("what is not there", "x.vgo", "envoys:\n- {match: a, configcrates: [no‸ne]}\n", &[]),
    ];
    for (name, path, text, expected) in cases {
        let at = with(path, text);
        let found = at.workspace.definitions(&at.path, at.at);
        assert_eq!(places(&at.workspace, &found), *expected, "{name}");
    }
}

#[test]
fn every_use_of_a_name_is_found() {
    let at = with("x.vgo", "envoys:\n- match: a\n  exclude_configcrates: [nginx‸]\n  configcrates: [nginx]\n");
    let found = at.workspace.references(&at.path, at.at, false);
    let expected = [
        "roles.vgo: configcrates: [[nginx]]",
        "x.vgo: exclude_configcrates: [[nginx]]",
        "x.vgo: configcrates: [[nginx]]",
    ];
    assert_eq!(places(&at.workspace, &found), expected);
    let at = with(
        "templates/site.conf",
        "{{ .Vars.po‸rt }}{{ $x := .Vars }}{{ $x.port }}{{ range $x }}{{ .port }}{{ end }}\n",
    );
    let found = at.workspace.references(&at.path, at.at, false);
    let expected = [
        "configcrates/waf.vgo: - {name: rules, type: file, target_path: /etc/waf, content: \"{{ .Vars.[port] }}\"}",
        "templates/site.conf: {{ .Vars.[port] }}{{ $x := .Vars }}{{ $x.port }}{{ range $x }}{{ .port }}{{ end }}",
        "templates/site.conf: {{ .Vars.port }}{{ $x := .Vars }}{{ $x.[port] }}{{ range $x }}{{ .port }}{{ end }}",
    ];
    assert_eq!(places(&at.workspace, &found), expected);
}

/// Renames, and returns the lines that changed, or why not.
fn renamed(at: &At, new: &str) -> Result<Vec<String>, String> {
    let edits = at.workspace.rename(&at.path, at.at, new).map_err(|r| format!("{r}"))?;
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    for edit in edits.iter().rev() {
        let path = String::from(&*edit.location.path);
        let text = texts.entry(path).or_insert_with_key(|p| String::from(&**at.workspace.text(p).expect("a text")));
        text.replace_range(edit.location.at.clone(), &edit.text);
    }
    let mut changed = Vec::new();
    for (path, text) in texts {
        let before: Vec<&str> = at.workspace.text(&path).expect("a text").lines().collect();
        let new = text.lines().filter(|line| !before.contains(line));
        changed.extend(new.map(|line| format!("{path}: {}", line.trim())));
    }
    Ok(changed)
}

#[test]
fn a_new_name_is_written_everywhere() {
    let x = "configcrates/x.vgo";
    let cases: &[(&str, &str, &str, &str, &[&str])] = &[
        (
            "a crate",
            x,
            "depends_on: [ngi‸nx]\nresources:\n- {type: exec, notify: [nginx/reload], before: 'nginx[a]', when: \"has_configcrate('nginx')\"}\n",
            "httpd",
            &[
                "configcrates/nginx.vgo: name: httpd",
                "configcrates/x.vgo: depends_on: [httpd]",
                "configcrates/x.vgo: - {type: exec, notify: [httpd/reload], before: 'httpd[a]', when: \"has_configcrate('httpd')\"}",
                "roles.vgo: configcrates: [httpd]",
            ],
        ),
        (
            "a crate without a name",
            "x.vgo",
            "envoys:\n- {match: a, configcrates: [w‸af]}\n",
            "wall",
            &[
                "configcrates/waf.vgo: name: wall",
                "environments.vgo: production: {vars: {port: 443}, configcrates: [wall]}",
                "roles.vgo: configcrates: [wall]",
                "x.vgo: - {match: a, configcrates: [wall]}",
            ],
        ),
        (
            "what a test names",
            "x.test.vgo",
            "tests:\n- {name: a, hostname: b, expect: {configcrates: [ngi‸nx], resources: [nginx/reload]}}\n",
            "httpd",
            &[
                "configcrates/nginx.vgo: name: httpd",
                "roles.vgo: configcrates: [httpd]",
                "x.test.vgo: - {name: a, hostname: b, expect: {configcrates: [httpd], resources: [httpd/reload]}}",
            ],
        ),
        (
            "a usercrate",
            "x.vgo",
            "envoys:\n- {match: a, usercrates: [d‸an], exclude_configcrates: ['user:dan']}\n",
            "eve",
            &[
                "prod/web.vgo: usercrates: [eve]",
                "usercrates/dan.vgo: name: eve",
                "x.vgo: - {match: a, usercrates: [eve], exclude_configcrates: ['user:eve']}",
            ],
        ),
        (
            "a role",
            x,
            "when: \"has_role('webs‸erver')\"\n",
            "web",
            &["configcrates/x.vgo: when: \"has_role('web')\"", "prod/web.vgo: roles: [web]", "roles.vgo: - name: web"],
        ),
        (
            "an environment",
            x,
            "environment_overrides: {produ‸ction: {}}\nwhen: \"environment('production')\"\n",
            "live",
            &[
                "configcrates/x.vgo: environment_overrides: {live: {}}",
                "configcrates/x.vgo: when: \"environment('live')\"",
                "environments.vgo: live: {vars: {port: 443}, configcrates: [waf]}",
                "prod/web.vgo: environment: live",
            ],
        ),
        (
            "a variable of hosts",
            x,
            "vars: {po‸rt: 1}\nforeach: port\nresources:\n- {type: exec, when: \"var('port.a') && {{ .Vars.port }}\"}\n",
            "tcp",
            &[
                "common.vgo: vars: {ntp: pool.example.com, tcp: 80}",
                "configcrates/waf.vgo: - {name: rules, type: file, target_path: /etc/waf, content: \"{{ .Vars.tcp }}\"}",
                "configcrates/x.vgo: vars: {tcp: 1}",
                "configcrates/x.vgo: foreach: tcp",
                "configcrates/x.vgo: - {type: exec, when: \"var('tcp.a') && {{ .Vars.tcp }}\"}",
                "environments.vgo: production: {vars: {tcp: 443}, configcrates: [waf]}",
                "prod/web.vgo: vars: {tcp: 8080}",
                "templates/site.conf: listen {{ .Vars.tcp }};",
            ],
        ),
        (
            "a variable of one crate",
            x,
            "vars: {wor‸kers: 1}\nresources:\n- {type: exec, command: '{{ .Vars.workers }}'}\n",
            "n",
            &["configcrates/x.vgo: vars: {n: 1}", "configcrates/x.vgo: - {type: exec, command: '{{ .Vars.n }}'}"],
        ),
        (
            "a resource",
            x,
            "resources:\n- {type: exec, notify: [nginx/rel‸oad]}\n",
            "again",
            &[
                "configcrates/nginx.vgo: notify: [again]",
                "configcrates/nginx.vgo: - name: again",
                "configcrates/x.vgo: - {type: exec, notify: [nginx/again]}",
            ],
        ),
        (
            "a resource without a name",
            x,
            "resources:\n- type: file\n  target_path: /a\n- {type: exec, before: 'fi‸le:/a'}\n",
            "a",
            &[
                "configcrates/x.vgo: - name: a",
                "configcrates/x.vgo: type: file",
                "configcrates/x.vgo: - {type: exec, before: 'a'}",
            ],
        ),
        (
            "a pattern that goes on to match",
            x,
            "resources:\n- {name: a‸-1, type: exec}\n- {type: exec, before: 'a-*'}\n",
            "a-2",
            &["configcrates/x.vgo: - {name: a-2, type: exec}"],
        ),
    ];
    for (name, path, text, new, expected) in cases {
        let at = with(path, text);
        let found = renamed(&at, new).unwrap_or_else(|why| panic!("{name}: {why}"));
        assert_eq!(found, *expected, "{name}");
    }
}

#[test]
fn a_rename_is_refused_with_the_reason() {
    let x = "configcrates/x.vgo";
    let cases: &[(&str, &str, &str, &str, &str)] = &[
        ("no name for a crate", x, "depends_on: ngi‸nx\n", "Web Server", "`Web Server` is no name for a configcrate"),
        ("no name for a variable", x, "foreach: n‸tp\n", "n-tp", "`n-tp` is no name for a variable"),
        ("no name for a resource", x, "resources:\n- {name: a‸, type: exec}\n", "a*", "`a*` cannot be written"),
        (
            "taken by a crate",
            x,
            "depends_on: ngi‸nx\n",
            "waf",
            "`waf` is the name of another configcrate, in `configcrates/waf.vgo`",
        ),
        ("taken by a role", x, "when: \"has_role('t‸ls')\"\n", "webserver", "`webserver` is the name of another role"),
        (
            "taken by a variable of hosts",
            x,
            "vars: {own‸: 1}\n",
            "ntp",
            "`ntp` is the name of another variable, in `common.vgo`",
        ),
        (
            "taken by a variable of the crate",
            x,
            "vars: {own‸: 1, other: 2}\n",
            "other",
            "`other` is the name of another variable",
        ),
        (
            "taken by a resource",
            x,
            "resources:\n- {name: a‸, type: exec}\n- {name: b, type: exec}\n",
            "b",
            "`b` is the name of another resource",
        ),
        (
            "a pattern",
            x,
            "resources:\n- {name: a-1, type: exec}\n- {name: a-2, type: exec}\n- {type: exec, before: 'a‸-*'}\n",
            "b",
            "stands for several",
        ),
        (
            "a pattern that would not match",
            x,
            "resources:\n- {name: a‸-1, type: exec}\n- {type: exec, before: 'a-*'}\n",
            "b",
            "the pattern `a-*`",
        ),
        (
            "a template as a name",
            x,
            "resources:\n- {name: 'a-{{ .It‸em }}', type: exec, foreach: ntp}\n",
            "b",
            "is a template",
        ),
        ("a file", x, "resources:\n- {type: file, source: templates/s‸ite.conf}\n", "b", "the path of a file"),
        ("no name at all", x, "name: x\nwhen: tr‸ue\n", "b", "nothing here has a name"),
        (
            "defined nowhere",
            "x.vgo",
            "envoys:\n- {match: a, configcrates: [no‸ne]}\n",
            "b",
            "`none` is defined nowhere",
        ),
        (
            "escapes",
            x,
            "resources:\n- {name: a‸, type: exec}\n- {type: exec, before: \"\\x61\"}\n",
            "b",
            "quotes or escapes",
        ),
        ("another file is broken", x, "depends_on: ngi‸nx\n=== y.vgo\nenvoys: [\n", "b", "`y.vgo` cannot be read"),
    ];
    for (name, path, text, new, expected) in cases {
        let at = with(path, text);
        let why = renamed(&at, new).expect_err(name);
        assert!(why.contains(expected), "{name}: {why}");
    }
}

#[test]
fn what_is_under_the_cursor_is_explained() {
    let x = "configcrates/x.vgo";
    let cases: &[(&str, &str, &str, &[&str])] = &[
        (
            "a crate",
            x,
            "depends_on: ngi‸nx\n",
            &[
                "**configcrate** `nginx`",
                "The web server\nof the shop",
                "`package`, `config`, `reload`",
                "Included by: role `webserver` (`roles.vgo:3`)",
            ],
        ),
        (
            "a role",
            x,
            "when: \"has_role('webs‸erver')\"\n",
            &["**role** `webserver`", "match block `web-*` (`prod/web.vgo:4`)"],
        ),
        (
            "a variable",
            x,
            "foreach: po‸rt\n",
            &[
                "- `443` — environment `production`, `environments.vgo:2`\n- `8080` — match block `web-*`, `prod/web.vgo:7`\n- `80` — `common.vgo`, `common.vgo:1`",
            ],
        ),
        ("a secret is not shown", x, "foreach: to‸ken\n", &["`«secret app/token»` — data/app.yaml, `data/app.yaml:2`"]),
        (
            "a resource",
            x,
            "resources:\n- {type: exec, notify: nginx/rel‸oad}\n",
            &["**resource** `reload`", "of type `service`"],
        ),
        ("a key of a crate", x, "res‸ources: []\n", &["`resources` of a configcrate", "What the crate manages"]),
        ("a key of a resource", x, "resources:\n- type: file\n  not‸ify: a\n", &["it triggers them"]),
        ("an attribute", x, "resources:\n- type: file\n  mo‸de: a\n", &["`mode` of `file`: an octal mode"]),
        ("a state", x, "resources:\n- type: service\n  sta‸te: running\n", &["`state` of `service`"]),
        ("a type", x, "resources:\n- type: fi‸le\n", &["**file**:", "`target_path` (required)"]),
        ("a builtin", x, "when: \"os_fam‸ily('debian')\"\n", &["os_family(family)", "Decided by the machine's traits"]),
        ("a function", x, "resources:\n- {type: exec, command: '{{ .Vars.ntp | quo‸te }}'}\n", &["quote value …"]),
        (
            "a keyword",
            x,
            "resources:\n- {type: exec, command: '{{ i‸f .Vars.ntp }}{{ end }}'}\n",
            &["Renders what follows"],
        ),
        ("a field", x, "resources:\n- {type: exec, command: '{{ .En‸voy.ID }}'}\n", &["The machine"]),
        (
            "a trait",
            x,
            "resources:\n- {type: exec, command: '{{ .Traits.os.fam‸ily }}'}\n",
            &["trait `os.family`: text"],
        ),
        ("a function of a template file", "templates/x", "{{ .Vars.port | squ‸ote }}", &["squote value …"]),
    ];
    for (name, path, text, expected) in cases {
        let at = with(path, text);
        let (_, doc) = at.workspace.hover(&at.path, at.at).unwrap_or_else(|| panic!("{name}: nothing"));
        for part in *expected {
            assert!(doc.contains(part), "{name}: {doc}");
        }
    }
    for text in ["# na‸me\n", "name: ‸x # a\n\n", "zzz‸: 1\n"] {
        let at = with("configcrates/zzz.vgo", text);
        assert!(
            !at.workspace.hover(&at.path, at.at).is_some_and(|(_, doc)| doc.contains("of a configcrate")),
            "{text}"
        );
    }
}

#[test]
fn the_names_of_a_broken_file_are_those_it_had() {
    let mut at = with("configcrates/x.vgo", "depends_on: nginx\nresources:\n- {name: own, type: exec}\n");
    let broken = "# new\ndepends_on: nginx\nresources:\n- {name: own, type: exec}\n- {type: exec, notify: [\n";
    at.workspace.set(Tree::from_texts([("configcrates/x.vgo", broken)]).files.remove(0));
    assert!(at.workspace.index("configcrates/x.vgo").is_some_and(|(_, current)| !current));
    let here = broken.find("nginx").expect("it is there");
    let found = at.workspace.definitions("configcrates/x.vgo", here + 2);
    assert_eq!(places(&at.workspace, &found), ["configcrates/nginx.vgo: name: [nginx]"]);
    let found = at.workspace.references("configcrates/x.vgo", here, false);
    assert!(places(&at.workspace, &found).contains(&"configcrates/x.vgo: depends_on: [nginx]".into()), "{found:?}");
    let labels: Vec<String> =
        at.workspace.complete("configcrates/x.vgo", broken.len() - 1).into_iter().map(|c| c.label).collect();
    assert!(labels.iter().any(|l| l == "own"), "{labels:?}");
}

#[test]
fn what_is_no_text_or_no_template_is_in_nobodys_way() {
    let at =
        with("configcrates/x.vgo", "depends_on: ngi‸nx\n=== templates/jinja\n{{ a ? b }}\n=== README\nenvoys: [\n");
    let mut workspace = at.workspace;
    let mut binary = Tree::from_texts([("templates/logo", "")]).files.remove(0);
    binary.bytes = Vec::from([0xff, 0xfe]).into();
    workspace.set(binary);
    let at = At { workspace, ..at };
    assert_eq!(renamed(&at, "httpd").map(|changed| changed.len()), Ok(3));
    assert!(
        at.workspace.text("templates/logo").is_none() && labels(&At { path: "templates/logo".into(), ..at }).is_empty()
    );
}

#[test]
fn an_outline_holds_crates_and_what_is_in_them() {
    let at = tree(TREE);
    let all = at.workspace.outline("configcrates/nginx.vgo");
    let names: Vec<&str> = all.iter().flat_map(|o| &o.children).map(|o| &*o.name).collect();
    assert_eq!((&*all[0].name, names), ("nginx", Vec::from(["package", "config", "reload"])));
    let names = |path| at.workspace.outline(path).into_iter().map(|o| o.name).collect::<Vec<_>>();
    assert_eq!(names("roles.vgo"), ["webserver", "tls"]);
    assert_eq!(names("prod/web.vgo"), ["web-*"]);
    assert_eq!(names("environments.vgo"), ["production", "staging"]);
    assert_eq!(names("common.vgo"), ["ntp", "port"]);
    let found = at.workspace.find("REL", 10);
    assert_eq!(found.iter().map(|(_, o)| &*o.name).collect::<Vec<_>>(), ["reload"]);
}

#[test]
fn what_a_help_names_can_be_written() {
    let cases = [
        ("configcrates/x.vgo", "resorces: []\n", "resources: []\n"),
        ("x.vgo", "envoys:\n- {match: a, configcrates: [ngnix]}\n", "envoys:\n- {match: a, configcrates: [nginx]}\n"),
        ("x.vgo", "envoys:\n- {match: a, modules: [nginx]}\n", "envoys:\n- {match: a, configcrates: [nginx]}\n"),
        ("configcrates/x.vgo", "when: \"os_famly('debian')\"\n", "when: \"os_family('debian')\"\n"),
        ("configcrates/x.vgo", "when: \"os_family('debiann')\"\n", "when: \"os_family('debian')\"\n"),
        (
            "configcrates/x.vgo",
            "resources:\n- {type: fil, target_path: /a, content: a}\n",
            "resources:\n- {type: file, target_path: /a, content: a}\n",
        ),
        (
            "configcrates/x.vgo",
            "resources:\n- {type: file, target_pth: /a, content: a}\n",
            "resources:\n- {type: file, target_path: /a, content: a}\n",
        ),
        (
            "configcrates/x.vgo",
            "resources:\n- {type: service, service: a, enabled: yes}\n",
            "resources:\n- {type: service, service: a, enabled: true}\n",
        ),
        (
            "configcrates/waf.vgo",
            "resources:\n- {type: file, target_path: /a, content: '{{ .Vars.prt }}'}\n",
            "resources:\n- {type: file, target_path: /a, content: '{{ .Vars.port }}'}\n",
        ),
        (
            "configcrates/x.vgo",
            "resources:\n- {name: reload, type: file, target_path: /a, content: a}\n- {type: file, target_path: /b, content: a, depends_on: relod}\n",
            "resources:\n- {name: reload, type: file, target_path: /a, content: a}\n- {type: file, target_path: /b, content: a, depends_on: reload}\n",
        ),
    ];
    for (path, text, expected) in cases {
        let at = with(path, text);
        let tree = at.workspace.tree();
        let sources = crate::source::Sources::read(&tree);
        let found = crate::resolve::check(&crate::config::Config::read(&sources));
        let id = sources.map().files().iter().position(|f| *f.path == *path).expect("it is there");
        let fixes: Vec<Fix> = found.iter().flat_map(|d| fixes(d, sources.map())).collect();
        let fix = fixes.iter().find(|f| f.span.file.0 as usize == id);
        let fix = fix.unwrap_or_else(|| panic!("{text}: {found:#?}"));
        let mut text = String::from(text);
        text.replace_range(fix.span.start as usize..fix.span.end as usize, &fix.text);
        assert_eq!(text, expected);
    }
}
