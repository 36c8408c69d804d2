//! The verb.

use std::path::{Path, PathBuf};
use std::time::Instant;

use super::archive::{Archive, pack, trial_key, verify};
use super::build::{Profile, build, install};
use super::targets::{LINKED, Linker, Target};
use crate::demo;
use crate::failure::{Failure, Result};
use crate::process::Program;
use crate::workspace::{Scratch, target};

/// What is asked for.
struct Options {
    targets: Vec<&'static Target>,
    key: Option<PathBuf>,
}

/// Builds, packs and signs the targets that are named, or all, and prints a table of their sizes, which is in `sizes.md` too. One that cannot be built
/// does not keep the others from it.
pub fn run(args: &[String]) -> Result<()> {
    let options = parse(args)?;
    let folder = target().join("dist");
    let key = match options.key {
        Some(key) => key,
        None => {
            std::fs::create_dir_all(&folder).map_err(|e| Failure::at(&folder, &e))?;
            let key = folder.join("trial-key.pem");
            trial_key(&key)?;
            println!("signs with `{}`, a key for trials: `--key FILE` names the real one", key.display());
            key
        }
    };
    let mut rows = Vec::new();
    for target in options.targets {
        let begun = Instant::now();
        let made = install(target).and_then(|()| build(target, Profile::Shipped)).and_then(|program| {
            prove(target, &program)?;
            let name = format!("vigo-{}-{}", env!("CARGO_PKG_VERSION"), target.triple);
            let archive = pack(&program, &name, &folder, &key)?;
            verify(&archive.path, &key, &folder.join("public.pem"))?;
            Ok(archive)
        });
        rows.push((target.triple, made, begun.elapsed().as_secs()));
    }
    print!("\n{}", table(&rows));
    let sizes = folder.join("sizes.md");
    std::fs::write(&sizes, for_the_guide(&rows)).map_err(|e| Failure::at(&sizes, &e))?;
    match rows.iter().filter(|(_, made, _)| made.is_err()).count() {
        0 => Ok(()),
        n => Err(Failure::new(format!("{n} targets could not be built"))),
    }
}

/// Sees that a program for this machine runs on any Linux: that it asks for no interpreter and no library, can be loaded
/// anywhere in memory, and converges the examples in a sandbox. Those for others cannot be run here.
fn prove(target: &Target, program: &Path) -> Result<()> {
    if target.linker != Linker::Musl {
        return Ok(());
    }
    let kind = Program::new("file").arg("--brief").arg(program).text()?;
    if !kind.contains("static-pie linked") {
        return Err(Failure::new(format!("expected a program that is `static-pie linked`, seen `{}`", kind.trim())));
    }
    let version = Program::new(program).arg("version").text()?;
    if !version.contains(env!("CARGO_PKG_VERSION")) {
        return Err(Failure::new(format!("expected version {}, seen `{version}`", env!("CARGO_PKG_VERSION"))));
    }
    let place = Scratch::new("dist")?;
    demo::one_machine(program.parent().unwrap_or(program), place.path())
}

fn parse(args: &[String]) -> Result<Options> {
    let mut options = Options { targets: Vec::new(), key: None };
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let value = || Failure::new(format!("`{arg}` wants a value"));
        match arg.as_str() {
            "--target" => {
                let triple = args.next().ok_or_else(value)?;
                let known = LINKED.iter().find(|t| t.triple == *triple).ok_or_else(|| {
                    let known: Vec<&str> = LINKED.iter().map(|t| t.triple).collect();
                    Failure::new(format!("unknown target `{triple}`, expected one of {}", known.join(" ")))
                })?;
                options.targets.push(known);
            }
            "--key" => options.key = Some(args.next().ok_or_else(value)?.into()),
            other => return Err(Failure::new(format!("unknown flag `{other}`, expected `--target` or `--key`"))),
        }
    }
    if options.targets.is_empty() {
        options.targets = LINKED.to_vec();
    }
    Ok(options)
}

fn table(rows: &[(&str, Result<Archive>, u64)]) -> String {
    let mut text = format!("{:<28} {:>12} {:>12} {:>7}  {}\n", "target", "program", "archive", "s", "sha256");
    for (triple, made, seconds) in rows {
        let (program, archive, last) = match made {
            Ok(made) => (megabytes(made.program_bytes), megabytes(made.bytes), made.sha256.clone()),
            Err(why) => ("-".into(), "-".into(), why.to_string()),
        };
        text.push_str(&format!("{triple:<28} {program:>12} {archive:>12} {seconds:>7}  {last}\n"));
    }
    text
}

/// Returns the sizes of what was built, as the guide has them.
fn for_the_guide(rows: &[(&str, Result<Archive>, u64)]) -> String {
    let mut text = String::from("| target | program | archive |\n|---|---|---|\n");
    for (triple, made, _) in rows {
        if let Ok(made) = made {
            let (program, archive) = (megabytes(made.program_bytes), megabytes(made.bytes));
            text.push_str(&format!("| `{triple}` | {program} | {archive} |\n"));
        }
    }
    text
}

fn megabytes(bytes: u64) -> String {
    format!("{}.{:02} MB", bytes / 1_000_000, bytes % 1_000_000 / 10_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_known_by_name_and_flags_are_spelled_out() {
        let args = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
        assert_eq!(parse(&[]).unwrap().targets.len(), LINKED.len());
        let one = parse(&args(&["--target", "x86_64-pc-windows-gnu", "--key", "k"])).unwrap();
        assert_eq!((one.targets.len(), one.key), (1, Some("k".into())));
        for bad in [&["--target"][..], &["--target", "pdp11"], &["--sign"]] {
            assert!(parse(&args(bad)).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_target_that_failed_has_its_reason_in_the_table() {
        let made = Archive { path: "x".into(), program_bytes: 4_123_456, bytes: 99, sha256: "ab".into() };
        let shown = table(&[("a", Ok(made), 7), ("b", Err(Failure::new("no linker")), 0)]);
        assert!(shown.contains("4.12 MB") && shown.contains("0.00 MB") && shown.contains("no linker"), "{shown}");
        let made = Archive { path: "x".into(), program_bytes: 4_123_456, bytes: 1_999_999, sha256: "ab".into() };
        let shown = for_the_guide(&[("a", Ok(made), 7), ("b", Err(Failure::new("no linker")), 0)]);
        assert_eq!(shown.lines().last(), Some("| `a` | 4.12 MB | 1.99 MB |"));
    }
}
