//! The verbs of the command line, each with its own flags. `docs/src/commands.md` describes them.

mod apply;
mod plan;
mod traits;
mod version;

pub use apply::Apply;
pub use plan::Plan;
pub use traits::Traits;
pub use version::Version;
