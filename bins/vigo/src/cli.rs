//! The command line.

use crate::apply::{self, ApplyOptions};
use crate::{output, traits_command};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::process::ExitCode;

/// Converges this machine to what a tree of files declares.
#[derive(Parser, Debug)]
#[command(name = "vigo", version, about, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand, Debug)]
enum Verb {
    /// Make this machine what the stacks declare
    ///
    /// Exit status: 0 converged, 1 not converged, 2 usage or invalid configuration.
    Apply(ApplyArgs),
    /// Show what apply would do: changes, diffs and operations; changes nothing
    ///
    /// Exit status: 0 nothing to do, 1 drift or problems found, 2 usage or invalid configuration.
    Plan(RunArgs),
    /// Print the facts of this machine
    Traits(TraitsArgs),
    /// Print the version
    Version,
}

#[derive(Args, Debug)]
struct ApplyArgs {
    #[command(flatten)]
    run: RunArgs,
    /// Show what would be done, change nothing (the same as `vigo plan`)
    #[arg(long)]
    dry_run: bool,
}

#[derive(Args, Debug)]
struct RunArgs {
    /// The tree of .vgo files
    #[arg(long, value_name = "DIR", default_value = "stacks")]
    stacks: PathBuf,
    /// The name that selects the policy [default: this machine's]
    #[arg(long, value_name = "NAME")]
    hostname: Option<String>,
    /// The environment, in place of the one of the match block
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// Converge an image or sandbox below this directory; services are only enabled there
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Only these resources (`crate/name`) or crates; may be given again
    #[arg(long, value_name = "CRATE[/NAME]")]
    only: Vec<String>,
    /// How to print the report
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// YAML map from secret path to value, mode 0600
    #[arg(long, value_name = "FILE")]
    secrets_file: Option<PathBuf>,
    /// Where pending triggers are kept between runs
    #[arg(long, value_name = "DIR", default_value = "/var/lib/vigo")]
    state_dir: PathBuf,
    /// What to log on standard error
    #[arg(long, value_enum, default_value = "warn")]
    log_level: LogLevel,
}

#[derive(Args, Debug)]
struct TraitsArgs {
    /// Only what lies at these paths, such as `os.family`
    #[arg(value_name = "PATH")]
    paths: Vec<String>,
    /// How to print them
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// What to log on standard error
    #[arg(long, value_enum, default_value = "warn")]
    log_level: LogLevel,
}

/// How results are printed.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum LogLevel {
    Off,
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// Runs a verb and returns the exit status.
pub fn run(cli: Cli) -> ExitCode {
    match cli.verb {
        Verb::Apply(args) => converge(args.run, args.dry_run),
        Verb::Plan(args) => converge(args, true),
        Verb::Traits(args) => {
            log(args.log_level);
            traits_command::run(&args.paths, args.format)
        }
        Verb::Version => {
            println!("vigo {}", env!("CARGO_PKG_VERSION"));
            ExitCode::SUCCESS
        }
    }
}

fn converge(args: RunArgs, dry_run: bool) -> ExitCode {
    log(args.log_level);
    let options = ApplyOptions {
        dry_run,
        stacks: args.stacks,
        hostname: args.hostname,
        environment: args.environment,
        root: args.root,
        only: args.only,
        format: args.format,
        secrets_file: args.secrets_file,
        state_dir: args.state_dir,
    };
    match apply::run(&options) {
        Ok(report) => output::report(&report, options.format),
        Err(error) => output::invalid(&error, options.format),
    }
}

fn log(level: LogLevel) {
    let level = match level {
        LogLevel::Off => return,
        LogLevel::Error => tracing::Level::ERROR,
        LogLevel::Warn => tracing::Level::WARN,
        LogLevel::Info => tracing::Level::INFO,
        LogLevel::Debug => tracing::Level::DEBUG,
        LogLevel::Trace => tracing::Level::TRACE,
    };
    tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr).with_target(false).init();
}
