//! What the types make of a system file of any content.

use crate::input::choice;
use std::collections::BTreeMap;
use std::sync::Arc;
use vigo_core::action::{
    AbsPath, Command, Content, Effect, Entry, Exit, FileKind, Metadata, Op, OpOutput, Ran, Replace,
};
use vigo_core::config::Config;
use vigo_core::converge::{Converge, Envoy, Options, Outcome, RunReport, Step};
use vigo_core::host::{Host, HostFacts, Init};
use vigo_core::resolve;
use vigo_core::source::{Sources, Tree};
use vigo_core::time::Timestamp;
use vigo_core::traits::TraitSet;

/// One system file, and a resource that edits it.
struct Case {
    host: &'static dyn Host,
    init: Init,
    distro: &'static str,
    /// The file; `crontab` is the table that the program of that name shows and takes.
    path: &'static str,
    resource: &'static str,
    /// A line without any of these is not the resource's.
    own: &'static [&'static str],
}

const CRONTAB: &str = "crontab";

/// The mark of the resource, where lines have none of their own.
const MARK: &str = "# vigo: own";

/// What every machine has beside the file in question.
const OTHERS: &[(&str, &str)] = &[
    ("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nown:x:1001:1001::/home/own:/bin/sh\n"),
    ("/etc/group", "root:x:0:\nown:x:1001:\n"),
    ("/etc/rc.d/own", "#!/bin/sh\n# PROVIDE: own\n. /etc/rc.subr\nname=own\nrcvar=$name\nrun_rc_command \"$1\"\n"),
    ("/usr/share/zoneinfo/Europe/Berlin", "TZif2"),
    ("/usr/share/lib/zoneinfo/Europe/Berlin", "TZif2"),
];

#[rustfmt::skip]
static CASES: &[Case] = &[
    Case { host: &vigo_host_linux::Linux, init: Init::Systemd, distro: "debian", path: "/etc/fstab", resource: "type: mount, path: /mnt/own, device: tmpfs, fstype: tmpfs, state: present", own: &["/mnt/own"] },
    Case { host: &vigo_host_linux::Linux, init: Init::Systemd, distro: "debian", path: "/etc/fstab", resource: "type: mount, path: /mnt/own, state: absent", own: &["/mnt/own"] },
    Case { host: &vigo_host_illumos::Illumos, init: Init::Smf, distro: "omnios", path: "/etc/vfstab", resource: "type: mount, path: /mnt/own, device: swap, fstype: tmpfs, state: present", own: &["/mnt/own"] },
    Case { host: &vigo_host_linux::Linux, init: Init::Systemd, distro: "debian", path: "/etc/hosts", resource: "type: host, hostname: own.example, ip: 192.0.2.9, aliases: [own]", own: &["own"] },
    Case { host: &vigo_host_linux::Linux, init: Init::Systemd, distro: "debian", path: "/etc/hosts", resource: "type: host, hostname: own.example, state: absent", own: &["own"] },
    Case { host: &vigo_host_illumos::Illumos, init: Init::Smf, distro: "omnios", path: "/etc/inet/hosts", resource: "type: host, hostname: own.example, ip: 192.0.2.9", own: &["own"] },
    Case { host: &vigo_host_bsd::NetBsd, init: Init::Rc, distro: "netbsd", path: "/etc/rc.conf", resource: "type: service, service: own, state: unmanaged, enabled: true", own: &["own"] },
    Case { host: &vigo_host_bsd::NetBsd, init: Init::Rc, distro: "netbsd", path: "/etc/rc.conf.d/own", resource: "type: service, service: own, state: unmanaged, enabled: false", own: &["own"] },
    Case { host: &vigo_host_bsd::NetBsd, init: Init::Rc, distro: "netbsd", path: "/usr/pkg/etc/pkgin/repositories.conf", resource: "type: repository, repository: own, repo: 'https://own.example/All'", own: &["own"] },
    Case { host: &vigo_host_bsd::FreeBsd, init: Init::Rc, distro: "freebsd", path: "/etc/sysctl.conf", resource: "type: sysctl, key: kern.own, value: '1'", own: &["kern.own"] },
    Case { host: &vigo_host_illumos::Illumos, init: Init::Smf, distro: "omnios", path: "/etc/default/init", resource: "type: timezone, timezone: Europe/Berlin", own: &["TZ="] },
    Case { host: &vigo_host_illumos::Illumos, init: Init::Smf, distro: "omnios", path: "/etc/shadow", resource: "type: user, username: own, password_max_age: 90", own: &["own"] },
    Case { host: &vigo_host_linux::Linux, init: Init::Systemd, distro: "debian", path: "/home/own/.ssh/authorized_keys", resource: "type: authorized_key, user: own, key: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAcvEjWlDTkkNHpf5TDEMNqOOE9kHxkZcyuYDdGQYsCO own'", own: &["AAAAC3NzaC1lZDI1NTE5AAAAIAcvEjWlDTkkNHpf5TDEMNqOOE9kHxkZcyuYDdGQYsCO"] },
    Case { host: &vigo_host_bsd::OpenBsd, init: Init::Rcctl, distro: "openbsd", path: CRONTAB, resource: "type: cron, cron: own, schedule: '5 4 * * *', command: /bin/own, environment: {OWN: x}", own: &["own", "# DO NOT EDIT", "# ("] },
    Case { host: &vigo_host_macos::MacOs, init: Init::Launchd, distro: "macos", path: CRONTAB, resource: "type: cron, cron: own, state: absent", own: &["own", "# DO NOT EDIT", "# ("] },
    Case { host: &vigo_host_illumos::Illumos, init: Init::Smf, distro: "omnios", path: CRONTAB, resource: "type: cron, cron: own, schedule: '5 4 * * *', command: /bin/own", own: &["own", "# DO NOT EDIT", "# ("] },
];

