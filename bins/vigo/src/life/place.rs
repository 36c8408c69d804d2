//! Where an agent converges, and where it keeps its state.

use super::LifeError;
use crate::apply;
use std::path::{Path, PathBuf};

/// Where an agent converges, and where it keeps its state.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) root: Option<PathBuf>,
    pub(super) state_dir: PathBuf,
}

impl Place {
    /// Returns the place for what the command line says.
    pub(super) fn new(root: Option<&Path>, state_dir: Option<&Path>) -> Result<Self, LifeError> {
        let root = root.map(apply::image).transpose()?;
        let state_dir = apply::state_dir(state_dir, root.as_deref())?;
        Ok(Self { root, state_dir })
    }
}
