//! What a policy would do on a machine that nobody has: one of some system on which nothing has been set up.
//!
//! A host lists its [`Blank`]s: what such a machine says of itself and how its tools answer there. [`plan`] drives a dry run
//! against one, so that it shows every operation; what only a machine can know is *unknown*, with the reason.

mod blank;
mod fleet;
mod machine;
mod plan;
mod unknown;

pub use blank::{At, Blank, arguments};
pub use fleet::{Refusal, Refusals};
pub use machine::{like, named, traits, usual};
pub use plan::{Subject, plan};
