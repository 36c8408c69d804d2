//! A connection to a server.

use super::quic::Quic;
use super::tcp::Tcp;
use super::{ClientIdentity, Dialer, NetError, TrustAnchors};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use vigo_core::bundle::SigningKey;
use vigo_core::id::EnvoyId;
use vigo_core::secret::SealContext;
use vigo_core::wire::message::ResolveSecrets;
use vigo_core::wire::{Channel, Envelope, Exporter, Message, Reply};

/// How long an answer may pause, or take to begin: the server commits a report in far less, and a lost line shows sooner.
pub(super) const ANSWER_PAUSE_MAX: Duration = Duration::from_secs(60);

/// A connection to a server that proved itself. It closes when it is dropped.
pub struct Session {
    pub(super) link: Link,
    pub(super) server: String,
    pub(super) channel: Channel,
    pub(super) exporter: Exporter,
    pub(super) key: SigningKey,
    pub(super) sequence: AtomicU64,
    pub(super) is_clock_behind: bool,
}

pub(super) enum Link {
    Quic(Quic),
    Tcp(Tcp),
}

/// What carries a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Transport {
    /// QUIC over UDP.
    Quic,
    /// TLS over TCP.
    Tcp,
}

impl Session {
    /// Connects once, with nothing to remember: see [`Dialer::connect`].
    ///
    /// # Errors
    /// Those of [`Dialer::connect`].
    pub async fn connect(
        servers: &[String],
        trust: &TrustAnchors,
        identity: &ClientIdentity,
        channel: Channel,
    ) -> Result<Self, NetError> {
        Dialer::new().connect(servers, trust, identity, channel).await
    }

    /// Signs a message for this connection, sends it and waits for the answer. Several may be on their way at once, up to
    /// 64; dropping the future gives the answer up.
    ///
    /// # Errors
    /// [`NetError::Closed`], [`NetError::CertificateRefused`], [`NetError::TimedOut`], [`NetError::Wire`].
    pub async fn ask<M: Message, A: Message>(&self, message: &M) -> Result<Reply<A>, NetError> {
        let sequence = self.sequence.fetch_add(1, Ordering::Relaxed) + 1;
        let request = Envelope::sign(self.channel, &self.key, sequence, &self.exporter, message).encode();
        let max = self.channel.envelope_bytes_max();
        if request.len() > max {
            return Err(vigo_core::wire::WireError::TooLarge { max, found: request.len() }.into());
        }
        let answer = match &self.link {
            Link::Quic(quic) => quic.ask(&request).await?,
            Link::Tcp(tcp) => tcp.ask(request).await?,
        };
        Ok(Reply::decode(&answer)?)
    }

    /// Returns what the answer to this question for secrets is sealed for.
    pub fn seal_context(&self, asked: &ResolveSecrets) -> SealContext {
        SealContext::new(EnvoyId::of(&self.key.verifying_key()), &self.exporter, &asked.encode())
    }

    /// Waits until the connection has ended, and returns why.
    pub async fn closed(&self) -> NetError {
        match &self.link {
            Link::Quic(quic) => quic.closed().await,
            Link::Tcp(tcp) => tcp.closed().await,
        }
    }

    /// Closes it, and waits a moment until the server knows: before the runtime ends.
    pub async fn close(self) {
        match self.link {
            Link::Quic(quic) => quic.close().await,
            Link::Tcp(tcp) => tcp.close().await,
        }
    }

    /// Returns the server that was reached, as it was given.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// Returns what carries it.
    pub fn transport(&self) -> Transport {
        match self.link {
            Link::Quic(_) => Transport::Quic,
            Link::Tcp(_) => Transport::Tcp,
        }
    }

    /// Returns whether the server's certificate is from the future: one of the two clocks is wrong.
    pub fn is_clock_behind(&self) -> bool {
        self.is_clock_behind
    }
}

pub(super) fn timed_out() -> NetError {
    NetError::TimedOut { seconds: ANSWER_PAUSE_MAX.as_secs() }
}
