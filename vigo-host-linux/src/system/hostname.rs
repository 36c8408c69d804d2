//! The machine's name: hostnamectl(1), else `/etc/hostname` and hostname(1).

use alloc::format;
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, Command, Content, Expect, Op, OpOutput, Outputs, Owner, Replace};
use vigo_core::host::{Adapter, HostFacts, Interpreted, Problem};
use vigo_core::resource::hostname::{Action, Hostname, State, Want, name_in};

/// By hostnamectl(1), where systemd runs.
pub(crate) struct Hostnamectl;

/// By the file and hostname(1); in an image by the file alone.
pub(crate) struct FileHostname;

/// The kernel takes no longer one, sethostname(2).
const NAME_BYTES_MAX: usize = 64;

impl Adapter<Hostname> for Hostnamectl {
    fn check(&self, want: &Want, _: &HostFacts) -> Result<(), Problem> {
        fits(want)
    }

    fn probe(&self, _: &Want, facts: &HostFacts) -> Vec<Op> {
        probe(facts)
    }

    fn interpret(&self, _: &Want, outputs: &Outputs, facts: &HostFacts) -> Interpreted<State> {
        interpret(outputs, facts)
    }

    fn lower(&self, want: &Want, _: &State, actions: &[Action], _: &HostFacts) -> Result<Vec<Op>, Problem> {
        let set = |_: &Action| Op::Run(Command::change("hostnamectl", ["set-hostname", "--", &want.hostname]));
        Ok(actions.iter().map(set).collect())
    }

    fn shadow(&self, want: &Want, _: &State, actions: &[Action], _: &Outputs) -> Vec<Op> {
        if actions.is_empty() { Vec::new() } else { alloc::vec![write(boot_file(), want), write(kernel_file(), want)] }
    }
}

impl Adapter<Hostname> for FileHostname {
    fn check(&self, want: &Want, _: &HostFacts) -> Result<(), Problem> {
        fits(want)
    }

    fn probe(&self, _: &Want, facts: &HostFacts) -> Vec<Op> {
        probe(facts)
    }

    fn interpret(&self, _: &Want, outputs: &Outputs, facts: &HostFacts) -> Interpreted<State> {
        interpret(outputs, facts)
    }

    fn lower(&self, want: &Want, state: &State, actions: &[Action], _: &HostFacts) -> Result<Vec<Op>, Problem> {
        let mut ops = Vec::new();
        if actions.is_empty() {
            return Ok(ops);
        }
        if state.at_boot.as_ref() != Some(&want.hostname) {
            ops.push(write(boot_file(), want));
        }
        if state.now.as_ref().is_some_and(|now| *now != want.hostname) {
            ops.push(Op::Run(Command::change("hostname", [want.hostname.to_string()])));
        }
        Ok(ops)
    }

    fn shadow(&self, want: &Want, state: &State, actions: &[Action], _: &Outputs) -> Vec<Op> {
        let runs = !actions.is_empty() && state.now.is_some();
        runs.then(|| write(kernel_file(), want)).into_iter().collect()
    }
}

fn fits(want: &Want) -> Result<(), Problem> {
    let len = want.hostname.len();
    if len <= NAME_BYTES_MAX {
        return Ok(());
    }
    Err(Problem::unsupported(format!("a hostname of {len} bytes is not supported on linux: {NAME_BYTES_MAX} at most")))
}

fn boot_file() -> AbsPath {
    AbsPath::known("/etc/hostname")
}

fn kernel_file() -> AbsPath {
    AbsPath::known("/proc/sys/kernel/hostname")
}

fn probe(facts: &HostFacts) -> Vec<Op> {
    let mut ops = alloc::vec![Op::read_file(&boot_file())];
    if facts.image.is_none() {
        ops.push(Op::read_file(&kernel_file()));
    }
    ops
}

fn interpret(outputs: &Outputs, facts: &HostFacts) -> Interpreted<State> {
    let name = |path: &AbsPath| -> Result<Option<Arc<str>>, alloc::string::String> {
        match outputs.path(path) {
            Some(OpOutput::File { content, .. }) => Ok(name_in(content)),
            Some(OpOutput::Missing) => Ok(None),
            Some(OpOutput::Failed(failure)) => Err(failure.message.clone()),
            _ => Err(format!("expected a file at `{path}`, found something else")),
        }
    };
    let now = if facts.image.is_some() { Ok(None) } else { name(&kernel_file()).map(|n| Some(n.unwrap_or_default())) };
    match (name(&boot_file()), now) {
        (Ok(at_boot), Ok(now)) => Interpreted::Known(State { at_boot, now, file: None }),
        (Err(why), _) | (_, Err(why)) => Interpreted::Unknown(why),
    }
}

fn write(path: AbsPath, want: &Want) -> Op {
    Op::ReplaceFile(Replace {
        path,
        content: Content::Bytes(format!("{}\n", want.hostname).as_bytes().into()),
        mode: None,
        owner: Owner::default(),
        context: None,
        expect: Expect::Anything,
        validate: None,
        backup: None,
        follow: true,
        parents: false,
    })
}
