//! `kernel`, `firewall`: modstat(8), npfctl(8).

use crate::traits::pf::found;
use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::Outputs;
use vigo_core::traits::see::{See, fields, run, sorted};
use vigo_core::traits::{Collector, Found, Machine};

pub(super) const KERNEL: Collector = Collector::slow("kernel", |_| alloc::vec![run(MODSTAT, &[])], kernel);
pub(super) const FIREWALL: Collector = Collector::slow("firewall", |_| alloc::vec![run(NPFCTL, SHOW)], firewall);

const MODSTAT: &str = "/usr/bin/modstat";
const NPFCTL: &str = "/sbin/npfctl";
const SHOW: &[&str] = &["show"];

/// Reads `NAME CLASS SOURCE FLAG REFS SIZE REQUIRES`. What is built in is no module.
fn kernel(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let text = See(outputs).output(MODSTAT, &[])?;
    if !text.starts_with("NAME") {
        return Err("`modstat` says no modules".into());
    }
    let name = |line: &'_ str| -> Option<usize> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [name, _, "boot" | "filesys", ..] = words[..] else { return None };
        Some(name.len())
    };
    let names = text.lines().skip(1).filter_map(|line| line.get(..name(line)?));
    Ok(Found::Value(fields([("modules", Some(sorted(names)))])))
}

/// `# filtering:    active`. What becomes of the rest stands in groups of rules, which are not read.
fn firewall(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    // Without the module of the kernel there is a node, and nothing behind it.
    if see.ran(NPFCTL, SHOW).is_some_and(|ran| !ran.success() && ran.err().contains("not configured")) {
        return Ok(found("none", false, "accept", "accept"));
    }
    let text = see.output(NPFCTL, SHOW)?;
    let state = text.lines().find_map(|line| line.trim_start_matches(['#', ' ', '\t']).strip_prefix("filtering:"));
    match state.map(str::trim) {
        Some("active") => Ok(found("npf", true, "", "")),
        Some("inactive") => Ok(found("npf", false, "accept", "accept")),
        _ => Err("`npfctl` does not say whether it filters".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::sync::Arc;
    use vigo_core::action::OpOutput;
    use vigo_core::sim::answers;
    use vigo_core::value::Value;

    #[test]
    fn what_is_built_in_is_no_module() {
        let text = "NAME             CLASS    SOURCE   FLAG  REFS    SIZE REQUIRES\naccf_dataready   misc     builtin  -        0       0 -\n\
            nfs              vfs      filesys  -        0  147216 -\nzfs              vfs      boot     a        0 2000000 solaris\n";
        let Ok(Found::Value(seen)) = kernel(&Machine::default(), &answers(&[("run /usr/bin/modstat", text)])) else {
            panic!("expected a value")
        };
        assert_eq!(seen.at("modules"), Some(&sorted(["nfs", "zfs"])));
        assert!(kernel(&Machine::default(), &answers(&[("run /usr/bin/modstat", "")])).is_err());
    }

    #[test]
    fn a_filter_filters_or_is_not_there() {
        let seen = |code, out: &str, err: &str| {
            let mut outputs = Outputs::default();
            outputs.push(run(NPFCTL, SHOW), Arc::new(OpOutput::exited(code, out, err)));
            firewall(&Machine::default(), &outputs)
        };
        let active = |found: Result<Found, String>| match found {
            Ok(Found::Value(value)) => value.at("active").cloned(),
            _ => None,
        };
        assert_eq!(active(seen(0, "# filtering:\tactive\n# config:\tloaded\n", "")), Some(Value::Bool(true)));
        assert_eq!(active(seen(0, "# filtering:\tinactive\n", "")), Some(Value::Bool(false)));
        assert_eq!(
            active(seen(1, "", "npfctl: cannot open '/dev/npf': Device not configured\n")),
            Some(Value::Bool(false))
        );
        assert_eq!(active(seen(0, "", "")), None);
    }
}
