//! What a user takes.

use super::{Salt, Users, crypt};
use crate::action::AbsPath;
use crate::host::Problem;
use crate::resource::{
    Attr, Datum, Fields, Footprint, Instance, Kind, Managed, Need, Prepare, Refresh, TypeDecl, ssh_key,
};
use crate::time::Timestamp;
use crate::value::Text;
use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

const PRESENT: &[&str] = &["present"];
const DAYS: Kind = Kind::Integer(-1, 99_999);

/// The declaration.
pub static DECL: TypeDecl = TypeDecl {
    name: "user",
    aliases: &["user_windows"],
    summary: "Manages a local account with its groups, password, keys and sudo right.",
    states: &["present", "absent"],
    attributes: &[
        Attr::new("username", Kind::Name, "Name of the account.").required(),
        Attr::new("uid", Kind::Integer(0, 4_294_967_294), "Its number; a taken one fails.").only_in(PRESENT),
        Attr::new("system", Kind::Bool, "Whether a new account gets a number of the system's range.")
            .default("false")
            .only_in(PRESENT),
        Attr::new("group", Kind::Name, "Primary group by name; must exist.").only_in(PRESENT),
        Attr::new("gid", Kind::Integer(0, 4_294_967_294), "Primary group by number; must exist.").only_in(PRESENT),
        Attr::new("groups", Kind::List, "Supplementary groups; each must exist.").no_secret().only_in(PRESENT),
        Attr::new("groups_exact", Kind::Bool, "Whether groups that are not listed are left.")
            .default("false")
            .only_in(PRESENT),
        Attr::new("shell", Kind::Path, "Login shell; must exist and be executable.").only_in(PRESENT),
        Attr::new("home", Kind::Path, "Home directory.").only_in(PRESENT),
        Attr::new("comment", Kind::Line, "Full name or purpose, without `:`.").no_secret().only_in(PRESENT),
        Attr::new("manage_home", Kind::Bool, "Whether the home is made, and with `absent` removed.").default("true"),
        Attr::new("move_home", Kind::Bool, "Whether the content moves along when `home` changes.")
            .default("false")
            .only_in(PRESENT),
        Attr::new("password", Kind::Line, "The password itself, normally `secret:…`.").only_in(PRESENT),
        Attr::new("password_hash", Kind::Line, "The ready hash, compared as text.").only_in(PRESENT),
        Attr::new("update_password", Kind::Choice(&["always", "on_create"]), "When the password is set.")
            .default("always")
            .only_in(PRESENT),
        Attr::new("locked", Kind::Bool, "Whether the password is locked.").only_in(PRESENT),
        Attr::new("password_max_age", DAYS, "Days after which the password must be changed; `-1` none.")
            .only_in(PRESENT),
        Attr::new("password_min_age", DAYS, "Days before it may be changed; `-1` none.").only_in(PRESENT),
        Attr::new("password_warn_days", DAYS, "Days of warning; `-1` none.").only_in(PRESENT),
        Attr::new("password_inactive_days", DAYS, "Days after which an expired one locks the account; `-1` none.")
            .only_in(PRESENT),
        Attr::new("expires", Kind::Line, "The day the account closes, `YYYY-MM-DD`, or `never`.")
            .no_secret()
            .only_in(PRESENT),
        Attr::new("authorized_keys", Kind::Any, "The whole file `~/.ssh/authorized_keys`: text, or a list of lines.")
            .only_in(PRESENT),
        Attr::new("sudo_nopasswd", Kind::Bool, "Whether sudo asks for no password; `false` removes the rule.")
            .only_in(PRESENT),
        Attr::new("login_class", Kind::Name, "Login class (FreeBSD, OpenBSD, NetBSD).").only_in(PRESENT),
    ],
    refresh: Refresh::Nothing,
    batch: false,
    identity: |fields| fields.str("username"),
    footprint,
    check,
    prepare,
};

