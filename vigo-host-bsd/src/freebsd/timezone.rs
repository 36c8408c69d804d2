//! The time zone: `/etc/localtime`, and its name in `/var/db/zoneinfo`, from which tzsetup(8) makes the former anew.

use crate::answer::text;
use crate::name::write;
use crate::timezone::LinkedTimezone;
use alloc::format;
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, Expect, Op, Outputs};
use vigo_core::host::{Adapter, HostFacts, Interpreted, Problem};
use vigo_core::resource::timezone::{Action, State, Timezone, Want};

/// By the link and the name.
pub(super) struct NamedTimezone;

fn name_file() -> AbsPath {
    AbsPath::known("/var/db/zoneinfo")
}

impl Adapter<Timezone> for NamedTimezone {
    fn probe(&self, want: &Want, facts: &HostFacts) -> Vec<Op> {
        LinkedTimezone.probe(want, facts).into_iter().chain([Op::read_file(&name_file())]).collect()
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, facts: &HostFacts) -> Interpreted<State> {
        let named = match text(outputs, &name_file()) {
            Some(Ok(named)) => named,
            Some(Err(why)) => return Interpreted::Unknown(why),
            None => return Interpreted::Unknown(format!("`{}` was not read", name_file())),
        };
        match LinkedTimezone.interpret(want, outputs, facts) {
            Interpreted::Known(state) => {
                Interpreted::Known(State { named: Some((name_file(), named.trim().into())), ..state })
            }
            other => other,
        }
    }

    fn lower(&self, want: &Want, state: &State, actions: &[Action], facts: &HostFacts) -> Result<Vec<Op>, Problem> {
        let mut ops = LinkedTimezone.lower(want, state, actions, facts)?;
        if actions.contains(&Action::WriteName) {
            ops.push(write(name_file(), format!("{}\n", want.timezone).as_bytes(), Expect::Anything));
        }
        Ok(ops)
    }
}
