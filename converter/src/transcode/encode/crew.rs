//! The threads of an encoder.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::SyncSender,
    },
    thread::JoinHandle,
};

use super::{joiner::Joined, segment::Segment};
use crate::{
    control::{Refusal, RefusalKind},
    transcode::threads::join,
};

/// Threads that end with this value, and soon: who encodes on behind a refusal takes the time of the next conversion,
/// and writes behind the verdict.
pub(super) struct Crew {
    /// Absent once no more come.
    segments: Option<SyncSender<Segment>>,
    pub(super) workers: Vec<JoinHandle<()>>,
    /// Absent before it is started, and once it was waited for.
    pub(super) joiner: Option<JoinHandle<Result<Joined, Refusal>>>,
    is_abandoned: Arc<AtomicBool>,
}

impl Crew {
    /// Of nobody yet; whoever works takes its segments from the other end of `segments`.
    pub(super) fn new(segments: SyncSender<Segment>) -> Self {
        Self { segments: Some(segments), workers: Vec::new(), joiner: None, is_abandoned: Arc::default() }
    }

    /// Whether segments that still wait for a worker are not wanted any more.
    pub(super) fn is_abandoned(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.is_abandoned)
    }

    /// Hands a segment to the next free worker; false where the encoder has ended.
    pub(super) fn pass(&self, segment: Segment) -> bool {
        self.segments.as_ref().is_some_and(|segments| segments.send(segment).is_ok())
    }

    /// Waits until all segments are encoded and written.
    pub(super) fn finish(mut self) -> Result<Joined, Refusal> {
        self.segments = None;
        let joined = self.joiner.take().map(join);
        self.workers.drain(..).for_each(join);
        joined.unwrap_or_else(|| Err(Refusal::new(RefusalKind::Internal, "nobody joins the segments")))
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.is_abandoned.store(true, Ordering::Release);
        self.segments = None;
        // What brought this about is told; not what becomes of a thread after it.
        for worker in self.workers.drain(..) {
            let _ = worker.join();
        }
        if let Some(joiner) = self.joiner.take() {
            let _ = joiner.join();
        }
    }
}
