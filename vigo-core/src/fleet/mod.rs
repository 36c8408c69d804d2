//! The fleet as a server knows it: in memory, so that a check-in asks no database.

mod copies;
mod envoy;
mod index;
mod query;
mod status;
#[cfg(test)]
mod tests;

pub use copies::{Cloned, Copies, Life};
pub use envoy::{ClassOf, Envoy, LastRun, Past, Shown};
pub use index::{FleetIndex, NameTaken};
pub use query::{Query, QueryError};
pub use status::{Drift, Health, Reach, Status};
