//! Archives that only those can read who hold a key elsewhere.

use super::ArchiveError;
use std::fs::File;
use std::io::{self, BufRead, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use vigo_core::backup::age::{
    AgeError, CHUNK_BYTES, FileKey, Header, Identity, MAGIC, NONCE_BYTES, Recipient, Stream, TAG_BYTES,
};
use vigo_core::entropy::Entropy;
use vigo_core::limits;
use zeroize::Zeroizing;

/// Bytes of a file of keys: hundreds of them, with comments.
const IDENTITIES_BYTES_MAX: u64 = 64 << 10;

/// What an archive is opened with.
#[derive(Clone, Debug, Default)]
pub(super) enum Unlock {
    /// Nothing: it has to be plain.
    #[default]
    Nothing,
    /// Keys of people.
    Identities(Vec<Identity>),
    /// The key of this very file: whoever has just written it has it.
    Key(FileKey),
}

impl Unlock {
    /// Reads the keys in a file, if one is named.
    pub(super) fn of(identity: Option<&Path>) -> Result<Self, ArchiveError> {
        let Some(path) = identity else { return Ok(Self::Nothing) };
        let mut text = Zeroizing::new(String::new());
        let file = File::open(path).map_err(ArchiveError::file("read", path))?;
        file.take(IDENTITIES_BYTES_MAX).read_to_string(&mut text).map_err(ArchiveError::file("read", path))?;
        let wrong = |error| ArchiveError::Age { file: path.to_owned(), error };
        Ok(Self::Identities(Identity::read_all(&text).map_err(wrong)?))
    }
}

/// Returns whether an archive is encrypted, as its beginning says.
pub(super) fn is_encrypted(file: &Path) -> io::Result<bool> {
    let mut begin = [0; MAGIC.len()];
    match File::open(file)?.read_exact(&mut begin) {
        Err(e) if e.kind() == ErrorKind::UnexpectedEof => Ok(false),
        read => read.map(|()| begin == MAGIC),
    }
}

/// Encrypts what is written to it.
pub(super) struct AgeWriter<W: Write> {
    to: W,
    stream: Stream,
    chunk: Zeroizing<Vec<u8>>,
}

impl<W: Write> AgeWriter<W> {
    /// Begins a file for these recipients. Returns its key, too.
    pub(super) fn new(mut to: W, recipients: &[Recipient]) -> io::Result<(Self, FileKey)> {
        let mut lacking = None;
        let mut fresh = || {
            let mut bytes = [0; 32];
            if let Err(error) = getrandom::fill(&mut bytes) {
                lacking = Some(error.to_string());
            }
            Entropy::new(bytes)
        };
        let key = FileKey::new(fresh());
        let header = key.header(recipients, &mut fresh).map_err(io::Error::other)?;
        let nonce = fresh().into_bytes();
        if let Some(why) = lacking {
            // Nothing was written with it.
            return Err(io::Error::other(format!("the system gives no random bytes: {why}")));
        }
        to.write_all(&header)?;
        let (nonce, _) = nonce.split_first_chunk::<NONCE_BYTES>().ok_or(ErrorKind::InvalidData)?;
        to.write_all(nonce)?;
        let chunk = Zeroizing::new(Vec::with_capacity(CHUNK_BYTES + TAG_BYTES));
        Ok((Self { to, stream: key.stream(nonce), chunk }, key))
    }

    /// Ends the file.
    pub(super) fn finish(mut self) -> io::Result<W> {
        self.seal(true)?;
        Ok(self.to)
    }

    fn seal(&mut self, is_last: bool) -> io::Result<()> {
        self.stream.seal(&mut self.chunk, is_last).map_err(io::Error::other)?;
        self.to.write_all(&self.chunk)?;
        self.chunk.clear();
        Ok(())
    }
}

impl<W: Write> Write for AgeWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A full one is held back: it may be the last.
        if self.chunk.len() == CHUNK_BYTES && !bytes.is_empty() {
            self.seal(false)?;
        }
        let taken = bytes.len().min(CHUNK_BYTES - self.chunk.len());
        self.chunk.extend_from_slice(bytes.get(..taken).unwrap_or_default());
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Decrypts what is read from it.
pub(super) struct AgeReader<R: BufRead> {
    from: R,
    stream: Stream,
    chunk: Zeroizing<Vec<u8>>,
    at: usize,
    is_over: bool,
}

impl<R: BufRead> AgeReader<R> {
    /// Reads the header, and finds the key.
    pub(super) fn new(mut from: R, unlock: &Unlock, file: &Path) -> Result<Self, ArchiveError> {
        let refused = |error| ArchiveError::Age { file: file.to_owned(), error };
        let broken = || ArchiveError::file("read", file);
        let mut head = Vec::new();
        loop {
            let left = limits::AGE_HEADER_BYTES_MAX - head.len();
            let begin = head.len();
            from.by_ref().take(left as u64).read_until(b'\n', &mut head).map_err(broken())?;
            let line = head.get(begin..).unwrap_or_default();
            if line.is_empty() || line.starts_with(b"---") || !line.ends_with(b"\n") {
                break;
            }
        }
        let header = Header::parse(&head).map_err(refused)?;
        let (header, _) = header.ok_or_else(|| refused(AgeError::Header { why: "is cut short" }))?;
        let key = match unlock {
            Unlock::Nothing => return Err(ArchiveError::Encrypted { file: file.to_owned() }),
            Unlock::Identities(identities) => header.open(identities).map_err(refused)?,
            Unlock::Key(key) => header.check(key).map(|()| key.clone()).map_err(refused)?,
        };
        let mut nonce = [0; NONCE_BYTES];
        from.read_exact(&mut nonce).map_err(|_| refused(AgeError::Chunk { at: 0 }))?;
        let chunk = Zeroizing::new(Vec::with_capacity(CHUNK_BYTES + TAG_BYTES));
        Ok(Self { from, stream: key.stream(&nonce), chunk, at: 0, is_over: false })
    }
}

impl<R: BufRead> Read for AgeReader<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        while self.at == self.chunk.len() && !self.is_over {
            self.chunk.clear();
            self.at = 0;
            self.from.by_ref().take((CHUNK_BYTES + TAG_BYTES) as u64).read_to_end(&mut self.chunk)?;
            let is_last = self.from.fill_buf()?.is_empty();
            self.stream.open(&mut self.chunk, is_last).map_err(|error| {
                // What does not decrypt is nothing that anybody reads.
                self.chunk.clear();
                io::Error::new(ErrorKind::InvalidData, error)
            })?;
            self.is_over = is_last;
        }
        let rest = self.chunk.get(self.at..).unwrap_or_default();
        let taken = rest.len().min(bytes.len());
        if let (Some(to), Some(from)) = (bytes.get_mut(..taken), rest.get(..taken)) {
            to.copy_from_slice(from);
        }
        self.at += taken;
        Ok(taken)
    }
}

