//! Which requests of a connection were seen.

use super::WireError;
use crate::limits;

/// Takes each sequence number of one connection once, in whatever order they come, as long as they are not too far
/// behind the highest.
///
/// [`ReplayWindow::accept`] is called when the signature was verified, never before: nothing unsigned moves the window.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ReplayWindow {
    /// The highest seen; 0 is none.
    highest: u64,
    /// Bit `n` is `highest - n`.
    seen: [u64; WORDS],
}

const WORDS: usize = (limits::REPLAY_WINDOW as usize).div_ceil(64);

impl ReplayWindow {
    /// Marks `sequence` as seen.
    ///
    /// # Errors
    /// [`WireError::Replayed`] when it was, or is too old to tell, or is 0.
    pub fn accept(&mut self, sequence: u64) -> Result<(), WireError> {
        let replayed = Err(WireError::Replayed { sequence });
        if sequence == 0 {
            return replayed;
        }
        if sequence > self.highest {
            self.shift(sequence - self.highest);
            self.highest = sequence;
        }
        let behind = self.highest - sequence;
        if behind >= limits::REPLAY_WINDOW {
            return replayed;
        }
        let (word, bit) = ((behind / 64) as usize, 1u64 << (behind % 64));
        match self.seen.get_mut(word) {
            Some(seen) if *seen & bit == 0 => *seen |= bit,
            _ => return replayed,
        }
        Ok(())
    }

    /// Makes room for `by` higher numbers.
    fn shift(&mut self, by: u64) {
        let words = usize::try_from(by / 64).unwrap_or(WORDS).min(WORDS);
        let bits = (by % 64) as u32;
        for at in (0..WORDS).rev() {
            let from = |back: usize| at.checked_sub(words + back).map_or(0, |i| self.seen[i]);
            let low = from(1).checked_shr(64 - bits).unwrap_or(0);
            self.seen[at] = (from(0) << bits) | low;
        }
    }
}
