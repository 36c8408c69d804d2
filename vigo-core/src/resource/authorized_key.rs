//! `authorized_key`: one SSH key of an account.

use super::ssh_key::{KeyLine, is_key_type};
use super::user::{FileAt, Found};
use super::{Attr, Change, Diff, Fields, Footprint, Instance, Kind, Managed, Need, Prepare, Refresh, TypeDecl};
use crate::action::{AbsPath, Content, Expect, FileKind, Op, Outputs, Owner, Replace};
use crate::host::{Adapter, Comparison, Database, Family, HostFacts, Interpreted, Phase, Problem, User};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

const PRESENT: &[&str] = &["present"];

/// The declaration.
pub static DECL: TypeDecl = TypeDecl {
    name: "authorized_key",
    aliases: &["ssh_authorized_key"],
    summary: "Manages one SSH key of an account.",
    states: &["present", "absent"],
    attributes: &[
        Attr::new("user", Kind::Name, "The account; must exist.").required(),
        Attr::new("key", Kind::Line, "The whole line, or the base64 part with `key_type`.").required().no_secret(),
        Attr::new("key_type", Kind::Name, "`ssh-ed25519` and the like, when `key` is the base64 part alone."),
        Attr::new("options", Kind::Line, "Options before the key; none when not written.").no_secret().only_in(PRESENT),
        Attr::new("comment", Kind::Line, "Comment after the key; compared only when written.")
            .no_secret()
            .only_in(PRESENT),
        Attr::new("file", Kind::Line, "The file, absolute or starting with `~/`.")
            .default("~/.ssh/authorized_keys")
            .no_secret(),
    ],
    refresh: Refresh::Nothing,
    batch: false,
    identity: |fields| {
        let key = fields.str("key")?;
        let blob = KeyLine::parse(&key).map_or(key.trim(), |line| line.blob);
        Some(format!("{} {blob}", fields.str("user")?).into())
    },
    footprint,
    check,
    prepare,
};

fn footprint(fields: &Fields) -> Footprint {
    let mut f = Footprint::default();
    let file = fields.str("file").unwrap_or_default();
    let user = fields.str("user");
    f.paths.extend(match (file.strip_prefix("~/"), user.as_deref()) {
        (None, _) => AbsPath::parse(&file).ok(),
        (Some(rest), Some("root")) => AbsPath::parse(&format!("/root/{rest}")).ok(),
        (Some(rest), Some(user)) => AbsPath::parse(&format!("/home/{user}/{rest}")).ok(),
        (Some(_), None) => None,
    });
    f.needs.extend(user.map(Need::User));
    f
}

fn check(fields: &Fields) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(user) = fields.str("user") {
        problems.extend(super::user::check_name("user", &user));
    }
    if let Some(file) = fields.str("file") {
        let bad =
            |seen: &str| Problem::bad_value("file", format!("expected an absolute path or `~/…`, found `{seen}`"));
        match file.strip_prefix("~/") {
            Some(rest) if rest.is_empty() || AbsPath::parse(&format!("/{rest}")).is_err() => problems.push(bad(&file)),
            None if AbsPath::parse(&file).is_err() => problems.push(bad(&file)),
            _ => {}
        }
    }
    if let Some(options) = fields.str("options")
        && !options.is_empty()
        && KeyLine::parse(&format!("{options} ssh-rsa AAAA")).is_none_or(|line| line.options != &*options)
    {
        let message = format!("expected options separated by commas, blanks in quotes only, found `{options}`");
        problems.push(Problem::bad_value("options", message));
    }
    if fields.str("key").is_some() && !fields.is_pending("key_type") {
        problems.extend(wanted_line(fields).err());
    }
    problems
}

/// A line as it is wanted.
struct WantedLine {
    options: Arc<str>,
    key_type: Arc<str>,
    blob: Arc<str>,
    comment: Option<Arc<str>>,
}

