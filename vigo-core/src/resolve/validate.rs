//! The policy of one host out of a tree without mistakes.

use super::check::check;
use super::policy::{Resolved, resolve};
use crate::config::Config;
use crate::diagnostic::{Diagnostic, Severity, tidy};
use alloc::vec::Vec;

/// Checks the whole tree and resolves the policy of `hostname`; `environment` stands for the one that its match block
/// names. [`Resolved::warnings`] then holds those of the whole tree.
///
/// # Errors
/// All that is wrong, wherever it is: a mistake that does not concern this host is one all the same.
pub fn validate(config: &Config<'_>, hostname: &str, environment: Option<&str>) -> Result<Resolved, Vec<Diagnostic>> {
    let found = check(config);
    let mut resolved = match resolve(config, hostname, environment) {
        Ok(resolved) if found.iter().all(|d| d.severity() != Severity::Error) => resolved,
        Ok(_) => return Err(found),
        // The errors of the tree were found by the check.
        Err(_) if config.has_errors() => return Err(found),
        Err(of_host) => return Err(tidy(found.into_iter().chain(of_host).collect())),
    };
    // What the check says of a place is more than what the host's own class says of it.
    resolved.warnings = tidy(found.into_iter().chain(resolved.warnings).collect());
    Ok(resolved)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Sources, Tree};
    use alloc::vec;

    #[test]
    fn a_mistake_that_is_not_the_hosts_own_is_one_and_each_is_said_once() {
        let good = "resources:\n  - {name: f, type: file, target_path: /etc/f, content: x}\n";
        let bad = "resources:\n  - {name: f, type: file, target_path: /etc/g, contents: x}\n";
        let envoys = "envoys:\n  - {match: a, configcrates: [good]}\n  - {match: b, configcrates: [bad]}\n";
        let codes = |crates: &[(&str, &str)], host: &str| {
            let tree = Tree::from_texts(crates.iter().copied().chain([("envoys.vgo", envoys)]));
            let sources = Sources::read(&tree);
            match validate(&Config::read(&sources), host, None) {
                Ok(resolved) => Ok(resolved.bundle.resources.len()),
                Err(found) => Err(found.iter().map(|d| d.code).collect::<Vec<_>>()),
            }
        };
        let whole = [("configcrates/good.vgo", good), ("configcrates/bad.vgo", good)];
        let broken = [("configcrates/good.vgo", good), ("configcrates/bad.vgo", bad)];
        let unknown = vec![crate::diagnostic::Code::UnknownAttribute];
        assert_eq!(codes(&whole, "a"), Ok(1));
        assert_eq!(codes(&broken, "a"), Err(unknown.clone()));
        assert_eq!(codes(&broken, "b"), Err(unknown));
        assert!(codes(&whole, "c").is_err(), "no block matches");
    }
}
