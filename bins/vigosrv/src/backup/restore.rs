//! Coming back from a backup.

use super::age::Unlock;
use super::read::walk;
use super::stage::remove;
use super::verify::{expected, opened, whole_database};
use super::view::{summary, time};
use super::{ArchiveError, Progress};
use crate::config;
use crate::data_dir::{DataDir, FRESH, MARK, Move, OLD, commit};
use crate::publish::live_in;
use crate::store::SCHEMA;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, symlink};
use std::path::{Component, Path, PathBuf};
use vigo_core::backup::{Ground, Manifest, Part, check_restore};
use vigo_core::server::RestoreMark;

/// What is to be restored, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Restore {
    /// The archive.
    pub file: PathBuf,
    /// The data directory that is to have it.
    pub target: PathBuf,
    /// The parts; none are all.
    pub only: Option<BTreeSet<Part>>,
    /// The root that is expected: digits, or a file.
    pub expect_root: Option<String>,
    /// The file of the key that it is encrypted for.
    pub identity: Option<PathBuf>,
    /// Look at everything, and change nothing.
    pub dry_run: bool,
    /// Replace what is there.
    pub force: bool,
}

/// What lies in a data directory without being a server's.
const NO_DATA: [&str; 4] = ["run", "lost+found", FRESH, OLD];

/// Restores a backup, whole or in parts: all of it is written beside and looked at, then it is swapped in.
///
/// # Errors
/// [`ArchiveError`]; nothing has changed then.
pub fn restore(wanted: &Restore, told: Progress<'_>) -> Result<Value, ArchiveError> {
    restore_watched(wanted, told, &mut |_, _| Ok(()))
}

/// The same, and tells of each step of the swap before it is made.
pub(super) fn restore_watched(
    wanted: &Restore,
    told: Progress<'_>,
    watch: &mut dyn FnMut(&str, &Path) -> io::Result<()>,
) -> Result<Value, ArchiveError> {
    // An archive that is not there makes no directory.
    drop(fs::File::open(&wanted.file).map_err(ArchiveError::file("read", &wanted.file))?);
    let is_new = !wanted.target.exists();
    let dir = DataDir::claim(&wanted.target)?;
    let root = dir.root().to_owned();
    let mut done = beside(wanted, &root, told);
    if let (Ok(ready), false) = (&mut done, wanted.dry_run) {
        let moves = std::mem::take(&mut ready.moves);
        if let Err(error) = swap(&root, moves, watch) {
            if !DataDir::is_swapping(&root) {
                // Nothing has happened; the next restore removes it, too.
                let _ = remove(&root.join(FRESH));
            }
            return Err(error);
        }
    }
    if wanted.dry_run || done.is_err() {
        // The next restore removes it, too.
        let removed = remove(&root.join(FRESH));
        if let (Ok(_), Err(error)) = (&done, removed) {
            return Err(error);
        }
    }
    if is_new && (wanted.dry_run || done.is_err()) {
        for path in [root.join("run").join("lock"), root.join("run"), root.clone()] {
            // What somebody else has put there meanwhile keeps it.
            let _ = if path.is_dir() { fs::remove_dir(&path) } else { fs::remove_file(&path) };
        }
    }
    done.map(|ready| ready.answer)
}

/// What is beside, and how it gets into its place.
struct Ready {
    moves: Vec<Move>,
    answer: Value,
}

