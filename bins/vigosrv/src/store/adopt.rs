//! An envoy that the database has lost comes back.

use super::audit::{self, Entry};
use super::envoy;
use super::{Actor, Envoy, Seen, Store, StoreError};
use vigo_core::id::EnvoyId;
use vigo_core::server::{Adoption, NotAdopted};
use vigo_core::time::Timestamp;

impl Store {
    /// Takes an envoy up again, whose proofs have been looked at, or says why not; `by` has let it in, where these are not
    /// enough. Of two of one name the first has it.
    ///
    /// # Errors
    /// [`StoreError`]: it is not known what came of it, and the same again is right.
    pub async fn adopt(
        &self,
        adoption: Adoption,
        by: Option<String>,
        seen: Seen,
        now: Timestamp,
    ) -> Result<Result<(), NotAdopted>, StoreError> {
        let revoked = self.revoked();
        self.write(0, move |conn| {
            let Adoption { id, key, hostname } = adoption;
            if revoked.contains(id) {
                return Ok(Err(NotAdopted::Revoked(id)));
            }
            if let Some(known) = envoy::get(conn, id)? {
                // Asked twice; a revoked one is in the file, too.
                return Ok(if known.revoked_at.is_some() { Err(NotAdopted::Revoked(id)) } else { Ok(()) });
            }
            if let Some(holder) = envoy::named(conn, &hostname)? {
                return Ok(Err(NotAdopted::NameTaken { hostname, holder: holder.id }));
            }
            let detail = match by {
                None => format!("from {}: it was not in the database", seen.remote),
                Some(by) => format!("from {}: it was not in the database, and {by} has let it in", seen.remote),
            };
            let new = Envoy::new(id, hostname.clone(), *key.as_bytes(), seen, now);
            envoy::insert(conn, &Envoy { adopted_at: Some(now), ..new })?;
            let entry = Entry { actor: Actor::Envoy(id), action: "envoy.adopt", subject: hostname, detail };
            audit::append(conn, &entry, now)?;
            Ok(Ok(()))
        })
        .await
    }

    /// Returns whether an id never comes back, whatever the database says: it was revoked or deleted.
    pub fn is_revoked(&self, id: EnvoyId) -> bool {
        self.revoked().contains(id)
    }
}
