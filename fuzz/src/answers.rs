//! What a machine answers that says whatever the input says.

use vigo_core::action::{Effect, Entry, Exit, FailureKind, FileKind, Metadata, Op, OpFailure, OpOutput, Ran, Space};

/// Answers that are taken from an input, one after the other; when it is used up, from zeros.
pub struct Answers<'a> {
    rest: &'a [u8],
    wide: bool,
}

impl<'a> Answers<'a> {
    /// Returns the answers that `data` holds.
    pub fn of(data: &'a [u8]) -> Self {
        Self { rest: data, wide: false }
    }

    /// Returns the answers that `data` holds, in a form for long ones of any bytes.
    pub fn wide(data: &'a [u8]) -> Self {
        Self { rest: data, wide: true }
    }

    fn byte(&mut self) -> u8 {
        match self.rest.split_first() {
            Some((first, rest)) => {
                self.rest = rest;
                *first
            }
            None => 0,
        }
    }

    /// Takes a length, then as many bytes; from half of the lengths on, all up to the next zero byte. In the wide form
    /// that byte is taken, too, and the last quarter of the lengths counts in steps of 64.
    fn bytes(&mut self) -> Vec<u8> {
        let len = self.byte();
        let end = self.rest.iter().position(|&b| b == 0);
        let (len, end) = match len {
            0..128 => (usize::from(len), 0),
            0xC0.. if self.wide => (usize::from(len - 0xBF) * 64, 0),
            _ => (end.unwrap_or(self.rest.len()), usize::from(self.wide)),
        };
        let (taken, rest) = self.rest.split_at(len.min(self.rest.len()));
        self.rest = rest.get(end..).unwrap_or_default();
        taken.to_vec()
    }

    /// Any power of two, or a little less.
    fn number(&mut self) -> u64 {
        let byte = self.byte();
        (1u64 << (byte & 63)).wrapping_sub(u64::from(byte >> 6))
    }

    fn meta(&mut self) -> Metadata {
        let kind = match self.byte() % 8 {
            0 => FileKind::Dir,
            1 => FileKind::Symlink,
            2 => FileKind::Other,
            _ => FileKind::File,
        };
        let target = (kind == FileKind::Symlink).then(|| String::from_utf8_lossy(&self.bytes()).into());
        Metadata {
            kind,
            mode: u32::from(self.byte()) * 8,
            uid: u32::from(self.byte()),
            gid: 0,
            size: u64::from(self.byte()),
            mtime_ms: 0,
            dev: 1,
            ino: u64::from(self.byte()),
            nlink: 1,
            target,
            context: None,
        }
    }

    /// Returns the next answer, of the kind that `op` wants or of another.
    pub fn answer(&mut self, op: &Op) -> OpOutput {
        let choice = self.byte();
        if choice >= 0xF0 {
            let kind = match choice & 3 {
                0 => FailureKind::Denied,
                1 => FailureKind::NoSpace,
                2 => FailureKind::TimedOut,
                _ => FailureKind::Other,
            };
            // An executor always says why.
            let message = format!("failed: {}", String::from_utf8_lossy(&self.bytes()));
            return OpOutput::Failed(OpFailure { kind, message });
        }
        match op {
            Op::Run(_) => {
                let exit = match choice % 8 {
                    0..5 => Exit::Code(0),
                    7 => Exit::Signal(9),
                    code => Exit::Code(i32::from(code)),
                };
                OpOutput::Ran(Ran { exit, stdout: self.bytes(), stderr: self.bytes(), truncated: choice & 0x40 != 0 })
            }
            _ if op.effect() == Effect::Changes => OpOutput::Done,
            // A wrong kind of answer must be borne, too.
            _ if choice >= 0xE0 => OpOutput::Done,
            _ if choice.is_multiple_of(4) => OpOutput::Missing,
            Op::ReadFile { .. } => OpOutput::File { meta: self.meta(), content: self.bytes().into() },
            Op::HashFile { .. } => {
                let mut sha256 = [0; 32];
                sha256[0] = self.byte();
                OpOutput::Hash { meta: self.meta(), sha256 }
            }
            Op::ListDir { .. } => {
                let count = usize::from(self.byte() % 5);
                let entry = |a: &mut Self| Entry { path: String::from_utf8_lossy(&a.bytes()).into(), meta: a.meta() };
                OpOutput::Dir((0..count).map(|_| entry(self)).collect())
            }
            Op::Space { .. } => OpOutput::Space(Space {
                size_bytes: self.number(),
                free_bytes: self.number(),
                available_bytes: self.number(),
                inodes: self.number(),
                inodes_free: self.number(),
            }),
            Op::ReadUrl { .. } | Op::Account { .. } => OpOutput::Bytes(self.bytes().into()),
            _ => OpOutput::Stat(self.meta()),
        }
    }
}
