//! What a collector is.

use crate::action::{Op, Outputs};
use crate::time::{Duration, Timestamp};
use crate::value::Value;
use alloc::string::String;
use alloc::vec::Vec;

/// A collector of one area: what to read, and what the answers say. Pure.
#[derive(Debug)]
pub struct Collector {
    /// The area, as in the table of [`crate::traits`].
    pub area: &'static str,
    /// What it looks at when an image is converged.
    pub place: Place,
    /// Whether it reads a few files and no more: then no thread is worth its start.
    pub is_quick: bool,
    /// How long it may take.
    pub deadline: Duration,
    /// Returns what to read first.
    pub probe: fn(&Machine) -> Vec<Op>,
    /// Makes the answers of all rounds so far into the area's value; at most [`Collector::ROUNDS_MAX`] rounds.
    ///
    /// # Errors
    /// A fragment that says what could not be read.
    pub interpret: fn(&Machine, &Outputs) -> Result<Found, String>,
}

/// What a collector looks at when an image is converged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// The machine itself.
    Machine,
    /// The image.
    Image,
}

/// What the answers say.
#[derive(Clone, PartialEq, Debug)]
pub enum Found {
    /// This.
    Value(Value),
    /// This machine has no such thing.
    Absent,
    /// More must be read first.
    Ask(Vec<Op>),
}

/// What a driver knows without reading a file.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Machine {
    /// The clock.
    pub now: Timestamp,
    /// Seconds east of Greenwich now.
    pub utc_offset_secs: i32,
    /// Whether the kernel's clock is kept in step with others'; `None` when the kernel does not say.
    pub ntp_synced: Option<bool>,
    /// The kernel's word for the architecture, `uname -m`.
    pub arch: String,
    /// The agent's version.
    pub version: &'static str,
    /// The addresses of the network interfaces.
    pub addresses: Vec<Address>,
    /// Its memory, on systems where no file and no program says it.
    pub memory: Option<Memory>,
    /// When it was started, likewise.
    pub booted: Option<Timestamp>,
    /// Whether an image is looked at.
    pub is_image: bool,
}

/// What there is of memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Memory {
    /// Bytes in all.
    pub total_bytes: u64,
    /// Bytes that a new program could have.
    pub available_bytes: u64,
    /// Bytes of swap in all.
    pub swap_total_bytes: u64,
    /// Bytes of swap that are free.
    pub swap_free_bytes: u64,
}

/// An address of a network interface.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Address {
    /// The interface.
    pub interface: String,
    /// The address.
    pub ip: core::net::IpAddr,
    /// Length of the network's prefix in bits.
    pub prefix: u8,
}

impl Collector {
    /// Rounds of reading, the first included.
    pub const ROUNDS_MAX: usize = 4;

    /// Returns a collector that reads a few files of the machine.
    pub const fn quick(
        area: &'static str,
        probe: fn(&Machine) -> Vec<Op>,
        interpret: fn(&Machine, &Outputs) -> Result<Found, String>,
    ) -> Self {
        Self { area, place: Place::Machine, is_quick: true, deadline: Duration::from_secs(5), probe, interpret }
    }

    /// Returns a collector that runs programs, or reads a lot.
    pub const fn slow(
        area: &'static str,
        probe: fn(&Machine) -> Vec<Op>,
        interpret: fn(&Machine, &Outputs) -> Result<Found, String>,
    ) -> Self {
        Self { is_quick: false, ..Self::quick(area, probe, interpret) }
    }

    /// Returns the same of an image, where one is converged.
    pub const fn of_image(self) -> Self {
        Self { place: Place::Image, ..self }
    }

    /// Returns the same with another deadline.
    pub const fn within(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }
}
