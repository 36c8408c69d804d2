//! The table of builtins.

use super::*;
use crate::time::Civil;
use crate::traits::TraitSet;
use crate::when::eval::Look;
use crate::when::exclusive::Domain;
use crate::when::expr::{Call, Expr};
use crate::when::fold::ServerFacts;
use crate::when::tri::Tri;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// A function of the `when:` language.
pub struct Builtin {
    /// Its name.
    pub name: &'static str,
    /// Its arguments; all are required.
    pub params: &'static [Param],
    /// What it says, in one line.
    pub doc: &'static str,
    /// An expression that uses it.
    pub example: &'static str,
    /// How it is decided.
    pub(in crate::when) decide: Decide,
    /// What it says about values that exclude each other; see [`Domain`].
    pub(in crate::when) domains: Option<fn(&Call, bool) -> Vec<Domain>>,
    /// What is wrong with arguments that are right each for itself.
    pub(in crate::when) also: Option<fn(&Call) -> Option<String>>,
}

/// A declared argument.
pub struct Param {
    /// Its name in documentation.
    pub name: &'static str,
    /// What it takes.
    pub kind: ParamKind,
}

/// What an argument takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ParamKind {
    /// A whole number in this range.
    Int(i64, i64),
    /// Any text; may be empty.
    Text,
    /// A name or command: text that is not blank, without control characters but for tab and newline.
    Name,
    /// The name of a program, or its absolute path: no blanks.
    Program,
    /// An absolute path, of Unix or Windows.
    Path,
    /// The path of a declared trait, or below `custom.`.
    TraitPath,
    /// The name of a variable, or a dotted path into it.
    Variable,
    /// A hostname glob.
    Glob,
    /// An OS family, `bsd` or `linux`.
    Family,
    /// A distribution's id.
    Distro,
    /// A processor architecture.
    Arch,
    /// Dotted numbers.
    Version,
    /// A day of the week.
    Day,
}

/// Who decides a builtin, and from what.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// The server, at publish.
    Server,
    /// The agent, from the name that it enrolled with.
    Name,
    /// The agent, from its traits at the start of a run.
    Traits,
    /// The agent, by looking when the resource's turn has come.
    Look,
    /// The agent, from local time at the start of a run.
    Clock,
}

/// How a builtin is decided. The arguments were checked and hold no template.
pub(in crate::when) enum Decide {
    /// `changed`: becomes trigger edges, never decided.
    Trigger,
    /// By what the server knows; a crate's condition may be left.
    Server(fn(&Call, &dyn ServerFacts) -> Expr),
    /// By the name that the envoy enrolled with.
    Name(fn(&Call, &str) -> bool),
    /// By traits.
    Traits(fn(&Call, &TraitSet) -> Tri),
    /// By what such a look finds.
    Look(fn(&Call) -> Look),
    /// By local time.
    Clock(fn(&Call, &Civil) -> bool),
}

impl Builtin {
    /// What a declaration leaves out.
    pub(super) const PLAIN: Self =
        Self { name: "", params: &[], doc: "", example: "", decide: Decide::Trigger, domains: None, also: None };

    /// Returns the builtin of that name.
    pub fn find(name: &str) -> Option<&'static Self> {
        TABLE.iter().find(|b| b.name == name)
    }

    /// Returns who decides it.
    pub fn side(&self) -> Side {
        match self.decide {
            Decide::Trigger | Decide::Server(_) => Side::Server,
            Decide::Name(_) => Side::Name,
            Decide::Traits(_) => Side::Traits,
            Decide::Look(_) => Side::Look,
            Decide::Clock(_) => Side::Clock,
        }
    }
}

impl PartialEq for Builtin {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl fmt::Debug for Builtin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Returns all builtins, in the order of the documentation.
pub fn builtins() -> &'static [Builtin] {
    TABLE
}

static TABLE: &[Builtin] = &[
    changed::BUILTIN,
    environment::BUILTIN,
    has_role::BUILTIN,
    has_configcrate::BUILTIN,
    hostname_match::BUILTIN,
    var::BUILTIN,
    var_is::BUILTIN,
    os_family::BUILTIN,
    distro::BUILTIN,
    arch::BUILTIN,
    version_ge::BUILTIN,
    version_lt::BUILTIN,
    is_container::BUILTIN,
    is_virtual::BUILTIN,
    host_is_libvirt::BUILTIN,
    has_trait::BUILTIN,
    trait_is::BUILTIN,
    port_listening::BUILTIN,
    ram_mb_ge::BUILTIN,
    cpus_ge::BUILTIN,
    file_exists::BUILTIN,
    dir_exists::BUILTIN,
    has_command::BUILTIN,
    process_running::BUILTIN,
    command_succeeds::BUILTIN,
    package_installed::BUILTIN,
    service_running::BUILTIN,
    user_exists::BUILTIN,
    hour_range::BUILTIN,
    minute_range::BUILTIN,
    day_of_week::BUILTIN,
    day_of_month::BUILTIN,
];
