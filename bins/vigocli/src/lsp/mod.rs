//! `vigocli lsp`: the Language Server Protocol over standard input and output.
//!
//! What an editor is told is decided in [`vigo_core::editor`] and [`vigo_core::resolve`]; here bytes become messages,
//! positions become places, and back. One thread reads messages, one checks whole trees, and the main one answers, in the
//! order in which it was asked: each answer takes milliseconds, and a check is waited for by nobody.
//!
//! The types of the protocol are those of `gen-lsp-types`, which is made from the protocol's own description and is what
//! the successor of tower-lsp (`tower-lsp-server`) speaks with. That one itself wants an asynchronous runtime, which
//! vigocli has no other use for; `lsp-server` ends at the first message that it cannot read, and allocates whatever length
//! a message says it has. What is left of either is [`transport`], a page of code.

mod agree;
mod check;
mod document;
mod position;
mod publish;
mod request;
mod session;
mod transport;
mod tree;
mod uri;

pub(crate) use session::serve;
