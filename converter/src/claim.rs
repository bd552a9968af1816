//! The claim of a request on its conversion document: what the document says decides, in both flows alike.

use std::time::Duration;

use chassis::Problem;

use crate::{
    client::Reserve,
    conversion::{Conversion, ConversionId, Lease, State, Timestamp},
    store::{self, Change, Flow, Seen, Store},
};

/// After which a caller may look again at a conversion that is still running.
const RUNNING_RETRY: Duration = Duration::from_secs(2);

/// How often a claim is decided anew after another request changed the document in between.
pub const CLAIM_TRIES_MAX: usize = 3;

/// What the document says about a request.
#[derive(Debug, PartialEq)]
pub enum Plan {
    /// Nothing is in the way.
    Claim(Claim),
    /// Over for good: the first answer is given again.
    Replay(Box<Conversion>),
    /// In the queue, or a worker has it: its caller was told so.
    Accepted(Box<Conversion>),
}

/// One try to own the document.
#[derive(Debug, PartialEq)]
pub struct Claim {
    /// The document where the claim succeeds.
    pub claimed: Box<Conversion>,
    /// What takes over a retryable failure, a dead lease or a lost answer; `None` where nothing has this id and the claim is
    /// an insert.
    over: Option<(Seen, Change)>,
}

/// Why a request has no claim. Each message is safe to show the caller.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("an upload with this Idempotency-Key is still running")]
    InProgress,
    #[error("this Idempotency-Key was used for another request: options, file name, type or length differ")]
    KeyReused,
    #[error("the conversion of this Idempotency-Key was deleted; use another key")]
    KeyDeleted,
    #[error("several requests with this Idempotency-Key came at once")]
    Contended,
}

impl Refused {
    /// What the caller is told.
    pub fn problem(&self) -> Problem {
        let (status, kind, title) = match self {
            Self::InProgress => (409, "/problems/in-progress", "Still running"),
            Self::KeyReused => (422, "/problems/key-reused", "Idempotency key reused"),
            Self::KeyDeleted => (409, "/problems/key-deleted", "Conversion deleted"),
            Self::Contended => (503, "/problems/contended", "Contended"),
        };
        let problem = Problem::new(status, kind, title, self.to_string());
        match self {
            Self::InProgress | Self::Contended => problem.retry_after(RUNNING_RETRY),
            Self::KeyReused | Self::KeyDeleted => problem,
        }
    }
}

/// The conversion that a request is about.
pub fn id(request: &Reserve) -> ConversionId {
    match &request.idempotency_key {
        Some(key) => ConversionId::of_key(&request.owner, key),
        None => ConversionId::random(),
    }
}

/// Decides a request by the document; a pure function, so that every case is tested.
pub fn plan(
    existing: Option<Conversion>,
    id: ConversionId,
    request: &Reserve,
    flow: Flow,
    lease: Lease,
    now: Timestamp,
) -> Result<Plan, Refused> {
    let Some(existing) = existing else {
        return Ok(Plan::Claim(Claim { claimed: Box::new(new(id, request, flow, lease, now)), over: None }));
    };
    if existing.fingerprint != request.fingerprint || existing.owner != request.owner {
        return Err(Refused::KeyReused);
    }
    let is_final = existing.failure.as_ref().is_some_and(|failure| !failure.retryable);
    let answer_lost = request.instead_of.contains(&existing.attempt);
    match existing.state {
        State::Deleted => Err(Refused::KeyDeleted),
        State::Done => Ok(Plan::Replay(Box::new(existing))),
        State::Failed if is_final => Ok(Plan::Replay(Box::new(existing))),
        State::Queued | State::Running if existing.is_accepted() => Ok(Plan::Accepted(Box::new(existing))),
        State::Running if existing.lease_is_live(now) && !answer_lost => Err(Refused::InProgress),
        State::Running | State::Queued | State::Failed => {
            let lease_until = existing.lease.as_ref().map(|lease| lease.until);
            let change = Change::TakeOver { attempt: request.attempt, flow, lease, lease_until };
            let seen = existing.seen();
            // The lease is the one just read, so on this copy the change always applies.
            let claimed = Box::new(change.after(&existing));
            Ok(Plan::Claim(Claim { claimed, over: Some((seen, change)) }))
        }
    }
}

impl Claim {
    /// Writes the claim; `None` where another request came first. A claim whose answer was lost counts only where one read
    /// shows it: the attempt never claims a second time.
    pub async fn write(self, store: &Store) -> Result<Option<Conversion>, store::Error> {
        let Self { claimed, over } = self;
        let written = match over {
            None => store.insert((*claimed).clone()).await,
            Some((seen, change)) => store.update(seen, change).await,
        };
        settle(store, written, &claimed).await.map(|is_ours| is_ours.then_some(*claimed))
    }
}

/// Whether a claim succeeded whose answer may have been lost.
pub(crate) async fn settle(
    store: &Store,
    written: Result<bool, store::Error>,
    claimed: &Conversion,
) -> Result<bool, store::Error> {
    let Err(lost) = written else { return written };
    match store.get(claimed.id).await? {
        Some(found) if found.seen() == claimed.seen() => Ok(true),
        _ => Err(lost),
    }
}

fn new(id: ConversionId, request: &Reserve, flow: Flow, lease: Lease, now: Timestamp) -> Conversion {
    Conversion {
        email: request.email.clone(),
        filename: request.filename.clone(),
        options: request.options.clone(),
        fingerprint: request.fingerprint.clone(),
        lease: Some(lease),
        video: flow.video(request.attempt),
        ..Conversion::new(id, request.owner.clone(), request.attempt, now)
    }
}

#[cfg(test)]
mod tests;
