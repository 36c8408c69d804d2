//! What shared collectors must know of NetBSD.

use crate::mounts::{Mounted, typed_line};
use crate::traits::Bsd;
use vigo_core::traits::posix::{Programs, Unix};

/// NetBSD.
pub(crate) struct Tools;

impl Unix for Tools {
    const SSHD: &'static str = "/usr/sbin/sshd";
    const CERTIFICATES: &'static [&'static str] =
        &["/etc/openssl/certs", "/etc/openssl/private", "/usr/pkg/etc/openssl/certs", "/usr/pkg/etc/nginx/ssl"];
    const CERTBOT: &'static str = "/etc/letsencrypt/archive";

    /// Packages get theirs where people do, and no shell.
    fn is_os(uid: u32) -> bool {
        matches!(uid, 0..=99 | 32767)
    }
}

impl Programs for Tools {
    const HOSTNAME: &'static str = "/bin/hostname";
    const IFCONFIG: &'static str = "/sbin/ifconfig";
    const NETSTAT: &'static str = "/usr/bin/netstat";
    const ROUTE: &'static str = "/sbin/route";
    const WHO: &'static str = "/usr/bin/who";
}

impl Bsd for Tools {
    const NAME: &'static str = "netbsd";
    const SYSCTL: &'static [&'static str] = &[];
    const SYSCTL_GIVES_UP: bool = true;

    fn mounted(line: &str) -> Option<Mounted> {
        typed_line(line)
    }
}
