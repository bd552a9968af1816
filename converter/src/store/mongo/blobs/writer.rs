//! Writes a blob: chunk 0 is held back for its head, the others go out in batches, the entry comes last.

use anyhow::anyhow;
use bytes::Bytes;
use mongodb::bson::{DateTime, doc, oid::ObjectId};
use tokio_util::task::AbortOnDropHandle;

use super::{
    Blobs,
    chunk::{CHUNK_BYTES, Chunk},
};
use crate::{
    conversion::{BlobId, Bucket},
    store::Error,
};

/// Chunks that are sent at once, about 2 MiB. One such batch is on its way while the next one fills, so the network and
/// the engine work at the same time and a conversion holds two.
const CHUNKS_PER_BATCH: usize = 8;

/// A blob that is being written. Dropped, it leaves chunks without an entry.
#[derive(Debug)]
pub struct BlobWriter {
    blobs: Blobs,
    id: BlobId,
    bytes: u64,
    /// Chunk 0.
    first: Option<Chunk>,
    /// Number of the chunk that fills.
    n: i32,
    filling: Vec<u8>,
    batch: Vec<Chunk>,
    on_its_way: Option<AbortOnDropHandle<Result<(), Error>>>,
    is_failed: bool,
}

impl BlobWriter {
    pub(super) fn new(blobs: Blobs, id: BlobId) -> Self {
        Self {
            blobs,
            id,
            bytes: 0,
            first: None,
            n: 0,
            filling: Vec::new(),
            batch: Vec::new(),
            on_its_way: None,
            is_failed: false,
        }
    }

    pub(in super::super::super) async fn write(&mut self, mut bytes: Bytes) -> Result<(), Error> {
        self.bytes += bytes.len() as u64;
        while !bytes.is_empty() {
            let room = CHUNK_BYTES - self.filling.len();
            let taken = bytes.split_to(room.min(bytes.len()));
            self.filling.extend_from_slice(&taken);
            if self.filling.len() == CHUNK_BYTES {
                self.end_chunk()?;
            }
            if self.batch.len() == CHUNKS_PER_BATCH {
                self.send().await?;
            }
        }
        Ok(())
    }

    pub(in super::super::super) async fn finish(mut self, head: Option<(u64, Bytes)>) -> Result<(), Error> {
        if !self.filling.is_empty() {
            self.end_chunk()?;
        }
        let (offset, head) = head.unwrap_or_default();
        let end = offset.checked_add(head.len() as u64).filter(|end| *end <= self.bytes);
        let end = end.ok_or_else(|| Error::unavailable(anyhow!("the head lies beyond the end of the blob")))?;
        if let Some(mut first) = self.first.take() {
            first.overlay(offset, &head);
            self.batch.push(first);
        }
        self.send().await?;
        self.arrived().await?;
        let beyond = offset.max(CHUNK_BYTES as u64);
        if beyond < end {
            for n in beyond / CHUNK_BYTES as u64..=(end - 1) / CHUNK_BYTES as u64 {
                let (blobs, id, head) = (self.blobs.clone(), self.id, head.clone());
                self.blobs.lanes.blob(async move { blobs.patch(id, n, offset, &head).await }).await?;
            }
        }
        let (blobs, id, bytes) = (self.blobs.clone(), self.id, self.bytes);
        self.blobs.lanes.blob(async move { blobs.enter(id, bytes).await }).await
    }

    fn end_chunk(&mut self) -> Result<(), Error> {
        // Only now room for a whole chunk: most of a small mp3's would stay empty.
        let full = std::mem::replace(&mut self.filling, Vec::with_capacity(CHUNK_BYTES));
        let chunk = Chunk::new(self.id, self.n, full);
        self.n = self.n.checked_add(1).ok_or_else(|| Error::unavailable(anyhow!("a blob of too many chunks")))?;
        if chunk.offset() == 0 {
            self.first = Some(chunk);
        } else {
            self.batch.push(chunk);
        }
        Ok(())
    }

    /// Sends the batch, once the one before it has arrived.
    async fn send(&mut self) -> Result<(), Error> {
        self.arrived().await?;
        let batch = std::mem::replace(&mut self.batch, Vec::with_capacity(CHUNKS_PER_BATCH));
        if !batch.is_empty() {
            let (chunks, lanes) = (self.blobs.chunks.clone(), self.blobs.lanes.clone());
            let sent = async move { lanes.blob(async move { Ok(chunks.insert_many(batch).await.map(drop)?) }).await };
            self.on_its_way = Some(AbortOnDropHandle::new(tokio::spawn(sent)));
        }
        Ok(())
    }

    /// Waits for the batch that is on its way. Where one failed the blob has a gap, and stays unfinished.
    async fn arrived(&mut self) -> Result<(), Error> {
        if self.is_failed {
            return Err(Error::unavailable(anyhow!("an earlier part of the blob failed")));
        }
        let Some(batch) = self.on_its_way.take() else { return Ok(()) };
        // Also where nobody waits to the end: the batch goes with the wait.
        self.is_failed = true;
        let arrived = batch.await.unwrap_or_else(|panicked| Err(Error::unavailable(panicked)));
        self.is_failed = arrived.is_err();
        arrived
    }
}

impl Blobs {
    /// Writes what lies in chunk `n` of a head that begins behind chunk 0: there is a picture before it.
    async fn patch(&self, id: BlobId, n: u64, offset: u64, head: &[u8]) -> Result<(), Error> {
        let n = i64::try_from(n).map_err(Error::unavailable)?;
        let found = self.chunks.find_one(doc! { "files_id": id.attempt().to_string(), "n": n }).await?;
        let missing = || Error::unavailable(anyhow!("chunk {n} is gone"));
        let mut chunk = found.ok_or_else(missing)?;
        chunk.overlay(offset, head);
        let Chunk { id, data, .. } = chunk;
        let patched = self.chunks.update_one(doc! { "_id": id }, doc! { "$set": { "data": data } }).await?;
        if patched.matched_count == 1 { Ok(()) } else { Err(missing()) }
    }

    /// The entry makes the blob readable.
    async fn enter(&self, id: BlobId, bytes: u64) -> Result<(), Error> {
        let entry = doc! {
            "_id": id.attempt().to_string(),
            "length": i64::try_from(bytes).map_err(Error::unavailable)?,
            "chunkSize": i32::try_from(CHUNK_BYTES).map_err(Error::unavailable)?,
            "uploadDate": DateTime::now(),
            "filename": match id.bucket() {
                Bucket::Mp3s => format!("{}.mp3", id.attempt()),
                Bucket::Videos => id.attempt().to_string(),
            },
            // By this a deletion knows which writer's entry it read.
            "metadata": { "writer": ObjectId::new() },
        };
        self.files.insert_one(entry).await?;
        Ok(())
    }
}
