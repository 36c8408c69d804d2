//! How long somebody has to wait who did not know a password.

use super::attempts::source_of;
use crate::time::{Duration, Timestamp};
use alloc::boxed::Box;
use alloc::vec;
use core::net::IpAddr;
use sha2::{Digest as _, Sha256};

/// Counts what failed, of each account and of each source: guessing gets slower with every guess.
///
/// Both are counted in tables of one size, by their hash: whoever fills them makes nobody forgotten, and whether there
/// is such an account does not show.
#[derive(Clone, Debug)]
pub struct Logins {
    accounts: Box<[Failures]>,
    sources: Box<[Failures]>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Failures {
    count: u32,
    last: Timestamp,
}

/// Entries of a table.
const ENTRIES: usize = 4096;

/// Failures without a wait: people mistype.
const FREE: u32 = 4;

/// Longest waits. That of an account is short: who fails on purpose must not keep its owner out for long.
const ACCOUNT_WAIT_MAX: Duration = Duration::from_secs(30);
const SOURCE_WAIT_MAX: Duration = Duration::from_secs(900);

/// After this time without an attempt all is forgotten.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(3600);

impl Default for Logins {
    fn default() -> Self {
        let table = || vec![Failures::default(); ENTRIES].into_boxed_slice();
        Self { accounts: table(), sources: table() }
    }
}

impl Logins {
    /// Begins an attempt, and counts it as a failure until [`Logins::succeeded`].
    ///
    /// # Errors
    /// How long to wait: the attempt is none.
    pub fn begin(&mut self, account: &str, source: IpAddr, now: Timestamp) -> Result<(), Duration> {
        let [Some(account), Some(source)] = self.of(account, source) else { return Ok(()) };
        let wait = account.wait(ACCOUNT_WAIT_MAX, now).max(source.wait(SOURCE_WAIT_MAX, now));
        if wait != Duration::ZERO {
            return Err(wait);
        }
        account.count(now);
        source.count(now);
        Ok(())
    }

    /// The attempt that began was right: what failed before is forgiven.
    pub fn succeeded(&mut self, account: &str, source: IpAddr) {
        self.of(account, source).into_iter().flatten().for_each(|failures| *failures = Failures::default());
    }

    fn of(&mut self, account: &str, source: IpAddr) -> [Option<&mut Failures>; 2] {
        let place = |bytes: &[u8]| {
            let digest: [u8; 32] = Sha256::digest(bytes).into();
            usize::from(u16::from_be_bytes([digest[0], digest[1]])) % ENTRIES
        };
        let source = match source_of(source) {
            IpAddr::V4(address) => place(&address.octets()),
            IpAddr::V6(address) => place(&address.octets()),
        };
        [self.accounts.get_mut(place(account.as_bytes())), self.sources.get_mut(source)]
    }
}

impl Failures {
    /// Returns how long the next attempt has to wait. A clock that went back waits for nothing that is to come.
    fn wait(&self, max: Duration, now: Timestamp) -> Duration {
        let since = now.since(self.last);
        let doublings = self.count.saturating_sub(FREE);
        if doublings == 0 || since >= FORGOTTEN_AFTER || self.last > now {
            return Duration::ZERO;
        }
        let wait = Duration::from_secs(1_u64 << (doublings - 1).min(20)).min(max);
        Duration::from_ms(wait.as_ms().saturating_sub(since.as_ms()))
    }

    fn count(&mut self, now: Timestamp) {
        let is_old = now.since(self.last) >= FORGOTTEN_AFTER;
        self.count = if is_old { 1 } else { self.count.saturating_add(1) };
        self.last = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_epoch_secs(1_000_000);

    fn ip(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn guessing_gets_slower_for_the_account_and_for_the_source() {
        let mut logins = Logins::default();
        for _ in 0..=FREE {
            assert_eq!(logins.begin("ann", ip(1), NOW), Ok(()));
        }
        assert_eq!(logins.begin("ann", ip(1), NOW), Err(Duration::from_secs(1)));
        assert_eq!(logins.begin("ann", ip(2), NOW), Err(Duration::from_secs(1)), "the account, from elsewhere");
        assert_eq!(logins.begin("bob", ip(1), NOW), Err(Duration::from_secs(1)), "the source, with another account");
        assert_eq!(logins.begin("bob", ip(2), NOW), Ok(()), "neither");
        let mut now = NOW;
        for _ in 0..20 {
            now = now + logins.begin("ann", ip(1), now).err().unwrap_or_default();
            assert_eq!(logins.begin("ann", ip(1), now), Ok(()));
        }
        assert_eq!(logins.begin("ann", ip(2), now), Err(ACCOUNT_WAIT_MAX), "its owner is not kept out for long");
        assert_eq!(logins.begin("carl", ip(1), now), Err(SOURCE_WAIT_MAX));
        assert_eq!(logins.begin("ann", ip(1), now + FORGOTTEN_AFTER), Ok(()));
    }

    #[test]
    fn who_knows_the_password_is_forgiven() {
        let mut logins = Logins::default();
        for _ in 0..50 {
            assert_eq!(logins.begin("ann", ip(1), NOW), Ok(()));
            logins.succeeded("ann", ip(1));
        }
    }
}
