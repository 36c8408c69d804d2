//! Runs programs: by arguments, with an environment of our making and an end in sight.

use super::fault::kind_of_io;
use crate::executor::failure::{Answer, failure, text};
use crate::executor::name::name_for;
use crate::executor::program;
use crate::windows::{Job, Reader, has_ended, make_dir, new_file};
use std::io::{Read, Write};
use std::os::windows::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use vigo_core::action::{AccountKind, Command, Exit, FailureKind, OpFailure, OpOutput, Ran};
use vigo_core::value::Text;
use windows_sys::Win32::System::Threading::{
    BELOW_NORMAL_PRIORITY_CLASS, CREATE_NEW_PROCESS_GROUP, CREATE_NO_WINDOW, IDLE_PRIORITY_CLASS,
};

/// How long output is awaited that children of the program may still hold open once it has ended.
const DRAIN: Duration = Duration::from_millis(200);

/// How long a program may take to be gone once it was ended.
const GONE: Duration = Duration::from_secs(10);

/// The niceness from which on a program gets what others leave, and nothing else.
const IDLE: u8 = 15;

/// Where the place of a secret's file goes.
const SECRET_FILE: &str = "{{secret_file}}";

/// What a program is told of the system; without some of it not even a socket can be opened.
const KEPT: &[&str] = &[
    "SystemRoot",
    "SystemDrive",
    "windir",
    "ComSpec",
    "PATHEXT",
    "TEMP",
    "TMP",
    "OS",
    "PROCESSOR_ARCHITECTURE",
    "NUMBER_OF_PROCESSORS",
    "COMPUTERNAME",
    "USERNAME",
    "USERPROFILE",
    "APPDATA",
    "LOCALAPPDATA",
    "ALLUSERSPROFILE",
    "PUBLIC",
    "ProgramData",
    "ProgramFiles",
    "ProgramFiles(x86)",
    "ProgramW6432",
    "CommonProgramFiles",
    "CommonProgramFiles(x86)",
    "CommonProgramW6432",
];

/// Runs programs; shared by threads.
#[derive(Debug)]
pub(crate) struct Programs {
    secrets: PathBuf,
    background: Mutex<Vec<Child>>,
}

impl Programs {
    pub(crate) fn new(secrets: PathBuf) -> Self {
        Self { secrets, background: Mutex::default() }
    }

    /// Runs a program to its end, or sets it going.
    pub(crate) fn run(&self, command: &Command) -> OpOutput {
        self.try_run(command).unwrap_or_else(OpOutput::Failed)
    }

    /// Lets go of programs in the background that have ended.
    pub(crate) fn forget(&self) {
        let mut background = self.background.lock().unwrap_or_else(PoisonError::into_inner);
        background.retain_mut(|child| !matches!(child.try_wait(), Ok(Some(_))));
    }

    /// Answers [`vigo_core::action::Op::Account`]: nothing there has such numbers.
    pub(crate) fn look_up(&self, _: AccountKind, _: &str) -> Answer<OpOutput> {
        Ok(OpOutput::Missing)
    }

