//! Users in one SQLite file, for one process.

use std::{fs::OpenOptions, os::unix::fs::OpenOptionsExt as _, path::Path, sync::Arc};

use anyhow::{Context as _, ensure};
use chassis::{lock::FolderLock, sqlite::Database};
use rusqlite::{Connection, OptionalExtension as _, Row, named_params};

use super::{Account, NewAccount, now_ms};
use crate::{
    Error,
    client::{Removed, User},
    password::PasswordHash,
};

/// `BINARY`: two names are the same only byte by byte.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS users (
        id TEXT NOT NULL PRIMARY KEY,
        username TEXT NOT NULL COLLATE BINARY UNIQUE,
        email TEXT NOT NULL,
        password_hash TEXT NOT NULL,
        isadmin INTEGER NOT NULL CHECK (isadmin IN (0, 1)),
        created_at INTEGER NOT NULL,
        token_generation INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE TABLE IF NOT EXISTS removed (
        id TEXT NOT NULL PRIMARY KEY,
        username TEXT NOT NULL COLLATE BINARY,
        removed_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS removed_by_username ON removed (username);
";
const INSERT: &str = "
    INSERT INTO users (id, username, email, password_hash, isadmin, created_at)
    VALUES (:id, :username, :email, :password_hash, :isadmin, :created_at) ON CONFLICT (username) DO NOTHING";

/// One database file; its folder is locked.
#[derive(Debug, Clone)]
pub struct SqliteUsers {
    database: Database,
    _lock: Arc<FolderLock>,
}

impl SqliteUsers {
    pub(super) fn open(path: &str, who: &str) -> anyhow::Result<Self> {
        ensure!(
            !path.is_empty() && path != ":memory:" && !path.starts_with("//"),
            "`sqlite:` is followed by the path of a file, e.g. sqlite:users/users.db"
        );
        // An absolute path is never one of SQLite's special names.
        let path = std::path::absolute(path)?;
        let folder = path.parent().context("the path names a file in a folder")?;
        let lock = FolderLock::take(folder, who)?;
        private_file(&path).with_context(|| format!("cannot open {}", path.display()))?;
        add_generation(&path).with_context(|| format!("cannot open {}", path.display()))?;
        let database = Database::open(&path, SCHEMA).with_context(|| format!("cannot open {}", path.display()))?;
        Ok(Self { database, _lock: Arc::new(lock) })
    }

    pub(super) async fn ping(&self) -> Result<(), Error> {
        Ok(self
            .database
            .read(|db| db.query_row("SELECT 1 FROM users LIMIT 1", (), |_| Ok(())).optional())
            .await
            .map(drop)?)
    }

    pub(super) async fn by_name(&self, username: String) -> Result<Option<Account>, Error> {
        let query = "SELECT * FROM users WHERE username = ?1";
        Ok(self.database.read(move |db| db.prepare_cached(query)?.query_row([username], account).optional()).await?)
    }

    pub(super) async fn by_id(&self, id: String) -> Result<Option<Account>, Error> {
        let query = "SELECT * FROM users WHERE id = ?1";
        Ok(self.database.read(move |db| db.prepare_cached(query)?.query_row([id], account).optional()).await?)
    }

    pub(super) async fn list(&self, after: String, rows_max: usize) -> Result<Vec<User>, Error> {
        let query = "SELECT * FROM users WHERE username > ?1 ORDER BY username LIMIT ?2";
        let rows_max = i64::try_from(rows_max).unwrap_or(i64::MAX);
        Ok(self
            .database
            .read(move |db| db.prepare_cached(query)?.query_map((after, rows_max), user)?.collect())
            .await?)
    }

    pub(super) async fn create(&self, account: NewAccount) -> Result<User, Error> {
        let created = self.database.write(move |db| insert(db, &account)).await?;
        created.ok_or(Error::Taken)
    }

    pub(super) async fn create_first(&self, account: NewAccount) -> Result<bool, Error> {
        let created = self.database.write(move |db| {
            let anybody: bool = db.query_row("SELECT EXISTS (SELECT 1 FROM users)", (), |row| row.get(0))?;
            if anybody { Ok(None) } else { insert(db, &account) }
        });
        Ok(created.await?.is_some())
    }

    pub(super) async fn remove(&self, username: String) -> Result<Removed, Error> {
        self.database.write(move |db| remove(db, &username)).await?
    }

    pub(super) async fn set_password(&self, id: String, password_hash: PasswordHash) -> Result<bool, Error> {
        let update = "UPDATE users SET password_hash = ?2, token_generation = token_generation + 1 WHERE id = ?1";
        Ok(self.database.write(move |db| db.execute(update, (id, password_hash.as_str()))).await? == 1)
    }
}

/// The file holds password hashes: it is the owner's alone, and SQLite gives its side files the same mode.
fn private_file(path: &Path) -> std::io::Result<()> {
    OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path).map(drop)
}

