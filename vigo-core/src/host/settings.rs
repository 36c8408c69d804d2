//! What new accounts get: login.defs(5) and the defaults of useradd(8).

use super::IdRange;
use alloc::string::String;
use alloc::sync::Arc;

/// The settings from which a new account's number, home and shell follow.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccountSettings {
    /// Numbers of people's accounts.
    pub uids: IdRange,
    /// Numbers of the system's accounts.
    pub system_uids: IdRange,
    /// Numbers of people's groups.
    pub gids: IdRange,
    /// Numbers of the system's groups.
    pub system_gids: IdRange,
    /// Whether a new user gets a group of its own name.
    pub own_group: OwnGroup,
    /// The folder of new homes.
    pub home_base: Arc<str>,
    /// Permission bits of a new home.
    pub home_mode: u32,
    /// The login shell.
    pub shell: Arc<str>,
    /// The last part of a shadow line, without the day of the change: `0:99999:7:::`.
    pub ageing: Arc<str>,
}

/// The primary group of a user for which none is named.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OwnGroup {
    /// A new one, named as the user.
    Made,
    /// The one with this number.
    Shared(u32),
}

impl Default for AccountSettings {
    /// The values compiled into shadow 4.13.
    fn default() -> Self {
        let (low, high) = (IdRange { min: 1000, max: 60000, downwards: false }, system(1000));
        Self {
            uids: low,
            system_uids: high,
            gids: low,
            system_gids: high,
            own_group: OwnGroup::Made,
            home_base: "/home".into(),
            home_mode: 0o755,
            shell: "/bin/sh".into(),
            ageing: "0:99999:7:::".into(),
        }
    }
}

impl AccountSettings {
    /// Reads `/etc/login.defs` and `/etc/default/useradd`; what they do not say is as the tools have it.
    pub fn parse(login_defs: &[u8], useradd: &[u8]) -> Self {
        let (defs, useradd) = (String::from_utf8_lossy(login_defs), String::from_utf8_lossy(useradd));
        let text = |key: &str| setting(&defs, key, char::is_whitespace);
        let number = |key: &str| text(key).and_then(|t| t.parse::<u32>().ok());
        let octal = |key: &str| text(key).and_then(|t| u32::from_str_radix(t, 8).ok()).map(|m| m & 0o777);
        let range = |min: &str, max: &str, fallback: IdRange| IdRange {
            min: number(min).unwrap_or(fallback.min),
            max: number(max).unwrap_or(fallback.max),
            ..fallback
        };
        let built_in = Self::default();
        let uids = range("UID_MIN", "UID_MAX", built_in.uids);
        let gids = range("GID_MIN", "GID_MAX", built_in.gids);
        let useradd = |key: &str| setting(&useradd, key, |c| c == '=').filter(|v| !v.is_empty());
        let shared = || useradd("GROUP").and_then(|g| g.parse().ok()).unwrap_or(100);
        let days = |key: &str, built_in: u32| number(key).unwrap_or(built_in);
        Self {
            uids,
            system_uids: range("SYS_UID_MIN", "SYS_UID_MAX", system(uids.min)),
            gids,
            system_gids: range("SYS_GID_MIN", "SYS_GID_MAX", system(gids.min)),
            own_group: match text("USERGROUPS_ENAB") {
                Some("no") => OwnGroup::Shared(shared()),
                _ => OwnGroup::Made,
            },
            home_base: useradd("HOME").unwrap_or(&built_in.home_base).into(),
            home_mode: octal("HOME_MODE").unwrap_or(0o777 & !octal("UMASK").unwrap_or(0o022)),
            shell: useradd("SHELL").unwrap_or(&built_in.shell).into(),
            ageing: alloc::format!(
                "{}:{}:{}:::",
                days("PASS_MIN_DAYS", 0),
                days("PASS_MAX_DAYS", 99999),
                days("PASS_WARN_AGE", 7)
            )
            .into(),
        }
    }

    /// Returns the numbers of users.
    pub fn users(&self, of_system: bool) -> IdRange {
        if of_system { self.system_uids } else { self.uids }
    }

    /// Returns the numbers of groups.
    pub fn groups(&self, of_system: bool) -> IdRange {
        if of_system { self.system_gids } else { self.gids }
    }
}

fn system(first_of_people: u32) -> IdRange {
    IdRange { min: 101, max: first_of_people.saturating_sub(1), downwards: true }
}

/// Returns the last value of a key, as the tools do.
fn setting<'a>(text: &'a str, key: &str, separator: impl Fn(char) -> bool + Copy) -> Option<&'a str> {
    let value = |line: &'a str| {
        let rest = line.trim_start().strip_prefix(key)?;
        rest.starts_with(separator).then(|| rest.trim_start_matches(separator).trim())
    };
    text.lines().filter_map(value).next_back().map(|v| v.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_and_the_rest_is_built_in() {
        assert_eq!(AccountSettings::parse(b"", b"# SHELL=/bin/x\n\xff\n"), AccountSettings::default());
        let s = AccountSettings::parse(
            b"UID_MIN\t\t 500\nUID_MAX 600 # not a number\n#GID_MIN 5\nHOME_MODE 0700\nUSERGROUPS_ENAB no\nPASS_MAX_DAYS\t90\n",
            b"SHELL=/bin/bash\nHOME=/srv/home\nGROUP=50\n",
        );
        assert_eq!((s.uids.min, s.uids.max, s.gids.min, s.system_uids.max), (500, 60000, 1000, 499));
        assert_eq!((s.home_mode, &*s.home_base, &*s.shell), (0o700, "/srv/home", "/bin/bash"));
        assert_eq!((s.own_group, &*s.ageing), (OwnGroup::Shared(50), "0:90:7:::"));
    }
}
