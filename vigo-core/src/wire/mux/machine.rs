//! The machine.

use super::MuxError;
use crate::limits;
use crate::wire::WireError;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

/// Carries messages of both sides in frames over one ordered stream of bytes, such as TLS over TCP.
///
/// A stream is one message there, from the side that opened it, and one back. A frame is the stream's number, four
/// bytes, flags, one byte, the length of what follows, two bytes, all big endian, and that. The agent's streams have odd
/// numbers, the server's even ones, each higher than the one before; a message travels behind its length, four bytes.
/// A side may send [`STREAM_CREDIT`](limits::STREAM_CREDIT) bytes on a stream before it is granted more. Only one stream
/// at a time is granted more, so that what a connection holds is one large message and many small ones.
///
/// 1. [`Mux::handle`] takes the bytes that came, [`Mux::open`] and [`Mux::answer`] the messages to send.
/// 2. After each of them, poll [`Mux::poll_event`] until there is none, and [`Mux::poll_output`] until it adds nothing.
/// 3. It ends with the stream of bytes, and with the first error: what comes after that is not read.
#[derive(Debug)]
pub struct Mux {
    side: Side,
    message_bytes_max: usize,
    /// The beginning of a frame whose end has not come.
    input: Vec<u8>,
    streams: BTreeMap<u32, Stream>,
    /// The number of the next stream that is opened here.
    next: u32,
    /// The highest number that the other side opened.
    highest: u32,
    /// The stream that is granted more.
    large: Option<u32>,
    /// The stream that sent last.
    turn: u32,
    control: VecDeque<(u32, Control)>,
    events: VecDeque<MuxEvent>,
}

/// Which side this is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// It opens streams of odd numbers.
    Agent,
    /// It opens streams of even numbers.
    Server,
}

/// What came.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MuxEvent {
    /// A whole message: a request where the other side opened the stream, else the answer.
    Message {
        /// The stream.
        stream: u32,
        /// The message.
        bytes: Vec<u8>,
    },
    /// The stream has ended without one.
    Broken {
        /// The stream.
        stream: u32,
        /// Why.
        why: Broken,
    },
}

/// Why a stream has ended without a message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Broken {
    /// The other side gave it up.
    Reset,
    /// What came on it was no message.
    Message(WireError),
}

#[derive(Debug)]
struct Stream {
    /// The message that comes, with its length before it.
    inbound: Vec<u8>,
    /// How many bytes may come in all.
    granted: usize,
    has_come: bool,
    outbound: Option<Outbound>,
    /// How many more bytes may be sent.
    credit: usize,
}

#[derive(Debug)]
struct Outbound {
    head: [u8; 4],
    bytes: Vec<u8>,
    /// How much of both was sent.
    at: usize,
}

#[derive(Debug)]
enum Control {
    Reset,
    Credit(u32),
}

/// Bytes of a frame before what it carries.
const HEAD: usize = 4 + 1 + 2;

/// Bytes of the length before a message.
const LENGTH: usize = 4;

/// The last frame of a message.
const END: u8 = 1;
/// The stream is given up.
pub(super) const RESET: u8 = 2;
/// Four bytes: how many more may be sent.
pub(super) const CREDIT: u8 = 4;

/// Bytes after which [`Mux::poll_output`] lets the driver write.
const OUTPUT: usize = 64 << 10;

/// Small frames that wait to be sent before nothing more is read: a side that sends but does not read.
const CONTROL_MAX: usize = 1024;

impl Mux {
    /// Begins, for messages of the other side that have at most `message_bytes_max` bytes.
    pub fn new(side: Side, message_bytes_max: usize) -> Self {
        let next = if side == Side::Agent { 1 } else { 2 };
        Self {
            side,
            message_bytes_max,
            input: Vec::new(),
            streams: BTreeMap::new(),
            next,
            highest: 0,
            large: None,
            turn: 0,
            control: VecDeque::new(),
            events: VecDeque::new(),
        }
    }

    /// Sends a message on a new stream, and returns its number.
    ///
    /// # Errors
    /// [`MuxError::TooManyStreams`]: one of them must end first.
    pub fn open(&mut self, message: Vec<u8>) -> Result<u32, MuxError> {
        let stream = self.next;
        let own = self.streams.keys().filter(|s| self.is_own(**s)).count();
        if own >= limits::STREAMS_MAX {
            return Err(MuxError::TooManyStreams);
        }
        self.next = stream.checked_add(2).ok_or(MuxError::TooManyStreams)?;
        self.streams.insert(stream, Stream { outbound: Some(Outbound::new(message)), ..Stream::new() });
        Ok(stream)
    }

    /// Sends the answer on a stream whose message came. Where the stream has ended meanwhile, nothing happens.
    pub fn answer(&mut self, stream: u32, message: Vec<u8>) {
        if let Some(s) = self.streams.get_mut(&stream).filter(|s| s.has_come && s.outbound.is_none()) {
            s.outbound = Some(Outbound::new(message));
        }
    }

