//! An empty database of its own for each test, on the server that they share.

use std::thread;

use auth::Users;
use mysql_async::{Conn, Opts, OptsBuilder, prelude::Queryable as _};
use testbed::{Kind, shared_or_skip};

/// Dropped, with its tables, at the end of its test.
pub(crate) struct Database {
    server: String,
    name: String,
}

impl Database {
    /// `None` where there is no server and the test is to be skipped.
    pub(crate) async fn create() -> Option<Self> {
        Some(Self::create_on(shared_or_skip(Kind::Mysql)?.url()).await)
    }

    /// `server` is the address of an account that may create databases.
    pub(crate) async fn create_on(server: &str) -> Self {
        let database = Self { server: server.to_owned(), name: testbed::unique("auth") };
        query(server, &format!("CREATE DATABASE {}", database.name)).await;
        database
    }

    /// Its `USERS_URL`.
    pub(crate) fn url(&self) -> String {
        let (server, _) = self.server.rsplit_once('/').expect("an address with a database");
        format!("{server}/{}", self.name)
    }

    pub(crate) fn users(&self) -> Users {
        Users::open(&self.url(), "a test").expect("a good address")
    }

    /// A connection past the store.
    pub(crate) async fn connect(&self) -> Conn {
        connect(&self.url()).await
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let (server, statement) = (self.server.clone(), format!("DROP DATABASE IF EXISTS {}", self.name));
        // A test that failed may still have a table locked, through a connection that ends after this.
        let statement = format!("SET lock_wait_timeout = 5; {statement}");
        // A runtime of its own: that of the test may be unwinding.
        let dropped = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(query(&server, &statement));
        });
        assert!(dropped.join().is_ok() || thread::panicking(), "the database {} stays behind", self.name);
    }
}

async fn query(url: &str, statement: &str) {
    let mut connection = connect(url).await;
    connection.query_drop(statement).await.expect("the account may do it");
    connection.disconnect().await.expect("the server answers");
}

async fn connect(url: &str) -> Conn {
    let options = OptsBuilder::from_opts(Opts::from_url(url).expect("a good address")).prefer_socket(false);
    Conn::new(options).await.expect("the server answers")
}
