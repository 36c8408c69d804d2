//! The executor on a real file system and with real programs.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

mod programs;
mod reads;
mod replace;
mod support;
mod tree;
