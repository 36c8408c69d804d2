//! Collects traits: performs what the collectors of the host ask for, and reads the machine's custom traits.

mod collect;
mod custom;
mod machine;

pub use collect::{collect, custom_types};
