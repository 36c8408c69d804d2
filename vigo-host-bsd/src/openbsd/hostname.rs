//! The machine's name: `/etc/myname`, myname(5), and hostname(1).

use crate::answer::text;
use crate::name::{fits, live, probe_live, set_live, write_name};
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, Op, Outputs};
use vigo_core::host::{Adapter, HostFacts, Interpreted, Problem};
use vigo_core::resource::hostname::{Action, Hostname, State, Want, name_in};

/// By the file and hostname(1).
pub(crate) struct MyName;

impl Adapter<Hostname> for MyName {
    fn check(&self, want: &Want, _: &HostFacts) -> Result<(), Problem> {
        fits(want, "openbsd")
    }

    fn probe(&self, _: &Want, facts: &HostFacts) -> Vec<Op> {
        [Op::read_file(&file())].into_iter().chain(probe_live(facts)).collect()
    }

    fn interpret(&self, _: &Want, outputs: &Outputs, facts: &HostFacts) -> Interpreted<State> {
        let at_boot = text(outputs, &file()).unwrap_or_else(|| Err("`/etc/myname` was not read".into()));
        match (at_boot, live(outputs, facts)) {
            (Ok(text), Ok(now)) => Interpreted::Known(State { at_boot: name_in(text.as_bytes()), now, file: None }),
            (Err(why), _) | (_, Err(why)) => Interpreted::Unknown(why),
        }
    }

    fn lower(&self, want: &Want, state: &State, actions: &[Action], _: &HostFacts) -> Result<Vec<Op>, Problem> {
        let mut ops = Vec::new();
        if !actions.is_empty() && state.at_boot.as_ref() != Some(&want.hostname) {
            ops.push(write_name(file(), want));
        }
        ops.extend(set_live(want, state, actions));
        Ok(ops)
    }
}

fn file() -> AbsPath {
    AbsPath::known("/etc/myname")
}
