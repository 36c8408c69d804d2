//! `cargo xtask fuzz`: libFuzzer on the targets of `fuzz/`, with the stable compiler.
//!
//! The coverage that libFuzzer steers by comes from LLVM's own pass, which rustc runs when told to; only the flag that
//! tells it is kept for nightly, and `RUSTC_BOOTSTRAP` opens it. So neither nightly nor cargo-fuzz is needed.

use std::env;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::failure::{Failure, Result};
use crate::packages;
use crate::process::Program;
use crate::workspace::{cargo, root, target};

const COVERAGE: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Cdebug-assertions=yes -Coverflow-checks=yes --cfg fuzzing";

/// The address sanitizer: the code has no `unsafe`, so it watches dependencies; it halves the speed.
const ASAN: &str = " -Zsanitizer=address";

/// What the arguments say.
struct Options {
    minutes: f64,
    jobs: usize,
    asan: bool,
    keep: bool,
    names: Vec<String>,
}

/// Fuzzes the targets named in `args`, or all, as many at once as there are cores. New inputs are kept in
/// `target/fuzz/corpus/` (with `--keep`, those that reach new code are added to the committed ones), inputs that break
/// a promise in `target/fuzz/findings/`.
pub fn run(args: &[String]) -> Result<()> {
    let options = Options::read(args)?;
    let known = targets()?;
    if let Some(unknown) = options.names.iter().find(|n| !known.contains(n)) {
        return Err(Failure::new(format!("no fuzz target `{unknown}`, expected one of {}", known.join(" "))));
    }
    let chosen = if options.names.is_empty() { known } else { options.names.clone() };
    for line in packages::install(&["fuzz"])? {
        println!("missing: {line}");
    }
    let dir = target().join(if options.asan { "fuzz-asan" } else { "fuzz" });
    let triple = host_triple()?;
    build(&dir, &triple, options.asan, &chosen)?;
    println!("{} targets, {} minutes each, {} at once", chosen.len(), options.minutes, options.jobs);
    let next = AtomicUsize::new(0);
    let findings = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..options.jobs {
            scope.spawn(|| {
                while let Some(name) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let clean = fuzz(&dir, &triple, name, &options);
                    let finding = match clean {
                        Ok(true) => None,
                        Ok(false) => Some(name.clone()),
                        Err(failure) => Some(failure.to_string()),
                    };
                    findings.lock().unwrap_or_else(PoisonError::into_inner).extend(finding);
                }
            });
        }
    });
    let findings = findings.into_inner().unwrap_or_else(PoisonError::into_inner);
    if findings.is_empty() {
        println!("no finding in {}", chosen.join(" "));
        return Ok(());
    }
    let folder = dir.join("findings");
    Err(Failure::new(format!("findings in {}: see {}", findings.join(", "), folder.display())))
}

impl Options {
    fn read(args: &[String]) -> Result<Self> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let mut options = Self { minutes: 1.0, jobs: cores, asan: false, keep: false, names: Vec::new() };
        let mut rest = args.iter();
        while let Some(arg) = rest.next() {
            let mut number = |what: &str| {
                let number = rest.next().and_then(|n| n.parse::<f64>().ok()).filter(|n| n.is_finite() && *n > 0.0);
                number.ok_or_else(|| Failure::new(format!("`{what}` takes a number above 0")))
            };
            match arg.as_str() {
                "--asan" => options.asan = true,
                "--keep" => options.keep = true,
                "--minutes" => options.minutes = number(arg)?,
                "--jobs" => options.jobs = number(arg)?.ceil() as usize,
                flag if flag.starts_with('-') => return Err(Failure::new(format!("unknown flag `{flag}`"))),
                name => options.names.push(name.to_owned()),
            }
        }
        Ok(options)
    }
}

fn targets() -> Result<Vec<String>> {
    let folder = root().join("fuzz/fuzz_targets");
    let entries = fs::read_dir(&folder).map_err(|e| Failure::at(&folder, &e))?;
    let name = |e: std::io::Result<fs::DirEntry>| e.ok()?.path().file_stem()?.to_str().map(str::to_owned);
    let mut names: Vec<String> = entries.filter_map(name).collect();
    names.sort();
    Ok(names)
}

fn host_triple() -> Result<String> {
    let version = Program::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())).arg("-vV").text()?;
    let host = version.lines().find_map(|l| l.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| Failure::new(format!("expected `host:` from `rustc -vV`, seen {version}")))
}

fn build(dir: &Path, triple: &str, asan: bool, names: &[String]) -> Result<()> {
    // A target triple, even this machine's own, keeps the flags from build scripts and macros.
    let mut build =
        cargo().args(["build", "--locked", "--package", "vigo-fuzz", "--features", "libfuzzer", "--release"]);
    build = build.args(["--target", triple, "--target-dir"]).arg(dir);
    // What the shipped profile does to be small costs time and finds nothing.
    for setting in ["opt-level=3", "lto=false", "codegen-units=16", "strip=false", "debug=\"line-tables-only\""] {
        build = build.arg("--config").arg(format!("profile.release.{setting}"));
    }
    for name in names {
        build = build.args(["--bin", name]);
    }
    let flags = if asan { format!("{COVERAGE}{ASAN}") } else { COVERAGE.to_owned() };
    build.env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", flags).run()
}

/// Runs one target to its end; its words go to a log. Returns whether nothing was found.
fn fuzz(dir: &Path, triple: &str, name: &str, options: &Options) -> Result<bool> {
    let grown = dir.join("corpus").join(name);
    let findings = dir.join("findings");
    let logs = dir.join("logs");
    for folder in [&grown, &findings, &logs] {
        fs::create_dir_all(folder).map_err(|e| Failure::at(folder, &e))?;
    }
    let program = dir.join(triple).join("release").join(name);
    let committed = root().join("fuzz/corpus").join(name);
    let output = Program::new(&program)
        .arg(format!("-max_total_time={}", (options.minutes * 60.0).ceil()))
        .arg(format!("-artifact_prefix={}/{name}-", findings.display()))
        .args(["-timeout=10", "-rss_limit_mb=2048", "-use_value_profile=1", "-print_final_stats=1"])
        .arg(&grown)
        .arg(&committed)
        .output()?;
    let log = logs.join(format!("{name}.log"));
    fs::write(&log, &output.stderr).map_err(|e| Failure::at(&log, &e))?;
    let stat = |key: &str| {
        let line = output.stderr.lines().find_map(|l| l.strip_prefix("stat::")?.strip_prefix(key));
        line.unwrap_or(": ?").trim_start_matches(':').trim().to_owned()
    };
    let (runs, new, peak) = (stat("number_of_executed_units"), stat("new_units_added"), stat("peak_rss_mb"));
    println!("{name}: {runs} runs, {new} new inputs, {peak} MiB: {}", if output.ok() { "clean" } else { "FINDING" });
    if !output.ok() {
        let lines: Vec<&str> = output.stderr.lines().rev().take(15).collect();
        println!("{}\nlog: {}", lines.into_iter().rev().collect::<Vec<_>>().join("\n"), log.display());
        return Ok(false);
    }
    if options.keep {
        // Whether code is reached counts, not how often: hundreds of inputs would differ by that alone.
        Program::new(&program).args(["-merge=1", "-use_counters=0"]).arg(&committed).arg(&grown).output()?;
        let count = fs::read_dir(&committed).map_err(|e| Failure::at(&committed, &e))?.count();
        println!("{name}: {count} committed inputs");
    }
    Ok(true)
}
