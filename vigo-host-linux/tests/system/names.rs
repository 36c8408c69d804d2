//! The machine's name and time zone on machines in memory.

use crate::machine::{Machine, text};
use vigo_core::action::FileKind;
use vigo_core::host::Init;

fn machine() -> Machine {
    let mut m = Machine::new(&[
        ("/etc/hostname", "# c\nold\n"),
        ("/proc/sys/kernel/hostname", "old.example\n"),
        ("/usr/share/zoneinfo/Europe/Berlin", "TZif Berlin"),
        ("/usr/share/zoneinfo/UTC", "TZif UTC"),
        ("/etc/timezone", "UTC\n"),
    ]);
    m.link("/etc/localtime", "/usr/share/zoneinfo/UTC");
    m
}

fn systemd() -> Machine {
    let mut m = machine().with_programs(&["hostnamectl", "timedatectl"]);
    m.facts.init = Init::Systemd;
    m
}

#[test]
fn the_name_is_set_now_and_at_boot() {
    let web = [("hostname", text("Web-1"))];
    let run = systemd().apply("hostname", &web);
    assert_eq!(run.changes, ["hostname at boot: old → web-1", "hostname: old.example → web-1"]);
    assert_eq!(run.ops, ["hostnamectl set-hostname -- web-1"]);
    assert_eq!(run.notes, ["the envoy keeps the name that it is enrolled under"]);
    let run = machine().apply("hostname", &web);
    assert_eq!(run.ops, ["write /etc/hostname (6 bytes)", "hostname web-1"]);
    let run = machine().image().apply("hostname", &web);
    assert_eq!(run.ops, ["write /etc/hostname (6 bytes)"]);
    let mut m = systemd();
    m.foretell("hostname", &web);
    assert_eq!(m.apply("hostname", &web).ops.len(), 0);
}

#[test]
fn names_are_checked() {
    let expected =
        "attribute `hostname`: expected labels of letters, digits and `-`, joined by dots, at most 253 bytes";
    for name in ["a..b", "-a", "a_b", "a-.b"] {
        let run = machine().apply("hostname", &[("hostname", text(name))]);
        assert!(
            run.failure.unwrap().starts_with(if name == "-a" {
                "attribute `hostname`: expected a name"
            } else {
                expected
            }),
            "{name}"
        );
    }
    let long = format!("{}.{}", "a".repeat(40), "b".repeat(40));
    let run = machine().apply("hostname", &[("hostname", text(&long))]);
    assert_eq!(run.failure.as_deref(), Some("a hostname of 81 bytes is not supported on linux: 64 at most"));
    for zone in ["../etc/passwd", "/etc/x", "Europe//Berlin", "Europe/Be rlin", ".hidden"] {
        let run = machine().apply("timezone", &[("timezone", text(zone))]);
        assert!(run.failure.unwrap().starts_with("attribute `timezone`: expected "), "{zone}");
    }
}

#[test]
fn the_zone_is_a_link_and_sometimes_a_name() {
    let berlin = [("timezone", text("Europe/Berlin"))];
    let run = systemd().apply("timezone", &berlin);
    assert_eq!(run.changes, ["timezone: UTC → Europe/Berlin", "/etc/timezone: UTC → Europe/Berlin"]);
    assert_eq!(run.ops, ["timedatectl set-timezone -- Europe/Berlin", "write /etc/timezone (14 bytes)"]);
    let run = machine().apply("timezone", &berlin);
    assert_eq!(
        run.ops,
        ["symlink /etc/localtime -> /usr/share/zoneinfo/Europe/Berlin", "write /etc/timezone (14 bytes)"]
    );

    let mut m = machine();
    m.nodes.remove("/etc/timezone");
    m.link("/etc/localtime", "../usr/share/zoneinfo/Europe/Berlin");
    assert_eq!(m.apply("timezone", &berlin).changes.len(), 0, "a relative link, as systemd makes it");
    m.file("/etc/localtime", "TZif Berlin");
    assert_eq!(m.apply("timezone", &berlin).changes.len(), 0, "a copy");
    m.file("/etc/localtime", "TZif Paris");
    assert_eq!(m.apply("timezone", &berlin).changes, ["timezone: a file of another time zone → Europe/Berlin"]);
    assert_eq!(m.nodes["/etc/localtime"].kind, FileKind::Symlink);
    m.nodes.remove("/etc/localtime");
    assert_eq!(m.apply("timezone", &[("timezone", text("UTC"))]).changes.len(), 0, "nothing is UTC");
    let run = m.apply("timezone", &[("timezone", text("Europe/Atlantis"))]);
    assert_eq!(run.failure.as_deref(), Some("time zone `Europe/Atlantis` does not exist on this machine"));
}
