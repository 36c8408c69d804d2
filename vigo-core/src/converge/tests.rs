//! Whole runs, from text to report, on a disk in memory and a clock that only moves when it is waited for.

use super::{
    Converge, Envoy, Options, Outcome, Record, RevertCommand, RunOutcome, RunReport, SkipCause, Step, StoredTrigger,
};
use crate::action::{Effect, Op};
use crate::config::Config;
use crate::host::{Capability, Host, HostFacts};
use crate::resolve;
use crate::resource::Snapshot;
use crate::resource::rig::Disk;
use crate::source::{Sources, Tree};
use crate::time::{Duration, Timestamp};
use crate::traits::TraitSet;
use crate::value::Value;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

struct Bare;

impl Host for Bare {
    fn name(&self) -> &'static str {
        "test"
    }

    fn capabilities(&self) -> &'static [Capability] {
        &[]
    }
}

/// A machine that is converged again and again.
struct Machine {
    disk: Disk,
    triggers: Vec<StoredTrigger>,
    snapshots: Vec<Snapshot>,
    revert_commands: Vec<RevertCommand>,
    /// Somebody writes this file just before the next operation.
    meddles: Option<(&'static str, &'static str)>,
    now: Timestamp,
    secrets: Vec<(&'static str, &'static str)>,
    only: Vec<Arc<str>>,
    /// After this many changing operations the agent dies.
    dies_after: Option<usize>,
    /// After this many changing operations the run is cancelled.
    cancelled_after: Option<usize>,
    /// The program of this name panics the adapter: simulated by abandoning when it is asked for.
    panics_on: Option<&'static str>,
    changed_ops: Vec<String>,
}

impl Machine {
    fn new() -> Self {
        Self {
            disk: Disk::new(),
            triggers: Vec::new(),
            snapshots: Vec::new(),
            revert_commands: Vec::new(),
            meddles: None,
            now: Timestamp::from_epoch_secs(1_795_262_400),
            secrets: Vec::new(),
            only: Vec::new(),
            dies_after: None,
            cancelled_after: None,
            panics_on: None,
            changed_ops: Vec::new(),
        }
    }

    /// Runs; `None` when the agent died.
    fn run(&mut self, crates: &str, dry_run: bool) -> Option<Arc<RunReport>> {
        let bundle = bundle(crates);
        let traits = Value::map([("os", Value::map([("family", Value::text("debian"))]))]);
        let options = Options {
            dry_run,
            only: self.only.clone(),
            envoy: Envoy { hostname: "h".into(), ..Envoy::default() },
            clock: self.now.civil(0),
            triggers: self.triggers.clone(),
            snapshots: self.snapshots.clone(),
            revert_commands: self.revert_commands.clone(),
            entropy: Vec::new(),
            seed: 1,
        };
        let facts = HostFacts { now: self.now, planning: dry_run, ..HostFacts::default() };
        let traits = TraitSet::from_value(traits).unwrap();
        let mut converge = Converge::new(Arc::new(bundle), traits, &Bare, facts, options);
        self.changed_ops.clear();
        for _ in 0..10_000 {
            match converge.poll(self.now) {
                Step::Run(ops) => {
                    for (id, op) in ops {
                        if let (Some(name), Op::Run(command)) = (self.panics_on, &*op)
                            && command.args.iter().any(|a| a.as_str().contains(name))
                        {
                            converge.abandon("it panicked");
                            continue;
                        }
                        if op.effect() == Effect::Changes {
                            assert!(!dry_run, "a plan performed {op}");
                            if self.dies_after == Some(self.changed_ops.len()) {
                                return None;
                            }
                            if self.cancelled_after == Some(self.changed_ops.len()) {
                                converge.cancel();
                            }
                            self.changed_ops.push(op.to_string());
                            if let Some((path, text)) = self.meddles.take() {
                                self.disk.file(path, text);
                            }
                        }
                        let output = self.disk.perform(&op);
                        converge.handle_output(id, output, self.now);
                    }
                }
                Step::Store(records) => {
                    assert!(!dry_run, "a plan stored {records:?}");
                    for record in records {
                        match record {
                            Record::Trigger(t) => {
                                self.triggers.retain(|o| (&o.source, &o.target) != (&t.source, &t.target));
                                self.triggers.push(t);
                            }
                            Record::TriggerDone { source, target } => {
                                self.triggers.retain(|o| (&o.source, &o.target) != (&source, &target));
                            }
                            Record::Snapshot(new) => {
                                let same =
                                    |s: &&mut Snapshot| (&s.type_name, &s.target) == (&new.type_name, &new.target);
                                match self.snapshots.iter_mut().find(same) {
                                    Some(old) if old.reverted => *old = new,
                                    Some(_) => {}
                                    None => self.snapshots.push(new),
                                }
                            }
                            Record::Reverted { type_name, target } => {
                                let same = |s: &&mut Snapshot| (&s.type_name, &s.target) == (&type_name, &target);
                                self.snapshots.iter_mut().filter(|s| same(s)).for_each(|s| s.reverted = true);
                            }
                            Record::RevertCommand(done) => self.revert_commands.push(done),
                        }
                    }
                    converge.handle_stored();
                }
                Step::Resolve(paths) => {
                    let of = |path: &str| self.secrets.iter().find(|(p, _)| *p == path).map(|(_, v)| v.to_string());
                    let found = paths.into_iter().map(|p| (p.clone(), of(&p).ok_or_else(|| "not in the test".into())));
                    converge.handle_secrets(found.collect());
                }
                Step::WaitUntil { at, .. } => {
                    self.now = at;
                    converge.handle_timeout(at);
                }
                Step::Waiting => panic!("nothing is outstanding"),
                Step::Done(report) => return Some(report),
            }
        }
        panic!("the run does not end");
    }

