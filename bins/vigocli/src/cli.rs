//! The command line.

use crate::client::Client;
use crate::error::CliError;
use crate::output::{self, Answer};
use crate::verb::{Audit, Config, Envoys, Keys, Runs, Secrets, Server, Tokens, Traits, Trusted};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::process::ExitCode;

/// Administers a fleet, on its server's machine
///
/// Exit status: 0 done, 1 the answer is no (invalid, not found), 2 usage, 3 the server cannot be reached or does not
/// allow it, 4 the server failed.
#[derive(Parser, Debug)]
#[command(name = "vigocli", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    verb: Verb,
}

/// What every verb has.
#[derive(Args, Debug)]
pub(crate) struct Global {
    /// The server's data directory [default: $VIGO_DATA_DIR, or /srv/vigo]
    #[arg(long, value_name = "DIR", global = true)]
    data_dir: Option<PathBuf>,
    /// The server's socket [default: run/admin.sock in the data directory]
    #[arg(long, value_name = "PATH", global = true)]
    socket: Option<PathBuf>,
    /// How to print the answer
    #[arg(long, value_enum, default_value = "table", global = true)]
    format: Format,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Format {
    /// For people
    Table,
    /// For programs
    Json,
    /// The same, as YAML
    Yaml,
}

#[derive(Subcommand, Debug)]
enum Verb {
    /// See who did what
    #[command(subcommand)]
    Audit(Audit),
    /// Publish policy, and see what is published
    #[command(subcommand)]
    Config(Config),
    /// See and revoke the machines of the fleet
    #[command(visible_alias = "nodes")]
    Envoys(Envoys),
    /// See and change the keys of the fleet
    #[command(subcommand)]
    Keys(Keys),
    /// See what runs did
    Runs(Runs),
    /// Keep the secrets that policy refers to
    #[command(subcommand)]
    Secrets(Secrets),
    /// See how the server is
    #[command(subcommand)]
    Server(Server),
    /// Admit machines to the fleet
    #[command(subcommand)]
    Tokens(Tokens),
    /// See what machines said of themselves, and find some by it
    #[command(subcommand)]
    Traits(Traits),
    /// Admit machines by their name and network
    #[command(subcommand)]
    Trusted(Trusted),
}

impl Global {
    /// Returns the server's data directory.
    pub(crate) fn data_dir(&self) -> PathBuf {
        let named = || std::env::var_os("VIGO_DATA_DIR").filter(|dir| !dir.is_empty()).map(PathBuf::from);
        self.data_dir.clone().or_else(named).unwrap_or_else(|| PathBuf::from("/srv/vigo"))
    }

    /// Returns the way to the server.
    pub(crate) fn client(&self) -> Client {
        Client::new(&self.socket.clone().unwrap_or_else(|| self.data_dir().join("run").join("admin.sock")))
    }
}

/// Runs a verb and returns the exit status.
pub(crate) fn run(cli: &Cli) -> ExitCode {
    let global = &cli.global;
    let answer: Result<Answer, CliError> = match &cli.verb {
        Verb::Audit(verb) => verb.run(&global.client()),
        Verb::Config(verb) => verb.run(global),
        Verb::Envoys(verb) => verb.run(&global.client()),
        Verb::Keys(verb) => verb.run(&global.client()),
        Verb::Runs(verb) => verb.run(&global.client()),
        Verb::Secrets(verb) => verb.run(&global.client()),
        Verb::Server(verb) => verb.run(&global.client()),
        Verb::Tokens(verb) => verb.run(&global.client()),
        Verb::Traits(verb) => verb.run(&global.client()),
        Verb::Trusted(verb) => verb.run(&global.client()),
    };
    match answer {
        Ok(answer) => output::print(&answer, global.format),
        Err(error) => output::complain(&error, global.format),
    }
}
