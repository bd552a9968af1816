//! The converter replicas, and which of them gets the next upload.
//!
//! The one with the fewest of this gateway's own requests in flight, ties at random. A replica that refuses or does
//! not answer is put aside for a while; the others go on.

mod admission;
mod source;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use chassis::{Outage, ServiceToken, hex};
use converter::client::Replica;
use tokio::sync::Notify;

pub(crate) use admission::{Admission, Admitted};
pub use source::Source;
pub(crate) use source::{refresh, watch};

/// Most replicas that are used; a longer list is cut.
const REPLICAS_MAX: usize = 1024;

/// How long a replica that gave no answer is put aside: less than an upload waits for the only one there is.
const GONE_ASIDE: Duration = Duration::from_secs(1);

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

#[derive(Debug, Default)]
struct Table {
    listed: Vec<Arc<Entry>>,
    /// Not listed any more, alive while requests are in flight there: one that comes back meanwhile is as busy as before.
    left: Vec<Weak<Entry>>,
}

/// All replicas that are known.
pub(crate) struct Replicas {
    token: ServiceToken,
    table: Mutex<Table>,
    /// Wakes one waiting upload when a conversion of this gateway ends.
    freed: Notify,
    /// What is wrong with the source of the list.
    outage: Outage,
}

impl Replicas {
    pub(crate) fn new(token: ServiceToken) -> Self {
        Self { token, table: Mutex::default(), freed: Notify::new(), outage: Outage::default() }
    }

    /// Takes over a new list; replicas that stay keep their counts. An empty list changes nothing.
    fn set(&self, mut addresses: Vec<String>) {
        addresses.sort_unstable();
        addresses.dedup();
        addresses.truncate(REPLICAS_MAX);
        let mut table = self.table();
        if addresses.is_empty() || table.listed.iter().map(|entry| &entry.address).eq(&addresses) {
            return;
        }
        tracing::info!(replicas = addresses.len(), "converters_changed");
        let mut known = std::mem::take(&mut table.listed);
        known.extend(table.left.iter().filter_map(Weak::upgrade));
        for address in addresses {
            let at = known.iter().position(|entry| entry.address == address);
            table.listed.extend(at.map(|at| known.swap_remove(at)).or_else(|| self.entry(address)));
        }
        table.left = known.iter().map(Arc::downgrade).collect();
        drop(table);
        self.freed.notify_waiters();
    }

    /// Whether no replica is known.
    pub(crate) fn is_empty(&self) -> bool {
        self.table().listed.is_empty()
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
        let least = table.listed.iter().filter(|entry| wanted(entry)).min_by_key(|entry| {
            // The random second half spreads ties, so that gateways do not march in step.
            (entry.in_flight.load(Ordering::Relaxed), u32::from_le_bytes(hex::random()))
        })?;
        // Counted while the table is held: two picks at a time see each other.
        least.in_flight.fetch_add(1, Ordering::Relaxed);
        Some(InFlight { entry: Arc::clone(least), replicas: Arc::clone(self), admitted: false })
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // No code panics while it holds the table, so what a poisoned lock guards is whole.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Replicas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replicas").field("table", &self.table()).finish_non_exhaustive()
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
        // A permit says nothing about a video that was lost there meanwhile.
        self.entry.aside().take_if(|aside| matches!(aside, Aside::Full(_)));
    }

    fn put_aside_full(self, wait: Duration) {
        *self.entry.aside() = Some(Aside::Full(Instant::now() + wait));
    }

    /// The answer to a video was lost here: the next upload may do better elsewhere.
    pub(crate) fn answer_lost(self) {
        self.put_aside_gone(GONE_ASIDE);
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
