//! What the collectors of all Unix systems must know of macOS.

use vigo_core::traits::posix::Unix;

/// macOS. Its accounts are in no file.
pub(super) struct Tools;

impl Unix for Tools {
    const NETSTAT: &'static str = "/usr/sbin/netstat";
    const CERTIFICATES: &'static [&'static str] =
        &["/etc/ssl", "/etc/ssl/certs", "/usr/local/etc/openssl@3/certs", "/opt/homebrew/etc/openssl@3/certs"];

    fn is_os(uid: u32) -> bool {
        uid < 501
    }
}
