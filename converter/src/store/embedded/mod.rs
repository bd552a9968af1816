//! Documents in SQLite, blobs as files, all in one folder that one process holds.

mod blobs;
mod documents;

use std::{ops::RangeInclusive, path::Path, sync::Arc};

use chassis::lock::FolderLock;

use super::{BlobBytes, Change, Cursor, Due, Error, QueueLoad, Seen};
use crate::conversion::{BlobId, Conversion, ConversionId, Owner};
use blobs::Blobs;
use documents::Documents;

pub(super) use blobs::BlobWriter;

/// See [`super::Store::Embedded`].
#[derive(Debug, Clone)]
pub struct Embedded(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    documents: Documents,
    blobs: Blobs,
    _lock: FolderLock,
}

impl Embedded {
    /// Opens or creates the store in `folder`. All leases end here: their holder was this folder's last process.
    pub(super) async fn open(folder: &Path, who: &str) -> anyhow::Result<Self> {
        let lock = FolderLock::take(folder, who)?;
        let documents = Documents::open(&folder.join("conversions.sqlite"))?;
        documents.end_leases().await?;
        let blobs = Blobs::open(folder)?;
        Ok(Self(Arc::new(Inner { documents, blobs, _lock: lock })))
    }

    pub(super) async fn insert(&self, conversion: Conversion) -> Result<bool, Error> {
        self.0.documents.insert(conversion).await
    }

    pub(super) async fn get(&self, id: ConversionId) -> Result<Option<Conversion>, Error> {
        self.0.documents.get(id).await
    }

    pub(super) async fn update(&self, seen: Seen, change: Change) -> Result<bool, Error> {
        self.0.documents.update(seen, change).await
    }

    pub(super) async fn remove(&self, seen: Seen) -> Result<bool, Error> {
        self.0.documents.remove(seen).await
    }

    pub(super) async fn list(
        &self,
        owner: Owner,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Vec<Conversion>, Error> {
        self.0.documents.list(owner, after, limit).await
    }

    pub(super) async fn due(&self, due: Due, limit: usize) -> Result<Vec<Conversion>, Error> {
        self.0.documents.due(due, limit).await
    }

    pub(super) async fn open_among(&self, ids: Vec<ConversionId>) -> Result<Vec<ConversionId>, Error> {
        self.0.documents.open_among(&ids).await
    }

    pub(super) async fn queue_load(&self, owner: Owner) -> Result<QueueLoad, Error> {
        self.0.documents.queue_load(owner).await
    }

    pub(super) async fn forget(&self, owner: Owner) -> Result<(), Error> {
        self.0.documents.forget(owner).await
    }

    pub(super) async fn create_blob(&self, id: BlobId) -> Result<BlobWriter, Error> {
        self.0.blobs.create(id).await
    }

    pub(super) async fn read_blob(&self, id: BlobId, range: RangeInclusive<u64>) -> Result<BlobBytes, Error> {
        self.0.blobs.read(id, range).await
    }

    pub(super) async fn delete_blob(&self, id: BlobId) -> Result<(), Error> {
        self.0.blobs.delete(id).await
    }

    pub(super) async fn ping(&self) -> Result<(), Error> {
        self.0.documents.ping().await
    }
}
