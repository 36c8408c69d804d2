//! Secrets that somebody else keeps: asked for, remembered for a moment, and looked at again and again for new values.

use super::local::Secret;
use super::seen::{self, Known, Seen};
use super::source::{NotHad, Source};
use super::{VaultError, record_file};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use vigo_core::secret::{ProofKey, SecretValue};
use vigo_core::time::Timestamp;

/// How long a failure is an answer to others: who does not answer is not asked by each envoy in turn.
const FAILED_FOR: Duration = Duration::from_secs(10);

/// Secrets that somebody else keeps.
pub struct Outside {
    source: Source,
    dir: PathBuf,
    key: ProofKey,
    /// How long a value is one: until it is looked at again.
    period: Duration,
    state: Mutex<State>,
    /// Held by who asks: one question at a time.
    asking: Mutex<()>,
}

#[derive(Default)]
struct State {
    seen: Seen,
    /// Those that there are not, as far as was looked.
    missing: BTreeSet<Arc<str>>,
    answers: BTreeMap<Arc<str>, (Instant, Result<SecretValue, NotHad>)>,
    /// Since when nobody answers, and why.
    down: Option<(Instant, String)>,
}

impl Outside {
    /// Makes one that remembers in `dir` what it has seen.
    ///
    /// # Errors
    /// [`VaultError::Disk`], [`VaultError::Readable`], [`VaultError::NotMasterKey`].
    pub(super) fn open(dir: &Path, source: Source, period: Duration) -> Result<Self, VaultError> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(VaultError::disk("make", dir))?;
        // What an interrupted write has left.
        record_file::scan(dir)?;
        let (key, seen) = (seen::key(dir)?, seen::read(dir));
        let state = Mutex::new(State { seen, ..State::default() });
        Ok(Self { source, dir: dir.into(), key, period, state, asking: Mutex::default() })
    }

    /// Returns the word of `server.yaml`.
    pub(super) fn word(&self) -> &'static str {
        self.source.word()
    }

    /// Returns those that were seen, sorted.
    pub(super) fn list(&self) -> Vec<Secret> {
        let state = self.state();
        let there = state.seen.iter().filter(|(path, _)| !state.missing.contains(*path));
        let time = |revision: u64| Timestamp::from_epoch_ms(i64::try_from(revision).unwrap_or(i64::MAX));
        there.map(|(path, known)| Secret { path: path.clone(), changed_at: Some(time(known.revision)) }).collect()
    }

    /// Returns whether there may be such a secret: not where it was looked for in vain.
    pub(super) fn has(&self, path: &str) -> bool {
        !self.state().missing.contains(path)
    }

    /// Returns which value of a secret it is.
    pub(super) fn revision(&self, path: &str) -> Option<u64> {
        self.state().seen.get(path).map(|known| known.revision)
    }

    /// Returns the value of a secret.
    ///
    /// # Errors
    /// [`VaultError::Unknown`], [`VaultError::Outside`].
    pub(super) fn get(&self, path: &str) -> Result<SecretValue, VaultError> {
        let known = || self.remembered(path).or_else(|| self.is_down().map(Err));
        let answer = known().unwrap_or_else(|| {
            let _turn = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
            // Somebody else may have asked meanwhile.
            known().unwrap_or_else(|| self.ask(path))
        });
        answer.map_err(|why| self.error(path, why))
    }

    /// Looks at these secrets, and returns whether one of them has a new value: what was seen is on the disk then.
    ///
    /// # Errors
    /// [`VaultError::Disk`]: nothing is new until it can be written.
    pub(super) fn look(&self, paths: &[Arc<str>], now: Timestamp) -> Result<bool, VaultError> {
        let mut found = self.state().seen.clone();
        let before = found.clone();
        // Those that nobody refers to any more are forgotten.
        found.retain(|path, _| paths.contains(path));
        self.state().answers.retain(|path, _| paths.contains(path));
        let newest = |seen: &Seen| seen.values().map(|known| known.revision).max().unwrap_or(0);
        let clock = u64::try_from(now.epoch_ms()).unwrap_or(0);
        for path in paths {
            let asking = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
            let value = self.ask(path);
            drop(asking);
            match value {
                Ok(value) => {
                    let digest = seen::digest(&self.key, path, &value);
                    if found.get(path).is_none_or(|known| known.digest != digest) {
                        let revision = clock.max(newest(&found).max(newest(&before)).saturating_add(1));
                        found.insert(path.clone(), Known { revision, digest });
                    }
                }
                Err(why) => tracing::warn!("{}", self.error(path, why)),
            }
            // Who does not answer is not asked for all the others, too.
            if self.is_down().is_some() {
                break;
            }
        }
        if found == before {
            return Ok(false);
        }
        seen::write(&self.dir, &found)?;
        let is_new = found.iter().any(|(path, known)| before.get(path) != Some(known));
        self.state().seen = found;
        Ok(is_new)
    }

    fn remembered(&self, path: &str) -> Option<Result<SecretValue, NotHad>> {
        let state = self.state();
        let (at, answer) = state.answers.get(path)?;
        let is_fresh = at.elapsed() < if answer.is_ok() { self.period } else { FAILED_FOR };
        is_fresh.then(|| answer.clone())
    }

    fn is_down(&self) -> Option<NotHad> {
        let state = self.state();
        let (since, why) = state.down.as_ref()?;
        (since.elapsed() < FAILED_FOR).then(|| NotHad::Down(why.clone()))
    }

    fn ask(&self, path: &str) -> Result<SecretValue, NotHad> {
        let answer = self.source.fetch(path);
        let mut state = self.state();
        state.down = None;
        match &answer {
            Ok(_) => _ = state.missing.remove(path),
            Err(NotHad::Unknown) => _ = state.missing.insert(path.into()),
            Err(NotHad::Refused(_)) => {}
            Err(NotHad::Down(why)) => state.down = Some((Instant::now(), why.clone())),
        }
        if !matches!(answer, Err(NotHad::Down(_))) {
            state.answers.insert(path.into(), (Instant::now(), answer.clone()));
        }
        answer
    }

    fn error(&self, path: &str, why: NotHad) -> VaultError {
        match why {
            NotHad::Unknown => VaultError::Unknown { path: path.into() },
            NotHad::Refused(why) | NotHad::Down(why) => VaultError::Outside { path: path.into(), why },
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of values, and a program that prints them and notes each question.
    struct Rig(PathBuf);

    impl Rig {
        fn new(name: &str) -> Self {
            let dir = std::env::temp_dir().join(format!("vigosrv-outside-{}-{name}", std::process::id()));
            let _ = fs::remove_dir_all(&dir);
            fs::create_dir_all(&dir).unwrap();
            Self(dir)
        }

        fn open(&self, period: Duration) -> Outside {
            let dir = self.0.display();
            let script = format!("read path; echo $path >> {dir}/asked; cat {dir}/$path");
            let argv = ["/bin/sh", "-c", &script].map(String::from).to_vec();
            Outside::open(&self.0.join("kept"), Source::Command(argv), period).unwrap()
        }

        fn set(&self, path: &str, value: &str) {
            fs::write(self.0.join(path), value).unwrap();
        }

        fn asked(&self) -> usize {
            fs::read_to_string(self.0.join("asked")).unwrap_or_default().lines().count()
        }
    }

    impl Drop for Rig {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    const LONG: Duration = Duration::from_secs(3600);

    fn paths(paths: &[&str]) -> Vec<Arc<str>> {
        paths.iter().map(|path| Arc::from(*path)).collect()
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_epoch_secs(1_795_262_400 + seconds)
    }

    #[test]
    fn a_new_value_is_a_new_revision_also_after_a_restart() {
        let rig = Rig::new("revision");
        rig.set("a", "1");
        rig.set("b", "1");
        let outside = rig.open(LONG);
        assert_eq!(outside.revision("a"), None);
        assert!(outside.look(&paths(&["a", "b"]), at(0)).unwrap());
        let first = outside.revision("a").unwrap();
        assert_ne!(Some(first), outside.revision("b"));
        assert!(!outside.look(&paths(&["a", "b"]), at(1)).unwrap(), "nothing is new");
        drop(outside);
        let outside = rig.open(LONG);
        assert!(!outside.look(&paths(&["a", "b"]), at(2)).unwrap(), "nor after a restart");
        assert_eq!(outside.revision("a"), Some(first));
        rig.set("a", "2");
        // Also by a clock that went back.
        assert!(outside.look(&paths(&["a", "b"]), at(-99)).unwrap());
        assert!(outside.revision("a") > outside.revision("b"));
        assert_eq!(outside.get("a").unwrap().reveal(), "2");
        let kept = fs::read_to_string(rig.0.join("kept/.seen")).unwrap();
        assert!(kept.lines().count() == 3 && kept.contains("\na "), "{kept}");
        fs::write(rig.0.join("kept/.seen"), "damaged").unwrap();
        assert_eq!(rig.open(LONG).revision("a"), None);
    }

    #[test]
    fn a_value_is_asked_for_once_in_a_while_whoever_wants_it() {
        let rig = Rig::new("cache");
        rig.set("a", "1");
        let outside = rig.open(LONG);
        for _ in 0..5 {
            assert_eq!(outside.get("a").unwrap().reveal(), "1");
            assert!(matches!(outside.get("none"), Err(VaultError::Outside { .. })));
        }
        assert_eq!(rig.asked(), 2);
        rig.set("a", "2");
        assert_eq!(outside.get("a").unwrap().reveal(), "1", "until it is looked at");
        outside.look(&paths(&["a"]), at(0)).unwrap();
        assert_eq!(outside.get("a").unwrap().reveal(), "2");
        let hasty = rig.open(Duration::ZERO);
        rig.set("a", "3");
        assert_eq!(hasty.get("a").unwrap().reveal(), "3");
    }

    #[test]
    fn who_does_not_answer_changes_nothing_and_is_not_asked_again_at_once() {
        let rig = Rig::new("down");
        rig.set("a", "1");
        rig.open(LONG).look(&paths(&["a", "b"]), at(0)).unwrap();
        let source = Source::Command(vec!["/nonexistent/program".into()]);
        let outside = Outside::open(&rig.0.join("kept"), source, LONG).unwrap();
        let before = outside.revision("a");
        assert!(before.is_some() && !outside.look(&paths(&["a", "b"]), at(1)).unwrap());
        assert_eq!((outside.revision("a"), outside.has("a")), (before, true));
        let why = outside.get("a").unwrap_err();
        assert!(why.to_string().contains("cannot start") && why.is_for_now(), "{why}");
        assert!(outside.is_down().is_some() && outside.remembered("a").is_none());
    }

    #[test]
    fn what_nobody_refers_to_is_forgotten() {
        let rig = Rig::new("forgotten");
        rig.set("a", "1");
        rig.set("b", "1");
        let outside = rig.open(LONG);
        outside.look(&paths(&["a", "b"]), at(0)).unwrap();
        assert!(!outside.look(&paths(&["b"]), at(1)).unwrap(), "that is no new value");
        assert_eq!((outside.revision("a"), outside.list().len()), (None, 1));
        assert!(outside.remembered("a").is_none());
    }
}
