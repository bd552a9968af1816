//! The two ends of an upload's body: the client's payload, and what the converter is sent.
//!
//! An actix payload is not `Send`, a reqwest body must be: a channel of two chunks joins them and passes the converter's
//! pace back to the client's socket. It carries an **explicit end mark**. A channel that just closes, because the client
//! broke off or the handler was dropped, is an error of the body: hyper breaks the connection then, and half a video
//! never reads as a whole one.

use std::{
    cell::RefCell,
    fmt,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
};

use actix_web::{error::PayloadError, web::Payload};
use bytes::Bytes;
use futures_util::{Stream, stream};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Chunks on their way to the converter; each is at most as large as actix' read buffer.
const CHUNKS_MAX: usize = 2;

/// A body whose end did not come.
#[derive(Debug, thiserror::Error)]
#[error("the upload broke off before its end")]
pub(super) struct Broken;

#[derive(Debug)]
enum Piece {
    Chunk(Bytes),
    End,
}

/// The gateway's end of the channel. Dropped without [`Self::end`], it breaks the body.
#[derive(Debug)]
pub(super) struct Feed {
    pieces: mpsc::Sender<Piece>,
    unwanted: CancellationToken,
}

/// The other end of the channel.
#[derive(Debug)]
pub(super) struct Chunks(mpsc::Receiver<Piece>);

/// A channel: the feed, what comes of it, and what tells the feed that the verdict is there.
pub(super) fn channel() -> (Feed, Chunks, CancellationToken) {
    let (pieces, receiver) = mpsc::channel(CHUNKS_MAX);
    let unwanted = CancellationToken::new();
    (Feed { pieces, unwanted: unwanted.clone() }, Chunks(receiver), unwanted)
}

impl Chunks {
    /// The next chunk; `None` at the end mark.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Broken> {
        match self.0.recv().await {
            Some(Piece::Chunk(chunk)) => Ok(Some(chunk)),
            Some(Piece::End) => Ok(None),
            None => Err(Broken),
        }
    }

    /// The body of a request: it ends well with the end mark and no other way.
    pub(super) fn into_body(self) -> reqwest::Body {
        reqwest::Body::wrap_stream(stream::try_unfold(self, async |mut chunks| {
            Ok::<_, Broken>(chunks.next().await?.map(|chunk| (chunk, chunks)))
        }))
    }
}

impl Feed {
    /// Waits for room; false where nobody wants more.
    pub(super) async fn send(&self, chunk: Bytes) -> bool {
        self.pass(Piece::Chunk(chunk)).await
    }

    /// Marks the body as whole; false where nobody wants it any more.
    pub(super) async fn end(self) -> bool {
        self.pass(Piece::End).await
    }

    async fn pass(&self, piece: Piece) -> bool {
        tokio::select! {
            biased;
            () = self.unwanted.cancelled() => false,
            sent = self.pieces.send(piece) => sent.is_ok(),
        }
    }

    /// Resolves once nobody wants more: the verdict is there, or the connection broke.
    pub(super) async fn unwanted(&self) {
        tokio::select! {
            () = self.unwanted.cancelled() => {}
            () = self.pieces.closed() => {}
        }
    }
}

/// The client's payload, of which only so much may be read.
#[derive(Clone)]
pub(super) struct ClientBody(Rc<RefCell<Inner>>);

struct Inner {
    payload: Payload,
    /// Read, but over the budget.
    rest: Bytes,
    /// Bytes that may still be read; `None` is no limit here.
    budget: Option<usize>,
    starved: bool,
}

impl ClientBody {
    pub(super) fn new(payload: Payload) -> Self {
        Self(Rc::new(RefCell::new(Inner { payload, rest: Bytes::new(), budget: None, starved: false })))
    }

    /// From now on at most `budget` further bytes are read; then the stream stays pending and [`Self::is_starved`].
    pub(super) fn limit(&self, budget: Option<usize>) {
        let mut inner = self.0.borrow_mut();
        inner.budget = budget;
        inner.starved = false;
    }

    /// Whether a read was held back by the budget.
    pub(super) fn is_starved(&self) -> bool {
        self.0.borrow().starved
    }
}

impl Stream for ClientBody {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut inner = self.0.borrow_mut();
        let inner = &mut *inner;
        if inner.budget == Some(0) {
            inner.starved = true;
            return Poll::Pending;
        }
        let mut chunk = std::mem::take(&mut inner.rest);
        if chunk.is_empty() {
            chunk = match ready!(Pin::new(&mut inner.payload).poll_next(cx)) {
                Some(Ok(chunk)) => chunk,
                ended => return Poll::Ready(ended),
            };
        }
        if let Some(budget) = &mut inner.budget {
            if chunk.len() > *budget {
                inner.rest = chunk.split_off(*budget);
            }
            *budget -= chunk.len();
        }
        Poll::Ready(Some(Ok(chunk)))
    }
}

impl fmt::Debug for ClientBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientBody")
    }
}
