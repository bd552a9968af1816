//! Step 1 of an upload: read the document, take a permit, claim. Always answered at once.

use std::{sync::Arc, time::Duration};

use crate::{
    App,
    client::{Reserve, Reserved},
    conversion::{Conversion, ConversionId, Lease, State, Timestamp},
    error::Error,
    job,
    permits::Held,
    store::{self, Change, Seen},
};

/// How often a claim is decided anew after another request changed the document in between.
const CLAIM_TRIES_MAX: usize = 3;

/// What the document says about a request.
#[derive(Debug, PartialEq)]
enum Plan {
    /// Nothing has this id: the claim is the insert.
    Insert(Box<Conversion>),
    /// A retryable failure, a dead lease or a lost answer: the claim is a compare-and-set.
    TakeOver { claimed: Box<Conversion>, seen: Seen, change: Change },
    /// Over for good: the first answer is given again.
    Replay(Box<Conversion>),
}

/// Answers a reservation: a held permit, a replay, or why not.
pub(crate) async fn reserve(app: &Arc<App>, request: Reserve) -> Result<Reserved, Error> {
    if app.readiness.is_draining() {
        return Err(Error::Draining);
    }
    let id = match &request.idempotency_key {
        Some(key) => ConversionId::of_key(&request.owner, key),
        None => ConversionId::random(),
    };
    let mut permit = None;
    for _ in 0..CLAIM_TRIES_MAX {
        let now = Timestamp::now();
        let lease = Lease { holder: app.holder.clone(), until: now.plus(app.config.lease) };
        let (claimed, claim) = match plan(app.store.get(id).await?, id, &request, lease, now)? {
            // A replay needs no permit, so it is found before one is taken.
            Plan::Replay(over) => return Ok(Reserved::Replay(over)),
            Plan::Insert(new) => (new, None),
            Plan::TakeOver { claimed, seen, change } => (claimed, Some((seen, change))),
        };
        let taken = match permit.take() {
            Some(taken) => taken,
            None => app.permits.take()?,
        };
        let written = match claim {
            None => app.store.insert((*claimed).clone()).await,
            Some((seen, change)) => app.store.update(seen, change).await,
        };
        if settle(app, written, &claimed).await? {
            app.permits.hold(Held { permit: taken, conversion: *claimed });
            let hold = app.config.permit_hold.min(Duration::from_millis(request.deadline_ms));
            job::expire_later(app, id, request.attempt, hold);
            return Ok(Reserved::Permit { id, attempt: request.attempt });
        }
        permit = Some(taken);
    }
    Err(Error::Contended)
}

/// A claim whose answer was lost counts only where one read shows it: the attempt never claims a second time.
async fn settle(app: &App, written: Result<bool, store::Error>, claimed: &Conversion) -> Result<bool, Error> {
    let Err(lost) = written else { return Ok(written?) };
    match app.store.get(claimed.id).await? {
        Some(found) if found.seen() == claimed.seen() => Ok(true),
        _ => Err(lost.into()),
    }
}

/// Decides a request by the document; a pure function, so that every case is tested.
fn plan(
    existing: Option<Conversion>,
    id: ConversionId,
    request: &Reserve,
    lease: Lease,
    now: Timestamp,
) -> Result<Plan, Error> {
    let Some(existing) = existing else { return Ok(Plan::Insert(Box::new(new(id, request, lease, now)))) };
    if existing.fingerprint != request.fingerprint || existing.owner != request.owner {
        return Err(Error::KeyReused);
    }
    let is_final = existing.failure.as_ref().is_some_and(|failure| !failure.retryable);
    let answer_lost = request.instead_of.contains(&existing.attempt);
    match existing.state {
        State::Deleted => Err(Error::KeyDeleted),
        State::Done => Ok(Plan::Replay(Box::new(existing))),
        State::Failed if is_final => Ok(Plan::Replay(Box::new(existing))),
        State::Running if existing.lease_is_live(now) && !answer_lost => Err(Error::InProgress),
        State::Running | State::Failed => {
            let lease_until = existing.lease.as_ref().map(|lease| lease.until);
            let change = Change::TakeOver { attempt: request.attempt, lease, lease_until };
            let seen = existing.seen();
            let mut claimed = existing;
            // The lease is the one just read, so on this copy the change always applies.
            let _ = change.clone().apply(&mut claimed);
            Ok(Plan::TakeOver { claimed: Box::new(claimed), seen, change })
        }
    }
}

