//! What resources of different types claim of one path.

use super::Fields;
use crate::action::AbsPath;

/// What a resource wants at a path.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Claim {
    /// Nothing is there.
    Absent,
    /// A file with this content.
    Content,
    /// A file, whatever is in it.
    File,
    /// A directory.
    Directory,
    /// A link.
    Link,
    /// Something of a file's content.
    Part,
    /// Something of a file's content is not there.
    NoPart,
}

impl Claim {
    /// Returns whether both can hold at once, of resources of different types: those of one are compared by their
    /// identities.
    pub fn agrees(self, other: Self) -> bool {
        use Claim::{Absent, Content, File, Link, NoPart, Part};
        matches!(
            (self.min(other), self.max(other)),
            (Absent, Absent | NoPart) | (Content, File) | (File | Link, Part | NoPart) | (Part | NoPart, Part | NoPart)
        )
    }

    /// Returns the words for it, behind "one".
    pub fn words(self) -> &'static str {
        match self {
            Self::Absent => "as absent",
            Self::Content => "with its whole content",
            Self::File => "as a file",
            Self::Directory => "as a directory",
            Self::Link => "as a link",
            Self::Part | Self::NoPart => "with a part of its content",
        }
    }
}

/// Returns the path that a resource claims, as far as it is known, and what it wants there.
pub fn claim(fields: &Fields) -> Option<(AbsPath, Claim)> {
    let is_absent = fields.state() == "absent";
    let target = || fields.path("target_path");
    Some(match fields.decl.name {
        "file" | "directory" | "symlink" if is_absent => (target()?, Claim::Absent),
        "file" if fields.is_written("content") || fields.is_written("source") => (target()?, Claim::Content),
        "file" => (target()?, Claim::File),
        "directory" => (target()?, Claim::Directory),
        "symlink" => (target()?, Claim::Link),
        "file_line" | "blockinfile" | "replace" | "ini" | "json_file" if is_absent => (target()?, Claim::NoPart),
        "file_line" | "blockinfile" | "replace" | "ini" | "json_file" => (target()?, Claim::Part),
        "systemd_unit" | "systemd_dropin" => {
            let path = (fields.decl.footprint)(fields).paths.into_iter().next()?;
            (path, if is_absent { Claim::Absent } else { Claim::Content })
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_at_once_does_not_agree() {
        use Claim::{Absent, Content, Directory, File, Link, NoPart, Part};
        let all = [Absent, Content, File, Directory, Link, Part, NoPart];
        let agreeing = [
            (Absent, Absent),
            (Absent, NoPart),
            (Content, File),
            (File, Part),
            (File, NoPart),
            (Link, Part),
            (Link, NoPart),
            (Part, Part),
            (Part, NoPart),
            (NoPart, NoPart),
        ];
        for a in all {
            for b in all {
                assert_eq!(a.agrees(b), agreeing.contains(&(a, b)) || agreeing.contains(&(b, a)), "{a:?} {b:?}");
            }
        }
    }
}
