//! Documents in MongoDB, blobs in its GridFS: shared by all replicas of all services.
//!
//! Every write waits for a majority and its journal, every read asks the primary for what a majority has: no election
//! takes back what was answered. And every wait ends: see [`OPERATION_MAX`].

mod blobs;
mod connection;
mod documents;
mod encoding;
mod queries;

use std::{ops::RangeInclusive, sync::Arc, time::Duration};

use anyhow::anyhow;
use mongodb::{
    Database,
    bson::doc,
    options::{ReadPreference, SelectionCriteria},
};
use tokio::{sync::OnceCell, time::timeout};

use super::{BlobBytes, Change, Cursor, Due, Error, Seen};
use crate::conversion::{BlobId, Conversion, ConversionId, Owner};
use blobs::Blobs;
use connection::Connection;
use documents::Documents;

pub(super) use blobs::BlobWriter;

/// Longest wait for one operation on documents, or for one batch of a blob's chunks. A request that meets a server
/// which is away or hangs so gets its 503 within five seconds.
const OPERATION_MAX: Duration = Duration::from_secs(4);

/// See [`super::Store::Mongo`].
#[derive(Debug, Clone)]
pub struct Mongo(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    connection: Connection,
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
        let store = Self(Arc::new(Inner { connection, prepared: OnceCell::new() }));
        let preparing = store.clone();
        tokio::spawn(async move {
            if let Err(cause) = within(preparing.prepared()).await {
                tracing::warn!(?cause, "the conversion store is prepared by the first operation that reaches it");
            }
        });
        Ok(store)
    }

    pub(super) async fn insert(&self, conversion: Conversion) -> Result<bool, Error> {
        within(async { self.prepared().await?.documents.insert(&conversion).await }).await
    }

    pub(super) async fn get(&self, id: ConversionId) -> Result<Option<Conversion>, Error> {
        within(async { self.prepared().await?.documents.get(id).await }).await
    }

    pub(super) async fn update(&self, seen: Seen, change: Change) -> Result<bool, Error> {
        within(async { self.prepared().await?.documents.update(seen, &change).await }).await
    }

    pub(super) async fn remove(&self, seen: Seen) -> Result<bool, Error> {
        within(async { self.prepared().await?.documents.remove(seen).await }).await
    }

    pub(super) async fn list(
        &self,
        owner: Owner,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Vec<Conversion>, Error> {
        within(async { self.prepared().await?.documents.list(&owner, after, limit).await }).await
    }

    pub(super) async fn due(&self, due: Due, limit: usize) -> Result<Vec<Conversion>, Error> {
        within(async { self.prepared().await?.documents.due(due, limit).await }).await
    }

    pub(super) async fn forget(&self, owner: Owner) -> Result<(), Error> {
        within(async { self.prepared().await?.documents.forget(owner).await }).await
    }

    pub(super) async fn create_blob(&self, id: BlobId) -> Result<BlobWriter, Error> {
        within(async { Ok(self.prepared().await?.blobs.create(id)) }).await
    }

    pub(super) async fn read_blob(&self, id: BlobId, range: RangeInclusive<u64>) -> Result<BlobBytes, Error> {
        within(async { self.prepared().await?.blobs.read(id, range).await }).await
    }

    pub(super) async fn delete_blob(&self, id: BlobId) -> Result<(), Error> {
        within(self.prepared()).await?.blobs.delete(id).await
    }

    pub(super) async fn ping(&self) -> Result<(), Error> {
        within(async {
            let ping = self.prepared().await?.database.run_command(doc! { "ping": 1 });
            ping.selection_criteria(SelectionCriteria::ReadPreference(ReadPreference::Primary)).await?;
            Ok(())
        })
        .await
    }

    /// The database, once its indexes are there; without them two attempts could mix their chunks.
    async fn prepared(&self) -> Result<&Prepared, Error> {
        let Inner { connection, prepared } = &*self.0;
        let prepare = async || {
            let database = connection.database().await?;
            let (documents, blobs) = (Documents::of(database), Blobs::of(database));
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

/// Ends a wait after [`OPERATION_MAX`]. The fate of a write is open then.
async fn within<T>(operation: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let ended = timeout(OPERATION_MAX, operation).await;
    ended.unwrap_or_else(|_| Err(Error::unavailable(anyhow!("no answer within {OPERATION_MAX:?}"))))
}
