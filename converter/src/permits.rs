//! Permits: how many conversions run at a time, and how much may be spooled.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::{
    config::Config,
    conversion::{Attempt, Conversion, ConversionId},
    error::Error,
};

/// The unit of the spool budget in bytes.
const SPOOL_UNIT: u64 = 1024 * 1024;
/// Bounds of what `Retry-After` promises.
const RETRY_MIN: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(30);

/// The right to run one conversion; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    _place: Place,
    spool: Arc<Semaphore>,
    spool_bytes_max: u64,
    spooled: Option<OwnedSemaphorePermit>,
}

impl Permit {
    /// Takes of the spool what `bytes` of a video need in all. Taken as the bytes come and not by what an upload
    /// announces: announcing costs nothing, so a few idle uploads could keep everybody else out.
    pub(crate) fn spool(&mut self, bytes: u64) -> Result<(), Error> {
        if bytes > self.spool_bytes_max {
            return Err(Error::NeverSpooled { bytes_max: self.spool_bytes_max });
        }
        let held = self.spooled.as_ref().map_or(0, OwnedSemaphorePermit::num_permits) as u64;
        let wanted = u32::try_from(bytes.div_ceil(SPOOL_UNIT).saturating_sub(held)).unwrap_or(u32::MAX);
        if wanted == 0 {
            return Ok(());
        }
        let taken = Arc::clone(&self.spool).try_acquire_many_owned(wanted).map_err(|_| Error::SpoolFull)?;
        match &mut self.spooled {
            Some(spooled) => spooled.merge(taken),
            None => self.spooled = Some(taken),
        }
        Ok(())
    }
}

/// One of the conversions at a time.
#[derive(Debug)]
struct Place {
    permit: Option<OwnedSemaphorePermit>,
    places: Arc<Places>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.permit = None;
        self.places.count();
    }
}

/// The conversions at a time, and how many of them are free for whoever wants to know.
#[derive(Debug)]
struct Places {
    total: usize,
    semaphore: Arc<Semaphore>,
    free: watch::Sender<usize>,
}

impl Places {
    fn take(self: &Arc<Self>) -> Option<Place> {
        let permit = Arc::clone(&self.semaphore).try_acquire_owned().ok()?;
        self.count();
        Some(Place { permit: Some(permit), places: Arc::clone(self) })
    }

    fn count(&self) {
        self.free.send_modify(|free| *free = self.semaphore.available_permits());
        let used = self.total - self.semaphore.available_permits().min(self.total);
        metrics::gauge!("tapedeck_permits_used").set(u32::try_from(used).unwrap_or(u32::MAX));
    }
}

/// An admitted upload that has not begun.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) permit: Permit,
    pub(crate) conversion: Conversion,
}

/// All permits of this replica.
#[derive(Debug)]
pub(crate) struct Permits {
    places: Arc<Places>,
    spool: Arc<Semaphore>,
    spool_bytes_max: u64,
    disk_free_min: u64,
    spool_dir: PathBuf,
    held: Mutex<HashMap<Attempt, Held>>,
    /// A running mean of how long a conversion holds its permit.
    mean_ms: AtomicU64,
}

impl Permits {
    pub(crate) fn new(config: &Config, spool_dir: &Path) -> Self {
        let total = config.permits();
        // Rounded up as what is taken of it, or the last part of a unit could never be used.
        let spool_units =
            usize::try_from(config.spool_bytes_max.div_ceil(SPOOL_UNIT)).unwrap_or(Semaphore::MAX_PERMITS);
        metrics::gauge!("tapedeck_permits_total").set(u32::try_from(total).unwrap_or(u32::MAX));
        metrics::gauge!("tapedeck_permits_used").set(0);
        Self {
            places: Arc::new(Places {
                total,
                semaphore: Arc::new(Semaphore::new(total)),
                free: watch::Sender::new(total),
            }),
            spool: Arc::new(Semaphore::new(spool_units.min(Semaphore::MAX_PERMITS))),
            spool_bytes_max: config.spool_bytes_max,
            disk_free_min: config.disk_free_min,
            spool_dir: spool_dir.to_owned(),
            held: Mutex::default(),
            mean_ms: AtomicU64::new(2000),
        }
    }

    /// A permit now, or why there is none; never waits.
    pub(crate) fn take(&self) -> Result<Permit, Error> {
        let free = rustix::fs::statvfs(&self.spool_dir).map_err(Error::unavailable)?;
        if free.f_bavail.saturating_mul(free.f_frsize) < self.disk_free_min {
            return Err(Error::DiskShort { bytes: self.disk_free_min });
        }
        let place = self.places.take();
        let place = place.ok_or_else(|| Error::Full { permits: self.places.total, retry: self.retry() })?;
        Ok(Permit {
            _place: place,
            spool: Arc::clone(&self.spool),
            spool_bytes_max: self.spool_bytes_max,
            spooled: None,
        })
    }

    /// Keeps a claimed conversion until its video comes.
    pub(crate) fn hold(&self, held: Held) {
        self.table().insert(held.conversion.attempt, held);
    }

    /// Takes a held permit out of the table: by its video or by its end, whoever is first.
    pub(crate) fn take_held(&self, id: ConversionId, attempt: Attempt) -> Option<Held> {
        let mut table = self.table();
        table.get(&attempt).filter(|held| held.conversion.id == id)?;
        table.remove(&attempt)
    }

    /// Notes that a permit came back after `used`.
    pub(crate) fn note(&self, used: Duration) {
        let used = u64::try_from(used.as_millis()).unwrap_or(u64::MAX).min(3_600_000);
        let mean = self.mean_ms.load(Ordering::Relaxed);
        self.mean_ms.store((mean * 7 + used) / 8, Ordering::Relaxed);
    }

    /// When a permit is likely to be free: one comes back every mean / permits.
    fn retry(&self) -> Duration {
        let mean = Duration::from_millis(self.mean_ms.load(Ordering::Relaxed));
        (mean / u32::try_from(self.places.total).unwrap_or(u32::MAX)).clamp(RETRY_MIN, RETRY_MAX)
    }

    /// Resolves once no permit is held or used.
    pub(crate) async fn idle(&self) {
        self.until(|free| free >= self.places.total).await;
    }

    /// Resolves once there is a free permit, which is not taken.
    pub(crate) async fn some_free(&self) {
        self.until(|free| free > 0).await;
    }

    /// Resolves once there is no free permit.
    pub(crate) async fn none_free(&self) {
        self.until(|free| free == 0).await;
    }

    async fn until(&self, condition: impl Fn(usize) -> bool) {
        // The sender is part of this value, so the channel cannot be closed.
        let _ = self.places.free.subscribe().wait_for(|free| condition(*free)).await;
    }

    fn table(&self) -> std::sync::MutexGuard<'_, HashMap<Attempt, Held>> {
        // No code panics while it holds the table, so what a poisoned lock guards is whole.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
