//! Self-protection: no resource, task or operation may harm Vigo itself.
//!
//! Checked on configuration, on tasks, and again on every operation right before it is performed, there with links
//! resolved. No flag switches it off.

mod check;
mod command;
mod path;
mod system;

pub use check::{check_footprint, check_op, check_packages, check_service};
pub use command::check_command;
pub use path::{check_tree, check_write};
pub use system::check_removal;
