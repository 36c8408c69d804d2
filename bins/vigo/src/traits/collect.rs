//! Runs collectors: the quick ones at once, the others side by side, each with its deadline.

use super::custom;
use super::machine::machine;
use crate::executor::Executor;
use crate::system::host;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};
use vigo_core::action::Outputs;
use vigo_core::bundle::TraitsWanted;
use vigo_core::traits::{Collector, Found, Machine, Place, TraitSet, bounded};
use vigo_core::value::Value;

/// Collectors that run side by side.
const THREADS_MAX: usize = 8;

/// Added to a deadline before a collector is given up: its programs are ended by the deadline itself.
const GRACE: Duration = Duration::from_millis(500);

/// Collects the areas that are wanted. An area whose collector failed is `null`, and named in
/// `agent_self.collectors_failed`; one that this machine does not have is left out.
///
/// With an image, what describes its files is read there, and the rest is the machine's.
pub fn collect(wanted: &TraitsWanted, executor: &mut Executor) -> TraitSet {
    let mut run = Run { set: TraitSet::new(), failed: Vec::new() };
    let on_machine = machine(wanted);
    let chosen = host().collectors().iter().filter(|c| wanted.has(c.area));
    let (quick, slow): (Vec<_>, Vec<_>) = chosen.partition(|c| c.is_quick);
    let (sender, receiver) = channel();
    let mut waiting = slow.into_iter();
    let mut running: Vec<(&'static str, Instant)> = Vec::new();
    let mut start = |running: &mut Vec<(&'static str, Instant)>, run: &mut Run, executor: &Executor| {
        while running.len() < THREADS_MAX
            && let Some(collector) = waiting.next()
        {
            match begin(collector, &on_machine, executor, sender.clone()) {
                Ok(()) => {
                    let deadline = Duration::from_millis(collector.deadline.as_ms());
                    running.push((collector.area, Instant::now() + deadline + GRACE));
                }
                Err(error) => run.take(collector.area, Err(format!("it could not be started: {error}"))),
            }
        }
    };
    start(&mut running, &mut run, executor);
    for collector in quick {
        let answer = contained(|| one(collector, &on_machine, executor));
        run.take(collector.area, answer);
    }
    if wanted.has("custom") {
        let (value, skipped) = custom::collect(executor);
        skipped.iter().for_each(|why| tracing::warn!("custom trait {why}"));
        run.take("custom", Ok(Some(value)));
    }
    while let Some(soonest) = running.iter().map(|(_, until)| *until).min() {
        match receiver.recv_timeout(soonest.saturating_duration_since(Instant::now())) {
            Ok((area, answer)) => {
                // One that was given up may still answer.
                if running.iter().any(|(name, _)| *name == area) {
                    running.retain(|(name, _)| *name != area);
                    run.take(area, answer);
                }
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                let now = Instant::now();
                for (area, _) in running.extract_if(.., |(_, until)| *until <= now) {
                    run.take(area, Err("it took too long".into()));
                }
            }
        }
        start(&mut running, &mut run, executor);
    }
    run.finish(wanted)
}

/// Returns the names of the scripts that stand ready for resources of type `custom`.
pub fn custom_types(executor: &mut Executor) -> Vec<Arc<str>> {
    const AREA: &str = "custom_types";
    let collected = collect(&TraitsWanted::Areas([Arc::from(AREA)].into()), executor);
    let names = collected.value().at(AREA).and_then(Value::as_list).unwrap_or_default();
    let name = |value: &Value| match value {
        Value::Text(text) => Some(text.shared()),
        _ => None,
    };
    names.iter().filter_map(name).collect()
}

/// What an area's collector said: a value, nothing of the kind here, or why it failed.
type Answer = Result<Option<Value>, String>;

struct Run {
    set: TraitSet,
    failed: Vec<&'static str>,
}

impl Run {
    fn take(&mut self, area: &'static str, answer: Answer) {
        let value = match answer {
            Ok(None) => return,
            Ok(Some(value)) => bounded(value),
            Err(why) => {
                tracing::warn!("trait `{area}` could not be collected: {why}");
                self.failed.push(area);
                Value::Null
            }
        };
        if let Err(error) = self.set.insert(area, value) {
            tracing::warn!("trait `{area}`: {error}");
            self.failed.push(area);
        }
    }

    fn finish(mut self, wanted: &TraitsWanted) -> TraitSet {
        if wanted.has("agent_self") {
            let own = self.set.value().at("agent_self").and_then(Value::as_map).cloned();
            let mut own = own.unwrap_or_default();
            self.failed.sort_unstable();
            let failed = Value::list(self.failed.into_iter().map(Value::text));
            own.insert("collectors_failed".into(), failed);
            // invariant: two levels are never too deep.
            let _ = self.set.insert("agent_self", Value::Map(Arc::new(own)));
        }
        self.set
    }
}

fn begin(
    collector: &'static Collector,
    machine: &Machine,
    executor: &Executor,
    sender: Sender<(&'static str, Answer)>,
) -> std::io::Result<()> {
    let mut executor = executor.another()?;
    let machine = machine.clone();
    let collecting = move || {
        let answer = contained(|| one(collector, &machine, &mut executor));
        // Nobody waits any more when it took too long.
        let _ = sender.send((collector.area, answer));
    };
    std::thread::Builder::new().name(format!("trait {}", collector.area)).spawn(collecting).map(drop)
}

/// Collects one area. What an image does not say of itself, its family and its services, is as on the machine: a sandbox
/// is converged with the machine's tools.
fn one(collector: &Collector, machine: &Machine, executor: &mut Executor) -> Answer {
    if !executor.has_image() {
        return rounds(collector, machine, executor);
    }
    if collector.place == Place::Image {
        let image = Machine { is_image: true, ..machine.clone() };
        let answer = rounds(collector, &image, executor)?;
        if answer.is_some() || !matches!(collector.area, "os" | "init") {
            return Ok(answer);
        }
    }
    let mut outside = executor.outside().map_err(|e| e.to_string())?;
    rounds(collector, machine, &mut outside)
}

fn rounds(collector: &Collector, machine: &Machine, executor: &mut Executor) -> Answer {
    let mut outputs = Outputs::default();
    let mut ops = (collector.probe)(machine);
    for _ in 0..Collector::ROUNDS_MAX {
        for op in ops {
            let output = executor.perform(&op);
            outputs.push(op, Arc::new(output));
        }
        match (collector.interpret)(machine, &outputs)? {
            Found::Value(value) => return Ok(Some(value)),
            Found::Absent => return Ok(None),
            Found::Ask(more) => ops = more,
        }
    }
    Err(format!("it asked more than {} times", Collector::ROUNDS_MAX))
}

fn contained(collect: impl FnOnce() -> Answer) -> Answer {
    catch_unwind(AssertUnwindSafe(collect)).unwrap_or_else(|_| Err("it panicked".into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::executor::ExecutorOptions;
    use std::collections::BTreeSet;
    use vigo_core::traits::{Lookup, TraitKind, areas, declared};

    fn executor() -> Executor {
        Executor::new(ExecutorOptions::default()).unwrap()
    }

    fn areas_of(names: &[&str]) -> TraitsWanted {
        TraitsWanted::Areas(names.iter().map(|n| Arc::from(*n)).collect::<BTreeSet<_>>())
    }

    #[test]
    fn this_machine_has_what_the_table_declares() {
        let set = collect(&TraitsWanted::all_but_scans(), &mut executor());
        let map = set.value().as_map().unwrap();
        for area in ["os", "time", "uptime", "memory", "hardware", "init", "virtualization", "accounts", "network"] {
            assert!(matches!(set.get(area), Lookup::Present(_)), "{area}");
        }
        let mut open: Vec<(String, &Value)> = map.iter().map(|(k, v)| (k.to_string(), v)).collect();
        while let Some((path, value)) = open.pop() {
            match value {
                Value::Map(map) => open.extend(map.iter().map(|(k, v)| (format!("{path}.{k}"), v))),
                Value::List(items) => open.extend(items.iter().enumerate().map(|(i, v)| (format!("{path}.{i}"), v))),
                Value::Null => {}
                leaf => {
                    let is_custom = path.starts_with("custom.") || path.ends_with(".truncated");
                    let fits = match (declared(&path), leaf) {
                        (Some(TraitKind::Text | TraitKind::Time), Value::Text(_)) => true,
                        (Some(TraitKind::Int), Value::Int(_)) => true,
                        (Some(TraitKind::Float), Value::Float(_)) => true,
                        (Some(TraitKind::Bool), Value::Bool(_)) => true,
                        _ => is_custom,
                    };
                    assert!(fits, "{path} is declared {:?}, found a {}", declared(&path), leaf.kind());
                }
            }
        }
        assert!(map.keys().all(|k| &**k == "custom" || areas().iter().any(|a| a.name == &**k)));
        assert!(matches!(set.get("agent_self.collectors_failed"), Lookup::Present(Value::List(_))));
    }

    #[test]
    fn only_what_is_wanted_is_collected() {
        let set = collect(&areas_of(&["os", "init", "virtualization"]), &mut executor());
        let names: Vec<_> = set.value().as_map().unwrap().keys().map(|k| k.to_string()).collect();
        assert_eq!(names, ["init", "os", "virtualization"]);
    }

    #[test]
    fn an_image_describes_its_own_files() {
        let dir = std::env::temp_dir().join(format!("vigo-image-{}", std::process::id()));
        std::fs::create_dir_all(dir.join("etc")).unwrap();
        std::fs::create_dir_all(dir.join("sbin")).unwrap();
        let options = ExecutorOptions { root: Some(dir.clone()), ..ExecutorOptions::default() };
        let wanted = areas_of(&["os", "init", "virtualization"]);
        let outside = collect(&wanted, &mut executor());
        let empty = collect(&wanted, &mut Executor::new(options.clone()).unwrap());
        assert_eq!(empty.get("os.distro"), outside.get("os.distro"), "an empty sandbox is as the machine");
        std::fs::write(dir.join("etc/os-release"), "ID=alpine\nVERSION_ID=3.20.1\n").unwrap();
        std::fs::write(dir.join("sbin/openrc"), "").unwrap();
        let seen = collect(&wanted, &mut Executor::new(options).unwrap());
        let _ = std::fs::remove_dir_all(&dir);
        assert_eq!(seen.get("os.family"), Lookup::Present(&"alpine".into()));
        assert_eq!(seen.get("init.manager"), Lookup::Present(&"openrc".into()));
        assert_eq!(seen.get("virtualization"), outside.get("virtualization"));
    }

    /// The areas by which adapters are chosen are collected before anything else: a few files, and no program.
    #[cfg(target_os = "linux")]
    #[test]
    fn what_every_run_needs_is_quick() {
        for area in ["os", "init", "virtualization", "time"] {
            let collector = host().collectors().iter().find(|c| c.area == area).unwrap();
            assert!(collector.is_quick, "{area}");
        }
    }
}
