//! Services, by the service manager in charge.

mod systemd;
pub(crate) mod unit_file;

pub use systemd::Systemd;
