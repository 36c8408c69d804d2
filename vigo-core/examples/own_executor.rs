//! Drives a run with an executor of one's own: here a disk that is a map in memory.
//!
//! `cargo run -p vigo-core --example own_executor`

use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;
use vigo_core::action::{FailureKind, FileKind, Metadata, Op, OpFailure, OpOutput};
use vigo_core::bundle::PolicyBundle;
use vigo_core::config::Config;
use vigo_core::converge::{Converge, Envoy, Options, RunOutcome, RunReport, Step};
use vigo_core::host::{Capability, Host, HostFacts};
use vigo_core::resolve;
use vigo_core::secret::Withheld;
use vigo_core::source::{Sources, Tree};
use vigo_core::time::Timestamp;
use vigo_core::traits::TraitSet;

/// A platform without services, packages or accounts: resource types of files need none of that.
struct FilesOnly;

impl Host for FilesOnly {
    fn name(&self) -> &'static str {
        "files only"
    }

    fn capabilities(&self) -> &'static [Capability] {
        &[]
    }
}

/// The executor: what is at each path, and how often something was changed.
#[derive(Default)]
struct Disk {
    nodes: BTreeMap<String, (Metadata, Arc<[u8]>)>,
    changes: usize,
}

impl Disk {
    fn put(&mut self, path: &str, kind: FileKind, mode: u32, content: &[u8]) {
        let ino = self.nodes.len() as u64 + 1;
        let size = content.len() as u64;
        let (uid, gid, mtime_ms, dev, nlink) = (0, 0, 0, 1, 1);
        let meta = Metadata { kind, mode, uid, gid, size, mtime_ms, dev, ino, nlink, target: None, context: None };
        self.nodes.insert(path.into(), (meta, content.into()));
    }

    /// Performs one operation. The set is closed: an executor answers each one, if need be by saying that it cannot.
    fn perform(&mut self, op: &Op) -> OpOutput {
        match op {
            Op::Stat { path, .. } => match self.nodes.get(path.as_str()) {
                Some((meta, _)) => OpOutput::Stat(meta.clone()),
                None => OpOutput::Missing,
            },
            Op::ReadFile { path, .. } => match self.nodes.get(path.as_str()) {
                Some((meta, content)) if meta.kind == FileKind::File => {
                    OpOutput::File { meta: meta.clone(), content: content.clone() }
                }
                Some((meta, _)) => OpOutput::Stat(meta.clone()),
                None => OpOutput::Missing,
            },
            Op::HashFile { path, .. } => match self.nodes.get(path.as_str()) {
                Some((meta, content)) if meta.kind == FileKind::File => {
                    OpOutput::Hash { meta: meta.clone(), sha256: Sha256::digest(content).into() }
                }
                Some((meta, _)) => OpOutput::Stat(meta.clone()),
                None => OpOutput::Missing,
            },
            // A real executor also compares `expect`, runs `validate`, sets the owner, and renames a temporary file.
            Op::ReplaceFile(replace) => match replace.content.bytes() {
                Some(bytes) => {
                    self.changes += 1;
                    self.put(replace.path.as_str(), FileKind::File, replace.mode.unwrap_or(0o644), bytes);
                    OpOutput::Done
                }
                None => cannot(op),
            },
            Op::MakeDir { path, mode, .. } => {
                self.changes += 1;
                self.put(path.as_str(), FileKind::Dir, *mode, b"");
                OpOutput::Done
            }
            Op::SetMode { path, mode } => {
                self.changes += 1;
                match self.nodes.get_mut(path.as_str()) {
                    Some((meta, _)) => meta.mode = *mode,
                    None => return OpOutput::Missing,
                }
                OpOutput::Done
            }
            other => cannot(other),
        }
    }
}

fn cannot(op: &Op) -> OpOutput {
    OpOutput::Failed(OpFailure { kind: FailureKind::Other, message: format!("this executor cannot `{op}`") })
}

/// One run, from its first poll to its report.
fn run(policy: &Arc<PolicyBundle>, disk: &mut Disk) -> Arc<RunReport> {
    // The core asks no clock. This one stands still; a driver hands in the real time with each call.
    let now = Timestamp::from_epoch_secs(1_795_262_400);
    let options = Options {
        dry_run: false,
        only: Vec::new(),
        envoy: Envoy { hostname: "web-1".into(), ..Envoy::default() },
        clock: now.civil(0),
        triggers: Vec::new(),
        snapshots: Vec::new(),
        revert_commands: Vec::new(),
        proofs: None,
        entropy: Vec::new(),
        seed: 1,
    };
    let mut converge = Converge::new(policy.clone(), TraitSet::new(), &FilesOnly, HostFacts::default(), options);
    loop {
        match converge.poll(now) {
            Step::Run(ops) => {
                for (id, op) in ops {
                    println!("  {op}");
                    let output = disk.perform(&op);
                    converge.handle_output(id, output, now);
                }
            }
            // Triggers that must outlive a crash. This policy notifies nobody, so there is nothing to keep.
            Step::Store(_) => converge.handle_stored(),
            Step::Resolve(paths) => {
                let none = |path| (path, Err(Withheld::Refused("there are no secrets here".into())));
                converge.handle_secrets(paths.into_iter().map(none).collect());
            }
            Step::WaitUntil { at, .. } => converge.handle_timeout(at),
            Step::Waiting => unreachable!("every operation is answered at once"),
            Step::Done(report) => return report,
        }
    }
}

/// Runs the example.
pub fn main() {
    let tree = Tree::from_texts([
        (
            "configcrates/app.vgo",
            r#"
vars: {port: 8080}
resources:
  - {name: conf, type: file, target_path: /etc/app.conf, content: "port = {{ .Vars.port }}\n", mode: "0640"}
  - {name: setting, type: file_line, target_path: /etc/hosts, line: "127.0.0.1 app", depends_on: conf}
"#,
        ),
        ("envoys.vgo", "envoys:\n  - {match: '*', configcrates: [app]}\n"),
    ]);
    let sources = Sources::read(&tree);
    let policy = resolve::resolve(&Config::read(&sources), "web-1", None).expect("the tree is valid").bundle;
    let policy = Arc::new(policy);

    let mut disk = Disk::default();
    disk.put("/", FileKind::Dir, 0o755, b"");
    disk.put("/etc", FileKind::Dir, 0o755, b"");
    disk.put("/etc/hosts", FileKind::File, 0o644, b"127.0.0.1 localhost\n");

    println!("the first run:");
    let report = run(&policy, &mut disk);
    assert_eq!(report.outcome, RunOutcome::Converged, "{report:#?}");
    assert_eq!((report.counts.changed, disk.changes), (2, 2), "{report:#?}");
    assert_eq!(&*disk.nodes["/etc/app.conf"].1, b"port = 8080\n");
    assert_eq!(&*disk.nodes["/etc/hosts"].1, b"127.0.0.1 localhost\n127.0.0.1 app\n");

    println!("the second run:");
    let report = run(&policy, &mut disk);
    assert_eq!(report.outcome, RunOutcome::Converged, "{report:#?}");
    assert_eq!((report.counts.ok, report.counts.changed, disk.changes), (2, 0, 2), "{report:#?}");
}
