//! A machine on which nothing has been set up.

use crate::action::{Command, Ran};
use crate::host::Host;
use crate::value::Text;
use alloc::string::String;
use alloc::vec::Vec;

/// A machine of one system on which nothing has been set up: tables and pure functions, as everything of a host.
pub struct Blank {
    /// Its name for people, such as that of an `os.family`.
    pub name: &'static str,
    /// The adapters.
    pub host: &'static dyn Host,
    /// The traits that every such machine has: path and value; `true`, `false` and whole numbers are what they look like.
    pub traits: &'static [(&'static str, &'static str)],
    /// Those of [`Host::programs`] that it has.
    pub programs: &'static [&'static str],
    /// What is at a path; `None` is nothing.
    pub at: fn(path: &str) -> Option<At>,
    /// How a program that only looks answers; `None` where that depends on more than that nothing is set up.
    pub answer: fn(&Command) -> Option<Ran>,
}

/// What is at a path of a blank machine.
pub enum At {
    /// A directory with these entries, names of files.
    Dir(&'static [&'static str]),
    /// A file.
    File(String),
    /// A program.
    Program,
    /// A symbolic link.
    Link(&'static str),
}

/// Returns a command's arguments as texts.
pub fn arguments(command: &Command) -> Vec<&str> {
    command.args.iter().map(Text::as_str).collect()
}
