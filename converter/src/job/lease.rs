//! Keeping the lease of a running conversion, and stopping in time where it is lost.

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
    App,
    conversion::{Conversion, Lease, Progress, State, Timestamp},
    error::Error,
    store::{Change, Seen},
};

/// How long before the lease's end its holder stops, for what it is doing right then.
const SAFETY: Duration = Duration::from_millis(500);

/// The lease of one running conversion, renewed by [`HeldLease::keep`].
pub(super) struct HeldLease<'a> {
    app: &'a App,
    seen: Seen,
    /// By the monotonic clock, and never later than what the document says.
    valid_until: Mutex<Instant>,
    received_bytes: AtomicU64,
    encoded_ms: AtomicU64,
}

impl<'a> HeldLease<'a> {
    /// The claim gave a lease a moment ago: at most the permit's hold.
    pub(super) fn new(app: &'a App, conversion: &Conversion) -> Self {
        let until = conversion.lease.as_ref().map_or(0, |lease| lease.until.0);
        let left = Duration::from_millis(until.saturating_sub(Timestamp::now().0));
        Self {
            app,
            seen: conversion.seen(),
            valid_until: Mutex::new(Instant::now() + left),
            received_bytes: AtomicU64::new(0),
            encoded_ms: AtomicU64::new(0),
        }
    }

    pub(super) fn received(&self, bytes: u64) {
        self.received_bytes.store(bytes, Ordering::Relaxed);
    }

    pub(super) fn encoded(&self, ms: u64) {
        self.encoded_ms.store(ms, Ordering::Relaxed);
    }

    /// Renews the lease for ever; ends with the reason why the conversion must stop.
    pub(super) async fn keep(&self) -> Error {
        loop {
            let valid_until = *self.valid_until.lock().await;
            let stop_at = valid_until.checked_sub(SAFETY.min(self.app.config.lease / 4)).unwrap_or(valid_until);
            match timeout_at(stop_at.into(), self.renew()).await {
                Ok(Ok(true)) => sleep(self.app.config.heartbeat()).await,
                Ok(Ok(false)) => return self.why_lost().await,
                Ok(Err(cause)) => {
                    tracing::warn!(conversion = %self.seen.id, cause = chain(&cause), "the lease could not be renewed");
                    let again = Instant::now() + self.app.config.heartbeat();
                    if again >= stop_at {
                        sleep_until(stop_at.into()).await;
                        return cause.into();
                    }
                    sleep_until(again.into()).await;
                }
                Err(_) => return Error::unavailable(anyhow::anyhow!("the lease could not be renewed in time")),
            }
        }
    }

    /// A clock that jumped or a store that stood still may have let the lease end under a living holder: then the
    /// attempt failed and may be tried again. Otherwise somebody else has the conversion, or nobody.
    async fn why_lost(&self) -> Error {
        match self.app.store.get(self.seen.id).await {
            Ok(Some(found)) if found.attempt == self.seen.attempt && found.state == State::Failed => {
                Error::ConverterLost
            }
            _ => Error::Fenced,
        }
    }

    /// Whether the conversion is still ours by our own clock.
    pub(super) async fn is_valid(&self) -> bool {
        Instant::now() < *self.valid_until.lock().await
    }

    async fn renew(&self) -> Result<bool, crate::store::Error> {
        let (length, sent_at) = (self.app.config.lease, Instant::now());
        let lease = Lease { holder: self.app.holder.clone(), until: Timestamp::now().plus(length) };
        let progress = Progress {
            received_bytes: self.received_bytes.load(Ordering::Relaxed),
            encoded_ms: self.encoded_ms.load(Ordering::Relaxed),
        };
        let renewed = self.app.store.update(self.seen, Change::Renew { lease, progress }).await?;
        if renewed {
            *self.valid_until.lock().await = sent_at + length;
        }
        Ok(renewed)
    }
}
