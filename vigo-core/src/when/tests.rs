//! Tests of the whole way from text to outcome.

use super::*;
use crate::time::{Civil, Timestamp};
use crate::traits::TraitSet;
use crate::value::{Text, Value};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use alloc::{format, vec};
use proptest::prelude::*;

fn parse(text: &str) -> Expr {
    Expr::parse(text, Context::Resource).unwrap_or_else(|e| panic!("{text}: {e:?}"))
}

/// Saturday, 21 November 2026, 04:30.
fn clock() -> Civil {
    Timestamp::from_epoch_secs(1_795_219_200 + 4 * 3600 + 30 * 60).civil(0)
}

fn traits() -> TraitSet {
    let map = |entries: Vec<(&'static str, Value)>| Value::map(entries);
    TraitSet::from_value(map(vec![
        (
            "os",
            map(vec![
                ("family", "debian".into()),
                ("distro", "ubuntu".into()),
                ("version", "22.04".into()),
                ("arch", "amd64".into()),
                ("kernel", "linux".into()),
                ("build", Value::Null),
            ]),
        ),
        ("virtualization", map(vec![("is_virtual", Value::Bool(true)), ("is_container", Value::Bool(false))])),
        ("hypervisor", Value::Null),
        ("ports", map(vec![("listening", Value::list([Value::Int(22), Value::Int(443)]))])),
        ("hardware", map(vec![("memory_mb", Value::Int(4096)), ("cpu_count", Value::Null)])),
        ("loadavg", map(vec![("one", Value::Float(0.5))])),
        ("network", map(vec![("ip_addresses", Value::list(["10.0.0.1".into(), "10.0.0.2".into()]))])),
        ("custom", map(vec![("rack", map(vec![("row", Value::Int(7)), ("odd", Value::Null)]))])),
    ]))
    .unwrap()
}

/// What a server might know; the host is what an agent knows of itself.
#[derive(Clone, Debug, Default)]
struct Facts {
    environment: Option<String>,
    roles: BTreeSet<String>,
    crates: BTreeMap<String, Expr>,
    host: String,
    vars: BTreeMap<String, Value>,
}

impl ServerFacts for Facts {
    fn environment(&self) -> Option<&str> {
        self.environment.as_deref()
    }

    fn has_role(&self, name: &str) -> bool {
        self.roles.contains(name)
    }

    fn configcrate(&self, name: &str) -> Expr {
        self.crates.get(name).cloned().unwrap_or(Expr::False)
    }

    fn var(&self, path: &str) -> Option<Value> {
        let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
        let value = self.vars.get(first)?;
        rest.map_or(Some(value), |rest| value.at(rest)).cloned()
    }
}

fn facts() -> Facts {
    Facts {
        environment: Some("production".into()),
        roles: ["webserver".into()].into(),
        crates: [("nginx".into(), Expr::True), ("apt".into(), parse("os_family('debian')"))].into(),
        host: "web-03.prod.acme.com".into(),
        vars: [
            ("tls".into(), true.into()),
            ("port".into(), Value::Int(8080)),
            ("zero".into(), Value::Int(0)),
            ("empty".into(), "".into()),
            ("none".into(), Value::Null),
            ("ratio".into(), Value::Float(1.5)),
            ("app".into(), Value::map([("tag", Value::from("v2"))])),
            ("dsn".into(), Value::Text(Text::secret("hunter2", "db/dsn"))),
        ]
        .into(),
    }
}

#[test]
fn mistakes_are_said_where_they_are() {
    use Context::*;
    let cases: &[(&str, Context, &str, usize, usize, &str, &str)] = &[
        ("nothing", Resource, "", 0, 0, "expected a condition, found the end", ""),
        ("blanks", Resource, "  ", 2, 0, "found the end", ""),
        ("half", Resource, "is_virtual &&", 13, 0, "expected a condition, found the end", ""),
        ("one ampersand", Resource, "is_virtual & var('x')", 11, 1, "unexpected `&`", "write `&&`"),
        ("one bar", Resource, "is_virtual | var('x')", 11, 1, "unexpected `|`", "write `||`"),
        ("and", Resource, "is_virtual and var('x')", 11, 3, "found `and`", "write `&&`"),
        ("or", Resource, "is_virtual OR var('x')", 11, 2, "found `OR`", "write `||`"),
        ("not", Resource, "not is_virtual", 0, 3, "unknown condition `not`", "write `!`"),
        ("not called", Resource, "not(is_virtual)", 0, 3, "unknown condition `not`", "write `!`"),
        ("equals", Resource, "os_family == 'debian'", 10, 2, "unexpected `==`", "trait_is"),
        ("differs", Resource, "is_virtual != true", 11, 2, "unexpected `!=`", "trait_is"),
        ("curly quotes", Resource, "os_family(‘debian’)", 10, 3, "unexpected `‘`", "straight quotes"),
        ("a dot", Resource, ".Vars.x", 0, 1, "unexpected `.`", "{{ .Vars.name }}"),
        ("no quotes", Resource, "os_family(debian)", 10, 6, "found `debian`", "'debian'"),
        ("a fraction", Resource, "version_ge(22.04)", 11, 5, "found `22.04`", "'22.04'"),
        ("a long number", Resource, "cpus_ge(99999999999999999999)", 8, 20, "out of range", ""),
        ("a lone minus", Resource, "cpus_ge(-)", 8, 1, "digits after `-`", ""),
        ("open string", Resource, "os_family('debian)", 10, 8, "the string has no end", "close it with `'`"),
        ("open parenthesis", Resource, "is_virtual && (var('x')", 14, 1, "the parenthesis has no end", ""),
        ("open call", Resource, "var('x'", 3, 1, "the parenthesis has no end", ""),
        ("stray parenthesis", Resource, "is_virtual)", 10, 1, "found `)`", ""),
        ("trailing comma", Resource, "hour_range(2, 5,)", 16, 1, "found `)`", ""),
        ("a string alone", Resource, "'debian'", 0, 8, "expected a condition, found a string", "os_family"),
        ("open template", Resource, "var('{{ .Vars.x ')", 5, 2, "the template has no end", "close it"),
        ("a called constant", Resource, "true()", 0, 4, "unknown condition `true`", ""),
        ("unknown function", Resource, "os_famly('debian')", 0, 8, "unknown condition `os_famly`", "`os_family`"),
        ("a capital", Resource, "true && Is_Virtual", 8, 10, "unknown condition `Is_Virtual`", "`is_virtual`"),
        ("too few", Resource, "hour_range(2)", 0, 13, "takes 2 arguments (from, to), found 1", "hour_range(22, 5)"),
        ("too many", Resource, "is_virtual(1)", 0, 13, "takes no arguments, found 1", ""),
        ("unknown family", Resource, "os_family('debain')", 10, 8, "unknown OS family `debain`", "`debian`"),
        ("distro as family", Resource, "os_family('ubuntu')", 10, 8, "unknown OS family", "distro('ubuntu')"),
        ("family as distro", Resource, "distro('redhat')", 7, 8, "is an OS family", "os_family('redhat')"),
        ("near distro", Resource, "distro('ubunut')", 7, 8, "unknown distribution", "did you mean `ubuntu`"),
        ("unknown arch", Resource, "arch('amd46')", 5, 7, "unknown architecture", "`amd64`"),
        ("bad version", Resource, "version_ge('22.')", 11, 5, "expected dotted numbers", ""),
        ("bad port", Resource, "port_listening(70000)", 15, 5, "from 1 to 65535, found `70000`", ""),
        ("text for a number", Resource, "cpus_ge('four')", 8, 6, "expected a whole number from 0, found `four`", ""),
        ("relative path", Resource, "file_exists('etc/motd')", 12, 10, "expected an absolute path", ""),
        ("command line", Resource, "has_command('jq -r')", 12, 7, "expected the name of a program", "command_succeeds"),
        ("empty range", Resource, "hour_range(2, 2)", 0, 16, "two different hours", ""),
        ("unknown day", Resource, "day_of_week('mnday')", 12, 7, "expected a day of the week", "`monday`"),
        ("day 32", Resource, "day_of_month(32)", 13, 2, "from 1 to 31", ""),
        ("unknown trait", Resource, "has_trait('os.famly')", 10, 10, "`os` has no `famly`", "`os.family`"),
        ("bad variable", Resource, "var('.Vars.x')", 4, 9, "expected the name of a variable", ""),
        ("bad glob", Resource, "hostname_match('web-[')", 20, 1, "`[` is not closed", ""),
        ("empty name", Resource, "user_exists('')", 12, 2, "expected a name", ""),
        ("negated trigger", Resource, "!changed", 1, 7, "under `!` or `||`", "&&"),
        ("trigger or", Resource, "changed || is_virtual", 0, 7, "under `!` or `||`", "&&"),
        ("deep trigger", Resource, "is_virtual && (changed || var('x'))", 15, 7, "under `!` or `||`", "&&"),
        ("trigger in a gate", Gate, "changed && is_virtual", 0, 7, "in a crate's `when:` or in an arm", ""),
        ("trigger in an arm", Arm, "changed", 0, 7, "in a crate's `when:` or in an arm", ""),
        ("look in a role", RoleArm, "is_virtual && file_exists('/a')", 14, 17, "in an arm of a role", ""),
        ("clock in a role", RoleArm, "hour_range(1, 2)", 0, 16, "in an arm of a role", ""),
        ("trigger in a role", RoleArm, "changed", 0, 7, "in an arm of a role", ""),
        ("role in a role", RoleArm, "has_role('x')", 0, 13, "in an arm of a role", ""),
        ("server's in a bundle", Bundle, "has_role('x')", 0, 13, "decided by the server", ""),
        ("template in a bundle", Bundle, "{{ .Vars.x }}", 0, 2, "unexpected `{{`", "rendered before"),
    ];
    for (name, context, text, at, len, message, help) in cases {
        let errors = Expr::parse(text, *context).expect_err(name);
        let first = &errors[0];
        assert_eq!((first.at, first.len), (*at, *len), "{name}: {first:?}");
        assert!(first.message.contains(message), "{name}: {first:?}");
        assert!(first.help.as_deref().unwrap_or("").contains(help), "{name}: {first:?}");
        assert_eq!(errors.len(), 1, "{name}: {errors:?}");
    }
}

#[test]
fn all_mistakes_of_a_text_are_said_at_once() {
    let errors = Expr::parse("os_famly('x') && cpus_ge('a') || !changed", Context::Resource).unwrap_err();
    assert_eq!(errors.iter().map(|e| e.at).collect::<Vec<_>>(), [0, 25, 34]);
}

#[test]
fn what_the_grammar_allows_is_read_and_printed() {
    let cases = [
        ("constants", "true || false", "true || false"),
        (
            "precedence",
            "is_virtual || is_container && !host_is_libvirt",
            "is_virtual || is_container && !host_is_libvirt",
        ),
        ("parentheses", "(is_virtual || is_container) && true", "(is_virtual || is_container) && true"),
        ("needless parentheses", "((is_virtual)) && (is_container && true)", "is_virtual && is_container && true"),
        ("not of a group", "!(is_virtual && is_container)", "!(is_virtual && is_container)"),
        ("not twice", "!!is_virtual", "!!is_virtual"),
        ("empty parentheses", "is_virtual ( )", "is_virtual"),
        ("double quotes", "os_family(\"debian\")", "os_family('debian')"),
        ("doubled quotes", "var_is('a', 'it''s \"x\"')", "var_is('a', 'it''s \"x\"')"),
        ("doubled double quotes", "var_is('a', \"say \"\"x\"\"\")", "var_is('a', 'say \"x\"')"),
        ("a backslash is itself", r"file_exists('C:\new\')", r"file_exists('C:\new\')"),
        ("a number for text", "version_ge(9)", "version_ge(9)"),
        ("text for a number", "port_listening('80')", "port_listening('80')"),
        ("negative", "var_is('t', -5)", "var_is('t', -5)"),
        ("lines", "is_virtual\n  && is_container", "is_virtual && is_container"),
        ("template operand", "{{ .Vars.on }} && true", "{{ .Vars.on }} && true"),
        ("template number", "port_listening({{ .Vars.port }})", "port_listening({{ .Vars.port }})"),
        ("template in text", "file_exists('/srv/{{ .Vars.a }}/x')", "file_exists('/srv/{{ .Vars.a }}/x')"),
        ("quotes in a template", "var_is('a', 'b{{ \"}}'\" }}''c')", "var_is('a', 'b{{ \"}}'\" }}''c')"),
        ("comment in a template", "{{/* it's }} */}}", "{{/* it's }} */}}"),
        ("unknown far distro", "distro('gentoo')", "distro('gentoo')"),
        ("trigger", "changed && hour_range(2, 5)", "changed && hour_range(2, 5)"),
        ("midnight", "hour_range(22, 24)", "hour_range(22, 24)"),
    ];
    for (name, text, printed) in cases {
        let expr = parse(text);
        assert_eq!(expr.to_string(), printed, "{name}");
        assert_eq!(parse(printed), expr, "{name}");
    }
}

#[test]
fn every_example_is_read_and_documented() {
    for builtin in builtins() {
        let expr = parse(builtin.example);
        let mut used = false;
        expr.each_call(&mut |call| used |= call.builtin == builtin);
        assert!(used && !builtin.doc.is_empty() && !builtin.doc.ends_with('.'), "{}", builtin.name);
        assert_eq!(builtins().iter().filter(|b| b.name == builtin.name).count(), 1, "{}", builtin.name);
    }
    assert_eq!(builtins().len(), 32);
}

#[test]
fn limits_hold() {
    let fits = |text: &str| Expr::parse(text, Context::Resource).is_ok();
    let nested = |n: usize| format!("{}true{}", "(".repeat(n), ")".repeat(n));
    let calls = |n: usize| vec!["is_virtual"; n].join("||");
    assert!(fits(&nested(64)) && !fits(&nested(65)));
    assert!(fits(&format!("{}true", "!".repeat(64))) && !fits(&format!("{}true", "!".repeat(65))));
    assert!(fits(&calls(256)) && !fits(&calls(257)));
    assert!(fits(&format!("true{}", " ".repeat(4092))) && !fits(&format!("true{}", " ".repeat(4093))));
}

#[test]
fn templates_are_data() {
    let hook = &mut |source: &str| {
        Ok(match source {
            "{{ .text }}" => "a') || true || var('".into(),
            "{{ .braces }}" => "{{ .text }}".into(),
            "{{ .number }}" => Value::Int(80),
            "{{ .digits }}" => "80".into(),
            "{{ .yes }}" => true.into(),
            "{{ .no }}" => "false".into(),
            "{{ .list }}" => Value::list([]),
            "{{ .secret }}" => Value::Text(Text::secret("hunter2", "db/dsn")),
            _ => return Err(format!("`{source}` is not there")),
        })
    };
    type Expected = Result<&'static str, (usize, &'static str)>;
    let cases: &[(&str, &str, Expected)] = &[
        ("text stays text", "var_is('x', '{{ .text }}')", Ok("var_is('x', 'a'') || true || var(''')")),
        ("braces stay text", "var_is('x', '{{ .braces }}')", Ok("var_is('x', '{{ .text }}')")),
        ("a number", "port_listening({{ .number }})", Ok("port_listening(80)")),
        ("digits", "port_listening({{ .digits }})", Ok("port_listening(80)")),
        ("inside text", "file_exists('/{{ .number }}/{{ .yes }}')", Ok("file_exists('/80/true')")),
        ("operands", "{{ .yes }} && !{{ .no }}", Ok("true && !false")),
        ("text as an operand", "{{ .text }}", Err((0, "expected `true` or `false`"))),
        ("text as an argument", "var_is('x', {{ .text }})", Err((12, "expected a whole number"))),
        ("a list in text", "var_is('x', 'a{{ .list }}')", Err((14, "expected text, the template yields a list"))),
        ("a secret", "var_is('x', '{{ .secret }}')", Err((13, "a secret cannot stand"))),
        ("what fails", "true && {{ .gone }}", Err((8, "`{{ .gone }}` is not there"))),
        ("checked after", "os_family('{{ .number }}')", Err((10, "unknown OS family `80`"))),
        ("checked with the rest", "hour_range(80, {{ .number }})", Err((11, "from 0 to 23"))),
    ];
    for (name, text, expected) in cases {
        let parsed = Expr::parse(text, Context::Resource);
        let rendered = parsed.and_then(|e| e.render(hook));
        match (rendered, expected) {
            (Ok(expr), Ok(text)) => {
                assert_eq!(expr.to_string(), *text, "{name}");
                assert!(!expr.has_templates(), "{name}");
            }
            (Err(errors), Err((at, text))) => {
                assert!(errors[0].at == *at && errors[0].message.contains(text), "{name}: {errors:?}");
                assert!(!format!("{errors:?}").contains("hunter2"), "{name}");
            }
            (got, _) => panic!("{name}: {got:?}"),
        }
    }
}

