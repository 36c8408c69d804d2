//! Another's rights, for a while: a thread of Linux has its own.

use crate::executor::failure::Answer;
use crate::executor::unix::resolve::Place;
use crate::executor::unix::temp::Temp;
use rustix::fs::Mode;
use rustix::process::{Gid, Uid};
use vigo_core::action::FailureKind;

/// Makes a file for the place; in another's folder with his rights.
pub(crate) fn create(place: &Place, mode: Mode) -> Answer<Temp> {
    as_owner(place.dir.uid, place.dir.gid, || Temp::create(place, mode))
}

/// Does something with the rights of a folder's owner, when we are root and he is not: what he could not do himself, as
/// with a folder of another's on a network file system, is then done with ours.
fn as_owner<T>(uid: u32, gid: u32, action: impl Fn() -> Answer<T>) -> Answer<T> {
    if uid == 0 || !rustix::process::geteuid().is_root() {
        return action();
    }
    let done = {
        let Some(_rights) = Rights::taken(uid, gid) else { return action() };
        action()
    };
    match done {
        Err(f) if f.kind == FailureKind::Denied => action(),
        other => other,
    }
}

/// Another's rights, for this thread, until dropped.
struct Rights {
    group: Gid,
}

impl Rights {
    fn taken(uid: u32, gid: u32) -> Option<Self> {
        let group = rustix::process::getegid();
        rustix::thread::set_thread_res_gid(None, Gid::from_raw(gid), None).ok()?;
        if rustix::thread::set_thread_res_uid(None, Uid::from_raw(uid), None).is_err() {
            let _ = rustix::thread::set_thread_res_gid(None, group, None);
            return None;
        }
        Some(Self { group })
    }
}

impl Drop for Rights {
    fn drop(&mut self) {
        let _ = rustix::thread::set_thread_res_uid(None, Uid::ROOT, None);
        let _ = rustix::thread::set_thread_res_gid(None, self.group, None);
    }
}
