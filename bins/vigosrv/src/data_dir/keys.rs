//! The keys of the fleet, in `tls/`.
//!
//! They are made together, in a folder beside, which is then renamed: either all are there or none.

use super::{DataDir, DataDirError, private};
use crate::ca::{Authority, CaError, ServerCertificate, certificate_from_pem, certificate_to_pem};
use base64::Engine as _;
use sha2::{Digest as _, Sha256};
use std::path::Path;
use vigo_core::bundle::{Ca, KeyKind, KeySet, KeyState, NewKey, Signed, SigningKey, TrustedKey, VerifyingKey};
use vigo_core::hex;
use vigo_core::server::RestoreMark;
use vigo_core::time::Timestamp;
use vigo_driver::disk;
use x509_parser::extensions::GeneralName;

/// What a file of a secret key begins with; the number is that of the format.
const KEY_HEAD: &str = "vigo-ed25519-key-1 ";

/// What the file of the root's public half begins with.
const ROOT_HEAD: &str = "vigo-fleet-root-1 ";

/// Days before its end at which a server's certificate is made anew.
const RENEW_DAYS: i64 = 120;

/// What the second line of a recovery kit begins with.
const KIT_KEYSET: &str = "keyset ";

/// What is kept of a fleet apart from its server, so that another can take its place.
pub struct Kit {
    /// The root.
    pub root: SigningKey,
    /// The key set of when it was written; older kits have none.
    pub keyset: Option<KeySet>,
}

impl Kit {
    /// Returns the text of its file.
    pub fn text(root: &SigningKey, keyset: &Signed) -> String {
        format!("{}{KIT_KEYSET}{}", secret_text(root), keyset_text(keyset))
    }

    /// Reads such a text.
    ///
    /// # Errors
    /// What is wrong with it; nothing of it is said.
    pub fn read(text: &str) -> Result<Self, &'static str> {
        let mut lines = text.lines();
        let root = bytes::<32>(lines.next().unwrap_or_default(), KEY_HEAD).map(|bytes| SigningKey::from_bytes(&bytes));
        let root = root.ok_or("expected a recovery kit, as `vigocli keys export-root` writes it")?;
        let keyset = match (lines.next(), lines.next()) {
            (None, _) => None,
            (Some(line), None) => {
                let signed = line.strip_prefix(KIT_KEYSET).and_then(|digits| hex::decode(digits.trim()));
                let signed = signed.and_then(|bytes| Signed::decode(&bytes).ok());
                let signed = signed.ok_or("expected a key set in the second line of the recovery kit")?;
                let set = KeySet::verify(&signed, &root.verifying_key());
                Some(set.map_err(|_| "expected a key set that the root has signed in the recovery kit")?)
            }
            _ => return Err("expected a recovery kit of one line or two"),
        };
        Ok(Self { root, keyset })
    }
}

/// The keys that a server works with.
pub struct Keys {
    /// The root's secret half; none when it was taken away.
    pub root: Option<SigningKey>,
    /// The key that signs bundles and assignments.
    pub bundle: SigningKey,
    /// The authority that signs certificates.
    pub authority: Authority,
    /// The server's own certificate.
    pub server: ServerCertificate,
    /// The keys that the fleet believes.
    pub keyset: KeySet,
    /// The same, as the root signed it.
    pub signed_keyset: Signed,
    /// A newer one that an agent has shown, and that names keys which are not here: the server works with its own until
    /// the root signs for new ones.
    pub learned: Option<(KeySet, Signed)>,
}

impl Keys {
    /// Reads the keys of a data directory, and makes them at the first start. The server's certificate is made anew, for
    /// the same key, when it ends soon or lacks one of `hosts`, names and addresses of the server.
    ///
    /// # Errors
    /// [`DataDirError`]; [`DataDirError::Missing`] where there is a database without keys.
    pub fn open(dir: &DataDir, database: &Path, hosts: &[String], now: Timestamp) -> Result<Self, DataDirError> {
        let tls = dir.tls();
        if !tls.join("keyset").exists() {
            let lost = |there: &Path| there.exists();
            let others = ["bundle_key", "ca_key", "revoked"].map(|name| tls.join(name));
            if let Some(there) = std::iter::once(database.to_owned()).chain(others).find(|there| lost(there)) {
                return Err(DataDirError::Missing { missing: tls.join("keyset"), there });
            }
            make(dir.root(), &tls, None, hosts, now)?;
        }
        private::tighten(&tls)?;
        Self::load(&tls, hosts, now)
    }

