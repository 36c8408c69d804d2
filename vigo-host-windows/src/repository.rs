//! Sources of packages: those of choco, and buckets of scoop.

use crate::package::{CHOCO_PROGRAM, Manager, SCOOP_PROGRAM, is_version, native};
use crate::program::ran;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, Command, Content, Op, Outputs, Ran};
use vigo_core::host::{Adapter, Family, HostFacts, Interpreted, Problem};
use vigo_core::resource::repository::{Action, FileState, Format, Indexed, Repository, State, Want};

/// Returns the adapter for the sources of the manager that the machine has.
///
/// # Errors
/// [`Problem`] of kind `Unsupported`, when it has none with sources.
pub(crate) fn select(facts: &HostFacts) -> Result<&'static dyn Adapter<Repository>, Problem> {
    match native(facts) {
        Some(Manager::Choco) => Ok(&Sources { manager: Manager::Choco }),
        Some(Manager::Scoop) => Ok(&Sources { manager: Manager::Scoop }),
        // Nothing is known of the machine: a table is made of the adapters.
        _ if *facts == HostFacts::default() => Ok(&Sources { manager: Manager::Choco }),
        _ => {
            let problem = Problem::unsupported("type `repository` found no choco and no scoop on windows");
            Err(problem.help("install Chocolatey or Scoop first"))
        }
    }
}

/// The sources of a manager, which keeps them itself. *Unverified*: written after the documentation of both.
struct Sources {
    manager: Manager,
}

/// What a manager keeps about a source.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Source {
    url: String,
    is_enabled: bool,
}

impl Source {
    /// Returns the text that stands for it in a comparison.
    fn text(&self) -> String {
        format!("{}\n{}", self.url, if self.is_enabled { "" } else { "disabled\n" })
    }
}

impl Adapter<Repository> for Sources {
    fn check(&self, want: &Want, facts: &HostFacts) -> Result<(), Problem> {
        if facts.image.is_some() {
            return Err(Problem::unsupported("sources of an image cannot be managed on windows"));
        }
        let attribute = match want {
            want if want.key.is_some() => "key_url",
            want if want.format != Format::Auto => "format",
            want if !want.gpgcheck => "gpgcheck",
            want if want.priority.is_some() => "priority",
            want if !want.enabled && self.manager == Manager::Scoop => "enabled",
            want if want.repo.secret_path().is_some() => {
                let problem = Problem::unsupported("a secret in attribute `repo` is not supported on windows");
                return Err(problem.help("the address stands in the arguments of the manager, which everybody can see"));
            }
            _ => return Ok(()),
        };
        Err(Problem::unsupported(format!("attribute `{attribute}` of type `repository` is not supported on windows")))
    }

    fn probe(&self, _: &Want, _: &HostFacts) -> Vec<Op> {
        match self.manager {
            // An empty list is as silent as a program that does nothing.
            Manager::Choco => alloc::vec![alive(), self.list()],
            _ => alloc::vec![self.list()],
        }
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, _: &HostFacts) -> Interpreted<State> {
        let found = match self.found(want, outputs) {
            Ok(found) => found,
            Err(why) => return Interpreted::Unknown(why),
        };
        let wanted = Source { url: want.repo.as_str().trim().into(), is_enabled: want.enabled };
        let file = FileState {
            field: "source",
            path: self.place(),
            found: found.map(|source| Arc::from(source.text().as_bytes())),
            wanted: want.present.then(|| Content::Bytes(wanted.text().as_bytes().into())),
        };
        Interpreted::Known(State { files: alloc::vec![file], indexed: Indexed::Yes, ..State::default() })
    }

