//! Scheduled jobs: lines in the user's table by crontab(1), or files in `/etc/cron.d` where cron has that folder.

use crate::action::{
    AbsPath, Command, Content, Expect, FailureKind, FileKind, Op, OpOutput, Outputs, Owner, Ran, Replace,
};
use crate::host::{Adapter, HostFacts, Interpreted, Problem};
use crate::resource::cron::{Action, Cron, State, Want, drop_file, without_header};
use crate::resource::user::{FileAt, Found};
use crate::value::Text;
use alloc::format;
use alloc::vec::Vec;
use core::str;

/// A crontab(1). Only `-l` and a table in a file are used: `-r` asks back on some systems, `-e` starts an editor, and a
/// table on standard input would be installed as far as it came if the agent died meanwhile. A table without any job is
/// handed in as an empty one.
pub struct Crontab {
    /// Whether another user's table is asked for by `-u USER`; where not, crontab is run as that user.
    pub named: bool,
    /// Whether another user's table is read from a file as that user, who cannot read ours (BusyBox'): then the shell opens
    /// it, which is a file on standard input, and no pipe that may end too soon.
    pub reads_as_user: bool,
    /// Whether this, said at exit 1, means that the user has no table. Everything else that fails is not known.
    pub says_none: fn(&str) -> bool,
    /// The folder of tables, where crontab says the same of one that is not there and of one that it cannot open: whether
    /// the user's is there is looked up in it then, and nothing else is done with it.
    pub spool: Option<&'static str>,
}

/// Its arguments are the file and the user.
const OPENED_BY_SHELL: &str = "exec crontab -u \"$1\" - <\"$0\"";

impl Crontab {
    /// Vixie's and what came from it: cronie, the BSDs', macOS'.
    pub const VIXIE: Self =
        Self { named: true, reads_as_user: false, says_none: |err| err.contains("no crontab for"), spool: None };

    fn call(&self, user: &str, args: &[&str], new: fn(&str, Vec<&str>) -> Command) -> Command {
        // For root nothing is named: Fedora's refuses `-u` for oneself.
        let other = user != "root";
        let mut all = if other && self.named { alloc::vec!["-u", user] } else { Vec::new() };
        all.extend(args);
        let command = new("crontab", all);
        Command { user: (other && !self.named).then(|| user.into()), ..command }
    }

    /// Returns the call that prints a user's table.
    pub fn list(&self, user: &str) -> Op {
        Op::Run(self.call(user, &["-l"], |program, args| Command::read(program, args)))
    }

    /// Returns the call that hands in a new table.
    pub fn write(&self, user: &str, table: &Text) -> Op {
        let command = match self.reads_as_user && user != "root" {
            true => Command::change("/bin/sh", ["-c", OPENED_BY_SHELL, "{{secret_file}}", user]),
            false => self.call(user, &["{{secret_file}}"], |program, args| Command::change(program, args)),
        };
        Op::Run(Command { secret_file: Some(table.clone()), ..command })
    }

    /// Returns the look whether a user has a table, where crontab does not say.
    fn look(&self, user: &str) -> Option<Op> {
        self.spool.map(|spool| Op::stat(&AbsPath::known(spool).join(user)))
    }

    /// Reads the answer to [`Crontab::list`], without the lines that cron itself puts on top.
    pub fn table(&self, user: &str, outputs: &Outputs) -> Interpreted<State> {
        let list = self.list(user);
        let ran = match outputs.get(&list) {
            None => return Interpreted::Ask(alloc::vec![list]),
            Some(OpOutput::Ran(ran)) => ran,
            Some(OpOutput::Failed(failure)) if failure.kind == FailureKind::NoProgram => {
                return Interpreted::Known(State::NoCron);
            }
            Some(OpOutput::Failed(failure)) => return Interpreted::Unknown(failure.message.clone()),
            Some(_) => return Interpreted::Unknown(format!("expected an answer of `{list}`")),
        };
        match (ran, str::from_utf8(&ran.stdout)) {
            (Ran { truncated: true, .. }, _) => Interpreted::Unknown("the crontab is larger than 1 MiB".into()),
            (ran, Ok(text)) if ran.success() => Interpreted::Known(State::Table(Text::plain(without_header(text)))),
            (ran, Err(_)) if ran.success() => {
                Interpreted::Unknown(format!("expected UTF-8 in the crontab of `{user}`"))
            }
            (ran, _) if ran.code() == Some(1) && (self.says_none)(&ran.err()) => {
                let Some(look) = self.look(user) else { return Interpreted::Known(State::Table(Text::default())) };
                match outputs.get(&look) {
                    None => Interpreted::Ask(alloc::vec![look]),
                    Some(OpOutput::Missing) => Interpreted::Known(State::Table(Text::default())),
                    Some(_) => refused(&list, ran),
                }
            }
            (ran, _) => refused(&list, ran),
        }
    }

