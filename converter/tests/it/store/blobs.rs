//! Blobs: invisible until they are whole, read in ranges, deleted for good.

use bytes::Bytes;
use converter::{
    conversion::{Attempt, BlobId},
    store::{BLOB_PIECE_BYTES, BlobWriter, Error, Store},
};
use futures_util::TryStreamExt as _;

use super::Embedded;

contract!(
    a_blob_is_invisible_until_it_is_finished,
    a_blob_is_read_from_the_middle,
    a_head_lands_where_it_belongs,
    a_deleted_blob_is_missing,
    a_late_end_leaves_nothing_behind_a_second_deletion,
    a_blob_can_be_written_again_once_it_was_deleted,
);

/// Bytes that differ from one place to the next, and from one seed to the other.
pub(super) fn content(bytes: u32, seed: u8) -> Vec<u8> {
    (0..bytes).map(|i| i.to_le_bytes()[0] ^ i.to_le_bytes()[1] ^ i.to_le_bytes()[2].wrapping_add(seed)).collect()
}

/// Writes in pieces that fit no chunk.
pub(super) async fn write(store: &Store, id: BlobId, content: &[u8]) -> Result<BlobWriter, Error> {
    let mut writer = store.create_blob(id).await?;
    for piece in content.chunks(100_003) {
        writer.write(Bytes::copy_from_slice(piece)).await?;
    }
    Ok(writer)
}

pub(super) async fn collect(store: &Store, id: BlobId, first: u64, last: u64) -> Vec<u8> {
    let bytes = store.read_blob(id, first..=last).await.expect("the blob is there");
    bytes
        .try_fold(Vec::new(), async |mut all, piece| {
            assert!(piece.len() <= BLOB_PIECE_BYTES);
            all.extend_from_slice(&piece);
            Ok(all)
        })
        .await
        .expect("every piece is there")
}

async fn a_blob_is_invisible_until_it_is_finished(store: &Store) {
    let id = Attempt::random().mp3();
    let mut writer = store.create_blob(id).await.expect("the store answers");
    writer.write(Bytes::from_static(b"????body")).await.expect("the store answers");
    assert!(matches!(store.read_blob(id, 0..=7).await, Err(Error::BlobMissing)));
    writer.finish(Some((1, Bytes::from_static(b"ead")))).await.expect("the store answers");
    assert_eq!(collect(store, id, 0, 7).await, b"?eadbody");
}

async fn a_blob_is_read_from_the_middle(store: &Store) {
    let id = Attempt::random().mp3();
    let content = content(4_000_000, 0);
    let writer = write(store, id, &content).await.expect("the store answers");
    writer.finish(None).await.expect("the store answers");
    let ranges = [(0_u32, 0_u32), (261_119, 261_121), (261_120, 522_239), (500_000, 3_999_999), (3_999_999, 3_999_999)];
    for (first, last) in ranges {
        let read = collect(store, id, first.into(), last.into()).await;
        assert!(read == content[first as usize..=last as usize], "{first}..={last}");
    }
    let beyond: Result<Vec<_>, _> =
        store.read_blob(id, 3_999_990..=4_000_010).await.expect("the blob is there").try_collect().await;
    assert!(beyond.is_err(), "missing bytes never end cleanly");
}

async fn a_head_lands_where_it_belongs(store: &Store) {
    let size = 3_000_000;
    // At the start, over the first two borders of GridFS's chunks, behind the first batch, at the end.
    for (offset, length) in [(0, 300), (261_119, 2), (261_000, 262_000), (2_500_000, 1), (2_999_990, 10)] {
        let id = Attempt::random().mp3();
        let (mut expected, head) = (content(size, 0), content(length, 101));
        let writer = write(store, id, &expected).await.expect("the store answers");
        writer.finish(Some((offset, Bytes::from(head.clone())))).await.expect("the store answers");

        let first = usize::try_from(offset).expect("it is small");
        expected[first..first + head.len()].copy_from_slice(&head);
        assert!(collect(store, id, 0, u64::from(size) - 1).await == expected, "{length} bytes at {offset}");
    }
}

async fn a_deleted_blob_is_missing(store: &Store) {
    let (finished, unfinished) = (Attempt::random().mp3(), Attempt::random().mp3());
    store.create_blob(finished).await.expect("the store answers").finish(None).await.expect("the store answers");
    let _writer = store.create_blob(unfinished).await.expect("the store answers");
    for id in [finished, unfinished, Attempt::random().mp3()] {
        store.delete_blob(id).await.expect("deleting what is not there is fine");
        assert!(matches!(store.read_blob(id, 0..=0).await, Err(Error::BlobMissing)));
    }
}

async fn a_late_end_leaves_nothing_behind_a_second_deletion(store: &Store) {
    let id = Attempt::random().mp3();
    let writer = write(store, id, &content(3_000_000, 0)).await.expect("the store answers");
    store.delete_blob(id).await.expect("the store answers");
    // A zombie may or may not succeed; this is why a garbage entry is swept twice.
    let _ = writer.finish(None).await;
    store.delete_blob(id).await.expect("the store answers");
    assert!(matches!(store.read_blob(id, 0..=0).await, Err(Error::BlobMissing)));
}

async fn a_blob_can_be_written_again_once_it_was_deleted(store: &Store) {
    let id = Attempt::random().mp3();
    for seed in [1, 2] {
        let content = content(3_000_000, seed);
        let writer = write(store, id, &content).await.expect("the store answers");
        writer.finish(None).await.expect("the store answers");
        assert!(collect(store, id, 0, 2_999_999).await == content);
        store.delete_blob(id).await.expect("the store answers");
    }
}

#[tokio::test]
async fn a_deleted_file_does_not_come_back() {
    let Embedded { store, folder: _folder } = Embedded::open().await;
    let id = Attempt::random().mp3();
    let writer = store.create_blob(id).await.expect("the store answers");
    store.delete_blob(id).await.expect("the store answers");
    assert!(writer.finish(None).await.is_err());
}
