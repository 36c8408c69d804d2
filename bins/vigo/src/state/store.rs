//! The state of one machine.

use super::database::{self, Kept, Unusable, told};
use super::{StateError, lock, private};
use redb::Database;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use vigo_core::converge::{Proof, Record, StoredTrigger};

/// The database.
const NAME: &str = "state.redb";

/// An empty file that is there as long as triggers may be: a run that finds none does not open the database.
const PENDING: &str = "triggers.pending";

/// Records that wait for the disk together.
const WAITING_MAX: usize = 4096;

/// What a run may do with the state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// A plan: it sees what is there and writes nothing, not even a directory.
    Read,
    /// A run. One at a time.
    Write,
}

/// What outlives a run, in a directory that no other run uses meanwhile.
///
/// [`State::open`] takes the lock; [`State::triggers`] once at the start; [`State::store`] whenever the machine wants
/// something durable, which it is when that returns. Dropping gives the directory free.
#[derive(Debug)]
pub struct State {
    dir: PathBuf,
    access: Access,
    /// Held, not read.
    _lock: Option<File>,
    database: Option<Database>,
    /// Whether [`PENDING`] is there.
    pending: bool,
    /// Records that are written with the next record, or at the end.
    waiting: Vec<Record>,
    notices: Vec<String>,
}

impl State {
    /// Takes a state directory; for a run, it is made when missing.
    ///
    /// # Errors
    /// When another run holds it, or it cannot be made or locked.
    pub fn open(dir: &Path, access: Access) -> Result<Self, StateError> {
        if access == Access::Write && !dir.is_dir() {
            private::make_dir(dir).map_err(StateError::file("make directory", dir))?;
        }
        let lock = lock::take(dir, lock::RUN, access)?;
        let pending = dir.join(PENDING).exists();
        Ok(Self {
            dir: dir.to_owned(),
            access,
            _lock: lock,
            database: None,
            pending,
            waiting: Vec::new(),
            notices: Vec::new(),
        })
    }

    /// Returns the triggers that earlier runs stored.
    ///
    /// # Errors
    /// When the database cannot be read. One that is broken or of a later version is put aside, with a notice, and
    /// counts as empty.
    pub fn triggers(&mut self) -> Result<Vec<StoredTrigger>, StateError> {
        if !self.pending {
            return Ok(Vec::new());
        }
        self.read(database::triggers)
    }

    /// Returns what earlier runs kept, for a run that brings something back.
    ///
    /// # Errors
    /// As [`State::triggers`].
    pub fn kept(&mut self) -> Result<Kept, StateError> {
        self.read(database::kept)
    }

    /// Returns the digests that earlier runs kept of what they made of secrets.
    ///
    /// # Errors
    /// As [`State::triggers`].
    pub fn proofs(&mut self) -> Result<Vec<Proof>, StateError> {
        self.read(database::proofs)
    }

    /// Writes what was not in a hurry.
    ///
    /// # Errors
    /// When it could not be written.
    pub fn flush(&mut self) -> Result<(), StateError> {
        if self.waiting.is_empty() { Ok(()) } else { self.write(&[]) }
    }

    /// Makes records durable: they are on disk when this returns. That a file was not there may wait for the next record
    /// or the end of the run: what is lost with it is the removal of a file that a killed run made, and a run that makes
    /// a thousand files does not wait for the disk a thousand times. So may digests of what was made of secrets.
    ///
    /// # Errors
    /// When they could not be written: what they are about must then not happen.
    pub fn store(&mut self, records: &[Record]) -> Result<(), StateError> {
        if records.is_empty() {
            return Ok(());
        }
        let path = self.dir.join(NAME);
        if self.access == Access::Read {
            return Err(StateError::Write { path, why: "a plan writes nothing".into() });
        }
        let forgets = |r: &Record| matches!(r, Record::TriggerDone { .. });
        if !self.pending && records.iter().all(forgets) {
            return Ok(());
        }
        let patient = |r: &Record| match r {
            Record::Snapshot(s) => s.kept == vigo_core::resource::Kept::Absent,
            Record::Proof(_) | Record::Unproved(_) => true,
            _ => false,
        };
        if self.waiting.len() < WAITING_MAX && records.iter().all(patient) {
            self.waiting.extend_from_slice(records);
            return Ok(());
        }
        self.write(records)
    }

