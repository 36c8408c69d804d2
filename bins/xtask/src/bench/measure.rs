//! What a run costs: CPU time of the whole process tree, wall time, peak memory, system calls.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::failure::{Failure, Result};
use crate::process::Program;

/// The cost of one run.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// CPU time in user space, of the process and all that it waited for.
    pub user: Duration,
    /// CPU time in the kernel, likewise.
    pub system: Duration,
    /// From start to end.
    pub wall: Duration,
}

impl Cost {
    /// Returns CPU seconds.
    pub fn cpu(&self) -> f64 {
        (self.user + self.system).as_secs_f64()
    }
}

/// Runs a program, its words thrown away. An exit code other than 0 is a failure.
pub fn run(program: Program) -> Result<Cost> {
    let shown = program.shown();
    let start = Instant::now();
    let child = program.spawn(None)?;
    let (status, user, system) =
        wait4::wait(child.id()).map_err(|e| Failure::new(format!("`{shown}` could not be waited for: {e}")))?;
    if status != 0 {
        return Err(Failure::new(format!("`{shown}` ended with wait status {status}")));
    }
    Ok(Cost { user, system, wall: start.elapsed() })
}

/// Returns the peak memory of a run in MiB. A parent that waits with `wait4` would count its own pages, too, as they
/// are the child's until it starts its program; `time` is small.
pub fn peak_mib(program: &dyn Fn() -> Program, scratch: &Path) -> Result<f64> {
    let file = scratch.join("rss");
    wrap(&["/usr/bin/time", "-f", "%M", "-o"], &file, program())?;
    let said = fs::read_to_string(&file).map_err(|e| Failure::at(&file, &e))?;
    let kib = said.trim().parse::<f64>();
    kib.map(|kib| kib / 1024.0).map_err(|_| Failure::new(format!("expected KiB from `time`, seen `{said}`")))
}

/// Counts of system calls by name.
#[derive(Default, Debug)]
pub struct Calls(Vec<(String, u64)>);

impl Calls {
    /// Returns how often one of `names` was called.
    pub fn of(&self, names: &[&str]) -> u64 {
        self.0.iter().filter(|(name, _)| names.contains(&name.as_str())).map(|(_, count)| count).sum()
    }

    /// Reads the table of `strace -c`.
    fn read(table: &str) -> Self {
        let row = |line: &str| {
            let words: Vec<&str> = line.split_whitespace().collect();
            // share, seconds, µs a call, calls, perhaps errors, name; only rows begin with a number.
            words.first()?.parse::<f64>().ok()?;
            let name = words.last().filter(|n| **n != "total")?;
            Some(((*name).to_owned(), words.get(3)?.parse().ok()?))
        };
        Self(table.lines().filter_map(row).collect())
    }
}

/// Counts the system calls of a run.
pub fn calls(program: &dyn Fn() -> Program, scratch: &Path) -> Result<Calls> {
    let file = scratch.join("calls");
    wrap(&["strace", "-f", "-c", "-o"], &file, program())?;
    let table = fs::read_to_string(&file).map_err(|e| Failure::at(&file, &e))?;
    Ok(Calls::read(&table))
}

/// Runs `program` under another that writes what it saw into `file`.
fn wrap(outer: &[&str], file: &Path, program: Program) -> Result<()> {
    program.under(outer.iter().map(|s| (*s).to_owned()).chain([file.display().to_string()])).text().map(|_| ())
}

/// The one system call that tells what a child has used, which the standard library does not make.
mod wait4 {
    use std::ffi::{c_int, c_long};
    use std::io;
    use std::time::Duration;

    #[repr(C)]
    #[derive(Default)]
    struct Timeval {
        seconds: c_long,
        micros: c_long,
    }

    /// `struct rusage`: two times and fourteen counters (getrusage(2)).
    #[repr(C)]
    #[derive(Default)]
    struct Rusage {
        user: Timeval,
        system: Timeval,
        counters: [c_long; 14],
    }

    unsafe extern "C" {
        fn wait4(pid: c_int, status: *mut c_int, options: c_int, usage: *mut Rusage) -> c_int;
    }

    /// Waits for the end of child `id`; returns its wait status, user and system time.
    pub fn wait(id: u32) -> io::Result<(i32, Duration, Duration)> {
        let mut usage = Rusage::default();
        let mut status = 0;
        let id = c_int::try_from(id).map_err(io::Error::other)?;
        // SAFETY: both pointers are to live values of the types that wait4(2) writes.
        let ended = unsafe { wait4(id, &raw mut status, 0, &raw mut usage) };
        if ended != id {
            return Err(io::Error::last_os_error());
        }
        let time = |t: &Timeval| {
            Duration::from_secs(t.seconds.unsigned_abs()) + Duration::from_micros(t.micros.unsigned_abs())
        };
        Ok((status, time(&usage.user), time(&usage.system)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_of_children_counts() {
        let busy = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
        let cost = run(Program::new("sh").args(["-c", &format!("({busy}); true")])).unwrap();
        assert!(cost.cpu() > 0.005, "{cost:?}");
        let idle = run(Program::new("sleep").arg("0.2")).unwrap();
        assert!(idle.wall.as_secs_f64() >= 0.2 && idle.cpu() < 0.1, "{idle:?}");
        assert!(run(Program::new("false")).is_err());
    }

    #[test]
    fn the_table_of_strace_is_read() {
        let table = "\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 40.00    0.000400           4       100         2 openat
 60.00    0.000600           6       100           read
------ ----------- ----------- --------- --------- ----------------
100.00    0.001000           5       200         2 total
";
        let calls = Calls::read(table);
        assert_eq!((calls.of(&["open", "openat"]), calls.of(&["read"]), calls.of(&["total"])), (100, 100, 0));
    }
}
