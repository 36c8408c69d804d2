//! git(1), the same everywhere.

use super::{Action, AtPath, Git, Remote, Revision, State, Tree, Want};
use crate::action::{AbsPath, AccountKind, Command, FailureKind, FileKind, Op, OpOutput, Outputs, Owner, Ran};
use crate::host::{Adapter, Family, HostFacts, Interpreted, Problem, ProblemKind};
use crate::resource::accounts;
use crate::value::Text;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// git by its own program.
pub struct Native;

/// What stands for the path of the file that ssh is run by.
const SECRET_FILE: &str = "{{secret_file}}";

/// How ssh is run when the policy brings neither key nor host keys.
const SSH: &str = "ssh -o BatchMode=yes -o StrictHostKeyChecking=yes";

impl Adapter<Git> for Native {
    fn check(&self, want: &Want, facts: &HostFacts) -> Result<(), Problem> {
        if facts.image.is_some() && want.user.as_deref().is_some_and(|u| u != "root") {
            return Err(Problem::unsupported("attribute `user` of type `git` is not supported in an image"));
        }
        for (name, text) in [("ssh_key", &want.ssh_key), ("known_hosts", &want.known_hosts)] {
            if text.as_ref().is_some_and(|t| t.as_str().lines().any(|l| l == END_OF_FILE)) {
                return Err(Problem::bad_value(name, "expected keys, found another text"));
            }
        }
        Ok(())
    }

    fn probe(&self, want: &Want, facts: &HostFacts) -> Vec<Op> {
        let mut ops = alloc::vec![Op::stat(&want.path), Op::stat(&dot_git(want)), list(want)];
        ops.extend(want.user.iter().flat_map(|user| accounts::look_up(AccountKind::User, user, facts)));
        ops
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, facts: &HostFacts) -> Interpreted<State> {
        let owner = match owner(want, outputs) {
            Ok(owner) => owner,
            Err(why) => return Interpreted::Unknown(why),
        };
        let known = |at_path| Interpreted::Known(State { at_path, owner: owner.clone() });
        match outputs.get(&Op::stat(&want.path)) {
            Some(OpOutput::Missing) => return free(want, outputs, facts, owner),
            Some(OpOutput::Stat(meta)) if meta.kind == FileKind::Dir => {}
            Some(OpOutput::Stat(meta)) if meta.kind == FileKind::Symlink => return known(AtPath::Other("a link")),
            Some(OpOutput::Stat(_)) => return known(AtPath::Other("a file")),
            Some(OpOutput::Failed(failure)) => return Interpreted::Unknown(failure.message.clone()),
            other => return Interpreted::Unknown(format!("expected metadata of `{}`, found {other:?}", want.path)),
        }
        match outputs.get(&Op::stat(&dot_git(want))) {
            Some(OpOutput::Stat(_)) if !want.present => return known(AtPath::Tree(Box::new(unread()))),
            Some(OpOutput::Stat(_)) => {}
            Some(OpOutput::Missing) => {
                return match outputs.get(&list(want)) {
                    Some(OpOutput::Dir(entries)) if entries.is_empty() => free(want, outputs, facts, owner),
                    _ => known(AtPath::Other("a directory of something else")),
                };
            }
            other => return Interpreted::Unknown(format!("expected metadata of `.git`, found {other:?}")),
        }
        let ops = reads(want, facts);
        if ops.iter().any(|op| outputs.get(op).is_none()) {
            return Interpreted::Ask(ops);
        }
        let mut tree = match local(want, outputs, facts) {
            Ok(tree) => tree,
            Err(why) => return Interpreted::Unknown(why),
        };
        if !matches!(want.revision, Revision::Commit(_)) {
            let op = Op::Run(remote(want, ls_remote(want), facts));
            match outputs.get(&op) {
                None => return Interpreted::Ask(alloc::vec![op]),
                Some(output) => tree.remote = advertised(want, output),
            }
            if let Remote::At { commit, .. } = &tree.remote
                && tree.head.as_ref() != Some(commit)
            {
                let op = Op::Run(has_commit(want, commit, facts));
                match outputs.get(&op) {
                    None => return Interpreted::Ask(alloc::vec![op]),
                    Some(output) => tree.has_commit = matches!(output, OpOutput::Ran(ran) if ran.success()),
                }
            }
        }
        known(AtPath::Tree(Box::new(tree)))
    }

