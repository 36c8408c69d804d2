//! `print`, `println`, `printf`.

use super::super::fuel::Failure;
use super::super::val::Val;
use super::super::{print as go, printf as format};
use super::Call;

pub(super) fn print<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>, Failure> {
    call.make(|call, out| go::sprint(out, call.args))
}

pub(super) fn println<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>, Failure> {
    call.make(|call, out| go::sprintln(out, call.args))
}

pub(super) fn printf<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>, Failure> {
    call.make(|call, out| format::sprintf(out, call.text(0)?, call.args.get(1..).unwrap_or(&[])))
}
