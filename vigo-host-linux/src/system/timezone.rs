//! The time zone: timedatectl(1), else the link `/etc/localtime`; and Debian's `/etc/timezone` where there is one.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, Command, Content, Expect, FileKind, Op, OpOutput, Outputs, Owner, Replace};
use vigo_core::host::{Adapter, HostFacts, Interpreted, Problem};
use vigo_core::resource::timezone::{Action, Known, State, Timezone, Want};

/// By timedatectl(1), where systemd runs.
pub(crate) struct Timedatectl;

/// By the link.
pub(crate) struct LinkedTimezone;

impl Adapter<Timezone> for Timedatectl {
    fn probe(&self, want: &Want, _: &HostFacts) -> Vec<Op> {
        probe(want)
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, _: &HostFacts) -> Interpreted<State> {
        interpret(want, outputs)
    }

    fn lower(&self, want: &Want, _: &State, actions: &[Action], _: &HostFacts) -> Result<Vec<Op>, Problem> {
        let op = |action: &Action| match action {
            Action::SetTimezone => Op::Run(Command::change("timedatectl", ["set-timezone", "--", &want.timezone])),
            Action::WriteName => write_name(want),
        };
        Ok(actions.iter().map(op).collect())
    }

    fn shadow(&self, want: &Want, _: &State, actions: &[Action], _: &Outputs) -> Vec<Op> {
        if actions.contains(&Action::SetTimezone) { alloc::vec![link(want)] } else { Vec::new() }
    }
}

impl Adapter<Timezone> for LinkedTimezone {
    fn probe(&self, want: &Want, _: &HostFacts) -> Vec<Op> {
        probe(want)
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, _: &HostFacts) -> Interpreted<State> {
        interpret(want, outputs)
    }

    fn lower(&self, want: &Want, _: &State, actions: &[Action], _: &HostFacts) -> Result<Vec<Op>, Problem> {
        let op = |action: &Action| match action {
            Action::SetTimezone => link(want),
            Action::WriteName => write_name(want),
        };
        Ok(actions.iter().map(op).collect())
    }
}

fn localtime() -> AbsPath {
    AbsPath::known("/etc/localtime")
}

fn name_file() -> AbsPath {
    AbsPath::known("/etc/timezone")
}

fn zone_file(want: &Want) -> AbsPath {
    AbsPath::known("/usr/share/zoneinfo").join(&want.timezone)
}

fn probe(want: &Want) -> Vec<Op> {
    let zone = Op::Stat { path: zone_file(want), follow: true };
    alloc::vec![Op::stat(&localtime()), Op::read_file(&name_file()), zone]
}

fn interpret(want: &Want, outputs: &Outputs) -> Interpreted<State> {
    match observe(want, outputs) {
        Ok(Ok(state)) => Interpreted::Known(state),
        Ok(Err(ask)) => Interpreted::Ask(ask),
        Err(why) => Interpreted::Unknown(why),
    }
}

fn observe(want: &Want, outputs: &Outputs) -> Result<Result<State, Vec<Op>>, String> {
    let known = match outputs.path(&zone_file(want)) {
        Some(OpOutput::Stat(meta) | OpOutput::Hash { meta, .. }) if meta.kind == FileKind::File => Known::Zone,
        Some(OpOutput::Failed(failure)) => return Err(failure.message.clone()),
        _ => Known::Nothing,
    };
    let named = match outputs.path(&name_file()) {
        Some(OpOutput::File { content, .. }) => Some((name_file(), Arc::from(String::from_utf8_lossy(content).trim()))),
        Some(OpOutput::Failed(failure)) => return Err(failure.message.clone()),
        _ => None,
    };
    let zone = match outputs.get(&Op::stat(&localtime())) {
        // localtime(5): without the file it is UTC.
        Some(OpOutput::Missing) => Ok("UTC".into()),
        Some(OpOutput::Stat(meta)) if meta.kind == FileKind::Symlink => {
            let target = meta.target.as_deref().unwrap_or_default();
            match target.split_once("zoneinfo/") {
                Some((_, zone)) => Ok(Arc::from(zone)),
                None => Err(Arc::from(target)),
            }
        }
        Some(OpOutput::Stat(meta)) if meta.kind == FileKind::File && known == Known::Zone => {
            // A copy of the zone's file, as some installers leave it.
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
        Some(OpOutput::Failed(failure)) => return Err(failure.message.clone()),
        Some(_) => Err("something that is no time zone".into()),
        None => return Err(format!("`{}` was not looked at", localtime())),
    };
    Ok(Ok(State { zone, named, known, settings: None }))
}

fn link(want: &Want) -> Op {
    Op::Symlink { path: localtime(), to: zone_file(want).to_string().into(), owner: Owner::default(), force: true }
}

fn write_name(want: &Want) -> Op {
    Op::ReplaceFile(Replace {
        path: name_file(),
        content: Content::Bytes(format!("{}\n", want.timezone).as_bytes().into()),
        mode: None,
        owner: Owner::default(),
        context: None,
        // Some builds of timedated write the file too, before this.
        expect: Expect::Anything,
        validate: None,
        backup: None,
        follow: true,
        parents: false,
    })
}
