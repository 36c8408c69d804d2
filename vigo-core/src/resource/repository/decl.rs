//! The declaration: attributes, their checks, the want they make.

use super::{Format, KeySource, Repository, Want};
use crate::action::AbsPath;
use crate::host::Problem;
use crate::resource::{Attr, Fields, Footprint, Instance, Kind, Managed, Need, Prepare, Refresh, TypeDecl};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The declaration.
pub static DECL: TypeDecl = TypeDecl {
    name: "repository",
    aliases: &[],
    summary: "Manages a source of packages, and its signing key.",
    states: &["present", "absent"],
    attributes: &[
        Attr::new("repository", Kind::Name, "The source's id, which names its files: letters, digits, `.`, `_`, `-`.")
            .required(),
        Attr::new(
            "repo",
            Kind::Text,
            "apt: `deb …` lines or deb822 text; dnf and yum: the base URL, or text from `[`; others the URL.",
        )
        .required_in(&["present"]),
        Attr::new(
            "key_url",
            Kind::Line,
            "The signing key: `https://…`, `templates/…`, a path on the envoy; pacman: its fingerprint.",
        )
        .no_secret(),
        Attr::new(
            "key_fingerprint",
            Kind::List,
            "The fingerprint that the key must have, or several; compared before it is installed.",
        )
        .no_secret(),
        Attr::new("enabled", Kind::Bool, "Whether the source is in use; `false` writes it, but off.").default("true"),
        Attr::new(
            "format",
            Kind::Choice(&["auto", "list", "deb822"]),
            "How apt's file is written; `auto` as the distribution's own.",
        )
        .default("auto"),
        Attr::new("gpgcheck", Kind::Bool, "Whether signatures are checked.").default("true"),
        Attr::new("priority", Kind::Integer(0, 9999), "Priority of the source (dnf, yum, zypper, FreeBSD)."),
    ],
    refresh: Refresh::Nothing,
    batch: false,
    identity: |fields| fields.str("repository"),
    footprint: |_| Footprint { makes: alloc::vec![Need::Repositories], ..Footprint::default() },
    check,
    prepare,
};

fn check(fields: &Fields) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(id) = fields.str("repository")
        && (id.starts_with('.') || !id.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)))
    {
        let message = format!("expected letters, digits, `.`, `_`, `-`, found `{}`", id.escape_debug());
        problems.push(Problem::bad_value("repository", message));
    }
    if let Some(repo) = fields.text("repo")
        && repo.as_str().trim().is_empty()
    {
        problems.push(Problem::bad_value("repo", "expected a source, found nothing"));
    }
    if let Some(url) = fields.str("key_url")
        && !url.starts_with("templates/")
        && let Err(problem) = key_source(&url)
    {
        problems.push(problem);
    }
    for item in fields.words("key_fingerprint").into_iter().flatten() {
        if fingerprint(&item).is_none() {
            let message = format!("expected a whole fingerprint of 40 hexadecimal digits, found `{item}`");
            problems.push(Problem::bad_value("key_fingerprint", message));
        }
    }
    if fields.is_written("key_fingerprint") && !fields.is_written("key_url") {
        problems.push(Problem::conflict("key_fingerprint", "needs `key_url`"));
    }
    problems
}

/// Returns the digits of a fingerprint, without the blanks that it is printed with.
fn fingerprint(text: &str) -> Option<Arc<str>> {
    let digits: String = text.trim().trim_start_matches("0x").chars().filter(|c| !c.is_whitespace()).collect();
    let whole = matches!(digits.len(), 40 | 64) && digits.chars().all(|c| c.is_ascii_hexdigit());
    whole.then(|| digits.to_ascii_uppercase().into())
}

