//! A connection that is kept although there is nothing to say: the server calls over it.

use super::Agent;
use super::event::Event;
use super::step::{Step, Until};
use super::talk::Talk;
use crate::time::{Duration, Timestamp};
use crate::wire::message::Awaited;
use alloc::string::String;

/// Whether the connection is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Hold {
    /// It is closed when nothing is left to say.
    No,
    /// It is kept, and the server is to be asked to call.
    Wanted,
    /// The server was asked to call.
    Waiting,
}

/// Time between two questions, at least: a server that calls all the time is listened to once a second.
const PAUSE: Duration = Duration::from_secs(1);

impl Agent {
    /// Takes the answer to [`Step::Await`], or why there is none. With the connection nothing is lost: what the server
    /// has is offered again at the next check-in, which is soon.
    pub fn handle_awaited(&mut self, awaited: Result<Awaited, String>, now: Timestamp) {
        self.tick(now);
        if self.hold != Hold::Waiting {
            return;
        }
        match awaited {
            Ok(awaited) => {
                self.hold = if awaited.hold { Hold::Wanted } else { Hold::No };
                if awaited.check_in {
                    self.check_in_due = now;
                } else if awaited.come_back_in_ms > 0 {
                    self.check_in_due = self.check_in_due.min(now + Duration::from_ms(awaited.come_back_in_ms));
                }
            }
            Err(why) => {
                self.hold = Hold::No;
                let wait = self.backoff.next();
                self.check_in_due = self.check_in_due.min(now + wait);
                self.events.push(Event::LineLost { why, wait });
            }
        }
    }

    /// Takes what a check-in's answer says of it. Who lives for one check-in or run does not wait to be called.
    pub(super) fn set_hold(&mut self, hold: bool) {
        self.hold = match (hold && self.options.until == Until::Stopped, self.hold) {
            (false, _) => Hold::No,
            (true, Hold::Waiting) => Hold::Waiting,
            (true, _) => Hold::Wanted,
        };
    }

    /// Returns whether the connection is kept now.
    pub(super) fn is_held(&self) -> bool {
        self.hold != Hold::No && matches!(self.talk, Talk::Connected)
    }

    /// Returns the question to be called, on a connection that is kept.
    pub(super) fn await_step(&mut self, now: Timestamp) -> Option<Step> {
        if self.await_time().is_none_or(|at| at > now) {
            return None;
        }
        self.hold = Hold::Waiting;
        self.await_due = now + PAUSE;
        Some(Step::Await)
    }

    /// Returns when that is asked.
    pub(super) fn await_time(&self) -> Option<Timestamp> {
        (self.hold == Hold::Wanted && self.is_held()).then_some(self.await_due)
    }
}