/// Writes everything beside, and looks at it.
fn beside(wanted: &Restore, root: &Path, told: Progress<'_>) -> Result<Ready, ArchiveError> {
    let file = &wanted.file;
    let refused = ArchiveError::of(file);
    let expect = expected(wanted.expect_root.as_deref(), root).map_err(&refused)?;
    let unlock = Unlock::of(wanted.identity.as_deref())?;
    let fresh = root.join(FRESH);
    remove(&fresh)?;
    let mut parts = BTreeSet::new();
    let manifest = walk(file, &unlock, Some(&fresh), told, &mut |manifest| {
        manifest.trust(&expect).map_err(&refused)?;
        parts = wanted.only.clone().unwrap_or_else(|| manifest.parts.clone());
        let ground = Ground {
            schema: SCHEMA,
            occupied: occupied(root, &parts, wanted.only.is_none()),
            is_forced: wanted.force,
            has_keys: root.join("tls").join("keyset").exists(),
            free_bytes: free(root),
        };
        check_restore(manifest, &parts, &ground).map_err(&refused)?;
        Ok(parts.clone())
    })?;
    let has = |part: Part| parts.contains(&part);
    if has(Part::Database) {
        whole_database(file, &manifest, &fresh)?;
    }
    let mut notes = Vec::new();
    if has(Part::Secrets) {
        let secrets = opened(&fresh.join("secrets"))?;
        for (path, why) in &secrets.bad {
            notes.push(format!("secret `{path}` cannot be opened, and has to be set anew: {why}"));
        }
    }
    let places = places(root, &fresh, &parts, &mut notes)?;
    let moves = moves(root, &fresh, &manifest, &parts, &places)?;
    own(root, &fresh)?;
    // Where that cannot be told there is nothing to compare with.
    tell(&manifest, &parts, live_in(root).unwrap_or(None), &mut notes);
    let kept = moves.iter().any(|one| match one {
        Move::Put(_, place) | Move::Away(place) => fs::symlink_metadata(root.join(place)).is_ok(),
    });
    let mut answer = summary(file, &manifest);
    answer["target"] = root.display().to_string().into();
    answer["restored"] = parts.iter().map(|part| part.word()).collect::<Vec<_>>().into();
    answer["dry_run"] = wanted.dry_run.into();
    answer["replaced"] = if kept { root.join(OLD).display().to_string().into() } else { Value::Null };
    answer["notes"] = notes.into();
    Ok(Ready { moves, answer })
}

/// Puts what is beside into its place.
fn swap(
    root: &Path,
    moves: Vec<Move>,
    watch: &mut dyn FnMut(&str, &Path) -> io::Result<()>,
) -> Result<(), ArchiveError> {
    let disk = fs::metadata(root).map_err(ArchiveError::file("look at", root))?.dev();
    for one in &moves {
        let (Move::Put(_, place) | Move::Away(place)) = one;
        let path = root.join(place);
        let there = path.ancestors().find_map(|path| fs::symlink_metadata(path).ok());
        if there.is_some_and(|meta| meta.dev() != disk) {
            return Err(ArchiveError::OtherDisk { path });
        }
    }
    // What the restore before has kept.
    remove(&root.join(OLD))?;
    Ok(commit(root, moves, watch)?)
}

/// Returns the first thing that is there and would be replaced; where everything is restored, whatever is there.
fn occupied(root: &Path, parts: &BTreeSet<Part>, is_whole: bool) -> Option<String> {
    let is_some = |path: &Path| match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some()),
        Ok(_) => true,
        Err(_) => false,
    };
    let names: Vec<PathBuf> = if is_whole {
        let entries = fs::read_dir(root).into_iter().flatten().flatten();
        let mut names: Vec<_> = entries.map(|entry| entry.path()).collect();
        names.retain(|path| !NO_DATA.iter().any(|name| path.ends_with(name)));
        names.sort_unstable();
        names
    } else {
        parts.iter().map(|part| root.join(usual(*part))).collect()
    };
    names.into_iter().find(|path| is_some(path)).map(|path| format!("`{}`", path.display()))
}

/// Returns where a part usually lies.
fn usual(part: Part) -> &'static str {
    match part {
        Part::Config => "server.yaml",
        Part::Tls => "tls",
        Part::Secrets => "secrets",
        Part::Stacks => "stacks",
        Part::History => "history",
        Part::Database => "db/vigo.db",
        Part::Blobs => "blobs",
    }
}

/// Where the configuration that will be in force has what it may have elsewhere; from the data directory.
struct Configured {
    database: String,
    secrets: String,
}

