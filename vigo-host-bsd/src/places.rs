//! Where the agent's own things are.

use vigo_core::host::Places;

/// On FreeBSD and OpenBSD; the program among those of the administrator, hier(7).
pub(crate) const PLACES: Places = Places {
    program: "/usr/local/sbin/vigo",
    folders: &["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"],
    state_dir: "/var/lib/vigo",
    pid_file: "/var/run/vigo-envoy.pid",
    log_file: "/var/log/vigo-envoy.log",
    separator: '/',
};
