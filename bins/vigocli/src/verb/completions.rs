//! `vigocli completions`.

use crate::cli::Cli;
use crate::error::CliError;
use crate::output::Answer;
use clap::{Args, CommandFactory as _};
use clap_complete::{Shell, generate};
use serde_json::json;

#[derive(Args, Debug)]
pub(crate) struct Completions {
    /// The shell that is to complete
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(&self) -> Result<Answer, CliError> {
        let mut script = Vec::new();
        generate(self.shell, &mut Cli::command(), "vigocli", &mut script);
        let text = String::from_utf8_lossy(&script).into_owned();
        Ok(Answer::new(json!({ "shell": self.shell.to_string(), "script": text }), text))
    }
}
