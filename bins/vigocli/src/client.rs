//! Requests to the server.

use crate::cli::Https;
use crate::error::CliError;
use crate::offline::{self, Offline};
use crate::pin::Pin;
use crate::stream::Way;
use serde_json::Value;
use std::cell::RefCell;
use std::fmt::Write as _;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};
use ureq::Agent;
use ureq::http::request::Builder;
use ureq::http::{Request, Response};
use ureq::unversioned::resolver::DefaultResolver;

/// Bytes of an answer: a page of reports.
const ANSWER_BYTES_MAX: u64 = 256 << 20;

/// How long a server is waited for that has its data directory and does not listen: it starts, or ends.
const START_MAX: Duration = Duration::from_secs(15);

/// Time between two looks whether it listens.
const START_LOOK: Duration = Duration::from_millis(100);

/// The way to the server.
pub(crate) struct Client {
    agent: Agent,
    at: At,
    token: Option<String>,
    /// Why there is no way.
    wrong: RefCell<Option<CliError>>,
}

/// Where the server is.
enum At {
    Socket {
        path: PathBuf,
        /// Where its data is, for when it does not run.
        data_dir: Option<PathBuf>,
    },
    Https(Https),
}

/// What a request is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asks {
    ToLook,
    ToChange,
}

impl Client {
    /// Returns the way through a socket; where nobody listens there, it is the data directory's affair. Nothing is
    /// connected yet.
    pub(crate) fn socket(path: PathBuf, data_dir: Option<PathBuf>) -> Self {
        Self::new(Way::Socket(path.clone()), At::Socket { path, data_dir }, None)
    }

    /// Returns the way to a server elsewhere that has this key, with a token where there is one.
    pub(crate) fn https(https: &Https, pin: &Pin, token: Option<String>) -> Self {
        let way = Way::Https { host: https.host.clone(), port: https.port, pin: pin.clone() };
        Self::new(way, At::Https(https.clone()), token)
    }

    /// Returns no way at all: whatever is asked, this is wrong.
    pub(crate) fn none(wrong: CliError) -> Self {
        let client = Self::socket(PathBuf::new(), None);
        Self { wrong: RefCell::new(Some(wrong)), ..client }
    }

    fn new(way: Way, at: At, token: Option<String>) -> Self {
        let config = Agent::config_builder().http_status_as_error(false).proxy(None).max_redirects(0).build();
        let agent = Agent::with_parts(config, way, DefaultResolver::default());
        Self { agent, at, token, wrong: RefCell::new(None) }
    }

    /// Asks for `path`, with parameters where they are some.
    pub(crate) fn get(&self, path: &str, params: &[(&str, Option<String>)]) -> Result<Value, CliError> {
        self.ask("GET", &with(path, params), None)
    }

    /// Asks a server that runs for `path`; where nobody listens at the socket, `beside` finds the answer in the data directory.
    pub(crate) fn get_or(
        &self,
        path: &str,
        beside: impl FnOnce(&Path) -> Result<Value, CliError>,
    ) -> Result<Value, CliError> {
        match self.try_ask("GET", &with(path, &[]), None)? {
            Ok((status, answer)) => judge(status, answer),
            Err(error) => match self.without_server(&error) {
                Some(dir) => beside(dir),
                None => Err(self.failed(error, Asks::ToLook)),
            },
        }
    }

