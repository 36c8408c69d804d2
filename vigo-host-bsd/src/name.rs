//! What the names of machines have in common: hostname(1).

use crate::answer::{change, look, ran, said};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use vigo_core::action::{AbsPath, Content, Expect, Op, Outputs, Replace};
use vigo_core::host::{HostFacts, Problem};
use vigo_core::resource::hostname::{Action, State, Want};

const PROGRAM: &str = "/bin/hostname";

/// sethostname(3) takes no longer one: `MAXHOSTNAMELEN` with its zero byte.
const NAME_BYTES_MAX: usize = 255;

/// Says whether the kernel takes the name.
///
/// # Errors
/// [`Problem`] of kind `Unsupported`.
pub(crate) fn fits(want: &Want, os: &str) -> Result<(), Problem> {
    let len = want.hostname.len();
    if len <= NAME_BYTES_MAX {
        return Ok(());
    }
    Err(Problem::unsupported(format!("a hostname of {len} bytes is not supported on {os}: {NAME_BYTES_MAX} at most")))
}

/// Returns the question for the name in force; none in an image.
pub(crate) fn probe_live(facts: &HostFacts) -> Option<Op> {
    facts.image.is_none().then(ask)
}

/// Returns the name in force; `None` in an image.
///
/// # Errors
/// A fragment, when hostname(1) does not say.
pub(crate) fn live(outputs: &Outputs, facts: &HostFacts) -> Result<Option<Arc<str>>, String> {
    if facts.image.is_some() {
        return Ok(None);
    }
    match ran(outputs, &ask()).transpose()? {
        Some((ran, 0)) if !ran.truncated && ran.out().lines().count() <= 1 => Ok(Some(ran.out().trim().into())),
        Some((ran, code)) => Err(format!("hostname: exit {code}, {}", said(ran))),
        None => Err("`hostname` was not asked".into()),
    }
}

/// Returns the call that sets the name in force, where it is another one.
pub(crate) fn set_live(want: &Want, state: &State, actions: &[Action]) -> Option<Op> {
    let differs = state.now.as_ref().is_some_and(|now| *now != want.hostname);
    (differs && !actions.is_empty()).then(|| change(PROGRAM, &[&want.hostname]))
}

/// Returns the write of a file that holds the name alone.
pub(crate) fn write_name(path: AbsPath, want: &Want) -> Op {
    write(path, format!("{}\n", want.hostname).as_bytes(), Expect::Anything)
}

/// Returns the write of a small file of the system's.
pub(crate) fn write(path: AbsPath, text: &[u8], expect: Expect) -> Op {
    Op::ReplaceFile(Replace::kept(path, Content::Bytes(text.into()), expect))
}

fn ask() -> Op {
    look(PROGRAM, &[])
}
