//! What the keys mean.

use super::{Listen, Span, Splay, WebhookUrl};
use serde::Deserialize;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use vigo_core::backup::age::{AgeError, Recipient};
use vigo_core::glob::Glob;
use vigo_core::limits::AGE_RECIPIENTS_MAX;
use vigo_core::resource::cron::Schedule;
use vigo_core::server::{self, Alarm, Budget, Network, NetworkError};
use vigo_core::time::{Duration, Timestamp};

/// The whole of `server.yaml`. [`super::annotated`] says what each key is for.
#[derive(Clone, PartialEq, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "the sections' own documentation")]
pub struct Config {
    pub server: Server,
    pub database: Database,
    pub checkin: CheckIn,
    pub enrollment: Enrollment,
    pub secrets: Secrets,
    pub notify: Notify,
    pub backup: Backup,
    pub limits: Limits,
}

/// Where the server listens, and under which names.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "annotated in one place")]
pub struct Server {
    pub agent_listen: Listen,
    pub api_listen: Listen,
    pub hostname: Option<String>,
    pub advertise: Vec<String>,
    pub tls_sans: Vec<String>,
    pub metrics_public: bool,
}

/// The database.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "annotated in one place")]
pub struct Database {
    pub path: PathBuf,
    pub history_retention: Span,
    pub litestream: bool,
}

/// What agents are told of their check-ins.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "annotated in one place")]
pub struct CheckIn {
    pub interval: Span,
    pub splay: Splay,
    pub observe_only: bool,
    pub bundle_max_age: Span,
    pub hold_idle: Span,
    pub hold_below: Span,
}

/// Who becomes an envoy.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "annotated in one place")]
pub struct Enrollment {
    pub trusted: Vec<Trusted>,
    pub token_ttl: Span,
    pub on_clone: OnClone,
}

/// Where secrets are kept.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "annotated in one place")]
pub struct Secrets {
    pub backend: Backend,
    pub dir: PathBuf,
    pub url: Option<String>,
    pub mount: String,
    pub token_file: Option<PathBuf>,
    pub ca_file: Option<PathBuf>,
    pub command: Vec<String>,
    pub poll_interval: Span,
}

/// Who keeps secrets.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Backend {
    /// The server.
    #[default]
    Local,
    /// Whoever a program asks.
    Command,
    /// A Vault or OpenBao.
    Http,
}

/// Who is told when somebody has to look.
#[derive(Clone, PartialEq, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "annotated in one place")]
pub struct Notify {
    pub webhook: Webhook,
    pub command: Vec<String>,
}

/// An address that is told.
#[derive(Clone, PartialEq, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "annotated in one place")]
pub struct Webhook {
    pub url: Option<WebhookUrl>,
    #[serde(deserialize_with = "alarms")]
    pub events: Vec<Alarm>,
}

/// Backups that the server makes by itself.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "annotated in one place")]
pub struct Backup {
    #[serde(deserialize_with = "schedule")]
    pub schedule: Option<Schedule>,
    pub directory: Option<PathBuf>,
    pub keep: NonZeroU32,
    #[serde(deserialize_with = "recipients")]
    pub encrypt_to: Vec<Recipient>,
    pub without_blobs: bool,
}

/// How much of the server agents get.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "annotated in one place")]
pub struct Limits {
    pub held_connections: u32,
    pub connections_per_second: NonZeroU32,
    pub connections_burst: NonZeroU32,
    pub check_ins_per_second: NonZeroU32,
    pub check_ins_burst: NonZeroU32,
}

/// Names that are admitted without a token.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trusted {
    /// The glob of the names.
    #[serde(rename = "match", deserialize_with = "glob")]
    pub match_glob: Glob,
    /// Where they must come from.
    #[serde(deserialize_with = "network")]
    pub from: Network,
    /// Until when; none is for ever.
    #[serde(default, deserialize_with = "until")]
    pub until: Option<Timestamp>,
}

/// What happens where one identity is seen on two machines.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnClone {
    /// It is shown and told.
    #[default]
    Alarm,
    /// Neither gets secrets any more, either.
    WithholdSecrets,
}

impl PartialEq for Trusted {
    fn eq(&self, other: &Self) -> bool {
        (self.match_glob.as_str(), self.from, self.until) == (other.match_glob.as_str(), other.from, other.until)
    }
}