    /// Posts `body` to `path`.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Result<Value, CliError> {
        self.ask("POST", &with(path, &[]), Some(body))
    }

    /// The same; without a server, `told` hears how many bytes of how many are done.
    pub(crate) fn post_told(
        &self,
        path: &str,
        body: &Value,
        told: &mut dyn FnMut(u64, u64),
    ) -> Result<Value, CliError> {
        self.ask_told("POST", &with(path, &[]), Some(body), told)
    }

    /// Puts `body` at `path`.
    pub(crate) fn put(&self, path: &str, body: &Value) -> Result<Value, CliError> {
        self.ask("PUT", &with(path, &[]), Some(body))
    }

    /// Removes what is at `path`.
    pub(crate) fn delete(&self, path: &str) -> Result<Value, CliError> {
        self.ask("DELETE", &with(path, &[]), None)
    }

    /// Posts the bytes of a file to `path`.
    pub(crate) fn upload(&self, path: &str, params: &[(&str, Option<String>)], file: &File) -> Result<Value, CliError> {
        self.is_there()?;
        let url = format!("http://127.0.0.1{}", with(path, params));
        let mut request = self.agent.post(&url).content_type("application/octet-stream");
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let (status, answer) = self.read(request.send(file)).map_err(|error| self.failed(error, Asks::ToChange))?;
        judge(status, answer)
    }

    /// Asks. Where nobody listens at the socket, the server's program answers from its data directory.
    fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value, CliError> {
        self.ask_told(method, path, body, &mut |_, _| {})
    }

    fn ask_told(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        told: &mut dyn FnMut(u64, u64),
    ) -> Result<Value, CliError> {
        let asks = if method == "GET" { Asks::ToLook } else { Asks::ToChange };
        let since = Instant::now();
        loop {
            let error = match self.try_ask(method, path, body)? {
                Ok((status, answer)) => return judge(status, answer),
                Err(error) => error,
            };
            let Some(dir) = self.without_server(&error) else { return Err(self.failed(error, asks)) };
            match offline::ask(dir, method, path, body, told)? {
                Offline::Answer(status, answer) => return judge(status, answer),
                Offline::Nothing => return Err(self.failed(error, asks)),
                Offline::Served(_) if since.elapsed() < START_MAX => sleep(START_LOOK),
                Offline::Served(why) => return Err(why),
            }
        }
    }

    fn try_ask(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Result<(u16, Value), ureq::Error>, CliError> {
        self.is_there()?;
        let text = body.map(Value::to_string).unwrap_or_default();
        let request = self.request(method, path).header("content-type", "application/json").body(text);
        let request = request.map_err(|e| CliError::Garbled { why: e.to_string() })?;
        Ok(self.read(self.agent.run(request)))
    }

    /// Returns the data directory whose server does not run, where an error says so.
    fn without_server(&self, error: &ureq::Error) -> Option<&Path> {
        let is_nobody = |e: &std::io::Error| matches!(e.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused);
        match (&self.at, error) {
            (At::Socket { data_dir: Some(dir), .. }, ureq::Error::Io(why)) if is_nobody(why) => Some(dir),
            _ => None,
        }
    }

    fn is_there(&self) -> Result<(), CliError> {
        self.wrong.borrow_mut().take().map_or(Ok(()), Err)
    }

    fn request(&self, method: &str, path: &str) -> Builder {
        // The host is said because there must be one.
        let request = Request::builder().method(method).uri(format!("http://127.0.0.1{path}"));
        match &self.token {
            Some(token) => request.header("authorization", format!("Bearer {token}")),
            None => request,
        }
    }

    fn read(&self, answer: Result<Response<ureq::Body>, ureq::Error>) -> Result<(u16, Value), ureq::Error> {
        let mut answer = answer?;
        let text = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string()?;
        let value = serde_json::from_str(&text).map_err(|e| ureq::Error::Other(e.into()))?;
        Ok((answer.status().as_u16(), value))
    }

    fn failed(&self, error: ureq::Error, asks: Asks) -> CliError {
        let ureq::Error::Io(error) = error else { return CliError::Garbled { why: error.to_string() } };
        // These come before anything is sent.
        let is_before =
            [ErrorKind::NotFound, ErrorKind::ConnectionRefused, ErrorKind::PermissionDenied].contains(&error.kind());
        let path = match &self.at {
            At::Https(https) if is_before || asks == Asks::ToLook || was_refused(&error) => {
                return CliError::unreachable_https(https, error);
            }
            At::Https(https) => {
                return CliError::Unknown { at: https.to_string(), why: vigo_driver::system_text(error) };
            }
            At::Socket { path, .. } => path.display().to_string(),
        };
        let help = match error.kind() {
            ErrorKind::NotFound | ErrorKind::ConnectionRefused => {
                "start vigosrv, or name its data directory with `--data-dir DIR`"
            }
            ErrorKind::PermissionDenied => "run vigocli as root, or as the user that vigosrv runs as",
            _ if asks == Asks::ToChange => {
                return CliError::Unknown { at: path, why: vigo_driver::system_text(error) };
            }
            // It closes the door on whom it does not admit.
            _ => "run vigocli as root or as the user that vigosrv runs as, and look into the log of vigosrv",
        };
        CliError::Unreachable { at: path, why: vigo_driver::system_text(error), help }
    }
}

/// Returns whether the connection was not made, or not with the server that is known: nothing was sent.
fn was_refused(error: &std::io::Error) -> bool {
    let kinds =
        [ErrorKind::TimedOut, ErrorKind::HostUnreachable, ErrorKind::NetworkUnreachable, ErrorKind::InvalidData];
    kinds.contains(&error.kind())
}

fn judge(status: u16, answer: Value) -> Result<Value, CliError> {
    match status {
        200..=299 => Ok(answer),
        status => Err(CliError::Problem { status, problem: answer }),
    }
}

/// Returns the path to something that is named, such as `/envoys/web-1/revoke`: a name cannot lead elsewhere.
pub(crate) fn path(before: &str, name: &str, after: &str) -> String {
    format!("{before}/{}{after}", escaped(name))
}

/// Returns a path of the API with parameters, where they are some.
fn with(path: &str, params: &[(&str, Option<String>)]) -> String {
    let mut url = format!("/api/v1{path}");
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
