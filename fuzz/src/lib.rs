//! The bodies of the fuzz targets, one file each.
//!
//! A target is a function from bytes to nothing that panics when a promise is broken. It is listed in [`TARGETS`], has
//! a program of its name in `fuzz_targets/` (and a `[[bin]]` in `Cargo.toml`) and committed inputs in `corpus/<name>/`.
//! `cargo xtask fuzz` runs the programs; `tests/replay.rs` runs every committed input through the function on stable.

mod age;
mod answers;
mod backup;
mod config;
mod converge;
mod editor;
mod files;
mod format;
mod input;
mod interpret;
mod machine;
mod nearest;
mod plan;
mod plist;
mod query;
mod server;
mod source;
mod task;
mod template;
mod traits;
mod when;
mod wire;

pub use age::age;
pub use backup::backup;
pub use config::config;
pub use converge::converge;
pub use editor::editor;
pub use files::files;
pub use format::format;
pub use interpret::interpret;
pub use nearest::nearest;
pub use plan::plan;
pub use plist::plist;
pub use query::query;
pub use server::server;
pub use source::source;
pub use task::task;
pub use template::template;
pub use traits::traits;
pub use when::when;
pub use wire::wire;

/// A target: its name and its function.
pub type Target = (&'static str, fn(&[u8]));

/// Every target, by name.
pub const TARGETS: &[Target] = &[
    ("age", age),
    ("backup", backup),
    ("config", config),
    ("converge", converge),
    ("editor", editor),
    ("files", files),
    ("format", format),
    ("interpret", interpret),
    ("nearest", nearest),
    ("plan", plan),
    ("plist", plist),
    ("query", query),
    ("server", server),
    ("source", source),
    ("task", task),
    ("template", template),
    ("traits", traits),
    ("when", when),
    ("wire", wire),
];
