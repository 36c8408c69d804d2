//! `vigocli config plan`.

use super::local::{self, Stacks};
use crate::cli::Global;
use crate::error::CliError;
use crate::hosts;
use crate::output::Answer;
use clap::Args;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use vigo_core::config::Config;
use vigo_core::converge::{Envoy, RunOutcome};
use vigo_core::preview::{self, Blank, Subject};
use vigo_core::resolve;
use vigo_core::value::Value;

/// Show what the policy of a host would do on a machine of any system on which nothing has been set up yet
#[derive(Args, Debug)]
pub(crate) struct Plan {
    /// The machine's name
    #[arg(long, value_name = "NAME")]
    host: String,
    /// The system: debian, redhat, suse, arch, alpine, linux, devuan, gentoo, slackware, void, freebsd, openbsd, netbsd,
    /// illumos, macos or windows [default: that of the traits, or debian]
    #[arg(long = "as", value_name = "OS")]
    system: Option<String>,
    /// A file of traits, as `vigo traits --format json` or `vigocli traits show` prints them; without it the plan says
    /// where it would depend on them
    #[arg(long, value_name = "FILE")]
    traits: Option<PathBuf>,
    /// An environment instead of the one that the match block names
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    #[command(flatten)]
    stacks: Stacks,
}

/// Where nothing says of which system the machine is.
const DEFAULT: &str = "debian";

impl Plan {
    pub(crate) fn run(&self, global: &Global) -> Result<Answer, CliError> {
        let host = local::hostname(&self.host)?;
        let given = self.traits.as_deref().map(given).transpose()?;
        let blank = self.blank(given.as_ref())?;
        let sources = self.stacks.read(global)?;
        let config = Config::read(&sources);
        let resolved =
            resolve::validate(&config, &host, self.environment.as_deref()).map_err(local::invalid(&sources))?;
        let bundle = Arc::new(resolved.bundle);
        let traits = preview::traits(blank, &host, given.as_ref())
            .map_err(|why| CliError::Usage { why: format!("the file of `--traits`: {why}") })?;
        let environment = resolved.class.environment.unwrap_or_default();
        let envoy = Envoy { hostname: host.into(), id: "".into(), environment };
        let subject = Subject { envoy, traits, now: local::now(), entropy: vigo_driver::entropy(&bundle) };
        let report = preview::plan(&bundle, blank, subject);
        let status = u8::from(report.outcome == RunOutcome::NotConverged);
        let mut text = Vec::new();
        // A vector takes whatever is written.
        let _ = vigo_driver::write_report(&mut text, &report, false);
        let text = String::from_utf8_lossy(&text);
        let diagnostics = vigo_driver::diagnostics_json(&resolved.warnings, sources.map());
        Ok(Answer { status, diagnostics, ..Answer::new(vigo_driver::report_json(&report), text) })
    }

    fn blank(&self, given: Option<&Value>) -> Result<&'static Blank, CliError> {
        let text = |path: &str| given.and_then(|traits| traits.at(path)).and_then(Value::as_str);
        let told = text("os.distro").or_else(|| text("os.family"));
        let of = |name: &str| hosts::blanks().find(|blank| blank.name == name);
        let (name, found) = match (&self.system, given, told) {
            (None, Some(traits), Some(name)) => (name, preview::like(hosts::blanks(), traits)),
            (system, ..) => {
                let name = system.as_deref().unwrap_or(DEFAULT);
                (name, of(name))
            }
        };
        found.ok_or_else(|| {
            let names: Vec<&str> = hosts::blanks().map(|blank| blank.name).collect();
            CliError::Usage {
                why: format!("expected one of {} as the system, found `{}`", names.join(", "), name.escape_debug()),
            }
        })
    }
}

/// Reads traits: a map of them, or one that holds it as `traits`.
fn given(path: &Path) -> Result<Value, CliError> {
    let failed = |why: String| CliError::File { what: "read", path: path.into(), why };
    let text = fs::read_to_string(path).map_err(|e| failed(vigo_driver::system_text(e)))?;
    let json: serde_json::Value =
        serde_yaml::from_str(&text).map_err(|e| failed(format!("expected JSON or YAML, found something else: {e}")))?;
    let traits = json.get("traits").filter(|traits| traits.is_object()).unwrap_or(&json);
    if !traits.is_object() {
        return Err(failed("expected a map of traits".into()));
    }
    Ok(value(traits))
}

fn value(json: &serde_json::Value) -> Value {
    use serde_json::Value as Json;
    match json {
        Json::Null => Value::Null,
        Json::Bool(yes) => Value::Bool(*yes),
        Json::Number(n) => n.as_i64().map_or_else(|| Value::Float(n.as_f64().unwrap_or_default()), Value::Int),
        Json::String(text) => Value::text(text.as_str()),
        Json::Array(items) => Value::list(items.iter().map(value)),
        Json::Object(entries) => Value::map(entries.iter().map(|(key, v)| (key.as_str(), value(v)))),
    }
}
