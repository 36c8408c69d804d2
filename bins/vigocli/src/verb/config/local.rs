//! What the verbs that need no server have in common: a tree of this machine.

use crate::cli::Global;
use crate::error::CliError;
use clap::Args;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};
use vigo_core::diagnostic::{Diagnostic, nearest};
use vigo_core::resolve;
use vigo_core::source::Sources;
use vigo_core::time::Timestamp;

/// Where the tree is.
#[derive(Args, Clone, Debug)]
pub(crate) struct Stacks {
    /// The tree [default: `stacks` in the data directory]
    #[arg(long, value_name = "DIR")]
    stacks: Option<PathBuf>,
}

impl Stacks {
    /// Returns its folder.
    pub(super) fn dir(&self, global: &Global) -> PathBuf {
        self.stacks.clone().unwrap_or_else(|| global.data_dir().join("stacks"))
    }

    /// Reads it.
    pub(super) fn read(&self, global: &Global) -> Result<Sources, CliError> {
        Ok(Sources::read(&vigo_driver::read_tree(&self.dir(global))?))
    }
}

/// Returns the name as match blocks see it.
pub(super) fn hostname(text: &str) -> Result<String, CliError> {
    resolve::hostname(text)
        .map_err(|why| CliError::Usage { why: format!("`{}` is no hostname: {why}", text.escape_debug()) })
}

/// Returns that the tree is not valid.
pub(super) fn invalid(sources: &Sources) -> impl Fn(Vec<Diagnostic>) -> CliError + '_ {
    |found| CliError::Invalid { diagnostics: vigo_driver::diagnostics_json(&found, sources.map()) }
}

/// Returns that nothing has the name, with the nearest one that something has.
pub(super) fn unknown<'a>(what: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> CliError {
    let near = nearest(name, known).map(|near| format!("did you mean `{near}`?"));
    CliError::NotFound { why: format!("{what} `{}`", name.escape_debug()), help: near }
}

/// Returns the clock's time.
pub(super) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_epoch_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
