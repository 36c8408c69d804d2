//! The life of an agent on a machine: the driver of [`vigo_core::agent::Agent`]. It owns sockets, signals, threads and the
//! state directory, and decides nothing.

mod bootstrap;
mod error;
mod line;
mod live;
mod place;
mod work;

pub use bootstrap::{Bootstrap, Enrolment, bootstrap};
pub use error::LifeError;
pub use live::{Ended, LifeOptions, live};