#[test]
fn braces_of_data_are_text_in_a_bundle() {
    let expr = parse("user_exists('{{ .x }}')").render(&mut |_| Ok("{{ it's }}".into())).unwrap();
    let text = expr.bundle_text().unwrap();
    assert_eq!(Expr::parse(&text, Context::Bundle), Ok(expr));
}

#[test]
fn the_server_folds_what_it_knows() {
    let cases = [
        ("environment", "environment('production')", "true"),
        ("other environment", "environment('staging')", "false"),
        ("role", "has_role('webserver') && !has_role('db')", "true"),
        ("crate", "has_configcrate('nginx')", "true"),
        ("no crate", "has_configcrate('db')", "false"),
        ("crate by an arm", "!has_configcrate('apt') && is_virtual", "!os_family('debian') && is_virtual"),
        ("a class has no one name", "hostname_match('WEB-*') && has_role('webserver')", "hostname_match('WEB-*')"),
        ("true variable", "var('tls') && var('port') && var('app') && var('app.tag')", "true"),
        ("false variables", "var('zero') || var('empty') || var('none') || var('gone') || var('app.gone')", "false"),
        ("variable prints alike", "var_is('port', 8080) && var_is('tls', 'true') && var_is('ratio', '1.5')", "true"),
        ("empty is not null", "var_is('empty', '') && !var_is('none', '')", "true"),
        ("a secret is like nothing", "var_is('dsn', 'hunter2')", "false"),
        ("residual", "environment('production') && ram_mb_ge(4096)", "ram_mb_ge(4096)"),
        ("kept order", "cpus_ge(1) && true && is_virtual && cpus_ge(1)", "cpus_ge(1) && is_virtual"),
        ("absorbed", "file_exists('/a') && (cpus_ge(1) || has_role('webserver')) && has_role('db')", "false"),
        ("not twice", "!!is_virtual", "is_virtual"),
    ];
    for (name, text, expected) in cases {
        assert_eq!(fold(&parse(text), &facts()).to_string(), expected, "{name}");
    }
}

