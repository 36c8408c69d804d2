//! The files of an identity.

use super::IdentityError;
use crate::net::{Anchor, ClientCertificate, ClientIdentity, TrustAnchors, new_key};
use crate::state::{make_dir, replace_file_durably};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use vigo_core::agent::Record;
use vigo_core::bundle::{Assignment, KeySet, Signed, SigningKey, VerifyingKey};
use vigo_core::entropy::Entropy;
use vigo_core::id::EnvoyId;
use vigo_core::secret::ProofKey;
use vigo_core::time::Timestamp;

/// The folder in the state directory.
const FOLDER: &str = "identity";

/// Bytes of any of the files; a key set with hundreds of authorities is far below.
const BYTES_MAX: u64 = 1 << 20;

const KEY: &str = "key";
const CERTIFICATE_KEY: &str = "certificate_key";
const CERTIFICATE: &str = "certificate";
const ROOT_KEY: &str = "root_key";
const KEYSET: &str = "keyset";
const SERVERS: &str = "servers";
const ASSIGNMENT: &str = "assignment";
const PROOF_KEY: &str = "proof_key";

/// The keys that a machine makes itself.
pub struct Keys {
    dir: PathBuf,
    /// They were made just now.
    pub is_new: bool,
    /// The identity key.
    pub identity: SigningKey,
    /// The certificate's key, PKCS #8, DER.
    pub certificate: Vec<u8>,
}

/// The identity of an enrolled machine.
pub struct Identity {
    dir: PathBuf,
    key: SigningKey,
    certificate: ClientCertificate,
    keyset: KeySet,
    /// The fleet's root, pinned at enrolment.
    pub root: VerifyingKey,
    /// The signed key set.
    pub signed_keyset: Signed,
    /// Where the servers are.
    pub servers: Vec<String>,
    /// The assignment of the highest serial that was believed.
    pub highest: Option<Signed>,
}

impl Keys {
    /// Reads the keys, or makes them: a machine whose enrolment was cut short asks again with the same.
    ///
    /// # Errors
    /// [`IdentityError`].
    pub fn load_or_make(state_dir: &Path) -> Result<Self, IdentityError> {
        let dir = state_dir.join(FOLDER);
        // The one above first: on Windows it may be there, and somebody else's.
        for dir in [state_dir, &dir] {
            make_dir(dir).map_err(IdentityError::file("make directory", dir))?;
        }
        let kept = read(&dir, KEY)?;
        let is_new = kept.is_none();
        let identity = match kept {
            Some(bytes) => signing_key(&dir, &bytes)?,
            None => {
                let mut seed = [0; 32];
                getrandom::fill(&mut seed).map_err(|_| IdentityError::Randomness)?;
                write(&dir, KEY, &seed)?;
                SigningKey::from_bytes(&seed)
            }
        };
        let certificate = match read(&dir, CERTIFICATE_KEY)? {
            Some(key) => key,
            None => {
                let key = new_key()?;
                write(&dir, CERTIFICATE_KEY, &key)?;
                key
            }
        };
        Ok(Self { dir, is_new, identity, certificate })
    }

    /// Returns the root key of the fleet that the machine is enrolled in, if it is in one: what was kept of it.
    ///
    /// # Errors
    /// [`IdentityError`].
    pub fn fleet(&self) -> Result<Option<Vec<u8>>, IdentityError> {
        match read(&self.dir, CERTIFICATE)? {
            Some(_) => read(&self.dir, ROOT_KEY),
            None => Ok(None),
        }
    }

