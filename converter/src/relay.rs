//! The outbox relay: publishes what is committed and not announced, and marks it.

use std::{sync::Arc, time::Duration};

use tokio::time::timeout;

use crate::{
    App,
    conversion::Timestamp,
    event::Mp3Ready,
    store::{self, Change, Due},
};

/// Announcements of one round.
const BATCH_MAX: usize = 100;
/// Longest wait for a round without a hint; a commit gives one, so this finds what a crash left.
const ROUND: Duration = Duration::from_secs(1);

/// Publishes for ever.
pub(crate) async fn run(app: Arc<App>) {
    // The in-process broker lost all its messages with the last process.
    let mut published_before = if app.store.is_embedded() { Timestamp::now() } else { Timestamp(0) };
    loop {
        match publish(&app, published_before).await {
            Ok(full) if full => continue,
            Ok(_) => {}
            Err(cause) => tracing::warn!(%cause, "announcements go on later"),
        }
        let _ = timeout(ROUND, app.announce.notified()).await;
        published_before = Timestamp::now().minus(app.config.republish_after);
    }
}

/// One round; answers whether there may be more.
pub(crate) async fn publish(app: &App, published_before: Timestamp) -> Result<bool, store::Error> {
    let due = app.store.due(Due::Announcement { published_before }, BATCH_MAX).await?;
    let mut published = 0;
    for conversion in &due {
        match app.broker.publish(Mp3Ready { id: conversion.id }) {
            Ok(()) => published += 1,
            Err(cause) => {
                tracing::warn!(conversion = %conversion.id, %cause, "the announcement waits in the outbox");
                break;
            }
        }
        app.store.update(conversion.seen(), Change::Published { at: Timestamp::now() }).await?;
    }
    Ok(published == BATCH_MAX)
}
