//! macOS: launchd, as launchctl(1), launchd.plist(5) and public reports have it. *Unverified*: no recording is of our own.

use super::files::{Files, failed};
use super::luck::{Luck, Start};
use super::model::{Answer, Can, Deed, LOOK, Model, Run, Truth};
use crate::action::{FailureKind, Op};
use crate::random::Random;
use crate::time::{Duration, Timestamp};
use crate::value::Text;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// A macOS machine.
#[derive(Clone, Debug)]
pub struct Launchd {
    jobs: BTreeMap<String, Job>,
    files: Files,
    deeds: Vec<(Arc<str>, Deed)>,
    /// `print-disabled` answers with words, not with booleans.
    words: bool,
}

#[derive(Clone, Debug)]
struct Job {
    file: String,
    /// `Disabled` of the property list.
    is_disabled: bool,
    /// What somebody said instead.
    disabled: Option<bool>,
    /// `KeepAlive`: it is started again whenever it ends.
    keep_alive: bool,
    /// `RunAtLoad`
    at_load: bool,
    state: State,
    luck: Luck,
    runs: u64,
    exit: Option<i32>,
    stops_in: Duration,
    /// When it was last thrown out.
    left: Option<Timestamp>,
    taken_in: Timestamp,
    moved: Timestamp,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Unloaded,
    Idle,
    /// It ended, and is started again.
    Scheduled {
        until: Timestamp,
    },
    Running {
        dies_at: Option<Timestamp>,
    },
}

const FOLDER: &str = "/Library/LaunchDaemons";

/// What was thrown out is not taken in again so soon.
const SETTLING: Duration = Duration::from_secs(2);

/// A job that ends at once is started again only after this (`ThrottleInterval`).
const THROTTLE: Duration = Duration::from_secs(10);

impl Launchd {
    /// Returns the machine of the reports: the jobs `com.example.food` and `com.example.idle`, neither loaded.
    pub fn new(words: bool) -> Self {
        let mut launchd = Self { jobs: BTreeMap::new(), files: Files::default(), deeds: Vec::new(), words };
        for label in ["com.example.food", "com.example.idle"] {
            launchd.add(label, &format!("{label}.plist"), false, Luck::good());
        }
        launchd
    }

    /// Returns a machine with jobs of every kind in states of every kind, all from a seed. One in `rarity` starts goes
    /// wrong.
    pub fn from_seed(seed: u64, rarity: u64, now: Timestamp) -> Self {
        let mut random = Random::new(seed);
        let mut one_in = |n: u64| random.next().is_multiple_of(n);
        let words = one_in(2);
        let mut launchd = Self { jobs: BTreeMap::new(), files: Files::default(), deeds: Vec::new(), words };
        for (number, name) in ["web", "db", "cache", "mail", "queue"].into_iter().enumerate() {
            let label = format!("org.example.{name}");
            // A file need not be called like its job.
            let file = if one_in(4) { format!("{name}.plist") } else { format!("{label}.plist") };
            launchd.add(&label, &file, one_in(4), Luck::new(seed ^ (number as u64) << 32, rarity));
            let Some(job) = launchd.jobs.get_mut(&label) else { continue };
            job.disabled = one_in(3).then(|| one_in(2));
            job.keep_alive = one_in(3);
            job.at_load = one_in(2);
            job.stops_in = Duration::from_ms(if one_in(4) { 4_000 } else { 100 });
            if !job.is_off() && one_in(2) {
                job.load(now);
            }
        }
        launchd
    }

    /// Makes every start of `com.example.food` end in this way, and keeps it alive or not.
    pub fn always(&mut self, start: Start, keep_alive: bool) {
        if let Some(job) = self.jobs.get_mut("com.example.food") {
            (job.luck, job.keep_alive) = (Luck::always(start), keep_alive);
        }
    }

    fn add(&mut self, label: &str, file: &str, is_disabled: bool, luck: Luck) {
        let file = format!("{FOLDER}/{file}");
        let disabled = if is_disabled { "<key>Disabled</key><true/>\n" } else { "" };
        let text = format!(
            "<?xml version=\"1.0\"?>\n<plist><dict>\n<key>Label</key><string>{label}</string>\n{disabled}</dict></plist>\n"
        );
        self.files.set(&file, &text, Timestamp::default());
        let job = Job {
            file,
            is_disabled,
            disabled: None,
            keep_alive: false,
            at_load: false,
            state: State::Unloaded,
            luck,
            runs: 0,
            exit: None,
            stops_in: Duration::from_ms(100),
            left: None,
            taken_in: Timestamp::default(),
            moved: Timestamp::default(),
        };
        self.jobs.insert(label.into(), job);
    }

