//! `security_scan`: files that give others more than they should have, on all local file systems. An image has none: what
//! lies in it is not what others reach.

use super::super::form::{self, Exposure};
use super::super::see::See;
use super::super::{Collector, Found, Machine};
use crate::action::{Command, Exit, Op, Outputs};
use crate::time::Duration;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// What a system tells of its file systems.
pub trait Mounts: 'static {
    /// Returns the question for what is mounted.
    fn ask() -> Op;

    /// Returns where local file systems are mounted that hold files of their own.
    ///
    /// # Errors
    /// A fragment, when the answer does not say.
    fn local(outputs: &Outputs) -> Result<Vec<String>, String>;
}

/// Returns the collector, by a find(1) that has `-ls`: that of the BSDs, macOS and illumos.
pub const fn security_scan<M: Mounts>() -> Collector {
    Collector::slow("security_scan", probe::<M>, interpret::<M>).within(Duration::from_secs(60)).of_image()
}

const FIND: &str = "/usr/bin/find";

/// One walk for all, behind where it begins. Bits are written in octal: of letters some systems know fewer.
const ARGS: &[&str] = &[
    "-xdev", "(", "-type", "f", "-perm", "-0002", "-o", "-type", "d", "-perm", "-0002", "!", "-perm", "-1000", "-o",
    "-type", "f", "-perm", "-4000", "-o", "-type", "f", "-perm", "-2000", "-o", "-nouser", "-o", "-nogroup", ")",
    "-ls",
];

const OUTPUT_BYTES_MAX: usize = 16 << 20;

fn probe<M: Mounts>(machine: &Machine) -> Vec<Op> {
    if machine.is_image {
        return Vec::new();
    }
    alloc::vec![M::ask()]
}

/// Returns the walk: each file system is one that begins where it is mounted, and none leads into another.
fn walk(args: &[&str]) -> Op {
    let command = Command::read(FIND, args.iter().copied()).timeout(Duration::from_secs(60));
    Op::Run(Command { nice: 19, ..command.output_bytes_max(OUTPUT_BYTES_MAX) })
}

fn interpret<M: Mounts>(machine: &Machine, outputs: &Outputs) -> Result<Found, String> {
    if machine.is_image {
        return Ok(Found::Absent);
    }
    let see = See(outputs);
    let local = M::local(outputs)?;
    let roots: BTreeSet<&str> = local.iter().map(String::as_str).filter(|root| root.starts_with('/')).collect();
    let roots: Vec<&str> = roots.into_iter().collect();
    if roots.is_empty() {
        return Err("no local file system is known".into());
    }
    let args: Vec<&str> = roots.iter().chain(ARGS).copied().collect();
    if outputs.ran(FIND, &args).is_none() {
        return Ok(Found::Ask(alloc::vec![walk(&args)]));
    }
    let Some(ran) = see.ran(FIND, &args).filter(|ran| !ran.truncated) else {
        return Err(see.output(FIND, &args).err().unwrap_or_else(|| format!("`{FIND}` did not end")));
    };
    // 1: some of it went away meanwhile, or may not be looked into.
    if !matches!(ran.exit, Exit::Code(0 | 1)) {
        return Err(format!("`{FIND}` ended with {}", ran.exit));
    }
    Ok(form::security_scan(&roots, ran.out().lines().flat_map(findings).collect()))
}

