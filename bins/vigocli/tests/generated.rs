//! Completions and man pages: made of the command line itself.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::fs;
use std::process::{Command, Output};

fn vigocli(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_vigocli")).args(args).output().unwrap()
}

#[test]
fn every_shell_completes_every_verb() {
    for (shell, sign) in [
        ("bash", "complete -F"),
        ("zsh", "#compdef vigocli"),
        ("fish", "complete -c vigocli"),
        ("powershell", "Register-ArgumentCompleter"),
        ("elvish", "edit:completion:arg-completer"),
    ] {
        let output = vigocli(&["completions", shell]);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && text.contains(sign), "{shell}");
        for verb in ["config", "envoys", "validate", "completions", "--stacks"] {
            // Fish writes its long options without the dashes.
            assert!(text.contains(verb.trim_start_matches("--")), "{shell} does not know `{verb}`");
        }
    }
    let output = vigocli(&["completions", "bsh"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn bash_takes_its_completions() {
    let script = vigocli(&["completions", "bash"]).stdout;
    let path = std::env::temp_dir().join(format!("vigocli-completions-{}", std::process::id()));
    fs::write(&path, script).unwrap();
    let checked = Command::new("bash").arg("-n").arg(&path).output();
    fs::remove_file(&path).unwrap();
    // A machine without bash has nobody to complete for.
    if let Ok(output) = checked {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn every_verb_has_a_page() {
    let first = String::from_utf8(vigocli(&["man"]).stdout).unwrap();
    assert!(first.contains(".TH vigocli 1") && first.contains("SUBCOMMANDS"), "{first}");
    let dir = std::env::temp_dir().join(format!("vigocli-man-{}", std::process::id()));
    let _ = fs::remove_dir_all(&dir);
    let output = vigocli(&["man", dir.to_str().unwrap()]);
    let pages: Vec<String> =
        fs::read_dir(&dir).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
    let page = fs::read_to_string(dir.join("vigocli-config-validate.1")).unwrap();
    fs::remove_dir_all(&dir).unwrap();
    assert!(output.status.success());
    for name in ["vigocli.1", "vigocli-config.1", "vigocli-config-validate.1", "vigocli-envoys.1"] {
        assert!(pages.iter().any(|p| p == name), "{name} is not among {pages:?}");
    }
    assert!(page.contains("deny\\-warnings"), "{page}");
}
