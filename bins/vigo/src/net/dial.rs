//! Reaching a server.

use super::quic::Quic;
use super::session::Link;
use super::tcp::Tcp;
use super::tls::Tls;
use super::{ClientIdentity, NetError, Session, Transport, TrustAnchors};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};
use tokio::time::{sleep, timeout};
use vigo_core::wire::{Channel, Exporter};

/// How long one transport is alone before the other starts beside it.
const HEAD_START: Duration = Duration::from_secs(1);

/// How long the other transport may take when a server was reached but not believed, or nobody listens.
const LAST_CHANCE: Duration = Duration::from_secs(2);

/// How long a server may take to be reached: three lost packets.
const REACH_MAX: Duration = Duration::from_secs(15);

/// How long the transport that was faster is taken first.
const REMEMBERED: Duration = Duration::from_secs(3600);

/// How long a server that was not reached is taken last: the others need not wait for it each time.
const TAKEN_LAST: Duration = Duration::from_secs(300);

/// Addresses of one name that are tried.
const ADDRESSES_MAX: usize = 4;

/// Reaches servers, and remembers how it got there: which of them were not reached, the transport for each address, and
/// tickets, by which the next connection is cheaper. One for the life of the process.
#[derive(Default)]
pub struct Dialer {
    tls: Option<Tls>,
    /// Since when TCP is the faster one, by server.
    by_tcp: HashMap<String, Instant>,
    /// When each server was last not reached.
    missed: HashMap<String, Instant>,
    /// The address of this machine from which it dials; `None` leaves it to the system.
    from: Option<IpAddr>,
}

impl Dialer {
    /// Makes one that remembers nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes one that dials from this address of the machine, which may have many: to servers whose addresses are of the
    /// same family.
    pub fn from_address(from: IpAddr) -> Self {
        Self { from: Some(from), ..Self::default() }
    }

    /// Connects to the first of `servers` (`host:port`) that is reached and believed; those that were not reached in the last
    /// five minutes come after the others.
    ///
    /// On [`Channel::Request`] by QUIC, with TCP beside it after a second; where TCP was faster it is taken first for an
    /// hour. On [`Channel::Enrol`] by TCP, without a certificate.
    ///
    /// # Errors
    /// [`NetError`]: of the last server that was tried.
    pub async fn connect(
        &mut self,
        servers: &[String],
        trust: &TrustAnchors,
        identity: &ClientIdentity,
        channel: Channel,
    ) -> Result<Session, NetError> {
        let tls = Tls::new(self.tls.as_ref(), trust, identity, channel)?;
        if channel == Channel::Request {
            self.tls = Some(tls.clone());
        }
        let mut last = NetError::NoServer;
        for server in self.in_turn(servers) {
            match self.reach(server, &tls, channel).await {
                Ok((link, exporter)) => {
                    self.missed.remove(server);
                    return Ok(Session {
                        link,
                        server: server.clone(),
                        channel,
                        exporter,
                        key: identity.key.clone(),
                        sequence: AtomicU64::new(0),
                        is_clock_behind: tls.verifier.is_clock_behind(),
                    });
                }
                Err(e) => {
                    if is_missed(&e) {
                        self.missed.insert(server.clone(), Instant::now());
                    }
                    last = e;
                }
            }
        }
        Err(last)
    }

    /// Returns the servers in the order in which they are tried.
    fn in_turn<'a>(&mut self, servers: &'a [String]) -> Vec<&'a String> {
        self.missed.retain(|server, since| since.elapsed() < TAKEN_LAST && servers.contains(server));
        let mut servers: Vec<&String> = servers.iter().collect();
        servers.sort_by_key(|server| self.missed.contains_key(*server));
        servers
    }

    async fn reach(&mut self, server: &str, tls: &Tls, channel: Channel) -> Result<(Link, Exporter), NetError> {
        let addresses = addresses(server).await?;
        let first = if channel == Channel::Enrol {
            None
        } else if self.by_tcp.get(server).is_some_and(|since| since.elapsed() < REMEMBERED) {
            Some(Transport::Tcp)
        } else {
            Some(Transport::Quic)
        };
        let reached = match first {
            None => timeout(REACH_MAX, over(Transport::Tcp, server, self.from, &addresses, tls)).await,
            Some(first) => timeout(REACH_MAX, race(first, server, self.from, &addresses, tls)).await,
        };
        let why = || format!("no answer within {} s", REACH_MAX.as_secs());
        let reached =
            reached.unwrap_or_else(|_| Err(NetError::Unreachable { server: server.to_owned(), why: why() }))?;
        match (&reached.0, first) {
            (Link::Tcp(_), Some(Transport::Quic)) => drop(self.by_tcp.insert(server.to_owned(), Instant::now())),
            (Link::Quic(_), _) => drop(self.by_tcp.remove(server)),
            _ => {}
        }
        Ok(reached)
    }
}

