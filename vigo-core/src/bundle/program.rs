//! What the fleet says of the agent's program, so that a machine installs no other.

use super::{BundleError, Purpose, Signed};
use crate::hex;
use crate::limits;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::fmt;
use core::str::FromStr;
use ed25519_dalek::{SigningKey, VerifyingKey};
use prost::Message;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

/// What stands in every program of ours before its version and a line's end, so that a file says what it is without being
/// run: the version of an agent for another machine cannot be asked for.
pub const PROGRAM_MARK: &str = "vigo agent program, version ";

/// The format of a manifest.
const FORMAT: u32 = 1;

/// Bytes of a version: three numbers, and what a build adds.
const VERSION_BYTES_MAX: usize = 64;

/// Bytes of the name of a target.
const TARGET_BYTES_MAX: usize = 32;

/// Bytes of an ELF file's head that tell what machine it is for.
const ELF_HEAD_BYTES: usize = 20;

/// Bytes of a program that are kept to see what it runs on: a head of Windows stands behind a program for DOS.
const HEAD_BYTES: usize = 1024;

/// A program of the agent: which one, and what it must be, byte for byte.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProgramManifest {
    /// Its version, such as `0.1.0`.
    pub version: String,
    /// What it runs on.
    pub target: Target,
    /// SHA-256 of its bytes.
    pub sha256: [u8; 32],
    /// How many there are.
    pub size: u64,
}

/// What a program runs on: operating system and architecture, such as `linux-x86_64`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Target(String);

/// Why a program, or what is said of one, is refused.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum ProgramError {
    /// Nobody of the fleet stands for the manifest.
    #[error("the program's manifest is not believed: {0}")]
    Unsigned(#[from] BundleError),
    /// The manifest is of another version of the format.
    #[error("expected a manifest of format {FORMAT}, found {found}")]
    Format {
        /// Its format.
        found: u32,
    },
    /// A part of the manifest is not what it should be.
    #[error("the program's manifest: {0}")]
    Malformed(String),
    /// It is no target.
    #[error("expected a target such as `linux-x86_64`, found `{}`", .found.escape_debug())]
    NoTarget {
        /// What was found.
        found: String,
    },
    /// The head of the program does not say what it runs on.
    #[error("the program's head does not say what it runs on")]
    UnknownTarget,
    /// It is no agent.
    #[error("the file is no agent: expected `{PROGRAM_MARK}` and a version in it, found neither")]
    NoAgent,
    /// It is larger than any agent.
    #[error("expected a program of at most {max} bytes, found more")]
    TooLarge {
        /// The bound.
        max: u64,
    },
    /// The program is not the one of the manifest.
    #[error("the program has SHA-256 `{found}`, expected `{expected}`")]
    OtherProgram {
        /// What the manifest says.
        expected: String,
        /// What the program has.
        found: String,
    },
}

#[derive(Clone, PartialEq, Message)]
struct Proto {
    #[prost(uint32, tag = "1")]
    format: u32,
    #[prost(string, tag = "2")]
    version: String,
    #[prost(string, tag = "3")]
    target: String,
    #[prost(bytes = "vec", tag = "4")]
    sha256: Vec<u8>,
    #[prost(uint64, tag = "5")]
    size: u64,
}

impl ProgramManifest {
    /// Encodes and signs it with a bundle key.
    pub fn sign(&self, key: &SigningKey) -> Signed {
        let proto = Proto {
            format: FORMAT,
            version: self.version.clone(),
            target: self.target.to_string(),
            sha256: self.sha256.to_vec(),
            size: self.size,
        };
        Signed::new(Purpose::Program, proto.encode_to_vec().into(), key)
    }

    /// Returns the manifest, if one of `keys` signed it.
    ///
    /// # Errors
    /// [`ProgramError::Unsigned`], [`ProgramError::Format`], [`ProgramError::Malformed`].
    pub fn verify(signed: &Signed, keys: &[VerifyingKey]) -> Result<Self, ProgramError> {
        let bytes = signed.verify(Purpose::Program, keys)?;
        let malformed = |why: &dyn fmt::Display| ProgramError::Malformed(why.to_string());
        let proto = Proto::decode(bytes).map_err(|e| malformed(&e))?;
        if proto.format != FORMAT {
            return Err(ProgramError::Format { found: proto.format });
        }
        let found = proto.sha256.len();
        let sha256 = <[u8; 32]>::try_from(proto.sha256)
            .map_err(|_| malformed(&format_args!("expected 32 bytes of digest, found {found}")))?;
        if !is_version(&proto.version) {
            return Err(malformed(&format_args!("expected a version, found `{}`", proto.version.escape_debug())));
        }
        Ok(Self { version: proto.version, target: proto.target.parse()?, sha256, size: proto.size })
    }

