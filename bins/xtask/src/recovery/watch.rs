//! Somebody breaks every machine again and again, and looks how soon each is whole.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::failure::{Failure, Result};

/// What the policy says of the file that is broken.
pub const WHOLE: &str = "as the policy says\n";
const BROKEN: &str = "broken by hand\n";

/// How long a machine may take: its interval is two seconds, and this machine plays all of them.
const PATIENCE: Duration = Duration::from_secs(30);

/// Time between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Who breaks, until he is told to stop.
pub struct Watch {
    ended: Arc<AtomicBool>,
    thread: JoinHandle<Seen>,
}

/// What was seen.
#[derive(Clone, Copy, Default, Debug)]
pub struct Seen {
    /// How often a machine was broken and made whole again.
    pub repairs: usize,
    /// The longest time that one was broken.
    pub longest: Duration,
    /// Machines that were never made whole.
    pub idle: usize,
}

impl Watch {
    /// Begins with these files, one a machine.
    pub fn new(files: Vec<PathBuf>) -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&ended);
        Self { ended, thread: thread::spawn(move || look(&files, &told)) }
    }

    /// Stops, and returns what was seen; fails when some machine was left broken for too long.
    pub fn end(self) -> Result<Seen> {
        self.ended.store(true, Ordering::Relaxed);
        let seen = self.thread.join().map_err(|_| Failure::new("nobody looked at the machines to the end"))?;
        if seen.longest > PATIENCE || seen.idle > 0 {
            let message = format!(
                "expected every machine to be made whole within {PATIENCE:?}, found {} that never was, and one after {:?}",
                seen.idle, seen.longest
            );
            return Err(Failure::new(message));
        }
        Ok(seen)
    }
}

fn look(files: &[PathBuf], ended: &AtomicBool) -> Seen {
    let mut seen = Seen::default();
    let mut machines: Vec<(&Path, Option<Instant>, usize)> = files.iter().map(|file| (&**file, None, 0)).collect();
    while !ended.load(Ordering::Relaxed) {
        for (file, broken, repairs) in &mut machines {
            let is_whole = fs::read_to_string(*file).is_ok_and(|text| text == WHOLE);
            match *broken {
                // Only what stands can be broken: the first run may not have been yet.
                None if is_whole && fs::write(*file, BROKEN).is_ok() => *broken = Some(Instant::now()),
                Some(since) if is_whole => {
                    seen.longest = seen.longest.max(since.elapsed());
                    *repairs += 1;
                    *broken = None;
                }
                _ => {}
            }
        }
        thread::sleep(LOOK_EVERY);
    }
    let open = machines.iter().filter_map(|(_, broken, _)| *broken).map(|since| since.elapsed()).max();
    seen.longest = seen.longest.max(open.unwrap_or_default());
    seen.repairs = machines.iter().map(|(_, _, repairs)| repairs).sum();
    seen.idle = machines.iter().filter(|(_, _, repairs)| *repairs == 0).count();
    seen
}
