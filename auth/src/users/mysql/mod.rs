//! Users in MySQL or `MariaDB`, for any number of replicas.

mod connections;
mod options;
mod schema;

use std::time::Duration;

use mysql_async::{Conn, DriverError, Row, TxOpts, from_row_opt, prelude::Queryable};

use self::connections::{Connections, is_one_of};
use super::{Account, NewAccount, now_ms};
use crate::{
    Error,
    client::{Removed, User},
    password::PasswordHash,
};

/// Longest lookup. Shorter than a readiness check may take, so that the check can say what is missing.
const READ_MAX: Duration = Duration::from_millis(1500);
/// Longest change, all its tries together. A change follows a lookup, that of the caller, and both are to fit into the
/// five seconds that a caller of auth waits.
const WRITE_MAX: Duration = Duration::from_secs(3);
/// The name is taken.
const DUPLICATE: [u16; 1] = [1062];

/// The columns of [`account`].
const SELECT: &str = "SELECT id, username, email, password_hash, isadmin, created_at, token_generation FROM users";
const INSERT: &str =
    "INSERT INTO users (id, username, email, password_hash, isadmin, created_at) VALUES (?, ?, ?, ?, ?, ?)";

/// One database of a server.
#[derive(Debug, Clone)]
pub struct MysqlUsers {
    connections: Connections,
}

impl MysqlUsers {
    /// Connects when it is first used: a service starts without its server.
    pub(super) fn open(url: &str) -> anyhow::Result<Self> {
        Ok(Self { connections: Connections::new(url)? })
    }

    pub(super) async fn migrate(&self) -> anyhow::Result<()> {
        schema::migrate(&self.connections).await
    }

    pub(super) async fn ping(&self) -> Result<(), Error> {
        schema::check(&self.connections, READ_MAX).await
    }

    pub(super) async fn by_name(&self, username: String) -> Result<Option<Account>, Error> {
        if is_padded(&username) {
            return Ok(None);
        }
        self.connections
            .call(READ_MAX, username, |connection, username| Box::pin(one(connection, "username", username)))
            .await
    }

    pub(super) async fn by_id(&self, id: String) -> Result<Option<Account>, Error> {
        self.connections.call(READ_MAX, id, |connection, id| Box::pin(one(connection, "id", id))).await
    }

    pub(super) async fn list(&self, after: String, rows_max: usize) -> Result<Vec<User>, Error> {
        self.connections
            .call(READ_MAX, (after, rows_max), |connection, (after, rows_max)| {
                Box::pin(list(connection, after, *rows_max))
            })
            .await
    }

    pub(super) async fn create(&self, account: NewAccount) -> Result<User, Error> {
        let created =
            self.connections.call(WRITE_MAX, account, |connection, account| Box::pin(insert(connection, account)));
        created.await?.ok_or(Error::Taken)
    }

    pub(super) async fn create_first(&self, account: NewAccount) -> Result<bool, Error> {
        self.connections
            .call(WRITE_MAX, account, |connection, account| Box::pin(create_first(connection, account)))
            .await
    }

    pub(super) async fn remove(&self, username: String) -> Result<Removed, Error> {
        if is_padded(&username) {
            return Err(Error::UnknownUser);
        }
        self.connections
            .call(WRITE_MAX, username, |connection, username| Box::pin(remove(connection, username)))
            .await?
    }

    pub(super) async fn set_password(&self, id: String, password_hash: PasswordHash) -> Result<bool, Error> {
        self.connections
            .call(WRITE_MAX, (id, password_hash), |connection, (id, password_hash)| {
                Box::pin(set_password(connection, id, password_hash))
            })
            .await
    }
}

/// `utf8mb4_bin` compares without the spaces at the end, and no name has any: `alice ` is nobody.
fn is_padded(username: &str) -> bool {
    username.ends_with(' ')
}

/// `column` is one with unique values.
async fn one(connection: &mut Conn, column: &'static str, value: &str) -> mysql_async::Result<Option<Account>> {
    let row = connection.exec_first(format!("{SELECT} WHERE {column} = ?"), (value,)).await?;
    row.map(account).transpose()
}

