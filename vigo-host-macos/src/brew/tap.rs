//! Taps. A source's id is the tap's name with a dot for its slash: `hashicorp.tap` is `hashicorp/tap`.

use super::place::{brew, classify, find, look, nowhere, ran};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, Command, Content, Expect, Op, Outputs, Ran};
use vigo_core::host::{Adapter, Family, HostFacts, Interpreted, Problem, RunsAs};
use vigo_core::resource::json_file::Json;
use vigo_core::resource::repository::{Action, FileState, Repository, State, Want};

/// `brew tap`. *Unverified*: written after its manual and its JSON.
pub(crate) struct Taps;

impl Adapter<Repository> for Taps {
    fn check(&self, want: &Want, facts: &HostFacts) -> Result<(), Problem> {
        if facts.image.is_some() {
            return Err(Problem::unsupported("type `repository` is not supported on an image of macos"));
        }
        if tap(want).is_none() {
            let message = format!("expected the name of a tap with a dot for its slash, found `{}`", want.id);
            return Err(Problem::bad_value("repository", message).help("write `hashicorp.tap` for `hashicorp/tap`"));
        }
        let attribute = match want {
            w if !w.present => None,
            w if w.key.is_some() => Some("key_url"),
            w if !w.fingerprints.is_empty() => Some("key_fingerprint"),
            w if !w.enabled => Some("enabled"),
            w if !w.gpgcheck => Some("gpgcheck"),
            w if w.priority.is_some() => Some("priority"),
            _ => None,
        };
        if let Some(attribute) = attribute {
            let message = format!("attribute `{attribute}` of type `repository` is not supported by brew on macos");
            return Err(Problem { attribute: Some(attribute.into()), ..Problem::unsupported(message) });
        }
        if want.repo.secret_path().is_some() {
            let message = "attribute `repo` of type `repository` with a secret is not supported by brew on macos";
            return Err(Problem::unsupported(message).help("leave credentials to git's own store"));
        }
        if want.present && remote(want).is_none() {
            let message =
                format!("expected the URL of a git repository, found `{}`", want.repo.as_str().escape_debug());
            return Err(Problem::bad_value("repo", message));
        }
        Ok(())
    }

    fn probe(&self, _: &Want, _: &HostFacts) -> Vec<Op> {
        alloc::vec![look()]
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, _: &HostFacts) -> Interpreted<State> {
        observe(want, outputs).unwrap_or_else(Interpreted::Unknown)
    }

    fn lower(&self, want: &Want, state: &State, actions: &[Action], _: &HostFacts) -> Result<Vec<Op>, Problem> {
        let by = state.by.as_deref().ok_or_else(nowhere)?;
        let tap = tap(want).unwrap_or_default();
        let run = |args: &[&str]| {
            let command = Command::change("brew", args.iter().copied()).timeout(Repository::TIMEOUT);
            Op::Run(brew(by, command))
        };
        let mut ops = Vec::new();
        for action in actions {
            match action {
                Action::Write { expect, .. } => {
                    let remote = remote(want).unwrap_or_default();
                    match expect {
                        Expect::Missing => ops.push(run(&["tap", &tap, &remote])),
                        _ => ops.push(run(&["tap", "--custom-remote", &tap, &remote])),
                    }
                }
                Action::Remove { .. } => ops.push(run(&["untap", &tap])),
                // Tapping has fetched it.
                Action::RefreshIndex => {}
            }
        }
        Ok(ops)
    }

    fn classify(&self, _: &Want, _: &Op, ran: &Ran) -> Option<Problem> {
        classify(ran)
    }
}

/// Returns the tap's name, `user/name` in lower case as Homebrew has it.
fn tap(want: &Want) -> Option<String> {
    let (user, name) = want.id.split_once('.')?;
    let plain = |part: &str| !part.is_empty() && !part.starts_with(['-', '.']);
    (plain(user) && plain(name)).then(|| format!("{user}/{name}").to_ascii_lowercase())
}