    /// Makes the keys of a server that takes the place of one of which nothing is left but the file of its recovery kit:
    /// the root is the same, so that the fleet believes the rest, and what the kit knows of the keys before is retired.
    ///
    /// # Errors
    /// [`DataDirError`]; [`DataDirError::Taken`] where there is anything of a server.
    pub fn make_for(
        dir: &DataDir,
        database: &Path,
        kit: &Path,
        hosts: &[String],
        now: Timestamp,
    ) -> Result<Self, DataDirError> {
        let text = private::read_key(kit)?;
        let bad = |why: &str| DataDirError::Kit { path: kit.to_owned(), why: why.into() };
        let kit = Kit::read(&text).map_err(bad)?;
        let tls = dir.tls();
        if let Some(there) = [database, &*tls].into_iter().find(|there| there.exists()) {
            return Err(DataDirError::Taken { there: there.to_owned() });
        }
        make(dir.root(), &tls, Some(&kit), hosts, now)?;
        Self::load(&tls, hosts, now)
    }

    /// Reads the keys in the folder `tls` again, after what is to become of them was decided: see `rotate.rs`.
    ///
    /// # Errors
    /// [`DataDirError`].
    pub fn load(tls: &Path, hosts: &[String], now: Timestamp) -> Result<Self, DataDirError> {
        super::rotate::finish(tls)?;
        let mut keys = read(tls)?;
        if !serves(&keys.server, hosts, now) {
            let path = tls.join("cert");
            let failed = |error| DataDirError::Certificate { path: path.clone(), error };
            let key = keys.server.key_pem().map_err(failed)?;
            let name = keys.keyset.server_name();
            keys.server = keys.authority.server(&name, hosts, Some(&key), now).map_err(failed)?;
            private::replace(&path, certificate_to_pem(&keys.server.certificate).as_bytes())?;
            tracing::info!("the server's certificate was made anew, for the same key");
        }
        Ok(keys)
    }

    /// Returns the newest version of the key set that is known, also of one that cannot be worked with.
    pub fn known_version(&self) -> u64 {
        self.learned.as_ref().map_or(0, |(set, _)| set.version).max(self.keyset.version)
    }

    /// Returns the keys that count no more in a newer key set that is known, for whose successors the root has to sign.
    pub fn outdated(&self) -> Vec<KeyKind> {
        let lacking = |(learned, _): &(KeySet, Signed)| {
            learned.lacking(&[self.bundle.verifying_key()], &[self.authority.certificate()])
        };
        self.learned.as_ref().map(lacking).unwrap_or_default()
    }

    /// Returns whether the server's certificate needs not be made anew.
    pub fn server_is_current(&self, hosts: &[String], now: Timestamp) -> bool {
        serves(&self.server, hosts, now)
    }

    /// Returns SHA-256 of the authority's certificate, hexadecimal: what a machine is told before it enrols.
    pub fn authority_fingerprint(&self) -> String {
        hex::encode(Sha256::digest(self.authority.certificate()))
    }

    /// Returns the root's public half, hexadecimal.
    pub fn root_public(&self) -> String {
        hex::encode(self.keyset.root.as_bytes())
    }

    /// Returns the pin of the key that HTTPS serves, as curl has it: `sha256//…`, RFC 7469.
    ///
    /// # Errors
    /// [`CaError::Malformed`] for a certificate that was put in by hand and is none.
    pub fn https_pin(&self) -> Result<String, CaError> {
        let (_, parsed) = x509_parser::parse_x509_certificate(&self.server.certificate)
            .map_err(|e| CaError::Malformed { expected: "a certificate", why: e.to_string() })?;
        let digest = Sha256::digest(parsed.public_key().raw);
        Ok(format!("sha256//{}", base64::engine::general_purpose::STANDARD.encode(digest)))
    }
}