/// Reads `123 8 -rwsr-xr-x 1 root wheel 24720 Nov 22 2023 /usr/bin/su`; of a device two numbers stand in place of the size,
/// and who is not known any more is a number.
fn findings(line: &str) -> Vec<(Exposure, String)> {
    let mut rest = line;
    let mut words: Vec<&str> = Vec::new();
    let mut wanted = 10;
    while words.len() < wanted {
        rest = rest.trim_start();
        let Some((word, after)) = rest.split_once(' ') else { return Vec::new() };
        if words.len() == 6 && word.ends_with(',') {
            wanted = 11;
        }
        words.push(word);
        rest = after;
    }
    let (Some(mode), Some(owner), Some(group)) = (words.get(2), words.get(4), words.get(5)) else { return Vec::new() };
    let (mode, path) = (mode.as_bytes(), rest.trim_start());
    let bit = |at: usize, of: &[u8]| mode.get(at).is_some_and(|letter| of.contains(letter));
    let (is_file, is_folder) = (bit(0, b"-"), bit(0, b"d"));
    if mode.len() < 10 || !path.starts_with('/') {
        return Vec::new();
    }
    // A link is shown with where it leads.
    let path = path.split_once(" -> ").filter(|_| bit(0, b"l")).map_or(path, |(path, _)| path);
    let is_number = |name: &str| name.bytes().all(|b| b.is_ascii_digit());
    let kinds = [
        (Exposure::WritableFile, is_file && bit(8, b"w")),
        (Exposure::WritableFolder, is_folder && bit(8, b"w") && !bit(9, b"tT")),
        (Exposure::Suid, is_file && (bit(3, b"sS") || bit(6, b"sSlL"))),
        (Exposure::Unowned, is_number(owner) || is_number(group)),
    ];
    kinds.into_iter().filter(|(_, is)| *is).map(|(kind, _)| (kind, path.to_string())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::OpOutput;
    use crate::traits::see::{listed, run};
    use crate::value::Value;
    use alloc::sync::Arc;

    #[test]
    fn lines_of_find_are_findings() {
        use Exposure::{Suid, Unowned, WritableFile, WritableFolder};
        let cases: &[(&str, &[Exposure], &str)] = &[
            ("  80 48 -r-sr-xr-x    1 root    wheel   24720 Nov 22 2023 /usr/bin/su", &[Suid], "/usr/bin/su"),
            ("81 8 -rwxr-sr-x 1 root tty 100 Nov 22 10:00 /usr/bin/a b", &[Suid], "/usr/bin/a b"),
            ("82 8 -rw-rw-rw- 1 alice alice 1 Jan  1 2024 /srv/open", &[WritableFile], "/srv/open"),
            ("83 8 drwxrwxrwx 2 root wheel 512 Jan  1 2024 /srv/drop", &[WritableFolder], "/srv/drop"),
            ("84 8 drwxrwxrwt 2 root wheel 512 Jan  1 2024 /tmp", &[], ""),
            ("85 0 lrwxr-xr-x 1 1007 wheel 5 Jan  1 2024 /srv/link -> /etc", &[Unowned], "/srv/link"),
            ("86 0 crw------- 1 root 4000 0, 12 Jan  1 2024 /srv/dev", &[Unowned], "/srv/dev"),
            ("87 8 -rwsr-xrwx 1 1007 1007 9 Jan  1 2024 /x", &[WritableFile, Suid, Unowned], "/x"),
            ("find: /proc/1: Permission denied", &[], ""),
            ("1 2 3 4 5 6 7 8 9 10", &[], ""),
            ("", &[], ""),
        ];
        for (line, kinds, path) in cases {
            let seen = findings(line);
            assert_eq!(seen.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(), *kinds, "{line}");
            assert!(seen.iter().all(|(_, seen)| seen == path), "{line}: {seen:?}");
        }
    }

    struct Three;

    impl Mounts for Three {
        fn ask() -> Op {
            run("/sbin/mount", &[])
        }

        fn local(outputs: &Outputs) -> Result<Vec<String>, String> {
            let text = See(outputs).output("/sbin/mount", &[])?;
            Ok(text.split_whitespace().map(String::from).collect())
        }
    }

    /// Returns the walk, and what comes of it when it ends so.
    fn seen(mounts: &str, exit: i32) -> (String, Result<Found, String>) {
        let machine = Machine::default();
        let mut outputs = Outputs::default();
        for op in probe::<Three>(&machine) {
            outputs.push(op, Arc::new(OpOutput::exited(0, mounts, "")));
        }
        let op = match interpret::<Three>(&machine, &outputs) {
            Ok(Found::Ask(mut ops)) if ops.len() == 1 => ops.remove(0),
            other => return (String::new(), other),
        };
        let shown = op.to_string();
        outputs.push(op, Arc::new(OpOutput::exited(exit, "82 8 -rw-rw-rw- 1 a a 1 Jan  1 2024 /x\n", "")));
        (shown, interpret::<Three>(&machine, &outputs))
    }

    #[test]
    fn every_local_file_system_is_walked_and_named() {
        let (walk, found) = seen("/ /usr /home /usr", 0);
        assert!(walk.starts_with("/usr/bin/find / /home /usr -xdev "), "{walk}");
        let Ok(Found::Value(value)) = found else { panic!("expected a value, found {found:?}") };
        assert_eq!(value.at("roots"), Some(&listed(["/", "/home", "/usr"])));
        assert!(seen("", 0).1.is_err(), "nothing was looked at, which is not nothing found");
    }

    #[test]
    fn what_cannot_be_found_out_is_no_answer_and_an_image_is_not_walked() {
        let Ok(Found::Value(value)) = seen("/", 1).1 else { panic!("expected a value") };
        assert_eq!(
            (value.at("world_writable"), value.at("findings.0.path")),
            (Some(&Value::Int(1)), Some(&"/x".into()))
        );
        assert!(seen("/", 2).1.is_err());
        let image = Machine { is_image: true, ..Machine::default() };
        assert_eq!(
            (probe::<Three>(&image), interpret::<Three>(&image, &Outputs::default())),
            (Vec::new(), Ok(Found::Absent))
        );
    }
}
