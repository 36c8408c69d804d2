//! Looking up accounts in the text of passwd(5) and group(5) files.

/// The local account database, as text.
#[derive(Clone, Copy, Debug, Default)]
pub struct Accounts<'a> {
    /// The bytes of `/etc/passwd`.
    pub passwd: &'a [u8],
    /// The bytes of `/etc/group`.
    pub group: &'a [u8],
}

impl<'a> Accounts<'a> {
    /// Returns the user id of a name or a decimal number; `None` when there is no such user.
    pub fn uid(&self, user: &str) -> Option<u32> {
        if let Ok(number) = user.parse() {
            return Some(number);
        }
        field(line(self.passwd, user)?, 2)?.parse().ok()
    }

    /// Returns the group id of a name or a decimal number; `None` when there is no such group.
    pub fn gid(&self, group: &str) -> Option<u32> {
        if let Ok(number) = group.parse() {
            return Some(number);
        }
        field(line(self.group, group)?, 2)?.parse().ok()
    }

    /// Returns whether there is a user of this name.
    pub fn has_user(&self, user: &str) -> bool {
        line(self.passwd, user).is_some()
    }

    /// Returns the home directory of a user.
    pub fn home(&self, user: &str) -> Option<&'a str> {
        field(line(self.passwd, user)?, 5)
    }

    /// Returns the primary group id of a user.
    pub fn primary_gid(&self, user: &str) -> Option<u32> {
        field(line(self.passwd, user)?, 3)?.parse().ok()
    }

    /// Returns the first name of a user id; the number itself is not invented as a name.
    pub fn user_name(&self, uid: u32) -> Option<&'a str> {
        name_of(self.passwd, uid)
    }

    /// Returns the first name of a group id.
    pub fn group_name(&self, gid: u32) -> Option<&'a str> {
        name_of(self.group, gid)
    }
}

/// Returns the line whose first field is `name`.
fn line<'a>(text: &'a [u8], name: &str) -> Option<&'a [u8]> {
    text.split(|&b| b == b'\n')
        .find(|l| l.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.first() == Some(&b':')))
}

fn field(line: &[u8], index: usize) -> Option<&str> {
    core::str::from_utf8(line.split(|&b| b == b':').nth(index)?).ok()
}

fn name_of(text: &[u8], id: u32) -> Option<&str> {
    text.split(|&b| b == b'\n')
        .find(|l| field(l, 2).and_then(|f| f.parse::<u32>().ok()) == Some(id))
        .and_then(|l| field(l, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_found_whole() {
        let a = Accounts {
            passwd:
                b"root:x:0:0:root:/root:/bin/bash\nalic:x:7:7::/:/bin/sh\nalice:x:1000:1001:A:/home/alice:/bin/sh\n",
            group: b"root:x:0:\nsudo:x:27:alice\n",
        };
        assert_eq!(a.uid("alice"), Some(1000));
        assert_eq!(a.uid("ali"), None);
        assert_eq!(a.uid("4711"), Some(4711));
        assert_eq!(a.gid("sudo"), Some(27));
        assert_eq!(a.home("alice"), Some("/home/alice"));
        assert_eq!(a.user_name(7), Some("alic"));
        assert_eq!(Accounts { passwd: b":::\n\xff:x\n", group: b"" }.uid("x"), None);
    }
}
