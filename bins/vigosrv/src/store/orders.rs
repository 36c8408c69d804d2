//! Orders: what envoys are to do once, committed before anybody is told of it.

use super::audit::{self, Entry};
use super::value::{bits, bytes, cut, envoy_id, failed, time, time_or_none};
use super::{Actor, Store, StoreError};
use rusqlite::{Row, params};
use vigo_core::bundle::{Order, OrderId};
use vigo_core::id::EnvoyId;
use vigo_core::time::Timestamp;
use vigo_core::wire::message::OrderResult;

/// Bytes of what an envoy says of an order.
const OUTCOME_BYTES_MAX: usize = 32;
const DETAIL_BYTES_MAX: usize = 2048;

/// An order, as it is stored.
#[derive(Clone, PartialEq, Debug)]
pub struct OrderRow {
    /// What was ordered.
    pub order: Order,
    /// The number of those that were given together.
    pub push: i64,
    /// The envoy's name now.
    pub hostname: String,
    /// Who gave it.
    pub issued_by: String,
    /// What came of it; none before.
    pub answer: Option<Answered>,
}

/// What an envoy has said of an order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answered {
    /// When the server got to know.
    pub at: Timestamp,
    /// As in [`OrderResult`].
    pub outcome: String,
    /// As in [`OrderResult`].
    pub detail: String,
}

/// All that is known of orders.
const ROWS: &str = "SELECT orders.*, pushes.kind, pushes.body, pushes.issued_at, pushes.not_after, pushes.issued_by, \
                    envoys.hostname FROM orders JOIN pushes ON pushes.id = orders.push \
                    JOIN envoys ON envoys.id = orders.envoy";

impl Store {
    /// Stores orders that are given together, of one kind and time, and returns their number. `detail` is for the audit.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn order(
        &self,
        orders: Vec<Order>,
        detail: String,
        by: Actor,
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        self.write(orders.len() * 128, move |conn| {
            let failed = failed(conn);
            let Some(first) = orders.first() else {
                let expected = "one order at least";
                return Err(StoreError::Invalid { what: "a push", expected, found: "none".into() });
            };
            let sql = "INSERT INTO pushes (kind, body, issued_at, not_after, issued_by) VALUES (?, ?, ?, ?, ?)";
            let (from, to) = (first.issued_at.epoch_ms(), first.not_after.epoch_ms());
            let row = params![first.kind, first.body, from, to, by.to_string()];
            conn.prepare_cached(sql).map_err(&failed)?.execute(row).map_err(&failed)?;
            let push = conn.last_insert_rowid();
            let sql = "INSERT INTO orders (id, push, envoy) VALUES (?, ?, ?)";
            let mut statement = conn.prepare_cached(sql).map_err(&failed)?;
            for order in &orders {
                statement.execute(params![order.id.0, push, order.envoy_id.0]).map_err(&failed)?;
            }
            let entry = Entry { actor: by, action: "push", subject: push.to_string(), detail };
            audit::append(conn, &entry, now)?;
            Ok(push)
        })
        .await
    }

    /// Stores what came of an order. False when this envoy was given none of this name: there is nothing to store. What
    /// was said first stays.
    ///
    /// # Errors
    /// [`StoreError`]: nothing is to be acknowledged.
    pub async fn order_answered(
        &self,
        envoy: EnvoyId,
        id: OrderId,
        result: OrderResult,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write(result.detail.len(), move |conn| {
            let failed = failed(conn);
            let known = "SELECT 1 FROM orders WHERE id = ? AND envoy = ?";
            let mut statement = conn.prepare_cached(known).map_err(&failed)?;
            let is_known = statement.exists(params![id.0, envoy.0]).map_err(&failed)?;
            let sql = "UPDATE orders SET answered_at = ?3, outcome = ?4, detail = ?5, incarnation = ?6, seq = ?7 \
                       WHERE id = ?1 AND envoy = ?2 AND answered_at IS NULL";
            let (outcome, detail) = (cut(&result.outcome, OUTCOME_BYTES_MAX), cut(&result.detail, DETAIL_BYTES_MAX));
            let (incarnation, seq) = (bits(result.incarnation), bits(result.seq));
            let row = params![id.0, envoy.0, now.epoch_ms(), outcome, detail, incarnation, seq];
            conn.prepare_cached(sql).map_err(&failed)?.execute(row).map_err(&failed)?;
            Ok(is_known)
        })
        .await
    }

    /// Returns the orders that were given together, by hostname.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn push(&self, push: i64) -> Result<Vec<OrderRow>, StoreError> {
        self.read(move |conn| {
            let failed = failed(conn);
            let sql = format!("{ROWS} WHERE push = ? ORDER BY envoys.hostname, orders.id");
            let mut statement = conn.prepare_cached(&sql).map_err(&failed)?;
            statement.query_map([push], row).map_err(&failed)?.collect::<Result<_, _>>().map_err(&failed)
        })
        .await
    }

    /// Returns the orders that are to be offered: not answered, not too late, to envoys that were not revoked; the oldest
    /// first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open_orders(&self, now: Timestamp) -> Result<Vec<Order>, StoreError> {
        self.read(move |conn| {
            let failed = failed(conn);
            let open = "answered_at IS NULL AND not_after >= ? AND revoked_at IS NULL";
            let sql = format!("{ROWS} WHERE {open} ORDER BY push, orders.id");
            let mut statement = conn.prepare_cached(&sql).map_err(&failed)?;
            let orders = statement.query_map([now.epoch_ms()], |r| Ok(row(r)?.order)).map_err(&failed)?;
            orders.collect::<Result<_, _>>().map_err(&failed)
        })
        .await
    }

    /// Removes the orders that were given before `before` and are not offered any more at `now`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn prune_orders(&self, before: Timestamp, now: Timestamp) -> Result<(), StoreError> {
        self.write(0, move |conn| {
            let failed = failed(conn);
            let sql = "DELETE FROM pushes WHERE issued_at < ? AND not_after < ?";
            let row = params![before.epoch_ms(), now.epoch_ms()];
            conn.prepare_cached(sql).map_err(&failed)?.execute(row).map_err(&failed)?;
            Ok(())
        })
        .await
    }
}

fn row(row: &Row<'_>) -> rusqlite::Result<OrderRow> {
    let answer = match time_or_none(row, "answered_at")? {
        Some(at) => Some(Answered { at, outcome: row.get("outcome")?, detail: row.get("detail")? }),
        None => None,
    };
    Ok(OrderRow {
        order: Order {
            id: OrderId(bytes(row, "id")?),
            envoy_id: envoy_id(row, "envoy")?,
            kind: row.get("kind")?,
            body: row.get("body")?,
            issued_at: time(row, "issued_at")?,
            not_after: time(row, "not_after")?,
        },
        push: row.get("push")?,
        hostname: row.get("hostname")?,
        issued_by: row.get("issued_by")?,
        answer,
    })
}
