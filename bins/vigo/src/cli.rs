//! The command line.

use crate::verb::{Apply, Bootstrap, Plan, Run, Traits, Uninstall, Version};
use clap::{Parser, Subcommand, ValueEnum};
use std::process::ExitCode;

/// Converges this machine to what a tree of files declares.
#[derive(Parser, Debug)]
#[command(name = "vigo", version, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand, Debug)]
enum Verb {
    Apply(Apply),
    Bootstrap(Bootstrap),
    Plan(Plan),
    Run(Run),
    Traits(Traits),
    Uninstall(Uninstall),
    Version(Version),
}

/// How results are printed.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// What is logged on standard error: this and what is graver.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub enum LogLevel {
    Off,
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// Runs a verb and returns the exit status.
pub fn run(cli: &Cli) -> ExitCode {
    match &cli.verb {
        Verb::Apply(verb) => verb.run(),
        Verb::Bootstrap(verb) => verb.run(),
        Verb::Plan(verb) => verb.run(),
        Verb::Run(verb) => verb.run(),
        Verb::Traits(verb) => verb.run(),
        Verb::Uninstall(verb) => verb.run(),
        Verb::Version(verb) => verb.run(),
    }
}

impl LogLevel {
    /// Begins to log.
    pub(crate) fn begin(self) {
        let Some(level) = self.level() else { return };
        tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr).with_target(false).init();
    }

    /// Begins to log into a file.
    #[cfg(windows)]
    pub(crate) fn begin_in(self, file: crate::life::LogFile) {
        let Some(level) = self.level() else { return };
        let writer = std::sync::Mutex::new(file);
        tracing_subscriber::fmt().with_max_level(level).with_writer(writer).with_ansi(false).with_target(false).init();
    }

    fn level(self) -> Option<tracing::Level> {
        Some(match self {
            Self::Off => return None,
            Self::Error => tracing::Level::ERROR,
            Self::Warn => tracing::Level::WARN,
            Self::Info => tracing::Level::INFO,
            Self::Debug => tracing::Level::DEBUG,
            Self::Trace => tracing::Level::TRACE,
        })
    }
}
