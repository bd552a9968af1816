//! The embedded stores' database.

use chassis::sqlite::Database;

const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS counter (n INTEGER NOT NULL)";

#[tokio::test]
async fn a_committed_write_is_seen_and_a_failed_one_is_not() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("test.sqlite");
    let database = Database::open(&path, SCHEMA).expect("a new database");
    database.write(|db| db.execute("INSERT INTO counter VALUES (1)", [])).await.expect("it is written");
    let failed = database
        .write(|db| {
            db.execute("INSERT INTO counter VALUES (2)", [])?;
            db.execute("INSERT INTO nothing VALUES (1)", [])
        })
        .await;
    assert!(failed.is_err());

    let count = |database: Database| async move {
        database.read(|db| db.query_row("SELECT count(*) FROM counter", [], |row| row.get::<_, i64>(0))).await
    };
    assert_eq!(count(database.clone()).await.expect("it is read"), 1);
    drop(database);
    let reopened = Database::open(&path, SCHEMA).expect("an old database");
    assert_eq!(count(reopened).await.expect("it is read"), 1);
}
