//! What shared collectors must know of NetBSD.

use crate::mounts::{Mounted, typed_line};
use crate::traits::Bsd;
use vigo_core::traits::posix::Unix;

/// NetBSD.
pub(crate) struct Tools;

impl Unix for Tools {
    const CERTIFICATES: &'static [&'static str] =
        &["/etc/openssl/certs", "/etc/openssl/private", "/usr/pkg/etc/openssl/certs", "/usr/pkg/etc/nginx/ssl"];

    /// Packages get theirs where people do, and no shell.
    fn is_os(uid: u32) -> bool {
        matches!(uid, 0..=99 | 32767)
    }
}

impl Bsd for Tools {
    const NAME: &'static str = "netbsd";
    const SYSCTL: &'static [&'static str] = &[];
    const SYSCTL_GIVES_UP: bool = true;

    fn mounted(line: &str) -> Option<Mounted> {
        typed_line(line)
    }
}