    fn lower(&self, want: &Want, state: &State, actions: &[Action], facts: &HostFacts) -> Result<Vec<Op>, Problem> {
        let owner = state.owner.clone().map_err(Problem::failed)?;
        let mut ops = Vec::new();
        for action in actions {
            match (action, &state.at_path) {
                (Action::RemoveTree, _) => ops.push(Op::Remove { path: want.path.clone(), recursive: true }),
                (Action::Clone, _) => ops.extend(clone(want, owner, facts)),
                (Action::SetOrigin, AtPath::Tree(tree)) => {
                    let verb = if tree.origin.is_some() { "set-url" } else { "add" };
                    ops.push(change(local_git(want, &["remote", verb, "--", "origin", &want.repo], facts)));
                }
                (Action::Discard, _) => ops.push(change(local_git(want, &["reset", "-q", "--hard"], facts))),
                (Action::Fetch, _) => ops.push(change(remote(want, in_tree(want, &fetch(want, state), facts), facts))),
                (Action::CheckOut, AtPath::Tree(tree)) => ops.extend(check_out(want, tree, facts)),
                (Action::Submodules, _) => ops.push(submodules(want, &want.path, facts)),
                (Action::SetOrigin | Action::CheckOut, _) => {}
            }
        }
        Ok(ops)
    }

    fn classify(&self, want: &Want, _: &Op, ran: &Ran) -> Option<Problem> {
        Some(refusal(want, ran))
    }
}

/// Returns that a tree can be made, once the remote has said that it has what is wanted: a plan shall say if not. Where
/// git cannot run yet, as its package or its account is still to come, nothing is known of that.
fn free(want: &Want, outputs: &Outputs, facts: &HostFacts, owner: Result<Owner, String>) -> Interpreted<State> {
    let mut refused = None;
    if want.present && owner.is_ok() {
        let op = Op::Run(remote(want, ls_remote(want), facts));
        refused = match outputs.get(&op) {
            None => return Interpreted::Ask(alloc::vec![op]),
            Some(OpOutput::Failed(failure)) if failure.kind != FailureKind::TimedOut => None,
            Some(_) if matches!(want.revision, Revision::Commit(_)) => None,
            Some(output) => match advertised(want, output) {
                Remote::Refused(problem) => Some(problem),
                _ => None,
            },
        };
    }
    Interpreted::Known(State { at_path: AtPath::Free(refused), owner })
}

fn dot_git(want: &Want) -> AbsPath {
    want.path.join(".git")
}

fn list(want: &Want) -> Op {
    Op::ListDir { path: want.path.clone(), deep: false, entries_max: 16 }
}

fn unread() -> Tree {
    Tree {
        origin: None,
        head: None,
        branch: None,
        dirty: Vec::new(),
        submodules: Vec::new(),
        has_commit: false,
        remote: Remote::Unasked,
    }
}

fn owner(want: &Want, outputs: &Outputs) -> Result<Result<Owner, String>, String> {
    let Some(user) = &want.user else { return Ok(Ok(Owner::default())) };
    let owner = accounts::owner(outputs, Some(user), None)?;
    let gid = accounts::primary_gid(outputs, user)?;
    Ok(owner.map(|o| Owner { gid, ..o }))
}

/// Returns the path as a program of the agent's own system sees it.
fn outside(path: &AbsPath, facts: &HostFacts) -> Arc<str> {
    match &facts.image {
        Some(image) => format!("{}{path}", image.as_str().trim_end_matches('/')).into(),
        None => path.shared(),
    }
}

/// Returns a read by git, which asks nobody anything and knows no transport that runs commands.
fn git(want: &Want, args: Vec<Arc<str>>) -> Command {
    let command = Command::read("git", args).env("GIT_TERMINAL_PROMPT", "0");
    Command { user: want.user.clone(), ..command.env("GIT_ALLOW_PROTOCOL", "file:git:http:https:ssh") }
}

