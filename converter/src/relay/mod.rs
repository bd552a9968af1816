//! The outbox relay: publishes what is committed and not announced, and in the queued flow what waits and no worker was told
//! of; then it marks it.

#[cfg(test)]
mod tests;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chassis::{Outage, chain};
use futures_util::{StreamExt as _, stream};
use tokio::time::{sleep, timeout};

use crate::{
    App,
    conversion::Timestamp,
    event::{Broker, Event},
    store::{self, Change, Due, Seen},
};

/// Announcements of one round.
const BATCH_MAX: usize = 100;
/// Announcements that are published or marked at a time, so that a slow store or broker holds up each only for itself.
/// As many as a broker takes at a time.
const AT_ONCE: usize = 16;
/// Longest wait for a round without a hint; a commit gives one, so this finds what a crash left.
const ROUND: Duration = Duration::from_secs(1);
/// Longest wait for a broker that takes nothing or a document that takes no mark; the first is a [`ROUND`], and it doubles.
const STUCK_MAX: Duration = Duration::from_secs(4);

/// What is published, and where.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Outbox<'a> {
    /// Committed mp3s, to the notifiers.
    Announcements(&'a Broker),
    /// Queued videos, to the workers: what the gateway did not tell, and what comes back to the queue.
    Jobs(&'a Broker),
}

impl Outbox<'_> {
    fn broker(&self) -> &Broker {
        match self {
            Self::Announcements(broker) | Self::Jobs(broker) => broker,
        }
    }

    /// The queue of the broker, for the log.
    fn name(&self) -> &'static str {
        match self {
            Self::Announcements(_) => "mp3",
            Self::Jobs(_) => "video",
        }
    }

    fn due(&self, published_before: Timestamp) -> Due {
        match self {
            Self::Announcements(_) => Due::Announcement { published_before },
            Self::Jobs(_) => Due::Dispatch { now: Timestamp::now(), published_before },
        }
    }

    fn mark(&self) -> Change {
        let at = Timestamp::now();
        match self {
            Self::Announcements(_) => Change::Published { at },
            Self::Jobs(_) => Change::Dispatched { at },
        }
    }
}

/// Publishes for ever what is committed.
pub(crate) async fn announce(app: Arc<App>) {
    run(&app, Outbox::Announcements(&app.broker)).await;
}

/// Publishes for ever what is queued.
pub(crate) async fn dispatch(app: Arc<App>, jobs: Broker) {
    run(&app, Outbox::Jobs(&jobs)).await;
}

async fn run(app: &App, outbox: Outbox<'_>) {
    // The in-process broker lost all its messages with the last process: what was published before this start is due.
    let lost_before = if outbox.broker().dies_with_process() { Timestamp::now() } else { Timestamp(0) };
    let (mut stuck, outage) = (ROUND, Outage::default());
    loop {
        // However the last round ended: one document that takes no mark must not keep the others from their second try.
        let published_before = lost_before.max(Timestamp::now().minus(app.config.republish_after));
        let round = publish(app, outbox, published_before).await;
        tell(outbox, &outage, round.as_ref().err());
        match round {
            Ok(Round::More) => {
                stuck = ROUND;
                continue;
            }
            Ok(Round::Complete) => stuck = ROUND,
            Err(_) => {}
            // A commit helps neither the broker nor the document: its hint waits.
            Ok(Round::Stuck) => {
                sleep(stuck).await;
                stuck = (stuck * 2).min(STUCK_MAX);
                continue;
            }
        }
        let hint = async {
            match outbox {
                Outbox::Announcements(_) => app.announce.notified().await,
                // The gateway tells the workers itself; here is what it could not, and what failed.
                Outbox::Jobs(_) => std::future::pending().await,
            }
        };
        let _ = timeout(ROUND, hint).await;
    }
}

/// The store is asked each second: the log tells of an outage once, and of its end.
fn tell(outbox: Outbox<'_>, outage: &Outage, cause: Option<&store::Error>) {
    let cause = cause.map(|cause| chain(cause));
    if outage.has_changed(cause.as_deref()) {
        if let Some(cause) = cause {
            tracing::warn!(outbox = outbox.name(), cause, "messages wait for the store");
        } else {
            tracing::info!(outbox = outbox.name(), "messages go on");
        }
    }
}

/// How a round ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Round {
    /// Everything is published.
    Complete,
    /// There may be more right now.
    More,
    /// The broker takes nothing at the moment, or a document took no mark: the same would go out again at once.
    Stuck,
}

/// One round; fails only where the store does not say what is due. An announcement is marked after its confirm; one that is
/// not marked goes out again.
pub(crate) async fn publish(app: &App, outbox: Outbox<'_>, published_before: Timestamp) -> Result<Round, store::Error> {
    let due = app.store.due(outbox.due(published_before), BATCH_MAX).await?;
    let (found, refused) = (due.len(), AtomicBool::new(false));
    let announcements = stream::iter(due).map(|conversion| tell_one(app, outbox, conversion.seen(), &refused));
    // All run to their end, also behind a failure: what the broker confirmed is to be marked.
    let settled: Vec<_> = announcements.buffer_unordered(AT_ONCE).collect().await;
    let is_settled = settled.into_iter().all(|is_settled| is_settled);
    Ok(match (is_settled, found) {
        (false, _) => Round::Stuck,
        (true, BATCH_MAX) => Round::More,
        (true, _) => Round::Complete,
    })
}

/// Publishes and marks one, unless the broker refused another one of the round. Says whether both succeeded.
async fn tell_one(app: &App, outbox: Outbox<'_>, seen: Seen, refused: &AtomicBool) -> bool {
    if refused.load(Ordering::Relaxed) {
        return false;
    }
    if let Err(cause) = outbox.broker().publish(Event { id: seen.id }).await {
        if !refused.swap(true, Ordering::Relaxed) {
            let outbox = outbox.name();
            tracing::warn!(outbox, conversion = %seen.id, cause = chain(&cause), "messages wait in the outbox");
        }
        return false;
    }
    // One that is no longer what it was is not to be marked.
    let marked = app.store.update(seen, outbox.mark()).await;
    if let Err(cause) = &marked {
        let outbox = outbox.name();
        tracing::warn!(outbox, conversion = %seen.id, cause = chain(cause), "published and not marked: told again later");
    }
    marked.is_ok()
}
