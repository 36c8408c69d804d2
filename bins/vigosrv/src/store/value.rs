//! Values of the core as SQLite has them, and back.

use super::StoreError;
use rusqlite::{Connection, Row};
use std::path::PathBuf;
use vigo_core::id::EnvoyId;
use vigo_core::time::Timestamp;

/// Returns a function that makes an error of what SQLite says.
pub(super) fn failed(conn: &Connection) -> impl Fn(rusqlite::Error) -> StoreError + use<> {
    let path = conn.path().map(PathBuf::from).unwrap_or_default();
    move |e| StoreError::of(&path, &e)
}

/// Returns the bytes of a column that has `N`.
pub(super) fn bytes<const N: usize>(row: &Row<'_>, column: &str) -> rusqlite::Result<[u8; N]> {
    row.get(column)
}

/// Returns the bytes of a column that has `N` or is null.
pub(super) fn bytes_or_none<const N: usize>(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<[u8; N]>> {
    row.get(column)
}

/// Returns the id in a column.
pub(super) fn envoy_id(row: &Row<'_>, column: &str) -> rusqlite::Result<EnvoyId> {
    bytes(row, column).map(EnvoyId)
}

/// Returns the time in a column.
pub(super) fn time(row: &Row<'_>, column: &str) -> rusqlite::Result<Timestamp> {
    row.get(column).map(Timestamp::from_epoch_ms)
}

/// Returns the time in a column, if there is one.
pub(super) fn time_or_none(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_epoch_ms))
}

/// Returns a number of 64 bits as SQLite keeps it: the same bits. Nothing compares such columns but for equality.
pub(super) const fn bits(number: u64) -> i64 {
    number.cast_signed()
}

/// Returns what [`bits`] was made of.
pub(super) fn from_bits(row: &Row<'_>, column: &str) -> rusqlite::Result<u64> {
    row.get(column).map(i64::cast_unsigned)
}

/// Returns the beginning of a text that came from outside, of at most `max` bytes.
pub(super) fn cut(text: &str, max: usize) -> String {
    let ends = text.char_indices().map(|(at, c)| at + c.len_utf8());
    let end = ends.take_while(|end| *end <= max).last().unwrap_or_default();
    text.get(..end).unwrap_or_default().to_owned()
}