fn in_tree(want: &Want, args: &[impl AsRef<str>], facts: &HostFacts) -> Vec<Arc<str>> {
    let place = ["-C".into(), outside(&want.path, facts)];
    place.into_iter().chain(args.iter().map(|a| Arc::from(a.as_ref()))).collect()
}

fn local_git(want: &Want, args: &[&str], facts: &HostFacts) -> Command {
    git(want, in_tree(want, args, facts))
}

/// Returns a read by git that may reach the remote: over ssh, with the keys of the policy.
fn remote(want: &Want, args: Vec<Arc<str>>, _: &HostFacts) -> Command {
    let script = ssh_script(want);
    let ssh = if script.is_some() { format!("/bin/sh {SECRET_FILE}") } else { SSH.to_string() };
    let first: [Arc<str>; 4] =
        ["-c".into(), "ssh.variant=ssh".into(), "-c".into(), format!("core.sshCommand={ssh}").into()];
    let command = git(want, first.into_iter().chain(args).collect());
    Command { secret_file: script, ..command.timeout(crate::time::Duration::from_secs(60)) }
}

fn change(command: Command) -> Op {
    let effect = crate::action::Effect::Changes;
    Op::Run(Command { accept: alloc::vec![0], effect, timeout: Git::TIMEOUT, ..command })
}

const END_OF_FILE: &str = "VIGO-END-OF-FILE";

/// Returns a script that runs ssh with the policy's keys, which live in a private folder for as long as ssh runs.
fn ssh_script(want: &Want) -> Option<Text> {
    if want.ssh_key.is_none() && want.known_hosts.is_none() {
        return None;
    }
    let mut script =
        String::from("umask 077\nd=$(mktemp -d) || exit 1\ntrap 'rm -rf \"$d\"' EXIT\ntrap 'exit 1' HUP INT TERM\n");
    let mut options = String::new();
    let files = [
        ("key", &want.ssh_key, " -i \"$d/key\" -o IdentitiesOnly=yes"),
        ("known", &want.known_hosts, " -o UserKnownHostsFile=\"$d/known\""),
    ];
    let mut text = Text::default();
    for (name, content, option) in files {
        let Some(content) = content else { continue };
        script.push_str(&format!(
            "cat >\"$d/{name}\" <<'{END_OF_FILE}'\n{}\n{END_OF_FILE}\n",
            content.as_str().trim_end()
        ));
        options.push_str(option);
        text = text.tainted_by(content.secret_path());
    }
    script.push_str(&format!("{SSH}{options} \"$@\"\n"));
    Some(Text::plain(script).tainted_by(text.secret_path()))
}

/// The reads of a tree that need no network.
fn reads(want: &Want, facts: &HostFacts) -> Vec<Op> {
    let mut all: Vec<Op> = LOCAL.iter().map(|args| Op::Run(local_git(want, args, facts))).collect();
    if want.submodules {
        all.push(Op::Run(local_git(want, SUBMODULE_STATUS, facts)));
    }
    if let Revision::Commit(id) = &want.revision {
        all.push(Op::Run(has_commit(want, id, facts)));
    }
    all
}

const ORIGIN: &[&str] = &["config", "--get", "remote.origin.url"];
const HEAD: &[&str] = &["rev-parse", "--verify", "-q", "HEAD"];
const BRANCH: &[&str] = &["symbolic-ref", "-q", "--short", "HEAD"];
const STATUS: &[&str] = &["status", "--porcelain", "--untracked-files=no", "--ignore-submodules=dirty"];
const SUBMODULE_STATUS: &[&str] = &["submodule", "status", "--recursive"];
const LOCAL: [&[&str]; 4] = [ORIGIN, HEAD, BRANCH, STATUS];

fn has_commit(want: &Want, id: &str, facts: &HostFacts) -> Command {
    let object = format!("{id}^{{commit}}");
    local_git(want, &["cat-file", "-e", &object], facts)
}

