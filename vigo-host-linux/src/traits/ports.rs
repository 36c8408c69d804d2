//! `ports`: TCP ports that something listens on.

use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::see::{See, read};
use vigo_core::traits::{Collector, Found, Machine, form};

pub(super) const COLLECTOR: Collector = Collector::quick("ports", probe, interpret);

fn probe(_: &Machine) -> Vec<Op> {
    alloc::vec![read("/proc/net/tcp"), read("/proc/net/tcp6")]
}

fn interpret(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let four = see.need("/proc/net/tcp")?;
    let six = see.text("/proc/net/tcp6").unwrap_or_default();
    let sockets = four.lines().chain(six.lines()).filter_map(Socket::parse);
    Ok(form::ports(sockets.filter(|s| s.state == LISTEN).map(|s| s.port)))
}

/// States of a socket, include/net/tcp_states.h.
pub(super) const LISTEN: u8 = 0x0a;
/// An UDP socket that is not connected.
pub(super) const CLOSE: u8 = 0x07;

/// A line of `/proc/net/{tcp,udp}{,6}`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Socket<'a> {
    pub address: IpAddr,
    pub port: u16,
    pub state: u8,
    pub uid: u32,
    pub inode: &'a str,
}

impl<'a> Socket<'a> {
    pub(super) fn parse(line: &'a str) -> Option<Self> {
        let mut words = line.split_whitespace().skip(1);
        let (address, port) = words.next()?.split_once(':')?;
        let state = u8::from_str_radix(words.nth(1)?, 16).ok()?;
        let uid = words.nth(3)?.parse().ok()?;
        let inode = words.nth(1)?;
        let port = u16::from_str_radix(port, 16).ok()?;
        Some(Self { address: ip(address)?, port, state, uid, inode })
    }
}

/// Reads an address as the kernel prints it: words of 32 bits, each in the order of the machine's bytes.
fn ip(text: &str) -> Option<IpAddr> {
    let word = |at: usize| Some(u32::from_str_radix(text.get(at * 8..at * 8 + 8)?, 16).ok()?.to_ne_bytes());
    match text.len() {
        8 => Some(IpAddr::V4(Ipv4Addr::from(word(0)?))),
        32 => {
            let mut bytes = [0; 16];
            for (at, chunk) in bytes.chunks_exact_mut(4).enumerate() {
                chunk.copy_from_slice(&word(at)?);
            }
            Some(IpAddr::V6(Ipv6Addr::from(bytes)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_core::sim::answers;
    use vigo_core::value::Value;

    const TCP: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
   0: 0100007F:0277 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12345 1 0000000000000000 100 0 0 10 0\n\
   1: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 23456 1 0000000000000000 100 0 0 10 0\n\
   2: 0100007F:ABCD 0100007F:0016 01 00000000:00000000 00:00000000 00000000  1000        0 34567 1 0000000000000000 100 0 0 10 0\n";
    const TCP6: &str = "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
   0: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 45678 1 0000000000000000 100 0 0 10 0\n";

    #[test]
    fn ports_are_sorted_and_listed_once() {
        let outputs = answers(&[("/proc/net/tcp", TCP), ("/proc/net/tcp6", TCP6)]);
        let Ok(Found::Value(seen)) = interpret(&Machine::default(), &outputs) else { panic!("expected a value") };
        assert_eq!(seen.at("listening"), Some(&Value::list([Value::Int(22), Value::Int(631)])));
    }

    #[cfg(target_endian = "little")]
    #[test]
    fn addresses_are_in_the_order_of_the_machine() {
        let sockets: Vec<_> = TCP.lines().chain(TCP6.lines()).filter_map(Socket::parse).collect();
        let seen: Vec<_> = sockets.iter().map(|s| (alloc::format!("{}", s.address), s.inode, s.uid)).collect();
        let expected =
            [("127.0.0.1", "12345", 0), ("0.0.0.0", "23456", 0), ("127.0.0.1", "34567", 1000), ("::", "45678", 0)];
        assert_eq!(seen.iter().map(|(a, i, u)| (a.as_str(), *i, *u)).collect::<Vec<_>>(), expected);
    }
}
