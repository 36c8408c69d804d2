//! Names and files of systemd units.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use vigo_core::action::AbsPath;

const SUFFIXES: &[&str] =
    &["service", "socket", "target", "timer", "path", "mount", "automount", "swap", "slice", "scope", "device"];

/// Returns the unit that a name means: without a unit suffix it is a `.service` (systemctl(1)).
pub(crate) fn unit_name(name: &str) -> Arc<str> {
    match name.rsplit_once('.') {
        Some((_, suffix)) if SUFFIXES.contains(&suffix) => name.into(),
        _ => format!("{name}.service").into(),
    }
}

/// Returns the template of an instance: `x@.service` of `x@y.service`.
pub(crate) fn template_of(unit: &str) -> Option<String> {
    let (stem, suffix) = unit.rsplit_once('.')?;
    let (prefix, instance) = stem.split_once('@')?;
    (!instance.is_empty()).then(|| format!("{prefix}@.{suffix}"))
}

/// Returns whether the unit is a template, which can neither be started nor enabled without an instance.
pub(crate) fn is_template(unit: &str) -> bool {
    unit.rsplit_once('.').is_some_and(|(stem, _)| stem.ends_with('@'))
}

/// What the `[Install]` section of a unit file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Install {
    /// Links that `enable` makes, below the directory of local units: `multi-user.target.wants/x.service`.
    pub(crate) links: Vec<String>,
    /// Whether there is `Also=`.
    pub(crate) also: bool,
}

/// Reads the `[Install]` section (systemd.unit(5)). Links whose name holds a specifier are left out.
pub(crate) fn install(content: &[u8], unit: &str) -> Install {
    let text = String::from_utf8_lossy(content);
    let mut install = Install::default();
    let mut inside = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            inside = line == "[Install]";
        }
        let Some((key, value)) = line.split_once('=').filter(|_| inside) else { continue };
        let folder = match key.trim() {
            "WantedBy" => "wants",
            "RequiredBy" => "requires",
            "UpheldBy" => "upholds",
            "Alias" => "",
            "Also" => {
                install.also |= !value.trim().is_empty();
                continue;
            }
            _ => continue,
        };
        for word in value.split_whitespace().filter(|w| !w.contains(['%', '/'])) {
            install.links.push(if folder.is_empty() { word.into() } else { format!("{word}.{folder}/{unit}") });
        }
    }
    install
}

/// Returns the files that may define the unit, the one that counts first.
pub(crate) fn candidates(folders: &[AbsPath], unit: &str) -> Vec<AbsPath> {
    let mut names = alloc::vec![String::from(unit)];
    names.extend(template_of(unit));
    names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))).collect()
}

/// Returns the folders of the machine's own units, the strongest first (systemd.unit(5)).
pub(crate) fn system_folders() -> [AbsPath; 3] {
    [local_folder(), AbsPath::known("/usr/local/lib/systemd/system"), AbsPath::known("/usr/lib/systemd/system")]
}

/// Returns the folder of units and links that an administrator made.
pub(crate) fn local_folder() -> AbsPath {
    AbsPath::known("/etc/systemd/system")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_suffix_is_a_service() {
        let cases = [
            ("nginx", "nginx.service"),
            ("nginx.service", "nginx.service"),
            ("a.b", "a.b.service"),
            ("x@y", "x@y.service"),
            ("apt.timer", "apt.timer"),
            ("1234", "1234.service"),
        ];
        for (name, unit) in cases {
            assert_eq!(&*unit_name(name), unit);
        }
        assert_eq!(template_of("x@y.service").as_deref(), Some("x@.service"));
        assert_eq!(template_of("x.service"), None);
        assert!(is_template("x@.service") && !is_template("x@y.service"));
    }

    #[test]
    fn the_install_section_names_the_links() {
        let text = b"[Unit]\nWantedBy=no\n[Install]\nWantedBy=a.target b.target\nAlias=c.service\nAlso=d.socket\nRequiredBy=%i.x\n";
        let seen = install(text, "x.service");
        assert_eq!(seen.links, ["a.target.wants/x.service", "b.target.wants/x.service", "c.service"]);
        assert!(seen.also);
        assert_eq!(install(b"[Service]\nExecStart=/x\n\xff", "x.service"), Install::default());
    }
}