    fn apply(&mut self, crates: &str) -> Arc<RunReport> {
        self.run(crates, false).expect("the agent lives")
    }

    fn plan(&mut self, crates: &str) -> Arc<RunReport> {
        self.run(crates, true).expect("the agent lives")
    }
}

/// Resolves one crate `c` for a host.
fn bundle(resources: &str) -> crate::bundle::PolicyBundle {
    let text = format!("name: c\n{resources}");
    let envoys = "envoys: [{match: '*', configcrates: [c]}]\n";
    let tree = Tree::from_texts([("configcrates/c.vgo", text.as_str()), ("envoys.vgo", envoys)]);
    let sources = Sources::read(&tree);
    let config = Config::read(&sources);
    match resolve::resolve(&config, "h", None) {
        Ok(resolved) => resolved.bundle,
        Err(diagnostics) => {
            let shown: Vec<String> =
                diagnostics.iter().map(|d| format!("{} {}", sources.map().describe(d.span()), d.message)).collect();
            panic!("{shown:#?}\n{text}");
        }
    }
}

/// Returns `name outcome` of each resource.
fn outcomes(report: &RunReport) -> Vec<String> {
    let one = |r: &super::ResourceReport| {
        let why = match &r.outcome {
            Outcome::Skipped(cause) => format!(" {}", cause.word()),
            Outcome::Unknown { because } => format!(" {because}"),
            _ => String::new(),
        };
        format!("{} {}{why}", r.id.trim_start_matches("c/"), r.outcome.word())
    };
    report.resources.iter().map(one).collect()
}

const HANDLER: &str = "resources:
  - {name: conf, type: file, target_path: /etc/app.conf, content: 'x', notify: [reload]}
  - {name: reload, type: exec, command: 'reload app', when: changed}
";

#[test]
fn a_first_run_changes_a_second_does_not_and_drift_is_repaired() {
    let mut m = Machine::new();
    let policy = "vars: {port: 80}
resources:
  - {name: b, type: file, target_path: /etc/b/c.conf, content: 'listen {{ .Vars.port }}'}
  - {name: a, type: directory, target_path: /etc/b, mode: '0750'}
  - {name: l, type: symlink, target_path: /etc/l, to: b/c.conf}
";
    let report = m.apply(policy);
    assert_eq!(outcomes(&report), ["a changed", "b changed", "l changed"], "{report:#?}");
    assert_eq!(m.disk.read("/etc/b/c.conf").unwrap_or_default(), "listen 80");
    assert_eq!(outcomes(&m.apply(policy)), ["a ok", "b ok", "l ok"]);
    assert!(m.changed_ops.is_empty());
    m.disk.file("/etc/b/c.conf", "by hand");
    let report = m.apply(policy);
    assert_eq!(outcomes(&report), ["a ok", "b changed", "l ok"]);
    assert!(report.resources[1].diff.as_ref().is_some_and(|d| d.contains("-by hand") && d.contains("+listen 80")));
}

