//! Where to listen.

use serde::{Deserialize, Deserializer, de};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// `address:port`, or `:port` for all addresses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Listen {
    /// The one address; none for all.
    pub address: Option<IpAddr>,
    /// The port; 0 for any that is free.
    pub port: u16,
}

impl Listen {
    /// Returns `port` on all addresses.
    pub const fn any(port: u16) -> Self {
        Self { address: None, port }
    }

    /// Returns what to bind: the first that works. All addresses of both families are one socket where the machine has
    /// IPv6, and another where it has not.
    pub fn candidates(self) -> Vec<SocketAddr> {
        let to = |address: IpAddr| SocketAddr::new(address, self.port);
        match self.address {
            Some(address) => vec![to(address)],
            None => vec![to(Ipv6Addr::UNSPECIFIED.into()), to(Ipv4Addr::UNSPECIFIED.into())],
        }
    }
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let port = text.strip_prefix(':').and_then(|port| port.parse().ok()).map(Self::any);
        let whole = || text.parse::<SocketAddr>().ok().map(|a| Self { address: Some(a.ip()), port: a.port() });
        port.or_else(whole).ok_or_else(|| format!("expected `address:port` or `:port`, found `{text}`"))
    }
}

impl<'de> Deserialize<'de> for Listen {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(de::Error::custom)
    }
}
