//! The addresses of network interfaces.

use super::text::narrow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use vigo_core::traits::Address;
use windows_sys::Win32::NetworkManagement::IpHelper::{
    GAA_FLAG_SKIP_ANYCAST, GAA_FLAG_SKIP_DNS_SERVER, GAA_FLAG_SKIP_MULTICAST, GetAdaptersAddresses,
    IP_ADAPTER_ADDRESSES_LH,
};
use windows_sys::Win32::Networking::WinSock::{AF_INET, AF_INET6, AF_UNSPEC, SOCKADDR, SOCKADDR_IN, SOCKADDR_IN6};

/// Bytes of the first attempt, as its manual advises, and attempts: interfaces may come meanwhile.
const BYTES: u32 = 16 << 10;
const ATTEMPTS: usize = 4;

/// Units of an interface's name that are looked at.
const NAME_MAX: usize = 256;

/// Returns all addresses, sorted; none when the system does not say.
pub(crate) fn addresses() -> Vec<Address> {
    let mut found = Vec::new();
    let Some(buffer) = adapters() else { return found };
    let mut next = buffer.as_ptr().cast::<IP_ADAPTER_ADDRESSES_LH>();
    while !next.is_null() {
        // SAFETY: not null, and an element of the list in the buffer, which lives.
        let adapter = unsafe { &*next };
        next = adapter.Next;
        // SAFETY: a name ends with a zero.
        let interface = unsafe { text(adapter.FriendlyName) };
        let mut address = adapter.FirstUnicastAddress;
        while !address.is_null() {
            // SAFETY: as above.
            let entry = unsafe { &*address };
            address = entry.Next;
            // SAFETY: it is null, or points to an address of the family that it says.
            if let Some(ip) = unsafe { ip(entry.Address.lpSockaddr) } {
                found.push(Address { interface: interface.clone(), ip, prefix: entry.OnLinkPrefixLength });
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Returns the list that the system gives, in a buffer that is aligned for it.
fn adapters() -> Option<Vec<u64>> {
    let mut bytes = BYTES;
    for _ in 0..ATTEMPTS {
        let mut buffer = vec![0u64; (bytes as usize).div_ceil(size_of::<u64>())];
        // SAFETY: the buffer has at least as many bytes as are told.
        let error = unsafe {
            GetAdaptersAddresses(
                u32::from(AF_UNSPEC),
                GAA_FLAG_SKIP_ANYCAST | GAA_FLAG_SKIP_MULTICAST | GAA_FLAG_SKIP_DNS_SERVER,
                std::ptr::null(),
                buffer.as_mut_ptr().cast(),
                &mut bytes,
            )
        };
        match error {
            0 => return Some(buffer),
            windows_sys::Win32::Foundation::ERROR_BUFFER_OVERFLOW => {}
            _ => return None,
        }
    }
    None
}

/// # Safety
/// The pointer is null or that of a text which ends with a zero.
unsafe fn text(wide: *const u16) -> String {
    let mut units = Vec::new();
    for at in 0..NAME_MAX {
        // SAFETY: the caller says so; what is behind the zero is not read.
        match if wide.is_null() { 0 } else { unsafe { *wide.add(at) } } {
            0 => break,
            unit => units.push(unit),
        }
    }
    narrow(&units)
}

/// # Safety
/// The pointer is null or points to an address that is as long as its family says.
unsafe fn ip(address: *const SOCKADDR) -> Option<IpAddr> {
    if address.is_null() {
        return None;
    }
    // SAFETY: every address starts with its family.
    match unsafe { (*address).sa_family } {
        AF_INET => {
            // SAFETY: the family says so; the type may ask for more alignment than the pointer has.
            let four = unsafe { address.cast::<SOCKADDR_IN>().read_unaligned() };
            // SAFETY: all readings of the address are numbers.
            Some(IpAddr::V4(Ipv4Addr::from(unsafe { four.sin_addr.S_un.S_addr }.to_ne_bytes())))
        }
        AF_INET6 => {
            // SAFETY: as above.
            let six = unsafe { address.cast::<SOCKADDR_IN6>().read_unaligned() };
            // SAFETY: as above.
            Some(IpAddr::V6(Ipv6Addr::from(unsafe { six.sin6_addr.u.Byte })))
        }
        _ => None,
    }
}