#[test]
fn name_traits_and_clock_decide_in_three_values() {
    let cases = [
        ("hostname", "hostname_match('WEB-*.prod.*') && !hostname_match('db-*')", "true"),
        ("family", "os_family('DEBIAN')", "true"),
        ("other family", "os_family('redhat')", "false"),
        ("unions", "os_family('linux') && !os_family('bsd')", "true"),
        ("distro", "distro('Ubuntu') && !distro('debian')", "true"),
        ("arch by another name", "arch('x86_64') && arch('amd64') && !arch('aarch64')", "true"),
        ("version", "version_ge('22.04') && version_ge('22.4') && version_lt('22.10') && version_ge(22)", "true"),
        ("version by numbers", "version_lt('100') && !version_lt('22.04.0')", "true"),
        ("flags", "is_virtual && !is_container()", "true"),
        ("unknown flag", "host_is_libvirt", "unknown"),
        ("unknown negated", "!host_is_libvirt", "unknown"),
        ("false beats unknown", "host_is_libvirt && is_container", "false"),
        ("true beats unknown", "host_is_libvirt || is_virtual", "true"),
        ("unknown number", "cpus_ge(1)", "unknown"),
        ("memory", "ram_mb_ge(4096) && !ram_mb_ge(4097)", "true"),
        ("ports", "port_listening(443) && port_listening('22') && !port_listening(80)", "true"),
        ("has", "has_trait('os.family') && has_trait('os')", "true"),
        ("has not", "has_trait('selinux.mode') || has_trait('custom.gone')", "false"),
        ("has unreadable", "has_trait('os.build')", "unknown"),
        ("is", "trait_is('loadavg.one', '0.5') && trait_is('custom.rack.row', 7)", "true"),
        ("is one of a list", "trait_is('network.ip_addresses', '10.0.0.2')", "true"),
        ("is by index", "trait_is('network.ip_addresses.1', '10.0.0.1')", "false"),
        ("is omitted", "trait_is('init.manager', 'systemd')", "false"),
        ("is unreadable", "trait_is('custom.rack.odd', 'x')", "unknown"),
        ("hour", "hour_range(4, 5) && !hour_range(5, 6) && !hour_range(0, 4)", "true"),
        ("hour wraps", "hour_range(22, 5) && !hour_range(22, 4)", "true"),
        ("whole day", "hour_range(0, 24)", "true"),
        ("minute", "minute_range(30, 31) && !minute_range(0, 30) && minute_range(45, 40)", "true"),
        ("day", "day_of_week('sat') && day_of_week('Saturday') && !day_of_week('mon')", "true"),
        ("day of month", "day_of_month(21) && !day_of_month(1)", "true"),
    ];
    for (name, text, expected) in cases {
        let folded = fold_traits(&parse(text), &facts().host, &traits(), &clock());
        let printed = if matches!(folded, Expr::Unknown(_)) { "unknown".into() } else { folded.to_string() };
        assert_eq!(printed, expected, "{name}: {folded}");
    }
}

