//! The ledger: who the machines are, and what servers have acknowledged to them. One JSON object a line; each is written before
//! anything else happens, so that a process that is killed has lost nothing. It holds keys: nobody else may read it.

use crate::error::LoadError;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use vigo_core::agent::{Disk, Record};
use vigo_core::bundle::{Signed, SigningKey, VerifyingKey};
use vigo_core::hex;

/// The keys that a machine has made.
#[derive(Clone)]
pub struct Keys {
    /// The identity key.
    pub identity: SigningKey,
    /// The certificate's key, PKCS #8, DER.
    pub certificate: Vec<u8>,
}

/// What is known of a machine.
#[derive(Default)]
pub struct Known {
    /// Its keys, once they are made.
    pub keys: Option<Keys>,
    /// What lies beside its identity, once it is an envoy. Its database is gone with the process that had it.
    pub disk: Option<Disk>,
}

/// The ledger of a fleet; one that is not kept takes everything.
pub struct Ledger {
    file: Option<Mutex<File>>,
    path: PathBuf,
}

impl Ledger {
    /// Opens the ledger of the fleet with this root, or begins one; returns what it knows of machines, by name.
    ///
    /// # Errors
    /// [`LoadError::Ledger`], also where another process has it, and where it is another fleet's.
    pub fn open(path: Option<&Path>, root: &VerifyingKey) -> Result<(Self, HashMap<String, Known>), LoadError> {
        let Some(path) = path else {
            return Ok((Self { file: None, path: PathBuf::new() }, HashMap::new()));
        };
        let failed = |what| move |why: String| LoadError::Ledger { what, path: path.into(), why };
        let file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path);
        let mut file = file.map_err(|e| failed("open")(e.to_string()))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(failed("take")("another process has it".into())),
            Err(TryLockError::Error(error)) => return Err(failed("take")(error.to_string())),
        }
        let (known, end) = read(&mut file, root).map_err(failed("read"))?;
        // What a process that was killed has half written.
        file.set_len(end).map_err(|e| failed("cut")(e.to_string()))?;
        let ledger = Self { file: Some(Mutex::new(file)), path: path.into() };
        if end == 0 {
            ledger.write(&json!({ "root": hex::encode(root.as_bytes()) }))?;
        }
        Ok((ledger, known))
    }

    /// Writes a machine's keys down, before anybody is shown them.
    ///
    /// # Errors
    /// [`LoadError::Ledger`].
    pub fn keys(&self, name: &str, keys: &Keys) -> Result<(), LoadError> {
        let (identity, certificate) = (hex::encode(keys.identity.as_bytes()), hex::encode(&keys.certificate));
        self.write(&json!({ "keys": name, "identity": identity, "certificate_key": certificate }))
    }

    /// Writes down that a machine is an envoy.
    ///
    /// # Errors
    /// [`LoadError::Ledger`].
    pub fn enrolled(&self, name: &str, disk: &Disk) -> Result<(), LoadError> {
        let (certificate, keyset) = (hex::encode(&disk.certificate), hex::encode(disk.keyset.encode()));
        self.write(&json!({ "enrolled": name, "certificate": certificate, "keyset": keyset, "servers": disk.servers }))
    }

    /// Writes down that a machine has a new database.
    ///
    /// # Errors
    /// [`LoadError::Ledger`].
    pub fn database(&self, name: &str, incarnation: u64) -> Result<(), LoadError> {
        self.write(&json!({ "database": name, "incarnation": incarnation.to_string() }))
    }

    /// Writes down what lies beside an identity, and what a server has acknowledged.
    ///
    /// # Errors
    /// [`LoadError::Ledger`].
    pub fn record(&self, name: &str, incarnation: u64, record: &Record) -> Result<(), LoadError> {
        let line = match record {
            Record::KeySet(signed) => json!({ "beside": name, "keyset": hex::encode(signed.encode()) }),
            Record::Highest(signed) => json!({ "beside": name, "highest": hex::encode(signed.encode()) }),
            Record::Certificate(der) => json!({ "beside": name, "certificate": hex::encode(der) }),
            Record::Servers(servers) => json!({ "beside": name, "servers": servers }),
            // As text: not every reader has numbers of 64 bits.
            Record::Taken(seq) => json!({ "taken": name, "incarnation": incarnation.to_string(), "seq": seq }),
            _ => return Ok(()),
        };
        self.write(&line)
    }

    fn write(&self, line: &Value) -> Result<(), LoadError> {
        let Some(file) = &self.file else { return Ok(()) };
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        let written = file.write_all(format!("{line}\n").as_bytes());
        written.map_err(|e| LoadError::Ledger { what: "write", path: self.path.clone(), why: e.to_string() })
    }
}

/// Reads a ledger; returns what it knows, and where its last whole line ends.
fn read(file: &mut File, root: &VerifyingKey) -> Result<(HashMap<String, Known>, u64), String> {
    file.seek(SeekFrom::Start(0)).map_err(|e| e.to_string())?;
    let mut reader = BufReader::new(file);
    let (mut known, mut end, mut line) = (HashMap::new(), 0u64, Vec::new());
    for number in 1.. {
        line.clear();
        let count = reader.read_until(b'\n', &mut line).map_err(|e| e.to_string())?;
        if line.last() != Some(&b'\n') {
            break;
        }
        let entry: Value = serde_json::from_slice(&line).map_err(|e| format!("line {number} is no JSON: {e}"))?;
        take(&entry, root, &mut known).map_err(|why| format!("line {number}: {why}"))?;
        end += count as u64;
    }
    Ok((known, end))
}

