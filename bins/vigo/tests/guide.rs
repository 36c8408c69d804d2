//! The guide, followed to the letter: its files are written, its commands are run, and what they print is what it shows.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use clap::CommandFactory;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use vigo_agent::cli::Cli;

/// Where the reader of the guide works.
const HOME: &str = "/home/ada";

#[test]
fn the_first_hour_happens_as_it_is_told() {
    follow("first-hour");
}

#[test]
fn the_examples_of_the_commands_are_real() {
    follow("commands");
}

#[test]
fn every_verb_and_flag_is_in_the_reference() {
    let page = page("commands");
    let section = |verb: &str| {
        let (_, rest) = page.split_once(&format!("\n## `vigo {verb}`\n")).unwrap_or_else(|| panic!("no `{verb}`"));
        rest.split("\n## ").next().unwrap_or_default().to_owned()
    };
    let cli = Cli::command();
    let verbs: Vec<_> = cli.get_subcommands().filter(|verb| verb.get_name() != "help").collect();
    assert_eq!(page.matches("\n## `vigo ").count(), verbs.len(), "a verb that there is not");
    for verb in verbs {
        let name = verb.get_name();
        // A plan has the flags of a run.
        let text = if name == "plan" { section("plan") + &section("apply") } else { section(name) };
        let flags: Vec<_> = verb.get_arguments().filter(|flag| flag.get_id() != "help").collect();
        for flag in &flags {
            let values = flag.get_value_names().filter(|_| flag.get_action().takes_values()).unwrap_or_default();
            let value = values.first().map(|value| value.to_string()).unwrap_or_default();
            let cell = match flag.get_long() {
                Some(long) => format!("--{long} {value}"),
                None => value,
            };
            let default = flag.get_default_values().first().filter(|_| flag.get_action().takes_values());
            let default = default.map(|value| format!("`{}`", value.to_string_lossy())).unwrap_or_default();
            let row = format!("| `{}` | {default}", cell.trim());
            assert!(text.lines().any(|line| line.starts_with(row.trim_end())), "`vigo {name}`: no row `{row}`");
        }
        if name != "plan" {
            assert_eq!(text.matches("\n| `").count(), flags.len(), "`vigo {name}`: a flag that there is not");
        }
    }
}

fn page(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../docs/src/{name}.md"));
    fs::read_to_string(path).unwrap()
}

/// A directory that stands for the reader's home, and where in it the reader is.
struct Reader {
    home: PathBuf,
    at: PathBuf,
    status: i32,
}

impl Reader {
    fn new(name: &str) -> Self {
        let home = std::env::temp_dir().join(format!("vigo-guide-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&home);
        fs::create_dir_all(&home).unwrap();
        let home = home.canonicalize().unwrap();
        Self { at: home.clone(), home, status: 0 }
    }

    /// Types a command, and returns what is on the screen.
    fn types(&mut self, command: &str) -> String {
        let after = self.home.join(".after");
        let script = format!("exec 2>&1\n(exit {})\n{command}\necho \"$? $PWD\" >{}\n", self.status, after.display());
        let program = Path::new(env!("CARGO_BIN_EXE_vigo")).parent().unwrap().display();
        let path = format!("{program}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin");
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", &script]).current_dir(&self.at).env_clear().env("PATH", path).env("LC_ALL", "C");
        let output = shell.output().unwrap();
        let left = fs::read_to_string(&after).unwrap();
        let (status, at) = left.trim_end().split_once(' ').unwrap();
        (self.status, self.at) = (status.parse().unwrap(), at.into());
        let home = self.home.to_str().unwrap();
        String::from_utf8(output.stdout).unwrap().lines().map(|line| plain(line, home)).collect()
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.home);
    }
}

/// Writes and runs what a page says, in its order, and compares what it shows.
fn follow(name: &str) {
    if !rustix::process::geteuid().is_root() {
        eprintln!("left out: the commands of an image are run as root");
        return;
    }
    let page = page(name);
    let mut reader = Reader::new(name);
    let mut shown = 0;
    for (info, text) in fences(&page) {
        if let Some(path) = text.strip_prefix("# stacks/").and_then(|rest| rest.lines().next()) {
            let path = reader.at.join("stacks").join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, &text).unwrap();
        } else if info == "sh" && !text.contains("cargo build") {
            let output = reader.types(&text);
            assert_eq!((reader.status, &*output), (0, ""), "{name}: {text}");
        } else if info == "console" {
            for step in format!("\n{text}").split("\n$ ").skip(1) {
                let (command, expected) = step.split_once('\n').unwrap_or((step, ""));
                let expected: String = expected.lines().map(|line| plain(line, HOME)).collect();
                let seen = reader.types(command);
                assert!(agrees(&seen, &expected), "{name}: $ {command}\nshown:\n{expected}\nseen:\n{seen}");
                shown += 1;
            }
        }
    }
    assert!(shown >= 8, "{name}: {shown} commands; it had more");
}