    fn try_run(&self, command: &Command) -> Answer<OpOutput> {
        let name = &command.program;
        let file = match &**name {
            path if vigo_core::action::AbsPath::check(path) == Ok(true) => PathBuf::from(path),
            bare if !bare.is_empty() && !bare.contains(['/', '\\', ':']) => program::find(bare).ok_or_else(|| {
                let message = format!("program `{bare}` is not there (looked in {})", program::path());
                failure(FailureKind::NoProgram, message)
            })?,
            other => {
                let message = format!("expected a program by name or absolute path, found `{other}`");
                return Err(failure(FailureKind::NoProgram, message));
            }
        };
        for (what, is_asked) in [("user", command.user.is_some()), ("umask", command.umask.is_some())] {
            if is_asked {
                return Err(failure(FailureKind::Other, format!("run `{name}`: windows knows no such `{what}`")));
            }
        }
        let secret = match &command.secret_file {
            None => None,
            Some(text) => Some(SecretFile::create(&self.secrets, text.as_str())?),
        };
        let argument = |arg: &Text| match &secret {
            Some(file) => arg.as_str().replace(SECRET_FILE, &file.0.to_string_lossy()),
            None => arg.as_str().to_owned(),
        };
        let mut spawn = spawned(&file)?;
        match shell_text(&file, &command.args) {
            // cmd.exe reads its line itself: of what stands between the outermost quotes it takes every character.
            Some(text) => {
                _ = spawn.raw_arg("/D").raw_arg("/S").raw_arg("/C").raw_arg(format!("\"{}\"", argument(text)))
            }
            None => _ = spawn.args(command.args.iter().map(argument)),
        }
        spawn.env_clear().envs(KEPT.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        spawn.env("PATH", program::path()).env("LC_ALL", "C").env("TERM", "dumb");
        spawn.envs(command.env.iter().map(|(name, value)| (&**name, value.as_str())));
        let cwd = command.cwd.as_ref().map_or_else(program::system_folder, |dir| PathBuf::from(dir.as_str()));
        spawn.current_dir(&cwd);
        let pipe = |open: bool| if open { Stdio::piped() } else { Stdio::null() };
        spawn.stdin(pipe(command.stdin.is_some()));
        spawn.stdout(pipe(!command.background)).stderr(pipe(!command.background));
        let class = match command.nice {
            0 => 0,
            1..IDLE => BELOW_NORMAL_PRIORITY_CLASS,
            IDLE.. => IDLE_PRIORITY_CLASS,
        };
        // A group of its own: Ctrl-C reaches none of it.
        spawn.creation_flags(CREATE_NO_WINDOW | CREATE_NEW_PROCESS_GROUP | class);
        let child = spawn.spawn().map_err(|error| {
            let kind = match error.kind() {
                std::io::ErrorKind::NotFound if !file.exists() => FailureKind::NoProgram,
                _ => kind_of_io(&error),
            };
            match cwd.is_dir() {
                false => {
                    let message = format!("run `{name}`: directory `{}` is not there", cwd.display());
                    failure(FailureKind::NoParent, message)
                }
                true => failure(kind, format!("run `{}`: {}", file.display(), text(error))),
            }
        })?;
        if command.background {
            return Ok(self.leave(child, command));
        }
        finish(child, command)
    }

    /// Leaves a program running. What it reads is written by a thread: it may be slow to take it.
    fn leave(&self, mut child: Child, command: &Command) -> OpOutput {
        if let (Some(mut stdin), Some(text)) = (child.stdin.take(), command.stdin.clone()) {
            std::thread::spawn(move || stdin.write_all(text.as_str().as_bytes()));
        }
        self.background.lock().unwrap_or_else(PoisonError::into_inner).push(child);
        OpOutput::Ran(Ran { exit: Exit::Code(0), stdout: Vec::new(), stderr: Vec::new(), truncated: false })
    }
}

/// Returns what starts a program; a script of PowerShell is handed to that.
fn spawned(file: &Path) -> Answer<std::process::Command> {
    if !file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("ps1")) {
        return Ok(std::process::Command::new(file));
    }
    let shell = program::find("powershell.exe").ok_or_else(|| {
        failure(FailureKind::NoProgram, format!("run `{}`: there is no `powershell.exe` here", file.display()))
    })?;
    let mut spawn = std::process::Command::new(shell);
    spawn.args(["-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass", "-File"]).arg(file);
    Ok(spawn)
}

/// Returns the text, when a shell is handed one.
fn shell_text<'a>(file: &Path, args: &'a [Text]) -> Option<&'a Text> {
    let is_shell = file.file_name().is_some_and(|name| name.eq_ignore_ascii_case("cmd.exe"));
    match args {
        [flag, text] if is_shell && flag.as_str().eq_ignore_ascii_case("/C") => Some(text),
        _ => None,
    }
}

