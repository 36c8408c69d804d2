//! The programs of the system, and how an answer of one is taken.

use alloc::format;
use alloc::string::String;
use vigo_core::action::{Op, OpOutput, Outputs, Ran};

pub(crate) const CMD: &str = "C:\\Windows\\System32\\cmd.exe";
pub(crate) const NET: &str = "C:\\Windows\\System32\\net.exe";
pub(crate) const PING: &str = "C:\\Windows\\System32\\PING.EXE";
pub(crate) const REG: &str = "C:\\Windows\\System32\\reg.exe";
pub(crate) const SC: &str = "C:\\Windows\\System32\\sc.exe";
pub(crate) const SCHTASKS: &str = "C:\\Windows\\System32\\schtasks.exe";
pub(crate) const TASKKILL: &str = "C:\\Windows\\System32\\taskkill.exe";
pub(crate) const TASKLIST: &str = "C:\\Windows\\System32\\tasklist.exe";
pub(crate) const TZUTIL: &str = "C:\\Windows\\System32\\tzutil.exe";

/// Returns how a program that was asked for ended; `None` when it was not asked for yet, an error when it could not be run.
pub(crate) fn ran<'a>(outputs: &'a Outputs, op: &Op) -> Option<Result<&'a Ran, String>> {
    Some(match outputs.get(op)? {
        OpOutput::Ran(ran) if ran.truncated => Err(format!("the answer of `{op}` is too long")),
        OpOutput::Ran(ran) => Ok(ran),
        OpOutput::Failed(failure) => Err(failure.message.clone()),
        other => Err(format!("expected an answer of `{op}`, found {other:?}")),
    })
}
