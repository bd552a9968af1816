//! Races on MySQL whose order is arranged: a lock holds the calls until all of them are where it matters.

use auth::{Email, Error, NewAccount, Password, PasswordHash, Username, Users};
use mysql_async::{Conn, prelude::Queryable as _};

use crate::{mysql::Database, service::eventually};

fn password() -> Password {
    Password::parse("a password".into()).expect("long enough")
}

async fn create(users: &Users, username: &str, isadmin: bool) {
    let account = NewAccount {
        username: Username::parse(username).expect("a good name"),
        email: Email::parse("a@b").expect("a good address"),
        password_hash: PasswordHash::of(password()).await.expect("argon2 works"),
        isadmin,
    };
    users.create(account).await.expect("a free name");
}

/// Waits until so many statements of others hang in the database.
async fn until_waiting(database: &Database, statements_min: usize) {
    let query = "
        SELECT COUNT(*) FROM information_schema.processlist
        WHERE db = DATABASE() AND command IN ('Query', 'Execute') AND id <> CONNECTION_ID()";
    let watcher = tokio::sync::Mutex::new(database.connect().await);
    let count = async || -> usize {
        let counted: Option<usize> = watcher.lock().await.query_first(query).await.expect("the server answers");
        counted.unwrap_or_default()
    };
    // Twice in a row: a statement that only passes by is gone then.
    eventually("the calls wait", async || count().await >= statements_min && count().await >= statements_min).await;
}

async fn run(connection: &mut Conn, statements: &[&str]) {
    for statement in statements {
        connection.query_drop(*statement).await.expect("the statement is good");
    }
}

#[tokio::test]
async fn first_admins_that_all_found_nobody_do_not_all_come() {
    let Some(database) = Database::create().await else { return };
    let users = database.users();
    users.migrate().await.expect("an empty database");
    let mut connection = database.connect().await;
    run(&mut connection, &["LOCK TABLES users WRITE"]).await;

    let creating = ["one", "two"].map(|name| {
        let users = users.clone();
        tokio::spawn(async move { users.ensure_admin(name, "a@b", password()).await })
    });
    until_waiting(&database, 2).await;
    run(&mut connection, &["UNLOCK TABLES"]).await;

    let mut created = 0;
    for one in creating {
        created += usize::from(one.await.expect("no panic").expect("the store works"));
    }
    assert_eq!(created, 1);
}

#[tokio::test]
async fn a_removal_that_loses_a_deadlock_is_done_again() {
    let Some(database) = Database::create().await else { return };
    let users = database.users();
    users.migrate().await.expect("an empty database");
    for (name, isadmin) in [("admin", true), ("alice", false), ("bob", false)] {
        create(&users, name, isadmin).await;
    }
    let mut connection = database.connect().await;
    // It has written more, so the server gives the other one up.
    run(&mut connection, &["START TRANSACTION", "UPDATE users SET email = 'new' WHERE isadmin = FALSE"]).await;

    let removing = tokio::spawn({
        let users = users.clone();
        async move { users.remove("alice").await }
    });
    until_waiting(&database, 1).await;
    run(&mut connection, &["UPDATE users SET email = 'new' WHERE username = 'admin'", "COMMIT"]).await;

    let removed = removing.await.expect("no panic").expect("a second try");
    assert_eq!(removed.ids.len(), 1);
    assert!(users.by_name("alice").await.expect("the store works").is_none());
}

#[tokio::test]
async fn a_change_that_waits_too_long_for_a_row_is_given_up() {
    let Some(database) = Database::create().await else { return };
    let users = database.users();
    users.migrate().await.expect("an empty database");
    create(&users, "admin", true).await;
    let mut connection = database.connect().await;
    run(&mut connection, &["START TRANSACTION", "UPDATE users SET email = 'new'"]).await;

    let asked = std::time::Instant::now();
    let given_up = users.remove("admin").await;

    assert!(matches!(given_up, Err(Error::Store(_))), "{given_up:?}");
    assert!(asked.elapsed() < std::time::Duration::from_secs(5), "{:?}", asked.elapsed());
    assert!(users.by_name("admin").await.expect("lookups do not wait").is_some());
    run(&mut connection, &["ROLLBACK"]).await;
}
