//! What an executor is told at its start.

use std::path::PathBuf;

/// Where an executor works.
#[derive(Clone, Debug)]
pub struct ExecutorOptions {
    /// An image or sandbox: every path of an operation is below it, and no link leads out. Programs run on the machine
    /// itself. `None` is the machine.
    pub root: Option<PathBuf>,
    /// Folder for downloads until they take their place; made when first needed, 0700.
    pub staging: PathBuf,
    /// Folder for secrets that a program reads from a file; best in memory. Made when first needed.
    pub secrets: PathBuf,
}

impl Default for ExecutorOptions {
    fn default() -> Self {
        Self { root: None, staging: "/var/lib/vigo/staged".into(), secrets: "/run/vigo".into() }
    }
}
