//! What the collectors of all Unix systems must know of macOS.

use vigo_core::traits::posix::{Programs, Unix};

/// macOS. Its accounts are in no file.
pub(super) struct Tools;

impl Unix for Tools {
    const SSHD: &'static str = "/usr/sbin/sshd";
    const CERTIFICATES: &'static [&'static str] =
        &["/etc/ssl", "/etc/ssl/certs", "/usr/local/etc/openssl@3/certs", "/opt/homebrew/etc/openssl@3/certs"];
    const CERTBOT: &'static str = "/etc/letsencrypt/archive";

    fn is_os(uid: u32) -> bool {
        !Self::is_human(uid)
    }

    /// People's accounts begin at 501; numbers above the last are negative ones.
    fn is_human(uid: u32) -> bool {
        matches!(uid, 501..=4_000_000_000)
    }
}

impl Programs for Tools {
    const HOSTNAME: &'static str = "/bin/hostname";
    const IFCONFIG: &'static str = "/sbin/ifconfig";
    const NETSTAT: &'static str = "/usr/sbin/netstat";
    const ROUTE: &'static str = "/sbin/route";
    const WHO: &'static str = "/usr/bin/who";
}
