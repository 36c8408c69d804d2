//! What new accounts follow from on this machine.

use alloc::vec::Vec;
use vigo_core::action::{AbsPath, Op, OpOutput, Outputs};
use vigo_core::host::AccountSettings;

/// Returns the reads of what new accounts follow from.
pub(super) fn settings_reads() -> Vec<Op> {
    settings_paths().iter().map(Op::read_file).collect()
}

/// Returns the settings, when they have been read. What cannot be read is as the tools have it.
pub(super) fn settings(outputs: &Outputs) -> Option<AccountSettings> {
    let [defs, useradd] = settings_paths();
    let text = |path: &AbsPath| match outputs.path(path)? {
        OpOutput::File { content, .. } => Some(content.to_vec()),
        _ => Some(Vec::new()),
    };
    Some(AccountSettings::parse(&text(&defs)?, &text(&useradd)?))
}

fn settings_paths() -> [AbsPath; 2] {
    [AbsPath::known("/etc/login.defs"), AbsPath::known("/etc/default/useradd")]
}