    fn lower(&self, want: &Want, actions: &[Action]) -> Vec<Op> {
        let tables = actions.iter().filter_map(|action| match action {
            Action::WriteCrontab(table) => Some(self.write(&want.user, table)),
            Action::WriteFile(_) | Action::RemoveFile | Action::PutTask | Action::RemoveTask => None,
        });
        tables.collect()
    }
}

fn refused(list: &Op, ran: &Ran) -> Interpreted<State> {
    let err = ran.err();
    let said = err.trim().lines().next().unwrap_or_default();
    Interpreted::Unknown(format!("`{list}` ended with {}: {said}", ran.exit))
}

/// Jobs in the user's table. Nothing of an image can be asked.
impl Adapter<Cron> for Crontab {
    fn probe(&self, want: &Want, facts: &HostFacts) -> Vec<Op> {
        if facts.image.is_some() { Vec::new() } else { alloc::vec![self.list(&want.user)] }
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, facts: &HostFacts) -> Interpreted<State> {
        match &facts.image {
            Some(_) => Interpreted::Known(State::NoCron),
            None => self.table(&want.user, outputs),
        }
    }

    fn lower(&self, want: &Want, _: &State, actions: &[Action], _: &HostFacts) -> Result<Vec<Op>, Problem> {
        Ok(self.lower(want, actions))
    }
}

/// Jobs as files in `/etc/cron.d`; where there is no such folder, in the user's table.
pub struct Jobs(pub Crontab);

impl Adapter<Cron> for Jobs {
    fn probe(&self, want: &Want, _: &HostFacts) -> Vec<Op> {
        alloc::vec![Op::ReadFile { path: drop_file(&want.id), follow: false, bytes_max: 1 << 20 }]
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, facts: &HostFacts) -> Interpreted<State> {
        let file = match FileAt::from_outputs(outputs, &drop_file(&want.id)) {
            Some(Ok(file)) => file,
            Some(Err(why)) => return Interpreted::Unknown(why),
            None => return Interpreted::Ask(self.probe(want, facts)),
        };
        if file.meta().is_some() {
            return Interpreted::Known(State::Drop(file));
        }
        let folder = AbsPath::known("/etc/cron.d");
        match outputs.path(&folder) {
            Some(OpOutput::Stat(meta)) if meta.kind == FileKind::Dir => Interpreted::Known(State::Drop(file)),
            Some(OpOutput::Failed(failure)) => Interpreted::Unknown(failure.message.clone()),
            Some(_) if facts.image.is_some() => Interpreted::Known(State::NoCron),
            Some(_) => self.0.table(&want.user, outputs),
            None => Interpreted::Ask(alloc::vec![Op::Stat { path: folder, follow: true }]),
        }
    }

