//! The machine's name: `hostname` in rc.conf(5), and hostname(1).

use super::rc_conf;
use crate::name::{fits, live, probe_live, set_live};
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::host::{Adapter, HostFacts, Interpreted, Problem};
use vigo_core::resource::hostname::{Action, Hostname, State, Want};

/// By sysrc(8) and hostname(1).
pub(super) struct RcHostname;

const VARIABLE: &str = "hostname";

impl Adapter<Hostname> for RcHostname {
    fn check(&self, want: &Want, facts: &HostFacts) -> Result<(), Problem> {
        match &facts.image {
            Some(_) => Err(Problem::unsupported("type `hostname` is not supported on an image of freebsd")),
            None => fits(want, "freebsd"),
        }
    }

    fn probe(&self, _: &Want, facts: &HostFacts) -> Vec<Op> {
        rc_conf::probe(VARIABLE).into_iter().chain(probe_live(facts)).collect()
    }

    fn interpret(&self, _: &Want, outputs: &Outputs, facts: &HostFacts) -> Interpreted<State> {
        match (rc_conf::value(VARIABLE, outputs), live(outputs, facts)) {
            (Ok(at_boot), Ok(now)) => Interpreted::Known(State { at_boot, now, file: None }),
            (Err(why), _) | (_, Err(why)) => Interpreted::Unknown(why),
        }
    }

    fn lower(&self, want: &Want, state: &State, actions: &[Action], _: &HostFacts) -> Result<Vec<Op>, Problem> {
        let differs = !actions.is_empty() && state.at_boot.as_ref() != Some(&want.hostname);
        let at_boot = differs.then(|| rc_conf::set(VARIABLE, &want.hostname));
        Ok(at_boot.into_iter().chain(set_live(want, state, actions)).collect())
    }
}