/// Runs the resource that the first byte chooses on a machine whose file holds the rest, twice.
///
/// What is not the resource's stays byte for byte and in its order, and the second run writes nothing.
pub fn files(data: &[u8]) {
    let Some((which, content)) = choice(data) else { return };
    let case = &CASES[usize::from(which) % CASES.len()];
    let mut machine = Machine::new(case, content);
    let first = machine.run(case);
    let after = machine.content(case).to_vec();
    stays(case, content, &after);
    let is_reached = first.resources.iter().all(|r| matches!(r.outcome, Outcome::Ok | Outcome::Changed));
    machine.run(case);
    if is_reached {
        let [after, again] = [&*after, machine.content(case)].map(String::from_utf8_lossy);
        assert_eq!(after, again, "a second run wrote `{}` once more", case.path);
    }
}

/// Asserts that the lines that are not the resource's are in `after`, in their order: a line behind the resource's mark is
/// its own, too.
fn stays(case: &Case, before: &[u8], after: &[u8]) {
    let is_own = |line: &[u8]| case.own.iter().any(|own| line.windows(own.len()).any(|part| part == own.as_bytes()));
    let mut left = lines(after);
    let mut is_marked = false;
    for line in lines(before) {
        let was_marked = std::mem::replace(&mut is_marked, line.trim_ascii() == MARK.as_bytes());
        if was_marked || is_own(line) {
            continue;
        }
        let is_there = left.any(|other| other == line);
        let [line, after] = [line, after].map(String::from_utf8_lossy);
        assert!(is_there, "{line:?} of `{}` is gone: {after:?}", case.path);
    }
}

fn lines(content: &[u8]) -> impl Iterator<Item = &[u8]> {
    content.split_inclusive(|&b| b == b'\n').map(|line| line.strip_suffix(b"\n").unwrap_or(line))
}

/// Files by path; the only programs that say something are those of a test.
struct Machine {
    files: BTreeMap<String, Arc<[u8]>>,
    now: Timestamp,
}

impl Machine {
    fn new(case: &Case, content: &[u8]) -> Self {
        let others = OTHERS.iter().map(|(path, text)| ((*path).to_owned(), Arc::from(text.as_bytes())));
        let mut files: BTreeMap<_, _> = others.collect();
        files.insert(case.path.into(), content.into());
        Self { files, now: Timestamp::from_epoch_secs(1_795_262_400) }
    }

    fn content(&self, case: &Case) -> &[u8] {
        self.files.get(case.path).map_or(&[], |content| content)
    }

