//! Blobs as their readers and writers see them.

use bytes::Bytes;
use futures_util::stream::BoxStream;

#[cfg(all(test, feature = "server"))]
use super::faulty;
use super::{Error, embedded, mongo};

/// Bytes of a blob as they are read, in pieces of at most [`BLOB_PIECE_BYTES`].
pub type BlobBytes = BoxStream<'static, std::io::Result<Bytes>>;

/// Largest piece that a blob is read or written in.
pub const BLOB_PIECE_BYTES: usize = 256 * 1024;

/// A blob that is being written. Dropped, it leaves an unfinished blob that nobody sees.
#[derive(Debug)]
pub enum BlobWriter {
    Embedded(embedded::BlobWriter),
    Mongo(mongo::BlobWriter),
    #[cfg(all(test, feature = "server"))]
    Faulty(faulty::BlobWriter),
}

impl BlobWriter {
    /// Appends bytes.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), Error> {
        match self {
            Self::Embedded(writer) => writer.write(bytes).await,
            Self::Mongo(writer) => writer.write(bytes).await,
            #[cfg(all(test, feature = "server"))]
            Self::Faulty(writer) => writer.write(bytes).await,
        }
    }

    /// Writes `head` over the bytes at its offset and makes the blob durable. Only now it can be read.
    pub async fn finish(self, head: Option<(u64, Bytes)>) -> Result<(), Error> {
        match self {
            Self::Embedded(writer) => writer.finish(head).await,
            Self::Mongo(writer) => writer.finish(head).await,
            #[cfg(all(test, feature = "server"))]
            Self::Faulty(writer) => writer.finish(head).await,
        }
    }
}
