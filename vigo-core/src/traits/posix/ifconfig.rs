//! What ifconfig(8) says of network interfaces.

use super::super::form::Link;
use super::super::see::int;
use crate::value::Value;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Interfaces that are told of.
const LINKS_MAX: usize = 1000;

/// Words before the address of a card: of FreeBSD, macOS and illumos, of OpenBSD, of NetBSD.
const CARD: &[&str] = &["ether", "lladdr", "address:"];

/// Reads `em0: flags=8863<UP,BROADCAST> metric 0 mtu 1500` and the lines below it, which are indented. An interface that
/// is there twice, once for each kind of addresses, is one.
pub(super) fn links(text: &str) -> Vec<Link> {
    let mut links: BTreeMap<&str, Link> = BTreeMap::new();
    let mut name = None;
    for line in text.lines() {
        if !line.starts_with([' ', '\t']) {
            name = None;
            let Some((head, rest)) = line.split_once(": flags=") else { continue };
            if links.len() == LINKS_MAX && !links.contains_key(head) {
                continue;
            }
            let flags = rest.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
            let mtu = rest.split_once(" mtu ").and_then(|(_, rest)| rest.split(' ').next()?.parse::<u32>().ok());
            let link = links.entry(head).or_default();
            link.name = head.into();
            link.up = flags.map(|(flags, _)| flags.split(',').any(|flag| flag == "UP")).or(link.up);
            link.mtu = mtu.map(|mtu| int(mtu.into())).or_else(|| link.mtu.take());
            name = Some(head);
        } else if let Some(link) = name.and_then(|name| links.get_mut(name)) {
            let mut words = line.split_whitespace();
            if words.next().is_some_and(|word| CARD.contains(&word))
                && let Some(mac) = words.next().and_then(card)
            {
                link.mac = Some(Value::from(mac));
            }
        }
    }
    links.into_values().collect()
}

/// Some write `8:0:27:a:b:c`.
fn card(text: &str) -> Option<String> {
    let bytes: Option<Vec<u8>> = text.split(':').map(|byte| u8::from_str_radix(byte, 16).ok()).collect();
    let bytes = bytes.filter(|bytes| bytes.len() > 1)?;
    Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn every_system_writes_them_its_way() {
        let cases = [
            (
                "freebsd",
                "em0: flags=8863<UP,BROADCAST,RUNNING> metric 0 mtu 1500\n\tether 08:00:27:AA:bb:cc\n",
                "em0 true 1500 08:00:27:aa:bb:cc",
            ),
            (
                "openbsd",
                "vio0: flags=808843<UP,BROADCAST> mtu 1500\n\tlladdr fe:e1:bb:d1:00:01\n\tindex 1 priority 0\n",
                "vio0 true 1500 fe:e1:bb:d1:00:01",
            ),
            (
                "netbsd",
                "wm0: flags=0x8802<BROADCAST,SIMPLEX> mtu 1500\n\tcapabilities=7ff80<TSO4>\n\taddress: 52:54:00:12:34:56\n",
                "wm0 false 1500 52:54:00:12:34:56",
            ),
            (
                "illumos",
                "net0: flags=1004843<UP,IPv4> mtu 1500 index 2\n\tether 8:0:27:a:b:c \nnet0: flags=20002004841<UP,IPv6> mtu 1480 index 2\n\tinet6 fe80::1/10\n",
                "net0 true 1480 08:00:27:0a:0b:0c",
            ),
            (
                "a loopback",
                "lo0: flags=8049<UP,LOOPBACK> mtu 16384\n\tinet 127.0.0.1 netmask 0xff000000\n",
                "lo0 true 16384 -",
            ),
            ("nonsense", "\tether 08:00:27:aa:bb:cc\nx: y\n\tether 1:2\nz: flags=1 mtu many\n\tether 12\n", "z - - -"),
        ];
        for (name, text, expected) in cases {
            let seen: Vec<String> = links(text)
                .iter()
                .map(|link| {
                    let up = link.up.map_or("-".into(), |up| up.to_string());
                    let mtu = link.mtu.as_ref().and_then(Value::as_int).map_or("-".into(), |mtu| mtu.to_string());
                    let mac = link.mac.as_ref().and_then(Value::as_str).unwrap_or("-");
                    format!("{} {up} {mtu} {mac}", link.name)
                })
                .collect();
            assert_eq!(seen, [expected], "{name}");
        }
    }
}
