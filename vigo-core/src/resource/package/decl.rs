//! The declaration: attributes, their checks, the want they make.

use super::{Ensure, Hold, Package, Version, Want};
use crate::guard::check_packages;
use crate::host::Problem;
use crate::resource::{Attr, Fields, Footprint, Instance, Kind, Managed, Need, Prepare, Refresh, TypeDecl};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The managers that `manager` may name.
const MANAGERS: &[&str] = &[
    "apt",
    "dnf",
    "yum",
    "zypper",
    "pacman",
    "apk",
    "brew",
    "brew_cask",
    "pkg",
    "pkg_add",
    "pkgin",
    "ips",
    "choco",
    "winget",
    "scoop",
];

/// The declaration.
pub static DECL: TypeDecl = TypeDecl {
    name: "package",
    aliases: &["package_windows"],
    summary: "Manages packages of the native package manager.",
    states: &["present", "latest", "absent"],
    attributes: &[
        Attr::new("package", Kind::List, "A name or a list of names; `*` with `state: latest` upgrades everything.")
            .required()
            .no_secret(),
        Attr::new("version", Kind::Name, "The version as the manager spells it; a `*` at its end means a prefix.")
            .only_in(&["present"])
            .no_secret(),
        Attr::new("allow_downgrade", Kind::Bool, "Replace a newer installed version (apt, dnf, yum, zypper).")
            .default("false"),
        Attr::new("purge", Kind::Bool, "Remove the configuration, too (apt).").default("false").only_in(&["absent"]),
        Attr::new("update_cache", Kind::Bool, "Refresh the package index before acting.").default("false"),
        Attr::new("cache_max_age", Kind::Duration, "An index younger than this is not refreshed.").default("1h"),
        Attr::new("lock_version", Kind::Bool, "Hold the package; the hold is released for an upgrade or removal.")
            .default("false"),
        Attr::new("post_cleanup", Kind::Bool, "Remove what is no longer needed afterwards.").default("false"),
        Attr::new("flags", Kind::Line, "More arguments for the manager, split at blanks.").no_secret(),
        Attr::new("manager", Kind::Choice(MANAGERS), "Another manager than the native one."),
    ],
    refresh: Refresh::Nothing,
    batch: true,
    identity: |fields| Some(join(&names(fields)?).into()),
    footprint: |_| Footprint { needs: alloc::vec![Need::Repositories], ..Footprint::default() },
    check,
    prepare,
};

/// The identities of a list are its names, one a line.
fn join(names: &[Arc<str>]) -> String {
    names.join("\n")
}

/// Returns the names, sorted, each once.
fn names(fields: &Fields) -> Option<Vec<Arc<str>>> {
    let mut names = fields.words("package")?;
    names.sort_unstable();
    names.dedup();
    Some(names)
}

fn check(fields: &Fields) -> Vec<Problem> {
    let mut problems = Vec::new();
    let state = fields.state();
    let names = names(fields).unwrap_or_default();
    let pending = fields.is_pending("package");
    if !pending && names.is_empty() {
        problems.push(Problem::bad_value("package", "expected a name, found an empty list"));
    }
    for name in &names {
        if &**name == "*" {
            if state != "latest" {
                let message = format!("expected names with `state: {state}`, found `*`");
                problems
                    .push(Problem::bad_value("package", message).help("write `state: latest` to upgrade everything"));
            } else if names.len() > 1 {
                problems.push(Problem::bad_value("package", "expected `*` alone, found names beside it"));
            }
        } else if let Err(expected) = crate::resource::kind::name(name) {
            problems.push(Problem::bad_value("package", expected));
        } else if name.contains(['=', '<', '>', ';', '|', '&', '$', '`', '\'', '"', '\\', '*', '?', '[']) {
            let problem = Problem::bad_value("package", format!("expected a name, found `{}`", name.escape_debug()));
            problems.push(match name.contains('=') {
                true => problem.help("write the version in `version`"),
                false => problem,
            });
        } else if state == "absent"
            && let Err(problem) = check_packages([&**name])
        {
            problems.push(Problem { attribute: Some("package".to_string()), ..problem });
        }
    }
    let version = fields.str("version");
    if fields.is_written("version") && names.len() > 1 {
        problems.push(Problem::conflict("version", "excludes a list of packages"));
    }
    if let Some(version) = &version
        && (version.trim_end_matches('*').is_empty() || version.trim_end_matches('*').contains('*'))
    {
        let message = format!("expected a version, `*` at most at its end, found `{version}`");
        problems.push(Problem::bad_value("version", message));
    }
    if fields.flag("lock_version") && state == "present" && !fields.is_written("version") {
        let problem = Problem::conflict("lock_version", "needs `version` with `state: present`");
        problems.push(problem.help("write the version to hold"));
    }
    problems
}

