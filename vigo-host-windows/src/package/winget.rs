//! The Windows Package Manager.

use super::select::WINGET_PROGRAM;
use super::tool::{Ask, By, Tool, blocked, is_version, said};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use vigo_core::action::{Command, Outputs, Ran};
use vigo_core::host::Problem;
use vigo_core::resource::package::{Action, Upgrade, Want};

/// `winget.exe`, by exact id. It prints tables for people, whose headings are localised: of a row only the id and what
/// stands behind it is read. *Unverified*: written after its documentation.
pub(super) struct Winget;

pub(super) static WINGET: By<Winget> = By(Winget);

/// APPINSTALLER_CLI_ERROR_NO_APPLICATIONS_FOUND.
const NONE_FOUND: i32 = -1_978_335_212;
/// APPINSTALLER_CLI_ERROR_INSTALL_REBOOT_REQUIRED_TO_FINISH.
const RESTART_TO_FINISH: i32 = -1_978_334_967;
/// APPINSTALLER_CLI_ERROR_UPDATE_NOT_APPLICABLE.
const NOTHING_NEWER: i32 = -1_978_335_189;

const QUIET: [&str; 2] = ["--accept-source-agreements", "--disable-interactivity"];

/// Bytes of a list of everything that is newer.
const LIST_BYTES_MAX: usize = 4 << 20;

impl Tool for Winget {
    const NAME: &'static str = "winget";
    const DONE: &'static [i32] = &[RESTART_TO_FINISH];

    fn installed(&self, name: &str, _: &Outputs) -> Result<Command, Ask> {
        let args = ["list", "--id", name, "--exact"].into_iter().chain(QUIET);
        Ok(Command::read(WINGET_PROGRAM, args))
    }

    fn version(&self, ran: &Ran, name: &str) -> Result<Option<Arc<str>>, String> {
        match ran.code() {
            Some(NONE_FOUND) => return Ok(None),
            Some(0) => {}
            _ => return Err(format!("`winget list` ended with {}: {}", ran.exit, said(ran))),
        }
        let out = ran.out();
        // The name stands before the id and may hold it, too.
        let version = |line: &str| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let at = words.iter().rposition(|word| word.eq_ignore_ascii_case(name))?;
            // `< 1.2` is a version that it only knows a bound of.
            let mut rest = words.get(at + 1..)?.iter().skip_while(|word| matches!(**word, "<" | ">"));
            rest.next().map(|version| Arc::from(*version))
        };
        match out.lines().find_map(version) {
            Some(version) => Ok(Some(version)),
            None => Err(format!("`winget list` exited 0 and does not list `{name}`: {}", said(ran))),
        }
    }

    fn newer(&self) -> Command {
        Command::read(WINGET_PROGRAM, ["upgrade"].into_iter().chain(QUIET)).output_bytes_max(LIST_BYTES_MAX)
    }

    /// The rows behind the line of dashes: name, id, version, newer version, source.
    fn upgrades(&self, ran: &Ran) -> Result<Vec<Upgrade>, String> {
        if matches!(ran.code(), Some(NONE_FOUND | NOTHING_NEWER)) {
            return Ok(Vec::new());
        }
        let out = ran.out();
        if !ran.success() || out.trim().is_empty() {
            return Err(format!("`winget upgrade` ended with {}: {}", ran.exit, said(ran)));
        }
        let is_rule = |line: &&str| line.trim().len() > 9 && line.trim().bytes().all(|b| b == b'-');
        let Some(rule) = out.lines().position(|line| is_rule(&line)) else { return Ok(Vec::new()) };
        let upgrade = |line: &str| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [.., id, from, to, _source] = &words[..] else { return None };
            let fits = is_version(from) && is_version(to) && id.len() <= 256 && words.len() >= 5;
            fits.then(|| Upgrade { name: (*id).into(), from: (*from).into(), to: (*to).into() })
        };
        Ok(out.lines().skip(rule + 1).filter_map(upgrade).collect())
    }

    fn calls(&self, want: &Want, action: &Action) -> Vec<Command> {
        let one = |verb: &str, name: Option<&Arc<str>>, more: &[&str]| {
            let mut args: Vec<Arc<str>> = alloc::vec![verb.into()];
            match name {
                Some(name) => args.extend(["--id".into(), name.clone(), "--exact".into()]),
                None => args.push("--all".into()),
            }
            args.push("--silent".into());
            args.extend(more.iter().copied().chain(QUIET).map(Arc::from));
            if let Some(version) = &want.version {
                args.extend(["--version".into(), version.text.clone()]);
            }
            args.extend(want.flags.iter().cloned());
            Command::change(WINGET_PROGRAM, args)
        };
        const AGREED: &[&str] = &["--accept-package-agreements"];
        match action {
            Action::Install(names) => names.iter().map(|name| one("install", Some(name), AGREED)).collect(),
            Action::Upgrade(names) | Action::Downgrade(names) => {
                names.iter().map(|name| one("upgrade", Some(name), AGREED)).collect()
            }
            Action::UpgradeAll => alloc::vec![one("upgrade", None, AGREED)],
            Action::Remove(names) => names.iter().map(|name| one("uninstall", Some(name), &[])).collect(),
            // The check has refused what these need.
            Action::RefreshIndex | Action::Release(_) | Action::Hold(_) | Action::CleanUp => Vec::new(),
        }
    }

    fn classify(&self, ran: &Ran) -> Option<Problem> {
        if ran.code() == Some(NONE_FOUND) {
            let said: String = said(ran);
            let problem = Problem::failed(format!("winget knows no package of this id: {said}"));
            return Some(problem.help("write its id as `winget search` shows it, or add its source"));
        }
        blocked(
            ran,
            &[("0x80072ee7", "check the machine's name service and network"), ("0x80070070", "free some space")],
        )
    }
}