fn footprint(fields: &Fields) -> Footprint {
    let mut f = Footprint::default();
    let Some(name) = fields.str("username") else { return f };
    let home = fields.path("home").or_else(|| AbsPath::parse(&format!("/home/{name}")).ok());
    if fields.is_written("sudo_nopasswd") || fields.state() == "absent" {
        f.paths.push(super::sudo_path(&AbsPath::known("/etc/sudoers.d"), &name));
    }
    if fields.state() == "absent" {
        f.trees.extend(home.filter(|_| fields.flag("manage_home")));
        return f;
    }
    if let Some(home) = home {
        if fields.is_written("authorized_keys") {
            f.paths.push(home.join(".ssh/authorized_keys"));
        }
        if fields.flag("manage_home") {
            f.makes.push(Need::Dir(home.clone()));
            if fields.flag("move_home") { f.trees.push(home) } else { f.paths.push(home) }
        }
    }
    f.makes.push(Need::User(name.clone()));
    if !fields.is_written("group") && !fields.is_written("gid") {
        // A group of the user's own name is its primary one, whoever makes it.
        f.makes.push(Need::Group(name.clone()));
        f.needs.push(Need::Group(name));
    }
    f.needs.extend(fields.str("group").map(Need::Group));
    f.needs.extend(fields.words("groups").unwrap_or_default().into_iter().map(Need::Group));
    f
}

/// Checks a name that stands in lists and lines of the account files.
pub(in crate::resource) fn check_name(attribute: &str, name: &str) -> Option<Problem> {
    let bad = name.is_empty()
        || name.len() > 32
        || name.starts_with('-')
        || name.chars().any(|c| c.is_control() || c.is_whitespace() || ":,/\\\"'#".contains(c));
    bad.then(|| {
        let seen = name.escape_debug();
        Problem::bad_value(attribute, format!("expected the name of an account, at most 32 characters, found `{seen}`"))
    })
}

fn check(fields: &Fields) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(name) = fields.str("username") {
        let head = |c: char| c.is_ascii_lowercase() || c == '_';
        let tail = |c: char| head(c) || c.is_ascii_digit() || c == '.' || c == '-';
        if !name.starts_with(head) || !name.chars().all(tail) || name.len() > 32 {
            let message = format!("expected `[a-z_][a-z0-9_.-]{{0,31}}`, found `{name}`");
            problems.push(Problem::bad_value("username", message));
        }
        if &*name == "root" && fields.state() == "absent" {
            problems.push(Problem::guarded("username", "the account `root` cannot be removed"));
        }
    }
    for (one, other) in [("group", "gid"), ("password", "password_hash")] {
        if fields.is_written(one) && fields.is_written(other) {
            problems.push(Problem::conflict(other, format!("excludes `{one}`")));
        }
    }
    for (one, needed) in [("groups_exact", "groups"), ("move_home", "home")] {
        if fields.is_written(one) && !fields.is_written(needed) {
            problems.push(Problem::conflict(one, format!("has no meaning without `{needed}`")));
        }
    }
    if fields.is_written("update_password") && !fields.is_written("password") && !fields.is_written("password_hash") {
        problems.push(Problem::conflict("update_password", "has no meaning without `password` or `password_hash`"));
    }
    for attribute in ["comment", "shell", "home"] {
        if let Some(text) = fields.str(attribute).filter(|t| t.contains(':')) {
            problems.push(Problem::bad_value(attribute, format!("expected text without `:`, found `{text}`")));
        }
    }
    if let Some(group) = fields.str("group") {
        problems.extend(check_name("group", &group));
    }
    problems.extend(fields.words("groups").unwrap_or_default().iter().filter_map(|g| check_name("groups", g)));
    problems.extend(fields.text("password").and_then(|p| check_password(p.as_str())));
    problems.extend(fields.text("password_hash").and_then(|p| check_hash(p.as_str())));
    if let Some(text) = fields.str("expires")
        && Expiry::parse(&text).is_none()
    {
        problems.push(Problem::bad_value("expires", format!("expected `YYYY-MM-DD` or `never`, found `{text}`")));
    }
    if let Some(datum) = fields.datum("authorized_keys")
        && key_lines(datum).is_none()
    {
        problems.push(Problem::bad_value("authorized_keys", "expected text, or a list of lines"));
    }
    problems
}

