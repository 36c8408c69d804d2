//! What a server's machine is like: found out for `doctor`, while the server runs and without it.

use crate::backup::{Backups, Scheduled};
use crate::config::{self, Config};
use crate::data_dir::{self, DataDir, DataDirError, Keys};
use crate::store;
use crate::vault::LocalVault;
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs as _, UdpSocket};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;
use vigo_core::server::{AUTHORITY, BackupCondition, Finding, Machine, Problem, Severity, examine_machine};
use vigo_core::time::Timestamp;
use vigo_driver::system_text;

/// How long a connection to an own address may take: the machine itself answers, or a name server.
const REACH: Duration = Duration::from_secs(2);

/// Addresses that are tried: more are told to nobody.
const ADDRESSES_MAX: usize = 8;

/// Free bytes below which nothing can be restored or started: see the bounds of a server that runs.
const DISK_ERROR: u64 = 256 << 20;

/// What is found out, to be borrowed from.
#[derive(Debug, Default)]
pub(crate) struct Look {
    clock: Timestamp,
    certificates: Vec<(&'static str, Timestamp, Timestamp)>,
    modes: Vec<(String, String)>,
    problems: Vec<Said>,
    backup: Option<BackupCondition>,
    deaf: Vec<(&'static str, String, String)>,
    unreached: Vec<(String, String)>,
}

/// A problem, with help that is owned.
#[derive(Debug)]
struct Said {
    code: &'static str,
    severity: Severity,
    message: String,
    help: Option<String>,
}

impl Look {
    /// Looks at the machine of a server that runs: what `server.yaml` says now, and at which addresses it is heard. Takes some
    /// seconds where nobody answers.
    pub(crate) fn running(root: &Path, keys: &Keys, backups: &Backups, servers: &[String], now: Timestamp) -> Self {
        let mut look = Self { clock: now, ..Self::default() };
        let config = look.config(root);
        look.files(root, &config);
        look.certificates(keys);
        look.backup = backup(&backups.scheduled, root, now);
        let ports = [("agents", config.server.agent_listen), ("people", config.server.api_listen)];
        for (what, listen) in ports.into_iter().filter(|(_, listen)| listen.port != 0) {
            let tried = own_addresses(listen.address, listen.port);
            if let Err(why) = reach(&tried) {
                let address = listen
                    .address
                    .map_or_else(|| format!("port {}", listen.port), |ip| SocketAddr::new(ip, listen.port).to_string());
                look.deaf.push((what, address, why));
            }
        }
        for address in servers.iter().take(ADDRESSES_MAX) {
            let found = address.to_socket_addrs().map_err(system_text);
            let found = found.and_then(|found| reach(&found.take(ADDRESSES_MAX).collect::<Vec<_>>()));
            if let Err(why) = found {
                look.unreached.push((address.clone(), why));
            }
        }
        look
    }

    /// Returns what is to be said of it.
    pub(crate) fn machine(&self) -> Machine<'_> {
        let problems = self.problems.iter().map(|said| Problem {
            code: said.code,
            severity: said.severity,
            message: said.message.clone(),
            help: said.help.as_deref(),
        });
        Machine {
            clock: self.clock,
            certificates: self.certificates.clone(),
            modes: self.modes.clone(),
            problems: problems.collect(),
            backup: self.backup.clone(),
            deaf: self.deaf.clone(),
            unreached: self.unreached.clone(),
        }
    }

    fn error(&mut self, code: &'static str, message: String, help: Option<String>) {
        self.problems.push(Said { code, severity: Severity::Error, message, help });
    }

    /// Reads `server.yaml` as it is now.
    fn config(&mut self, root: &Path) -> Config {
        match config::load(&root.join("server.yaml")) {
            Ok(config) => config,
            Err(error) => {
                let help = error.help().unwrap_or_else(|| "mend it: the server does not start with it".into());
                self.error("config", error.to_string(), Some(help));
                Config::default()
            }
        }
    }

    fn files(&mut self, root: &Path, config: &Config) {
        let wrong = data_dir::modes(root, &root.join(&config.secrets.dir));
        self.modes.extend(wrong.iter().map(|error| (error.to_string(), error.help())));
    }

    fn certificates(&mut self, keys: &Keys) {
        for (what, der) in [(AUTHORITY, keys.authority.certificate()), ("server", &*keys.server.certificate)] {
            match x509_parser::parse_x509_certificate(der) {
                Ok((_, parsed)) => {
                    let at = |time: x509_parser::time::ASN1Time| Timestamp::from_epoch_secs(time.timestamp());
                    let validity = parsed.validity();
                    self.certificates.push((what, at(validity.not_before), at(validity.not_after)));
                }
                Err(error) => {
                    let message = format!("the certificate of the {what} cannot be read: {error}");
                    self.error("certificate", message, Some("restore it from a backup".into()));
                }
            }
        }
    }
}

/// Returns what is known of the backups that a server makes by itself.
fn backup(scheduled: &Scheduled, root: &Path, now: Timestamp) -> Option<BackupCondition> {
    let settings = scheduled.settings();
    let (_, folder) = settings.plan()?;
    let ailing = scheduled.ailing(now);
    let said = |raised: vigo_core::server::Raised| (raised.message, raised.help);
    let disk = |path: &Path| std::fs::metadata(path).ok().map(|meta| meta.dev());
    let newest = scheduled.newest().and_then(|name| std::fs::metadata(folder.join(name)).ok()).map(|meta| meta.len());
    Some(BackupCondition {
        folder: folder.display().to_string(),
        old: ailing.old.map(said),
        bad: ailing.bad.map(said),
        failing: ailing.failing,
        is_plain: settings.encrypt_to.is_empty(),
        is_beside: disk(folder).is_some_and(|disk_of| Some(disk_of) == disk(root)),
        room: crate::disk::free(folder).map(|(free, _)| free).zip(newest),
    })
}

/// Returns the addresses of this machine at which something that listens on `address` answers.
fn own_addresses(address: Option<IpAddr>, port: u16) -> Vec<SocketAddr> {
    let own: &[IpAddr] = match address {
        Some(ip) if !ip.is_unspecified() => &[ip],
        _ => &[IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)],
    };
    own.iter().map(|ip| SocketAddr::new(*ip, port)).collect()
}

