//! Power cuts and full disks below the databases: what was acknowledged is there after them.

use super::database;
use super::journal;
use redb::{Database, StorageBackend};
use std::io::{Error, ErrorKind, Result};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use vigo_core::agent::Record;
use vigo_core::converge::{Record as OfRun, StoredTrigger};
use vigo_core::resource::{Kept, Snapshot};

/// Bytes that a disk writes at once.
const SECTOR: usize = 512;

/// Numbers that look random, from a seed.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

/// A disk that may lose what was not synced. Clones are the same one.
#[derive(Clone, Debug, Default)]
struct Disk(Arc<Mutex<Platter>>);

#[derive(Debug, Default)]
struct Platter {
    /// As it is read.
    seen: Vec<u8>,
    /// As it is after a power cut, at least.
    synced: Vec<u8>,
    /// What was written since: offset and bytes; or the length of the file.
    waiting: Vec<(u64, Option<Vec<u8>>)>,
    /// Calls until each fails: the disk is full, or gone.
    calls_left: Option<u64>,
    /// The file may not be longer.
    room: Option<u64>,
}

impl Disk {
    fn of(bytes: Vec<u8>) -> Self {
        Self(Arc::new(Mutex::new(Platter { seen: bytes.clone(), synced: bytes, ..Platter::default() })))
    }

    fn platter(&self) -> MutexGuard<'_, Platter> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Cuts the power: of what was not synced some is there, some is not, and some in part, sector by sector.
    fn cut(&self, random: &mut Random) -> Vec<u8> {
        let platter = self.platter();
        let mut left = platter.synced.clone();
        for (at, bytes) in &platter.waiting {
            let Some(bytes) = bytes else {
                if random.below(2) == 0 {
                    left.resize(*at as usize, 0);
                }
                continue;
            };
            let fate = random.below(3);
            for (n, sector) in bytes.chunks(SECTOR).enumerate() {
                let from = *at as usize + n * SECTOR;
                if fate == 0 || (fate == 1 && random.below(2) == 0) || from + sector.len() > left.len() {
                    continue;
                }
                left[from..from + sector.len()].copy_from_slice(sector);
            }
        }
        left
    }
}