/// A table from before tokens had generations gets the column; its users begin at the first one. The folder is locked,
/// so nobody else does the same.
fn add_generation(path: &Path) -> rusqlite::Result<()> {
    let db = Connection::open(path)?;
    let query = "SELECT count(*), count(*) FILTER (WHERE name = 'token_generation') FROM pragma_table_info('users')";
    let (columns, generations): (i64, i64) = db.query_row(query, (), |row| Ok((row.get(0)?, row.get(1)?)))?;
    if columns > 0 && generations == 0 {
        db.execute_batch("ALTER TABLE users ADD COLUMN token_generation INTEGER NOT NULL DEFAULT 0")?;
    }
    Ok(())
}

/// `None` where the name is taken.
fn insert(db: &Connection, account: &NewAccount) -> rusqlite::Result<Option<User>> {
    let user = account.user();
    let rows = db.execute(
        INSERT,
        named_params! {
            ":id": user.id,
            ":username": user.username,
            ":email": user.email,
            ":password_hash": account.password_hash.as_str(),
            ":isadmin": user.isadmin,
            ":created_at": user.created_at,
        },
    )?;
    Ok((rows == 1).then_some(user))
}

/// Inside one transaction: the row goes and its id stays, or nothing happens.
fn remove(db: &Connection, username: &str) -> rusqlite::Result<Result<Removed, Error>> {
    let query = "SELECT * FROM users WHERE username = ?1";
    if let Some(user) = db.query_row(query, [username], user).optional()? {
        let others = "SELECT EXISTS (SELECT 1 FROM users WHERE isadmin = 1 AND id <> ?1)";
        if user.isadmin && !db.query_row(others, [&user.id], |row| row.get::<_, bool>(0))? {
            return Ok(Err(Error::LastAdmin));
        }
        db.execute(
            "INSERT INTO removed (id, username, removed_at) VALUES (?1, ?2, ?3)",
            (&user.id, username, now_ms()),
        )?;
        db.execute("DELETE FROM users WHERE id = ?1", [&user.id])?;
    }
    let mut query = db.prepare("SELECT id FROM removed WHERE username = ?1 ORDER BY removed_at, id")?;
    let ids: Vec<String> = query.query_map([username], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    Ok(if ids.is_empty() { Err(Error::UnknownUser) } else { Ok(Removed { ids }) })
}

fn account(row: &Row<'_>) -> rusqlite::Result<Account> {
    let password_hash = PasswordHash::stored(row.get("password_hash")?);
    Ok(Account { user: user(row)?, password_hash, token_generation: row.get("token_generation")? })
}

fn user(row: &Row<'_>) -> rusqlite::Result<User> {
    Ok(User {
        id: row.get("id")?,
        username: row.get("username")?,
        email: row.get("email")?,
        isadmin: row.get("isadmin")?,
        created_at: row.get("created_at")?,
    })
}
