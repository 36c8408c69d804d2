//! `config fmt`: one way to write a file, and the same meaning.
//!
//! [`format`] writes a file anew from its tokens and what stands between them: indents, quotes, the order of known keys.
//! What it has written is read again and held against the source; a file that would come to mean anything else, or lose a
//! comment, stays as it is.

mod order;
mod print;
mod read;
mod scalar;
mod tree;
mod verify;

#[cfg(test)]
mod random;
#[cfg(test)]
mod tests;

pub use verify::{Unformatted, format};
