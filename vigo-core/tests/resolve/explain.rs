//! Why a host gets what it gets.

use crate::support::sources;
use vigo_core::config::Config;
use vigo_core::resolve::{Condition, ConditionKind, Explained, FileOutcome, explain};
use vigo_core::time::Timestamp;
use vigo_core::when::Side;

#[track_caller]
fn explained(files: &[(&str, &str)], hostname: &str, day: i64) -> Explained {
    let sources = sources(files);
    let today = Timestamp::from_epoch_secs(day * 86_400).civil(0);
    let explained = explain(&Config::read(&sources), hostname, None, &today);
    explained.unwrap_or_else(|found| panic!("{found:?}"))
}

const SITE: &str = r#"vars: {port: 80, pin: "secret:db/pin", sites: [a, b]}
when: "hostname_match('w*') && is_virtual"
resources:
  - name: one
    type: file
    target_path: "/etc/{{ .Item }}"
    content: x
    foreach: sites
    when: "var_is('port', 80) && port_listening({{ .Vars.port }}) && hour_range(2, 5)"
    notify: [two]
  - {name: two, type: service, service: s, state: restarted, when: "changed && file_exists('/x')", depends_on: [gone]}
  - {name: gone, type: file, target_path: /gone, content: x, when: "environment('x')", depends_on: [base]}
"#;

fn tree() -> Vec<(&'static str, &'static str)> {
    vec![
        ("envoys.vgo", "envoys:\n  - {match: x}\n  - {match: 'w*', configcrates: [base, site]}\n  - {match: '?1'}\n"),
        ("zones/a.vgo", "envoys: [{match: z}]\n"),
        ("configcrates/site.vgo", SITE),
        (
            "configcrates/base.vgo",
            "compliance: {iso: '8'}\nresources: [{name: b, type: file, target_path: /b, content: x}]\n",
        ),
    ]
}

#[test]
fn files_say_who_won_and_who_came_too_late() {
    let e = explained(&tree(), "w1", 0);
    let files: Vec<_> = e.files.iter().map(|f| (&*f.path, f.outcome, &f.beaten[..])).collect();
    let wins = FileOutcome::Wins { block: 2, line: 3 };
    assert_eq!(files, [("zones/a.vgo", FileOutcome::NoMatch, &[][..]), ("envoys.vgo", wins, &[4][..])]);
}

#[test]
fn each_part_of_a_condition_has_its_side() {
    let e = explained(&tree(), "w1", 0);
    let said = |c: &Condition| {
        let part = |p: &vigo_core::when::Side| format!("{p:?}");
        let parts: Vec<String> = c.parts.iter().map(|p| format!("{} {}", part(&p.side), p.text)).collect();
        (c.id.to_string(), parts, c.residual.to_string())
    };
    let all: Vec<_> = e.conditions.iter().map(said).collect();
    let texts = |all: &[&str]| all.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(
        all[0],
        (
            "site".into(),
            texts(&["Name hostname_match('w*')", "Traits is_virtual"]),
            "hostname_match('w*') && is_virtual".into()
        )
    );
    let one = texts(&["Server var_is('port', 80)", "Traits port_listening(80)", "Clock hour_range(2, 5)"]);
    assert_eq!(all[1], ("site/one[a]".into(), one, "port_listening(80) && hour_range(2, 5)".into()));
    assert_eq!(e.conditions[1].variables, [("{{ .Vars.port }}".into(), "80".into()), ("port".into(), "80".into())]);
    assert_eq!(e.conditions[3].parts[1].side, Side::Look);
    assert!(e.conditions[3].changed && e.conditions[3].kind == ConditionKind::When);
    assert_eq!(all[4].2, "false");
}

#[test]
fn an_edge_names_the_key_that_made_it_even_through_what_is_left_out() {
    let e = explained(&tree(), "w1", 0);
    let edge =
        |x: &vigo_core::resolve::EdgeTrace| format!("{} {:?} {} {}:{}", x.from, x.kind, x.to, x.set.layer, x.set.line);
    let edges: Vec<String> = e.edges.iter().map(edge).collect();
    assert_eq!(
        edges,
        [
            "base/b Order site/two depends_on:12",
            "site/one[a] Notifies site/two notify:10",
            "site/one[b] Notifies site/two notify:10",
        ]
    );
}

const BASE: &str = "compliance: {iso: '8'}
defaults: {compliance: {iso: '7'}}
resources:
  - {name: b, type: file, target_path: /b, content: x}
  - {name: c, type: file, target_path: /c, content: x, compliance: {iso: ['1', '2']}}
";

#[test]
fn claims_come_from_folders_too_and_waivers_end_with_their_last_day() {
    let mut files = tree();
    files.retain(|(path, _)| *path != "envoys.vgo" && *path != "configcrates/base.vgo");
    files.extend([
        ("configcrates/base.vgo", BASE),
        ("configcrates/compliance.vgo", "provides: [time-sync]\n"),
        ("hosts/envoys.vgo", "envoys: [{match: w1, configcrates: [base]}]\n"),
        ("hosts/compliance.vgo", "waivers: [{framework: iso, control: '1', reason: beside}]\n"),
        ("compliance.vgo", "waivers: [{framework: iso, control: '9', reason: later, until: 1970-01-31, owner: me}]\n"),
    ]);
    let e = explained(&files, "w1", 30);
    let claims: Vec<_> = e.claims.iter().map(|c| (&*c.of, c.controls.len(), c.provides.len(), &*c.set.file)).collect();
    let base = "configcrates/base.vgo";
    let expected = [
        ("base", 1, 0, base),
        ("base", 0, 1, "configcrates/compliance.vgo"),
        ("base/b", 1, 0, base),
        ("base/c", 2, 0, base),
    ];
    assert_eq!(claims, expected);
    let waivers = |day| {
        let e = explained(&files, "w1", day);
        e.waivers.iter().map(|w| (w.control.to_string(), w.is_in_force)).collect::<Vec<_>>()
    };
    assert_eq!(waivers(30), [("9".into(), true)], "the last day counts; those beside the match file are not inherited");
    assert_eq!(waivers(31), [("9".into(), false)]);
}
