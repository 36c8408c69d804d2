//! Replays every committed input of every fuzz target.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

#[test]
fn every_committed_input_keeps_the_promises() {
    for (name, target) in vigo_fuzz::TARGETS {
        let folder = corpus().join(name);
        let mut inputs: Vec<PathBuf> = fs::read_dir(&folder)
            .unwrap_or_else(|e| panic!("target `{name}` has no corpus at {}: {e}", folder.display()))
            .map(|entry| entry.expect("a readable folder").path())
            .collect();
        inputs.sort();
        assert!(!inputs.is_empty(), "the corpus of `{name}` is empty");
        for input in inputs {
            let data = fs::read(&input).expect("a readable input");
            let kept = catch_unwind(AssertUnwindSafe(|| target(&data)));
            assert!(kept.is_ok(), "target `{name}` fails on {}", input.display());
        }
    }
}

#[test]
fn every_corpus_and_every_program_has_its_target() {
    let names: Vec<&str> = vigo_fuzz::TARGETS.iter().map(|(name, _)| *name).collect();
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).expect("the manifest");
    let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz_targets");
    for folder in [corpus(), programs.clone()] {
        for entry in fs::read_dir(&folder).expect("a readable folder") {
            let path = entry.expect("a readable entry").path();
            let stem = path.file_stem().and_then(|s| s.to_str()).unwrap_or_default().to_owned();
            assert!(names.contains(&stem.as_str()), "{} belongs to no target", path.display());
        }
    }
    for name in names {
        assert!(programs.join(format!("{name}.rs")).is_file(), "target `{name}` has no program");
        assert!(manifest.contains(&format!("name = \"{name}\"")), "target `{name}` has no [[bin]]");
    }
}
