//! `timezone`: the machine's time zone.

use super::{Attr, Change, Fields, Footprint, Instance, Keep, Kind, Managed, Prepare, Refresh, TypeDecl};
use crate::action::AbsPath;
use crate::host::{Comparison, Family, Phase, Problem};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::ToString;
use alloc::sync::Arc;
use core::fmt;

/// The declaration.
pub static DECL: TypeDecl = TypeDecl {
    name: "timezone",
    aliases: &["timezone_windows"],
    summary: "Sets the machine's time zone.",
    states: &[],
    attributes: &[Attr::new("timezone", Kind::Name, "IANA name, such as `Europe/Berlin` or `UTC`.").required()],
    refresh: Refresh::Nothing,
    batch: false,
    identity: |_| Some("timezone".into()),
    footprint: |_| Footprint {
        paths: alloc::vec![AbsPath::known("/etc/localtime"), AbsPath::known("/etc/timezone")],
        ..Footprint::default()
    },
    check: |fields| fields.str("timezone").and_then(|zone| check_zone(&zone)).into_iter().collect(),
    prepare,
};

fn check_zone(zone: &str) -> Option<Problem> {
    let part = |p: &str| {
        !p.is_empty() && !p.starts_with('.') && p.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+-.".contains(&b))
    };
    let bad = zone.len() > 64 || !zone.split('/').all(part);
    bad.then(|| {
        let seen = zone.escape_debug();
        Problem::bad_value("timezone", format!("expected an IANA time zone such as `Europe/Berlin`, found `{seen}`"))
    })
}

fn prepare(fields: &Fields, with: &Prepare<'_>) -> Result<Box<dyn Instance>, Problem> {
    let want = Want { timezone: fields.str("timezone").unwrap_or_default() };
    Ok(Managed::<Timezone>::boxed(want, with.host.timezone(with.facts)?))
}

/// The family.
pub struct Timezone;

/// What is wanted.
#[derive(Clone, Debug)]
pub struct Want {
    /// IANA name.
    pub timezone: Arc<str>,
}

/// What is there.
#[derive(Clone, Debug)]
pub struct State {
    /// The zone in force; the error says what is there instead of one.
    pub zone: Result<Arc<str>, Arc<str>>,
    /// A second file that holds the name as text, and what it says, where the system has one.
    pub named: Option<(AbsPath, Arc<str>)>,
    /// Whether the machine knows the wanted zone.
    pub known: Known,
    /// The text of the file that names the zone among other settings, where there is such a file.
    pub settings: Option<Arc<[u8]>>,
}

/// Whether a machine knows a time zone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Known {
    /// It does.
    Zone,
    /// It does not.
    Nothing,
}

/// What is done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// Sets the zone.
    SetTimezone,
    /// Writes the name into the second file.
    WriteName,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SetTimezone => "set timezone",
            Self::WriteName => "write the name of the timezone",
        })
    }
}

impl Family for Timezone {
    const TYPE: &'static str = "timezone";
    type Want = Want;
    type State = State;
    type Action = Action;

    fn compare(want: &Want, state: &State, _: Phase) -> Comparison<Action> {
        let mut c = Comparison::in_sync();
        let wanted = &want.timezone;
        if state.known == Known::Nothing {
            let problem = Problem::failed(format!("time zone `{wanted}` does not exist on this machine"));
            return Comparison::fail(problem.help("install the time zone data (`tzdata`), or correct the name"));
        }
        if state.zone.as_ref() != Ok(wanted) {
            let before = match &state.zone {
                Ok(zone) | Err(zone) => &**zone,
            };
            c.change(Change::new("timezone", before, &**wanted));
            c.act(Action::SetTimezone);
        }
        if let Some((path, named)) = state.named.as_ref().filter(|(_, named)| named != wanted) {
            c.change(Change::new(path.to_string(), &**named, &**wanted));
            c.act(Action::WriteName);
        }
        c
    }

    fn keep(_: &Want, state: &State) -> Option<Keep> {
        Some(Keep::Value("timezone", state.zone.clone().ok()?))
    }

    fn predict(want: &Want, state: &State) -> Option<State> {
        let zone = want.timezone.clone();
        let named = state.named.as_ref().map(|(path, _)| (path.clone(), zone.clone()));
        Some(State { named, zone: Ok(zone), ..state.clone() })
    }
}
