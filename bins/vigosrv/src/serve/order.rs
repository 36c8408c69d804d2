//! Orders: given to envoys, and what came of them.

use super::server::{Server, now};
use super::service::{Outcome, busy, invalid};
use vigo_core::bundle::{Order, OrderId};
use vigo_core::id::EnvoyId;
use vigo_core::wire::message::{OrderResult, OrderTaken};

impl Server {
    /// Offers orders that are in the store from now on, and has those check in whose connection is held. Returns how many
    /// these are.
    pub(super) fn give(&self, orders: Vec<Order>) -> usize {
        let mut called = Vec::new();
        let mut fleet = self.fleet_mut();
        for order in orders {
            let Some(envoy) = fleet.get_mut(order.envoy_id).filter(|envoy| !envoy.revoked) else { continue };
            called.push(envoy.id);
            envoy.called = true;
            envoy.orders.push(order);
        }
        drop(fleet);
        called.into_iter().filter(|id| self.held.call(*id)).count()
    }

    /// Stores what an envoy says of an order, then acknowledges it: also of one that is not known, for a server that was
    /// restored has forgotten it.
    pub(super) async fn order_result(&self, envoy: EnvoyId, result: OrderResult) -> Outcome<OrderTaken> {
        let id = <[u8; 16]>::try_from(&*result.id).map_err(|_| invalid("expected 16 bytes of an order's name"))?;
        let (id, taken, now) = (OrderId(id), OrderTaken { id: result.id.clone() }, now());
        if !self.store.order_answered(envoy, id, result, now).await.map_err(|error| busy(&error))? {
            tracing::warn!("{envoy} answers for order {id}, which is not known here");
        }
        if let Some(envoy) = self.fleet_mut().get_mut(envoy) {
            envoy.orders.retain(|order| order.id != id);
            envoy.busy_at = now;
        }
        Ok(taken)
    }
}