    /// Looks whether a program with this digest is the one that is meant.
    ///
    /// # Errors
    /// [`ProgramError::OtherProgram`].
    pub fn check(&self, sha256: &[u8; 32]) -> Result<(), ProgramError> {
        match self.sha256 == *sha256 {
            true => Ok(()),
            false => Err(ProgramError::OtherProgram { expected: self.digest(), found: hex::encode(sha256) }),
        }
    }

    /// Returns its digest in hexadecimal digits.
    pub fn digest(&self) -> String {
        hex::encode(self.sha256)
    }

    /// Returns whether its version is higher than that of `other`. What has no numbers is not.
    pub fn is_newer_than(&self, other: &Self) -> bool {
        match (numbers(&self.version), numbers(&other.version)) {
            (Some(own), Some(other)) => own.cmp(&other) == Ordering::Greater,
            _ => false,
        }
    }
}

impl Target {
    /// Returns what the program runs on whose first bytes are `head`, where that is an ELF file: System V ABI, "ELF
    /// Header"; or one of Windows: "PE Format". An OS ABI of 0 is that of Linux, too.
    ///
    /// # Errors
    /// [`ProgramError::UnknownTarget`].
    pub fn of_head(head: &[u8]) -> Result<Self, ProgramError> {
        if head.starts_with(b"MZ") {
            let arch = windows_arch(head).ok_or(ProgramError::UnknownTarget)?;
            return format!("windows-{arch}").parse();
        }
        let head = head.first_chunk().copied().map(little_endian).ok_or(ProgramError::UnknownTarget)?;
        // A program, or one that may lie anywhere; not an object file or a core.
        let [0x7f, b'E', b'L', b'F', class, data, _, abi, .., 2 | 3, 0, low, high] = head else {
            return Err(ProgramError::UnknownTarget);
        };
        let os = match abi {
            0 | 3 => "linux",
            2 => "netbsd",
            6 => "illumos",
            9 => "freebsd",
            12 => "openbsd",
            _ => return Err(ProgramError::UnknownTarget),
        };
        let arch = match (u16::from_le_bytes([low, high]), class, data) {
            (3, 1, 1) => "i686",
            (62, 2, 1) => "x86_64",
            (40, 1, 1) => "armv7",
            (183, 2, 1) => "aarch64",
            (243, 2, 1) => "riscv64",
            (21, 2, 1) => "ppc64le",
            (22, 2, 2) => "s390x",
            _ => return Err(ProgramError::UnknownTarget),
        };
        format!("{os}-{arch}").parse()
    }
}

/// Returns the architecture of a program for Windows: its number stands behind `PE`, whose place is told at byte 60.
fn windows_arch(head: &[u8]) -> Option<&'static str> {
    let at = u32::from_le_bytes(*head.get(60..)?.first_chunk()?);
    let (mark, rest) = head.get(usize::try_from(at).ok()?..)?.split_first_chunk::<4>()?;
    match (mark, u16::from_le_bytes(*rest.first_chunk()?)) {
        (b"PE\0\0", 0x014c) => Some("i686"),
        (b"PE\0\0", 0x8664) => Some("x86_64"),
        (b"PE\0\0", 0xaa64) => Some("aarch64"),
        _ => None,
    }
}

/// Returns an ELF head with its last two numbers in little-endian order.
fn little_endian(mut head: [u8; ELF_HEAD_BYTES]) -> [u8; ELF_HEAD_BYTES] {
    if let [_, _, _, _, _, 2, .., a, b, c, d] = &mut head {
        core::mem::swap(a, b);
        core::mem::swap(c, d);
    }
    head
}

impl FromStr for Target {
    type Err = ProgramError;

