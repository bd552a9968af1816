//! Failed logins per user name and client address: after too many of them, no password is checked for a while.

use std::{
    collections::{HashMap, VecDeque},
    hash::{BuildHasher as _, RandomState},
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::Error;

/// Names and addresses that are remembered; the oldest is forgotten first. Filling it takes as many password
/// checks, which the bound on those makes slow.
const ENTRIES_MAX: usize = 10_000;

/// Who fails: a user name and where it came from, as a keyed hash, so that an entry's size does not depend on
/// what the client sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key(u64);

#[derive(Debug, Clone, Copy)]
struct Entry {
    failures: usize,
    since: Instant,
}

#[derive(Debug)]
pub(crate) struct Throttle {
    failures_max: usize,
    window: Duration,
    hasher: RandomState,
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    by_key: HashMap<Key, Entry>,
    /// In the order of their first failures; an entry that was cleared stays here until its turn comes.
    by_age: VecDeque<(Key, Instant)>,
}

impl Throttle {
    pub(crate) fn new(failures_max: usize, window: Duration) -> Self {
        Self { failures_max, window, hasher: RandomState::new(), entries: Mutex::default() }
    }

    /// One host may own a whole IPv6 /64 (RFC 6177), so its addresses count as one.
    pub(crate) fn key(&self, username: &str, address: Option<IpAddr>) -> Key {
        let address = address.map(|address| match address.to_canonical() {
            IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
            v4 @ IpAddr::V4(_) => v4,
        });
        Key(self.hasher.hash_one((username, address)))
    }

    /// Refuses where too many logins failed; says how long.
    pub(crate) fn check(&self, key: Key) -> Result<(), Error> {
        let entries = self.entries();
        let Some(entry) = entries.by_key.get(&key) else { return Ok(()) };
        let left = self.window.saturating_sub(entry.since.elapsed());
        if entry.failures >= self.failures_max && !left.is_zero() { Err(Error::Throttled(left)) } else { Ok(()) }
    }

    /// Counts a failure; the first one opens the window.
    pub(crate) fn failed(&self, key: Key) {
        let now = Instant::now();
        let mut entries = self.entries();
        if let Some(entry) = entries.by_key.get_mut(&key)
            && now.duration_since(entry.since) < self.window
        {
            entry.failures += 1;
            return;
        }
        while entries.by_age.len() >= ENTRIES_MAX || entries.oldest().is_some_and(|since| now - since >= self.window) {
            entries.forget_oldest();
        }
        entries.by_key.insert(key, Entry { failures: 1, since: now });
        entries.by_age.push_back((key, now));
    }

    /// A success forgets the failures before it.
    pub(crate) fn succeeded(&self, key: Key) {
        self.entries().by_key.remove(&key);
    }

    /// No code panics while it holds the lock, and a count is never half-written: poison means nothing here.
    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    fn oldest(&self) -> Option<Instant> {
        self.by_age.front().map(|(_, since)| *since)
    }

    fn forget_oldest(&mut self) {
        let Some((key, since)) = self.by_age.pop_front() else { return };
        if self.by_key.get(&key).is_some_and(|entry| entry.since == since) {
            self.by_key.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    #[test]
    fn failures_refuse_their_own_key_until_a_success_or_the_windows_end() {
        let throttle = Throttle::new(2, MINUTE);
        let address = Some(IpAddr::from([192, 0, 2, 1]));
        let (alice, bob) = (throttle.key("alice", address), throttle.key("bob", address));

        throttle.failed(alice);
        assert!(throttle.check(alice).is_ok());
        throttle.failed(alice);
        assert!(matches!(throttle.check(alice), Err(Error::Throttled(left)) if left <= MINUTE));
        assert!(throttle.check(bob).is_ok());
        throttle.succeeded(alice);
        assert!(throttle.check(alice).is_ok());

        let forgetful = Throttle::new(1, Duration::ZERO);
        forgetful.failed(alice);
        assert!(forgetful.check(alice).is_ok());
    }

    #[test]
    fn one_ipv6_network_counts_as_one_address() {
        let throttle = Throttle::new(1, MINUTE);
        let key = |address: &str| throttle.key("alice", Some(address.parse().expect("an address")));

        assert_eq!(key("2001:db8::1"), key("2001:db8::ffff:1"));
        assert_ne!(key("2001:db8::1"), key("2001:db8:0:1::1"));
        assert_eq!(key("::ffff:192.0.2.1"), key("192.0.2.1"));
    }

    #[test]
    fn the_memory_is_bounded_and_the_oldest_is_forgotten() {
        let throttle = Throttle::new(1, MINUTE);
        let first = throttle.key("first", None);
        throttle.failed(first);
        for n in 0..ENTRIES_MAX {
            throttle.failed(throttle.key(&n.to_string(), None));
        }

        assert!(throttle.check(first).is_ok());
        assert!(throttle.check(throttle.key("0", None)).is_err());
        let entries = throttle.entries();
        assert_eq!((entries.by_key.len(), entries.by_age.len()), (ENTRIES_MAX, ENTRIES_MAX));
    }
}
