//! The running server: what comes in is held against the core's decisions, made durable, and answered.

mod adopt;
mod alarms;
mod check_in;
mod claim;
mod damaged;
mod enrol;
mod held;
mod init;
mod live;
mod offline;
mod open;
mod order;
mod remembered;
mod report;
mod run;
mod secrets;
mod server;
mod service;
mod settings;
mod traits;
mod wait;

pub use damaged::{NoDatabase, without_database};
pub use init::init;
pub use live::Live;
pub use offline::offline;
pub use run::{RunError, run};
pub use server::Server;
pub(crate) use server::now;
pub use settings::Settings;
