//! What is counted.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Counters of the whole fleet, and what is watched of each machine. Times are milliseconds since the beginning, and never 0.
pub struct Counts {
    began: Instant,
    /// Since when it is counted who was answered.
    mark: AtomicU64,
    /// When the machines were told to end; 0 before.
    ended: AtomicU64,
    machines: Vec<Machine>,
    /// Why a machine was last refused or not answered.
    last_trouble: Mutex<String>,
    /// Enrolments that a server granted.
    pub enrolments: Counter,
    /// Check-ins that were answered.
    pub check_ins: Counter,
    /// Questions that were not answered.
    pub failures: Counter,
    /// Questions that were refused.
    pub refusals: Counter,
    /// Answers, or policies on disk, that were not believed.
    pub not_believed: Counter,
    /// Policies that were taken over.
    pub policies: Counter,
    /// Runs.
    pub runs: Counter,
    /// Reports that were made.
    pub reports_made: Counter,
    /// … that a server has acknowledged.
    pub reports_taken: Counter,
    /// … that were dropped without that.
    pub reports_lost: Counter,
    /// Lines that the ledger did not take.
    pub ledger_failures: Counter,
}

/// A counter.
#[derive(Default)]
pub struct Counter(AtomicU64);

/// What is watched of a machine.
#[derive(Default)]
struct Machine {
    is_enrolled: AtomicU64,
    /// The first answer since the mark.
    answered: AtomicU64,
    /// The end of the last run; 0 before the first.
    ran: AtomicU64,
    /// The longest time from one run to the next.
    pause: AtomicU64,
}

/// Who was answered since the mark.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Answered {
    /// How long ago the mark was, in milliseconds, as all times here.
    pub ago: u64,
    /// How many machines.
    pub machines: usize,
    /// How long after the mark the first was.
    pub first: Option<u64>,
    /// … the last, when all were.
    pub all: Option<u64>,
}

impl Counter {
    /// Counts one.
    pub fn one(&self) {
        self.add(1);
    }

    /// Counts some.
    pub fn add(&self, some: u64) {
        self.0.fetch_add(some, Ordering::Relaxed);
    }

    /// Returns how many there were.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counts {
    /// Begins to count.
    pub fn new(machines: usize) -> Self {
        let none = Counter::default;
        Self {
            began: Instant::now(),
            mark: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            machines: (0..machines).map(|_| Machine::default()).collect(),
            last_trouble: Mutex::default(),
            enrolments: none(),
            check_ins: none(),
            failures: none(),
            refusals: none(),
            not_believed: none(),
            policies: none(),
            runs: none(),
            reports_made: none(),
            reports_taken: none(),
            reports_lost: none(),
            ledger_failures: none(),
        }
    }

    /// Returns the time since the beginning.
    pub fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX).max(1)
    }

    /// Begins to count anew who is answered.
    pub fn mark(&self) {
        self.mark.store(self.elapsed_ms(), Ordering::Relaxed);
        self.machines.iter().for_each(|machine| machine.answered.store(0, Ordering::Relaxed));
    }

    /// Takes that the machines are told to end: from now on nobody has to run.
    pub fn end(&self) {
        self.ended.store(self.elapsed_ms(), Ordering::Relaxed);
    }

    /// Takes that a machine is an envoy.
    pub fn enrolled(&self, nth: usize) {
        self.machines.get(nth).into_iter().for_each(|machine| machine.is_enrolled.store(1, Ordering::Relaxed));
    }

    /// Takes that a server has answered a check-in.
    pub fn answered(&self, nth: usize) {
        self.check_ins.one();
        let now = self.elapsed_ms();
        let Some(machine) = self.machines.get(nth) else { return };
        let _ = machine.answered.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Takes that a run has ended.
    pub fn ran(&self, nth: usize) {
        self.runs.one();
        let now = self.elapsed_ms();
        let Some(machine) = self.machines.get(nth) else { return };
        let before = machine.ran.swap(now, Ordering::Relaxed);
        if before > 0 {
            machine.pause.fetch_max(now.saturating_sub(before), Ordering::Relaxed);
        }
    }

    /// Takes why something did not go well.
    pub fn trouble(&self, why: String) {
        *self.last_trouble.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = why;
    }

    /// Returns the last of these.
    pub fn last_trouble(&self) -> String {
        self.last_trouble.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// Returns how many machines are envoys.
    pub fn envoys(&self) -> usize {
        self.machines.iter().filter(|machine| machine.is_enrolled.load(Ordering::Relaxed) > 0).count()
    }

    /// Returns how many machines have run, and the longest time that any of those was without a run, the time since its
    /// last one included.
    pub fn convergence(&self) -> (usize, u64) {
        let now = match self.ended.load(Ordering::Relaxed) {
            0 => self.elapsed_ms(),
            ended => ended,
        };
        let pause = |machine: &Machine| match machine.ran.load(Ordering::Relaxed) {
            0 => None,
            ran => Some(machine.pause.load(Ordering::Relaxed).max(now.saturating_sub(ran))),
        };
        let pauses: Vec<u64> = self.machines.iter().filter_map(pause).collect();
        (pauses.len(), pauses.into_iter().max().unwrap_or(0))
    }

    /// Returns who was answered since the mark.
    pub fn since_mark(&self) -> Answered {
        let mark = self.mark.load(Ordering::Relaxed);
        let times = self.machines.iter().map(|machine| machine.answered.load(Ordering::Relaxed)).filter(|at| *at > 0);
        let times: Vec<u64> = times.map(|at| at.saturating_sub(mark)).collect();
        let all = times.iter().max().copied().filter(|_| times.len() == self.machines.len());
        let ago = self.elapsed_ms().saturating_sub(mark);
        Answered { ago, machines: times.len(), first: times.iter().min().copied(), all }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread::sleep;
    use std::time::Duration;

    #[test]
    fn who_was_answered_is_counted_from_the_mark() {
        let counts = Counts::new(2);
        (0..3).for_each(|_| counts.answered(0));
        let before = counts.since_mark();
        assert_eq!((before.machines, before.all, counts.check_ins.get()), (1, None, 3));
        counts.answered(1);
        assert!(counts.since_mark().all.is_some());
        counts.mark();
        assert_eq!((counts.since_mark().machines, counts.since_mark().first), (0, None));
        counts.answered(1);
        assert_eq!((counts.since_mark().machines, counts.since_mark().all), (1, None));
    }

    #[test]
    fn the_longest_pause_of_a_machine_is_known_also_while_it_lasts() {
        let counts = Counts::new(2);
        assert_eq!(counts.convergence(), (0, 0));
        counts.ran(0);
        sleep(Duration::from_millis(60));
        assert!(counts.convergence().1 >= 50, "it lasts");
        counts.ran(0);
        counts.ran(0);
        assert!(counts.convergence().1 >= 50, "it is over");
        counts.ran(1);
        let (converging, longest) = counts.convergence();
        assert_eq!(converging, 2);
        counts.end();
        sleep(Duration::from_millis(longest + 50));
        assert!(counts.convergence().1 < longest + 50, "nobody has to run any more");
    }
}
