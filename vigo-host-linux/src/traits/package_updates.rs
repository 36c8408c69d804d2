//! `package_updates`: what the local index knows to be newer. No index is fetched.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::time::{Duration, Timestamp};
use vigo_core::traits::see::{See, fields, int, run, some, stat};
use vigo_core::traits::{Collector, Found, Machine};
use vigo_core::value::Value;

pub(super) const COLLECTOR: Collector =
    Collector::slow("package_updates", probe, interpret).within(Duration::from_secs(30));

const APT: &str = "/usr/bin/apt";
const DNF: &str = "/usr/bin/dnf";
const APK: &str = "/sbin/apk";
const PACMAN: &str = "/usr/bin/pacman";

/// A quarter of what a simulated upgrade costs.
const APT_ARGS: &[&str] = &["list", "--upgradable"];
const DNF_ARGS: &[&str] = &["-q", "-C", "check-update"];
const APK_ARGS: &[&str] = &["version", "-v", "-l", "<"];
const PACMAN_ARGS: &[&str] = &["-Qu"];

/// By program: its arguments, and the folder whose time is that of the index.
const TOOLS: &[(&str, &[&str], &str)] = &[
    (APT, APT_ARGS, "/var/lib/apt/lists"),
    (DNF, DNF_ARGS, "/var/cache/dnf"),
    (APK, APK_ARGS, "/var/cache/apk"),
    (PACMAN, PACMAN_ARGS, "/var/lib/pacman/sync"),
];

fn probe(_: &Machine) -> Vec<Op> {
    TOOLS.iter().flat_map(|(program, _, index)| [stat(program), stat(index)]).collect()
}

fn interpret(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let Some((program, args, index)) = TOOLS.iter().find(|(program, ..)| see.exists(program)) else {
        return Ok(Found::Absent);
    };
    let mut op = run(program, args);
    if let Op::Run(command) = &mut op {
        command.timeout = Duration::from_secs(25);
    }
    if !see.has(&op) {
        return Ok(Found::Ask(alloc::vec![op]));
    }
    let text = match see.ran(program, args) {
        // dnf says by 100 that there are some, pacman by 1 that there are none.
        Some(ran) if matches!((*program, ran.code()), (_, Some(0)) | (DNF, Some(100)) | (PACMAN, Some(1))) => ran.out(),
        _ => see.output(program, args)?,
    };
    let updates: Vec<Update> = match *program {
        APT => text.lines().filter_map(apt).collect(),
        DNF => text.lines().take_while(|line| !line.starts_with("Obsoleting")).filter_map(dnf).collect(),
        APK => text.lines().filter_map(apk).collect(),
        _ => text.lines().filter_map(pacman).collect(),
    };
    let knows_security = *program == APT;
    let security = updates.iter().filter(|u| u.security).count() as u64;
    let one = |u: &Update| {
        fields([
            ("name", some(&u.name)),
            ("installed", some(&u.installed)),
            ("candidate", some(&u.candidate)),
            ("security", knows_security.then_some(Value::Bool(u.security))),
        ])
    };
    let checked = see.meta(index).map(|m| Value::text(Timestamp::from_epoch_ms(m.mtime_ms).to_string()));
    Ok(Found::Value(fields([
        ("count", Some(int(updates.len() as u64))),
        ("security_count", knows_security.then(|| int(security))),
        ("packages", Some(Value::list(updates.iter().map(one)))),
        ("checked", checked),
    ])))
}

/// A package that could be newer.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Update {
    name: String,
    installed: String,
    candidate: String,
    security: bool,
}

/// `libc6/stable-security,now 2.36-9+deb12u4 amd64 [upgradable from: 2.36-9]`.
fn apt(line: &str) -> Option<Update> {
    let (name, rest) = line.split_once('/')?;
    let (suites, rest) = rest.split_once(' ')?;
    let (candidate, rest) = rest.split_once(' ')?;
    let (_, installed) = rest.split_once("[upgradable from: ")?;
    let security = suites.split(',').any(|suite| suite.ends_with("-security"));
    let installed = installed.strip_suffix(']')?;
    Some(Update { name: name.into(), installed: installed.into(), candidate: candidate.into(), security })
}

/// `bash.x86_64    5.1.8-9.el9    baseos`.
fn dnf(line: &str) -> Option<Update> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [name, candidate, _] = words.as_slice() else { return None };
    let (name, _) = name.rsplit_once('.')?;
    Some(Update { name: name.into(), candidate: (*candidate).to_string(), ..Update::default() })
}

/// `busybox-1.36.1-r5 < 1.36.1-r6`.
fn apk(line: &str) -> Option<Update> {
    let (installed, candidate) = line.split_once(" < ")?;
    let (rest, release) = installed.trim().rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    let installed = alloc::format!("{version}-{release}");
    Some(Update { name: name.into(), installed, candidate: candidate.trim().into(), ..Update::default() })
}

/// `linux 6.9.1-1 -> 6.9.2-1`.
fn pacman(line: &str) -> Option<Update> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [name, installed, "->", candidate, ..] = words.as_slice() else { return None };
    let text = |word: &str| word.to_string();
    Some(Update { name: text(name), installed: text(installed), candidate: text(candidate), security: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_every_manager_are_read() {
        let update = |name: &str, installed: &str, candidate: &str, security| Update {
            name: name.into(),
            installed: installed.into(),
            candidate: candidate.into(),
            security,
        };
        let line = "libc6/stable,stable-security 2.36-9+deb12u4 amd64 [upgradable from: 2.36-9]";
        assert_eq!(apt(line), Some(update("libc6", "2.36-9", "2.36-9+deb12u4", true)));
        let line = "tzdata/stable 2024b-0 all [upgradable from: 2024a-0]";
        assert_eq!(apt(line), Some(update("tzdata", "2024a-0", "2024b-0", false)));
        assert_eq!(apt("Listing..."), None);
        assert_eq!(apt("vim/stable 2:9.0 amd64 [installed]"), None);
        assert_eq!(dnf("bash.x86_64    5.1.8-9.el9    baseos"), Some(update("bash", "", "5.1.8-9.el9", false)));
        assert_eq!(dnf("Last metadata expiration check: 0:01"), None);
        assert_eq!(apk("busybox-1.36.1-r5     < 1.36.1-r6"), Some(update("busybox", "1.36.1-r5", "1.36.1-r6", false)));
        assert_eq!(pacman("linux 6.9.1-1 -> 6.9.2-1"), Some(update("linux", "6.9.1-1", "6.9.2-1", false)));
    }
}
