//! Kernel parameters: sysctl(8), and their lines in `/etc/sysctl.conf`.

use crate::answer::{change, look, ran, said};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, Content, Expect, Op, Outputs, Replace};
use vigo_core::host::{Adapter, HostFacts, Interpreted, Problem};
use vigo_core::resource::sysctl::{Action, Form, Now, State, Sysctl, Want, normal};
use vigo_core::resource::user::FileAt;

/// Parameters of the running kernel and of the next boot.
pub(crate) struct Parameters {
    /// What sysctl(8) wants before `name=value`: NetBSD's sets nothing without `-w`.
    pub(crate) before_set: &'static [&'static str],
}

const PROGRAM: &str = "/sbin/sysctl";

/// What sysctl(8) says of a name that this kernel does not have: the first of FreeBSD, the second of OpenBSD and NetBSD,
/// the third of OpenBSD where the parameter is not built in.
const UNKNOWN_NAME: &[&str] = &["unknown oid", "is invalid", "value is not available"];

impl Adapter<Sysctl> for Parameters {
    fn check(&self, want: &Want, _: &HostFacts) -> Result<(), Problem> {
        if want.value.contains('#') {
            let message = format!("expected a value without `#`, found `{}`", want.value);
            return Err(Problem::bad_value("value", message).help("a comment begins there in `/etc/sysctl.conf`"));
        }
        Ok(())
    }

    fn probe(&self, want: &Want, facts: &HostFacts) -> Vec<Op> {
        let now = (want.present && facts.image.is_none()).then(|| get(want));
        now.into_iter().chain([Op::read_file(&file())]).collect()
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, _: &HostFacts) -> Interpreted<State> {
        match observe(want, outputs) {
            Ok(state) => Interpreted::Known(state),
            Err(why) => Interpreted::Unknown(why),
        }
    }

    fn lower(&self, want: &Want, state: &State, actions: &[Action], _: &HostFacts) -> Result<Vec<Op>, Problem> {
        let op = |action: &Action| match action {
            Action::SetNow => {
                let pair = format!("{}={}", want.key, want.value);
                change(PROGRAM, &self.before_set.iter().copied().chain([&*pair]).collect::<Vec<_>>())
            }
            Action::RemoveFile => Op::Remove { path: file(), recursive: false },
            Action::WriteFile(text) => {
                let expect = state.file.content().map_or(Expect::Missing, |old| Expect::content(old));
                Op::ReplaceFile(Replace::kept(file(), Content::Text(text.clone()), expect))
            }
        };
        Ok(actions.iter().map(op).collect())
    }

    /// OpenBSD's sysctl(8) exits 0 whatever it says.
    fn objection(&self, _: &Want, op: &Op, ran: &vigo_core::action::Ran) -> Option<Problem> {
        let Op::Run(command) = op else { return None };
        let err = ran.err();
        let line = err.lines().map(str::trim).find(|line| line.starts_with("sysctl:"))?;
        (&*command.program == PROGRAM).then(|| Problem::failed(line))
    }
}

fn file() -> AbsPath {
    AbsPath::known("/etc/sysctl.conf")
}

fn get(want: &Want) -> Op {
    look(PROGRAM, &["-n", &format!("{}", want.key)])
}

fn observe(want: &Want, outputs: &Outputs) -> Result<State, String> {
    let path = file();
    let file = FileAt::from_outputs(outputs, &path).ok_or_else(|| format!("`{path}` was not read"))??;
    if file.content().is_some_and(|content| core::str::from_utf8(content).is_err()) {
        return Err(format!("expected text in `{path}`, found other bytes"));
    }
    if file.meta().is_some() && file.content().is_none() {
        return Err(format!("expected a file at `{path}`, found something else"));
    }
    let now = match ran(outputs, &get(want)).transpose()? {
        None => Now::Unasked,
        Some((ran, code)) => {
            let (out, err) = (ran.out(), ran.err());
            match out.trim() {
                "" if UNKNOWN_NAME.iter().any(|text| err.contains(text)) => Now::Missing,
                value if code == 0 && err.trim().is_empty() && !ran.truncated => Now::Value(normal(value)),
                _ => return Err(format!("`sysctl -n {}`: exit {code}, {}", want.key, said(ran))),
            }
        }
    };
    Ok(State { now, file, form: Form::Shared, later: Vec::new() })
}
