//! Who asks.

use crate::store::Actor;
use std::net::SocketAddr;
use vigo_core::server::{Permission, Role};

/// Who asks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Caller {
    /// A local administrator: what the system says of the other end of the socket, the number of the user.
    Local(u32),
    /// Somebody elsewhere who has shown a token.
    Token {
        /// The token's id.
        id: String,
        /// Whose it is; none is nobody's.
        user: Option<String>,
        /// What it may.
        role: Role,
    },
}

impl Caller {
    /// Returns whether a user of this machine administers a server that runs as `server`: root, and the server's own.
    pub const fn is_admitted(uid: u32, server: u32) -> bool {
        uid == 0 || uid == server
    }

    /// Returns the caller as the audit has it.
    pub fn actor(&self) -> Actor {
        match self {
            Self::Local(uid) => Actor::Local(*uid),
            Self::Token { user: Some(name), .. } => Actor::User(name.clone()),
            Self::Token { id, .. } => Actor::ApiToken(id.clone()),
        }
    }

    /// Returns the caller's role.
    pub const fn role(&self) -> Role {
        match self {
            Self::Local(_) => Role::Admin,
            Self::Token { role, .. } => *role,
        }
    }

    /// Returns whether the caller may.
    pub fn may(&self, permission: Permission) -> bool {
        self.role().may(permission)
    }
}

/// Where a request over HTTPS comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Remote(pub SocketAddr);
