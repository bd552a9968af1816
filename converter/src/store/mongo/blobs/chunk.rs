//! One chunk of a blob, as GridFS lays it down.

use mongodb::bson::{Binary, oid::ObjectId, spec::BinarySubtype};
use serde::{Deserialize, Serialize};

use crate::conversion::BlobId;

/// Bytes of every chunk but the last: the size that all GridFS tools use, and less than [`crate::store::BLOB_PIECE_BYTES`].
pub(super) const CHUNK_BYTES: usize = 255 * 1024;

/// A document of the collection of chunks.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Chunk {
    #[serde(rename = "_id")]
    pub(super) id: ObjectId,
    files_id: String,
    n: i32,
    pub(super) data: Binary,
}

impl Chunk {
    /// A new chunk, the `n`th of its blob, counted from 0.
    pub(super) fn new(blob: BlobId, n: i32, bytes: Vec<u8>) -> Self {
        let data = Binary { subtype: BinarySubtype::Generic, bytes };
        Self { id: ObjectId::new(), files_id: blob.attempt().to_string(), n, data }
    }

    /// Where it begins in its blob.
    pub(super) fn offset(&self) -> u64 {
        u64::from(self.n.unsigned_abs()) * CHUNK_BYTES as u64
    }

    /// Writes those of `bytes` over it that lie in it; they begin at `offset` of the blob.
    pub(super) fn overlay(&mut self, offset: u64, bytes: &[u8]) {
        let here = self.offset();
        let first = offset.max(here);
        let end = (offset + bytes.len() as u64).min(here + self.data.bytes.len() as u64);
        if first < end {
            self.data.bytes[index(first - here)..index(end - here)]
                .copy_from_slice(&bytes[index(first - offset)..index(end - offset)]);
        }
    }
}

/// Within a chunk or a head, both of which are in memory.
fn index(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overlay_reaches_only_what_lies_in_the_chunk() {
        let overlaid = |n, offset, bytes: &[u8]| {
            let mut chunk = Chunk::new(crate::conversion::Attempt::random().mp3(), n, b"....".to_vec());
            chunk.overlay(offset, bytes);
            String::from_utf8(chunk.data.bytes).expect("ASCII")
        };
        let second = CHUNK_BYTES as u64;
        assert_eq!(overlaid(0, 1, b"ab"), ".ab.");
        assert_eq!(overlaid(0, 3, b"ab"), "...a");
        assert_eq!(overlaid(0, 4, b"ab"), "....");
        assert_eq!(overlaid(1, second - 1, b"abc"), "bc..");
        assert_eq!(overlaid(1, second - 2, b"ab"), "....");
        assert_eq!(overlaid(1, second - 1, b"abcdefgh"), "bcde");
    }
}