    /// Writes what waited, and these records. What cannot be written goes on waiting, but for the records.
    fn write(&mut self, records: &[Record]) -> Result<(), StateError> {
        let path = self.dir.join(NAME);
        let db = match self.database.take() {
            Some(db) => db,
            None => self.open_or_renew(&path)?,
        };
        // After the database was made: with the name of this one, that of the database is on disk.
        let marked = match records.iter().any(|r| matches!(r, Record::Trigger(_))) && !self.pending {
            true => self.mark_pending(),
            false => Ok(()),
        };
        let stored = marked.map(|()| database::store(&db, self.waiting.iter().chain(records)));
        self.database = Some(db);
        let is_left = stored?.map_err(|why| StateError::Write { path, why: told(&why) })?;
        self.waiting.clear();
        if !is_left && self.pending {
            // Left behind, it would cost the next run the opening of the database, nothing else.
            self.pending = std::fs::remove_file(self.dir.join(PENDING)).is_err();
        }
        Ok(())
    }

    /// Returns what people should be told about the state, once.
    pub fn take_notices(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notices)
    }

    /// Reads from the database; what is not there, or of no use, is nothing.
    fn read<T: Default>(&mut self, read: fn(&Database) -> Result<T, Unusable>) -> Result<T, StateError> {
        let path = self.dir.join(NAME);
        if !path.exists() {
            return Ok(T::default());
        }
        let found = match (self.access, self.database.take()) {
            (Access::Read, _) => database::open_copy(&path).and_then(|db| read(&db)),
            (Access::Write, open) => open.map_or_else(|| database::open(&path), Ok).and_then(|db| {
                let found = read(&db)?;
                self.database = Some(db);
                Ok(found)
            }),
        };
        found.or_else(|why| self.put_aside(why).map(|()| T::default()))
    }

    fn open_or_renew(&mut self, path: &Path) -> Result<Database, StateError> {
        let again = match database::open(path) {
            Ok(db) => return Ok(db),
            Err(why) => {
                self.put_aside(why)?;
                database::open(path)
            }
        };
        again.map_err(|why| StateError::Write { path: path.to_owned(), why: told(&why) })
    }

    /// Moves a database of no use out of the way. Only the newest is kept.
    fn put_aside(&mut self, why: Unusable) -> Result<(), StateError> {
        let path = self.dir.join(NAME);
        if let Unusable::Io(source) = why {
            return Err(StateError::file("open", path)(source));
        }
        let (mut notice, aside) = (format!("state `{}` cannot be used: {}", path.display(), told(&why)), aside(&path));
        if self.access == Access::Write {
            match std::fs::rename(&path, &aside) {
                Err(e) if e.kind() != ErrorKind::NotFound => return Err(StateError::file("move", path)(e)),
                _ => notice.push_str(&format!("; moved to `{}`, triggers of earlier runs are lost", aside.display())),
            }
        }
        self.notices.push(notice);
        Ok(())
    }

    /// Says on disk, before the first trigger is written, that there may be some.
    fn mark_pending(&mut self) -> Result<(), StateError> {
        let path = self.dir.join(PENDING);
        let file = File::create(&path).map_err(StateError::file("make", &path))?;
        file.sync_all().map_err(StateError::file("write", &path))?;
        #[cfg(unix)]
        File::open(&self.dir).and_then(|dir| dir.sync_all()).map_err(StateError::file("write", &self.dir))?;
        self.pending = true;
        Ok(())
    }
}

