//! `vigocli config test`.

mod junit;
mod run;

pub(super) use run::Test;
