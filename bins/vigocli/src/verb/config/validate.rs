//! `vigocli config validate`.

use super::local::Stacks;
use crate::cli::{Format, Global};
use crate::error::CliError;
use crate::output::{Answer, sarif};
use clap::Args;
use vigo_core::config::Config;
use vigo_core::resolve;
use vigo_driver::{count, diagnostics_json, document, summary};

/// Look whether a tree can be published; needs no server
#[derive(Args, Debug)]
pub(crate) struct Validate {
    #[command(flatten)]
    stacks: Stacks,
    /// Take warnings for errors
    #[arg(long)]
    deny_warnings: bool,
}

impl Validate {
    pub(super) fn run(&self, global: &Global) -> Result<Answer, CliError> {
        let sources = self.stacks.read(global)?;
        let mut diagnostics = diagnostics_json(&resolve::check(&Config::read(&sources)), sources.map());
        if self.deny_warnings {
            diagnostics.iter_mut().for_each(|d| d["severity"] = "error".into());
        }
        let (errors, warnings) = count(&diagnostics);
        let text = match (errors, warnings) {
            (0, 0) => "The tree is valid.\n".into(),
            (0, _) => format!("The tree is valid, with {}.\n", summary(&diagnostics)),
            _ => format!("The tree is not valid: {}.\n", summary(&diagnostics)),
        };
        let json = match global.format {
            Format::Sarif => sarif(&diagnostics),
            Format::Table | Format::Json | Format::Yaml => document(&diagnostics),
        };
        Ok(Answer { diagnostics, status: u8::from(errors > 0), ..Answer::new(json, text) })
    }
}
