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
    let mut published_before = if app.broker.dies_with_process() { Timestamp::now() } else { Timestamp(0) };
    loop {
        match publish(&app, published_before).await {
            Ok(Round::More) => continue,
            Ok(Round::Complete) => published_before = Timestamp::now().minus(app.config.republish_after),
            // What was lost with the last process is still due.
            Ok(Round::Stuck) => {}
            Err(cause) => tracing::warn!(%cause, "announcements go on later"),
        }
        let _ = timeout(ROUND, app.announce.notified()).await;
    }
}

/// How a round ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Round {
    /// Everything is published.
    Complete,
    /// There may be more right now.
    More,
    /// The broker takes nothing at the moment.
    Stuck,
}

/// One round.
pub(crate) async fn publish(app: &App, published_before: Timestamp) -> Result<Round, store::Error> {
    let due = app.store.due(Due::Announcement { published_before }, BATCH_MAX).await?;
    for conversion in &due {
        if let Err(cause) = app.broker.publish(Mp3Ready { id: conversion.id }).await {
            tracing::warn!(conversion = %conversion.id, %cause, "the announcement waits in the outbox");
            return Ok(Round::Stuck);
        }
        app.store.update(conversion.seen(), Change::Published { at: Timestamp::now() }).await?;
    }
    Ok(if due.len() == BATCH_MAX { Round::More } else { Round::Complete })
}
