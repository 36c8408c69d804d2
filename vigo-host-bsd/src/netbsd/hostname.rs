//! The machine's name: `hostname` in `/etc/rc.conf`, else `/etc/myname`, as `/etc/rc.d/network` reads them; and
//! hostname(1).

use super::assignment;
use crate::answer::text;
use crate::name::{fits, live, probe_live, set_live, write, write_name};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, Expect, Op, Outputs};
use vigo_core::host::{Adapter, HostFacts, Interpreted, Problem};
use vigo_core::resource::hostname::{Action, Hostname, State, Want, name_in};
use vigo_core::resource::user::FileAt;

/// By the file that sets it, and hostname(1).
pub(crate) struct NameAtBoot;

const VARIABLE: &str = "hostname";

impl Adapter<Hostname> for NameAtBoot {
    fn check(&self, want: &Want, _: &HostFacts) -> Result<(), Problem> {
        fits(want, "netbsd")
    }

    fn probe(&self, _: &Want, facts: &HostFacts) -> Vec<Op> {
        [rc_conf(), my_name()].iter().map(Op::read_file).chain(probe_live(facts)).collect()
    }

    fn interpret(&self, _: &Want, outputs: &Outputs, facts: &HostFacts) -> Interpreted<State> {
        match observe(outputs, facts) {
            Ok(state) => Interpreted::Known(state),
            Err(why) => Interpreted::Unknown(why),
        }
    }

    fn lower(&self, want: &Want, state: &State, actions: &[Action], _: &HostFacts) -> Result<Vec<Op>, Problem> {
        let mut ops = Vec::new();
        if !actions.is_empty() && state.at_boot.as_ref() != Some(&want.hostname) {
            ops.push(match &state.file {
                None => write_name(my_name(), want),
                Some(file) => {
                    let old = file.content().map(|content| String::from_utf8_lossy(content)).unwrap_or_default();
                    let expect = file.content().map_or(Expect::Missing, |content| Expect::content(content));
                    let text = assignment::set(&old, VARIABLE, &want.hostname);
                    write(file.path.clone(), text.as_bytes(), expect)
                }
            });
        }
        ops.extend(set_live(want, state, actions));
        Ok(ops)
    }
}

fn observe(outputs: &Outputs, facts: &HostFacts) -> Result<State, String> {
    let path = rc_conf();
    let file = FileAt::from_outputs(outputs, &path).ok_or_else(|| format!("`{path}` was not read"))??;
    let settings = match file.content() {
        Some(content) => {
            core::str::from_utf8(content).map_err(|_| format!("expected text in `{path}`, found other bytes"))?
        }
        None if file.meta().is_none() => "",
        None => return Err(format!("expected a file at `{path}`, found something else")),
    };
    let own = text(outputs, &my_name()).ok_or("`/etc/myname` was not read")??;
    let now = live(outputs, facts)?;
    let set = assignment::value(settings, VARIABLE).filter(|name| !name.is_empty());
    Ok(match (set, name_in(own.as_bytes())) {
        (Some(name), _) => State { at_boot: Some(name.into()), now, file: Some(file) },
        (None, Some(name)) => State { at_boot: Some(name), now, file: None },
        (None, None) => State { at_boot: None, now, file: Some(file) },
    })
}

fn rc_conf() -> AbsPath {
    AbsPath::known("/etc/rc.conf")
}

fn my_name() -> AbsPath {
    AbsPath::known("/etc/myname")
}
