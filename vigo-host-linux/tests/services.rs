//! Whole runs over services, against a small model of systemd.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use vigo_core::action::{Content, Entry, FileKind, Metadata, Op, OpOutput};
use vigo_core::config::Config;
use vigo_core::converge::{Converge, Options, Outcome, Record, ResourceReport, RunReport, Step, StoredTrigger};
use vigo_core::host::{Adapter, Capability, Host, HostFacts, Init, Problem};
use vigo_core::resolve;
use vigo_core::resource::service::Service;
use vigo_core::source::{Sources, Tree};
use vigo_core::time::Timestamp;
use vigo_core::traits::TraitSet;
use vigo_core::value::Value;
use vigo_host_linux::Linux;

/// A unit as systemd has it.
#[derive(Clone)]
struct Unit {
    active: &'static str,
    enabled: bool,
    stale: bool,
    /// Looks after which `activating` becomes `active`.
    slow: u32,
    /// Whether it fails when it is started.
    bad: bool,
}

/// Files, units, and what was called.
struct Machine {
    now: Timestamp,
    files: BTreeMap<String, String>,
    units: BTreeMap<String, Unit>,
    triggers: Vec<StoredTrigger>,
    calls: Vec<String>,
    shows: u32,
    /// What `daemon-reload` exits with.
    reload: i32,
    /// The run is cancelled at the first operation in whose text this stands.
    cancelled_on: Option<&'static str>,
}

