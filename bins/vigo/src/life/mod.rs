//! The life of an agent on a machine: the driver of [`vigo_core::agent::Agent`]. It owns sockets, signals, threads and the
//! state directory, and decides nothing.

mod bootstrap;
mod error;
mod line;
mod live;
#[cfg(any(test, windows))]
mod log;
mod place;
mod signals;
mod work;

pub use bootstrap::{Bootstrap, Enrolment, bootstrap};
pub use error::LifeError;
pub use line::{Credentials, Line, Question};
#[cfg(windows)]
pub(crate) use live::live_as_service;
pub use live::{Ended, LifeOptions, live};
#[cfg(windows)]
pub(crate) use log::LogFile;
