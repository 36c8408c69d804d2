//! Which class a host is of.

use crate::config::{Common, Config, Environment, EnvironmentsFile, MatchBlock, MatchFile};
use crate::diagnostic::{Code, Diagnostic, Span};
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// What all hosts of one policy have in common.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Class {
    /// The file of the winning block.
    pub file: Arc<str>,
    /// The block's number in its file, from 1.
    pub block: usize,
    /// The environment, if one applies.
    pub environment: Option<Arc<str>>,
}

impl fmt::Display for Class {
    /// Prints a name for people: `production/web/web.vgo#1@production`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.file, self.block)?;
        if let Some(environment) = &self.environment {
            write!(f, "@{environment}")?;
        }
        Ok(())
    }
}

/// A match block with all that applies to it.
pub(super) struct Layers<'c, 'a> {
    pub file: &'c MatchFile<'a>,
    pub index: usize,
    pub block: &'c MatchBlock<'a>,
    pub pattern: &'c str,
    pub environment: Option<&'c str>,
    /// The root's first.
    pub commons: Vec<&'c Common<'a>>,
    /// The root's first.
    pub environments: Vec<(&'c EnvironmentsFile<'a>, &'c Environment<'a>)>,
}

/// Finds the block that takes `hostname`; `environment` stands for the one that the block names.
pub(super) fn select<'c, 'a>(
    config: &'c Config<'a>,
    hostname: &str,
    environment: Option<&'c str>,
) -> Result<Layers<'c, 'a>, Diagnostic> {
    let found = config.blocks().find_map(|(file, index, block)| Some((file, index, block, block.matches(hostname)?)));
    let Some((file, index, block, pattern)) = found else {
        let message = format!("no match block takes `{}`", hostname.escape_debug());
        return Err(Diagnostic::new(Code::Unassigned, Span::NONE, message)
            .help("add a block that matches it, or a last one with `match: \"*\"`"));
    };
    if let Some(name) = environment
        && let Some(d) = crate::config::unknown_environment(config, name)
    {
        return Err(d);
    }
    let mut layers = of_block(config, file, index, block, environment);
    layers.pattern = pattern.node.text().unwrap_or_default();
    Ok(layers)
}

/// Collects what applies to `block`.
pub(super) fn of_block<'c, 'a>(
    config: &'c Config<'a>,
    file: &'c MatchFile<'a>,
    index: usize,
    block: &'c MatchBlock<'a>,
    environment: Option<&'c str>,
) -> Layers<'c, 'a> {
    let environment = environment.or_else(|| block.environment.and_then(|n| n.text()));
    Layers {
        file,
        index,
        block,
        pattern: "",
        environment,
        commons: config.common_layers(file).collect(),
        environments: environment.map(|name| config.environment_layers(file, name).collect()).unwrap_or_default(),
    }
}
