//! One entry of the history, on disk.

use super::disk::Disk;
use super::published::Bundles;
use super::record::{self, Record};
use super::{PublishError, Published};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use vigo_core::bundle::{KeyId, Purpose, Signed, SigningKey};
use vigo_core::hex;
use vigo_core::limits;
use vigo_core::resolve::ClassTable;
use vigo_core::source::TreeFile;
use vigo_driver::system_text;

/// What an entry consists of.
pub(super) struct Entry {
    pub(super) record: Record,
    pub(super) table: ClassTable,
    pub(super) bundles: Bundles,
    pub(super) tree: Vec<TreeFile>,
}

/// Bytes of a bundle's file: the largest bundle, with its signature.
const BUNDLE_FILE_BYTES_MAX: u64 = limits::BUNDLE_BYTES_MAX as u64 + 1024;

impl Entry {
    /// Writes it to `dir`, which is not there yet, and waits until it is on disk. Files that are the same in the entry
    /// `like` are shared with it.
    pub(super) fn write(&self, disk: &mut Disk, dir: &Path, like: Option<&Path>) -> Result<(), PublishError> {
        let like = |name: &str| like.map(|dir| dir.join(name));
        disk.make_dir(dir)?;
        disk.make_dir(&dir.join("tree"))?;
        let mut folders: BTreeSet<&str> = BTreeSet::new();
        for file in &self.tree {
            for (end, _) in file.path.match_indices('/') {
                if let Some(folder) = file.path.get(..end)
                    && folders.insert(folder)
                {
                    disk.make_dir(&dir.join("tree").join(folder))?;
                }
            }
            let name = format!("tree/{}", file.path);
            disk.write(&dir.join(&name), &file.bytes, file.executable, like(&name).as_deref())?;
        }
        disk.make_dir(&dir.join("bundles"))?;
        for (digest, bundle) in &self.bundles {
            let name = format!("bundles/{}", hex::encode(digest));
            disk.write(&dir.join(&name), &bundle.encode(), false, like(&name).as_deref())?;
        }
        let table = self.table.encode();
        // What would not be read is not written.
        ClassTable::decode(&table)?;
        disk.write(&dir.join("classes"), table.as_bytes(), false, None)?;
        let path = dir.join("publish");
        let record = self.record.encode().map_err(|why| self.damaged(&path, why))?;
        disk.write(&path, &record, false, None)?;
        disk.sync()
    }

    /// Reads the record, the table and the bundles of an entry. Each bundle is what the record names and signed by `key`:
    /// one that another key has signed, before that was rotated, is signed anew.
    pub(super) fn read(dir: &Path, id: u64, key: &SigningKey) -> Result<Self, PublishError> {
        let damaged = |path: &Path, why: String| PublishError::Damaged { id, path: path.into(), why };
        let record = Self::record(dir, id)?;
        let path = dir.join("classes");
        let table = file(&path, limits::CLASS_TABLE_BYTES_MAX as u64).map_err(|why| damaged(&path, why))?;
        let table = String::from_utf8(table).map_err(|e| damaged(&path, e.to_string()))?;
        let table = ClassTable::decode(&table).map_err(|e| damaged(&path, e.to_string()))?;
        let mut bundles = Bundles::new();
        for class in &record.classes {
            if bundles.contains_key(&class.digest) {
                continue;
            }
            let path = dir.join("bundles").join(hex::encode(class.digest));
            let bundle = bundle(&path, &class.digest, key).map_err(|why| damaged(&path, why))?;
            bundles.insert(class.digest, bundle);
        }
        Ok(Self { record, table, bundles, tree: Vec::new() })
    }

    /// Reads the record of an entry.
    pub(super) fn record(dir: &Path, id: u64) -> Result<Record, PublishError> {
        let path = dir.join("publish");
        let record = file(&path, record::BYTES_MAX).and_then(|text| Record::decode(&text));
        match record {
            Ok(record) if record.id == id => Ok(record),
            Ok(record) => Err(PublishError::Damaged { id, path, why: format!("it is that of publish {}", record.id) }),
            Err(why) => Err(PublishError::Damaged { id, path, why }),
        }
    }

    /// Returns what it is in memory.
    pub(super) fn published(&self, dir: &Path) -> Result<Published, PublishError> {
        Published::new(&self.record, &self.bundles, self.table.clone())
            .ok_or_else(|| self.damaged(&dir.join("classes"), "it is of other classes than the record".into()))
    }

    fn damaged(&self, path: &Path, why: String) -> PublishError {
        PublishError::Damaged { id: self.record.id, path: path.into(), why }
    }
}

fn bundle(path: &Path, digest: &[u8; 32], key: &SigningKey) -> Result<Arc<Signed>, String> {
    let bundle = Signed::decode(&file(path, BUNDLE_FILE_BYTES_MAX)?).map_err(|e| e.to_string())?;
    if bundle.digest() != *digest {
        return Err("it holds another bundle than its name says".into());
    }
    let public = key.verifying_key();
    if bundle.key_id != KeyId::of(&public) {
        return Ok(Arc::new(Signed::new(Purpose::Bundle, bundle.bytes, key)));
    }
    bundle.verify(Purpose::Bundle, &[public]).map_err(|e| e.to_string())?;
    Ok(Arc::new(bundle))
}

/// Reads a file of at most `bytes_max`.
fn file(path: &Path, bytes_max: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(bytes_max + 1).read_to_end(&mut bytes));
    match read {
        Ok(_) if bytes.len() as u64 > bytes_max => Err(format!("expected at most {bytes_max} bytes")),
        Ok(_) => Ok(bytes),
        Err(error) => Err(system_text(error)),
    }
}
