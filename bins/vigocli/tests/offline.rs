//! The verbs that need no server, by the program itself.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// The tree of the host that the language's reference resolves by hand.
const REFERENCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference/stacks");

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
