//! The time zone: systemsetup(8).

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, Command, FileKind, Op, OpOutput, Outputs};
use vigo_core::host::{Adapter, HostFacts, Interpreted, Problem};
use vigo_core::resource::timezone::{Action, Known, State, Timezone, Want};

/// `-gettimezone` and `-settimezone`. *Unverified*: written after the manual page.
pub(crate) struct Systemsetup;

const PROGRAM: &str = "/usr/sbin/systemsetup";

impl Adapter<Timezone> for Systemsetup {
    fn check(&self, _: &Want, facts: &HostFacts) -> Result<(), Problem> {
        match facts.image {
            Some(_) => Err(Problem::unsupported("type `timezone` is not supported on an image of macos")),
            None => Ok(()),
        }
    }

    fn probe(&self, want: &Want, _: &HostFacts) -> Vec<Op> {
        alloc::vec![get(), Op::Stat { path: zone_file(want), follow: true }]
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, _: &HostFacts) -> Interpreted<State> {
        observe(want, outputs).map_or_else(Interpreted::Unknown, Interpreted::Known)
    }

    fn lower(&self, want: &Want, _: &State, actions: &[Action], _: &HostFacts) -> Result<Vec<Op>, Problem> {
        let set = |_: &Action| Op::Run(Command::change(PROGRAM, ["-settimezone", listed(&want.timezone)]));
        Ok(actions.iter().filter(|a| **a == Action::SetTimezone).map(set).collect())
    }
}

/// Returns the zone by the name under which systemsetup(8) knows it: universal time is called `GMT` there, and nothing else.
fn listed(zone: &str) -> &str {
    match zone {
        "UTC" | "Etc/UTC" => "GMT",
        other => other,
    }
}

fn get() -> Op {
    Op::Run(Command::read(PROGRAM, ["-gettimezone"]))
}

fn zone_file(want: &Want) -> AbsPath {
    AbsPath::known("/usr/share/zoneinfo").join(&want.timezone)
}

fn observe(want: &Want, outputs: &Outputs) -> Result<State, String> {
    let known = match outputs.path(&zone_file(want)) {
        Some(OpOutput::Stat(meta)) if meta.kind == FileKind::File => Known::Zone,
        Some(OpOutput::Failed(failure)) => return Err(failure.message.clone()),
        _ => Known::Nothing,
    };
    let op = get();
    let ran = match outputs.get(&op) {
        Some(OpOutput::Ran(ran)) => ran,
        Some(OpOutput::Failed(failure)) => return Err(failure.message.clone()),
        _ => return Err(format!("`{op}` was not run")),
    };
    let out = ran.out();
    // It exits 0 whatever happened: the line decides.
    let zone = out.lines().find_map(|l| l.trim().strip_prefix("Time Zone:")).map(str::trim);
    match zone.filter(|zone| !zone.is_empty() && !zone.contains(char::is_whitespace)) {
        Some(zone) if ran.success() => {
            let zone = if zone == listed(&want.timezone) { want.timezone.clone() } else { Arc::from(zone) };
            Ok(State { zone: Ok(zone), named: None, known, settings: None })
        }
        _ => Err(format!("expected `Time Zone: …` of `{op}`, found `{}`", out.trim().escape_debug())),
    }
}
