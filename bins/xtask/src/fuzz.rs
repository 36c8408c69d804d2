//! `cargo xtask fuzz`: libFuzzer on the targets of `fuzz/`, with the stable compiler.
//!
//! The coverage that libFuzzer steers by comes from LLVM's own pass, which rustc runs when told to; only the flag that
//! tells it is kept for nightly, and `RUSTC_BOOTSTRAP` opens it. So neither nightly nor cargo-fuzz is needed.

use std::env;
use std::fs;
use std::path::Path;

use crate::failure::{Failure, Result};
use crate::packages;
use crate::process::Program;
use crate::workspace::{cargo, root, target};

const COVERAGE: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Cdebug-assertions=yes -Coverflow-checks=yes --cfg fuzzing";

/// The address sanitizer: the code has no `unsafe`, so it watches dependencies; it halves the speed.
const ASAN: &str = " -Zsanitizer=address";

/// Fuzzes the targets named in `args`, or all, one after the other. New inputs are kept in `target/fuzz/corpus/`, inputs
/// that break a promise in `target/fuzz/findings/`.
pub fn run(args: &[String]) -> Result<()> {
    let mut minutes = 1.0;
    let mut asan = false;
    let mut names = Vec::new();
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        match arg.as_str() {
            "--asan" => asan = true,
            "--minutes" => {
                let number = rest.next().and_then(|n| n.parse::<f64>().ok()).filter(|n| n.is_finite() && *n > 0.0);
                minutes = number.ok_or_else(|| Failure::new("`--minutes` takes a number above 0"))?;
            }
            flag if flag.starts_with('-') => return Err(Failure::new(format!("unknown flag `{flag}`"))),
            name => names.push(name.to_owned()),
        }
    }
    let known = targets()?;
    if let Some(unknown) = names.iter().find(|n| !known.contains(n)) {
        return Err(Failure::new(format!("no fuzz target `{unknown}`, expected one of {}", known.join(" "))));
    }
    let chosen = if names.is_empty() { known } else { names };
    for line in packages::install(&["fuzz"])? {
        println!("missing: {line}");
    }
    let dir = target().join(if asan { "fuzz-asan" } else { "fuzz" });
    let triple = host_triple()?;
    build(&dir, &triple, asan, &chosen)?;
    let mut found = Vec::new();
    for name in &chosen {
        println!("\n=== {name}: {minutes} minutes");
        if !fuzz(&dir, &triple, name, minutes)? {
            found.push(name.as_str());
        }
    }
    if found.is_empty() {
        println!("\nno finding in {}", chosen.join(" "));
        return Ok(());
    }
    let folder = dir.join("findings");
    Err(Failure::new(format!("findings in {}: see {}", found.join(" "), folder.display())))
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
    // The shipped profile's link-time optimisation costs minutes and finds nothing.
    for setting in ["lto=false", "codegen-units=16", "strip=false", "debug=\"line-tables-only\""] {
        build = build.arg("--config").arg(format!("profile.release.{setting}"));
    }
    for name in names {
        build = build.args(["--bin", name]);
    }
    let flags = if asan { format!("{COVERAGE}{ASAN}") } else { COVERAGE.to_owned() };
    build.env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", flags).run()
}

fn fuzz(dir: &Path, triple: &str, name: &str, minutes: f64) -> Result<bool> {
    let grown = dir.join("corpus").join(name);
    let findings = dir.join("findings");
    for folder in [&grown, &findings] {
        fs::create_dir_all(folder).map_err(|e| Failure::at(folder, &e))?;
    }
    let program = Program::new(dir.join(triple).join("release").join(name));
    program
        .arg(format!("-max_total_time={}", (minutes * 60.0).ceil()))
        .arg(format!("-artifact_prefix={}/{name}-", findings.display()))
        .args(["-timeout=10", "-rss_limit_mb=2048", "-use_value_profile=1", "-print_final_stats=1", "-verbosity=1"])
        .arg(&grown)
        .arg(root().join("fuzz/corpus").join(name))
        .watch(|_| {})
}
