//! Reads of files: one open, one look at the open file, one read where it is small.

use super::kernel;
use super::metadata::{kind, link_target, metadata};
use super::resolve::{Last, Resolver};
use crate::executor::failure::{Answer, at, failure};
use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, CWD, OFlags};
use rustix::io::Errno;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use vigo_core::action::{AbsPath, FailureKind, FileKind, Metadata, OpOutput, Space};

/// Bytes read at once.
pub(crate) const CHUNK: usize = 64 << 10;

/// A pipe or device at the path is opened without waiting for its other end, and never becomes our terminal.
pub(crate) const READ: OFlags = OFlags::RDONLY.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

/// Answers [`vigo_core::action::Op::HashFile`].
pub(crate) fn hash_file(resolver: &Resolver, path: &AbsPath, last: Last, buf: &mut [u8]) -> Answer<OpOutput> {
    let (fd, meta) = match open(resolver, path, last)? {
        Ok(file) => file,
        Err(other) => return Ok(other),
    };
    let mut hash = Sha256::new();
    each_chunk(&fd, meta.size, buf, |chunk| {
        hash.update(chunk);
        true
    })
    .map_err(at("read", path))?;
    Ok(OpOutput::Hash { meta, sha256: hash.finalize().into() })
}

/// Answers [`vigo_core::action::Op::ReadFile`].
pub(crate) fn read_file(
    resolver: &Resolver,
    path: &AbsPath,
    last: Last,
    bytes_max: u64,
    buf: &mut [u8],
) -> Answer<OpOutput> {
    let (fd, mut meta) = match open(resolver, path, last)? {
        Ok(file) => file,
        Err(other) => return Ok(other),
    };
    let too_large = || {
        failure(FailureKind::TooLarge, format!("`{path}` is larger than the {bytes_max} bytes that may be read of it"))
    };
    if meta.size > bytes_max {
        return Err(too_large());
    }
    if meta.size < buf.len() as u64 {
        // The usual small file: one read, one allocation.
        let len = rustix::io::retry_on_intr(|| rustix::io::read(&fd, &mut *buf)).map_err(at("read", path))?;
        if len == 0 || (len as u64 == meta.size && len < buf.len()) {
            meta.size = len as u64;
            let content = buf.get(..len).unwrap_or_default().into();
            return Ok(OpOutput::File { meta, content });
        }
        let mut content = buf.get(..len).unwrap_or_default().to_vec();
        return rest(&fd, path, bytes_max, buf, &mut content, meta).and_then(|out| out.ok_or_else(too_large));
    }
    let mut content = Vec::with_capacity(usize::try_from(meta.size).unwrap_or(0));
    rest(&fd, path, bytes_max, buf, &mut content, meta).and_then(|out| out.ok_or_else(too_large))
}

/// Reads on to the end; `None` when there is more than the bound.
fn rest(
    fd: &OwnedFd,
    path: &AbsPath,
    bytes_max: u64,
    buf: &mut [u8],
    content: &mut Vec<u8>,
    mut meta: Metadata,
) -> Answer<Option<OpOutput>> {
    each_chunk(fd, u64::MAX, buf, |chunk| {
        content.extend_from_slice(chunk);
        content.len() as u64 <= bytes_max
    })
    .map_err(at("read", path))?;
    if content.len() as u64 > bytes_max {
        return Ok(None);
    }
    // The kernel's own files say size 0.
    meta.size = content.len() as u64;
    Ok(Some(OpOutput::File { meta, content: Arc::from(&**content) }))
}

/// Answers [`vigo_core::action::Op::Stat`].
pub(crate) fn stat(resolver: &Resolver, path: &AbsPath, last: Last) -> Answer<OpOutput> {
    if resolver.has_image() || kernel::has_selinux() {
        return match resolver.itself(path, last) {
            Ok(meta) => Ok(OpOutput::Stat(meta)),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(OpOutput::Missing),
            Err(errno) => Err(at("look at", path)(errno)),
        };
    }
    let flags = if last == Last::Keep { AtFlags::SYMLINK_NOFOLLOW } else { AtFlags::empty() };
    let mut meta = match rustix::fs::statat(CWD, path.as_str(), flags) {
        Ok(stat) => metadata(&stat),
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(OpOutput::Missing),
        Err(errno) => return Err(at("look at", path)(errno)),
    };
    if meta.kind == FileKind::Symlink {
        meta.target = link_target(CWD, path.as_str());
    }
    Ok(OpOutput::Stat(meta))
}

/// Answers [`vigo_core::action::Op::Space`].
pub(crate) fn space(resolver: &Resolver, path: &AbsPath) -> Answer<OpOutput> {
    let fd = match resolver.open(path, kernel::LOOK, Last::Follow) {
        Ok(fd) => fd,
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(OpOutput::Missing),
        Err(errno) => return Err(at("look at", path)(errno)),
    };
    let fs = rustix::fs::fstatvfs(&fd).map_err(at("ask for the space of", path))?;
    let bytes = |blocks: u64| blocks.saturating_mul(fs.f_frsize);
    Ok(OpOutput::Space(Space {
        size_bytes: bytes(fs.f_blocks),
        free_bytes: bytes(fs.f_bfree),
        available_bytes: bytes(fs.f_bavail),
        inodes: fs.f_files,
        inodes_free: fs.f_ffree,
    }))
}

/// Opens a regular file; what is none is answered by its metadata, or as missing.
fn open(resolver: &Resolver, path: &AbsPath, last: Last) -> Answer<Result<(OwnedFd, Metadata), OpOutput>> {
    let fd = match resolver.open(path, READ, last) {
        Ok(fd) => fd,
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(Err(OpOutput::Missing)),
        // A link that is not followed; a socket or a device without a driver.
        Err(Errno::LOOP) if last == Last::Keep => return stat(resolver, path, last).map(Err),
        Err(Errno::NXIO | Errno::NODEV | Errno::OPNOTSUPP) => return stat(resolver, path, last).map(Err),
        Err(errno) => return Err(at("open", path)(errno)),
    };
    let stat = rustix::fs::fstat(&fd).map_err(at("look at", path))?;
    let mut meta = metadata(&stat);
    meta.context = kernel::context(&fd);
    if kind(&stat) == FileKind::File { Ok(Ok((fd, meta))) } else { Ok(Err(OpOutput::Stat(meta))) }
}

/// Hands the content to `take` piece by piece, until it says no. A file of the size that is known to fit one piece costs
/// one read.
pub(crate) fn each_chunk(
    fd: &OwnedFd,
    size: u64,
    buf: &mut [u8],
    mut take: impl FnMut(&[u8]) -> bool,
) -> Result<(), Errno> {
    let mut total = 0;
    loop {
        let len = rustix::io::retry_on_intr(|| rustix::io::read(fd, &mut *buf))?;
        let Some(chunk) = buf.get(..len) else { return Ok(()) };
        total += len as u64;
        if len == 0 || !take(chunk) || (total == size && len < buf.len()) {
            return Ok(());
        }
    }
}
