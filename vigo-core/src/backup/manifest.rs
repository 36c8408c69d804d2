//! What an archive consists of, and of whom it is.

use super::{BackupError, Part, part_of};
use crate::bundle::{KeySet, Purpose, Signed, SigningKey, VerifyingKey};
use crate::limits;
use crate::time::Timestamp;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use prost::Message;

/// The name of the first member of an archive: the manifest, as [`Signed::encode`] has it.
pub const MANIFEST_NAME: &str = "MANIFEST";

/// The format that this program writes and reads.
const FORMAT: u32 = 1;

/// What a backup consists of, and when and of whom it was made.
///
/// # Invariants
/// One that [`Manifest::verify`] returned: every path is one of [`part_of`], none stands twice, none is a folder of another,
/// and each copy is one of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Manifest {
    /// Its random name.
    pub id: [u8; 16],
    /// When it was made, by the clock of the server.
    pub created_at: Timestamp,
    /// The version of the program that made it.
    pub program: String,
    /// The version of the tables of its database.
    pub schema: u32,
    /// The fleet's root, public half.
    pub root: VerifyingKey,
    /// The key set of that time, as the root signed it.
    pub keyset: Signed,
    /// The publish that was live.
    pub live: Option<u64>,
    /// The highest serial that an assignment had.
    pub serial: u64,
    /// The newest row of the audit.
    pub audit: AuditHead,
    /// The newest time in the database.
    pub newest_at: Timestamp,
    /// How many envoys the database had.
    pub envoys: u64,
    /// The name of the machine.
    pub host: String,
    /// Where `server.yaml` had the database.
    pub database_path: String,
    /// Where `server.yaml` had the secrets.
    pub secrets_path: String,
    /// The parts that are in it.
    pub parts: BTreeSet<Part>,
    /// Whether the root's secret half is in it.
    pub has_root: bool,
    /// The files, in the order of the archive.
    pub files: Vec<BackupFile>,
    /// Files that are the same file as another.
    pub copies: Vec<BackupCopy>,
    /// Paths of files that are not in it, for whoever reads.
    pub left_out: Vec<String>,
}

/// The newest row of the audit: a chain that was rewritten since does not lead there.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct AuditHead {
    /// Its number; 0 where there is none.
    pub id: u64,
    /// Its hash.
    pub hash: [u8; 32],
}

/// A file of a backup.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BackupFile {
    /// Where it lies, from the data directory.
    pub path: String,
    /// Its rights, the lower nine bits.
    pub mode: u32,
    /// Its bytes.
    pub size: u64,
    /// SHA-256 of them.
    pub sha256: [u8; 32],
}

/// Another name of a file of a backup.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BackupCopy {
    /// The name.
    pub path: String,
    /// The file, as [`BackupFile::path`] has it.
    pub of: String,
}

#[derive(Clone, PartialEq, Message)]
struct Proto {
    // The first two are for ever: by them a program tells which one it takes.
    #[prost(uint32, tag = "1")]
    format: u32,
    #[prost(string, tag = "2")]
    program: String,
    #[prost(bytes = "vec", tag = "3")]
    id: Vec<u8>,
    #[prost(int64, tag = "4")]
    created_ms: i64,
    #[prost(uint32, tag = "5")]
    schema: u32,
    #[prost(bytes = "vec", tag = "6")]
    root: Vec<u8>,
    #[prost(bytes = "vec", tag = "7")]
    keyset: Vec<u8>,
    #[prost(uint64, optional, tag = "8")]
    live: Option<u64>,
    #[prost(uint64, tag = "9")]
    serial: u64,
    #[prost(uint64, tag = "10")]
    audit_id: u64,
    #[prost(bytes = "vec", tag = "11")]
    audit_hash: Vec<u8>,
    #[prost(int64, tag = "12")]
    newest_ms: i64,
    #[prost(uint64, tag = "13")]
    envoys: u64,
    #[prost(string, tag = "14")]
    host: String,
    #[prost(string, tag = "15")]
    database_path: String,
    #[prost(string, tag = "16")]
    secrets_path: String,
    #[prost(uint32, repeated, tag = "17")]
    parts: Vec<u32>,
    #[prost(bool, tag = "18")]
    has_root: bool,
    #[prost(message, repeated, tag = "19")]
    files: Vec<ProtoFile>,
    #[prost(message, repeated, tag = "20")]
    copies: Vec<ProtoCopy>,
    #[prost(string, repeated, tag = "21")]
    left_out: Vec<String>,
}

