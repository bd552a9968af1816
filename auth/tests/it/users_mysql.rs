//! The contract on MySQL, and what only a server has: an address with options, and a schema in steps.

use std::{process::Stdio, time::Duration};

use auth::{Error, Password, Users};
use mysql_async::prelude::Queryable as _;
use tokio::time::timeout;

use crate::{mysql::Database, users_contract::holds_on};

async fn on_mysql(check: impl AsyncFn(&Users)) {
    let Some(database) = Database::create().await else { return };
    let users = database.users();
    users.migrate().await.expect("an empty database");
    check(&users).await;
}

holds_on!(on_mysql);

#[tokio::test]
async fn an_address_that_cannot_work_is_refused_without_its_secrets() {
    let bad = [
        ("mysql://root:hunter22@db", "names no database"),
        ("mysql://root:hunter22@db/", "names no database"),
        ("mysql:users.db", "expected mysql://USER:PASSWORD@HOST:PORT/DATABASE"),
        ("mysql://root:hunter22@db:99999/users", "expected mysql://USER:PASSWORD@HOST:PORT/DATABASE"),
        ("mysql://root:hunter22@db/users?require_tls=true", "has no option `require_tls`; it takes require_ssl,"),
        ("mysql://root:hunter22@db/users?pool_min=3", "has no option `pool_min`"),
        (
            "mysql://root:hunter22@db/users?require_ssl=yes",
            "Invalid value `yes' for connection URL parameter `require_ssl'",
        ),
        ("mysql://root:hunter22@db/users?verify_ca=false", "the option `verify_ca` needs require_ssl=true"),
        (
            "mysql://root:hunter22@db/users?require_ssl=false&built_in_roots=false",
            "`built_in_roots` needs require_ssl=true",
        ),
        ("mysql://root:hunter22@db/users?require_ssl=true&ca_file=/no/file", "cannot read /no/file (ca_file)"),
        ("mysql://root:hunter22@db/users?ca_file=/no/file", "the option `ca_file` needs require_ssl=true"),
        ("mysql://root:hunter22@db/users?pool_max=0", "`pool_max` is a number, at least 1"),
        ("mysql://root:hunter22@db/users?pool_max=ten", "`pool_max` is a number, at least 1"),
        ("mysql://root:a?hunter22&b@db/users", "a `?` in the password is written %3F"),
    ];

    for (url, why) in bad {
        let refused = format!("{:#}", Users::open(url, "a test").expect_err(url));
        assert!(refused.contains(why) && refused.contains("USERS_URL"), "{url}: {refused}");
        assert!(!refused.contains("hunter22"), "{refused}");
    }
    for good in ["", "?", "?require_ssl=true&verify_ca=false&built_in_roots=false", "?pool_max=1", "?require_ssl=false"]
    {
        let users = Users::open(&format!("mysql://root:hunter22@db/users{good}"), "a test").expect(good);
        assert!(!format!("{users:?}").contains("hunter22"), "{good}");
    }
}

#[tokio::test]
async fn a_connection_that_must_be_encrypted_is_never_made_in_the_clear() {
    let Some(database) = Database::create().await else { return };
    let mut connection = database.connect().await;
    let encrypts: Option<String> = connection.query_first("SELECT @@have_ssl").await.expect("the server answers");
    let users = Users::open(&format!("{}?require_ssl=true", database.url()), "a test").expect("a good address");

    let migrated = users.migrate().await;

    // A server with TLS has a certificate that nobody vouches for.
    let refused = format!("{:#}", migrated.expect_err("no certificate to trust"));
    let why = if encrypts.as_deref() == Some("YES") { "certificate" } else { "server does not have this capability" };
    assert!(refused.contains(why), "{refused}");
}

#[tokio::test]
async fn without_its_schema_a_store_says_what_to_run() {
    let Some(database) = Database::create().await else { return };
    let users = database.users();

    assert!(matches!(users.ping().await, Err(Error::OldSchema)));
    let refused = users.by_name("alice").await.expect_err("no table");
    assert!(refused.to_string().contains("run `auth migrate`"), "{refused}");
    assert!(matches!(users.remove("alice").await, Err(Error::OldSchema)));
}