fn new(id: ConversionId, request: &Reserve, lease: Lease, now: Timestamp) -> Conversion {
    Conversion {
        email: request.email.clone(),
        filename: request.filename.clone(),
        options: request.options.clone(),
        fingerprint: request.fingerprint.clone(),
        lease: Some(lease),
        ..Conversion::new(id, request.owner.clone(), request.attempt, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        conversion::{Attempt, Failure, Owner},
        options::Options,
    };

    const NOW: Timestamp = Timestamp(1_000_000);

    fn request() -> Reserve {
        Reserve {
            owner: Owner("u1".into()),
            email: "u1@example.org".into(),
            filename: "a.mp4".into(),
            options: Options::default(),
            idempotency_key: Some("k".into()),
            fingerprint: "f".into(),
            attempt: Attempt::random(),
            instead_of: vec![],
            deadline_ms: 1000,
        }
    }

    fn lease(until: u64) -> Lease {
        Lease { holder: "other".into(), until: Timestamp(until) }
    }

    fn existing(change: impl FnOnce(&mut Conversion)) -> Conversion {
        let mut document = new(ConversionId::random(), &request(), lease(NOW.0 + 1), NOW);
        change(&mut document);
        document
    }

    fn decide(document: &Conversion, request: &Reserve) -> Result<Plan, Error> {
        plan(Some(document.clone()), document.id, request, lease(NOW.0 + 9), NOW)
    }

    fn failure(status: u16) -> Failure {
        Failure::of(&chassis::Problem::new(status, "about:blank", "t", "d"))
    }

    #[test]
    fn another_fingerprint_is_refused_in_every_state() {
        for state in [State::Running, State::Done, State::Failed, State::Deleted] {
            let other = Reserve { fingerprint: "g".into(), ..request() };
            assert!(matches!(decide(&existing(|d| d.state = state), &other), Err(Error::KeyReused)), "{state:?}");
        }
    }

    #[test]
    fn a_live_lease_is_left_alone_unless_its_answer_was_lost() {
        let running = existing(|_| ());
        assert!(matches!(decide(&running, &request()), Err(Error::InProgress)));
        let again = Reserve { instead_of: vec![running.attempt], ..request() };
        assert!(matches!(decide(&running, &again), Ok(Plan::TakeOver { .. })));
    }

    #[test]
    fn a_dead_lease_and_a_retryable_failure_are_taken_over_and_leave_garbage() {
        let dead = existing(|d| d.lease = Some(lease(NOW.0)));
        let failed = existing(|d| (d.state, d.lease, d.failure) = (State::Failed, None, Some(failure(503))));
        for document in [dead, failed] {
            let (old, request) = (document.attempt, request());
            let Ok(Plan::TakeOver { claimed, seen, .. }) = decide(&document, &request) else { panic!("no take-over") };
            assert_eq!(seen.attempt, old);
            assert_eq!((claimed.state, claimed.attempt, claimed.attempts), (State::Running, request.attempt, 2));
            assert_eq!(claimed.garbage.iter().map(|entry| entry.blob_id).collect::<Vec<_>>(), [old.blob()]);
        }
    }

    #[test]
    fn what_is_over_for_good_is_replayed() {
        let done = existing(|d| d.state = State::Done);
        let refused = existing(|d| (d.state, d.failure) = (State::Failed, Some(failure(422))));
        for document in [done, refused] {
            assert!(matches!(decide(&document, &request()), Ok(Plan::Replay(_))));
        }
        assert!(matches!(decide(&existing(|d| d.state = State::Deleted), &request()), Err(Error::KeyDeleted)));
    }
}
