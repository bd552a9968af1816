//! The pool, and a deadline on whatever is done with a connection.

use std::{fmt, future::Future, pin::Pin, time::Duration};

use anyhow::Context as _;
use mysql_async::{Conn, Pool};
use tokio::{
    runtime::Handle,
    time::{Instant, error::Elapsed, timeout, timeout_at},
};

use super::options;
use crate::Error;

/// Longest wait for a free connection, or for a new one to be opened.
const CONNECTION_WAIT_MAX: Duration = Duration::from_secs(1);
/// Longest that a connection after a failed call may take to be closed in order.
const CLOSE_MAX: Duration = Duration::from_secs(1);
/// Tries of a call that meets others on the same rows; each time at least one of them gets on.
const TRIES_MAX: usize = 5;
/// The transaction lost against another one and may be tried again: lock wait timeout, deadlock, and a row that
/// changed since the snapshot (`MariaDB`).
const CONFLICTS: [u16; 3] = [1205, 1213, 1020];
/// The table or a column of it is not there.
const NO_SCHEMA: [u16; 2] = [1146, 1054];

/// The server takes no connection of this account or to this database: no right to it, wrong password, no such database,
/// not from this host, no such account (`MariaDB`). To try again is no help.
const REFUSED: [u16; 5] = [1044, 1045, 1049, 1130, 1698];

/// What is done with one connection.
pub(super) type Work<'c, T> = Pin<Box<dyn Future<Output = mysql_async::Result<T>> + Send + 'c>>;

/// Connections to one server. Clones share them.
#[derive(Clone)]
pub(super) struct Connections {
    pool: Pool,
    /// Every worker of the HTTP server is a runtime of its own. A connection lives in the one where it was opened, and
    /// must not end with a worker that drains first.
    runtime: Handle,
}

impl Connections {
    /// Connects when it is first used.
    pub(super) fn new(url: &str) -> anyhow::Result<Self> {
        let runtime = Handle::try_current().context("connections need a runtime")?;
        Ok(Self { pool: Pool::new(options::parse(url)?), runtime })
    }

    /// Does `work` on `input` within `limit`, the wait for a connection included; where it loses against another
    /// transaction, it is done again. It goes on where the caller leaves, so a connection is never given back with half
    /// an answer in it.
    pub(super) async fn call<I: Send + Sync + 'static, T: Send + 'static>(
        &self,
        limit: Duration,
        input: I,
        work: for<'c> fn(&'c mut Conn, &'c I) -> Work<'c, T>,
    ) -> Result<T, Error> {
        let (pool, deadline) = (self.pool.clone(), Instant::now() + limit);
        let called = self.runtime.spawn(async move {
            let wait = timeout(CONNECTION_WAIT_MAX.min(limit), pool.get_conn());
            let mut connection = wait.await.map_err(|Elapsed { .. }| Error::store("no connection in time"))??;
            let done = timeout_at(deadline, retried(&mut connection, &input, work)).await;
            if !matches!(done, Ok(Ok(_))) {
                // Its answer may still be on its way, its transaction open, its lock held, its server one that takes no
                // changes any more. In the background, since a server that is away takes its time for that as well.
                tokio::spawn(timeout(CLOSE_MAX, connection.disconnect()));
            }
            Ok(done.map_err(|Elapsed { .. }| Error::store(format!("no answer within {limit:?}")))??)
        });
        // It ends early with the process only.
        called.await.map_err(Error::store)?
    }
}

/// The driver's own text would show the password.
impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connections(..)")
    }
}

async fn retried<I, T>(
    connection: &mut Conn,
    input: &I,
    work: for<'c> fn(&'c mut Conn, &'c I) -> Work<'c, T>,
) -> mysql_async::Result<T> {
    for _ in 1..TRIES_MAX {
        match work(connection, input).await {
            Err(cause) if is_one_of(&cause, &CONFLICTS) => tracing::debug!(%cause, "users_conflict"),
            done => return done,
        }
    }
    work(connection, input).await
}

/// Whether the server refused with one of these codes.
pub(super) fn is_one_of(cause: &mysql_async::Error, codes: &[u16]) -> bool {
    matches!(cause, mysql_async::Error::Server(refused) if codes.contains(&refused.code))
}

impl From<mysql_async::Error> for Error {
    fn from(cause: mysql_async::Error) -> Self {
        match cause {
            cause if is_one_of(&cause, &NO_SCHEMA) => Self::OldSchema,
            cause if is_one_of(&cause, &REFUSED) => Self::StoreRefused(cause.into()),
            cause => Self::store(cause),
        }
    }
}