impl Machine {
    fn new(units: &[(&str, &'static str)]) -> Self {
        let unit = |(name, active): &(&str, &'static str)| {
            let unit = Unit { active, enabled: false, stale: false, slow: 0, bad: false };
            (format!("{name}.service"), unit)
        };
        Self {
            now: Timestamp::from_epoch_secs(1_795_262_400),
            files: BTreeMap::new(),
            units: units.iter().map(unit).collect(),
            triggers: Vec::new(),
            calls: Vec::new(),
            shows: 0,
            reload: 0,
            cancelled_on: None,
        }
    }

    fn unit(&mut self, name: &str) -> &mut Unit {
        self.units.get_mut(&format!("{name}.service")).expect("a unit")
    }

    fn perform(&mut self, op: &Op) -> OpOutput {
        match op {
            Op::Run(c) => {
                let args: Vec<&str> = c.args.iter().map(|a| a.as_str()).collect();
                self.program(&c.program, &args)
            }
            Op::ReadFile { path, .. } => self.files.get(path.as_str()).map_or(OpOutput::Missing, |t| OpOutput::file(t)),
            Op::HashFile { path, .. } => self.files.get(path.as_str()).map_or(OpOutput::Missing, |text| {
                let vigo_core::action::Expect::Digest(sha256) = vigo_core::action::Expect::content(text.as_bytes())
                else {
                    panic!("a digest")
                };
                OpOutput::Hash { meta: meta(), sha256 }
            }),
            Op::Stat { path, .. } if path.as_str() == "/etc" => {
                OpOutput::Stat(Metadata { kind: FileKind::Dir, ..meta() })
            }
            Op::Stat { path, .. } => {
                self.files.get(path.as_str()).map_or(OpOutput::Missing, |_| OpOutput::Stat(meta()))
            }
            Op::ListDir { .. } => OpOutput::Dir(Vec::<Entry>::new()),
            Op::ReplaceFile(r) => {
                let Some(bytes) = r.content.bytes() else { panic!("known content") };
                assert!(!matches!(r.content, Content::Staged(_)));
                self.files.insert(r.path.to_string(), String::from_utf8(bytes.to_vec()).expect("text"));
                let unit = r.path.name().to_owned();
                if let Some(unit) = self.units.get_mut(&unit) {
                    unit.stale = true;
                } else if r.path.as_str().starts_with("/etc/systemd/system/") {
                    let fresh = Unit { active: "inactive", enabled: false, stale: false, slow: 0, bad: false };
                    self.units.insert(unit, fresh);
                }
                OpOutput::Done
            }
            other => panic!("{other}"),
        }
    }

    fn program(&mut self, program: &str, args: &[&str]) -> OpOutput {
        let units: Vec<&str> = args.iter().copied().skip_while(|a| *a != "--").skip(1).collect();
        match (program, args.first().copied()) {
            ("systemctl", Some("show")) => {
                self.shows += 1;
                let blocks: Vec<String> = units.iter().map(|unit| self.show(unit)).collect();
                OpOutput::exited(0, &blocks.join("\n"), "")
            }
            ("journalctl", _) => OpOutput::exited(0, "badd: cannot open its socket\n", ""),
            ("systemctl", Some("daemon-reload")) => {
                self.calls.push("daemon-reload".into());
                if self.reload == 0 {
                    self.units.values_mut().for_each(|unit| unit.stale = false);
                }
                OpOutput::exited(self.reload, "", "")
            }
            ("systemctl", Some(verb)) => {
                self.calls.push(format!("{verb} {}", units.join(" ")));
                let Some(unit) = units.first().and_then(|name| self.units.get_mut(*name)) else {
                    return OpOutput::exited(5, "", "Unit not found.");
                };
                match verb {
                    "start" | "restart" | "reload-or-restart" if unit.bad => unit.active = "failed",
                    "start" | "restart" if unit.slow > 0 => unit.active = "activating",
                    "start" | "restart" | "reload-or-restart" => unit.active = "active",
                    "stop" => unit.active = "inactive",
                    "reset-failed" => unit.active = "inactive",
                    "enable" => unit.enabled = true,
                    "disable" => unit.enabled = false,
                    other => panic!("{other}"),
                }
                OpOutput::exited(0, "", "")
            }
            other => panic!("{other:?}"),
        }
    }

    fn show(&mut self, name: &str) -> String {
        let Some(unit) = self.units.get_mut(name) else {
            return format!("Id={name}\nLoadState=not-found\nActiveState=inactive\nSubState=dead\nUnitFileState=\n");
        };
        let active = unit.active;
        if active == "activating" {
            unit.slow = unit.slow.saturating_sub(1);
            if unit.slow == 0 {
                unit.active = "active";
            }
        }
        let enabled = if unit.enabled { "enabled" } else { "disabled" };
        let stale = if unit.stale { "yes" } else { "no" };
        format!(
            "Result=exit-code\nId={name}\nNames={name}\nLoadState=loaded\nActiveState={active}\nSubState=x\n\
             UnitFileState={enabled}\nNeedDaemonReload={stale}\n"
        )
    }

    fn run(&mut self, resources: &str, dry_run: bool) -> Arc<RunReport> {
        self.run_on(&Linux, resources, dry_run)
    }

    fn run_on(&mut self, host: &'static dyn Host, resources: &str, dry_run: bool) -> Arc<RunReport> {
        let text = format!("name: c\nresources:\n{resources}");
        let envoys = "envoys: [{match: '*', configcrates: [c]}]\n";
        let sources = Sources::read(&Tree::from_texts([("configcrates/c.vgo", text.as_str()), ("envoys.vgo", envoys)]));
        let config = Config::read(&sources);
        let resolved = resolve::resolve(&config, "h", None);
        let bundle =
            resolved.unwrap_or_else(|d| panic!("{:?}", d.iter().map(|d| &d.message).collect::<Vec<_>>())).bundle;
        let options = Options {
            dry_run,
            only: Vec::new(),
            envoy: Default::default(),
            clock: self.now.civil(0),
            triggers: self.triggers.clone(),
            snapshots: Vec::new(),
            revert_commands: Vec::new(),
            proofs: None,
            entropy: Vec::new(),
            seed: 1,
        };
        let facts = HostFacts { init: Init::Systemd, now: self.now, ..HostFacts::default() };
        let traits = TraitSet::from_value(Value::map([("os", Value::map([("family", Value::text("debian"))]))]));
        let mut converge = Converge::new(Arc::new(bundle), traits.expect("traits"), host, facts, options);
        self.calls.clear();
        self.shows = 0;
        for _ in 0..10_000 {
            let Ok(step) = catch_unwind(AssertUnwindSafe(|| converge.poll(self.now))) else {
                converge.abandon("it panicked");
                continue;
            };
            match step {
                Step::Run(ops) => {
                    for (id, op) in ops {
                        if self.cancelled_on.is_some_and(|text| op.to_string().contains(text)) {
                            converge.cancel();
                        }
                        let output = self.perform(&op);
                        converge.handle_output(id, output, self.now);
                    }
                }
                Step::Store(records) => {
                    for record in records {
                        match record {
                            Record::Trigger(t) => self.triggers.push(t),
                            Record::TriggerDone { source, target } => {
                                self.triggers.retain(|t| (&t.source, &t.target) != (&source, &target));
                            }
                            _ => {}
                        }
                    }
                    converge.handle_stored();
                }
                Step::WaitUntil { at, .. } => {
                    self.now = at;
                    converge.handle_timeout(at);
                }
                Step::Done(report) => return report,
                Step::Resolve(_) | Step::Waiting => panic!("nothing of this is asked for here"),
            }
        }
        panic!("the run does not end");
    }
}

fn meta() -> Metadata {
    let OpOutput::File { meta, .. } = OpOutput::file("") else { panic!("a file") };
    Metadata { kind: FileKind::File, ..meta }
}

fn find<'a>(report: &'a RunReport, name: &str) -> &'a ResourceReport {
    report.resources.iter().find(|r| r.id.ends_with(name)).expect("a resource")
}

