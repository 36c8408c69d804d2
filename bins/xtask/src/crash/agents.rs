//! Real agents, which are killed.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::random::Random;
use crate::demo::{Fleet, Running};
use crate::failure::{Failure, Result};

/// So many more may be killed than servers: each takes time from what the others do.
const AHEAD: u64 = 5;

/// Agents, of which one after the other is killed and started again.
pub struct Agents {
    /// How many were killed.
    pub kills: Arc<AtomicU64>,
    ended: Arc<AtomicBool>,
    thread: JoinHandle<Result<Vec<Running>>>,
}

impl Agents {
    /// Starts the agents of these machines, and kills `kills` times, not far ahead of `pace`. A process ends with the thread
    /// that has started it.
    pub fn begin(fleet: Arc<Fleet>, names: Vec<String>, kills: u64, pace: Arc<AtomicU64>, seed: u64) -> Self {
        let (count, ended) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (shared, told) = (Arc::clone(&count), Arc::clone(&ended));
        let thread = thread::spawn(move || {
            let mut random = Random::new(seed);
            let mut agents = names.iter().map(|name| fleet.live(name)).collect::<Result<Vec<Running>>>()?;
            while !told.load(Ordering::Relaxed) {
                let killed = shared.load(Ordering::Relaxed);
                if killed >= kills {
                    // Those that have met a dead server wait, and need not.
                    agents.iter().for_each(|agent| agent.signal("USR1"));
                    thread::sleep(Duration::from_secs(2));
                    continue;
                }
                if killed > pace.load(Ordering::Relaxed) + AHEAD {
                    thread::sleep(Duration::from_millis(20));
                    continue;
                }
                let at = random.below(names.len() as u64) as usize;
                let (Some(agent), Some(name)) = (agents.get_mut(at), names.get(at)) else { continue };
                if !agent.is_alive() {
                    return Err(Failure::new(format!("the agent of {name} has ended by itself")));
                }
                agent.kill();
                shared.fetch_add(1, Ordering::Relaxed);
                *agent = fleet.live(name)?;
                // Soon after its start one may be killed again, and others meanwhile.
                if random.below(2) == 0 {
                    thread::sleep(Duration::from_millis(random.between(20, 500)));
                    agent.kill();
                    shared.fetch_add(1, Ordering::Relaxed);
                    *agent = fleet.live(name)?;
                }
                thread::sleep(Duration::from_millis(random.between(20, 500)));
            }
            Ok(agents)
        });
        Self { kills: count, ended, thread }
    }

    /// Fails when it has stopped.
    pub fn look(&self) -> Result<()> {
        match self.thread.is_finished() {
            true => Err(Failure::new("an agent has ended by itself, or could not be started")),
            false => Ok(()),
        }
    }

    /// Ends the agents.
    pub fn end(self) -> Result<()> {
        self.ended.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| Failure::new("nobody killed agents to the end"))?.map(drop)
    }
}

/// Fails when an agent has lost its database, or fell into a panic.
pub fn look_at_logs(fleet: &Fleet, names: &[String]) -> Result<()> {
    for name in names {
        let path = fleet.log(name);
        let text = fs::read_to_string(&path).map_err(|e| Failure::at(&path, &e))?;
        let is_bad =
            |line: &&str| ["unusable", "panicked", "internal error", "were lost"].iter().any(|w| line.contains(w));
        if let Some(line) = text.lines().find(is_bad) {
            return Err(Failure::new(format!("the agent of {name} says: {line}")));
        }
    }
    Ok(())
}