impl Trusted {
    /// Returns the entry as the core decides by it.
    pub fn record(&self) -> server::Trusted {
        server::Trusted { pattern: self.match_glob.clone(), from: self.from, until: self.until }
    }
}

impl Limits {
    /// Returns how many connections are taken.
    pub fn connections(&self) -> Budget {
        Budget { per_second: self.connections_per_second, burst: self.connections_burst }
    }

    /// Returns how many check-ins are answered without putting anybody off.
    pub fn check_ins(&self) -> Budget {
        Budget { per_second: self.check_ins_per_second, burst: self.check_ins_burst }
    }
}

impl Server {
    /// Returns the names and addresses in the server's certificate: its own, `machine` where it says none, and those by
    /// which its own machine finds it.
    pub fn certificate_hosts(&self, machine: &str) -> Vec<String> {
        let own = self.hostname.as_deref().unwrap_or(machine);
        let local = ["localhost", "127.0.0.1", "::1"];
        let mut hosts: Vec<String> = Vec::new();
        for host in std::iter::once(own).chain(self.tls_sans.iter().map(String::as_str)).chain(local) {
            if !host.is_empty() && !hosts.iter().any(|known| known == host) {
                hosts.push(host.into());
            }
        }
        hosts
    }

    /// Returns where people find HTTPS, `host:port`: by the server's name, by the host that agents are told first where it
    /// has none, by the name of its `machine` else.
    pub fn https(&self, machine: &str, port: u16) -> String {
        let told = self.advertise.first().and_then(|address| address.rsplit_once(':')).map(|(host, _)| host);
        let host = self.hostname.as_deref().or(told).unwrap_or(machine);
        let is_bare = host.contains(':') && !host.starts_with('[');
        if is_bare { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }

    /// Returns the addresses, `host:port`, that agents are told; `port` is the one that is listened on.
    pub fn advertised(&self, machine: &str, port: u16) -> Vec<String> {
        if !self.advertise.is_empty() {
            return self.advertise.clone();
        }
        let own = self.hostname.as_deref().unwrap_or(machine);
        let host = if own.contains(':') { format!("[{own}]") } else { own.to_owned() };
        vec![format!("{host}:{port}")]
    }
}

impl Default for Server {
    fn default() -> Self {
        Self {
            agent_listen: Listen::any(1530),
            api_listen: Listen::any(8443),
            hostname: None,
            advertise: Vec::new(),
            tls_sans: Vec::new(),
            metrics_public: false,
        }
    }
}

impl Default for Database {
    fn default() -> Self {
        let history_retention = Span(Duration::from_secs(90 * 86_400));
        Self { path: "db/vigo.db".into(), history_retention, litestream: false }
    }
}

impl Default for CheckIn {
    fn default() -> Self {
        Self {
            interval: Span(Duration::from_secs(300)),
            splay: Splay::Percent(10),
            observe_only: false,
            bundle_max_age: Span(Duration::ZERO),
            hold_idle: Span(Duration::from_secs(30)),
            hold_below: Span(Duration::from_secs(15)),
        }
    }
}

impl Secrets {
    /// Returns what is wrong with the keys together.
    pub(super) fn wrong(&self) -> Option<String> {
        let is_empty = |value: &Option<PathBuf>| value.as_ref().is_none_or(|path| path.as_os_str().is_empty());
        if self.poll_interval.0.as_ms() < 1000 {
            return Some(format!("poll_interval: expected `1s` at least, found `{}`", self.poll_interval.0));
        }
        match self.backend {
            Backend::Local => None,
            Backend::Command if self.command.first().is_none_or(String::is_empty) => Some(
                "command: expected a program and its arguments, such as `[/usr/local/bin/secret]`, found none".into(),
            ),
            Backend::Command => None,
            Backend::Http if is_empty(&self.token_file) => {
                Some("token_file: expected a file with a token, found none".into())
            }
            Backend::Http if self.mount.trim_matches('/').is_empty() => {
                Some("mount: expected the path of a key-value engine, found none".into())
            }
            Backend::Http => match self.url.as_deref() {
                Some(url) if url.starts_with("https://") || is_own_machine(url) => None,
                Some(url) => {
                    Some(format!("url: expected `https://host:port`, or `http://127.0.0.1:port`, found `{url}`"))
                }
                None => Some("url: expected `https://host:port`, found none".into()),
            },
        }
    }
}

impl Backup {
    /// Returns when backups are made, and where; nothing where none are.
    pub fn plan(&self) -> Option<(&Schedule, &Path)> {
        Some((self.schedule.as_ref()?, self.directory.as_deref()?))
    }