fn local(want: &Want, outputs: &Outputs, facts: &HostFacts) -> Result<Tree, String> {
    // Exit 1 is git's "there is none"; anything else is no answer.
    let run = |args: &[&str]| match outputs.get(&Op::Run(local_git(want, args, facts))) {
        Some(OpOutput::Ran(ran)) if ran.success() => Ok(Some(ran.out().trim_end().to_string())),
        Some(OpOutput::Ran(ran)) if ran.code() == Some(1) => Ok(None),
        Some(OpOutput::Ran(ran)) => Err(format!("`git {}`: {}", args.join(" "), last_line(ran))),
        Some(OpOutput::Failed(failure)) if failure.kind == FailureKind::NoProgram => Err("git is not installed".into()),
        Some(OpOutput::Failed(failure)) => Err(failure.message.clone()),
        other => Err(format!("expected the output of git, found {other:?}")),
    };
    let status = run(STATUS)?.unwrap_or_default();
    let submodules = if want.submodules { run(SUBMODULE_STATUS)?.unwrap_or_default() } else { String::new() };
    let commit = match &want.revision {
        Revision::Commit(id) => outputs.get(&Op::Run(has_commit(want, id, facts))),
        _ => None,
    };
    Ok(Tree {
        origin: run(ORIGIN)?,
        head: run(HEAD)?,
        branch: run(BRANCH)?,
        dirty: status.lines().filter_map(|l| l.get(3..)).map(String::from).collect(),
        submodules: submodules
            .lines()
            .filter(|l| l.starts_with(['-', '+', 'U']))
            .filter_map(|l| l.split_whitespace().nth(1))
            .map(String::from)
            .collect(),
        has_commit: matches!(commit, Some(OpOutput::Ran(ran)) if ran.success()),
        remote: Remote::Unasked,
    })
}

fn ls_remote(want: &Want) -> Vec<Arc<str>> {
    let mut args: Vec<Arc<str>> = ["ls-remote", "--symref", "--"].map(Arc::from).to_vec();
    args.push(want.repo.clone());
    match &want.revision {
        Revision::Branch(name) => args.push(format!("refs/heads/{name}").into()),
        Revision::Tag(name) => {
            args.extend([format!("refs/tags/{name}").into(), format!("refs/tags/{name}^{{}}").into()])
        }
        Revision::Default | Revision::Commit(_) => args.push("HEAD".into()),
    }
    args
}

/// Reads the answer of `ls-remote`: lines of commit and name, and `ref: refs/heads/main` for HEAD.
fn advertised(want: &Want, output: &OpOutput) -> Remote {
    let ran = match output {
        OpOutput::Ran(ran) if ran.success() => ran,
        OpOutput::Ran(ran) => return Remote::Refused(refusal(want, ran)),
        OpOutput::Failed(failure) if failure.kind == FailureKind::NoProgram => {
            return Remote::Refused(Problem::failed("git is not installed"));
        }
        OpOutput::Failed(failure) if failure.kind == FailureKind::TimedOut => {
            let message = format!("`{}`: {}", want.repo, failure.message);
            return Remote::Refused(Problem::new(ProblemKind::Blocked, message));
        }
        OpOutput::Failed(failure) => return Remote::Refused(failure.into()),
        _ => return Remote::Refused(Problem::failed("expected the output of git, found something else")),
    };
    let out = ran.out();
    let is_id = |id: &str| matches!(id.len(), 40 | 64) && id.bytes().all(|b| b.is_ascii_hexdigit());
    let named = |name: &str| {
        let pairs = out.lines().filter_map(|l| l.split_once('\t'));
        pairs.filter(|(id, n)| *n == name && is_id(id)).map(|(id, _)| id.to_string()).next()
    };
    let (commit, branch) = match &want.revision {
        Revision::Branch(name) => (named(&format!("refs/heads/{name}")), Some(name.to_string())),
        Revision::Tag(name) => {
            let tag = format!("refs/tags/{name}");
            (named(&format!("{tag}^{{}}")).or_else(|| named(&tag)), None)
        }
        Revision::Default | Revision::Commit(_) => {
            let symbolic =
                out.lines().filter_map(|l| l.strip_prefix("ref: refs/heads/")?.strip_suffix("\tHEAD")).next();
            (named("HEAD"), symbolic.map(String::from))
        }
    };
    match commit {
        Some(commit) => Remote::At { commit, branch },
        None => Remote::Refused(Problem::failed(format!("`{}` has no {}", want.repo, want.revision))),
    }
}

