//! `init`: what starts services.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::see::{See, fields, list, list_at, path, read, some, stat};
use vigo_core::traits::{Collector, Found, Machine};
use vigo_core::value::Value;

pub(super) const COLLECTOR: Collector = Collector::quick("init", probe, interpret).of_image();

const COMM: &str = "/proc/1/comm";

/// What says in an image which manager will run it, by the file of process 1.
const OF_IMAGE: &[(&str, &str)] = &[
    ("/usr/lib/systemd/systemd", "systemd"),
    ("/lib/systemd/systemd", "systemd"),
    ("/sbin/openrc", "openrc"),
    ("/usr/bin/openrc", "openrc"),
    ("/sbin/runit-init", "runit"),
    ("/usr/bin/runit-init", "runit"),
    ("/etc/inittab", "sysv"),
];

/// Where systemd's library is, whose name has the version; the small folders first.
const LIBRARIES: &[&str] = &["/usr/lib/systemd", "/usr/lib64/systemd", "/lib/systemd"];

fn probe(machine: &Machine) -> Vec<Op> {
    if machine.is_image {
        return OF_IMAGE.iter().map(|(path, _)| stat(path)).collect();
    }
    alloc::vec![stat("/run/systemd/system"), stat("/run/openrc"), read(COMM), stat("/etc/init.d")]
}

fn interpret(machine: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let manager = if machine.is_image {
        let Some((_, manager)) = OF_IMAGE.iter().find(|(path, _)| see.exists(path)) else { return Ok(Found::Absent) };
        *manager
    } else {
        running(see)
    };
    if manager != "systemd" {
        return Ok(Found::Value(fields([("manager", Some(Value::text(manager)))])));
    }
    // Debian has it in a folder of few files; a full folder is only asked where that is not there.
    let own = path(&format!("/usr/lib/{}-linux-gnu/systemd", machine.arch)).map(list_at);
    let asked = own.into_iter().chain(LIBRARIES.iter().map(|p| list(p)));
    for op in asked {
        let Op::ListDir { path, .. } = &op else { continue };
        if !see.has(&op) {
            return if rounds(see) < 3 { Ok(Found::Ask(alloc::vec![op])) } else { break_off() };
        }
        if let Some(version) = see.entries(path.as_str()).iter().find_map(|e| version(&e.path)) {
            let version = some(version);
            return Ok(Found::Value(fields([("manager", Some(Value::text("systemd"))), ("version", version)])));
        }
    }
    break_off()
}

/// Nothing said which version it is.
fn break_off() -> Result<Found, String> {
    Ok(Found::Value(fields([("manager", Some(Value::text("systemd")))])))
}

fn rounds(see: See<'_>) -> usize {
    see.0.iter().filter(|(op, _)| matches!(op, Op::ListDir { .. })).count()
}

/// `libsystemd-shared-252.so`, or with the distribution's own version behind.
fn version(name: &str) -> Option<&str> {
    let rest = name.strip_prefix("libsystemd-shared-")?.strip_suffix(".so")?;
    rest.split(['-', '.', '~']).next().filter(|v| v.bytes().all(|b| b.is_ascii_digit()))
}

fn running(see: See<'_>) -> &'static str {
    // The test of sd_booted(3).
    if see.is_dir("/run/systemd/system") {
        return "systemd";
    }
    if see.is_dir("/run/openrc") {
        return "openrc";
    }
    let first = see.text(COMM).map(|t| t.trim().to_string()).unwrap_or_default();
    match first.as_str() {
        "runit" => "runit",
        "init" if see.is_dir("/etc/init.d") => "sysv",
        _ => "none",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::sync::Arc;
    use vigo_core::action::{FileKind, Metadata, OpOutput};
    use vigo_core::sim::answers;

    fn with_dir(mut outputs: Outputs, path: &'static str) -> Outputs {
        let meta = Metadata {
            kind: FileKind::Dir,
            mode: 0o755,
            uid: 0,
            gid: 0,
            size: 0,
            mtime_ms: 0,
            dev: 1,
            ino: 1,
            nlink: 1,
            target: None,
            context: None,
        };
        outputs.push(stat(path), Arc::new(OpOutput::Stat(meta)));
        outputs
    }

    fn manager(outputs: &Outputs, machine: &Machine) -> Option<(String, Option<String>)> {
        match interpret(machine, outputs).unwrap() {
            Found::Value(v) => {
                let text = |p| v.at(p).and_then(Value::as_str).map(str::to_string);
                Some((text("manager")?, text("version")))
            }
            _ => None,
        }
    }

    #[test]
    fn the_manager_is_the_one_that_runs() {
        let machine = Machine { arch: "x86_64".into(), ..Machine::default() };
        let comm = |text| answers(&[(COMM, text)]);
        let seen = |outputs| manager(&outputs, &machine).map(|(m, _)| m);
        assert_eq!(seen(with_dir(comm("init\n"), "/run/openrc")).as_deref(), Some("openrc"));
        assert_eq!(seen(comm("runit\n")).as_deref(), Some("runit"));
        assert_eq!(seen(with_dir(comm("init\n"), "/etc/init.d")).as_deref(), Some("sysv"));
        assert_eq!(seen(with_dir(comm("bash\n"), "/etc/init.d")).as_deref(), Some("none"), "a container");
        let folder = "/usr/lib/x86_64-linux-gnu/systemd/";
        let booted =
            with_dir(answers(&[(folder, "libsystemd-core-252.so libsystemd-shared-252.so")]), "/run/systemd/system");
        assert_eq!(manager(&booted, &machine), Some(("systemd".into(), Some("252".into()))));
        assert_eq!(version("libsystemd-shared-255.4-1.fc40.so"), Some("255"));
    }

    #[test]
    fn an_image_says_what_will_run_it() {
        let image = Machine { is_image: true, ..Machine::default() };
        let outputs = with_dir(Outputs::default(), "/sbin/openrc");
        assert_eq!(manager(&outputs, &image), Some(("openrc".into(), None)));
        assert_eq!(interpret(&image, &Outputs::default()), Ok(Found::Absent));
    }
}
