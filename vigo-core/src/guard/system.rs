//! Directories that an operating system consists of.

use crate::action::AbsPath;
use crate::host::{Problem, ProblemKind};
use alloc::format;

/// What no policy may remove or purge whole: without one of these a machine is not the same machine any more.
const SYSTEM: &[&str] = &[
    "/",
    "/Applications",
    "/Library",
    "/System",
    "/Users",
    "/Volumes",
    "/bin",
    "/boot",
    "/boot/efi",
    "/dev",
    "/devices",
    "/etc",
    "/etc/init.d",
    "/etc/pam.d",
    "/etc/rc.d",
    "/etc/ssh",
    "/etc/ssl",
    "/etc/svc",
    "/etc/systemd",
    "/etc/systemd/system",
    "/export",
    "/export/home",
    "/home",
    "/kernel",
    "/lib",
    "/lib/modules",
    "/lib/svc",
    "/lib/systemd",
    "/lib32",
    "/lib64",
    "/libexec",
    "/libx32",
    "/media",
    "/mnt",
    "/opt",
    "/platform",
    "/private",
    "/private/etc",
    "/private/var",
    "/proc",
    "/rescue",
    "/root",
    "/run",
    "/sbin",
    "/srv",
    "/stand",
    "/sys",
    "/tmp",
    "/usr",
    "/usr/bin",
    "/usr/home",
    "/usr/include",
    "/usr/lib",
    "/usr/lib/modules",
    "/usr/lib/systemd",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/libexec",
    "/usr/local",
    "/usr/local/bin",
    "/usr/local/etc",
    "/usr/local/lib",
    "/usr/local/libexec",
    "/usr/local/sbin",
    "/usr/local/share",
    "/usr/pkg",
    "/usr/sbin",
    "/usr/share",
    "/var",
    "/var/adm",
    "/var/cache",
    "/var/db",
    "/var/lib",
    "/var/lib/dpkg",
    "/var/lib/rpm",
    "/var/log",
    "/var/mail",
    "/var/root",
    "/var/run",
    "/var/spool",
    "/var/svc",
    "/var/tmp",
];

/// The same for Windows, below any drive.
const WINDOWS: &[&str] = &[
    "",
    "program files",
    "program files (x86)",
    "programdata",
    "users",
    "windows",
    "windows\\system32",
    "windows\\syswow64",
    "windows\\winsxs",
];

/// Refuses to remove a directory that an operating system consists of, or that all homes are in.
///
/// # Errors
/// [`Problem`] of kind `Guarded` that names the path.
pub fn check_removal(path: &AbsPath) -> Result<(), Problem> {
    let is_system = match path.as_str().split_once(":\\") {
        Some((_, rest)) => WINDOWS.contains(&&*rest.to_ascii_lowercase()),
        None => SYSTEM.contains(&path.as_str()),
    };
    if !is_system {
        return Ok(());
    }
    let message =
        format!("expected a directory that may be removed or purged, found `{path}`, which the system consists of");
    Err(Problem::new(ProblemKind::Guarded, message))
}
