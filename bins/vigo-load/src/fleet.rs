//! The fleet: starts the machines, prints the counts, ends when it is told to.

use crate::cli::Cli;
use crate::count::Counts;
use crate::error::LoadError;
use crate::ledger::Ledger;
use crate::machine::Machine;
use crate::show;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

/// What the machines share.
pub struct Shared {
    /// The command line.
    pub cli: Cli,
    /// The token of enrolment; empty for none.
    pub token: String,
    /// What is counted.
    pub counts: Counts,
    /// The ledger.
    pub ledger: Ledger,
    /// Who enrols.
    pub enrolling: Semaphore,
    /// Whether it is over.
    pub stop: watch::Receiver<bool>,
    /// Counts how often all were called to check in.
    pub calls: watch::Receiver<u64>,
}

/// How long machines may take to end.
const END_MAX: Duration = Duration::from_secs(10);

/// Lives until it is told to end.
///
/// # Errors
/// [`LoadError`], when there is no fleet.
pub fn live(cli: Cli) -> Result<(), LoadError> {
    tracing_subscriber::fmt().with_max_level(cli.log_level).with_writer(std::io::stderr).with_target(false).init();
    let token = token()?;
    let (ledger, mut known) = Ledger::open(cli.ledger.as_deref(), &cli.root_key)?;
    raise_open_files();
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if let Some(threads) = cli.threads {
        runtime.worker_threads(threads.max(1));
    }
    let runtime = runtime.enable_all().build().map_err(LoadError::system("begin"))?;
    let (end, stop) = watch::channel(false);
    let (call, calls) = watch::channel(0);
    let agents = cli.agents as usize;
    let enrolling = Semaphore::new(cli.enrol_at_once as usize);
    let shared = Shared { counts: Counts::new(agents), cli, token, ledger, enrolling, stop, calls };
    let names = (1..=agents).map(|n| format!("{}{n}", shared.cli.prefix));
    let known: Vec<_> = names.map(|name| (known.remove(&name).unwrap_or_default(), name)).collect();
    let shared = Arc::new(shared);
    runtime.block_on(async {
        let mut machines = JoinSet::new();
        for (nth, (known, name)) in known.into_iter().enumerate() {
            machines.spawn(Machine::new(Arc::clone(&shared), nth, name, known).live());
        }
        watch_over(&shared, &mut machines, &call).await?;
        shared.counts.end();
        let _ = end.send(true);
        let all = async { while machines.join_next().await.is_some() {} };
        if timeout(END_MAX, all).await.is_err() {
            eprintln!("vigo-load: {} machines had not ended after {} s", machines.len(), END_MAX.as_secs());
        }
        print(&shared, true);
        match shared.counts.envoys() {
            0 => Err(LoadError::Nobody { machines: agents, why: shared.counts.last_trouble() }),
            _ => Ok(()),
        }
    })
}

/// Prints the counts until it is over.
async fn watch_over(shared: &Shared, machines: &mut JoinSet<()>, call: &watch::Sender<u64>) -> Result<(), LoadError> {
    let of = |kind| signal(kind).map_err(LoadError::system("listen to signals"));
    let (mut terminate, mut interrupt) = (of(SignalKind::terminate())?, of(SignalKind::interrupt())?);
    let mut mark = of(SignalKind::user_defined1())?;
    let mut all = of(SignalKind::user_defined2())?;
    let mut ticks = interval(Duration::from_millis(shared.cli.every));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let over = async {
        match shared.cli.duration {
            Some(seconds) => sleep(Duration::from_secs(seconds)).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(over);
    loop {
        tokio::select! {
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
            () = &mut over => return Ok(()),
            _ = mark.recv() => shared.counts.mark(),
            _ = all.recv() => call.send_modify(|calls| *calls += 1),
            _ = ticks.tick() => print(shared, false),
            // A machine that was refused for good.
            ended = machines.join_next() => if ended.is_none() {
                return Ok(());
            },
        }
    }
}

fn print(shared: &Shared, is_end: bool) {
    let line = show::line(&shared.counts, shared.cli.profile, is_end);
    // Whoever has stopped reading does not need it.
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Returns the token, from wherever it was given; empty for none.
fn token() -> Result<String, LoadError> {
    if let Some(path) = std::env::var_os("VIGO_TOKEN_FILE") {
        let text = std::fs::read_to_string(path).map_err(LoadError::system("read VIGO_TOKEN_FILE"))?;
        return Ok(text.trim().into());
    }
    match std::env::var("VIGO_TOKEN") {
        Ok(token) => Ok(token.trim().into()),
        Err(std::env::VarError::NotPresent) => Ok(String::new()),
        // Not shown: it may be most of a token.
        Err(std::env::VarError::NotUnicode(_)) => Err(LoadError::Usage("VIGO_TOKEN is no text".into())),
    }
}

/// Lets this process have as many connections as the system allows: each is a file.
fn raise_open_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // Where it is refused, as many as there may be now.
    let _ = setrlimit(Resource::Nofile, limit);
}
