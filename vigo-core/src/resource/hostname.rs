//! `hostname`: the machine's name.

use super::user::FileAt;
use super::{Attr, Change, Fields, Footprint, Instance, Keep, Kind, Managed, Prepare, Refresh, TypeDecl};
use crate::action::AbsPath;
use crate::host::{Comparison, Family, Phase, Problem};
use alloc::boxed::Box;
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// The declaration.
pub static DECL: TypeDecl = TypeDecl {
    name: "hostname",
    aliases: &["hostname_windows"],
    summary: "Sets the machine's name, now and at boot.",
    states: &[],
    attributes: &[Attr::new("hostname", Kind::Name, "The name, short or with its domain.").required()],
    refresh: Refresh::Nothing,
    batch: false,
    identity: |_| Some("hostname".into()),
    footprint: |_| Footprint { paths: alloc::vec![AbsPath::known("/etc/hostname")], ..Footprint::default() },
    check: |fields| fields.str("hostname").and_then(|name| check_name(&name)).into_iter().collect(),
    prepare,
};

fn check_name(name: &str) -> Option<Problem> {
    let edge = |l: &str| l.starts_with('-') || l.ends_with('-');
    let label =
        |l: &str| (1..=63).contains(&l.len()) && !edge(l) && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let bad = name.len() > 253 || !name.split('.').all(label);
    bad.then(|| {
        let expected = "expected labels of letters, digits and `-`, joined by dots, at most 253 bytes";
        Problem::bad_value("hostname", format!("{expected}, found `{}`", name.escape_debug()))
    })
}

fn prepare(fields: &Fields, with: &Prepare<'_>) -> Result<Box<dyn Instance>, Problem> {
    let written = fields.str("hostname").unwrap_or_default();
    let want = Want { hostname: written.to_ascii_lowercase().into() };
    Ok(Managed::<Hostname>::boxed(want, with.host.hostname(with.facts)?))
}

/// The family.
pub struct Hostname;

/// What is wanted.
#[derive(Clone, Debug)]
pub struct Want {
    /// The name, lower-case.
    pub hostname: Arc<str>,
}

/// What is there.
#[derive(Clone, Debug)]
pub struct State {
    /// The name that the machine gets at boot; `None` when none is set.
    pub at_boot: Option<Arc<str>>,
    /// The name that it has; `None` where nothing runs (an image).
    pub now: Option<Arc<str>>,
    /// The file that sets it at boot, where other settings stand in it too.
    pub file: Option<FileAt>,
}

/// What is done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// Sets the name.
    SetHostname,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("set hostname")
    }
}

impl Family for Hostname {
    const TYPE: &'static str = "hostname";
    type Want = Want;
    type State = State;
    type Action = Action;

    fn compare(want: &Want, state: &State, _: Phase) -> Comparison<Action> {
        let mut c = Comparison::in_sync();
        let name = &want.hostname;
        if state.at_boot.as_ref() != Some(name) {
            c.change(Change::new("hostname at boot", state.at_boot.as_deref().unwrap_or("none"), &**name));
        }
        if let Some(now) = state.now.as_ref().filter(|now| *now != name) {
            c.change(Change::new("hostname", &**now, &**name));
        }
        if !c.changes.is_empty() {
            c.notes.push("the envoy keeps the name that it is enrolled under".into());
            if state.now.is_none() {
                c.notes.push("the name is taken when the machine starts again".into());
            }
            c.act(Action::SetHostname);
        }
        c
    }

    fn keep(_: &Want, state: &State) -> Option<Keep> {
        Some(Keep::Value("hostname", state.at_boot.clone()?))
    }

    fn predict(want: &Want, state: &State) -> Option<State> {
        let name = Some(want.hostname.clone());
        Some(State { at_boot: name.clone(), now: state.now.as_ref().and(name), file: state.file.clone() })
    }
}

/// Returns the name in the text of `/etc/hostname`, hostname(5): the first line that is no comment.
pub fn name_in(text: &[u8]) -> Option<Arc<str>> {
    let text = alloc::string::String::from_utf8_lossy(text);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')).collect();
    lines.first().map(|name| Arc::from(*name))
}