fn changes(report: &RunReport) -> Vec<String> {
    let one = |r: &ResourceReport| {
        let changes: Vec<String> = r.changes.iter().map(|c| format!("{} {}>{}", c.field, c.before, c.after)).collect();
        format!("{} {} {}", r.id, r.outcome.word(), changes.join(","))
    };
    report.resources.iter().map(one).collect()
}

const APP: &str = "
  - {name: unit, type: systemd_unit, unit: app.service, enabled: true, content: \"[Service]\\nExecStart=/x\\n[Install]\\nWantedBy=multi-user.target\\n\"}
  - {name: app, type: service, service: app, enabled: true, depends_on: [unit]}
";

#[test]
fn a_plan_of_a_new_unit_and_its_service_predicts_the_run() {
    let mut m = Machine::new(&[]);
    let plan = m.run(APP, true);
    assert!(m.calls.is_empty() && m.files.is_empty(), "a plan changes nothing");
    let apply = m.run(APP, false);
    assert_eq!(changes(&apply), changes(&plan));
    let operations = |r: &RunReport| r.resources.iter().flat_map(|r| r.operations.clone()).collect::<Vec<_>>();
    assert_eq!(operations(&apply), operations(&plan));
    assert_eq!(m.calls, ["enable app.service", "daemon-reload", "start app.service"]);
    let again = m.run(APP, false);
    assert!(again.resources.iter().all(|r| r.outcome == Outcome::Ok), "{:?}", changes(&again));
    assert!(m.calls.is_empty());
}

#[test]
fn many_services_in_sync_cost_one_show() {
    let names: Vec<String> = (0..50).map(|i| format!("s{i}")).collect();
    let units: Vec<(&str, &'static str)> = names.iter().map(|n| (n.as_str(), "active")).collect();
    let mut m = Machine::new(&units);
    let policy: String = names.iter().map(|n| format!("  - {{name: {n}, type: service, service: {n}}}\n")).collect();
    let report = m.run(&policy, false);
    assert!(report.resources.iter().all(|r| r.outcome == Outcome::Ok), "{:?}", changes(&report));
    assert_eq!(m.shows, 1);
}

#[test]
fn a_changed_file_restarts_the_service_once_and_a_start_after_it_counts() {
    let policy = "
  - {name: a, type: file, target_path: /etc/a, content: x, notify: [svc]}
  - {name: b, type: file, target_path: /etc/b, content: x, notify: [svc]}
  - {name: svc, type: service, service: food}
";
    let mut runs = Machine::new(&[("food", "active")]);
    let report = runs.run(policy, false);
    assert_eq!(runs.calls, ["restart food.service"], "once for both files");
    assert!(find(&report, "svc").refreshed);
    assert!(runs.run(policy, false).resources.iter().all(|r| r.outcome == Outcome::Ok));
    let mut stopped = Machine::new(&[("food", "inactive")]);
    stopped.run(policy, false);
    assert_eq!(stopped.calls, ["start food.service"], "it was started after the change");
}

#[test]
fn a_handler_reloads_what_runs_and_leaves_alone_what_does_not() {
    let policy = "
  - {name: conf, type: file, target_path: /etc/a, content: x}
  - {name: reload, type: service, service: food, state: reloaded, subscribes: [conf]}
";
    for (active, calls) in [("active", &["reload-or-restart food.service"][..]), ("inactive", &[])] {
        let mut m = Machine::new(&[("food", active)]);
        m.run(policy, false);
        assert_eq!(m.calls, calls, "{active}");
    }
}

#[test]
fn a_service_on_its_way_is_waited_for_in_virtual_time() {
    let mut m = Machine::new(&[("slow", "inactive")]);
    m.unit("slow").slow = 6;
    let before = m.now;
    let report = m.run("  - {name: s, type: service, service: slow}\n", false);
    assert_eq!(find(&report, "s").outcome, Outcome::Changed);
    assert!(m.now > before, "it took time");
    assert_eq!(m.calls, ["start slow.service"], "and no second start");
}

#[test]
fn a_start_that_fails_later_carries_the_log_and_is_not_tried_twice() {
    let mut m = Machine::new(&[("badd", "inactive")]);
    m.unit("badd").bad = true;
    let report = m.run("  - {name: s, type: service, service: badd}\n", false);
    let s = find(&report, "s");
    assert_eq!(s.outcome, Outcome::Failed);
    assert!(s.log.as_ref().is_some_and(|log| log.contains("cannot open its socket")), "{s:?}");
    assert_eq!(m.calls, ["start badd.service"]);
}

#[test]
fn a_changed_unit_is_loaded_before_its_service_is_restarted() {
    let mut m = Machine::new(&[("food", "active")]);
    m.unit("food").stale = true;
    let policy = "
  - {name: conf, type: file, target_path: /etc/a, content: x, notify: [svc]}
  - {name: svc, type: service, service: food}
";
    m.run(policy, false);
    assert_eq!(m.calls, ["daemon-reload", "restart food.service"]);
}

/// Returns unit files `u0` and so on, each enabled, and a drop-in of the first.
fn units(text: &str, more: &[&str]) -> String {
    let unit = |(i, more): (usize, &&str)| {
        format!(
            "  - {{name: u{i}, type: systemd_unit, unit: u{i}.service, enabled: true{more}, \
             content: \"[Service]\\nExecStart=/{text}\\n[Install]\\nWantedBy=x.target\\n\"}}\n"
        )
    };
    let units: String = more.iter().enumerate().map(unit).collect();
    units + "  - {name: nice, type: systemd_dropin, unit: u0.service, content: \"[Service]\\nNice=5\\n\"}\n"
}

#[test]
fn several_changed_units_cost_one_reload_before_anything_else() {
    let last = "  - {name: svc, type: service, service: u0}\n  - {name: end, type: systemd_unit, unit: z.service, \
                content: \"[Service]\\n\"}\n";
    let policy = units("a", &[""; 3]) + last;
    let mut m = Machine::new(&[]);
    let plan = m.run(&policy, true);
    let apply = m.run(&policy, false);
    let of = |r: &RunReport| {
        let mut all: Vec<_> = r.resources.iter().map(|r| (r.id.clone(), r.operations.clone())).collect();
        all.sort();
        all
    };
    assert_eq!(of(&apply), of(&plan), "each report has the reload that loaded its unit");
    let enabled = ["enable u0.service", "enable u1.service", "enable u2.service"];
    assert_eq!(m.calls, [&enabled[..], &["daemon-reload", "start u0.service", "daemon-reload"]].concat());
    assert!(apply.resources.iter().all(|r| r.outcome == Outcome::Changed), "{:?}", changes(&apply));
    let again = m.run(&policy, false);
    assert!(again.resources.iter().all(|r| r.outcome == Outcome::Ok), "{:?}", changes(&again));
    assert!(m.calls.is_empty());
    assert_eq!(m.shows, 3, "one for the units, one for the drop-ins, one for the services");
}

#[test]
fn a_unit_that_depends_on_another_comes_after_its_reload() {
    let mut m = Machine::new(&[]);
    m.run(&units("a", &["", ", depends_on: [u0]", ""]), false);
    let calls = ["enable u0.service", "daemon-reload", "enable u1.service", "enable u2.service", "daemon-reload"];
    assert_eq!(m.calls, calls);
}

#[test]
fn a_reload_that_fails_fails_all_who_waited_for_it() {
    let mut m = Machine::new(&[]);
    m.reload = 1;
    let report = m.run(&units("a", &["", ""]), false);
    assert_eq!(m.calls, ["enable u0.service", "enable u1.service", "daemon-reload"]);
    for r in &report.resources {
        assert_eq!(
            (r.outcome.clone(), r.cause.as_deref()),
            (Outcome::Failed, Some("`systemctl daemon-reload`: exit 1"))
        );
    }
    // What was left unloaded is loaded by the next run.
    m.reload = 0;
    m.units.values_mut().for_each(|unit| unit.stale = true);
    let report = m.run(&units("a", &["", ""]), false);
    assert_eq!(m.calls, ["daemon-reload"]);
    assert!(report.resources.iter().all(|r| r.outcome == Outcome::Changed), "{:?}", changes(&report));
}

#[test]
fn a_cancelled_run_loads_the_units_that_it_has_written() {
    let policy = units("a", &["", ""]) + "  - {name: end, type: file, target_path: /etc/end, content: x}\n";
    let outcomes = |m: &mut Machine| -> Vec<String> {
        let report = m.run(&policy, false);
        report.resources.iter().map(|r| format!("{} {} {:?}", r.id, r.outcome.word(), r.cause)).collect()
    };
    let cancelled = "Some(\"the run was cancelled before it was changed\")";
    let not_begun = "Some(\"the run was cancelled before its turn\")";
    // While the next is looked at.
    let mut m = Machine::new(&[]);
    m.cancelled_on = Some("override.conf");
    let expected = [
        format!("c/nice skipped {cancelled}"),
        "c/u0 changed None".into(),
        "c/u1 changed None".into(),
        format!("c/end skipped {not_begun}"),
    ];
    assert_eq!(outcomes(&mut m), expected);
    assert_eq!(m.calls, ["enable u0.service", "enable u1.service", "daemon-reload"]);
    assert!(!m.files.contains_key("/etc/end") && m.triggers.is_empty(), "{:?}", m.triggers);
    // While the next is written: it alone is half done, and what is left of it is done by the next run.
    let mut m = Machine::new(&[]);
    m.cancelled_on = Some("write /etc/systemd/system/u1.service");
    let cut = "Some(\"the run was cancelled between two of its operations\")";
    let expected = [
        format!("c/u1 failed {cut}"),
        "c/u0 changed None".into(),
        format!("c/nice skipped {not_begun}"),
        format!("c/end skipped {not_begun}"),
    ];
    assert_eq!(outcomes(&mut m), expected);
    assert_eq!(m.calls, ["enable u0.service", "daemon-reload"]);
    m.cancelled_on = None;
    let again = outcomes(&mut m);
    assert!(again.iter().all(|line| line.ends_with(" None")), "{again:?}");
    assert_eq!(m.calls, ["enable u1.service", "daemon-reload"]);
}

#[test]
fn a_run_that_is_cancelled_by_the_reload_ends_what_waited_for_it() {
    let mut m = Machine::new(&[]);
    m.cancelled_on = Some("daemon-reload");
    let report = m.run(&units("a", &["", ""]), false);
    assert!(report.resources.iter().all(|r| r.outcome == Outcome::Changed), "{report:#?}");
    assert_eq!(m.calls, ["enable u0.service", "enable u1.service", "daemon-reload"]);
    assert!(m.triggers.is_empty());
}

#[test]
fn a_start_that_failed_does_not_count_as_one() {
    let policy = "
  - {name: conf, type: file, target_path: /etc/a, content: x}
  - {name: svc, type: service, service: food}
  - {name: restart, type: service, service: food, state: restarted, subscribes: [conf]}
";
    let mut m = Machine::new(&[("food", "inactive")]);
    m.unit("food").bad = true;
    let report = m.run(policy, false);
    assert_eq!(find(&report, "svc").outcome, Outcome::Failed);
    assert_eq!(find(&report, "restart").outcome, Outcome::Failed, "{:?}", changes(&report));
    assert_eq!(m.triggers.iter().filter(|t| t.fired).count(), 1, "kept for a run in which it succeeds");
}

#[test]
fn what_was_restarted_triggers_in_turn() {
    let policy = "
  - {name: conf, type: file, target_path: /etc/a, content: x, notify: [first]}
  - {name: first, type: service, service: food, notify: [second]}
  - {name: second, type: service, service: drink}
";
    let mut m = Machine::new(&[("food", "active"), ("drink", "active")]);
    let report = m.run(policy, false);
    assert_eq!(m.calls, ["restart food.service", "restart drink.service"], "{:?}", changes(&report));
    let mut m = Machine::new(&[("food", "active"), ("drink", "active")]);
    assert!(find(&m.run(policy, true), "second").refreshed, "a plan says so");
}

#[test]
fn waiting_is_no_part_of_the_time_that_operations_may_take() {
    let mut m = Machine::new(&[("slow", "activating")]);
    m.unit("slow").slow = 8;
    let report = m.run("  - {name: s, type: service, service: slow, enabled: true, timeout: 2s}\n", false);
    assert_eq!(find(&report, "s").outcome, Outcome::Changed, "{:?}", find(&report, "s").cause);
    assert_eq!(m.calls, ["enable slow.service"]);
}

/// A host with a mistake in it.
struct Broken;

impl Host for Broken {
    fn name(&self) -> &'static str {
        "broken"
    }

    fn capabilities(&self) -> &'static [Capability] {
        &[]
    }

    fn service(&self, _: &HostFacts) -> Result<&'static dyn Adapter<Service>, Problem> {
        panic!("on purpose")
    }
}

