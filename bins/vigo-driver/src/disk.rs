//! What is done to a disk by which things are kept, step by step; and disks that fail, for tests.
//!
//! Whoever writes what must survive does it by these functions. A test lets each step fail in its turn, by [`each_step`], and
//! looks what is there afterwards: what was, or what was to be, never half of it.

use std::cell::RefCell;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

/// How a disk fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// It is full in this step: of what is written, half is on it. The next step finds room again.
    Full,
    /// This step fails: of what is written, half is on it.
    Broken,
    /// The process dies in this step: of what is written, half is on the disk, and no step comes after it.
    Death,
}

struct Plan {
    fault: Fault,
    /// Steps before it.
    left: usize,
    has_struck: bool,
}

thread_local! {
    static PLAN: RefCell<Option<Plan>> = const { RefCell::new(None) };
}

/// Does one step.
///
/// # Errors
/// What the system says.
pub fn step<T>(act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    match strikes() {
        Some(error) => Err(error),
        None => act(),
    }
}

/// Writes bytes to a file.
///
/// # Errors
/// What the system says.
pub fn write(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    match strikes() {
        Some(error) => {
            // A disk that is gone took what it took.
            let _ = file.write_all(bytes.get(..bytes.len() / 2).unwrap_or_default());
            Err(error)
        }
        None => file.write_all(bytes),
    }
}

/// Waits until a file is on the disk.
///
/// # Errors
/// What the system says.
pub fn sync(file: &File) -> io::Result<()> {
    step(|| file.sync_all())
}

/// Waits until the names in a folder are on the disk.
///
/// # Errors
/// What the system says.
pub fn sync_dir(dir: &Path) -> io::Result<()> {
    step(|| File::open(dir)?.sync_all())
}

/// Gives a file or folder another name, in the place of what has it.
///
/// # Errors
/// What the system says.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    step(|| fs::rename(from, to))
}

/// Removes a file. Returns whether there was one.
///
/// # Errors
/// What the system says.
pub fn remove_file(path: &Path) -> io::Result<bool> {
    step(|| there(fs::remove_file(path)))
}

/// Removes a folder with all in it. Returns whether there was one.
///
/// # Errors
/// What the system says.
pub fn remove_dir_all(path: &Path) -> io::Result<bool> {
    step(|| there(fs::remove_dir_all(path)))
}

fn there(done: io::Result<()>) -> io::Result<bool> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        done => done.map(|()| true),
    }
}

/// Returns how this step fails, if it does.
fn strikes() -> Option<io::Error> {
    PLAN.with_borrow_mut(|plan| {
        let plan = plan.as_mut()?;
        if plan.has_struck {
            return (plan.fault == Fault::Death).then(dead);
        }
        if let Some(left) = plan.left.checked_sub(1) {
            plan.left = left;
            return None;
        }
        plan.has_struck = true;
        Some(match plan.fault {
            Fault::Full => io::ErrorKind::StorageFull.into(),
            Fault::Broken => io::Error::other("input/output error"),
            Fault::Death => dead(),
        })
    })
}

fn dead() -> io::Error {
    io::Error::other("the process is dead")
}

/// Does `work` again and again, with a disk that fails in each way at each step of this thread; before it, the name of the case
/// is given to `prepare`, and what that returns to `work` and then, with what came of it, to `look`, with a disk that is whole.
/// Returns how many steps there are. For tests: with `work` that never ends failing it does not end, either.
pub fn each_step<P, T>(
    mut prepare: impl FnMut(&str) -> P,
    mut work: impl FnMut(&P) -> T,
    mut look: impl FnMut(&str, Fault, &P, T),
) -> usize {
    let mut most = 0;
    for fault in [Fault::Full, Fault::Broken, Fault::Death] {
        for left in 0.. {
            let case = format!("{fault:?} at step {left}");
            let prepared = prepare(&case);
            PLAN.set(Some(Plan { fault, left, has_struck: false }));
            let came = work(&prepared);
            let has_struck = PLAN.take().is_some_and(|plan| plan.has_struck);
            look(&case, fault, &prepared, came);
            if !has_struck {
                most = most.max(left);
                break;
            }
        }
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes a file beside its place and moves it there.
    fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
        let fresh = path.with_extension("new");
        let mut file = step(|| File::create(&fresh))?;
        write(&mut file, bytes)?;
        sync(&file)?;
        rename(&fresh, path)?;
        sync_dir(path.parent().unwrap_or(path))
    }

    #[test]
    fn each_step_fails_once_in_each_way_and_then_none() {
        let dir = std::env::temp_dir().join(format!("vigo-disk-{}", std::process::id()));
        let mut seen = [0, 0, 0];
        let prepare = |_: &str| {
            let _ = fs::remove_dir_all(&dir);
            fs::create_dir_all(&dir).expect("it is made");
            let path = dir.join("file");
            fs::write(&path, "before").expect("it is written");
            path
        };
        let steps = each_step(
            prepare,
            |path| replace(path, b"afterwards"),
            |case, fault, path, came| {
                let text = fs::read_to_string(path).expect("it is there");
                assert!(text == "before" || text == "afterwards", "{case}: {text}");
                assert!(came.is_err() || text == "afterwards", "{case}");
                let half = fs::read_to_string(dir.join("file.new")).is_ok_and(|text| text == "after");
                seen[0] += usize::from(came.is_err());
                seen[1] += usize::from(half);
                seen[2] += usize::from(fault == Fault::Death);
            },
        );
        assert_eq!((steps, seen), (5, [15, 3, 6]));
        fs::remove_dir_all(&dir).expect("it is there");
    }
}