fn wanted_line(fields: &Fields) -> Result<WantedLine, Problem> {
    let key = fields.str("key").unwrap_or_default();
    let key = key.trim();
    let (options, comment) = (fields.str("options"), fields.str("comment"));
    let line = match (fields.str("key_type"), KeyLine::parse(key)) {
        (_, Some(line)) => line,
        (Some(key_type), None) if !is_key_type(&key_type) => {
            let message = format!("expected a key type such as `ssh-ed25519`, found `{key_type}`");
            return Err(Problem::bad_value("key_type", message));
        }
        (Some(key_type), None) => {
            let line = KeyLine { options: "", key_type: &key_type, blob: key, comment: "" };
            line.check().map_err(|why| Problem::bad_value("key", why))?;
            let options = options.unwrap_or_default();
            return Ok(WantedLine { options, key_type: key_type.clone(), blob: key.into(), comment });
        }
        (None, None) => {
            let problem = Problem::bad_value("key", "expected `[options] type key [comment]`, found no key type");
            return Err(problem.help("write the whole line, or `key_type`"));
        }
    };
    line.check().map_err(|why| Problem::bad_value("key", why))?;
    if let Some(key_type) = fields.str("key_type").filter(|t| **t != *line.key_type) {
        let message = format!("expected `{}` as in `key`, found `{key_type}`", line.key_type);
        return Err(Problem::bad_value("key_type", message));
    }
    let of_line = || Some(line.comment).filter(|c| !c.is_empty()).map(Arc::from);
    let options = options.unwrap_or_else(|| line.options.into());
    let comment = comment.or_else(of_line);
    Ok(WantedLine { options, key_type: line.key_type.into(), blob: line.blob.into(), comment })
}

fn prepare(fields: &Fields, _: &Prepare<'_>) -> Result<Box<dyn Instance>, Problem> {
    let WantedLine { options, key_type, blob, comment } = wanted_line(fields)?;
    let file = fields.str("file").unwrap_or_default();
    let want = Want {
        user: fields.str("user").unwrap_or_default(),
        present: fields.state() == "present",
        options,
        key_type,
        blob,
        comment,
        file: match file.strip_prefix("~/") {
            Some(rest) => KeyFile::BelowHome(rest.into()),
            None => KeyFile::At(AbsPath::parse(&file)?),
        },
    };
    Ok(Managed::<AuthorizedKey>::boxed(want, &Native))
}

/// What a resource claims of an account's own file of keys.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Claim {
    /// All of it: keys of others go.
    Whole(Arc<str>),
    /// One key.
    OneKey(Arc<str>),
}

/// Returns what a resource of any type claims of the file of keys of an account that is known.
pub fn claim(fields: &Fields) -> Option<Claim> {
    match fields.decl.name {
        "user" if fields.is_written("authorized_keys") => Some(Claim::Whole(fields.str("username")?)),
        "authorized_key" if fields.str("file").as_deref() == Some("~/.ssh/authorized_keys") => {
            Some(Claim::OneKey(fields.str("user")?))
        }
        _ => None,
    }
}

/// The family.
pub struct AuthorizedKey;

/// What is wanted of a key.
#[derive(Clone, Debug)]
pub struct Want {
    /// The account.
    pub user: Arc<str>,
    /// Whether the key is there.
    pub present: bool,
    /// What stands before it; empty for nothing.
    pub options: Arc<str>,
    /// `ssh-ed25519` …
    pub key_type: Arc<str>,
    /// The key, base64.
    pub blob: Arc<str>,
    /// What stands after it; `None` is left alone.
    pub comment: Option<Arc<str>>,
    /// Where.
    pub file: KeyFile,
}

/// Where the key is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum KeyFile {
    /// In this file of the account's home.
    BelowHome(Arc<str>),
    /// In this file.
    At(AbsPath),
}

/// What is there; `files` is `None` when there is no such account.
#[derive(Clone, Debug)]
pub struct State {
    /// The account and its files.
    pub files: Option<Files>,
}

/// An account, and the file with the folder that it is in.
#[derive(Clone, Debug)]
pub struct Files {
    /// The account.
    pub user: User,
    /// The home directory.
    pub home: FileAt,
    /// The folder.
    pub dir: FileAt,
    /// The file.
    pub file: FileAt,
}

/// What is done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// Writes the file.
    WriteFile(Arc<str>),
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("write file")
    }
}

impl Family for AuthorizedKey {
    const TYPE: &'static str = "authorized_key";
    type Want = Want;
    type State = State;
    type Action = Action;

