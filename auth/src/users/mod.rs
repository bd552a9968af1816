//! The user store behind a closed enum, chosen by the scheme of `USERS_URL`.

mod sqlite;

use anyhow::{Context as _, bail};

use crate::{
    Error,
    client::{Removed, User, UserPage},
    password::PasswordHash,
    rules::{Email, Password, Username},
};

pub use sqlite::SqliteUsers;

/// A user who is to be created; the rules were checked.
#[derive(Debug, Clone)]
pub struct NewAccount {
    pub username: Username,
    pub email: Email,
    pub password_hash: PasswordHash,
    pub isadmin: bool,
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
    Sqlite(SqliteUsers),
}

impl Users {
    /// Opens the store at `url` for this process; `who` is what another one is told that wants it too.
    pub fn open(url: &str, who: &str) -> anyhow::Result<Self> {
        // Only the scheme may be shown: the rest can hold a password.
        match url.split_once(':') {
            Some(("sqlite", path)) => {
                SqliteUsers::open(path, who).map(Self::Sqlite).context("cannot open the user store (USERS_URL)")
            }
            Some((scheme, _)) => bail!("this build has no user store `{scheme}:`; it takes sqlite:PATH (USERS_URL)"),
            None => bail!("the user store is given as sqlite:PATH (USERS_URL)"),
        }
    }

    /// Whether the store answers.
    pub async fn ping(&self) -> Result<(), Error> {
        match self {
            Self::Sqlite(users) => users.ping().await,
        }
    }

    /// The user of exactly this name, byte by byte.
    pub async fn by_name(&self, username: &str) -> Result<Option<Account>, Error> {
        match self {
            Self::Sqlite(users) => users.by_name(username.to_owned()).await,
        }
    }

    /// The user of this id.
    pub async fn by_id(&self, id: &str) -> Result<Option<Account>, Error> {
        match self {
            Self::Sqlite(users) => users.by_id(id.to_owned()).await,
        }
    }

    /// At most `page_max` users whose names come after `after`, by the bytes of the names.
    pub async fn list(&self, after: Option<String>, page_max: usize) -> Result<UserPage, Error> {
        let after = after.unwrap_or_default();
        let mut users = match self {
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
            Self::Sqlite(users) => users.create(account).await,
        }
    }

    /// Creates an admin where there are no users at all; says whether it did. A removed admin does not come back.
    pub async fn ensure_admin(&self, username: &str, email: &str, password: Password) -> Result<bool, Error> {
        let (username, email) = (Username::parse(username)?, Email::parse(email)?);
        let password_hash = PasswordHash::of(password).await?;
        let account = NewAccount { username, email, password_hash, isadmin: true };
        match self {
            Self::Sqlite(users) => users.create_first(account).await,
        }
    }

    /// Removes the user of this name, if there is one, and names all ids ever removed under it.
    ///
    /// [`Error::UnknownUser`] where the name never existed, [`Error::LastAdmin`] for the last admin.
    pub async fn remove(&self, username: &str) -> Result<Removed, Error> {
        match self {
            Self::Sqlite(users) => users.remove(username.to_owned()).await,
        }
    }

    /// Sets a user's password and begins the next generation of tokens; false where the user is gone.
    pub async fn set_password(&self, id: &str, password_hash: PasswordHash) -> Result<bool, Error> {
        match self {
            Self::Sqlite(users) => users.set_password(id.to_owned(), password_hash).await,
        }
    }
}
