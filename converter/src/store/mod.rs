//! Conversion documents and their blobs, behind one contract.
//!
//! A closed enum: each kind of store is one variant and one folder beside this file. `tests/it/store/` holds every
//! kind to the same contract.

mod blob;
mod change;
mod embedded;
mod fate;
#[cfg(all(test, feature = "server"))]
pub(crate) mod faulty;
mod mongo;

use std::{ops::RangeInclusive, path::Path};

use crate::conversion::{BlobId, Conversion, ConversionId, Owner, Timestamp};

pub use blob::{BLOB_PIECE_BYTES, BlobBytes, BlobWriter};
pub use change::{Change, Flow, Seen};
use embedded::Embedded;
pub use fate::Fate;
use mongo::Mongo;

/// Why a store gave no answer. After an error of an update its fate is open.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the conversion store does not answer")]
    Unavailable(#[source] anyhow::Error),
    /// Of a newer version of the program, or damaged: it stays so, whoever asks again.
    #[error("the document of conversion {id} cannot be read")]
    Unreadable {
        id: ConversionId,
        #[source]
        cause: anyhow::Error,
    },
    #[error("the mp3 is gone")]
    BlobMissing,
}

impl Error {
    fn unavailable(cause: impl Into<anyhow::Error>) -> Self {
        Self::Unavailable(cause.into())
    }

    fn unreadable(id: ConversionId, cause: impl Into<anyhow::Error>) -> Self {
        Self::Unreadable { id, cause: cause.into() }
    }
}

/// One kind of work that documents wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Running, and the lease is over.
    DeadLease { now: Timestamp },
    /// With blobs to delete: not yet swept, or swept before the instant.
    Garbage { swept_before: Timestamp },
    /// Done and not announced: `pending`, or `published` before the instant.
    Announcement { published_before: Timestamp },
    /// Queued and not with the workers: `pending` since `now`, or `published` before the instant.
    Dispatch { now: Timestamp, published_before: Timestamp },
    /// Queued, and the deadline is over.
    Overdue { now: Timestamp },
    /// Done or failed, and `expires_at` is over: to become a tombstone.
    Expiry { now: Timestamp },
    /// Tombstones that are over and hold no garbage: to be removed.
    Removal { now: Timestamp },
    /// Of a user who was removed, and not yet a tombstone.
    Forgotten,
    /// Mails that were given up.
    DeadMail,
}

/// What waits for a worker.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QueueLoad {
    pub conversions: u64,
    /// Of their videos.
    pub bytes: u64,
    /// Conversions of the owner who was asked for.
    pub of_owner: u64,
}

/// Where a page of a list goes on: behind the conversion with this instant and id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    pub created_at: Timestamp,
    pub id: ConversionId,
}

/// Conversion documents and blobs.
#[derive(Debug, Clone)]
pub enum Store {
    /// SQLite and files in one folder, held by one process.
    Embedded(Embedded),
    /// MongoDB and its GridFS, shared by any number of processes.
    Mongo(Mongo),
    /// The embedded one, failing by a script.
    #[cfg(all(test, feature = "server"))]
    Faulty(faulty::Faulty),
}

impl Store {
    /// Opens the store that `url` names; `who` is what another process is told that wants the same folder, and what a
    /// server's log shows. A server may be away: each operation looks for it again.
    pub async fn open(url: &str, who: &str) -> anyhow::Result<Self> {
        match url.split_once(':') {
            Some(("file", "")) => anyhow::bail!("STORE_URL names no folder; it is file:FOLDER"),
            Some(("file", folder)) => Ok(Self::Embedded(Embedded::open(Path::new(folder), who).await?)),
            Some(("mongodb" | "mongodb+srv", _)) => Ok(Self::Mongo(Mongo::open(url, who).await?)),
            // Not the whole address: there may be a password in it.
            other => anyhow::bail!(
                "STORE_URL must be file:FOLDER or mongodb://USER:PASSWORD@HOST/DATABASE; it {}",
                other.map_or("has no scheme".to_owned(), |(scheme, _)| format!("begins with {scheme:?}")),
            ),
        }
    }

    /// Adds a document; false where its id exists already.
    pub async fn insert(&self, conversion: Conversion) -> Result<bool, Error> {
        match self {
            Self::Embedded(store) => store.insert(conversion).await,
            Self::Mongo(store) => store.insert(conversion).await,
            #[cfg(all(test, feature = "server"))]
            Self::Faulty(store) => store.insert(conversion).await,
        }
    }

    /// The newest version of a document that no failure can undo. [`Error::Unreadable`] where it holds no conversion.
    pub async fn get(&self, id: ConversionId) -> Result<Option<Conversion>, Error> {
        match self {
            Self::Embedded(store) => store.get(id).await,
            Self::Mongo(store) => store.get(id).await,
            #[cfg(all(test, feature = "server"))]
            Self::Faulty(store) => store.get(id).await,
        }
    }

