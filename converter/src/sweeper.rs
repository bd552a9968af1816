//! What nobody waits for: dead leases, garbage, expiry. Any number of replicas sweep at once without harm, since each
//! step is one conditional update.

use std::sync::Arc;

use tokio::time::timeout;

use crate::{
    App,
    conversion::{Conversion, Failure, Timestamp},
    error::Error,
    store::{self, Change, Due},
};

/// Documents of one kind that are handled before the next kind gets its turn.
const BATCH_MAX: usize = 100;

/// Sweeps whenever something was released, and at the pace of the leases.
pub(crate) async fn run(app: Arc<App>) {
    loop {
        match sweep(&app).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(cause) => tracing::warn!(%cause, "the sweep goes on later"),
        }
        let _ = timeout(app.config.lease / 3, app.sweep.notified()).await;
    }
}

/// One round over each kind of work; answers whether there may be more right now.
async fn sweep(app: &App) -> Result<bool, store::Error> {
    let now = Timestamp::now();
    let swept_before = now.minus(app.config.garbage_rest());
    let kinds = [
        Due::DeadLease { now },
        Due::Forgotten,
        Due::Expiry { now },
        Due::Garbage { swept_before },
        Due::Removal { now },
    ];
    let mut is_more = false;
    for due in kinds {
        let found = app.store.due(due, BATCH_MAX).await?;
        let mut failures = 0;
        for conversion in &found {
            if let Err(cause) = settle(app, due, conversion, now).await {
                // One document that cannot be settled must not keep the others waiting.
                tracing::warn!(conversion = %conversion.id, %cause, "the sweep comes back");
                failures += 1;
            }
        }
        is_more |= found.len() == BATCH_MAX && failures == 0;
    }
    Ok(is_more)
}

async fn settle(app: &App, due: Due, conversion: &Conversion, now: Timestamp) -> Result<(), store::Error> {
    let seen = conversion.seen();
    match due {
        Due::DeadLease { now } => {
            let failure = Failure::of(&Error::ConverterLost.problem());
            app.store.update(seen, Change::EndLease { failure, at: now }).await.map(drop)
        }
        Due::Forgotten | Due::Expiry { .. } => app.store.update(seen, Change::Tombstone { at: now }).await.map(drop),
        Due::Garbage { swept_before } => collect(app, conversion, now, swept_before).await,
        Due::Removal { .. } => app.store.remove(seen).await.map(drop),
        // Not the sweeper's: the relay announces, an administrator sends again.
        Due::Announcement { .. } | Due::DeadMail => Ok(()),
    }
}

/// Deletes each garbage blob once at once and again after two leases: a zombie may have written in between.
async fn collect(app: &App, holder: &Conversion, now: Timestamp, swept_before: Timestamp) -> Result<(), store::Error> {
    for entry in &holder.garbage {
        let blob_id = entry.blob_id;
        let change = match entry.swept_at {
            None => Change::Sweep { blob_id, at: now },
            Some(at) if at < swept_before => Change::DropGarbage { blob_id },
            Some(_) => continue,
        };
        app.store.delete_blob(blob_id).await?;
        app.store.update(holder.seen(), change).await?;
    }
    Ok(())
}
