//! The ways of telling.

use crate::config::{Notify, WebhookUrl};
use crate::program;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig};
use vigo_core::server::Alarm;
use vigo_driver::system_text;

/// How long an address may take to answer.
const WEBHOOK_DEADLINE: Duration = Duration::from_secs(10);

/// How long a program may take.
const COMMAND_DEADLINE: Duration = Duration::from_secs(30);

/// Bytes of an answer that are read, so that the other end is not cut off in the middle.
const ANSWER_BYTES_MAX: u64 = 64 << 10;

/// A way of telling.
#[derive(Clone, Debug)]
pub(super) enum Way {
    Webhook { url: WebhookUrl, events: BTreeSet<Alarm> },
    Command { argv: Vec<String> },
}

impl Way {
    /// Returns those of a configuration.
    pub(super) fn of(config: &Notify) -> Vec<Self> {
        let events = config.webhook.events.iter().copied().collect();
        let webhook = config.webhook.url.clone().map(|url| Self::Webhook { url, events });
        let command = (!config.command.is_empty()).then(|| Self::Command { argv: config.command.clone() });
        webhook.into_iter().chain(command).collect()
    }

    /// Returns the word of `server.yaml`.
    pub(super) const fn word(&self) -> &'static str {
        match self {
            Self::Webhook { .. } => "webhook",
            Self::Command { .. } => "command",
        }
    }

    /// Returns what it is to tell of; everything where it is empty.
    pub(super) fn events(&self) -> BTreeSet<Alarm> {
        match self {
            Self::Webhook { events, .. } => events.clone(),
            Self::Command { .. } => BTreeSet::new(),
        }
    }

    /// Tells. It takes half a minute at the most.
    ///
    /// # Errors
    /// Why it was not told: a sentence that has no address in it but for the host.
    pub(super) fn send(&self, text: String) -> Result<(), String> {
        match self {
            Self::Webhook { url, .. } => post(url, text),
            Self::Command { argv } => {
                let ended = program::run(argv, text.into_bytes(), 0, COMMAND_DEADLINE)?;
                let program = argv.first().map_or("", String::as_str);
                match ended.status {
                    Some(status) if status.success() => Ok(()),
                    Some(status) => Err(format!("`{program}` ends with {status}")),
                    None => Err(format!("`{program}` has not ended within {} s", COMMAND_DEADLINE.as_secs())),
                }
            }
        }
    }
}

fn post(url: &WebhookUrl, text: String) -> Result<(), String> {
    let tls = TlsConfig::builder()
        .root_certs(roots(url)?)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build();
    let config = ureq::Agent::config_builder()
        .tls_config(tls)
        .http_status_as_error(false)
        // What is told is told to whom the operator named.
        .max_redirects(0)
        .proxy(None)
        .timeout_global(Some(WEBHOOK_DEADLINE))
        .user_agent("vigosrv")
        .build();
    let request = ureq::Agent::new_with_config(config).post(url.reveal()).content_type("application/json");
    let host = url.host();
    let mut answer = request.send(text).map_err(|error| format!("{host}: {}", why(error)))?;
    let status = answer.status().as_u16();
    // Nobody needs it.
    let _ = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec();
    match status {
        200..=299 => Ok(()),
        status => Err(format!("{host}: the answer is {status}, expected 200")),
    }
}

/// Returns what went wrong, without the address, which is a secret.
fn why(error: ureq::Error) -> String {
    match error {
        ureq::Error::Io(error) => system_text(error),
        ureq::Error::Timeout(_) => format!("no answer within {} s", WEBHOOK_DEADLINE.as_secs()),
        ureq::Error::HostNotFound => "the name is not known".into(),
        ureq::Error::ConnectionFailed => "no connection is made".into(),
        ureq::Error::Tls(why) => why.into(),
        ureq::Error::Rustls(why) => why.to_string(),
        _ => "no request can be made of the address".into(),
    }
}

fn roots(url: &WebhookUrl) -> Result<RootCerts, String> {
    let pem = match url.reveal().starts_with("http://") {
        true => Vec::new(),
        false => vigo_driver::trusted_certificates()?,
    };
    let certificates = ureq::tls::parse_pem(&pem).filter_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    });
    Ok(certificates.collect::<Vec<Certificate<'static>>>().into())
}
