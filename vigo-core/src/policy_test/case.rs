//! A test as written.

use super::Matcher;
use crate::diagnostic::Code;
use crate::source::Node;
use crate::time::Timestamp;
use crate::value::Value;
use crate::when::Expr;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// One test of a file.
#[derive(Clone, Debug)]
pub struct Case<'a> {
    /// The file, relative to the tree.
    pub file: &'a Arc<str>,
    /// `name`, unique in its file.
    pub name: &'a str,
    /// Where the name stands.
    pub node: Node<'a>,
    /// `hostname`, in lower case, and where it stands; a test of diagnostics alone needs none.
    pub hostname: Option<(String, Node<'a>)>,
    /// `environment`, in place of the match block's.
    pub environment: Option<Node<'a>>,
    /// `os`: the family or distribution whose usual traits the machine has; `None` where `traits_file` says all.
    pub system: Option<&'static str>,
    /// Traits over those: of `traits_file`, and `traits` over it.
    pub traits: Value,
    /// `at`: the time of the run, of a machine in Greenwich.
    pub at: Timestamp,
    /// `files`: what other texts the tree has in this test; `None` takes the file out.
    pub files: Vec<(&'a str, Option<&'a str>)>,
    /// `expect`.
    pub expect: Expect<'a>,
}

/// What must hold.
#[derive(Clone, Debug, Default)]
pub struct Expect<'a> {
    /// `unassigned: true`: no match block takes the host.
    pub unassigned: Option<(bool, Node<'a>)>,
    /// `match`: the glob that takes the host, as written.
    pub pattern: Option<Node<'a>>,
    /// `environment`: the one that applies.
    pub environment: Option<Node<'a>>,
    /// `configcrates`.
    pub configcrates: Configcrates<'a>,
    /// `resources`.
    pub resources: Vec<ResourceExpectation<'a>>,
    /// `variables`.
    pub variables: Vec<VariableExpectation<'a>>,
    /// `order`: names, each before the next, and where that is written.
    pub order: Vec<(Vec<&'a str>, Node<'a>)>,
    /// `diagnostics`: what is said of the tree, and where that is written.
    pub diagnostics: Option<(Vec<CodeExpectation<'a>>, Node<'a>)>,
    /// `snapshot: true`.
    pub snapshot: Option<Node<'a>>,
}

/// `configcrates` of a test.
#[derive(Clone, Debug, Default)]
pub struct Configcrates<'a> {
    /// The host has each of them.
    pub contains: Vec<Node<'a>>,
    /// The host has these in this order, and no others.
    pub exactly: Option<(Vec<Node<'a>>, Node<'a>)>,
    /// The host has none of them.
    pub absent: Vec<Node<'a>>,
}

/// What is said of one resource.
#[derive(Clone, Debug)]
pub struct ResourceExpectation<'a> {
    /// `crate/name`.
    pub id: &'a str,
    /// Where it stands.
    pub node: Node<'a>,
    /// `absent: true`: the host does not have it.
    pub absent: bool,
    /// `type`.
    pub type_name: Option<Node<'a>>,
    /// `runs`: true, false, or what is left to be looked at on the machine.
    pub runs: Option<(Expr, Node<'a>)>,
    /// `outcome`: what a plan for a machine with nothing on it says of it.
    pub outcome: Option<Node<'a>>,
    /// `operations`: what that plan would do, each a part of an operation, in this order.
    pub operations: Option<(Vec<Node<'a>>, Node<'a>)>,
    /// `depends_on`: resources that it needs.
    pub depends_on: Vec<Node<'a>>,
    /// `notify`: resources that it triggers.
    pub notify: Vec<Node<'a>>,
    /// Attributes: the key and what its value must be.
    pub attributes: Vec<(Node<'a>, Matcher, Node<'a>)>,
}

/// What is said of one variable.
#[derive(Clone, Debug)]
pub struct VariableExpectation<'a> {
    /// The crate as which sees it; `None` is the host.
    pub krate: Option<&'a str>,
    /// Its name, and the path below it.
    pub path: &'a str,
    /// Where the expectation stands.
    pub node: Node<'a>,
    /// The value, with secrets as markers.
    pub value: Value,
}

/// A diagnostic that is expected.
#[derive(Clone, Debug)]
pub struct CodeExpectation<'a> {
    /// `code`.
    pub code: Code,
    /// Where it stands.
    pub node: Node<'a>,
    /// `file`.
    pub file: Option<Node<'a>>,
    /// `line`, from 1.
    pub line: Option<u32>,
    /// `message`: a part of it.
    pub message: Option<Node<'a>>,
}
