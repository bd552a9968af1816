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
        if let Err(cause) = sweep(&app).await {
            tracing::warn!(%cause, "the sweep goes on later");
        }
        let _ = timeout(app.config.lease / 3, app.sweep.notified()).await;
    }
}

async fn sweep(app: &App) -> Result<(), store::Error> {
    let now = Timestamp::now();
    for lost in app.store.due(Due::DeadLease { now }, BATCH_MAX).await? {
        let failure = Failure::of(&Error::ConverterLost.problem());
        app.store.update(lost.seen(), Change::EndLease { failure, at: now }).await?;
    }
    for due in [Due::Forgotten, Due::Expiry { now }] {
        for over in app.store.due(due, BATCH_MAX).await? {
            app.store.update(over.seen(), Change::Tombstone { at: now }).await?;
        }
    }
    let swept_before = now.minus(app.config.garbage_rest());
    for holder in app.store.due(Due::Garbage { swept_before }, BATCH_MAX).await? {
        collect(app, &holder, now, swept_before).await?;
    }
    for over in app.store.due(Due::Removal { now }, BATCH_MAX).await? {
        app.store.remove(over.seen()).await?;
    }
    Ok(())
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
