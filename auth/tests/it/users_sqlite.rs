//! The contract on SQLite, and what only a file has: a lock, a mode, a second opening.

use std::os::unix::fs::PermissionsExt as _;

use auth::{Password, Users};

use crate::{service::store_url, users_contract::holds_on};

async fn on_sqlite(check: impl AsyncFn(&Users)) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    check(&Users::open(&store_url(folder.path()), "a test").expect("the folder is free")).await;
}

holds_on!(on_sqlite);

#[tokio::test]
async fn a_second_opening_is_told_who_holds_the_store() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let first = Users::open(&store_url(folder.path()), "the first").expect("the folder is free");
    let password = Password::parse("a password".into()).expect("long enough");
    first.ensure_admin("admin", "a@b", password).await.expect("the store works");

    let refused = format!("{:#}", Users::open(&store_url(folder.path()), "the second").expect_err("held"));
    assert!(refused.contains(&format!("held by process {} (the first)", std::process::id())), "{refused}");

    drop(first);
    let second = Users::open(&store_url(folder.path()), "the second").expect("free again");
    assert!(second.by_name("admin").await.expect("the store works").is_some());
    let mode = std::fs::metadata(folder.path().join("users.db")).expect("the file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn a_table_from_before_token_generations_gets_them() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let database = rusqlite::Connection::open(folder.path().join("users.db")).expect("the folder is ours");
    let old = "
        CREATE TABLE users (
            id TEXT NOT NULL PRIMARY KEY, username TEXT NOT NULL COLLATE BINARY UNIQUE, email TEXT NOT NULL,
            password_hash TEXT NOT NULL, isadmin INTEGER NOT NULL CHECK (isadmin IN (0, 1)), created_at INTEGER NOT NULL
        ) STRICT;
        INSERT INTO users VALUES ('id', 'alice', 'a@b', 'hash', 0, 1);";
    database.execute_batch(old).expect("the old schema");
    drop(database);

    // The second opening finds the column.
    for generation in [0, 1] {
        let users = Users::open(&store_url(folder.path()), "a test").expect("the folder is free");
        let alice = users.by_id("id").await.expect("the store works").expect("still there");
        assert_eq!((alice.user.username.as_str(), alice.token_generation), ("alice", generation));
        let hash = alice.password_hash;
        assert!(users.set_password("id", hash).await.expect("the store works"));
    }
}

#[test]
fn a_store_that_there_is_not_is_refused_without_its_secrets() {
    let refused = Users::open("postgres://root:hunter22@db/users", "a test").expect_err("no PostgreSQL").to_string();

    assert!(refused.contains("no user store `postgres:`") && refused.contains("sqlite:PATH or mysql://"), "{refused}");
    assert!(!refused.contains("hunter22"), "{refused}");
    for bad in ["", "users.db", "sqlite:", "sqlite::memory:", "sqlite://host/file"] {
        assert!(Users::open(bad, "a test").is_err(), "{bad}");
    }
}
