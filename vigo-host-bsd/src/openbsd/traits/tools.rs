//! What shared collectors must know of OpenBSD.

use crate::mounts::{Mounted, typed_line};
use crate::traits::Bsd;
use vigo_core::traits::posix::{Programs, Unix};

/// OpenBSD.
pub(crate) struct Tools;

impl Unix for Tools {
    const SSHD: &'static str = "/usr/sbin/sshd";
    const CERTIFICATES: &'static [&'static str] = &["/etc/ssl", "/etc/ssl/private", "/etc/ssl/acme"];
    const CERTBOT: &'static str = "/etc/letsencrypt/archive";

    /// The base system has those below 500, packages the next 500, /usr/ports/infrastructure/db/user.list.
    fn is_os(uid: u32) -> bool {
        matches!(uid, 0..=499 | 32767)
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
    const NAME: &'static str = "openbsd";
    const SYSCTL: &'static [&'static str] = &[];

    fn mounted(line: &str) -> Option<Mounted> {
        typed_line(line)
    }
}