#[test]
fn odd_traits_are_unknown_or_false_and_never_true() {
    let os =
        |entries: Vec<(&'static str, Value)>| TraitSet::from_value(Value::map([("os", Value::map(entries))])).unwrap();
    let cases = [
        ("rolling", "version_ge(1)", os(vec![("version", "rolling".into())]), "unknown"),
        (
            "patch level",
            "version_ge('14.1') && version_lt('14.2')",
            os(vec![("version", "14.1-RELEASE-p5".into())]),
            "true",
        ),
        ("letter first", "version_ge('151046')", os(vec![("version", "r151046".into())]), "true"),
        ("a number", "version_ge(12)", os(vec![("version", Value::Int(12))]), "true"),
        ("no version", "version_ge(1) || version_lt(1)", os(vec![]), "false"),
        ("huge", "version_lt('99999999999999999999999')", os(vec![("version", "1".into())]), "true"),
        ("other linux", "os_family('linux')", os(vec![("kernel", "linux".into())]), "true"),
        ("family unread", "os_family('linux')", os(vec![("family", Value::Null), ("kernel", "Linux".into())]), "true"),
        ("all unread", "os_family('linux')", os(vec![("family", Value::Null)]), "unknown"),
        ("wrong kind", "os_family('debian')", os(vec![("family", Value::Int(1))]), "unknown"),
        ("unknown arch", "arch('arm64')", os(vec![("arch", "mips".into())]), "false"),
    ];
    for (name, text, set, expected) in cases {
        let folded = fold_traits(&parse(text), "h", &set, &clock());
        let printed = if matches!(folded, Expr::Unknown(_)) { "unknown".into() } else { folded.to_string() };
        assert_eq!(printed, expected, "{name}: {folded}");
    }
}

#[test]
fn changed_is_taken_out_of_the_conjunction() {
    let cases = [
        ("alone", "changed", true, None),
        ("not there", "is_virtual", false, Some("is_virtual")),
        ("joined", "changed && hour_range(2, 5)", true, Some("hour_range(2, 5)")),
        ("in the middle", "is_virtual && (changed && cpus_ge(2))", true, Some("is_virtual && cpus_ge(2)")),
        ("twice", "changed && changed", true, None),
        ("with true", "changed && true", true, None),
        ("with false", "changed && false", true, Some("false")),
    ];
    for (name, text, handler, rest) in cases {
        let (is, left) = split_changed(&parse(text));
        assert_eq!((is, left.map(|e| e.to_string()).as_deref()), (handler, rest), "{name}");
    }
}

/// Decides step by step, and returns the outcome with the looks that were asked for.
fn step(expr: &Expr, look: &dyn Fn(&Look) -> Tri) -> (Tri, Vec<Look>) {
    let mut known: Vec<(Look, Tri)> = Vec::new();
    loop {
        match decide(expr, &|l| known.iter().find(|(k, _)| k == l).map(|(_, t)| t.clone())) {
            Decision::Decided(tri) => return (tri, known.into_iter().map(|(l, _)| l).collect()),
            Decision::Look(l) => {
                assert!(known.iter().all(|(k, _)| *k != l), "asked twice for {l}");
                known.push((l.clone(), look(&l)));
            }
        }
    }
}

#[test]
fn looks_that_cannot_matter_are_not_asked_for() {
    let answer = |l: &Look| match l {
        Look::FileExists(p) if &**p == "/yes" => Tri::True,
        Look::FileExists(p) if &**p == "/no" => Tri::False,
        _ => Tri::unknown("odd"),
    };
    let cases: &[(&str, &str, &str, &[&str])] = &[
        ("constant first", "command_succeeds('x') && false", "false", &[]),
        ("false stops", "file_exists('/no') && command_succeeds('x')", "false", &["file_exists('/no')"]),
        ("true stops", "file_exists('/yes') || command_succeeds('x')", "true", &["file_exists('/yes')"]),
        (
            "unknown goes on",
            "user_exists('u') && file_exists('/no') && command_succeeds('x')",
            "false",
            &["user_exists('u')", "file_exists('/no')"],
        ),
        (
            "unknown stays",
            "user_exists('u') && file_exists('/yes')",
            "unknown",
            &["user_exists('u')", "file_exists('/yes')"],
        ),
        ("under not", "!(file_exists('/no') && command_succeeds('x'))", "true", &["file_exists('/no')"]),
        ("asked once", "file_exists('/yes') && !file_exists('/yes')", "false", &["file_exists('/yes')"]),
    ];
    for (name, text, outcome, asked) in cases {
        let (tri, looks) = step(&parse(text), &answer);
        let printed = match tri {
            Tri::True => "true",
            Tri::False => "false",
            Tri::Unknown(_) => "unknown",
        };
        assert_eq!(printed, *outcome, "{name}");
        assert_eq!(looks.iter().map(ToString::to_string).collect::<Vec<_>>(), *asked, "{name}");
        assert_eq!(eval(&parse(text), &answer), tri, "{name}");
    }
}

#[test]
fn what_another_look_has_shown_spares_the_earlier_one() {
    let expr = parse("command_succeeds('x') && file_exists('/no')");
    let known = |l: &Look| matches!(l, Look::FileExists(_)).then_some(Tri::False);
    assert_eq!(decide(&expr, &known), Decision::Decided(Tri::False));
}

#[test]
fn looks_print_as_the_functions_that_ask_for_them() {
    for builtin in builtins().iter().filter(|b| b.side() == Side::Look) {
        let expr = parse(builtin.example);
        let all = looks(&expr);
        assert_eq!(all.iter().map(ToString::to_string).collect::<Vec<_>>(), [builtin.example], "{}", builtin.name);
        assert_eq!(decide(&expr, &|_| None), Decision::Look(all[0].clone()), "{}", builtin.name);
    }
}

#[test]
fn references_name_what_the_tree_must_check() {
    let expr = parse(
        "environment('prod') && has_role('w') || command_succeeds('rm x') && var('{{ .Vars.a }}') && var_is('b', 1)",
    );
    let found: Vec<_> = expr.references().into_iter().map(|r| (r.kind, r.name.into_owned(), r.at, r.len)).collect();
    let expected = [
        (ReferenceKind::Environment, "prod".to_string(), 12, 6),
        (ReferenceKind::Role, "w".to_string(), 32, 3),
        (ReferenceKind::Command, "rm x".to_string(), 57, 6),
        (ReferenceKind::PlainVariable, "b".to_string(), 99, 3),
    ];
    assert_eq!(found, expected);
}

#[test]
fn conditions_that_exclude_each_other_are_seen() {
    let cases = [
        ("families", "os_family('debian')", "os_family('redhat')", true),
        ("the same family", "os_family('debian')", "os_family('Debian')", false),
        ("family in a union", "os_family('debian')", "os_family('linux')", false),
        ("family outside a union", "os_family('debian')", "os_family('bsd')", true),
        ("family against its union's negation", "os_family('debian')", "!os_family('linux')", true),
        ("two negations", "!os_family('debian')", "!os_family('redhat')", false),
        ("x and not x", "file_exists('/a')", "!file_exists('/a')", true),
        ("in conjunctions", "is_virtual && os_family('debian')", "cpus_ge(2) && os_family('suse')", true),
        ("in alternatives", "os_family('debian') || os_family('suse')", "os_family('redhat')", true),
        ("in some alternatives", "os_family('debian') || is_virtual", "os_family('redhat')", false),
        ("not of a conjunction", "is_virtual && is_container", "!(is_container && is_virtual)", true),
        ("not of an alternative", "!(is_virtual || is_container)", "is_container", true),
        (
            "another arm",
            "os_family('debian') && is_virtual",
            "!(os_family('debian') && is_virtual) && cpus_ge(1)",
            true,
        ),
        ("distros", "distro('debian')", "distro('ubuntu')", true),
        ("a distro and another family", "distro('ubuntu')", "os_family('redhat')", true),
        ("a distro and its family", "distro('ubuntu')", "os_family('debian')", false),
        ("a distro without its family", "distro('ubuntu')", "!os_family('linux')", true),
        ("not a distro", "!distro('ubuntu')", "os_family('debian')", false),
        ("arches", "arch('x86_64')", "arch('aarch64')", true),
        ("one arch", "arch('x86_64')", "arch('amd64')", false),
        ("one arch and not", "arch('x86_64')", "!arch('amd64')", true),
        ("days", "day_of_week('mon')", "day_of_week('tuesday')", true),
        ("the same day", "day_of_week('mon')", "day_of_week('monday')", false),
        ("days of the month", "day_of_month(1)", "day_of_month(2)", true),
        ("hours", "hour_range(2, 5)", "hour_range(5, 8)", true),
        ("hours that wrap", "hour_range(22, 5)", "hour_range(4, 6)", false),
        ("neither half", "!hour_range(0, 12)", "!hour_range(12, 24)", true),
        ("minutes", "minute_range(0, 30)", "minute_range(30, 60)", true),
        ("versions", "version_ge('12')", "version_lt('12.0')", true),
        ("versions that meet", "version_ge('12')", "version_lt('12.1')", false),
        ("versions negated", "version_ge('12')", "!version_ge('11')", true),
        ("no version at all", "!version_ge('12')", "!version_lt('12')", false),
        ("memory", "ram_mb_ge(4096)", "!ram_mb_ge(2048)", true),
        ("other subjects", "ram_mb_ge(4096)", "!cpus_ge(1)", false),
        ("trait values", "trait_is('init.manager', 'systemd')", "trait_is('init.manager', 'openrc')", true),
        ("items of a list", "trait_is('dns.search', 'a')", "trait_is('dns.search', 'b')", false),
        ("free traits", "trait_is('custom.x', 'a')", "trait_is('custom.x', 'b')", false),
        ("false", "false", "is_virtual", true),
        ("true", "true", "is_virtual", false),
        ("environments", "environment('a')", "environment('b')", true),
        ("names", "hostname_match('Web-1')", "hostname_match('web-2')", true),
        ("one name", "hostname_match('Web-1')", "hostname_match('web-1')", false),
        ("names that may be one", "hostname_match('web-1')", "hostname_match('web-*')", false),
    ];
    for (name, a, b, expected) in cases {
        assert_eq!(exclusive(&parse(a), &parse(b)), expected, "{name}");
        assert_eq!(exclusive(&parse(b), &parse(a)), expected, "{name}, other way round");
    }
}

#[test]
fn a_large_condition_is_refused_for_a_bundle() {
    let crates = (0..20).map(|i| {
        let many = (0..250).map(|j| format!("cpus_ge({})", i * 1000 + j)).collect::<Vec<_>>().join("||");
        (format!("c{i}"), parse(&many))
    });
    let facts = Facts { crates: crates.collect(), ..Facts::default() };
    let all = (0..20).map(|i| format!("has_configcrate('c{i}')")).collect::<Vec<_>>().join("&&");
    let folded = fold(&parse(&all), &facts);
    assert!(folded.bundle_text().is_err_and(|e| e.message.contains("expected at most")));
}

// --- properties -----------------------------------------------------------------------------------------------------

fn leaf() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "true",
        "false",
        "environment('production')",
        "environment('staging')",
        "has_role('web')",
        "has_role('db')",
        "has_configcrate('nginx')",
        "has_configcrate('apt')",
        "has_configcrate('gone')",
        "hostname_match('web-*')",
        "hostname_match('web-1')",
        "hostname_match('DB-1')",
        "var('a')",
        "var_is('a', 1)",
        "os_family('debian')",
        "os_family('redhat')",
        "os_family('linux')",
        "os_family('bsd')",
        "distro('ubuntu')",
        "distro('rocky')",
        "arch('amd64')",
        "arch('aarch64')",
        "version_ge('12')",
        "version_lt('12')",
        "version_ge('9')",
        "is_container",
        "is_virtual",
        "host_is_libvirt",
        "has_trait('selinux.mode')",
        "trait_is('init.manager', 'systemd')",
        "trait_is('init.manager', 'openrc')",
        "port_listening(80)",
        "ram_mb_ge(2048)",
        "ram_mb_ge(4096)",
        "cpus_ge(2)",
        "cpus_ge(4)",
        "file_exists('/a')",
        "dir_exists('/a')",
        "has_command('jq')",
        "process_running('x')",
        "command_succeeds('it''s')",
        "package_installed('x')",
        "service_running('x')",
        "user_exists('x')",
        "hour_range(2, 5)",
        "hour_range(5, 2)",
        "hour_range(12, 24)",
        "minute_range(0, 30)",
        "day_of_week('sat')",
        "day_of_week('sun')",
        "day_of_month(1)",
        "day_of_month(21)",
    ])
    .prop_map(String::from)
}

