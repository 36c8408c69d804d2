//! Telling people that somebody has to look: by a webhook, by a program.
//!
//! Each way is a task of its own that compares what stands with what it has told. What cannot be told is tried again, ever
//! more seldom; nothing else waits for it.

mod alarms;
mod tell;
mod way;

pub use alarms::Alarms;
pub use tell::{Teller, keep_telling};