fn key_source(url: &str) -> Result<KeySource, Problem> {
    if let Some(rest) = url.strip_prefix("https://")
        && !rest.is_empty()
        && !rest.contains(|c: char| c.is_whitespace() || c.is_control())
    {
        return Ok(KeySource::Url(url.into()));
    }
    if let Ok(path) = AbsPath::parse(url) {
        return Ok(KeySource::File(path));
    }
    if let Some(id) = fingerprint(url) {
        return Ok(KeySource::Id(id));
    }
    let message = format!("expected `https://…`, `templates/…`, an absolute path or a fingerprint, found `{url}`");
    Err(Problem::bad_value("key_url", message))
}

fn prepare(fields: &Fields, prepare: &Prepare<'_>) -> Result<Box<dyn Instance>, Problem> {
    let present = fields.state() == "present";
    let key = match fields.str("key_url").filter(|_| present) {
        None => None,
        Some(path) if path.starts_with("templates/") => {
            let blob = prepare.blobs.iter().find(|b| b.path == path);
            let missing = || Problem::bad_value("key_url", format!("expected a file of the tree, found no `{path}`"));
            Some(KeySource::Shipped(blob.ok_or_else(missing)?.content.clone()))
        }
        Some(url) => Some(key_source(&url)?),
    };
    let want = Want {
        id: fields.str("repository").unwrap_or_default(),
        present,
        repo: fields.text("repo").unwrap_or_default(),
        key,
        fingerprints: fields
            .words("key_fingerprint")
            .unwrap_or_default()
            .iter()
            .filter_map(|f| fingerprint(f))
            .collect(),
        enabled: fields.bool("enabled").unwrap_or(true),
        format: match fields.choice("format") {
            Some("list") => Format::List,
            Some("deb822") => Format::Deb822,
            _ => Format::Auto,
        },
        gpgcheck: fields.bool("gpgcheck").unwrap_or(true),
        priority: fields.int("priority"),
    };
    Ok(Managed::<Repository>::boxed(want, prepare.host.repository(prepare.facts)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::sample::{Items, fields, problems, text};

    #[test]
    fn checks_name_what_is_wrong() {
        let line = || ("repo", text("deb https://a s main"));
        let print = "0x2901 1B6A 1D1D 58D3 C359  27C4 B9A6 5451 EFFA 2333";
        let cases: [(&str, Items<'_>, &str); 9] = [
            ("plain", &[("repository", text("a")), line()], ""),
            (
                "with a key",
                &[
                    ("repository", text("a")),
                    line(),
                    ("key_url", text("https://a/k")),
                    ("key_fingerprint", text(print)),
                ],
                "",
            ),
            ("absent", &[("repository", text("a")), ("state", text("absent"))], ""),
            ("no source", &[("repository", text("a"))], "type `repository` needs `repo`"),
            (
                "folder in id",
                &[("repository", text("../a")), line()],
                "attribute `repository`: expected letters, digits, `.`, `_`, `-`, found `../a`",
            ),
            (
                "http",
                &[("repository", text("a")), line(), ("key_url", text("http://a/k"))],
                "attribute `key_url`: expected `https://…`, `templates/…`, an absolute path or a fingerprint, found \
                 `http://a/k`",
            ),
            (
                "short id",
                &[("repository", text("a")), line(), ("key_url", text("/k")), ("key_fingerprint", text("EFFA2333"))],
                "attribute `key_fingerprint`: expected a whole fingerprint of 40 hexadecimal digits, found `EFFA2333`",
            ),
            (
                "fingerprint of nothing",
                &[("repository", text("a")), line(), ("key_fingerprint", text(print))],
                "attribute `key_fingerprint`: needs `key_url`",
            ),
            (
                "empty",
                &[("repository", text("a")), ("repo", text(" "))],
                "attribute `repo`: expected a source, found nothing",
            ),
        ];
        for (name, items, expected) in cases {
            assert_eq!(problems(&fields(&DECL, items)), expected, "{name}");
        }
        assert_eq!(fingerprint(print).as_deref(), Some("29011B6A1D1D58D3C35927C4B9A65451EFFA2333"));
    }
}
