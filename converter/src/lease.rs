//! Keeping the lease of a running attempt, and stopping in time where it is lost.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use chassis::chain;
use tokio::{
    sync::Mutex,
    time::{sleep, sleep_until, timeout_at},
};

use crate::{
    conversion::{Conversion, Lease, Progress, State, Timestamp},
    store::{self, Change, Seen, Store},
};

/// How long before the lease's end its holder stops, for what it is doing right then.
const SAFETY: Duration = Duration::from_millis(500);
/// Renewals in the length of one lease: often enough that a deleted conversion stops soon, and progress is worth reading.
const RENEWALS: u32 = 8;

/// Who holds leases, and for how long one lasts without being renewed.
#[derive(Debug, Clone)]
pub struct Holder {
    /// For people.
    pub name: String,
    pub length: Duration,
}

impl Holder {
    /// A lease that begins now.
    pub fn lease(&self) -> Lease {
        Lease { holder: self.name.clone(), until: Timestamp::now().plus(self.length) }
    }
}

/// Why a holder has to stop.
#[derive(Debug, thiserror::Error)]
pub enum Lost {
    #[error("the lease could not be renewed")]
    Store(#[source] store::Error),
    #[error("the lease could not be renewed in time")]
    Late,
    /// A clock that jumped or a store that stood still let the lease end under a living holder.
    #[error("the lease was ended")]
    Ended,
    #[error("somebody else has the conversion, or nobody")]
    Fenced,
}

/// The lease of one running attempt, renewed by [`HeldLease::keep`].
#[derive(Debug)]
pub struct HeldLease<'a> {
    store: &'a Store,
    holder: &'a Holder,
    seen: Seen,
    /// By the monotonic clock, and never later than what the document says.
    valid_until: Mutex<Instant>,
    received_bytes: AtomicU64,
    encoded_ms: AtomicU64,
}

impl<'a> HeldLease<'a> {
    /// The claim gave a lease a moment ago: at most the permit's hold.
    pub fn new(store: &'a Store, holder: &'a Holder, conversion: &Conversion) -> Self {
        let until = conversion.lease.as_ref().map_or(0, |lease| lease.until.0);
        let left = Duration::from_millis(until.saturating_sub(Timestamp::now().0));
        Self {
            store,
            holder,
            seen: conversion.seen(),
            valid_until: Mutex::new(Instant::now() + left),
            received_bytes: AtomicU64::new(0),
            encoded_ms: AtomicU64::new(0),
        }
    }

    /// Notes progress, for the next renewal.
    pub fn received(&self, bytes: u64) {
        self.received_bytes.store(bytes, Ordering::Relaxed);
    }

    /// Notes progress, for the next renewal.
    pub fn encoded(&self, ms: u64) {
        self.encoded_ms.store(ms, Ordering::Relaxed);
    }

    /// Renews the lease for ever; ends with the reason why the attempt must stop.
    pub async fn keep(&self) -> Lost {
        let pause = self.holder.length / RENEWALS;
        loop {
            let valid_until = *self.valid_until.lock().await;
            let stop_at = valid_until.checked_sub(SAFETY.min(self.holder.length / 4)).unwrap_or(valid_until);
            match timeout_at(stop_at.into(), self.renew()).await {
                Ok(Ok(true)) => sleep(pause).await,
                Ok(Ok(false)) => return self.why_lost().await,
                Ok(Err(cause)) => {
                    tracing::warn!(conversion = %self.seen.id, cause = chain(&cause), "the lease could not be renewed");
                    let again = Instant::now() + pause;
                    if again >= stop_at {
                        sleep_until(stop_at.into()).await;
                        return Lost::Store(cause);
                    }
                    sleep_until(again.into()).await;
                }
                Err(_) => return Lost::Late,
            }
        }
    }

    /// An attempt whose lease the sweep ended failed, and may be tried again.
    async fn why_lost(&self) -> Lost {
        let is_ended = |found: &Conversion| matches!(found.state, State::Failed | State::Queued);
        match self.store.get(self.seen.id).await {
            Ok(Some(found)) if found.attempt == self.seen.attempt && is_ended(&found) => Lost::Ended,
            _ => Lost::Fenced,
        }
    }

    /// Whether the conversion is still ours by our own clock.
    pub async fn is_valid(&self) -> bool {
        Instant::now() < *self.valid_until.lock().await
    }

    async fn renew(&self) -> Result<bool, store::Error> {
        let (lease, sent_at) = (self.holder.lease(), Instant::now());
        let progress = Progress {
            received_bytes: self.received_bytes.load(Ordering::Relaxed),
            encoded_ms: self.encoded_ms.load(Ordering::Relaxed),
        };
        let renewed = self.store.update(self.seen, Change::Renew { lease, progress }).await?;
        if renewed {
            *self.valid_until.lock().await = sent_at + self.holder.length;
        }
        Ok(renewed)
    }
}
