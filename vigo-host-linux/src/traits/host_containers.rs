//! `host_containers`: the containers of this machine.

use super::docker::{DOCKER, SOCKET};
use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::see::{See, fields, run, some, stat};
use vigo_core::traits::{Collector, Found, Machine};
use vigo_core::value::Value;

pub(super) const COLLECTOR: Collector = Collector::slow("host_containers", probe, interpret);

const LIST: &[&str] = &["ps", "--all", "--quiet", "--no-trunc"];
const FORMAT: &str = "{{.Name}}\t{{.Config.Image}}\t{{.Image}}\t{{.State.Status}}\t\
    {{if .State.Health}}{{.State.Health.Status}}{{end}}\t{{.RestartCount}}\t{{.State.OOMKilled}}";

/// Containers that are asked about.
const CONTAINERS_MAX: usize = 500;

fn probe(_: &Machine) -> Vec<Op> {
    alloc::vec![stat(DOCKER), stat(SOCKET)]
}

fn interpret(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    if !see.exists(DOCKER) || !see.exists(SOCKET) {
        return Ok(Found::Absent);
    }
    let open = see.open(alloc::vec![run(DOCKER, LIST)]);
    if !open.is_empty() {
        return Ok(Found::Ask(open));
    }
    let ids = see.output(DOCKER, LIST)?;
    let ids: Vec<&str> = ids.split_whitespace().take(CONTAINERS_MAX).collect();
    if ids.is_empty() {
        return Ok(Found::Value(Value::list([])));
    }
    let args: Vec<&str> = ["inspect", "--format", FORMAT].into_iter().chain(ids).collect();
    let open = see.open(alloc::vec![run(DOCKER, &args)]);
    if !open.is_empty() {
        return Ok(Found::Ask(open));
    }
    let text = see.output(DOCKER, &args[..3])?;
    Ok(Found::Value(Value::list(text.lines().filter_map(container))))
}

fn container(line: &str) -> Option<Value> {
    let columns: Vec<&str> = line.split('\t').collect();
    let [name, image, image_id, state, health, restarts, oom] = columns.as_slice() else { return None };
    Some(fields([
        ("name", some(name.trim_start_matches('/'))),
        ("image", some(image)),
        ("image_id", some(image_id)),
        ("state", some(state)),
        ("health", some(health)),
        ("restart_count", restarts.parse().ok().map(Value::Int)),
        ("oom_killed", oom.parse().ok().map(Value::Bool)),
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_container() {
        let seen = container("/web\tnginx:1\tsha256:ab\trunning\t\t2\tfalse").unwrap();
        assert_eq!(seen.at("name"), Some(&"web".into()));
        assert_eq!((seen.at("health"), seen.at("restart_count")), (None, Some(&Value::Int(2))));
        assert_eq!(container("cut\tshort"), None);
    }
}
