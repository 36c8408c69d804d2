//! What an envoy was ordered and has not answered for.

use super::Signer;
use crate::bundle::Order;
use crate::fleet::Envoy;
use crate::limits;
use crate::time::Timestamp;
use alloc::vec::Vec;

/// Returns the orders that `envoy` is offered at `now`, signed, the oldest first: all that it has not answered for. What
/// is too late is forgotten.
pub fn offer(envoy: &mut Envoy, signer: &Signer, now: Timestamp) -> Vec<Vec<u8>> {
    envoy.orders.retain(|order| order.not_after >= now);
    if !envoy.orders.is_empty() {
        envoy.busy_at = now;
    }
    let offered = envoy.orders.iter().take(limits::ORDERS_OFFERED_MAX);
    offered.map(|order: &Order| order.sign(signer.key()).encode()).collect()
}