/// Waits for a program, and takes what it says.
fn finish(mut child: Child, command: &Command) -> Answer<OpOutput> {
    // Without a job only the program itself can be ended.
    let job = Job::of(&child).ok();
    if let (Some(mut stdin), Some(text)) = (child.stdin.take(), command.stdin.clone()) {
        // It may end without having read it all; then this ends, too.
        std::thread::spawn(move || stdin.write_all(text.as_str().as_bytes()));
    }
    let out = child.stdout.take().map(|pipe| Stream::taken(pipe, command.output_bytes_max));
    let err = child.stderr.take().map(|pipe| Stream::taken(pipe, command.output_bytes_max));
    let has_ended_in_time = has_ended(&child, Duration::from_millis(command.timeout.as_ms()));
    if !has_ended_in_time {
        let ended = job.as_ref().map_or_else(|| child.kill(), Job::end);
        if ended.is_err() {
            let _ = child.kill();
        }
        if !has_ended(&child, GONE) {
            return Err(timed_out(command));
        }
    }
    let status = child
        .wait()
        .map_err(|e| failure(FailureKind::Other, format!("wait for `{}`: {}", command.program, text(e))))?;
    let until = Instant::now() + DRAIN;
    let kept = |stream: Option<Stream>| stream.map_or((Vec::new(), false), |stream| stream.until(until));
    let ((stdout, cut), (stderr, also)) = (kept(out), kept(err));
    if !has_ended_in_time {
        return Err(timed_out(command));
    }
    let exit = Exit::Code(status.code().unwrap_or(-1));
    Ok(OpOutput::Ran(Ran { exit, stdout, stderr, truncated: cut || also }))
}

fn timed_out(command: &Command) -> OpFailure {
    let seconds = command.timeout.as_ms() as f64 / 1000.0;
    failure(FailureKind::TimedOut, format!("`{}` did not end within {seconds} s", command.program))
}

/// What a program prints: read to the end by a thread, kept up to a bound.
struct Stream {
    kept: Arc<Mutex<(Vec<u8>, bool)>>,
    reader: JoinHandle<()>,
}

impl Stream {
    fn taken(mut pipe: impl Read + Send + 'static, bytes_max: usize) -> Self {
        let kept = Arc::new(Mutex::new((Vec::new(), false)));
        let shared = kept.clone();
        let reader = std::thread::spawn(move || {
            let mut buf = vec![0; 64 << 10];
            while let Ok(len @ 1..) = pipe.read(&mut buf) {
                let mut kept = shared.lock().unwrap_or_else(PoisonError::into_inner);
                let room = bytes_max.saturating_sub(kept.0.len());
                kept.0.extend_from_slice(buf.get(..len.min(room)).unwrap_or_default());
                kept.1 |= len > room;
            }
        });
        Self { kept, reader }
    }

    /// Returns what was said, and whether some of it was dropped. What the program has started may hold the stream open for
    /// good: that is not waited for.
    fn until(self, until: Instant) -> (Vec<u8>, bool) {
        while !self.reader.is_finished() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::mem::take(&mut *self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A secret that a program reads from a file, which is gone as soon as the program is.
struct SecretFile(PathBuf);

impl SecretFile {
    fn create(dir: &Path, secret: &str) -> Result<Self, OpFailure> {
        let fail = |e: std::io::Error| {
            failure(kind_of_io(&e), format!("write a secret's file in `{}`: {}", dir.display(), text(e)))
        };
        make_dir(dir).map_err(fail)?;
        let path = dir.join(name_for(b"secret"));
        let mut file = new_file(&path, Reader::Own).map_err(fail)?;
        let made = Self(path);
        file.write_all(secret.as_bytes()).map_err(fail)?;
        Ok(made)
    }
}

impl Drop for SecretFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
