//! The worker of the queued flow: takes messages while permits are free, and converts the videos that they tell of.
//!
//! A message is a wake-up and is settled by the claim in the document; from then on the lease carries the job, however long
//! it takes. Engine, checks and commit are those of the blocking flow.

use std::{sync::Arc, time::Duration};

use chassis::{Deadline, chain};
use futures_util::StreamExt as _;
use tokio::time::sleep;
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
    loop {
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
            Ok(permit) => drop(app.tasks.spawn(handle(Arc::clone(&app), delivery, permit))),
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

async fn handle(app: Arc<App>, delivery: Delivery, permit: Permit) {
    let id = delivery.event.id;
    let outcome = match claim(&app, id).await {
        Ok(Some(conversion)) => {
            tokio::join!(delivery.ack(), convert(&app, conversion, permit));
            "claimed"
        }
        // Another worker has it, or it has ended: a message may come twice.
        Ok(None) => {
            delivery.ack().await;
            "not_due"
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
async fn claim(app: &App, id: ConversionId) -> Result<Option<Conversion>, store::Error> {
    let Some(mut conversion) = app.store.get(id).await?.filter(|found| found.state == State::Queued) else {
        return Ok(None);
    };
    let seen = conversion.seen();
    let change = Change::TakeJob { attempt: Attempt::random(), lease: app.holder.lease() };
    // A queued document always takes it.
    let _ = change.clone().apply(&mut conversion);
    let written = app.store.update(seen, change).await;
    let is_ours = claim::settle(&app.store, written, &conversion).await?;
    Ok(is_ours.then_some(conversion))
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
            let piece = piece.map_err(Error::unavailable)?;
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
        Ok(()) => sender.fail(Error::unavailable(anyhow::anyhow!("the stored video is too short"))).await,
        Err(error) => sender.fail(error).await,
    }
}

#[cfg(test)]
mod tests;
