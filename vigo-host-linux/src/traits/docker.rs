//! `docker`: whether it is there and runs.

use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::see::{See, fields, int, run, some, stat};
use vigo_core::traits::{Collector, Found, Machine};
use vigo_core::value::Value;

pub(super) const COLLECTOR: Collector = Collector::slow("docker", probe, interpret);

pub(super) const DOCKER: &str = "/usr/bin/docker";
pub(super) const SOCKET: &str = "/run/docker.sock";
const INFO: &[&str] = &["info", "--format", "{{.ServerVersion}} {{.Containers}} {{.Images}}"];

fn probe(_: &Machine) -> Vec<Op> {
    alloc::vec![stat(DOCKER), stat(SOCKET)]
}

fn interpret(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let installed = see.exists(DOCKER);
    // Asking through a client without a server takes long to fail.
    if !installed || !see.exists(SOCKET) {
        let flags = [("installed", Some(Value::Bool(installed))), ("running", Some(Value::Bool(false)))];
        return Ok(Found::Value(fields(flags)));
    }
    let open = see.open(alloc::vec![run(DOCKER, INFO)]);
    if !open.is_empty() {
        return Ok(Found::Ask(open));
    }
    let info = see.output(DOCKER, INFO);
    let mut words = info.as_deref().unwrap_or_default().split_whitespace();
    let version = words.next();
    let mut number = || words.next().and_then(|n| n.parse().ok()).map(int);
    Ok(Found::Value(fields([
        ("installed", Some(Value::Bool(true))),
        ("running", Some(Value::Bool(version.is_some()))),
        ("version", version.and_then(some)),
        ("containers", number()),
        ("images", number()),
    ])))
}
