//! Sources of apt.

use super::apt_source::{Extra, is_deb822, list_names, parse, to_deb822, to_list};
use crate::package::classify_apt;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, Command, Content, Op, OpOutput, Outputs, Ran};
use vigo_core::host::{Adapter, Family, HostFacts, Interpreted, Problem};
use vigo_core::resource::repository::{
    Action, FileState, Format, Indexed, KeyForm, KeySource, KeyState, Repository, State, Want, key_ops, observe_key,
    read,
};
use vigo_core::value::Text;

/// Debian and its derivatives.
pub(crate) struct Apt;

const FOLDER: &str = "/etc/apt/sources.list.d";

/// The distributions' own lists, where they are stanzas.
const OWN_STANZAS: [&str; 2] = ["/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list.d/ubuntu.sources"];

fn key_path(want: &Want) -> AbsPath {
    AbsPath::known("/etc/apt/keyrings").join(&format!("vigo-{}.gpg", want.id))
}

fn source_path(want: &Want, extension: &str) -> AbsPath {
    AbsPath::known(FOLDER).join(&format!("{}.{extension}", want.id))
}

fn lists_path() -> AbsPath {
    AbsPath::known("/var/lib/apt/lists")
}

impl Adapter<Repository> for Apt {
    fn check(&self, want: &Want, _: &HostFacts) -> Result<(), Problem> {
        if want.priority.is_some() {
            let problem = Problem::unsupported("attribute `priority` of type `repository` is not supported by apt");
            return Err(problem.help("write a file in `/etc/apt/preferences.d`"));
        }
        if matches!(want.key, Some(KeySource::Id(_))) {
            return Err(Problem::bad_value("key_url", "expected where the key is, found a fingerprint"));
        }
        if want.present {
            let as_list = want.format == Format::List;
            let extra = Extra { signed_by: None, enabled: true, trusted: false };
            let text = want.repo.as_str();
            let written = if as_list { to_list(text, &extra) } else { to_deb822(text, &extra) };
            written.map_err(|why| match want.repo.secret_path() {
                Some(path) => Problem::bad_value("repo", format!("«secret {path}» is no source")),
                None => Problem::bad_value("repo", why),
            })?;
        }
        Ok(())
    }

