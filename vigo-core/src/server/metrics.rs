//! What a server measures, as Prometheus reads it: its text format, version 0.0.4.

use crate::time::Timestamp;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use core::fmt::Write as _;

/// What a server measures.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Metrics {
    /// The version of the program.
    pub version: String,
    /// When it started.
    pub started: Timestamp,
    /// How many envoys there are of each status word.
    pub envoys: BTreeMap<String, u64>,
    /// Check-ins that were answered since it started.
    pub check_ins: u64,
    /// Check-ins that were told to come later.
    pub check_ins_put_off: u64,
    /// Connections of agents that were taken, and refused.
    pub connections: (u64, u64),
    /// What is known of backups; none where none are made by schedule.
    pub backup: Option<BackupMetrics>,
    /// Bytes that are free where the server keeps its data; none where the system does not say.
    pub disk_free: Option<u64>,
    /// Bytes of the database's write-ahead log.
    pub wal_bytes: u64,
    /// How often the database was found to have gone back.
    pub restored: u64,
    /// The alarms that stand, by their words, and those that do not.
    pub alarms: BTreeMap<&'static str, bool>,
}

/// What is known of the backups that are made by schedule.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct BackupMetrics {
    /// When the newest good one was made.
    pub last_good: Option<Timestamp>,
    /// When it was last looked at as a whole, and was good.
    pub last_verified: Option<Timestamp>,
    /// How often making or looking at one has failed, ever.
    pub failed: u64,
    /// Bytes that are free where they are kept.
    pub disk_free: Option<u64>,
}

/// The type of what is measured.
const GAUGE: &str = "gauge";
const COUNTER: &str = "counter";

impl Metrics {
    /// Returns the text.
    pub fn text(&self) -> String {
        let mut out = String::new();
        let mut family = |name: &str, kind: &str, help: &str, samples: &[(String, u64)]| {
            // A `String` takes all that is written to it.
            let _ = write!(out, "# HELP vigo_{name} {help}\n# TYPE vigo_{name} {kind}\n");
            for (labels, value) in samples {
                let _ = writeln!(out, "vigo_{name}{labels} {value}");
            }
        };
        let one = |value: u64| [(String::new(), value)];
        let seconds = |at: Timestamp| u64::try_from(at.epoch_secs()).unwrap_or(0);
        let labelled = |name: &str, value: &str| format!("{{{name}=\"{}\"}}", escaped(value));
        let version = [(labelled("version", &self.version), 1)];
        family("up", GAUGE, "The server answers.", &one(1));
        family("build_info", GAUGE, "The version of vigosrv.", &version);
        family("start_time_seconds", GAUGE, "When the server started, since 1970.", &one(seconds(self.started)));
        let envoys: alloc::vec::Vec<_> =
            self.envoys.iter().map(|(word, count)| (labelled("status", word), *count)).collect();
        family("envoys", GAUGE, "Envoys by status, the words of `vigocli envoys list`.", &envoys);
        family("check_ins_total", COUNTER, "Check-ins that were answered.", &one(self.check_ins));
        family(
            "check_ins_put_off_total",
            COUNTER,
            "Check-ins that were told to come later, because there were too many.",
            &one(self.check_ins_put_off),
        );
        let (taken, refused) = self.connections;
        family("connections_total", COUNTER, "Connections of agents that were taken.", &one(taken));
        family("connections_refused_total", COUNTER, "Connections of agents that were refused.", &one(refused));
        if let Some(backup) = &self.backup {
            let at = |at: Option<Timestamp>| one(at.map_or(0, seconds));
            let text = "When the newest good backup was made, since 1970; 0 where there is none.";
            family("backup_last_good_seconds", GAUGE, text, &at(backup.last_good));
            let text = "When the newest backup was last verified and was good, since 1970; 0 where it never was.";
            family("backup_last_verified_seconds", GAUGE, text, &at(backup.last_verified));
            let text = "How often making or verifying a backup has failed.";
            family("backup_failed_total", COUNTER, text, &one(backup.failed));
            if let Some(free) = backup.disk_free {
                family("backup_disk_free_bytes", GAUGE, "Bytes that are free where backups are kept.", &one(free));
            }
        }
        if let Some(free) = self.disk_free {
            family("disk_free_bytes", GAUGE, "Bytes that are free where the server keeps its data.", &one(free));
        }
        family("wal_bytes", GAUGE, "Bytes of the database's write-ahead log.", &one(self.wal_bytes));
        let text = "How often the database was found to have been put back to an earlier state.";
        family("restored_total", COUNTER, text, &one(self.restored));
        let alarms: alloc::vec::Vec<_> =
            self.alarms.iter().map(|(word, stands)| (labelled("event", word), u64::from(*stands))).collect();
        family("alarm", GAUGE, "Whether somebody has to look, by the event of `notify`.", &alarms);
        out
    }
}

/// Returns the value of a label.
fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        match c {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_one_that_prometheus_reads() {
        let at = |seconds| Some(Timestamp::from_epoch_secs(seconds));
        let metrics = Metrics {
            version: "1.2.3".into(),
            started: Timestamp::from_epoch_secs(1_800_000_000),
            envoys: [("no data".into(), 1), ("a\"\\\nb".into(), 2)].into(),
            check_ins: 3,
            backup: Some(BackupMetrics { last_good: at(4), failed: 5, disk_free: Some(6), last_verified: None }),
            disk_free: Some(7),
            wal_bytes: 8,
            restored: 9,
            alarms: [("backup-old", true), ("restored", false)].into(),
            ..Metrics::default()
        };
        let text = metrics.text();
        let samples = [
            "vigo_up 1",
            "vigo_build_info{version=\"1.2.3\"} 1",
            "vigo_envoys{status=\"no data\"} 1",
            "vigo_envoys{status=\"a\\\"\\\\\\nb\"} 2",
            "vigo_check_ins_total 3",
            "vigo_backup_last_good_seconds 4",
            "vigo_backup_last_verified_seconds 0",
            "vigo_backup_failed_total 5",
            "vigo_backup_disk_free_bytes 6",
            "vigo_disk_free_bytes 7",
            "vigo_wal_bytes 8",
            "vigo_restored_total 9",
            "vigo_alarm{event=\"backup-old\"} 1",
            "vigo_alarm{event=\"restored\"} 0",
        ];
        for sample in samples {
            assert!(text.lines().any(|line| line == sample), "{sample} in\n{text}");
        }
        let mut family = "";
        for line in text.lines() {
            match line.strip_prefix("# ") {
                Some(head) => {
                    let name = head.split(' ').nth(1).unwrap();
                    assert!(head.starts_with("HELP ") || (head.starts_with("TYPE ") && name == family), "{line}");
                    family = name;
                }
                None => {
                    let name = line.split(['{', ' ']).next().unwrap();
                    assert_eq!(name, family, "{line}");
                    assert!(line.rsplit(' ').next().unwrap().parse::<u64>().is_ok(), "{line}");
                }
            }
        }
        assert!(!Metrics::default().text().contains("backup"), "nothing is made by schedule");
    }
}
