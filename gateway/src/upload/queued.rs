//! The queued flow: claim, store, and answer once the video waits for a worker.

use std::{sync::Arc, time::Instant};

use actix_web::{HttpRequest, web::Data};
use bytes::BytesMut;
use chassis::{Deadline, chain, hex, request_id};
use converter::{
    claim::{self, CLAIM_TRIES_MAX, Plan, Refused},
    client::Reserve,
    conversion::{Conversion, Failure, Owner, State, Timestamp},
    event::{Broker, Event},
    lease::{HeldLease, Holder},
    store::{BLOB_PIECE_BYTES, Change, Fate, Flow},
};
use tokio::{sync::Semaphore, time::sleep_until};
use tokio_util::sync::CancellationToken;

use super::{
    Converted, Timing, Upload,
    body::{self, Chunks},
    pump::{self, Ended, Limits, Video},
};
use crate::{App, Config, error::Error};

/// Videos that the workers are told of at a time; further ones wait for their turn.
const TELLINGS_MAX: usize = 64;

/// What the flow needs beside the blocking one.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    jobs: Broker,
    holder: Holder,
    tellings: Arc<Semaphore>,
}

impl Queue {
    pub(crate) fn new(jobs: Broker, config: &Config) -> Self {
        let name = format!("gateway-{}-{}", std::process::id(), hex::encode(&hex::random::<4>()));
        let holder = Holder { name, length: config.lease };
        Self { jobs, holder, tellings: Arc::new(Semaphore::new(TELLINGS_MAX)) }
    }
}

/// Stores the video and answers once it is in the queue.
pub(super) async fn accept(
    app: &Data<App>,
    queue: &Queue,
    request: &HttpRequest,
    upload: Upload,
) -> Result<(Converted, Timing), Error> {
    let Upload { caller, mut head, slot, payload } = upload;
    let began = Instant::now();
    let video = Video::open(request, &mut head, payload, app.config.upload_idle_max).await?;
    // Refused here, not a byte of the video was read.
    let claimed = claim_or_replay(app, queue, head.reserve(&caller)?).await?;
    let mut timing = Timing { admission: began.elapsed(), ..Timing::default() };
    let claimed = match claimed {
        Claimed::Now(conversion) => conversion,
        Claimed::Before(conversion) => return Ok((Converted::replay(conversion)?, timing)),
    };

    let admitted_at = Instant::now();
    let (feed, chunks, unwanted) = body::channel();
    let (task_app, task_queue, deadline) = (app.clone(), queue.clone(), head.deadline);
    let store = async move {
        let queued = store_video(&task_app, &task_queue, claimed, chunks, deadline).await;
        // The verdict is there: whatever the client still sends is not wanted.
        unwanted.cancel();
        drop(slot);
        queued
    };
    // On a task of the process: after the end mark it goes on without the client.
    let request_id = request_id::current().unwrap_or_default();
    let storing = app.uploads.spawn_on(request_id::scope(request_id, store), &app.tasks);
    // Dropped with this handler when the client leaves.
    let gone = CancellationToken::new();
    let _gone = gone.clone().drop_guard();
    let (queued, pumped) = tokio::join!(storing, pump::spawn(video, feed, Limits::of(&app.config), gone));
    let (queued, pumped) = (queued.map_err(anyhow::Error::from)?, pumped.map_err(anyhow::Error::from)?);
    timing.upload = pumped.at - admitted_at;
    timing.finish = pumped.at.elapsed();
    match (queued, pumped.ended) {
        (Ok(conversion), _) => Ok((Converted { conversion, is_replay: false }, timing)),
        // What the pump knows better.
        (Err(Error::ClientStopped), Ended::Failed(error)) | (Err(error), _) => Err(error),
    }
}

enum Claimed {
    Now(Conversion),
    /// An earlier request of this key: it is over, or in the queue.
    Before(Conversion),
}

/// The same decision as a converter's, without a permit: what bounds this flow is the length of the queue.
async fn claim_or_replay(app: &App, queue: &Queue, request: Reserve) -> Result<Claimed, Error> {
    let (id, mut has_room) = (claim::id(&request), false);
    for _ in 0..CLAIM_TRIES_MAX {
        let existing = app.store.get(id).await?;
        let claim = match claim::plan(existing, id, &request, Flow::Queued, queue.holder.lease(), Timestamp::now())? {
            Plan::Claim(claim) => claim,
            Plan::Replay(conversion) | Plan::Accepted(conversion) => return Ok(Claimed::Before(*conversion)),
        };
        if !has_room {
            check_room(app, &request.owner).await?;
            has_room = true;
        }
        if let Some(conversion) = claim.write(&app.store).await? {
            return Ok(Claimed::Now(conversion));
        }
    }
    Err(Refused::Contended.into())
}

async fn check_room(app: &App, owner: &Owner) -> Result<(), Error> {
    let (load, config) = (app.store.queue_load(owner).await?, &app.config);
    if load.of_owner >= config.queued_per_user_max {
        return Err(Error::TooManyQueued(config.queued_per_user_max));
    }
    if load.conversions >= config.queue_max {
        return Err(Error::QueueFull(config.queue_max));
    }
    if load.bytes >= config.queue_bytes_max {
        return Err(Error::QueueHeavy(config.queue_bytes_max));
    }
    Ok(())
}