    fn launchctl(&mut self, args: &[&str], now: Timestamp) -> Answer {
        match args {
            ["print", target] => self.print(target),
            ["print-disabled", _] => self.print_disabled(),
            ["list"] => self.list(),
            ["bootstrap", _, file] => self.bootstrap(file, now),
            ["bootout", target] => self.bootout(target, now),
            ["enable" | "disable", target] => {
                let off = args.first() == Some(&"disable");
                let label = label(target);
                self.deeds.push((label.into(), if off { Deed::Disable } else { Deed::Enable }));
                if let Some(job) = self.jobs.get_mut(label) {
                    job.disabled = Some(off);
                }
                Answer::says(0, "", "")
            }
            ["kickstart", target] => self.kickstart(target, false, now),
            ["kickstart", "-k", target] => self.kickstart(target, true, now),
            _ => Answer::says(64, "", "Unrecognized subcommand\n"),
        }
    }

    fn print(&self, target: &str) -> Answer {
        let name = label(target);
        let Some(job) = self.jobs.get(name).filter(|job| job.state != State::Unloaded) else {
            return Answer::says(
                113,
                "",
                &format!("Bad request.\nCould not find service \"{name}\" in domain for system\n"),
            );
        };
        let (count, state) = match job.state {
            State::Running { .. } => (1, "running"),
            State::Scheduled { .. } => (0, "spawn scheduled"),
            State::Idle | State::Unloaded => (0, "not running"),
        };
        let program = format!("/usr/local/bin/{}", name.rsplit('.').next().unwrap_or(name));
        let pid = if count == 1 { format!("\tpid = {}\n", 1000 + job.runs) } else { String::new() };
        let exit = job.exit.map_or_else(|| "(never exited)".to_string(), |code| code.to_string());
        let text = format!(
            "{target} = {{\n\tactive count = {count}\n\tpath = {}\n\tstate = {state}\n\n\tprogram = {program}\n\targuments = \
             {{\n\t\t{program}\n\t\t-a\n\t}}\n\n\truns = {}\n{pid}\tlast exit code = {exit}\n}}\n",
            job.file, job.runs
        );
        Answer::says(0, &text, "")
    }

    fn print_disabled(&self) -> Answer {
        let mut text = String::from("disabled services = {\n");
        for (label, job) in &self.jobs {
            let word = |off: bool| match (self.words, off) {
                (true, true) => "disabled",
                (true, false) => "enabled",
                (false, true) => "true",
                (false, false) => "false",
            };
            text.extend(job.disabled.map(|off| format!("\t\"{label}\" => {}\n", word(off))));
        }
        text.push_str("}\n");
        Answer::says(0, &text, "")
    }

    fn list(&self) -> Answer {
        let mut text = String::from("PID\tStatus\tLabel\n");
        for (label, job) in self.jobs.iter().filter(|(_, job)| job.state != State::Unloaded) {
            let pid = match job.state {
                State::Running { .. } => (1000 + job.runs).to_string(),
                _ => "-".into(),
            };
            text.push_str(&format!("{pid}\t{}\t{label}\n", job.exit.unwrap_or(0)));
        }
        Answer::says(0, &text, "")
    }

    fn bootstrap(&mut self, file: &str, now: Timestamp) -> Answer {
        let again = "Try re-running the command as root for richer errors.";
        let input_output = || Answer::says(5, "", &format!("Bootstrap failed: 5: Input/output error\n{again}\n"));
        let Some((label, job)) = self.jobs.iter_mut().find(|(_, job)| job.file == file) else { return input_output() };
        self.deeds.push((label.as_str().into(), Deed::Start));
        match () {
            () if job.is_off() => Answer::says(119, "", "Bootstrap failed: 119: Service is disabled\n"),
            () if job.state != State::Unloaded => input_output(),
            () if job.left.is_some_and(|left| now.since(left) < SETTLING) => input_output(),
            () => {
                job.load(now);
                Answer::exited(0, "", "", Duration::from_ms(50))
            }
        }
    }

    fn bootout(&mut self, target: &str, now: Timestamp) -> Answer {
        let label = label(target);
        self.deeds.push((label.into(), Deed::Stop));
        let Some(job) = self.jobs.get_mut(label).filter(|job| job.state != State::Unloaded) else {
            return Answer::says(3, "", "Boot-out failed: 3: No such process\n");
        };
        let took = if matches!(job.state, State::Running { .. }) { job.stops_in } else { LOOK };
        (job.state, job.left, job.runs, job.exit) = (State::Unloaded, Some(now + took), 0, None);
        Answer::exited(0, "", "", took)
    }

