//! `os`: which system this is.

use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::see::{See, assigned, fields, read, some};
use vigo_core::traits::{Collector, Found, Machine};
use vigo_core::value::Value;
use vigo_core::when::words::{ARCHES, DISTROS, FAMILIES};

pub(super) const COLLECTOR: Collector = Collector::quick("os", probe, interpret).of_image();

const RELEASE: &str = "/etc/os-release";
/// Where the first is a link to; some images lack the link.
const VENDOR: &str = "/usr/lib/os-release";
const KERNEL: &str = "/proc/sys/kernel/osrelease";

fn probe(machine: &Machine) -> Vec<Op> {
    let mut ops = alloc::vec![read(RELEASE)];
    if !machine.is_image {
        ops.push(read(KERNEL));
    }
    ops
}

fn interpret(machine: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let text = match see.text(RELEASE) {
        Some(text) => text,
        None if !see.has(&read(VENDOR)) => return Ok(Found::Ask(alloc::vec![read(VENDOR)])),
        None if machine.is_image && see.text(VENDOR).is_none() => return Ok(Found::Absent),
        None => see.text(VENDOR).unwrap_or_default(),
    };
    let of = |key: &str| assigned(&text, key).filter(|value| !value.is_empty());
    let distro = of("ID").unwrap_or("linux").to_lowercase();
    let like: Vec<String> = of("ID_LIKE").unwrap_or_default().split_whitespace().map(str::to_lowercase).collect();
    // The nearest relative first, os-release(5).
    let upstream = like.first().filter(|id| **id != distro);
    let codenames = [of("UBUNTU_CODENAME"), of("DEBIAN_CODENAME")];
    let codename = of("VERSION_CODENAME");
    Ok(Found::Value(fields([
        ("family", family(&distro, &like).map(Value::text)),
        ("distro", Some(Value::text(distro.as_str()))),
        ("version", of("VERSION_ID").and_then(some)),
        ("codename", codename.and_then(some)),
        ("arch", arch(&machine.arch).map(Value::text)),
        ("upstream_id", upstream.map(|id| Value::text(id.as_str()))),
        ("upstream_codename", upstream.and(codenames.into_iter().flatten().next()).and_then(some)),
        ("kernel", Some(Value::text("linux"))),
        ("kernel_version", see.value(KERNEL)),
        ("build", of("BUILD_ID").and_then(some)),
    ])))
}

/// Returns the family of a distribution: its own, or that of the nearest relative that has one.
fn family(distro: &str, like: &[String]) -> Option<&'static str> {
    let of = |id: &str| {
        let known = DISTROS.iter().find(|(known, _)| *known == id).map(|(_, family)| *family);
        known.or_else(|| FAMILIES.iter().find(|family| **family == id).copied()).filter(|family| *family != "linux")
    };
    of(distro).or_else(|| like.iter().find_map(|id| of(id)))
}

fn arch(machine: &str) -> Option<&'static str> {
    ARCHES.iter().find(|(word, _)| *word == machine).map(|(_, arch)| *arch)
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_core::sim::answers;

    #[test]
    fn families_words_and_upstreams() {
        let debian = "ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\n";
        let mint = "ID=linuxmint\nID_LIKE=\"ubuntu debian\"\nVERSION_ID=\"22\"\nVERSION_CODENAME=wilma\nUBUNTU_CODENAME=noble\n";
        let alma = "ID=\"almalinux\"\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=\"9.4\"\n";
        type Expected = &'static [(&'static str, Option<&'static str>)];
        let cases: &[(&str, &str, Expected)] = &[
            (
                "debian",
                debian,
                &[
                    ("family", Some("debian")),
                    ("version", Some("12")),
                    ("codename", Some("bookworm")),
                    ("upstream_id", None),
                    ("arch", Some("arm64")),
                    ("kernel", Some("linux")),
                ],
            ),
            (
                "mint",
                mint,
                &[
                    ("family", Some("debian")),
                    ("distro", Some("linuxmint")),
                    ("upstream_id", Some("ubuntu")),
                    ("upstream_codename", Some("noble")),
                ],
            ),
            ("alma", alma, &[("family", Some("redhat")), ("version", Some("9.4")), ("codename", None)]),
            ("unheard of, with a relative", "ID=nova\nID_LIKE=arch\n", &[("family", Some("arch"))]),
            ("unheard of", "ID='Nova'\n", &[("family", None), ("distro", Some("nova"))]),
            ("empty", "", &[("family", None), ("distro", Some("linux"))]),
        ];
        let machine = Machine { arch: "aarch64".into(), ..Machine::default() };
        for (name, text, expected) in cases {
            let Ok(Found::Value(seen)) = interpret(&machine, &answers(&[(RELEASE, text)])) else {
                panic!("{name}: expected a value")
            };
            for (field, value) in *expected {
                assert_eq!(seen.at(field).and_then(Value::as_str), *value, "{name}: {field}");
            }
        }
    }

    #[test]
    fn an_image_without_a_release_says_nothing() {
        let image = Machine { is_image: true, ..Machine::default() };
        let Ok(Found::Ask(_)) = interpret(&image, &Outputs::default()) else { panic!("expected a question") };
        let mut outputs = Outputs::default();
        outputs.push(read(VENDOR), alloc::sync::Arc::new(vigo_core::action::OpOutput::Missing));
        assert_eq!(interpret(&image, &outputs), Ok(Found::Absent));
    }
}
