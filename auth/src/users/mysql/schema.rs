//! The schema in numbered steps. `auth migrate` takes them, the service only looks.
//!
//! While replicas are replaced, the old program runs on the new schema: a step adds, and what it takes away must not
//! have been used by the release before. A step that was interrupted is taken again, so each can be repeated.

use std::time::Duration;

use anyhow::bail;
use mysql_async::{Conn, prelude::Queryable as _};

use super::connections::Connections;
use crate::{Error, users::now_ms};

/// The steps; the first leads to version 1.
const STEPS: [&str; 2] = [include_str!("migrations/001_users.sql"), include_str!("migrations/002_removed.sql")];
const VERSIONS: &str = "
    CREATE TABLE IF NOT EXISTS schema_version (version INT NOT NULL PRIMARY KEY, applied_at BIGINT NOT NULL)
    ENGINE = InnoDB";
/// Longest wait for another migration.
const LOCK_WAIT: Duration = Duration::from_secs(30);
/// Longest migration, with its wait; a step copies a table at worst.
const MIGRATION_MAX: Duration = Duration::from_mins(10);
/// A server has one name space of locks, with names of up to 64 characters, for all its databases.
const LOCK: &str = "CONCAT('auth.', SHA2(DATABASE(), 224))";

/// How a migration ended.
enum Migration {
    Done,
    Locked,
    Newer(usize),
}

/// Brings the schema to this program's version. Several at once wait for each other.
pub(super) async fn migrate(connections: &Connections) -> anyhow::Result<()> {
    match connections.call(MIGRATION_MAX, (), |connection, ()| Box::pin(locked(connection))).await? {
        Migration::Done => Ok(()),
        Migration::Locked => bail!("another migration has been running for {LOCK_WAIT:?}; try again when it has ended"),
        Migration::Newer(found) => {
            bail!(
                "the user store has schema version {found}, this program knows {}; use the newer program",
                STEPS.len()
            )
        }
    }
}

/// The lock ends with the connection where a step fails.
async fn locked(connection: &mut Conn) -> mysql_async::Result<Migration> {
    let got: Option<Option<i64>> =
        connection.exec_first(format!("SELECT GET_LOCK({LOCK}, ?)"), (LOCK_WAIT.as_secs(),)).await?;
    if got.flatten() != Some(1) {
        return Ok(Migration::Locked);
    }
    let migration = steps(connection).await?;
    connection.query_drop(format!("DO RELEASE_LOCK({LOCK})")).await?;
    Ok(migration)
}

async fn steps(connection: &mut Conn) -> mysql_async::Result<Migration> {
    connection.query_drop(VERSIONS).await?;
    let found = version(connection).await?;
    if found > STEPS.len() {
        return Ok(Migration::Newer(found));
    }
    for (index, step) in STEPS.iter().enumerate().skip(found) {
        connection.query_drop(*step).await?;
        let applied = (index + 1, now_ms());
        connection.exec_drop("INSERT INTO schema_version (version, applied_at) VALUES (?, ?)", applied).await?;
        tracing::info!(version = index + 1, "schema_migrated");
    }
    Ok(Migration::Done)
}

/// Zero where no step was taken yet.
async fn version(connection: &mut Conn) -> mysql_async::Result<usize> {
    let found: Option<Option<usize>> = connection.query_first("SELECT MAX(version) FROM schema_version").await?;
    Ok(found.flatten().unwrap_or_default())
}

/// Whether the server answers and its schema has all that this program needs. A newer one has.
pub(super) async fn check(connections: &Connections, limit: Duration) -> Result<(), Error> {
    let found = connections.call(limit, (), |connection, ()| Box::pin(version(connection))).await?;
    if found < STEPS.len() { Err(Error::OldSchema) } else { Ok(()) }
}
