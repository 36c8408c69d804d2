//! Lines of master.passwd(5): `name:password:uid:gid:class:change:expire:gecos:home:shell`.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, OpOutput, Outputs};
use vigo_core::host::Shadow;

/// How a system marks a locked account.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Lock {
    /// `*` before the hash, and `-` behind the shell: OpenBSD's `usermod -Z`.
    StarAndDash,
    /// `*LOCKED*` before the hash: NetBSD's `usermod -C yes`.
    Word,
}

const WORD: &str = "*LOCKED*";

/// The password of an account that was made here and whose own is still to be set. No password fits: no hash has a hyphen.
/// It is as long as a hash of crypt(3) was in its first form, which useradd(8) asks of what it does not know.
pub(super) const UNSET: &str = "*vigo-unset-*";

/// What master.passwd(5) says of an account beside what passwd(5) does.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    password: String,
    /// Its login class.
    pub(crate) class: Option<Arc<str>>,
    /// The second since 1970 from which the account is closed; 0 is never.
    expires: i64,
}

/// Returns the file's path.
pub(crate) fn path() -> AbsPath {
    AbsPath::known("/etc/master.passwd")
}

/// Returns an account's entry; `None` when the file has no line of it.
///
/// # Errors
/// A fragment, when the file could not be read, or the line has no sense.
pub(crate) fn entry(outputs: &Outputs, name: &str) -> Result<Option<Entry>, String> {
    let text = match outputs.path(&path()) {
        Some(OpOutput::File { content, .. }) => content,
        Some(OpOutput::Missing) => return Ok(None),
        Some(OpOutput::Failed(failure)) => return Err(failure.message.clone()),
        _ => return Err(format!("expected the file `{}`, found something else", path())),
    };
    let of = |line: &&[u8]| line.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.first() == Some(&b':'));
    let Some(line) = text.split(|&b| b == b'\n').find(of) else { return Ok(None) };
    let line = String::from_utf8_lossy(line);
    let fields: Vec<&str> = line.split(':').collect();
    let [_, password, _, _, class, _, expires, _, _, _] = fields[..] else {
        return Err(format!("expected 10 fields in the line of `{name}` in `{}`, found {}", path(), fields.len()));
    };
    let expires = match expires {
        "" => 0,
        number => number
            .parse()
            .map_err(|_| format!("expected seconds as the expiry of `{name}` in `{}`, found `{number}`", path()))?,
    };
    let class = Some(class).filter(|class| !class.is_empty()).map(Arc::from);
    Ok(Some(Entry { password: password.into(), class, expires }))
}

impl Entry {
    /// Returns whether the account was made here and its first password is still to come, also where somebody has locked
    /// it since. The stars of an account that useradd(8) makes by itself say that it has none.
    pub(crate) fn is_new(&self, lock: Lock) -> bool {
        let mark = match lock {
            Lock::Word => WORD,
            Lock::StarAndDash => "*",
        };
        self.password == UNSET || self.password.strip_prefix(mark) == Some(UNSET)
    }

    /// Returns password and expiry as the comparison has them, `!` for a lock. `shell` loses what locks it.
    pub(crate) fn shadow(&self, lock: Lock, shell: &mut Arc<str>) -> Shadow {
        let bare = |text: &str| text.bytes().all(|b| b == b'*');
        let (locked, hash) = match lock {
            Lock::Word => match self.password.strip_prefix(WORD) {
                Some(hash) => (true, hash),
                None => (false, &*self.password),
            },
            Lock::StarAndDash => {
                let open = shell.strip_suffix('-').filter(|open| open.starts_with('/')).map(Arc::from);
                let closed = open.is_some();
                *shell = open.unwrap_or_else(|| shell.clone());
                match self.password.strip_prefix('*').filter(|hash| !bare(hash) && self.password != UNSET) {
                    Some(hash) => (true, hash),
                    None => (closed, &*self.password),
                }
            }
        };
        // Nothing but stars, as useradd(8) writes them, is no password, and neither is what stands for one to come.
        let hash = if (!hash.is_empty() && bare(hash)) || hash == UNSET { "*" } else { hash };
        let password = format!("{}{hash}", if locked { "!" } else { "" }).into();
        // usermod(8) counts from midnight where the machine is, so the nearest midnight is meant.
        let expires = if self.expires > 0 { self.expires.saturating_add(43_200).div_euclid(86_400) } else { -1 };
        Shadow { password, min: -1, max: -1, warn: -1, inactive: -1, expires }
    }
}

