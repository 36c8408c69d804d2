//! The verbs that need no server, by the program itself.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The tree of the host that the language's reference resolves by hand.
const REFERENCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference/stacks");

/// A tree of its own, removed with it.
struct Tree(PathBuf);

impl Tree {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let root = std::env::temp_dir().join(format!("vigocli-offline-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        let tree = Self(root);
        files.iter().for_each(|(path, text)| tree.write(path, text));
        tree
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What the program printed.
struct Said {
    status: i32,
    out: String,
    err: String,
}

/// Runs a verb of `config` on a tree, far from any server.
fn config(stacks: impl AsRef<Path>, args: &[&str]) -> Said {
    run(&[args, &["--stacks", stacks.as_ref().to_str().unwrap()]].concat())
}

fn run(args: &[&str]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vigocli"));
    command.arg("config").args(args).env_clear().env("HOME", "/nonexistent");
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { status: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

impl Said {
    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {}{}", self.out, self.err))
    }

    /// Asserts the status and that each part is said.
    #[track_caller]
    fn says(&self, status: i32, parts: &[&str]) {
        let all = format!("{}{}", self.out, self.err);
        assert_eq!(self.status, status, "{all}");
        for part in parts {
            assert!(all.contains(part), "expected `{part}` in\n{all}");
        }
    }
}

#[test]
fn the_host_of_the_reference_is_traced_to_the_letter() {
    let said = config(REFERENCE, &["trace", "WEB-03.prod.acme.com"]);
    said.says(0, &[]);
    assert_eq!(said.out, include_str!("reference/trace.txt"));
}

#[test]
fn one_thing_is_traced_whole_and_what_is_not_there_has_a_neighbour() {
    let host = "web-03.prod.acme.com";
    let cases: &[(&[&str], i32, &[&str])] = &[
        (
            &["trace", host, "nginx/nginx-config"],
            0,
            &[
                "target_path: /etc/nginx/conf.d/site.conf",
                "triggers nginx/nginx-reload  configcrates/nginx.vgo:18 (notify)",
            ],
        ),
        (&["trace", host, "tune"], 0, &["left for the agent: ram_mb_ge(4096)"]),
        (
            &["trace", host, "nginx_port"],
            0,
            &["nginx_port = 8080", "shadows 8000  configcrates/nginx.vgo:2 (crate nginx)"],
        ),
        (
            &["trace", host, "nginx"],
            0,
            &["nginx/nginx-reload", "pci-dss 2.2", "configcrates/compliance.vgo:1 (inherited)"],
        ),
        (&["trace", host, "debug"], 0, &["excluded by environments.vgo:2 (environment production)"]),
        (&["trace", host, "dsn"], 0, &["dsn = «secret vigo/db/dsn»"]),
        (&["trace", host, "ngnix"], 1, &["has no resource, configcrate or variable `ngnix`", "did you mean `nginx`?"]),
        (&["trace", "db-01.acme.com", "nginx"], 1, &["nothing includes it for db-01.acme.com"]),
        (&["trace", "a..b"], 2, &["`a..b` is no hostname"]),
        (&["trace", host, "--environment", "stagin"], 1, &["E0108", "did you mean `staging`?"]),
    ];
    for (args, status, parts) in cases {
        let said = config(REFERENCE, args);
        said.says(*status, parts);
    }
    let staging = config(REFERENCE, &["trace", host, "--environment", "staging"]);
    staging.says(0, &["web.vgo#1@staging", "app_workers = 4"]);
    assert!(!staging.out.contains("\nout\n") && !staging.out.contains("waf"), "{}", staging.out);
}

#[test]
fn the_trace_for_programs_holds_the_same() {
    let trace = config(REFERENCE, &["trace", "web-03.prod.acme.com", "--format", "json"]).json();
    assert_eq!(trace["class"], "production/web/web.vgo#1@production");
    assert_eq!(trace["match_files"][1]["outcome"], "not_asked");
    let crates: Vec<_> = trace["crates"].as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap()).collect();
    assert_eq!(crates, ["base", "certs", "nginx", "apt-hardening", "generic-hardening", "motd", "waf"]);
    assert_eq!(trace["crates"][3]["condition"], "os_family('debian')");
    let order: Vec<_> = trace["resources"].as_array().unwrap().iter().map(|r| r["id"].as_str().unwrap()).collect();
    assert_eq!(
        order[2..7],
        ["package", "config", "service", "tune", "reload"].map(|name| match name {
            "tune" => "nginx/tune".to_owned(),
            name => format!("nginx/nginx-{name}"),
        })
    );
    let reload = &trace["resources"][6];
    assert_eq!((&reload["handler"], &reload["after"][0]["kind"]), (&true.into(), &"notifies".into()));
    let dsn = trace["variables"].as_array().unwrap().iter().find(|v| v["name"] == "dsn").unwrap();
    assert_eq!(dsn["value"], "«secret vigo/db/dsn»");
    assert_eq!(trace["waivers"][0]["in_force"], false);
    let single = config(REFERENCE, &["trace", "web-03.prod.acme.com", "nginx_port", "--format", "json"]).json();
    assert_eq!((&single["variables"][0]["value"], single["crates"].as_array().unwrap().len()), (&"8080".into(), 0));
}

const PLANNED: &[(&str, &str)] = &[
    ("envoys.vgo", "envoys: [{match: '*', configcrates: [site]}]\n"),
    (
        "configcrates/site.vgo",
        r#"resources:
  - {name: page, type: file, target_path: /etc/page, content: "{{ .Traits.os.family }} {{ .Envoy.Hostname }}", notify: [again]}
  - {name: web, type: service, service: web, state: running, enabled: true}
  - {name: again, type: service, service: web, state: reloaded, when: changed}
  - {name: large, type: file, target_path: /etc/large, content: "{{ .Traits.memory.total_mb }}"}
  - {name: tuned, type: file, target_path: /etc/tuned, content: x, when: "ram_mb_ge(4096)"}
  - {name: behind, type: file, target_path: /etc/behind, content: x, depends_on: [large]}
  - {name: seen, type: file, target_path: /etc/seen, content: x, when: "file_exists('/etc/other')"}
  - {name: asked, type: exec, command: "true", unless: "test -f /x"}
  - {name: key, type: file, target_path: /etc/key, content: "secret:web/key", mode: "0600"}
  - {name: elsewhere, type: file, target_path: /etc/x, content: x, when: "os_family('windows')"}
"#,
    ),
];

#[test]
fn a_plan_shows_the_operations_of_each_system_on_a_machine_with_nothing_on_it() {
    let tree = Tree::new("systems", PLANNED);
    let start = [
        ("debian", "systemctl start -- web.service"),
        ("redhat", "systemctl enable -- web.service"),
        ("suse", "systemctl start -- web.service"),
        ("arch", "systemctl start -- web.service"),
        ("alpine", "rc-service web start"),
        ("freebsd", "/usr/sbin/sysrc web_enable=YES"),
        ("openbsd", "/usr/sbin/rcctl enable web"),
        ("netbsd", "/etc/rc.d/web onestart"),
        ("illumos", "svcadm enable svc:/site/web:default"),
        ("macos", "launchctl kickstart system/web"),
    ];
    for (system, operation) in start {
        let said = config(&tree.0, &["plan", "--host", "web-1.acme.com", "--as", system]);
        said.says(0, &[operation, &format!("+{system} web-1.acme.com"), "write /etc/page"]);
    }
    config(&tree.0, &["plan", "--host", "w"]).says(0, &["+debian w"]);
    config(&tree.0, &["plan", "--host", "w", "--as", "plan9"])
        .says(2, &["expected one of debian, redhat", "found `plan9`"]);
}

#[test]
fn what_no_plan_can_know_is_unknown_with_the_reason() {
    let tree = Tree::new("unknown", PLANNED);
    let plan = config(&tree.0, &["plan", "--host", "web-1", "--format", "json"]).json();
    let found = |id: &str| plan["resources"].as_array().unwrap().iter().find(|r| r["id"] == id).unwrap().clone();
    for (id, reason) in [
        ("site/large", "trait `memory.total_mb` is not given"),
        ("site/tuned", "trait `hardware.memory_mb` is not given"),
        ("site/behind", "site/large"),
        ("site/seen", "`file_exists('/etc/other')` is decided by looking at the machine"),
        ("site/asked", "only the machine can say what `/bin/sh -c -- 'test -f /x'` answers"),
    ] {
        let resource = found(id);
        assert_eq!(resource["outcome"], "unknown", "{resource}");
        assert_eq!(resource["reason"], format!("unknown because {reason}"), "{resource}");
    }
    assert_eq!(found("site/elsewhere")["reason"], "when");
    assert_eq!((&plan["counts"]["unknown"], &plan["dry_run"]), (&5.into(), &true.into()));
    let key = found("site/key").to_string();
    assert!(key.contains("«secret web/key»"), "{key}");

    let traits = tree.0.join(".traits.json");
    fs::write(&traits, r#"{"traits": {"memory": {"total_mb": 512}, "hardware": {"memory_mb": 8192}}}"#).unwrap();
    let args = ["plan", "--host", "web-1", "--traits", traits.to_str().unwrap()];
    let given = config(&tree.0, &args);
    given.says(0, &["+512", "would change site/tuned", "would change site/behind", "2 unknown"]);
    fs::write(&traits, "os: {family: openbsd}\n").unwrap();
    config(&tree.0, &args).says(0, &["+openbsd web-1", "rcctl enable web"]);
    // A distribution that nobody knows is like others of its family.
    fs::write(&traits, "os: {distro: adhocbsd, family: openbsd}\n").unwrap();
    config(&tree.0, &args).says(0, &["+openbsd web-1", "rcctl enable web"]);
    fs::write(&traits, "os: {distro: plan9}\n").unwrap();
    config(&tree.0, &args).says(2, &["expected one of debian, redhat", "found `plan9`"]);
    fs::write(&traits, "[1]").unwrap();
    config(&tree.0, &args).says(1, &["expected a map of traits"]);
}

#[test]
fn what_a_system_cannot_do_is_named_by_type_attribute_and_system() {
    let site = "resources:
  - {name: pkg, type: sysctl, key: vm.swappiness, value: '1'}
  - {name: page, type: file, target_path: 'C:/page', content: x, mode: '0644'}
  - {name: plain, type: file, target_path: 'C:/plain', content: x}
  - {name: svc, type: service, service: web, state: running, masked: false}
";
    let tree = Tree::new("unsupported", &[PLANNED[0], ("configcrates/site.vgo", site)]);
    let said = config(&tree.0, &["plan", "--host", "w", "--as", "windows"]);
    said.says(
        1,
        &[
            "type `sysctl` is not supported on windows",
            "attribute `mode` of type `file` is not supported on windows",
            "would change site/plain",
            "`masked`",
        ],
    );
    assert!(!said.out.contains("write C:\\page"), "{}", said.out);
}

/// A tree with something to find in it.
const FOUND: &[(&str, &str)] = &[
    ("common.vgo", "vars: {ntp: pool.example.com, unused: 1, port: 80}\nconfigcrates: [base]\n"),
    ("hosts/common.vgo", "vars: {port: 80}\n"),
    (
        "hosts/web/envoys.vgo",
        "envoys:\n  - {match: 'web-*', environment: production, roles: [web], vars: {ntp: own.example.com}}\n  - {match: 'web-1', \
         configcrates: [base]}\n",
    ),
    ("roles.vgo", "roles:\n  - {name: web, configcrates: [site]}\n  - {name: idle, configcrates: [site]}\n"),
    (
        "environments.vgo",
        "# What differs from place to place.\nenv:\n  staging: # the test machines\n    vars:\n      workers: 2 # enough\n      \
         motd: |\n        two\n        lines\n    configcrates:\n      - debug\n    exclude_configcrates: [base]\n  production: \
         {vars: {workers: 8}}   # live\n",
    ),
    (
        "configcrates/base.vgo",
        "resources:\n  - {name: ntp, type: file, target_path: /etc/ntp, content: \"{{ .Vars.ntp }}\"}\n  - {name: same, type: file, \
         target_path: /etc/same, content: x}\n",
    ),
    (
        "configcrates/site.vgo",
        "# A web site\ndepends_on: [base]\nresources:\n  - name: page\n    type: file\n    target_path: /srv/page\n    source: \
         templates/page.html\n    when: \"var('port')\"\n  - {name: conf, type: file, target_path: /etc/site, content: \"{{ \
         .Vars.workers }}\", mode: '0600'}\n",
    ),
    ("configcrates/debug.vgo", "resources:\n  - {name: other, type: file, content: x, target_path: /etc/same}\n"),
    ("templates/page.html", "<p>\n{{ .Vars.port }}\n"),
    ("templates/old.html", "old\n"),
];

#[test]
fn the_tree_says_what_each_file_holds_and_who_needs_it() {
    let tree = Tree::new("tree", FOUND);
    config(&tree.0, &["tree"]).says(
        0,
        &[
            "hosts/web/envoys.vgo  (match blocks)\n  block 1, web-*  line 2\n    class: hosts/web/envoys.vgo#1@production\n    roles: web\n",
            "common.vgo  (common)\n  for every folder  line 1\n",
            "configcrate site  line 2\n    depends on: base\n    resources: page (file), conf (file)\n    named by: role web \
             (roles.vgo:2, configcrates), role idle (roles.vgo:3, configcrates)\n",
            "templates/page.html  (template)\n  21 bytes  line 1\n    used by: site/page\n    variables: port\n",
        ],
    );
    let narrow = config(&tree.0, &["tree", "--host", "web-7"]);
    narrow.says(0, &["block 1, web-*", "configcrate base", "role web", "templates/page.html"]);
    for other in ["environment staging  line", "role idle  line", "block 2", "old.html"] {
        assert!(!narrow.out.contains(other), "{other} in {}", narrow.out);
    }
    let json = config(&tree.0, &["tree", "--format", "json"]).json();
    assert_eq!(json["files"][0]["kind"], "match blocks");
    assert_eq!(json["files"][0]["holds"][0]["says"]["roles"][0], "web");
}

#[test]
fn things_are_found_where_they_are_defined_and_used() {
    let tree = Tree::new("search", FOUND);
    let cases: &[(&[&str], i32, &[&str])] = &[
        (
            &["search", "--var", "port"],
            0,
            &[
                "variable port\n",
                "common.vgo:1  set by common = 80",
                "configcrates/site.vgo:8  used by site/page, when",
                "templates/page.html:2",
            ],
        ),
        (
            &["search", "--crate", "base"],
            0,
            &[
                "configcrate base\n",
                "used by common, configcrates",
                "used by crate site, depends_on",
                "used by environment staging, exclude_configcrates",
            ],
        ),
        (&["search", "--role", "web"], 0, &["roles.vgo:2  defined", "used by block web-*, roles"]),
        (
            &["search", "--type", "file", "--attribute", "mode=0600"],
            0,
            &["resource site/conf\n  configcrates/site.vgo:9  defined, file\n"],
        ),
        (&["search", "SAME"], 0, &["resource base/same"]),
        (&["search", "own.example"], 0, &["hosts/web/envoys.vgo:2  set by block web-* = own.example.com"]),
        (&["search", "--type", "package"], 1, &["Nothing fits."]),
        (&["search", "--var", "prot"], 1, &["nothing in the tree is a variable `prot`", "did you mean `port`?"]),
        (&["search", "--type", "fiel"], 1, &["there is no resource type `fiel`", "did you mean `file`?"]),
    ];
    for (args, status, parts) in cases {
        config(&tree.0, args).says(*status, parts);
    }
    let found = config(&tree.0, &["search", "--var", "workers", "--format", "json"]).json();
    let is: Vec<_> = found["found"].as_array().unwrap().iter().map(|f| f["is"].as_str().unwrap()).collect();
    assert_eq!(is, ["defined", "defined", "used"]);
}

#[test]
fn what_is_written_twice_or_for_nobody_is_told_with_what_to_do() {
    let tree = Tree::new("dedup", FOUND);
    let said = config(&tree.0, &["dedup"]);
    said.says(
        1,
        &[
            "`base/same` and 1 other want the same\n  configcrates/base.vgo:3  base/same\n  configcrates/debug.vgo:2  debug/other\n",
            "`port` is set to `80`, which it is without that\n  hosts/common.vgo:1  common\n  common.vgo:1  common\n",
            "no host sees that `ntp` is `pool.example.com`",
            "nothing uses variable `unused`",
            "no host ever gets to this match block",
            "configcrate `debug` is on no host",
            "role `idle` is on no host",
            "no resource names template `templates/old.html`",
        ],
    );
    let kinds = config(&tree.0, &["dedup", "--format", "json"]).json();
    let kinds: Vec<_> = kinds["findings"].as_array().unwrap().iter().map(|f| f["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "unused_variable").count(), 2, "`unused`, and `motd` of staging");
    let tidy = Tree::new("tidy", &PLANNED[..2]);
    config(&tidy.0, &["dedup"]).says(0, &["Nothing is written twice, and everything is used."]);
}

#[test]
fn two_folders_differ_by_what_their_classes_get() {
    let (old, new) = (Tree::new("old", FOUND), Tree::new("new", FOUND));
    let dirs = [old.0.to_str().unwrap(), new.0.to_str().unwrap()];
    run(&["diff", dirs[0], dirs[1]]).says(0, &["They want the same."]);
    new.write(
        "configcrates/base.vgo",
        &FOUND[5].1.replace("content: x", "content: y").replace("resources:", "# moved\n\nresources:"),
    );
    let said = run(&["diff", dirs[0], dirs[1]]);
    let expected = "~ resource base/same (file) in hosts/web/envoys.vgo#1@production, hosts/web/envoys.vgo#2\n    content:\n      - x\n      + y\n";
    assert_eq!((said.status, said.out.as_str()), (0, expected), "{}", said.err);
    let json = run(&["diff", dirs[0], dirs[1], "--format", "json"]).json();
    assert_eq!((&json["differences"][0]["id"], &json["left_out"]), (&"base/same".into(), &0.into()));
    run(&["diff", dirs[0], "7"]).says(2, &["expected two numbers of publishes, or two folders of stacks"]);
    new.write("configcrates/base.vgo", "resources: [{name: x, type: fiel}]\n");
    run(&["diff", dirs[0], dirs[1]]).says(1, &["E0500", "nothing was done"]);
}

#[test]
fn an_environment_is_brought_over_and_its_file_stays_as_it_was_written() {
    let tree = Tree::new("promote", FOUND);
    let file = || fs::read_to_string(tree.0.join("environments.vgo")).unwrap();
    let said = config(&tree.0, &["promote", "staging", "production", "--var", "workers", "--dry-run"]);
    said.says(0, &["vars: workers: 8 -> 2", "variables base, site", "- 8\n", "+ 2\n", "Nothing was written."]);
    assert_eq!(file(), FOUND[4].1);
    config(&tree.0, &["promote", "staging", "production", "--var", "workers"]).says(2, &["nobody can be asked here"]);
    let cases: &[(&[&str], i32, &[&str])] = &[
        (&["promote", "stagin", "production", "--yes"], 1, &["no environment", "did you mean `staging`?"]),
        (&["promote", "staging", "staging", "--yes"], 1, &["cannot be brought over to itself"]),
        (
            &["promote", "staging", "production", "--var", "worker", "--yes"],
            1,
            &["sets no variable `worker`", "did you mean `workers`?"],
        ),
        (&["promote", "staging", "production", "--crate", "site", "--yes"], 1, &["sets no configcrate `site`"]),
    ];
    for (args, status, parts) in cases {
        config(&tree.0, args).says(*status, &parts[..]);
    }
    // Without `base`, which `site` needs by an exclusion that is allowed, all of it can be brought over.
    let all = config(&tree.0, &["promote", "staging", "production", "--yes"]);
    all.says(0, &["configcrates: debug, new", "exclude_configcrates: base, new", "resource debug/other", "Written."]);
    let expected = FOUND[4].1.replace(
        "{vars: {workers: 8}}",
        "{vars: {workers: 2, motd: \"two\\nlines\\n\"}, configcrates: [debug], exclude_configcrates: [base]}",
    );
    assert_eq!(file(), expected);
    config(&tree.0, &["promote", "staging", "production", "--yes"]).says(0, &["`production` has all that already."]);
    // And back, into a map in block style.
    tree.write(
        "environments.vgo",
        &FOUND[4]
            .1
            .replace("{workers: 8}", "{workers: 9, region: eu}")
            .replace("production: {", "production: {configcrates: [site], "),
    );
    config(&tree.0, &["promote", "production", "staging", "--yes"])
        .says(0, &["vars: region: eu, new", "configcrates: site, new"]);
    let back = file();
    assert!(back.contains("      workers: 9 # enough\n"), "{back}");
    assert!(
        back.contains("        two\n        lines\n      region: eu\n    configcrates:\n      - debug\n      - site\n"),
        "{back}"
    );
    // What would not be valid is not written.
    tree.write(
        "environments.vgo",
        "env:\n  a: {configcrates: [site], exclude_configcrates: [base]}\n  production: {configcrates: [site]}\n",
    );
    tree.write("configcrates/need.vgo", "depends_on: [debug]\nresources: []\n");
    tree.write("environments.vgo", "env:\n  a: {configcrates: [need]}\n  production: {vars: {workers: 8}}\n");
    let before = file();
    config(&tree.0, &["promote", "a", "production", "--yes"]).says(1, &["E0110", "nothing was done"]);
    assert_eq!(file(), before);
}

/// Runs `config edit` with a shell command in the place of an editor; the file's path is `$1`.
fn edited(tree: &Tree, what: &str, editor: &str) -> Said {
    let (script, tmp) = (tree.0.join(".editor"), tree.0.join(".tmp"));
    fs::create_dir_all(&tmp).unwrap();
    fs::write(&script, format!("#!/bin/sh\n{editor}\n")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_vigocli"));
    command.args(["config", "edit", what, "--stacks", tree.0.to_str().unwrap()]).env_clear();
    command.env("VISUAL", format!("/bin/sh {}", script.display())).env("TMPDIR", tmp).env("PATH", "/usr/bin:/bin");
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { status: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

#[test]
fn an_edit_is_put_in_place_when_the_tree_is_valid_and_never_lost() {
    let tree = Tree::new("edit", FOUND);
    let page = || fs::read_to_string(tree.0.join("configcrates/base.vgo")).unwrap();
    edited(&tree, "base", "sed -i s/same,/other,/ \"$1\"").says(0, &["`configcrates/base.vgo` is in place."]);
    assert!(page().contains("name: other,"), "{}", page());
    edited(&tree, "web", "true").says(0, &["Nothing was changed."]);
    edited(&tree, "configcrates/new.vgo", "echo 'resources: []' > \"$1\"")
        .says(0, &["`configcrates/new.vgo` is in place."]);
    edited(&tree, "bsae", "true").says(1, &["no file, configcrate or role `bsae`", "did you mean `base`?"]);
    let before = page();
    let bad = edited(&tree, "configcrates/base.vgo", "echo 'typed: long' >> \"$1\"");
    bad.says(1, &["E0102", "nothing was put in place", "kept in `"]);
    assert_eq!(page(), before);
    let copy = bad.out.split('`').nth(1).unwrap();
    assert!(fs::read_to_string(copy).unwrap().ends_with("typed: long\n"));
    let raced = edited(
        &tree,
        "base",
        &format!("sed -i s/other,/mine,/ \"$1\"; echo '# theirs' >> {}/configcrates/base.vgo", tree.0.display()),
    );
    raced.says(1, &["somebody else has changed it meanwhile", "What was typed is kept in"]);
    edited(&tree, "base", "echo '# mine' >> \"$1\"; exit 3").says(2, &["what was typed is kept in"]);
}

#[test]
fn examples_are_listed_and_copied_over_nothing() {
    let list = run(&["examples", "list"]);
    list.says(0, &["stacks", "tree", "motd", "configcrate"]);
    let tree = Tree::new("examples", &[("keep", "")]);
    let dir = tree.0.join("made");
    let dir = dir.to_str().unwrap();
    run(&["examples", "copy", "stacks", dir]).says(0, &["envoys.vgo"]);
    config(dir, &["validate"]).says(0, &["The tree is valid"]);
    run(&["examples", "copy", "stacks", dir]).says(2, &["nothing was copied", "--force"]);
    fs::write(Path::new(dir).join("configcrates/host/motd.vgo"), "mine").unwrap();
    run(&["examples", "copy", "motd", dir, "--force"]).says(0, &["Add `motd` to a role or match block"]);
    assert!(fs::read_to_string(Path::new(dir).join("configcrates/host/motd.vgo")).unwrap().contains("resources:"));
    run(&["examples", "copy", "mtod"]).says(1, &["there is no example `mtod`", "did you mean `motd`?"]);
}
