//! What a program prints: read to the end, kept up to a bound.

use rustix::fd::OwnedFd;
use rustix::io::Errno;

/// One stream of a running program.
#[derive(Debug)]
pub(crate) struct Stream {
    /// Open until its end.
    pub fd: Option<OwnedFd>,
    pub kept: Vec<u8>,
    pub cut: bool,
    bytes_max: usize,
}

impl Stream {
    pub(crate) fn new(fd: Option<OwnedFd>, bytes_max: usize) -> Self {
        if let Some(fd) = &fd {
            let _ = rustix::io::ioctl_fionbio(fd, true);
        }
        Self { fd, kept: Vec::new(), cut: false, bytes_max }
    }

    /// Takes what is there now. A stream that keeps coming gives way after a while.
    pub(crate) fn take(&mut self, buf: &mut [u8]) {
        for _ in 0..16 {
            let Some(fd) = &self.fd else { return };
            match rustix::io::read(fd, &mut *buf) {
                Ok(0) => self.fd = None,
                Ok(len) => {
                    let room = self.bytes_max.saturating_sub(self.kept.len());
                    self.kept.extend_from_slice(buf.get(..len.min(room)).unwrap_or_default());
                    self.cut |= len > room;
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return,
                Err(_) => self.fd = None,
            }
        }
    }
}
