//! `secret`: the one function that reads something, from what was fetched before the run.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;

use super::super::error::ErrorKind;
use super::super::fuel::Failure;
use super::super::val::{Val, shown};
use super::Call;
use crate::value::Value;

pub(super) fn secret<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>, Failure> {
    let path = call.text(0)?;
    match call.secrets.secret(path) {
        // Marked here too, whatever the driver's store does.
        Some(text) => Ok(Value::Text(text.tainted_by(Some(&Arc::from(path)))).into()),
        None => {
            let why = call.secrets.withheld(path).unwrap_or_else(|| String::from("it is not available"));
            Err(Failure::new(ErrorKind::Secret, format!("secret {}: {why}", shown(call.value(0)))))
        }
    }
}
