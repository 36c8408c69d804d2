//! Requests to the server.

use crate::error::CliError;
use crate::socket::SocketConnector;
use serde_json::Value;
use std::fmt::Write as _;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use ureq::Agent;
use ureq::http::Response;
use ureq::unversioned::resolver::DefaultResolver;

/// Bytes of an answer: a page of reports.
const ANSWER_BYTES_MAX: u64 = 256 << 20;

/// The way to the server.
pub(crate) struct Client {
    agent: Agent,
    socket: PathBuf,
}

/// What a request is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asks {
    ToLook,
    ToChange,
}

impl Client {
    /// Returns the way through `socket`. Nothing is connected yet.
    pub(crate) fn new(socket: &Path) -> Self {
        let config = Agent::config_builder().http_status_as_error(false).proxy(None).max_redirects(0).build();
        let agent = Agent::with_parts(config, SocketConnector(socket.to_owned()), DefaultResolver::default());
        Self { agent, socket: socket.to_owned() }
    }

    /// Asks for `path`, with parameters where they are some.
    pub(crate) fn get(&self, path: &str, params: &[(&str, Option<String>)]) -> Result<Value, CliError> {
        self.answer(self.agent.get(&with(path, params)).call(), Asks::ToLook)
    }

    /// Posts `body` to `path`.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Result<Value, CliError> {
        let request = self.agent.post(&address(path)).content_type("application/json");
        self.answer(request.send(body.to_string()), Asks::ToChange)
    }

    /// Posts the bytes of a file to `path`.
    pub(crate) fn upload(&self, path: &str, params: &[(&str, Option<String>)], file: &File) -> Result<Value, CliError> {
        let request = self.agent.post(&with(path, params)).content_type("application/octet-stream");
        self.answer(request.send(file), Asks::ToChange)
    }

    /// Puts `body` at `path`.
    pub(crate) fn put(&self, path: &str, body: &Value) -> Result<Value, CliError> {
        let request = self.agent.put(&address(path)).content_type("application/json");
        self.answer(request.send(body.to_string()), Asks::ToChange)
    }

    /// Removes what is at `path`.
    pub(crate) fn delete(&self, path: &str) -> Result<Value, CliError> {
        self.answer(self.agent.delete(&address(path)).call(), Asks::ToChange)
    }

    fn answer(&self, answer: Result<Response<ureq::Body>, ureq::Error>, asks: Asks) -> Result<Value, CliError> {
        let mut answer = answer.map_err(|error| self.failed(error, asks))?;
        let text = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string();
        let text = text.map_err(|error| self.failed(error, asks))?;
        let garbled = |why: serde_json::Error| CliError::Garbled { why: why.to_string() };
        let value: Value = serde_json::from_str(&text).map_err(garbled)?;
        match answer.status().as_u16() {
            200..=299 => Ok(value),
            status => Err(CliError::Problem { status, problem: value }),
        }
    }

    fn failed(&self, error: ureq::Error, asks: Asks) -> CliError {
        let ureq::Error::Io(error) = error else { return CliError::Garbled { why: error.to_string() } };
        let help = match error.kind() {
            ErrorKind::NotFound | ErrorKind::ConnectionRefused => {
                "start vigosrv, or name its data directory with `--data-dir DIR`"
            }
            ErrorKind::PermissionDenied => "run vigocli as root, or as the user that vigosrv runs as",
            _ if asks == Asks::ToChange => {
                return CliError::Unknown { path: self.socket.clone(), why: vigo_driver::system_text(error) };
            }
            // It closes the door on whom it does not admit.
            _ => "run vigocli as root or as the user that vigosrv runs as, and look into the log of vigosrv",
        };
        CliError::Unreachable { path: self.socket.clone(), why: vigo_driver::system_text(error), help }
    }
}

/// Returns the path to something that is named, such as `/envoys/web-1/revoke`: a name cannot lead elsewhere.
pub(crate) fn path(before: &str, name: &str, after: &str) -> String {
    format!("{before}/{}{after}", escaped(name))
}

/// Returns the address of a path of the API. The host is said because there must be one.
fn address(path: &str) -> String {
    format!("http://127.0.0.1/api/v1{path}")
}

/// Returns the address of a path with parameters, where they are some.
fn with(path: &str, params: &[(&str, Option<String>)]) -> String {
    let mut url = address(path);
    let some = params.iter().filter_map(|(name, value)| Some((name, value.as_deref()?)));
    for (at, (name, value)) in some.enumerate() {
        // A `String` takes all that is written to it.
        let _ = write!(url, "{}{name}={}", if at == 0 { '?' } else { '&' }, escaped(value));
    }
    url
}

/// Returns a text as a part of an address, RFC 3986.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            // A `String` takes all that is written to it.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_nowhere_else() {
        assert_eq!(path("/envoys", "web-1", "/revoke"), "/envoys/web-1/revoke");
        assert_eq!(path("/envoys", "../tokens?a=b#c", ""), "/envoys/%2E%2E%2Ftokens%3Fa%3Db%23c");
        assert_eq!(path("/envoys", "ü", ""), "/envoys/%C3%BC");
    }
}
