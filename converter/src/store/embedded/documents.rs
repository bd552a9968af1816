//! Conversion documents as JSON rows; SQLite's expression indexes find the ones that are due.

use std::path::Path;

use chassis::sqlite::{self, Database};
use rusqlite::{Connection, OptionalExtension as _, Row, ToSql, params};

use super::super::{Change, Cursor, Due, Error, QueueLoad, Seen};
use crate::conversion::{Conversion, ConversionId, Owner, State};

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS conversions (
        id TEXT PRIMARY KEY,
        document TEXT NOT NULL,
        owner TEXT AS (document ->> '$.owner') VIRTUAL,
        state TEXT AS (document ->> '$.state') VIRTUAL,
        created_at INTEGER AS (document ->> '$.created_at') VIRTUAL,
        lease_until INTEGER AS (document ->> '$.lease.until') VIRTUAL,
        notify_state TEXT AS (document ->> '$.notify.state') VIRTUAL,
        notify_at INTEGER AS (document ->> '$.notify.at') VIRTUAL,
        garbage_count INTEGER AS (json_array_length(document, '$.garbage')) VIRTUAL,
        expires_at INTEGER AS (document ->> '$.expires_at') VIRTUAL
    );
    CREATE INDEX IF NOT EXISTS by_owner ON conversions (owner, created_at, id);
    CREATE INDEX IF NOT EXISTS by_lease ON conversions (lease_until) WHERE state = 'running';
    CREATE INDEX IF NOT EXISTS by_notify ON conversions (notify_state, notify_at);
    CREATE INDEX IF NOT EXISTS by_garbage ON conversions (id) WHERE garbage_count > 0;
    CREATE INDEX IF NOT EXISTS by_expiry ON conversions (expires_at) WHERE expires_at IS NOT NULL;
    CREATE INDEX IF NOT EXISTS by_dispatch ON conversions (document ->> '$.dispatch.at') WHERE state = 'queued';
    CREATE TABLE IF NOT EXISTS forgotten_owners (owner TEXT PRIMARY KEY);
";

/// The table of conversion documents.
#[derive(Debug)]
pub(super) struct Documents(Database);

impl Documents {
    pub(super) fn open(path: &Path) -> Result<Self, sqlite::Error> {
        Database::open(path, SCHEMA).map(Self)
    }

    /// Ends every lease: the process that held them is gone.
    pub(super) async fn end_leases(&self) -> Result<(), sqlite::Error> {
        let end = "UPDATE conversions SET document = json_set(document, '$.lease.until', 0) WHERE state = 'running'";
        self.0.write(move |db| db.execute(end, [])).await.map(drop)
    }

    pub(super) async fn insert(&self, conversion: Conversion) -> Result<bool, Error> {
        let insert = "INSERT INTO conversions (id, document) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        let write =
            self.0.write(move |db| Ok(db.execute(insert, params![text(conversion.id), json(&conversion)?])? == 1));
        write.await.map_err(Error::unavailable)
    }

    pub(super) async fn get(&self, id: ConversionId) -> Result<Option<Conversion>, Error> {
        self.0.read(move |db| load(db, id)).await.map_err(|cause| failed(id, cause))
    }

    pub(super) async fn update(&self, seen: Seen, change: Change) -> Result<bool, Error> {
        let write = self.0.write(move |db| {
            let Some(mut document) = load(db, seen.id)?.filter(|document| document.seen() == seen) else {
                return Ok(false);
            };
            if !change.apply(&mut document) {
                return Ok(false);
            }
            let update = "UPDATE conversions SET document = ?2 WHERE id = ?1";
            Ok(db.execute(update, params![text(seen.id), json(&document)?])? == 1)
        });
        write.await.map_err(|cause| failed(seen.id, cause))
    }

    pub(super) async fn remove(&self, seen: Seen) -> Result<bool, Error> {
        let write = self.0.write(move |db| {
            let document = load(db, seen.id)?;
            let removable = |document: &Conversion| {
                document.seen() == seen && document.state == State::Deleted && document.garbage.is_empty()
            };
            if !document.as_ref().is_some_and(removable) {
                return Ok(false);
            }
            Ok(db.execute("DELETE FROM conversions WHERE id = ?1", [text(seen.id)])? == 1)
        });
        write.await.map_err(|cause| failed(seen.id, cause))
    }

