//! Who asks.

use crate::store::Actor;
use std::net::SocketAddr;

/// A local administrator: what the system says of the other end of the socket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Caller {
    /// The number of the user.
    pub uid: u32,
}

impl Caller {
    /// Returns whether this user administers a server that runs as `server`: root, and the server's own.
    pub const fn is_admitted(self, server: u32) -> bool {
        self.uid == 0 || self.uid == server
    }

    /// Returns the caller as the audit has it.
    pub const fn actor(self) -> Actor {
        Actor::Local(self.uid)
    }
}

/// Where a request over HTTPS comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Remote(pub SocketAddr);
