//! What the shared collectors must know of a system.

/// A system, as far as these collectors must know it. The paths are those of the BSDs, where nothing else is said.
pub trait Unix: 'static {
    /// hostname(1).
    const HOSTNAME: &'static str = "/bin/hostname";
    /// ifconfig(8).
    const IFCONFIG: &'static str = "/sbin/ifconfig";
    /// netstat(1).
    const NETSTAT: &'static str = "/usr/bin/netstat";
    /// route(8).
    const ROUTE: &'static str = "/sbin/route";
    /// The server of OpenSSH.
    const SSHD: &'static str = "/usr/sbin/sshd";
    /// who(1).
    const WHO: &'static str = "/usr/bin/who";
    /// Folders where certificates are kept, without what is below.
    const CERTIFICATES: &'static [&'static str];
    /// The folder of certbot(1), with a folder for each certificate and all that it was.
    const CERTBOT: &'static str = "/etc/letsencrypt/archive";

    /// Returns whether the system gives this number out itself.
    fn is_os(uid: u32) -> bool;

    /// Returns whether people's accounts have such numbers.
    fn is_human(uid: u32) -> bool {
        uid >= 1000
    }
}
