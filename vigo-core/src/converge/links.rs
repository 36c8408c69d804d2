//! Where paths really lead: a plan that took two names of one file for two files would not tell the truth.

use crate::action::{AbsPath, FileKind, OpOutput};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Links followed in one path; the kernel's own bound.
const FOLLOWED_MAX: usize = 40;

/// The machine's links, as far as a plan has looked.
#[derive(Default)]
pub(super) struct Links {
    /// What the link at a path says; `None` where there is no link.
    known: BTreeMap<AbsPath, Option<Arc<str>>>,
}

/// What is known of a path without the machine: what a link there says, or that there is none.
pub(super) type Foreseen<'a> = &'a dyn Fn(&AbsPath) -> Option<Option<Arc<str>>>;

impl Links {
    /// Takes the answer to a look at `path` itself. What cannot be looked at is taken for no link.
    pub(super) fn learn(&mut self, path: &AbsPath, answer: &OpOutput) {
        let target = match answer {
            OpOutput::Stat(meta) if meta.kind == FileKind::Symlink => meta.target.clone(),
            _ => None,
        };
        self.known.insert(path.clone(), target);
    }

    /// Returns the path with all links followed, with `last` the one at its end too; paths that nobody has looked at are
    /// handed to `unseen` and taken for no links. `None` when there are too many.
    pub(super) fn follow(
        &self,
        path: &AbsPath,
        last: bool,
        foreseen: Foreseen<'_>,
        unseen: &mut dyn FnMut(AbsPath),
    ) -> Option<AbsPath> {
        if !path.as_str().starts_with('/') {
            return Some(path.clone());
        }
        let root = || AbsPath::known("/");
        let mut rest = Vec::new();
        push(&mut rest, path.as_str());
        let (mut at, mut followed) = (root(), 0);
        while let Some(name) = rest.pop() {
            if name == ".." {
                at = at.parent().unwrap_or_else(root);
                continue;
            }
            let here = at.join(&name);
            if rest.is_empty() && !last {
                return Some(here);
            }
            let target = foreseen(&here).or_else(|| self.known.get(&here).cloned()).unwrap_or_else(|| {
                unseen(here.clone());
                None
            });
            let Some(target) = target else {
                at = here;
                continue;
            };
            followed += 1;
            if followed > FOLLOWED_MAX {
                return None;
            }
            if target.starts_with('/') {
                at = root();
            }
            push(&mut rest, &target);
        }
        Some(at)
    }
}

/// Puts the components of a path on the stack, the first on top.
fn push(rest: &mut Vec<String>, path: &str) {
    rest.extend(path.split('/').rev().filter(|part| !part.is_empty() && *part != ".").map(String::from));
}
