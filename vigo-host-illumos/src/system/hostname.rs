//! The machine's name: `/etc/nodename`, nodename(5), and hostname(1).

use super::file::write;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, Command, Expect, Op, OpOutput, Outputs};
use vigo_core::host::{Adapter, HostFacts, Interpreted, Problem};
use vigo_core::resource::hostname::{Action, Hostname, State, Want, name_in};

/// The file is read at boot; in an image it is all there is. *Unverified*: written after the manual pages.
pub(crate) struct Nodename;

const PROGRAM: &str = "/usr/bin/hostname";

impl Adapter<Hostname> for Nodename {
    fn probe(&self, _: &Want, facts: &HostFacts) -> Vec<Op> {
        let mut ops = alloc::vec![Op::read_file(&file())];
        ops.extend(facts.image.is_none().then(now));
        ops
    }

    fn interpret(&self, _: &Want, outputs: &Outputs, facts: &HostFacts) -> Interpreted<State> {
        observe(outputs, facts).map_or_else(Interpreted::Unknown, Interpreted::Known)
    }

    fn lower(&self, want: &Want, state: &State, actions: &[Action], _: &HostFacts) -> Result<Vec<Op>, Problem> {
        let mut ops = Vec::new();
        if !actions.is_empty() {
            if state.at_boot.as_ref() != Some(&want.hostname) {
                ops.push(write(file(), format!("{}\n", want.hostname).as_bytes(), Expect::Anything));
            }
            if state.now.as_ref().is_some_and(|now| *now != want.hostname) {
                ops.push(Op::Run(Command::change(PROGRAM, [&*want.hostname])));
            }
        }
        Ok(ops)
    }
}

fn file() -> AbsPath {
    AbsPath::known("/etc/nodename")
}

fn now() -> Op {
    const NONE: [&str; 0] = [];
    Op::Run(Command::read(PROGRAM, NONE))
}

fn observe(outputs: &Outputs, facts: &HostFacts) -> Result<State, String> {
    let at_boot = match outputs.path(&file()) {
        Some(OpOutput::File { content, .. }) => name_in(content),
        Some(OpOutput::Missing) => None,
        Some(OpOutput::Failed(failure)) => return Err(failure.message.clone()),
        _ => return Err(format!("expected a file at `{}`, found something else", file())),
    };
    let now: Option<Arc<str>> = match outputs.get(&now()) {
        _ if facts.image.is_some() => None,
        Some(OpOutput::Ran(ran)) if ran.success() && !ran.out().trim().is_empty() => Some(ran.out().trim().into()),
        Some(OpOutput::Ran(ran)) => return Err(format!("`hostname` ended with {}: {}", ran.exit, ran.err().trim())),
        Some(OpOutput::Failed(failure)) => return Err(failure.message.clone()),
        _ => return Err("`hostname` was not run".into()),
    };
    Ok(State { at_boot, now, file: None })
}