    pub(super) async fn list(
        &self,
        owner: Owner,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Vec<Conversion>, Error> {
        let read = self.0.read(move |db| match after {
            None => {
                select(db, "owner = ?1 AND state <> 'deleted' ORDER BY created_at DESC, id DESC", limit, &[&owner.0])
            }
            Some(Cursor { created_at, id }) => select(
                db,
                "owner = ?1 AND state <> 'deleted' AND (created_at, id) < (?2, ?3) ORDER BY created_at DESC, id DESC",
                limit,
                &[&owner.0, &signed(created_at.0), &text(id)],
            ),
        });
        read.await.map_err(Error::unavailable)
    }

    pub(super) async fn due(&self, due: Due, limit: usize) -> Result<Vec<Conversion>, Error> {
        let read = self.0.read(move |db| match due {
            Due::DeadLease { now } => {
                select(db, "state = 'running' AND lease_until <= ?1 ORDER BY lease_until", limit, &[&signed(now.0)])
            }
            Due::Garbage { swept_before } => select(
                db,
                "garbage_count > 0 AND EXISTS (SELECT 1 FROM json_each(document, '$.garbage') AS entry
                     WHERE coalesce(entry.value ->> '$.swept_at', 0) < ?1)",
                limit,
                &[&signed(swept_before.0)],
            ),
            Due::Announcement { published_before } => select(
                db,
                "notify_state = 'pending' OR (notify_state = 'published' AND notify_at < ?1) ORDER BY notify_at",
                limit,
                &[&signed(published_before.0)],
            ),
            Due::Dispatch { now, published_before } => select(
                db,
                "state = 'queued' AND document ->> '$.dispatch.at' <= ?1 AND
                     (document ->> '$.dispatch.state' = 'pending' OR document ->> '$.dispatch.at' < ?2)
                     ORDER BY document ->> '$.dispatch.at'",
                limit,
                &[&signed(now.0), &signed(published_before.0)],
            ),
            Due::Overdue { now } => {
                select(db, "state = 'queued' AND document ->> '$.dispatch.deadline' <= ?1", limit, &[&signed(now.0)])
            }
            Due::Expiry { now } => select(
                db,
                "state IN ('done', 'failed') AND expires_at <= ?1 ORDER BY expires_at",
                limit,
                &[&signed(now.0)],
            ),
            Due::Removal { now } => select(
                db,
                "state = 'deleted' AND garbage_count = 0 AND expires_at <= ?1 ORDER BY expires_at",
                limit,
                &[&signed(now.0)],
            ),
            Due::Forgotten => {
                select(db, "owner IN (SELECT owner FROM forgotten_owners) AND state <> 'deleted'", limit, &[])
            }
            Due::DeadMail => select(db, "notify_state = 'dead' ORDER BY notify_at", limit, &[]),
        });
        read.await.map_err(Error::unavailable)
    }

    pub(super) async fn open_among(&self, ids: &[ConversionId]) -> Result<Vec<ConversionId>, Error> {
        let open = "SELECT id FROM conversions
            WHERE id IN (SELECT value FROM json_each(?1)) AND state IN ('queued', 'running')";
        let ids = serde_json::to_string(ids).map_err(Error::unavailable)?;
        let read = self.0.read(move |db| {
            let mut select = db.prepare_cached(open)?;
            select.query_map([ids], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()
        });
        let found = read.await.map_err(Error::unavailable)?;
        Ok(found.iter().filter_map(|id| id.parse().ok()).collect())
    }

    pub(super) async fn queue_load(&self, owner: Owner) -> Result<QueueLoad, Error> {
        let count = "SELECT count(*), coalesce(sum(document ->> '$.video.bytes'), 0), coalesce(sum(owner = ?1), 0)
            FROM conversions WHERE state = 'queued'";
        let read = self.0.read(move |db| {
            db.prepare_cached(count)?.query_row([owner.0], |row| {
                let number = |column| row.get::<_, i64>(column).map(i64::unsigned_abs);
                Ok(QueueLoad { conversions: number(0)?, bytes: number(1)?, of_owner: number(2)? })
            })
        });
        read.await.map_err(Error::unavailable)
    }

    pub(super) async fn forget(&self, owner: Owner) -> Result<(), Error> {
        let insert = "INSERT INTO forgotten_owners (owner) VALUES (?1) ON CONFLICT DO NOTHING";
        self.0.write(move |db| db.execute(insert, [owner.0])).await.map(drop).map_err(Error::unavailable)
    }

    pub(super) async fn ping(&self) -> Result<(), Error> {
        self.0.read(|db| db.query_row("SELECT 1", [], |_| Ok(()))).await.map_err(Error::unavailable)
    }
}

/// Why nothing was done with one document.
fn failed(id: ConversionId, cause: sqlite::Error) -> Error {
    match cause {
        sqlite::Error::Sql(rusqlite::Error::FromSqlConversionFailure(..)) => Error::unreadable(id, cause),
        _ => Error::unavailable(cause),
    }
}

fn load(db: &Connection, id: ConversionId) -> rusqlite::Result<Option<Conversion>> {
    let mut select = db.prepare_cached("SELECT document FROM conversions WHERE id = ?1")?;
    select.query_row([text(id)], document).optional()
}

fn select(db: &Connection, matching: &str, limit: usize, values: &[&dyn ToSql]) -> rusqlite::Result<Vec<Conversion>> {
    let (mut found, mut unreadable) = (Vec::new(), 0);
    loop {
        let (wanted, passed) = (limit - found.len(), found.len() + unreadable);
        let page = format!("SELECT document, id FROM conversions WHERE {matching} LIMIT {wanted} OFFSET {passed}");
        let mut select = db.prepare_cached(&page)?;
        let mut rows = select.query(values)?;
        while let Some(row) = rows.next()? {
            match document(row) {
                Ok(conversion) => found.push(conversion),
                Err(cause) => {
                    let id: String = row.get(1)?;
                    tracing::error!(id, %cause, "a conversion document cannot be read");
                    unreadable += 1;
                }
            }
        }
        // Documents that cannot be read must not hide the others from the sweeper and the relay: the next ones take
        // their places.
        if found.len() == limit || found.len() + unreadable < passed + wanted {
            return Ok(found);
        }
    }
}

fn document(row: &Row<'_>) -> rusqlite::Result<Conversion> {
    let json: String = row.get(0)?;
    serde_json::from_str(&json)
        .map_err(|e| rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(e)))
}

fn json(conversion: &Conversion) -> rusqlite::Result<String> {
    serde_json::to_string(conversion).map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))
}

fn text(id: ConversionId) -> String {
    id.to_string()
}

/// SQLite's integers are signed; an instant in milliseconds fits for 292 million years.
fn signed(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}
