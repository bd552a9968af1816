//! Clients that leave: before the last byte nothing may look whole, after it everything goes on.

use crate::{
    script::Video,
    stack::{Stack, until},
    wire::Wire,
};

const ALICE: &str = "Authorization: Bearer alice";

#[tokio::test]
async fn a_client_that_leaves_mid_upload_breaks_the_video() {
    let stack = Stack::start().await;
    for framing in ["Content-Length: 100", "Transfer-Encoding: chunked"] {
        let mut wire = Wire::upload(stack.gateway.address(), &[ALICE, framing]).await;
        if framing.starts_with("Content") {
            wire.send(b"half").await;
        } else {
            wire.chunk(b"half").await;
        }
        let before = stack.script.videos().len();
        until("the video began", || stack.script.reserves().len() > before).await;
        drop(wire);
        until("the video ended", || stack.script.videos().len() > before).await;
    }
    assert!(stack.script.videos().iter().all(|video| !video.is_whole));
}

#[tokio::test]
async fn a_client_that_leaves_after_the_last_byte_is_not_needed_any_more() {
    let stack = Stack::start().await;
    let video = vec![5; 200_000];
    for _ in 0..20 {
        let before = stack.script.videos().len();
        let mut wire = Wire::upload(stack.gateway.address(), &[ALICE, "Content-Length: 200000"]).await;
        // The permit first: a client that leaves before it has not begun.
        until("the permit", || stack.script.reserves().len() > before).await;
        wire.send(&video).await;
        drop(wire);
        until("the video ended", || stack.script.videos().len() > before).await;
    }
    let whole = Video { bytes: video, is_whole: true };
    assert!(stack.script.videos().iter().all(|seen| *seen == whole));
}