fn take(entry: &Value, root: &VerifyingKey, known: &mut HashMap<String, Known>) -> Result<(), String> {
    let text = |key: &str| entry[key].as_str().ok_or_else(|| format!("expected a text at `{key}`"));
    let blob = |key: &str| text(key).and_then(|t| hex::decode(t).ok_or_else(|| format!("expected bytes at `{key}`")));
    let signed = |key: &str| blob(key).and_then(|b| Signed::decode(&b).map_err(|e| format!("{key}: {e}")));
    let has = |key: &str| !entry[key].is_null();
    let servers = || -> Vec<String> {
        entry["servers"].as_array().into_iter().flatten().filter_map(|s| s.as_str().map(str::to_owned)).collect()
    };
    if has("root") {
        return match text("root")? == hex::encode(root.as_bytes()) {
            true => Ok(()),
            false => Err(format!("it is of the fleet with the root key `{}`", text("root")?)),
        };
    }
    if has("keys") {
        let identity = hex::decode_array(text("identity")?).ok_or("expected a key at `identity`")?;
        let keys = Keys { identity: SigningKey::from_bytes(&identity), certificate: blob("certificate_key")? };
        known.entry(text("keys")?.to_owned()).or_default().keys = Some(keys);
    } else if has("enrolled") {
        let mut disk = Disk::new(signed("keyset")?, blob("certificate")?, 0);
        disk.servers = servers();
        known.entry(text("enrolled")?.to_owned()).or_default().disk = Some(disk);
    } else if has("beside") {
        let machine = known.get_mut(text("beside")?).and_then(|known| known.disk.as_mut());
        let disk = machine.ok_or("expected a machine that is enrolled")?;
        if has("keyset") {
            disk.keyset = signed("keyset")?;
        } else if has("highest") {
            disk.highest = Some(signed("highest")?);
        } else if has("certificate") {
            disk.certificate = blob("certificate")?;
        } else {
            disk.servers = servers();
        }
    }
    // What servers have acknowledged, and databases that are gone, are for others to read.
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use vigo_core::bundle::KeyId;

    struct Temp(PathBuf);

    impl Temp {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("vigo-load-{name}-{}.ledger", std::process::id()));
            let _ = fs::remove_file(&path);
            Self(path)
        }
    }

    impl Drop for Temp {
        fn drop(&mut self) {
            let _ = fs::remove_file(&self.0);
        }
    }

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_bytes(&[seed; 32])
    }

    fn signed(byte: u8) -> Signed {
        Signed { key_id: KeyId::of(&key(9).verifying_key()), bytes: vec![byte; 5].into(), signature: [byte; 64] }
    }

    fn written(path: &Path) {
        let (ledger, known) = Ledger::open(Some(path), &key(1).verifying_key()).expect("it opens");
        assert!(known.is_empty());
        let keys = Keys { identity: key(2), certificate: vec![1, 2, 3] };
        ledger.keys("a-1", &keys).expect("it is written");
        let mut disk = Disk::new(signed(1), vec![4], 77);
        disk.servers = vec!["x:1".into()];
        ledger.enrolled("a-1", &disk).expect("it is written");
        for record in [
            Record::Highest(signed(2)),
            Record::Taken(5),
            Record::Servers(vec!["y:2".into()]),
            Record::Counters(disk.counters),
        ] {
            ledger.record("a-1", 77, &record).expect("it is written");
        }
    }

    #[test]
    fn a_ledger_knows_the_machines_and_loses_only_what_was_half_written() {
        let temp = Temp::new("known");
        written(&temp.0);
        let whole = fs::read(&temp.0).expect("it is there");
        assert_eq!(whole.iter().filter(|b| **b == b'\n').count(), 6, "what nobody needs is not there");
        fs::write(&temp.0, [&whole[..], b"{\"taken\": \"a-1\", \"incarn"].concat()).expect("it is there");
        let (_, known) = Ledger::open(Some(&temp.0), &key(1).verifying_key()).expect("it opens");
        let machine = &known["a-1"];
        let keys = machine.keys.as_ref().expect("it has keys");
        assert_eq!((keys.identity.as_bytes(), &keys.certificate), (key(2).as_bytes(), &vec![1, 2, 3]));
        let disk = machine.disk.as_ref().expect("it is enrolled");
        assert_eq!((&disk.highest, &disk.keyset, &disk.servers), (&Some(signed(2)), &signed(1), &vec!["y:2".into()]));
        assert_eq!(fs::read(&temp.0).expect("it is there"), whole);
    }

    #[test]
    fn a_ledger_is_one_fleets_and_one_process_has_it() {
        let temp = Temp::new("one");
        written(&temp.0);
        let other = Ledger::open(Some(&temp.0), &key(3).verifying_key());
        assert!(matches!(other, Err(LoadError::Ledger { what: "read", .. })));
        let first = Ledger::open(Some(&temp.0), &key(1).verifying_key()).expect("it opens");
        let second = Ledger::open(Some(&temp.0), &key(1).verifying_key());
        assert!(matches!(second, Err(LoadError::Ledger { what: "take", .. })));
        drop(first);
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_may_read_a_ledger() {
        use std::os::unix::fs::MetadataExt as _;
        let temp = Temp::new("mode");
        written(&temp.0);
        assert_eq!(fs::metadata(&temp.0).expect("it is there").mode() & 0o777, 0o600);
    }
}
