//! `cargo xtask bench config`: a large tree, validated by the whole program and by the library.
//!
//! The baseline is the bare event parser over the same texts, in the same run: what nobody can go below who reads YAML.

use std::path::Path;

use super::measure;
use crate::failure::Result;
use crate::packages;
use crate::process::Program;
use crate::workspace::{Scratch, cargo, target};

/// Sizes of the tree, in thousandths of 2,000 configcrates, 20,000 resources and 10,000 match blocks.
const SIZES: &[(u32, &str)] = &[(100, "a tenth"), (1000, "whole"), (10_000, "ten times")];

/// What a validation of the whole tree is to cost.
const TARGET: &str = "target of the whole: 1 s of processor time, 200 MiB";

const ROUNDS: usize = 3;

/// Measures and prints the table.
pub fn run() -> Result<()> {
    for line in packages::install(&["bench"])? {
        println!("missing: {line}");
    }
    cargo().args(["build", "--locked", "--package", "vigocli", "--release"]).run()?;
    let bench = |args: &[&str]| {
        let bench = cargo().args(["bench", "--locked", "--quiet", "--package", "vigo-core", "--bench", "config"]);
        bench.arg("--").args(args)
    };
    bench(&[]).run()?;
    let vigocli = target().join("release/vigocli");
    println!("\n`vigocli config validate`, processor time (least of {ROUNDS}) and peak memory; {TARGET}");
    for (per_mille, name) in SIZES {
        let scratch = Scratch::new("bench-config")?;
        let stacks = scratch.path().join("stacks");
        bench(&["--write", &stacks.display().to_string(), &per_mille.to_string()]).run()?;
        println!("{}", line(&vigocli, &stacks, name, scratch.path())?);
    }
    Ok(())
}

fn line(vigocli: &Path, stacks: &Path, name: &str, scratch: &Path) -> Result<String> {
    let validate = || Program::new(vigocli).args(["config", "validate", "--stacks"]).arg(stacks.display().to_string());
    let mut least = f64::INFINITY;
    for _ in 0..ROUNDS {
        least = least.min(measure::run(validate())?.cpu());
    }
    let peak = measure::peak_mib(&validate, scratch)?;
    Ok(format!("  {name:<9} {least:>7.3} s {peak:>7.1} MiB"))
}
