use super::*;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use vigo_core::time::{Duration, Timestamp};

mod faults;
mod rotate;

const NOW: Timestamp = Timestamp::from_epoch_secs(1_800_000_000);

struct Temp(PathBuf);

impl Temp {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("vigo-data-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        Self(dir)
    }

    fn dir(&self) -> DataDir {
        DataDir::open(&self.0).unwrap()
    }

    fn keys(&self) -> Result<Keys, DataDirError> {
        self.keys_for(&["localhost", "192.0.2.1"], NOW)
    }

    fn keys_for(&self, hosts: &[&str], now: Timestamp) -> Result<Keys, DataDirError> {
        let hosts: Vec<_> = hosts.iter().map(|host| host.to_string()).collect();
        Keys::open(&DataDir::open(&self.0)?, &self.0.join("db/vigo.db"), &hosts, now)
    }

    fn tls(&self, name: &str) -> PathBuf {
        self.0.join("tls").join(name)
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn a_directory_that_others_may_write_to_is_refused_with_the_command_that_mends_it() {
    let temp = Temp::new("writable");
    fs::create_dir_all(&temp.0).unwrap();
    for bad in [0o777, 0o775, 0o702, 0o1777] {
        fs::set_permissions(&temp.0, fs::Permissions::from_mode(bad)).unwrap();
        let error = DataDir::open(&temp.0).unwrap_err();
        assert!(error.to_string().contains(&format!("found {bad:04o}")), "{error}");
        assert_eq!(error.help(), format!("chmod go-w '{}'", temp.0.canonicalize().unwrap().display()));
    }
    fs::set_permissions(&temp.0, fs::Permissions::from_mode(0o755)).unwrap();
    temp.dir();
}

#[test]
fn a_name_that_is_none_is_mended_in_the_configuration() {
    let error = Temp::new("name").keys_for(&["no host name!"], NOW).err().unwrap();
    assert!(error.help().contains("server.hostname"), "{error}: {}", error.help());
}

#[test]
fn the_first_start_makes_keys_that_the_second_finds() {
    let temp = Temp::new("first");
    // An earlier first start that was killed.
    fs::create_dir_all(temp.0.join("tls.new")).unwrap();
    fs::write(temp.0.join("tls.new/root_key"), "half").unwrap();
    let first = temp.keys().unwrap();
    for entry in fs::read_dir(temp.0.join("tls")).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    for name in ["tls", "stacks", "db", "run", "secrets", "history"] {
        assert_eq!(mode(&temp.0.join(name)), 0o700, "{name}");
    }
    assert!(!temp.0.join("tls.new").exists());
    let second = temp.keys().unwrap();
    assert_eq!(second.signed_keyset, first.signed_keyset);
    assert_eq!(second.bundle.verifying_key(), first.bundle.verifying_key());
    assert_eq!(second.server.certificate, first.server.certificate);
    assert_eq!(second.keyset.root, second.root.unwrap().verifying_key());
    fs::remove_file(temp.tls("root_key")).unwrap();
    assert!(temp.keys().unwrap().root.is_none(), "the root may be taken away");
}

#[test]
fn the_servers_certificate_is_made_anew_for_the_same_key() {
    let temp = Temp::new("renew");
    let first = temp.keys().unwrap();
    let later = NOW + Duration::from_secs(300 * 86_400);
    let cases: [(&str, &[&str], Timestamp, bool); 4] = [
        ("nothing new", &["localhost"], NOW, false),
        ("another name", &["localhost", "vigo.example"], NOW, true),
        ("it still is", &["vigo.example"], NOW, false),
        ("it ends soon", &["vigo.example"], later, true),
    ];
    let mut before = first.server.certificate.clone();
    for (name, hosts, now, anew) in cases {
        let keys = temp.keys_for(hosts, now).unwrap();
        assert_eq!(keys.server.certificate != before, anew, "{name}");
        assert_eq!(keys.https_pin().unwrap(), first.https_pin().unwrap(), "{name}");
        before = keys.server.certificate;
    }
}

#[test]
fn folders_of_secrets_are_nobody_elses_whoever_made_them() {
    let temp = Temp::new("tighten");
    drop(temp.dir());
    for name in ["db", "secrets", "run", "stacks"] {
        fs::set_permissions(temp.0.join(name), fs::Permissions::from_mode(0o775)).unwrap();
    }
    drop(temp.dir());
    for (name, expected) in [("db", 0o700), ("secrets", 0o700), ("run", 0o700), ("stacks", 0o775)] {
        assert_eq!(mode(&temp.0.join(name)), expected, "{name}");
    }
    let master = temp.0.join("secrets/.master.key");
    fs::write(&master, "x").unwrap();
    fs::set_permissions(&master, fs::Permissions::from_mode(0o604)).unwrap();
    let error = DataDir::open(&temp.0).unwrap_err();
    assert!(matches!(error, DataDirError::Readable { mode: 0o604, .. }), "{error}");
}

#[test]
fn a_second_server_is_told_of_the_first() {
    let temp = Temp::new("lock");
    let first = temp.dir();
    let error = DataDir::open(&temp.0).unwrap_err();
    assert!(error.to_string().contains(&format!("(process {})", std::process::id())), "{error}");
    drop(first);
    temp.dir();
}

#[test]
fn keys_that_others_read_or_that_do_not_belong_together_are_refused() {
    let other = Temp::new("other");
    other.keys().unwrap();
    type Spoil = fn(&Temp, &Temp);
    let chmod = |temp: &Temp, name: &str, mode| {
        fs::set_permissions(temp.tls(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    for name in ["root_key", "bundle_key", "ca_key", "key"] {
        let temp = Temp::new("readable");
        temp.keys().unwrap();
        chmod(&temp, name, 0o640);
        let error = temp.keys().map(|_| ()).unwrap_err();
        assert!(error.to_string().ends_with("found 0640"), "{error}");
        assert!(error.help().starts_with("chmod go= '") && error.help().contains(name), "{}", error.help());
    }
    let cases: [(&str, Spoil, &str); 9] = [
        ("another root", |t, o| swap(t, o, "root_key"), "expected the key of `root`"),
        ("another public root", |t, o| swap(t, o, "root"), "expected the key of `root`"),
        ("another key set", |t, o| swap(t, o, "keyset"), "not believed"),
        ("another bundle key", |t, o| swap(t, o, "bundle_key"), "expected the active key of `keyset`"),
        ("another authority", |t, o| swap(t, o, "ca"), "expected the active authority of `keyset`"),
        ("another authority's key", |t, o| swap(t, o, "ca_key"), "expected the key of the certificate"),
        ("another server's key", |t, o| swap(t, o, "key"), "expected the key of the certificate"),
        ("garbage", |t, _| fs::write(t.tls("bundle_key"), "vigo-ed25519-key-1 zz").unwrap(), "expected a key"),
        ("no key", |t, _| fs::remove_file(t.tls("ca_key")).unwrap(), "read `"),
    ];
    for (name, spoil, expected) in cases {
        let temp = Temp::new("spoiled");
        temp.keys().unwrap();
        spoil(&temp, &other);
        let error = temp.keys().map(|_| ()).unwrap_err();
        assert!(error.to_string().contains(expected), "{name}: {error}");
        assert!(!error.to_string().contains("key-1"), "{name}: {error}");
    }
}

fn swap(temp: &Temp, other: &Temp, name: &str) {
    fs::write(temp.tls(name), fs::read(other.tls(name)).unwrap()).unwrap();
}

#[test]
fn keys_are_not_made_where_some_were_lost() {
    let cases: [fn(&Temp); 2] = [
        |t| fs::write(t.0.join("db/vigo.db"), "").unwrap(),
        |t| {
            fs::create_dir(t.0.join("tls")).unwrap();
            fs::write(t.tls("bundle_key"), "").unwrap();
        },
    ];
    for lose in cases {
        let temp = Temp::new("lost");
        drop(temp.dir());
        lose(&temp);
        let error = temp.keys().map(|_| ()).unwrap_err();
        assert!(matches!(error, DataDirError::Missing { .. }), "{error}");
    }
}
