//! Clients that leave: before the last byte nothing may look whole, after it everything goes on.

use crate::{
    script::{OnVideo, Video},
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

#[tokio::test]
async fn a_client_that_leaves_after_the_last_byte_is_not_needed_any_more() {
    let stack = Stack::start().await;
    stack.script.on_video(OnVideo::Hold);
    let mut wire = Wire::upload(stack.gateway.address(), &[ALICE, "Content-Length: 5"]).await;
    wire.send(b"video").await;
    until("the converter has the video", || stack.script.held() == 1).await;
    wire.leave().await;
    stack.script.release();
    until("the video ended", || stack.script.videos().len() == 1).await;
    assert_eq!(stack.script.videos(), [Video { bytes: b"video".to_vec(), is_whole: true }]);
}
