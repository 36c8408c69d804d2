//! What is printed.

use crate::count::Counts;
use crate::profile::Profile;
use serde_json::{Value, json};

/// Returns the counts as they are now.
pub fn line(counts: &Counts, profile: Profile, is_end: bool) -> Value {
    let seconds = |ms: u64| ms as f64 / 1000.0;
    let elapsed = seconds(counts.elapsed_ms());
    let (converging, pause) = counts.convergence();
    let mark = counts.since_mark();
    let name = match profile {
        Profile::Poll => "poll",
        Profile::Report => "report",
    };
    let mut line = json!({
        "seconds": elapsed,
        "profile": name,
        "envoys": counts.envoys(),
        "enrolments": counts.enrolments.get(),
        "check_ins": counts.check_ins.get(),
        "failures": counts.failures.get(),
        "refusals": counts.refusals.get(),
        "not_believed": counts.not_believed.get(),
        "policies": counts.policies.get(),
        "runs": counts.runs.get(),
        "reports_made": counts.reports_made.get(),
        "reports_taken": counts.reports_taken.get(),
        "reports_lost": counts.reports_lost.get(),
        "ledger_failures": counts.ledger_failures.get(),
        "converging": converging,
        "longest_pause": seconds(pause),
        "since_mark": {
            "seconds": seconds(mark.ago),
            "answered": mark.machines,
            "first": mark.first.map(seconds),
            "all": mark.all.map(seconds),
        },
        "trouble": counts.last_trouble(),
    });
    if is_end {
        line["end"] = true.into();
        line["check_ins_per_second"] = (counts.check_ins.get() as f64 / elapsed).into();
        line["reports_per_second"] = (counts.reports_taken.get() as f64 / elapsed).into();
    }
    line
}
