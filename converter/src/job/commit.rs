//! The one update that makes an mp3 visible, and what to do where its answer does not come.

use std::time::Duration;

use chassis::chain;
use tokio::time::timeout;

use crate::{
    App,
    conversion::{Conversion, Failure, Mp3, State, Timestamp},
    error::Error,
    lease::HeldLease,
    store::{Change, Fate},
};

/// How long the fate of a commit is looked for before the caller is told that it is open.
const FATE_WAIT_MAX: Duration = Duration::from_secs(5);

/// Commits the mp3 of a running conversion.
pub(super) async fn commit(
    app: &App,
    conversion: &Conversion,
    lease: &HeldLease<'_>,
    mp3: Mp3,
) -> Result<Conversion, Error> {
    if !lease.is_valid().await {
        return Err(Error::unavailable(anyhow::anyhow!("the lease ended before the commit")));
    }
    let at = Timestamp::now();
    let change = Change::Commit { mp3, at, expires_at: app.config.mp3_kept.map(|kept| at.plus(kept)) };
    let mut committed = conversion.clone();
    // The running document always takes a commit; what is answered is what was written.
    let _ = change.clone().apply(&mut committed);
    match timeout(FATE_WAIT_MAX, app.store.update(conversion.seen(), change)).await {
        Ok(Ok(true)) => {}
        Ok(Ok(false)) => return fenced(app, conversion).await,
        lost => {
            let cause = lost.map_or_else(|_| "no answer in time".to_owned(), |error| format!("{error:?}"));
            tracing::warn!(conversion = %conversion.id, cause, "the commit's answer was lost");
            // A store that hangs says as little as one that fails.
            let settled = timeout(FATE_WAIT_MAX, settle(app, conversion)).await;
            settled.unwrap_or(Err(Error::OutcomeUnknown(conversion.id)))?;
        }
    }
    app.announce.notify_one();
    Ok(committed)
}

/// Another attempt owns the document: this one's blob is nobody's.
async fn fenced<T>(app: &App, conversion: &Conversion) -> Result<T, Error> {
    if let Err(cause) = app.store.delete_blob(conversion.attempt.mp3()).await {
        tracing::warn!(conversion = %conversion.id, cause = chain(&cause), "a fenced blob is left to the sweeper");
    }
    Err(Error::Fenced)
}

/// The commit may have happened. Only where it did not, or another attempt has the document, is the blob garbage.
async fn settle(app: &App, conversion: &Conversion) -> Result<(), Error> {
    let undecided = Error::unavailable(anyhow::anyhow!("the commit's answer was lost"));
    match app.store.fate(conversion, &Failure::of(&undecided.problem())).await {
        Fate::Fenced => {
            app.sweep.notify_one();
            Err(undecided)
        }
        Fate::Found(Some(found)) if found.attempt == conversion.attempt => match found.state {
            State::Done => Ok(()),
            // Deleted or failed meanwhile: the same update made the blob garbage.
            _ => Err(Error::Fenced),
        },
        Fate::Found(_) => fenced(app, conversion).await,
    }
}
