//! What is against the rules.

use crate::limits;
use thiserror::Error;

/// Why nothing that the other side sends is read any more.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum MuxError {
    /// A frame is too long.
    #[error("expected a frame of at most {max} bytes, found {found}", max = limits::FRAME_BYTES_MAX)]
    FrameTooLong {
        /// Its bytes.
        found: usize,
    },
    /// A frame says what this side does not know.
    #[error("frame flags `{flags:#04x}` on {bytes} bytes are not known here")]
    UnknownFlags {
        /// The flags.
        flags: u8,
        /// The bytes behind them.
        bytes: usize,
    },
    /// A frame is for a stream that nobody opened.
    #[error("stream {stream} was not opened")]
    NotOpened {
        /// Its number.
        stream: u32,
    },
    /// More streams than may be open.
    #[error("expected at most {max} streams, found one more", max = limits::STREAMS_MAX)]
    TooManyStreams,
    /// More bytes than were granted, or bytes behind the end.
    #[error("stream {stream} goes on behind what it may send")]
    Overrun {
        /// Its number.
        stream: u32,
    },
}