fn tree(leaf: impl Strategy<Value = String> + 'static) -> impl Strategy<Value = String> {
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(|e| format!("!({e})")),
            prop::collection::vec(inner.clone(), 2..4).prop_map(|all| all
                .iter()
                .map(|e| format!("({e})"))
                .collect::<Vec<_>>()
                .join(" && ")),
            prop::collection::vec(inner, 2..4).prop_map(|all| all
                .iter()
                .map(|e| format!("({e})"))
                .collect::<Vec<_>>()
                .join("||")),
        ]
    })
}

/// A trait: there, unreadable, or omitted.
fn fact(values: Vec<Value>) -> impl Strategy<Value = Option<Value>> {
    prop_oneof![4 => prop::sample::select(values).prop_map(Some), 1 => Just(Some(Value::Null)), 1 => Just(None)]
}

fn some_traits() -> impl Strategy<Value = TraitSet> {
    let text = |words: &[&'static str]| words.iter().map(|w| Value::from(*w)).collect::<Vec<_>>();
    let os = prop::sample::select(vec![("debian", "ubuntu"), ("redhat", "rocky"), ("freebsd", "freebsd"), ("", "")]);
    let numbers = (
        fact(vec![Value::Int(1024), Value::Int(2048), Value::Int(8192)]),
        fact(vec![Value::Int(1), Value::Int(3), Value::Int(4)]),
    );
    let flags = vec![Value::Bool(true), Value::Bool(false)];
    (
        (
            os,
            any::<bool>(),
            any::<bool>(),
            fact(text(&["12", "9.4", "22.04", "rolling"])),
            fact(text(&["amd64", "arm64"])),
        ),
        numbers,
        (fact(flags.clone()), fact(flags.clone()), fact(flags)),
        fact(vec![Value::list([Value::Int(80)]), Value::list([])]),
        fact(text(&["systemd", "openrc", "rc"])),
        fact(text(&["enforcing"])),
    )
        .prop_map(|((os, family_null, distro_null, version, arch), (ram, cpus), flags, ports, init, mode)| {
            let word = |word: &'static str, null: bool| match word {
                _ if null => Some(Value::Null),
                "" => None,
                word => Some(word.into()),
            };
            let area = |entries: Vec<(&'static str, Option<Value>)>| {
                Value::map(entries.into_iter().filter_map(|(k, v)| Some((k, v?))).collect::<Vec<_>>())
            };
            TraitSet::from_value(Value::map([
                (
                    "os",
                    area(vec![
                        ("family", word(os.0, family_null)),
                        ("distro", word(os.1, distro_null)),
                        ("version", version),
                        ("arch", arch),
                    ]),
                ),
                ("hardware", area(vec![("memory_mb", ram), ("cpu_count", cpus)])),
                ("virtualization", area(vec![("is_virtual", flags.0), ("is_container", flags.1)])),
                ("hypervisor", area(vec![("libvirt", flags.2)])),
                ("ports", area(vec![("listening", ports)])),
                ("init", area(vec![("manager", init)])),
                ("selinux", area(vec![("mode", mode)])),
            ]))
            .unwrap()
        })
}

