//! Whether a request is its envoy's.

use crate::fleet::FleetIndex;
use crate::id::EnvoyId;
use crate::time::Timestamp;
use crate::wire::message::Refused;
use crate::wire::{Channel, Envelope, Exporter, Kind, ReplayWindow};

/// What the certificate of a connection says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Caller {
    /// The envoy that it names.
    pub id: EnvoyId,
    /// When it ends.
    pub not_after: Timestamp,
    /// Whether the authority that signed it is believed now: sessions are resumed without asking again.
    pub is_trusted: bool,
}

/// Decides whether `envelope` may be answered: it is signed on this connection by the envoy that the certificate names,
/// who is known and not revoked, and was not seen before.
///
/// # Errors
/// The refusal to send.
pub fn authorise(
    envelope: &Envelope,
    caller: &Caller,
    exporter: &Exporter,
    replays: &mut ReplayWindow,
    fleet: &FleetIndex,
    now: Timestamp,
) -> Result<(), Refused> {
    let refused = |code: &str, message: &str| Refused { code: code.into(), message: message.into() };
    if !Channel::Request.takes(envelope.kind) {
        return Err(refused(Refused::INVALID, "this request belongs on another channel"));
    }
    if envelope.envoy_id != caller.id {
        return Err(refused(Refused::INVALID, "the request names another envoy than the certificate"));
    }
    let Some(envoy) = fleet.get(caller.id) else {
        return Err(refused(Refused::UNKNOWN, "this server does not know the envoy; run bootstrap again"));
    };
    if envoy.revoked {
        return Err(refused(Refused::REVOKED, "the envoy was revoked; enrol it with a new identity"));
    }
    if envelope.verify(Channel::Request, &envoy.key, exporter).is_err() {
        return Err(refused(Refused::INVALID, "the signature is not that of the envoy on this connection"));
    }
    if let Err(error) = replays.accept(envelope.sequence) {
        return Err(Refused { code: Refused::INVALID.into(), message: alloc::format!("{error}") });
    }
    if envelope.kind != Kind::RenewCertificate {
        if !caller.is_trusted {
            return Err(refused(Refused::RENEW, "the certificate's authority is retired; renew the certificate"));
        }
        if caller.not_after < now {
            return Err(refused(Refused::RENEW, "the certificate has expired; renew it"));
        }
    }
    Ok(())
}