fn places(
    root: &Path,
    fresh: &Path,
    parts: &BTreeSet<Part>,
    notes: &mut Vec<String>,
) -> Result<Configured, ArchiveError> {
    let folder = if parts.contains(&Part::Config) { fresh } else { root };
    let config = config::load(&folder.join("server.yaml"))?;
    let mut inside = |part: Part, key: &str, path: &Path| {
        let is_inside = path.components().all(|step| matches!(step, Component::Normal(_)));
        match path.to_str().filter(|_| is_inside) {
            Some(path) => path.trim_end_matches('/').to_owned(),
            None => {
                if parts.contains(&part) {
                    notes.push(format!(
                        "`{key}` in server.yaml is `{}`, which is not in the data directory: the {part} lies at `{}`; move it, or \
                         take the key out of server.yaml",
                        path.display(),
                        root.join(usual(part)).display()
                    ));
                }
                usual(part).to_owned()
            }
        }
    };
    let database = inside(Part::Database, "database.path", &config.database.path);
    Ok(Configured { database, secrets: inside(Part::Secrets, "secrets.dir", &config.secrets.dir) })
}

/// Makes what goes with the files, and returns how everything gets into its place.
fn moves(
    root: &Path,
    fresh: &Path,
    manifest: &Manifest,
    parts: &BTreeSet<Part>,
    places: &Configured,
) -> Result<Vec<Move>, ArchiveError> {
    let put = |name: &str, place: &str| Move::Put(name.into(), place.into());
    let mut moves = Vec::new();
    if parts.contains(&Part::Database) {
        merge_revoked(root, fresh)?;
        write(&fresh.join("tls"), "restored", &mark(manifest).text())?;
    } else if parts.contains(&Part::Tls) {
        merge_revoked(root, fresh)?;
    }
    for part in parts {
        match part {
            Part::Config if fresh.join("server.yaml").exists() => moves.push(put("server.yaml", "server.yaml")),
            Part::Config => moves.push(Move::Away("server.yaml".into())),
            Part::Database => {
                moves.push(put("db/vigo.db", &places.database));
                // They are of the database before.
                let beside = ["-wal", "-shm", "-journal"].map(|end| Move::Away(format!("{}{end}", places.database)));
                moves.extend(beside);
                // It answers the mark of one that was damaged; and what Litestream has noted is of the database before.
                let place = Path::new(&places.database);
                let name = place.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
                for other in [MARK.to_owned(), format!(".{name}-litestream")] {
                    moves.extend(place.with_file_name(other).to_str().map(|other| Move::Away(other.into())));
                }
                if !parts.contains(&Part::Tls) {
                    moves.extend([put("tls/revoked", "tls/revoked"), put("tls/restored", "tls/restored")]);
                }
            }
            Part::History => {
                make_dir_all(&fresh.join("history"))?;
                moves.push(put("history", "history"));
                match manifest.live {
                    Some(id) => {
                        let link = fresh.join(".live");
                        symlink(format!("history/{id}"), &link).map_err(ArchiveError::file("make", &link))?;
                        moves.push(put(".live", ".live"));
                    }
                    None => moves.push(Move::Away(".live".into())),
                }
            }
            Part::Tls | Part::Secrets | Part::Stacks | Part::Blobs => {
                let name = usual(*part);
                make_dir_all(&fresh.join(name))?;
                moves.push(put(name, if *part == Part::Secrets { &places.secrets } else { name }));
            }
        }
    }
    for folder in [fresh.join("tls"), fresh.to_owned()].iter().filter(|folder| folder.exists()) {
        fs::File::open(folder).and_then(|dir| dir.sync_all()).map_err(ArchiveError::file("sync", folder))?;
    }
    Ok(moves)
}

/// Returns what the server finds at its next start.
fn mark(manifest: &Manifest) -> RestoreMark {
    let audit = i64::try_from(manifest.audit.id).unwrap_or(i64::MAX);
    RestoreMark { created: manifest.created_at, schema: manifest.schema.into(), audit }
}

