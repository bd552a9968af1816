//! Blobs in GridFS: any tool that speaks it can read them.
//!
//! Reader and writer are our own. The head of an mp3 is known last; a range should cost its own chunks and no others;
//! and the driver's upload stream, where it is dropped, deletes the chunks of its id in the background, also those that
//! another try has written by then.

mod chunk;
mod reader;
mod writer;

use std::ops::RangeInclusive;

use futures_util::TryStreamExt as _;
use mongodb::{
    Collection, Database, IndexModel,
    bson::{Bson, Document, RawDocumentBuf, doc},
    options::IndexOptions,
};
use serde::Deserialize;

use super::lanes::Lanes;
use crate::{
    conversion::{BlobId, Bucket},
    store::{BlobBytes, Error},
};
use chunk::Chunk;

pub(in super::super) use writer::BlobWriter;

/// Chunks that one step of a deletion names; their ids fit into a message many times over.
const DELETED_CHUNKS_MAX: usize = 1000;

/// One bucket's two collections, e.g. `mp3s.files` and `mp3s.chunks`.
#[derive(Debug, Clone)]
pub(super) struct Blobs {
    files: Collection<Document>,
    chunks: Collection<Chunk>,
    lanes: Lanes,
}

/// What the entry of a finished blob says.
#[derive(Debug, Deserialize)]
struct Entry {
    #[serde(rename = "chunkSize")]
    chunk_bytes: u64,
    #[serde(default)]
    metadata: Document,
}

impl Blobs {
    pub(super) fn of(database: &Database, bucket: Bucket, lanes: Lanes) -> Self {
        let name = match bucket {
            Bucket::Mp3s => "mp3s",
            Bucket::Videos => "videos",
        };
        let (files, chunks) = (format!("{name}.files"), format!("{name}.chunks"));
        Self { files: database.collection(&files), chunks: database.collection(&chunks), lanes }
    }

    /// Creates the indexes that every GridFS has. Unique chunks keep two writers of one blob apart.
    pub(super) async fn prepare(&self) -> Result<(), Error> {
        let unique = IndexOptions::builder().unique(true).build();
        let by_place = IndexModel::builder().keys(doc! { "files_id": 1, "n": 1 }).options(unique).build();
        self.chunks.create_index(by_place).await?;
        let by_name = IndexModel::builder().keys(doc! { "filename": 1, "uploadDate": 1 }).build();
        self.files.create_index(by_name).await?;
        Ok(())
    }

    pub(super) fn create(&self, id: BlobId) -> BlobWriter {
        BlobWriter::new(self.clone(), id)
    }

    /// The entry of a finished blob; a document among documents, since a request waits for it.
    async fn entry(&self, id: BlobId) -> Result<Option<Entry>, Error> {
        let entries = self.files.clone_with_type::<Entry>();
        self.lanes.document(async move { Ok(entries.find_one(doc! { "_id": id.attempt().to_string() }).await?) }).await
    }

    pub(super) async fn read(&self, id: BlobId, range: RangeInclusive<u64>) -> Result<BlobBytes, Error> {
        let Some(entry) = self.entry(id).await? else { return Err(Error::BlobMissing) };
        let chunks = self.chunks.clone_with_type::<RawDocumentBuf>();
        Ok(reader::read(self.lanes.clone(), chunks, id, entry.chunk_bytes, range))
    }

    /// Deletes the entry first: a blob that is half deleted is missing, not damaged.
    ///
    /// What is deleted is named by ids that one writer alone used. A deletion whose answer was lost may be carried out
    /// at any later time, and must not then hit what the next writer of this blob stored.
    pub(super) async fn delete(&self, id: BlobId) -> Result<(), Error> {
        if let Some(entry) = self.entry(id).await? {
            let writer = entry.metadata.get("writer").cloned().unwrap_or(Bson::Null);
            let filter = doc! { "_id": id.attempt().to_string(), "metadata.writer": writer };
            let files = self.files.clone();
            self.lanes.blob(async move { Ok(files.delete_one(filter).await?) }).await?;
        }
        loop {
            let found = self.some_chunks(id).await?;
            if found.is_empty() {
                return Ok(());
            }
            let filter = doc! { "_id": { "$in": found } };
            let chunks = self.chunks.clone();
            self.lanes.blob(async move { Ok(chunks.delete_many(filter).await?) }).await?;
        }
    }

    async fn some_chunks(&self, id: BlobId) -> Result<Vec<Bson>, Error> {
        let chunks = self.chunks.clone_with_type::<Document>();
        let most = i64::try_from(DELETED_CHUNKS_MAX).unwrap_or(i64::MAX);
        let find = async move {
            let of_blob = doc! { "files_id": id.attempt().to_string() };
            let found = chunks.find(of_blob).projection(doc! { "_id": 1 }).limit(most).await?;
            Ok(found.map_ok(|chunk| chunk.get("_id").cloned().unwrap_or(Bson::Null)).try_collect().await?)
        };
        self.lanes.blob(find).await
    }
}
