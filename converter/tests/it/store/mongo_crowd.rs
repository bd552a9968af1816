//! More readers at a time than there are connections.

use std::time::Duration;

use bytes::Bytes;
use converter::{
    conversion::{Attempt, BlobId},
    store::Store,
};
use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _, future::join_all};
use tokio::time::timeout;

use super::{
    blobs::{collect, content, write},
    inserted,
    mongo::Mongo,
    mongo_blobs::CHUNK,
    read,
};

/// Readers at a time, many times the connections.
const CROWD: usize = 800;
/// Longest that documents may take while no reader is left, or all are still: far from a store's own limit.
const AT_ONCE: Duration = Duration::from_secs(2);
const CHUNKS: u32 = 20;

async fn stored(store: &Store) -> (BlobId, Vec<u8>) {
    let (id, expected) = (Attempt::random().mp3(), content(CHUNKS * CHUNK, 3));
    let writer = write(store, id, &expected).await.expect("the store answers");
    writer.finish(None).await.expect("the store answers");
    (id, expected)
}

/// Documents answer at once, and blobs can be read.
async fn serves(store: &Store, id: BlobId, expected: &[u8]) {
    timeout(AT_ONCE, store.ping()).await.expect("a ping in time").expect("the store answers");
    let document = timeout(AT_ONCE, inserted(store)).await.expect("an insert in time");
    assert_eq!(timeout(AT_ONCE, read(store, document.id)).await.expect("a document in time"), document);
    assert!(collect(store, id, 0, u64::from(CHUNKS * CHUNK) - 1).await == expected);
}

#[tokio::test]
async fn a_crowd_of_readers_that_give_up_leaves_nobody_waiting() {
    let Some(mongo) = Mongo::open().await else { return };
    mongo
        .holds(async |store| {
            let (id, expected) = stored(store).await;
            let last = u64::from(CHUNKS * CHUNK) - 1;
            let read = async || match store.read_blob(id, 0..=last).await {
                Ok(found) => found.try_collect::<Vec<Bytes>>().await.is_ok(),
                Err(_) => false,
            };
            let crowd = (0..CROWD).map(|_| timeout(Duration::from_millis(500), read()));
            let in_time = join_all(crowd).await.iter().filter(|read| matches!(read, Ok(true))).count();
            assert!(in_time < CROWD, "nobody gave up");
            serves(store, id, &expected).await;
        })
        .await;
}

#[tokio::test]
async fn readers_whose_clients_take_nothing_keep_no_connection() {
    let Some(mongo) = Mongo::open().await else { return };
    mongo
        .holds(async |store| {
            let (id, expected) = stored(store).await;
            let last = u64::from(CHUNKS * CHUNK) - 1;
            let mut still = Vec::new();
            for _ in 0..CROWD {
                let mut reader = store.read_blob(id, 0..=last).await.expect("the blob is there");
                // It asks for its first chunks, and is not looked at again.
                assert!(reader.next().now_or_never().is_none());
                still.push(reader);
            }
            serves(store, id, &expected).await;
            drop(still);
        })
        .await;
}
