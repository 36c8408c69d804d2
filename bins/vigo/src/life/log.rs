//! The log of an agent that is a service where nobody takes what services say.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Bytes after which a new file is begun; the last one is kept.
const BYTES_MAX: u64 = 4 << 20;

/// A file that is begun anew before it is too large.
#[derive(Debug)]
pub(crate) struct LogFile {
    path: PathBuf,
    file: File,
    bytes: u64,
}

impl LogFile {
    /// Opens the log in a folder, which is made if need be, and adds to it.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        crate::state::make_dir(folder)?;
        let path = folder.join("vigo.log");
        let file = File::options().append(true).create(true).open(&path)?;
        let bytes = file.metadata()?.len();
        Ok(Self { path, file, bytes })
    }

    fn begin_anew(&mut self) -> io::Result<()> {
        // Whoever reads the old one holds it: then it is begun anew in place.
        let _ = std::fs::rename(&self.path, self.path.with_extension("log.old"));
        self.file = File::options().write(true).create(true).truncate(true).open(&self.path)?;
        self.bytes = 0;
        Ok(())
    }
}

impl Write for LogFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes > BYTES_MAX {
            self.begin_anew()?;
        }
        let len = self.file.write(bytes)?;
        self.bytes += len as u64;
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_does_not_grow_for_ever() {
        let dir = std::env::temp_dir().join(format!("vigo-log-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        let line = [b'x'; 1 << 16];
        for _ in 0..2 {
            let mut log = LogFile::open(&dir).unwrap();
            for _ in 0..100 {
                log.write_all(&line).unwrap();
            }
        }
        let size = |name: &str| std::fs::metadata(dir.join(name)).unwrap().len();
        let sizes = (size("vigo.log"), size("vigo.log.old"));
        std::fs::remove_dir_all(&dir).unwrap();
        let max = BYTES_MAX + 2 * line.len() as u64;
        assert!(sizes.0 <= max && sizes.1 <= max && sizes.0 > 0, "{sizes:?}");
    }
}