    fn from_str(text: &str) -> Result<Self, ProgramError> {
        let word = |word: &str| {
            !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        };
        match text.split_once('-') {
            Some((os, arch)) if word(os) && word(arch) && text.len() <= TARGET_BYTES_MAX => Ok(Self(text.into())),
            _ => Err(ProgramError::NoTarget { found: text.chars().take(TARGET_BYTES_MAX).collect() }),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads a program piece by piece: what it is, and for what.
///
/// Call [`ProgramReader::feed`] with all pieces in their order, then [`ProgramReader::finish`].
#[derive(Clone, Debug, Default)]
pub struct ProgramReader {
    hash: Sha256,
    size: u64,
    head: Vec<u8>,
    /// The end of what was read: the mark may begin in it.
    tail: Vec<u8>,
    version: Option<String>,
}

impl ProgramReader {
    /// Takes the next piece.
    ///
    /// # Errors
    /// [`ProgramError::TooLarge`].
    pub fn feed(&mut self, piece: &[u8]) -> Result<(), ProgramError> {
        self.size = self.size.saturating_add(piece.len() as u64);
        if self.size > limits::PROGRAM_BYTES_MAX {
            return Err(ProgramError::TooLarge { max: limits::PROGRAM_BYTES_MAX });
        }
        self.hash.update(piece);
        let missing = HEAD_BYTES.saturating_sub(self.head.len());
        self.head.extend(piece.iter().take(missing));
        if self.version.is_none() {
            // Where the pieces meet, and the piece: nothing is looked at more than twice.
            let reach = PROGRAM_MARK.len() + VERSION_BYTES_MAX + 1;
            self.tail.extend(piece.iter().take(reach));
            self.version = version_in(&self.tail).or_else(|| version_in(piece));
            if piece.len() >= reach {
                self.tail.clear();
                self.tail.extend(piece.iter().skip(piece.len() - reach));
            } else {
                let old = self.tail.len().saturating_sub(reach);
                self.tail.drain(..old);
            }
        }
        Ok(())
    }

    /// Returns the SHA-256 of what was read.
    pub fn digest(self) -> [u8; 32] {
        self.hash.finalize().into()
    }

    /// Returns what the program is. `target` says what it runs on, where that is known better than from its head.
    ///
    /// # Errors
    /// [`ProgramError::NoAgent`], [`ProgramError::UnknownTarget`].
    pub fn finish(self, target: Option<Target>) -> Result<ProgramManifest, ProgramError> {
        let version = self.version.ok_or(ProgramError::NoAgent)?;
        let target = target.map_or_else(|| Target::of_head(&self.head), Ok)?;
        Ok(ProgramManifest { version, target, sha256: self.hash.finalize().into(), size: self.size })
    }
}

/// Returns the version behind a mark, if there is one.
fn version_in(bytes: &[u8]) -> Option<String> {
    memchr::memmem::find_iter(bytes, PROGRAM_MARK).find_map(|at| {
        let rest = bytes.get(at + PROGRAM_MARK.len()..)?;
        let end = rest.iter().take(VERSION_BYTES_MAX + 1).position(|b| *b == b'\n')?;
        let version = core::str::from_utf8(rest.get(..end)?).ok()?;
        is_version(version).then(|| version.into())
    })
}

fn is_version(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'+');
    text.len() <= VERSION_BYTES_MAX && text.bytes().all(plain) && numbers(text).is_some()
}

/// Returns the numbers of a version: `1.2.3` and whatever follows them.
fn numbers(version: &str) -> Option<[u64; 3]> {
    let mut parts = version.split(['-', '+']).next()?.split('.');
    let mut number = || parts.next()?.parse().ok();
    Some([number()?, number()?, number()?])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SigningKey {
        SigningKey::from_bytes(&[3; 32])
    }

    fn manifest() -> ProgramManifest {
        let target = "linux-x86_64".parse().unwrap();
        ProgramManifest { version: "0.1.0".into(), target, sha256: [7; 32], size: 9_824_392 }
    }

    fn head(class: u8, data: u8, abi: u8, machine: [u8; 2]) -> Vec<u8> {
        let mut head = alloc::vec![0x7f, b'E', b'L', b'F', class, data, 1, abi];
        head.extend([0; 8]);
        head.extend(if data == 2 { [0, 3] } else { [3, 0] });
        head.extend(machine);
        head
    }

    #[test]
    fn a_manifest_is_believed_by_the_bundle_key_alone_and_only_as_one() {
        let keys = [key().verifying_key()];
        let signed = manifest().sign(&key());
        assert_eq!(ProgramManifest::verify(&signed, &keys), Ok(manifest()));
        let stranger = manifest().sign(&SigningKey::from_bytes(&[4; 32]));
        assert!(matches!(ProgramManifest::verify(&stranger, &keys), Err(ProgramError::Unsigned(_))));
        for at in 0..signed.encode().len() {
            let mut bytes = signed.encode();
            bytes[at] ^= 1;
            let believed = Signed::decode(&bytes).is_ok_and(|s| ProgramManifest::verify(&s, &keys).is_ok());
            assert!(!believed, "byte {at} is another one");
        }
        let bundle = Signed::new(Purpose::Bundle, signed.bytes.clone(), &key());
        assert!(matches!(ProgramManifest::verify(&bundle, &keys), Err(ProgramError::Unsigned(_))), "another purpose");
    }

    #[test]
    fn a_manifest_of_this_version_is_read_for_ever() {
        let bytes = hex::encode(manifest().sign(&key()).bytes);
        assert_eq!(
            bytes,
            "08011205302e312e301a0c6c696e75782d7838365f363422200707070707070707070707070707070707070707070707070707\
             0707070707072888d1d704"
        );
        let other = Proto { format: 2, ..Proto::default() }.encode_to_vec();
        let signed = Signed::new(Purpose::Program, other.into(), &key());
        let refused = ProgramManifest::verify(&signed, &[key().verifying_key()]);
        assert_eq!(refused, Err(ProgramError::Format { found: 2 }));
    }

    #[test]
    fn another_program_is_told_apart() {
        assert_eq!(manifest().check(&[7; 32]), Ok(()));
        let error = manifest().check(&[8; 32]).unwrap_err().to_string();
        assert!(error.contains(&"08".repeat(32)) && error.contains(&"07".repeat(32)), "{error}");
    }

    fn windows_head(machine: u16) -> Vec<u8> {
        let mut head = alloc::vec![0; 1024];
        head[..2].copy_from_slice(b"MZ");
        head[60] = 128;
        head[128..132].copy_from_slice(b"PE\0\0");
        head[132..134].copy_from_slice(&machine.to_le_bytes());
        head
    }

    #[test]
    fn a_head_says_what_a_program_runs_on() {
        let cases = [
            ("linux on x86-64", head(2, 1, 0, [62, 0]), Some("linux-x86_64")),
            ("the same, by its own ABI", head(2, 1, 3, [62, 0]), Some("linux-x86_64")),
            ("arm", head(2, 1, 0, [183, 0]), Some("linux-aarch64")),
            ("freebsd", head(2, 1, 9, [62, 0]), Some("freebsd-x86_64")),
            ("big-endian", head(2, 2, 0, [0, 22]), Some("linux-s390x")),
            ("x32", head(1, 1, 0, [62, 0]), None),
            ("an unknown machine", head(2, 1, 0, [1, 0]), None),
            ("an unknown ABI", head(2, 1, 99, [62, 0]), None),
            ("cut short", head(2, 1, 0, [62, 0])[..19].to_vec(), None),
            ("windows", windows_head(0x8664), Some("windows-x86_64")),
            ("windows on arm", windows_head(0xaa64), Some("windows-aarch64")),
            ("windows, an unknown machine", windows_head(1), None),
            ("windows, cut short", windows_head(0x8664)[..133].to_vec(), None),
            ("dos", b"MZ and what stood there".to_vec(), None),
            ("dos, and a place that is nowhere", [&b"MZ"[..], &[0xff; 62]].concat(), None),
            ("a script", b"#!/bin/sh\necho hello, world\n".to_vec(), None),
            ("nothing", Vec::new(), None),
        ];
        for (name, head, expected) in cases {
            assert_eq!(Target::of_head(&head).ok().map(|t| t.to_string()).as_deref(), expected, "{name}");
        }
        let mut object = head(2, 1, 0, [62, 0]);
        object[16] = 1;
        assert!(Target::of_head(&object).is_err(), "an object file is no program");
        for bad in ["", "linux", "-x", "linux-", "Linux-x86_64", "linux-x86/64", "a-b-c", "../x-y", &"a-b".repeat(20)] {
            assert!(bad.parse::<Target>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_program_is_read_in_pieces_of_any_size() {
        let mut program = head(2, 1, 0, [62, 0]);
        program.extend([0; 300]);
        program.extend(PROGRAM_MARK.as_bytes());
        program.extend(b"not this one\n");
        program.extend([0; 300]);
        program.extend(alloc::format!("{PROGRAM_MARK}1.22.3-rc1\n").into_bytes());
        program.extend([0; 300]);
        for piece in [1, 2, 7, 50, 92, 93, 94, 300, 10_000] {
            let mut reader = ProgramReader::default();
            program.chunks(piece).for_each(|piece| reader.feed(piece).unwrap());
            let manifest = reader.finish(None).unwrap();
            assert_eq!((&*manifest.version, manifest.size), ("1.22.3-rc1", program.len() as u64), "{piece}");
            assert_eq!(manifest.sha256, <[u8; 32]>::from(Sha256::digest(&program)));
        }
        let mut reader = ProgramReader::default();
        reader.feed(&program[..680]).unwrap();
        assert_eq!(reader.finish(None), Err(ProgramError::NoAgent));
        let mut script = ProgramReader::default();
        script.feed(&program[20..]).unwrap();
        assert_eq!(script.clone().finish(None), Err(ProgramError::UnknownTarget));
        let target = "macos-aarch64".parse::<Target>().unwrap();
        assert_eq!(script.finish(Some(target.clone())).map(|m| m.target), Ok(target));
    }

    #[test]
    fn versions_are_compared_by_their_numbers() {
        let of = |version: &str| ProgramManifest { version: version.into(), ..manifest() };
        for (newer, older) in [("0.10.0", "0.9.9"), ("1.0.0", "0.99.99"), ("1.0.1-rc1", "1.0.0")] {
            assert!(of(newer).is_newer_than(&of(older)) && !of(older).is_newer_than(&of(newer)), "{newer} {older}");
        }
        assert!(!of("1.0.0").is_newer_than(&of("1.0.0")) && !of("x").is_newer_than(&of("1.0.0")));
    }
}