/// Stores the video under a lease and hands it to the queue; on any error the claim is released.
async fn store_video(
    app: &Data<App>,
    queue: &Queue,
    claimed: Conversion,
    chunks: Chunks,
    deadline: Deadline,
) -> Result<Conversion, Error> {
    let lease = HeldLease::new(&app.store, &queue.holder, &claimed);
    let written = tokio::select! {
        written = write(app, &claimed, &lease, chunks) => written,
        lost = lease.keep() => Err(lost.into()),
        () = sleep_until(deadline.instant()) => Err(Error::TimedOut),
    };
    let queued = match written {
        // The deadline of the upload ends here; that of its conversion goes with the document.
        Ok(bytes) => match check(&lease).await {
            Ok(()) => enqueue(app, &claimed, bytes, deadline).await,
            Err(error) => Err(error),
        },
        Err(error) => Err(error),
    };
    match &queued {
        Ok(queued) => tell(app, queue, queued),
        Err(Error::Cancelled | Error::OutcomeUnknown(_)) => {}
        Err(error) => release(app, &claimed, error).await,
    }
    queued
}

/// Writes the video; it is whole when the end mark came. Answers its length in bytes.
async fn write(app: &App, claimed: &Conversion, lease: &HeldLease<'_>, mut chunks: Chunks) -> Result<u64, Error> {
    let mut blob = app.store.create_blob(claimed.attempt.video()).await?;
    let (mut bytes, mut piece) = (0, BytesMut::new());
    while let Some(chunk) = chunks.next().await.map_err(|_| Error::ClientStopped)? {
        bytes += chunk.len() as u64;
        lease.received(bytes);
        piece.extend_from_slice(&chunk);
        if piece.len() >= BLOB_PIECE_BYTES {
            check(lease).await?;
            blob.write(piece.split().freeze()).await?;
        }
    }
    if bytes == 0 {
        return Err(Error::EmptyBody);
    }
    check(lease).await?;
    blob.write(piece.freeze()).await?;
    blob.finish(None).await?;
    Ok(bytes)
}

/// A process that stood still writes nothing into what others have cleared away meanwhile.
async fn check(lease: &HeldLease<'_>) -> Result<(), Error> {
    if lease.is_valid().await { Ok(()) } else { Err(Error::LeaseEnded) }
}

/// The one update that puts the video into the queue.
async fn enqueue(app: &App, claimed: &Conversion, bytes: u64, deadline: Deadline) -> Result<Conversion, Error> {
    let at = Timestamp::now();
    let change = Change::Enqueue { bytes, at, deadline: at.plus(deadline.remaining()) };
    // However far it has come since: it may have failed already, and was in the queue.
    let is_ours = |found: &Conversion| found.dispatch.as_ref().is_some_and(|it| it.upload == claimed.attempt);
    let has_taken = |found: &Conversion| is_ours(found) && found.state != State::Deleted;
    match app.store.conclude(claimed, change, &Failure::of(&Error::LeaseEnded.problem()), has_taken).await {
        Fate::Taken(queued) => Ok(*queued),
        Fate::Fenced => Err(Error::LeaseEnded),
        Fate::Lost => {
            discard(app, claimed).await;
            Err(Error::Cancelled)
        }
        Fate::Open => Err(Error::OutcomeUnknown(claimed.id)),
    }
}

/// Where the store does not answer, the lease ends the claim.
async fn release(app: &App, claimed: &Conversion, error: &Error) {
    let change = Change::Fail { failure: Failure::of(&error.problem()), at: Timestamp::now() };
    match app.store.update(claimed.seen(), change).await {
        Ok(true) => {}
        // Ended by somebody else, who may have looked for the video before its last piece came.
        Ok(false) => discard(app, claimed).await,
        Err(cause) => {
            tracing::warn!(conversion = %claimed.id, cause = chain(&cause), "the claim ends with its lease");
        }
    }
}

/// Deletes a video that never came into the queue.
async fn discard(app: &App, claimed: &Conversion) {
    if let Err(cause) = app.store.delete_blob(claimed.attempt.video()).await {
        tracing::warn!(conversion = %claimed.id, cause = chain(&cause), "a fenced video is left to the sweeper");
    }
}

/// Tells the workers; the caller need not wait for it, since the document holds the video in the queue already. What
/// fails here the converters' relay does.
fn tell(app: &Data<App>, queue: &Queue, queued: &Conversion) {
    let (queue, seen, task_app) = (queue.clone(), queued.seen(), app.clone());
    let telling = async move {
        let _place = queue.tellings.acquire().await;
        let told = queue.jobs.publish(Event { id: seen.id }).await;
        if let Err(cause) = told {
            tracing::warn!(conversion = %seen.id, cause = chain(&cause), "a job waits in the outbox");
        } else if let Err(cause) = task_app.store.update(seen, Change::Dispatched { at: Timestamp::now() }).await {
            tracing::warn!(conversion = %seen.id, cause = chain(&cause), "a worker is told again");
        }
    };
    app.uploads.spawn_on(telling, &app.tasks);
}