#[test]
fn a_panic_before_the_turns_fails_its_resource_alone() {
    let policy = "
  - {name: svc, type: service, service: food}
  - {name: needs, type: file, target_path: /etc/a, content: x, depends_on: [svc]}
  - {name: free, type: file, target_path: /etc/b, content: x}
";
    let mut m = Machine::new(&[("food", "active")]);
    let report = m.run_on(&Broken, policy, false);
    let of = |name: &str| find(&report, name).outcome.word();
    assert_eq!([of("svc"), of("needs"), of("free")], ["failed", "skipped", "changed"], "{report:?}");
    assert!(find(&report, "svc").cause.as_ref().is_some_and(|c| c.contains("internal error: it panicked")));
}

#[test]
fn what_is_below_a_mount_to_come_is_not_known() {
    let policy = "
  - {name: disk, type: mount, path: /data, device: /dev/sdb1, fstype: ext4}
  - {name: f, type: file, target_path: /data/f, content: x}
";
    let mut m = Machine::new(&[]);
    for dir in ["/", "/etc"] {
        m.files.insert(dir.into(), String::new());
    }
    m.files.insert("/etc/fstab".into(), String::new());
    m.files.insert("/proc/self/mountinfo".into(), "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n".into());
    let report = m.run(policy, true);
    assert_eq!(find(&report, "disk").outcome, Outcome::Changed, "{report:?}");
    assert!(
        matches!(&find(&report, "f").outcome, Outcome::Unknown { because } if &**because == "c/disk"),
        "{report:?}"
    );
}

#[test]
fn what_is_on_its_way_is_looked_at_anew_also_among_others() {
    let mut m = Machine::new(&[("slow", "activating"), ("food", "active")]);
    m.unit("slow").slow = 3;
    let policy = "
  - {name: s, type: service, service: slow}
  - {name: f, type: service, service: food}
";
    let report = m.run(policy, false);
    assert_eq!(changes(&report), ["c/s ok ", "c/f ok "]);
}