fn some_facts() -> impl Strategy<Value = Facts> {
    let arm = || {
        prop_oneof![
            Just("true".to_string()),
            Just("os_family('debian')".to_string()),
            Just("!os_family('debian') && arch('amd64') || host_is_libvirt".to_string()),
        ]
    };
    let environment = prop::sample::select(vec![None, Some("production".to_string()), Some("staging".to_string())]);
    (environment, any::<bool>(), any::<bool>(), arm(), arm(), any::<bool>(), prop::option::of(0..3_i64)).prop_map(
        |(environment, web, db, nginx, apt, host, a)| Facts {
            environment,
            roles: [("web", web), ("db", db)].into_iter().filter(|(_, is)| *is).map(|(r, _)| r.to_string()).collect(),
            crates: [("nginx".to_string(), parse(&nginx)), ("apt".to_string(), parse(&apt))].into(),
            host: if host { "web-1".into() } else { "db-1".into() },
            vars: a.into_iter().map(|a| ("a".to_string(), Value::Int(a))).collect(),
        },
    )
}

/// The answer to each look, from a seed.
fn answer(seed: u64, look: &Look) -> Tri {
    let hash = look.to_string().bytes().fold(seed | 1, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
    match hash >> 40 & 3 {
        0 => Tri::False,
        1 => Tri::unknown("odd"),
        _ => Tri::True,
    }
}

/// The meaning, all at once: every operand is evaluated, nothing is folded.
fn meaning(expr: &Expr, facts: &Facts, traits: &TraitSet, clock: &Civil, seed: u64) -> Tri {
    let of = |e: &Expr| meaning(e, facts, traits, clock, seed);
    match expr {
        Expr::True => Tri::True,
        Expr::False => Tri::False,
        Expr::Not(inner) => !of(inner),
        Expr::And(all) => all.iter().map(of).fold(Tri::True, Tri::and),
        Expr::Or(all) => all.iter().map(of).fold(Tri::False, Tri::or),
        Expr::Call(call) if call.builtin.name == "has_configcrate" => of(&facts.configcrate(&call.text(0))),
        Expr::Call(call) => match call.builtin.side() {
            Side::Server => fold(expr, facts).into_tri(),
            Side::Name | Side::Traits | Side::Clock => fold_traits(expr, &facts.host, traits, clock).into_tri(),
            Side::Look => answer(seed, &looks(expr)[0]),
        },
        Expr::Unknown(_) | Expr::Template(_) => panic!("not in a fresh expression"),
    }
}

impl Expr {
    fn into_tri(self) -> Tri {
        match self {
            Self::True => Tri::True,
            Self::False => Tri::False,
            Self::Unknown(why) => Tri::Unknown(why),
            other => panic!("{other} is not decided"),
        }
    }
}

fn kind(tri: &Tri) -> u8 {
    match tri {
        Tri::False => 0,
        Tri::True => 1,
        Tri::Unknown(_) => 2,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4 * ProptestConfig::default().cases))]

    #[test]
    fn folding_early_or_late_gives_the_same_outcome(
        text in tree(leaf()), facts in some_facts(), traits in some_traits(), seconds in 0..4_000_000_i64, seed in any::<u64>(),
    ) {
        let clock = Timestamp::from_epoch_secs(seconds).civil(0);
        let expr = parse(&text);
        let expected = meaning(&expr, &facts, &traits, &clock, seed);
        let look = |l: &Look| answer(seed, l);

        // As it happens: the server, the bundle, the agent's traits, then look by look.
        let residual = fold(&expr, &facts);
        let carried = Expr::parse(&residual.bundle_text().unwrap(), Context::Bundle).unwrap();
        prop_assert_eq!(&carried, &residual);
        let rest = fold_traits(&carried, &facts.host, &traits, &clock);
        let (stepped, asked) = step(&rest, &look);
        prop_assert_eq!(kind(&stepped), kind(&expected), "{} → {} → {}", expr, residual, rest);
        prop_assert!(asked.iter().all(|l| looks(&rest).contains(l)));

        // Traits first, and everything in one go.
        let other_way = fold(&fold_traits(&expr, &facts.host, &traits, &clock), &facts);
        let other_way = fold_traits(&other_way, &facts.host, &traits, &clock);
        prop_assert_eq!(kind(&eval(&other_way, &look)), kind(&expected));
        prop_assert_eq!(kind(&eval(&rest, &look)), kind(&expected));
        prop_assert_eq!(fold(&residual, &facts), residual);
    }

    #[test]
    fn what_is_exclusive_never_holds_together(
        a in tree(leaf()), b in tree(leaf()), facts in some_facts(), traits in some_traits(), seconds in 0..4_000_000_i64, seed in any::<u64>(),
    ) {
        let (a, b) = (parse(&a), parse(&b));
        let clock = Timestamp::from_epoch_secs(seconds).civil(0);
        let apart = exclusive(&a, &b);
        prop_assert_eq!(apart, exclusive(&b, &a));
        prop_assert!(exclusive(&a, &Expr::Not(a.clone().into())));
        if apart {
            let both = [&a, &b].map(|e| meaning(e, &facts, &traits, &clock, seed));
            prop_assert!(both.iter().any(|t| *t != Tri::True), "{} and {}", a, b);
        }
    }

    #[test]
    fn any_text_is_an_expression_or_an_error_inside_it(text in any_text(), context in any_context()) {
        match Expr::parse(&text, context) {
            Ok(expr) => {
                let printed = expr.to_string();
                prop_assert_eq!(Expr::parse(&printed, context), Ok(expr), "{}", printed);
            }
            Err(errors) => {
                prop_assert!(!errors.is_empty());
                for e in errors {
                    prop_assert!(text.get(e.at..e.at + e.len).is_some(), "{:?}", e);
                    prop_assert!(!e.message.is_empty() && !e.message.ends_with('.'));
                }
            }
        }
    }

    #[test]
    fn rendered_text_is_carried_unchanged(values in prop::collection::vec(".{0,12}", 2)) {
        let expr = parse("var_is('x', 'a{{ 0 }}''{{ 1 }}') || command_succeeds('x{{ 1 }}')");
        let hook = &mut |source: &str| Ok(Value::from(values[usize::from(source == "{{ 1 }}")].as_str()));
        if let Ok(rendered) = expr.render(hook) {
            let Expr::Or(both) = &rendered else { panic!("{rendered}") };
            let Expr::Call(first) = &both[0] else { panic!("{rendered}") };
            prop_assert_eq!(first.text(1), format!("a{}'{}", values[0], values[1]));
            let text = both[1].bundle_text().unwrap();
            prop_assert_eq!(Expr::parse(&text, Context::Bundle), Ok(both[1].clone()));
        }
    }
}

fn any_context() -> impl Strategy<Value = Context> {
    prop::sample::select(vec![Context::Resource, Context::Gate, Context::Arm, Context::RoleArm, Context::Bundle])
}

/// Text of any kind, and text that is nearly an expression.
fn any_text() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "(",
        ")",
        ",",
        "&&",
        "||",
        "!",
        "'",
        "\"",
        "{{",
        "}}",
        " ",
        "true",
        "changed",
        "is_virtual",
        "var",
        "var('a')",
        "{{ .Vars.x }}",
        "os_family('linux')",
        "hour_range(1, 2)",
        "'a'",
        "-1",
        "9",
        "&",
        "é",
        "\\",
        "`",
        "/*",
        "*/",
        "\n",
        "hostname_match('",
        "has_trait('",
        "os",
        ".",
        "custom.",
        "[",
        "{",
    ]);
    prop_oneof![any::<String>(), prop::collection::vec(words, 0..14).prop_map(|w| w.concat()), tree(leaf()),]
}
