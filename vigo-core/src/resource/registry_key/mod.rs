//! `registry`: a key or a value of the Windows registry.

mod data;
mod decl;
mod family;
mod key;

pub use data::Data;
pub use decl::DECL;
pub use family::{Action, KeyState, RegistryKey, State, View, Want, Wanted};
pub use key::{Key, Root};
