//! How much of the server strangers and envoys get.

use crate::config;
use std::time::Duration;
use vigo_core::server::Budget;

/// How much of the server strangers and envoys get.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Connections, of both transports together.
    pub connections: Budget,
    /// Connections, of each transport, that have not shown who they are, or that enrol: the oldest makes room for one
    /// more. Some kilobytes each.
    pub handshakes_max: usize,
    /// How long a handshake may take: a lost packet or two on a slow line, three attempts.
    pub handshake_time_max: Duration,
    /// How long a connection without a certificate may take for all it has to say.
    pub enrol_time_max: Duration,
    /// How long a connection is kept when nothing comes over it: an agent's pause between its messages, far below the
    /// interval at which it comes back.
    pub idle_max: Duration,
    /// How long one request may take to arrive: the largest one over 32 kB/s.
    pub request_time_max: Duration,
    /// Requests of one connection that are answered at once: an answer may be a whole bundle, and waits until it is sent.
    pub answers_max: usize,
    /// Connections of one envoy: an old one that it lost, a new one, and two for luck. The oldest makes room.
    pub connections_per_envoy_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: config::Limits::default().connections(),
            handshakes_max: 1024,
            handshake_time_max: Duration::from_secs(10),
            enrol_time_max: Duration::from_secs(30),
            idle_max: Duration::from_secs(30),
            request_time_max: Duration::from_secs(120),
            answers_max: 8,
            connections_per_envoy_max: 4,
        }
    }
}
