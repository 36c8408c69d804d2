//! The agent's programs that this server hands out, and the script that fetches one.
//!
//! A program lies in `blobs/` under its digest. `blobs/agents/<target>` says which is the one for a target: a manifest,
//! signed when the program was added, so that a file that is changed later is no program of the fleet any more.

mod download;
mod error;
mod script;
mod shelf;
#[cfg(test)]
mod tests;

pub use download::Download;
pub use error::AgentsError;
pub use script::{Script, quoted_for_powershell, script, script_for_windows};
pub use shelf::{Agent, Agents, Staged};
