//! Writing an archive.

use super::ArchiveError;
use super::age::{AgeWriter, Unlock, digest_path};
use super::leftover::{clear, hold};
use super::stage::Staged;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, ErrorKind, Read as _, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use vigo_core::backup::age::{FileKey, Recipient};
use vigo_core::backup::{MANIFEST_NAME, Manifest};
use vigo_core::bundle::Signed;
use vigo_core::hex;

/// How an archive is compressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Packing {
    Zstd,
    Gzip,
}

/// What the name of an encrypted archive has behind it.
pub(super) const AGE_END: &str = ".age";

/// Returns whether a name is one of an archive.
pub(super) fn is_archive(name: &str) -> bool {
    Packing::of(Path::new(name)).is_ok()
}

/// Looks whether the name of a file says whether it is encrypted.
pub(super) fn check_name(file: &Path, is_encrypted: bool) -> Result<(), ArchiveError> {
    Packing::of(file)?;
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    match name.ends_with(AGE_END) == is_encrypted {
        true => Ok(()),
        false => Err(ArchiveError::AgeName { file: file.to_owned(), is_encrypted }),
    }
}

/// What zstd is to spend: its own default is 3, and the server has other work.
const ZSTD_LEVEL: i32 = 3;

impl Packing {
    /// Returns what the name of a file says.
    pub(super) fn of(file: &Path) -> Result<Self, ArchiveError> {
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let name = name.strip_suffix(AGE_END).unwrap_or(name);
        match name {
            _ if name.ends_with(".tar.zst") => Ok(Self::Zstd),
            _ if name.ends_with(".tar.gz") => Ok(Self::Gzip),
            _ => Err(ArchiveError::Name { file: file.to_owned() }),
        }
    }
}

/// Compresses what is written to it.
enum Packer<W: Write> {
    Zstd(zstd::Encoder<'static, W>),
    Gzip(GzEncoder<W>),
}

impl<W: Write> Packer<W> {
    fn new(packing: Packing, to: W) -> io::Result<Self> {
        Ok(match packing {
            Packing::Zstd => {
                let mut encoder = zstd::Encoder::new(to, ZSTD_LEVEL)?;
                encoder.include_checksum(true)?;
                Self::Zstd(encoder)
            }
            Packing::Gzip => Self::Gzip(GzEncoder::new(to, flate2::Compression::default())),
        })
    }

    fn finish(self) -> io::Result<W> {
        match self {
            Self::Zstd(encoder) => encoder.finish(),
            Self::Gzip(encoder) => encoder.finish(),
        }
    }
}

impl<W: Write> Write for Packer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Zstd(encoder) => encoder.write(bytes),
            Self::Gzip(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Zstd(encoder) => encoder.flush(),
            Self::Gzip(encoder) => encoder.flush(),
        }
    }
}

/// Where the archive goes: to the disk as it is, or for some alone.
enum Sink {
    Plain(Digesting),
    Age(Box<AgeWriter<Digesting>>),
}

/// A file, with the digest of what was written to it.
struct Digesting {
    to: File,
    hash: Sha256,
}

impl Write for Digesting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.hash.update(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

impl Sink {
    fn finish(self) -> io::Result<[u8; 32]> {
        let end = match self {
            Self::Plain(end) => end,
            Self::Age(writer) => writer.finish()?,
        };
        end.to.sync_all()?;
        Ok(end.hash.finalize().into())
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(to) => to.write(bytes),
            Self::Age(to) => to.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(to) => to.flush(),
            Self::Age(to) => to.flush(),
        }
    }
}

/// An archive that is written beside its place. It goes with this, unless it is put there.
pub(super) struct Fresh {
    path: PathBuf,
    is_placed: bool,
    /// SHA-256 of it, where it is encrypted, and the key that opens it.
    sealed: Option<([u8; 32], FileKey)>,
    _held: File,
}

impl Fresh {
    /// Returns where it lies.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns what opens it.
    pub(super) fn unlock(&self) -> Unlock {
        self.sealed.as_ref().map_or(Unlock::Nothing, |(_, key)| Unlock::Key(key.clone()))
    }

