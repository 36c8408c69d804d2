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
        if entry.ifa_addr.is_null() {
            continue;
        }
        // SAFETY: not null, and every address starts with its family.
        let family = i32::from(unsafe { (*entry.ifa_addr).sa_family });
        // SAFETY: both are null or point to an address of this family.
        let (ip, mask) = unsafe { (ip(entry.ifa_addr, family), ip(entry.ifa_netmask, family)) };
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

/// Reads an address of IP; those of other families are `None`. Masks do not say their family everywhere.
///
/// # Safety
/// The pointer is null or points to an address of this family.
unsafe fn ip(address: *const libc::sockaddr, family: i32) -> Option<IpAddr> {
    if address.is_null() {
        return None;
    }
    match family {
        libc::AF_INET => {
            // SAFETY: the family says so.
            let four: libc::sockaddr_in = unsafe { copied(address) };
            Some(IpAddr::V4(Ipv4Addr::from(four.sin_addr.s_addr.to_ne_bytes())))
        }
        libc::AF_INET6 => {
            // SAFETY: as above.
            let six: libc::sockaddr_in6 = unsafe { copied(address) };
            Some(IpAddr::V6(Ipv6Addr::from(six.sin6_addr.s6_addr)))
        }
        _ => None,
    }
}

/// Copies an address; what is not there of it is zero: a BSD leaves out the zeros that a mask ends in.
///
/// # Safety
/// The address is a `T` or the beginning of one, and all zeros are a value of `T`.
unsafe fn copied<T>(address: *const libc::sockaddr) -> T {
    let room = size_of::<T>();
    #[cfg(any(
        target_os = "dragonfly",
        target_os = "freebsd",
        target_os = "macos",
        target_os = "netbsd",
        target_os = "openbsd"
    ))]
    // SAFETY: there, every address starts with its length.
    let room = room.min(usize::from(unsafe { (*address).sa_len }));
    // SAFETY: all zeros are a value, the caller says.
    let mut copy: T = unsafe { std::mem::zeroed() };
    // SAFETY: so many bytes are there, and there is room for them; bytes ask for no alignment.
    unsafe { std::ptr::copy_nonoverlapping(address.cast::<u8>(), (&raw mut copy).cast(), room) };
    copy
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
