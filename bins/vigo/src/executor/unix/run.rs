//! Runs programs: by arguments, never through a shell, with an environment of our making and an end in sight.

use super::account::{self, Account};
use super::fault::kind_of_io;
use super::kernel;
use super::meta::mode_of;
use super::output::Stream;
use super::secret_file::SecretFile;
use crate::executor::failure::{Answer, failure, text};
use crate::executor::program;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::process::{Gid, Pid, Signal, Uid};
use std::collections::BTreeMap;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use vigo_core::action::{AccountKind, Command, Exit, FailureKind, OpFailure, OpOutput, Ran};

/// Between asking a program to end and ending it.
const KILL_AFTER: Duration = Duration::from_secs(10);

/// How long output is awaited that children of the program may still hold open once it has ended.
const DRAIN: Duration = Duration::from_millis(200);

/// The umask that the executor gives itself, so that programs inherit it.
const USUAL_UMASK: u32 = 0o022;

/// Where the place of a secret's file goes.
const SECRET_FILE: &str = "{{secret_file}}";

/// What the system says of a name: lines of passwd(5) or group(5), or that there is none.
type Said = Answer<Option<Arc<[u8]>>>;

/// Runs programs; shared by threads.
#[derive(Debug)]
pub(crate) struct Programs {
    secrets: PathBuf,
    own: OnceLock<Account>,
    accounts: Mutex<BTreeMap<String, Account>>,
    /// What the system said of names that the machine's files lack.
    asked: Mutex<BTreeMap<(AccountKind, String), Said>>,
    background: Mutex<Vec<Child>>,
}

impl Programs {
    pub(crate) fn new(secrets: PathBuf) -> Self {
        rustix::process::umask(mode_of(USUAL_UMASK));
        Self {
            secrets,
            own: OnceLock::new(),
            accounts: Mutex::default(),
            asked: Mutex::default(),
            background: Mutex::default(),
        }
    }

    /// Runs a program to its end, or sets it going.
    pub(crate) fn run(&self, command: &Command) -> OpOutput {
        self.try_run(command).unwrap_or_else(OpOutput::Failed)
    }

    /// Forgets accounts: a program may have changed them.
    pub(crate) fn forget(&self) {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.background
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain_mut(|child| !matches!(child.try_wait(), Ok(Some(_))));
    }

    /// Answers [`vigo_core::action::Op::Account`].
    pub(crate) fn look_up(&self, kind: AccountKind, name: &str) -> Answer<OpOutput> {
        if account::is_listed(kind, name) {
            return Ok(OpOutput::Missing);
        }
        Ok(self.ask(kind, name)?.map_or(OpOutput::Missing, OpOutput::Bytes))
    }

    /// Asks the system for a name that the machine's files lack, once until a program may have changed it.
    pub(super) fn ask(&self, kind: AccountKind, name: &str) -> Said {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let said = asked.entry((kind, name.to_owned())).or_insert_with(|| {
            if !account::is_name(name) {
                return Ok(None);
            }
            let said = kernel::ask(&|command| self.run(command), kind, name);
            said.map_err(|f| failure(f.kind, format!("ask the system for {kind} `{name}`: {}", f.message)))
        });
        said.clone()
    }

    fn try_run(&self, command: &Command) -> Answer<OpOutput> {
        let name = &command.program;
        let file = match &**name {
            path if path.starts_with('/') => PathBuf::from(path),
            bare if !bare.is_empty() && !bare.contains('/') => program::find(bare).ok_or_else(|| {
                failure(FailureKind::NoProgram, format!("program `{bare}` is not there (looked in {})", program::PATH))
            })?,
            other => {
                let message = format!("expected a program by name or absolute path, found `{other}`");
                return Err(failure(FailureKind::NoProgram, message));
            }
        };
        let own = self.own.get_or_init(Account::own);
        let account = match &command.user {
            None => own.clone(),
            Some(user) => self.account(user)?,
        };
        let other = (account.uid != own.uid).then_some(&account);
        let secret = match &command.secret_file {
            None => None,
            Some(text) => Some(SecretFile::create(&self.secrets, text.as_str(), other)?),
        };
        let mut spawn = std::process::Command::new(&file);
        for arg in &command.args {
            match &secret {
                Some(file) if arg.as_str().contains(SECRET_FILE) => {
                    spawn.arg(arg.as_str().replace(SECRET_FILE, &file.path.to_string_lossy()))
                }
                _ => spawn.arg(arg.as_str()),
            };
        }
        spawn.env_clear();
        spawn.env("PATH", program::PATH).env("LC_ALL", "C").env("TERM", "dumb");
        spawn.env("HOME", &account.home).env("USER", &account.name);
        spawn.envs(command.env.iter().map(|(name, value)| (&**name, value.as_str())));
        spawn.current_dir(command.cwd.as_ref().map_or("/", |dir| dir.as_str()));
        let pipe = |open: bool| if open { Stdio::piped() } else { Stdio::null() };
        spawn.stdin(pipe(command.stdin.is_some()));
        spawn.stdout(pipe(!command.background)).stderr(pipe(!command.background));
        Before::of(command, other).apply(&mut spawn);
        let child = spawn.spawn().map_err(|error| {
            let kind = match error.kind() {
                std::io::ErrorKind::NotFound if !file.exists() => FailureKind::NoProgram,
                _ => kind_of_io(&error),
            };
            let dir = command.cwd.as_ref().filter(|dir| !std::path::Path::new(dir.as_str()).is_dir());
            match dir {
                Some(dir) => failure(FailureKind::NoParent, format!("run `{name}`: directory `{dir}` is not there")),
                None => failure(kind, format!("run `{}`: {}", file.display(), text(error))),
            }
        })?;
        if command.background {
            return Ok(self.leave(child, command));
        }
        Waiting::new(child, command, kernel::watch).finish(command)
    }