    /// Returns what is wrong with the keys together.
    pub(super) fn wrong(&self) -> Option<String> {
        match &self.directory {
            None if self.schedule.is_some() => Some("directory: expected a folder for the backups, found none".into()),
            Some(path) if !path.is_absolute() => {
                Some(format!("directory: expected an absolute path, found `{}`", path.display()))
            }
            _ => None,
        }
    }
}

impl Default for Backup {
    fn default() -> Self {
        Self { schedule: None, directory: None, keep: at_least_one(7), encrypt_to: Vec::new(), without_blobs: false }
    }
}

/// Returns whether what is sent to this address does not leave the machine.
pub(super) fn is_own_machine(url: &str) -> bool {
    let authority = url.strip_prefix("http://").and_then(|rest| rest.split('/').next()).unwrap_or_default();
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    !authority.contains('@') && matches!(host, "127.0.0.1" | "[::1]" | "localhost")
}

impl Default for Secrets {
    fn default() -> Self {
        Self {
            backend: Backend::Local,
            dir: "secrets".into(),
            url: None,
            mount: "secret".into(),
            token_file: None,
            ca_file: None,
            command: Vec::new(),
            poll_interval: Span(Duration::from_secs(60)),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            held_connections: 10_000,
            connections_per_second: at_least_one(2000),
            connections_burst: at_least_one(4000),
            check_ins_per_second: at_least_one(1000),
            check_ins_burst: at_least_one(10_000),
        }
    }
}

impl Default for Enrollment {
    fn default() -> Self {
        Self { trusted: Vec::new(), token_ttl: Span(Duration::from_secs(86_400)), on_clone: OnClone::Alarm }
    }
}

const fn at_least_one(number: u32) -> NonZeroU32 {
    match NonZeroU32::new(number) {
        Some(number) => number,
        None => NonZeroU32::MIN,
    }
}

fn glob<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Glob, D::Error> {
    let text = String::deserialize(from)?;
    Glob::parse(&text).map_err(|e| serde::de::Error::custom(format!("glob `{text}`: {}", e.message)))
}

fn network<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Network, D::Error> {
    let text = String::deserialize(from)?;
    text.parse().map_err(|e: NetworkError| serde::de::Error::custom(format!("{e}, found `{text}`")))
}

fn until<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
    let text = String::deserialize(from)?;
    let time = text
        .parse::<jiff::Timestamp>()
        .map_err(|_| serde::de::Error::custom(format!("expected a time as `2027-01-31T12:00:00Z`, found `{text}`")))?;
    Ok(Some(Timestamp::from_epoch_ms(time.as_millisecond())))
}

fn alarms<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<Alarm>, D::Error> {
    let words = Vec::<String>::deserialize(from)?;
    words.iter().map(|word| word.parse().map_err(serde::de::Error::custom)).collect()
}

fn recipients<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<Recipient>, D::Error> {
    let texts = Vec::<String>::deserialize(from)?;
    if texts.len() > AGE_RECIPIENTS_MAX {
        return Err(serde::de::Error::custom(format!("encrypt_to: expected at most {AGE_RECIPIENTS_MAX} recipients")));
    }
    let read = |text: &String| text.parse().map_err(|e: AgeError| serde::de::Error::custom(format!("encrypt_to: {e}")));
    texts.iter().map(read).collect()
}

fn schedule<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Schedule>, D::Error> {
    let Some(text) = Option::<String>::deserialize(from)? else { return Ok(None) };
    let wrong = |why: String| serde::de::Error::custom(format!("schedule: {why}"));
    let schedule = Schedule::parse(&text).map_err(wrong)?;
    match schedule.next(Timestamp::default(), 0) {
        Some(_) => Ok(Some(schedule)),
        None => Err(wrong(format!("expected one that comes, found `{text}`, which never does"))),
    }
}
