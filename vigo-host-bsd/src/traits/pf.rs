//! The packet filter of OpenBSD and FreeBSD, pfctl(8).

use alloc::string::{String, ToString};
use vigo_core::action::Op;
use vigo_core::traits::Found;
use vigo_core::traits::see::{See, fields, run, some};
use vigo_core::value::Value;

const PFCTL: &str = "/sbin/pfctl";
const INFO: &[&str] = &["-s", "info"];
const RULES: &[&str] = &["-s", "rules"];

/// Returns what to ask.
pub(crate) fn ask() -> [Op; 2] {
    [run(PFCTL, INFO), run(PFCTL, RULES)]
}

/// Returns area `firewall`, if the filter is in the kernel and `must` be told of: also when it is switched off.
///
/// # Errors
/// A fragment, when it does not say whether it filters.
pub(crate) fn firewall(see: See<'_>, must: bool) -> Result<Option<Found>, String> {
    let ran = see.ran(PFCTL, INFO);
    if ran.is_some_and(|ran| !ran.success() && ran.err().contains("/dev/pf: No such file")) {
        return Ok(None);
    }
    let text = see.output(PFCTL, INFO)?;
    let status = text.lines().find_map(|line| line.trim().strip_prefix("Status:")?.split_whitespace().next());
    match status {
        Some("Enabled") => {}
        Some("Disabled") if must => return Ok(Some(found("pf", false, "accept", "accept"))),
        Some("Disabled") => return Ok(None),
        _ => return Err("`pfctl` does not say whether it filters".into()),
    }
    let rules = see.output(PFCTL, RULES)?;
    Ok(Some(found("pf", true, &policy(&rules, "in"), &policy(&rules, "out"))))
}

/// Returns area `firewall`.
pub(crate) fn found(backend: &str, active: bool, input: &str, output: &str) -> Found {
    Found::Value(fields([
        ("backend", some(backend)),
        ("active", Some(Value::Bool(active))),
        ("default_in", some(input)),
        ("default_out", some(output)),
    ]))
}

/// Returns what becomes of packets of a direction that no narrower rule meets: the last rule for all of them counts,
/// pf.conf(5), and without one they pass.
fn policy(rules: &str, direction: &str) -> String {
    let mut policy = "accept";
    for line in rules.lines() {
        let mut words = line.split_whitespace();
        let mut action = match words.next() {
            Some("block") => "drop",
            Some("pass") => "accept",
            _ => continue,
        };
        let mut rest = words.by_ref().take_while(|word| *word != "all");
        let is_wide = rest.all(|word| {
            if matches!(word, "return" | "return-rst" | "return-icmp") {
                action = "reject";
            }
            matches!(word, "return" | "drop" | "log" | "quick") || word == direction
        });
        // Only state and flags may follow: other words make it narrow.
        let narrow = words.any(|word| !matches!(word, "flags" | "S/SA" | "keep" | "no" | "state" | "any"));
        if is_wide && !narrow && line.split_whitespace().any(|word| word == "all") {
            policy = action;
        }
    }
    policy.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_rule_for_all_counts() {
        for (rules, input, output) in [
            ("", "accept", "accept"),
            (
                "block return all\npass all flags S/SA\nblock return in on ! lo0 proto tcp from any to any port = 6000\n",
                "accept",
                "accept",
            ),
            (
                "block drop all\npass out all flags S/SA keep state\npass in proto tcp from any to any port = 22 flags S/SA\n",
                "drop",
                "accept",
            ),
            ("block return in log all\n", "reject", "accept"),
            ("block drop in on em0 all\n", "accept", "accept"),
            ("block drop inet6 all\n", "accept", "accept"),
            ("block drop\npass\n", "accept", "accept"),
        ] {
            assert_eq!((&*policy(rules, "in"), &*policy(rules, "out")), (input, output), "{rules}");
        }
    }

    #[test]
    fn a_filter_that_is_not_there_is_another_thing_than_one_that_is_off() {
        use alloc::sync::Arc;
        use vigo_core::action::{OpOutput, Outputs};
        let seen = |code, out: &str, err: &str| {
            let mut outputs = Outputs::default();
            outputs.push(run(PFCTL, INFO), Arc::new(OpOutput::exited(code, out, err)));
            outputs.push(run(PFCTL, RULES), Arc::new(OpOutput::exited(0, "block drop all\n", "")));
            firewall(See(&outputs), true)
        };
        assert_eq!(
            seen(0, "Status: Enabled for 0 days 01:00:00   Debug: Urgent\n", ""),
            Ok(Some(found("pf", true, "drop", "drop")))
        );
        assert_eq!(seen(0, "Status: Disabled\n", ""), Ok(Some(found("pf", false, "accept", "accept"))));
        assert_eq!(seen(1, "", "pfctl: /dev/pf: No such file or directory\n"), Ok(None));
        assert!(seen(1, "", "pfctl: /dev/pf: Permission denied\n").is_err() && seen(0, "", "").is_err());
    }
}
