//! The conversion document: the truth about one upload, and the queue of what is still to do for it.

mod dispatch;
mod ids;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chassis::Problem;
use serde::{Deserialize, Serialize};

use crate::{
    control::{Completeness, Decoder},
    options::Options,
};

pub use dispatch::{Dispatch, DispatchState, Video};
pub use ids::{Attempt, BlobId, Bucket, ConversionId, Owner};

/// Milliseconds since 1970-01-01 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub u64);

impl Timestamp {
    pub fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    /// Never more than a signed integer holds: stores have no other.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        let later = self.0.saturating_add(u64::try_from(span.as_millis()).unwrap_or(u64::MAX));
        Self(later.min(i64::MAX.unsigned_abs()))
    }

    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(u64::try_from(span.as_millis()).unwrap_or(u64::MAX)))
    }
}

/// Where a conversion stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Running,
    /// Its video is stored and waits for a worker.
    Queued,
    Done,
    Failed,
    /// A tombstone: answers like an unknown id, and keeps its key taken until it expires.
    Deleted,
}

/// Who works on a conversion, and until when nobody else may.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The converter replica, for people.
    pub holder: String,
    pub until: Timestamp,
}

/// How far a running conversion is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    pub received_bytes: u64,
    pub encoded_ms: u64,
}

/// A committed mp3.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mp3 {
    pub blob_id: BlobId,
    pub bytes: u64,
    pub duration_ms: u64,
    /// Lower-case hexadecimal SHA-256 of the whole file; also its `ETag`.
    pub sha256: String,
    /// Hz.
    pub sample_rate: u32,
    pub channels: u8,
    pub completeness: Completeness,
    pub decoder: Decoder,
    /// Container and codec, e.g. `mp4/aac`.
    pub source: String,
}

/// Why a conversion ended without an mp3: the problem that the caller got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub status: u16,
    pub detail: String,
    /// Whether the same key may try again; a verdict about the content is final.
    pub retryable: bool,
}

impl Failure {
    /// A verdict about the content is final; anything else may be tried again.
    pub fn of(problem: &Problem) -> Self {
        Self {
            kind: problem.kind.to_string(),
            title: problem.title.to_string(),
            status: problem.status,
            detail: problem.detail.clone(),
            retryable: !matches!(problem.status, 400 | 413 | 415 | 422),
        }
    }

    /// Whether it says nothing of the video: a full disk, a store that is away, a converter that stops.
    pub fn is_of_the_machine(&self) -> bool {
        self.status == 503
    }

    /// The problem as it was answered.
    pub fn problem(&self) -> Problem {
        Problem::new(self.status, self.kind.clone(), self.title.clone(), self.detail.clone())
    }
}

/// A blob that no document needs any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Garbage {
    pub blob_id: BlobId,
    /// When it was deleted the first time; a late write of a zombie is deleted by the second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub swept_at: Option<Timestamp>,
}

/// Where the mail about a finished conversion stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotifyState {
    Pending,
    Published,
    Delivered,
    Dead,
    Cancelled,
}

/// The outbox entry of a finished conversion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notify {
    pub state: NotifyState,
    /// Sendings that failed.
    pub attempts: u32,
    /// A notifier that is sending right now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<DeliveryClaim>,
    /// Last publish or sending.
    pub at: Timestamp,
}

/// One notifier's right to send, until it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryClaim {
    pub token: Attempt,
    pub until: Timestamp,
}

/// One conversion. Nothing is visible to a caller before `state` is `done`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Conversion {
    pub id: ConversionId,
    pub owner: Owner,
    pub email: String,
    pub filename: String,
    pub options: Options,
    /// What makes two requests with one key the same request.
    pub fingerprint: String,
    pub state: State,
    pub attempt: Attempt,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<Lease>,
    #[serde(default)]
    pub progress: Progress,
    /// What the queued flow stores before it converts; none in the blocking flow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub video: Option<Video>,
    /// The queued flow's way to a worker, from the moment that the video is whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispatch: Option<Dispatch>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mp3: Option<Mp3>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    #[serde(default)]
    pub garbage: Vec<Garbage>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify: Option<Notify>,
    /// Tries so far.
    pub attempts: u32,
    pub created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

impl Conversion {
    /// The first attempt of an upload, at its beginning; what the request says is added by whoever makes it.
    pub fn new(id: ConversionId, owner: Owner, attempt: Attempt, now: Timestamp) -> Self {
        Self {
            id,
            owner,
            email: String::new(),
            filename: String::new(),
            options: Options::default(),
            fingerprint: String::new(),
            state: State::Running,
            attempt,
            lease: None,
            progress: Progress::default(),
            video: None,
            dispatch: None,
            mp3: None,
            failure: None,
            garbage: Vec::new(),
            notify: None,
            attempts: 1,
            created_at: now,
            done_at: None,
            expires_at: None,
        }
    }

    /// Whether its outcome is still to come.
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Running | State::Queued)
    }

    /// Whether its caller was told that it is in the queue, and its outcome is still to come.
    pub fn is_accepted(&self) -> bool {
        self.is_open() && self.dispatch.is_some()
    }

    /// Whether somebody may still be working on it.
    pub fn lease_is_live(&self, now: Timestamp) -> bool {
        self.lease.as_ref().is_some_and(|lease| lease.until > now)
    }
}
