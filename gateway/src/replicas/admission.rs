//! Getting a permit for an upload before a byte of its body is read.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use chassis::{Deadline, hex};
use converter::{
    client::{CallError, Reserve, Reserved},
    conversion::{Attempt, Conversion, ConversionId},
};
use tokio::time::sleep;

use super::{GONE_ASIDE, InFlight, Replicas};
use crate::{Config, error::Error};

/// How long a full replica is put aside where it does not say.
const FULL_ASIDE: Duration = Duration::from_secs(1);
/// First pause before a full replica is asked again; it doubles, and up to as much is added at random.
const PAUSE_MIN: Duration = Duration::from_millis(25);
/// Longest such pause.
const PAUSE_MAX: Duration = Duration::from_millis(400);

/// Finds a replica for each upload.
#[derive(Debug)]
pub(crate) struct Admission {
    replicas: Arc<Replicas>,
    waiting: AtomicUsize,
    waiting_max: usize,
    wait_max: Duration,
}

/// What an upload was answered before its body was read.
#[derive(Debug)]
pub(crate) enum Admitted {
    /// The replica holds a permit for a moment.
    Permit { at: InFlight, id: ConversionId, attempt: Attempt },
    /// The key's conversion is over.
    Replay(Box<Conversion>),
}

/// How one replica refused.
enum Refused {
    /// Another replica, or the same one later, may say yes.
    ForNow(Error),
    ForGood(Error),
}

impl Admission {
    pub(crate) fn new(replicas: Arc<Replicas>, config: &Config) -> Self {
        Self {
            replicas,
            waiting: AtomicUsize::new(0),
            waiting_max: config.admission_waiting_max,
            wait_max: config.admission_wait_max,
        }
    }

    /// Asks the replicas, least busy first. Only when all of them are full it asks again, for a bounded time.
    pub(crate) async fn reserve(&self, request: &mut Reserve, deadline: Deadline) -> Result<Admitted, Error> {
        let mut refusal = Error::NoConverter;
        let mut asked = Vec::new();
        while let Some(at) =
            self.replicas.pick(|entry| entry.is_free(Instant::now()) && !asked.contains(&entry.address))
        {
            asked.push(at.entry.address.clone());
            match ask(at, request, deadline).await {
                Ok(admitted) => return Ok(admitted),
                Err(Refused::ForGood(error)) => return Err(error),
                Err(Refused::ForNow(error)) => refusal = error,
            }
        }
        self.ask_again(request, deadline, refusal).await
    }

    async fn ask_again(
        &self,
        request: &mut Reserve,
        deadline: Deadline,
        mut refusal: Error,
    ) -> Result<Admitted, Error> {
        let _waiting = Waiting::begin(self)?;
        let give_up = Instant::now() + self.wait_max.min(deadline.remaining());
        let mut pause = PAUSE_MIN;
        loop {
            let left = give_up.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(refusal);
            }
            tokio::select! {
                () = sleep(jittered(pause).min(left)) => {}
                () = self.replicas.freed.notified() => {}
            }
            pause = (pause * 2).min(PAUSE_MAX);
            let now = Instant::now();
            // A full one has nothing of ours in flight and would be picked before one that has room again.
            let free = self.replicas.pick(|entry| entry.is_free(now));
            let Some(at) = free.or_else(|| self.replicas.pick(|entry| entry.is_answering(now))) else { continue };
            match ask(at, request, deadline).await {
                Ok(admitted) => return Ok(admitted),
                Err(Refused::ForGood(error)) => return Err(error),
                Err(Refused::ForNow(error)) => refusal = error,
            }
        }
    }
}

/// One POST, with an attempt of its own. An attempt whose answer was lost is named in the following ones.
async fn ask(mut at: InFlight, request: &mut Reserve, deadline: Deadline) -> Result<Admitted, Refused> {
    request.attempt = Attempt::random();
    request.deadline_ms = deadline.remaining_ms().max(1);
    match at.replica().reserve(request).await {
        Ok(Reserved::Permit { id, attempt }) => {
            at.admit();
            Ok(Admitted::Permit { at, id, attempt })
        }
        Ok(Reserved::Replay(conversion)) => Ok(Admitted::Replay(conversion)),
        Err(CallError::Refused(problem)) if problem.status == 503 => {
            let wait = problem.retry_after.map_or(FULL_ASIDE, Duration::from_secs);
            match &*problem.kind {
                // It has no permit to give, however long one waits.
                "/problems/draining" => at.put_aside_gone(wait),
                _ => at.put_aside_full(wait),
            }
            // It waited for the store in vain, and the store is every replica's: the caller has waited long enough.
            let is_store = problem.kind == "/problems/unavailable";
            Err(if is_store { Refused::ForGood(problem.into()) } else { Refused::ForNow(problem.into()) })
        }
        Err(CallError::Refused(problem)) => Err(Refused::ForGood(problem.into())),
        Err(CallError::Unreachable(cause)) => {
            tracing::warn!(address = at.entry.address, %cause, "converter_unreachable");
            at.put_aside_gone(GONE_ASIDE);
            Err(Refused::ForNow(Error::NoConverter))
        }
        Err(CallError::Lost(cause)) => {
            tracing::warn!(address = at.entry.address, cause = format!("{cause:#}"), "reservation_lost");
            request.instead_of.push(request.attempt);
            at.put_aside_gone(GONE_ASIDE);
            Err(Refused::ForNow(Error::NoConverter))
        }
    }
}

fn jittered(pause: Duration) -> Duration {
    pause + pause.mul_f64(f64::from(u16::from_le_bytes(hex::random())) / f64::from(u16::MAX))
}

/// One upload that waits; counted until it is dropped.
struct Waiting<'a>(&'a Admission);

impl<'a> Waiting<'a> {
    fn begin(admission: &'a Admission) -> Result<Self, Error> {
        let before = admission.waiting.fetch_add(1, Ordering::Relaxed);
        metrics::gauge!("tapedeck_uploads_waiting").increment(1);
        let waiting = Self(admission);
        if before >= admission.waiting_max { Err(Error::Busy(admission.waiting_max)) } else { Ok(waiting) }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
        metrics::gauge!("tapedeck_uploads_waiting").decrement(1);
    }
}