/// Makes all keys; with a kit, all but the root.
fn make(root: &Path, tls: &Path, kit: Option<&Kit>, hosts: &[String], now: Timestamp) -> Result<(), DataDirError> {
    let fresh = root.join("tls.new");
    if fresh.exists() {
        // A first start that was interrupted: nobody has seen these.
        disk::remove_dir_all(&fresh).map_err(DataDirError::file("remove", &fresh))?;
    }
    private::make_dir(&fresh)?;
    let root_key = kit.map_or_else(new_key, |kit| Ok(kit.root.clone()))?;
    let bundle_key = new_key()?;
    let failed = |name: &str| {
        let path = tls.join(name);
        move |error| DataDirError::Certificate { path, error }
    };
    let fleet = KeySet::fleet_of(&root_key.verifying_key());
    let authority = Authority::generate(&fleet, now).map_err(failed("ca"))?;
    let ca = authority.certificate().to_vec();
    let mut keyset = match kit.and_then(|kit| kit.keyset.as_ref()) {
        Some(before) => before.replacing([NewKey::Bundle(bundle_key.verifying_key()), NewKey::Ca(ca)]),
        None => KeySet {
            version: 1,
            root: root_key.verifying_key(),
            bundle_keys: vec![TrustedKey { key: bundle_key.verifying_key(), state: KeyState::Active }],
            cas: vec![Ca { certificate: ca, state: KeyState::Active }],
        },
    };
    if kit.is_some() {
        // Higher than any that the fleet has: versions are counted, and no key is changed every second.
        keyset.version = keyset.version.max(u64::try_from(now.epoch_secs()).unwrap_or(0));
    }
    let server = authority.server(&keyset.server_name(), hosts, None, now).map_err(failed("cert"))?;
    let files = [
        ("root_key", secret_text(&root_key)),
        ("root", format!("{ROOT_HEAD}{}\n", hex::encode(keyset.root.as_bytes()))),
        ("bundle_key", secret_text(&bundle_key)),
        ("ca_key", authority.key_pem()),
        ("ca", certificate_to_pem(authority.certificate())),
        ("key", server.key_pem().map_err(failed("key"))?),
        ("cert", certificate_to_pem(&server.certificate)),
        ("keyset", keyset_text(&keyset.sign(&root_key))),
    ];
    // What agents remember of the server before is of a time that is lost, and says nothing against what is done from now on.
    let lost = RestoreMark { created: Timestamp::default(), schema: 0, audit: 0 };
    let mark = kit.map(|_| ("restored", lost.text()));
    for (name, text) in files.into_iter().chain(mark) {
        private::create(&fresh.join(name), text.as_bytes())?;
    }
    private::sync(&fresh)?;
    disk::rename(&fresh, tls).map_err(DataDirError::file("make", tls))?;
    private::sync(root)
}

/// Reads all keys, and looks whether they belong together.
pub(super) fn read(tls: &Path) -> Result<Keys, DataDirError> {
    let at = |name: &str| tls.join(name);
    let damaged = |name: &str, why: &str| DataDirError::Damaged { path: at(name), why: why.into() };
    let certificate = |name: &str| {
        let failed = |error| DataDirError::Certificate { path: at(name), error };
        private::read(&at(name)).and_then(|text| certificate_from_pem(&text).map_err(failed))
    };
    let secret = |name: &str| read_secret(&at(name));
    let (root, root_key) = root(tls)?;
    let (keyset, signed_keyset) = read_keyset(&at("keyset"), &root)?;
    let learned = at("keyset.learned");
    let learned = if learned.exists() { Some(read_keyset(&learned, &root)?) } else { None };
    let bundle = secret("bundle_key")?;
    let is_active = |key: &TrustedKey| key.key == bundle.verifying_key() && key.state == KeyState::Active;
    if !keyset.bundle_keys.iter().any(is_active) {
        return Err(damaged("bundle_key", "expected the active key of `keyset`, found another"));
    }
    let ca = certificate("ca")?;
    if !keyset.cas.iter().any(|known| known.certificate == ca && known.state == KeyState::Active) {
        return Err(damaged("ca", "expected the active authority of `keyset`, found another"));
    }
    let failed = |name: &str| {
        let path = at(name);
        move |error| DataDirError::Certificate { path, error }
    };
    let authority = Authority::load(&ca, &private::read_key(&at("ca_key"))?).map_err(failed("ca_key"))?;
    let key = private::read_key(&at("key"))?;
    let server = ServerCertificate::load(&certificate("cert")?, &ca, &key).map_err(failed("key"))?;
    Ok(Keys { root: root_key, bundle, authority, server, keyset, signed_keyset, learned })
}