#[test]
fn a_plan_sees_what_earlier_resources_would_do() {
    let mut m = Machine::new();
    let policy = "resources:
  - {name: d, type: directory, target_path: /srv2}
  - {name: f, type: file, target_path: /srv2/f, content: 'x'}
  - {name: hard, type: symlink, target_path: /srv2/g, to: /srv2/f, link_type: hard, depends_on: [f]}
";
    let report = m.plan(policy);
    assert_eq!(outcomes(&report), ["d changed", "f changed", "hard changed"], "{report:#?}");
    assert_eq!(report.outcome, RunOutcome::Drift);
    assert_eq!(outcomes(&m.apply(policy)), outcomes(&report), "the plan told the truth");
    assert_eq!(m.plan(policy).outcome, RunOutcome::Converged);
}

#[test]
fn a_plan_fails_what_has_no_directory_as_the_run_would() {
    let mut m = Machine::new();
    let policy = "resources:
  - {name: f, type: file, target_path: /nowhere/f, content: 'x'}
";
    let report = m.plan(policy);
    assert_eq!(outcomes(&report), ["f failed"], "{report:#?}");
    assert!(report.resources[0].cause.as_ref().is_some_and(|c| c.contains("`/nowhere`")));
    assert_eq!(outcomes(&m.apply(policy)), ["f failed"]);
    m.disk.file("/nowhere", "");
    let report = m.plan(policy);
    assert_eq!(outcomes(&report), ["f failed"], "a file is no directory: {report:#?}");
}

#[test]
fn a_handler_runs_once_when_triggered() {
    let mut m = Machine::new();
    m.disk.programs = |_| (0, String::new());
    assert_eq!(outcomes(&m.plan(HANDLER)), ["conf changed", "reload changed"]);
    assert_eq!(outcomes(&m.apply(HANDLER)), ["conf changed", "reload changed"]);
    assert_eq!(outcomes(&m.apply(HANDLER)), ["conf ok", "reload skipped untriggered"]);
    assert!(m.triggers.is_empty());
}

#[test]
fn a_trigger_survives_the_death_of_the_agent_and_a_failed_target() {
    let mut m = Machine::new();
    m.disk.programs = |_| (1, "no".into());
    m.dies_after = Some(1);
    assert!(m.run(HANDLER, false).is_none(), "it died right before the handler");
    assert_eq!(m.triggers.len(), 1, "the trigger was stored first");
    m.dies_after = None;
    let report = m.apply(HANDLER);
    assert_eq!(outcomes(&report), ["conf ok", "reload failed"]);
    assert_eq!(report.outcome, RunOutcome::NotConverged);
    m.disk.programs = |_| (0, String::new());
    assert_eq!(outcomes(&m.apply(HANDLER)), ["conf ok", "reload changed"]);
    assert!(m.triggers.is_empty());
}

#[test]
fn a_maintenance_window_keeps_the_trigger_until_it_opens() {
    let mut m = Machine::new();
    m.disk.programs = |_| (0, String::new());
    let policy = HANDLER.replace("when: changed", "when: 'changed && hour_range(2,5)'");
    m.now = Timestamp::from_epoch_secs(12 * 3600);
    assert_eq!(outcomes(&m.apply(&policy)), ["conf changed", "reload skipped when"]);
    assert_eq!(outcomes(&m.apply(&policy)), ["conf ok", "reload skipped when"]);
    m.now = Timestamp::from_epoch_secs(26 * 3600);
    assert_eq!(outcomes(&m.apply(&policy)), ["conf ok", "reload changed"]);
    assert_eq!(outcomes(&m.apply(&policy)), ["conf ok", "reload skipped untriggered"]);
}

