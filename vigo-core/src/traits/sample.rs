//! Traits of a machine that nobody has looked at: what a system of that name has as a rule.

use super::TraitSet;
use crate::value::Value;
use crate::when::words::{DISTROS, FAMILIES, family_of};

/// Returns the names that [`sample`] knows: families, then distributions that are none.
pub fn systems() -> impl Iterator<Item = &'static str> {
    let distros = DISTROS.iter().map(|(name, _)| *name).filter(|name| !FAMILIES.contains(name));
    FAMILIES.into_iter().chain(distros)
}

/// Returns the traits that decide what policy does on a system, by the name of its family or distribution: family,
/// distribution, architecture and service manager, of a machine that is neither virtual nor a container.
pub fn sample(system: &str) -> Option<TraitSet> {
    let distro = systems().find(|name| name.eq_ignore_ascii_case(system))?;
    let family = family_of(distro).unwrap_or(distro);
    // A family that is no distribution stands for one of its own.
    let distro = match distro {
        "redhat" => "rhel",
        "suse" => "sles",
        "illumos" => "omnios",
        other => other,
    };
    let manager = match (family, distro) {
        ("alpine", _) | (_, "gentoo") => "openrc",
        ("freebsd" | "netbsd", _) => "rc",
        ("openbsd", _) => "rcctl",
        ("illumos", _) => "smf",
        ("macos", _) => "launchd",
        ("windows", _) => "scm",
        (_, "void") => "runit",
        (_, "slackware" | "devuan") => "sysv",
        _ => "systemd",
    };
    let text = |text: &'static str| Value::text(text);
    let os = Value::map([("family", text(family)), ("distro", text(distro)), ("arch", text("amd64"))]);
    let none = Value::from(false);
    let virtualization = Value::map([("is_container", none.clone()), ("is_virtual", none)]);
    let root = [("os", os), ("init", Value::map([("manager", text(manager))])), ("virtualization", virtualization)];
    TraitSet::from_value(Value::map(root)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traits::{Lookup, check_path};

    #[test]
    fn every_system_has_declared_traits_and_its_family() {
        for system in systems() {
            let traits = sample(system).unwrap_or_default();
            let Lookup::Present(family) = traits.get("os.family") else { panic!("{system} has no family") };
            assert_eq!(family.as_str(), Some(family_of(system).unwrap_or(system)), "{system}");
        }
        for path in ["os.family", "os.distro", "os.arch", "init.manager", "virtualization.is_container"] {
            assert_eq!(check_path(path), Ok(()), "{path}");
            assert!(matches!(sample("Ubuntu").unwrap_or_default().get(path), Lookup::Present(_)), "{path}");
        }
        assert_eq!(sample("ubunto"), None);
    }
}