/// Puts the ids that never come back of both sides together: a backup brings nobody back.
fn merge_revoked(root: &Path, fresh: &Path) -> Result<(), ArchiveError> {
    let read = |path: PathBuf| match fs::read_to_string(&path) {
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(String::new()),
        text => text.map_err(ArchiveError::file("read", &path)),
    };
    let (here, there) = (read(root.join("tls").join("revoked"))?, read(fresh.join("tls").join("revoked"))?);
    let ids: BTreeSet<&str> = here.lines().chain(there.lines()).map(str::trim).filter(|id| !id.is_empty()).collect();
    let text: String = ids.into_iter().map(|id| format!("{id}\n")).collect();
    write(&fresh.join("tls"), "revoked", &text)
}

/// Says what is not in the backup, with the number of the policy that is live in the place where it goes.
fn tell(manifest: &Manifest, parts: &BTreeSet<Part>, live: Option<u64>, notes: &mut Vec<String>) {
    if let (true, Some(live)) = (parts.contains(&Part::History), live)
        && manifest.live.is_none_or(|restored| restored < live)
    {
        let back = manifest.live.map_or_else(|| "nothing".into(), |restored| format!("publish {restored}"));
        notes.push(format!(
            "the policy goes back from publish {live} to {back}: agents follow it at their next check-in; the newer one is in \
             `{OLD}/history/{live}/tree` until the next restore"
        ));
    }
    if parts.contains(&Part::Database) {
        let at = time(manifest.created_at);
        notes.push(format!(
            "what happened after {} is not in it: runs, and who was revoked, renamed or given a role; machines that enrolled \
             since are taken up again by themselves",
            at.as_str().unwrap_or("then")
        ));
    }
    if parts.contains(&Part::Tls) && !manifest.has_root {
        notes.push("the root key is not in it: keep the recovery kit at hand".into());
    }
    for path in &manifest.left_out {
        notes.push(format!("`{path}` is not in the backup: bring it by hand, if it is needed"));
    }
}

/// Gives what is beside to the owner of the data directory, where that is somebody else than who restores.
fn own(root: &Path, fresh: &Path) -> Result<(), ArchiveError> {
    let meta = fs::metadata(root).map_err(ArchiveError::file("look at", root))?;
    let (uid, gid) = (meta.uid(), meta.gid());
    if !rustix::process::geteuid().is_root() || (uid, gid) == (0, 0) {
        return Ok(());
    }
    let run = root.join("run");
    let mut left = vec![fresh.to_owned(), run.join("lock"), run];
    let mut at = 0;
    while let Some(path) = left.get(at).cloned() {
        at += 1;
        std::os::unix::fs::lchown(&path, Some(uid), Some(gid)).map_err(ArchiveError::file("give away", &path))?;
        if path.starts_with(fresh) && fs::symlink_metadata(&path).is_ok_and(|meta| meta.is_dir()) {
            let list = || fs::read_dir(&path)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>();
            left.extend(list().map_err(ArchiveError::file("list", &path))?);
        }
    }
    Ok(())
}

/// Returns the bytes that the disk of a folder has left, if it says so.
fn free(root: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(root).ok()?;
    disk.f_bavail.checked_mul(disk.f_frsize)
}

/// Writes a file of ours into a folder, in the place of one that was unpacked; it is on the disk when this returns.
fn write(folder: &Path, name: &str, text: &str) -> Result<(), ArchiveError> {
    make_dir_all(folder)?;
    let path = folder.join(name);
    match fs::remove_file(&path) {
        Err(e) if e.kind() != ErrorKind::NotFound => return Err(ArchiveError::file("remove", &path)(e)),
        _ => {}
    }
    let mut options = fs::OpenOptions::new();
    let written = options.write(true).create_new(true).mode(0o600).open(&path).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.map_err(ArchiveError::file("write", &path))
}

fn make_dir_all(path: &Path) -> Result<(), ArchiveError> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(ArchiveError::file("make", path))
}
