//! Who may do what.

use crate::diagnostic::nearest;
use alloc::format;
use alloc::string::String;
use core::fmt;
use core::str::FromStr;

/// What somebody is in the fleet. Each may do what those before it may.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Role {
    /// Looks at everything but secrets, users and the audit.
    Viewer,
    /// Runs the fleet: publishes, and has machines converge.
    Operator,
    /// Decides who and what belongs to the fleet.
    Admin,
}

/// What an endpoint needs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Permission {
    /// One's own account: whoever is known has it.
    OwnAccount,
    /// Envoys, their traits and runs, the server's status.
    ReadFleet,
    /// What is and was published.
    ReadPolicy,
    /// Who did what, and what is wrong with the server.
    ReadServer,
    /// Publishing, rolling back, freezing.
    Publish,
    /// Having envoys converge, observe, and rest.
    OperateEnvoys,
    /// Who becomes an envoy, under which name, and who is one no more: names decide about secrets.
    ManageEnvoys,
    /// Secrets.
    ManageSecrets,
    /// The fleet's keys.
    ManageKeys,
    /// Backups: each holds every key.
    ManageBackups,
    /// Users, and their tokens.
    ManageUsers,
}

/// A word that is no role.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("expected a role, `viewer`, `operator` or `admin`, found `{found}`{}", .near.map(|n| format!("; did you mean `{n}`?")).unwrap_or_default())]
pub struct RoleError {
    /// The word, escaped.
    found: String,
    /// The role of the nearest name.
    near: Option<&'static str>,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Admin];

    /// Returns the word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    /// Returns whether it may.
    pub fn may(self, permission: Permission) -> bool {
        self >= permission.needs()
    }
}

impl Permission {
    /// Returns the word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::OwnAccount => "own-account",
            Self::ReadFleet => "read-fleet",
            Self::ReadPolicy => "read-policy",
            Self::ReadServer => "read-server",
            Self::Publish => "publish",
            Self::OperateEnvoys => "operate-envoys",
            Self::ManageEnvoys => "manage-envoys",
            Self::ManageSecrets => "manage-secrets",
            Self::ManageKeys => "manage-keys",
            Self::ManageBackups => "manage-backups",
            Self::ManageUsers => "manage-users",
        }
    }

    /// Returns the least role that has it.
    pub const fn needs(self) -> Role {
        match self {
            Self::OwnAccount | Self::ReadFleet | Self::ReadPolicy => Role::Viewer,
            Self::ReadServer | Self::Publish | Self::OperateEnvoys => Role::Operator,
            Self::ManageEnvoys | Self::ManageSecrets | Self::ManageKeys | Self::ManageBackups | Self::ManageUsers => {
                Role::Admin
            }
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Role {
    type Err = RoleError;

    fn from_str(text: &str) -> Result<Self, RoleError> {
        let known = Self::ALL.into_iter().find(|role| role.word() == text);
        known.ok_or_else(|| RoleError {
            found: text.chars().take(40).flat_map(char::escape_debug).collect(),
            near: nearest(text, Self::ALL.map(Self::word))
                .and_then(|word| Self::ALL.map(Self::word).into_iter().find(|w| *w == word)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn each_role_may_what_the_one_before_may_and_more() {
        let cases = [
            (Permission::ReadFleet, [true, true, true]),
            (Permission::ReadServer, [false, true, true]),
            (Permission::Publish, [false, true, true]),
            (Permission::ManageEnvoys, [false, false, true]),
            (Permission::ManageSecrets, [false, false, true]),
            (Permission::ManageUsers, [false, false, true]),
        ];
        for (permission, expected) in cases {
            assert_eq!(Role::ALL.map(|role| role.may(permission)), expected, "{}", permission.word());
        }
    }

    #[test]
    fn roles_are_words() {
        for role in Role::ALL {
            assert_eq!(role.word().parse(), Ok(role));
        }
        let error = "admn".parse::<Role>().unwrap_err().to_string();
        assert_eq!(error, "expected a role, `viewer`, `operator` or `admin`, found `admn`; did you mean `admin`?");
    }
}
