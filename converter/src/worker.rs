//! The worker of the queued flow: takes messages while permits are free, and converts the videos that they tell of.
//!
//! A message is a wake-up and is settled by the claim in the document; from then on the lease carries the job, however long
//! it takes. Engine, checks and commit are those of the blocking flow.

use std::{io, sync::Arc, time::Duration};

use chassis::{Deadline, chain};
use futures_util::StreamExt as _;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use crate::{
    App, claim,
    conversion::{Attempt, Conversion, ConversionId, State, Timestamp},
    error::Error,
    event::{Broker, Delivery},
    job::{self, input},
    permits::{Held, Permit},
    store::{self, Change},
};

/// Wait before a message is taken again where this replica cannot convert, or the store does not answer.
const RETRY: Duration = Duration::from_secs(1);

/// Takes messages until it is stopped; what it took runs on.
///
/// An idle worker holds no permit, or uploads that wait for their mp3 would find none. So it may find none itself, and gives
/// the message back to whoever has room.
pub(crate) async fn run(app: Arc<App>, jobs: Broker, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(app.config.jobs()));
    loop {
        // A backlog must not keep out who waits for an mp3: jobs have no more than JOBS_MAX of the permits.
        let Some(place) = place(&places, &jobs, &stop).await else { return };
        let delivery = tokio::select! {
            biased;
            () = stop.cancelled() => return jobs.pause().await,
            () = app.permits.none_free() => {
                jobs.pause().await;
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = app.permits.some_free() => continue,
                }
            }
            delivery = jobs.next() => delivery,
        };
        match app.permits.take() {
            Ok(permit) => {
                let handled = Box::pin(handle(Arc::clone(&app), delivery, permit));
                app.tasks.spawn(async move {
                    handled.await;
                    drop(place);
                });
            }
            Err(Error::Full { .. }) => delivery.give_back().await,
            Err(cause) => {
                tracing::warn!(cause = chain(&cause), "no job is taken for a moment");
                // Not at once: given back again and again, it would count as a message that nobody can handle.
                delivery.retry_later(RETRY).await;
                jobs.pause().await;
                sleep(RETRY).await;
            }
        }
    }
}

/// A place among the jobs; `None` where the worker is stopped meanwhile.
async fn place(places: &Arc<Semaphore>, jobs: &Broker, stop: &CancellationToken) -> Option<OwnedSemaphorePermit> {
    if let Ok(place) = Arc::clone(places).try_acquire_owned() {
        return Some(place);
    }
    jobs.pause().await;
    tokio::select! {
        () = stop.cancelled() => None,
        place = Arc::clone(places).acquire_owned() => place.ok(),
    }
}

async fn handle(app: Arc<App>, delivery: Delivery, permit: Permit) {
    let id = delivery.event.id;
    let outcome = match take(&app, id).await {
        Ok(Some(conversion)) => {
            tokio::join!(delivery.ack(), convert(&app, conversion, permit));
            "claimed"
        }
        // Another worker has it, or it has ended: a message may come twice.
        Ok(None) => {
            delivery.ack().await;
            "not_due"
        }
        // Again and again would help nobody; the sweeper cannot read it either.
        Err(cause @ store::Error::Unreadable { .. }) => {
            tracing::error!(conversion = %id, cause = chain(&cause), "a job is given up, its document cannot be read");
            delivery.reject().await;
            "unreadable"
        }
        Err(cause) => {
            tracing::warn!(conversion = %id, cause = chain(&cause), "a job waits for the store");
            delivery.retry_later(RETRY).await;
            "store_down"
        }
    };
    metrics::counter!("tapedeck_jobs_total", "outcome" => outcome).increment(1);
}

/// The conversion where it is this worker's now.
async fn take(app: &App, id: ConversionId) -> Result<Option<Conversion>, store::Error> {
    let Some(queued) = app.store.get(id).await?.filter(|found| found.state == State::Queued) else {
        return Ok(None);
    };
    let change = Change::TakeJob { attempt: Attempt::random(), lease: app.holder.lease() };
    let taken = change.after(&queued);
    let written = app.store.update(queued.seen(), change).await;
    let is_ours = claim::settle(&app.store, written, &taken).await?;
    Ok(is_ours.then_some(taken))
}

async fn convert(app: &Arc<App>, conversion: Conversion, permit: Permit) {
    let (sender, receiver) = input::channel();
    let deadline = deadline(app, &conversion);
    let feeding = feed(app, conversion.clone(), sender);
    let converting = job::convert(Arc::clone(app), Held { permit, conversion }, receiver, deadline);
    // Its outcome stands in the document.
    let ((), _) = tokio::join!(feeding, converting);
}

/// As long as a caller would wait for the conversion, and no longer than for its whole way.
fn deadline(app: &App, conversion: &Conversion) -> Deadline {
    let until = conversion.dispatch.as_ref().map_or(0, |dispatch| dispatch.deadline.0);
    let left = Duration::from_millis(until.saturating_sub(Timestamp::now().0));
    Deadline::after(left.min(app.config.convert_timeout))
}

/// Reads the stored video. Only one that is whole gets the end mark.
async fn feed(app: &App, conversion: Conversion, sender: input::Sender) {
    let Some(video) = conversion.video else {
        return sender.fail(Error::internal(anyhow::anyhow!("a queued conversion without a video"))).await;
    };
    let mut left = video.bytes;
    let read = async {
        let mut pieces = app.store.read_blob(video.blob_id, 0..=video.bytes.saturating_sub(1)).await?;
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(unread)?;
            left = left.saturating_sub(piece.len() as u64);
            if !sender.send(piece).await {
                break; // the verdict is there: the rest is not wanted
            }
        }
        Ok::<_, Error>(())
    };
    match read.await {
        Ok(()) if left == 0 => sender.end().await,
        // Nobody listens where the verdict is there.
        Ok(()) => sender.fail(Error::internal(anyhow::anyhow!("the stored video is too short"))).await,
        Err(error) => sender.fail(error).await,
    }
}

/// A video that is shorter than its document says will be so the next time, too.
fn unread(cause: io::Error) -> Error {
    if cause.kind() == io::ErrorKind::UnexpectedEof { Error::internal(cause) } else { Error::unavailable(cause) }
}

#[cfg(test)]
mod tests;