/// Returns whether a server was not even reached.
fn is_missed(e: &NetError) -> bool {
    matches!(e, NetError::Address { .. } | NetError::Unreachable { .. } | NetError::NobodyListens { .. })
}

/// Tries one transport, after a while or its failure the other beside it, and returns the first that gets there.
async fn race(
    first: Transport,
    server: &str,
    from: Option<IpAddr>,
    addresses: &[SocketAddr],
    tls: &Tls,
) -> Result<(Link, Exporter), NetError> {
    let second = if first == Transport::Quic { Transport::Tcp } else { Transport::Quic };
    let one = over(first, server, from, addresses, tls);
    let two = over(second, server, from, addresses, tls);
    tokio::pin!(one, two);
    let failed = tokio::select! {
        reached = &mut one => match reached {
            Ok(reached) => return Ok(reached),
            // To knock at the other door would be one more for a server that has too many.
            Err(busy @ NetError::Busy { .. }) => return Err(busy),
            Err(e) => Some(e),
        },
        () = sleep(HEAD_START) => None,
    };
    match failed {
        Some(failed) => last_chance(failed, two).await,
        None => tokio::select! {
            reached = &mut one => match reached {
                Ok(reached) => Ok(reached),
                Err(failed) => last_chance(failed, two).await,
            },
            reached = &mut two => match reached {
                Ok(reached) => Ok(reached),
                Err(failed) => last_chance(failed, one).await,
            },
        },
    }
}

/// Waits for the other transport when one has failed; not for long where that one reached a server that is not believed,
/// or a machine on which there is none.
async fn last_chance(
    failed: NetError,
    other: impl Future<Output = Result<(Link, Exporter), NetError>>,
) -> Result<(Link, Exporter), NetError> {
    let time = if matches!(failed, NetError::Unreachable { .. }) { REACH_MAX } else { LAST_CHANCE };
    match timeout(time, other).await {
        Ok(Ok(reached)) => Ok(reached),
        Ok(Err(e)) => Err(worst(failed, e)),
        Err(_) => Err(failed),
    }
}

/// Returns the one of two failures that says more: a server that is not believed was at least reached.
fn worst(a: NetError, b: NetError) -> NetError {
    match (a, b) {
        (NetError::Unreachable { server, why: a }, NetError::Unreachable { why: b, .. }) => {
            NetError::Unreachable { server, why: format!("{a}; {b}") }
        }
        // Nobody listens for TCP; what the other way met says more, where it met anything.
        (told @ NetError::NobodyListens { .. }, NetError::Unreachable { .. }) => told,
        (NetError::Unreachable { .. } | NetError::NobodyListens { .. }, told) | (told, _) => told,
    }
}

/// Connects by one transport to the first address that answers.
async fn over(
    transport: Transport,
    server: &str,
    from: Option<IpAddr>,
    addresses: &[SocketAddr],
    tls: &Tls,
) -> Result<(Link, Exporter), NetError> {
    // The last address has all the time that is left.
    let share = REACH_MAX / ADDRESSES_MAX as u32;
    let mut last = NetError::Unreachable { server: server.to_owned(), why: "it has no address".into() };
    for address in addresses {
        let connecting = async {
            Ok(match transport {
                Transport::Quic => Quic::connect(server, from, *address, tls).await.map(|(l, e)| (Link::Quic(l), e))?,
                Transport::Tcp => Tcp::connect(server, from, *address, tls).await.map(|(l, e)| (Link::Tcp(l), e))?,
            })
        };
        let time = if addresses.last() == Some(address) { REACH_MAX } else { share };
        match timeout(time, connecting).await {
            Ok(Ok(reached)) => return Ok(reached),
            Ok(Err(e)) => last = e,
            Err(_) => {
                let why = format!("no answer from {address} within {} s", time.as_secs());
                last = NetError::Unreachable { server: server.to_owned(), why };
            }
        }
    }
    Err(last)
}

async fn addresses(server: &str) -> Result<Vec<SocketAddr>, NetError> {
    let failed = |why: String| NetError::Address { server: server.to_owned(), why };
    let found = timeout(REACH_MAX, tokio::net::lookup_host(server)).await;
    let found = found.map_err(|_| failed("the name server does not answer".into()))?;
    let found: Vec<_> = found.map_err(|e| failed(e.to_string()))?.take(ADDRESSES_MAX).collect();
    if found.is_empty() { Err(failed("the name has no address".into())) } else { Ok(found) }
}