/// What git and ssh say when the other side is out of reach.
const OUT_OF_REACH: &[&str] = &[
    "Could not resolve host",
    "Name or service not known",
    "Temporary failure in name resolution",
    "Connection refused",
    "Connection timed out",
    "Operation timed out",
    "Connection reset",
    "No route to host",
    "Network is unreachable",
    "Failed to connect",
    "Couldn't connect to server",
    "unable to connect",
    "The requested URL returned error: 5",
];

fn refusal(want: &Want, ran: &Ran) -> Problem {
    let err = ran.err();
    let why = last_line(ran);
    if OUT_OF_REACH.iter().any(|text| err.contains(text)) {
        return Problem::new(ProblemKind::Blocked, format!("`{}` is out of reach: {why}", want.repo));
    }
    if err.contains("No space left on device") {
        return Problem::new(ProblemKind::Blocked, why);
    }
    let problem = Problem::failed(format!("git: {why}"));
    if err.contains("Host key verification failed") {
        return problem.help("write the host's key into `known_hosts`");
    }
    if err.contains("Not possible to fast-forward") {
        return problem.help("the local branch has commits of its own: write `force: true` to discard them");
    }
    if err.contains("dubious ownership") {
        return problem.help("write the owner of the tree into `user`");
    }
    problem
}

/// Returns the line that says why: the first that git marks as an error, or the last.
fn last_line(ran: &Ran) -> String {
    let err = ran.err();
    let mut lines = err.lines().filter(|l| !l.trim().is_empty());
    let marked = err.lines().find(|l| l.starts_with("fatal: ") || l.starts_with("error: ") || l.starts_with("ssh: "));
    match marked.or_else(|| lines.next_back()) {
        Some(line) => line.trim_start_matches("fatal: ").trim_start_matches("error: ").to_string(),
        None => ran.exit.to_string(),
    }
}

/// Makes the tree beside its place and renames it, so that no half a tree is ever there.
fn clone(want: &Want, owner: Owner, facts: &HostFacts) -> Vec<Op> {
    let parent = want.path.parent().unwrap_or_else(|| want.path.clone());
    let beside = parent.join(&format!(".vigo-clone-{}", want.path.name()));
    let place = outside(&beside, facts);
    let depth = want.depth.map(|d| Arc::<str>::from(format!("--depth={d}")));
    let mut args: Vec<Arc<str>> = ["clone", "-q"].map(Arc::from).to_vec();
    match &want.revision {
        Revision::Branch(name) | Revision::Tag(name) => args.extend(["--branch".into(), name.clone()]),
        Revision::Commit(_) => args.push("--no-checkout".into()),
        Revision::Default => {}
    }
    args.extend(depth.clone());
    args.extend(["--".into(), want.repo.clone(), place.clone()]);
    let mut ops = alloc::vec![
        Op::Remove { path: beside.clone(), recursive: true },
        Op::MakeDir { path: beside.clone(), mode: 0o755, owner, parents: true },
        change(remote(want, args, facts)),
    ];
    if let Revision::Commit(id) = &want.revision {
        if let Some(depth) = depth {
            let args: [Arc<str>; 7] =
                ["-C".into(), place.clone(), "fetch".into(), "-q".into(), depth, "origin".into(), id.clone()];
            ops.push(change(remote(want, args.to_vec(), facts)));
        }
        let args: [Arc<str>; 6] = ["-C".into(), place, "checkout".into(), "-q".into(), "--detach".into(), id.clone()];
        ops.push(change(git(want, args.to_vec())));
    }
    if want.submodules {
        ops.push(submodules(want, &beside, facts));
    }
    ops.push(Op::Rename { from: beside, to: want.path.clone() });
    ops
}

