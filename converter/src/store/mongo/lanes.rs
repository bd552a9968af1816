//! How many operations are under way at a time, and how long each is waited for.
//!
//! The driver queues whoever waits for a connection. It takes nobody out who gave up, and looks at one entry whenever
//! something else happens to the pool, so a few hundred waits that were given up block everybody for minutes, long
//! after the load is gone. Here nobody has to wait in that queue: there are no more operations than connections, and
//! each runs as a task that does not end with its caller.

use std::{sync::Arc, time::Duration};

use anyhow::anyhow;
use tokio::{
    runtime::Handle,
    sync::{Semaphore, oneshot},
    time::timeout,
};

use crate::store::Error;

/// Longest wait for one operation on documents, or for one batch of a blob's chunks. A request that meets a server
/// which is away or hangs so gets its 503 within five seconds, [`DOCUMENT_WAIT_MAX`] included.
pub(super) const OPERATION_MAX: Duration = Duration::from_secs(4);
/// How much longer an operation may go on that nobody waits for any more. By then the driver itself has seen that its
/// server is gone; one that is ended even so costs its connection.
const ABANDONED_MAX: Duration = Duration::from_secs(4);
/// Longest wait of an operation on documents until others have ended.
const DOCUMENT_WAIT_MAX: Duration = Duration::from_secs(1);
/// Longest wait of an operation on blobs until others have ended: a stream in the middle slows down under load, and
/// breaks only where it would come to a stop.
const BLOB_WAIT_MAX: Duration = Duration::from_secs(20);

/// Half of the connections is for blobs, so that no number of downloads keeps documents waiting.
#[derive(Debug, Clone)]
pub(super) struct Lanes {
    documents: Arc<Semaphore>,
    blobs: Arc<Semaphore>,
    /// Every worker of the HTTP server is a runtime of its own, and an operation must not end with one.
    runtime: Handle,
}

impl Lanes {
    /// Lanes for a pool of so many connections.
    pub(super) fn of(connections: u32) -> Self {
        let half = usize::try_from(connections / 2).unwrap_or(Semaphore::MAX_PERMITS).clamp(1, Semaphore::MAX_PERMITS);
        let lane = || Arc::new(Semaphore::new(half));
        Self { documents: lane(), blobs: lane(), runtime: Handle::current() }
    }

    /// Runs one operation on documents.
    pub(super) async fn document<T: Send + 'static>(
        &self,
        operation: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        self.run(&self.documents, DOCUMENT_WAIT_MAX, operation).await
    }

    /// Runs one operation on a blob.
    pub(super) async fn blob<T: Send + 'static>(
        &self,
        operation: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        self.run(&self.blobs, BLOB_WAIT_MAX, operation).await
    }

    /// Where the operation takes longer than [`OPERATION_MAX`], the fate of a write is open. The wait for a lane is in
    /// the task as well: a caller who is not polled, like the stream to a client that takes nothing, would keep a lane
    /// that it was given meanwhile.
    async fn run<T: Send + 'static>(
        &self,
        lane: &Arc<Semaphore>,
        wait: Duration,
        operation: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        let (lane, (mut answer, answered)) = (Arc::clone(lane), oneshot::channel());
        self.runtime.spawn(async move {
            let lane = tokio::select! {
                lane = timeout(wait, lane.acquire_owned()) => lane,
                // Nobody wants it any more, and nothing was begun.
                () = answer.closed() => return,
            };
            let Ok(Ok(_lane)) = lane else {
                let _ = answer.send(Err(Error::unavailable(anyhow!("too much was under way for {wait:?}"))));
                return;
            };
            let mut operation = Box::pin(operation);
            let done = timeout(OPERATION_MAX, &mut operation).await;
            let is_late = done.is_err();
            let _ = answer
                .send(done.unwrap_or_else(|_| Err(Error::unavailable(anyhow!("no answer within {OPERATION_MAX:?}")))));
            if is_late {
                let _ = timeout(ABANDONED_MAX, operation).await;
            }
        });
        // The task is gone where it panicked, or with the process.
        answered.await.unwrap_or_else(|gone| Err(Error::unavailable(gone)))
    }
}
