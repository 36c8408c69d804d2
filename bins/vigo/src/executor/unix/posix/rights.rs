//! New files in another's folder.

use crate::executor::failure::{Answer, at};
use crate::executor::unix::resolve::Place;
use crate::executor::unix::temp::Temp;
use rustix::fs::Mode;
use rustix::io::Errno;
use rustix::process::{Gid, Uid};

/// Makes a file for the place; in another's folder it is his, as if he had made it.
pub(crate) fn create(place: &Place, mode: Mode) -> Answer<Temp> {
    let mut temp = Temp::create(place, mode)?;
    let (uid, gid) = (place.dir.uid, place.dir.gid);
    if uid == 0 || !rustix::process::geteuid().is_root() {
        return Ok(temp);
    }
    match rustix::fs::fchown(&temp.fd, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid))) {
        Ok(()) => (temp.uid, temp.gid) = (uid, gid),
        // A network file system where root is nobody.
        Err(Errno::PERM) => {}
        Err(errno) => return Err(at("set the owner of", &place.path)(errno)),
    }
    Ok(temp)
}