    fn lower(&self, want: &Want, state: &State, actions: &[Action], _: &HostFacts) -> Result<Vec<Op>, Problem> {
        let is_there = state.files.iter().any(|file| file.found.is_some());
        let name = format!("--name={}", want.id);
        let url = want.repo.as_str().trim();
        let mut ops = Vec::new();
        for action in actions {
            match (action, self.manager) {
                (Action::RefreshIndex, _) => {}
                (Action::Write { .. }, Manager::Choco) => {
                    if is_there {
                        ops.push(choco(&["source", "remove", &name]));
                    }
                    ops.push(choco(&["source", "add", &name, &format!("--source={url}")]));
                    if !want.enabled {
                        ops.push(choco(&["source", "disable", &name]));
                    }
                }
                (Action::Remove { .. }, Manager::Choco) => ops.push(choco(&["source", "remove", &name])),
                (Action::Write { .. }, _) => {
                    if is_there {
                        ops.push(scoop(&["bucket", "rm", &want.id]));
                    }
                    ops.push(scoop(&["bucket", "add", &want.id, url]));
                }
                (Action::Remove { .. }, _) => ops.push(scoop(&["bucket", "rm", &want.id])),
            }
        }
        Ok(ops)
    }
}

fn choco(args: &[&str]) -> Op {
    let args = args.iter().copied().chain(["--yes", "--limit-output"]);
    Op::Run(Command::change(CHOCO_PROGRAM, args).timeout(Repository::TIMEOUT))
}

fn scoop(args: &[&str]) -> Op {
    Op::Run(Command::change(SCOOP_PROGRAM, args.iter().copied()).timeout(Repository::TIMEOUT))
}

fn alive() -> Op {
    Op::Run(Command::read(CHOCO_PROGRAM, ["--version"]))
}

impl Sources {
    fn list(&self) -> Op {
        Op::Run(match self.manager {
            Manager::Choco => Command::read(CHOCO_PROGRAM, ["source", "list", "--limit-output"]),
            _ => Command::read(SCOOP_PROGRAM, ["bucket", "list"]),
        })
    }

    /// Returns where the manager keeps its sources.
    fn place(&self) -> AbsPath {
        AbsPath::known(match self.manager {
            Manager::Choco => "C:\\ProgramData\\chocolatey\\config\\chocolatey.config",
            _ => "C:\\ProgramData\\scoop\\buckets",
        })
    }

    fn found(&self, want: &Want, outputs: &Outputs) -> Result<Option<Source>, String> {
        let answer = |op: Op| -> Result<&Ran, String> {
            let seen = ran(outputs, &op).unwrap_or_else(|| Err(format!("`{op}` was not run")))?;
            match seen.success() {
                true => Ok(seen),
                false => Err(format!("`{op}` ended with {}: {}", seen.exit, seen.err().trim())),
            }
        };
        let seen = answer(self.list())?;
        let out = seen.out();
        match self.manager {
            Manager::Choco => {
                let version = answer(alive())?.out();
                if !version.lines().any(|line| is_version(line.trim())) {
                    return Err("`choco --version` tells no version".into());
                }
                let row = |line: &str| {
                    let mut fields = line.trim().split('|');
                    let (name, url, disabled) = (fields.next()?, fields.next()?, fields.next()?);
                    let is_enabled = !disabled.eq_ignore_ascii_case("true");
                    name.eq_ignore_ascii_case(&want.id).then(|| Source { url: url.into(), is_enabled })
                };
                Ok(out.lines().find_map(row))
            }
            _ => {
                let is_heading = |line: &&str| line.split_whitespace().take(2).eq(["Name", "Source"]);
                let is_empty = out.contains("No bucket found");
                let mut rows = out.lines().skip_while(|line| !is_heading(line));
                if rows.next().is_none() && !is_empty {
                    return Err("`scoop bucket list` exited 0 and tells no list".into());
                }
                let row = |line: &str| {
                    let mut words = line.split_whitespace();
                    let (name, url) = (words.next()?, words.next()?);
                    let url = String::from(url.trim_end_matches(".git"));
                    let same = want.repo.as_str().trim();
                    // git may put its ending behind the address.
                    let url = if same.trim_end_matches(".git") == url { same.into() } else { url };
                    name.eq_ignore_ascii_case(&want.id).then_some(Source { url, is_enabled: true })
                };
                Ok(rows.find_map(row))
            }
        }
    }
}
