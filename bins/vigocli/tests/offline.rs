//! The verbs that need no server, by the program itself.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

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
    fs::write(&traits, "[1]").unwrap();
    config(&tree.0, &args).says(1, &["expected a map of traits"]);
}

#[test]
fn what_a_system_cannot_do_is_named_by_type_attribute_and_system() {
    let site = "resources:
  - {name: pkg, type: package, package: nginx}
  - {name: page, type: file, target_path: 'C:/page', content: x, mode: '0644'}
  - {name: plain, type: file, target_path: 'C:/plain', content: x}
  - {name: svc, type: service, service: web, state: running, masked: false}
";
    let tree = Tree::new("unsupported", &[PLANNED[0], ("configcrates/site.vgo", site)]);
    let said = config(&tree.0, &["plan", "--host", "w", "--as", "windows"]);
    said.says(
        1,
        &[
            "type `package` is not supported on windows",
            "attribute `mode` of type `file` is not supported on windows",
            "would change site/plain",
            "`masked`",
        ],
    );
    assert!(!said.out.contains("write C:\\page"), "{}", said.out);
}
