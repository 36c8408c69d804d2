//! Roles: accounts that nobody logs in as, user_attr(5). usermod(8) and the others refuse them.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::sync::Arc;
use vigo_core::action::{AbsPath, Op, OpOutput, Outputs};

/// Returns the read of the file that says who is a role.
pub(super) fn read() -> Op {
    Op::read_file(&file())
}

fn file() -> AbsPath {
    AbsPath::known("/etc/user_attr")
}

/// Returns all roles: lines such as `name:qualifier:::type=role;…`. Without the file there are none.
///
/// # Errors
/// A fragment, when it could not be read.
pub(super) fn all(outputs: &Outputs) -> Result<BTreeSet<Arc<str>>, String> {
    let text = match outputs.path(&file()) {
        Some(OpOutput::File { content, .. }) => String::from_utf8_lossy(content),
        Some(OpOutput::Failed(failure)) => return Err(failure.message.clone()),
        _ => return Ok(BTreeSet::new()),
    };
    let role = |line: &str| -> Option<Arc<str>> {
        let mut pairs = line.splitn(5, ':').nth(4)?.split(';');
        let name = line.split(':').next()?;
        pairs.any(|pair| pair.trim() == "type=role").then(|| name.into())
    };
    Ok(text.lines().filter_map(role).collect())
}

/// Returns the program that changes a user, or a role.
pub(super) fn modify(is_role: bool) -> &'static str {
    if is_role { "/usr/sbin/rolemod" } else { "/usr/sbin/usermod" }
}
