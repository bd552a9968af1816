//! What goes by itself: expired mp3s.

use crate::{
    media,
    stack::{Stack, until},
    user::expect,
};

#[tokio::test]
async fn an_expired_mp3_goes_and_so_does_its_blob() {
    let stack = Stack::start_with(&[("MP3_KEPT", "1s")]).await;
    let alice = stack.user("alice").await;
    let done = alice.convert(&media::video("mp4", 3)).await;
    assert!(done["expires_at"].as_u64() > done["done_at"].as_u64(), "it says until when it is kept: {done}");

    let path = format!("/download?fid={}", done["id"].as_str().expect("an id"));
    until("the mp3 is gone", async || alice.get(&path).send().await.expect("an answer").status() == 404).await;

    expect(alice.get(&path).send().await.expect("an answer"), 404).await;
    until("its blob is swept", async || stack.blobs().is_empty()).await;
    assert!(alice.list().await.is_empty());
}
