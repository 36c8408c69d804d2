//! What shared collectors must know of FreeBSD.

use crate::freebsd::mount;
use crate::mounts::Mounted;
use crate::traits::Bsd;
use vigo_core::traits::posix::{Programs, Unix};

/// FreeBSD and DragonFly.
pub(crate) struct Tools;

impl Unix for Tools {
    const SSHD: &'static str = "/usr/sbin/sshd";
    const CERTIFICATES: &'static [&'static str] =
        &["/etc/ssl", "/etc/ssl/certs", "/usr/local/etc/ssl", "/usr/local/etc/ssl/certs", "/usr/local/etc/nginx/ssl"];
    const CERTBOT: &'static str = "/usr/local/etc/letsencrypt/archive";

    /// The base system's own end at 99; packages get those of the list of the ports.
    fn is_os(uid: u32) -> bool {
        matches!(uid, 0..=99 | 65534)
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
    const NAME: &'static str = "freebsd";
    const SYSCTL: &'static [&'static str] = &["-i"];

    fn mounted(line: &str) -> Option<Mounted> {
        mount::line(line)
    }
}
