//! The changes that a conversion document can undergo.
//!
//! Every change is one conditional update: it applies to the document as it was read, `{id, attempt, state}`, and to no
//! other. `attempt` is the fencing token, so whoever lost the document changes nothing. Each rule here is there because
//! leaving it out loses a file, or shows one that is not there.

use std::time::Duration;

use crate::conversion::{
    Attempt, BlobId, Conversion, ConversionId, DeliveryClaim, Failure, Garbage, Lease, Mp3, Notify, NotifyState,
    Progress, State, Timestamp,
};

/// How long a failed conversion is kept, so that its owner can read why.
const FAILED_KEPT: Duration = Duration::from_hours(7 * 24);
/// How long a tombstone keeps its key taken.
const TOMBSTONE_KEPT: Duration = Duration::from_hours(1);

/// The document as it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    pub id: ConversionId,
    pub attempt: Attempt,
    pub state: State,
}

impl Conversion {
    /// What an update of this document has to match.
    pub fn seen(&self) -> Seen {
        Seen { id: self.id, attempt: self.attempt, state: self.state }
    }
}

/// One update of a conversion document.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// The claim's compare-and-set: a new attempt takes over. The old attempt's blob becomes garbage.
    /// `lease_until` is the lease as it was read: one that was renewed since is not taken over.
    TakeOver { attempt: Attempt, lease: Lease, lease_until: Option<Timestamp> },
    /// The holder's heartbeat.
    Renew { lease: Lease, progress: Progress },
    /// The attempt ended without an mp3; what it wrote becomes garbage.
    Fail { failure: Failure, at: Timestamp },
    /// As `Fail`, for a lease that ended before `at`.
    EndLease { failure: Failure, at: Timestamp },
    /// The one update that makes an mp3 visible. It is announced from then on.
    Commit { mp3: Mp3, at: Timestamp, expires_at: Option<Timestamp> },
    /// Deleted by its owner, or expired: everything it holds becomes garbage and pending mail is cancelled.
    Tombstone { at: Timestamp },
    /// The first sweep of a garbage entry.
    Sweep { blob_id: BlobId, at: Timestamp },
    /// The second sweep: the entry goes.
    DropGarbage { blob_id: BlobId },
    /// The broker confirmed the announcement. Never overwrites a later state.
    Published { at: Timestamp },
    /// A notifier takes the delivery, unless one is at it (`at` decides) or it is over.
    ClaimDelivery { claim: DeliveryClaim, at: Timestamp },
    /// The mail server accepted the mail.
    Delivered { token: Attempt, at: Timestamp },
    /// A sending failed; `dead` where no further one makes sense.
    DeliveryFailed { token: Attempt, dead: bool, at: Timestamp },
    /// An administrator sends a dead mail again.
    SendAgain { at: Timestamp },
}

impl Change {
    /// Changes `document`, or answers false where the change's own condition does not hold.
    /// The caller has matched [`Seen`] already.
    #[must_use]
    pub fn apply(self, document: &mut Conversion) -> bool {
        match self {
            Self::TakeOver { attempt, lease, lease_until } => {
                if document.lease.as_ref().map(|lease| lease.until) != lease_until {
                    return false;
                }
                discard_attempt(document);
                document.state = State::Running;
                document.attempt = attempt;
                document.attempts += 1;
                document.lease = Some(lease);
                document.progress = Progress::default();
                document.failure = None;
                document.done_at = None;
                document.expires_at = None;
            }
            Self::Renew { lease, progress } => {
                document.lease = Some(lease);
                document.progress = progress;
            }
            Self::Fail { failure, at } => fail(document, failure, at),
            Self::EndLease { failure, at } => {
                if document.lease_is_live(at) {
                    return false;
                }
                fail(document, failure, at);
            }
            Self::Commit { mp3, at, expires_at } => {
                document.state = State::Done;
                document.lease = None;
                document.progress.encoded_ms = mp3.duration_ms;
                document.mp3 = Some(mp3);
                document.notify = Some(Notify { state: NotifyState::Pending, attempts: 0, claim: None, at });
                document.done_at = Some(at);
                document.expires_at = expires_at;
            }
            Self::Tombstone { at } => tombstone(document, at),
            Self::Sweep { blob_id, at } => {
                if let Some(entry) = document.garbage.iter_mut().find(|entry| entry.blob_id == blob_id) {
                    entry.swept_at = Some(at);
                }
            }
            Self::DropGarbage { blob_id } => document.garbage.retain(|entry| entry.blob_id != blob_id),
            Self::Published { at } => match &mut document.notify {
                Some(notify) if notify.is_open() => {
                    notify.state = NotifyState::Published;
                    notify.at = at;
                }
                _ => return false,
            },
            Self::ClaimDelivery { claim, at } => match &mut document.notify {
                Some(notify) if notify.is_open() && !notify.is_claimed(at) => notify.claim = Some(claim),
                _ => return false,
            },
            Self::Delivered { token, at } => return settle(document, token, at, Some(NotifyState::Delivered)),
            Self::DeliveryFailed { token, dead, at } => {
                let over = dead.then_some(NotifyState::Dead);
                return settle(document, token, at, over);
            }
            Self::SendAgain { at } => match &mut document.notify {
                Some(notify) if notify.state == NotifyState::Dead => {
                    *notify = Notify { state: NotifyState::Pending, attempts: 0, claim: None, at };
                }
                _ => return false,
            },
        }
        true
    }
}

impl Notify {
    /// Whether the mail still has to go out.
    pub fn is_open(&self) -> bool {
        matches!(self.state, NotifyState::Pending | NotifyState::Published)
    }

    /// Whether a notifier is sending it.
    pub fn is_claimed(&self, now: Timestamp) -> bool {
        self.claim.is_some_and(|claim| claim.until > now)
    }
}

/// The attempt's blob becomes garbage; an old entry of it starts anew, since the attempt may have written since.
fn discard_attempt(document: &mut Conversion) {
    let blob_id = document.attempt.blob();
    document.garbage.retain(|entry| entry.blob_id != blob_id);
    document.garbage.push(Garbage { blob_id, swept_at: None });
}

fn fail(document: &mut Conversion, failure: Failure, at: Timestamp) {
    discard_attempt(document);
    document.state = State::Failed;
    document.lease = None;
    document.failure = Some(failure);
    document.done_at = Some(at);
    document.expires_at = Some(at.plus(FAILED_KEPT));
}

fn tombstone(document: &mut Conversion, at: Timestamp) {
    discard_attempt(document);
    document.state = State::Deleted;
    document.lease = None;
    document.mp3 = None;
    document.failure = None;
    if let Some(notify) = document.notify.as_mut().filter(|notify| notify.is_open()) {
        notify.state = NotifyState::Cancelled;
        notify.claim = None;
    }
    document.expires_at = Some(at.plus(TOMBSTONE_KEPT));
}

/// Ends one sending: only its own claim counts, and a later state is never overwritten.
fn settle(document: &mut Conversion, token: Attempt, at: Timestamp, over: Option<NotifyState>) -> bool {
    let Some(notify) = &mut document.notify else { return false };
    if !notify.is_open() || notify.claim.map(|claim| claim.token) != Some(token) {
        return false;
    }
    notify.claim = None;
    notify.at = at;
    notify.attempts += u32::from(over != Some(NotifyState::Delivered));
    notify.state = over.unwrap_or(notify.state);
    true
}
