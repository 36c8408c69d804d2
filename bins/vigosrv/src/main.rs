//! `vigosrv`.

use clap::Parser;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use vigo_core::backup::Part;
use vigosrv::backup::{Restore, Verify, list, restore, verify};

/// Serves a fleet: enrols machines, publishes policy, answers check-ins, keeps reports.
#[derive(Parser, Debug)]
#[command(name = "vigosrv", version, max_term_width = 100)]
struct Cli {
    /// Where everything is that the server has; made at the first start.
    #[arg(long, global = true, value_name = "DIR", env = "VIGO_DATA_DIR", default_value = "/srv/vigo")]
    data_dir: PathBuf,
    /// What is logged on standard error: this and what is graver.
    #[arg(long, global = true, value_name = "LEVEL", default_value = "info")]
    log_level: tracing::Level,
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(clap::Subcommand, Debug)]
enum Verb {
    /// Answers one request from standard input on the data directory of a server that does not run: for vigocli
    Offline {
        /// Say how far a backup is, one JSON object a line, before the answer
        #[arg(long)]
        progress: bool,
    },
    /// Makes the keys of a server that takes the place of one of which nothing is left but its recovery kit
    Init {
        /// The recovery kit, which `vigocli keys export-root` has written
        #[arg(long, value_name = "FILE")]
        root_key: PathBuf,
    },
    /// Looks for what ails a server that does not run, or does not start: for vigocli. What it prints is one JSON object
    Doctor,
    /// Makes an empty database in the place of one that is damaged or gone: users, tokens, runs and the audit are lost
    WithoutDatabase,
    /// Looks at backups and restores them: for vigocli. What it prints is one JSON object a line
    #[command(subcommand)]
    Backup(Backup),
}

#[derive(clap::Subcommand, Debug)]
enum Backup {
    /// Look whether a backup is whole, and works
    Verify {
        /// The archive
        file: PathBuf,
        /// The root key of the fleet that it should be of: 64 digits, or its file
        #[arg(long, value_name = "KEY")]
        expect_root: Option<String>,
        /// The file of the key that it is encrypted for
        #[arg(long, value_name = "FILE")]
        identity: Option<PathBuf>,
    },
    /// Restore a backup to the data directory
    Restore {
        /// The archive
        file: PathBuf,
        /// The parts that are restored, with commas between them
        #[arg(long, value_name = "PARTS", value_delimiter = ',')]
        only: Option<Vec<Part>>,
        /// The root key of the fleet that it should be of: 64 digits, or its file
        #[arg(long, value_name = "KEY")]
        expect_root: Option<String>,
        /// The file of the key that it is encrypted for
        #[arg(long, value_name = "FILE")]
        identity: Option<PathBuf>,
        /// Look at everything, and change nothing
        #[arg(long)]
        dry_run: bool,
        /// Replace what is there
        #[arg(long)]
        force: bool,
    },
    /// List the backups in a folder
    List {
        /// The folder
        folder: PathBuf,
    },
}

/// Bytes of a request on standard input.
const REQUEST_BYTES_MAX: u64 = 8 << 20;

/// The exit code that tells vigocli that a server has the data directory: `EX_TEMPFAIL` of sysexits(3).
const SERVED: u8 = 75;

fn main() -> ExitCode {
    vigo_driver::forbid_core_dumps();
    let cli = Cli::parse();
    tracing_subscriber::fmt().with_max_level(cli.log_level).with_writer(std::io::stderr).with_target(false).init();
    match cli.verb {
        Some(Verb::Backup(verb)) => return backup(verb, cli.data_dir),
        Some(Verb::Doctor) => {
            let found = vigosrv::doctor::offline(&cli.data_dir);
            say(&serde_json::json!({ "answer": found }));
            return if found["well"] == true { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        }
        _ => {}
    }
    if let Some(Verb::Init { root_key }) = &cli.verb {
        return match vigosrv::serve::init(&cli.data_dir, root_key) {
            Ok(text) => {
                println!("{text}");
                ExitCode::SUCCESS
            }
            Err(error) => failed(&error, error.help()),
        };
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error, None),
    };
    let done = match cli.verb {
        None | Some(Verb::Backup(_) | Verb::Doctor | Verb::Init { .. }) => {
            let done = runtime.block_on(vigosrv::serve::run(&cli.data_dir));
            // What works on without end, such as a look at a large backup, has nothing that the next start does not clear.
            runtime.shutdown_background();
            return ended(done);
        }
        Some(Verb::Offline { progress }) => {
            let mut request = String::new();
            if let Err(error) = std::io::stdin().take(REQUEST_BYTES_MAX).read_to_string(&mut request) {
                return failed(&error, None);
            }
            let mut told = |done, total| {
                if progress {
                    say(&serde_json::json!({ "done": done, "total": total }));
                }
            };
            let answer = runtime.block_on(vigosrv::serve::offline(&cli.data_dir, &request, &mut told));
            answer.map(|answer| println!("{answer}"))
        }
        Some(Verb::WithoutDatabase) => vigosrv::serve::without_database(&cli.data_dir).map(|done| println!("{done}")),
    };
    ended(done)
}

fn ended(done: Result<(), vigosrv::serve::RunError>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let (help, is_served) = (error.help(), error.is_served());
            let code = failed(&error, help);
            if is_served { ExitCode::from(SERVED) } else { code }
        }
    }
}

/// Does something about backups, and prints what came of it: `{"done": …, "total": …}` while it works, then `{"answer": …}` or
/// `{"problem": …}`.
fn backup(verb: Backup, data_dir: PathBuf) -> ExitCode {
    let mut last = None;
    let mut told = |done: u64, total: u64| {
        // A thousand lines are enough for any terminal.
        let now = done.saturating_mul(1000).checked_div(total);
        if now != last {
            last = now;
            say(&serde_json::json!({ "done": done, "total": total }));
        }
    };
    let done = match verb {
        Backup::Verify { file, expect_root, identity } => {
            verify(&Verify { file, expect_root, identity, data_dir }, &mut told)
        }
        Backup::Restore { file, only, expect_root, identity, dry_run, force } => {
            let only = only.map(|parts| parts.into_iter().collect());
            restore(&Restore { file, target: data_dir, only, expect_root, identity, dry_run, force }, &mut told)
        }
        Backup::List { folder } => list(&folder),
    };
    match done {
        Ok(answer) => {
            say(&serde_json::json!({ "answer": answer }));
            ExitCode::SUCCESS
        }
        Err(error) => {
            let (code, help, root_key) = (error.code(), error.help(), error.unknown_root());
            let detail = error.to_string();
            let problem = serde_json::json!({ "code": code, "detail": detail, "help": help, "root_key": root_key });
            say(&serde_json::json!({ "problem": problem }));
            ExitCode::FAILURE
        }
    }
}

/// Prints a line for vigocli; where that is gone, the work is done all the same.
fn say(line: &serde_json::Value) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

fn failed(error: &dyn std::error::Error, help: Option<String>) -> ExitCode {
    eprintln!("error: {error}");
    if let Some(help) = help {
        eprintln!("  = help: {help}");
    }
    ExitCode::FAILURE
}
