//! The changes that a conversion document can undergo.
//!
//! Every change is one conditional update: it applies to the document as it was read, `{id, attempt, state}`, and to no
//! other. `attempt` is the fencing token, so whoever lost the document changes nothing. Each rule here is there because
//! leaving it out loses a file, or shows one that is not there.

mod ends;
mod mail;
mod work;

use crate::conversion::{
    Attempt, BlobId, Conversion, ConversionId, DeliveryClaim, Failure, Lease, Mp3, NotifyState, Progress, State,
    Timestamp, Video,
};

/// How a conversion gets its video.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// While the caller waits.
    Blocking,
    /// From the store, by a worker.
    Queued,
}

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
    /// The claim's compare-and-set: a new attempt takes over. The old attempt's blobs become garbage.
    /// `lease_until` is the lease as it was read: one that was renewed since is not taken over.
    TakeOver { attempt: Attempt, flow: Flow, lease: Lease, lease_until: Option<Timestamp> },
    /// The video of the queued flow is whole: it waits for a worker, until `deadline`.
    Enqueue { bytes: u64, at: Timestamp, deadline: Timestamp },
    /// The broker confirmed the message to the workers.
    Dispatched { at: Timestamp },
    /// A worker takes a queued conversion; its video stays.
    TakeJob { attempt: Attempt, lease: Lease },
    /// The holder's heartbeat.
    Renew { lease: Lease, progress: Progress },
    /// The attempt ended without an mp3; what it wrote becomes garbage. A worker's goes back to the queue unless its
    /// failure is final, its tries are used up, or its deadline is over.
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
    /// The document as it is after this change; as before where the change's own condition does not hold.
    #[must_use]
    pub fn after(&self, document: &Conversion) -> Conversion {
        let mut changed = document.clone();
        if self.clone().apply(&mut changed) { changed } else { document.clone() }
    }

    /// Changes `document`, or answers false where the change's own condition does not hold.
    /// The caller has matched [`Seen`] already.
    #[must_use]
    pub fn apply(self, document: &mut Conversion) -> bool {
        match self {
            Self::TakeOver { attempt, flow, lease, lease_until } => {
                return work::take_over(document, attempt, flow, lease, lease_until);
            }
            Self::Enqueue { bytes, at, deadline } => return work::enqueue(document, bytes, at, deadline),
            Self::Dispatched { at } => return work::dispatched(document, at),
            Self::TakeJob { attempt, lease } => work::take_job(document, attempt, lease),
            Self::Renew { lease, progress } => {
                document.lease = Some(lease);
                document.progress = progress;
            }
            Self::Fail { failure, at } => ends::fail(document, failure, at),
            Self::EndLease { failure, at } => {
                if document.lease_is_live(at) {
                    return false;
                }
                ends::fail(document, failure, at);
            }
            Self::Commit { mp3, at, expires_at } => ends::commit(document, mp3, at, expires_at),
            Self::Tombstone { at } => ends::tombstone(document, at),
            Self::Sweep { blob_id, at } => {
                if let Some(entry) = document.garbage.iter_mut().find(|entry| entry.blob_id == blob_id) {
                    entry.swept_at = Some(at);
                }
            }
            Self::DropGarbage { blob_id } => document.garbage.retain(|entry| entry.blob_id != blob_id),
            Self::Published { at } => return mail::published(document, at),
            Self::ClaimDelivery { claim, at } => return mail::claim(document, claim, at),
            Self::Delivered { token, at } => return mail::settle(document, token, at, Some(NotifyState::Delivered)),
            Self::DeliveryFailed { token, dead, at } => {
                return mail::settle(document, token, at, dead.then_some(NotifyState::Dead));
            }
            Self::SendAgain { at } => return mail::send_again(document, at),
        }
        true
    }
}

impl Flow {
    /// What a claim names before a byte of it is stored, so that no crash leaves a video that nothing names.
    pub(crate) fn video(self, attempt: Attempt) -> Option<Video> {
        (self == Self::Queued).then(|| Video { blob_id: attempt.video(), bytes: 0 })
    }
}