fn aside(path: &Path) -> PathBuf {
    path.with_extension("redb.unusable")
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_core::converge::RevertCommand;

    struct Dir(PathBuf);

    impl Dir {
        fn new(name: &str) -> Self {
            let dir = std::env::temp_dir().join(format!("vigo-state-{}-{name}", std::process::id()));
            let _ = std::fs::remove_dir_all(&dir);
            Self(dir)
        }

        fn open(&self, access: Access) -> State {
            State::open(&self.0, access).unwrap()
        }

        fn names(&self) -> Vec<String> {
            let Ok(entries) = std::fs::read_dir(&self.0) else { return Vec::new() };
            let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
            names.sort();
            names
        }
    }

    impl Drop for Dir {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn trigger(source: &str, target: &str, fired: bool) -> StoredTrigger {
        StoredTrigger { source: source.into(), target: target.into(), fired }
    }

    fn done(source: &str, target: &str) -> Record {
        Record::TriggerDone { source: source.into(), target: target.into() }
    }

    #[test]
    fn triggers_outlive_a_run() {
        let dir = Dir::new("outlive");
        let mut state = dir.open(Access::Write);
        assert_eq!(state.triggers().unwrap(), []);
        let (a, b) = (trigger("c/a", "c/x", false), trigger("c/b", "c/x", true));
        state.store(&[Record::Trigger(a), Record::Trigger(b.clone())]).unwrap();
        state.store(&[Record::Trigger(trigger("c/a", "c/x", true))]).unwrap();
        drop(state);
        let expected = vec![trigger("c/a", "c/x", true), b];
        assert_eq!(dir.open(Access::Read).triggers().unwrap(), expected);
        let mut state = dir.open(Access::Write);
        assert_eq!(state.triggers().unwrap(), expected);
        state.store(&[done("c/a", "c/x"), done("c/b", "c/x")]).unwrap();
        drop(state);
        assert_eq!(dir.names(), ["lock", NAME], "nothing is pending");
        assert_eq!(dir.open(Access::Write).triggers().unwrap(), []);
    }

    fn snapshot(target: &str, kept: vigo_core::resource::Kept) -> Record {
        let (type_name, target) = ("file".into(), target.into());
        Record::Snapshot(vigo_core::resource::Snapshot { type_name, target, kept, reverted: false })
    }

    #[test]
    fn the_first_snapshot_is_kept_until_it_was_brought_back() {
        use vigo_core::resource::Kept as Was;
        let dir = Dir::new("snapshots");
        let file = |text: &str| Was::File { content: text.as_bytes().into(), mode: 0o640, uid: 1, gid: 2 };
        let mut state = dir.open(Access::Write);
        state.store(&[snapshot("/a", Was::Absent), snapshot("/b", Was::Absent)]).unwrap();
        assert_eq!(dir.names(), ["lock"], "what was not there waits for the disk");
        state.store(&[snapshot("/c", file("1"))]).unwrap();
        for n in 2..9 {
            state.store(&[snapshot("/c", file(&n.to_string()))]).unwrap();
        }
        let link = Was::Link { to: "x".into(), uid: 1, gid: 2 };
        state.store(&[snapshot("/l", link.clone()), snapshot("/a", file("late"))]).unwrap();
        drop(state);
        assert_eq!(dir.names(), ["lock", NAME], "no trigger is pending");
        let of = |kept: &Kept, target: &str| {
            let found = kept.snapshots.iter().find(|s| &*s.target == target);
            found.map(|s| (s.kept.clone(), s.reverted))
        };
        let mut state = dir.open(Access::Write);
        let kept = state.kept().unwrap();
        let seen = ["/a", "/b", "/c", "/l"].map(|target| of(&kept, target));
        let first = [Was::Absent, Was::Absent, file("1"), link];
        assert_eq!(seen, first.map(|kept| Some((kept, false))));
        state.store(&[Record::Reverted { type_name: "file".into(), target: "/c".into() }]).unwrap();
        assert_eq!(of(&state.kept().unwrap(), "/c"), Some((file("1"), true)));
        state.store(&[snapshot("/c", file("9"))]).unwrap();
        let done = RevertCommand { id: "c/e".into(), sha256: [7; 32] };
        state.store(&[Record::RevertCommand(done.clone())]).unwrap();
        drop(state);
        let kept = dir.open(Access::Read).kept().unwrap();
        assert_eq!(of(&kept, "/c"), Some((file("9"), false)));
        assert_eq!(kept.revert_commands, [done]);
    }

    #[test]
    fn proofs_are_on_disk_at_the_end_of_a_run() {
        let dir = Dir::new("proofs");
        let proof = |id: &str, n: u8| Proof { id: id.into(), wanted: [n; 32], found: [n + 1; 32] };
        let mut state = dir.open(Access::Write);
        assert_eq!(state.proofs().unwrap(), []);
        state.store(&[Record::Proof(proof("c/a", 1)), Record::Proof(proof("c/b", 2))]).unwrap();
        assert_eq!(dir.names(), ["lock"], "they wait for the disk");
        state.flush().unwrap();
        drop(state);
        assert_eq!(dir.open(Access::Read).proofs().unwrap(), [proof("c/a", 1), proof("c/b", 2)]);
        let mut state = dir.open(Access::Write);
        state.store(&[Record::Proof(proof("c/b", 3)), Record::Unproved("c/a".into())]).unwrap();
        state.flush().unwrap();
        assert_eq!(state.proofs().unwrap(), [proof("c/b", 3)]);
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_reads_what_is_kept() {
        use std::os::unix::fs::PermissionsExt;
        let dir = Dir::new("private");
        let record = [Record::Trigger(trigger("a", "b", true))];
        dir.open(Access::Write).store(&record).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let file = dir.0.join(NAME);
        assert_eq!((mode(&dir.0), mode(&file)), (0o700, 0o600));
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        dir.open(Access::Write).triggers().unwrap();
        assert_eq!(mode(&file), 0o600, "of an earlier version");
    }

    #[test]
    fn nothing_stored_makes_no_database() {
        let dir = Dir::new("lazy");
        let mut plan = dir.open(Access::Read);
        assert_eq!(plan.triggers().unwrap(), []);
        assert!(plan.store(&[Record::Trigger(trigger("a", "b", true))]).is_err());
        assert!(!dir.0.exists(), "a plan writes nothing");
        let mut state = dir.open(Access::Write);
        state.store(&[]).unwrap();
        state.store(&[done("a", "b")]).unwrap();
        assert_eq!(dir.names(), ["lock"]);
    }

    #[test]
    fn a_plan_leaves_every_byte_as_it_is() {
        let dir = Dir::new("plan");
        let mut state = dir.open(Access::Write);
        state.store(&[Record::Trigger(trigger("a", "b", true))]).unwrap();
        // As after a crash: the file was not closed.
        std::mem::forget(state.database.take());
        drop(state);
        let read = |name: &str| std::fs::read(dir.0.join(name)).unwrap();
        let before: Vec<_> = dir.names().iter().map(|n| read(n)).collect();
        assert_eq!(dir.open(Access::Read).triggers().unwrap(), [trigger("a", "b", true)]);
        let after: Vec<_> = dir.names().iter().map(|n| read(n)).collect();
        assert!(before == after);
    }

    #[test]
    fn runs_exclude_each_other_and_plans_do_not() {
        let dir = Dir::new("lock");
        let run = dir.open(Access::Write);
        for access in [Access::Write, Access::Read] {
            let error = State::open(&dir.0, access).unwrap_err();
            let text = error.to_string();
            assert!(text.contains(&format!("process {}", std::process::id())), "{access:?}: {text}");
        }
        drop(run);
        let (_one, _two) = (dir.open(Access::Read), dir.open(Access::Read));
        assert!(matches!(State::open(&dir.0, Access::Write), Err(StateError::Locked { .. })));
    }

    #[test]
    fn a_file_of_no_use_is_put_aside() {
        let valid = {
            let dir = Dir::new("valid");
            dir.open(Access::Write).store(&[Record::Trigger(trigger("a", "b", true))]).unwrap();
            std::fs::read(dir.0.join(NAME)).unwrap()
        };
        let mut cases: Vec<(String, Vec<u8>)> = vec![
            ("text".into(), b"this is no database, and longer than a header would be".repeat(100)),
            ("cut short".into(), valid[..valid.len() / 3].to_vec()),
            ("header only".into(), valid[..100].to_vec()),
        ];
        for at in [0, 9, 64, 128, 320] {
            let mut broken = valid.clone();
            broken[at..at + 16].fill(0xa5);
            cases.push((format!("overwritten at {at}"), broken));
        }
        let mut all = valid.clone();
        all[512..].fill(0xff);
        cases.push(("all pages overwritten".into(), all));
        for (name, bytes) in cases {
            let dir = Dir::new("damaged");
            std::fs::create_dir_all(&dir.0).unwrap();
            std::fs::write(dir.0.join(NAME), &bytes).unwrap();
            std::fs::write(dir.0.join(PENDING), "").unwrap();
            let mut plan = dir.open(Access::Read);
            let seen = plan.triggers().unwrap();
            assert!(seen.is_empty() || seen == [trigger("a", "b", true)], "{name}");
            drop(plan);
            let mut state = dir.open(Access::Write);
            let seen = state.triggers().unwrap();
            // Bytes that no checksum covers, or that the second copy of the header makes good, do no harm.
            let is_whole = seen == [trigger("a", "b", true)];
            assert_eq!(state.take_notices().len(), usize::from(!is_whole), "{name}");
            assert_eq!(aside(&dir.0.join(NAME)).exists(), !is_whole, "{name}");
            state.store(&[Record::Trigger(trigger("c", "d", false))]).unwrap();
            drop(state);
            let again = dir.open(Access::Write).triggers().unwrap();
            assert!(again.contains(&trigger("c", "d", false)), "{name}");
        }
    }

    #[test]
    fn a_byte_that_a_disk_has_changed_is_noticed_or_changes_nothing() {
        use vigo_core::resource::Kept as Was;
        let dir = Dir::new("flipped");
        let mut state = dir.open(Access::Write);
        for n in 0..20_u8 {
            let was = Was::File { content: vec![n; 700].into(), mode: 0o640, uid: 1, gid: 2 };
            state
                .store(&[snapshot(&format!("/{n}"), was), Record::Trigger(trigger("a", &n.to_string(), true))])
                .unwrap();
        }
        drop(state);
        let all = |state: &mut State| {
            let (triggers, kept) = (state.triggers().unwrap(), state.kept().unwrap());
            format!("{triggers:?} {:?} {:?}", kept.snapshots, kept.revert_commands)
        };
        let expected = all(&mut dir.open(Access::Write));
        let (path, pending) = (dir.0.join(NAME), dir.0.join(PENDING));
        let sound = std::fs::read(&path).unwrap();
        let mut seed = 0x5eed_0003_u64;
        let mut below = |end: usize| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            (seed % end as u64) as usize
        };
        let used = |page: &usize| sound[page * 4096..].iter().take(4096).any(|byte| *byte != 0);
        let pages: Vec<usize> = (0..sound.len() / 4096).filter(used).collect();
        let mut places: Vec<usize> = (0..320).step_by(17).collect();
        for page in &pages {
            places.extend([page * 4096, page * 4096 + below(4096), page * 4096 + below(4096)]);
        }
        let mut noticed = 0;
        for at in places {
            let mut bytes = sound.clone();
            bytes[at] ^= 1 << below(8);
            std::fs::write(&path, &bytes).unwrap();
            std::fs::write(&pending, "").unwrap();
            for access in [Access::Read, Access::Write] {
                let mut state = dir.open(access);
                let found = all(&mut state);
                let notices = state.take_notices();
                noticed += usize::from(!notices.is_empty());
                assert!(!notices.is_empty() || found == expected, "byte {at}: {found}");
            }
            dir.open(Access::Write).store(&[Record::Trigger(trigger("c", "d", false))]).unwrap();
        }
        assert!(noticed > pages.len() / 4, "{noticed} in {} pages", pages.len());
    }

    #[test]
    fn a_run_that_was_killed_while_it_made_the_database_leaves_no_damage() {
        let dir = Dir::new("unmade");
        std::fs::create_dir_all(&dir.0).unwrap();
        for name in ["state.redb.new", PENDING] {
            std::fs::write(dir.0.join(name), "half of a database").unwrap();
        }
        let mut state = dir.open(Access::Write);
        assert_eq!(state.triggers().unwrap(), []);
        state.store(&[Record::Trigger(trigger("a", "b", true))]).unwrap();
        drop(state);
        assert_eq!(dir.names(), ["lock", NAME, PENDING]);
        let mut state = dir.open(Access::Write);
        assert_eq!(state.triggers().unwrap(), [trigger("a", "b", true)]);
        assert!(state.take_notices().is_empty());
    }

    #[test]
    fn a_later_format_is_put_aside() {
        let dir = Dir::new("newer");
        std::fs::create_dir_all(&dir.0).unwrap();
        std::fs::write(dir.0.join(PENDING), "").unwrap();
        let db = Database::create(dir.0.join(NAME)).unwrap();
        let write = db.begin_write().unwrap();
        write.open_table(redb::TableDefinition::<&str, u32>::new("meta")).unwrap().insert("format", 99).unwrap();
        write.commit().unwrap();
        drop(db);
        let mut state = dir.open(Access::Write);
        assert_eq!(state.triggers().unwrap(), []);
        let notice = state.take_notices().join("");
        assert!(notice.contains("format 99") && notice.contains("unusable"), "{notice}");
    }
}