    /// Gives a stream up.
    pub fn reset(&mut self, stream: u32) {
        let Some(gone) = self.streams.remove(&stream) else { return };
        // Of what was not begun the other side has not heard.
        if !self.is_own(stream) || gone.outbound.is_none_or(|o| o.at > 0) {
            self.control.push_back((stream, Control::Reset));
        }
        self.grant();
    }

    /// Returns whether bytes are to be read: else the other side has to read first.
    pub fn wants_input(&self) -> bool {
        self.control.len() < CONTROL_MAX
    }

    /// Returns whether no stream is open and nothing waits to be sent.
    pub fn is_idle(&self) -> bool {
        self.streams.is_empty() && self.control.is_empty()
    }

    /// Returns how many messages are not sent to their end.
    pub fn sending(&self) -> usize {
        self.streams.values().filter(|s| s.outbound.as_ref().is_some_and(|o| !o.is_sent())).count()
    }

    /// Returns the oldest stream that the other side opened and whose message has not come to its end: a driver resets
    /// one that takes too long.
    pub fn receiving(&self) -> Option<u32> {
        self.streams.iter().find(|(n, s)| !self.is_own(**n) && !s.has_come).map(|(n, _)| *n)
    }

    /// Takes bytes as they came.
    ///
    /// # Errors
    /// [`MuxError`]: the other side does not keep to the rules.
    pub fn handle(&mut self, bytes: &[u8]) -> Result<(), MuxError> {
        self.input.extend_from_slice(bytes);
        let input = core::mem::take(&mut self.input);
        let mut rest = &*input;
        while let Some((head, after)) = rest.split_first_chunk::<HEAD>() {
            let [a, b, c, d, flags, e, f] = *head;
            let (stream, length) = (u32::from_be_bytes([a, b, c, d]), usize::from(u16::from_be_bytes([e, f])));
            if length > limits::FRAME_BYTES_MAX {
                return Err(MuxError::FrameTooLong { found: length });
            }
            if !matches!(flags, 0 | END | RESET | CREDIT) {
                return Err(MuxError::UnknownFlags { flags, bytes: length });
            }
            let Some((payload, after)) = after.split_at_checked(length) else { break };
            self.frame(stream, flags, payload)?;
            rest = after;
        }
        self.input = rest.to_vec();
        Ok(())
    }

    /// Returns the next thing that came.
    pub fn poll_event(&mut self) -> Option<MuxEvent> {
        self.events.pop_front()
    }

    /// Adds what is to be sent, some 64 KiB at most. It adds nothing when there is nothing, or no more is granted.
    pub fn poll_output(&mut self, into: &mut Vec<u8>) {
        for (stream, control) in self.control.drain(..) {
            match control {
                Control::Reset => frame(into, stream, RESET, &[], &[]),
                Control::Credit(more) => frame(into, stream, CREDIT, &more.to_be_bytes(), &[]),
            }
        }
        while into.len() < OUTPUT {
            let ready =
                |(_, s): &(&u32, &mut Stream)| s.credit > 0 && s.outbound.as_ref().is_some_and(|o| !o.is_sent());
            // One frame each, in turn.
            let turn = self.turn;
            let after = self.streams.iter_mut().filter(|(n, _)| **n > turn).find(ready).map(|(n, _)| *n);
            let next = after.or_else(|| self.streams.iter_mut().find(ready).map(|(n, _)| *n));
            let Some((number, stream)) = next.and_then(|n| Some((n, self.streams.get_mut(&n)?))) else { return };
            let Some(outbound) = &mut stream.outbound else { return };
            let (head, bytes, is_last) = outbound.take(stream.credit.min(limits::FRAME_BYTES_MAX));
            stream.credit -= head.len() + bytes.len();
            frame(into, number, if is_last { END } else { 0 }, head, bytes);
            self.turn = number;
            if is_last {
                if stream.has_come {
                    self.streams.remove(&number);
                } else {
                    outbound.bytes = Vec::new();
                    outbound.at = LENGTH;
                }
            }
        }
    }

    fn is_own(&self, stream: u32) -> bool {
        (stream % 2 == 1) == (self.side == Side::Agent)
    }

    /// Takes one frame.
    fn frame(&mut self, number: u32, flags: u8, payload: &[u8]) -> Result<(), MuxError> {
        let unknown = Err(MuxError::UnknownFlags { flags, bytes: payload.len() });
        let more = match (flags, payload) {
            (0 | END, _) | (RESET, []) => 0,
            (CREDIT, [a, b, c, d]) => u32::from_be_bytes([*a, *b, *c, *d]) as usize,
            _ => return unknown,
        };
        if !self.streams.contains_key(&number) && !self.opens(number, flags)? {
            return Ok(());
        }
        match flags {
            RESET => {
                self.streams.remove(&number);
                self.events.push_back(MuxEvent::Broken { stream: number, why: Broken::Reset });
            }
            CREDIT => {
                if let Some(stream) = self.streams.get_mut(&number) {
                    stream.credit = stream.credit.saturating_add(more);
                }
            }
            _ => self.data(number, flags == END, payload)?,
        }
        self.grant();
        Ok(())
    }