    fn compare(want: &Want, state: &State, _: Phase) -> Comparison<Action> {
        let mut c = Comparison::in_sync();
        let Some(Files { home, dir, file, .. }) = &state.files else {
            if want.present {
                c.failure = Some(Problem::failed(format!("user `{}` does not exist", want.user)));
            }
            return c;
        };
        let kind = |at: &FileAt, kind| at.meta().is_some_and(|m| m.kind != kind);
        if kind(dir, FileKind::Dir) {
            return Comparison::fail(Problem::failed(format!(
                "expected a directory at `{}`, found something else",
                dir.path
            )));
        }
        if kind(file, FileKind::File) {
            return Comparison::fail(Problem::failed(format!(
                "expected a file at `{}`, found something else",
                file.path
            )));
        }
        let old = file.content().cloned().unwrap_or_default();
        let Ok(text) = core::str::from_utf8(&old) else {
            return Comparison::fail(Problem::failed(format!("expected UTF-8 in `{}`", file.path)));
        };
        let (new, before) = match want.present {
            true => with_key(text, want),
            false => without_key(text, &want.blob),
        };
        if new == text {
            return c;
        }
        if home.found == Found::Nothing && matches!(want.file, KeyFile::BelowHome(_)) {
            return Comparison::fail(Problem::failed(format!("the home directory `{}` does not exist", home.path)));
        }
        if dir.found == Found::Nothing && matches!(want.file, KeyFile::At(_)) {
            return Comparison::fail(Problem::failed(format!("the directory `{}` does not exist", dir.path)));
        }
        let after = if want.present { line_of(want, "") } else { "absent".into() };
        c.change(Change::new("key", before, after));
        let new: Arc<str> = new.into();
        c.diff = Some(Diff::new(file.path.shared(), file.content().cloned(), crate::value::Text::plain(new.clone())));
        c.act(Action::WriteFile(new));
        c
    }

    fn predict(_: &Want, _: &State) -> Option<State> {
        None
    }
}

/// Returns the text with the key in it, and the line that was there.
fn with_key(text: &str, want: &Want) -> (String, String) {
    let mut out = String::with_capacity(text.len() + 256);
    let mut before = None;
    for whole in text.split_inclusive('\n') {
        let line = whole.trim_end_matches(['\n', '\r']);
        match KeyLine::parse(line).filter(|key| before.is_none() && key.blob == &*want.blob) {
            Some(key) => {
                before = Some(line.trim().to_string());
                let comment = want.comment.as_deref().is_none_or(|wanted| wanted == key.comment);
                if key.options == &*want.options && key.key_type == &*want.key_type && comment {
                    out.push_str(whole);
                } else {
                    out.push_str(&line_of(want, key.comment));
                    out.push_str(&whole[line.len()..]);
                }
            }
            None => out.push_str(whole),
        }
    }
    if before.is_none() {
        let end = if text.ends_with("\r\n") { "\r\n" } else { "\n" };
        if !text.is_empty() && !text.ends_with('\n') {
            out.push_str(end);
        }
        out.push_str(&line_of(want, ""));
        out.push_str(end);
    }
    (out, before.unwrap_or_else(|| "absent".into()))
}

/// Returns the text without any line of the key, and the first of those that were there.
fn without_key(text: &str, blob: &str) -> (String, String) {
    let is = |line: &str| KeyLine::parse(line).is_some_and(|key| key.blob == blob);
    let before = text.lines().find(|line| is(line)).unwrap_or("absent").trim().to_string();
    (text.split_inclusive('\n').filter(|line| !is(line)).collect(), before)
}