    fn lower(&self, want: &Want, state: &State, actions: &[Action], _: &HostFacts) -> Result<Vec<Op>, Problem> {
        let path = drop_file(&want.id);
        let mut ops = self.0.lower(want, actions);
        ops.extend(actions.iter().filter_map(|action| match action {
            Action::WriteCrontab(_) | Action::PutTask | Action::RemoveTask => None,
            Action::RemoveFile => Some(Op::Remove { path: path.clone(), recursive: false }),
            Action::WriteFile(text) => Some(Op::ReplaceFile(Replace {
                path: path.clone(),
                content: Content::Text(text.clone()),
                mode: Some(Action::mode(text)),
                owner: Owner { uid: Some(0), gid: Some(0) },
                context: None,
                expect: match state {
                    State::Drop(FileAt { found: Found::File(_, old), .. }) => Expect::content(old),
                    _ => Expect::Anything,
                },
                validate: None,
                backup: None,
                follow: false,
                parents: false,
            })),
        }));
        Ok(ops)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::{Effect, Exit, OpFailure};
    use crate::host::{Family, Phase, observe};
    use crate::resource::cron::Schedule;
    use alloc::string::{String, ToString};

    fn want(user: &str, present: bool) -> Want {
        Want {
            id: "backup".into(),
            present,
            command: "/bin/b".into(),
            schedule: Schedule::Macro("@daily"),
            user: user.into(),
            environment: Vec::new(),
        }
    }

    /// As on illumos.
    const UNNAMED: Crontab = Crontab { named: false, spool: Some("/var/spool/cron/crontabs"), ..Crontab::VIXIE };

    fn see(crontab: &Crontab, user: &str, output: OpOutput) -> Interpreted<State> {
        observe(crontab, &want(user, true), &HostFacts::default(), |_| output.clone())
    }

    /// What is handed in, after a table was seen.
    fn converged(crontab: &Crontab, want: &Want, table: &str) -> Vec<(Op, String)> {
        let state = State::Table(Text::plain(table));
        let actions = Cron::compare(want, &state, Phase::Before).actions;
        let ops = Adapter::lower(crontab, want, &state, &actions, &HostFacts::default()).unwrap();
        let file = |op: &Op| match op {
            Op::Run(Command { stdin: None, secret_file: Some(text), .. }) => text.as_str().to_string(),
            other => panic!("{other}"),
        };
        ops.into_iter().map(|op| (op.clone(), file(&op))).collect()
    }

    #[test]
    fn no_crontab_for_is_an_empty_table_and_all_other_errors_are_unknown() {
        let ran = |code, out: &str, err: &str| OpOutput::exited(code, out, err);
        let failed = |kind| OpOutput::Failed(OpFailure { kind, message: "oops".into() });
        let cut = Ran { truncated: true, ..Ran::exited(0, "1 * * * * x\n", "") };
        let bytes = Ran { stdout: b"1 * * * * \xff\n".to_vec(), ..Ran::exited(0, "", "") };
        let killed = Ran { exit: Exit::Signal(9), ..Ran::exited(1, "", "no crontab for bob\n") };
        let cases = [
            ("none", ran(1, "", "crontab: no crontab for bob\n"), Ok("")),
            ("empty", ran(0, "", ""), Ok("")),
            ("some", ran(0, "A=1\n1 * * * * x", ""), Ok("A=1\n1 * * * * x")),
            ("denied", ran(1, "", "crontab: you are not allowed to use this program\n"), Err("ended with exit 1")),
            ("localised", ran(1, "", "crontab: kein crontab\n"), Err("ended with exit 1: crontab: kein")),
            ("another exit", ran(2, "", "no crontab for bob\n"), Err("ended with exit 2")),
            ("silent", ran(1, "", ""), Err("ended with exit 1")),
            ("cut", OpOutput::Ran(cut), Err("larger than 1 MiB")),
            ("not UTF-8", OpOutput::Ran(bytes), Err("expected UTF-8")),
            ("killed", OpOutput::Ran(killed), Err("signal 9")),
            ("not run", failed(FailureKind::TimedOut), Err("oops")),
            ("another answer", OpOutput::Missing, Err("expected an answer")),
        ];
        for (name, output, expected) in cases {
            match (see(&Crontab::VIXIE, "bob", output), expected) {
                (Interpreted::Known(State::Table(table)), Ok(text)) => assert_eq!(table.as_str(), text, "{name}"),
                (Interpreted::Unknown(why), Err(part)) => assert!(why.contains(part), "{name}: {why}"),
                (seen, _) => panic!("{name}: {seen:?}"),
            }
        }
        let missing = see(&Crontab::VIXIE, "bob", failed(FailureKind::NoProgram));
        assert!(matches!(missing, Interpreted::Known(State::NoCron)));
    }

    #[test]
    fn where_crontab_says_the_same_of_a_table_that_it_cannot_open_one_that_is_there_is_unknown() {
        let none = OpOutput::exited(1, "", "crontab: no crontab for bob\n");
        let failed = OpFailure { kind: FailureKind::Denied, message: "permission denied".into() };
        let there = OpOutput::Stat(match OpOutput::file("") {
            OpOutput::File { meta, .. } => meta,
            other => panic!("{other:?}"),
        });
        for (found, empty) in [(OpOutput::Missing, true), (there, false), (OpOutput::Failed(failed), false)] {
            let seen =
                observe(&UNNAMED, &want("bob", true), &HostFacts::default(), |op| match op.to_string().as_str() {
                    "as bob: crontab -l" => none.clone(),
                    "stat /var/spool/cron/crontabs/bob" => found.clone(),
                    other => panic!("{other}"),
                });
            match seen {
                Interpreted::Known(State::Table(table)) => assert!(empty && table.as_str().is_empty(), "{found:?}"),
                Interpreted::Unknown(why) => assert!(!empty && why.contains("ended with exit 1"), "{found:?}: {why}"),
                other => panic!("{found:?}: {other:?}"),
            }
        }
    }

    #[test]
    fn without_an_option_for_it_crontab_runs_as_the_user() {
        let lists = |crontab: &Crontab, user: &str| crontab.list(user).to_string();
        assert_eq!(lists(&Crontab::VIXIE, "bob"), "crontab -u bob -l");
        assert_eq!(lists(&UNNAMED, "bob"), "as bob: crontab -l");
        assert_eq!(lists(&UNNAMED, "root"), "crontab -l");
        assert_eq!(converged(&UNNAMED, &want("bob", true), "")[0].0.to_string(), "as bob: crontab '{{secret_file}}'");
    }

    #[test]
    fn a_file_that_the_user_could_not_read_is_opened_by_the_shell() {
        let busybox = Crontab { reads_as_user: true, ..Crontab::VIXIE };
        let call = |user: &str| busybox.write(user, &Text::plain("x\n")).to_string();
        assert_eq!(call("root"), "crontab '{{secret_file}}'");
        assert_eq!(call("bob"), "/bin/sh -c 'exec crontab -u \"$1\" - <\"$0\"' '{{secret_file}}' bob");
    }

    #[test]
    fn root_is_not_named_because_fedora_refuses_u_for_oneself() {
        let root = Want { user: "root".into(), ..want("root", true) };
        assert_eq!(Crontab::VIXIE.list("root").to_string(), "crontab -l");
        assert_eq!(converged(&Crontab::VIXIE, &root, "")[0].0.to_string(), "crontab '{{secret_file}}'");
    }

    #[test]
    fn a_table_is_handed_in_as_a_file_and_never_removed() {
        let table = "# mine\nTZ=UTC\n1 * * * * x";
        let calls = converged(&Crontab::VIXIE, &want("bob", true), table);
        let [(op, text)] = &calls[..] else { panic!("{calls:?}") };
        assert_eq!((op.to_string().as_str(), op.effect()), ("crontab -u bob '{{secret_file}}'", Effect::Changes));
        assert_eq!(text, "# mine\nTZ=UTC\n1 * * * * x\n# vigo: backup\n@daily /bin/b\n");
        let calls = converged(&Crontab::VIXIE, &want("bob", false), "# vigo: backup\n@daily /bin/b\n");
        assert_eq!((calls[0].0.to_string().as_str(), calls[0].1.as_str()), ("crontab -u bob '{{secret_file}}'", ""));
        assert!(converged(&Crontab::VIXIE, &want("bob", false), table).is_empty());
    }

    #[test]
    fn the_header_that_is_printed_again_and_time_zone_lines_do_not_multiply() {
        let header =
            "# DO NOT EDIT THIS FILE - edit the master and reinstall.\n# (- installed on x)\n# (Cron version)\n";
        let mut text = String::from("TZ=UTC\n1 * * * * x\n");
        for _ in 0..3 {
            let printed = OpOutput::exited(0, &format!("{header}{text}"), "");
            let Interpreted::Known(State::Table(table)) = see(&Crontab::VIXIE, "bob", printed) else { panic!() };
            let handed_in = converged(&Crontab::VIXIE, &want("bob", true), table.as_str()).pop();
            text = handed_in.map_or(table.as_str().into(), |(_, text)| text);
        }
        assert_eq!(text, "TZ=UTC\n1 * * * * x\n# vigo: backup\n@daily /bin/b\n");
    }

    #[test]
    fn nothing_is_asked_of_an_image() {
        let facts = HostFacts { image: Some(AbsPath::known("/image")), ..HostFacts::default() };
        let seen = observe(&Crontab::VIXIE, &want("bob", true), &facts, |op| panic!("{op}"));
        assert!(matches!(seen, Interpreted::Known(State::NoCron)));
    }
}
