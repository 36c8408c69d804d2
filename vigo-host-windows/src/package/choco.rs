//! Chocolatey.

use super::select::CHOCO_PROGRAM;
use super::tool::{Ask, By, Tool, blocked, is_version, said};
use crate::program::ran;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use vigo_core::action::{Command, Op, Outputs, Ran};
use vigo_core::host::Problem;
use vigo_core::resource::package::{Action, Upgrade, Want};

/// `choco.exe`. *Unverified*: written after its documentation.
pub(super) struct Choco;

pub(super) static CHOCO: By<Choco> = By(Choco);

/// Lines as `name|version`, which are the same in every language.
const LIMITED: &str = "--limit-output";

/// Bytes of a list of everything that is installed.
const LIST_BYTES_MAX: usize = 4 << 20;

fn own_version() -> Op {
    Op::Run(Command::read(CHOCO_PROGRAM, ["--version"]))
}

impl Tool for Choco {
    const NAME: &'static str = "choco";
    const HOLDS: bool = true;

    /// Since version 2 `list` is about the machine; before, it was about all there is in the world without `--local-only`,
    /// which the newer refuses.
    fn installed(&self, _: &str, outputs: &Outputs) -> Result<Command, Ask> {
        let op = own_version();
        let seen = match ran(outputs, &op) {
            None => return Err(Ask::First(Box::new(op))),
            Some(seen) => seen.map_err(Ask::Never)?,
        };
        let out = seen.out();
        // A notice may stand before it.
        let version = out.lines().map(str::trim).rfind(|line| is_version(line)).filter(|_| seen.success());
        let major = version.and_then(|v| v.split('.').next()?.parse::<u32>().ok());
        let args: &[&str] = match major {
            Some(0 | 1) => &["list", "--local-only", LIMITED],
            Some(_) => &["list", LIMITED],
            None => return Err(Ask::Never(format!("`choco --version` tells no version: {}", said(seen)))),
        };
        Ok(Command::read(CHOCO_PROGRAM, args.iter().copied()).output_bytes_max(LIST_BYTES_MAX))
    }

    /// Chocolatey itself is always in the list.
    fn version(&self, ran: &Ran, name: &str) -> Result<Option<Arc<str>>, String> {
        let out = ran.out();
        let rows = || out.lines().filter_map(|line| line.trim().split_once('|')).filter(|(_, v)| is_version(v));
        if !ran.success() || rows().next().is_none() {
            return Err(format!("`choco list` ended with {} and tells no package: {}", ran.exit, said(ran)));
        }
        let found = rows().find(|(id, _)| id.eq_ignore_ascii_case(name));
        Ok(found.map(|(_, version)| version.split('|').next().unwrap_or(version).into()))
    }

    fn newer(&self) -> Command {
        Command::read(CHOCO_PROGRAM, ["outdated", LIMITED, "--ignore-unfound"]).output_bytes_max(LIST_BYTES_MAX)
    }

    /// Exit 2 is "some are outdated" where its enhanced exit codes are on.
    fn upgrades(&self, ran: &Ran) -> Result<Vec<Upgrade>, String> {
        if !matches!(ran.code(), Some(0 | 2)) {
            return Err(format!("`choco outdated` ended with {}: {}", ran.exit, said(ran)));
        }
        let upgrade = |line: &str| {
            let mut fields = line.trim().split('|');
            let (name, from, to, pinned) = (fields.next()?, fields.next()?, fields.next()?, fields.next());
            let newer = is_version(from) && is_version(to) && from != to;
            let is_free = !pinned.is_some_and(|p| p.eq_ignore_ascii_case("true"));
            (newer && is_free).then(|| Upgrade { name: name.into(), from: from.into(), to: to.into() })
        };
        Ok(ran.out().lines().filter_map(upgrade).collect())
    }

    fn held(&self) -> Option<Command> {
        Some(Command::read(CHOCO_PROGRAM, ["pin", "list", LIMITED]))
    }

    fn is_held(&self, ran: &Ran, name: &str) -> Result<bool, String> {
        if !ran.success() {
            return Err(format!("`choco pin list` ended with {}: {}", ran.exit, said(ran)));
        }
        Ok(ran.out().lines().any(|line| line.trim().split('|').next().is_some_and(|id| id.eq_ignore_ascii_case(name))))
    }

    fn calls(&self, want: &Want, action: &Action) -> Vec<Command> {
        let with = |verb: &str, names: &[Arc<str>]| {
            let mut args: Vec<Arc<str>> = alloc::vec![verb.into()];
            args.extend(names.iter().cloned());
            args.extend(["--yes", "--no-progress", LIMITED].map(Arc::from));
            args.extend(want.version.iter().map(|v| Arc::from(format!("--version={}", v.text))));
            args.extend(want.flags.iter().cloned());
            Command::change(CHOCO_PROGRAM, args)
        };
        let pin = |verb: &str, name: &Arc<str>| {
            Command::change(CHOCO_PROGRAM, ["pin".to_string(), verb.into(), format!("--name={name}"), LIMITED.into()])
        };
        match action {
            Action::Install(names) => alloc::vec![with("install", names)],
            Action::Upgrade(names) | Action::Downgrade(names) => alloc::vec![with("upgrade", names)],
            Action::UpgradeAll => alloc::vec![with("upgrade", &["all".into()])],
            Action::Remove(names) => alloc::vec![with("uninstall", names)],
            Action::Hold(names) => names.iter().map(|name| pin("add", name)).collect(),
            Action::Release(names) => names.iter().map(|name| pin("remove", name)).collect(),
            // The check has refused what these need.
            Action::RefreshIndex | Action::CleanUp => Vec::new(),
        }
    }

    fn classify(&self, ran: &Ran) -> Option<Problem> {
        if let Some(problem) = blocked(ran, IN_THE_WAY) {
            return Some(problem);
        }
        let out = ran.out();
        let line = out.lines().map(str::trim).find(|l| l.contains("was not found with the source"))?;
        let line: String = line.chars().take(200).collect();
        Some(Problem::failed(line).help("check the name, or add its source by type `repository`"))
    }
}

const IN_THE_WAY: &[(&str, &str)] = &[
    ("Unable to connect to the remote server", "check the machine's network"),
    ("The remote name could not be resolved", "check the machine's name service and network"),
    ("There is not enough space on the disk", "free some space"),
    ("Unable to obtain lock", "let the other package manager finish"),
];
