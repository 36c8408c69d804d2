//! One file, one function; `table` registers them.

mod arch;
mod changed;
mod command_succeeds;
mod cpus_ge;
mod day_of_month;
mod day_of_week;
mod dir_exists;
mod distro;
mod environment;
mod facts;
mod file_exists;
mod has_command;
mod has_configcrate;
mod has_role;
mod has_trait;
mod host_is_libvirt;
mod hostname_match;
mod hour_range;
mod is_container;
mod is_virtual;
mod minute_range;
mod os_family;
mod package_installed;
mod port_listening;
mod process_running;
mod ram_mb_ge;
mod service_running;
mod table;
mod trait_is;
mod user_exists;
mod var;
mod var_is;
mod version_ge;
mod version_lt;

pub(super) use table::Decide;
pub use table::{Builtin, Param, ParamKind, Side, builtins};
