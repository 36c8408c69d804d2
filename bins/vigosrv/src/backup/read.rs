//! Reading an archive: nothing in it is believed before it was looked at.

use super::age::{AgeReader, Unlock};
use super::stage::make_dir;
use super::{ArchiveError, Progress};
use flate2::bufread::GzDecoder;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use vigo_core::backup::age::MAGIC;
use vigo_core::backup::{Intake, MANIFEST_NAME, Manifest, Member, Part, Taken};
use vigo_core::bundle::Signed;
use vigo_core::limits;
use vigo_driver::system_text;

/// How large a window zstd may want, as a power of two: 128 MiB, its own default.
const WINDOW_LOG_MAX: u32 = 27;

/// Bytes in front of the files: the manifest, and heads.
const HEAD_BYTES_MAX: u64 = limits::BACKUP_MANIFEST_BYTES_MAX as u64 + (1 << 20);

/// Bytes that each member has beside its own: heads, and what fills a block.
const MEMBER_BYTES_MAX: u64 = 4096;

/// Bytes behind the last member: a record of zeros, as tar writes them.
const TAIL_BYTES_MAX: u64 = 20 * 512;

/// Decompresses.
enum Unpacker<R: BufRead> {
    Zstd(zstd::Decoder<'static, R>),
    Gzip(GzDecoder<R>),
}

impl<R: BufRead> Unpacker<R> {
    /// Begins with what the first bytes say.
    fn new(mut from: R) -> Result<Self, String> {
        let begin = from.fill_buf().map_err(system_text)?;
        match begin {
            [0x28, 0xb5, 0x2f, 0xfd, ..] => {
                let decoder = zstd::Decoder::with_buffer(from).map_err(system_text)?;
                let mut decoder = decoder.single_frame();
                decoder.window_log_max(WINDOW_LOG_MAX).map_err(system_text)?;
                Ok(Self::Zstd(decoder))
            }
            [0x1f, 0x8b, ..] => Ok(Self::Gzip(GzDecoder::new(from))),
            _ => Err("expected what vigosrv has made: a tar archive, compressed with zstd or gzip".into()),
        }
    }

    /// Returns what was decompressed; it stands behind the end.
    fn into_inner(self) -> R {
        match self {
            Self::Zstd(decoder) => decoder.finish(),
            Self::Gzip(decoder) => decoder.into_inner(),
        }
    }
}

impl<R: BufRead> Read for Unpacker<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Zstd(decoder) => decoder.read(bytes),
            Self::Gzip(decoder) => decoder.read(bytes),
        }
    }
}

/// Gives so many bytes and no more: what unpacks to more than its manifest says is none of ours.
struct Bounded<R> {
    from: R,
    left: Rc<Cell<u64>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(bytes)?;
        let left = self.left.get().checked_sub(read as u64);
        self.left.set(left.ok_or_else(|| io::Error::other("it unpacks to more than its manifest says"))?);
        Ok(read)
    }
}

/// Reads the manifest of an archive, and nothing else.
///
/// # Errors
/// [`ArchiveError`].
pub fn manifest(file: &Path) -> Result<Manifest, ArchiveError> {
    let mut found = None;
    let stopped = walk(file, &Unlock::Nothing, None, &mut |_, _| {}, &mut |manifest| {
        found = Some(manifest.clone());
        Err(ArchiveError::Unfinished)
    });
    match (found, stopped) {
        (Some(manifest), _) => Ok(manifest),
        (None, Err(error)) => Err(error),
        (None, Ok(_)) => Err(ArchiveError::Unfinished),
    }
}