/// Returns where the digest of an encrypted archive stands: by it whoever cannot read it sees that it is as it was written.
pub(super) fn digest_path(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".sha256");
    name.into()
}

/// Returns the digest that stands there, as `sha256sum` writes it.
pub(super) fn written_digest(file: &Path) -> Result<Option<[u8; 32]>, ArchiveError> {
    let path = digest_path(file);
    let mut text = String::new();
    match File::open(&path) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        found => {
            let found = found.map_err(ArchiveError::file("read", &path))?;
            found.take(4096).read_to_string(&mut text).map_err(ArchiveError::file("read", &path))?;
        }
    }
    let digits = text.split_ascii_whitespace().next().unwrap_or_default();
    let bytes: Option<Vec<u8>> = (digits.len() == 64 && digits.is_ascii())
        .then(|| (0..32).map(|at| u8::from_str_radix(digits.get(2 * at..2 * at + 2)?, 16).ok()).collect())
        .flatten();
    let digest = bytes.and_then(|bytes| bytes.try_into().ok());
    digest.map(Some).ok_or_else(|| ArchiveError::Unreadable {
        file: path,
        why: "expected 64 hexadecimal digits, as `sha256sum` writes them".into(),
    })
}

/// Looks whether an encrypted archive is as it was written, by the digest beside it.
pub(super) fn compare(file: &Path, told: super::Progress<'_>) -> Result<[u8; 32], ArchiveError> {
    use sha2::{Digest as _, Sha256};
    let expected = written_digest(file)?;
    let expected = expected.ok_or_else(|| ArchiveError::Encrypted { file: file.to_owned() })?;
    let mut from = File::open(file).map_err(ArchiveError::file("read", file))?;
    let total = from.metadata().map_err(ArchiveError::file("read", file))?.len();
    let (mut hash, mut piece, mut done) = (Sha256::new(), vec![0; 256 << 10], 0);
    loop {
        let read = from.read(&mut piece).map_err(ArchiveError::file("read", file))?;
        let Some(bytes) = piece.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        hash.update(bytes);
        done += read as u64;
        told(done, total);
    }
    match <[u8; 32]>::from(hash.finalize()) {
        found if found == expected => Ok(found),
        _ => Err(ArchiveError::Unreadable {
            file: file.to_owned(),
            why: format!("it is not what was written: `{}` has another digest", digest_path(file).display()),
        }),
    }
}
