//! Who becomes an envoy.

use super::{Network, TokenText};
use crate::fleet::Envoy;
use crate::glob::Glob;
use crate::id::EnvoyId;
use crate::resolve::{HostnameError, hostname};
use crate::time::Timestamp;
use crate::wire::message::{Enrol, Refused};
use crate::wire::{Channel, Envelope, Exporter, WireError};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::IpAddr;
use ed25519_dalek::VerifyingKey;
use thiserror::Error;

/// What a machine asks for, after it has proved that the key is its own.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Made of the key.
    pub id: EnvoyId,
    /// Its identity key; not a weak one.
    pub key: VerifyingKey,
    /// The name that it claims, in lower case.
    pub hostname: String,
    /// Its token, if it has one.
    pub token: Option<TokenText>,
    /// Its certificate signing request, DER. The driver takes the public key out of it.
    pub csr: Vec<u8>,
    /// Its fingerprint.
    pub machine: Vec<u8>,
    /// The agent's version.
    pub agent_version: String,
}

/// The record of a token.
#[derive(Clone, Debug)]
pub struct TokenRecord {
    /// [`TokenText::id`].
    pub id: String,
    /// The names that it admits.
    pub pattern: Glob,
    /// How often it can be used still.
    pub uses_left: u32,
    /// When it ends.
    pub expires: Timestamp,
    /// Whether it may take a name from the envoy that has it.
    pub replaces: bool,
}

/// An entry of `enrollment.trusted`: names that need no token.
#[derive(Clone, Debug)]
pub struct Trusted {
    /// The names.
    pub pattern: Glob,
    /// Where they must come from.
    pub from: Network,
    /// When the entry ends.
    pub until: Option<Timestamp>,
}

/// That a claim is granted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Admission {
    /// By what.
    pub by: AdmittedBy,
    /// The envoy whose name it takes, to be revoked with it.
    pub replaces: Option<EnvoyId>,
}

/// What admits a claim.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AdmittedBy {
    /// The same key has enrolled under the same name before: a lost answer, or bootstrap run again.
    Itself,
    /// This token, of which one use is to be taken in the transaction that adds the envoy.
    Token {
        /// [`TokenText::id`].
        id: String,
    },
    /// A trusted pattern.
    Trusted {
        /// The pattern.
        pattern: String,
    },
}

/// Why a claim is not granted. What is said to the machine tells its operator what to do; it does not tell a stranger
/// which tokens exist.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum NotAdmitted {
    /// The request is no such request, or not signed by the key that it brings.
    #[error("the request is not valid: {0}")]
    Invalid(#[from] WireError),
    /// The key is of a kind with which anything can be signed.
    #[error("the identity key is weak")]
    WeakKey,
    /// No machine has such a name.
    #[error("`{name}` is no hostname: {why}", name = name.escape_debug())]
    Hostname {
        /// What was claimed.
        name: String,
        /// What is wrong.
        why: HostnameError,
    },
    /// Neither token nor pattern.
    #[error("no token was given, and no trusted pattern admits `{hostname}` from {from}")]
    NoToken {
        /// The name.
        hostname: String,
        /// Where it came from.
        from: IpAddr,
    },
    /// The token is not one, is not known, or its secret is another.
    #[error("the token is not valid")]
    BadToken,
    /// It was used as often as it could be.
    #[error("token `{id}` is used up")]
    TokenUsed {
        /// Its id.
        id: String,
    },
    /// It is too old.
    #[error("token `{id}` has expired")]
    TokenExpired {
        /// Its id.
        id: String,
    },
    /// It is for other names.
    #[error("token `{id}` admits `{pattern}`, not `{hostname}`")]
    TokenForOthers {
        /// Its id.
        id: String,
        /// What it admits.
        pattern: String,
        /// What was claimed.
        hostname: String,
    },
    /// The name is another envoy's.
    #[error("`{hostname}` is enrolled with another identity key, as envoy {holder}")]
    NameTaken {
        /// The name.
        hostname: String,
        /// Who has it.
        holder: EnvoyId,
    },
    /// The key is enrolled under another name.
    #[error("this identity is enrolled as `{enrolled}`, not as `{claimed}`")]
    OtherName {
        /// The name that it has.
        enrolled: String,
        /// The name that it claims.
        claimed: String,
    },
    /// It was thrown out; its id never comes back.
    #[error("envoy {0} was revoked")]
    Revoked(EnvoyId),
}

impl NotAdmitted {
    /// Returns what to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Invalid(_) | Self::WeakKey => "remove the identity directory and run bootstrap again",
            Self::Hostname { .. } => "give a hostname of letters, digits, `-`, `_` and `.`",
            Self::NoToken { .. } => "run `vigocli tokens create` and pass the token",
            Self::BadToken | Self::TokenUsed { .. } | Self::TokenExpired { .. } | Self::TokenForOthers { .. } => {
                "run `vigocli tokens create` for a new token"
            }
            Self::NameTaken { .. } => "run `vigocli envoys revoke`, or create a token with `--replace`",
            Self::OtherName { .. } => "give that name, or remove the identity directory and enrol anew",
            Self::Revoked(_) => "remove the identity directory and enrol with a new token",
        }
    }

    /// Returns what the machine is told.
    pub fn refused(&self) -> Refused {
        let code = match self {
            Self::Invalid(_) | Self::WeakKey => Refused::INVALID,
            Self::Revoked(_) => Refused::REVOKED,
            _ => Refused::NOT_ADMITTED,
        };
        Refused { code: code.into(), message: format!("{self}; {}", self.help()) }
    }
}

