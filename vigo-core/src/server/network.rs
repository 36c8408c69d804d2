//! A set of addresses.

use core::fmt;
use core::net::IpAddr;
use core::str::FromStr;
use thiserror::Error;

/// The addresses that a trusted name may come from: `10.1.0.0/16`, `2001:db8::/32`, one address, or `any`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Network {
    /// `None` is any.
    range: Option<(IpAddr, u32)>,
}

/// A text that is no network.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("expected an address, a network such as `10.1.0.0/16`, or `any`")]
pub struct NetworkError;

impl Network {
    /// Every address.
    pub const ANY: Self = Self { range: None };

    /// Returns whether `address` is in it. An IPv4 address is the same when it comes mapped into IPv6.
    pub fn contains(&self, address: IpAddr) -> bool {
        let Some((network, bits)) = self.range else { return true };
        match (network, address.to_canonical()) {
            (IpAddr::V4(a), IpAddr::V4(b)) => {
                prefix(u128::from(a.to_bits()), 32, bits) == prefix(b.to_bits().into(), 32, bits)
            }
            (IpAddr::V6(a), IpAddr::V6(b)) => prefix(a.to_bits(), 128, bits) == prefix(b.to_bits(), 128, bits),
            _ => false,
        }
    }
}

/// Returns the first `bits` of a number of `width` bits.
fn prefix(number: u128, width: u32, bits: u32) -> u128 {
    number.checked_shr(width.saturating_sub(bits)).unwrap_or(0)
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        if text == "any" {
            return Ok(Self::ANY);
        }
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NetworkError)?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            Some(bits) => bits.parse().ok().filter(|b| *b <= width && bits.bytes().all(|b| b.is_ascii_digit())),
            None => Some(width),
        };
        Ok(Self { range: Some((address, bits.ok_or(NetworkError)?)) })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.range {
            None => f.write_str("any"),
            Some((address, bits)) => write!(f, "{address}/{bits}"),
        }
    }
}