/// What every format has, whatever else is in it.
#[derive(Clone, PartialEq, Message)]
struct ProtoHead {
    #[prost(uint32, tag = "1")]
    format: u32,
    #[prost(string, tag = "2")]
    program: String,
}

#[derive(Clone, PartialEq, Message)]
struct ProtoFile {
    #[prost(string, tag = "1")]
    path: String,
    #[prost(uint32, tag = "2")]
    mode: u32,
    #[prost(uint64, tag = "3")]
    size: u64,
    #[prost(bytes = "vec", tag = "4")]
    sha256: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct ProtoCopy {
    #[prost(string, tag = "1")]
    path: String,
    #[prost(string, tag = "2")]
    of: String,
}

impl Manifest {
    /// Returns it signed by `key`, an active bundle key of its key set.
    pub fn sign(&self, key: &SigningKey) -> Signed {
        let file = |file: &BackupFile| ProtoFile {
            path: file.path.clone(),
            mode: file.mode,
            size: file.size,
            sha256: file.sha256.to_vec(),
        };
        let proto = Proto {
            format: FORMAT,
            program: self.program.clone(),
            id: self.id.to_vec(),
            created_ms: self.created_at.epoch_ms(),
            schema: self.schema,
            root: self.root.as_bytes().to_vec(),
            keyset: self.keyset.encode(),
            live: self.live,
            serial: self.serial,
            audit_id: self.audit.id,
            audit_hash: self.audit.hash.to_vec(),
            newest_ms: self.newest_at.epoch_ms(),
            envoys: self.envoys,
            host: self.host.clone(),
            database_path: self.database_path.clone(),
            secrets_path: self.secrets_path.clone(),
            parts: self.parts.iter().map(|part| part.number()).collect(),
            has_root: self.has_root,
            files: self.files.iter().map(file).collect(),
            copies: self.copies.iter().map(|c| ProtoCopy { path: c.path.clone(), of: c.of.clone() }).collect(),
            left_out: self.left_out.clone(),
        };
        Signed::new(Purpose::Backup, proto.encode_to_vec().into(), key)
    }

