//! What an author gets wrong, and the exact words that are said of it: place, what was expected and seen, what to write.

use crate::support::check;
use std::fmt::Write;

/// What stands in a mistaken tree.
enum At {
    /// The text of the one configcrate.
    Crate(&'static str),
    /// Lines of a `file` resource, from its third key on.
    File(&'static str),
    /// The one match file; the tree has the crates `nginx` and `motd`, the role `web` and the usercrate `dan`.
    Match(&'static str),
    /// A whole tree.
    Tree(&'static [(&'static str, &'static str)]),
}

use At::{Crate, File, Match, Tree};

const ONE: &str = "resources:\n  - {name: it, type: file, target_path: /etc/it, content: x}\n";
const ALL: &str = "envoys:\n  - {match: \"*\", configcrates: [a]}\n";

const MISTAKES: &[(&str, At)] = &[
    // YAML: indent, quotes, braces.
    ("a key indented one blank too far", Crate("resources:\n  - name: f\n    type: file\n     target_path: /etc/f\n")),
    ("a key indented one blank too little", Crate("resources:\n  - name: f\n    type: file\n   target_path: /etc/f\n")),
    (
        "a list item beside its key's indent",
        Crate(
            "resources:\n  - name: f\n    type: file\n    target_path: /etc/f\n - name: g\n   type: file\n   target_path: /etc/g\n",
        ),
    ),
    ("resources without dashes", Crate("resources:\n  name: f\n  type: file\n  target_path: /etc/f\n")),
    ("no blank behind the colon", Crate("resources:\n  - name: f\n    type:file\n    target_path: /etc/f\n")),
    ("no blank behind the dash", Crate("resources:\n  -name: f\n    type: file\n")),
    ("no colon", Crate("resources:\n  - name: f\n    type file\n    target_path: /etc/f\n")),
    ("a tab before a key", Crate("resources:\n\t- name: f\n")),
    ("a block scalar that is not indented", File("content: |\n    listen 80;\n    mode: '0644'")),
    ("a block scalar whose first line is deeper", File("content: |\n        listen 80;\n      x")),
    ("a quote that is not closed", File("owner: \"root\n    mode: '0644'")),
    ("a single quote that is not closed", File("owner: 'root\n    mode: '0644'")),
    ("an apostrophe in single quotes", File("content: 'it's here'")),
    ("a backslash in double quotes", File("content: \"^\\d+$\"")),
    ("a list that is not closed", File("stream_edit: [a, b\n    mode: '0644'")),
    ("a map that is not closed", Crate("vars: {port: 80\nresources: []\n")),
    ("two items without a comma", Crate("vars: {a: 1 b: 2}\nresources: []\n")),
    ("a double quote in double quotes", File("content: \"say \"hi\" twice\"")),
    ("a dash in a value", File("content: - a")),
    ("a text behind the bar", File("content: | listen 80;")),
    ("a colon inside a list item", Crate("resources: []\nvars:\n  notes:\n    - see: here: there\n")),
    ("a bracket too many", File("notify: [a]]")),
    ("a template that is not quoted", File("content: {{ .Envoy.Hostname }}")),
    ("a template that is not quoted, behind a path", File("group: {{ .Vars.x }}-web")),
    ("templates that are not quoted, all of them", File("owner: {{ .Envoy.ID }}\n    group: {{ .Envoy.ID }}")),
    ("double quotes in double quotes", File("content: \"{{ default \"x\" .Vars.y }}\"")),
    ("a colon in a plain text", File("content: Note: it is here")),
    ("a percent sign", File("content: %d")),
    ("a backquote", File("content: `date`")),
    ("a control character", File("content: \"a\u{1}b\"")),
    ("a control character by an escape", File("state: \"\\e[2J\"")),
    ("a NUL", File("content: a\0b")),
    ("a vertical tab", File("content: a\u{b}b")),
    ("a blank that is none", File("content:\u{a0}x")),
    ("a list in several lines without a comma", Crate("vars:\n  ports: [\n    80\n    x: 1,\n  ]\nresources: []\n")),
    ("a negation that is not quoted", File("when: !is_container")),
    ("a star that is not quoted", Match("envoys:\n  - match: *\n    configcrates: [nginx]\n")),
    ("a domain with a star", Match("envoys:\n  - match: *.acme.com\n    configcrates: [nginx]\n")),
    ("alternatives that are not quoted", Match("envoys:\n  - match: {web,db}-*.acme.com\n")),
    ("a key twice", File("mode: '0644'\n    owner: root\n    mode: '0600'")),
    (
        "resources twice",
        Crate(
            "resources:\n  - {name: f, type: file, target_path: /etc/f}\nresources:\n  - {name: g, type: file, target_path: /etc/g}\n",
        ),
    ),
    // Shapes.
    ("a list for a map", Crate("vars:\n  - port: 80\nresources: []\n")),
    ("a map for a list", Match("envoys:\n  match: '*'\n  configcrates: [nginx]\n")),
    ("a text for a list", Crate("resources: none\n")),
    ("a list for a text", File("owner: [root]")),
    ("a map for a text", File("owner: {name: root}")),
    ("nothing behind a key", File("owner:\n    mode: '0644'")),
    (
        "yes for a boolean",
        Crate("resources:\n  - name: s\n    type: service\n    service: nginx\n    state: running\n    enabled: yes\n"),
    ),
    (
        "a word for a boolean",
        Crate(
            "resources:\n  - name: s\n    type: service\n    service: nginx\n    state: running\n    enabled: ture\n",
        ),
    ),
    // Keys and names.
    ("a misspelt key of a crate", Crate("nmae: a\nresorces:\n  - {name: f, type: file, target_path: /etc/f}\n")),
    ("a key far from every other", Crate("name: a\nfrobnicate: 1\nresources: []\n")),
    ("a misspelt key of a match block", Match("envoys:\n  - mach: '*'\n    confgicrates: [nginx]\n")),
    ("a misspelt edge key", File("depend_on: [g]")),
    ("the edge key of another tool", File("require: [g]")),
    ("a misspelt type", Crate("resources:\n  - {name: f, type: fiel, target_path: /etc/f, contnet: x}\n")),
    ("a type of another tool", Crate("resources:\n  - {name: f, type: copy, target_path: /etc/f}\n")),
    ("no type", Crate("resources:\n  - {name: f, target_path: /etc/f, content: x}\n")),
    ("the type as a key", Crate("resources:\n  - file: /etc/f\n    content: x\n")),
    ("a misspelt attribute", File("contnet: x")),
    ("an attribute of another type", File("service: nginx")),
    ("a missing attribute", Crate("resources:\n  - {name: f, type: file, content: x}\n")),
    ("two attributes that exclude each other", File("content: x\n    source: /srv/x")),
    ("a misspelt state", File("state: presnet")),
    ("an unknown crate", Match("envoys:\n  - {match: '*', configcrates: [ngnix]}\n")),
    ("a crate far from every other", Match("envoys:\n  - {match: '*', configcrates: [kubernetes]}\n")),
    ("a role among crates", Match("envoys:\n  - {match: '*', configcrates: [web]}\n")),
    ("a crate among roles", Match("envoys:\n  - {match: '*', roles: [nginx]}\n")),
    ("an unknown role", Match("envoys:\n  - {match: '*', roles: [wbe]}\n")),
    (
        "an unknown environment",
        Tree(&[
            ("environments.vgo", "env:\n  production: {}\n"),
            ("envoys.vgo", "envoys:\n  - {match: '*', environment: prodcution}\n"),
        ]),
    ),
    ("a crate twice", Tree(&[("configcrates/a.vgo", ONE), ("configcrates/b.vgo", "name: a\nresources: []\n")])),
    (
        "a resource twice",
        Crate(
            "resources:\n  - {name: f, type: file, target_path: /etc/f}\n  - {name: f, type: file, target_path: /etc/g}\n",
        ),
    ),
    (
        "a target twice",
        Crate(
            "resources:\n  - {name: f, type: file, target_path: /etc/f, mode: '0600'}\n  - {name: g, type: file, target_path: /etc/f, mode: '0644'}\n",
        ),
    ),
    ("a crate with a capital", Tree(&[("configcrates/Nginx.vgo", ONE)])),
    ("a variable with a dash", Crate("vars: {app-tag: 1}\nresources: []\n")),
    ("a crate beside the match files", Tree(&[("nginx.vgo", ONE)])),
    ("the words of an older tree", Tree(&[("nodes.vgo", "nodes:\n  - {match: '*', modules: [a]}\n")])),
    (
        "a broken crate that much refers to",
        Tree(&[
            ("configcrates/lib.vgo", "name: nginx\nvars: {port: 80}\nresources:\n  - name: config\n    type:file\n"),
            (
                "configcrates/a.vgo",
                "depends_on: [nginx]\nwhen: \"has_configcrate('nginx')\"\nresources:\n  - {name: f, type: file, target_path: /etc/f, depends_on: nginx/config}\n",
            ),
            ("roles.vgo", "roles: [{name: web, configcrates: [nginx]}]\n"),
            ("envoys.vgo", "envoys:\n  - {match: '*', configcrates: [a, nginx]}\n"),
        ]),
    ),
    (
        "broken variables that much uses",
        Tree(&[
            ("common.vgo", "vars:\n  port: 80\n   name: x\n"),
            (
                "configcrates/a.vgo",
                "resources:\n  - {name: f, type: file, target_path: /etc/f, content: '{{ .Vars.port }} {{ .Vars.name }}'}\n",
            ),
            ("p/envoys.vgo", ALL),
        ]),
    ),
    (
        "broken roles and environments",
        Tree(&[
            ("configcrates/a.vgo", "when: \"has_role('web') && environment('prod')\"\nresources: []\n"),
            ("roles.vgo", "roles:\n  - name: web\n    configcrates: [a\n"),
            ("environments.vgo", "env:\n  prod: {}\n\tdev: {}\n"),
            ("envoys.vgo", "envoys:\n  - {match: '*', environment: prod, roles: [web], configcrates: [a]}\n"),
        ]),
    ),
    (
        "a misspelt key that much refers to",
        Tree(&[
            ("configcrates/a.vgo", "varz: {port: 80}\nresorces:\n  - {name: f, type: file, target_path: /etc/f}\n"),
            ("configcrates/b.vgo", "resources:\n  - {name: g, type: file, target_path: /etc/g, depends_on: a/f}\n"),
            ("envoys.vgo", "envoys:\n  - {match: '*', configcrates: [a, b]}\n"),
        ]),
    ),
    (
        "a misspelt key of a resource that another needs",
        Crate(
            "resources:\n  - {name: f, tpye: file, target_path: /etc/f}\n  - {name: g, type: file, target_path: /etc/g, depends_on: f}\n",
        ),
    ),
    ("a misspelt attribute that is required", Crate("resources:\n  - {name: f, type: file, target_pth: /etc/f}\n")),
    ("a misspelt name of a role", Tree(&[("roles.vgo", "roles:\n  - {nmae: web}\n")])),
    // Values.
    ("a mode in letters", File("mode: rw-r--r--")),
    ("a mode of too many digits", File("mode: 07777777")),
    ("a mode with an 8", File("mode: '0684'")),
    ("a relative path", Crate("resources:\n  - {name: f, type: file, target_path: etc/f}\n")),
    ("a duration in words", File("timeout: 5 minutes")),
    ("a negative number of retries", File("retries: -1")),
    ("a size in words", Crate("resources:\n  - {name: s, type: swap, path: /swap, size: 2 gigabytes}\n")),
    (
        "a word for an exit code",
        Crate("resources:\n  - {name: e, type: exec, command: date, onlyif: 'true', returns: [zero]}\n"),
    ),
    ("a bad glob", Match("envoys:\n  - {match: 'web-[0-9', configcrates: [nginx]}\n")),
    ("a regular expression for a glob", Match("envoys:\n  - {match: 'web-\\d+', configcrates: [nginx]}\n")),
    (
        "a bad regular expression",
        Crate("resources:\n  - {name: l, type: file_line, target_path: /etc/f, line: x, match_pattern: '^(a'}\n"),
    ),
    (
        "match for match_pattern",
        Crate("resources:\n  - {name: l, type: file_line, target_path: /etc/f, line: x, match: '^a'}\n"),
    ),
    (
        "a cron field out of range",
        Crate("resources:\n  - {name: c, type: cron, user: root, command: date, minute: 75}\n"),
    ),
    // Edges.
    (
        "an unknown dependency",
        Crate(
            "resources:\n  - {name: config, type: file, target_path: /etc/f}\n  - {name: s, type: service, service: x, state: running, depends_on: [confg]}\n",
        ),
    ),
    (
        "a dependency by type",
        Crate("resources:\n  - {name: f, type: file, target_path: /etc/f, depends_on: ['package[nginx]']}\n"),
    ),
    (
        "an unknown resource of a crate",
        Tree(&[
            ("configcrates/a.vgo", "resources:\n  - {name: f, type: file, target_path: /etc/f, depends_on: b/itt}\n"),
            ("configcrates/b.vgo", ONE),
            ("envoys.vgo", "envoys:\n  - {match: '*', configcrates: [a, b]}\n"),
        ]),
    ),
    (
        "a crate that is not included",
        Tree(&[
            ("configcrates/a.vgo", "depends_on: [b]\nresources:\n  - {name: f, type: file, target_path: /etc/f}\n"),
            ("configcrates/b.vgo", ONE),
            ("envoys.vgo", ALL),
        ]),
    ),
    ("an unknown crate that a crate needs", Crate("depends_on: [b]\nbefore: 'x*'\nresources: []\n")),
    (
        "a cycle",
        Crate(
            "resources:\n  - {name: a, type: file, target_path: /etc/a, depends_on: c}\n  - {name: b, type: file, target_path: /etc/b, depends_on: a}\n  - {name: c, type: file, target_path: /etc/c, depends_on: b}\n",
        ),
    ),
    ("a resource that needs itself", File("depends_on: f")),
    (
        "a handler nobody notifies",
        Crate("resources:\n  - {name: s, type: service, service: nginx, state: reloaded, when: changed}\n"),
    ),
    ("a restart at every run", Crate("resources:\n  - {name: s, type: service, service: nginx, state: restarted}\n")),
    ("a command at every run", Crate("resources:\n  - {name: e, type: exec, command: make install}\n")),
    // Conditions.
    ("an unknown condition", File("when: \"os_famly('debian')\"")),
    ("an unknown family", File("when: \"os_family('debain')\"")),
    ("a condition with two equals signs", File("when: \"os_family == 'debian'\"")),
    ("words for operators", File("when: \"is_virtual and not is_container\"")),
    ("a missing argument", File("when: \"hour_range(2)\"")),
    ("a condition without quotes around its word", File("when: os_family(debian)")),
    ("a parenthesis that is not closed", File("when: \"(is_virtual || is_container\"")),
    ("an unknown trait", File("when: \"trait_is('os.famly', 'debian')\"")),
    ("changed under not", File("when: \"!changed\"")),
    (
        "an unknown role in a condition",
        Tree(&[
            ("configcrates/a.vgo", "when: \"has_role('wbe')\"\nresources: []\n"),
            ("roles.vgo", "roles: [{name: web}]\n"),
            ("envoys.vgo", ALL),
        ]),
    ),
    ("a condition that is a list", File("when: [is_virtual]")),
    ("a variable that is not there in a condition", File("when: \"file_exists('{{ .Vars.gone }}')\"")),
    ("an arm without a condition", File("case:\n      - set: {mode: '0600'}")),
    ("arms without a list", File("case: {when: is_virtual, set: {mode: '0600'}}")),
    ("an arm with an unknown attribute", File("case: [{when: is_virtual, set: {moed: '0600'}}]")),
    (
        "a default nobody takes",
        Crate("defaults: {ownr: root}\nresources:\n  - {name: f, type: file, target_path: /etc/f}\n"),
    ),
    (
        "retries as a default of one type",
        Crate("defaults: {file: {retries: 2}}\nresources:\n  - {name: f, type: file, target_path: /etc/f}\n"),
    ),
    ("an override of what is no variable", Crate("environment_overrides: {production: {port: 80}}\nresources: []\n")),
    // Templates.
    (
        "an unknown variable",
        Crate(
            "vars: {nginx_port: 80}\nresources:\n  - {name: f, type: file, target_path: /etc/f, content: 'listen {{ .Vars.nginx_prot }};'}\n",
        ),
    ),
    (
        "a variable without Vars",
        Crate("vars: {port: 80}\nresources:\n  - {name: f, type: file, target_path: /etc/f, content: '{{ .port }}'}\n"),
    ),
    (
        "a variable as in Jinja",
        Crate("vars: {port: 80}\nresources:\n  - {name: f, type: file, target_path: /etc/f, content: '{{ port }}'}\n"),
    ),
    ("an unknown function", File("content: '{{ .Envoy.Hostname | uper }}'")),
    ("a template that is not closed", File("content: 'a {{ .Envoy.Hostname'")),
    ("one brace too few", File("content: 'a {{ .Envoy.Hostname } b'")),
    ("an if without end", File("content: |\n      {{ if .Traits.os.family }}\n      x")),
    ("an end too many", File("content: |\n      x\n      {{ end }}")),
    ("an unknown trait in a template", File("content: '{{ .Traits.os.famly }}'")),
    ("an item without foreach", File("content: '{{ .Item }}'")),
    ("arguments that are missing", File("content: '{{ replace \"a\" }}'")),
    ("an operator", File("content: '{{ if .Envoy.Hostname == \"x\" }}y{{ end }}'")),
    (
        "an unknown variable in foreach",
        Crate(
            "vars: {sites: [a]}\nresources:\n  - {name: f, type: file, foreach: site, target_path: '/etc/{{ .Item }}'}\n",
        ),
    ),
    (
        "a list for foreach",
        Crate(
            "resources:\n  - {name: f, type: file, foreach: [a, b], target_path: '/etc/{{ .Item }}', when: \"file_exists('/{{ .Item }}')\"}\n",
        ),
    ),
    (
        "a map for foreach of a crate",
        Crate("foreach: {a: 1}\nresources:\n  - {name: f, type: file, target_path: '/etc/{{ .Each.key }}'}\n"),
    ),
    (
        "a template for foreach",
        Crate(
            "vars: {sites: [a]}\nresources:\n  - {name: f, type: file, foreach: '{{ .Vars.sites }}', target_path: '/etc/{{ .Item }}'}\n",
        ),
    ),
    (
        "a number for foreach",
        Crate(
            "vars: {sites: 3}\nresources:\n  - {name: f, type: file, foreach: sites, target_path: '/etc/{{ .Item }}'}\n",
        ),
    ),
    (
        "a template file that is not there",
        Tree(&[
            (
                "configcrates/a.vgo",
                "resources:\n  - {name: f, type: file, target_path: /etc/f, source: templates/ngnix.conf}\n",
            ),
            ("templates/nginx.conf", "x\n"),
            ("envoys.vgo", ALL),
        ]),
    ),
    (
        "an unknown variable in a template file",
        Tree(&[
            (
                "configcrates/a.vgo",
                "resources:\n  - {name: f, type: file, target_path: /etc/f, source: templates/nginx.conf}\n",
            ),
            ("templates/nginx.conf", "grüße\r\nöäü\t{{ .Vars.nowhere }}\r\n"),
            ("envoys.vgo", ALL),
        ]),
    ),
    (
        "a mistake in a template file",
        Tree(&[
            (
                "configcrates/a.vgo",
                "resources:\n  - {name: f, type: file, target_path: /etc/f, source: templates/nginx.conf}\n",
            ),
            ("templates/nginx.conf", "grüße {{ .Vars.nowhere }}\n{{ nosuch }}\n"),
            ("envoys.vgo", ALL),
        ]),
    ),
    ("a secret in a name", Crate("resources:\n  - {name: 'secret:db/pw', type: file, target_path: /etc/f}\n")),
    ("a file of Vigo's", File("state: absent\n  - {name: s, type: service, service: vigo-envoy, state: stopped}")),
];

fn tree(at: &At) -> Vec<(&str, String)> {
    let all = |text: &str| vec![("configcrates/a.vgo", text.to_owned()), ("envoys.vgo", ALL.to_owned())];
    match at {
        Crate(text) => all(text),
        File(rest) => all(&format!("resources:\n  - name: f\n    type: file\n    target_path: /etc/f\n    {rest}\n")),
        Match(text) => vec![
            ("configcrates/nginx.vgo", ONE.to_owned()),
            ("configcrates/motd.vgo", ONE.replace("/it", "/motd")),
            ("usercrates/dan.vgo", ONE.replace("/it", "/dan")),
            ("roles.vgo", "roles:\n  - {name: web, configcrates: [nginx]}\n".to_owned()),
            ("envoys.vgo", (*text).to_owned()),
        ],
        Tree(files) => files.iter().map(|(path, text)| (*path, (*text).to_owned())).collect(),
    }
}

#[test]
fn mistakes_are_said_in_words_that_help() {
    let mut out = String::new();
    for (name, at) in MISTAKES {
        let files = tree(at);
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, &**text)).collect();
        let found = check(&files);
        assert!(!found.is_empty(), "{name}: nothing is said");
        writeln!(out, "## {name}\n{found}").expect("a string takes all");
    }
    insta::assert_snapshot!(out);
}
