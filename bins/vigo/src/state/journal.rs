//! What an agent's life leaves on disk: its policy, its reports, its counters. One for the life of the agent.

use super::database::{self, Unusable, contained};
use super::{Access, StateError, lock, private};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use vigo_core::agent::{BundleRecord, Counters, OrderState, Policy, Record};
use vigo_core::bundle::{OrderId, Signed};
use vigo_core::time::Timestamp;
use vigo_core::wire::message::Counts;

const NAME: &str = "agent.redb";

/// By number: encoded reports.
const REPORTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("reports");

/// `keyset`, `assignment`, `bundle`: signed, encoded.
const POLICY: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("policy");

/// Numbers by name.
const NUMBERS: TableDefinition<'_, &str, u64> = TableDefinition::new("numbers");

/// By name: the time after which it is not begun, how far it is, the answer for it.
const ORDERS: TableDefinition<'_, [u8; 16], (i64, u8, &[u8])> = TableDefinition::new("orders");

/// An agent's database. Nobody else lives from it as long as this is there.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    /// `None` after a write that failed: redb then answers nothing until the file is opened again.
    database: Option<Database>,
    /// Held, not read.
    _lock: Option<File>,
}

/// What was found in it.
#[derive(Debug)]
pub struct Opened {
    /// The policy, if there is one.
    pub policy: Option<Policy>,
    /// The reports that were not taken: numbers and sizes.
    pub reports: Vec<(u64, u64)>,
    /// The newest that was taken.
    pub taken: Option<u64>,
    /// The orders.
    pub orders: Vec<(OrderId, Timestamp, OrderState)>,
    /// The counters.
    pub counters: Counters,
    /// What people should be told.
    pub notice: Option<String>,
}

/// Why something could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// For now: a full disk, for instance.
    #[error("{0}")]
    Io(String),
    /// The file is of no use, and is put aside when it is opened again.
    #[error("`{}` is damaged: {why}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
}

impl Journal {
    /// Opens or makes it; one that is damaged is put aside first. `incarnation` is fresh randomness, for one that is made.
    ///
    /// # Errors
    /// When another agent lives from the directory, or nothing can be read or written there.
    pub fn open(dir: &Path, incarnation: u64) -> Result<(Self, Opened), StateError> {
        private::make_dir(dir).map_err(StateError::file("make directory", dir))?;
        let held = lock::take(dir, lock::LIFE, Access::Write)?;
        let path = dir.join(NAME);
        let open = || {
            let database = database::open(&path)?;
            let opened = contained(|| Ok(read(&database, incarnation)?))?;
            Ok((database, opened))
        };
        let (database, opened) = match open() {
            Ok(opened) => opened,
            Err(Unusable::Io(error)) => return Err(StateError::file("open", &path)(error)),
            Err(why) => {
                let aside = path.with_extension("redb.unusable");
                std::fs::rename(&path, &aside).map_err(StateError::file("move", &path))?;
                let (database, mut opened) =
                    open().map_err(|why| StateError::Write { path: path.clone(), why: database::told(&why) })?;
                opened.policy = salvaged(&aside);
                if let Some(Policy { keyset, assignment, bundle }) = opened.policy.clone() {
                    let bundle = bundle.map_or(BundleRecord::None, BundleRecord::New);
                    let record = Record::Policy { keyset, assignment, bundle };
                    let stored = contained(|| Ok(write(&database, &[&record])?));
                    stored.map_err(|why| StateError::Write { path: path.clone(), why: database::told(&why) })?;
                }
                let policy = match opened.policy {
                    Some(_) => "the policy in it is whole, and goes on",
                    None => "the policy in it, too, until the server gives it again",
                };
                opened.notice = Some(format!(
                    "state `{}` cannot be used: {}; moved to `{}`, reports that were not sent are lost; {policy}",
                    path.display(),
                    database::told(&why),
                    aside.display(),
                ));
                (database, opened)
            }
        };
        Ok((Self { path, database: Some(database), _lock: held }, opened))
    }

