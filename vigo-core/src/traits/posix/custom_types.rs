//! `custom_types`: executors that stand ready for resources of type `custom`.

use super::super::see::{See, list, sorted};
use super::super::{Collector, Found, Machine};
use crate::action::{FileKind, Outputs};
use alloc::string::String;

/// The collector.
pub const CUSTOM_TYPES: Collector =
    Collector::quick("custom_types", |_| FOLDERS.iter().map(|path| list(path)).collect(), interpret).of_image();

const FOLDERS: &[&str] = &["/etc/vigo-envoy/executors", "/usr/local/share/vigo/executors"];

fn interpret(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let entries = FOLDERS.iter().flat_map(|folder| see.entries(folder));
    let usable =
        entries.filter(|e| e.meta.kind == FileKind::File && e.meta.mode & 0o111 != 0 && !e.path.starts_with('.'));
    Ok(Found::Value(sorted(usable.map(|e| &*e.path))))
}
