//! A machine becomes an envoy: the use of a token and the envoy's row are one transaction.

use super::audit::{self, Entry};
use super::envoy::{self, set_seen};
use super::value::failed;
use super::writer::bury;
use super::{Actor, Envoy, Seen, Store, StoreError, token};
use rusqlite::{Connection, params};
use vigo_core::id::EnvoyId;
use vigo_core::server::{AdmittedBy, NotAdmitted};
use vigo_core::time::Timestamp;

/// A machine that is to become an envoy. Its signatures, the secret of its token and the patterns have been looked at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Enrolment {
    /// The id, made of the key.
    pub id: EnvoyId,
    /// The public half of the identity key.
    pub identity_key: [u8; 32],
    /// The name: lower case, checked, authorised.
    pub hostname: String,
    /// What admits it.
    pub admitted: AdmittedBy,
    /// Where it comes from, and what it said of itself.
    pub seen: Seen,
}

/// What came of an enrolment.
#[derive(Clone, PartialEq, Debug)]
pub enum Enrolled {
    /// The machine is an envoy now.
    New {
        /// It.
        envoy: Envoy,
        /// Who had the name before and was revoked for it; its connections are to be closed.
        replaced: Option<EnvoyId>,
    },
    /// It was one already, under this name and key: a lost answer, or the command run again. Nothing was used up.
    Again(Envoy),
    /// It is none.
    Refused(NotAdmitted),
}

impl Store {
    /// Makes a machine an envoy, or says why not. Asked twice, it answers twice: the same key under the same name costs
    /// nothing. Either way it is audited; of two that race for one use of a token, one wins.
    ///
    /// # Errors
    /// [`StoreError`]: it is not known what came of it, and the same again is right.
    pub async fn enrol(&self, enrolment: Enrolment, now: Timestamp) -> Result<Enrolled, StoreError> {
        let revoked = self.revoked();
        self.write(0, move |conn| {
            let found = if revoked.contains(enrolment.id) {
                Enrolled::Refused(NotAdmitted::Revoked(enrolment.id))
            } else {
                enrol(conn, &enrolment, now)?
            };
            if let Enrolled::New { replaced: Some(id), .. } = &found {
                revoked.add(*id)?;
                bury(conn, *id, now)?;
            }
            audit::append(conn, &entry(&enrolment, &found), now)?;
            Ok(found)
        })
        .await
    }
}

/// Everything that refuses comes before the first change.
fn enrol(conn: &Connection, new: &Enrolment, now: Timestamp) -> Result<Enrolled, StoreError> {
    if let Some(known) = envoy::get(conn, new.id)? {
        return Ok(match known {
            Envoy { revoked_at: Some(_), .. } => Enrolled::Refused(NotAdmitted::Revoked(new.id)),
            Envoy { hostname: enrolled, .. } if enrolled != new.hostname => {
                Enrolled::Refused(NotAdmitted::OtherName { enrolled, claimed: new.hostname.clone() })
            }
            known => {
                // The counter of contacts goes on.
                let seen = Seen { contact: known.seen.contact, keyset: known.seen.keyset, ..new.seen.clone() };
                set_seen(conn, new.id, &seen)?;
                Enrolled::Again(Envoy { seen, ..known })
            }
        });
    }
    let holder = envoy::named(conn, &new.hostname)?;
    let refused = |why| Ok(Enrolled::Refused(why));
    let token = match &new.admitted {
        AdmittedBy::Trusted { .. } => None,
        AdmittedBy::Token { id } => match token::get(conn, id)? {
            Some(token) => Some(token),
            None => return refused(NotAdmitted::BadToken),
        },
        // It was enrolled when it was admitted, and is not now.
        AdmittedBy::Itself => return refused(NotAdmitted::BadToken),
    };
    if let Some(holder) = &holder
        && !token.as_ref().is_some_and(|token| token.replaces)
    {
        return refused(NotAdmitted::NameTaken { hostname: new.hostname.clone(), holder: holder.id });
    }
    if let Some(token) = token {
        let failed = failed(conn);
        let sql = "UPDATE tokens SET uses_left = uses_left - 1 WHERE id = ?1 AND uses_left > 0 AND expires_at > ?2";
        let mut statement = conn.prepare_cached(sql).map_err(&failed)?;
        if statement.execute(params![token.id, now.epoch_ms()]).map_err(&failed)? != 1 {
            return refused(match token.expires_at <= now {
                true => NotAdmitted::TokenExpired { id: token.id },
                false => NotAdmitted::TokenUsed { id: token.id },
            });
        }
    }
    if let Some(holder) = &holder {
        envoy::set_revoked(conn, holder.id, now)?;
    }
    let envoy = Envoy::new(new.id, new.hostname.clone(), new.identity_key, new.seen.clone(), now);
    envoy::insert(conn, &envoy)?;
    Ok(Enrolled::New { envoy, replaced: holder.map(|holder| holder.id) })
}

fn entry(new: &Enrolment, found: &Enrolled) -> Entry {
    let by = match &new.admitted {
        AdmittedBy::Itself => "its own key".into(),
        AdmittedBy::Token { id } => format!("token `{id}`"),
        AdmittedBy::Trusted { pattern } => format!("trusted pattern `{pattern}`"),
    };
    let (action, detail) = match found {
        Enrolled::New { replaced: None, .. } => ("envoy.enrol", format!("by {by}")),
        Enrolled::New { replaced: Some(id), .. } => ("envoy.enrol", format!("by {by}, in the place of {id}")),
        Enrolled::Again(_) => ("envoy.enrol-again", format!("by {by}")),
        Enrolled::Refused(why) => ("envoy.refuse", format!("by {by}, from {}: {why}", new.seen.remote)),
    };
    Entry { actor: Actor::Envoy(new.id), action, subject: new.hostname.clone(), detail }
}
