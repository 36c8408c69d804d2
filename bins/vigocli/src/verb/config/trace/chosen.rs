//! What one word of the command line stands for.

use super::super::local;
use crate::error::CliError;
use vigo_core::bundle::BundleResource;
use vigo_core::config::Config;
use vigo_core::resolve::{CrateTrace, ExcludedTrace, Explained, VarTrace};

/// What a word names for a host: a name may be that of a crate and of a variable.
pub(super) struct Chosen<'e> {
    pub(super) crates: Vec<&'e CrateTrace>,
    pub(super) excluded: Vec<&'e ExcludedTrace>,
    pub(super) variables: Vec<&'e VarTrace>,
    pub(super) resources: Vec<&'e BundleResource>,
}

/// Finds what `word` names: resources by `crate/name` or their name alone, crates, variables.
pub(super) fn find<'e>(
    config: &Config<'_>,
    explained: &'e Explained,
    host: &str,
    word: &str,
) -> Result<Chosen<'e>, CliError> {
    let trace = &explained.resolved.trace;
    let own = |r: &BundleResource| r.id.split_once('/').is_some_and(|(_, name)| name == word || bare(name) == word);
    let is_resource = |r: &&BundleResource| if word.contains('/') { r.is_named(word) } else { own(r) };
    let found = Chosen {
        crates: trace.crates.iter().filter(|c| *c.name == *word).collect(),
        excluded: trace.excluded.iter().filter(|c| *c.name == *word).collect(),
        variables: trace.variables.iter().filter(|v| *v.name == *word).collect(),
        resources: explained.resolved.bundle.resources.iter().filter(is_resource).collect(),
    };
    let Chosen { crates, excluded, variables, resources } = &found;
    if !(crates.is_empty() && excluded.is_empty() && variables.is_empty() && resources.is_empty()) {
        return Ok(found);
    }
    if config.configcrate(word).is_some() {
        let why = format!("configcrate `{word}` is in the tree, and nothing includes it for {host}");
        return Err(CliError::NotFound {
            why,
            help: Some(format!("`vigocli config search --crate {word}` shows who does")),
        });
    }
    let id = |r: &'e BundleResource| [Some(&*r.id), r.id.split_once('/').map(|(_, name)| name)];
    let known = trace.crates.iter().map(|c| &*c.name).chain(trace.variables.iter().map(|v| &*v.name));
    let known = known.chain(explained.resolved.bundle.resources.iter().flat_map(id).flatten());
    Err(local::unknown(&format!("{host} has no resource, configcrate or variable"), word, known))
}

/// Returns a name without the label of a stamp.
fn bare(name: &str) -> &str {
    name.split('[').next().unwrap_or(name)
}
