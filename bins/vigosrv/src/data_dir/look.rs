//! Looking at a data directory, without changing anything in it.

use super::{DataDirError, Keys, keys, private};
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Files of keys, in `tls/`.
const KEYS: [&str; 4] = ["root_key", "bundle_key", "ca_key", "key"];

/// Returns the files that somebody else may read and the folders in which somebody else may write, of those where nobody
/// else may; `secrets` is the folder of the secrets.
pub fn modes(root: &Path, secrets: &Path) -> Vec<DataDirError> {
    let tls = root.join("tls");
    let files = KEYS.iter().map(|name| tls.join(name)).chain([secrets.join(".master.key")]);
    let readable = files.filter_map(|path| match File::open(&path) {
        Err(e) if e.kind() == ErrorKind::NotFound => None,
        Err(e) => Some(DataDirError::file("read", &path)(e)),
        Ok(file) => private::refuse_readable(&path, &file).err(),
    });
    // Whoever may look into these finds names, and in the last the keys of a backup or the socket.
    let closed = ["tls", "db", "run"].map(|name| root.join(name)).into_iter().chain([secrets.to_owned()]);
    let open = closed.filter(|path| path.is_dir()).filter_map(|path| {
        let folder = File::open(&path).map_err(DataDirError::file("read", &path));
        folder.and_then(|folder| private::refuse_readable(&path, &folder)).err()
    });
    let writable = [root.to_owned(), root.join("stacks"), root.join("history")].into_iter().chain(
        // What vigosrv runs or believes.
        ["server.yaml", "tls/root", "tls/keyset", "tls/ca", "tls/cert"].map(|name| root.join(name)),
    );
    let written = writable.filter(|path| path.exists()).filter_map(|path| private::refuse_writable(&path).err());
    readable.chain(open).chain(written).collect()
}

/// Reads the keys of a data directory as they lie there.
///
/// # Errors
/// [`DataDirError`]: they are not all there, or do not belong together.
pub fn keys_of(root: &Path) -> Result<Keys, DataDirError> {
    let tls = root.join("tls");
    if !tls.join("keyset").exists() {
        return Err(DataDirError::NoServer { dir: root.to_owned() });
    }
    keys::read(&tls)
}

/// Keeps servers from starting on a data directory while what is returned is held, which is nothing where none ever did.
///
/// # Errors
/// A server has it, or a restore: its process, where that is known.
pub fn lock_to_look(root: &Path) -> Result<Option<File>, Option<u32>> {
    let path = root.join("run").join("lock");
    let Ok(file) = File::open(&path) else { return Ok(None) };
    match file.try_lock_shared() {
        Ok(()) => Ok(Some(file)),
        Err(_) => Err(fs::read_to_string(&path).ok().and_then(|text| text.split_whitespace().next()?.parse().ok())),
    }
}

/// Returns what `.live` leads to, if that is there; an error is what is wrong.
///
/// # Errors
/// A sentence.
pub fn live_of(root: &Path) -> Result<Option<PathBuf>, String> {
    match fs::read_link(root.join(".live")) {
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(format!("`.live` cannot be read: {}", vigo_driver::system_text(e))),
        Ok(to) if root.join(&to).join("publish").is_file() => Ok(Some(to)),
        Ok(to) => Err(format!("`.live` leads to `{}`, where no publish is", to.display())),
    }
}