/// Returns the fenced blocks of a page, each with what it says it is.
fn fences(page: &str) -> Vec<(String, String)> {
    let (mut found, mut open) = (Vec::new(), None::<(String, String)>);
    for line in page.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(info)) => open = Some((info.to_owned(), String::new())),
            (Some(_), Some(_)) => found.extend(open.take()),
            (Some((_, text)), None) => text.extend([line, "\n"]),
            (None, None) => {}
        }
    }
    found
}

/// Returns a line without what differs from run to run: the reader's home, and how long something took.
fn plain(line: &str, home: &str) -> String {
    let mut line = line.replace(home, "~");
    if let Some((what, rest)) = line.rsplit_once(" in ")
        && rest.strip_suffix(" s").is_some_and(|took| took.parse::<f64>().is_ok())
    {
        line = format!("{what} in … s");
    } else if let Some((key, _)) = line.split_once("\"duration_ms\": ") {
        line = format!("{key}\"duration_ms\": …");
    }
    line + "\n"
}

/// Compares line by line; a shown line of `…` stands for any lines.
fn agrees(seen: &str, expected: &str) -> bool {
    let seen: Vec<&str> = seen.lines().collect();
    let expected: Vec<&str> = expected.lines().collect();
    let mut left = &seen[..];
    let mut parts = expected.split(|line| line.trim() == "…");
    let first = parts.next().unwrap_or_default();
    let Some(rest) = left.strip_prefix(first) else { return false };
    left = rest;
    let parts: Vec<&[&str]> = parts.collect();
    for (i, part) in parts.iter().enumerate() {
        let is_last = i + 1 == parts.len();
        let found = if is_last { left.len().checked_sub(part.len()) } else { position(left, part) };
        match found {
            Some(at) if left[at..].starts_with(part) => left = &left[at + part.len()..],
            _ => return false,
        }
    }
    left.is_empty()
}

fn position(lines: &[&str], part: &[&str]) -> Option<usize> {
    (0..=lines.len()).find(|at| lines[*at..].starts_with(part))
}

#[test]
fn a_page_that_tells_something_else_is_found() {
    let cases = [
        ("a\nb\n", "a\nb\n", true),
        ("a\nb\n", "a\n", false),
        ("a\nb\n", "a\nc\n", false),
        ("a\nb\nc\n", "a\n…\nc\n", true),
        ("a\nb\nc\n", "…\nb\n…\n", true),
        ("a\nb\nc\n", "…\nx\n…\n", false),
        ("a\nb\nc\n", "a\n  …\n", true),
        ("a\nb\nc\n", "b\n…\n", false),
        ("a\nb\nc\n", "a\n…\nb\n", false),
        ("", "", true),
        ("a\n", "", false),
    ];
    for (seen, expected, same) in cases {
        assert_eq!(agrees(seen, expected), same, "{seen:?} {expected:?}");
    }
    assert_eq!(plain("Drift: 0 ok in 0.01 s", HOME), plain("Drift: 0 ok in 12.50 s", "/tmp/x"));
    assert_eq!(plain("  \"duration_ms\": 5,", HOME), plain("  \"duration_ms\": 0", HOME));
    assert_eq!(plain("/tmp/x/tutorial", "/tmp/x"), plain("/home/ada/tutorial", HOME));
    assert_ne!(plain("a in b s", HOME), plain("a in c s", HOME));
}
