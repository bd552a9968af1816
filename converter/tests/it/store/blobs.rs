//! Blobs: invisible until they are whole, read in ranges, deleted for good.

use bytes::Bytes;
use converter::{
    conversion::Attempt,
    store::{Error, Store},
};
use futures_util::TryStreamExt as _;

contract!(a_blob_is_invisible_until_it_is_finished, a_blob_is_read_from_the_middle, a_deleted_blob_is_missing,);

async fn collect(store: &Store, id: converter::conversion::BlobId, first: u64, last: u64) -> Vec<u8> {
    let bytes = store.read_blob(id, first..=last).await.expect("the blob is there");
    bytes
        .try_fold(Vec::new(), async |mut all, piece| {
            all.extend_from_slice(&piece);
            Ok(all)
        })
        .await
        .expect("every piece is there")
}

async fn a_blob_is_invisible_until_it_is_finished(store: &Store) {
    let id = Attempt::random().blob();
    let mut writer = store.create_blob(id).await.expect("the store answers");
    writer.write(Bytes::from_static(b"????body")).await.expect("the store answers");
    assert!(matches!(store.read_blob(id, 0..=7).await, Err(Error::BlobMissing)));
    writer.finish(Some((1, Bytes::from_static(b"ead")))).await.expect("the store answers");
    assert_eq!(collect(store, id, 0, 7).await, b"?eadbody");
}

async fn a_blob_is_read_from_the_middle(store: &Store) {
    let id = Attempt::random().blob();
    let content: Vec<u8> = (0..1_000_000_u32).map(|i| i.to_le_bytes()[0] ^ i.to_le_bytes()[1]).collect();
    let mut writer = store.create_blob(id).await.expect("the store answers");
    for piece in content.chunks(300_000) {
        writer.write(Bytes::copy_from_slice(piece)).await.expect("the store answers");
    }
    writer.finish(None).await.expect("the store answers");
    for (first, last) in [(0_u32, 0_u32), (261_119, 261_121), (500_000, 999_999), (999_999, 999_999)] {
        let read = collect(store, id, first.into(), last.into()).await;
        assert_eq!(read, content[first as usize..=last as usize], "{first}..={last}");
    }
    let beyond: Result<Vec<_>, _> =
        store.read_blob(id, 999_990..=1_000_010).await.expect("the blob is there").try_collect().await;
    assert!(beyond.is_err(), "missing bytes never end cleanly");
}

async fn a_deleted_blob_is_missing(store: &Store) {
    let (finished, unfinished) = (Attempt::random().blob(), Attempt::random().blob());
    store.create_blob(finished).await.expect("the store answers").finish(None).await.expect("the store answers");
    let writer = store.create_blob(unfinished).await.expect("the store answers");
    for id in [finished, unfinished, Attempt::random().blob()] {
        store.delete_blob(id).await.expect("deleting what is not there is fine");
    }
    assert!(matches!(store.read_blob(finished, 0..=0).await, Err(Error::BlobMissing)));
    assert!(writer.finish(None).await.is_err(), "a zombie's blob does not come back");
}
