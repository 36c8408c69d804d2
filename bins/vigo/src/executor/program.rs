//! Where programs are, in a search path that no environment changes.

use std::path::PathBuf;

/// The search path of every program that we run.
#[cfg(not(target_os = "netbsd"))]
pub(super) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The search path of every program that we run, with what packages bring.
#[cfg(target_os = "netbsd")]
pub(super) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/pkg/sbin:/usr/pkg/bin";

/// Returns the file of a program that is named by itself.
pub fn find(name: &str) -> Option<PathBuf> {
    PATH.split(':').map(|dir| PathBuf::from(format!("{dir}/{name}"))).find(|path| {
        rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok() && path.metadata().is_ok_and(|m| m.is_file())
    })
}