    /// Returns the manifest, if it is what the fleet that it names has signed. Whether that is the right fleet is for
    /// [`Manifest::trust`] to say: the key that signed lies in the archive.
    ///
    /// # Errors
    /// [`BackupError`].
    pub fn verify(signed: &Signed) -> Result<Self, BackupError> {
        let malformed = |why: String| BackupError::Manifest { why };
        if signed.bytes.len() > limits::BACKUP_MANIFEST_BYTES_MAX {
            return Err(malformed(format!("expected at most {} bytes", limits::BACKUP_MANIFEST_BYTES_MAX)));
        }
        let head = ProtoHead::decode(&*signed.bytes).map_err(|e| malformed(e.to_string()))?;
        if head.format > FORMAT {
            let program = head.program.chars().filter(|c| !c.is_control()).take(64).collect();
            return Err(BackupError::NewerFormat { found: head.format, known: FORMAT, program });
        }
        if head.format != FORMAT {
            return Err(malformed(format!("expected format {FORMAT}, found {}", head.format)));
        }
        let p = Proto::decode(&*signed.bytes).map_err(|e| malformed(e.to_string()))?;
        let root = <&[u8; 32]>::try_from(&*p.root).ok().and_then(|bytes| VerifyingKey::from_bytes(bytes).ok());
        let root = root.ok_or_else(|| malformed("expected the root key, found other bytes".into()))?;
        let keyset = Signed::decode(&p.keyset)?;
        let believed = KeySet::verify(&keyset, &root)?.believed();
        signed.verify(Purpose::Backup, &believed)?;
        let bytes16 = |bytes: &[u8]| <[u8; 16]>::try_from(bytes).ok();
        let bytes32 = |bytes: &[u8]| <[u8; 32]>::try_from(bytes).ok();
        let id = bytes16(&p.id).ok_or_else(|| malformed("expected 16 bytes of id".into()))?;
        let hash = bytes32(&p.audit_hash).ok_or_else(|| malformed("expected 32 bytes of the audit's hash".into()))?;
        let part = |n: &u32| Part::of_number(*n).ok_or_else(|| malformed(format!("expected a part, found {n}")));
        let file = |file: ProtoFile| {
            let sha256 = bytes32(&file.sha256).ok_or_else(|| malformed("expected 32 bytes of digest".into()))?;
            Ok(BackupFile { path: file.path, mode: file.mode, size: file.size, sha256 })
        };
        let manifest = Self {
            id,
            created_at: Timestamp::from_epoch_ms(p.created_ms),
            program: p.program,
            schema: p.schema,
            root,
            keyset,
            live: p.live,
            serial: p.serial,
            audit: AuditHead { id: p.audit_id, hash },
            newest_at: Timestamp::from_epoch_ms(p.newest_ms),
            envoys: p.envoys,
            host: p.host,
            database_path: p.database_path,
            secrets_path: p.secrets_path,
            parts: p.parts.iter().map(part).collect::<Result<_, _>>()?,
            has_root: p.has_root,
            files: p.files.into_iter().map(file).collect::<Result<_, BackupError>>()?,
            copies: p.copies.into_iter().map(|c| BackupCopy { path: c.path, of: c.of }).collect(),
            left_out: p.left_out,
        };
        manifest.check()?;
        Ok(manifest)
    }

    /// Looks whether it lists files that can lie beside each other in one directory.
    ///
    /// # Errors
    /// [`BackupError::Manifest`], [`BackupError::Path`].
    pub fn check(&self) -> Result<(), BackupError> {
        let malformed = |why: String| Err(BackupError::Manifest { why });
        let refused = |path: &str, why| Err(BackupError::Path { path: path.into(), why });
        if self.files.len() + self.copies.len() > limits::BACKUP_FILES_MAX {
            return malformed(format!("expected at most {} files", limits::BACKUP_FILES_MAX));
        }
        let mut paths: BTreeSet<&str> = BTreeSet::new();
        let mut total: u64 = 0;
        for file in &self.files {
            let part = part_of(&file.path)?;
            if !self.parts.contains(&part) {
                return refused(&file.path, "it is of a part that the backup does not have");
            }
            if file.mode & !0o777 != 0 {
                return refused(&file.path, "its rights are more than rights");
            }
            if !paths.insert(&file.path) {
                return refused(&file.path, "it is listed twice");
            }
            let Some(sum) = total.checked_add(file.size).filter(|sum| *sum <= i64::MAX as u64) else {
                return malformed("its files have more bytes than any disk".into());
            };
            total = sum;
        }
        let originals: BTreeSet<&str> = paths.clone();
        for copy in &self.copies {
            if part_of(&copy.path)? != part_of(&copy.of)? {
                return refused(&copy.path, "it is the copy of a file of another part");
            }
            if !originals.contains(&*copy.of) {
                return refused(&copy.path, "it is the copy of a file that is not there");
            }
            if !paths.insert(&copy.path) {
                return refused(&copy.path, "it is listed twice");
            }
        }
        for path in &paths {
            let folders = path.match_indices('/').filter_map(|(at, _)| path.get(..at));
            if let Some(folder) = folders.into_iter().find(|folder| paths.contains(folder)) {
                return refused(folder, "it is both a file and a folder");
            }
        }
        match self.live {
            Some(id) if !paths.contains(&*format!("history/{id}/publish")) => {
                malformed(format!("publish {id} is live and not in it"))
            }
            _ => Ok(()),
        }
    }

    /// Returns the bytes of all files.
    pub fn total_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }

    /// Returns the fleet's name.
    pub fn fleet(&self) -> String {
        KeySet::fleet_of(&self.root)
    }
}