fn check_password(password: &str) -> Option<Problem> {
    let message = match password {
        "" => "expected a password, found nothing".into(),
        p if p.len() > crypt::PASSWORD_BYTES_MAX => {
            format!("expected a password of at most {} bytes, found {}", crypt::PASSWORD_BYTES_MAX, p.len())
        }
        _ => return None,
    };
    Some(Problem::bad_value("password", message))
}

fn check_hash(hash: &str) -> Option<Problem> {
    let bad = hash.is_empty() || hash.len() > 512 || hash.chars().any(|c| !c.is_ascii_graphic() || c == ':');
    bad.then(|| Problem::bad_value("password_hash", "expected a hash as in shadow(5), without `:` and blanks"))
}

/// Returns the text of the file; `None` when the datum is neither text nor a list of lines.
fn key_lines(datum: &Datum) -> Option<Text> {
    match datum {
        Datum::Scalar { text, .. } if text.as_str().is_empty() || text.as_str().ends_with('\n') => Some(text.clone()),
        Datum::Scalar { text, .. } => Some(Text::plain(format!("{}\n", text.as_str())).tainted_by(text.secret_path())),
        Datum::List(items) => {
            let mut all = Text::default();
            let mut lines = String::new();
            for item in items {
                let Datum::Scalar { text, .. } = item else { return None };
                let line = text.as_str().trim_end_matches('\n');
                if line.contains('\n') {
                    return None;
                }
                lines.push_str(line);
                lines.push('\n');
                all = all.tainted_by(text.secret_path());
            }
            Some(Text::plain(lines).tainted_by(all.secret_path()))
        }
        Datum::Map(_) => None,
    }
}

fn prepare(fields: &Fields, with: &Prepare<'_>) -> Result<Box<dyn Instance>, Problem> {
    let username = fields.str("username").unwrap_or_default();
    let number = |name: &str| fields.int(name).and_then(|n| u32::try_from(n).ok());
    let marked = |text: Text| match text.secret_path() {
        Some(_) => text,
        None => Text::secret(text.shared(), format!("password of {username}")),
    };
    let password = match (fields.text("password"), fields.text("password_hash")) {
        (Some(plain), _) => {
            let Some(entropy) = (with.entropy)() else {
                return Err(Problem::failed("no randomness for the salt of a password was given"));
            };
            Some(Password::Plain { password: marked(plain), salt: Salt::new(entropy) })
        }
        (None, hash) => hash.map(|hash| Password::Hash(marked(hash))),
    };
    let keys = fields.datum("authorized_keys").and_then(key_lines);
    let want = Want {
        username,
        present: fields.state() == "present",
        uid: number("uid"),
        system: fields.flag("system"),
        group: fields.str("group").or_else(|| number("gid").map(|gid| gid.to_string().into())),
        groups: fields.words("groups").map(|g| g.into_iter().collect()),
        groups_exact: fields.flag("groups_exact"),
        shell: fields.path("shell"),
        home: fields.path("home"),
        comment: fields.str("comment"),
        manage_home: fields.flag("manage_home"),
        move_home: fields.flag("move_home"),
        password,
        update_password: match fields.choice("update_password") {
            Some("on_create") => Update::OnCreate,
            Some(_) if fields.is_written("update_password") => Update::Always,
            _ => Update::IfTold,
        },
        lock: fields.bool("locked").map(|locked| if locked { Lock::Locked } else { Lock::Open }),
        ageing: Ageing {
            max: fields.int("password_max_age"),
            min: fields.int("password_min_age"),
            warn: fields.int("password_warn_days"),
            inactive: fields.int("password_inactive_days"),
            expires: fields.str("expires").and_then(|text| Expiry::parse(&text)),
        },
        key_remarks: keys
            .as_ref()
            .filter(|k| k.secret_path().is_none())
            .map_or_else(Vec::new, |k| ssh_key::remarks(k.as_str())),
        authorized_keys: keys,
        sudo: fields.bool("sudo_nopasswd").map(|on| if on { Sudo::WithoutPassword } else { Sudo::NoRule }),
        login_class: fields.str("login_class"),
    };
    Ok(Managed::<Users>::boxed(want, with.host.user(with.facts)?))
}

