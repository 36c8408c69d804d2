//! What people and programs get to see.

mod answer;
mod diagnostics;
mod print;
mod table;
mod text;

pub(crate) use answer::Answer;
pub(crate) use diagnostics::{count, render};
pub(crate) use print::{complain, print};
pub(crate) use table::table;
pub(crate) use text::{cell, shown};
