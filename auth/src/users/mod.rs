//! The user store behind a closed enum, chosen by the scheme of `USERS_URL`.

mod mysql;
mod sqlite;

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail};
use chassis::hex;

use crate::{
    Error,
    client::{Removed, User, UserPage},
    password::PasswordHash,
    rules::{Email, Password, Username},
};

pub use self::{mysql::MysqlUsers, sqlite::SqliteUsers};

/// What `USERS_URL` can be.
const STORES: &str = "sqlite:PATH or mysql://USER:PASSWORD@HOST:PORT/DATABASE";

/// A user who is to be created; the rules were checked.
#[derive(Debug, Clone)]
pub struct NewAccount {
    pub username: Username,
    pub email: Email,
    pub password_hash: PasswordHash,
    pub isadmin: bool,
}

impl NewAccount {
    /// The user that this becomes, under a fresh id.
    fn user(&self) -> User {
        User {
            id: hex::encode(&hex::random::<16>()),
            username: self.username.as_str().to_owned(),
            email: self.email.as_str().to_owned(),
            isadmin: self.isadmin,
            created_at: now_ms(),
        }
    }
}

/// A user's row.
#[derive(Debug, Clone)]
pub struct Account {
    pub user: User,
    pub password_hash: PasswordHash,
    /// How often the password was set anew; tokens of an earlier generation have ended.
    pub token_generation: i64,
}

/// The users. Clones share one store.
#[derive(Debug, Clone)]
pub enum Users {
    Mysql(MysqlUsers),
    Sqlite(SqliteUsers),
}

impl Users {
    /// Opens the store at `url`. A file is held for this process, and `who` is what another one is told that wants it
    /// too. A server is not waited for; its connections belong to the runtime that this is called in.
    pub fn open(url: &str, who: &str) -> anyhow::Result<Self> {
        // Only the scheme may be shown: the rest can hold a password.
        let opened = match url.split_once(':') {
            Some(("mysql", _)) => MysqlUsers::open(url).map(Self::Mysql),
            Some(("sqlite", path)) => SqliteUsers::open(path, who).map(Self::Sqlite),
            Some((scheme, _)) => bail!("there is no user store `{scheme}:`; it is {STORES} (USERS_URL)"),
            None => bail!("the user store is given as {STORES} (USERS_URL)"),
        };
        opened.context("cannot open the user store (USERS_URL)")
    }

    /// Brings the schema to the version of this program; may be repeated, also by several at once. A newer schema is
    /// refused. A file was migrated when it was opened.
    pub async fn migrate(&self) -> anyhow::Result<()> {
        match self {
            Self::Mysql(users) => users.migrate().await,
            Self::Sqlite(_) => Ok(()),
        }
    }

    /// Whether the store answers and has its schema; [`Error::OldSchema`] where it has to be migrated.
    pub async fn ping(&self) -> Result<(), Error> {
        match self {
            Self::Mysql(users) => users.ping().await,
            Self::Sqlite(users) => users.ping().await,
        }
    }

    /// The user of exactly this name, byte by byte.
    pub async fn by_name(&self, username: &str) -> Result<Option<Account>, Error> {
        match self {
            Self::Mysql(users) => users.by_name(username.to_owned()).await,
            Self::Sqlite(users) => users.by_name(username.to_owned()).await,
        }
    }

    /// The user of this id.
    pub async fn by_id(&self, id: &str) -> Result<Option<Account>, Error> {
        match self {
            Self::Mysql(users) => users.by_id(id.to_owned()).await,
            Self::Sqlite(users) => users.by_id(id.to_owned()).await,
        }
    }

    /// At most `page_max` users whose names come after `after`, by the bytes of the names.
    pub async fn list(&self, after: Option<String>, page_max: usize) -> Result<UserPage, Error> {
        let after = after.unwrap_or_default();
        let mut users = match self {
            Self::Mysql(users) => users.list(after, page_max.saturating_add(1)).await?,
            Self::Sqlite(users) => users.list(after, page_max.saturating_add(1)).await?,
        };
        let more = users.len() > page_max;
        users.truncate(page_max);
        let next = users.last().filter(|_| more).map(|user| user.username.clone());
        Ok(UserPage { users, next })
    }

    /// Creates a user under a fresh id; [`Error::Taken`] where the name is in use.
    pub async fn create(&self, account: NewAccount) -> Result<User, Error> {
        match self {
            Self::Mysql(users) => users.create(account).await,
            Self::Sqlite(users) => users.create(account).await,
        }
    }

    /// Creates an admin where there are no users at all; says whether it did. A removed admin does not come back.
    pub async fn ensure_admin(&self, username: &str, email: &str, password: Password) -> Result<bool, Error> {
        let (username, email) = (Username::parse(username)?, Email::parse(email)?);
        let password_hash = PasswordHash::of(password).await?;
        let account = NewAccount { username, email, password_hash, isadmin: true };
        match self {
            Self::Mysql(users) => users.create_first(account).await,
            Self::Sqlite(users) => users.create_first(account).await,
        }
    }

    /// Removes the user of this name, if there is one, and names all ids ever removed under it.
    ///
    /// [`Error::UnknownUser`] where the name never existed, [`Error::LastAdmin`] for the last admin.
    pub async fn remove(&self, username: &str) -> Result<Removed, Error> {
        match self {
            Self::Mysql(users) => users.remove(username.to_owned()).await,
            Self::Sqlite(users) => users.remove(username.to_owned()).await,
        }
    }

    /// Sets a user's password and begins the next generation of tokens; false where the user is gone.
    pub async fn set_password(&self, id: &str, password_hash: PasswordHash) -> Result<bool, Error> {
        match self {
            Self::Mysql(users) => users.set_password(id.to_owned(), password_hash).await,
            Self::Sqlite(users) => users.set_password(id.to_owned(), password_hash).await,
        }
    }
}

/// A clock before 1970 is none; zero is as good as any time then.
fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
