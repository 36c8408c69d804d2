//! What people and programs get to see.

mod answer;
mod pages;
mod print;
mod progress;
mod sarif;
mod table;
mod text;

pub(crate) use answer::Answer;
pub(crate) use pages::{meaning, page};
pub(crate) use print::{complain, print};
pub(crate) use progress::Progress;
pub(crate) use sarif::sarif;
pub(crate) use table::table;
pub(crate) use text::cell;
pub(crate) use vigo_driver::shown;