    /// Leaves a program running. What it reads is written by a thread: it may be slow to take it.
    fn leave(&self, mut child: Child, command: &Command) -> OpOutput {
        if let (Some(mut stdin), Some(text)) = (child.stdin.take(), command.stdin.clone()) {
            std::thread::spawn(move || std::io::Write::write_all(&mut stdin, text.as_str().as_bytes()));
        }
        self.background.lock().unwrap_or_else(PoisonError::into_inner).push(child);
        OpOutput::Ran(Ran { exit: Exit::Code(0), stdout: Vec::new(), stderr: Vec::new(), truncated: false })
    }

    fn account(&self, name: &str) -> Answer<Account> {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = accounts.get(name) {
            return Ok(known.clone());
        }
        let account = Account::by_name(name, self)?;
        accounts.insert(name.to_owned(), account.clone());
        Ok(account)
    }
}

/// What a new process does before it becomes the program.
struct Before {
    ids: Option<(Uid, Gid, Vec<Gid>)>,
    umask: Option<u32>,
    nice: u8,
    session: bool,
}

impl Before {
    fn of(command: &Command, other: Option<&Account>) -> Self {
        Self {
            ids: other.map(|a| (Uid::from_raw(a.uid), Gid::from_raw(a.gid), kernel::groups(a))),
            umask: command.umask.filter(|mask| *mask != USUAL_UMASK),
            nice: command.nice.min(19),
            session: command.background,
        }
    }

    fn apply(self, spawn: &mut std::process::Command) {
        if !self.session {
            // A group of its own: a signal reaches all of it, and Ctrl-C reaches none of it.
            spawn.process_group(0);
        }
        if self.ids.is_none() && self.umask.is_none() && self.nice == 0 && !self.session {
            return;
        }
        let Self { ids, umask, nice, session } = self;
        let before = move || -> std::io::Result<()> {
            if session {
                rustix::process::setsid()?;
            }
            if nice > 0 {
                rustix::process::setpriority_process(None, i32::from(nice))?;
            }
            if nice >= 15 {
                idle_io();
            }
            if let Some(mask) = umask {
                rustix::process::umask(mode_of(mask & 0o777));
            }
            if let Some((uid, gid, groups)) = &ids {
                kernel::become_account(*uid, *gid, groups)?;
            }
            Ok(())
        };
        // SAFETY: the closure runs in the child between fork and exec. It makes plain system calls on memory that was
        // allocated before the fork, takes no lock and allocates nothing.
        unsafe { spawn.pre_exec(before) };
    }
}

/// Asks for the idle class of input and output, ioprio_set(2); a kernel that says no is no reason not to run.
fn idle_io() {
    #[cfg(target_os = "linux")]
    {
        const WHO_PROCESS: libc::c_int = 1;
        const CLASS_IDLE: libc::c_int = 3 << 13;
        // SAFETY: a system call on numbers alone.
        unsafe { libc::syscall(libc::SYS_ioprio_set, WHO_PROCESS, 0, CLASS_IDLE) };
    }
}

/// A program that is running.
struct Waiting {
    child: Child,
    pid: Option<Pid>,
    pidfd: Option<OwnedFd>,
    stdin: Option<OwnedFd>,
    written: usize,
    out: Stream,
    err: Stream,
}