fn submodules(want: &Want, tree: &AbsPath, facts: &HostFacts) -> Op {
    let args = ["submodule", "update", "-q", "--init", "--recursive"].map(Arc::from);
    let place = ["-C".into(), outside(tree, facts)];
    let mut command = remote(want, place.into_iter().chain(args).collect(), facts);
    if !want.repo.starts_with('/') && !want.repo.starts_with("file:") {
        // What a fetched tree names as a submodule is no file of this machine.
        command.env.retain(|(name, _)| &**name != "GIT_ALLOW_PROTOCOL");
        command = command.env("GIT_ALLOW_PROTOCOL", "git:http:https:ssh");
    }
    change(command)
}

fn fetch(want: &Want, state: &State) -> Vec<String> {
    let mut args: Vec<String> = alloc::vec!["fetch".into(), "-q".into()];
    args.extend(want.depth.map(|d| format!("--depth={d}")));
    args.extend(["--".into(), "origin".into()]);
    match &want.revision {
        Revision::Tag(name) => args.push(format!("+refs/tags/{name}:refs/tags/{name}")),
        Revision::Commit(id) if want.depth.is_some() => args.push(id.to_string()),
        Revision::Commit(_) => {
            args.extend(["+refs/heads/*:refs/remotes/origin/*".into(), "+refs/tags/*:refs/tags/*".into()])
        }
        Revision::Branch(_) | Revision::Default => match &state.at_path {
            AtPath::Tree(tree) => match &tree.remote {
                Remote::At { branch: Some(name), .. } => {
                    args.push(format!("+refs/heads/{name}:refs/remotes/origin/{name}"));
                }
                _ => args.push("HEAD".into()),
            },
            _ => args.push("HEAD".into()),
        },
    }
    args
}

