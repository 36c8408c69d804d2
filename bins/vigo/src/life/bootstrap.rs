//! Enrolment: how a machine becomes an envoy.

use super::live::lives;
use super::place::Place;
use super::{LifeError, LifeOptions};
use crate::identity::{Keys, fingerprint};
use crate::install::Service;
use crate::net::{Anchor, ClientIdentity, Dialer, NetError, TrustAnchors, signing_request};
use crate::state::Journal;
use crate::system;
use sha2::{Digest as _, Sha256};
use std::io::Read as _;
use std::path::PathBuf;
use vigo_core::agent::{Until, validity};
use vigo_core::bundle::{KeySet, ProgramManifest, Signed, VerifyingKey};
use vigo_core::hex;
use vigo_core::id::EnvoyId;
use vigo_core::time::Timestamp;
use vigo_core::wire::message::{Enrol, Enrolled};
use vigo_core::wire::{Channel, Reply};

/// What a machine is told at its enrolment.
pub struct Bootstrap {
    /// Where the servers are: `host:port`.
    pub servers: Vec<String>,
    /// The token; empty where a trusted pattern admits the machine.
    pub token: String,
    /// The fleet's root key.
    pub root: VerifyingKey,
    /// SHA-256 of the authority's certificate.
    pub ca_sha256: [u8; 32],
    /// What the fleet says of the program that runs.
    pub manifest: Option<Signed>,
    /// The name that the machine claims.
    pub hostname: String,
    /// Where the state is to be.
    pub state_dir: Option<PathBuf>,
    /// The machine leaves the fleet that it is in.
    pub leaves: bool,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Enrolment {
    /// The envoy's id.
    pub id: EnvoyId,
    /// The name that the server decided.
    pub hostname: String,
}

/// Bytes that are read of the program at a time.
const PIECE_BYTES: usize = 256 << 10;

/// Enrols this machine, checks in once, and has the agent live here as `service`, if it is to. Doing it again is
/// harmless: the machine keeps its keys. One that is refused keeps nothing.
///
/// # Errors
/// [`LifeError`].
pub fn bootstrap(told: Bootstrap, service: Option<&Service>) -> Result<Enrolment, LifeError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(LifeError::system)?;
    let options = LifeOptions { state_dir: told.state_dir.clone(), root: None, until: Until::CheckedIn };
    let place = Place::new(None, told.state_dir.as_deref())?;
    let keys = Keys::load_or_make(&place.state_dir)?;
    let enrolled = match runtime.block_on(enrol(told, &keys)) {
        // Nobody knows these keys, and nobody is going to.
        Err(error @ (LifeError::Refused { .. } | LifeError::Net(NetError::NotTrusted { .. }))) if keys.is_new => {
            keys.discard();
            return Err(error);
        }
        other => other?,
    };
    // An agent that is at work has the state directory; a check-in that fails leaves it as it was.
    let was_alive = service.map_or(Ok(false), Service::pause)?;
    let enrolment = match enrolled {
        Enrolling::Done(enrolment) => enrolment,
        Enrolling::Leaves(new) => match new.take_the_place(&keys, &place) {
            Ok(enrolment) => enrolment,
            Err(error) => {
                // It stays where it was.
                if was_alive && let Some(service) = service {
                    service.resume()?;
                }
                return Err(error);
            }
        },
    };
    let hostname = enrolment.hostname.clone();
    let checked_in = runtime.block_on(lives(&options)).and_then(|ended| match ended.in_touch {
        true => Ok(()),
        false => Err(LifeError::NotCheckedIn { hostname: hostname.clone(), why: ended.why.unwrap_or_default() }),
    });
    if let Some(service) = service {
        if checked_in.is_ok() {
            service.install(was_alive).map_err(|error| LifeError::NotInstalled { hostname, error })?;
        } else if was_alive {
            service.resume()?;
        }
    }
    checked_in.map(|()| enrolment)
}

/// How far an enrolment is.
enum Enrolling {
    /// It is kept.
    Done(Enrolment),
    /// The machine is in another fleet until it is kept.
    Leaves(Box<New>),
}

