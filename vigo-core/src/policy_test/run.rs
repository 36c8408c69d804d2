//! Running cases.

use super::case::Case;
use super::snapshot::{self, Snapshots};
use super::tree;
use super::world::World;
use super::{judge, show};
use crate::bundle::PolicyBundle;
use crate::config::Config;
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::entropy::Entropy;
use crate::preview::Blank;
use crate::resolve;
use crate::source::{Node, Sources, Tree};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// A tree that tests are run on.
pub struct Tests<'c, 'a> {
    /// The tree, tests and snapshots among its files.
    pub tree: &'c Tree,
    /// What it says.
    pub config: &'c Config<'a>,
    /// What [`resolve::check`] said of it: no error.
    pub found: &'c [Diagnostic],
    /// A machine with nothing on it, by its distribution or family.
    pub blank: fn(&str) -> &'static Blank,
    /// Fresh randomness, as much as a plan of the policy may use.
    pub entropy: fn(&PolicyBundle) -> Vec<Entropy>,
}

/// What came of a test.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// What does not hold; nothing is a pass.
    pub failures: Vec<Failure>,
    /// What a `snapshot` should hold from now on; `None` where the test asks for none, or could not be run.
    pub snapshot: Option<String>,
}

/// An expectation that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Where the expectation stands.
    pub span: Span,
    /// What it is about.
    pub subject: String,
    /// What should be.
    pub expected: String,
    /// What is.
    pub found: String,
}

impl Failure {
    pub(super) fn new(
        node: Node<'_>,
        subject: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self { span: node.span(), subject: subject.into(), expected: expected.into(), found: found.into() }
    }
}

impl Tests<'_, '_> {
    /// Runs one test. `snapshots` are those of the tree; with `update` what differs from them is taken as it is.
    pub fn run(&self, case: &Case<'_>, snapshots: &Snapshots<'_>, update: bool) -> Verdict {
        if case.files.is_empty() {
            return self.on(case, self.config, self.found, snapshots, update);
        }
        let tree = tree::with_files(self.tree, &case.files);
        let sources = Sources::read_after(&tree, self.config.sources);
        let config = Config::read(&sources);
        let found = resolve::check(&config);
        self.on(case, &config, &found, snapshots, update)
    }

    fn on(
        &self,
        case: &Case<'_>,
        config: &Config<'_>,
        found: &[Diagnostic],
        snapshots: &Snapshots<'_>,
        update: bool,
    ) -> Verdict {
        let map = config.sources.map();
        let mut verdict = Verdict { failures: Vec::new(), snapshot: None };
        if let Some((expected, node)) = &case.expect.diagnostics {
            verdict.failures = tree::judge(expected, *node, found, map);
        } else if let Some(errors) = tree::errors(found, map) {
            verdict.failures.push(Failure::new(case.node, "the tree", "no error", errors));
        }
        if !case.expect.asks_host() || !verdict.failures.is_empty() {
            return verdict;
        }
        let Some((hostname, node)) = &case.hostname else { return verdict };
        match World::new(config, case, hostname, self) {
            Err(errors) => {
                let is_unassigned = errors.iter().any(|d| d.code == Code::Unassigned);
                match case.expect.unassigned {
                    Some((true, _)) if is_unassigned => {}
                    _ => {
                        let at = match case.environment {
                            Some(environment) if errors.iter().any(|d| d.code == Code::UnknownEnvironment) => {
                                environment
                            }
                            _ => *node,
                        };
                        let found: Vec<String> = errors.iter().take(1).map(|d| tree::told(d, map)).collect();
                        verdict.failures.push(Failure::new(at, "the host", "a policy", found.join("")));
                    }
                }
            }
            Ok(world) => {
                if let Some((true, node)) = case.expect.unassigned {
                    let by = &world.resolved.trace.block;
                    let found =
                        format!("{} takes it, {}:{}", show::names([&*world.resolved.trace.pattern]), by.file, by.line);
                    verdict.failures.push(Failure::new(node, "the host", "no match block takes it", found));
                    return verdict;
                }
                verdict.failures.extend(judge::judge(&world, &case.expect));
                if let Some(node) = case.expect.snapshot {
                    let text = snapshot::text(&world);
                    if !update {
                        verdict.failures.extend(snapshots.differs(case, node, &text));
                    }
                    verdict.snapshot = Some(text);
                }
            }
        }
        verdict
    }
}
