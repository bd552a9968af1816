//! SQLite for the embedded stores: connections on threads of their own, behind a bounded queue.

use std::{path::Path, thread, time::Duration};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

/// Longest queue of waiting statements; callers wait in line behind it.
const QUEUE_MAX: usize = 256;
/// How long a statement waits for a lock that another connection holds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// Why a statement gave no result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the database failed")]
    Sql(#[from] rusqlite::Error),
    #[error("the database thread is gone")]
    Gone,
}

/// One writer and one reader connection to a database in WAL mode.
#[derive(Debug, Clone)]
pub struct Database {
    writer: mpsc::Sender<Job>,
    reader: mpsc::Sender<Job>,
}

impl Database {
    /// Opens or creates the file; `schema` (idempotent SQL) runs first. A commit is on the disk when it returns.
    pub fn open(path: &Path, schema: &str) -> Result<Self, Error> {
        let writer = connect(path)?;
        writer.execute_batch(schema)?;
        Ok(Self { writer: spawn(writer), reader: spawn(connect(path)?) })
    }

    /// Runs `work` on the writer's thread in one transaction; an error rolls it back.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&rusqlite::Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        call(&self.writer, move |connection| {
            let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            let value = work(&transaction)?;
            transaction.commit()?;
            Ok(value)
        })
        .await
    }

    /// Runs `work` on the reader's thread; it sees everything committed before the call.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        call(&self.reader, move |connection| work(connection)).await
    }
}

fn connect(path: &Path) -> Result<Connection, Error> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    Ok(connection)
}

/// The thread ends when the last sender is dropped.
fn spawn(mut connection: Connection) -> mpsc::Sender<Job> {
    let (jobs, mut queue) = mpsc::channel::<Job>(QUEUE_MAX);
    thread::spawn(move || {
        while let Some(job) = queue.blocking_recv() {
            job(&mut connection);
        }
    });
    jobs
}

async fn call<T: Send + 'static>(
    thread: &mpsc::Sender<Job>,
    work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
) -> Result<T, Error> {
    let (answer, answered) = oneshot::channel();
    let job = Box::new(move |connection: &mut Connection| {
        let _ = answer.send(work(connection));
    });
    thread.send(job).await.map_err(|_| Error::Gone)?;
    Ok(answered.await.map_err(|_| Error::Gone)??)
}
