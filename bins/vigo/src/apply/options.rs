//! What `apply` and `plan` are told.

use crate::cli::{Format, LogLevel};
use clap::Args;
use std::path::PathBuf;

/// The flags of a run.
#[derive(Args, Debug)]
pub struct RunOptions {
    /// The tree of .vgo files
    #[arg(long, value_name = "DIR", default_value = "stacks")]
    pub stacks: PathBuf,
    /// The name that selects the policy [default: this machine's]
    #[arg(long, value_name = "NAME")]
    pub hostname: Option<String>,
    /// The environment, in place of the one of the match block
    #[arg(long, value_name = "NAME")]
    pub environment: Option<String>,
    /// Converge an image or sandbox below this directory; services are only enabled there
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// Only this crate or resource (`crate/name`); may be given again
    #[arg(long, value_name = "CRATE[/NAME]")]
    pub only: Vec<String>,
    /// How to print the report
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,
    /// Print without colours, as with `NO_COLOR` in the environment
    #[arg(long)]
    pub no_color: bool,
    /// YAML map from secret path to value, mode 0600
    #[arg(long, value_name = "FILE")]
    pub secrets_file: Option<PathBuf>,
    /// Where pending triggers are kept between runs [default: /var/lib/vigo, a folder in it for each --root]
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// What to log on standard error
    #[arg(long, value_name = "LEVEL", value_enum, default_value = "warn")]
    pub log_level: LogLevel,
}

/// Whether a run changes something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RunMode {
    /// It converges.
    Apply,
    /// It predicts only.
    Plan,
}
