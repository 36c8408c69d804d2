//! Who is connected to HTTPS: strangers, who may be many and say nothing.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// Connections of all strangers.
const GUESTS_MAX: usize = 1024;

/// Connections from one address: a site whose machines come through one, all switched on together.
const GUESTS_PER_SOURCE_MAX: usize = 256;

/// All who are connected. Where there is no room, the one that has been silent for longest goes; who has asked something
/// stays.
#[derive(Default)]
pub(super) struct Guests(Mutex<Table>);

/// The place of one connection; it is free again when the value is dropped.
pub(super) struct Place {
    guests: Arc<Guests>,
    number: u64,
}

#[derive(Default)]
struct Table {
    next: u64,
    /// By their numbers: the oldest first.
    guests: BTreeMap<u64, Guest>,
}

struct Guest {
    source: IpAddr,
    is_silent: bool,
    /// Dropped to have it go.
    _leave: oneshot::Sender<()>,
}

impl Guests {
    /// Gives a connection a place, and what resolves when it has to go. None: there is no room.
    pub(super) fn admit(self: &Arc<Self>, from: IpAddr) -> Option<(Place, oneshot::Receiver<()>)> {
        let source = source(from);
        let mut table = self.table();
        if table.guests.values().filter(|guest| guest.source == source).count() >= GUESTS_PER_SOURCE_MAX {
            table.make_room(|guest| guest.source == source)?;
        }
        if table.guests.len() >= GUESTS_MAX {
            table.make_room(|_| true)?;
        }
        let (leave, left) = oneshot::channel();
        let number = table.next;
        table.next += 1;
        table.guests.insert(number, Guest { source, is_silent: true, _leave: leave });
        drop(table);
        Some((Place { guests: Arc::clone(self), number }, left))
    }

    /// Returns how many there are.
    pub(super) fn count(&self) -> usize {
        self.table().guests.len()
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Has the oldest silent guest go, of those who may.
    fn make_room(&mut self, may: impl Fn(&Guest) -> bool) -> Option<()> {
        let oldest = self.guests.iter().find(|(_, guest)| guest.is_silent && may(guest));
        let oldest = oldest.map(|(number, _)| *number)?;
        self.guests.remove(&oldest).map(drop)
    }
}

impl Place {
    /// It has asked something.
    pub(super) fn has_asked(&self) {
        if let Some(guest) = self.guests.table().guests.get_mut(&self.number) {
            guest.is_silent = false;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.guests.table().guests.remove(&self.number);
    }
}

/// Returns what counts as one source: an address, or the network that one machine has of IPv6.
fn source(from: IpAddr) -> IpAddr {
    match from.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: usize) -> IpAddr {
        IpAddr::from([10, 0, (number >> 8) as u8, number as u8])
    }

    #[test]
    fn the_oldest_silent_one_makes_room() {
        let guests = Arc::new(Guests::default());
        let mut all: Vec<_> = (0..GUESTS_MAX).map(|n| guests.admit(address(n)).unwrap()).collect();
        all[0].0.has_asked();
        let new = guests.admit(address(GUESTS_MAX)).unwrap();
        assert!(all[0].1.try_recv() == Err(oneshot::error::TryRecvError::Empty), "who has asked stays");
        assert!(all[1].1.try_recv() == Err(oneshot::error::TryRecvError::Closed), "who was silent for longest goes");
        assert!(all[2].1.try_recv() == Err(oneshot::error::TryRecvError::Empty));
        all.iter().for_each(|(place, _)| place.has_asked());
        new.0.has_asked();
        assert!(guests.admit(address(7)).is_none(), "nobody is silent");
        drop(all);
        assert_eq!(guests.count(), 1);
    }

    #[test]
    fn one_source_keeps_nobody_else_out() {
        let guests = Arc::new(Guests::default());
        let flood: Vec<_> = (0..GUESTS_PER_SOURCE_MAX).map(|_| guests.admit(address(1)).unwrap()).collect();
        flood.iter().for_each(|(place, _)| place.has_asked());
        assert!(guests.admit(address(1)).is_none());
        assert!(guests.admit(address(2)).is_some());
        let v6 = |last: u16, network: u16| IpAddr::from(Ipv6Addr::new(0x2001, 0xdb8, 0, network, 0, 0, 0, last));
        assert_eq!(source(v6(1, 7)), source(v6(2, 7)), "one machine has many addresses");
        assert_ne!(source(v6(1, 7)), source(v6(1, 8)));
        assert_eq!(source("::ffff:10.0.0.1".parse().unwrap()), address(1));
    }
}
