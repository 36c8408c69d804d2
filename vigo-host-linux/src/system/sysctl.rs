//! Kernel parameters: `/proc/sys`, sysctl(8), `/etc/sysctl.d`.

use crate::mounts::{Mounts, mountinfo};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, Command, Content, Expect, FileKind, Op, OpOutput, Outputs, Owner, Replace};
use vigo_core::host::{Adapter, HostFacts, Interpreted, Problem};
use vigo_core::resource::sysctl::{Action, Form, Now, State, Sysctl, Want, normal, values_in};
use vigo_core::resource::user::FileAt;

/// Parameters of the running kernel and of the next boot.
pub(crate) struct Parameters;

/// The folders whose files are read at boot, sorted by file name whatever the folder, sysctl.d(5).
const FOLDERS: [&str; 3] = ["/etc/sysctl.d", "/run/sysctl.d", "/usr/lib/sysctl.d"];

/// Later files that are looked into, at most.
const LATER_FILES_MAX: usize = 32;

impl Adapter<Sysctl> for Parameters {
    fn probe(&self, want: &Want, facts: &HostFacts) -> Vec<Op> {
        let mut ops = alloc::vec![read(&want.key.file())];
        if want.present && facts.image.is_none() {
            ops.push(read(&want.key.path()));
        }
        if want.present && want.persist {
            ops.push(Op::read_file(&last_file()));
            ops.extend(FOLDERS.map(|f| Op::ListDir { path: AbsPath::known(f), deep: false, entries_max: 4096 }));
        }
        ops
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, facts: &HostFacts) -> Interpreted<State> {
        match observe(want, outputs, facts) {
            Ok(Ok(state)) => Interpreted::Known(state),
            Ok(Err(ask)) => Interpreted::Ask(ask),
            Err(why) => Interpreted::Unknown(why),
        }
    }

    fn lower(&self, want: &Want, state: &State, actions: &[Action], _: &HostFacts) -> Result<Vec<Op>, Problem> {
        let path = want.key.file();
        let op = |action: &Action| match action {
            Action::SetNow => Op::Run(Command::change("sysctl", ["-w", &format!("{}={}", want.key, want.value)])),
            Action::RemoveFile => Op::Remove { path: path.clone(), recursive: false },
            Action::WriteFile(text) => {
                let expect = state.file.content().map_or(Expect::Anything, |old| Expect::content(old));
                replace(&path, text.as_str(), expect)
            }
        };
        Ok(actions.iter().map(op).collect())
    }

    fn shadow(&self, want: &Want, _: &State, actions: &[Action], _: &Outputs) -> Vec<Op> {
        let now = actions.contains(&Action::SetNow);
        now.then(|| replace(&want.key.path(), &format!("{}\n", want.value), Expect::Anything)).into_iter().collect()
    }
}

fn read(path: &AbsPath) -> Op {
    Op::ReadFile { path: path.clone(), follow: false, bytes_max: 1 << 20 }
}

fn last_file() -> AbsPath {
    AbsPath::known("/etc/sysctl.conf")
}

fn replace(path: &AbsPath, text: &str, expect: Expect) -> Op {
    Op::ReplaceFile(Replace {
        path: path.clone(),
        content: Content::Bytes(text.as_bytes().into()),
        mode: None,
        owner: Owner::default(),
        context: None,
        expect,
        validate: None,
        backup: None,
        follow: false,
        parents: true,
    })
}

fn observe(want: &Want, outputs: &Outputs, facts: &HostFacts) -> Result<Result<State, Vec<Op>>, String> {
    let path = want.key.file();
    let file = FileAt::from_outputs(outputs, &path).ok_or_else(|| format!("`{path}` was not read"))??;
    let mut asks = Vec::new();
    let now = if want.present && facts.image.is_none() { now(want, outputs, &mut asks)? } else { Now::Unasked };
    let mut later = Vec::new();
    if want.present && want.persist {
        for path in later_files(&path, outputs) {
            match outputs.path(&path) {
                None => asks.push(Op::read_file(&path)),
                Some(OpOutput::File { content, .. }) => {
                    let values = values_in(&String::from_utf8_lossy(content), &want.key);
                    later.extend(values.into_iter().next_back().map(|value| (path.shared(), value)));
                }
                // A remark is not worth a failure.
                Some(_) => {}
            }
        }
    }
    Ok(if asks.is_empty() { Ok(State { now, file, form: Form::Own, later }) } else { Err(asks) })
}

fn now(want: &Want, outputs: &Outputs, asks: &mut Vec<Op>) -> Result<Now, String> {
    let path = want.key.path();
    let value = match outputs.path(&path) {
        Some(OpOutput::File { content, .. }) => normal(&String::from_utf8_lossy(content)),
        Some(OpOutput::Missing) => return Ok(Now::Missing),
        Some(OpOutput::Failed(failure)) => return Err(failure.message.clone()),
        _ => return Err(format!("expected a parameter at `{path}`, found something else")),
    };
    if *value == *want.value {
        return Ok(Now::Value(value));
    }
    match outputs.path(&mountinfo()) {
        None => {
            asks.push(Op::read_file(&mountinfo()));
            Ok(Now::Value(value))
        }
        Some(OpOutput::File { content, .. }) if Mounts::parse(content).is_read_only(&path) => Ok(Now::ReadOnly(value)),
        Some(_) => Ok(Now::Value(value)),
    }
}

/// Returns the files that are read after ours: those of a later name, and `/etc/sysctl.conf`, which comes last by either
/// of the two programs that read them (Debian links it as `99-sysctl.conf`).
fn later_files(ours: &AbsPath, outputs: &Outputs) -> Vec<AbsPath> {
    let mut names: Vec<(Arc<str>, AbsPath)> = Vec::new();
    for folder in FOLDERS.map(AbsPath::known) {
        let Some(OpOutput::Dir(entries)) = outputs.path(&folder) else { continue };
        for entry in entries.iter().filter(|e| e.path.ends_with(".conf") && *e.path > *ours.name()) {
            // A file hides those of the same name in later folders; a link out of here (`/dev/null`) sets nothing.
            if !names.iter().any(|(name, _)| *name == entry.path) {
                let read = entry.meta.kind == FileKind::File;
                names.push((entry.path.clone(), if read { folder.join(&entry.path) } else { last_file() }));
            }
        }
    }
    let mut paths: Vec<AbsPath> = names.into_iter().map(|(_, path)| path).filter(|p| *p != last_file()).collect();
    paths.truncate(LATER_FILES_MAX);
    paths.push(last_file());
    paths
}