    /// Puts the database of an agent that does not live aside: what is in it is of a fleet that the machine leaves.
    ///
    /// # Errors
    /// When an agent lives from the directory, or nothing can be moved there.
    pub fn put_aside(dir: &Path) -> Result<(), StateError> {
        let _held = lock::take(dir, lock::LIFE, Access::Write)?;
        let path = dir.join(NAME);
        match std::fs::rename(&path, path.with_extension("redb.left")) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(StateError::file("move", &path)(error)),
            _ => Ok(()),
        }
    }

    /// Writes what is for the database of `records` in one transaction, which is on disk when this returns.
    ///
    /// # Errors
    /// [`JournalError`]: nothing of it was written.
    pub fn store(&mut self, records: &[Record]) -> Result<(), JournalError> {
        let is_ours = |r: &&Record| {
            !matches!(r, Record::KeySet(_) | Record::Highest(_) | Record::Certificate(_) | Record::Servers(_))
        };
        let ours: Vec<&Record> = records.iter().filter(is_ours).collect();
        if ours.is_empty() {
            return Ok(());
        }
        self.with(|database| Ok(write(database, &ours)?))
    }

    /// Returns the policy.
    ///
    /// # Errors
    /// [`JournalError`]; also when there is none.
    pub fn policy(&mut self) -> Result<Policy, JournalError> {
        let read = self.with(|database| Ok(policy(database)?))?;
        read.ok_or_else(|| self.error(Unusable::Damaged("the policy is gone".into())))
    }

    /// Returns a report; `None` when it is not there.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn report(&mut self, seq: u64) -> Result<Option<Vec<u8>>, JournalError> {
        self.with(|database| {
            let table = database.begin_read().map_err(redb::Error::from)?.open_table(REPORTS);
            let table = table.map_err(redb::Error::from)?;
            Ok(table.get(seq).map_err(redb::Error::from)?.map(|bytes| bytes.value().to_vec()))
        })
    }

    /// Does something with the database, which is opened again where that is needed.
    fn with<T>(&mut self, work: impl FnOnce(&Database) -> Result<T, Unusable>) -> Result<T, JournalError> {
        let database = match self.database.take() {
            Some(database) => database,
            None if self.path.exists() => database::open(&self.path).map_err(|why| self.error(why))?,
            None => return Err(self.error(Unusable::Damaged("it is gone".into()))),
        };
        let done = contained(|| work(&database));
        if !matches!(done, Err(Unusable::Io(_))) {
            self.database = Some(database);
        }
        done.map_err(|why| self.error(why))
    }

    fn error(&self, why: Unusable) -> JournalError {
        match why {
            Unusable::Io(error) => JournalError::Io(format!("write state `{}`: {error}", self.path.display())),
            other => JournalError::Damaged { path: self.path.clone(), why: database::told(&other) },
        }
    }
}

/// Returns the policy in a damaged file, where that is still one: it is signed, and whoever applies it looks at that.
fn salvaged(path: &Path) -> Option<Policy> {
    let policy = contained(|| {
        let database = database::open_damaged_copy(path)?;
        let policy = policy(&database)?;
        Ok(policy)
    });
    policy.ok().flatten()
}

