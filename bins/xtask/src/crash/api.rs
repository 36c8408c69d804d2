//! The server's API, over its socket: a process a question would take too long here.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use crate::failure::{Failure, Result};
use crate::json::Json;

/// The API of the server of a data directory.
#[derive(Clone)]
pub struct Api {
    socket: PathBuf,
}

/// What comes of a question.
#[derive(Debug)]
pub enum Answer {
    /// It is done.
    Done(Json),
    /// It is not done, and why.
    Refused(String),
    /// Nobody answers, or not to the end: it may have been done.
    Gone,
}

/// How long an answer may take: the machine is busy.
const ANSWER_MAX: Duration = Duration::from_secs(30);

impl Api {
    /// Makes it; nothing needs to run.
    pub fn new(socket: PathBuf) -> Self {
        Self { socket }
    }

    /// Asks. Nothing is sent that is not read: a connection that is closed before that has no answer.
    pub fn ask(&self, method: &str, path: &str, body: &str) -> Answer {
        let Some(text) = self.exchange(method, path, body) else { return Answer::Gone };
        let Some((head, body)) = text.split_once("\r\n\r\n") else { return Answer::Gone };
        let length =
            head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if length != Some(body.len()) {
            return Answer::Gone;
        }
        match (head.split(' ').nth(1), Json::parse(body)) {
            (Some("200"), Ok(answer)) => Answer::Done(answer),
            (status, _) => Answer::Refused(format!("{method} {path}: {}: {body}", status.unwrap_or_default())),
        }
    }

    /// Asks for what can only be answered.
    pub fn get(&self, path: &str) -> Result<Json> {
        match self.ask("GET", path, "") {
            Answer::Done(answer) => Ok(answer),
            Answer::Refused(why) => Err(Failure::new(why)),
            Answer::Gone => Err(Failure::new(format!("GET {path}: the server, which was not killed, does not answer"))),
        }
    }

    /// Waits until the server answers.
    pub fn wait(&self, mut is_alive: impl FnMut() -> bool) -> Result<()> {
        let deadline = Instant::now() + ANSWER_MAX;
        while !matches!(self.ask("GET", "/health", ""), Answer::Done(_)) {
            if !is_alive() {
                return Err(Failure::new("the server has ended by itself"));
            }
            if Instant::now() > deadline {
                return Err(Failure::new(format!("the server has not come up within {ANSWER_MAX:?}")));
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    fn exchange(&self, method: &str, path: &str, body: &str) -> Option<String> {
        let mut stream = UnixStream::connect(&self.socket).ok()?;
        stream.set_read_timeout(Some(ANSWER_MAX)).ok()?;
        let length = body.len();
        let head = format!("{method} /api/v1{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
        let request = format!("{head}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}");
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }
}
