//! A whole run on a machine that answers anything.

use crate::input::choice;
use crate::machine::{policy, run};
use vigo_core::host::Init;

/// Runs the policy of all types: every resource is reported once, the run ends, no secret is shown, and a plan changes
/// nothing.
pub fn converge(data: &[u8]) {
    let Some((first, rest)) = choice(data) else { return };
    let init = match first & 3 {
        0 | 1 => Init::Systemd,
        2 => Init::OpenRc,
        _ => Init::SysV,
    };
    let report = run(rest, &vigo_host_linux::Linux, init, Vec::new(), first & 4 != 0);
    assert_eq!(report.resources.len(), policy().resources.len(), "every resource is reported once");
}