    fn run(&mut self, case: &Case) -> Arc<RunReport> {
        let text = format!("resources:\n  - {{name: own, {}}}\n", case.resource);
        let envoys = "envoys: [{match: '*', configcrates: [c]}]\n";
        let sources = Sources::read(&Tree::from_texts([("configcrates/c.vgo", &*text), ("envoys.vgo", envoys)]));
        let bundle = match resolve::resolve(&Config::read(&sources), "fuzz", None) {
            Ok(resolved) => Arc::new(resolved.bundle),
            Err(diagnostics) => panic!("`{}` is wrong: {diagnostics:#?}", case.resource),
        };
        let facts = HostFacts {
            family: case.distro.into(),
            distro: case.distro.into(),
            init: case.init,
            now: self.now,
            ..HostFacts::default()
        };
        let options = Options {
            dry_run: false,
            only: Vec::new(),
            envoy: Envoy { hostname: "fuzz".into(), ..Envoy::default() },
            clock: self.now.civil(0),
            triggers: Vec::new(),
            snapshots: Vec::new(),
            revert_commands: Vec::new(),
            proofs: None,
            entropy: Vec::new(),
            seed: 1,
        };
        let mut converge = Converge::new(bundle, TraitSet::default(), case.host, facts, options);
        for _ in 0..10_000 {
            match converge.poll(self.now) {
                Step::Run(ops) => {
                    for (id, op) in ops {
                        let output = self.perform(&op);
                        converge.handle_output(id, output, self.now);
                    }
                }
                Step::Store(_) => converge.handle_stored(),
                Step::WaitUntil { at, .. } => {
                    self.now = at;
                    converge.handle_timeout(at);
                }
                Step::Resolve(_) | Step::Waiting => panic!("nothing is outstanding"),
                Step::Done(report) => return report,
            }
        }
        panic!("the run does not end");
    }

    fn perform(&mut self, op: &Op) -> OpOutput {
        match op {
            Op::Stat { path, .. } => self.meta(path).map_or(OpOutput::Missing, OpOutput::Stat),
            Op::ReadFile { path, .. } => match (self.meta(path), self.files.get(path.as_str())) {
                (Some(meta), Some(content)) => OpOutput::File { meta, content: content.clone() },
                (Some(meta), None) => OpOutput::Stat(meta),
                (None, _) => OpOutput::Missing,
            },
            Op::ListDir { path, .. } if self.meta(path).is_none() => OpOutput::Missing,
            Op::ListDir { path, .. } => OpOutput::Dir(self.inside(path)),
            Op::ReplaceFile(replace) => self.replace(replace),
            Op::Remove { path, .. } => {
                self.files.remove(path.as_str());
                OpOutput::Done
            }
            Op::Run(command) => OpOutput::Ran(self.answer(command)),
            _ => OpOutput::Done,
        }
    }

    fn meta(&self, path: &AbsPath) -> Option<Metadata> {
        let content = self.files.get(path.as_str());
        let below = |file: &String| file.strip_prefix(path.as_str()).is_some_and(|rest| rest.starts_with('/'));
        let kind = match content {
            Some(_) => FileKind::File,
            None if path.as_str() == "/" || self.files.keys().any(below) => FileKind::Dir,
            None => return None,
        };
        Some(Metadata {
            kind,
            mode: if kind == FileKind::Dir { 0o700 } else { 0o600 },
            // What is below a home is its owner's.
            uid: if path.as_str().starts_with("/home/own") { 1001 } else { 0 },
            gid: if path.as_str().starts_with("/home/own") { 1001 } else { 0 },
            size: content.map_or(0, |content| content.len() as u64),
            mtime_ms: 0,
            dev: 1,
            ino: 1,
            nlink: 1,
            target: None,
            context: None,
        })
    }

    fn inside(&self, folder: &AbsPath) -> Vec<Entry> {
        let name = |path: &String| path.strip_prefix(folder.as_str())?.strip_prefix('/').map(Arc::<str>::from);
        let names = self.files.keys().filter_map(name).filter(|name| !name.contains('/'));
        names.filter_map(|name| Some(Entry { meta: self.meta(&folder.join(&name))?, path: name })).collect()
    }

    fn replace(&mut self, replace: &Replace) -> OpOutput {
        let content: Arc<[u8]> = match &replace.content {
            Content::Bytes(bytes) => bytes.clone(),
            Content::Text(text) => text.as_str().as_bytes().into(),
            other => panic!("{other:?} goes into no system file"),
        };
        self.files.insert(replace.path.as_str().into(), content);
        OpOutput::Done
    }

    fn answer(&mut self, command: &Command) -> Ran {
        let ran =
            |stdout: &[u8]| Ran { exit: Exit::Code(0), stdout: stdout.into(), stderr: Vec::new(), truncated: false };
        if !command.program.ends_with(CRONTAB) {
            return ran(b"");
        }
        if command.effect == Effect::Reads {
            return ran(self.files.get(CRONTAB).map_or(&[], |content| content));
        }
        if let Some(table) = command.secret_file.as_ref().or(command.stdin.as_ref()) {
            self.files.insert(CRONTAB.into(), table.as_str().as_bytes().into());
        }
        ran(b"")
    }
}