impl Waiting {
    fn new(mut child: Child, command: &Command, watch: fn(Pid) -> Option<OwnedFd>) -> Self {
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let pidfd = pid.and_then(watch);
        let stdin = child.stdin.take().map(OwnedFd::from);
        if let Some(fd) = &stdin {
            let _ = rustix::io::ioctl_fionbio(fd, true);
        }
        let out = Stream::new(child.stdout.take().map(OwnedFd::from), command.output_bytes_max);
        let err = Stream::new(child.stderr.take().map(OwnedFd::from), command.output_bytes_max);
        Self { child, pid, pidfd, stdin, written: 0, out, err }
    }

    fn finish(mut self, command: &Command) -> Answer<OpOutput> {
        let input = command.stdin.as_ref().map_or(&b""[..], |text| text.as_str().as_bytes());
        let mut buf = vec![0; 64 << 10];
        let timeout = Duration::from_millis(command.timeout.as_ms());
        let mut deadline = Instant::now().checked_add(timeout);
        let mut asked_to_end = 0;
        loop {
            let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
            self.wait(left);
            self.feed(input);
            self.out.take(&mut buf);
            self.err.take(&mut buf);
            if left.is_some_and(|left| left.is_zero()) {
                let signal = if asked_to_end == 0 { Signal::TERM } else { Signal::KILL };
                self.signal(signal);
                asked_to_end += 1;
                deadline = Some(Instant::now() + KILL_AFTER);
            }
            if !self.has_ended() {
                if asked_to_end > SIGNALS_MAX {
                    // It hangs in the kernel, where no signal reaches it.
                    return Err(timed_out(command));
                }
                continue;
            }
            if asked_to_end > 0 {
                // What it had started goes with it, while its number still names the group.
                self.signal(Signal::KILL);
            }
            let status = self
                .child
                .wait()
                .map_err(|e| failure(FailureKind::Other, format!("wait for `{}`: {}", command.program, text(e))))?;
            self.drain(&mut buf);
            if asked_to_end > 0 {
                return Err(timed_out(command));
            }
            let exit = match status.code() {
                Some(code) => Exit::Code(code),
                None => Exit::Signal(status.signal().unwrap_or(0)),
            };
            let truncated = self.out.cut || self.err.cut;
            return Ok(OpOutput::Ran(Ran { exit, stdout: self.out.kept, stderr: self.err.kept, truncated }));
        }
    }

    /// Waits until there is something to do.
    fn wait(&mut self, left: Option<Duration>) {
        let mut fds = Vec::with_capacity(4);
        fds.extend(self.out.fd.iter().chain(&self.err.fd).map(|fd| PollFd::new(fd, PollFlags::IN)));
        fds.extend(self.stdin.iter().map(|fd| PollFd::new(fd, PollFlags::OUT)));
        fds.extend(self.pidfd.iter().map(|fd| PollFd::new(fd, PollFlags::IN)));
        // Without a descriptor for the process the end is looked for now and then.
        let left = if self.pidfd.is_some() { left } else { Some(left.map_or(TICK, |l| l.min(TICK))) };
        let left = left.and_then(|left| Timespec::try_from(left).ok());
        let _ = rustix::event::poll(&mut fds, left.as_ref());
    }

    fn feed(&mut self, input: &[u8]) {
        let Some(fd) = &self.stdin else { return };
        while let Some(rest) = input.get(self.written..).filter(|rest| !rest.is_empty()) {
            match rustix::io::write(fd, rest) {
                Ok(len) => self.written += len,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return,
                // It does not want the rest.
                Err(_) => break,
            }
        }
        self.stdin = None;
    }

    fn has_ended(&self) -> bool {
        self.pid.is_none_or(kernel::has_ended)
    }

    fn signal(&self, signal: Signal) {
        if let Some(pid) = self.pid {
            let _ = rustix::process::kill_process_group(pid, signal);
        }
    }

    /// Takes what is still in the pipes. A daemon that it started may hold them open for good: that is not waited for.
    fn drain(&mut self, buf: &mut [u8]) {
        self.stdin = None;
        self.pidfd = None;
        let end = Instant::now() + DRAIN;
        loop {
            self.out.take(buf);
            self.err.take(buf);
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() || (self.out.fd.is_none() && self.err.fd.is_none()) {
                return;
            }
            let mut fds: Vec<_> =
                self.out.fd.iter().chain(&self.err.fd).map(|fd| PollFd::new(fd, PollFlags::IN)).collect();
            let left = Timespec::try_from(left).ok();
            let _ = rustix::event::poll(&mut fds, left.as_ref());
        }
    }
}

fn timed_out(command: &Command) -> OpFailure {
    let seconds = command.timeout.as_ms() as f64 / 1000.0;
    failure(FailureKind::TimedOut, format!("`{}` did not end within {seconds} s", command.program))
}

