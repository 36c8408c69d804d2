//! What only Windows has, by its own calls: each is one function here, and nothing else of the agent is unsafe there.

mod access;
mod addresses;
mod files;
mod job;
mod machine;
mod registry;
mod service;
mod text;

pub(crate) use access::{Reader, is_administrator, is_of_administrators, is_trusted, make_dir, new_file, whose};
pub(crate) use addresses::addresses;
pub(crate) use files::{file_id, move_new, remove_at_boot, replace, space};
pub(crate) use job::{Job, has_ended};
pub(crate) use machine::{booted, folder, hostname, memory, utc_offset_secs};
pub(crate) use registry::machine_guid;
pub(crate) use service::{Control, serve};
