//! How attempts and conversions end. Whatever nobody needs any more is named as garbage in the same update.

use std::time::Duration;

use crate::conversion::{
    BlobId, Conversion, DispatchState, Failure, Garbage, Mp3, Notify, NotifyState, State, Timestamp,
};

/// How long a failed conversion is kept, so that its owner can read why.
const FAILED_KEPT: Duration = Duration::from_hours(7 * 24);
/// How long a tombstone keeps its key taken.
const TOMBSTONE_KEPT: Duration = Duration::from_hours(1);
/// Conversions of one queued video that may end without a verdict: a video that crashes its worker must not go round for
/// ever.
const JOB_FAILURES_MAX: u32 = 3;
/// Wait before a queued conversion is tried again; it grows with each try.
const JOB_RETRY: Duration = Duration::from_secs(1);
/// Longest wait where the machine, and not the video, was in the way; such tries do not count, the queue's deadline ends them.
const JOB_RETRY_MAX: Duration = Duration::from_secs(30);
/// That wait is this part of the time since the upload.
const JOB_RETRY_PART: u32 = 8;

/// The attempt's mp3 becomes garbage.
pub(super) fn discard_attempt(document: &mut Conversion) {
    discard(document, document.attempt.mp3());
}

/// The stored video, if any, becomes garbage.
pub(super) fn discard_video(document: &mut Conversion) {
    if let Some(video) = document.video.take() {
        discard(document, video.blob_id);
    }
}

/// An old entry starts anew, since the attempt may have written since.
fn discard(document: &mut Conversion, blob_id: BlobId) {
    document.garbage.retain(|entry| entry.blob_id != blob_id);
    document.garbage.push(Garbage { blob_id, swept_at: None });
}

pub(super) fn fail(document: &mut Conversion, failure: Failure, at: Timestamp) {
    discard_attempt(document);
    document.lease = None;
    if failure.retryable && requeue(document, &failure, at) {
        return;
    }
    discard_video(document);
    document.state = State::Failed;
    document.failure = Some(failure);
    document.done_at = Some(at);
    document.expires_at = Some(at.plus(FAILED_KEPT));
}

/// Back to the queue, where there is a whole video to try again with; false where that makes no sense any more.
fn requeue(document: &mut Conversion, failure: &Failure, at: Timestamp) -> bool {
    let Some(dispatch) = &mut document.dispatch else { return false };
    let wait = if failure.is_of_the_machine() {
        let age = Duration::from_millis(at.0.saturating_sub(document.created_at.0));
        (age / JOB_RETRY_PART).clamp(JOB_RETRY, JOB_RETRY_MAX)
    } else {
        dispatch.failures += 1;
        JOB_RETRY * dispatch.failures
    };
    if dispatch.failures >= JOB_FAILURES_MAX || at >= dispatch.deadline {
        return false;
    }
    dispatch.state = DispatchState::Pending;
    dispatch.at = at.plus(wait);
    document.state = State::Queued;
    document.progress.encoded_ms = 0;
    true
}

pub(super) fn commit(document: &mut Conversion, mp3: Mp3, at: Timestamp, expires_at: Option<Timestamp>) {
    discard_video(document);
    document.state = State::Done;
    document.lease = None;
    document.progress.encoded_ms = mp3.duration_ms;
    document.mp3 = Some(mp3);
    document.notify = Some(Notify::new(at));
    document.done_at = Some(at);
    document.expires_at = expires_at;
}

pub(super) fn tombstone(document: &mut Conversion, at: Timestamp) {
    discard_attempt(document);
    discard_video(document);
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