impl Lock {
    /// Returns a password field as the file has it, from one with `!` for a lock.
    pub(crate) fn stored(self, password: &str) -> String {
        match (password.strip_prefix('!'), self) {
            (None, _) => password.into(),
            (Some(hash), Self::StarAndDash) => format!("*{hash}"),
            (Some(hash), Self::Word) => format!("{WORD}{hash}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use vigo_core::action::Op;

    fn read(text: &[u8], name: &str) -> Result<Option<Entry>, String> {
        let mut outputs = Outputs::default();
        let OpOutput::File { meta, .. } = OpOutput::file("") else { panic!() };
        outputs.push(Op::read_file(&path()), Arc::new(OpOutput::File { meta, content: text.into() }));
        entry(&outputs, name)
    }

    #[test]
    fn a_lock_is_seen_and_taken_off() {
        let (ksh, dash) = ("/bin/ksh", "/bin/ksh-");
        let cases = [
            ("open", Lock::StarAndDash, "$2b$10$x", ksh, "$2b$10$x", ksh),
            ("locked", Lock::StarAndDash, "*$2b$10$x", dash, "!$2b$10$x", ksh),
            ("the password alone", Lock::StarAndDash, "*$2b$10$x", ksh, "!$2b$10$x", ksh),
            ("the shell alone", Lock::StarAndDash, "$2b$10$x", dash, "!$2b$10$x", ksh),
            ("no password", Lock::StarAndDash, "*************", ksh, "*", ksh),
            ("no password, locked", Lock::StarAndDash, "*************", dash, "!*", ksh),
            ("empty", Lock::StarAndDash, "", ksh, "", ksh),
            ("a password to come", Lock::StarAndDash, UNSET, ksh, "*", ksh),
            ("a password to come, locked", Lock::StarAndDash, "**vigo-unset-*", dash, "!*", ksh),
            ("a password to come", Lock::Word, UNSET, ksh, "*", ksh),
            ("a password to come, locked", Lock::Word, "*LOCKED**vigo-unset-*", ksh, "!*", ksh),
            ("open", Lock::Word, "$2a$10$x", dash, "$2a$10$x", dash),
            ("locked", Lock::Word, "*LOCKED*$2a$10$x", ksh, "!$2a$10$x", ksh),
            ("no password", Lock::Word, "*************", ksh, "*", ksh),
            ("no password, locked", Lock::Word, "*LOCKED**************", ksh, "!*", ksh),
        ];
        for (name, lock, stored, shell, password, shell_after) in cases {
            let line = format!("bob:{stored}:1000:1000::0:0::/home/bob:{shell}\n");
            let mut shell = Arc::from(shell);
            let seen = read(line.as_bytes(), "bob").unwrap().unwrap().shadow(lock, &mut shell);
            assert_eq!((&*seen.password, &*shell), (password, shell_after), "{name}");
        }
        let cases = [
            (Lock::Word, UNSET, true),
            (Lock::Word, "*LOCKED**vigo-unset-*", true),
            (Lock::StarAndDash, UNSET, true),
            (Lock::StarAndDash, "**vigo-unset-*", true),
            (Lock::Word, "*************", false),
            (Lock::Word, "*", false),
            (Lock::Word, "", false),
        ];
        for (lock, stored, new) in cases {
            let line = format!("bob:{stored}:1000:1000::0:0::/home/bob:{ksh}\n");
            assert_eq!(read(line.as_bytes(), "bob").unwrap().unwrap().is_new(lock), new, "{stored}");
        }
        assert_eq!(UNSET.len(), 13, "what useradd takes for a hash");
        assert_eq!(Lock::StarAndDash.stored("!$2b$10$x"), "*$2b$10$x");
        assert_eq!(Lock::Word.stored("!$2b$10$x"), "*LOCKED*$2b$10$x");
        assert_eq!(Lock::Word.stored("$2b$10$x"), "$2b$10$x");
    }

    #[test]
    fn an_expiry_is_the_nearest_midnight() {
        // 2030-01-01 in UTC, in Berlin, in New York.
        for (seconds, day) in [(1_893_456_000, 21915), (1_893_452_400, 21915), (1_893_474_000, 21915), (0, -1)] {
            let line = format!("bob:*:1000:1000:staff:0:{seconds}::/home/bob:/bin/sh\n");
            let entry = read(line.as_bytes(), "bob").unwrap().unwrap();
            assert_eq!(entry.class.as_deref(), Some("staff"));
            assert_eq!(entry.shadow(Lock::Word, &mut "/bin/sh".into()).expires, day, "{seconds}");
        }
    }

    #[test]
    fn a_line_without_sense_is_unknown_and_not_absent() {
        let cases: Vec<(&str, &[u8], Result<bool, &str>)> = vec![
            ("none", b"", Ok(false)),
            ("another's", b"bobby:*:1:1::0:0::/:/bin/sh\n", Ok(false)),
            (
                "of passwd(5)",
                b"bob:*:1:1::/:/bin/sh\n",
                Err("expected 10 fields in the line of `bob` in `/etc/master.passwd`, found 7"),
            ),
            (
                "no number",
                b"bob:*:1:1::0:soon::/:/bin/sh\n",
                Err("expected seconds as the expiry of `bob` in `/etc/master.passwd`, found `soon`"),
            ),
            ("cut", b"bob:*", Err("expected 10 fields in the line of `bob` in `/etc/master.passwd`, found 2")),
            ("other bytes elsewhere", b"\xff:\xff\nbob:*:1:1::0:::/:/bin/sh", Ok(true)),
        ];
        for (name, text, expected) in cases {
            let seen = read(text, "bob").map(|entry| entry.is_some());
            assert_eq!(seen.as_ref().map_err(|e| &**e), expected.as_ref().map_err(|e| &**e), "{name}");
        }
    }
}
