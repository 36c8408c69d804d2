//! Recordings of the real tools, replayed against a model.

use super::model::Model;
use crate::action::{Command, Exit, Op, OpOutput, Ran};
use crate::time::{Duration, Timestamp};
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

/// A recording of a tool: a command line, and how it ended.
#[derive(Clone, Debug)]
pub struct Recording {
    command: String,
    ran: Ran,
    has_exit: bool,
}

impl Recording {
    /// Reads a recording ([`Ran::from_recording`]); `None` when `text` is none.
    pub fn parse(text: &str) -> Option<Self> {
        let (command, ran) = Ran::from_recording(text)?;
        Some(Self { command: command.into(), ran, has_exit: !text.contains("[exit ?]") })
    }

    /// Has the model live through the calls of `before`, one second apart, then the recorded one. Both outputs go through
    /// `normalise`, which takes out what a model cannot know.
    ///
    /// # Errors
    /// What differs.
    pub fn replay(&self, model: &mut dyn Model, before: &[&str], normalise: fn(&str) -> String) -> Result<(), String> {
        let mut now = Timestamp::from_epoch_secs(1_795_262_400);
        for line in before {
            let answer = model.perform(&call(line), now);
            now = now + answer.took + Duration::from_secs(1);
        }
        let answer = model.perform(&call(&self.command), now);
        let OpOutput::Ran(ran) = answer.output else {
            return Err(format!("`{}`: expected a program to run, found {:?}", self.command, answer.output));
        };
        let is_same =
            |a: &[u8], b: &[u8]| normalise(&String::from_utf8_lossy(a)) == normalise(&String::from_utf8_lossy(b));
        let exit = !self.has_exit || ran.exit == self.ran.exit;
        match exit && is_same(&ran.stdout, &self.ran.stdout) && is_same(&ran.stderr, &self.ran.stderr) {
            true => Ok(()),
            false => Err(format!("`{}`:\nexpected {}\nfound    {}", self.command, shown(&self.ran), shown(&ran))),
        }
    }
}

fn shown(ran: &Ran) -> String {
    let exit = match ran.exit {
        Exit::Code(code) => code.to_string(),
        Exit::Signal(signal) => format!("signal {signal}"),
    };
    format!("[exit {exit}]\n{}\n-- error\n{}", ran.out(), ran.err())
}

/// Makes a line into a call: words are parted by blanks, and `"…"` is one word.
fn call(line: &str) -> Op {
    let mut words: Vec<String> = Vec::new();
    for (number, part) in line.split('"').enumerate() {
        match number % 2 {
            0 => words.extend(part.split(' ').filter(|w| !w.is_empty()).map(String::from)),
            _ => words.push(part.into()),
        }
    }
    let mut words = words.into_iter();
    let program = words.next().unwrap_or_default();
    Op::Run(Command::change(&program, words))
}
