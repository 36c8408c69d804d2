//! How a generated machine becomes an envoy.

use crate::cli::Cli;
use crate::ledger::Keys;
use vigo_agent::net::{Anchor, ClientIdentity, Dialer, TrustAnchors, signing_request};
use vigo_core::agent::{Disk, validity};
use vigo_core::bundle::{KeySet, Signed};
use vigo_core::id::EnvoyId;
use vigo_core::time::Timestamp;
use vigo_core::wire::message::{Enrol, Enrolled, Refused};
use vigo_core::wire::{Channel, Reply};

/// What came of it.
pub enum Asked {
    /// The machine is an envoy; its disk.
    Envoy(Box<Disk>),
    /// Nobody has answered, or has no time: later it may be otherwise.
    Later(String),
    /// The server does not want it.
    Refused(String),
}

/// Asks a server to take a machine up under this name.
pub async fn enrol(cli: &Cli, token: &str, nth: usize, name: &str, keys: &Keys, incarnation: u64) -> Asked {
    let trust = TrustAnchors {
        authorities: vec![Anchor::Sha256(cli.ca_sha256)],
        server_name: KeySet::server_name_of(&cli.root_key),
        newest: Timestamp::default(),
    };
    let csr = match signing_request(&keys.certificate) {
        Ok(csr) => csr,
        Err(error) => return Asked::Refused(error.to_string()),
    };
    let public = keys.identity.verifying_key();
    let request = Enrol {
        token: token.into(),
        hostname: name.into(),
        identity_key: public.as_bytes().to_vec(),
        csr,
        machine: EnvoyId::of(&public).0.to_vec(),
        agent_version: env!("CARGO_PKG_VERSION").into(),
    };
    let client = ClientIdentity { key: keys.identity.clone(), certificate: None };
    let mut dialer = cli.address(nth).map_or_else(Dialer::new, Dialer::from_address);
    let session = match dialer.connect(&cli.server, &trust, &client, Channel::Enrol).await {
        Ok(session) => session,
        Err(error) => return Asked::Later(error.to_string()),
    };
    let answer = session.ask::<Enrol, Enrolled>(&request).await;
    session.close().await;
    match answer {
        Ok(Reply::Done(enrolled)) => match disk(cli, keys, enrolled, incarnation) {
            Ok(disk) => Asked::Envoy(Box::new(disk)),
            Err(why) => Asked::Refused(why),
        },
        Ok(Reply::Refused(refused)) if refused.code == Refused::BUSY => Asked::Later(refused.message),
        Ok(Reply::Refused(refused)) => Asked::Refused(format!("`{}`: {}", refused.code, refused.message)),
        Err(error) => Asked::Later(error.to_string()),
    }
}

fn disk(cli: &Cli, keys: &Keys, enrolled: Enrolled, incarnation: u64) -> Result<Disk, String> {
    let id = EnvoyId::of(&keys.identity.verifying_key());
    if enrolled.envoy_id != id.0 {
        return Err(format!("expected the id `{id}`, found another"));
    }
    let keyset = Signed::decode(&enrolled.keyset).map_err(|e| e.to_string())?;
    KeySet::verify(&keyset, &cli.root_key).map_err(|e| e.to_string())?;
    if validity(&enrolled.certificate).is_none() {
        return Err("expected a certificate, found none".into());
    }
    let mut disk = Disk::new(keyset, enrolled.certificate, incarnation);
    // The address that was reached is one at least.
    disk.servers = if enrolled.servers.is_empty() { cli.server.clone() } else { enrolled.servers };
    Ok(disk)
}
