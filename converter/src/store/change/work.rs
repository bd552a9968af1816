//! Who works on a conversion: claims, and the way through the queue.

use std::time::Duration;

use super::{
    Flow,
    ends::{discard_attempt, discard_video},
};
use crate::conversion::{Attempt, Conversion, Dispatch, DispatchState, Lease, Progress, State, Timestamp};

/// So long the gateway has for telling the workers itself, before the relay does.
const TELL_MAX: Duration = Duration::from_secs(1);

pub(super) fn take_over(
    document: &mut Conversion,
    attempt: Attempt,
    flow: Flow,
    lease: Lease,
    lease_until: Option<Timestamp>,
) -> bool {
    if document.lease.as_ref().map(|lease| lease.until) != lease_until {
        return false;
    }
    discard_attempt(document);
    discard_video(document);
    document.video = flow.video(attempt);
    document.dispatch = None;
    document.state = State::Running;
    document.attempt = attempt;
    document.attempts += 1;
    document.lease = Some(lease);
    document.progress = Progress::default();
    document.failure = None;
    document.done_at = None;
    document.expires_at = None;
    true
}

pub(super) fn enqueue(document: &mut Conversion, bytes: u64, at: Timestamp, deadline: Timestamp) -> bool {
    let Some(video) = &mut document.video else { return false };
    video.bytes = bytes;
    document.state = State::Queued;
    document.lease = None;
    document.progress.received_bytes = bytes;
    let upload = document.attempt;
    let at = at.plus(TELL_MAX);
    document.dispatch = Some(Dispatch { state: DispatchState::Pending, at, deadline, failures: 0, upload });
    true
}

pub(super) fn dispatched(document: &mut Conversion, at: Timestamp) -> bool {
    let Some(dispatch) = &mut document.dispatch else { return false };
    (dispatch.state, dispatch.at) = (DispatchState::Published, at);
    true
}

/// The attempt before wrote no mp3, or it is garbage since it failed; the video stays.
pub(super) fn take_job(document: &mut Conversion, attempt: Attempt, lease: Lease) {
    document.state = State::Running;
    document.attempt = attempt;
    document.attempts += 1;
    document.lease = Some(lease);
}