/// What a server has answered to an enrolment.
struct New {
    root: VerifyingKey,
    keyset: Signed,
    servers: Vec<String>,
    certificate: Vec<u8>,
    enrolment: Enrolment,
}

impl New {
    /// Keeps it.
    fn keep(self, keys: &Keys) -> Result<Enrolment, LifeError> {
        keys.enrolled(&self.root, &self.keyset, &self.servers, &self.certificate)?;
        Ok(self.enrolment)
    }

    /// Keeps it in the place of what is there of another fleet, whose agent does not live any more. Killed in between, the
    /// same command goes on.
    fn take_the_place(self, keys: &Keys, place: &Place) -> Result<Enrolment, LifeError> {
        Journal::put_aside(&place.state_dir)?;
        keys.leave()?;
        self.keep(keys)
    }
}

async fn enrol(told: Bootstrap, keys: &Keys) -> Result<Enrolling, LifeError> {
    let Bootstrap { servers, token, root, ca_sha256, manifest, hostname, leaves, .. } = told;
    let other = keys.fleet()?.filter(|held| *held != root.as_bytes());
    if let Some(held) = other.as_ref().filter(|_| !leaves) {
        return Err(LifeError::OtherFleet { held: hex::encode(held), told: hex::encode(root.as_bytes()) });
    }
    let client = ClientIdentity { key: keys.identity.clone(), certificate: None };
    let trust = TrustAnchors {
        authorities: vec![Anchor::Sha256(ca_sha256)],
        server_name: KeySet::server_name_of(&root),
        newest: Timestamp::default(),
    };
    let request = Enrol {
        token,
        hostname,
        identity_key: keys.identity.verifying_key().as_bytes().to_vec(),
        csr: signing_request(&keys.certificate)?,
        machine: fingerprint(),
        agent_version: env!("CARGO_PKG_VERSION").into(),
    };
    let session = Dialer::new().connect(&servers, &trust, &client, Channel::Enrol).await?;
    let enrolled = match session.ask::<Enrol, Enrolled>(&request).await? {
        Reply::Done(enrolled) => enrolled,
        Reply::Refused(refused) => return Err(LifeError::Refused { code: refused.code, message: refused.message }),
    };
    session.close().await;
    let id = EnvoyId::of(&keys.identity.verifying_key());
    if enrolled.envoy_id != id.0 {
        return Err(LifeError::NotBelieved(format!("expected the id `{id}`, found another")));
    }
    let keyset = Signed::decode(&enrolled.keyset).map_err(|e| LifeError::NotBelieved(e.to_string()))?;
    let believed = KeySet::verify(&keyset, &root).map_err(|e| LifeError::NotBelieved(e.to_string()))?.believed();
    // Before anything is kept: a program that is not the fleet's is not to live here.
    if let Some(manifest) = manifest {
        ProgramManifest::verify(&manifest, &believed)?.check(&own_digest().map_err(LifeError::system)?)?;
    }
    if validity(&enrolled.certificate).is_none() {
        return Err(LifeError::NotBelieved("expected a certificate, found none".into()));
    }
    // The address that was reached is one at least.
    let servers = if enrolled.servers.is_empty() { servers } else { enrolled.servers };
    let enrolment = Enrolment { id, hostname: enrolled.hostname };
    let new = New { root, keyset, servers, certificate: enrolled.certificate, enrolment };
    match other {
        Some(_) => Ok(Enrolling::Leaves(Box::new(new))),
        None => new.keep(keys).map(Enrolling::Done),
    }
}

/// Returns the SHA-256 of the program that runs.
fn own_digest() -> std::io::Result<[u8; 32]> {
    let mut program = system::own_program()?;
    let (mut hash, mut piece) = (Sha256::new(), vec![0; PIECE_BYTES]);
    loop {
        match program.read(&mut piece)? {
            0 => return Ok(hash.finalize().into()),
            n => hash.update(piece.get(..n).unwrap_or_default()),
        }
    }
}
