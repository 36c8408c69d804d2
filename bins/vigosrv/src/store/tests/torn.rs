//! A power cut in the middle of a write: what was acknowledged is there after it.

use super::*;

/// Bytes that a disk writes at once.
const SECTOR: usize = 512;

/// What somebody was told, and how long the log was when he was: `audit` rows by their subject.
struct Written {
    database: Vec<u8>,
    log: Vec<u8>,
    acknowledged: Vec<usize>,
    /// The database as it is when the log was written back.
    after: Vec<u8>,
}

fn written() -> Written {
    let temp = Temp::new("torn-write");
    temp.store.close();
    let (path, log) = (temp.dir.join("vigo.db"), temp.dir.join("vigo.db-wal"));
    // Nobody writes the log back meanwhile.
    let store = Store::open_as(&path, &temp.dir.join("revoked"), Log::Litestreams, NOW).unwrap();
    let database = fs::read(&path).unwrap();
    let mut acknowledged = Vec::new();
    for n in 0..40_usize {
        // Some of a page, some of many.
        let detail = "d".repeat(1000 * (n % 5));
        let entry = Entry { actor: Actor::Server, action: "test", subject: n.to_string(), detail };
        temp.run(store.audit(entry, NOW)).unwrap();
        acknowledged.push(fs::metadata(&log).unwrap().len() as usize);
    }
    let log = fs::read(&log).unwrap();
    assert_eq!(fs::read(&path).unwrap(), database, "all of it is in the log");
    store.close();
    Written { database, log, acknowledged, after: fs::read(&path).unwrap() }
}

/// Opens a database with a log as they are after a power cut, and returns the subjects of its audit.
fn rows(name: &str, database: &[u8], log: &[u8]) -> Result<Vec<usize>, StoreError> {
    let temp = Temp::new(name);
    temp.store.close();
    let path = temp.dir.join("vigo.db");
    fs::write(&path, database).unwrap();
    fs::write(temp.dir.join("vigo.db-wal"), log).unwrap();
    look(&path)?;
    let store = open(&temp.dir)?;
    let rows = temp.run(async {
        assert_eq!(store.check().await?, Vec::<String>::new());
        assert!(matches!(store.verify_audit().await?, Verified::Whole { .. }));
        store.audit_rows(None, 1000).await
    });
    store.close();
    let rows = rows?;
    Ok(rows.iter().rev().filter(|row| row.action == "test").map(|row| row.subject.parse().unwrap()).collect())
}

#[test]
fn what_was_acknowledged_outlasts_a_log_that_is_cut_anywhere() {
    let Written { database, log, acknowledged, .. } = written();
    let page = 4096;
    let frame = page + 24;
    assert_eq!((log.len() - 32) % frame, 0);
    let frames = (log.len() - 32) / frame;
    let mut seed = 0x5eed_0004_u64;
    let mut below = |end: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % end as u64) as usize
    };
    let mut cuts: Vec<usize> = vec![0, 1, 31, 32, 33];
    for at in 0..=frames {
        let edge = 32 + at * frame;
        cuts.extend([edge, edge.saturating_sub(1 + below(60)), edge + below(frame)]);
    }
    for (round, cut) in cuts.into_iter().enumerate() {
        let cut = cut.min(log.len());
        // Behind it there is nothing, or what lay there before: anything.
        let mut torn = log[..cut].to_vec();
        if round % 2 == 1 {
            torn.extend((cut..log.len()).map(|_| below(256) as u8));
        }
        let found = rows("torn-log", &database, &torn).unwrap_or_else(|e| panic!("cut at {cut}: {e}"));
        assert!(found.iter().copied().eq(0..found.len()), "cut at {cut}: {found:?} has a gap");
        let told = acknowledged.iter().filter(|end| **end <= cut).count();
        assert!(found.len() >= told && found.len() <= told + 1, "cut at {cut}: {} of {told}", found.len());
    }
}

#[test]
fn what_was_acknowledged_outlasts_a_database_that_was_half_written_back() {
    let Written { database, log, acknowledged, after } = written();
    let mut seed = 0x5eed_0005_u64;
    let mut below = |end: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % end
    };
    for round in 0..60 {
        // Each sector is the old or the new one, or, where the file has grown, nothing yet.
        let mut torn = database.clone();
        let len = if round % 3 == 0 { after.len() } else { database.len() + below(64) as usize * SECTOR };
        torn.resize(len.clamp(database.len(), after.len()), 0);
        for (old, new) in torn.chunks_mut(SECTOR).zip(after.chunks(SECTOR)) {
            if below(2) == 0 {
                old.copy_from_slice(&new[..old.len()]);
            }
        }
        let found = rows("torn-pages", &torn, &log).unwrap_or_else(|e| panic!("round {round}: {e}"));
        assert_eq!(found.len(), acknowledged.len(), "round {round}");
    }
}