fn prepare(fields: &Fields, prepare: &Prepare<'_>) -> Result<Box<dyn Instance>, Problem> {
    let names = names(fields).unwrap_or_default();
    let want = Want {
        everything: names.iter().any(|n| &**n == "*"),
        names: names.into_iter().filter(|n| &**n != "*").collect(),
        ensure: match fields.state() {
            "absent" => Ensure::Absent,
            "latest" => Ensure::Latest,
            _ => Ensure::Present,
        },
        version: fields.str("version").map(|v| Version::new(&v)),
        allow_downgrade: fields.flag("allow_downgrade"),
        purge: fields.flag("purge"),
        refresh_after: fields.flag("update_cache").then(|| fields.duration("cache_max_age").unwrap_or_default()),
        hold: match fields.is_written("lock_version").then(|| fields.flag("lock_version")) {
            Some(true) => Hold::Held,
            Some(false) => Hold::Free,
            None => Hold::AsIs,
        },
        cleanup: fields.flag("post_cleanup"),
        flags: fields.str("flags").map(|f| f.split_whitespace().map(Arc::from).collect()).unwrap_or_default(),
    };
    let adapter = prepare.host.package(prepare.facts, fields.choice("manager"))?;
    Ok(Managed::<Package>::boxed(want, adapter))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::sample::{Items, fields, list, problems, text};

    #[test]
    fn checks_name_what_is_wrong() {
        let cases: [(&str, Items<'_>, &str); 12] = [
            ("one", &[("package", text("nginx"))], ""),
            ("several", &[("package", text("nginx, g++")), ("state", text("latest"))], ""),
            ("architecture", &[("package", text("libc6:i386")), ("version", text("2.36*"))], ""),
            ("everything", &[("package", text("*")), ("state", text("latest"))], ""),
            (
                "everything present",
                &[("package", text("*"))],
                "attribute `package`: expected names with `state: present`, found `*`",
            ),
            ("none", &[("package", list(&[]))], "attribute `package`: expected a name, found an empty list"),
            (
                "option",
                &[("package", list(&["--reinstall"]))],
                "attribute `package`: expected a name without leading `-`, found `--reinstall`",
            ),
            ("version in name", &[("package", text("a=1"))], "attribute `package`: expected a name, found `a=1`"),
            (
                "list with version",
                &[("package", list(&["a", "b"])), ("version", text("1"))],
                "attribute `version`: excludes a list of packages",
            ),
            (
                "version of what is absent",
                &[("package", text("a")), ("state", text("absent")), ("version", text("1"))],
                "attribute `version`: has no meaning with `state: absent`",
            ),
            (
                "hold of nothing certain",
                &[("package", text("a")), ("lock_version", text("true"))],
                "attribute `lock_version`: needs `version` with `state: present`",
            ),
            (
                "vigo itself",
                &[("package", list(&["a", "vigo"])), ("state", text("absent"))],
                "attribute `package`: package `vigo` is Vigo itself",
            ),
        ];
        for (name, items, expected) in cases {
            assert_eq!(problems(&fields(&DECL, items)), expected, "{name}");
        }
    }

    #[test]
    fn a_list_has_the_identities_of_its_names() {
        let fields = fields(&DECL, &[("package", text("b, a, b"))]);
        assert_eq!((DECL.identity)(&fields).as_deref(), Some("a\nb"));
    }
}
