//! Publishers: `pkg publisher`, `pkg set-publisher`, `pkg unset-publisher`.

use super::ips::{PKG, args, classify};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, Command, Content, Op, OpOutput, Outputs, Ran};
use vigo_core::host::{Adapter, Family, HostFacts, Interpreted, Problem};
use vigo_core::resource::repository::{Action, FileState, Repository, State, Want};

/// A source is a publisher, its text the origins: URLs, apart by blanks. *Unverified*: written after the manual page.
pub(crate) struct Publishers;

impl Adapter<Repository> for Publishers {
    fn check(&self, want: &Want, _: &HostFacts) -> Result<(), Problem> {
        let attribute = match want {
            w if !w.present => None,
            w if w.key.is_some() => Some("key_url"),
            w if !w.fingerprints.is_empty() => Some("key_fingerprint"),
            w if !w.gpgcheck => Some("gpgcheck"),
            w if w.priority.is_some() => Some("priority"),
            _ => None,
        };
        if let Some(attribute) = attribute {
            let message = format!("attribute `{attribute}` of type `repository` is not supported by ips on illumos");
            return Err(Problem { attribute: Some(attribute.into()), ..Problem::unsupported(message) });
        }
        if want.repo.secret_path().is_some() {
            let message = "attribute `repo` of type `repository` with a secret is not supported by ips on illumos";
            return Err(Problem::unsupported(message).help("give the publisher a key and certificate by hand"));
        }
        match origins(want).iter().find(|o| o.starts_with('-') || !o.contains(':') && !o.starts_with('/')) {
            Some(bad) => {
                let message = format!("expected the URLs of a publisher's origins, found `{}`", bad.escape_debug());
                Err(Problem::bad_value("repo", message))
            }
            None => Ok(()),
        }
    }

    fn probe(&self, _: &Want, facts: &HostFacts) -> Vec<Op> {
        alloc::vec![list(facts)]
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, facts: &HostFacts) -> Interpreted<State> {
        observe(want, outputs, facts).map_or_else(Interpreted::Unknown, Interpreted::Known)
    }

    fn lower(&self, want: &Want, _: &State, actions: &[Action], facts: &HostFacts) -> Result<Vec<Op>, Problem> {
        let run = |words: Vec<String>| {
            let command = Command::change(PKG, args(facts, words.iter().map(|w| &**w)));
            Op::Run(command.timeout(Repository::TIMEOUT))
        };
        let mut ops = Vec::new();
        for action in actions {
            match action {
                Action::Write { .. } => {
                    let mut words = alloc::vec!["set-publisher".to_string()];
                    words.push(if want.enabled { "--enable" } else { "--disable" }.into());
                    words.push("--remove-origin=*".into());
                    words.extend(origins(want).iter().map(|origin| format!("--add-origin={origin}")));
                    words.push(want.id.to_string());
                    ops.push(run(words));
                }
                Action::Remove { .. } => ops.push(run(alloc::vec!["unset-publisher".into(), want.id.to_string()])),
                Action::RefreshIndex => ops.push(run(alloc::vec!["refresh".into(), want.id.to_string()])),
            }
        }
        Ok(ops)
    }

    fn classify(&self, _: &Want, _: &Op, ran: &Ran) -> Option<Problem> {
        classify(ran)
    }
}

fn list(facts: &HostFacts) -> Op {
    Op::Run(Command::read(PKG, args(facts, ["publisher", "-F", "tsv"])))
}

fn origins(want: &Want) -> Vec<&str> {
    want.repo.as_str().split_whitespace().collect()
}

/// What stands for a publisher in reports: a line for each origin, and whether it is in use.
fn text<'a>(origins: impl IntoIterator<Item = &'a str>, enabled: bool) -> String {
    let mut all: Vec<&str> = origins.into_iter().map(|o| o.trim_end_matches('/')).collect();
    all.sort_unstable();
    all.dedup();
    let off = if enabled { "" } else { "disabled\n" };
    all.iter().fold(String::from(off), |text, origin| text + origin + "\n")
}

fn observe(want: &Want, outputs: &Outputs, facts: &HostFacts) -> Result<State, String> {
    let op = list(facts);
    let ran = match outputs.get(&op) {
        Some(OpOutput::Ran(ran)) if ran.success() && !ran.truncated => ran,
        Some(OpOutput::Ran(ran)) => return Err(format!("`{op}` ended with {}: {}", ran.exit, ran.err().trim())),
        Some(OpOutput::Failed(failure)) => return Err(failure.message.clone()),
        _ => return Err(format!("`{op}` was not run")),
    };
    let bytes = |text: String| -> Arc<[u8]> { text.as_bytes().into() };
    let found = publisher(&ran.out(), &want.id)?.map(bytes);
    let wanted = want.present.then(|| Content::Bytes(bytes(text(origins(want), want.enabled))));
    // Where pkg keeps what it knows of a publisher: it names the thing in reports.
    let path = AbsPath::known("/var/pkg/publisher").join(&want.id);
    Ok(State { files: alloc::vec![FileState { field: "publisher", path, found, wanted }], ..State::default() })
}

/// Reads the table: the first line names the columns, of which some are of some releases only.
fn publisher(out: &str, id: &str) -> Result<Option<String>, String> {
    let mut lines = out.lines().skip_while(|l| !l.starts_with("PUBLISHER\t"));
    let head: Vec<&str> =
        lines.next().ok_or("expected the columns of `pkg publisher`, found none")?.split('\t').collect();
    let column = |name: &str| {
        let at = head.iter().position(|h| h.eq_ignore_ascii_case(name));
        at.ok_or_else(|| format!("expected a column `{name}` of `pkg publisher`, found none"))
    };
    let (name, enabled, kind, uri) = (column("PUBLISHER")?, column("ENABLED")?, column("TYPE")?, column("URI")?);
    let (mut origins, mut state) = (Vec::new(), None);
    for line in lines {
        let fields: Vec<&str> = line.split('\t').collect();
        let field = |at: usize| fields.get(at).copied().unwrap_or_default().trim();
        if field(name) != id {
            continue;
        }
        state = match field(enabled) {
            "true" => Some(true),
            "false" => Some(false),
            other => return Err(format!("expected true or false of publisher `{id}`, found `{other}`")),
        };
        if field(kind) == "origin" && !field(uri).is_empty() {
            origins.push(field(uri));
        }
    }
    Ok(state.map(|enabled| text(origins, enabled)))
}
