//! Scoop.

use super::select::SCOOP_PROGRAM;
use super::tool::{Ask, By, Tool, is_version, said};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use vigo_core::action::{Command, Outputs, Ran};
use vigo_core::resource::package::{Action, Upgrade, Want};

/// `scoop`, for all accounts of the machine. It exits 0 whatever happened: what it did is read back. *Unverified*: written
/// after its documentation.
pub(super) struct Scoop;

pub(super) static SCOOP: By<Scoop> = By(Scoop);

/// Bytes of a list of everything that is installed.
const LIST_BYTES_MAX: usize = 4 << 20;

/// For all accounts.
const GLOBAL: &str = "--global";

impl Tool for Scoop {
    const NAME: &'static str = "scoop";

    fn installed(&self, _: &str, _: &Outputs) -> Result<Command, Ask> {
        Ok(Command::read(SCOOP_PROGRAM, ["list"]).output_bytes_max(LIST_BYTES_MAX))
    }

    /// A table with English headings: name, version, source and more.
    fn version(&self, ran: &Ran, name: &str) -> Result<Option<Arc<str>>, String> {
        let out = ran.out();
        let is_heading = |line: &str| line.split_whitespace().take(2).eq(["Name", "Version"]);
        let mut lines = out.lines().skip_while(|line| !is_heading(line));
        let nothing = out.lines().any(|line| line.contains("There aren't any apps installed"));
        if !ran.success() || (lines.next().is_none() && !nothing) {
            return Err(format!("`scoop list` ended with {} and tells no list: {}", ran.exit, said(ran)));
        }
        let app = name.rsplit('/').next().unwrap_or(name);
        let row = |line: &str| {
            let mut words = line.split_whitespace();
            let (name, version) = (words.next()?, words.next()?);
            name.eq_ignore_ascii_case(app).then(|| Arc::from(version))
        };
        Ok(lines.find_map(row))
    }

    fn newer(&self) -> Command {
        Command::read(SCOOP_PROGRAM, ["status"]).output_bytes_max(LIST_BYTES_MAX)
    }

    fn upgrades(&self, ran: &Ran) -> Result<Vec<Upgrade>, String> {
        let out = ran.out();
        if !ran.success() || out.trim().is_empty() {
            return Err(format!("`scoop status` ended with {}: {}", ran.exit, said(ran)));
        }
        let is_heading = |line: &str| line.split_whitespace().take(3).eq(["Name", "Installed", "Version"]);
        let upgrade = |line: &str| {
            let mut words = line.split_whitespace();
            let (name, from, to) = (words.next()?, words.next()?, words.next()?);
            let fits = is_version(from) && is_version(to);
            fits.then(|| Upgrade { name: name.into(), from: from.into(), to: to.into() })
        };
        Ok(out.lines().skip_while(|line| !is_heading(line)).skip(1).filter_map(upgrade).collect())
    }

    fn calls(&self, want: &Want, action: &Action) -> Vec<Command> {
        let with = |verb: &str, names: Vec<Arc<str>>| {
            let mut args: Vec<Arc<str>> = alloc::vec![verb.into()];
            args.extend(names);
            args.push(GLOBAL.into());
            args.extend(want.flags.iter().cloned());
            Command::change(SCOOP_PROGRAM, args)
        };
        let versioned = |names: &[Arc<str>]| -> Vec<Arc<str>> {
            let one = |name: &Arc<str>| match &want.version {
                Some(version) => Arc::from(format!("{name}@{}", version.text)),
                None => name.clone(),
            };
            names.iter().map(one).collect()
        };
        let plain = |names: &[Arc<str>]| -> Vec<Arc<str>> {
            names.iter().map(|name| name.rsplit('/').next().unwrap_or(name).into()).collect()
        };
        match action {
            Action::Install(names) => alloc::vec![with("install", versioned(names))],
            // A wanted version is installed beside the other and taken into use.
            Action::Upgrade(names) | Action::Downgrade(names) if want.version.is_some() => {
                alloc::vec![with("install", versioned(names))]
            }
            Action::Upgrade(names) | Action::Downgrade(names) => alloc::vec![with("update", plain(names))],
            Action::UpgradeAll => alloc::vec![with("update", alloc::vec!["*".into()])],
            Action::Remove(names) => alloc::vec![with("uninstall", plain(names))],
            // The check has refused what these need.
            Action::RefreshIndex | Action::Release(_) | Action::Hold(_) | Action::CleanUp => Vec::new(),
        }
    }

    fn classify(&self, ran: &Ran) -> Option<vigo_core::host::Problem> {
        let out = ran.out();
        let line = out.lines().map(str::trim).find(|line| line.starts_with("Couldn't find manifest"))?;
        let line: String = line.chars().take(200).collect();
        let problem = vigo_core::host::Problem::failed(line);
        Some(problem.help("check the name, or add its bucket by type `repository`"))
    }
}