/// Goes through an archive, which `unlock` opens where it is encrypted. `judge` is shown the manifest, before anything else is read, and says which parts are written to
/// the folder `to`, which is made then.
pub(super) fn walk(
    file: &Path,
    unlock: &Unlock,
    to: Option<&Path>,
    told: Progress<'_>,
    judge: &mut dyn FnMut(&Manifest) -> Result<BTreeSet<Part>, ArchiveError>,
) -> Result<Manifest, ArchiveError> {
    let unreadable = |why: String| ArchiveError::Unreadable { file: file.to_owned(), why };
    let broken = |e: io::Error| unreadable(system_text(e));
    let refused = ArchiveError::of(file);
    let from = File::open(file).map_err(ArchiveError::file("read", file))?;
    let mut from = BufReader::with_capacity(256 << 10, from);
    let is_sealed = from.fill_buf().map_err(broken)?.starts_with(MAGIC);
    let from: Box<dyn BufRead> = match is_sealed {
        true => Box::new(BufReader::with_capacity(64 << 10, AgeReader::new(from, unlock, file)?)),
        false => Box::new(from),
    };
    let left = Rc::new(Cell::new(HEAD_BYTES_MAX));
    let from = Bounded { from: Unpacker::new(from).map_err(unreadable)?, left: Rc::clone(&left) };
    let mut archive = tar::Archive::new(from);
    // Heads come in as they are: what others make of them is not made here.
    let mut members = archive.entries().map_err(broken)?.raw(true);
    let mut first = members.next().ok_or_else(|| unreadable("it is empty".into()))?.map_err(broken)?;
    if first.path_bytes() != MANIFEST_NAME.as_bytes() || !first.header().entry_type().is_file() {
        return Err(unreadable(format!("expected `{MANIFEST_NAME}` in front, found something else")));
    }
    let mut signed = Vec::new();
    first.read_to_end(&mut signed).map_err(broken)?;
    let signed = Signed::decode(&signed).map_err(|e| refused(e.into()))?;
    let manifest = Manifest::verify(&signed).map_err(&refused)?;
    drop(signed);
    let wanted = judge(&manifest)?;
    let members_max = (manifest.files.len() as u64 + 1) * MEMBER_BYTES_MAX;
    left.set(manifest.total_bytes().saturating_add(members_max).saturating_add(TAIL_BYTES_MAX));
    if let Some(to) = to {
        make_dir(to)?;
    }
    let total = manifest.total_bytes();
    let mut done = 0;
    let mut intake = Intake::new(&manifest, &wanted);
    let mut piece = vec![0; 256 << 10];
    let mut folders = BTreeSet::new();
    let mut long: Option<Vec<u8>> = None;
    for member in members {
        let mut member = member.map_err(broken)?;
        let kind = member.header().entry_type();
        if kind.is_gnu_longname() && long.is_none() {
            let mut name = Vec::new();
            let most = limits::BACKUP_PATH_BYTES_MAX as u64 + 2;
            member.by_ref().take(most).read_to_end(&mut name).map_err(broken)?;
            while name.last() == Some(&0) {
                name.pop();
            }
            long = Some(name);
            continue;
        }
        let name = long.take().unwrap_or_else(|| member.path_bytes().into_owned());
        let size = member.header().entry_size().map_err(broken)?;
        let head = Member { path: std::str::from_utf8(&name).ok(), is_file: kind.is_file(), size };
        let (listed, taken) = intake.begin(&head).map_err(&refused)?;
        let mut sink = match (to, taken) {
            (Some(to), Taken::Written) => Some(make_file(to, &listed.path, listed.mode, &mut folders)?),
            _ => None,
        };
        loop {
            let read = member.read(&mut piece).map_err(broken)?;
            let Some(bytes) = piece.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
            intake.bytes(bytes).map_err(&refused)?;
            if let Some((file, path)) = &mut sink {
                file.write_all(bytes).map_err(ArchiveError::file("write", path))?;
            }
            done += bytes.len() as u64;
            told(done, total);
        }
        intake.end().map_err(&refused)?;
        if let Some((file, path)) = sink {
            file.sync_all().map_err(ArchiveError::file("write", &path))?;
        }
    }
    intake.finish().map_err(&refused)?;
    at_the_end(archive.into_inner()).map_err(unreadable)?;
    if let Some(to) = to {
        let taken = |path: &str| vigo_core::backup::part_of(path).is_ok_and(|part| wanted.contains(&part));
        for copy in manifest.copies.iter().filter(|copy| taken(&copy.path)) {
            let path = to.join(&copy.path);
            make_folders(to, &copy.path, &mut folders)?;
            let of = to.join(&copy.of);
            if fs::hard_link(&of, &path).is_err() {
                let failed = || ArchiveError::file("write", &path);
                fs::copy(&of, &path).and_then(|_| File::open(&path)?.sync_all()).map_err(failed())?;
            }
        }
        for folder in folders.iter().rev().chain(std::iter::once(&to.to_owned())) {
            File::open(folder).and_then(|dir| dir.sync_all()).map_err(ArchiveError::file("sync", folder))?;
        }
    }
    Ok(manifest)
}

/// Looks whether nothing stands behind the last member but the zeros that end an archive.
fn at_the_end<R: BufRead>(rest: Bounded<Unpacker<R>>) -> Result<(), String> {
    let more = || "there is more in it than its manifest says".to_owned();
    let mut tail = Vec::new();
    let mut rest = rest;
    rest.by_ref().take(TAIL_BYTES_MAX + 1).read_to_end(&mut tail).map_err(system_text)?;
    if tail.len() as u64 > TAIL_BYTES_MAX || tail.iter().any(|byte| *byte != 0) {
        return Err(more());
    }
    let mut behind = rest.from.into_inner();
    match behind.fill_buf().map_err(system_text)? {
        [] => Ok(()),
        _ => Err(more()),
    }
}

/// Makes a file below `to`; it is not there yet, and neither is a link on the way: all of it was made here.
fn make_file(
    to: &Path,
    path: &str,
    mode: u32,
    folders: &mut BTreeSet<PathBuf>,
) -> Result<(File, PathBuf), ArchiveError> {
    make_folders(to, path, folders)?;
    let at = to.join(path);
    let mut options = OpenOptions::new();
    let file = options.write(true).create_new(true).mode(mode).open(&at);
    Ok((file.map_err(ArchiveError::file("write", &at))?, at))
}

fn make_folders(to: &Path, path: &str, folders: &mut BTreeSet<PathBuf>) -> Result<(), ArchiveError> {
    for (at, _) in path.match_indices('/') {
        let folder = to.join(path.get(..at).unwrap_or_default());
        if !folders.contains(&folder) {
            make_dir(&folder)?;
            folders.insert(folder);
        }
    }
    Ok(())
}

/// Returns how many files of each part there are.
pub(super) fn counts(manifest: &Manifest) -> BTreeMap<Part, usize> {
    let mut counts = BTreeMap::new();
    for path in manifest.files.iter().map(|file| &file.path).chain(manifest.copies.iter().map(|copy| &copy.path)) {
        if let Ok(part) = vigo_core::backup::part_of(path) {
            *counts.entry(part).or_default() += 1;
        }
    }
    counts
}