    fn probe(&self, want: &Want, _: &HostFacts) -> Vec<Op> {
        let mut ops = key_ops(want, &key_path(want));
        ops.extend(["list", "sources"].map(|extension| Op::read_file(&source_path(want, extension))));
        if want.present {
            ops.extend(OWN_STANZAS.map(|path| Op::stat(&AbsPath::known(path))));
            ops.push(Op::ListDir { path: lists_path(), deep: false, entries_max: 65_536 });
        }
        ops
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, _: &HostFacts) -> Interpreted<State> {
        let mut state = State::default();
        let key = match observe_key(want, outputs, &key_path(want), KeyForm::Binary) {
            KeyState::Ask(ops) => return Interpreted::Ask(ops),
            KeyState::Unknown(why) => return Interpreted::Unknown(why),
            KeyState::Refused(problem) => {
                state.problem = Some(problem);
                None
            }
            KeyState::Wanted(bytes) => Some(Content::Bytes(bytes)),
            KeyState::Installed | KeyState::Unwanted => None,
        };
        let keep_key = want.present && want.key.is_some();
        match read(outputs, &key_path(want)) {
            Err(why) => return Interpreted::Unknown(why),
            Ok(found) => {
                let wanted = key.or_else(|| found.clone().filter(|_| keep_key).map(Content::Bytes));
                state.files.push(FileState { field: "key", path: key_path(want), found, wanted });
            }
        }
        let stanzas = match want.format {
            Format::List => false,
            Format::Deb822 => true,
            Format::Auto => {
                let there = |path: &'static str| {
                    matches!(outputs.path(&AbsPath::known(path)), Some(OpOutput::Stat(_) | OpOutput::File { .. }))
                };
                is_deb822(want.repo.as_str()) || OWN_STANZAS.iter().any(|p| there(p))
            }
        };
        for extension in ["list", "sources"] {
            let path = source_path(want, extension);
            let found = match read(outputs, &path) {
                Ok(found) => found,
                Err(why) => return Interpreted::Unknown(why),
            };
            let wanted = if want.present && stanzas == (extension == "sources") {
                match render(want, stanzas) {
                    Ok(content) => Some(content),
                    Err(why) => return Interpreted::Unknown(why),
                }
            } else {
                None
            };
            state.files.push(FileState { field: "source", path, found, wanted });
        }
        state.indexed = indexed(want, outputs);
        Interpreted::Known(state)
    }

    fn lower(&self, _: &Want, state: &State, actions: &[Action], facts: &HostFacts) -> Result<Vec<Op>, Problem> {
        let source = state.files.iter().find(|f| f.field == "source" && f.wanted.is_some());
        let refresh = |file: &FileState| {
            let only = format!("Dir::Etc::sourcelist={}", file.path);
            let args: [&str; 12] = [
                "-q",
                "-o",
                &only,
                "-o",
                "Dir::Etc::sourceparts=/dev/null",
                "-o",
                // The lists of the others stay.
                "APT::Get::List-Cleanup=0",
                "-o",
                "APT::Update::Error-Mode=any",
                "-o",
                "DPkg::Lock::Timeout=120",
                "update",
            ];
            let args = args.map(Arc::<str>::from);
            let command = match &facts.image {
                None => Command::change("/usr/bin/apt-get", args),
                Some(image) => {
                    let first = [image.shared(), "/usr/bin/apt-get".into()];
                    Command::change("chroot", first.into_iter().chain(args))
                }
            };
            Op::Run(command.env("DEBIAN_FRONTEND", "noninteractive").timeout(Repository::TIMEOUT))
        };
        Ok(actions.iter().filter_map(|a| a.file_op().or_else(|| source.map(refresh))).collect())
    }

    fn classify(&self, _: &Want, _: &Op, ran: &Ran) -> Option<Problem> {
        classify_apt(ran)
    }
}

fn render(want: &Want, stanzas: bool) -> Result<Content, String> {
    let key = key_path(want);
    let extra =
        Extra { signed_by: want.key.as_ref().map(|_| key.as_str()), enabled: want.enabled, trusted: !want.gpgcheck };
    let text = want.repo.as_str();
    let text = if stanzas { to_deb822(text, &extra)? } else { to_list(text, &extra)? };
    Ok(Content::Text(Text::plain(text).tainted_by(want.repo.secret_path())))
}

