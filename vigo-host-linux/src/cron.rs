//! Scheduled jobs: files in `/etc/cron.d`, else the user's table by crontab(1).

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{
    AbsPath, Command, Content, Expect, FailureKind, FileKind, Op, OpOutput, Outputs, Owner, Replace,
};
use vigo_core::host::{Adapter, HostFacts, Interpreted, Problem};
use vigo_core::resource::cron::{Action, Cron, State, Want, drop_file, without_header};
use vigo_core::resource::user::FileAt;
use vigo_core::value::Text;

/// Jobs of any cron.
pub(crate) struct Jobs;

impl Adapter<Cron> for Jobs {
    fn probe(&self, want: &Want, _: &HostFacts) -> Vec<Op> {
        alloc::vec![read(&drop_file(&want.id))]
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, facts: &HostFacts) -> Interpreted<State> {
        let path = drop_file(&want.id);
        let folder = AbsPath::known("/etc/cron.d");
        let file = match FileAt::from_outputs(outputs, &path) {
            Some(Ok(file)) => file,
            Some(Err(why)) => return Interpreted::Unknown(why),
            None => return Interpreted::Ask(self.probe(want, facts)),
        };
        if file.meta().is_some() {
            return Interpreted::Known(State::Drop(file));
        }
        match outputs.path(&folder) {
            Some(OpOutput::Stat(meta)) if meta.kind == FileKind::Dir => Interpreted::Known(State::Drop(file)),
            Some(OpOutput::Failed(failure)) => Interpreted::Unknown(failure.message.clone()),
            Some(_) if facts.image.is_some() => Interpreted::Known(State::NoCron),
            Some(_) => table(want, outputs),
            None => Interpreted::Ask(alloc::vec![Op::Stat { path: folder, follow: true }]),
        }
    }

    fn lower(&self, want: &Want, state: &State, actions: &[Action], _: &HostFacts) -> Result<Vec<Op>, Problem> {
        let path = drop_file(&want.id);
        let op = |action: &Action| match action {
            Action::RemoveFile => Op::Remove { path: path.clone(), recursive: false },
            Action::WriteCrontab(text) => {
                let mut args = of_user(want);
                args.push("-".into());
                Op::Run(Command::change("crontab", args).stdin(text.clone()))
            }
            Action::WriteFile(text) => Op::ReplaceFile(Replace {
                path: path.clone(),
                content: Content::Text(text.clone()),
                mode: Some(Action::mode(text)),
                owner: Owner { uid: Some(0), gid: Some(0) },
                context: None,
                expect: match state {
                    State::Drop(FileAt { found: vigo_core::resource::user::Found::File(_, old), .. }) => {
                        Expect::content(old)
                    }
                    _ => Expect::Anything,
                },
                validate: None,
                backup: None,
                follow: false,
                parents: false,
            }),
        };
        Ok(actions.iter().map(op).collect())
    }
}

fn read(path: &AbsPath) -> Op {
    Op::ReadFile { path: path.clone(), follow: false, bytes_max: 1 << 20 }
}

/// Returns `-u USER`; for root nothing: Fedora's crontab refuses `-u` for oneself.
fn of_user(want: &Want) -> Vec<String> {
    match &*want.user {
        "root" => Vec::new(),
        user => alloc::vec!["-u".into(), user.into()],
    }
}

/// Reads the table. "no crontab for" (Vixie, cronie) and "can't open 'USER': No such file" (BusyBox) are empty tables;
/// anything else that is no success is not known.
fn table(want: &Want, outputs: &Outputs) -> Interpreted<State> {
    let mut args = of_user(want);
    args.push("-l".into());
    let list = Op::Run(Command::read("crontab", args));
    match outputs.get(&list) {
        None => Interpreted::Ask(alloc::vec![list]),
        Some(OpOutput::Failed(failure)) if failure.kind == FailureKind::NoProgram => Interpreted::Known(State::NoCron),
        Some(OpOutput::Failed(failure)) => Interpreted::Unknown(failure.message.clone()),
        Some(OpOutput::Ran(ran)) if ran.truncated => Interpreted::Unknown("the crontab is larger than 1 MiB".into()),
        Some(OpOutput::Ran(ran)) if ran.success() => match core::str::from_utf8(&ran.stdout) {
            Ok(text) => Interpreted::Known(State::Table(Text::plain(without_header(text)))),
            Err(_) => Interpreted::Unknown(format!("expected UTF-8 in the crontab of `{}`", want.user)),
        },
        Some(OpOutput::Ran(ran)) => {
            let err = ran.err();
            let missing = err.contains("can't open") && err.contains("No such file");
            if ran.code() == Some(1) && (err.contains("no crontab for") || missing) {
                return Interpreted::Known(State::Table(Text::default()));
            }
            let said = err.trim().lines().next().unwrap_or_default();
            Interpreted::Unknown(format!("`{list}` ended with {}: {said}", ran.exit))
        }
        Some(_) => Interpreted::Unknown(format!("expected an answer of `{list}`")),
    }
}
