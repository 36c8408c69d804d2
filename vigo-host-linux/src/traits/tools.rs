//! What the collectors of all Unix systems must know of Linux.

use vigo_core::traits::posix::Unix;

/// Linux.
pub(super) struct Tools;

impl Unix for Tools {
    const SSHD: &'static str = "/usr/sbin/sshd";
    const CERTIFICATES: &'static [&'static str] = &[
        "/etc/ssl",
        "/etc/ssl/certs",
        "/etc/ssl/private",
        "/etc/pki/tls/certs",
        "/etc/pki/ca-trust/source/anchors",
        "/usr/local/share/ca-certificates",
        "/etc/nginx/ssl",
        "/etc/apache2/ssl",
        "/etc/httpd/ssl",
    ];
    const CERTBOT: &'static str = "/etc/letsencrypt/archive";

    fn is_os(uid: u32) -> bool {
        matches!(uid, 0..=99 | 65534)
    }
}
