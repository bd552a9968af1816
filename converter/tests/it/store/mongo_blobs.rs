//! Blobs as GridFS has them: whole or missing, whoever reads and whoever died.

use std::time::Duration;

use bytes::Bytes;
use converter::{
    conversion::{Attempt, BlobId},
    store::BlobWriter,
};
use futures_util::{AsyncReadExt as _, TryStreamExt as _};
use mongodb::{
    bson::{Binary, Bson, Document, doc, spec::BinarySubtype},
    options::GridFsBucketOptions,
};
use tokio::time::{Instant, sleep};

use super::{
    blobs::{collect, content, write},
    mongo::Mongo,
};

/// Bytes of a chunk of GridFS.
pub(super) const CHUNK: u32 = 255 * 1024;

impl Mongo {
    /// A writer of ten chunks: the first is held back, eight have arrived, and nothing is on its way.
    pub(super) async fn half_written(&self, id: BlobId) -> BlobWriter {
        let writer = write(&self.store, id, &content(10 * CHUNK - 1, 0)).await.expect("the store answers");
        let deadline = Instant::now() + Duration::from_secs(10);
        while self.left_of(id).await != (8, 0) {
            assert!(Instant::now() < deadline, "{:?}", self.left_of(id).await);
            sleep(Duration::from_millis(10)).await;
        }
        writer
    }

    /// Chunks of a blob and its entries.
    async fn left_of(&self, id: BlobId) -> (usize, u64) {
        let chunks = self.database.collection::<Document>("mp3s.chunks");
        let numbers = chunks.find(doc! { "files_id": id.to_string() }).projection(doc! { "n": 1 });
        let found: Vec<_> = numbers.await.expect("the server answers").try_collect().await.expect("the server answers");
        let files = self.database.collection::<Document>("mp3s.files");
        (found.len(), files.count_documents(doc! { "_id": id.to_string() }).await.expect("the server answers"))
    }
}

#[tokio::test]
async fn any_gridfs_tool_can_read_a_blob() {
    let Some(mongo) = Mongo::open().await else { return };
    let bucket = mongo.database.gridfs_bucket(GridFsBucketOptions::builder().bucket_name("mp3s".to_owned()).build());
    for bytes in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 9 * CHUNK, 9 * CHUNK + 1, 20 * CHUNK - 1] {
        let (id, mut expected) = (Attempt::random().mp3(), content(bytes, 0));
        let writer = write(&mongo.store, id, &expected).await.expect("the store answers");
        let head = (bytes > 0).then(|| (u64::from(bytes - 1), Bytes::from_static(b"h")));
        writer.finish(head).await.expect("the store answers");
        if let Some(last) = expected.last_mut() {
            *last = b'h';
        }

        let mut stream = bucket.open_download_stream(Bson::from(id.to_string())).await.expect("a file");
        let mut read = Vec::new();
        stream.read_to_end(&mut read).await.expect("every chunk is as the entry says");
        assert!(read == expected, "{bytes} bytes");
        assert_eq!(mongo.left_of(id).await, (bytes.div_ceil(CHUNK) as usize, 1));
    }
    mongo.holds(async |_| ()).await;
}

#[tokio::test]
async fn a_missing_or_short_chunk_never_ends_cleanly() {
    let Some(mongo) = Mongo::open().await else { return };
    let chunks = mongo.database.collection::<Document>("mp3s.chunks");
    let short = Binary { subtype: BinarySubtype::Generic, bytes: vec![0; 10] };
    for n in [0, 5, 11] {
        for is_missing in [true, false] {
            let id = Attempt::random().mp3();
            let writer = write(&mongo.store, id, &content(12 * CHUNK, 0)).await.expect("the store answers");
            writer.finish(None).await.expect("the store answers");
            let chunk = doc! { "files_id": id.to_string(), "n": n };
            if is_missing {
                assert_eq!(chunks.delete_one(chunk).await.expect("the server answers").deleted_count, 1);
            } else {
                let cut = doc! { "$set": { "data": short.clone() } };
                assert_eq!(chunks.update_one(chunk, cut).await.expect("the server answers").matched_count, 1);
            }
            let mut read = mongo.store.read_blob(id, 0..=u64::from(12 * CHUNK) - 1).await.expect("the blob is there");
            let mut pieces = 0;
            let ended = loop {
                match read.try_next().await {
                    Ok(Some(_)) => pieces += 1,
                    ended => break ended,
                }
            };
            assert!(ended.is_err() && pieces <= n, "chunk {n} was wrong, {pieces} came");
            assert_eq!(read.try_next().await.expect("it is over"), None, "nothing comes behind an error");
        }
    }
    mongo.holds(async |_| ()).await;
}

#[tokio::test]
async fn a_zombies_late_chunks_are_gone_after_the_second_deletion() {
    let Some(mongo) = Mongo::open().await else { return };
    let id = Attempt::random().mp3();
    let mut zombie = write(&mongo.store, id, &content(12 * CHUNK, 0)).await.expect("the store answers");
    mongo.store.delete_blob(id).await.expect("the store answers");
    for piece in content(12 * CHUNK, 1).chunks(200_000) {
        zombie.write(Bytes::copy_from_slice(piece)).await.expect("nobody stops it");
    }
    zombie.finish(None).await.expect("nobody stops it");
    assert_ne!(mongo.left_of(id).await, (0, 0), "it did come late");

    mongo.store.delete_blob(id).await.expect("the store answers");
    assert_eq!(mongo.left_of(id).await, (0, 0));
    mongo.holds(async |_| ()).await;
}

#[tokio::test]
async fn a_dropped_writer_leaves_nothing_after_one_deletion() {
    let Some(mongo) = Mongo::open().await else { return };
    let id = Attempt::random().mp3();
    let writer = mongo.half_written(id).await;
    drop(writer);
    mongo.store.delete_blob(id).await.expect("the store answers");
    assert_eq!(mongo.left_of(id).await, (0, 0));
    mongo.holds(async |_| ()).await;
}

#[tokio::test]
async fn two_writers_of_one_blob_never_mix() {
    let Some(mongo) = Mongo::open().await else { return };
    let id = Attempt::random().mp3();
    let contents = [content(20 * CHUNK, 1), content(20 * CHUNK, 2)];
    let store = &mongo.store;
    let written = contents.each_ref().map(|content| async move { write(store, id, content).await?.finish(None).await });
    let written = futures_util::future::join_all(written).await;

    let finished: Vec<_> = contents.iter().zip(&written).filter(|(_, written)| written.is_ok()).collect();
    let [(finished, _)] = finished[..] else { panic!("one of them: {written:?}") };
    assert!(collect(store, id, 0, u64::from(20 * CHUNK) - 1).await == *finished);
    mongo.holds(async |_| ()).await;
}
