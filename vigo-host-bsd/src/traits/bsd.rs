//! What the shared collectors must know of a system.

use crate::mounts::Mounted;
use vigo_core::traits::posix::Unix;

/// One of the three, as far as its collectors must know it.
pub(crate) trait Bsd: Unix {
    /// The family, and the kernel.
    const NAME: &'static str;
    /// What sysctl(8) wants before names, of which this kernel may lack some.
    const SYSCTL: &'static [&'static str];

    /// Reads a line of mount(8).
    fn mounted(line: &str) -> Option<Mounted>;
}
