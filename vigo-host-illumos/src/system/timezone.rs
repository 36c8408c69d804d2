//! The time zone: `TZ` in `/etc/default/init`, which init(8) hands to everything that it starts.

use super::file::write;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, Expect, FileKind, Op, OpOutput, Outputs};
use vigo_core::host::{Adapter, HostFacts, Interpreted, Problem};
use vigo_core::resource::timezone::{Action, Known, State, Timezone, Want};

/// The file, of which everything else stays. *Unverified*: written after init(8) and TIMEZONE(5).
pub(crate) struct DefaultInit;

impl Adapter<Timezone> for DefaultInit {
    fn probe(&self, want: &Want, _: &HostFacts) -> Vec<Op> {
        alloc::vec![Op::read_file(&file()), Op::Stat { path: zone_file(want), follow: true }]
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, _: &HostFacts) -> Interpreted<State> {
        observe(want, outputs).map_or_else(Interpreted::Unknown, Interpreted::Known)
    }

    fn lower(&self, want: &Want, state: &State, actions: &[Action], _: &HostFacts) -> Result<Vec<Op>, Problem> {
        let set = |_: &Action| {
            let old = state.settings.as_deref();
            let new = edited(old.unwrap_or_default(), &want.timezone);
            write(file(), &new, old.map_or(Expect::Missing, Expect::content))
        };
        Ok(actions.iter().filter(|a| **a == Action::SetTimezone).map(set).collect())
    }
}

fn file() -> AbsPath {
    AbsPath::known("/etc/default/init")
}

fn zone_file(want: &Want) -> AbsPath {
    AbsPath::known("/usr/share/lib/zoneinfo").join(&want.timezone)
}

fn observe(want: &Want, outputs: &Outputs) -> Result<State, String> {
    let known = match outputs.path(&zone_file(want)) {
        Some(OpOutput::Stat(meta)) if meta.kind == FileKind::File => Known::Zone,
        Some(OpOutput::Failed(failure)) => return Err(failure.message.clone()),
        _ => Known::Nothing,
    };
    let settings = match outputs.path(&file()) {
        Some(OpOutput::File { content, .. }) => Some(content.clone()),
        Some(OpOutput::Missing) => None,
        Some(OpOutput::Failed(failure)) => return Err(failure.message.clone()),
        _ => return Err(format!("expected a file at `{}`, found something else", file())),
    };
    let text = String::from_utf8_lossy(settings.as_deref().unwrap_or_default());
    // init(8) takes the last one, and UTC where there is none.
    let zone = text.lines().filter_map(value).next_back().map(Arc::from);
    let zone = zone.filter(|zone: &Arc<str>| !zone.is_empty()).unwrap_or_else(|| "UTC".into());
    Ok(State { zone: Ok(zone), named: None, known, settings })
}

fn value(line: &str) -> Option<&str> {
    let value = line.trim_start().strip_prefix("TZ=")?.trim();
    let quoted = ["\"", "'"].iter().find_map(|q| value.strip_prefix(q)?.strip_suffix(q));
    Some(quoted.unwrap_or(value))
}

/// Returns the text with the zone in the last line that sets one, or at the end; all else byte for byte.
fn edited(text: &[u8], zone: &str) -> Vec<u8> {
    let lines: Vec<&[u8]> = text.split_inclusive(|&b| b == b'\n').collect();
    let sets = |line: &&[u8]| core::str::from_utf8(line).ok().and_then(value).is_some();
    let last = lines.iter().rposition(sets);
    let mut out = Vec::with_capacity(text.len() + 64);
    for (at, line) in lines.iter().enumerate() {
        if Some(at) == last {
            out.extend_from_slice(format!("TZ={zone}").as_bytes());
            out.extend_from_slice(if line.ends_with(b"\n") { b"\n" } else { b"" });
        } else {
            out.extend_from_slice(line);
        }
    }
    if last.is_none() {
        if out.last().is_some_and(|&b| b != b'\n') {
            out.push(b'\n');
        }
        out.extend_from_slice(format!("TZ={zone}\n").as_bytes());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_line_is_edited() {
        let cases = [
            ("", "TZ=Europe/Berlin\n"),
            ("CMASK=022", "CMASK=022\nTZ=Europe/Berlin\n"),
            ("# TZ=x\nTZ=UTC\nCMASK=022\n", "# TZ=x\nTZ=Europe/Berlin\nCMASK=022\n"),
            ("TZ=a\n TZ='b'\nX=1", "TZ=a\nTZ=Europe/Berlin\nX=1"),
            ("TZ=UTC", "TZ=Europe/Berlin"),
        ];
        for (before, after) in cases {
            assert_eq!(String::from_utf8(edited(before.as_bytes(), "Europe/Berlin")).unwrap(), after, "{before}");
        }
    }

    proptest! {
        #[test]
        fn other_lines_stay(text in "((TZ=|CMASK=|#| )[ -~]{0,6}\r?\n|[^\n]{0,6}\n){0,6}[ -~]{0,4}") {
            let once = edited(text.as_bytes(), "Etc/UTC");
            prop_assert_eq!(&edited(&once, "Etc/UTC"), &once);
            let others = |bytes: &[u8]| -> Vec<Vec<u8>> {
                let sets = |l: &&[u8]| !l.is_empty() && core::str::from_utf8(l).ok().and_then(value).is_none();
                bytes.split(|&b| b == b'\n').filter(sets).map(<[u8]>::to_vec).collect()
            };
            prop_assert_eq!(others(text.as_bytes()), others(&once));
        }
    }
}