    /// Applies one change to the document as it was read; false where it matched nothing.
    pub async fn update(&self, seen: Seen, change: Change) -> Result<bool, Error> {
        match self {
            Self::Embedded(store) => store.update(seen, change).await,
            Self::Mongo(store) => store.update(seen, change).await,
            #[cfg(all(test, feature = "server"))]
            Self::Faulty(store) => store.update(seen, change).await,
        }
    }

    /// Removes a tombstone whose garbage is empty; false where it matched nothing.
    pub async fn remove(&self, seen: Seen) -> Result<bool, Error> {
        match self {
            Self::Embedded(store) => store.remove(seen).await,
            Self::Mongo(store) => store.remove(seen).await,
            #[cfg(all(test, feature = "server"))]
            Self::Faulty(store) => store.remove(seen).await,
        }
    }

    /// An owner's conversions without tombstones, newest first, at most `limit`.
    pub async fn list(&self, owner: &Owner, after: Option<Cursor>, limit: usize) -> Result<Vec<Conversion>, Error> {
        match self {
            Self::Embedded(store) => store.list(owner.clone(), after, limit).await,
            Self::Mongo(store) => store.list(owner.clone(), after, limit).await,
            #[cfg(all(test, feature = "server"))]
            Self::Faulty(store) => store.list(owner.clone(), after, limit).await,
        }
    }

    /// Those of some documents that have not ended: they wait in the queue, or are converted.
    pub async fn open_among(&self, ids: Vec<ConversionId>) -> Result<Vec<ConversionId>, Error> {
        match self {
            Self::Embedded(store) => store.open_among(ids).await,
            Self::Mongo(store) => store.open_among(ids).await,
            #[cfg(all(test, feature = "server"))]
            Self::Faulty(store) => store.open_among(ids).await,
        }
    }

    /// Documents that wait for one kind of work, at most `limit`. As in a list, those that cannot be read are logged and
    /// left out.
    pub async fn due(&self, due: Due, limit: usize) -> Result<Vec<Conversion>, Error> {
        match self {
            Self::Embedded(store) => store.due(due, limit).await,
            Self::Mongo(store) => store.due(due, limit).await,
            #[cfg(all(test, feature = "server"))]
            Self::Faulty(store) => store.due(due, limit).await,
        }
    }

    /// What is queued, and how much of it is one owner's.
    pub async fn queue_load(&self, owner: &Owner) -> Result<QueueLoad, Error> {
        match self {
            Self::Embedded(store) => store.queue_load(owner.clone()).await,
            Self::Mongo(store) => store.queue_load(owner.clone()).await,
            #[cfg(all(test, feature = "server"))]
            Self::Faulty(store) => store.queue_load(owner.clone()).await,
        }
    }

    /// The user is gone: the sweep makes tombstones of all that is theirs, also of what is added later.
    pub async fn forget(&self, owner: &Owner) -> Result<(), Error> {
        match self {
            Self::Embedded(store) => store.forget(owner.clone()).await,
            Self::Mongo(store) => store.forget(owner.clone()).await,
            #[cfg(all(test, feature = "server"))]
            Self::Faulty(store) => store.forget(owner.clone()).await,
        }
    }

    /// Starts a blob; an unfinished one is deleted through the garbage entry of its attempt.
    pub async fn create_blob(&self, id: BlobId) -> Result<BlobWriter, Error> {
        match self {
            Self::Embedded(store) => Ok(BlobWriter::Embedded(store.create_blob(id).await?)),
            Self::Mongo(store) => Ok(BlobWriter::Mongo(store.create_blob(id).await?)),
            #[cfg(all(test, feature = "server"))]
            Self::Faulty(store) => Ok(BlobWriter::Faulty(store.create_blob(id).await?)),
        }
    }

    /// Reads bytes `range` of a blob. A missing piece ends the stream with an error, never cleanly.
    pub async fn read_blob(&self, id: BlobId, range: RangeInclusive<u64>) -> Result<BlobBytes, Error> {
        match self {
            Self::Embedded(store) => store.read_blob(id, range).await,
            Self::Mongo(store) => store.read_blob(id, range).await,
            #[cfg(all(test, feature = "server"))]
            Self::Faulty(store) => store.read_blob(id, range).await,
        }
    }

    /// Deletes whatever there is of a blob, finished or not.
    pub async fn delete_blob(&self, id: BlobId) -> Result<(), Error> {
        match self {
            Self::Embedded(store) => store.delete_blob(id).await,
            Self::Mongo(store) => store.delete_blob(id).await,
            #[cfg(all(test, feature = "server"))]
            Self::Faulty(store) => store.delete_blob(id).await,
        }
    }

    /// Whether the store answers.
    pub async fn ping(&self) -> Result<(), Error> {
        match self {
            Self::Embedded(store) => store.ping().await,
            Self::Mongo(store) => store.ping().await,
            #[cfg(all(test, feature = "server"))]
            Self::Faulty(store) => store.ping().await,
        }
    }
}