/// Makes the tables where they are missing, and returns what is in them.
pub(super) fn read(database: &Database, incarnation: u64) -> Result<Opened, redb::Error> {
    let begin = database.begin_write()?;
    let (reports, taken, orders, counters) = {
        let reports = begin.open_table(REPORTS)?;
        let mut numbers = begin.open_table(NUMBERS)?;
        begin.open_table(POLICY)?;
        if numbers.get("incarnation")?.is_none() {
            numbers.insert("incarnation", incarnation)?;
        }
        let taken = numbers.get("taken")?.map(|n| n.value());
        let number = |name: &str| Ok(numbers.get(name)?.map_or(0, |n| n.value()));
        let counters = counters(number)?;
        let mut waiting = Vec::new();
        for entry in reports.range(taken.map_or(0, |t| t.saturating_add(1))..)? {
            let (seq, bytes) = entry?;
            waiting.push((seq.value(), bytes.value().len() as u64));
        }
        let mut orders = Vec::new();
        for entry in begin.open_table(ORDERS)?.iter()? {
            let (id, order) = entry?;
            let (not_after, state, result) = order.value();
            let state = match state {
                0 => OrderState::Begun,
                1 => OrderState::Ended(result.into()),
                _ => OrderState::Taken(result.into()),
            };
            orders.push((OrderId(id.value()), Timestamp::from_epoch_ms(not_after), state));
        }
        (waiting, taken, orders, counters)
    };
    begin.commit()?;
    // A policy that is no such is none: the server sends it again.
    Ok(Opened { policy: policy(database)?, reports, taken, orders, counters, notice: None })
}