/// Reads the root's public half, and the secret one where it is here.
pub(super) fn root(tls: &Path) -> Result<(VerifyingKey, Option<SigningKey>), DataDirError> {
    let damaged = |name: &str, why: &str| DataDirError::Damaged { path: tls.join(name), why: why.into() };
    let root = bytes::<32>(&private::read(&tls.join("root"))?, ROOT_HEAD);
    let root = root.and_then(|bytes| VerifyingKey::from_bytes(&bytes).ok());
    let root = root.ok_or_else(|| damaged("root", "expected the public half of the fleet's root"))?;
    let path = tls.join("root_key");
    let secret = if path.exists() { Some(read_secret(&path)?) } else { None };
    if secret.as_ref().is_some_and(|key| key.verifying_key() != root) {
        return Err(damaged("root_key", "expected the key of `root`, found another"));
    }
    Ok((root, secret))
}

/// Reads a file of a key set.
pub(super) fn read_keyset(path: &Path, root: &VerifyingKey) -> Result<(KeySet, Signed), DataDirError> {
    let signed = hex::decode(private::read(path)?.trim()).and_then(|bytes| Signed::decode(&bytes).ok());
    let damaged = || DataDirError::Damaged { path: path.to_owned(), why: "expected a signed key set".into() };
    let signed = signed.ok_or_else(damaged)?;
    let set = KeySet::verify(&signed, root).map_err(|error| DataDirError::KeySet { path: path.to_owned(), error })?;
    Ok((set, signed))
}

/// Returns the text of a file of a key set.
pub(super) fn keyset_text(signed: &Signed) -> String {
    format!("{}\n", hex::encode(signed.encode()))
}

/// Reads a file of a secret key.
pub(super) fn read_secret(path: &Path) -> Result<SigningKey, DataDirError> {
    let damaged = || DataDirError::Damaged { path: path.to_owned(), why: "expected a key of vigosrv's".into() };
    secret_of(&private::read_key(path)?).ok_or_else(damaged)
}

/// Returns the text of a file of a secret key.
pub fn secret_text(key: &SigningKey) -> String {
    format!("{KEY_HEAD}{}\n", hex::encode(key.as_bytes()))
}

/// Returns the key of such a text, or the root of a recovery kit.
pub fn secret_of(text: &str) -> Option<SigningKey> {
    Kit::read(text).ok().map(|kit| kit.root)
}

/// Returns whether a certificate is good for long enough, of the authority at hand, and has all names. One that cannot be
/// read is not.
fn serves(server: &ServerCertificate, hosts: &[String], now: Timestamp) -> bool {
    let Ok((_, parsed)) = x509_parser::parse_x509_certificate(&server.certificate) else { return false };
    let Ok((_, authority)) = x509_parser::parse_x509_certificate(&server.authority) else { return false };
    if parsed.verify_signature(Some(authority.public_key())).is_err() {
        return false;
    }
    let end = parsed.validity().not_after.timestamp();
    let Ok(Some(names)) = parsed.subject_alternative_name() else { return false };
    let has = |host: &String| {
        let address = host.parse::<std::net::IpAddr>().ok().map(|address| match address {
            std::net::IpAddr::V4(a) => a.octets().to_vec(),
            std::net::IpAddr::V6(a) => a.octets().to_vec(),
        });
        names.value.general_names.iter().any(|name| match (name, &address) {
            (GeneralName::IPAddress(bytes), Some(address)) => bytes == address,
            (GeneralName::DNSName(name), None) => name.eq_ignore_ascii_case(host),
            _ => false,
        })
    };
    end - now.epoch_secs() > RENEW_DAYS * 86_400 && hosts.iter().all(has)
}

/// Makes a key of the system's random bytes.
pub(super) fn new_key() -> Result<SigningKey, DataDirError> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|e| DataDirError::Random { why: e.to_string() })?;
    Ok(SigningKey::from_bytes(&seed))
}

/// Returns the bytes of a file of ours.
fn bytes<const N: usize>(text: &str, head: &str) -> Option<[u8; N]> {
    hex::decode_array(text.trim().strip_prefix(head)?)
}
