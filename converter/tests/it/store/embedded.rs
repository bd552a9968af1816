//! What holds for the embedded store alone: one process at a time, documents of other versions.

use std::time::Duration;

use converter::{
    conversion::{Conversion, Timestamp},
    store::{Change, Due, Error, Store},
};

use super::{Embedded, NOW, conversion, done, due, lease};

impl Embedded {
    /// Changes documents from beside the store.
    fn spoil(&self, matching: &str) {
        let file = rusqlite::Connection::open(self.folder.path().join("conversions.sqlite")).expect("a database");
        let newer = "UPDATE conversions SET document = json_set(document, '$.state', 'of a newer version') WHERE";
        assert!(file.execute(&format!("{newer} {matching}"), []).expect("the database is not locked") > 0);
    }
}

/// What a document that cannot be read answers.
pub(super) async fn unreadable(store: &Store, document: &Conversion) {
    let (read, updated) =
        (store.get(document.id).await, store.update(document.seen(), Change::Tombstone { at: NOW }).await);
    assert!(matches!(&read, Err(Error::Unreadable { id, .. }) if *id == document.id), "{read:?}");
    assert!(matches!(&updated, Err(Error::Unreadable { id, .. }) if *id == document.id), "{updated:?}");
}

#[tokio::test]
async fn an_embedded_store_is_held_by_one_process_and_a_start_ends_its_leases() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let url = format!("file:{}", folder.path().display());
    let first = Store::open(&url, "the first").await.expect("a new store opens");
    let running =
        Conversion { lease: Some(lease(Timestamp::now().plus(Duration::from_hours(1)))), ..conversion("alice") };
    assert!(first.insert(running.clone()).await.expect("the store answers"));

    let second = Store::open(&url, "the second").await.expect_err("the folder is held");
    assert!(second.to_string().contains("(the first)"), "{second}");

    drop(first);
    let reopened = Store::open(&url, "the third").await.expect("the folder is free again");
    assert_eq!(due(&reopened, Due::DeadLease { now: Timestamp::now() }).await, [running.id]);
}

#[tokio::test]
async fn a_document_that_cannot_be_read_is_told_from_a_store_that_is_away() {
    let embedded = Embedded::open().await;
    let document = done(&embedded.store).await;
    embedded.spoil("state = 'done'");
    unreadable(&embedded.store, &document).await;
}
