//! `not`; `and` and `or` are jumps.

use super::super::fuel::Failure;
use super::super::val::{Val, truth};
use super::Call;
use crate::value::Value;

pub(super) fn not<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>, Failure> {
    Ok(Value::Bool(!truth(call.value(0))).into())
}