/// Connects to one of these.
fn reach(addresses: &[SocketAddr]) -> Result<(), String> {
    let mut last = "the name has no address".to_owned();
    for address in addresses {
        match TcpStream::connect_timeout(address, REACH) {
            Ok(_) => return Ok(()),
            Err(error) => last = system_text(error),
        }
    }
    Err(last)
}

/// Looks at a data directory whose server does not run, or does not start. Nothing in it is changed; a rekey of the secrets
/// that was interrupted is ended, as every start does. Returns what `doctor` of a server that runs returns.
pub fn offline(root: &Path) -> Value {
    let now = crate::serve::now();
    let mut look = Look { clock: now, ..Look::default() };
    if !root.is_dir() {
        look.error(
            "no-data-dir",
            format!("`{}` is no folder", root.display()),
            Some("name the data directory with `--data-dir DIR`".into()),
        );
        return answer(&look);
    }
    // Nobody starts on it while it is looked at.
    let taken = data_dir::lock_to_look(root);
    if let Err(pid) = &taken {
        let pid = pid.map(|pid| format!(" as process {pid}")).unwrap_or_default();
        look.problems.push(Said {
            code: "running",
            severity: Severity::Note,
            message: format!("a server or a restore has `{}`{pid}: what follows is of its files alone", root.display()),
            help: Some("ask the server: `vigocli server doctor`".into()),
        });
    }
    if DataDir::is_swapping(root) {
        look.problems.push(Said {
            code: "restore-open",
            severity: Severity::Note,
            message: "a restore is decided and not ended".into(),
            help: Some("start vigosrv, which ends it".into()),
        });
    }
    let config = look.config(root);
    look.files(root, &config);
    let keys = match data_dir::keys_of(root) {
        Ok(keys) => Some(keys),
        Err(error) => {
            let help = match &error {
                DataDirError::File { path, .. } if !path.exists() => {
                    format!("restore `{}` from a backup", path.display())
                }
                error => error.help(),
            };
            look.error("keys", error.to_string(), Some(help));
            None
        }
    };
    if let Some(keys) = &keys {
        look.certificates(keys);
    }
    look.database(root, &config);
    if let Err(why) = data_dir::live_of(root) {
        let help = "restore `history` from a backup, or make `.live` lead to another entry of `history/`";
        look.error("live", why, Some(help.into()));
    }
    if taken.is_ok() {
        look.secrets(root, &config);
        look.free_ports(&config);
    }
    if let Some((free, all)) = crate::disk::free(root).filter(|(free, _)| *free < DISK_ERROR) {
        let message = format!("{} MiB of {} MiB are free where the server keeps its data", free >> 20, all >> 20);
        look.error("disk-full", message, Some("make room: without it the server cannot write".into()));
    }
    let scheduled = Scheduled::default();
    scheduled.set(config.backup);
    if let Some(keys) = &keys {
        scheduled.read(&keys.keyset.fleet());
    }
    look.backup = backup(&scheduled, root, now);
    answer(&look)
}