/// Returns the counters by name. A time is its bits.
fn named(c: &Counters) -> [(&'static str, u64); 15] {
    let Counts { ok, changed, failed, skipped, blocked, unknown } = c.quiet_counts.unwrap_or_default();
    [
        ("incarnation", c.incarnation),
        ("seq", c.seq),
        ("contact", c.contact),
        ("heard", c.heard.epoch_ms().cast_unsigned()),
        ("secrets_epoch", c.secrets_epoch),
        ("lost_reports", c.lost_reports),
        ("quiet_runs", c.quiet_runs),
        ("quiet_seq", c.quiet_seq),
        ("quiet_ended", c.quiet_ended.epoch_ms().cast_unsigned()),
        ("quiet_ok", ok.into()),
        ("quiet_changed", changed.into()),
        ("quiet_failed", failed.into()),
        ("quiet_skipped", skipped.into()),
        ("quiet_blocked", blocked.into()),
        ("quiet_unknown", unknown.into()),
    ]
}

/// Reads what [`named`] returned.
fn counters(number: impl Fn(&str) -> Result<u64, redb::Error>) -> Result<Counters, redb::Error> {
    let count = |name: &str| Ok::<_, redb::Error>(u32::try_from(number(name)?).unwrap_or(u32::MAX));
    let counts = Counts {
        ok: count("quiet_ok")?,
        changed: count("quiet_changed")?,
        failed: count("quiet_failed")?,
        skipped: count("quiet_skipped")?,
        blocked: count("quiet_blocked")?,
        unknown: count("quiet_unknown")?,
    };
    let quiet_runs = number("quiet_runs")?;
    Ok(Counters {
        incarnation: number("incarnation")?,
        seq: number("seq")?,
        quiet_runs,
        quiet_seq: number("quiet_seq")?,
        quiet_counts: (quiet_runs > 0).then_some(counts),
        quiet_ended: Timestamp::from_epoch_ms(number("quiet_ended")?.cast_signed()),
        contact: number("contact")?,
        heard: Timestamp::from_epoch_ms(number("heard")?.cast_signed()),
        secrets_epoch: number("secrets_epoch")?,
        lost_reports: number("lost_reports")?,
    })
}

fn policy(database: &Database) -> Result<Option<Policy>, redb::Error> {
    let table = database.begin_read()?.open_table(POLICY)?;
    let signed = |name: &str| {
        let bytes = table.get(name)?;
        Ok::<_, redb::Error>(bytes.and_then(|bytes| Signed::decode(bytes.value()).ok()))
    };
    let (Some(keyset), Some(assignment)) = (signed("keyset")?, signed("assignment")?) else { return Ok(None) };
    Ok(Some(Policy { keyset, assignment, bundle: signed("bundle")? }))
}

pub(super) fn write(database: &Database, records: &[&Record]) -> Result<(), redb::Error> {
    let begin = database.begin_write()?;
    {
        let mut reports = begin.open_table(REPORTS)?;
        let mut policy = begin.open_table(POLICY)?;
        let mut numbers = begin.open_table(NUMBERS)?;
        let mut orders = begin.open_table(ORDERS)?;
        for record in records {
            match record {
                Record::Report { seq, bytes } => _ = reports.insert(*seq, &**bytes)?,
                Record::Forget { seqs } => {
                    for seq in seqs {
                        reports.remove(*seq)?;
                    }
                }
                Record::Taken(seq) => {
                    numbers.insert("taken", *seq)?;
                    reports.retain_in(..*seq, |_, _| false)?;
                }
                Record::Policy { keyset, assignment, bundle } => {
                    policy.insert("keyset", &*keyset.encode())?;
                    policy.insert("assignment", &*assignment.encode())?;
                    match bundle {
                        BundleRecord::Kept => {}
                        BundleRecord::New(bundle) => _ = policy.insert("bundle", &*bundle.encode())?,
                        BundleRecord::None => _ = policy.remove("bundle")?,
                    }
                }
                Record::Counters(c) => {
                    for (name, number) in named(c) {
                        numbers.insert(name, number)?;
                    }
                }
                Record::Order { id, not_after, state } => {
                    let (state, result): (u8, &[u8]) = match state {
                        OrderState::Begun => (0, &[]),
                        OrderState::Ended(result) => (1, result),
                        OrderState::Taken(result) => (2, result),
                    };
                    orders.insert(id.0, (not_after.epoch_ms(), state, result))?;
                }
                Record::ForgetOrders(ids) => {
                    for id in ids {
                        orders.remove(id.0)?;
                    }
                }
                Record::KeySet(_) | Record::Highest(_) | Record::Certificate(_) | Record::Servers(_) => {}
            }
        }
    }
    begin.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_core::bundle::{Purpose, SigningKey};

    struct Dir(PathBuf);

    impl Dir {
        fn new(name: &str) -> Self {
            let dir = std::env::temp_dir().join(format!("vigo-journal-{}-{name}", std::process::id()));
            let _ = std::fs::remove_dir_all(&dir);
            Self(dir)
        }

        fn open(&self) -> (Journal, Opened) {
            Journal::open(&self.0, 7).expect("it opens")
        }
    }

    impl Drop for Dir {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn signed(byte: u8) -> Signed {
        Signed::new(Purpose::Bundle, vec![byte; 3].into(), &SigningKey::from_bytes(&[1; 32]))
    }

    fn report(seq: u64) -> Record {
        Record::Report { seq, bytes: vec![seq as u8; 10].into() }
    }

    /// The name of the test that runs in a process of its own, whose files may not grow.
    const LIMITED: &str = "state::journal::tests::after_a_failed_write_there_is_another";

    #[test]
    fn after_a_failed_write_there_is_another() {
        if std::env::var_os("VIGO_TEST_LIMITED").is_none() {
            // A signal that is ignored stays so in the programs that are started.
            let ignore = "trap '' XFSZ; exec \"$0\" --exact \"$1\"";
            let own = std::env::current_exe().expect("a test is a program");
            let mut child = std::process::Command::new("sh");
            let child = child.args(["-c", ignore]).arg(own).arg(LIMITED).env("VIGO_TEST_LIMITED", "1");
            let output = child.output().expect("there is a shell");
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success() && said.contains("1 passed"), "{said}");
            return;
        }
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let dir = Dir::new("limited");
        let (mut journal, _) = dir.open();
        journal.store(&[report(1)]).expect("it stores");
        let size = std::fs::metadata(dir.0.join(NAME)).expect("it is there").len();
        let before = getrlimit(Resource::Fsize);
        setrlimit(Resource::Fsize, Rlimit { current: Some(size), ..before }).expect("less is always allowed");
        let large = Record::Report { seq: 2, bytes: vec![7; 8 << 20].into() };
        for _ in 0..3 {
            let refused = journal.store(std::slice::from_ref(&large)).expect_err("there is no room");
            assert!(matches!(refused, JournalError::Io(_)), "{refused:?}");
        }
        assert_eq!(journal.report(1).expect("it is read").map(|bytes| bytes.len()), Some(10));
        setrlimit(Resource::Fsize, before).expect("it was so before");
        journal.store(&[large]).expect("there is room again");
        drop(journal);
        assert_eq!(dir.open().1.reports, [(1, 10), (2, 8 << 20)]);
    }

    #[test]
    fn what_was_stored_is_found_again() {
        let dir = Dir::new("again");
        let (mut journal, opened) = dir.open();
        assert!(opened.policy.is_none() && opened.reports.is_empty() && opened.taken.is_none());
        assert_eq!(opened.counters, Counters { incarnation: 7, ..Counters::default() });
        let counts = vigo_core::wire::message::Counts { ok: 5, ..Default::default() };
        let counters = Counters {
            incarnation: 7,
            seq: 9,
            quiet_runs: 4,
            quiet_seq: 8,
            quiet_counts: Some(counts),
            quiet_ended: Timestamp::from_epoch_ms(-5),
            contact: u64::MAX,
            heard: Timestamp::from_epoch_ms(-7),
            secrets_epoch: 3,
            lost_reports: 2,
        };
        let policy = |assignment, bundle| Record::Policy { keyset: signed(1), assignment: signed(assignment), bundle };
        let records = [report(1), report(2), report(3), report(4), policy(2, BundleRecord::New(signed(3)))];
        journal.store(&records).expect("it stores");
        journal.store(&[Record::Taken(2), Record::Forget { seqs: vec![3] }]).expect("it stores");
        journal.store(&[policy(4, BundleRecord::Kept), Record::Counters(counters)]).expect("it stores");
        journal.store(&[Record::Highest(signed(1))]).expect("it is not ours");
        drop(journal);
        let (mut journal, opened) = Journal::open(&dir.0, 8).expect("it opens");
        assert_eq!(opened.counters, counters);
        assert_eq!((opened.reports, opened.taken), (vec![(4, 10)], Some(2)));
        let expected = Policy { keyset: signed(1), assignment: signed(4), bundle: Some(signed(3)) };
        assert_eq!(opened.policy, Some(expected.clone()));
        assert_eq!(journal.policy().expect("it is there"), expected);
        let found = [1, 2, 3, 4].map(|seq| journal.report(seq).expect("it reads").is_some());
        assert_eq!(found, [false, true, false, true], "the newest that was taken is kept");
        journal.store(&[policy(5, BundleRecord::None)]).expect("it stores");
        assert_eq!(journal.policy().expect("it is there").bundle, None);
    }

    #[test]
    fn two_agents_do_not_live_from_one_directory() {
        let dir = Dir::new("two");
        let (_journal, _) = dir.open();
        assert!(matches!(Journal::open(&dir.0, 8), Err(StateError::Locked { .. })));
    }

    #[test]
    fn a_damaged_file_is_put_aside_with_a_notice_and_life_goes_on() {
        let dir = Dir::new("damaged");
        dir.open().0.store(&[report(1)]).expect("it stores");
        let path = dir.0.join(NAME);
        std::fs::write(&path, b"no database at all, whatever its name says".repeat(200)).expect("write");
        let (mut journal, opened) = Journal::open(&dir.0, 8).expect("it opens");
        let notice = opened.notice.expect("it is told");
        assert!(notice.contains("moved to") && path.with_extension("redb.unusable").exists(), "{notice}");
        assert_eq!((opened.counters.incarnation, opened.reports.len()), (8, 0));
        journal.store(&[report(1)]).expect("it stores");
    }

    /// Returns all that is in it.
    fn all(journal: &mut Journal, opened: &Opened) -> String {
        let reports: Vec<_> = opened.reports.iter().map(|(seq, _)| journal.report(*seq).expect("it reads")).collect();
        format!("{:?} {reports:?} {:?} {:?} {:?}", opened.policy, opened.taken, opened.orders, opened.counters)
    }

    /// Makes one with something of everything, and returns its bytes and what is in it.
    fn sound(dir: &Dir) -> (Vec<u8>, String) {
        let (mut journal, _) = dir.open();
        let long = |seq| Record::Report { seq, bytes: (0..3000_u32).map(|n| (n as u8) ^ (seq as u8)).collect() };
        let bundle = Signed::new(Purpose::Bundle, vec![3; 5000].into(), &SigningKey::from_bytes(&[1; 32]));
        let order = |n| Record::Order {
            id: OrderId([n; 16]),
            not_after: Timestamp::from_epoch_ms(9),
            state: OrderState::Ended(vec![n; 9].into()),
        };
        let policy = Record::Policy { keyset: signed(1), assignment: signed(2), bundle: BundleRecord::New(bundle) };
        journal.store(&[long(1), policy, order(1)]).expect("it stores");
        for seq in 2..9 {
            journal.store(&[long(seq), order(seq as u8)]).expect("it stores");
        }
        journal.store(&[Record::Taken(3)]).expect("it stores");
        drop(journal);
        let (mut journal, opened) = dir.open();
        let all = all(&mut journal, &opened);
        drop(journal);
        (std::fs::read(dir.0.join(NAME)).expect("it is there"), all)
    }

    #[test]
    fn a_byte_that_a_disk_has_changed_is_noticed_or_changes_nothing() {
        let dir = Dir::new("flipped");
        let (sound, expected) = sound(&dir);
        let path = dir.0.join(NAME);
        let mut seed = 0x5eed_0002_u64;
        let mut below = |end: usize| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            (seed % end as u64) as usize
        };
        let used = |page: &usize| sound[page * 4096..].iter().take(4096).any(|byte| *byte != 0);
        let pages: Vec<usize> = (0..sound.len() / 4096).filter(used).collect();
        let mut places: Vec<usize> = (0..320).step_by(7).collect();
        for page in &pages {
            places.extend([page * 4096, page * 4096 + below(16), page * 4096 + below(4096), page * 4096 + below(4096)]);
        }
        let (mut noticed, mut salvaged, tried) = (0, 0, places.len());
        for at in places {
            let mut bytes = sound.clone();
            bytes[at] ^= 1 << below(8);
            std::fs::write(&path, &bytes).expect("write");
            let (mut journal, opened) = dir.open();
            if let Some(notice) = &opened.notice {
                noticed += 1;
                assert!(notice.contains("moved to"), "{notice}");
                assert!(opened.reports.is_empty());
                if let Some(policy) = &opened.policy {
                    salvaged += 1;
                    let is_whole = |signed: &Signed| Signed::decode(&signed.encode()).as_ref() == Ok(signed);
                    assert!(is_whole(&policy.assignment) && journal.policy().expect("it was stored") == *policy);
                }
            } else {
                assert_eq!(all(&mut journal, &opened), expected, "byte {at}");
            }
            journal.store(&[report(100)]).expect("life goes on");
            drop(journal);
            assert!(dir.open().1.notice.is_none(), "byte {at}: once is enough");
        }
        println!("{noticed} of {tried} were noticed; in {salvaged} of these the policy was still there");
        assert!(noticed > pages.len() / 4 && salvaged > noticed / 3, "{noticed} of {tried}, {salvaged}");
    }

    #[test]
    fn nobody_else_reads_it() {
        use std::os::unix::fs::PermissionsExt;
        let dir = Dir::new("private");
        let _journal = dir.open();
        let mode = std::fs::metadata(dir.0.join(NAME)).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
