//! The commands behind `cargo xtask`: everything that is done to this repository, in plain Rust and without
//! dependencies, so that it is ready within seconds of a fresh clone.

mod bench;
mod crash;
mod demo;
mod dist;
mod docs;
mod failure;
mod fuzz;
mod hosts;
mod json;
mod packages;
mod process;
mod recovery;
mod stage;
mod test;
mod wine;
mod workspace;

use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask VERB

  demo [--keep]               examples/stacks in a sandbox: one machine (plan, run, run again, repair),
                              then a server with three; --keep leaves that running until Ctrl-C
  test [STAGE…] [--install]   everything that CI runs, or only the named stages; --install also
                              builds the cargo tools that are missing (cargo-nextest, cargo-deny)
  test crash [--kills N] [--seed N]
                              server and agents are killed N times each under load (20), and nothing that was
                              acknowledged may be lost
  test hosts [SCENARIO…]      real Debian machines with systemd, in containers (needs root)
  fuzz [--minutes N] [--jobs N] [--asan] [--keep] [TARGET…]
                              libFuzzer on every target, or only the named ones (1 minute each);
                              --keep adds inputs that reach new code to the committed ones
  bench agent [--all-peers]   the agent against other tools, in one run
  bench config                a tree of 2,000 configcrates and 10,000 match blocks, validated whole and after a change
  dist [--target T…] [--key FILE]
                              the agent for every system that can be linked from here (Linux with musl, Windows,
                              FreeBSD, NetBSD, macOS), each packed, with its checksum and a signature by the key
  check-targets [TARGET…]     the agent's types on FreeBSD, OpenBSD, NetBSD, illumos and macOS
  docs                        the reference (rustdoc) and the guide (mdBook, if it is installed)
  docs systems                writes the guide's page of types and systems, of the hosts' tables
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let rest = args.get(1..).unwrap_or_default();
    let done = match args.first().map(String::as_str) {
        Some("test") => return test::run(rest),
        Some("demo") => demo::run(rest),
        Some("fuzz") => fuzz::run(rest),
        Some("bench") => bench::run(rest),
        Some("dist") => dist::run(rest),
        Some("check-targets") => dist::check_targets(rest),
        Some("docs") => docs::run(rest),
        Some(hosts::INSIDE) => return hosts::run_inside(rest),
        Some("help" | "--help" | "-h") => {
            print!("{USAGE}");
            Ok(())
        }
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::FAILURE
        }
    }
}
