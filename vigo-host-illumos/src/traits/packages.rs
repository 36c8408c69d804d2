//! `packages`, `repositories`: what IPS has installed, and from where.

use crate::package::{PKG, listed};
use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Command, Op, Outputs};
use vigo_core::time::Duration;
use vigo_core::traits::see::See;
use vigo_core::traits::{Collector, Found, Machine, form};

pub(super) const PACKAGES: Collector = Collector::slow("packages", probe, interpret).within(Duration::from_secs(30));
pub(super) const REPOSITORIES: Collector = Collector::slow(
    "repositories",
    |_| alloc::vec![Op::Run(Command::read(PKG, PUBLISHERS.iter().copied()))],
    repositories,
)
.within(Duration::from_secs(30));

/// A table apart by tabs, below its heading.
const PUBLISHERS: &[&str] = &["publisher", "-F", "tsv"];
const LIST: [&str; 2] = ["list", "-Hv"];

fn probe(_: &Machine) -> Vec<Op> {
    alloc::vec![Op::Run(Command::read(PKG, LIST).output_bytes_max(16 << 20))]
}

fn interpret(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let text = See(outputs).output(PKG, &LIST)?;
    let all = listed(&text);
    let installed: Vec<_> = all.iter().filter(|p| p.installed && !p.obsolete).collect();
    if installed.is_empty() {
        return Err("`pkg list` tells of nothing that is installed".into());
    }
    Ok(form::packages("ips", installed.iter().map(|p| (p.name.clone(), p.version.clone()))))
}

/// A publisher has a line for each of its origins, or one without.
fn repositories(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let text = See(outputs).output(PKG, PUBLISHERS)?;
    let mut lines = text.lines().skip_while(|line| !line.starts_with("PUBLISHER\t"));
    let head: Vec<&str> = lines.next().ok_or("`pkg publisher` has no heading")?.split('\t').collect();
    let column = |name: &str| head.iter().position(|column| *column == name);
    let (Some(enabled), Some(uri)) = (column("ENABLED"), column("URI")) else {
        return Err("`pkg publisher` has no columns `ENABLED` and `URI`".into());
    };
    let one = |line: &'_ str| -> (String, String, bool) {
        let cells: Vec<&str> = line.split('\t').collect();
        let cell = |at: usize| cells.get(at).copied().unwrap_or_default();
        (cell(0).into(), cell(uri).into(), cell(enabled) != "false")
    };
    let all: Vec<(String, String, bool)> = lines.filter(|line| !line.trim().is_empty()).map(one).collect();
    Ok(form::repositories(all.iter().map(|(name, url, enabled)| (&**name, &**url, *enabled))))
}
