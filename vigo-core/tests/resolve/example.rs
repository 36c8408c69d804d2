//! The host that the language's reference resolves by hand.

use crate::support::{check, edges, ids, resolve, resolved};
use std::sync::Arc;
use vigo_core::converge::Envoy;
use vigo_core::preview::{self, Subject};
use vigo_core::resolve::{Resolved, Setting};
use vigo_core::secret;
use vigo_core::time::Timestamp;
use vigo_core::value::Value;

const NGINX: &str = r#"name: nginx
vars: {nginx_port: 8000, nginx_workers: 2}
environment_overrides:
  production: {vars: {nginx_workers: 8}}
resources:
  - name: nginx-package
    type: package
    package: nginx
    state: present
  - name: nginx-config
    type: file
    target_path: /etc/nginx/conf.d/site.conf
    content: |
      listen {{ .Vars.nginx_port }};
    mode: "0644"
    depends_on: [nginx-package]
    notify: [nginx-reload]
  - name: nginx-service
    type: service
    service: nginx
    state: running
    enabled: true
    depends_on: [nginx-config]
  - name: nginx-reload
    type: service
    service: nginx
    state: reloaded
    when: "changed"
  - name: tune
    type: file
    target_path: /etc/sysctl.d/tune.conf
    content: "x"
    when: "environment('production') && ram_mb_ge(4096)"
"#;

