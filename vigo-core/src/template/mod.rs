//! Go's `text/template` over Vigo's data: parse, check, render.
//!
//! A template is parsed once ([`Template::parse`]; [`Template::parse_all`] for all its errors), checked against the names
//! that are known when a policy is validated, and rendered any number of times from a [`Scope`]. It means what it means in
//! Go, but for a missing key and a printed null, which are errors, and for secrets: what is made from one stays marked.
//!
//! Rendering is bounded in steps, bytes and depth (see [`crate::limits`]), and a template is compiled to a flat list of
//! steps, so that no template, whatever it says, makes Vigo recurse or run on.

mod check;
mod error;
mod float;
mod fuel;
mod function;
mod lexer;
mod literal;
mod parser;
mod print;
mod printf;
mod program;
mod quote;
mod render;
mod scope;
mod val;

pub use check::{Names, Unknown, Use};
pub use error::{ErrorKind, TemplateError};
pub use function::{Function, functions};
pub use program::{Template, has_template};
pub use render::{Rendered, SecretPart};
pub use scope::{FIELDS, Field, NoSecrets, Scope, Secrets};
