//! How often somebody may try.

use crate::limits;
use crate::time::Timestamp;
use core::net::IpAddr;
use hashbrown::HashMap;

/// Counts what each source tries in a minute: guessing must cost more than the server's time.
#[derive(Clone, Debug)]
pub struct Attempts {
    sources: HashMap<IpAddr, (Timestamp, u32)>,
    most: u32,
}

/// Milliseconds that are counted together.
const WINDOW_MS: u64 = 60_000;

impl Attempts {
    /// Returns one that lets each source try `most` times a minute.
    pub fn new(most: u32) -> Self {
        Self { sources: HashMap::new(), most }
    }

    /// Counts an attempt, and returns whether it may be made.
    pub fn allow(&mut self, source: IpAddr, now: Timestamp) -> bool {
        let source = source_of(source);
        let is_over = |start: &Timestamp| now.since(*start).as_ms() >= WINDOW_MS || *start > now;
        if self.sources.len() >= limits::ATTEMPT_SOURCES_MAX && !self.sources.contains_key(&source) {
            self.sources.retain(|_, (start, _)| !is_over(start));
            if self.sources.len() >= limits::ATTEMPT_SOURCES_MAX {
                return false;
            }
        }
        let (start, count) = self.sources.entry(source).or_insert((now, 0));
        if is_over(start) {
            (*start, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
        *count <= self.most
    }
}

/// Returns what counts as one source. An IPv6 network of 64 bits does: whoever has one address of it has them all.
pub(super) fn source_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & !u128::from(u64::MAX)).into()),
        v4 => v4,
    }
}
