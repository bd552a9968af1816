//! Step 2 of an upload: the conversion itself, a task of its own that owns permit and engine.
//!
//! Its input is a bounded channel with an explicit end. Once the end mark is in, it needs no client any more.

mod commit;
mod encode;
pub(crate) mod input;
mod scratch;
mod sink;
#[cfg(test)]
mod tests;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use chassis::{Deadline, chain};
use tokio::time::{sleep, sleep_until};

use crate::{
    App,
    conversion::{Attempt, Conversion, ConversionId, Failure, Mp3, Timestamp},
    error::Error,
    lease::HeldLease,
    permits::Held,
    store::Change,
};

/// Gives the permit of an upload that never begins back, and ends its claim.
pub(crate) fn expire_later(app: &Arc<App>, id: ConversionId, attempt: Attempt, hold: Duration) {
    let app = Arc::clone(app);
    app.tasks.clone().spawn(async move {
        sleep(hold).await;
        if let Some(held) = app.permits.take_held(id, attempt) {
            release(&app, &held.conversion, &Error::PermitGone(hold)).await;
        }
    });
}

/// Converts one video and commits its mp3; on any error the claim is released before the permit is.
pub(crate) async fn convert(
    app: Arc<App>,
    held: Held,
    input: input::Receiver,
    deadline: Deadline,
) -> Result<Conversion, Error> {
    let started = Instant::now();
    let Held { mut permit, conversion } = held;
    let lease = HeldLease::new(&app.store, &app.holder, &conversion);
    let result = match produce(&app, &conversion, &lease, input, &mut permit, deadline).await {
        // The deadline ends when the commit begins.
        Ok(mp3) => commit::commit(&app, &conversion, &lease, mp3).await,
        Err(error) => Err(error),
    };
    match &result {
        Ok(_) | Err(Error::Fenced | Error::OutcomeUnknown(_)) => {}
        Err(error) => release(&app, &conversion, error).await,
    }
    if let Err(error) = &result {
        error.log();
    }
    let outcome = match &result {
        Ok(_) => "done".to_owned(),
        Err(error) => error.problem().kind.trim_start_matches("/problems/").to_owned(),
    };
    metrics::counter!("tapedeck_conversions_total", "outcome" => outcome.clone()).increment(1);
    tracing::info!(
        conversion = %conversion.id,
        attempt = %conversion.attempt,
        outcome,
        duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        "conversion ended"
    );
    drop(permit);
    app.permits.note(started.elapsed());
    result
}

/// Everything before the commit: encode and store, within the deadline and the lease.
async fn produce(
    app: &Arc<App>,
    conversion: &Conversion,
    lease: &HeldLease<'_>,
    input: input::Receiver,
    permit: &mut crate::permits::Permit,
    deadline: Deadline,
) -> Result<Mp3, Error> {
    let work = async {
        let encoded = encode::encode(app, conversion, lease, input, permit).await?;
        encoded.store(app, conversion).await
    };
    tokio::select! {
        mp3 = work => mp3,
        lost = lease.keep() => Err(lost.into()),
        () = sleep_until(deadline.instant()) => Err(Error::Deadline),
        () = app.stopped.cancelled() => Err(Error::Draining),
    }
}

/// Deletes an mp3 that never becomes visible.
async fn discard(app: &App, conversion: &Conversion) {
    if let Err(cause) = app.store.delete_blob(conversion.attempt.mp3()).await {
        tracing::warn!(conversion = %conversion.id, cause = chain(&cause), "a fenced blob is left to the sweeper");
    }
}

/// The claim ends without an mp3. Where the store does not answer, the lease ends it.
async fn release(app: &App, conversion: &Conversion, error: &Error) {
    let change = Change::Fail { failure: Failure::of(&error.problem()), at: Timestamp::now() };
    match app.store.update(conversion.seen(), change).await {
        Ok(true) => app.sweep.notify_one(),
        // Ended by somebody else, who may have looked for the mp3 before its last piece came.
        Ok(false) => discard(app, conversion).await,
        Err(cause) => {
            tracing::warn!(conversion = %conversion.id, cause = chain(&cause), "the claim ends with its lease");
        }
    }
}