#[test]
fn a_failure_skips_what_depends_on_it_and_nothing_else() {
    let mut m = Machine::new();
    m.disk.programs =
        |c| if c.args.iter().any(|a| a.as_str() == "bad") { (3, "broken".into()) } else { (0, String::new()) };
    let policy = "resources:
  - {name: bad, type: exec, command: bad, creates: /never}
  - {name: needs, type: file, target_path: /etc/n, content: x, depends_on: [bad]}
  - {name: far, type: file, target_path: /etc/far, content: x, depends_on: [needs]}
  - {name: free, type: file, target_path: /etc/free, content: x}
";
    let report = m.apply(policy);
    let expected = ["bad failed", "needs skipped dependency", "far skipped dependency", "free changed"];
    assert_eq!(outcomes(&report), expected, "{report:#?}");
    assert!(report.resources[1].cause.as_ref().is_some_and(|c| c.contains("c/bad")));
}

#[test]
fn a_default_is_left_out_where_the_rendered_state_does_not_take_it() {
    let mut m = Machine::new();
    m.disk.file("/etc/old", "x");
    let policy = "vars: {s: absent}
defaults: {owner: alice}
resources:
  - {name: old, type: file, target_path: /etc/old, state: '{{ .Vars.s }}'}
  - {name: arm, type: file, target_path: /etc/arm, case: '{{ .Vars.s }}', match: {absent: {state: absent}}}
  - {name: new, type: file, target_path: /etc/new}
  - {name: bad, type: file, target_path: /etc/bad, owner: alice, state: '{{ .Vars.s }}'}
";
    let report = m.apply(policy);
    assert_eq!(outcomes(&report), ["old changed", "arm ok", "new changed", "bad failed"], "{report:#?}");
    let cause = report.resources[3].cause.clone().unwrap_or_default();
    assert!(cause.ends_with("attribute `owner`: has no meaning with `state: absent`"), "{cause}");
    assert_eq!(m.disk.node("/etc/new").map(|n| n.meta.uid), Some(1000));
}

#[test]
fn the_place_of_a_secret_file_is_no_template() {
    let mut m = Machine::new();
    m.disk.programs = |c| match (&c.secret_file, c.args.last()) {
        (Some(file), Some(text)) if text.as_str().starts_with("import 7 ") && file.as_str() == "k=1" => {
            (i32::from(text.as_str() != "import 7 {{secret_file}} x"), String::new())
        }
        _ => (2, "not as expected".into()),
    };
    let policy = "vars: {n: 7, k: 'k=1'}
resources:
  - name: import
    type: exec
    command: 'import {{ .Vars.n }} {{secret_file}} x'
    secret_file: '{{ .Vars.k }}'
    creates: /never
";
    let report = m.apply(policy);
    assert_eq!(outcomes(&report), ["import changed"], "{report:#?}");
}

#[test]
fn the_timeout_of_a_script_holds_for_each_of_its_calls() {
    let mut m = Machine::new();
    for dir in ["/usr/local/share/vigo", "/usr/local/share/vigo/executors"] {
        m.disk.dir(dir);
    }
    m.disk.file("/usr/local/share/vigo/executors/greet.sh", "");
    m.disk.meta("/usr/local/share/vigo/executors/greet.sh", |meta| meta.mode = 0o755);
    m.disk.programs = |c| {
        let dry = c.stdin.as_ref().is_some_and(|text| text.as_str().contains("\"dry_run\":true"));
        let changed = if dry { "false" } else { "true" };
        let answer = format!("{{\"changed\":{changed},\"error\":\"{} s\"}}", c.timeout.as_secs());
        (0, answer)
    };
    let seen = |m: &mut Machine, more: &str| {
        let report = m.apply(&format!("resources:\n  - {{name: g, type: custom, script: greet{more}}}\n"));
        report.resources[0].cause.clone().unwrap_or_default()
    };
    assert_eq!(seen(&mut m, ""), "script `greet`: 300 s");
    assert_eq!(seen(&mut m, ", timeout_secs: 9"), "script `greet`: 9 s");
    assert_eq!(seen(&mut m, ", timeout: 10m"), "script `greet`: 600 s");
}

#[test]
fn a_file_that_is_a_mount_point_is_rewritten_with_a_note() {
    let mut m = Machine::new();
    m.disk.in_place = true;
    let report = m.apply("resources:\n  - {name: f, type: file, target_path: /etc/f, content: x}\n");
    assert_eq!(outcomes(&report), ["f changed"], "{report:#?}");
    assert_eq!(report.resources[0].notes, ["`/etc/f` is a mount point: it was rewritten in place"]);
}

