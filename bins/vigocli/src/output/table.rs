//! Tables.

use super::text::cell;
use comfy_table::{Table, presets};
use serde_json::Value;

/// Returns a table of `rows`: of each column the heading, and where in a row its value lies.
pub(crate) fn table(rows: &[Value], columns: &[(&str, &str)]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(columns.iter().map(|(heading, _)| *heading));
    table.add_rows(rows.iter().map(|row| columns.iter().map(|(_, path)| cell(row, path)).collect::<Vec<_>>()));
    let mut text = String::new();
    for line in table.lines() {
        text.push_str(line.trim());
        text.push('\n');
    }
    text
}
