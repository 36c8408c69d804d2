//! `service`: run state and boot state.

mod compare;
mod declaration;
mod family;

pub use declaration::DECL;
pub use family::{
    Action, Boot, BootState, Goal, Mask, MaskState, Observed, OnNotify, Reload, RunState, Scope, Service, StartType,
    State, Want, check_script, is_own, unsupported,
};
