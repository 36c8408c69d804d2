//! The keys of a fleet, and a restore, on a disk that is full, or broken, or whose machine dies, at each step.

use super::*;
use crate::data_dir::{FRESH, Move, commit};
use std::collections::BTreeMap;
use vigo_core::bundle::KeyKind;
use vigo_driver::disk::each_step;

#[test]
fn keys_whose_first_start_the_disk_does_not_take_are_made_at_the_next() {
    let steps = each_step(
        |_| {
            let temp = Temp::new("faults-first");
            temp.dir();
            temp
        },
        |temp| temp.keys().map(|keys| keys.root_public()),
        |case, _, temp, done| {
            let keys = temp.keys().unwrap_or_else(|error| panic!("{case}: {error}"));
            let again = temp.keys().unwrap_or_else(|error| panic!("{case}: {error}"));
            assert_eq!(keys.root_public(), again.root_public(), "{case}");
            // Whoever was told of keys finds them again.
            assert!(done.is_err() || done.is_ok_and(|root| root == keys.root_public()), "{case}");
            assert!(!temp.0.join("tls.new").exists(), "{case}");
        },
    );
    // Eight files, of three steps each.
    assert!(steps > 24, "{steps}");
}

#[test]
fn a_rotation_that_the_disk_does_not_take_goes_on_from_before_or_after_it() {
    for kind in [KeyKind::Bundle, KeyKind::Ca] {
        let base = Temp::new("faults-rotate-base");
        let first = base.keys().unwrap().keyset;
        let announce = |temp: &Temp| {
            let keys = temp.keys()?;
            keys.announce(&temp.0.join("tls"), kind, keys.root.as_ref().unwrap(), NOW)
        };
        let switch = |temp: &Temp| {
            let keys = temp.keys()?;
            keys.switch(&temp.0.join("tls"))?;
            // The start after it puts the keys into their places.
            temp.keys().map(drop)
        };
        let mut all = 0;
        for (what, is_announced) in [("announce", false), ("switch", true)] {
            let prepare = |_: &str| {
                let temp = Temp::new("faults-rotate");
                copy(&base.0, &temp.0);
                if is_announced {
                    announce(&temp).unwrap();
                }
                temp
            };
            let work = |temp: &Temp| if is_announced { switch(temp) } else { announce(temp) };
            all += each_step(prepare, work, |case, _, temp, done| {
                let case = format!("{kind:?}, {what}, {case}");
                let keys = temp.keys().unwrap_or_else(|error| panic!("{case}: {error}"));
                if done.is_ok() {
                    assert_eq!(keys.keyset.rotating().is_some(), !is_announced, "{case}: it was said to be done");
                }
                // Whatever it is, it goes on to its end from there.
                if keys.keyset.rotating().is_none() && keys.keyset.version == first.version {
                    announce(temp).unwrap_or_else(|error| panic!("{case}: {error}"));
                }
                if temp.keys().unwrap().keyset.rotating().is_some() {
                    switch(temp).unwrap_or_else(|error| panic!("{case}: {error}"));
                }
                let keys = temp.keys().unwrap();
                assert!(keys.keyset.version > first.version && keys.keyset.rotating().is_none(), "{case}");
                assert!(keys.keyset.believed().contains(&keys.bundle.verifying_key()), "{case}");
                let own = keys.authority.certificate();
                assert!(keys.keyset.authorities().any(|der| der == own), "{case}");
            });
        }
        assert!(all > 20, "{kind:?}: {all}");
    }
}

/// Copies a folder, without what only a server that runs has.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    fs::set_permissions(to, fs::metadata(from).unwrap().permissions()).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        match path.is_dir() {
            true => copy(&path, &target),
            false => drop(fs::copy(&path, &target).unwrap()),
        }
    }
}

#[test]
fn a_restore_that_the_disk_does_not_take_is_all_there_or_not_at_all() {
    let files = ["stacks/a", "secrets/b", "db/vigo.db"];
    let read = |temp: &Temp| -> BTreeMap<&str, String> {
        let text = |name: &&'static str| (*name, fs::read_to_string(temp.0.join(name)).unwrap_or_default());
        files.iter().map(text).collect()
    };
    let write = |root: &Path, text: &str| {
        for name in files {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    };
    let moves = || {
        let put = |name: &str| Move::Put(name.into(), name.into());
        vec![put("stacks"), put("secrets"), put("db/vigo.db"), Move::Away("db/vigo.db-wal".into())]
    };
    let steps = each_step(
        |_| {
            let temp = Temp::new("faults-restore");
            drop(temp.dir());
            write(&temp.0, "before");
            fs::write(temp.0.join("db/vigo.db-wal"), "before").unwrap();
            write(&temp.0.join(FRESH), "restored");
            temp
        },
        |temp| commit(&temp.0, moves(), &mut |_, _| Ok(())),
        |case, _, temp, done| {
            // The next that takes the directory ends it, or takes away what was laid beside.
            drop(temp.dir());
            let found = read(temp);
            let is = |text: &str| found.values().all(|found| found == text);
            assert!(is("before") || is("restored"), "{case}: {found:?}");
            assert_eq!(temp.0.join("db/vigo.db-wal").exists(), is("before"), "{case}");
            assert!(done.is_err() || is("restored"), "{case}: it was said to be done");
            assert!(!temp.0.join(FRESH).exists() && !temp.0.join("restore-journal").exists(), "{case}");
        },
    );
    assert!(steps > 12, "{steps}");
}
