//! The converter replicas, and which of them gets the next upload.
//!
//! The one with the fewest of this gateway's own requests in flight, ties at random. A replica that refuses or does
//! not answer is put aside for a while; the others go on.

mod admission;
mod source;

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use chassis::{ServiceToken, hex};
use converter::client::Replica;
use tokio::sync::Notify;

pub(crate) use admission::{Admission, Admitted};
pub use source::Source;
pub(crate) use source::{refresh, watch};

/// Most replicas that are used; a longer list is cut.
const REPLICAS_MAX: usize = 1024;

/// Why a replica gets nothing for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Aside {
    /// All its permits are taken; one may come back at any time.
    Full(Instant),
    /// It does not answer, or shuts down.
    Gone(Instant),
}

/// One replica as this gateway sees it.
#[derive(Debug)]
struct Entry {
    address: String,
    replica: Replica,
    in_flight: AtomicUsize,
    aside: Mutex<Option<Aside>>,
}

/// All replicas that are known.
pub(crate) struct Replicas {
    token: ServiceToken,
    entries: Mutex<Vec<Arc<Entry>>>,
    /// Wakes one waiting upload when a conversion of this gateway ends.
    freed: Notify,
}

impl Replicas {
    pub(crate) fn new(token: ServiceToken) -> Self {
        Self { token, entries: Mutex::default(), freed: Notify::new() }
    }

    /// Takes over a new list; replicas that stay keep their counts. An empty list changes nothing.
    fn set(&self, mut addresses: Vec<String>) {
        addresses.sort_unstable();
        addresses.dedup();
        addresses.truncate(REPLICAS_MAX);
        let mut table = self.table();
        if addresses.is_empty() || table.iter().map(|entry| &entry.address).eq(&addresses) {
            return;
        }
        tracing::info!(replicas = addresses.len(), "converters_changed");
        let entries = addresses.into_iter().filter_map(|address| {
            let known = table.iter().find(|entry| entry.address == address);
            known.cloned().or_else(|| self.entry(address))
        });
        *table = entries.collect();
        drop(table);
        self.freed.notify_waiters();
    }

    fn entry(&self, address: String) -> Option<Arc<Entry>> {
        match Replica::new(&address, self.token.clone()) {
            Ok(replica) => {
                Some(Arc::new(Entry { address, replica, in_flight: AtomicUsize::new(0), aside: Mutex::new(None) }))
            }
            Err(cause) => {
                tracing::error!(%cause, "converter_client_failed");
                None
            }
        }
    }

    /// The least busy replica that `wanted` accepts.
    fn pick(self: &Arc<Self>, wanted: impl Fn(&Entry) -> bool) -> Option<InFlight> {
        let table = self.table();
        let least = table.iter().filter(|entry| wanted(entry)).min_by_key(|entry| {
            // The random second half spreads ties, so that gateways do not march in step.
            (entry.in_flight.load(Ordering::Relaxed), u32::from_le_bytes(hex::random()))
        })?;
        // Counted while the table is held: two picks at a time see each other.
        least.in_flight.fetch_add(1, Ordering::Relaxed);
        Some(InFlight { entry: Arc::clone(least), replicas: Arc::clone(self), admitted: false })
    }

    fn table(&self) -> MutexGuard<'_, Vec<Arc<Entry>>> {
        // No code panics while it holds the table, so what a poisoned lock guards is whole.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Replicas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replicas").field("entries", &self.table()).finish_non_exhaustive()
    }
}

impl Entry {
    /// Whether it may be asked first.
    fn is_free(&self, now: Instant) -> bool {
        match *self.aside() {
            None => true,
            Some(Aside::Full(until) | Aside::Gone(until)) => until <= now,
        }
    }

    /// Whether it may be asked again by an upload that waits: a full one may, before its time is over.
    fn is_answering(&self, now: Instant) -> bool {
        match *self.aside() {
            None | Some(Aside::Full(_)) => true,
            Some(Aside::Gone(until)) => until <= now,
        }
    }

    fn aside(&self) -> MutexGuard<'_, Option<Aside>> {
        self.aside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One request at one replica; counted until it is dropped.
#[derive(Debug)]
pub(crate) struct InFlight {
    entry: Arc<Entry>,
    replicas: Arc<Replicas>,
    admitted: bool,
}

impl InFlight {
    pub(crate) fn replica(&self) -> &Replica {
        &self.entry.replica
    }

    fn admit(&mut self) {
        self.admitted = true;
        *self.entry.aside() = None;
    }

    fn put_aside_full(self, wait: Duration) {
        *self.entry.aside() = Some(Aside::Full(Instant::now() + wait));
    }

    fn put_aside_gone(self, wait: Duration) {
        *self.entry.aside() = Some(Aside::Gone(Instant::now() + wait));
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.entry.in_flight.fetch_sub(1, Ordering::Relaxed);
        if self.admitted {
            // Its permit is free again, so a replica that was full is not any more.
            self.entry.aside().take_if(|aside| matches!(aside, Aside::Full(_)));
            self.replicas.freed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replicas(addresses: &[&str]) -> Arc<Replicas> {
        let replicas = Arc::new(Replicas::new(ServiceToken::random()));
        replicas.set(addresses.iter().map(|&address| address.to_owned()).collect());
        replicas
    }

    #[test]
    fn the_replica_with_the_fewest_requests_is_picked() {
        let replicas = replicas(&["a:1", "b:1", "c:1"]);
        let picks: Vec<_> = (0..6).map(|_| replicas.pick(|_| true).expect("there are three")).collect();
        for address in ["a:1", "b:1", "c:1"] {
            assert_eq!(picks.iter().filter(|pick| pick.entry.address == address).count(), 2);
        }
        drop(picks);
        assert!(replicas.table().iter().all(|entry| entry.in_flight.load(Ordering::Relaxed) == 0));
    }

    #[test]
    fn an_empty_list_keeps_the_last_one_and_a_new_one_keeps_counts() {
        let replicas = replicas(&["a:1", "b:1"]);
        let held = replicas.pick(|entry| entry.address == "b:1").expect("b is there");
        replicas.set(vec![]);
        replicas.set(vec!["b:1".into(), "c:1".into()]);
        let next = replicas.pick(|_| true).expect("two are there");
        assert_eq!(next.entry.address, "c:1", "b has a request in flight");
        drop(held);
    }

    #[test]
    fn a_full_replica_is_free_once_an_upload_there_ends() {
        let replicas = replicas(&["a:1"]);
        let mut running = replicas.pick(|_| true).expect("one is there");
        running.admit();
        replicas.pick(|_| true).expect("one is there").put_aside_full(Duration::from_mins(1));
        assert!(replicas.pick(|entry| entry.is_free(Instant::now())).is_none());
        drop(running);
        assert!(replicas.pick(|entry| entry.is_free(Instant::now())).is_some());
    }
}
