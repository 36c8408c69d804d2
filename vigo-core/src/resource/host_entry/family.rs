//! What differs between the hosts file and what is wanted of a name.

use super::edit::{Edited, address};
use super::{Entry, edited};
use crate::action::{AbsPath, Content, Expect, Op, OpOutput, Outputs, Owner, Replace};
use crate::host::{Adapter, Comparison, Family, HostFacts, Interpreted, Phase, Problem};
use crate::resource::{
    Attr, Change, Diff, Fields, Footprint, Instance, Kind, Managed, Prepare, Refresh, Side, TypeDecl,
};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// The declaration.
pub static DECL: TypeDecl = TypeDecl {
    name: "host",
    aliases: &[],
    summary: "Manages one entry of the hosts file.",
    states: &["present", "absent"],
    attributes: &[
        Attr::new("hostname", Kind::Name, "The name; the first one on its line.").required(),
        Attr::new("ip", Kind::Name, "Its address; with `absent` the only one that it is taken from.")
            .required_in(&["present"]),
        Attr::new(
            "aliases",
            Kind::List,
            "Its other names, as a list or separated by blanks; left alone when not written.",
        )
        .no_secret(),
    ],
    refresh: Refresh::Nothing,
    batch: false,
    identity: |fields| {
        let family = match (fields.is_pending("ip"), fields.str("ip")) {
            (true, _) => return None,
            (_, Some(ip)) if ip.contains(':') => " ipv6",
            (_, Some(_)) => " ipv4",
            (_, None) => "",
        };
        Some(format!("{}{family}", fields.str("hostname")?.to_ascii_lowercase()).into())
    },
    footprint: |_| Footprint { paths: alloc::vec![AbsPath::known("/etc/hosts")], ..Footprint::default() },
    check,
    prepare,
};

fn aliases(fields: &Fields) -> Option<Vec<Arc<str>>> {
    let items = fields.words("aliases")?;
    Some(items.iter().flat_map(|item| item.split_whitespace()).map(Arc::from).collect())
}

fn check(fields: &Fields) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut name = |attribute: &str, name: &str| {
        let label = |l: &str| {
            !l.is_empty() && l.len() <= 63 && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        if name.len() > 253 || !name.trim_end_matches('.').split('.').all(label) || name.starts_with('-') {
            let seen = name.escape_debug();
            problems.push(Problem::bad_value(attribute, format!("expected a host name, found `{seen}`")));
        }
    };
    if let Some(hostname) = fields.str("hostname") {
        name("hostname", &hostname);
    }
    aliases(fields).unwrap_or_default().iter().for_each(|alias| name("aliases", alias));
    if let Some(ip) = fields.str("ip")
        && address(&ip).is_none()
    {
        problems.push(Problem::bad_value("ip", format!("expected an IPv4 or IPv6 address, found `{ip}`")));
    }
    problems
}

fn prepare(fields: &Fields, with: &Prepare<'_>) -> Result<Box<dyn Instance>, Problem> {
    let entry = Entry {
        hostname: fields.str("hostname").unwrap_or_default(),
        ip: fields.str("ip"),
        aliases: aliases(fields),
        present: fields.state() == "present",
    };
    let path = match with.host.name() {
        "illumos" => "/etc/inet/hosts",
        "windows" => "C:\\Windows\\System32\\drivers\\etc\\hosts",
        _ => "/etc/hosts",
    };
    Ok(Managed::<HostEntry>::boxed(Want { entry, path: AbsPath::known(path) }, &Native))
}

/// The family.
pub struct HostEntry;

/// What is wanted.
#[derive(Clone, Debug)]
pub struct Want {
    /// The entry.
    pub entry: Entry,
    /// The hosts file.
    pub path: AbsPath,
}

/// What is there: the file's text; `None` when there is no file.
#[derive(Clone, Debug)]
pub struct State(pub Option<Arc<[u8]>>);

/// What is done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// Writes the file.
    WriteFile(Arc<[u8]>),
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("write file")
    }
}

impl Family for HostEntry {
    const TYPE: &'static str = "host";
    type Want = Want;
    type State = State;
    type Action = Action;

    fn compare(want: &Want, state: &State, _: Phase) -> Comparison<Action> {
        let mut c = Comparison::in_sync();
        let Want { entry, path } = want;
        let old = state.0.clone().unwrap_or_default();
        let Edited { text, addresses, aliases, also } = edited(&old, entry);
        if let Some(other) = also.first() {
            c.notes.push(format!("the line of `{other}` names `{}` too, as an alias", entry.hostname));
        }
        if text == *old {
            return c;
        }
        let before = if addresses.is_empty() { "absent".into() } else { addresses.join(", ") };
        let wanted = entry.ip.as_deref().unwrap_or_default();
        if !entry.present || before != wanted {
            c.change(Change::new("ip", before, if entry.present { wanted } else { "absent" }));
        }
        let shown = |names: &[String]| names.join(", ");
        if let Some(names) = entry.aliases.as_ref().filter(|_| entry.present) {
            let mut names: Vec<String> = names.iter().map(|n| n.to_string()).collect();
            let mut old = aliases;
            names.sort_unstable();
            old.sort_unstable();
            if names != old {
                c.change(Change::new("aliases", shown(&old), shown(&names)));
            }
        }
        let new: Arc<[u8]> = text.into();
        c.diff = Some(Diff::new(path.shared(), state.0.clone(), Side::Bytes(new.clone())));
        c.act(Action::WriteFile(new));
        c
    }

    fn predict(_: &Want, _: &State) -> Option<State> {
        None
    }
}

/// Entries by file operations, the same on every system.
pub struct Native;

impl Adapter<HostEntry> for Native {
    fn probe(&self, want: &Want, _: &HostFacts) -> Vec<Op> {
        alloc::vec![Op::read_file(&want.path)]
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, _: &HostFacts) -> Interpreted<State> {
        match outputs.path(&want.path) {
            Some(OpOutput::File { content, .. }) => Interpreted::Known(State(Some(content.clone()))),
            Some(OpOutput::Missing) => Interpreted::Known(State(None)),
            Some(OpOutput::Failed(failure)) => Interpreted::Unknown(failure.message.clone()),
            _ => Interpreted::Unknown(format!("expected a file at `{}`, found something else", want.path)),
        }
    }

    fn lower(&self, want: &Want, state: &State, actions: &[Action], _: &HostFacts) -> Result<Vec<Op>, Problem> {
        let op = |Action::WriteFile(text): &Action| {
            Op::ReplaceFile(Replace {
                path: want.path.clone(),
                content: Content::Bytes(text.clone()),
                mode: None,
                owner: Owner::default(),
                context: None,
                expect: state.0.as_ref().map_or(Expect::Missing, |old| Expect::content(old)),
                validate: None,
                backup: None,
                follow: true,
                parents: false,
            })
        };
        Ok(actions.iter().map(op).collect())
    }
}