/// Signals to a program whose time is over, 10 s apart, before it is left alone.
const SIGNALS_MAX: u32 = 3;

const TICK: Duration = Duration::from_millis(10);

#[cfg(target_os = "linux")]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::executor::unix::{linux, posix};

    #[test]
    fn what_the_system_said_of_a_name_is_kept_until_a_program_may_have_changed_it() {
        let programs = Programs::new(std::env::temp_dir().join(format!("vigo-test-{}-account", std::process::id())));
        let line: Arc<[u8]> = b"vigo-ldap:*:70001:70002::/home/ldap:/bin/sh\n"[..].into();
        let other: Arc<[u8]> = b"vigo-other:*:70001:70002:::\n"[..].into();
        let silent = failure(FailureKind::TimedOut, "nobody answers");
        let said = [
            ("vigo-ldap", Ok(Some(line.clone()))),
            ("vigo-LDAP", Ok(Some(line.clone()))),
            ("vigo-other", Ok(Some(other))),
            ("vigo-silent", Err(silent.clone())),
            // The files have it: what the system says is not asked for.
            ("root", Ok(Some(line.clone()))),
        ];
        let said = said.map(|(name, said)| ((AccountKind::User, name.to_owned()), said));
        programs.asked.lock().unwrap().extend(said);
        let look_up = |name| programs.look_up(AccountKind::User, name);
        assert_eq!(look_up("vigo-ldap"), Ok(OpOutput::Bytes(line)));
        assert_eq!(look_up("root"), Ok(OpOutput::Missing));
        assert_eq!(look_up("vigo-silent"), Err(silent.clone()));
        assert_eq!(programs.look_up(AccountKind::Group, "vigo-ldap"), Ok(OpOutput::Missing), "a user is no group");
        let account = programs.account("vigo-ldap").unwrap();
        assert_eq!((account.uid, &*account.home, &*account.groups), (70001, "/home/ldap", &[70002][..]));
        let failed = |name| programs.account(name).map_err(|f| (f.kind, f.message));
        let named = "account `vigo-LDAP` does not exist: the system calls it `vigo-ldap`";
        assert_eq!(failed("vigo-LDAP"), Err((FailureKind::NoUser, named.into())));
        assert_eq!(failed("vigo-silent"), Err((silent.kind, silent.message)));
        if rustix::process::geteuid().is_root() {
            let id =
                Command { user: Some("vigo-ldap".into()), ..Command::read("sh", ["-c", "id -u; id -G; echo $HOME"]) };
            let OpOutput::Ran(ran) = programs.run(&id) else { panic!("it did not run") };
            assert_eq!(ran.out(), "70001\n70002\n/home/ldap\n");
        }
        programs.forget();
        assert_eq!(look_up("vigo-ldap"), Ok(OpOutput::Missing), "it is asked again");
        let neither = "account `vigo-ldap` does not exist: neither `/etc/passwd` nor the system has it";
        assert_eq!(failed("vigo-ldap"), Err((FailureKind::NoUser, neither.into())));
    }

    #[test]
    fn an_end_is_seen_with_and_without_a_descriptor() {
        let cases =
            [("exit 3", Exit::Code(3)), ("kill -9 $$", Exit::Signal(9)), ("exec >&- 2>&-; exit 4", Exit::Code(4))];
        for (way, watch) in [("pidfd", linux::watch as fn(_) -> _), ("by looking", posix::watch)] {
            for (text, exit) in &cases {
                let command = Command::read("sh", ["-c", text]);
                let mut spawn = std::process::Command::new("sh");
                spawn.args(["-c", text]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
                let child = spawn.process_group(0).spawn().unwrap();
                let ran = Waiting::new(child, &command, watch).finish(&command).unwrap();
                assert!(matches!(ran, OpOutput::Ran(Ran { exit: seen, .. }) if seen == *exit), "{text}, {way}");
            }
            let command = Command::read("sh", [""; 0]).timeout(vigo_core::time::Duration::from_ms(50));
            let mut spawn = std::process::Command::new("sh");
            spawn.args(["-c", "sleep 600 & sleep 600"]).stdout(Stdio::piped()).stderr(Stdio::piped());
            let child = spawn.process_group(0).spawn().unwrap();
            let pid = Pid::from_child(&child);
            let ended = Waiting::new(child, &command, watch).finish(&command);
            assert_eq!(ended.map_err(|f| f.kind), Err(FailureKind::TimedOut), "{way}");
            while rustix::process::test_kill_process_group(pid).is_ok() {
                // Whoever adopts them may take his time to bury them.
                std::thread::sleep(TICK);
            }
        }
    }
}
