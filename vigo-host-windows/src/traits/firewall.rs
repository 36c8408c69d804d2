//! `firewall`: what the registry says of Windows' own.

use super::registry::{Key, query};
use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::Outputs;
use vigo_core::traits::see::fields;
use vigo_core::traits::{Collector, Found, Machine};
use vigo_core::value::Value;

pub(super) const FIREWALL: Collector =
    Collector::slow("firewall", |_| PROFILES.iter().map(|key| query(key)).collect(), firewall);

/// In a domain, in a private network, in a public one.
const PROFILES: [&str; 3] = [
    "HKLM\\SYSTEM\\CurrentControlSet\\Services\\SharedAccess\\Parameters\\FirewallPolicy\\DomainProfile",
    "HKLM\\SYSTEM\\CurrentControlSet\\Services\\SharedAccess\\Parameters\\FirewallPolicy\\StandardProfile",
    "HKLM\\SYSTEM\\CurrentControlSet\\Services\\SharedAccess\\Parameters\\FirewallPolicy\\PublicProfile",
];

/// It is active when it is in every profile; of what the profiles do the laxer is told. Without a value nothing comes in,
/// and all goes out. What a policy of a domain sets stands elsewhere.
fn firewall(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let profiles: Result<Vec<Key>, String> = PROFILES.iter().map(|key| Key::read(outputs, key)).collect();
    let profiles = profiles?;
    let all_are = |name: &str, wanted: i64, default: i64| {
        profiles.iter().all(|profile| profile.number(name).unwrap_or(default) == wanted)
    };
    let word = |blocks: bool| Value::text(if blocks { "drop" } else { "accept" });
    Ok(Found::Value(fields([
        ("backend", Some(Value::text("windows"))),
        ("active", Some(Value::Bool(all_are("EnableFirewall", 1, 1)))),
        ("default_in", Some(word(all_are("DefaultInboundAction", 1, 1)))),
        ("default_out", Some(word(all_are("DefaultOutboundAction", 1, 0)))),
    ])))
}

#[cfg(test)]
mod tests {
    use super::super::registry::answers;
    use super::*;

    #[test]
    fn the_laxest_profile_is_told() {
        let on = "    EnableFirewall    REG_DWORD    0x1\r\n";
        let open = "    EnableFirewall    REG_DWORD    0x0\r\n    DefaultInboundAction    REG_DWORD    0x0\r\n";
        let seen = |texts: [&str; 3]| {
            let items: Vec<(&str, &str)> = PROFILES.into_iter().zip(texts).collect();
            match firewall(&Machine::default(), &answers(&items)) {
                Ok(Found::Value(value)) => (value.at("active").cloned(), value.at("default_in").cloned()),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(seen([on; 3]), (Some(Value::Bool(true)), Some("drop".into())));
        assert_eq!(seen([on, open, on]), (Some(Value::Bool(false)), Some("accept".into())));
        assert!(firewall(&Machine::default(), &Outputs::default()).is_err());
    }
}
