//! The verb, and the whole host.

use super::super::local::{self, Stacks};
use super::{json, text};
use crate::cli::Global;
use crate::error::CliError;
use crate::output::Answer;
use clap::Args;
use vigo_core::config::Config;
use vigo_core::resolve::{self, Explained};

/// Show why a host gets what it gets: the rule that won, every crate, variable, condition and edge with its line
#[derive(Args, Debug)]
pub(crate) struct Trace {
    /// The machine's name
    host: String,
    /// One resource (`nginx/nginx-config`), variable (`nginx_port`) or configcrate alone, with all that is known of it
    what: Option<String>,
    /// An environment instead of the one that the match block names
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    #[command(flatten)]
    stacks: Stacks,
}

impl Trace {
    pub(crate) fn run(&self, global: &Global) -> Result<Answer, CliError> {
        let host = local::hostname(&self.host)?;
        let sources = self.stacks.read(global)?;
        let config = Config::read(&sources);
        let today = local::now().civil(0);
        let explained =
            resolve::explain(&config, &host, self.environment.as_deref(), &today).map_err(local::invalid(&sources))?;
        let Some(what) = &self.what else {
            return Ok(Answer::new(json::whole(&host, &explained), text::whole(&host, &explained)));
        };
        let found = explained.choose(what);
        if found.is_empty() {
            return Err(nothing(&config, &explained, &host, what));
        }
        Ok(Answer::new(json::chosen(&host, &explained, &found), text::chosen(&explained, &found)))
    }
}

/// Returns that a host has nothing of this name.
fn nothing(config: &Config<'_>, explained: &Explained, host: &str, word: &str) -> CliError {
    if config.configcrate(word).is_some() {
        let why = format!("configcrate `{word}` is in the tree, and nothing includes it for {host}");
        return CliError::NotFound {
            why,
            help: Some(format!("`vigocli config search --crate {word}` shows who does")),
        };
    }
    local::unknown(&format!("{host} has no resource, configcrate or variable"), word, explained.names())
}
