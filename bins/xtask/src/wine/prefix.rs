//! A Windows of our own.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::failure::{Failure, Result};
use crate::process::{Output, Program};
use crate::workspace::Scratch;

/// Wine's server, which Debian puts beside the path.
pub const SERVER: &str = "/usr/lib/wine/wineserver64";

/// How long a program may take there: the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(180);

/// How often a prefix is made anew before it is given up.
const BOOTS: u32 = 3;

/// A prefix that goes with its server when it is dropped.
pub struct Wine {
    scratch: Scratch,
}

impl Wine {
    /// Makes one. Now and then, on a machine that has just got Wine, the first boot leaves half a Windows: then another.
    pub fn new() -> Result<Self> {
        for _ in 1..BOOTS {
            match Self::boot() {
                Err(failure) => println!("{failure}; it is tried again"),
                made => return made,
            }
        }
        Self::boot()
    }

    /// Boots a new one. The order matters: as long as the first server has not really ended, the service manager answers
    /// what is not so.
    fn boot() -> Result<Self> {
        let wine = Self { scratch: Scratch::new("wine")? };
        unheard(wine.program("wine").args(["wineboot", "-i"]))?;
        unheard(wine.program(SERVER).arg("-w"))?;
        unheard(wine.program(SERVER).arg("-p"))?;
        unheard(wine.program("wine").args(["net.exe", "start"]))?;
        let started = wine.run(&["net.exe", "start"])?;
        match started.ok() && wine.drive().join("windows/system32").is_dir() {
            true => Ok(wine),
            false => Err(Failure::new(format!("wine has made no Windows: {started:?}"))),
        }
    }

    /// Returns the folder that is `C:\` there.
    pub fn drive(&self) -> PathBuf {
        self.scratch.path().join("prefix/drive_c")
    }

    /// Runs a program of Windows.
    pub fn run(&self, args: &[&str]) -> Result<Output> {
        self.program("wine").args(args).timeout(PATIENCE).output()
    }

    /// Runs a program of Windows that must exit 0, and returns what it printed.
    pub fn text(&self, args: &[&str]) -> Result<String> {
        let output = self.run(args)?;
        match output.ok() {
            true => Ok(output.stdout),
            false => Err(Failure::new(format!("`{}`: {output:?}", args.join(" ")))),
        }
    }

    /// Runs a program of Windows with one variable more in its environment.
    pub fn run_with(&self, variable: (&str, &str), args: &[&str]) -> Result<Output> {
        self.program("wine").args(args).env(variable.0, variable.1).timeout(PATIENCE).output()
    }

    /// Writes a file below `C:\`.
    pub fn write(&self, path: &str, text: &str) -> Result<()> {
        let path = self.drive().join(path);
        let folder = path.parent().unwrap_or(Path::new("/"));
        fs::create_dir_all(folder).and_then(|()| fs::write(&path, text)).map_err(|e| Failure::at(&path, &e))
    }

    /// Reads a file below `C:\`; `None` when there is none.
    pub fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.drive().join(path)).ok()
    }

    fn program(&self, program: &str) -> Program {
        let prefix = self.scratch.path().join("prefix");
        Program::new(program)
            .env("WINEPREFIX", prefix)
            .env("WINEDEBUG", "-all")
            .env_remove("DISPLAY")
            .dir(Path::new("/"))
    }
}

/// Runs a program to its end that starts others which stay: a pipe to them would never end.
fn unheard(program: Program) -> Result<()> {
    let shown = program.shown();
    let ended = program.spawn(None)?.wait();
    ended.map(drop).map_err(|e| Failure::new(format!("`{shown}` could not be waited for: {e}")))
}

impl Drop for Wine {
    fn drop(&mut self) {
        // A server that has ended already is fine.
        let _ = unheard(self.program(SERVER).arg("-k"));
        let _ = unheard(self.program(SERVER).arg("-w"));
    }
}
