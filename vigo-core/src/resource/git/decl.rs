//! The declaration: attributes, their checks, the want they make.

use super::{Git, Native, Revision, Want};
use crate::host::Problem;
use crate::resource::{Attr, Fields, Footprint, Instance, Kind, Managed, Need, Prepare, Refresh, TypeDecl};
use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;

/// The declaration.
pub static DECL: TypeDecl = TypeDecl {
    name: "git",
    aliases: &[],
    summary: "Manages a git work tree.",
    states: &["present", "absent"],
    attributes: &[
        Attr::new("path", Kind::Path, "Where the work tree is.").required(),
        Attr::new("repo", Kind::Line, "The URL or path to clone from.").required_in(&["present"]).no_secret(),
        Attr::new("branch", Kind::Name, "The branch to be at; default is what the remote has as its HEAD.")
            .only_in(PRESENT),
        Attr::new("tag", Kind::Name, "The tag to be at.").only_in(PRESENT),
        Attr::new("revision", Kind::Name, "The commit to be at; once it is there, no network is needed.")
            .only_in(PRESENT),
        Attr::new("depth", Kind::Integer(1, 1_000_000), "How many commits of history to fetch.").only_in(PRESENT),
        Attr::new("submodules", Kind::Bool, "Whether submodules are checked out, too.")
            .default("false")
            .only_in(PRESENT),
        Attr::new("force", Kind::Bool, "Discard local changes of tracked files.").default("false").only_in(PRESENT),
        Attr::new("user", Kind::Name, "The account that runs git and owns a new tree.")
            .default("root")
            .only_in(PRESENT),
        Attr::new("ssh_key", Kind::LongText, "A private key for ssh.").only_in(PRESENT),
        Attr::new("known_hosts", Kind::LongText, "Host keys for ssh, which always checks them.").only_in(PRESENT),
    ],
    refresh: Refresh::Nothing,
    batch: false,
    identity: |fields| fields.path("path").map(|p| p.shared()),
    footprint,
    check,
    prepare,
};

const PRESENT: &[&str] = &["present"];

fn footprint(fields: &Fields) -> Footprint {
    let path: Vec<_> = fields.path("path").into_iter().collect();
    let user = fields.str("user").filter(|_| fields.is_written("user"));
    let needs = user.map(Need::User).into_iter().collect();
    match fields.state() {
        "absent" => Footprint { trees: path, ..Footprint::default() },
        _ => Footprint {
            makes: path.iter().cloned().map(Need::Dir).collect(),
            paths: path,
            needs,
            ..Footprint::default()
        },
    }
}

fn check(fields: &Fields) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(repo) = fields.str("repo") {
        if repo.starts_with('-') || repo.is_empty() {
            problems.push(Problem::bad_value("repo", format!("expected a URL or a path, found `{repo}`")));
        } else if let Some((helper, _)) = repo.split_once("::") {
            let message = format!("expected a URL or a path, found the transport helper `{helper}`");
            problems.push(Problem::bad_value("repo", message));
        }
    }
    let written: Vec<&str> = ["branch", "tag", "revision"].into_iter().filter(|a| fields.is_written(a)).collect();
    if let [first, second, ..] = written[..] {
        problems.push(Problem::conflict(second, format!("excludes `{first}`")));
    }
    for name in ["branch", "tag"] {
        if let Some(reference) = fields.str(name)
            && !is_reference(&reference)
        {
            problems.push(Problem::bad_value(name, format!("expected a {name}, found `{reference}`")));
        }
    }
    if let Some(id) = fields.str("revision")
        && !(matches!(id.len(), 7..=64) && id.chars().all(|c| c.is_ascii_hexdigit()))
    {
        let message = format!("expected a commit id of 7 to 64 hexadecimal digits, found `{id}`");
        let problem = Problem::bad_value("revision", message);
        problems.push(problem.help("write a name into `branch` or `tag`"));
    }
    problems
}

/// The rules of git-check-ref-format(1), as far as a name could be taken for something else.
fn is_reference(name: &str) -> bool {
    let bad = |c: char| c.is_control() || " ~^:?*[\\".contains(c);
    !name.is_empty()
        && !name.contains(bad)
        && !name.contains("..")
        && !name.contains("@{")
        && !name.contains("//")
        && !name.ends_with(['.', '/'])
        && !name.ends_with(".lock")
        && !name.starts_with(['/', '-', '.'])
}

fn prepare(fields: &Fields, _: &Prepare<'_>) -> Result<Box<dyn Instance>, Problem> {
    let written = |name: &str| fields.str(name).filter(|_| fields.is_written(name));
    let want = Want {
        path: fields.path("path").ok_or_else(|| Problem::bad_value("path", "expected a path"))?,
        present: fields.state() == "present",
        repo: fields.str("repo").unwrap_or_default(),
        revision: match (written("branch"), written("tag"), written("revision")) {
            (Some(branch), ..) => Revision::Branch(branch),
            (_, Some(tag), _) => Revision::Tag(tag),
            (.., Some(id)) => Revision::Commit(id.to_ascii_lowercase().into()),
            _ => Revision::Default,
        },
        depth: fields.int("depth").and_then(|d| u32::try_from(d).ok()),
        submodules: fields.flag("submodules"),
        force: fields.flag("force"),
        user: written("user"),
        ssh_key: fields.text("ssh_key"),
        known_hosts: fields.text("known_hosts"),
    };
    Ok(Managed::<Git>::boxed(want, &Native))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::sample::{Items, fields, problems, text};

    #[test]
    fn checks_name_what_is_wrong() {
        let at = |repo: &str| [("path", text("/srv/x")), ("repo", text(repo))];
        let url = "https://a.org/x.git";
        let cases: [(&str, &str, Items<'_>, &str); 9] = [
            ("plain", url, &[], ""),
            ("branch", "git@a.org:x.git", &[("branch", text("release/1.x"))], ""),
            ("option", "--upload-pack=x", &[], "attribute `repo`: expected a URL or a path, found `--upload-pack=x`"),
            (
                "helper",
                "ext::sh -c x",
                &[],
                "attribute `repo`: expected a URL or a path, found the transport helper `ext`",
            ),
            ("two", url, &[("branch", text("a")), ("tag", text("b"))], "attribute `tag`: excludes `branch`"),
            ("range", url, &[("branch", text("a..b"))], "attribute `branch`: expected a branch, found `a..b`"),
            ("revision", url, &[("revision", text("0123ABC"))], ""),
            (
                "name as revision",
                url,
                &[("revision", text("main"))],
                "attribute `revision`: expected a commit id of 7 to 64 hexadecimal digits, found `main`",
            ),
            ("depth", url, &[("depth", text("0"))], "attribute `depth`: expected 1 to 1000000, found 0"),
        ];
        for (name, repo, more, expected) in cases {
            let items: Vec<_> = at(repo).into_iter().chain(more.iter().cloned()).collect();
            assert_eq!(problems(&fields(&DECL, &items)), expected, "{name}");
        }
    }
}
