//! `vigocli envoys maintenance` and `observe`.

use crate::client::{Client, path};
use crate::error::CliError;
use crate::output::{Answer, cell};
use clap::Args;
use serde_json::{Value, json};

/// Have a machine left alone: its agent applies nothing, until a time or until `--off`
#[derive(Args, Debug)]
pub(crate) struct Maintenance {
    /// Its hostname or id
    envoy: String,
    /// When it ends by itself, such as 2027-01-31T12:00:00Z
    #[arg(long, value_name = "TIME", conflicts_with = "span")]
    until: Option<String>,
    /// After how long it ends by itself, such as 2h or 3d
    #[arg(long = "for", value_name = "TIME", id = "span")]
    span: Option<String>,
    /// End it
    #[arg(long, conflicts_with_all = ["until", "span"])]
    off: bool,
}

/// Have a machine report what would change, and change nothing, until `--off`
#[derive(Args, Debug)]
pub(crate) struct Observe {
    /// Its hostname or id
    envoy: String,
    /// Have it make changes again
    #[arg(long)]
    off: bool,
}

impl Maintenance {
    pub(crate) fn run(&self, client: &Client) -> Result<Answer, CliError> {
        let path = path("/envoys", &self.envoy, "/maintenance");
        let envoy = if self.off {
            client.delete(&path)?
        } else {
            let mut body = json!({});
            for (name, value) in [("until", &self.until), ("for", &self.span)] {
                if let Some(value) = value {
                    body[name] = value.as_str().into();
                }
            }
            client.post(&path, &body)?
        };
        let hostname = cell(&envoy, "hostname");
        let what = match marked(&envoy) {
            None => "applies its policy".to_owned(),
            Some(maintenance) => format!("applies nothing: {maintenance}"),
        };
        let text = format!("{hostname} {what}{}.\n", heard(&envoy));
        Ok(Answer::new(envoy, text))
    }
}

impl Observe {
    pub(crate) fn run(&self, client: &Client) -> Result<Answer, CliError> {
        let path = path("/envoys", &self.envoy, "/observe");
        let envoy = if self.off { client.delete(&path)? } else { client.post(&path, &json!({}))? };
        let hostname = cell(&envoy, "hostname");
        let what = match envoy["observes"].as_bool() {
            Some(true) => "observes: it reports what would change, and changes nothing",
            _ => "makes changes, unless `server.yaml` or its match block says otherwise",
        };
        let text = format!("{hostname} {what}{}.\n", heard(&envoy));
        Ok(Answer::new(envoy, text))
    }
}

/// Returns what is said of an envoy's maintenance, if it is in one.
pub(crate) fn marked(envoy: &Value) -> Option<String> {
    envoy["maintenance"].is_object().then(|| match cell(envoy, "maintenance.until") {
        none if none.is_empty() => "maintenance until somebody ends it".into(),
        until => format!("maintenance until {until}"),
    })
}

fn heard(envoy: &Value) -> &'static str {
    match (envoy["told"].as_bool(), envoy["called"].as_bool()) {
        (Some(true), _) => "",
        (_, Some(true)) => "; it is called now",
        _ => "; it hears of it at its next check-in",
    }
}