#[tokio::test]
async fn a_login_or_a_database_that_the_server_refuses_is_not_told_as_an_outage() {
    let Some(database) = Database::create().await else { return };
    let url = database.url();
    let (_, place) = url.split_once('@').expect("an account");
    let refused = [format!("mysql://nobody:hunter22@{place}"), format!("{url}_that_is_not_there")];

    for url in refused {
        let users = Users::open(&url, "a test").expect("a good address");
        let told = users.ping().await.expect_err("refused");
        assert!(matches!(told, Error::StoreRefused(_)), "{told:?}");
        assert!(told.to_string().contains("refuses") && told.to_string().contains("USERS_URL"), "{told}");
        let migrated = format!("{:#}", users.migrate().await.expect_err("refused"));
        assert!(migrated.contains("USERS_URL") && !migrated.contains("hunter22"), "{migrated}");
    }
}

#[tokio::test]
async fn an_old_schema_is_noticed_and_brought_up_to_date() {
    let Some(database) = Database::create().await else { return };
    let users = database.users();
    users.migrate().await.expect("an empty database");
    let password = Password::parse("a password".into()).expect("long enough");
    users.ensure_admin("admin", "a@b", password).await.expect("the store works");
    // Version 1, with the second step interrupted before it was noted.
    let mut connection = database.connect().await;
    connection.query_drop("DELETE FROM schema_version WHERE version > 1").await.expect("the table is there");

    assert!(matches!(users.ping().await, Err(Error::OldSchema)));
    users.migrate().await.expect("an older schema");

    users.ping().await.expect("up to date");
    assert!(users.by_name("admin").await.expect("the store works").is_some());
}

#[tokio::test]
async fn a_newer_schema_is_not_migrated_and_goes_on_being_used() {
    let Some(database) = Database::create().await else { return };
    let users = database.users();
    users.migrate().await.expect("an empty database");
    let mut connection = database.connect().await;
    connection.query_drop("INSERT INTO schema_version VALUES (99, 0)").await.expect("the table is there");

    let refused = format!("{:#}", users.migrate().await.expect_err("a newer schema"));

    assert!(refused.contains("has schema version 99, this program knows 2; use the newer program"), "{refused}");
    users.ping().await.expect("replicas of the release before go on while they are replaced");
}

#[tokio::test]
async fn a_migration_that_failed_does_not_keep_the_next_one_waiting() {
    let Some(database) = Database::create().await else { return };
    let (first, second) = (database.users(), database.users());
    let mut connection = database.connect().await;
    connection.query_drop("CREATE TABLE schema_version (version INT)").await.expect("an empty database");
    first.migrate().await.expect_err("a column is missing");
    connection.query_drop("DROP TABLE schema_version").await.expect("the table is there");

    let migrated = timeout(Duration::from_secs(10), second.migrate()).await;

    migrated.expect("the lock is free").expect("nothing is in the way");
}

#[tokio::test]
async fn migrations_of_many_processes_at_once_leave_one_schema_and_one_admin() {
    let Some(database) = Database::create().await else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("password");
    std::fs::write(&file, "the admin's password").expect("the folder is ours");

    let running: Vec<_> = (0..8)
        .map(|_| {
            let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_auth"));
            command.arg("migrate").arg("--bootstrap-admin-password-file").arg(&file);
            command.env_clear().env("USERS_URL", database.url()).kill_on_drop(true);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary is built")
        })
        .collect();
    let mut created = 0;
    for child in running {
        let output = child.wait_with_output().await.expect("it ends");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        created += usize::from(output.stdout == b"created the user admin\n");
    }

    assert_eq!(created, 1);
    let mut connection = database.connect().await;
    let versions: Vec<u32> =
        connection.query("SELECT version FROM schema_version ORDER BY version").await.expect("the table is there");
    assert_eq!(versions, [1, 2]);
    assert_eq!(database.users().list(None, 10).await.expect("the store works").users.len(), 1);
}