impl Platter {
    fn counted(&mut self) -> Result<()> {
        match &mut self.calls_left {
            Some(0) => Err(Error::other("the power is cut")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> Result<u64> {
        Ok(self.platter().seen.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        let platter = self.platter();
        let from = platter.seen.get(offset as usize..).and_then(|rest| rest.get(..out.len()));
        out.copy_from_slice(from.ok_or_else(|| Error::from(ErrorKind::UnexpectedEof))?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> Result<()> {
        let mut platter = self.platter();
        platter.counted()?;
        if platter.room.is_some_and(|room| len > room) {
            return Err(Error::from(ErrorKind::StorageFull));
        }
        platter.seen.resize(len as usize, 0);
        platter.waiting.push((len, None));
        Ok(())
    }

    fn sync_data(&self) -> Result<()> {
        let mut platter = self.platter();
        platter.counted()?;
        platter.synced = platter.seen.clone();
        platter.waiting.clear();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<()> {
        let mut platter = self.platter();
        platter.counted()?;
        let end = offset as usize + data.len();
        if platter.seen.len() < end {
            platter.seen.resize(end, 0);
        }
        platter.seen[offset as usize..end].copy_from_slice(data);
        platter.waiting.push((offset, Some(data.to_vec())));
        Ok(())
    }
}

fn open(disk: &Disk) -> std::result::Result<Database, String> {
    database::open_on(disk.clone()).map_err(|why| database::told(&why))
}

/// Returns the numbers of the reports that are there; each has its own bytes.
fn reports(database: &Database) -> Vec<u64> {
    let opened = journal::read(database, 7).expect("it is read");
    opened.reports.iter().map(|(seq, _)| *seq).collect()
}

fn report(seq: u64) -> Record {
    Record::Report { seq, bytes: vec![seq as u8; 300 + 700 * (seq as usize % 5)].into() }
}

#[test]
fn what_was_acknowledged_outlasts_a_power_cut_at_any_call() {
    for seed in 1..=60_u64 {
        let mut random = Random(seed * 0x9e37_79b9);
        let disk = Disk::default();
        let database = open(&disk).expect("it is made");
        journal::read(&database, 7).expect("it has its tables");
        let calls = 1 + random.below(120);
        disk.platter().calls_left = Some(calls);
        let (mut acknowledged, mut tried) = (0, 0);
        while tried < 40 {
            tried += 1;
            let stored = database::contained(|| Ok(journal::write(&database, &[&report(tried)])?));
            match stored {
                Ok(()) => acknowledged = tried,
                Err(_) => break,
            }
        }
        let after = disk.cut(&mut random);
        drop(database);
        let disk = Disk::of(after);
        let database = open(&disk).unwrap_or_else(|why| panic!("seed {seed}, {calls} calls: {why}"));
        let found = reports(&database);
        assert!(found.iter().copied().eq(1..=found.len() as u64), "seed {seed}: {found:?}");
        let found = found.len() as u64;
        assert!(found == acknowledged || found == tried, "seed {seed}: {found} of {acknowledged}, {tried} were tried");
        journal::write(&database, &[&report(tried + 1)]).expect("life goes on");
    }
}

#[test]
fn a_full_disk_takes_nothing_that_was_acknowledged() {
    for seed in 1..=10_u64 {
        let mut random = Random(seed * 0x9e37_79b9);
        let disk = Disk::default();
        let database = open(&disk).expect("it is made");
        journal::read(&database, 7).expect("it has its tables");
        let full = disk.platter().seen.len() as u64;
        disk.platter().room = Some(full + random.below(64) * 4096);
        let large = |seq| Record::Report { seq, bytes: vec![seq as u8; 200_000].into() };
        let mut acknowledged = 0;
        let refused = loop {
            match database::contained(|| Ok(journal::write(&database, &[&large(acknowledged + 1)])?)) {
                Ok(()) => acknowledged += 1,
                Err(why) => break why,
            }
        };
        assert!(matches!(refused, database::Unusable::Io(_)), "seed {seed}: {refused:?}");
        let after = disk.cut(&mut random);
        drop(database);
        for bytes in [after, disk.platter().seen.clone()] {
            let database = open(&Disk::of(bytes)).unwrap_or_else(|why| panic!("seed {seed}: {why}"));
            assert_eq!(reports(&database).len() as u64, acknowledged, "seed {seed}");
        }
        disk.platter().room = None;
        let database = open(&disk).expect("it opens");
        journal::write(&database, &[&large(acknowledged + 1)]).expect("there is room again");
        assert_eq!(reports(&database).len() as u64, acknowledged + 1);
    }
}

#[test]
fn what_a_run_has_noted_outlasts_a_power_cut() {
    let trigger =
        |n: u64| OfRun::Trigger(StoredTrigger { source: "a".into(), target: n.to_string().into(), fired: true });
    let snapshot = |n: u64| {
        let kept = Kept::File { content: vec![n as u8; 900].into(), mode: 0o600, uid: 0, gid: 0 };
        OfRun::Snapshot(Snapshot { type_name: "file".into(), target: n.to_string().into(), kept, reverted: false })
    };
    for seed in 1..=40_u64 {
        let mut random = Random(seed * 0x9e37_79b9);
        let disk = Disk::default();
        let database = open(&disk).expect("it is made");
        disk.platter().calls_left = Some(1 + random.below(100));
        let (mut acknowledged, mut tried) = (0, 0);
        while tried < 30 {
            tried += 1;
            match database::store(&database, [trigger(tried), snapshot(tried)].iter()) {
                Ok(_) => acknowledged = tried,
                Err(_) => break,
            }
        }
        let after = disk.cut(&mut random);
        drop(database);
        let database = open(&Disk::of(after)).unwrap_or_else(|why| panic!("seed {seed}: {why}"));
        let triggers = database::triggers(&database).expect("they are read").len() as u64;
        let snapshots = database::kept(&database).expect("they are read").snapshots.len() as u64;
        assert_eq!(triggers, snapshots, "seed {seed}: one transaction");
        assert!(triggers == acknowledged || triggers == tried, "seed {seed}: {triggers} of {acknowledged}, {tried}");
    }
}