/// Returns whether lists of this source are there. A source that was written and could not be fetched has none.
fn indexed(want: &Want, outputs: &Outputs) -> Indexed {
    let names = parse(want.repo.as_str()).ok().and_then(|sources| list_names(&sources)).unwrap_or_default();
    match outputs.path(&lists_path()) {
        Some(OpOutput::Dir(entries)) if want.present && !names.is_empty() => {
            let has = |name: &&String| entries.iter().any(|e| e.path.starts_with(name.as_str()));
            if names.iter().all(|name| has(&name)) { Indexed::Yes } else { Indexed::No }
        }
        _ => Indexed::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;
    use alloc::string::ToString;
    use vigo_core::action::{Entry, FailureKind, FileKind, Metadata, OpFailure};
    use vigo_core::host::{Phase, ProblemKind};
    use vigo_core::resource::repository::Keys;

    const KEY: &str = include_str!("../../tests/fixtures/openpgp/one.asc");
    const PRINT: &str = "29011B6A1D1D58D3C35927C4B9A65451EFFA2333";
    const LIST: &str = "/etc/apt/sources.list.d/x.list";
    const SOURCES: &str = "/etc/apt/sources.list.d/x.sources";
    const KEYRING: &str = "/etc/apt/keyrings/vigo-x.gpg";

    fn want() -> Want {
        Want {
            id: "x".into(),
            present: true,
            repo: Text::plain("deb https://a.org/deb stable main"),
            key: None,
            fingerprints: Vec::new(),
            enabled: true,
            format: Format::Auto,
            gpgcheck: true,
            priority: None,
        }
    }

    fn keyed() -> Want {
        let key = Some(KeySource::Url("https://a.org/key.asc".into()));
        Want { key, fingerprints: alloc::vec![PRINT.into()], ..want() }
    }

    fn meta() -> Metadata {
        let (kind, context, target) = (FileKind::File, None, None);
        Metadata { kind, mode: 0o644, uid: 0, gid: 0, size: 0, mtime_ms: 0, dev: 1, ino: 1, nlink: 1, target, context }
    }

    /// A machine of files, lists, and one URL.
    #[derive(Default)]
    struct Machine {
        files: BTreeMap<String, Vec<u8>>,
        lists: Vec<&'static str>,
        url: Option<&'static str>,
    }

    impl Machine {
        fn answer(&self, op: &Op) -> OpOutput {
            match op {
                Op::ReadFile { path, .. } => match self.files.get(path.as_str()) {
                    Some(content) => OpOutput::File { meta: meta(), content: content.clone().into() },
                    None => OpOutput::Missing,
                },
                Op::Stat { path, .. } => match self.files.contains_key(path.as_str()) {
                    true => OpOutput::Stat(meta()),
                    false => OpOutput::Missing,
                },
                Op::ListDir { .. } => {
                    OpOutput::Dir(self.lists.iter().map(|p| Entry { path: (*p).into(), meta: meta() }).collect())
                }
                Op::ReadUrl { .. } => match self.url {
                    Some(text) => OpOutput::Bytes(text.as_bytes().into()),
                    None => {
                        let message = "no route".to_string();
                        OpOutput::Failed(OpFailure { kind: FailureKind::Unreachable, message })
                    }
                },
                other => panic!("not a read: {other}"),
            }
        }

        /// Observes, compares, and performs the file operations; returns all operations, or why there are none.
        fn run(&mut self, want: &Want) -> Result<Vec<String>, Problem> {
            let mut outputs = Outputs::default();
            let mut ops = Apt.probe(want, &HostFacts::default());
            let state = loop {
                for op in ops {
                    let output = self.answer(&op);
                    outputs.push(op, Arc::new(output));
                }
                match Apt.interpret(want, &outputs, &HostFacts::default()) {
                    Interpreted::Known(state) => break state,
                    Interpreted::Ask(more) => ops = more,
                    Interpreted::Unknown(why) => panic!("{why}"),
                }
            };
            let c = Repository::compare(want, &state, Phase::Before);
            if let Some(problem) = c.failure {
                return Err(problem);
            }
            let ops = Apt.lower(want, &state, &c.actions, &HostFacts::default()).unwrap();
            for op in &ops {
                match op {
                    Op::ReplaceFile(r) => {
                        self.files.insert(r.path.to_string(), r.content.bytes().unwrap().to_vec());
                    }
                    Op::Remove { path, .. } => {
                        self.files.remove(path.as_str());
                    }
                    _ => self.lists.push("a.org_deb_dists_stable_InRelease"),
                }
            }
            Ok(ops.iter().map(ToString::to_string).collect())
        }

        fn text(&self, path: &str) -> Option<&str> {
            self.files.get(path).map(|b| core::str::from_utf8(b).unwrap())
        }
    }

    fn update(path: &str) -> String {
        format!(
            "/usr/bin/apt-get -q -o Dir::Etc::sourcelist={path} -o Dir::Etc::sourceparts=/dev/null \
             -o APT::Get::List-Cleanup=0 -o APT::Update::Error-Mode=any -o DPkg::Lock::Timeout=120 update"
        )
    }

    #[test]
    fn a_source_with_its_key_comes_changes_and_goes() {
        let mut machine = Machine { url: Some(KEY), ..Machine::default() };
        let write = |path: &str| format!("write {path} 0644");
        let first = machine.run(&keyed()).unwrap();
        assert_eq!(first.len(), 3, "{first:?}");
        assert!(first[0].starts_with("write /etc/apt/keyrings/vigo-x.gpg"), "{first:?}");
        assert!(first[1].starts_with(write(LIST).trim_end_matches(" 0644")), "{first:?}");
        assert_eq!(first[2], update(LIST), "{first:?}");
        assert_eq!(
            machine.text(LIST),
            Some("deb [signed-by=/etc/apt/keyrings/vigo-x.gpg] https://a.org/deb stable main\n")
        );
        assert_eq!(machine.files[KEYRING], &*Keys::read(KEY.as_bytes()).unwrap().binary, "without armor");
        machine.url = None;
        assert_eq!(machine.run(&keyed()), Ok(Vec::new()), "the second run needs no network");

        let moved = machine.run(&Want { format: Format::Deb822, ..keyed() }).unwrap();
        assert!(machine.text(LIST).is_none() && machine.text(SOURCES).is_some(), "{moved:?}");

        let off = machine.run(&Want { enabled: false, format: Format::List, ..keyed() }).unwrap();
        assert_eq!(off.len(), 2, "what is off is not fetched: {off:?}");
        assert!(machine.text(LIST).unwrap().starts_with("# deb "));

        let gone = machine.run(&Want { present: false, key: None, ..want() }).unwrap();
        assert_eq!(gone, [format!("remove {LIST}"), format!("remove {KEYRING}")], "the key goes last");
        assert!(machine.files.is_empty());
    }

    #[test]
    fn the_form_is_that_of_the_distribution() {
        let mut machine = Machine::default();
        machine.files.insert("/etc/apt/sources.list.d/debian.sources".into(), Vec::new());
        machine.run(&want()).unwrap();
        let expected = "Types: deb\nURIs: https://a.org/deb\nSuites: stable\nComponents: main\n";
        assert_eq!(machine.text(SOURCES), Some(expected));
        let mut machine = Machine::default();
        machine.run(&Want { repo: Text::plain(expected), gpgcheck: false, ..want() }).unwrap();
        assert_eq!(machine.text(SOURCES), Some(&*format!("{expected}Trusted: yes\n")), "as it is written");
    }

    #[test]
    fn another_key_is_not_installed() {
        let other = Want { fingerprints: alloc::vec!["0".repeat(40).into()], ..keyed() };
        let mut machine = Machine { url: Some(KEY), ..Machine::default() };
        let problem = machine.run(&other).unwrap_err();
        assert!(problem.message.ends_with(&format!("found {PRINT}")), "{}", problem.message);
        assert!(machine.files.is_empty());
        // One that lies there already is replaced, or nothing happens.
        machine.files.insert(KEYRING.into(), KEY.as_bytes().to_vec());
        assert!(machine.run(&other).is_err());
        machine.url = Some("<html>");
        let problem = machine.run(&other).unwrap_err();
        assert_eq!(problem.message, "the key of `x`: expected an OpenPGP public key, found something else");
        machine.url = None;
        let problem = machine.run(&other).unwrap_err();
        assert_eq!((problem.kind, &*problem.message), (ProblemKind::Blocked, "`https://a.org/key.asc`: no route"));
    }

    #[test]
    fn a_source_that_was_never_fetched_is_fetched() {
        let mut machine = Machine::default();
        machine.run(&want()).unwrap();
        machine.lists.clear();
        assert_eq!(machine.run(&want()).unwrap(), [update(LIST)]);
        assert_eq!(machine.run(&want()), Ok(Vec::new()));
    }

    #[test]
    fn what_apt_cannot_is_said_before() {
        let cases = [
            ("priority", Want { priority: Some(1), ..want() }),
            ("fingerprint", Want { key: Some(KeySource::Id(PRINT.into())), ..want() }),
            ("text", Want { repo: Text::plain("https://a.org/deb"), ..want() }),
        ];
        for (name, want) in cases {
            assert!(Apt.check(&want, &HostFacts::default()).is_err(), "{name}");
        }
        assert_eq!(Apt.check(&keyed(), &HostFacts::default()), Ok(()));
        let secret = Want { repo: Text::secret("deb https://u:hunter2@a", "x/y"), ..want() };
        let problem = Apt.check(&secret, &HostFacts::default()).unwrap_err();
        assert!(!problem.message.contains("hunter2"), "{}", problem.message);
    }
}