#[test]
fn a_plan_awaits_owners_that_do_not_exist_yet() {
    let mut m = Machine::new();
    let policy = "resources:
  - {name: f, type: file, target_path: /etc/f, content: x, owner: bob, group: '0'}
  - {name: d, type: directory, target_path: /d, group: bobs}
";
    let report = m.plan(policy);
    assert_eq!(outcomes(&report), ["f changed", "d changed"], "{report:#?}");
    let shown = |i: usize| {
        let changes = &report.resources[i].changes;
        changes.iter().map(|c| format!("{}: {} → {}", c.field, c.before, c.after)).collect::<Vec<_>>()
    };
    assert_eq!(shown(0), ["state: absent → present", "owner: absent → bob (not yet present)"]);
    assert_eq!(shown(1), ["group: 0 → bobs (not yet present)"]);
    assert_eq!(outcomes(&m.apply(policy)), ["f failed", "d failed"]);
}

#[test]
fn a_template_error_skips_that_resource_with_its_place() {
    let mut m = Machine::new();
    let policy = "resources:
  - {name: t, type: file, target_path: /etc/t, content: '{{ index .Vars \"nosuch\" }}'}
  - {name: ok, type: file, target_path: /etc/ok, content: x}
";
    let report = m.apply(policy);
    assert_eq!(outcomes(&report), ["t skipped error", "ok changed"], "{report:#?}");
    let cause = report.resources[0].cause.clone().unwrap_or_default();
    assert!(cause.starts_with("configcrates/c.vgo:3:"), "{cause}");
}

#[test]
fn attempts_are_repeated_and_waits_are_virtual() {
    let mut m = Machine::new();
    m.disk.programs = |_| (1, "no".into());
    let policy = "resources:
  - {name: x, type: exec, command: x, creates: /never, retries: 2, retry_delay: 1h}
";
    let before = m.now;
    let report = m.apply(policy);
    assert_eq!(outcomes(&report), ["x failed"]);
    assert_eq!(m.changed_ops.len(), 3);
    assert!(m.now.since(before) >= Duration::from_secs(7200), "two delays passed");
}

#[test]
fn a_panic_fails_its_resource_alone() {
    let mut m = Machine::new();
    m.disk.programs = |_| (0, String::new());
    m.panics_on = Some("boom");
    let policy = "resources:
  - {name: p, type: exec, command: boom, creates: /never}
  - {name: after, type: file, target_path: /etc/after, content: x, depends_on: [p]}
  - {name: free, type: file, target_path: /etc/free, content: x}
";
    let report = m.apply(policy);
    assert_eq!(outcomes(&report), ["p failed", "after skipped dependency", "free changed"], "{report:#?}");
    assert!(report.resources[0].cause.as_ref().is_some_and(|c| c.contains("internal error")));
}

#[test]
fn a_cancelled_run_finishes_the_operation_in_hand() {
    let mut m = Machine::new();
    m.cancelled_after = Some(0);
    let policy = "resources:
  - {name: a, type: file, target_path: /etc/a1, content: x}
  - {name: b, type: file, target_path: /etc/b1, content: x}
";
    let report = m.apply(policy);
    assert_eq!(outcomes(&report), ["a changed", "b skipped cancelled"]);
    assert_eq!(report.outcome, RunOutcome::NotConverged);
    assert_eq!(m.disk.read("/etc/a1").unwrap_or_default(), "x");
}

