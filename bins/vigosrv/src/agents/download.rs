//! A program on its way to a machine.

use super::AgentsError;
use hyper::body::{Body, Bytes, Frame, SizeHint};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::timeout;
use vigo_core::bundle::{ProgramError, ProgramManifest, ProgramReader};

/// Bytes that are read and sent at a time.
const PIECE_BYTES: usize = 128 << 10;

/// How long the other side may take for a piece: 2 kB/s.
const PIECE_TIME_MAX: Duration = Duration::from_secs(60);

/// The body of an answer: the program, read while it is sent.
pub struct Download {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    left: u64,
}

impl Download {
    /// Begins to read the program at `path`. `damaged` is called when it turns out, at its end, that it is not the one of
    /// the manifest; the machine will see the same. What `held` is lives until the last byte.
    ///
    /// # Errors
    /// [`AgentsError::File`].
    pub fn begin<F: Future<Output = ()> + Send + 'static>(
        path: &Path,
        manifest: ProgramManifest,
        held: impl Send + 'static,
        damaged: impl FnOnce(ProgramError) -> F + Send + 'static,
    ) -> Result<Self, AgentsError> {
        let file = File::open(path).map_err(AgentsError::file("read", path))?;
        let size = file.metadata().map_err(AgentsError::file("read", path))?.len();
        let (sender, pieces) = mpsc::channel(2);
        tokio::spawn(async move {
            let _held = held;
            if let Some(sha256) = send(file, size, &sender).await
                && let Err(error) = manifest.check(&sha256)
            {
                damaged(error).await;
            }
        });
        Ok(Self { pieces, left: size })
    }
}

/// Sends a file, and returns its digest; none when it did not get there.
async fn send(mut file: File, size: u64, to: &mpsc::Sender<io::Result<Bytes>>) -> Option<[u8; 32]> {
    let mut reader = ProgramReader::default();
    let mut left = size;
    while left > 0 {
        // A disk may be slow, and hashing takes its time: others are answered meanwhile.
        let read = tokio::task::spawn_blocking(move || {
            let mut piece = Vec::with_capacity(PIECE_BYTES);
            let wanted = left.min(PIECE_BYTES as u64);
            let read = file.by_ref().take(wanted).read_to_end(&mut piece);
            let fed = reader.feed(&piece);
            (file, reader, read.and_then(|n| fed.map(|()| (n, piece)).map_err(io::Error::other)))
        });
        let (file_back, reader_back, read) = read.await.ok()?;
        (file, reader) = (file_back, reader_back);
        let piece = match read {
            Ok((0, _)) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok((n, piece)) => {
                left = left.saturating_sub(n as u64);
                Ok(Bytes::from(piece))
            }
            Err(error) => Err(error),
        };
        let is_end = piece.is_err();
        timeout(PIECE_TIME_MAX, to.send(piece)).await.ok()?.ok()?;
        if is_end {
            return None;
        }
    }
    Some(reader.digest())
}

impl Body for Download {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        self.pieces.poll_recv(cx).map(|piece| match piece {
            Some(Ok(bytes)) => {
                self.left = self.left.saturating_sub(bytes.len() as u64);
                Some(Ok(Frame::data(bytes)))
            }
            Some(Err(error)) => Some(Err(error)),
            // The other side was too slow.
            None => Some(Err(io::ErrorKind::TimedOut.into())),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
