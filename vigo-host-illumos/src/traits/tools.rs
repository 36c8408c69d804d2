//! What the collectors of all Unix systems must know of illumos.

use vigo_core::traits::posix::{Programs, Unix};

/// illumos.
pub(super) struct Tools;

impl Unix for Tools {
    const SSHD: &'static str = "/usr/lib/ssh/sshd";
    const CERTIFICATES: &'static [&'static str] =
        &["/etc/certs/CA", "/etc/openssl/certs", "/etc/openssl/private", "/etc/ssl/certs", "/etc/opt/ooce/nginx/ssl"];
    const CERTBOT: &'static str = "/etc/letsencrypt/archive";

    /// Those from 60001 on are `nobody` and its like.
    fn is_os(uid: u32) -> bool {
        matches!(uid, 0..=99 | 60001..=65534)
    }

    fn is_human(uid: u32) -> bool {
        uid >= 100
    }
}

impl Programs for Tools {
    const HOSTNAME: &'static str = "/usr/bin/hostname";
    const IFCONFIG: &'static str = "/usr/sbin/ifconfig";
    const NETSTAT: &'static str = "/usr/bin/netstat";
    const ROUTE: &'static str = "/usr/sbin/route";
    const WHO: &'static str = "/usr/bin/who";
}