/// Returns the URL; the tap's own name stands for that at GitHub.
fn remote(want: &Want) -> Option<String> {
    let repo = want.repo.as_str().trim();
    if repo.is_empty() || repo.starts_with('-') || repo.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return None;
    }
    if tap(want).is_some_and(|tap| tap.eq_ignore_ascii_case(repo)) {
        let (user, name) = repo.split_once('/')?;
        return Some(format!("https://github.com/{user}/homebrew-{name}"));
    }
    repo.contains([':', '/']).then(|| repo.to_string())
}

/// Returns a URL as it is compared.
fn plain(url: &str) -> String {
    let url = url.trim_end_matches('/');
    url.strip_suffix(".git").unwrap_or(url).to_ascii_lowercase()
}

fn installed(by: &RunsAs) -> Op {
    Op::Run(brew(by, Command::read("brew", ["tap-info", "--json", "--installed"])).output_bytes_max(32 << 20))
}

fn observe(want: &Want, outputs: &Outputs) -> Result<Interpreted<State>, String> {
    let by = find(outputs)?;
    let tap = tap(want).unwrap_or_default();
    let found = match by.as_deref().map(installed) {
        None => None,
        Some(list) => match outputs.get(&list) {
            None => return Ok(Interpreted::Ask(alloc::vec![list])),
            Some(output) => remote_of(ran(output, &list)?, &tap)?,
        },
    };
    let wanted = want.present.then(|| remote(want)).flatten().map(|remote| match &found {
        Some(found) if plain(found) == plain(&remote) => found.clone(),
        _ => remote,
    });
    let bytes = |text: String| -> Arc<[u8]> { text.as_bytes().into() };
    let prefix = by.as_deref().and_then(|by| by.program.strip_suffix("/bin/brew")).unwrap_or("/opt/homebrew");
    // Where a tap's own formulae are, more or less: it names the thing in reports.
    let path = AbsPath::parse(&format!("{prefix}/Library/Taps/{tap}")).map_err(|e| e.to_string())?;
    let file =
        FileState { field: "tap", path, found: found.map(bytes), wanted: wanted.map(|w| Content::Bytes(bytes(w))) };
    Ok(Interpreted::Known(State { files: alloc::vec![file], by, ..State::default() }))
}

/// Returns the names and remotes of all taps, or what must be read first.
///
/// # Errors
/// A fragment, when Homebrew does not say.
pub(crate) fn taps(by: &RunsAs, outputs: &Outputs) -> Result<Result<Vec<(String, String)>, Op>, String> {
    let list = installed(by);
    let Some(output) = outputs.get(&list) else { return Ok(Err(list)) };
    remotes(ran(output, &list)?).map(Ok)
}

/// Returns the remote of a tap; `None` when there is no such tap.
fn remote_of(ran: &Ran, tap: &str) -> Result<Option<String>, String> {
    Ok(remotes(ran)?.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(tap)).map(|(_, remote)| remote))
}

fn remotes(ran: &Ran) -> Result<Vec<(String, String)>, String> {
    if !ran.success() {
        return Err(format!("`brew tap-info` ended with {}: {}", ran.exit, ran.err().trim()));
    }
    let out = ran.out();
    // Warnings may stand before it.
    let text = out.find('[').map_or("", |at| &out[at..]);
    let all = Json::parse(text).map_err(|e| format!("the answer of `brew tap-info` is no JSON: {}", e.message))?;
    let Json::List(list) = &all else { return Err("expected a list of `brew tap-info`, found none".into()) };
    let text = |one: &Json, key: &str| one.get(key).and_then(Json::as_text).map(|text| text.into_owned());
    // A tap without a remote is somebody's own folder.
    let one = |one: &Json| Some((text(one, "name")?, text(one, "remote").unwrap_or_default()));
    Ok(list.iter().filter_map(one).collect())
}