    /// Gives it its name, where there is none of it, and waits until that lasts.
    pub(super) fn place(mut self, file: &Path) -> Result<(), ArchiveError> {
        if let Some((digest, _)) = &self.sealed {
            write_digest(file, digest)?;
        }
        match fs::hard_link(&self.path, file) {
            Ok(()) => {}
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {
                return Err(ArchiveError::Exists { file: file.to_owned() });
            }
            // Not every file system has links.
            Err(_) if fs::symlink_metadata(file).is_err() => {
                fs::rename(&self.path, file).map_err(ArchiveError::file("write", file))?;
                self.is_placed = true;
            }
            Err(e) => return Err(ArchiveError::file("write", file)(e)),
        }
        let folder = folder(file);
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(ArchiveError::file("sync", folder))
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        if !self.is_placed {
            // The next one has another name.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Writes the digest of an encrypted archive beside it, as `sha256sum` does. It comes first: without its archive it says
/// nothing, and an archive without it could not be looked at.
fn write_digest(file: &Path, digest: &[u8; 32]) -> Result<(), ArchiveError> {
    let path = digest_path(file);
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let digits = hex::encode(digest);
    let mut options = OpenOptions::new();
    let written = options.write(true).create(true).truncate(true).mode(0o600).open(&path).and_then(|mut file| {
        file.write_all(format!("{digits}  {name}\n").as_bytes())?;
        file.sync_all()
    });
    written.map_err(ArchiveError::file("write", &path))
}

/// Writes an archive beside its place, encrypted where there are `recipients`; it is on the disk when this returns.
pub(super) fn pack(
    file: &Path,
    recipients: &[Recipient],
    staged: &Staged,
    manifest: &Manifest,
    signed: &Signed,
    told: &mut dyn FnMut(u64),
) -> Result<Fresh, ArchiveError> {
    let packing = Packing::of(file)?;
    check_name(file, !recipients.is_empty())?;
    clear(folder(file));
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let path = folder(file).join(format!(".{name}.{}", std::process::id()));
    let failed = || ArchiveError::file("write", &path);
    let mut options = OpenOptions::new();
    let to = options.write(true).create_new(true).mode(0o600).open(&path).map_err(failed())?;
    let mut fresh = Fresh { path: path.clone(), is_placed: false, sealed: None, _held: hold(&path)? };
    let to = Digesting { to, hash: Sha256::new() };
    let (to, key) = match recipients {
        [] => (Sink::Plain(to), None),
        recipients => {
            let (writer, key) = AgeWriter::new(to, recipients).map_err(failed())?;
            (Sink::Age(Box::new(writer)), Some(key))
        }
    };
    let mut tar = tar::Builder::new(Packer::new(packing, to).map_err(failed())?);
    let mtime = u64::try_from(manifest.created_at.epoch_secs()).unwrap_or_default();
    let head = |size: u64, mode: u32| {
        let mut head = tar::Header::new_gnu();
        head.set_size(size);
        head.set_mode(mode);
        head.set_mtime(mtime);
        head.set_uid(0);
        head.set_gid(0);
        head
    };
    let bytes = signed.encode();
    let written = tar.append_data(&mut head(bytes.len() as u64, 0o600), MANIFEST_NAME, &*bytes);
    written.map_err(failed())?;
    for (listed, file) in manifest.files.iter().zip(&staged.files) {
        let from = File::open(&file.at).map_err(ArchiveError::file("read", &file.at))?;
        let from = BufReader::with_capacity(256 << 10, from).take(listed.size);
        tar.append_data(&mut head(listed.size, listed.mode), &listed.path, from).map_err(failed())?;
        told(listed.size);
    }
    let digest = tar.into_inner().and_then(Packer::finish).and_then(Sink::finish).map_err(failed())?;
    fresh.sealed = key.map(|key| (digest, key));
    Ok(fresh)
}

/// Returns the folder that a file lies in.
pub(super) fn folder(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