    /// Opens a stream that the other side speaks of for the first time. Returns no where it has ended: what was on its
    /// way meanwhile is passed over.
    fn opens(&mut self, number: u32, flags: u8) -> Result<bool, MuxError> {
        let is_own = self.is_own(number);
        if number == 0 || (is_own && number >= self.next) {
            return Err(MuxError::NotOpened { stream: number });
        }
        if is_own || number <= self.highest {
            return Ok(false);
        }
        if !matches!(flags, 0 | END) {
            return Err(MuxError::NotOpened { stream: number });
        }
        let others = self.streams.keys().filter(|s| !self.is_own(**s)).count();
        if others >= limits::STREAMS_MAX {
            return Err(MuxError::TooManyStreams);
        }
        self.highest = number;
        self.streams.insert(number, Stream::new());
        Ok(true)
    }

    /// Takes a part of a message.
    fn data(&mut self, number: u32, is_last: bool, payload: &[u8]) -> Result<(), MuxError> {
        let max = self.message_bytes_max;
        let Some(stream) = self.streams.get_mut(&number) else { return Ok(()) };
        if stream.has_come || stream.inbound.len() + payload.len() > stream.granted {
            return Err(MuxError::Overrun { stream: number });
        }
        stream.inbound.extend_from_slice(payload);
        let found = stream.inbound.len().saturating_sub(LENGTH);
        let wrong = match stream.announced() {
            Some(announced) if announced > max => Some(WireError::TooLarge { max, found: announced }),
            Some(announced) if found > announced => Some(WireError::TooLarge { max: announced, found }),
            Some(announced) if is_last && found < announced => Some(WireError::Short { expected: announced, found }),
            None if is_last => Some(WireError::Short { expected: LENGTH, found: stream.inbound.len() }),
            _ => None,
        };
        if let Some(why) = wrong {
            self.streams.remove(&number);
            self.control.push_back((number, Control::Reset));
            self.events.push_back(MuxEvent::Broken { stream: number, why: Broken::Message(why) });
        } else if is_last {
            stream.has_come = true;
            let bytes = core::mem::take(&mut stream.inbound).split_off(LENGTH);
            self.events.push_back(MuxEvent::Message { stream: number, bytes });
            if self.is_own(number)
                && self.streams.remove(&number).is_some_and(|s| s.outbound.is_some_and(|o| !o.is_sent()))
            {
                // Answered before it was asked.
                self.control.push_back((number, Control::Reset));
            }
        }
        Ok(())
    }

    /// Grants more to the one stream whose turn it is.
    fn grant(&mut self) {
        let needs = |s: &Stream| !s.has_come && s.announced().is_some_and(|n| n + LENGTH > s.granted);
        if !self.large.and_then(|n| self.streams.get(&n)).is_some_and(needs) {
            self.large = self.streams.iter().find(|(_, s)| needs(s)).map(|(n, _)| *n);
        }
        let Some((number, stream)) = self.large.and_then(|n| Some((n, self.streams.get_mut(&n)?))) else { return };
        let Some(announced) = stream.announced() else { return };
        let open = stream.granted - stream.inbound.len();
        if open <= limits::STREAM_CREDIT / 2 {
            let more = (limits::STREAM_CREDIT - open).min(announced + LENGTH - stream.granted);
            stream.granted += more;
            // invariant: no more than the credit of a stream, which fits.
            self.control.push_back((number, Control::Credit(more as u32)));
        }
    }
}

impl Stream {
    const fn new() -> Self {
        let credit = limits::STREAM_CREDIT;
        Self { inbound: Vec::new(), granted: credit, has_come: false, outbound: None, credit }
    }

    /// Returns the length that the message has as it says itself.
    fn announced(&self) -> Option<usize> {
        self.inbound.first_chunk().map(|n: &[u8; LENGTH]| u32::from_be_bytes(*n) as usize)
    }
}

impl Outbound {
    fn new(bytes: Vec<u8>) -> Self {
        // invariant: no message is near 4 GiB; where one is, the other side finds its length wrong.
        Self { head: (bytes.len() as u32).to_be_bytes(), bytes, at: 0 }
    }

    fn whole(&self) -> usize {
        LENGTH + self.bytes.len()
    }

    fn is_sent(&self) -> bool {
        self.at >= self.whole()
    }

    /// Returns the next at most `max` bytes, in two parts, and whether they are the last.
    fn take(&mut self, max: usize) -> (&[u8], &[u8], bool) {
        let (from, to) = (self.at, (self.at + max).min(self.whole()));
        self.at = to;
        let head = self.head.get(from..to.min(LENGTH)).unwrap_or_default();
        let bytes = self.bytes.get(from.saturating_sub(LENGTH)..to.saturating_sub(LENGTH)).unwrap_or_default();
        (head, bytes, self.is_sent())
    }
}

/// Adds a frame.
fn frame(into: &mut Vec<u8>, stream: u32, flags: u8, a: &[u8], b: &[u8]) {
    into.extend(stream.to_be_bytes());
    into.push(flags);
    // invariant: no frame is made of more than `FRAME_BYTES_MAX`, which fits.
    into.extend(((a.len() + b.len()) as u16).to_be_bytes());
    into.extend_from_slice(a);
    into.extend_from_slice(b);
}
