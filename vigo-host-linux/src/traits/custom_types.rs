//! `custom_types`: executors that stand ready for resources of type `custom`.

use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{FileKind, Op, Outputs};
use vigo_core::traits::see::{See, list, sorted};
use vigo_core::traits::{Collector, Found, Machine};

pub(super) const COLLECTOR: Collector = Collector::quick("custom_types", probe, interpret).of_image();

const FOLDERS: &[&str] = &["/etc/vigo-envoy/executors", "/usr/local/share/vigo/executors"];

fn probe(_: &Machine) -> Vec<Op> {
    FOLDERS.iter().map(|path| list(path)).collect()
}

fn interpret(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let entries = FOLDERS.iter().flat_map(|folder| see.entries(folder));
    let usable =
        entries.filter(|e| e.meta.kind == FileKind::File && e.meta.mode & 0o111 != 0 && !e.path.starts_with('.'));
    Ok(Found::Value(sorted(usable.map(|e| &*e.path))))
}
