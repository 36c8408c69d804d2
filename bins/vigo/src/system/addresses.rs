//! The addresses of network interfaces, which no file has.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use vigo_core::traits::Address;

/// Returns all addresses, sorted; none when the system does not say.
pub(crate) fn addresses() -> Vec<Address> {
    let mut found = Vec::new();
    let mut first: *mut libc::ifaddrs = std::ptr::null_mut();
    // SAFETY: on success the pointer is that of a list which is ours until `freeifaddrs`, getifaddrs(3).
    if unsafe { libc::getifaddrs(&mut first) } != 0 {
        return found;
    }
    let mut next = first;
    while !next.is_null() {
        // SAFETY: not null, and an element of the list that has not been freed.
        let entry = unsafe { &*next };
        next = entry.ifa_next;
        // SAFETY: both are null or point to an address of the family that they say.
        let (ip, mask) = unsafe { (ip(entry.ifa_addr), ip(entry.ifa_netmask)) };
        if let Some(ip) = ip {
            // SAFETY: the name of an entry is a C string.
            let interface = unsafe { std::ffi::CStr::from_ptr(entry.ifa_name) };
            let prefix = mask.map_or(0, prefix);
            found.push(Address { interface: interface.to_string_lossy().into_owned(), ip, prefix });
        }
    }
    // SAFETY: as `getifaddrs` gave it, and not used after.
    unsafe { libc::freeifaddrs(first) };
    found.sort_unstable();
    found.dedup();
    found
}

/// Reads an address of IP; others are `None`.
///
/// # Safety
/// The pointer is null or points to an address that is as long as its family says.
unsafe fn ip(address: *const libc::sockaddr) -> Option<IpAddr> {
    if address.is_null() {
        return None;
    }
    // SAFETY: every address starts with its family.
    match i32::from(unsafe { (*address).sa_family }) {
        libc::AF_INET => {
            // SAFETY: the family says so; the type may ask for more alignment than the pointer has.
            let four = unsafe { address.cast::<libc::sockaddr_in>().read_unaligned() };
            Some(IpAddr::V4(Ipv4Addr::from(four.sin_addr.s_addr.to_ne_bytes())))
        }
        libc::AF_INET6 => {
            // SAFETY: as above.
            let six = unsafe { address.cast::<libc::sockaddr_in6>().read_unaligned() };
            Some(IpAddr::V6(Ipv6Addr::from(six.sin6_addr.s6_addr)))
        }
        _ => None,
    }
}

fn prefix(mask: IpAddr) -> u8 {
    let ones = match mask {
        IpAddr::V4(mask) => u32::from(mask).leading_ones(),
        IpAddr::V6(mask) => u128::from(mask).leading_ones(),
    };
    u8::try_from(ones).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_is_there() {
        let seen = addresses();
        let lo = seen.iter().find(|a| a.ip == IpAddr::V4(Ipv4Addr::LOCALHOST));
        assert!(lo.is_none_or(|a| a.prefix == 8), "{lo:?}");
        assert!(seen.is_sorted());
        assert_eq!(prefix("255.255.240.0".parse().unwrap()), 20);
    }
}
