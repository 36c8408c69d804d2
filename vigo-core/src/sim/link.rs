//! Connections: what TLS gives to both ends.

use crate::id::EnvoyId;
use crate::time::Timestamp;
use crate::wire::{Channel, Exporter, ReplayWindow};

/// One connection. It ends with the crash of either end.
pub(super) struct Link {
    /// Index of the machine.
    pub(super) machine: usize,
    pub(super) channel: Channel,
    pub(super) exporter: Exporter,
    /// Whom the machine's certificate names, and when it ends.
    pub(super) certificate: Option<(EnvoyId, Timestamp)>,
    /// Whether the authority that made it is believed now.
    pub(super) is_trusted: bool,
    /// The last number that the machine used.
    pub(super) sequence: u64,
    /// What the server has seen.
    pub(super) replays: ReplayWindow,
}
