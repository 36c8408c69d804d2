//! Reports that wait for the server.

use crate::limits;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// Numbers and sizes of the reports that are stored and were not taken, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Queue {
    reports: VecDeque<(u64, u64)>,
    bytes: u64,
    /// How often the first was refused.
    refusals: u8,
}

/// Refusals after which a report is given up, so that those behind it are not lost with it.
const REFUSALS_MAX: u8 = 3;

impl Queue {
    pub(super) fn new(reports: Vec<(u64, u64)>) -> Self {
        let bytes = reports.iter().fold(0u64, |sum, (_, bytes)| sum.saturating_add(*bytes));
        Self { reports: reports.into(), bytes, refusals: 0 }
    }

    /// Takes a report that was stored, and returns those that have to go for it.
    pub(super) fn push(&mut self, seq: u64, bytes: u64) -> Vec<u64> {
        self.reports.push_back((seq, bytes));
        self.bytes = self.bytes.saturating_add(bytes);
        let mut dropped = Vec::new();
        while self.reports.len() > 1
            && (self.bytes > limits::REPORTS_BYTES_MAX || self.reports.len() > limits::REPORTS_MAX)
        {
            dropped.extend(self.pop());
        }
        dropped
    }

    /// Puts one back that was taken by a server which has forgotten it.
    pub(super) fn put_back(&mut self, seq: u64, bytes: u64) {
        if self.reports.front().is_none_or(|(first, _)| *first > seq) {
            self.reports.push_front((seq, bytes));
            self.bytes = self.bytes.saturating_add(bytes);
            self.refusals = 0;
        }
    }

    /// Returns the number of the report that is next to be sent.
    pub(super) fn first(&self) -> Option<u64> {
        self.reports.front().map(|(seq, _)| *seq)
    }

    pub(super) fn len(&self) -> usize {
        self.reports.len()
    }

    /// Takes the first off.
    pub(super) fn pop(&mut self) -> Option<u64> {
        let (seq, bytes) = self.reports.pop_front()?;
        self.bytes = self.bytes.saturating_sub(bytes);
        self.refusals = 0;
        Some(seq)
    }

    /// Takes that the first was refused, and returns it when it is given up.
    pub(super) fn refused(&mut self) -> Option<u64> {
        self.refusals += 1;
        if self.refusals < REFUSALS_MAX { None } else { self.pop() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_go_when_there_is_no_room() {
        let most = limits::REPORTS_BYTES_MAX;
        let mut queue = Queue::new(Vec::from([(1, most / 2), (2, most / 4)]));
        assert_eq!(queue.push(3, most / 4), []);
        assert_eq!(queue.push(4, 10), [1]);
        assert_eq!(queue.push(5, most * 2), [2, 3, 4]);
        assert_eq!((queue.first(), queue.len()), (Some(5), 1), "the newest stays, whatever its size");
        let mut queue = Queue::default();
        let dropped: Vec<u64> = (0..limits::REPORTS_MAX as u64 + 3).flat_map(|seq| queue.push(seq, 0)).collect();
        assert_eq!(dropped, [0, 1, 2]);
    }

    #[test]
    fn a_report_that_nobody_takes_does_not_block_the_others() {
        let mut queue = Queue::new(Vec::from([(1, 5), (2, 5)]));
        assert_eq!([queue.refused(), queue.refused(), queue.refused()], [None, None, Some(1)]);
        assert_eq!(queue.refused(), None);
        queue.put_back(1, 5);
        assert_eq!((queue.first(), queue.len()), (Some(1), 2));
        queue.put_back(1, 5);
        assert_eq!(queue.len(), 2);
    }
}
