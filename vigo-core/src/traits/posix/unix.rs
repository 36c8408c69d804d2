//! What the shared collectors must know of a system.

/// A system, as far as these collectors must know it: where things lie, and whose its accounts are.
pub trait Unix: 'static {
    /// The server of OpenSSH.
    const SSHD: &'static str;
    /// Folders where certificates are kept, without what is below.
    const CERTIFICATES: &'static [&'static str];
    /// The folder of certbot(1), with a folder for each certificate and all that it was.
    const CERTBOT: &'static str;

    /// Returns whether the system gives this number out itself.
    fn is_os(uid: u32) -> bool;

    /// Returns whether people's accounts have such numbers.
    fn is_human(uid: u32) -> bool {
        uid >= 1000
    }
}

/// A system whose programs tell what others have files for.
pub trait Programs: Unix {
    /// hostname(1).
    const HOSTNAME: &'static str;
    /// ifconfig(8).
    const IFCONFIG: &'static str;
    /// netstat(1).
    const NETSTAT: &'static str;
    /// route(8).
    const ROUTE: &'static str;
    /// who(1).
    const WHO: &'static str;
}
