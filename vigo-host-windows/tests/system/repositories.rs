//! Sources of choco and buckets of scoop, against their printed lists.

use crate::machine::{Model, apply, call, facts, no_program, once, prepare, text};
use std::collections::BTreeMap;
use vigo_core::action::{Op, OpOutput};
use vigo_core::host::HostFacts;
use vigo_core::resource::Datum;

/// The sources that both managers keep: name, address, whether it is in use.
#[derive(Default)]
struct Managers(BTreeMap<String, (String, bool)>);

impl Model for Managers {
    fn perform(&mut self, op: &Op) -> OpOutput {
        let Some((program, args)) = call(op) else { return no_program() };
        let of = |start: &str| args.iter().find_map(|arg| arg.strip_prefix(start)).unwrap_or_default().to_owned();
        let mut out = String::new();
        match (program, &args[..]) {
            ("choco.exe", ["--version"]) => out = "2.2.2\r\n".into(),
            ("choco.exe", ["source", "list", _]) => {
                for (name, (url, enabled)) in &self.0 {
                    out +=
                        &format!("{name}|{url}|{}|||0|False|False|False\r\n", if *enabled { "False" } else { "True" });
                }
            }
            ("choco.exe", ["source", "add", ..]) => {
                self.0.insert(of("--name="), (of("--source="), true));
            }
            ("choco.exe", ["source", "disable", ..]) => self.0.get_mut(&of("--name=")).expect("a source").1 = false,
            ("choco.exe", ["source", "remove", ..]) => drop(self.0.remove(&of("--name="))),
            ("scoop.cmd", ["bucket", "list"]) if self.0.is_empty() => {
                out = "WARN  No bucket found. Please run ...\r\n".into()
            }
            ("scoop.cmd", ["bucket", "list"]) => {
                out = "\r\nName   Source                 Updated             Manifests\r\n----   ------ ---\r\n".into();
                for (name, (url, _)) in &self.0 {
                    out += &format!("{name} {url} 2026-01-01 10:00:00      1300\r\n");
                }
            }
            ("scoop.cmd", ["bucket", "add", name, url]) => {
                self.0.insert((*name).into(), ((*url).into(), true));
            }
            ("scoop.cmd", ["bucket", "rm", name]) => drop(self.0.remove(*name)),
            other => panic!("{other:?}"),
        }
        OpOutput::exited(0, &out, "")
    }
}

fn has(program: &str) -> HostFacts {
    HostFacts { programs: [program.into()].into(), ..facts() }
}

fn own<'a>(url: &str, more: &[(&'a str, Datum)]) -> Vec<(&'a str, Datum)> {
    [("repository", text("own")), ("repo", text(url))].into_iter().chain(more.iter().cloned()).collect()
}

#[test]
fn sources_come_change_and_go() {
    let cases = [
        (
            "choco.exe",
            [
                "choco.exe source add --name=own --source=https://a.example/nuget --yes --limit-output",
                "choco.exe source remove --name=own --yes --limit-output",
                "choco.exe source add --name=own --source=https://b.example/nuget --yes --limit-output",
                "choco.exe source remove --name=own --yes --limit-output",
            ],
        ),
        (
            "scoop.cmd",
            [
                "scoop.cmd bucket add own https://a.example/nuget",
                "scoop.cmd bucket rm own",
                "scoop.cmd bucket add own https://b.example/nuget",
                "scoop.cmd bucket rm own",
            ],
        ),
    ];
    for (program, expected) in cases {
        let mut m = Managers::default();
        let mut ops = apply(&mut m, &has(program), "repository", &own("https://a.example/nuget", &[])).ops;
        ops.extend(apply(&mut m, &has(program), "repository", &own("https://b.example/nuget", &[])).ops);
        let gone = [("repository", text("own")), ("state", text("absent"))];
        ops.extend(apply(&mut m, &has(program), "repository", &gone).ops);
        assert_eq!(ops, expected);
        assert!(m.0.is_empty());
    }
}

#[test]
fn a_source_of_choco_may_be_off() {
    let mut m = Managers::default();
    let run = apply(&mut m, &has("choco.exe"), "repository", &own("https://a", &[("enabled", text("false"))]));
    assert_eq!(run.ops.last().map(String::as_str), Some("choco.exe source disable --name=own --yes --limit-output"));
}

#[test]
fn silence_is_unknown_and_never_absent() {
    for program in ["choco.exe", "scoop.cmd"] {
        for wanted in [own("https://a", &[]), vec![("repository", text("own")), ("state", text("absent"))]] {
            for (code, out) in [(0, ""), (1, "own|https://a|False\r\n"), (0, "\u{fffd}")] {
                let mut instance = prepare(&has(program), "repository", &wanted).expect("an instance");
                let mut model = |_: &Op| OpOutput::exited(code, out, "");
                assert!(
                    crate::machine::observe(&mut model, &has(program), &mut *instance).is_err(),
                    "{program} {out:?}"
                );
            }
        }
    }
    let run = once(&mut |_: &Op| OpOutput::Missing, &facts(), "repository", &own("https://a", &[]));
    assert_eq!(run.failure.as_deref(), Some("type `repository` found no choco and no scoop on windows"));
}

#[test]
fn what_windows_has_not_is_refused_when_the_plan_is_made() {
    for (attribute, value) in [("key_url", "https://a/k"), ("format", "list"), ("gpgcheck", "false"), ("priority", "7")]
    {
        let wanted = own("https://a", &[(attribute, text(value))]);
        let problem = prepare(&has("choco.exe"), "repository", &wanted).err().expect(attribute).to_string();
        assert_eq!(problem, format!("attribute `{attribute}` of type `repository` is not supported on windows"));
    }
    let off = own("https://a", &[("enabled", text("false"))]);
    assert!(prepare(&has("scoop.cmd"), "repository", &off).is_err());
}
