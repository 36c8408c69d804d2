//! The policy of every host that there may be.

use super::check::through;
use super::class::Class;
use super::memory::Memory;
use super::policy::Resolved;
use super::table::ClassTable;
use crate::bundle::{BundleError, ClassBundle, ClassState, PolicyBundle};
use crate::config::Config;
use crate::diagnostic::{Diagnostic, Severity};
use alloc::string::ToString;
use alloc::vec::Vec;
use sha2::{Digest as _, Sha256};

/// The policy of one class.
#[derive(Clone, Debug)]
pub struct ClassPolicy {
    /// The class.
    pub class: Class,
    /// Its policy.
    pub bundle: PolicyBundle,
    /// Changes are reported, not made.
    pub observe_only: bool,
    /// `always_hold` of the block.
    pub always_hold: bool,
}

impl ClassPolicy {
    /// Returns it as it is compared with others.
    ///
    /// # Errors
    /// [`BundleError`] for a policy that is larger than what an agent is asked to hold.
    pub fn state(&self) -> Result<ClassState<'_>, BundleError> {
        Ok(ClassState {
            name: self.class.to_string().into(),
            environment: self.class.environment.clone().unwrap_or_default(),
            observe_only: self.observe_only,
            always_hold: self.always_hold,
            digest: Sha256::digest(self.bundle.encode()?).into(),
            policy: ClassBundle::Policy(&self.bundle),
        })
    }
}

/// A tree without mistakes.
#[derive(Clone, Debug)]
pub struct Classes {
    /// Which class a name is of.
    pub table: ClassTable,
    /// What is doubtful in the tree.
    pub warnings: Vec<Diagnostic>,
}

/// Checks the whole tree and resolves the policy of each class once; no name is asked for.
///
/// `each` gets them one by one, in the order of [`ClassTable`], so that not all need be held at once. When an error is
/// returned what it got is worth nothing.
///
/// # Errors
/// All that is wrong, wherever it is.
pub fn classes(config: &Config<'_>, each: &mut dyn FnMut(ClassPolicy)) -> Result<Classes, Vec<Diagnostic>> {
    let mut each = |resolved: Resolved| {
        let (observe_only, always_hold) = (resolved.observe_only, resolved.always_hold);
        each(ClassPolicy { class: resolved.class, bundle: resolved.bundle, observe_only, always_hold });
    };
    let found = through(config, &mut Memory::default(), Some(&mut each));
    if found.iter().any(|d| d.severity() == Severity::Error) {
        return Err(found);
    }
    let globs = |patterns: &[crate::config::Pattern<'_>]| patterns.iter().map(|p| p.glob.clone()).collect();
    let table = ClassTable::new(config.blocks().map(|(_, _, block)| globs(&block.patterns)).collect());
    Ok(Classes { table, warnings: found })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Code;
    use crate::source::{Sources, Tree};
    use alloc::string::{String, ToString};
    use alloc::{format, vec};

    const ENVOYS: &str = "envoys:
  - {match: [web-*, '*.web'], environment: prod, configcrates: [a], always_hold: true}
  - {match: db-1, configcrates: [a, b], observe_only: true}
  - {match: '*', configcrates: [a]}
";

    fn crate_of(attribute: &str) -> String {
        format!(
            "resources:\n  - {{name: f, type: file, target_path: /f, {attribute}, when: \"hostname_match('web-1')\"}}\n"
        )
    }

    type Seen = Vec<(String, usize, bool, bool)>;

    fn resolved(a: &str, b: &str) -> (Seen, Result<Vec<Option<usize>>, Vec<Code>>) {
        let (a, b) = (crate_of(a), crate_of(b).replace("/f", "/b"));
        let files = [("configcrates/a.vgo", &*a), ("configcrates/b.vgo", &*b), ("envoys.vgo", ENVOYS)];
        let sources =
            Sources::read(&Tree::from_texts(files.into_iter().chain([("environments.vgo", "env: {prod: {}}\n")])));
        let mut seen = Vec::new();
        let result = classes(&Config::read(&sources), &mut |c| {
            seen.push((c.class.to_string(), c.bundle.resources.len(), c.observe_only, c.always_hold));
        });
        let names = ["web-1", "a.web", "db-1", "x"];
        let result = result.map(|c| names.map(|name| c.table.class_of(name)).to_vec());
        (seen, result.map_err(|found| found.iter().map(|d| d.code).collect()))
    }

    #[test]
    fn each_block_is_one_class_whatever_is_asked_of_names() {
        let (seen, table) = resolved("content: x", "content: x");
        let expected = [
            ("envoys.vgo#1@prod".to_string(), 1, false, true),
            ("envoys.vgo#2".to_string(), 2, true, false),
            ("envoys.vgo#3".to_string(), 1, false, false),
        ];
        assert_eq!(seen, expected);
        assert_eq!(table, Ok(vec![Some(0), Some(0), Some(1), Some(2)]));
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let (_, result) = resolved("contents: x", "content: x, mode: rw");
        assert_eq!(result, Err(vec![Code::UnknownAttribute, Code::BadValue]));
    }
}
