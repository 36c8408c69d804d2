//! Whole fleets in one thread, in virtual time: agents and a server that are the real machines of this crate, on disks
//! and a network that fail, from one seed.
//!
//! [`World::run`] lives through a [`Story`] and returns what happened, or the first [`Violation`] of what must hold
//! whatever fails. The same story ends the same way every time.
//!
//! While faults rage it is watched that
//! - no machine applies what was not published for its name, or goes back behind a serial that it has applied;
//! - what a server has acknowledged is on its disk, and no report is counted twice;
//! - one use of a token makes one envoy, also after the server's disk went back in time, and then none at all;
//! - no order is begun twice, and none is offered that was given before the server's disk went back;
//! - nobody says that the disk went back when it did not;
//! - no machine is given a secret that its own policy does not refer to, and no value is on the wire;
//! - a request that was answered is not answered again;
//! - a machine that is to be left alone is;
//! - no machine counts as two.
//!
//! After the faults have stopped every machine has to come to the last policy that was published, without a report left
//! behind or an order not answered for; and two machines with one identity have to be known as such.
//!
//! ```
//! use vigo_core::sim::{Story, World};
//!
//! let told = World::run(&Story { machines: 3, ..Story::stormy(7) }).expect("nothing is lost, whatever fails");
//! assert!(told.runs > 0 && told.crashes > 0);
//! ```

mod answers;
mod certificate;
pub mod collectors;
mod enrol;
mod fault;
pub mod hosts;
mod link;
mod lost;
mod machine;
mod mischief;
mod policy;
mod rest;
mod restored;
mod secrets;
mod server;
mod story;
mod world;

pub use answers::{Files, answers};
pub use story::{Story, Told, Violation};
pub use world::World;
