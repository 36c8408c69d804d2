//! One host, whole: everything that decided what it gets, and where that is written.

mod chosen;
mod claims;
mod condition;
mod edge;
mod host;

pub use chosen::Chosen;
pub use claims::{ClaimTrace, WaiverTrace};
pub use condition::{Condition, ConditionKind, ConditionPart};
pub use edge::EdgeTrace;
pub use host::{Explained, FileOutcome, FileTrace, explain};
