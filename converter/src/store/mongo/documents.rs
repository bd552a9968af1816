//! Conversion documents, one conditional update at a time.

use std::time::Instant;

use anyhow::anyhow;
use futures_util::TryStreamExt as _;
use mongodb::{
    Collection, Database, IndexModel,
    bson::{Bson, Document, doc},
    error::{Error as DriverError, ErrorKind, WriteFailure},
};

use super::{encoding, lanes::OPERATION_MAX, queries};
use crate::{
    conversion::{Conversion, ConversionId, Owner, State},
    store::{Change, Cursor, Due, Error, QueueLoad, Seen},
};

/// How often an update is tried that another one overtakes. One document is written by its holder, a notifier, a relay
/// and one sweeper a replica, so even a few rounds are rare.
const UPDATE_TRIES_MAX: usize = 20;
/// Removed users that one query asks for; they are never forgotten, so there may be any number.
const OWNERS_PER_QUERY: usize = 500;
/// MongoDB's code of a key that exists.
const DUPLICATE_KEY: i32 = 11_000;

/// The collection of conversions, and that of removed users.
#[derive(Debug)]
pub(super) struct Documents {
    conversions: Collection<Document>,
    forgotten_owners: Collection<Document>,
}

impl Documents {
    pub(super) fn of(database: &Database) -> Self {
        let conversions = database.collection("conversions");
        Self { conversions, forgotten_owners: database.collection("forgotten_owners") }
    }

    /// Creates the indexes that are not there.
    pub(super) async fn prepare(&self) -> Result<(), Error> {
        let indexes = queries::indexes().map(|keys| IndexModel::builder().keys(keys).build());
        self.conversions.create_indexes(indexes).await?;
        Ok(())
    }

    pub(super) async fn insert(&self, conversion: &Conversion) -> Result<bool, Error> {
        let document = encoding::first(conversion).map_err(Error::unavailable)?;
        is_new(self.conversions.insert_one(document).await.map(drop))
    }

    pub(super) async fn get(&self, id: ConversionId) -> Result<Option<Conversion>, Error> {
        let found = self.read(id).await?;
        found.map(encoding::decode).transpose().map_err(|cause| Error::unreadable(id, cause))
    }

    async fn read(&self, id: ConversionId) -> Result<Option<Document>, DriverError> {
        self.conversions.find_one(doc! { encoding::ID: id.to_string() }).await
    }

    /// [`Change::apply`] decides here, as in every store; the server writes the result only over what was read.
    pub(super) async fn update(&self, seen: Seen, change: &Change) -> Result<bool, Error> {
        let begun = Instant::now();
        for _ in 0..UPDATE_TRIES_MAX {
            let Some(document) = self.read(seen.id).await? else { return Ok(false) };
            let as_read = encoding::as_read(&document);
            let before = encoding::decode(document).map_err(|cause| Error::unreadable(seen.id, cause))?;
            let mut after = before.clone();
            if before.seen() != seen || !change.clone().apply(&mut after) {
                return Ok(false);
            }
            let update = encoding::difference(&before, &after).map_err(Error::unavailable)?;
            if self.conversions.update_one(as_read, update).await?.matched_count == 1 {
                return Ok(true);
            }
            // Another update came between, e.g. a heartbeat: whether this one still applies is read again.
            if begun.elapsed() > OPERATION_MAX {
                break; // its caller was answered
            }
        }
        Err(Error::unavailable(anyhow!("the document was overtaken again and again")))
    }

    pub(super) async fn remove(&self, seen: Seen) -> Result<bool, Error> {
        if seen.state != State::Deleted {
            return Ok(false);
        }
        let removable = doc! {
            encoding::ID: seen.id.to_string(),
            "attempt": seen.attempt.to_string(),
            "state": "deleted",
            "garbage": { "$size": 0 },
        };
        Ok(self.conversions.delete_one(removable).await?.deleted_count == 1)
    }

    pub(super) async fn list(
        &self,
        owner: &Owner,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Vec<Conversion>, Error> {
        let (filter, order) = queries::page(owner, after);
        self.select(filter, order, limit).await
    }

    pub(super) async fn due(&self, due: Due, limit: usize) -> Result<Vec<Conversion>, Error> {
        match queries::due(due) {
            Some((filter, order)) => self.select(filter, order, limit).await,
            None => self.forgotten(limit).await,
        }
    }

    async fn forgotten(&self, limit: usize) -> Result<Vec<Conversion>, Error> {
        let mut owners = self.forgotten_owners.find(doc! {}).sort(doc! { "_id": 1 }).await?;
        let (mut found, mut asked) = (Vec::new(), Vec::new());
        loop {
            let next = owners.try_next().await?;
            let is_last = next.is_none();
            asked.extend(next.as_ref().and_then(|owner| owner.get_str("_id").ok()).map(str::to_owned));
            if asked.len() == OWNERS_PER_QUERY || is_last {
                let filter = queries::owned_by(std::mem::take(&mut asked));
                found.extend(self.select(filter, doc! {}, limit - found.len()).await?);
            }
            if is_last || found.len() >= limit {
                return Ok(found);
            }
        }
    }

    pub(super) async fn open_among(&self, ids: &[ConversionId]) -> Result<Vec<ConversionId>, Error> {
        let ids = ids.iter().map(ToString::to_string).collect();
        let only_id = doc! { encoding::ID: 1 };
        let mut found = self.conversions.find(queries::open_among(ids)).projection(only_id).await?;
        let mut open = vec![];
        while let Some(document) = found.try_next().await? {
            open.extend(document.get_str(encoding::ID).ok().and_then(|id| id.parse::<ConversionId>().ok()));
        }
        Ok(open)
    }

    pub(super) async fn queue_load(&self, owner: &Owner) -> Result<QueueLoad, Error> {
        let counted = self.conversions.aggregate(queries::queue_load(owner)).await?.try_next().await?;
        // A server sums in the smallest type that holds the sum.
        let number = |name| match counted.as_ref().and_then(|counted| counted.get(name)) {
            Some(Bson::Int32(number)) => u64::from(number.unsigned_abs()),
            Some(Bson::Int64(number)) => number.unsigned_abs(),
            _ => 0,
        };
        Ok(QueueLoad { conversions: number("conversions"), bytes: number("bytes"), of_owner: number("of_owner") })
    }

    pub(super) async fn forget(&self, owner: Owner) -> Result<(), Error> {
        is_new(self.forgotten_owners.insert_one(doc! { "_id": owner.0 }).await.map(drop)).map(drop)
    }

    /// The server is not told the limit: one that cannot be read here must not hide the next ones.
    async fn select(&self, filter: Document, order: Document, limit: usize) -> Result<Vec<Conversion>, Error> {
        let batch = u32::try_from(limit).unwrap_or(u32::MAX);
        let mut documents = self.conversions.find(filter).sort(order).batch_size(batch).await?;
        let mut found = Vec::new();
        while found.len() < limit
            && let Some(document) = documents.try_next().await?
        {
            let id = document.get(encoding::ID).cloned();
            match encoding::decode(document) {
                Ok(conversion) => found.push(conversion),
                Err(cause) => tracing::error!(?id, %cause, "a conversion document cannot be read"),
            }
        }
        Ok(found)
    }
}

/// False where the document's key was taken.
fn is_new(inserted: Result<(), DriverError>) -> Result<bool, Error> {
    match inserted {
        Ok(()) => Ok(true),
        Err(error) => match &*error.kind {
            ErrorKind::Write(WriteFailure::WriteError(cause)) if cause.code == DUPLICATE_KEY => Ok(false),
            _ => Err(error.into()),
        },
    }
}
