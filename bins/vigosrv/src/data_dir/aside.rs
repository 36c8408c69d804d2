//! A database that is damaged, put aside with a mark in its place; and whether one is as the server left it.

use super::{DataDir, DataDirError, private};
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use vigo_core::server::DamageMark;
use vigo_core::time::Timestamp;

/// The file of the mark, beside the database.
pub const MARK: &str = "damaged";

/// What SQLite keeps beside a database.
const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Returns the mark in the place of a database, if there is one. One that cannot be understood is one all the same.
///
/// # Errors
/// [`DataDirError::File`].
pub fn damage_mark(database: &Path) -> Result<Option<DamageMark>, DataDirError> {
    let path = database.with_file_name(MARK);
    if fs::symlink_metadata(&path).is_err_and(|e| e.kind() == ErrorKind::NotFound) {
        return Ok(None);
    }
    let text = private::read(&path)?;
    let unknown = || DamageMark { at: Timestamp::default(), aside: MARK.into(), why: "nothing more is known".into() };
    Ok(Some(DamageMark::parse(&text).unwrap_or_else(unknown)))
}

/// Moves a database, which nobody has open, into a folder beside, which is returned. From the first step on a mark stands in
/// its place.
///
/// # Errors
/// [`DataDirError::File`]; with the mark there, [`put_rest_aside`] does what is left.
pub fn put_aside(database: &Path, mark: &DamageMark) -> Result<PathBuf, DataDirError> {
    let mut mark = mark.clone();
    while database.with_file_name(&mark.aside).exists() {
        // Two within a second.
        mark.aside.push('x');
    }
    let aside = database.with_file_name(&mark.aside);
    private::replace(&database.with_file_name(MARK), mark.text().as_bytes())?;
    private::make_dir(&aside)?;
    // First: what is beside a database that is still in its place is a part of it.
    move_into(database, &aside)?;
    put_rest_aside(database, &mark)?;
    Ok(aside)
}

/// Moves what SQLite has left beside the place of a database that is not there: another one would take it for its own.
///
/// # Errors
/// [`DataDirError::File`].
pub fn put_rest_aside(database: &Path, mark: &DamageMark) -> Result<(), DataDirError> {
    let aside = database.with_file_name(&mark.aside);
    for end in BESIDE {
        let mut path = database.as_os_str().to_owned();
        path.push(end);
        let path = PathBuf::from(path);
        if path.exists() {
            private::make_dir(&aside)?;
            move_into(&path, &aside)?;
        }
    }
    database.parent().map_or(Ok(()), private::sync)
}

/// Takes the mark away: there is a database again.
///
/// # Errors
/// [`DataDirError::File`].
pub fn clear_damage_mark(database: &Path) -> Result<(), DataDirError> {
    let path = database.with_file_name(MARK);
    match fs::remove_file(&path) {
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(()),
        done => {
            done.map_err(DataDirError::file("remove", &path))?;
            path.parent().map_or(Ok(()), private::sync)
        }
    }
}

fn move_into(path: &Path, folder: &Path) -> Result<(), DataDirError> {
    let Some(name) = path.file_name() else { return Ok(()) };
    match fs::rename(path, folder.join(name)) {
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(()),
        done => done.map_err(DataDirError::file("move", path)),
    }
}

impl DataDir {
    /// Returns what tells that this server has had a database, if anything does: a file that it has only with one.
    pub fn database_told_by(&self, database: &Path) -> Option<PathBuf> {
        let has = |path: &Path| fs::symlink_metadata(path).is_ok_and(|meta| !meta.is_file() || meta.len() > 0);
        let mut wal = database.as_os_str().to_owned();
        wal.push("-wal");
        let of_keys = ["stamp", "restored", "revoked"].map(|name| self.tls().join(name));
        [self.root().join(".live"), wal.into()].into_iter().chain(of_keys).find(|path| has(path))
    }

    /// Notes that the database was closed: it is one file, as it is now.
    ///
    /// # Errors
    /// [`DataDirError::File`].
    pub fn note_closed(&self, database: &Path) -> Result<(), DataDirError> {
        let as_it_is = as_it_is(database).map_err(DataDirError::file("look at", database))?;
        private::replace(&self.closed(), as_it_is.as_bytes())
    }

    /// Returns whether the database is as it was when it was last closed, and forgets that.
    ///
    /// # Errors
    /// [`DataDirError::File`].
    pub fn take_closed(&self, database: &Path) -> Result<bool, DataDirError> {
        let path = self.closed();
        let noted = fs::read_to_string(&path).ok();
        match fs::remove_file(&path) {
            Err(e) if e.kind() != ErrorKind::NotFound => return Err(DataDirError::file("remove", &path)(e)),
            _ => {}
        }
        private::sync(&self.root().join("run"))?;
        Ok(noted.is_some() && noted == as_it_is(database).ok())
    }

    fn closed(&self) -> PathBuf {
        self.root().join("run").join("closed")
    }
}

/// Returns what is another when somebody else has written to a file.
fn as_it_is(path: &Path) -> io::Result<String> {
    let meta = fs::metadata(path)?;
    Ok(format!("{} {} {} {}\n", meta.ino(), meta.len(), meta.mtime(), meta.mtime_nsec()))
}