fn line_of(want: &Want, old_comment: &str) -> String {
    let comment = want.comment.as_deref().unwrap_or(old_comment);
    let parts = [&*want.options, &*want.key_type, &*want.blob, comment];
    parts.iter().copied().filter(|p| !p.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Keys by file operations, the same on every unix.
pub struct Native;

impl Adapter<AuthorizedKey> for Native {
    fn probe(&self, _: &Want, _: &HostFacts) -> Vec<Op> {
        Database::reads(false)
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, _: &HostFacts) -> Interpreted<State> {
        match observe(want, outputs) {
            Ok(Ok(state)) => Interpreted::Known(state),
            Ok(Err(ask)) => Interpreted::Ask(ask),
            Err(why) => Interpreted::Unknown(why),
        }
    }

    fn lower(&self, want: &Want, state: &State, actions: &[Action], _: &HostFacts) -> Result<Vec<Op>, Problem> {
        let Some(Files { user, dir, file, .. }) = &state.files else { return Ok(Vec::new()) };
        let owner = Owner { uid: Some(user.uid), gid: Some(user.gid) };
        let mut ops = Vec::new();
        for Action::WriteFile(text) in actions {
            if dir.found == Found::Nothing && matches!(want.file, KeyFile::BelowHome(_)) {
                ops.push(Op::MakeDir { path: dir.path.clone(), mode: 0o700, owner, parents: false });
            }
            ops.push(Op::ReplaceFile(Replace {
                path: file.path.clone(),
                content: Content::Bytes(text.as_bytes().into()),
                mode: Some(0o600),
                owner,
                context: None,
                expect: file.content().map_or(Expect::Missing, |old| Expect::content(old)),
                validate: None,
                backup: None,
                follow: false,
                parents: false,
            }));
        }
        Ok(ops)
    }
}

fn observe(want: &Want, outputs: &Outputs) -> Result<Result<State, Vec<Op>>, String> {
    let database = Database::from_outputs(outputs)?;
    let Some(user) = database.user(&want.user)? else { return Ok(Ok(State { files: None })) };
    let home =
        AbsPath::parse(&user.home).map_err(|e| format!("home of `{}`: {e}, found `{}`", want.user, user.home))?;
    let file = match &want.file {
        KeyFile::BelowHome(rest) => home.join(rest),
        KeyFile::At(path) => path.clone(),
    };
    let dir = file.parent().unwrap_or_else(|| home.clone());
    let read = Op::ReadFile { path: file.clone(), follow: false, bytes_max: 16 << 20 };
    let asks: Vec<Op> = [Op::stat(&home), Op::stat(&dir), read].into();
    let asks: Vec<Op> = asks.into_iter().filter(|op| outputs.get(op).is_none()).collect();
    let at = |path: &AbsPath| FileAt::from_outputs(outputs, path).transpose();
    match (at(&home)?, at(&dir)?, at(&file)?) {
        (Some(home), Some(dir), Some(file)) if asks.is_empty() => {
            Ok(Ok(State { files: Some(Files { user, home, dir, file }) }))
        }
        _ => Ok(Err(asks)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BLOB: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIDk3VvZTO6vQ5tIcYG8DcNnZdqbYzTgYAVtk8zHbVUwA";

    fn want(options: &str, comment: Option<&str>) -> Want {
        Want {
            user: "bob".into(),
            present: true,
            options: options.into(),
            key_type: "ssh-ed25519".into(),
            blob: BLOB.into(),
            comment: comment.map(Arc::from),
            file: KeyFile::BelowHome(".ssh/authorized_keys".into()),
        }
    }

    #[test]
    fn a_key_is_put_where_it_was_or_at_the_end() {
        let cases = [
            ("empty", "", want("", None), "ssh-ed25519 KEY\n"),
            ("no final newline", "# x", want("", Some("me")), "# x\nssh-ed25519 KEY me\n"),
            ("the same", "ssh-ed25519 KEY a b", want("", None), "ssh-ed25519 KEY a b"),
            ("comment", "ssh-ed25519 KEY a\n#\n", want("", Some("b c")), "ssh-ed25519 KEY b c\n#\n"),
            ("options", "#\r\nssh-ed25519 KEY a\r\n", want("no-pty", None), "#\r\nno-pty ssh-ed25519 KEY a\r\n"),
            ("fewer options", "no-pty ssh-ed25519 KEY\n", want("", None), "ssh-ed25519 KEY\n"),
            (
                "other keys stay",
                "ssh-rsa AAAA\nssh-ed25519 AAAA",
                want("", None),
                "ssh-rsa AAAA\nssh-ed25519 AAAA\nssh-ed25519 KEY\n",
            ),
        ];
        for (name, text, want, expected) in cases {
            let (new, _) = with_key(&text.replace("KEY", BLOB), &want);
            assert_eq!(new, expected.replace("KEY", BLOB), "{name}");
        }
        let text = format!("a\nno-pty ssh-ed25519 {BLOB}\n\nssh-ed25519 {BLOB} x\nb");
        assert_eq!(without_key(&text, BLOB).0, "a\n\nb");
    }

    proptest! {
        #[test]
        fn editing_twice_is_editing_once_and_other_lines_stay(
            lines in proptest::collection::vec("[ -~]{0,12}|ssh-ed25519 KEY[ -~]{0,5}|x=\"y\" ssh-rsa AAAA", 0..6),
            end in "\n|\r\n|",
            options in "|no-pty",
        ) {
            let text = (lines.join("\n") + &end).replace("KEY", BLOB);
            let want = want(&options, None);
            let (once, _) = with_key(&text, &want);
            prop_assert_eq!(&with_key(&once, &want).0, &once);
            let other = |l: &&str| KeyLine::parse(l).is_none_or(|k| k.blob != BLOB);
            let (old, new): (Vec<&str>, Vec<&str>) = (text.lines().filter(other).collect(), once.lines().filter(other).collect());
            prop_assert_eq!(old, new);
            let (gone, _) = without_key(&once, BLOB);
            prop_assert!(!gone.contains(BLOB) || gone.lines().any(|l| l.contains(BLOB) && other(&l)));
        }
    }
}