/// Reads a request to enrol and verifies that it is signed by the key that it brings, on this connection.
///
/// # Errors
/// [`NotAdmitted::Invalid`], [`NotAdmitted::WeakKey`], [`NotAdmitted::Hostname`], [`NotAdmitted::BadToken`].
pub fn claim(envelope: &Envelope, exporter: &Exporter) -> Result<Claim, NotAdmitted> {
    let enrol: Enrol = envelope.message()?;
    let key = screened(&enrol.identity_key)?;
    envelope.verify(Channel::Enrol, &key, exporter)?;
    let name = checked_name(&enrol.hostname)?;
    let token = match enrol.token.trim() {
        "" => None,
        text => Some(TokenText::parse(text).map_err(|_| NotAdmitted::BadToken)?),
    };
    Ok(Claim {
        id: envelope.envoy_id,
        key,
        hostname: name,
        token,
        csr: enrol.csr,
        machine: enrol.machine,
        agent_version: enrol.agent_version,
    })
}

/// Reads an identity key.
pub(super) fn screened(key: &[u8]) -> Result<VerifyingKey, NotAdmitted> {
    let bytes = <&[u8; 32]>::try_from(key).map_err(|_| WireError::BadSignature)?;
    let key = VerifyingKey::from_bytes(bytes).map_err(|_| NotAdmitted::WeakKey)?;
    if key.is_weak() || !key.to_edwards().compress().as_bytes().eq(bytes) {
        return Err(NotAdmitted::WeakKey);
    }
    Ok(key)
}

/// Returns a claimed name in lower case.
pub(super) fn checked_name(name: &str) -> Result<String, NotAdmitted> {
    let checked = match name.chars().find(|c| !c.is_ascii()) {
        // A certificate's name has no other letters.
        Some(c) => Err(HostnameError::Character(c)),
        None => hostname(name),
    };
    checked.map_err(|why| NotAdmitted::Hostname { name: name.into(), why })
}

/// Decides about a claim. `token` is the record of the claim's token, if there is one whose secret is right; `own` is
/// the envoy of the claim's id, `holder` that of its name.
///
/// # Errors
/// [`NotAdmitted`].
pub fn admit(
    claim: &Claim,
    token: Option<&TokenRecord>,
    trusted: &[Trusted],
    from: IpAddr,
    own: Option<&Envoy>,
    holder: Option<&Envoy>,
    now: Timestamp,
) -> Result<Admission, NotAdmitted> {
    match own {
        Some(own) if own.revoked => return Err(NotAdmitted::Revoked(own.id)),
        Some(own) if *own.hostname == *claim.hostname => {
            return Ok(Admission { by: AdmittedBy::Itself, replaces: None });
        }
        Some(own) => {
            let (enrolled, claimed) = (String::from(&*own.hostname), claim.hostname.clone());
            return Err(NotAdmitted::OtherName { enrolled, claimed });
        }
        None => {}
    }
    let holder = holder.filter(|h| h.id != claim.id);
    let taken = |holder: &Envoy| NotAdmitted::NameTaken { hostname: claim.hostname.clone(), holder: holder.id };
    if claim.token.is_none() {
        let entry = trusted.iter().find(|t| {
            t.pattern.matches(&claim.hostname) && t.from.contains(from) && t.until.is_none_or(|until| now < until)
        });
        let Some(entry) = entry else { return Err(NotAdmitted::NoToken { hostname: claim.hostname.clone(), from }) };
        // A hostname is only a claim: a pattern never takes a name over.
        return match holder {
            Some(holder) => Err(taken(holder)),
            None => {
                Ok(Admission { by: AdmittedBy::Trusted { pattern: entry.pattern.as_str().into() }, replaces: None })
            }
        };
    }
    let token = token.ok_or(NotAdmitted::BadToken)?;
    let id = token.id.clone();
    if token.expires <= now {
        return Err(NotAdmitted::TokenExpired { id });
    }
    if token.uses_left == 0 {
        return Err(NotAdmitted::TokenUsed { id });
    }
    if !token.pattern.matches(&claim.hostname) {
        let (pattern, hostname) = (token.pattern.as_str().into(), claim.hostname.clone());
        return Err(NotAdmitted::TokenForOthers { id, pattern, hostname });
    }
    match holder {
        Some(holder) if !token.replaces => Err(taken(holder)),
        holder => Ok(Admission { by: AdmittedBy::Token { id }, replaces: holder.map(|h| h.id) }),
    }
}
