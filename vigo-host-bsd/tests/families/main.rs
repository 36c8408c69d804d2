//! What the BSDs do for each type: every observed state against every wanted one, as one table a type and system,
//! and the peculiarities of their tools.

mod accounts;
mod freebsd;
mod hostile;
mod jobs;
mod packages;
mod rig;
mod system;
