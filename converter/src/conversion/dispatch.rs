//! What the queued flow keeps in the document beside the blocking one.

use serde::{Deserialize, Serialize};

use super::{Attempt, BlobId, Timestamp};

/// A stored video that its conversion still needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Video {
    pub blob_id: BlobId,
    /// Known once it is whole.
    pub bytes: u64,
}

/// How far a queued conversion is on its way to a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DispatchState {
    Pending,
    Published,
}

/// The entry of a queued conversion in the outbox. It stays when the conversion has ended, and tells of its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dispatch {
    pub state: DispatchState,
    /// Pending: not to be published before; published: when.
    pub at: Timestamp,
    /// When the conversion must have ended.
    pub deadline: Timestamp,
    /// Conversions that ended without a verdict.
    pub failures: u32,
    /// The attempt that stored the video: a later one of a worker has its own.
    pub upload: Attempt,
}
