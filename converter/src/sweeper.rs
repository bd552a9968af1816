//! What nobody waits for: dead leases, garbage, expiry. Any number of replicas sweep at once without harm, since each
//! step is one conditional update.

use std::sync::Arc;

use chassis::{Outage, chain};
use tokio::time::timeout;

use crate::{
    App,
    conversion::{Conversion, Failure, Owner, Timestamp},
    error::Error,
    store::{self, Change, Due},
};

/// Documents of one kind that are handled before the next kind gets its turn.
const BATCH_MAX: usize = 100;

/// Sweeps whenever something was released, and at the pace of the leases.
pub(crate) async fn run(app: Arc<App>) {
    let outage = Outage::default();
    loop {
        if sweep(&app, &outage).await {
            continue;
        }
        if app.config.queued_flow {
            measure(&app).await;
        }
        let _ = timeout(app.config.lease / 3, app.sweep.notified()).await;
    }
}

/// Tells how long the queue is; where the store does not say, it is as it was.
async fn measure(app: &App) {
    if let Ok(load) = app.store.queue_load(&Owner(String::new())).await {
        metrics::gauge!("tapedeck_queue_conversions").set(u32::try_from(load.conversions).unwrap_or(u32::MAX));
    }
}

/// One round over each kind of work; answers whether there may be more right now. A kind that fails keeps none of the
/// others waiting. Removed users come last: looking for what is theirs takes the longer the more of them there are. What
/// keeps the store from telling what is due is logged once, and its end.
async fn sweep(app: &App, outage: &Outage) -> bool {
    let now = Timestamp::now();
    let swept_before = now.minus(app.config.garbage_rest());
    let kinds = [
        Due::DeadLease { now },
        Due::Overdue { now },
        Due::Expiry { now },
        Due::Garbage { swept_before },
        Due::Removal { now },
        Due::Forgotten,
    ];
    let (mut is_more, mut is_told) = (false, true);
    for due in kinds {
        let found = match app.store.due(due, BATCH_MAX).await {
            Ok(found) => found,
            Err(cause) => {
                let cause = chain(&cause);
                if outage.has_changed(Some(&cause)) {
                    tracing::warn!(?due, cause, "this kind of work is left to a later sweep");
                }
                is_told = false;
                continue;
            }
        };
        let mut failures = 0;
        for conversion in &found {
            if let Err(cause) = settle(app, due, conversion, now).await {
                // One document that cannot be settled must not keep the others waiting.
                tracing::warn!(conversion = %conversion.id, cause = chain(&cause), "the sweep comes back");
                failures += 1;
            }
        }
        // What a removed user had has become garbage, whose turn was before.
        let has_more = found.len() == BATCH_MAX || (due == Due::Forgotten && !found.is_empty());
        is_more |= has_more && failures == 0;
    }
    if is_told && outage.has_changed(None) {
        tracing::info!("all kinds of work are swept again");
    }
    is_more
}

async fn settle(app: &App, due: Due, conversion: &Conversion, now: Timestamp) -> Result<(), store::Error> {
    let seen = conversion.seen();
    match due {
        Due::DeadLease { now } => {
            let failure = Failure::of(&Error::ConverterLost.problem());
            app.store.update(seen, Change::EndLease { failure, at: now }).await.map(drop)
        }
        Due::Overdue { now } => {
            let failure = Failure::of(&Error::Overdue.problem());
            app.store.update(seen, Change::Fail { failure, at: now }).await.map(drop)
        }
        Due::Forgotten | Due::Expiry { .. } => app.store.update(seen, Change::Tombstone { at: now }).await.map(drop),
        Due::Garbage { swept_before } => collect(app, conversion, now, swept_before).await,
        Due::Removal { .. } => app.store.remove(seen).await.map(drop),
        // Not the sweeper's: the relay announces, an administrator sends again.
        Due::Announcement { .. } | Due::Dispatch { .. } | Due::DeadMail => Ok(()),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        conversion::{Attempt, ConversionId, Owner, State},
        event::Broker,
        store::{
            Store,
            faulty::{Fault, Faulty, Op},
        },
    };

    fn tombstone() -> Conversion {
        Conversion {
            state: State::Deleted,
            expires_at: Some(Timestamp(0)),
            ..Conversion::new(ConversionId::random(), Owner("alice".into()), Attempt::random(), Timestamp(0))
        }
    }

    #[tokio::test]
    async fn a_kind_of_work_that_fails_keeps_no_other_waiting() {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("file:{}", folder.path().join("store").display());
        let Store::Embedded(embedded) = Store::open(&url, "test").await.expect("a store") else {
            panic!("not the embedded store")
        };
        let faulty = Faulty::new(embedded);
        let app = App::alone(Store::Faulty(faulty.clone()), Broker::memory(), folder.path());
        for failing in [1..=1, 2..=4, 6..=6] {
            let over = tombstone();
            assert!(app.store.insert(over.clone()).await.expect("an answer"));
            faulty.fail(vec![(Op::Due, failing.clone(), Fault::Before)]);
            sweep(&app, &Outage::default()).await;
            assert_eq!(app.store.get(over.id).await.expect("an answer"), None, "{failing:?}");
        }
    }
}
