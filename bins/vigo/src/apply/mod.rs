//! `vigo apply` and `vigo plan`: from a directory of files to a report.

mod cached;
mod drive;
mod error;
mod load;
mod local;
mod only;
mod options;
mod run;
mod secrets;
mod tree;

pub use drive::drive;
pub use error::ApplyError;
pub use options::{RunMode, RunOptions};
pub use run::{Applied, run};
