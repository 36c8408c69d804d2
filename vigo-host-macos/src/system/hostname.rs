//! The machine's three names: scutil(8).

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use vigo_core::action::{Command, Op, OpOutput, Outputs};
use vigo_core::host::{Adapter, HostFacts, Interpreted, Problem};
use vigo_core::resource::hostname::{Action, Hostname, State, Want};

/// `ComputerName` is what people see, `HostName` what programs see, `LocalHostName` the name in the local network: one label.
/// *Unverified*: written after the manual page.
pub(crate) struct Scutil;

const NONE: [&str; 0] = [];
const NAMES: [&str; 3] = ["HostName", "ComputerName", "LocalHostName"];

impl Adapter<Hostname> for Scutil {
    fn check(&self, want: &Want, facts: &HostFacts) -> Result<(), Problem> {
        if facts.image.is_some() {
            return Err(Problem::unsupported("type `hostname` is not supported on an image of macos"));
        }
        match label(want).bytes().all(|b| b.is_ascii_digit()) {
            true => Err(Problem::unsupported("a hostname whose first label is a number is not supported on macos")),
            false => Ok(()),
        }
    }

    fn probe(&self, _: &Want, _: &HostFacts) -> Vec<Op> {
        NAMES.iter().map(|name| get(name)).chain([now()]).collect()
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, _: &HostFacts) -> Interpreted<State> {
        observe(want, outputs).map_or_else(Interpreted::Unknown, Interpreted::Known)
    }

    fn lower(&self, want: &Want, _: &State, actions: &[Action], _: &HostFacts) -> Result<Vec<Op>, Problem> {
        let set = |name: &&str| Op::Run(Command::change("/usr/sbin/scutil", ["--set", name, wanted(name, want)]));
        let flush = || Op::Run(Command::change("/usr/bin/dscacheutil", ["-flushcache"]));
        Ok(actions.iter().flat_map(|_| NAMES.iter().map(set).chain([flush()])).collect())
    }
}

fn get(name: &str) -> Op {
    Op::Run(Command::read("/usr/sbin/scutil", ["--get", name]))
}

fn now() -> Op {
    Op::Run(Command::read("/bin/hostname", NONE))
}

fn label(want: &Want) -> &str {
    want.hostname.split('.').next().unwrap_or(&want.hostname)
}

fn wanted<'a>(name: &str, want: &'a Want) -> &'a str {
    if name == "LocalHostName" { label(want) } else { &want.hostname }
}

fn observe(want: &Want, outputs: &Outputs) -> Result<State, String> {
    let text = |op: Op| -> Result<Option<Arc<str>>, String> {
        match outputs.get(&op) {
            Some(OpOutput::Ran(ran)) if ran.success() && !ran.truncated => {
                let out = ran.out();
                let name = out.trim();
                if name.is_empty() { Err(format!("`{op}` said nothing")) } else { Ok(Some(name.into())) }
            }
            Some(OpOutput::Ran(ran)) if ran.out().contains("not set") || ran.err().contains("not set") => Ok(None),
            Some(OpOutput::Ran(ran)) => Err(format!("`{op}` ended with {}: {}", ran.exit, ran.err().trim())),
            Some(OpOutput::Failed(failure)) => Err(failure.message.clone()),
            _ => Err(format!("`{op}` was not run")),
        }
    };
    let [host, computer, local] = NAMES.map(|name| text(get(name)));
    let (host, computer, local) = (host?, computer?, local?);
    let is = |name: &str, found: &Option<Arc<str>>| found.as_deref() == Some(wanted(name, want));
    // The one that programs see tells; it counts as set when the other two are.
    let all = is(NAMES[1], &computer) && is(NAMES[2], &local);
    let at_boot = host.filter(|host| all || **host != *want.hostname);
    Ok(State { at_boot, now: Some(text(now())?.unwrap_or_default()), file: None })
}
