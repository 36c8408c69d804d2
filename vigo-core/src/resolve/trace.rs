//! Why a host gets what it gets: what `config trace` prints.

use crate::source::Node;
use crate::value::Value;
use crate::when::Expr;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// Why a host gets what it gets.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// The match files in the order in which they were asked.
    pub match_files: Vec<Arc<str>>,
    /// The block that won.
    pub block: Setting,
    /// The glob of it that matched; empty when the class was resolved without a host.
    pub pattern: Arc<str>,
    /// The crates of the class, in order.
    pub crates: Vec<CrateTrace>,
    /// Crates that something includes and something else excludes.
    pub excluded: Vec<ExcludedTrace>,
    /// Variables: the host's, by name, then those that only one crate sees.
    pub variables: Vec<VarTrace>,
    /// Gates and `when:` of resources, in the order of the crates.
    pub conditions: Vec<ConditionTrace>,
}

/// A place that decided something.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Setting {
    /// What stands there: `common`, `block`, `environment`, `crate nginx` …
    pub layer: Arc<str>,
    /// The file.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: u32,
}

/// A crate of the class.
#[derive(Clone, Debug)]
pub struct CrateTrace {
    /// `nginx`, `user:dan`.
    pub name: Arc<str>,
    /// Everything that includes it, the first first.
    pub reasons: Vec<Setting>,
    /// The condition of the arms by which it came, as far as the server could not decide it.
    pub condition: Expr,
}

/// A crate that is out.
#[derive(Clone, Debug)]
pub struct ExcludedTrace {
    /// `debug`, `user:dan`.
    pub name: Arc<str>,
    /// What includes it.
    pub reasons: Vec<Setting>,
    /// What excludes it.
    pub by: Setting,
}

/// A variable.
#[derive(Clone, Debug)]
pub struct VarTrace {
    /// Its name.
    pub name: Arc<str>,
    /// The crate that alone sees this value; `None` is every crate.
    pub krate: Option<Arc<str>>,
    /// Its value, with secrets as markers: print it by [`crate::secret::shown`].
    pub value: Value,
    /// What set it.
    pub set: Setting,
    /// What it shadows, the nearest first.
    pub shadowed: Vec<(Setting, Value)>,
}

/// A condition, before and after the server folded it.
#[derive(Clone, Debug)]
pub struct ConditionTrace {
    /// `crate/name`, or the crate for its gate.
    pub id: Arc<str>,
    /// As written.
    pub written: String,
    /// What is left for the agent; `True` and `False` were decided by the server.
    pub residual: Expr,
    /// Whether `changed` was in it.
    pub changed: bool,
}

impl Setting {
    pub(super) fn at(layer: impl Into<Arc<str>>, node: Node<'_>) -> Self {
        Self { layer: layer.into(), file: node.file().path().clone(), line: node.line() }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{} ({})", self.file, self.line, self.layer)
    }
}