impl Look {
    fn database(&mut self, root: &Path, config: &Config) {
        let path = root.join(&config.database.path);
        if !path.exists() {
            // A server that never was started has none, and no keys.
            if root.join("tls").join("keyset").exists() {
                let help = "restore it from a backup: `vigocli backup restore FILE --db-only`";
                self.error("database-lost", format!("`{}` is not there", path.display()), Some(help.into()));
            }
            return;
        }
        let help = "restore it from a backup: `vigocli backup restore FILE --db-only --force`";
        match store::quick_damage(&path) {
            Ok(None) => {}
            Ok(Some(why)) => {
                self.error("database-damaged", format!("`{}` is damaged: {why}", path.display()), Some(help.into()));
            }
            Err(error) => {
                let help = error.help().unwrap_or_else(|| help.into());
                self.error("database", error.to_string(), Some(help));
            }
        }
    }

    fn secrets(&mut self, root: &Path, config: &Config) {
        let folder = root.join(&config.secrets.dir);
        let is_local = config.secrets.backend == config::Backend::Local;
        // One that is not there yet is made at the first start, and not by looking.
        if !is_local || !LocalVault::is_there(&folder) {
            return;
        }
        let help = "restore the master key or the record from a backup, or set it anew";
        match LocalVault::open(&folder) {
            Ok(vault) => {
                for (path, error) in vault.verify().bad {
                    let message = format!("secret `{}` cannot be opened: {error}", path.escape_debug());
                    self.error("secret-closed", message, Some(help.into()));
                }
            }
            Err(error) => {
                let help = error.help().unwrap_or_else(|| help.into());
                self.error("secrets", error.to_string(), Some(help));
            }
        }
    }

    /// Looks whether a server that is started now could listen.
    fn free_ports(&mut self, config: &Config) {
        let ports = [
            ("agents", config.server.agent_listen, "server.agent_listen"),
            ("people", config.server.api_listen, "server.api_listen"),
        ];
        for (what, listen, key) in ports {
            let mut last = None;
            for address in listen.candidates() {
                let udp = || if what == "agents" { UdpSocket::bind(address).map(drop) } else { Ok(()) };
                match TcpListener::bind(address).map(drop).and_then(|()| udp()) {
                    Ok(()) => {
                        last = None;
                        break;
                    }
                    Err(error) => last = Some((address, error)),
                }
            }
            if let Some((address, error)) = last {
                let message = format!("{what} could not be answered on {address}: {}", system_text(error));
                let help = format!("end what listens there, or set `{key}` in server.yaml");
                self.error("port-taken", message, Some(help));
            }
        }
    }
}

/// Returns the answer of `doctor`.
fn answer(look: &Look) -> Value {
    json_of(examine_machine(&look.machine()))
}

/// Returns findings as programs are told of them.
pub(crate) fn json_of(findings: Vec<Finding>) -> Value {
    let is_well = findings.iter().all(|finding| finding.severity < Severity::Error);
    let findings: Vec<Value> = findings
        .into_iter()
        .map(|f| json!({ "code": f.code, "severity": f.severity.word(), "message": f.message, "help": [f.help] }))
        .collect();
    json!({ "well": is_well, "findings": findings })
}