#[test]
fn a_secret_that_is_not_to_be_had_is_not_the_absence_of_a_value() {
    let mut m = Machine::new();
    m.secrets = alloc::vec![("have", "hunter2-secret")];
    let policy = "vars: {dsn: 'pg://u:secret:have@secret:db/dsn', list: ['secret:have', 'secret:db/dsn'], map: {k: 'secret:db/dsn'}}
resources:
  - {name: plain, type: file, target_path: /etc/1, content: '{{ .Vars.dsn }}'}
  - {name: default, type: file, target_path: /etc/2, content: '{{ .Vars.dsn | default 5 }}'}
  - {name: if, type: file, target_path: /etc/3, content: '{{ if eq .Vars.dsn \"x\" }}a{{ else }}b{{ end }}'}
  - {name: made, type: file, target_path: /etc/4, content: '{{ .Vars.dsn | upper | b64enc }}'}
  - {name: index, type: file, target_path: /etc/5, content: '{{ index .Vars.list 1 }}'}
  - {name: range, type: file, target_path: /etc/6, content: '{{ range .Vars.list }}{{ . }}{{ end }}'}
  - {name: whole, type: file, target_path: /etc/7, content: '{{ toJson .Vars.map }}'}
  - {name: path, type: file, target_path: '/etc/{{ .Vars.map.k }}', content: x}
  - {name: own, type: file, target_path: /etc/8, content: '{{ secret \"db/dsn\" }}'}
  - {name: other, type: file, target_path: /etc/9, content: '{{ index .Vars.list 0 }}'}
";
    for report in [m.plan(policy), m.apply(policy)] {
        for r in &report.resources {
            let (word, cause) = (r.outcome.word(), r.cause.clone().unwrap_or_default());
            match &*r.id {
                "c/other" => assert_eq!(word, "changed", "{}: {cause}", r.id),
                _ => assert!(
                    word == "skipped" && cause.ends_with("secret `db/dsn`: not in the test"),
                    "{}: {cause}",
                    r.id
                ),
            }
        }
    }
    assert_eq!(m.disk.read("/etc/9").as_deref(), Some("hunter2-secret"));
}

