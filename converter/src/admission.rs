//! Step 1 of an upload: read the document, take a permit, claim. Always answered at once.

use std::{sync::Arc, time::Duration};

use crate::{
    App,
    claim::{self, CLAIM_TRIES_MAX, Plan, Refused},
    client::{Reserve, Reserved},
    conversion::Timestamp,
    error::Error,
    job,
    permits::Held,
    store::Flow,
};

/// Answers a reservation: a held permit, a replay, or why not.
pub(crate) async fn reserve(app: &Arc<App>, request: Reserve) -> Result<Reserved, Error> {
    if app.readiness.is_draining() {
        return Err(Error::Draining);
    }
    let id = claim::id(&request);
    let mut permit = None;
    for _ in 0..CLAIM_TRIES_MAX {
        let existing = app.store.get(id).await?;
        let claim = match claim::plan(existing, id, &request, Flow::Blocking, app.holder.lease(), Timestamp::now())? {
            Plan::Claim(claim) => claim,
            // A replay needs no permit, so it is found before one is taken.
            Plan::Replay(over) => return Ok(Reserved::Replay(over)),
            // Whoever waits for a 201 is not helped by another request's 202.
            Plan::Accepted(_) => return Err(Refused::InProgress.into()),
        };
        let taken = match permit.take() {
            Some(taken) => taken,
            None => app.permits.take()?,
        };
        if let Some(conversion) = claim.write(&app.store).await? {
            app.permits.hold(Held { permit: taken, conversion });
            let hold = app.config.permit_hold.min(Duration::from_millis(request.deadline_ms));
            job::expire_later(app, id, request.attempt, hold);
            return Ok(Reserved::Permit { id, attempt: request.attempt });
        }
        permit = Some(taken);
    }
    Err(Refused::Contended.into())
}
