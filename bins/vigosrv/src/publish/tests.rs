//! Publishing on a disk that is pulled away at every step.

use super::disk::{Disk, Kind, Step};
use super::{PublishError, Published, Publisher};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use vigo_core::bundle::{self, SigningKey};
use vigo_core::time::Timestamp;

/// A data directory; it goes with the test.
struct Data(PathBuf);

thread_local! {
    static NUMBER: RefCell<u32> = const { RefCell::new(0) };
}

const NOW: Timestamp = Timestamp::from_epoch_ms(1_795_262_400_000);

const ENVOYS: &str = "envoys:
  - {match: 'web-*', environment: prod, configcrates: [web], observe_only: true}
  - {match: [db-1, '*.db'], configcrates: [db], always_hold: true}
  - {match: 'other-*', configcrates: [db]}
";

impl Data {
    fn new() -> Self {
        let number = NUMBER.with_borrow_mut(|n| {
            *n += 1;
            *n
        });
        let thread = std::thread::current();
        let test = thread.name().unwrap_or_default().replace("::", "-");
        // What is kept in memory is synced at once.
        let base = Some(PathBuf::from("/dev/shm")).filter(|dir| dir.is_dir()).unwrap_or_else(std::env::temp_dir);
        let dir = base.join(format!("vigo-publish-{}-{test}-{number}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        for folder in ["stacks/configcrates", "stacks/templates/deep"] {
            fs::create_dir_all(dir.join(folder)).unwrap();
        }
        let data = Self(dir);
        data.write("envoys.vgo", ENVOYS);
        data.write("environments.vgo", "env: {prod: {}}\n");
        data.write("templates/deep/t", "{{ .Vars.x }} secret:web/key\n");
        data.crate_of("web", "one");
        data.crate_of("db", "one");
        data
    }

    fn write(&self, path: &str, text: &str) {
        fs::write(self.0.join("stacks").join(path), text).unwrap();
    }

    /// Writes a crate whose file has this content.
    fn crate_of(&self, name: &str, content: &str) {
        let source =
            if name == "web" { "\n  - {name: t, type: file, target_path: /t, source: templates/deep/t}" } else { "" };
        let file = format!("  - {{name: f, type: file, target_path: /f, content: '{content}'}}");
        self.write(&format!("configcrates/{name}.vgo"), &format!("vars: {{x: 1}}\nresources:\n{file}{source}\n"));
    }

    fn open(&self) -> (Publisher, Option<Published>) {
        Publisher::open(&self.0, key(1), 0).unwrap()
    }

    fn open_on(&self, watch: impl FnMut(Step<'_>) -> io::Result<()> + Send + 'static) -> Publisher {
        Publisher::open_on(Disk::new(Box::new(watch)), &self.0, key(1), 0).unwrap().0
    }

    /// Another one, with the same files in it.
    fn copy(&self) -> Self {
        fn copy(from: &Path, to: &Path) {
            let meta = fs::symlink_metadata(from).unwrap();
            if meta.is_symlink() {
                symlink(fs::read_link(from).unwrap(), to).unwrap();
            } else if meta.is_dir() {
                fs::create_dir_all(to).unwrap();
                fs::read_dir(from).unwrap().map(|e| e.unwrap()).for_each(|e| copy(&e.path(), &to.join(e.file_name())));
            } else {
                fs::hard_link(from, to).unwrap();
            }
        }
        let other = Self::new();
        fs::remove_dir_all(&other.0).unwrap();
        copy(&self.0, &other.0);
        other
    }

    /// The entries of the history and the one that `.live` leads to.
    fn entries(&self) -> (BTreeSet<String>, Option<PathBuf>) {
        let list = fs::read_dir(self.0.join("history")).unwrap();
        let names = list.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        (names, fs::read_link(self.0.join(".live")).ok())
    }
}

impl Drop for Data {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn names(all: &[&str]) -> BTreeSet<String> {
    all.iter().map(|n| (*n).into()).collect()
}

/// What each class of it is, checked against its own bundle.
fn digests(published: &Published, key: &SigningKey) -> Vec<[u8; 32]> {
    let digest = |class: &super::PublishedClass| {
        assert_eq!(class.bundle.digest(), class.digest);
        bundle::verify(&class.bundle, &[key.verifying_key()]).unwrap();
        class.digest
    };
    published.classes.iter().map(digest).collect()
}

#[test]
fn what_is_published_is_what_the_next_start_finds() {
    let data = Data::new();
    let (mut publisher, none) = data.open();
    assert!(none.is_none() && publisher.history().unwrap().is_empty());
    let published = publisher.publish("ann", NOW).unwrap().published;
    let (mut again, found) = data.open();
    let found = found.unwrap();
    assert_eq!(digests(&found, &key(1)), digests(&published, &key(1)));
    for p in [&published, &found] {
        assert_eq!((p.id, &*p.author, p.at, p.restores), (1, "ann", NOW, None));
        let class = |name: &str| p.class_of(name).map(|c| (&*c.name, &*c.environment, c.observe_only, c.always_hold));
        assert_eq!(class("web-1"), Some(("envoys.vgo#1@prod", "prod", true, false)));
        assert_eq!(class("a.DB"), Some(("envoys.vgo#2", "", false, true)));
        assert_eq!(class("other-1"), Some(("envoys.vgo#3", "", false, false)));
        assert_eq!(class("nobody"), None);
        assert_eq!(p.classes[0].secret_refs.iter().map(|r| &**r).collect::<Vec<_>>(), ["web/key"]);
        assert!(Arc::ptr_eq(&p.classes[1].bundle, &p.classes[2].bundle), "one policy is one bundle");
    }
    let entry = data.0.join("history/1");
    assert_eq!(data.entries().1, Some("history/1".into()));
    assert_eq!(fs::read(data.0.join(".live/tree/envoys.vgo")).unwrap(), ENVOYS.as_bytes());
    let mode = |path: &str| fs::metadata(entry.join(path)).unwrap().permissions().mode() & 0o7777;
    assert_eq!(
        [mode(""), mode("tree/templates/deep"), mode("tree/envoys.vgo"), mode("publish")],
        [0o700, 0o700, 0o400, 0o400]
    );
    let history = again.history().unwrap();
    assert_eq!(history.iter().map(|r| (r.id, r.classes.len())).collect::<Vec<_>>(), [(1, 3)]);
    assert_eq!(again.publish("bob", NOW).unwrap().published.id, 2);
}

#[test]
fn what_stays_the_same_keeps_its_digest_and_its_file() {
    let data = Data::new();
    let (mut publisher, _) = data.open();
    let one = digests(&publisher.publish("ann", NOW).unwrap().published, &key(1));
    data.crate_of("web", "two");
    let two = digests(&publisher.publish("ann", NOW).unwrap().published, &key(1));
    assert_ne!(one[0], two[0]);
    assert_eq!(one[1..], two[1..]);
    let file = |id: u64, path: &str| fs::metadata(data.0.join(format!("history/{id}/{path}"))).unwrap().ino();
    let db = format!("bundles/{}", vigo_core::hex::encode(one[1]));
    for (path, shared) in [("tree/envoys.vgo", true), (&*db, true), ("tree/configcrates/web.vgo", false)] {
        assert_eq!(file(1, path) == file(2, path), shared, "{path}");
    }
    // Nobody looks into an entry to write there; where somebody did, nothing is shared with it.
    let path = data.0.join("history/2/tree/envoys.vgo");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    publisher.publish("ann", NOW).unwrap();
    assert_ne!(file(2, "tree/envoys.vgo"), file(3, "tree/envoys.vgo"));
}

#[test]
fn a_tree_with_mistakes_is_told_all_of_them_and_changes_nothing() {
    let data = Data::new();
    let (mut publisher, _) = data.open();
    publisher.publish("ann", NOW).unwrap();
    data.write("configcrates/web.vgo", "resources:\n  - {name: f, type: file, target_path: /f, contents: x}\n");
    data.write("configcrates/db.vgo", "resources:\n  - {name: f, type: fil}\n");
    let before = data.entries();
    match publisher.publish("ann", NOW) {
        Err(PublishError::Invalid { diagnostics, .. }) => {
            let codes: Vec<String> = diagnostics.iter().map(|d| d.code.to_string()).collect();
            assert!(codes.len() >= 2, "{codes:?}");
        }
        other => panic!("{:?}", other.map(|p| p.published.id)),
    }
    fs::rename(data.0.join("stacks"), data.0.join("elsewhere")).unwrap();
    assert!(matches!(publisher.publish("ann", NOW), Err(PublishError::Tree(_))));
    assert_eq!((data.entries(), data.open().1.unwrap().id), (before, 1));
    fs::rename(data.0.join("elsewhere"), data.0.join("stacks")).unwrap();
    data.crate_of("web", "two");
    data.crate_of("db", "two");
    assert_eq!(publisher.publish("ann", NOW).unwrap().published.id, 2);
}

#[test]
fn an_editor_at_work_does_not_get_between_the_check_and_the_signature() {
    let data = Data::new();
    let expected = digests(&data.open().0.publish("ann", NOW).unwrap().published, &key(1));
    let stacks = data.0.join("stacks");
    let edits = move |step: Step<'_>| match step.kind {
        Kind::Write | Kind::Link => fs::write(stacks.join("envoys.vgo"), "broken: ["),
        _ => Ok(()),
    };
    let published = data.open_on(edits).publish("ann", NOW).unwrap().published;
    assert_eq!(digests(&published, &key(1)), expected);
    assert_eq!(fs::read(data.0.join(".live/tree/envoys.vgo")).unwrap(), ENVOYS.as_bytes());
}

/// A disk that is pulled away before step `left`, half of a file on it.
fn dies_after(mut left: usize) -> impl FnMut(Step<'_>) -> io::Result<()> + Send {
    move |step| {
        if let Some(less) = left.checked_sub(1) {
            left = less;
            return Ok(());
        }
        if step.kind == Kind::Write {
            fs::write(step.path, "half")?;
        }
        Err(io::Error::other("killed"))
    }
}

#[test]
fn a_kill_at_any_step_leaves_a_publish_done_or_not_done() {
    // With fifty the oldest goes.
    for earlier in [0, 1, 50] {
        let (mut done, mut not_done) = (0, 0);
        let base = Data::new();
        let mut before = Vec::new();
        let (mut publisher, _) = base.open();
        for _ in 0..earlier {
            before = digests(&publisher.publish("ann", NOW).unwrap().published, &key(1));
        }
        base.crate_of("web", "two");
        for step in 0.. {
            let data = base.copy();
            let survived = Publisher::open_on(Disk::new(Box::new(dies_after(step))), &data.0, key(1), 0)
                .and_then(|(mut publisher, _)| publisher.publish("bob", NOW))
                .is_ok();
            let (mut publisher, found) = data.open();
            let live = found.as_ref().map_or(0, |p| p.id);
            match found {
                Some(p) if p.id == earlier + 1 => {
                    assert_ne!(digests(&p, &key(1)), before, "step {step}");
                    assert_eq!(p.author, "bob");
                    done += 1;
                }
                Some(p) => {
                    assert_eq!((p.id, &digests(&p, &key(1))), (earlier, &before), "step {step}");
                    not_done += 1;
                }
                None => {
                    assert_eq!(earlier, 0, "step {step}");
                    not_done += 1;
                }
            }
            assert!(live == earlier + 1 || !survived, "step {step}: it was said to stand");
            let all: Vec<u64> = publisher.history().unwrap().iter().map(|r| r.id).rev().collect();
            let kept = |first| all.iter().copied().eq(first..=live);
            assert!(kept(1) || (live > 50 && kept(2)), "step {step}: {all:?}");
            let entries: BTreeSet<String> = all.iter().map(u64::to_string).collect();
            assert_eq!(data.entries().0, entries, "step {step}: nothing is left behind");
            let next = publisher.publish("ann", NOW).unwrap().published;
            assert_eq!(next.id, live + 1, "step {step}");
            assert_eq!(data.open().1.unwrap().id, next.id, "step {step}");
            assert!(publisher.history().unwrap().len() <= 50);
            if survived {
                break;
            }
        }
        assert!(not_done > 20 && done >= 2, "{earlier}: {not_done} {done}");
    }
}

#[test]
fn a_disk_that_fails_once_leaves_the_old_policy_and_the_next_publish_works() {
    for failing in 0.. {
        let data = Data::new();
        data.open().0.publish("ann", NOW).unwrap();
        data.crate_of("web", "two");
        let mut steps = 0;
        let watch = move |_: Step<'_>| {
            steps += 1;
            // Opening takes one step.
            if steps == failing + 2 { Err(io::Error::from(io::ErrorKind::StorageFull)) } else { Ok(()) }
        };
        let mut publisher = data.open_on(watch);
        match publisher.publish("bob", NOW) {
            Ok(_) if data.entries().0.len() == 2 => {
                assert!(failing > 20, "{failing} steps");
                break;
            }
            Ok(_) => panic!("step {failing}"),
            Err(PublishError::Disk { why, .. }) => assert!(why.contains("space"), "step {failing}: {why}"),
            Err(other) => panic!("step {failing}: {other}"),
        }
        assert_eq!(data.entries(), (names(&["1"]), Some("history/1".into())), "step {failing}");
        assert_eq!(data.open().1.unwrap().id, 1, "step {failing}");
        assert_eq!(publisher.publish("bob", NOW).unwrap().published.id, 2, "step {failing}");
        assert_eq!(data.open().1.unwrap().id, 2, "step {failing}");
    }
}

#[test]
fn all_of_an_entry_is_on_disk_before_it_is_live() {
    let data = Data::new();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    let mut publisher = data.open_on(move |step| {
        log.lock().unwrap().push((step.kind, step.path.to_path_buf()));
        Ok(())
    });
    for publish in 1..3 {
        seen.lock().unwrap().clear();
        publisher.publish("ann", NOW).unwrap();
        let seen = seen.lock().unwrap();
        let at = |what: Kind, path: &Path| seen.iter().position(|s| *s == (what, path.to_path_buf()));
        let live = at(Kind::Rename, &data.0.join(".live")).unwrap();
        let entry = data.0.join(format!("history/{publish}"));
        let is_made = |kind: &Kind| matches!(kind, Kind::MakeDir | Kind::Write);
        let made: Vec<&PathBuf> = seen.iter().filter(|(kind, _)| is_made(kind)).map(|(_, path)| path).collect();
        assert!(made.iter().any(|p| **p == entry.join("publish")) && made.iter().all(|p| p.starts_with(&entry)));
        for path in made {
            assert!(at(Kind::Sync, path).is_some_and(|synced| synced < live), "{path:?}");
        }
        assert!(at(Kind::Sync, &data.0.join("history")).is_some_and(|synced| synced < live));
        assert!(at(Kind::Sync, &data.0).is_some_and(|synced| synced > live));
    }
}

#[test]
fn a_rollback_is_a_publish_of_what_was() {
    let data = Data::new();
    let (mut publisher, _) = data.open();
    let one = digests(&publisher.publish("ann", NOW).unwrap().published, &key(1));
    data.crate_of("web", "two");
    publisher.publish("ann", NOW).unwrap();
    assert!(matches!(publisher.rollback(3, "bob", NOW), Err(PublishError::Unknown { id: 3 })));
    let back = publisher.rollback(1, "bob", NOW).unwrap();
    assert_eq!((back.id, &*back.author, back.restores, digests(&back, &key(1))), (3, "bob", Some(1), one.clone()));
    let tree = |id: u64| fs::read(data.0.join(format!("history/{id}/tree/configcrates/web.vgo"))).unwrap();
    assert!(tree(1) == tree(3) && tree(2) != tree(3));
    // The key has been rotated since: the policy is the same, and is signed by the new one.
    let (mut publisher, found) = Publisher::open(&data.0, key(2), 0).unwrap();
    assert_eq!(digests(&found.unwrap(), &key(2)), one);
    assert_eq!(digests(&publisher.rollback(1, "bob", NOW).unwrap(), &key(2)), one);
    assert_eq!(digests(&data.open().1.unwrap(), &key(1)), one);
    let history: Vec<_> = publisher.history().unwrap().iter().map(|r| (r.id, r.restores)).collect();
    assert_eq!(history, [(4, Some(1)), (3, Some(1)), (2, None), (1, None)]);
}

#[test]
fn what_is_not_as_it_was_published_is_told_and_not_served() {
    let data = Data::new();
    data.open().0.publish("ann", NOW).unwrap();
    let bundle = fs::read_dir(data.0.join("history/1/bundles")).unwrap().next().unwrap().unwrap().path();
    for path in [&bundle, &data.0.join("history/1/publish"), &data.0.join("history/1/classes")] {
        let whole = fs::read(path).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
        let opened = || Publisher::open(&data.0, key(1), 0).map(|(_, found)| found.map(|p| p.id));
        for at in [0, 1, 40, 70, whole.len() / 2, whole.len() - 2].into_iter().filter(|at| *at < whole.len()) {
            fs::write(path, &whole[..at]).unwrap();
            match opened() {
                Err(PublishError::Damaged { id: 1, path: said, .. }) => {
                    assert!(said.starts_with(data.0.join("history/1")))
                }
                other => panic!("{path:?} cut off at {at}: {other:?}"),
            }
        }
        if *path == bundle {
            for at in 0..whole.len() {
                let mut bytes = whole.clone();
                bytes[at] ^= 1;
                fs::write(path, &bytes).unwrap();
                match opened() {
                    Err(PublishError::Damaged { .. }) => {}
                    // The name of the key, or a signature by another one: it is signed anew.
                    Ok(Some(1)) if (1..33).contains(&at) => {}
                    other => panic!("byte {at}: {other:?}"),
                }
            }
        }
        fs::write(path, &whole).unwrap();
        assert_eq!(opened().unwrap(), Some(1));
    }
    let link = data.0.join(".live");
    for target in ["history/7", "history/01", "history/../history/1", "elsewhere", "/etc"] {
        fs::remove_file(&link).unwrap();
        symlink(target, &link).unwrap();
        assert!(Publisher::open(&data.0, key(1), 0).is_err(), "{target}");
        assert_eq!(data.entries().0, names(&["1"]), "{target}");
    }
}

#[test]
fn a_lost_link_costs_no_history() {
    let data = Data::new();
    let (mut publisher, _) = data.open();
    for _ in 0..3 {
        publisher.publish("ann", NOW).unwrap();
    }
    fs::remove_file(data.0.join(".live")).unwrap();
    let (mut publisher, found) = data.open();
    assert!(found.is_none());
    assert_eq!(publisher.history().unwrap().len(), 3);
    assert_eq!(publisher.rollback(2, "ann", NOW).unwrap().id, 4);
}
