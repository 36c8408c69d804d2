//! The server: what it needs of an operating system, around the decisions of `vigo-core`.

pub mod agents;
pub mod api;
pub mod backup;
pub mod ca;
pub mod config;
pub mod data_dir;
mod disk;
pub mod doctor;
mod json;
pub mod keyring;
pub mod net;
pub mod notify;
mod program;
pub mod publish;
pub mod serve;
pub mod store;
pub mod vault;
