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
        if let Ok(id) = user.parse::<u32>() {
            return is_id(id).then_some(id);
        }
        account_id(field(line(self.passwd, user)?, 2)?)
    }

    /// Returns the group id of a name or a decimal number; `None` when there is no such group.
    pub fn gid(&self, group: &str) -> Option<u32> {
        if let Ok(id) = group.parse::<u32>() {
            return is_id(id).then_some(id);
        }
        account_id(field(line(self.group, group)?, 2)?)
    }

    /// Returns whether there is a user of this name.
    pub fn has_user(&self, user: &str) -> bool {
        line(self.passwd, user).is_some()
    }

    /// Returns whether there is a group of this name.
    pub fn has_group(&self, group: &str) -> bool {
        line(self.group, group).is_some()
    }

    /// Returns the home directory of a user.
    pub fn home(&self, user: &str) -> Option<&'a str> {
        field(line(self.passwd, user)?, 5)
    }

    /// Returns the primary group id of a user.
    pub fn primary_gid(&self, user: &str) -> Option<u32> {
        account_id(field(line(self.passwd, user)?, 3)?)
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

/// Returns the number in a field of passwd(5) or group(5). A Mac writes the highest with a sign: nobody is -2.
pub fn account_id(text: &str) -> Option<u32> {
    let id = text.parse().ok().or_else(|| text.parse().ok().map(i32::cast_unsigned));
    id.filter(|id| is_id(*id))
}

/// The last number is nobody's: chown(2) and setuid(2) take it for "leave it".
fn is_id(id: u32) -> bool {
    id != u32::MAX
}

fn name_of(text: &[u8], id: u32) -> Option<&str> {
    text.split(|&b| b == b'\n').find(|l| field(l, 2).and_then(account_id) == Some(id)).and_then(|l| field(l, 0))
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
        assert_eq!((a.has_group("sudo"), a.has_group("sud")), (true, false));
        assert_eq!((a.uid("4294967295"), a.gid("4294967295"), a.uid("4294967294")), (None, None, Some(u32::MAX - 1)));
        assert_eq!(a.home("alice"), Some("/home/alice"));
        assert_eq!(a.user_name(7), Some("alic"));
        let mac = Accounts { passwd: b"nobody:*:-2:-2::/var/empty:\n", group: b"nogroup:*:-1:\nnobody:*:-2:\n" };
        assert_eq!(
            (mac.uid("nobody"), mac.primary_gid("nobody"), mac.gid("nobody")),
            (Some(u32::MAX - 1), Some(u32::MAX - 1), Some(u32::MAX - 1))
        );
        assert_eq!((mac.user_name(u32::MAX - 1), mac.gid("nogroup")), (Some("nobody"), None));
        assert_eq!(Accounts { passwd: b":::\n\xff:x\n", group: b"" }.uid("x"), None);
    }
}