async fn list(connection: &mut Conn, after: &str, rows_max: usize) -> mysql_async::Result<Vec<User>> {
    let query = format!("{SELECT} WHERE username > ? ORDER BY username LIMIT ?");
    let rows: Vec<Row> = connection.exec(query, (after, rows_max)).await?;
    rows.into_iter().map(|row| Ok(account(row)?.user)).collect()
}

/// `None` where the name is taken.
async fn insert(connection: &mut impl Queryable, account: &NewAccount) -> mysql_async::Result<Option<User>> {
    let user = account.user();
    let NewAccount { username, email, password_hash, isadmin } = account;
    let row = (&user.id, username.as_str(), email.as_str(), password_hash.as_str(), isadmin, user.created_at);
    match connection.exec_drop(INSERT, row).await {
        Ok(()) => Ok(Some(user)),
        Err(cause) if is_one_of(&cause, &DUPLICATE) => Ok(None),
        Err(cause) => Err(cause),
    }
}

/// All who create a first user take turns at a row that is always there.
async fn create_first(connection: &mut Conn, account: &NewAccount) -> mysql_async::Result<bool> {
    let mut transaction = connection.start_transaction(TxOpts::default()).await?;
    transaction.query_drop("SELECT version FROM schema_version WHERE version = 1 FOR UPDATE").await?;
    let anybody: Option<String> = transaction.query_first("SELECT id FROM users LIMIT 1").await?;
    let created = anybody.is_none() && insert(&mut transaction, account).await?.is_some();
    transaction.commit().await?;
    Ok(created)
}

/// In one transaction: the row goes and its id stays, or nothing happens. All removals lock the admins first, so none
/// counts an admin whom another one is removing.
async fn remove(connection: &mut Conn, username: &str) -> mysql_async::Result<Result<Removed, Error>> {
    let mut transaction = connection.start_transaction(TxOpts::default()).await?;
    let admins: Vec<String> =
        transaction.query("SELECT id FROM users WHERE isadmin = TRUE ORDER BY id FOR UPDATE").await?;
    let found = transaction.exec_first(format!("{SELECT} WHERE username = ? FOR UPDATE"), (username,)).await?;
    if let Some(user) = found.map(account).transpose()?.map(|account| account.user) {
        if user.isadmin && admins.iter().all(|admin| *admin == user.id) {
            transaction.rollback().await?;
            return Ok(Err(Error::LastAdmin));
        }
        let removed = (&user.id, username, now_ms());
        transaction.exec_drop("INSERT INTO removed (id, username, removed_at) VALUES (?, ?, ?)", removed).await?;
        transaction.exec_drop("DELETE FROM users WHERE id = ?", (&user.id,)).await?;
    }
    let query = "SELECT id FROM removed WHERE username = ? ORDER BY removed_at, id";
    let ids: Vec<String> = transaction.exec(query, (username,)).await?;
    transaction.commit().await?;
    Ok(if ids.is_empty() { Err(Error::UnknownUser) } else { Ok(Removed { ids }) })
}

async fn set_password(connection: &mut Conn, id: &str, password_hash: &PasswordHash) -> mysql_async::Result<bool> {
    let update = "UPDATE users SET password_hash = ?, token_generation = token_generation + 1 WHERE id = ?";
    connection.exec_drop(update, (password_hash.as_str(), id)).await?;
    Ok(connection.affected_rows() == 1)
}

/// A row of [`SELECT`].
fn account(row: Row) -> mysql_async::Result<Account> {
    // The error of the driver would hold the row, with the hash.
    let columns = from_row_opt(row).map_err(|_| DriverError::FromValue { value: mysql_async::Value::NULL })?;
    let (id, username, email, password_hash, isadmin, created_at, token_generation) = columns;
    let user = User { id, username, email, isadmin, created_at };
    Ok(Account { user, password_hash: PasswordHash::stored(password_hash), token_generation })
}
