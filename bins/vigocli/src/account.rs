//! The server that one is logged in to.

use crate::error::CliError;
use crate::pin::Pin;
use serde_json::{Value, json};
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// What is known of a server since a login.
#[derive(Clone)]
pub(crate) struct Account {
    /// `https://host:port`.
    pub(crate) server: String,
    /// Its key.
    pub(crate) pin: Pin,
    /// What proves who asks; empty before the login is done.
    pub(crate) token: String,
    /// Who that is.
    pub(crate) name: String,
    /// Until when, as the server said it.
    pub(crate) expires_at: String,
}

impl Account {
    /// Reads what the last login left; none where there was none.
    pub(crate) fn load() -> Result<Option<Self>, CliError> {
        let path = path()?;
        let failed = |why: String| CliError::Account { path: path.clone(), why };
        let text = match fs::read_to_string(&path) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            text => text.map_err(|e| failed(vigo_driver::system_text(e)))?,
        };
        let mode = fs::metadata(&path).map_err(|e| failed(vigo_driver::system_text(e)))?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(failed(format!("expected mode 0600, found {:04o}", mode & 0o7777)));
        }
        let value: Value = serde_json::from_str(&text).map_err(|e| failed(e.to_string()))?;
        let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        let pin = text("pin").parse().map_err(failed)?;
        let (server, token, name) = (text("server"), text("token"), text("name"));
        Ok(Some(Self { server, pin, token, name, expires_at: text("expires_at") }))
    }

    /// Keeps it for the verbs that follow, where nobody else can read it.
    pub(crate) fn save(&self) -> Result<(), CliError> {
        let path = path()?;
        let text = json!({
            "server": self.server,
            "pin": self.pin.to_string(),
            "token": self.token,
            "name": self.name,
            "expires_at": self.expires_at,
        });
        write(&path, &format!("{text:#}\n"))
            .map_err(|e| CliError::Account { path: path.clone(), why: vigo_driver::system_text(e) })
    }

    /// Forgets it.
    pub(crate) fn remove() -> Result<(), CliError> {
        let path = path()?;
        match fs::remove_file(&path) {
            Err(e) if e.kind() != ErrorKind::NotFound => {
                Err(CliError::Account { path, why: vigo_driver::system_text(e) })
            }
            _ => Ok(()),
        }
    }
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(dir) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    }
    let fresh = path.with_extension("new");
    match fs::remove_file(&fresh) {
        Err(e) if e.kind() != ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&fresh, path)
}

fn path() -> Result<PathBuf, CliError> {
    let named = |name: &str| std::env::var_os(name).filter(|dir| !dir.is_empty()).map(PathBuf::from);
    let config = named("XDG_CONFIG_HOME").or_else(|| Some(named("HOME")?.join(".config")));
    let none = || CliError::Usage { why: "neither `XDG_CONFIG_HOME` nor `HOME` is set".into() };
    Ok(config.ok_or_else(none)?.join("vigo").join("login.json"))
}
