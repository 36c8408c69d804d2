//! Tests of policy tests: what holds, what does not and what is said of it, what is no test.

use super::*;
use crate::config::Config;
use crate::host::{Capability, Host};
use crate::preview::{At, Blank};
use crate::resolve;
use crate::source::{Sources, Tree};
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

struct Nowhere;

impl Host for Nowhere {
    fn name(&self) -> &'static str {
        "nowhere"
    }

    fn capabilities(&self) -> &'static [Capability] {
        &[]
    }
}

/// A machine that has nothing but a root, and whose programs tell nothing.
static NOWHERE: Blank = Blank {
    name: "nowhere",
    host: &Nowhere,
    traits: &[],
    programs: &[],
    at: |path| matches!(path, "/" | "/etc").then_some(At::Dir(&[])),
    answer: |_| None,
};

const FILES: &[(&str, &str)] = &[
    (
        "configcrates/web.vgo",
        "vars: {port: 80, web_workers: 2}
environment_overrides: {production: {vars: {web_workers: 8}}}
resources:
  - {name: pkg, type: package, package: nginx, state: present}
  - name: conf
    type: file
    target_path: /etc/nginx.conf
    content: |
      listen {{ .Vars.port }};
      family {{ .Traits.os.family }};
    mode: 0640
    owner: root
    depends_on: pkg
    notify: reload
  - {name: site, type: file, target_path: /etc/site.conf, source: templates/site.conf}
  - {name: key, type: file, target_path: /etc/key, content: 'k={{ .Vars.token }}'}
  - {name: tune, type: file, target_path: /etc/tune, content: x, when: \"ram_mb_ge(4096)\"}
  - {name: late, type: file, target_path: /etc/late, content: x, when: \"file_exists('/x') && hour_range(1,5)\"}
  - {name: who, type: user, username: www, groups: [adm, tls]}
  - {name: reload, type: service, service: nginx, state: reloaded, when: changed}
",
    ),
    ("configcrates/deb.vgo", "resources:\n  - {name: d, type: file, target_path: /etc/deb, content: x}\n"),
    ("configcrates/other.vgo", "resources:\n  - {name: o, type: file, target_path: /etc/other, content: x}\n"),
    ("configcrates/debug.vgo", "resources:\n  - {name: d, type: file, target_path: /etc/debug, content: x}\n"),
    ("templates/site.conf", "port {{ .Vars.port }}\n"),
    (
        "roles.vgo",
        "roles:
  - name: webserver
    configcrates: [web, debug]
    case:
      - {when: \"os_family('debian')\", configcrates: [deb]}
      - {default: true, configcrates: [other]}
",
    ),
    (
        "environments.vgo",
        "env:\n  production: {vars: {port: 8080, token: 'secret:web/token'}, exclude_configcrates: [debug]}\n  staging: {vars: {token: x}}\n",
    ),
    ("envoys.vgo", "envoys:\n  - {match: 'web-*', environment: production, roles: [webserver]}\n"),
];

/// Returns what does not hold in a test file, one line each, or what is wrong with the file.
fn run(test: &str) -> Vec<String> {
    run_with(&[("a.test.vgo", test)], false).0
}

fn run_with(more: &[(&str, &str)], update: bool) -> (Vec<String>, Vec<(String, String)>) {
    let tree = Tree::from_texts(FILES.iter().copied().chain(more.iter().copied()));
    let sources = Sources::read(&tree).with_tests(&tree);
    let (cases, wrong) = read(&sources);
    if !wrong.is_empty() {
        let told = wrong.iter().map(|d| {
            let place = sources.map().describe(d.span());
            format!("{} {place} {} [{}]", d.code, d.message, d.help.join("; "))
        });
        return (told.collect(), Vec::new());
    }
    let config = Config::read(&sources);
    let found = resolve::check(&config);
    let tests = Tests { tree: &tree, config: &config, found: &found, blank: |_| &NOWHERE, entropy: |_| Vec::new() };
    let snapshots = Snapshots::read(&tree);
    let mut lines = Vec::new();
    let mut taken = Vec::new();
    for case in &cases {
        let verdict = tests.run(case, &snapshots, update);
        let line = |f: &Failure| {
            let place = sources.map().describe(f.span);
            format!("{place} {}: expected {}, found {}", f.subject, f.expected, f.found)
        };
        lines.extend(verdict.failures.iter().map(line));
        taken.extend(verdict.snapshot.map(|text| (case, text)));
    }
    let taken: Vec<_> = taken.iter().map(|(case, text)| (*case, &**text)).collect();
    (lines, snapshots.updated(&taken, true))
}

/// A test of `web-1` with these expectations.
fn expects(expect: &str) -> Vec<String> {
    run(&format!("tests:\n  - name: t\n    hostname: web-1\n    expect: {expect}\n"))
}

#[test]
fn the_tree_has_no_mistake_of_its_own() {
    let tree = Tree::from_texts(FILES.iter().copied());
    let sources = Sources::read(&tree);
    assert_eq!(resolve::check(&Config::read(&sources)), []);
}

#[test]
fn what_holds_passes() {
    let cases = [
        "{configcrates: [web, deb]}",
        "{configcrates: {contains: web, exactly: [web, deb], absent: [debug, other]}}",
        "{match: 'web-*', environment: production}",
        "{resources: [web/pkg, web/conf]}",
        "{resources: {other/o: {absent: true}, debug/d: {absent: true}}}",
        "{resources: {web/conf: {type: file, mode: '0640', owner: root, depends_on: web/pkg, notify: [web/reload]}}}",
        "{resources: {web/conf: {mode: '640', target_path: {matches: '^/etc/'}, content: \"listen 8080;\\nfamily debian;\\n\"}}}",
        "{resources: {web/conf: {type: template}}}",
        "{resources: {web/site: {outcome: changed, operations: [write /etc/site.conf]}, web/tune: {outcome: skipped, operations: []}}}",
        "{resources: {web/conf: {content: {contains: [listen 8080, family]}, group: {absent: true}, owner: {not: www}}}}",
        "{resources: {web/site: {content: \"port 8080\\n\"}}}",
        "{resources: {web/key: {content: 'k=secret:web/token'}}}",
        "{resources: {web/key: {content: 'k=«secret web/token»'}}}",
        "{resources: {web/tune: {runs: false}, web/conf: {runs: true}}}",
        "{resources: {web/late: {runs: false}}}",
        "{resources: {web/who: {groups: {contains: tls}, state: present}}}",
        "{resources: {web/who: {groups: 'adm, tls'}}}",
        "{resources: {web/who: {groups: {not: {contains: [root]}}}}}",
        "{variables: {port: 8080, web/web_workers: 8, web/port: 8080, token: 'secret:web/token'}}",
        "{order: ['web/pkg before web/conf', [web/pkg, web/conf, web/reload], 'web before deb']}",
    ];
    for case in cases {
        assert_eq!(expects(case), Vec::<String>::new(), "{case}");
    }
    let whole = [
        "{name: t, hostname: WEB-1, os: redhat, expect: {configcrates: {exactly: [web, other]}}}",
        "{name: t, hostname: web-1, os: ubuntu, traits: {hardware: {memory_mb: 8192}}, expect: {resources: {web/tune: {runs: true}}}}",
        "{name: t, hostname: web-1, at: '2026-05-05T02:30', expect: {resources: {web/late: {runs: \"file_exists('/x')\"}}}}",
        "{name: t, hostname: web-1, environment: staging, expect: {configcrates: debug, variables: {web/web_workers: 2}}}",
        "{name: t, hostname: db-1, expect: {unassigned: true}}",
        "{name: t, expect: {diagnostics: []}}",
        "{name: t, expect: {diagnostics: [E0103]}, files: {envoys.vgo: 'envoys: [{match: x, roles: [no]}]'}}",
        "{name: t, expect: {diagnostics: [{code: unknown-name, file: envoys.vgo, line: 1, message: '`no`'}]}, files: {envoys.vgo: 'envoys: [{match: x, roles: [no]}]'}}",
        "{name: t, hostname: db-1, expect: {configcrates: {exactly: [deb]}}, files: {e2.vgo: 'envoys: [{match: db-1, configcrates: [deb]}]'}}",
        "{name: t, expect: {diagnostics: [E0103]}, files: {configcrates/deb.vgo: }}",
    ];
    for case in whole {
        assert_eq!(run(&format!("x-a: {{}}\ntests:\n  - {case}\n")), Vec::<String>::new(), "{case}");
    }
}

#[test]
fn what_does_not_hold_is_told_with_its_place() {
    let cases = [
        ("{configcrates: [debug]}", "a.test.vgo:4:29 configcrates: expected `debug`, found `web`, `deb`"),
        ("{configcrates: {absent: web}}", "configcrates: expected no `web`, found `web`, `deb`"),
        ("{configcrates: {exactly: [deb, web]}}", "configcrates: expected exactly `deb`, `web`, found `web`, `deb`"),
        ("{match: 'web-1'}", "the glob that takes the host: expected `web-1`, found `web-*`"),
        ("{environment: null}", "the environment: expected none, found `production`"),
        ("{unassigned: true}", "the host: expected no match block takes it, found `web-*` takes it, envoys.vgo:2"),
        (
            "{resources: [web/cnf]}",
            "resource `web/cnf`: expected it is there, found no `web/cnf`; did you mean `web/conf`?",
        ),
        ("{resources: [debug/x]}", "found no `debug/x`: the crate is excluded by environments.vgo:2"),
        ("{resources: [nginx/x]}", "found no `nginx/x`: the host has no configcrate `nginx`"),
        ("{resources: {web/pkg: {absent: true}}}", "resource `web/pkg`: expected no such resource, found it is there"),
        ("{resources: {web/conf: {type: directory}}}", "`type`: expected `directory`, found `file`"),
        (
            "{resources: {web/conf: {mode: '0644'}}}",
            "a.test.vgo:4:43 resource `web/conf`: `mode`: expected `0644`, found `0640`",
        ),
        ("{resources: {web/conf: {moed: '0644'}}}", "`file` has no such attribute; did you mean `mode`?"),
        (
            "{resources: {web/conf: {content: \"listen 80;\\nfamily debian;\\n\"}}}",
            "expected line 1 `listen 80;`, found line 1 `listen 8080;`",
        ),
        (
            "{resources: {web/conf: {content: {contains: tls}}}}",
            "expected something that contains `tls`, found `listen 8080;\\nfamily",
        ),
        (
            "{resources: {web/conf: {content: {not: {matches: 'listen'}}}}}",
            "expected something that does not match `listen`",
        ),
        ("{resources: {web/conf: {group: root}}}", "`group`: expected `root`, found nothing"),
        ("{resources: {web/conf: {owner: {absent: true}}}}", "`owner`: expected nothing, found `root`"),
        ("{resources: {web/conf: {runs: false}}}", "`runs`: expected it is skipped, found it runs"),
        ("{resources: {web/tune: {content: x}}}", "expected attributes, found it does not run here, so it has none"),
        ("{resources: {web/conf: {notify: web/pkg}}}", "`notify`: expected `web/pkg`, found `web/reload`"),
        ("{resources: {web/who: {groups: [tls]}}}", "`groups`: expected `[tls]`, found `[adm, tls]`"),
        ("{variables: {port: 80}}", "variable `port`: expected `80`, found `8080` from environments.vgo:2"),
        ("{variables: {port: '8080'}}", "variable `port`: expected `8080`, found `8080` as integer"),
        ("{variables: {web_workers: 8}}", "found it is not defined; crate `web` has one of its own, `web/web_workers`"),
        ("{variables: {prot: 8}}", "found it is not defined; did you mean `port`?"),
        ("{variables: {token: x}}", "variable `token`: expected `x`, found `«secret web/token»`"),
        (
            "{order: ['web/conf before web/pkg']}",
            "order: expected `web/conf` before `web/pkg`, found `web/conf` after `web/pkg`",
        ),
        ("{resources: {web/site: {outcome: ok}}}", "`outcome`: expected `ok`, found `changed`"),
        (
            "{resources: {web/site: {operations: [chmod]}}}",
            "`operations`: expected `chmod`, found `write /etc/site.conf",
        ),
        ("{resources: {web/site: {operations: []}}}", "`operations`: expected none, found `write"),
        (
            "{resources: {web/pkg: {operations: [install]}}}",
            "found none, it is `failed`: configcrates/web.vgo:4:5: type `package` is not supported",
        ),
        ("{diagnostics: [E0103]}", "diagnostics: expected E0103, found none"),
        ("{snapshot: true}", "snapshot: expected one in a.test.vgo.snap, found none; write it with `--update`"),
    ];
    for (case, expected) in cases {
        let found = expects(case);
        assert!(found.len() == 1 && found[0].contains(expected), "{case}:\n{}", found.join("\n"));
    }
    let whole = [
        (
            "{name: t, hostname: db-1, expect: {configcrates: web}}",
            "the host: expected a policy, found E0109: no match block takes `db-1`",
        ),
        (
            "{name: t, hostname: web-1, environment: prod, expect: {configcrates: web}}",
            "a.test.vgo:2:45 the host: expected a policy, found E0108: unknown environment `prod`",
        ),
        (
            "{name: t, hostname: web-1, environment: staging, expect: {resources: {web/key: {content: y}}}}",
            "expected `y`, found `k=x`",
        ),
        (
            "{name: t, hostname: web-1, expect: {configcrates: web}, files: {envoys.vgo: 'envoys: [{match: x, roles: [no]}]'}}",
            "the tree: expected no error, found E0103 at envoys.vgo:1:29",
        ),
        (
            "{name: t, expect: {diagnostics: [W0150]}, files: {envoys.vgo: 'envoys: [{match: x, roles: [no]}]'}}",
            "diagnostics: expected W0150, found E0103 at",
        ),
    ];
    for (case, expected) in whole {
        let found = run(&format!("tests:\n  - {case}\n"));
        assert!(found.iter().any(|line| line.contains(expected)), "{case}:\n{}", found.join("\n"));
    }
}

#[test]
fn what_is_no_test_is_told_with_what_to_write() {
    let cases = [
        ("test: []", "E0102 a.test.vgo:1:1 unknown key `test` in a file of tests [did you mean `tests`?]"),
        ("tests: {}", "E0101"),
        ("tests: [{name: t, hostname: web-1}]", "E0106 a.test.vgo:1:9 a test needs `expect`"),
        ("tests: [{name: t, expect: {resources: [a/b]}}]", "a test needs `hostname`"),
        ("tests: [{hostnme: x, name: t, expect: {configcrates: a}}]", "did you mean `hostname`?"),
        ("tests: [{name: t, hostname: 'a b', expect: {}}]", "`a b` is no hostname"),
        (
            "tests: [{name: t, hostname: a, os: debain, expect: {}}]",
            "E0103 a.test.vgo:1:36 unknown operating system `debain` [did you mean `debian`?]",
        ),
        (
            "tests: [{name: t, hostname: a, traits: {os: {famly: x}}, expect: {}}]",
            "`os` has no `famly` [did you mean `os.family`?]",
        ),
        (
            "tests: [{name: t, hostname: a, traits_file: no.yaml, expect: {}}]",
            "file `no.yaml` of `traits_file` is not in the tree",
        ),
        ("tests: [{name: t, hostname: a, at: noon, expect: {}}]", "`at` takes a local time, found `noon`"),
        (
            "tests: [{name: t, hostname: a, expect: {resource: {}}}]",
            "unknown key `resource` in `expect` [did you mean `resources`?]",
        ),
        ("tests: [{name: t, hostname: a, expect: {resources: [a]}}]", "`a` is no resource [write `crate/name`]"),
        (
            "tests: [{name: t, hostname: a, expect: {resources: {a/b: {mode: {matches: '('}}}}}]",
            "`matches` takes a regular expression",
        ),
        (
            "tests: [{name: t, hostname: a, expect: {resources: {a/b: {mode: {matches: x, not: y}}}}}]",
            "keep one of them",
        ),
        (
            "tests: [{name: t, hostname: a, expect: {resources: {a/b: {mode: }}}}]",
            "`mode` is empty [write the value, or `{absent: true}`]",
        ),
        ("tests: [{name: t, hostname: a, expect: {resources: {a/b: {runs: \"is_contaner\"}}}}]", "E0301"),
        ("tests: [{name: t, hostname: a, expect: {order: [a/b]}}]", "an order takes two resources or more"),
        ("tests: [{name: t, hostname: a, expect: {resources: {a/b: {outcome: chnged}}}}]", "did you mean `changed`?"),
        ("tests: [{name: t, expect: {diagnostics: [E9999]}}]", "unknown code `E9999`"),
        ("tests: [{name: t, expect: {diagnostics: [unknwn-name]}}]", "did you mean `unknown-name`?"),
        ("tests: [{name: t, expect: {diagnostics: []}, files: {../x: y}}]", "`../x` is no path in the tree"),
        ("tests: [{name: t, expect: {diagnostics: []}}, {name: t, expect: {diagnostics: []}}]", "E0105"),
        ("tests: [\n", "E0209"),
    ];
    for (test, expected) in cases {
        let found = run(test);
        assert!(found.iter().any(|line| line.contains(expected)), "{test}\n{}", found.join("\n"));
    }
}

#[test]
fn traits_come_from_a_file() {
    let test =
        "tests: [{name: t, hostname: web-1, traits_file: machines/web.yaml, traits: {hardware: {memory_mb: 9000}},
      expect: {configcrates: {exactly: [web, other]}, resources: {web/tune: {runs: true}}}}]";
    let traits = "os: {family: redhat, distro: rhel}\nhardware: {memory_mb: 100, cpu_count: 2}\n";
    let (found, _) = run_with(&[("a.test.vgo", test), ("machines/web.yaml", traits)], false);
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn a_snapshot_holds_until_the_policy_changes() {
    let test = "tests:\n  - {name: one, hostname: web-1, expect: {snapshot: true}}\n  - {name: two, hostname: web-2, os: redhat, expect: {snapshot: true}}\n";
    let (failed, written) = run_with(&[("a.test.vgo", test)], true);
    assert_eq!(failed, Vec::<String>::new());
    let [(path, text)] = &written[..] else { panic!("{written:?}") };
    assert_eq!(path, "a.test.vgo.snap");
    for part in [
        "== one\nclass envoys.vgo#1@production\nconfigcrate web\n",
        "  content:\n    | listen 8080;\n",
        "web/tune (file)\n  skipped\n",
        "(service, a handler)",
        "«secret web/token»",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let (failed, again) = run_with(&[("a.test.vgo", test), (path, text)], false);
    assert_eq!((failed, again), (Vec::new(), Vec::new()));
    let changed = text.replacen("listen 8080", "listen 80", 1);
    let (failed, again) = run_with(&[("a.test.vgo", test), (path, &changed)], false);
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert!(failed[0].contains("snapshot: expected line ") && failed[0].contains("listen 80;"), "{failed:?}");
    assert_eq!(again, [(path.to_owned(), text.to_string())]);
}
