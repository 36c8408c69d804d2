//! Reading the file.

use super::declared::SECTIONS;
use super::{Config, ConfigError};
use serde_yaml::Value;
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::Path;
use vigo_core::limits;

/// Reads the file at `path`; one that is not there says nothing.
///
/// # Errors
/// [`ConfigError`].
pub fn load(path: &Path) -> Result<Config, ConfigError> {
    let unreadable = |why: String| ConfigError::Unreadable { path: path.to_owned(), why };
    let file = match File::open(path) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Config::default()),
        other => other.map_err(|e| unreadable(e.to_string()))?,
    };
    let mut text = String::new();
    let max = limits::FILE_BYTES_MAX;
    file.take(max as u64 + 1).read_to_string(&mut text).map_err(|e| unreadable(e.to_string()))?;
    if text.len() > max {
        return Err(unreadable(format!("expected at most {max} bytes, found more")));
    }
    parse(&text, path)
}

/// Reads a text; `path` is for the messages.
///
/// # Errors
/// [`ConfigError`].
pub fn parse(text: &str, path: &Path) -> Result<Config, ConfigError> {
    let invalid = |why: String| ConfigError::Invalid { path: path.to_owned(), why };
    let whole: Value = serde_yaml::from_str(text).map_err(|e| invalid(e.to_string()))?;
    let sections = match &whole {
        Value::Null => return Ok(Config::default()),
        Value::Mapping(sections) => sections,
        _ => return Err(invalid("expected sections such as `server:`, found something else".into())),
    };
    let unknown = |key, known| Err(ConfigError::UnknownKey { path: path.to_owned(), key, known });
    for (name, keys) in sections {
        let name = word(name);
        let Some(section) = SECTIONS.iter().find(|section| section.name == name) else {
            return unknown(name, SECTIONS.iter().map(|section| section.name).collect());
        };
        let known = section.known();
        let mut keys = keys.as_mapping().into_iter().flat_map(|keys| keys.keys()).map(word);
        if let Some(key) = keys.find(|key| !known.clone().any(|name| name == key)) {
            return unknown(format!("{name}.{key}"), known.collect());
        }
    }
    // Once more from the text: its errors know their lines.
    let config: Config = serde_yaml::from_str(text).map_err(|e| invalid(e.to_string()))?;
    if config.checkin.interval.0.as_ms() < 1000 {
        let found = config.checkin.interval.0;
        return Err(invalid(format!("checkin.interval: expected `1s` at least, found `{found}`")));
    }
    let wrong = config.secrets.wrong().map(|why| format!("secrets.{why}"));
    match wrong.or_else(|| config.backup.wrong().map(|why| format!("backup.{why}"))) {
        Some(why) => Err(invalid(why)),
        None => Ok(config),
    }
}

fn word(key: &Value) -> String {
    match key {
        Value::String(text) => text.clone(),
        other => serde_yaml::to_string(other).unwrap_or_default().trim().to_owned(),
    }
}
