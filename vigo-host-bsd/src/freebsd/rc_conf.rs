//! Variables of rc.conf(5), by sysrc(8).

use crate::answer::{change, look, ran, said, text};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, Op, Outputs};

const SYSRC: &str = "/usr/sbin/sysrc";

/// Files of one start script alone, which win over rc.conf(5) and are none of sysrc's.
fn own_files(name: &str) -> [AbsPath; 2] {
    [AbsPath::known("/usr/local/etc/rc.conf.d").join(name), AbsPath::known("/etc/rc.conf.d").join(name)]
}

/// Returns the reads of a variable that the start script of the same name uses.
pub(super) fn probe(name: &str) -> Vec<Op> {
    own_files(name).iter().map(Op::read_file).chain([look(SYSRC, &["-qn", name])]).collect()
}

/// Returns the variable's value; `None` when nothing sets it.
///
/// # Errors
/// A fragment, when that cannot be known.
pub(super) fn value(name: &str, outputs: &Outputs) -> Result<Option<Arc<str>>, String> {
    for file in own_files(name) {
        let content = text(outputs, &file).unwrap_or_else(|| Err(format!("`{file}` was not read")))?;
        let sets = |line: &str| line.trim_start().strip_prefix(name).is_some_and(|rest| rest.starts_with('='));
        if content.lines().any(sets) {
            return Err(format!("`{file}` sets `{name}`, and wins over rc.conf: move the line to `/etc/rc.conf`"));
        }
    }
    let (ran, code) = ran(outputs, &look(SYSRC, &["-qn", name])).unwrap_or_else(|| Err("sysrc was not run".into()))?;
    match (code, ran.out().trim()) {
        (_, _) if ran.truncated => Err("sysrc printed more than is kept".into()),
        (0, value) if value.lines().count() <= 1 => Ok(Some(value.into()).filter(|v: &Arc<str>| !v.is_empty())),
        // Quiet: the name is not known. A broken line of rc.conf(5) is heard in every call.
        (1, "") if ran.err().lines().all(|line| line.trim().is_empty() || line.trim_end().ends_with("not found")) => {
            Ok(None)
        }
        _ => Err(format!("sysrc: exit {code}, {}", said(ran))),
    }
}

/// Returns the call that sets a variable, where it stands.
pub(super) fn set(name: &str, value: &str) -> Op {
    let assignment: String = format!("{name}={value}");
    change(SYSRC, &[&assignment])
}
