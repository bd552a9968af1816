//! Documents in MongoDB, blobs in its GridFS: shared by all replicas of all services.
//!
//! Every write waits for a majority and its journal, every read asks the primary for what a majority has: no election
//! takes back what was answered. And every wait ends: see [`lanes`].

mod blobs;
mod connection;
mod documents;
mod encoding;
mod lanes;
mod queries;

use std::{ops::RangeInclusive, sync::Arc};

use mongodb::{
    Database,
    bson::doc,
    options::{ReadPreference, SelectionCriteria},
};
use tokio::sync::OnceCell;

use super::{BlobBytes, Change, Cursor, Due, Error, Seen};
use crate::conversion::{BlobId, Conversion, ConversionId, Owner};
use blobs::Blobs;
use connection::Connection;
use documents::Documents;
use lanes::Lanes;

pub(super) use blobs::BlobWriter;

/// See [`super::Store::Mongo`].
#[derive(Debug, Clone)]
pub struct Mongo(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    connection: Connection,
    lanes: Lanes,
    prepared: OnceCell<Prepared>,
}

/// A database whose indexes exist.
#[derive(Debug)]
struct Prepared {
    database: Database,
    documents: Documents,
    blobs: Blobs,
}

impl Mongo {
    /// Reads the address, and no more than that waits: a server that is away is looked for again by every operation.
    /// `who` is the service, for the server's log.
    pub(super) async fn open(url: &str, who: &str) -> anyhow::Result<Self> {
        let connection = Connection::parse(url, who).await?;
        let lanes = Lanes::of(connection.connections_max());
        let store = Self(Arc::new(Inner { connection, lanes, prepared: OnceCell::new() }));
        let preparing = store.clone();
        tokio::spawn(async move {
            if let Err(cause) = preparing.prepare().await {
                tracing::warn!(?cause, "the conversion store is prepared by the first operation that reaches it");
            }
        });
        Ok(store)
    }

    pub(super) async fn insert(&self, conversion: Conversion) -> Result<bool, Error> {
        let store = self.clone();
        self.0.lanes.document(async move { store.prepared().await?.documents.insert(&conversion).await }).await
    }

    pub(super) async fn get(&self, id: ConversionId) -> Result<Option<Conversion>, Error> {
        let store = self.clone();
        self.0.lanes.document(async move { store.prepared().await?.documents.get(id).await }).await
    }

    pub(super) async fn update(&self, seen: Seen, change: Change) -> Result<bool, Error> {
        let store = self.clone();
        self.0.lanes.document(async move { store.prepared().await?.documents.update(seen, &change).await }).await
    }

    pub(super) async fn remove(&self, seen: Seen) -> Result<bool, Error> {
        let store = self.clone();
        self.0.lanes.document(async move { store.prepared().await?.documents.remove(seen).await }).await
    }

    pub(super) async fn list(
        &self,
        owner: Owner,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Vec<Conversion>, Error> {
        let store = self.clone();
        self.0.lanes.document(async move { store.prepared().await?.documents.list(&owner, after, limit).await }).await
    }

    pub(super) async fn due(&self, due: Due, limit: usize) -> Result<Vec<Conversion>, Error> {
        let store = self.clone();
        self.0.lanes.document(async move { store.prepared().await?.documents.due(due, limit).await }).await
    }

    pub(super) async fn forget(&self, owner: Owner) -> Result<(), Error> {
        let store = self.clone();
        self.0.lanes.document(async move { store.prepared().await?.documents.forget(owner).await }).await
    }

    pub(super) async fn create_blob(&self, id: BlobId) -> Result<BlobWriter, Error> {
        self.prepare().await?;
        Ok(self.prepared().await?.blobs.create(id))
    }

    pub(super) async fn read_blob(&self, id: BlobId, range: RangeInclusive<u64>) -> Result<BlobBytes, Error> {
        self.prepare().await?;
        self.prepared().await?.blobs.read(id, range).await
    }

    pub(super) async fn delete_blob(&self, id: BlobId) -> Result<(), Error> {
        self.prepare().await?;
        self.prepared().await?.blobs.delete(id).await
    }

    pub(super) async fn ping(&self) -> Result<(), Error> {
        let store = self.clone();
        let ping = async move {
            let ping = store.prepared().await?.database.run_command(doc! { "ping": 1 });
            ping.selection_criteria(SelectionCriteria::ReadPreference(ReadPreference::Primary)).await?;
            Ok(())
        };
        self.0.lanes.document(ping).await
    }

    /// Waits until [`Self::prepared`] answers at once.
    async fn prepare(&self) -> Result<(), Error> {
        if self.0.prepared.initialized() {
            return Ok(());
        }
        let store = self.clone();
        self.0.lanes.document(async move { store.prepared().await.map(drop) }).await
    }

    /// The database, once its indexes are there; without them two attempts could mix their chunks.
    async fn prepared(&self) -> Result<&Prepared, Error> {
        let Inner { connection, lanes, prepared } = &*self.0;
        let prepare = async || {
            let database = connection.database().await?;
            let (documents, blobs) = (Documents::of(database), Blobs::of(database, lanes.clone()));
            documents.prepare().await?;
            blobs.prepare().await?;
            Ok(Prepared { database: database.clone(), documents, blobs })
        };
        prepared.get_or_try_init(prepare).await
    }
}

impl From<mongodb::error::Error> for Error {
    fn from(cause: mongodb::error::Error) -> Self {
        Self::unavailable(cause)
    }
}
