//! The command line.

use crate::profile::Profile;
use clap::Parser;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;
use vigo_core::bundle::VerifyingKey;
use vigo_core::hex;

/// Generate a fleet: many real agents in one process, with real keys and connections, memory for disks and made-up runs
///
/// Prints one JSON object a line on standard output, and a last one with `"end": true`. SIGTERM and SIGINT end it; SIGUSR1 begins
/// to count anew which machines a server has answered; at SIGUSR2 all machines check in at once. The token of enrolment is in VIGO_TOKEN, or in the file that
/// VIGO_TOKEN_FILE names; without one a trusted pattern of the server's has to admit the machines.
///
/// Exit status: 0 it ended as it was told to, 1 there was no fleet, 2 usage.
#[derive(Parser, Clone, Debug)]
#[command(name = "vigo-load", version)]
pub struct Cli {
    /// Where a server is; may be given again
    #[arg(long, value_name = "HOST:PORT", required = true)]
    pub server: Vec<String>,
    /// The fleet's root key, in hexadecimal digits
    #[arg(long, value_name = "HEX", value_parser = root_key)]
    pub root_key: VerifyingKey,
    /// SHA-256 of the certificate of the fleet's authority, in hexadecimal digits
    #[arg(long, value_name = "HEX", value_parser = digest)]
    pub ca_sha256: [u8; 32],
    /// Machines
    #[arg(long, value_name = "NUMBER", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub agents: u32,
    /// Machines are named so, with a number from 1 behind
    #[arg(long, value_name = "TEXT", default_value = "load-")]
    pub prefix: String,
    /// What the machines do
    #[arg(long, value_name = "NAME", value_enum, default_value = "poll")]
    pub profile: Profile,
    /// Bytes of a report, about: it is filled up with a diff
    #[arg(long, value_name = "BYTES", default_value_t = 300, value_parser = clap::value_parser!(u32).range(0..=60_000))]
    pub report_bytes: u32,
    /// How long a run takes
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 200)]
    pub run_ms: u64,
    /// What is kept of the machines, and what servers have acknowledged: a fleet that finds its ledger is the same as before
    #[arg(long, value_name = "FILE")]
    pub ledger: Option<PathBuf>,
    /// The first address of this machine that is dialled from [default: the system decides]
    #[arg(long, value_name = "ADDRESS")]
    pub from: Option<IpAddr>,
    /// So many addresses are dialled from, in turn: what a server counts by address is then spread
    #[arg(long, value_name = "NUMBER", default_value_t = 1, requires = "from")]
    pub addresses: u32,
    /// Machines that enrol at a time
    #[arg(long, value_name = "NUMBER", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub enrol_at_once: u32,
    /// Over so many seconds the machines begin, one after the other
    #[arg(long, value_name = "SECONDS", default_value_t = 2)]
    pub ramp: u64,
    /// End after so many seconds [default: when it is told to]
    #[arg(long, value_name = "SECONDS")]
    pub duration: Option<u64>,
    /// Milliseconds between two lines
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(50..))]
    pub every: u64,
    /// Threads [default: one a core]
    #[arg(long, value_name = "NUMBER")]
    pub threads: Option<usize>,
    /// Tell on standard error what happens to the machines: `error`, `warn`, `info`, `debug`
    #[arg(long, value_name = "LEVEL", default_value = "error")]
    pub log_level: tracing::Level,
}

impl Cli {
    /// Returns the address from which machine number `nth` dials.
    pub fn address(&self, nth: usize) -> Option<IpAddr> {
        let step = nth as u128 % u128::from(self.addresses.max(1));
        Some(match self.from? {
            IpAddr::V4(first) => IpAddr::V4(first.to_bits().wrapping_add(step as u32).into()),
            IpAddr::V6(first) => IpAddr::V6(first.to_bits().wrapping_add(step).into()),
        })
    }

    /// Returns how long after the others' first machine number `nth` begins.
    pub fn delay(&self, nth: usize) -> Duration {
        Duration::from_secs(self.ramp).mul_f64(nth as f64 / f64::from(self.agents))
    }
}

fn digest(text: &str) -> Result<[u8; 32], String> {
    hex::decode_array(text).ok_or_else(|| format!("expected 64 hexadecimal digits, found {}", text.chars().count()))
}

fn root_key(text: &str) -> Result<VerifyingKey, String> {
    VerifyingKey::from_bytes(&digest(text)?).map_err(|_| "expected a key, found other bytes".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;
    use vigo_core::bundle::SigningKey;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_option_is_in_the_guide() {
        let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/load.md");
        let page = std::fs::read_to_string(page).expect("the guide is there");
        for option in Cli::command().get_arguments().filter_map(|option| option.get_long()) {
            let is_told = page.lines().any(|line| line.starts_with("| `--") && line.contains(&format!("`--{option} ")));
            assert!(is_told || ["help", "version"].contains(&option), "--{option}");
        }
        let out = crate::show::line(&crate::count::Counts::new(1), Profile::Poll, true);
        let skipped = ["profile", "end", "check_ins_per_second", "reports_per_second"];
        for key in out.as_object().into_iter().flat_map(|line| line.keys()) {
            let is_told = page.lines().any(|line| line.starts_with("| `") && line.contains(&format!("`{key}`")));
            assert!(is_told || skipped.contains(&&**key), "{key}");
        }
    }

    #[test]
    fn machines_dial_from_addresses_in_turn_and_begin_one_after_the_other() {
        let key = hex::encode(SigningKey::from_bytes(&[7; 32]).verifying_key().as_bytes());
        let words = ["vigo-load", "--server", "a:1", "--root-key", &key, "--ca-sha256", &key];
        let more = ["--from", "127.1.0.254", "--addresses", "3", "--agents", "10", "--ramp", "5"];
        let cli = Cli::try_parse_from(words.iter().chain(&more)).expect("it is right");
        let from: Vec<String> = (0..4).filter_map(|nth| cli.address(nth)).map(|a| a.to_string()).collect();
        assert_eq!(from, ["127.1.0.254", "127.1.0.255", "127.1.1.0", "127.1.0.254"]);
        assert_eq!((cli.delay(0), cli.delay(5)), (Duration::ZERO, Duration::from_millis(2500)));
        let cli = Cli::try_parse_from(words).expect("it is right");
        assert_eq!(cli.address(3), None);
    }
}
