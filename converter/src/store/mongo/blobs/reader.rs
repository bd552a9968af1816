//! Reads a range of a blob: only its own chunks, some at a time.

use std::{io, ops::RangeInclusive};

use anyhow::anyhow;
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use mongodb::{
    Collection,
    bson::{RawDocument, RawDocumentBuf, doc},
};

use super::Lanes;
use crate::{
    conversion::BlobId,
    store::{BlobBytes, Error},
};

/// Chunks that one query asks for, about 1 MiB. Each batch is a query of its own: the server keeps no cursor for a client
/// that pauses, and closes none under it.
const CHUNKS_PER_QUERY: u64 = 4;
/// Batches that are under way while the first of them is sent on; so many a download may hold in memory.
const READ_AHEAD: usize = 2;

/// Bytes `range` of a blob, one piece a chunk.
pub(super) fn read(
    lanes: Lanes,
    chunks: Collection<RawDocumentBuf>,
    id: BlobId,
    chunk_bytes: u64,
    range: RangeInclusive<u64>,
) -> BlobBytes {
    if range.is_empty() {
        return stream::empty().boxed();
    }
    let (Some(first), Some(last)) = (range.start().checked_div(chunk_bytes), range.end().checked_div(chunk_bytes))
    else {
        let damaged = io::Error::new(io::ErrorKind::InvalidData, "an entry with chunks of no bytes");
        return stream::once(async { Err(damaged) }).boxed();
    };
    let batches = (0..=(last - first) / CHUNKS_PER_QUERY).map(move |batch| {
        let begin = first + batch * CHUNKS_PER_QUERY;
        let wanted =
            Wanted { id, chunk_bytes, numbers: begin..=last.min(begin + CHUNKS_PER_QUERY - 1), range: range.clone() };
        let (lanes, chunks) = (lanes.clone(), chunks.clone());
        async move { lanes.blob(wanted.find(chunks)).await.map_err(io::Error::other) }
    });
    let found = stream::iter(batches).buffered(READ_AHEAD);
    let pieces = found.map_ok(|pieces| stream::iter(pieces).map(Ok::<_, io::Error>)).try_flatten().boxed();
    // Behind an error comes nothing more, or a gap would look like an mp3.
    stream::try_unfold(pieces, async |mut pieces| Ok(pieces.try_next().await?.map(|piece| (piece, pieces)))).boxed()
}

/// Some chunks of one blob, cut to a range.
#[derive(Debug)]
struct Wanted {
    id: BlobId,
    chunk_bytes: u64,
    numbers: RangeInclusive<u64>,
    range: RangeInclusive<u64>,
}

impl Wanted {
    async fn find(self, chunks: Collection<RawDocumentBuf>) -> Result<Vec<Bytes>, Error> {
        let number = |n: &u64| i64::try_from(*n).unwrap_or(i64::MAX);
        let between = doc! { "$gte": number(self.numbers.start()), "$lte": number(self.numbers.end()) };
        let filter = doc! { "files_id": self.id.attempt().to_string(), "n": between };
        let mut found = chunks.find(filter).sort(doc! { "n": 1 }).await?;
        let mut pieces = Vec::new();
        for n in self.numbers.clone() {
            let is_found = found.advance().await?;
            let piece = if is_found { self.cut(n, found.current()) } else { None };
            pieces.push(
                piece
                    .ok_or_else(|| Error::unavailable(anyhow!("chunk {n} of blob {} is missing or short", self.id)))?,
            );
        }
        Ok(pieces)
    }

    /// What the range wants of chunk `n`; `None` where this is another one, or too short.
    fn cut(&self, n: u64, chunk: &RawDocument) -> Option<Bytes> {
        if u64::try_from(chunk.get_i32("n").ok()?) != Ok(n) {
            return None;
        }
        let begin = n.checked_mul(self.chunk_bytes)?;
        let first = begin.max(*self.range.start()) - begin;
        let last = (begin + (self.chunk_bytes - 1)).min(*self.range.end()) - begin;
        let data = chunk.get_binary("data").ok()?.bytes;
        let wanted = data.get(usize::try_from(first).ok()?..=usize::try_from(last).ok()?)?;
        Some(Bytes::copy_from_slice(wanted))
    }
}
