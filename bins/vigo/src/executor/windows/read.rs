//! Reads of files: one open, one look at the open file.

use super::fault::is_missing;
use super::metadata::{kind, metadata, open_to_look};
use super::resolve::{Last, Resolver};
use crate::executor::failure::{Answer, at, failure};
use crate::windows;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;
use std::sync::Arc;
use vigo_core::action::{AbsPath, FailureKind, FileKind, Metadata, OpOutput, Space};

/// Bytes read at once.
pub(crate) const CHUNK: usize = 64 << 10;

/// Answers [`vigo_core::action::Op::HashFile`].
pub(crate) fn hash_file(_: &Resolver, path: &AbsPath, last: Last, buf: &mut [u8]) -> Answer<OpOutput> {
    let (file, meta) = match open(path, last)? {
        Ok(file) => file,
        Err(other) => return Ok(other),
    };
    let sha256 = digest(&file, buf).map_err(at("read", path))?;
    Ok(OpOutput::Hash { meta, sha256 })
}

/// Answers [`vigo_core::action::Op::ReadFile`].
pub(crate) fn read_file(_: &Resolver, path: &AbsPath, last: Last, bytes_max: u64, _: &mut [u8]) -> Answer<OpOutput> {
    let (file, mut meta) = match open(path, last)? {
        Ok(file) => file,
        Err(other) => return Ok(other),
    };
    let mut content = Vec::with_capacity(usize::try_from(meta.size.min(bytes_max)).unwrap_or(0));
    (&file).take(bytes_max.saturating_add(1)).read_to_end(&mut content).map_err(at("read", path))?;
    if content.len() as u64 > bytes_max {
        let message = format!("`{path}` is larger than the {bytes_max} bytes that may be read of it");
        return Err(failure(FailureKind::TooLarge, message));
    }
    meta.size = content.len() as u64;
    Ok(OpOutput::File { meta, content: Arc::from(content) })
}

/// Answers [`vigo_core::action::Op::Stat`].
pub(crate) fn stat(_: &Resolver, path: &AbsPath, last: Last) -> Answer<OpOutput> {
    let file = match open_to_look(Path::new(path.as_str()), last == Last::Follow) {
        Err(error) if is_missing(&error) => return Ok(OpOutput::Missing),
        other => other.map_err(at("look at", path))?,
    };
    metadata(&file, Path::new(path.as_str())).map(OpOutput::Stat).map_err(at("look at", path))
}

/// Answers [`vigo_core::action::Op::Space`].
pub(crate) fn space(_: &Resolver, path: &AbsPath) -> Answer<OpOutput> {
    let space = match windows::space(Path::new(path.as_str())) {
        Err(error) if is_missing(&error) => return Ok(OpOutput::Missing),
        other => other.map_err(at("ask for the space of", path))?,
    };
    Ok(OpOutput::Space(Space {
        size_bytes: space.size,
        free_bytes: space.free,
        available_bytes: space.available,
        inodes: 0,
        inodes_free: 0,
    }))
}

/// Opens a regular file; what is none is answered by its metadata, or as missing.
fn open(path: &AbsPath, last: Last) -> Answer<Result<(File, Metadata), OpOutput>> {
    let at_path = Path::new(path.as_str());
    let look = match open_to_look(at_path, last == Last::Follow) {
        Err(error) if is_missing(&error) => return Ok(Err(OpOutput::Missing)),
        other => other.map_err(at("look at", path))?,
    };
    let meta = metadata(&look, at_path).map_err(at("look at", path))?;
    if meta.kind != FileKind::File {
        return Ok(Err(OpOutput::Stat(meta)));
    }
    drop(look);
    let file = match File::open(at_path) {
        Err(error) if is_missing(&error) => return Ok(Err(OpOutput::Missing)),
        other => other.map_err(at("open", path))?,
    };
    // What was looked at may have been replaced since.
    let meta = metadata(&file, at_path).map_err(at("look at", path))?;
    if kind(&file.metadata().map_err(at("look at", path))?) != FileKind::File {
        return Ok(Err(OpOutput::Stat(meta)));
    }
    Ok(Ok((file, meta)))
}

/// Returns the SHA-256 of what is left of a file.
pub(crate) fn digest(mut file: &File, buf: &mut [u8]) -> io::Result<[u8; 32]> {
    let mut hash = Sha256::new();
    loop {
        match file.read(buf) {
            Ok(0) => return Ok(hash.finalize().into()),
            Ok(len) => hash.update(buf.get(..len).unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
