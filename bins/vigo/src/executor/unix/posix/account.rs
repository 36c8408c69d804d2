//! Accounts that the system knows: those of a directory service, and on a Mac all that people have.

use crate::executor::unix::account::Account;
use uzers::os::unix::UserExt;

/// Finds an account that the machine's own files do not have. `_group` is what group(5) says: the system has read it.
pub(crate) fn elsewhere(name: &str, _group: &str) -> Option<Account> {
    if name.is_empty() || name.contains('\0') {
        return None;
    }
    let user = uzers::get_user_by_name(name)?;
    let gid = user.primary_group_id();
    let groups = uzers::get_user_groups(name, gid).unwrap_or_default();
    let mut groups: Vec<u32> = groups.iter().map(uzers::Group::gid).chain([gid]).collect();
    groups.sort_unstable();
    groups.dedup();
    let home = user.home_dir().to_str().filter(|home| home.starts_with('/')).unwrap_or("/");
    Some(Account { name: name.to_owned(), uid: user.uid(), gid, home: home.to_owned(), groups })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_knows_what_its_files_say() {
        let root = elsewhere("root", "").unwrap();
        assert_eq!((root.uid, root.gid, &*root.home), (0, 0, "/root"));
        assert!(root.groups.contains(&0));
        for name in ["", "-x", "no such account", "a\0b"] {
            assert_eq!(elsewhere(name, ""), None, "{name:?}");
        }
    }
}
