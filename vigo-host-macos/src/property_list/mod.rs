//! Property lists, plist(5), in the two forms that files and tools have.

mod binary;
mod xml;

pub(crate) use binary::{Bplist, Value as Binary, written};
pub(crate) use xml::Plist;
