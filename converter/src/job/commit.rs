//! The one update that makes an mp3 visible.

use crate::{
    App,
    conversion::{Conversion, Failure, Mp3, State, Timestamp},
    error::Error,
    lease::HeldLease,
    store::{Change, Fate},
};

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
    let undecided = Error::unavailable(anyhow::anyhow!("the commit's answer was lost"));
    let has_taken = |found: &Conversion| found.attempt == conversion.attempt && found.state == State::Done;
    match app.store.conclude(conversion, change, &Failure::of(&undecided.problem()), has_taken).await {
        Fate::Taken(committed) => {
            app.announce.notify_one();
            Ok(*committed)
        }
        Fate::Fenced => {
            app.sweep.notify_one();
            Err(undecided)
        }
        Fate::Lost => {
            super::discard(app, conversion).await;
            Err(Error::Fenced)
        }
        Fate::Open => Err(Error::OutcomeUnknown(conversion.id)),
    }
}
