//! Package sources that are a line, or all, of one file.

use vigo_core::host::Problem;
use vigo_core::resource::repository::{Want, unsupported};

/// Refuses keys and priorities, which no such file has, and what is no URL alone.
///
/// # Errors
/// [`Problem`] about it.
pub(crate) fn check(want: &Want, manager: &str) -> Result<(), Problem> {
    let attributes =
        [("key_url", want.key.is_some()), ("gpgcheck", !want.gpgcheck), ("priority", want.priority.is_some())];
    if let Some((attribute, _)) = attributes.iter().find(|(_, written)| *written) {
        return Err(unsupported(attribute, manager));
    }
    if want.repo.as_str().trim().contains(['\n', '\r', '#', ' ', '\t']) {
        return Err(Problem::bad_value("repo", "expected one URL, found more than that"));
    }
    Ok(())
}
