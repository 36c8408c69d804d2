//! What differs between the two systems.

use super::master::Lock;
use vigo_core::resource::user::Scheme;

/// The user(8) family of one system.
pub(crate) struct Tools {
    /// The system, in messages.
    pub(super) os: &'static str,
    /// How it hashes passwords.
    pub(super) scheme: Scheme,
    /// How an account is locked.
    pub(super) lock: Lock,
    /// Where the rule goes that asks for no password.
    pub(super) sudo: SudoPlace,
    /// How a user leaves a group.
    pub(super) leave: Leave,
}

/// Where the rule goes by which a user may do everything without a password.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum SudoPlace {
    /// A file in this folder, looked at by this visudo(8).
    Folder(&'static str, &'static str),
    /// A marked block in doas.conf(5).
    Doas,
}

/// How a user leaves a group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Leave {
    /// `usermod -S` sets the whole list.
    BySet,
    /// No tool does it: `/etc/group` is edited.
    ByFile,
}

/// OpenBSD. Read from the source and manual of its usermod(8); nothing here has met a real one.
pub(crate) static OPENBSD: Tools = Tools {
    os: "openbsd",
    scheme: Scheme::Bcrypt,
    lock: Lock::StarAndDash,
    sudo: SudoPlace::Doas,
    leave: Leave::BySet,
};

/// NetBSD, likewise.
pub(crate) static NETBSD: Tools = Tools {
    os: "netbsd",
    scheme: Scheme::BcryptA,
    lock: Lock::Word,
    sudo: SudoPlace::Folder("/usr/pkg/etc/sudoers.d", "/usr/pkg/sbin/visudo"),
    leave: Leave::ByFile,
};
