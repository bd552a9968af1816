//! Clients that leave: before the last byte nothing may look whole, after it everything goes on.

use crate::{
    script::OnVideo,
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
        until("the video began", || stack.script.begun() > before).await;
        drop(wire);
        until("the video ended", || stack.script.videos().len() > before).await;
    }
    assert!(stack.script.videos().iter().all(|video| !video.is_whole));
}

/// The converter is slow, so that much of the video is still in the gateway when its client has gone.
#[tokio::test]
async fn a_client_that_leaves_after_the_last_byte_is_not_needed_any_more() {
    const VIDEO_BYTES: usize = 16 * 1024 * 1024;
    let stack = Stack::start_with(|config| config.upload_bytes_max = VIDEO_BYTES as u64).await;
    stack.script.on_video(OnVideo::ConvertSlowly);
    let video = vec![5; VIDEO_BYTES];
    let length = format!("Content-Length: {VIDEO_BYTES}");
    for _ in 0..3 {
        let before = stack.script.videos().len();
        let mut wire = Wire::upload(stack.gateway.address(), &[ALICE, &length]).await;
        // A client that leaves before a converter is found has not begun.
        until("the video began", || stack.script.begun() > before).await;
        wire.send(&video).await;
        drop(wire);
        until("the video ended", || stack.script.videos().len() > before).await;
    }
    assert!(stack.script.videos().iter().all(|seen| seen.is_whole && seen.bytes == video));
}
