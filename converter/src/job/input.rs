//! The way of a video from the HTTP handler to its conversion: a short channel with an explicit end.

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::error::Error;

/// Pieces on the way; the client's socket holds the rest back.
const PIECES_MAX: usize = 4;

enum Piece {
    Bytes(Bytes),
    End,
    Failed(Error),
}

/// A channel for one video.
pub(crate) fn channel() -> (Sender, Receiver) {
    let (sender, receiver) = mpsc::channel(PIECES_MAX);
    (Sender(sender), Receiver { pieces: receiver, bytes: 0, is_ended: false })
}

/// The handler's side. Dropped without [`Sender::end`], the video broke off.
pub(crate) struct Sender(mpsc::Sender<Piece>);

impl Sender {
    /// Passes a piece on; false once nobody reads any more.
    pub(crate) async fn send(&self, bytes: Bytes) -> bool {
        self.0.send(Piece::Bytes(bytes)).await.is_ok()
    }

    /// Resolves once nobody reads any more.
    pub(crate) async fn closed(&self) {
        self.0.closed().await;
    }

    /// The video cannot be read on.
    pub(crate) async fn fail(self, error: Error) {
        let _ = self.0.send(Piece::Failed(error)).await;
    }

    /// The video is complete.
    pub(crate) async fn end(self) {
        let _ = self.0.send(Piece::End).await;
    }
}

/// The conversion's side.
pub(crate) struct Receiver {
    pieces: mpsc::Receiver<Piece>,
    bytes: u64,
    is_ended: bool,
}

impl Receiver {
    /// The next piece; `None` at the explicit end. A channel that closes without it is a broken upload, not a short
    /// video: half a video would become a "successful" mp3.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        match self.pieces.recv().await {
            Some(Piece::Bytes(bytes)) => {
                self.bytes += bytes.len() as u64;
                Ok(Some(bytes))
            }
            Some(Piece::End) => {
                self.is_ended = true;
                Ok(None)
            }
            Some(Piece::Failed(error)) => Err(error),
            None if self.is_ended => Ok(None),
            None => Err(Error::UploadBroken),
        }
    }

    /// Bytes received so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_end_mark_ends_the_video() {
        let (sender, mut receiver) = channel();
        assert!(sender.send(Bytes::from_static(b"abc")).await);
        sender.end().await;
        assert_eq!(receiver.next().await.expect("a piece").as_deref(), Some(&b"abc"[..]));
        assert!(receiver.next().await.expect("the end").is_none());
        assert_eq!(receiver.bytes(), 3);
    }

    #[tokio::test]
    async fn a_channel_that_just_closes_is_a_broken_upload() {
        let (sender, mut receiver) = channel();
        drop(sender);
        assert!(matches!(receiver.next().await, Err(Error::UploadBroken)));
    }
}
