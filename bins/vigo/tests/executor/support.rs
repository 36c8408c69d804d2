//! What the tests of the executor share.

use sha2::{Digest, Sha256};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use vigo_agent::executor::{Executor, ExecutorOptions};
use vigo_core::action::{AbsPath, Content, Expect, FailureKind, OpFailure, OpOutput, Owner, Ran, Replace};

/// A folder of its own for one test.
pub struct Scratch(pub PathBuf);

impl Scratch {
    pub fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("vigo-test-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).unwrap();
        Self(dir.canonicalize().unwrap())
    }

    pub fn path(&self, name: &str) -> AbsPath {
        AbsPath::parse(self.0.join(name).to_str().unwrap()).unwrap()
    }

    pub fn write(&self, name: &str, content: &str) {
        fs::write(self.0.join(name), content).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap()
    }

    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(&self.0).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    pub fn executor(&self) -> Executor {
        Executor::new(self.options(None)).unwrap()
    }

    pub fn options(&self, root: Option<PathBuf>) -> ExecutorOptions {
        let work = std::env::temp_dir().join(format!("vigo-test-{}-work", std::process::id()));
        ExecutorOptions { root, staging: work.join("staged"), secrets: work.join("secrets") }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub fn replace(path: AbsPath, content: &str) -> Replace {
    Replace {
        path,
        content: Content::Bytes(content.as_bytes().into()),
        mode: None,
        owner: Owner::default(),
        context: None,
        expect: Expect::Anything,
        validate: None,
        backup: None,
        follow: false,
        parents: false,
    }
}

pub fn sha256(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

pub fn kind(output: &OpOutput) -> Option<FailureKind> {
    match output {
        OpOutput::Failed(OpFailure { kind, .. }) => Some(*kind),
        _ => None,
    }
}

pub fn message(output: OpOutput) -> String {
    match output {
        OpOutput::Failed(failure) => failure.message,
        other => panic!("expected a failure, found {other:?}"),
    }
}

pub fn ran(output: OpOutput) -> Ran {
    match output {
        OpOutput::Ran(ran) => ran,
        other => panic!("expected a program that ran, found {other:?}"),
    }
}

pub fn mode_of(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
