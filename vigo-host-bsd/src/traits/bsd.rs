//! What the shared collectors must know of a system.

use crate::mounts::Mounted;
use vigo_core::traits::posix::Programs;

/// One of the three, as far as its collectors must know it.
pub(crate) trait Bsd: Programs {
    /// The family, and the kernel.
    const NAME: &'static str;
    /// What sysctl(8) wants before names, of which this kernel may lack some.
    const SYSCTL: &'static [&'static str];
    /// Whether sysctl(8) says no more after a name that this kernel lacks.
    const SYSCTL_GIVES_UP: bool = false;

    /// Reads a line of mount(8).
    fn mounted(line: &str) -> Option<Mounted>;
}
