//! The time zone: the link `/etc/localtime`.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, FileKind, Op, OpOutput, Outputs, Owner};
use vigo_core::host::{Adapter, HostFacts, Interpreted, Problem};
use vigo_core::resource::timezone::{Action, Known, State, Timezone, Want};

/// By the link, or a copy of the zone's file in its place.
pub(crate) struct LinkedTimezone;

impl Adapter<Timezone> for LinkedTimezone {
    fn probe(&self, want: &Want, _: &HostFacts) -> Vec<Op> {
        alloc::vec![Op::stat(&localtime()), Op::Stat { path: zone_file(want), follow: true }]
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, _: &HostFacts) -> Interpreted<State> {
        match observe(want, outputs) {
            Ok(Ok(state)) => Interpreted::Known(state),
            Ok(Err(ask)) => Interpreted::Ask(ask),
            Err(why) => Interpreted::Unknown(why),
        }
    }

    fn lower(&self, want: &Want, _: &State, actions: &[Action], _: &HostFacts) -> Result<Vec<Op>, Problem> {
        let to: Arc<str> = zone_file(want).to_string().into();
        let link = Op::Symlink { path: localtime(), to, owner: Owner::default(), force: true };
        Ok(actions.iter().filter(|action| **action == Action::SetTimezone).map(|_| link.clone()).collect())
    }
}

fn localtime() -> AbsPath {
    AbsPath::known("/etc/localtime")
}

fn zone_file(want: &Want) -> AbsPath {
    AbsPath::known("/usr/share/zoneinfo").join(&want.timezone)
}

fn observe(want: &Want, outputs: &Outputs) -> Result<Result<State, Vec<Op>>, String> {
    let known = match outputs.path(&zone_file(want)) {
        Some(OpOutput::Stat(meta) | OpOutput::Hash { meta, .. }) if meta.kind == FileKind::File => Known::Zone,
        Some(OpOutput::Failed(failure)) => return Err(failure.message.clone()),
        Some(OpOutput::Missing | OpOutput::Stat(_)) => Known::Nothing,
        _ => return Err(format!("`{}` was not looked at", zone_file(want))),
    };
    let zone = match outputs.get(&Op::stat(&localtime())) {
        // localtime(5): without the file it is UTC.
        Some(OpOutput::Missing) => Ok("UTC".into()),
        Some(OpOutput::Stat(meta)) if meta.kind == FileKind::Symlink => {
            let target = meta.target.as_deref().unwrap_or_default();
            target.split_once("zoneinfo/").map(|(_, zone)| Arc::from(zone)).ok_or_else(|| Arc::from(target))
        }
        Some(OpOutput::Stat(meta)) if meta.kind == FileKind::File && known == Known::Zone => {
            // A copy, as installers of FreeBSD and operators leave it.
            let asks = [localtime(), zone_file(want)].map(|path| Op::HashFile { path, follow: true });
            match asks.each_ref().map(|op| outputs.get(op)) {
                [Some(OpOutput::Hash { sha256: a, .. }), Some(OpOutput::Hash { sha256: b, .. })] if a == b => {
                    Ok(want.timezone.clone())
                }
                [Some(OpOutput::Failed(failure)), _] | [_, Some(OpOutput::Failed(failure))] => {
                    return Err(failure.message.clone());
                }
                [Some(_), Some(_)] => Err("a file of another time zone".into()),
                _ => return Ok(Err(asks.into())),
            }
        }
        Some(OpOutput::Stat(_)) => Err("something that is no time zone".into()),
        Some(OpOutput::Failed(failure)) => return Err(failure.message.clone()),
        _ => return Err(format!("`{}` was not looked at", localtime())),
    };
    Ok(Ok(State { zone, named: None, known, settings: None }))
}