const ENVIRONMENTS: &str = "env:
  production: {vars: {app_workers: 8, dsn: \"secret:vigo/db/dsn\"}, configcrates: [waf], exclude_configcrates: [debug]}
  staging: {}
";

const ROLES: &str = "roles:
  - {name: tls, configcrates: [certs]}
  - name: webserver
    includes: [tls]
    configcrates: [nginx, debug]
    case:
      - {when: \"os_family('debian')\", configcrates: [apt-hardening]}
      - {default: true, configcrates: [generic-hardening]}
";

const WEB: &str = "envoys:
  - {match: \"web-*.prod.acme.com\", environment: production, roles: [webserver], configcrates: [motd, nginx],
     vars: {app_workers: 4, app_tag: v2.1.0}}
";

fn tree() -> Vec<(&'static str, &'static str)> {
    let one = "resources:\n  - {name: it, type: file, target_path: /etc/it, content: x}\n";
    vec![
        ("common.vgo", "configcrates: [base]\nvars: {nginx_port: 80, ntp: pool.acme.com}\n"),
        ("production/common.vgo", "vars: {nginx_port: 8080, app_workers: 2}\n"),
        ("environments.vgo", ENVIRONMENTS),
        ("roles.vgo", ROLES),
        ("production/web/web.vgo", WEB),
        ("envoys.vgo", "envoys:\n  - {match: \"*\", configcrates: [motd]}\n"),
        ("configcrates/nginx.vgo", NGINX),
        ("configcrates/base.vgo", one),
        ("configcrates/certs.vgo", one),
        ("configcrates/deep/down/apt-hardening.vgo", one),
        ("configcrates/generic-hardening.vgo", one),
        ("configcrates/motd.vgo", one),
        ("configcrates/waf.vgo", one),
        ("configcrates/debug.vgo", one),
    ]
}

fn place(setting: &Setting) -> String {
    format!("{}:{}", setting.file, setting.line)
}

fn var(r: &Resolved, name: &str) -> String {
    let var = r.trace.variables.iter().find(|v| &*v.name == name).unwrap_or_else(|| panic!("{name}"));
    let shown = |v: &vigo_core::value::Value| match v.as_str() {
        Some(text) => secret::shown(text),
        None => v.as_int().map_or("no number".into(), |n| n.to_string()),
    };
    let shadowed: Vec<String> = var.shadowed.iter().map(|(s, v)| format!("{} {}", place(s), shown(v))).collect();
    let only = var.krate.as_ref().map(|k| format!(" in {k} only")).unwrap_or_default();
    format!("{}{only} {} over {shadowed:?}", shown(&var.value), place(&var.set))
}

#[test]
fn the_host_of_the_reference_is_resolved_to_the_letter() {
    let r = resolved(&tree(), "WEB-03.prod.acme.com");
    assert_eq!(r.class.to_string(), "production/web/web.vgo#1@production");
    assert_eq!(&*r.trace.pattern, "web-*.prod.acme.com");
    let files: Vec<&str> = r.trace.match_files.iter().map(|f| &**f).collect();
    assert_eq!(files, ["production/web/web.vgo", "envoys.vgo"]);

    let crates: Vec<&str> = r.trace.crates.iter().map(|c| &*c.name).collect();
    assert_eq!(crates, ["base", "certs", "nginx", "apt-hardening", "generic-hardening", "motd", "waf"]);
    let reasons: Vec<String> = r.trace.crates[2].reasons.iter().map(|s| s.to_string()).collect();
    assert_eq!(reasons, ["production/web/web.vgo:2 (role webserver of block)", "production/web/web.vgo:2 (block)"]);
    let reasons: Vec<String> = r.trace.crates[1].reasons.iter().map(|s| s.to_string()).collect();
    assert_eq!(reasons, ["production/web/web.vgo:2 (role tls by role webserver of block)"]);
    let out = &r.trace.excluded[0];
    assert_eq!((&*out.name, place(&out.by).as_str()), ("debug", "environments.vgo:2"));

    let gates: Vec<(&str, String)> =
        r.bundle.crates.iter().filter_map(|c| Some((&*c.name, c.gate.as_ref()?.to_string()))).collect();
    assert_eq!(
        gates,
        [("apt-hardening", "os_family('debian')".into()), ("generic-hardening", "!os_family('debian')".into())]
    );

    assert_eq!(
        var(&r, "nginx_port"),
        r#"8080 production/common.vgo:1 over ["common.vgo:2 80", "configcrates/nginx.vgo:2 8000"]"#
    );
    assert_eq!(
        var(&r, "app_workers"),
        r#"8 environments.vgo:2 over ["production/web/web.vgo:3 4", "production/common.vgo:1 2"]"#
    );
    assert_eq!(
        var(&r, "nginx_workers"),
        r#"8 in nginx only configcrates/nginx.vgo:4 over ["configcrates/nginx.vgo:2 2"]"#
    );
    assert_eq!(var(&r, "ntp"), "pool.acme.com common.vgo:2 over []");
    assert_eq!(var(&r, "app_tag"), "v2.1.0 production/web/web.vgo:3 over []");
    assert_eq!(var(&r, "dsn"), "«secret vigo/db/dsn» environments.vgo:2 over []");
    assert_eq!(r.bundle.secret_refs.iter().map(|s| &**s).collect::<Vec<_>>(), ["vigo/db/dsn"]);

    let tune = r.bundle.resources.iter().find(|r| &*r.id == "nginx/tune").unwrap();
    assert_eq!(tune.when.as_ref().map(|w| w.to_string()).as_deref(), Some("ram_mb_ge(4096)"));
    let nginx: Vec<&str> = ids(&r.bundle).into_iter().filter(|id| id.starts_with("nginx/")).collect();
    assert_eq!(
        nginx,
        ["nginx/nginx-package", "nginx/nginx-config", "nginx/nginx-service", "nginx/tune", "nginx/nginx-reload"]
    );
    assert_eq!(
        edges(&r.bundle),
        [
            "nginx/nginx-package → nginx/nginx-config",
            "nginx/nginx-config → nginx/nginx-service",
            "nginx/nginx-config ⇒ nginx/nginx-reload",
        ]
    );
    let reload = r.bundle.resources.last().filter(|r| r.handler);
    assert!(reload.is_none(), "handlers stand behind their own crate, not behind all");
    let scopes: Vec<u32> = r.bundle.crates.iter().map(|c| c.scope).collect();
    assert_eq!(scopes, [0, 0, 1, 0, 0, 0, 0], "crates without variables of their own share a scope");
}

/// What the machine makes of it: the rows of the reference that no server can fill in.
#[test]
fn a_machine_tunes_itself_by_its_memory_and_does_not_reload_what_it_has_just_started() {
    let blank = vigo_host_linux::BLANKS.iter().find(|blank| blank.name == "debian").expect("a blank Debian");
    let run = |memory_mb: i64| {
        let bundle = Arc::new(resolved(&tree(), "web-03.prod.acme.com").bundle);
        let memory = Value::map([("hardware", Value::map([("memory_mb", Value::Int(memory_mb))]))]);
        let traits = preview::traits(blank, "web-03.prod.acme.com", Some(&memory)).expect("these are traits");
        let envoy = Envoy { hostname: "web-03.prod.acme.com".into(), ..Envoy::default() };
        let now = Timestamp::from_epoch_secs(1_795_262_400);
        let report = preview::plan(&bundle, blank, Subject { envoy, traits, now, entropy: Vec::new() });
        let all = report.resources.iter().map(|r| format!("{} {}", r.id, r.outcome.word()));
        all.filter(|line| line.starts_with("nginx/") || line.contains("hardening")).collect::<Vec<_>>()
    };
    let expected = |tune: &str| {
        vec![
            "nginx/nginx-package changed".to_owned(),
            "nginx/nginx-config changed".to_owned(),
            "nginx/nginx-service changed".to_owned(),
            format!("nginx/tune {tune}"),
            // On a machine with nothing on it `nginx-service` starts nginx after the file came.
            "nginx/nginx-reload ok".to_owned(),
            "apt-hardening/it ok".to_owned(),
            "generic-hardening/it skipped".to_owned(),
        ]
    };
    assert_eq!(run(8192), expected("changed"));
    assert_eq!(run(2048), expected("skipped"));
}

#[test]
fn the_other_host_gets_the_catch_all() {
    let r = resolved(&tree(), "db-01.acme.com");
    let crates: Vec<&str> = r.trace.crates.iter().map(|c| &*c.name).collect();
    assert_eq!(crates, ["motd"], "the common.vgo beside the file is not inherited");
    assert!(r.trace.variables.is_empty());
}

#[test]
fn validate_warns_of_the_common_beside_a_match_file_and_of_nothing_else() {
    assert_eq!(
        check(&tree()),
        "W0151 common.vgo:1:1: `common.vgo` is not inherited by `envoys.vgo` beside it\n  \
         envoys.vgo:2:5: blocks of the same folder\n  \
         = it applies to match files in sub-folders; move the match file into one if it should inherit\n"
    );
}

#[test]
fn a_host_that_no_block_takes_is_unassigned() {
    let mut files = tree();
    files.retain(|(path, _)| *path != "envoys.vgo");
    let error = resolve(&files, "db-01.acme.com").unwrap_err();
    assert!(error.starts_with("E0109 <no file>: no match block takes `db-01.acme.com`"), "{error}");
}
