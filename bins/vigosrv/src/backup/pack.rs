//! Writing an archive.

use super::ArchiveError;
use super::stage::Staged;
use flate2::write::GzEncoder;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, ErrorKind, Read as _, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use vigo_core::backup::{MANIFEST_NAME, Manifest};
use vigo_core::bundle::Signed;

/// How an archive is compressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Packing {
    Zstd,
    Gzip,
}

/// What zstd is to spend: its own default is 3, and the server has other work.
const ZSTD_LEVEL: i32 = 3;

impl Packing {
    /// Returns what the name of a file says.
    pub(super) fn of(file: &Path) -> Result<Self, ArchiveError> {
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
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

/// An archive that is written beside its place. It goes with this, unless it is put there.
pub(super) struct Fresh {
    path: PathBuf,
    is_placed: bool,
}

impl Fresh {
    /// Returns where it lies.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives it its name, where there is none of it, and waits until that lasts.
    pub(super) fn place(mut self, file: &Path) -> Result<(), ArchiveError> {
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

/// Writes an archive beside its place; it is on the disk when this returns.
pub(super) fn pack(
    file: &Path,
    staged: &Staged,
    manifest: &Manifest,
    signed: &Signed,
    told: &mut dyn FnMut(u64),
) -> Result<Fresh, ArchiveError> {
    let packing = Packing::of(file)?;
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let path = folder(file).join(format!(".{name}.{}", std::process::id()));
    let failed = || ArchiveError::file("write", &path);
    let mut options = OpenOptions::new();
    let to = options.write(true).create_new(true).mode(0o600).open(&path).map_err(failed())?;
    let fresh = Fresh { path: path.clone(), is_placed: false };
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
    let written = tar.into_inner().and_then(Packer::finish).and_then(|file| file.sync_all());
    written.map_err(failed())?;
    Ok(fresh)
}

fn folder(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