    fn kickstart(&mut self, target: &str, kills: bool, now: Timestamp) -> Answer {
        let name = label(target);
        self.deeds.push((name.into(), if kills { Deed::Restart } else { Deed::Start }));
        let Some(job) = self.jobs.get_mut(name).filter(|job| job.state != State::Unloaded) else {
            return Answer::says(113, "", &format!("Could not find service \"{name}\" in domain for system\n"));
        };
        let runs = matches!(job.state, State::Running { .. });
        if kills || !runs {
            job.begin(now);
        }
        Answer::exited(0, "", "", if kills && runs { job.stops_in } else { LOOK })
    }

    fn advance(&mut self, now: Timestamp) {
        self.jobs.values_mut().for_each(|job| job.advance(now));
    }
}

/// Returns the label of a target, `system/LABEL`.
fn label(target: &str) -> &str {
    target.rsplit('/').next().unwrap_or(target)
}

impl Job {
    fn is_off(&self) -> bool {
        self.disabled.unwrap_or(self.is_disabled)
    }

    fn load(&mut self, at: Timestamp) {
        self.state = State::Idle;
        if self.keep_alive || self.at_load {
            self.begin(at);
        }
    }

    fn begin(&mut self, at: Timestamp) {
        self.runs += 1;
        self.taken_in = at;
        // It counts as running as soon as there is a process, whatever becomes of that.
        let dies_at = match self.luck.start(self.runs, Duration::from_ms(40)) {
            Start::Up(_) | Start::Hangs => None,
            Start::Refuses(took) => Some(at + took),
            Start::Dies(took, after) => Some(at + took + after),
        };
        self.state = State::Running { dies_at };
    }

    fn advance(&mut self, now: Timestamp) {
        loop {
            match self.state {
                State::Running { dies_at: Some(at) } if at <= now => {
                    (self.exit, self.moved) = (Some(1), at);
                    self.state = match self.keep_alive {
                        true => State::Scheduled { until: at + THROTTLE },
                        false => State::Idle,
                    };
                }
                State::Scheduled { until } if until <= now => {
                    self.moved = until;
                    self.begin(until);
                }
                _ => return,
            }
        }
    }
}

impl Model for Launchd {
    fn perform(&mut self, op: &Op, now: Timestamp) -> Answer {
        self.advance(now);
        let Op::Run(command) = op else {
            let unknown = || failed(FailureKind::Other, "it is not known here");
            return Answer { output: self.files.perform(op, now).unwrap_or_else(unknown), took: LOOK };
        };
        let args: Vec<&str> = command.args.iter().map(Text::as_str).collect();
        match command.program.rsplit('/').next() {
            Some("launchctl") => self.launchctl(&args, now),
            Some("log") => Answer::says(0, "", ""),
            _ => Answer { output: failed(FailureKind::NoProgram, "no such program"), took: LOOK },
        }
    }

    fn services(&self) -> Vec<Arc<str>> {
        self.jobs.keys().map(|label| label.as_str().into()).collect()
    }

    fn can(&self) -> Can {
        Can::default()
    }

    fn truth(&mut self, service: &str, now: Timestamp) -> Option<Truth> {
        self.advance(now);
        let job = self.jobs.get(service)?;
        Some(Truth {
            run: match job.state {
                State::Running { .. } => Run::Up,
                State::Unloaded | State::Idle => Run::Down,
                State::Scheduled { .. } => Run::Between,
            },
            enabled: Some(!job.is_off()),
            masked: false,
            unmaskable: false,
            is_sound: true,
            flags: None,
            start_type: None,
            needs: Vec::new(),
            stopped_with: Vec::new(),
            taken_in: job.taken_in,
            moved: job.moved,
        })
    }

    fn take_deeds(&mut self) -> Vec<(Arc<str>, Deed)> {
        core::mem::take(&mut self.deeds)
    }

    fn meddle(&mut self, service: &str, number: u64, now: Timestamp) {
        self.advance(now);
        let Some(job) = self.jobs.get_mut(service) else { return };
        job.moved = now;
        match (number % 5, job.state) {
            (0, _) => (job.state, job.left) = (State::Unloaded, Some(now)),
            (1, State::Unloaded) if !job.is_off() => job.load(now),
            (2, _) => job.disabled = Some(!job.is_off()),
            (3, _) => job.disabled = None,
            (4, State::Running { .. }) => job.state = State::Running { dies_at: Some(now) },
            _ => {}
        }
        self.advance(now);
    }

    fn calm(&mut self, now: Timestamp) {
        self.advance(now);
        for job in self.jobs.values_mut() {
            job.luck.calm();
            if let State::Running { dies_at } = &mut job.state {
                *dies_at = None;
            }
        }
    }
}
