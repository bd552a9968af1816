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

use std::{
    ops::RangeInclusive,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use chassis::chain;
use mongodb::{
    Database,
    bson::doc,
    options::{ReadPreference, SelectionCriteria},
};
use tokio::sync::OnceCell;

use super::{BlobBytes, Change, Cursor, Due, Error, QueueLoad, Seen};
use crate::conversion::{BlobId, Bucket, Conversion, ConversionId, Owner};
use blobs::Blobs;
use connection::Connection;
use documents::Documents;
use lanes::Lanes;

pub(super) use blobs::BlobWriter;

/// How often a ping looks after the indexes: under a running process, a database may be dropped or restored from a copy
/// that has none.
const INDEXES_REST: Duration = Duration::from_mins(1);

/// See [`super::Store::Mongo`].
#[derive(Debug, Clone)]
pub struct Mongo(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    connection: Connection,
    lanes: Lanes,
    indexes_rest: Duration,
    prepared: OnceCell<Prepared>,
}

/// A database whose indexes exist.
#[derive(Debug)]
struct Prepared {
    database: Database,
    documents: Documents,
    mp3s: Blobs,
    videos: Blobs,
    /// When the indexes were there for sure.
    indexed_at: Mutex<Instant>,
}

impl Prepared {
    async fn prepare(&self) -> Result<(), Error> {
        let begun = Instant::now();
        self.documents.prepare().await?;
        self.mp3s.prepare().await?;
        self.videos.prepare().await?;
        *self.indexed_at.lock().unwrap_or_else(PoisonError::into_inner) = begun;
        Ok(())
    }

    fn bucket_of(&self, id: BlobId) -> &Blobs {
        match id.bucket() {
            Bucket::Mp3s => &self.mp3s,
            Bucket::Videos => &self.videos,
        }
    }

    fn indexes_age(&self) -> Duration {
        self.indexed_at.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }
}

impl Mongo {
    /// Reads the address, and no more than that waits: a server that is away is looked for again by every operation.
    /// `who` is the service, for the server's log.
    pub(super) async fn open(url: &str, who: &str) -> anyhow::Result<Self> {
        Self::open_with(url, who, INDEXES_REST).await
    }

    async fn open_with(url: &str, who: &str, indexes_rest: Duration) -> anyhow::Result<Self> {
        let connection = Connection::parse(url, who).await?;
        let lanes = Lanes::of(connection.connections_max());
        let store = Self(Arc::new(Inner { connection, lanes, indexes_rest, prepared: OnceCell::new() }));
        let preparing = store.clone();
        tokio::spawn(async move {
            if let Err(cause) = preparing.prepare().await {
                tracing::warn!(
                    cause = chain(&cause),
                    "the conversion store is prepared by the first operation that reaches it"
                );
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

    pub(super) async fn open_among(&self, ids: Vec<ConversionId>) -> Result<Vec<ConversionId>, Error> {
        let store = self.clone();
        self.0.lanes.document(async move { store.prepared().await?.documents.open_among(&ids).await }).await
    }

    pub(super) async fn queue_load(&self, owner: Owner) -> Result<QueueLoad, Error> {
        let store = self.clone();
        self.0.lanes.document(async move { store.prepared().await?.documents.queue_load(&owner).await }).await
    }

    pub(super) async fn forget(&self, owner: Owner) -> Result<(), Error> {
        let store = self.clone();
        self.0.lanes.document(async move { store.prepared().await?.documents.forget(owner).await }).await
    }

    pub(super) async fn create_blob(&self, id: BlobId) -> Result<BlobWriter, Error> {
        self.prepare().await?;
        Ok(self.prepared().await?.bucket_of(id).create(id))
    }

    pub(super) async fn read_blob(&self, id: BlobId, range: RangeInclusive<u64>) -> Result<BlobBytes, Error> {
        self.prepare().await?;
        self.prepared().await?.bucket_of(id).read(id, range).await
    }

    pub(super) async fn delete_blob(&self, id: BlobId) -> Result<(), Error> {
        self.prepare().await?;
        self.prepared().await?.bucket_of(id).delete(id).await
    }

    pub(super) async fn ping(&self) -> Result<(), Error> {
        let store = self.clone();
        let ping = async move {
            let prepared = store.prepared().await?;
            let ping = prepared.database.run_command(doc! { "ping": 1 });
            ping.selection_criteria(SelectionCriteria::ReadPreference(ReadPreference::Primary)).await?;
            if prepared.indexes_age() < store.0.indexes_rest { Ok(()) } else { prepared.prepare().await }
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
        let Inner { connection, lanes, prepared, .. } = &*self.0;
        let prepare = async || {
            let database = connection.database().await?;
            let made = Prepared {
                database: database.clone(),
                documents: Documents::of(database),
                mp3s: Blobs::of(database, Bucket::Mp3s, lanes.clone()),
                videos: Blobs::of(database, Bucket::Videos, lanes.clone()),
                indexed_at: Mutex::new(Instant::now()),
            };
            made.prepare().await?;
            Ok(made)
        };
        prepared.get_or_try_init(prepare).await
    }
}

impl From<mongodb::error::Error> for Error {
    fn from(cause: mongodb::error::Error) -> Self {
        Self::unavailable(cause)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::TryStreamExt as _;
    use mongodb::bson::Document;

    use super::*;

    #[tokio::test]
    async fn indexes_of_a_database_that_was_dropped_are_made_again() {
        let Some(shared) = testbed::shared_or_skip(testbed::Kind::Mongo).map(testbed::Shared::url) else { return };
        let (server, options) = shared.split_once('?').unwrap_or((shared, ""));
        let host = server.trim_start_matches("mongodb://").split('/').next().expect("a host");
        let url = format!("mongodb://{host}/{}?{options}", testbed::unique("store"));
        for (rest, is_indexed) in [(Duration::ZERO, true), (Duration::from_hours(1), false)] {
            let store = Mongo::open_with(&url, "the test", rest).await.expect("an address");
            store.ping().await.expect("the store answers");
            let database = &store.prepared().await.expect("the store answers").database;
            database.drop().await.expect("the server answers");
            store.ping().await.expect("the store answers");

            let keys = |index: mongodb::IndexModel| index.keys;
            let found: Vec<Document> = match database.collection::<Document>("mp3s.chunks").list_indexes().await {
                Ok(indexes) => indexes.map_ok(keys).try_collect().await.expect("the server answers"),
                Err(_) => vec![], // no such collection
            };
            assert_eq!(found.contains(&doc! { "files_id": 1, "n": 1 }), is_indexed, "{found:?}");
            database.drop().await.expect("the server answers");
        }
    }
}
