//! What an executor can be asked to do ([`Op`]), and what it answers ([`OpOutput`]).

mod command;
mod op;
mod output;
mod path;
mod recorded;

pub use command::{Command, Effect};
pub use op::{AccountKind, Content, Expect, Op, Owner, Replace, StagedId, Validate};
pub use output::{Entry, Exit, FailureKind, FileKind, Metadata, OpFailure, OpOutput, Outputs, Ran, Space};
pub use path::{AbsPath, PathError};
