//! An address that is told of alarms: whoever knows it can write there, so it is shown to nobody.

use super::sections::is_own_machine;
use serde::{Deserialize, Deserializer, de};
use std::fmt;
use std::str::FromStr;

/// An address that JSON is posted to: `https://`, or `http://` on this machine.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookUrl(String);

impl WebhookUrl {
    /// Returns it whole.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Returns the host with its port: all of it that may be shown.
    pub fn host(&self) -> &str {
        let rest = self.0.split_once("://").map_or("", |(_, rest)| rest);
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        authority.rsplit_once('@').map_or(authority, |(_, host)| host)
    }
}

impl fmt::Debug for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebhookUrl({})", self.host())
    }
}

impl FromStr for WebhookUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let url = Self(text.to_owned());
        let is_known = text.starts_with("https://") || is_own_machine(text);
        let is_plain = text.bytes().all(|b| b.is_ascii_graphic());
        match is_known && is_plain && !url.host().is_empty() {
            true => Ok(url),
            // It may have a token in it.
            false => Err("expected `https://host/…`, or `http://127.0.0.1:port/…`, found something else".into()),
        }
    }
}

impl<'de> Deserialize<'de> for WebhookUrl {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(de::Error::custom)
    }
}