    /// Removes what makes the machine one of the fleet that it is in, but its own keys. What it was told of that fleet counts
    /// no more.
    ///
    /// # Errors
    /// [`IdentityError`].
    pub fn leave(&self) -> Result<(), IdentityError> {
        // The certificate first: without it there is no identity, of whichever fleet.
        for name in [CERTIFICATE, ASSIGNMENT, ROOT_KEY, KEYSET, SERVERS] {
            let path = self.dir.join(name);
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(IdentityError::file("remove", path)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Removes keys that nobody knows, and the folders that were made for them: those that are empty then. What cannot be
    /// removed does no harm.
    pub fn discard(self) {
        for name in [KEY, CERTIFICATE_KEY] {
            let _ = std::fs::remove_file(self.dir.join(name));
        }
        let _ = std::fs::remove_dir(&self.dir);
        let _ = self.dir.parent().map(std::fs::remove_dir);
    }

    /// Keeps what a server answered to the enrolment. The machine is enrolled when this returns.
    ///
    /// # Errors
    /// [`IdentityError`].
    pub fn enrolled(
        &self,
        root: &VerifyingKey,
        keyset: &Signed,
        servers: &[String],
        certificate: &[u8],
    ) -> Result<(), IdentityError> {
        write(&self.dir, ROOT_KEY, root.as_bytes())?;
        write(&self.dir, KEYSET, &keyset.encode())?;
        write(&self.dir, SERVERS, lines(servers).as_bytes())?;
        // The last: without it there is no identity.
        write(&self.dir, CERTIFICATE, certificate)
    }
}

impl Identity {
    /// Reads the identity.
    ///
    /// # Errors
    /// [`IdentityError`]: [`IdentityError::Missing`] for a machine that was not enrolled.
    pub fn load(state_dir: &Path) -> Result<Self, IdentityError> {
        let dir = state_dir.join(FOLDER);
        let need = |name| read(&dir, name)?.ok_or_else(|| IdentityError::Missing(dir.join(name)));
        let broken = |name: &str, what| IdentityError::Broken { path: dir.join(name), what };
        let certificate = need(CERTIFICATE)?;
        let key = signing_key(&dir, &need(KEY)?)?;
        let root = need(ROOT_KEY)?;
        let root = <&[u8; 32]>::try_from(&*root).ok().and_then(|bytes| VerifyingKey::from_bytes(bytes).ok());
        let root = root.ok_or_else(|| broken(ROOT_KEY, "key"))?;
        let signed_keyset = Signed::decode(&need(KEYSET)?).map_err(|_| broken(KEYSET, "key set"))?;
        let keyset = KeySet::verify(&signed_keyset, &root).map_err(|_| broken(KEYSET, "key set of this fleet"))?;
        let servers = String::from_utf8(need(SERVERS)?).map_err(|_| broken(SERVERS, "list of servers"))?;
        let highest = read(&dir, ASSIGNMENT)?.and_then(|bytes| {
            let signed = Signed::decode(&bytes).ok().filter(|signed| Assignment::serial_of(signed).is_some());
            if signed.is_none() {
                // The policy in the database has one, too; and the next one puts the file right.
                let path = dir.join(ASSIGNMENT);
                tracing::warn!(
                    "`{}` is no assignment; only the stored policy says now what is too old",
                    path.display()
                );
            }
            signed
        });
        let certificate = ClientCertificate { certificate, key: need(CERTIFICATE_KEY)? };
        let servers = servers.lines().map(str::to_owned).collect();
        Ok(Self { dir, key, certificate, keyset, root, signed_keyset, servers, highest })
    }

    /// Returns the envoy's id.
    pub fn id(&self) -> EnvoyId {
        EnvoyId::of(&self.key.verifying_key())
    }

    /// Returns the public half of the identity key.
    pub fn public_key(&self) -> VerifyingKey {
        self.key.verifying_key()
    }

    /// Returns the certificate, DER.
    pub fn certificate(&self) -> &[u8] {
        &self.certificate.certificate
    }

    /// Returns the certificate's key.
    pub fn certificate_key(&self) -> &[u8] {
        &self.certificate.key
    }

    /// Returns who this machine is on the way to a server.
    pub fn client(&self) -> ClientIdentity {
        ClientIdentity { key: self.key.clone(), certificate: Some(self.certificate.clone()) }
    }

    /// Returns which servers are believed, by a clock that is not behind `newest`.
    pub fn trust(&self, newest: Timestamp) -> TrustAnchors {
        TrustAnchors {
            authorities: self.keyset.authorities().map(|der| Anchor::Certificate(der.to_vec())).collect(),
            server_name: self.keyset.server_name(),
            newest,
        }
    }

    /// Keeps those of `records` that lie beside the identity. Each is on disk when this returns.
    ///
    /// # Errors
    /// [`IdentityError`]; the records before the one that failed are kept.
    pub fn store(&mut self, records: &[Record]) -> Result<(), IdentityError> {
        for record in records {
            match record {
                Record::KeySet(signed) => {
                    // It was verified before; what is not this fleet's never gets here.
                    if let Ok(keyset) = KeySet::verify(signed, &self.root) {
                        write(&self.dir, KEYSET, &signed.encode())?;
                        (self.keyset, self.signed_keyset) = (keyset, signed.clone());
                    }
                }
                Record::Highest(signed) => {
                    write(&self.dir, ASSIGNMENT, &signed.encode())?;
                    self.highest = Some(signed.clone());
                }
                Record::Certificate(der) => {
                    write(&self.dir, CERTIFICATE, der)?;
                    self.certificate.certificate = der.clone();
                }
                Record::Servers(servers) => {
                    write(&self.dir, SERVERS, lines(servers).as_bytes())?;
                    self.servers = servers.clone();
                }
                Record::Policy { .. }
                | Record::Report { .. }
                | Record::Forget { .. }
                | Record::Taken(_)
                | Record::Order { .. }
                | Record::ForgetOrders(_)
                | Record::Counters(_) => {}
            }
        }
        Ok(())
    }
}

/// Returns the key of the digests of what is made of secrets: apart from the database that they are in. It is made when it
/// is first asked for.
///
/// # Errors
/// [`IdentityError`].
pub fn proof_key(state_dir: &Path) -> Result<ProofKey, IdentityError> {
    let dir = state_dir.join(FOLDER);
    if let Some(kept) = read(&dir, PROOF_KEY)? {
        let bytes = <[u8; 32]>::try_from(kept);
        return bytes
            .map(ProofKey::from_bytes)
            .map_err(|_| IdentityError::Broken { path: dir.join(PROOF_KEY), what: "key" });
    }
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|_| IdentityError::Randomness)?;
    let key = ProofKey::new(Entropy::new(bytes));
    write(&dir, PROOF_KEY, key.as_bytes())?;
    Ok(key)
}

/// Returns servers as they are kept: one a line. What is no address is left out.
fn lines(servers: &[String]) -> String {
    let is_line = |s: &&String| !s.is_empty() && !s.contains(char::is_control);
    servers.iter().filter(is_line).map(|s| format!("{s}\n")).collect()
}

fn signing_key(dir: &Path, bytes: &[u8]) -> Result<SigningKey, IdentityError> {
    let seed = <&[u8; 32]>::try_from(bytes);
    seed.map(SigningKey::from_bytes).map_err(|_| IdentityError::Broken { path: dir.join(KEY), what: "key" })
}

/// Reads a file that nobody else may read; `None` when it is not there.
fn read(dir: &Path, name: &str) -> Result<Option<Vec<u8>>, IdentityError> {
    let path = dir.join(name);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(IdentityError::file("open", path)(error)),
    };
    // Where there are no modes, the state directory keeps others out.
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let mode = file.metadata().map_err(IdentityError::file("look at", &path))?.mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(IdentityError::Readable { path, mode });
        }
    }
    let mut bytes = Vec::new();
    file.take(BYTES_MAX).read_to_end(&mut bytes).map_err(IdentityError::file("read", &path))?;
    Ok(Some(bytes))
}

fn write(dir: &Path, name: &str, bytes: &[u8]) -> Result<(), IdentityError> {
    let path = dir.join(name);
    replace_file_durably(&path, bytes).map_err(IdentityError::file("write", path))
}