#[test]
fn secrets_are_filled_in_and_shown_nowhere() {
    let mut m = Machine::new();
    m.secrets = alloc::vec![("db/pw", "hunter2-secret")];
    m.disk.file("/etc/s", "old\n");
    let policy = "vars: {dsn: 'pg://u:secret:db/pw'}
resources:
  - {name: s, type: file, target_path: /etc/s, content: \"pw={{ .Vars.dsn }} b={{ .Vars.dsn | b64enc }}\\n\"}
  - {name: missing, type: file, target_path: /etc/m, content: 'secret:db/other'}
";
    for report in [m.plan(policy), m.apply(policy)] {
        let shown = format!("{report:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(!shown.contains("cGc6Ly91Omh1bnRlcjI"), "what a function made of it: {shown}");
        assert_eq!(outcomes(&report), ["s changed", "missing skipped secret"], "{report:#?}");
    }
    assert!(m.disk.read("/etc/s").unwrap_or_default().starts_with("pw=pg://u:hunter2-secret b="));
}

#[test]
fn a_guarded_path_is_refused_before_anything_is_done() {
    let mut m = Machine::new();
    let policy = "resources:
  - {name: g, type: file, target_path: '{{ \"/etc/vigo\" }}/x', content: x}
";
    let report = m.apply(policy);
    assert_eq!(outcomes(&report), ["g failed"], "{report:#?}");
    assert!(m.changed_ops.is_empty());
}

#[test]
fn only_runs_what_was_chosen_and_keeps_the_rest() {
    let mut m = Machine::new();
    m.disk.programs = |_| (0, String::new());
    m.only = alloc::vec!["c/conf".into()];
    assert_eq!(outcomes(&m.apply(HANDLER)), ["conf changed"]);
    m.only.clear();
    assert!(outcomes(&m.apply(HANDLER)).contains(&"conf ok".to_string()));
}

#[test]
fn a_plan_does_not_believe_a_guard_behind_a_change() {
    let mut m = Machine::new();
    m.disk.programs = |_| (0, String::new());
    let policy = "resources:
  - {name: f, type: file, target_path: /etc/f1, content: x}
  - {name: e, type: exec, command: x, onlyif: 'test -e /etc/f1', depends_on: [f]}
";
    assert_eq!(outcomes(&m.plan(policy)), ["f changed", "e unknown c/f"]);
}

#[test]
fn skipped_causes_tell_good_from_bad() {
    assert!(!SkipCause::When.is_bad() && !SkipCause::Untriggered.is_bad());
    assert!(SkipCause::Dependency.is_bad() && SkipCause::Cancelled.is_bad());
}

#[test]
fn what_was_there_is_kept_and_brought_back() {
    let mut m = Machine::new();
    m.disk.file("/etc/old", "before\n");
    m.disk.meta("/etc/old", |meta| (meta.mode, meta.uid) = (0o640, 1000));
    m.disk.link("/etc/l", "x");
    let policy = |extra: &str| {
        format!(
            "resources:
  - {{name: old, type: file, target_path: /etc/old, content: 'ours', mode: '0600'{extra}}}
  - {{name: new, type: file, target_path: /etc/new, content: 'ours'{extra}}}
  - {{name: l, type: symlink, target_path: /etc/l, to: y, owner: alice{extra}}}
  - {{name: m, type: symlink, target_path: /etc/m, to: y, owner: alice{extra}}}
  - {{name: line, type: file_line, target_path: /etc/passwd, line: 'x:x:7:7::/:/bin/sh'{extra}}}
  - {{name: block, type: blockinfile, target_path: /etc/passwd, block_content: 'y:x:8:8::/:/bin/sh'{extra}}}
"
        )
    };
    let revert = policy(", revert: true");
    let none = m.apply(&revert);
    assert_eq!(none.counts.failed, 6, "{none:#?}");
    assert!(
        none.resources[0].cause.as_ref().is_some_and(|c| c.contains("expected a snapshot of `/etc/old`")),
        "{none:#?}"
    );
    let passwd = m.disk.read("/etc/passwd");
    assert_eq!(m.apply(&policy("")).counts.changed, 6);
    m.disk.file("/etc/old", "by hand");
    assert_eq!(m.apply(&policy("")).counts.changed, 1);
    let plan = m.plan(&revert);
    let report = m.apply(&revert);
    let expected = ["old changed", "new changed", "l changed", "m changed", "line changed", "block ok"];
    assert_eq!(outcomes(&report), expected, "{report:#?}");
    assert_eq!(outcomes(&plan), expected);
    assert!(m.disk.node("/etc/m").is_none());
    assert_eq!(m.disk.read("/etc/old").as_deref(), Some("before\n"));
    assert_eq!(m.disk.node("/etc/old").map(|n| (n.meta.mode, n.meta.uid)), Some((0o640, 1000)));
    assert!(m.disk.node("/etc/new").is_none());
    assert_eq!(m.disk.node("/etc/l").and_then(|n| n.meta.target.clone()).as_deref(), Some("x"));
    assert_eq!(m.disk.read("/etc/passwd"), passwd);
    assert_eq!(m.apply(&revert).counts.ok, 6);
    assert!(m.snapshots.iter().all(|s| s.reverted));
    m.disk.file("/etc/old", "later");
    m.apply(&policy(""));
    m.apply(&revert);
    assert_eq!(m.disk.read("/etc/old").as_deref(), Some("later"), "a new snapshot was taken after the revert");
}

#[test]
fn a_revert_command_runs_once_for_each_text() {
    let mut m = Machine::new();
    m.disk.programs = |command| (i32::from(command.args.iter().any(|a| a.as_str().contains("fail"))), String::new());
    let policy = |command: &str| {
        format!("resources:\n  - {{name: e, type: exec, command: 'make it', creates: /x, on_revert: '{command}'}}\n")
    };
    assert_eq!(outcomes(&m.apply(&policy("fail"))), ["e failed"]);
    assert_eq!(outcomes(&m.apply(&policy("undo it"))), ["e changed"]);
    assert!(m.changed_ops[0].contains("undo it"), "{:?}", m.changed_ops);
    assert_eq!(outcomes(&m.apply(&policy("undo it"))), ["e ok"]);
    assert!(m.changed_ops.is_empty());
    assert_eq!(outcomes(&m.apply(&policy("undo it again"))), ["e changed"]);
}

#[test]
fn a_file_that_changed_meanwhile_is_looked_at_once_more() {
    let mut m = Machine::new();
    let policy = "resources: [{name: l, type: file_line, target_path: /etc/f, line: ours}]\n";
    m.disk.file("/etc/f", "a\n");
    m.meddles = Some(("/etc/f", "theirs\n"));
    let report = m.apply(policy);
    assert_eq!(outcomes(&report), ["l changed"], "{report:#?}");
    assert_eq!(m.disk.read("/etc/f").as_deref(), Some("theirs\nours\n"));
}