fn check_out(want: &Want, tree: &Tree, facts: &HostFacts) -> Vec<Op> {
    let goal = tree.goal(want).unwrap_or("HEAD");
    let run = |args: &[&str]| change(local_git(want, args, facts));
    let branch = match &tree.remote {
        Remote::At { branch: Some(name), .. } => name,
        _ if want.force => return alloc::vec![run(&["checkout", "-q", "-f", "--detach", goal])],
        _ => return alloc::vec![run(&["checkout", "-q", "--detach", goal])],
    };
    if want.force {
        return alloc::vec![run(&["checkout", "-q", "-f", "-B", branch, goal])];
    }
    if want.depth.is_some() {
        // A shallow history has no common commits that a merge could go on from.
        return alloc::vec![run(&["checkout", "-q", "-B", branch, goal])];
    }
    let mut ops = Vec::new();
    if tree.branch.as_ref() != Some(branch) {
        ops.push(run(&["checkout", "-q", branch, "--"]));
    }
    ops.push(run(&["merge", "-q", "--ff-only", goal]));
    ops
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::{Effect, Exit};

    fn want(revision: Revision) -> Want {
        Want {
            path: AbsPath::known("/srv/x"),
            present: true,
            repo: "ssh://a.org/x".into(),
            revision,
            depth: None,
            submodules: false,
            force: false,
            user: None,
            ssh_key: None,
            known_hosts: None,
        }
    }

    fn ran(code: i32, out: &str, err: &str) -> Ran {
        Ran { exit: Exit::Code(code), stdout: out.into(), stderr: err.into(), truncated: false }
    }

    const ID: &str = "668e671fa6e86a04cb8ec580a8acd899611d8cb2";
    const TAG: &str = "e6fd78642727a81fadb580d163e98cb25bafda04";

    #[test]
    fn what_the_remote_says_is_understood() {
        let head = format!("ref: refs/heads/main\tHEAD\n{ID}\tHEAD\n");
        let tag = format!("{TAG}\trefs/tags/v1\n{ID}\trefs/tags/v1^{{}}\n");
        let light = format!("{ID}\trefs/tags/v1\n");
        let branch = format!("{ID}\trefs/heads/b\n");
        let at = |branch: Option<&str>| Remote::At { commit: ID.into(), branch: branch.map(String::from) };
        let none = |what: &str| Remote::Refused(Problem::failed(format!("`ssh://a.org/x` has no {what}")));
        let cases = [
            ("head", Revision::Default, &*head, at(Some("main"))),
            ("annotated tag", Revision::Tag("v1".into()), &*tag, at(None)),
            ("plain tag", Revision::Tag("v1".into()), &*light, at(None)),
            ("branch", Revision::Branch("b".into()), &*branch, at(Some("b"))),
            ("other branch", Revision::Branch("c".into()), &*branch, none("branch c")),
            ("nothing", Revision::Default, "", none("HEAD of the remote")),
            ("nonsense", Revision::Default, "x\tHEAD\n\t\n\u{fffd}", none("HEAD of the remote")),
        ];
        for (name, revision, out, expected) in cases {
            assert_eq!(advertised(&want(revision), &OpOutput::Ran(ran(0, out, ""))), expected, "{name}");
        }
    }

    #[test]
    fn refusals_are_told_apart() {
        use ProblemKind::{Blocked, Failed};
        let cases = [
            (
                "fatal: unable to access 'https://a/': Could not resolve host: a\n",
                Blocked,
                "`ssh://a.org/x` is out of reach: unable to access 'https://a/': Could not resolve host: a",
            ),
            (
                "ssh: connect to host a port 22: Connection refused\nfatal: Could not read from remote repository.\n\nx\n",
                Blocked,
                "`ssh://a.org/x` is out of reach: ssh: connect to host a port 22: Connection refused",
            ),
            (
                "Host key verification failed.\nfatal: Could not read from remote repository.\n",
                Failed,
                "git: Could not read from remote repository.",
            ),
            (
                "remote: Repository not found.\nfatal: repository 'x' not found\n",
                Failed,
                "git: repository 'x' not found",
            ),
            ("", Failed, "git: exit 128"),
        ];
        for (err, kind, message) in cases {
            let problem = refusal(&want(Revision::Default), &ran(128, "", err));
            assert_eq!((problem.kind, &*problem.message), (kind, message), "{err}");
        }
        assert!(refusal(&want(Revision::Default), &ran(128, "", "Host key verification failed.\n")).help.is_some());
    }

    #[test]
    fn keys_reach_ssh_by_a_private_file_alone() {
        let mut want = want(Revision::Default);
        want.ssh_key = Some(Text::secret("-----BEGIN-----\nhunter2\n", "git/key"));
        want.known_hosts = Some(Text::plain("a.org ssh-ed25519 AAAA"));
        want.user = Some("bob".into());
        let command = remote(&want, ls_remote(&want), &HostFacts::default());
        assert_eq!(command.effect, Effect::Reads);
        assert_eq!(
            Op::Run(command.clone()).to_string(),
            "as bob: git -c ssh.variant=ssh -c 'core.sshCommand=/bin/sh {{secret_file}}' ls-remote --symref -- ssh://a.org/x HEAD"
        );
        assert!(!format!("{command:?}").contains("hunter2"));
        let script = command.secret_file.unwrap();
        assert_eq!(script.secret_path().map(|p| &**p), Some("git/key"));
        for part in ["hunter2", "a.org ssh-ed25519", "StrictHostKeyChecking=yes", "IdentitiesOnly=yes", "\"$@\""] {
            assert!(script.as_str().contains(part), "{part}");
        }
        want.known_hosts = Some(Text::plain(format!("x\n{END_OF_FILE}\nrm -rf /\n")));
        assert!(Native.check(&want, &HostFacts::default()).is_err(), "no key can end its file early");
    }

    #[test]
    fn in_an_image_git_works_below_it() {
        let image = HostFacts { image: Some(AbsPath::known("/img")), ..HostFacts::default() };
        let want = want(Revision::Branch("b".into()));
        let ops: Vec<String> = clone(&want, Owner::default(), &image).iter().map(ToString::to_string).collect();
        assert_eq!(ops[0], "remove tree /srv/.vigo-clone-x", "file operations are below it already");
        assert!(ops[2].ends_with("clone -q --branch b -- ssh://a.org/x /img/srv/.vigo-clone-x"), "{}", ops[2]);
    }
}
