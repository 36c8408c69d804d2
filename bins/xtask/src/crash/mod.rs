//! `cargo xtask test crash`: server and agents are killed again and again, under load, and nothing that was acknowledged may
//! be lost, be there twice, or be there in half.

mod acknowledged;
mod agents;
mod api;
mod operations;
mod random;
mod story;
mod verdict;

pub use story::run;
