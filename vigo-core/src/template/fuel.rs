//! How much a rendering may still do, and what makes it end early.

use alloc::format;
use alloc::string::String;
use core::fmt;

use super::error::ErrorKind;
use crate::limits::{TEMPLATE_OUTPUT_BYTES_MAX, TEMPLATE_STEPS_MAX, TEMPLATE_VALUE_DEPTH_MAX};

/// Why a step failed.
#[derive(Debug)]
pub(super) struct Failure {
    pub kind: ErrorKind,
    pub message: String,
    pub help: Option<String>,
}

impl Failure {
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), help: None }
    }

    pub fn depth() -> Self {
        let message = format!("value is more than {TEMPLATE_VALUE_DEPTH_MAX} lists and maps deep");
        Self::new(ErrorKind::Limit, message)
    }

    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl From<String> for Failure {
    fn from(message: String) -> Self {
        Self::new(ErrorKind::Value, message)
    }
}

impl From<&str> for Failure {
    fn from(message: &str) -> Self {
        Self::new(ErrorKind::Value, message)
    }
}

/// The budget of one rendering.
pub(super) struct Fuel {
    pub steps: u32,
    pub bytes: usize,
}

impl Fuel {
    pub fn full() -> Self {
        Self { steps: TEMPLATE_STEPS_MAX, bytes: TEMPLATE_OUTPUT_BYTES_MAX }
    }

    /// Takes `steps`.
    pub fn spend(&mut self, steps: usize) -> Result<(), Failure> {
        match u32::try_from(steps).ok().and_then(|steps| self.steps.checked_sub(steps)) {
            Some(rest) => {
                self.steps = rest;
                Ok(())
            }
            None => {
                self.steps = 0;
                let message = format!("template takes more than {TEMPLATE_STEPS_MAX} steps");
                Err(Failure::new(ErrorKind::Limit, message))
            }
        }
    }

    /// Takes `bytes` of what is produced.
    pub fn produce(&mut self, bytes: usize) -> Result<(), Failure> {
        match self.bytes.checked_sub(bytes) {
            Some(rest) => {
                self.bytes = rest;
                Ok(())
            }
            None => {
                self.bytes = 0;
                let message = format!("template makes more than {TEMPLATE_OUTPUT_BYTES_MAX} bytes");
                Err(Failure::new(ErrorKind::Limit, message))
            }
        }
    }

    /// Starts a text that a function makes.
    pub fn out(&self) -> Out {
        Out { text: String::new(), max: self.bytes, full: false }
    }

    /// Takes what `out` holds from the budget.
    pub fn finish(&mut self, out: Out) -> Result<String, Failure> {
        self.produce(if out.full { usize::MAX } else { out.text.len() })?;
        Ok(out.text)
    }
}

/// A text in the making that stops growing when the budget is used up.
pub(super) struct Out {
    text: String,
    max: usize,
    full: bool,
}

impl Out {
    pub fn str(&mut self, text: &str) {
        if self.full || text.len() > self.max - self.text.len() {
            self.full = true;
        } else {
            self.text.push_str(text);
        }
    }

    pub fn char(&mut self, c: char) {
        self.str(c.encode_utf8(&mut [0; 4]));
    }

    /// Adds `text` `n` times.
    pub fn repeat(&mut self, text: &str, n: usize) {
        if self.full || text.len().saturating_mul(n) > self.max - self.text.len() {
            self.full = true;
        } else {
            self.text.reserve(text.len() * n);
            for _ in 0..n {
                self.text.push_str(text);
            }
        }
    }

    /// Whether there is no room left: a loop may as well end.
    pub fn is_full(&self) -> bool {
        self.full
    }
}

impl fmt::Write for Out {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.str(text);
        Ok(())
    }
}
