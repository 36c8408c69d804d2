//! What an executor is told at its start.

use crate::system;
use std::path::{Path, PathBuf};

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

impl ExecutorOptions {
    /// Returns the options of a run that keeps its state in `state_dir`.
    pub fn new(root: Option<PathBuf>, state_dir: &Path) -> Self {
        let secrets = system::secrets_dir().unwrap_or_else(|| state_dir.join("secrets"));
        Self { root, staging: state_dir.join("staged"), secrets }
    }
}

impl Default for ExecutorOptions {
    fn default() -> Self {
        Self::new(None, &system::state_dir())
    }
}
