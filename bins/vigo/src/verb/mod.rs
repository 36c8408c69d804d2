//! The verbs of the command line, each with its own flags. `docs/src/commands.md` describes them.

mod apply;
mod bootstrap;
mod plan;
mod run;
mod traits;
mod uninstall;
mod version;

pub use apply::Apply;
pub use bootstrap::Bootstrap;
pub use plan::Plan;
pub use run::Run;
pub use traits::Traits;
pub use uninstall::Uninstall;
pub use version::Version;