/// What is wanted of a user.
#[derive(Clone, Debug)]
pub struct Want {
    /// Name of the account.
    pub username: Arc<str>,
    /// Whether it exists.
    pub present: bool,
    /// Its number.
    pub uid: Option<u32>,
    /// Whether a new one is the system's.
    pub system: bool,
    /// Primary group by name or number.
    pub group: Option<Arc<str>>,
    /// Supplementary groups.
    pub groups: Option<BTreeSet<Arc<str>>>,
    /// Whether it is in no others.
    pub groups_exact: bool,
    /// Login shell.
    pub shell: Option<AbsPath>,
    /// Home directory.
    pub home: Option<AbsPath>,
    /// Full name or purpose.
    pub comment: Option<Arc<str>>,
    /// Whether the home is made and removed.
    pub manage_home: bool,
    /// Whether the home's content moves along.
    pub move_home: bool,
    /// The password.
    pub password: Option<Password>,
    /// When it is set.
    pub update_password: Update,
    /// Whether it is locked.
    pub lock: Option<Lock>,
    /// Ages and expiry.
    pub ageing: Ageing,
    /// The whole file of keys, with its last line ended.
    pub authorized_keys: Option<Text>,
    /// What is wrong with lines of it.
    pub key_remarks: Vec<String>,
    /// The sudo rule.
    pub sudo: Option<Sudo>,
    /// Login class, where there is such a thing.
    pub login_class: Option<Arc<str>>,
}

/// A wanted password.
#[derive(Clone, Debug)]
pub enum Password {
    /// The password itself, and the salt for its hash should it have to be set.
    Plain {
        /// The password.
        password: Text,
        /// The salt.
        salt: Salt,
    },
    /// A ready hash.
    Hash(Text),
}

/// When a password is set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Update {
    /// Whenever it differs, where the system tells that; elsewhere when the account is made.
    IfTold,
    /// Whenever it differs.
    Always,
    /// When the account is made.
    OnCreate,
}

/// Whether a password is locked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lock {
    /// It is.
    Locked,
    /// It is not.
    Open,
}

/// What sudo allows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sudo {
    /// Everything without a password.
    WithoutPassword,
    /// Nothing by a rule of ours.
    NoRule,
}

/// Password ages in days, -1 for none, and expiry; what is `None` is left alone.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Ageing {
    /// Days after which it must be changed.
    pub max: Option<i64>,
    /// Days before it may be changed.
    pub min: Option<i64>,
    /// Days of warning.
    pub warn: Option<i64>,
    /// Days after which an expired one locks the account.
    pub inactive: Option<i64>,
    /// When the account closes.
    pub expires: Option<Expiry>,
}

/// When an account closes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expiry {
    /// Never.
    Never,
    /// On this day since 1970.
    Day(i64),
}

impl Expiry {
    /// Parses `YYYY-MM-DD` or `never`.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "never" {
            return Some(Self::Never);
        }
        let mut parts = text.split('-');
        let mut part = |digits: usize| {
            parts.next().filter(|p| p.len() == digits && p.bytes().all(|b| b.is_ascii_digit()))?.parse::<i64>().ok()
        };
        let (year, month, day) = (part(4)?, part(2)?, part(2)?);
        if parts.next().is_some() || year < 1970 {
            return None;
        }
        let midnight = Timestamp::from_utc([year, month, day], [0; 3])?;
        Some(Self::Day(midnight.epoch_secs() / 86_400))
    }

    /// Returns the day as the shadow file has it; -1 for never.
    pub fn day(self) -> i64 {
        match self {
            Self::Never => -1,
            Self::Day(day) => day,
        }
    }
}

impl fmt::Display for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => f.write_str("never"),
            Self::Day(day) => {
                let c = Timestamp::from_epoch_secs(day.saturating_mul(86_400)).civil(0);
                write!(f, "{:04}-{:02}-{:02}", c.year, c.month, c.day)
            }
        }
    }
}
