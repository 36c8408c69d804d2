//! `vigo apply` and `vigo plan`: from a directory of files to a report. And one run of a policy, wherever it came from.

mod cached;
mod converge;
mod drive;
mod error;
mod load;
mod local;
mod only;
mod options;
mod run;
mod secrets;

pub use converge::{Job, converge};
pub use error::ApplyError;
pub use options::{RunMode, RunOptions};
pub use run::{Applied, run};
pub use secrets::Secrets;

pub(crate) use local::{image, now, programs, seed, state_dir};
