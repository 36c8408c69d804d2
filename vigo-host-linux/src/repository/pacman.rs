//! Sections of `/etc/pacman.conf`.

use crate::package::classify_pacman;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, Command, Ran};
use vigo_core::host::{HostFacts, Problem};
use vigo_core::resource::repository::{By, KeyForm, KeySource, Layout, Want, unsupported};

/// Arch.
pub(crate) struct Pacman;

pub(super) static PACMAN: By<Pacman> = By(Pacman);

impl Layout for Pacman {
    const NAME: &'static str = "pacman";
    const KEY: KeyForm = KeyForm::Raw;

    fn check(&self, want: &Want) -> Result<(), Problem> {
        if want.priority.is_some() {
            return Err(unsupported("priority", Self::NAME));
        }
        if !matches!(want.key, None | Some(KeySource::Id(_))) {
            return Err(Problem::bad_value(
                "key_url",
                "expected the fingerprint of the key for pacman-key, found a place",
            ));
        }
        if matches!(&*want.id, "options" | "local") {
            return Err(Problem::bad_value(
                "repository",
                format!("expected the name of a source, found `{}`", want.id),
            ));
        }
        if want.repo.as_str().trim().contains(|c: char| c.is_whitespace()) {
            return Err(Problem::bad_value("repo", "expected one URL, found several words"));
        }
        Ok(())
    }

    fn source(&self, _: &Want) -> AbsPath {
        AbsPath::known("/etc/pacman.conf")
    }

    fn key(&self, _: &Want) -> Option<AbsPath> {
        None
    }

    fn write(&self, want: &Want, found: Option<&str>) -> Option<String> {
        let off = if want.enabled { "" } else { "#" };
        let level = if want.gpgcheck { "" } else { "SigLevel = Never\n" };
        let level = if level.is_empty() { String::new() } else { format!("{off}{level}") };
        let section = format!("{off}[{}]\n{level}{off}Server = {}\n", want.id, want.repo.as_str().trim());
        if found.is_none() && !want.present {
            return None;
        }
        Some(with_section(found.unwrap_or(""), &want.id, want.present.then_some(&section)))
    }

    fn refresh(&self, want: &Want, facts: &HostFacts) -> Vec<Command> {
        let arc = |text: &str| Arc::<str>::from(text);
        let root = facts.image.as_ref().map(|image| [arc("--root"), image.shared()]).into_iter().flatten();
        let keyring = facts.image.as_ref().map(|image| [arc("--gpgdir"), format!("{image}/etc/pacman.d/gnupg").into()]);
        let mut all = Vec::new();
        if let Some(KeySource::Id(id)) = &want.key {
            for verb in ["--recv-keys", "--lsign-key"] {
                let args = keyring.iter().flatten().cloned().chain([arc(verb), id.clone()]);
                all.push(Command::change("/usr/bin/pacman-key", args));
            }
        }
        let args = [arc("--noconfirm")].into_iter().chain(root).chain(["-Sy", "--noprogressbar"].map(arc));
        all.push(Command::change("/usr/bin/pacman", args));
        all
    }

    fn classify(&self, ran: &Ran) -> Option<Problem> {
        classify_pacman(ran)
    }
}

/// Returns `text` with `section` in the place of the one of that name (or at its end), or without it. A section that is
/// switched off by `#` counts as one.
fn with_section(text: &str, name: &str, section: Option<&String>) -> String {
    let on = format!("[{name}]");
    let off = format!("#[{name}]");
    let head = |line: &str| line.trim() == on || line.trim() == off;
    let mut out = String::with_capacity(text.len() + 100);
    let mut place = None;
    let mut lines = text.split_inclusive('\n').peekable();
    while let Some(line) = lines.next() {
        if !head(line) {
            out.push_str(line);
            continue;
        }
        place = place.or(Some(out.len()));
        // What belongs to it: its keys, on or off, up to the next heading or an empty line.
        let is_off = line.trim() == off;
        while let Some(next) = lines.peek() {
            let t = next.trim();
            let is_key = t.trim_start_matches('#').contains('=') && !t.starts_with('[') && !t.starts_with("#[");
            if !is_key || is_off != t.starts_with('#') {
                break;
            }
            lines.next();
        }
    }
    // Where more keys follow they are those of a section before, and ours may not come between.
    let place = place.filter(|at| {
        let after = out[*at..].lines().map(str::trim).find(|l| !l.is_empty() && !l.starts_with('#'));
        after.is_none_or(|l| l.starts_with('['))
    });
    match (section, place) {
        (Some(section), Some(at)) => out.insert_str(at, section),
        (Some(section), None) => {
            if !out.is_empty() && !out.ends_with('\n') {
                out.push('\n');
            }
            if !out.is_empty() && !out.ends_with("\n\n") {
                out.push('\n');
            }
            out.push_str(section);
        }
        // The empty line before it goes with it.
        (None, Some(at)) if out[..at].ends_with("\n\n") && out[at..].starts_with('\n') => {
            out.remove(at);
        }
        (None, Some(at)) if at == out.len() && out.ends_with("\n\n") => {
            out.pop();
        }
        (None, _) => {}
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sections_are_put_in_place() {
        let core = "[options]\nA = 1\n\n[core]\nInclude = x\n";
        let x = String::from("[x]\nServer = u\n");
        let off = String::from("#[x]\n#Server = u\n");
        let cases = [
            ("added", core.into(), Some(&x), format!("{core}\n{x}")),
            ("there", format!("{core}\n{x}"), Some(&x), format!("{core}\n{x}")),
            ("changed", format!("[x]\nServer = old\nSigLevel = Never\n\n{core}"), Some(&x), format!("{x}\n{core}")),
            ("off", format!("{core}\n{x}"), Some(&off), format!("{core}\n{off}")),
            ("on again", format!("{core}\n{off}"), Some(&x), format!("{core}\n{x}")),
            ("removed", format!("{core}\n{x}"), None, core.into()),
            ("was not there", core.into(), None, core.into()),
            ("comment stays", format!("{x}# Server is what\n{core}"), Some(&x), format!("{x}# Server is what\n{core}")),
            ("no line end", "[core]\nA = 1".into(), Some(&x), format!("[core]\nA = 1\n\n{x}")),
        ];
        for (name, text, section, expected) in cases {
            assert_eq!(with_section(&text, "x", section), expected, "{name}");
        }
    }

    proptest! {
        #[test]
        fn writing_again_changes_nothing(text in "(\\[x\\]\n|#\\[x\\]\n|\\[core\\]\n|Server = a\n|#Server = a\n|# note\n|\n){0,10}") {
            let x = String::from("[x]\nServer = u\n");
            for section in [Some(&x), None] {
                let once = with_section(&text, "x", section);
                prop_assert_eq!(with_section(&once, "x", section), once.clone());
                prop_assert_eq!(once.contains("[x]"), section.is_some());
            }
        }
    }
}
