//! `vigo bootstrap`.

use crate::cli::LogLevel;
use crate::install::{Service, as_root};
use crate::life::{self, LifeError};
use crate::{apply, output, system};
use clap::Args;
use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;
use vigo_core::bundle::{BundleError, Signed, VerifyingKey};
use vigo_core::hex;

/// Make this machine an envoy of a fleet, and have its agent live here
///
/// Exit status: 0 enrolled, checked in and at work, 1 refused or no server answered, 2 usage or a state directory of no use.
#[derive(Args, Debug)]
pub struct Bootstrap {
    /// Where a server is; may be given again
    #[arg(long, value_name = "HOST:PORT", required = true)]
    server: Vec<String>,
    /// The token that `vigocli tokens create` printed; better in VIGO_TOKEN, or in the file that VIGO_TOKEN_FILE names
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
    /// The fleet's root key, in hexadecimal digits
    #[arg(long, value_name = "HEX", value_parser = root_key)]
    root_key: VerifyingKey,
    /// SHA-256 of the certificate of the fleet's authority, in hexadecimal digits
    #[arg(long, value_name = "HEX", value_parser = digest)]
    ca_sha256: [u8; 32],
    /// What the fleet says of this program, in hexadecimal digits: it is installed only if it is the one that is meant
    #[arg(long, value_name = "HEX", value_parser = manifest)]
    manifest: Option<Box<Signed>>,
    /// The name under which to enrol [default: this machine's]
    #[arg(long, value_name = "NAME")]
    hostname: Option<String>,
    /// Where keys and state are kept [default: /var/lib/vigo]
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
    /// Leave the fleet that this machine is in: for one whose server is gone, with all that could prove to be it
    #[arg(long)]
    leave_fleet: bool,
    /// Enrol only: install nothing, and start nothing
    #[arg(long)]
    no_service: bool,
    /// Show what would be installed; ask nobody, change nothing
    #[arg(long)]
    dry_run: bool,
    /// What to log on standard error
    #[arg(long, value_name = "LEVEL", value_enum, default_value = "error")]
    log_level: LogLevel,
}

/// Bytes of a token's file; a token has far fewer.
const TOKEN_BYTES_MAX: u64 = 4096;

impl Bootstrap {
    /// Enrols, and returns the exit status.
    pub fn run(&self) -> ExitCode {
        self.log_level.begin();
        let token = match self.token() {
            Ok(token) => token,
            Err(why) => {
                output::complain(&format!("error: {}", output::shown(&why)));
                return ExitCode::from(2);
            }
        };
        let told = life::Bootstrap {
            servers: self.server.clone(),
            token,
            root: self.root_key,
            ca_sha256: self.ca_sha256,
            manifest: self.manifest.as_deref().cloned(),
            hostname: self.hostname.clone().unwrap_or_else(system::hostname),
            state_dir: self.state_dir.clone(),
            leaves: self.leave_fleet,
        };
        let service = match self.service() {
            Ok(service) => service,
            Err(error) => return failed(&error),
        };
        if self.dry_run {
            let steps = service.as_ref().map_or(&[][..], Service::steps);
            return output::print(|out| steps.iter().try_for_each(|step| writeln!(out, "{step}")));
        }
        match life::bootstrap(told, service.as_ref()) {
            Ok(enrolment) => {
                let hostname = output::shown(&enrolment.hostname).into_owned();
                let lives = if service.is_some() { "; the agent is at work" } else { "" };
                output::print(|out| writeln!(out, "enrolled as {hostname} ({}), checked in{lives}", enrolment.id))
            }
            Err(error) => failed(&error),
        }
    }

    /// Returns what the agent is to be here. Nothing is asked of a server, and no token used, where it cannot be that.
    fn service(&self) -> Result<Option<Service>, LifeError> {
        if self.no_service {
            return Ok(None);
        }
        if !self.dry_run {
            as_root()?;
        }
        Ok(Some(Service::here(&apply::state_dir(self.state_dir.as_deref(), None)?)?))
    }

    /// Returns the token, from wherever it was given; empty for none.
    fn token(&self) -> Result<String, String> {
        if let Some(token) = &self.token {
            return Ok(token.trim().into());
        }
        if let Some(path) = std::env::var_os("VIGO_TOKEN_FILE") {
            let read = |path: &PathBuf| {
                let mut text = String::new();
                std::fs::File::open(path)?.take(TOKEN_BYTES_MAX).read_to_string(&mut text)?;
                Ok::<_, std::io::Error>(text)
            };
            let path = PathBuf::from(path);
            let text = read(&path).map_err(|e| format!("read VIGO_TOKEN_FILE `{}`: {e}", path.display()))?;
            return Ok(text.trim().into());
        }
        match std::env::var("VIGO_TOKEN") {
            Ok(token) => Ok(token.trim().into()),
            Err(std::env::VarError::NotPresent) => Ok(String::new()),
            // Not shown: it may be most of a token.
            Err(std::env::VarError::NotUnicode(_)) => Err("VIGO_TOKEN is no text".into()),
        }
    }
}

/// Tells why there is no agent, and returns the exit status.
pub(super) fn failed(error: &LifeError) -> ExitCode {
    output::complain(&format!("error: {}", output::shown(&error.to_string())));
    if let Some(help) = error.help() {
        output::complain(&format!("  = help: {}", output::shown(&help)));
    }
    let is_servers = matches!(
        error,
        LifeError::Net(_)
            | LifeError::Refused { .. }
            | LifeError::NotBelieved(_)
            | LifeError::NotCheckedIn { .. }
            | LifeError::OtherProgram(_)
    );
    ExitCode::from(if is_servers { 1 } else { 2 })
}

fn root_key(text: &str) -> Result<VerifyingKey, String> {
    VerifyingKey::from_bytes(&digest(text)?).map_err(|_| "expected a key, found other bytes".into())
}

fn manifest(text: &str) -> Result<Box<Signed>, BundleError> {
    Signed::from_hex(text).map(Box::new)
}

fn digest(text: &str) -> Result<[u8; 32], String> {
    hex::decode_array(text).ok_or_else(|| format!("expected 64 hexadecimal digits, found {}", text.chars().count()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_64_digits() {
        let good = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        assert_eq!(digest(good).map(|d| d[0]), Ok(0xd7));
        assert_eq!(digest(&good.to_uppercase()), digest(good));
        assert!(root_key(good).is_ok());
        for bad in ["", "d7", &good[..63], &format!("{good}0"), &good.replace('d', "+"), &"é".repeat(32)] {
            assert!(digest(bad).is_err_and(|e| e.contains("64 hexadecimal digits")), "{bad}");
        }
    }
}
