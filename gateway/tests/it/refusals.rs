//! Refusals that come before or in the middle of a body must be readable, and end the connection.

use crate::{
    script::{OnVideo, problem},
    stack::{BYTES_MAX, Stack, until},
    wire::Wire,
};

const ALICE: &str = "Authorization: Bearer alice";
const CHUNKED: &str = "Transfer-Encoding: chunked";

#[tokio::test]
async fn an_endless_body_without_a_token_gets_a_readable_401() {
    let stack = Stack::start().await;
    let answer = Wire::upload(stack.gateway.address(), &[CHUNKED]).await.answer_while_sending().await;
    assert_eq!(answer.status, 401);
    assert!(answer.head.contains("www-authenticate: bearer realm=\"tapedeck\""), "{}", answer.head);
    assert!(stack.script.reserves().is_empty(), "no converter was asked");
}

#[tokio::test]
async fn an_endless_body_gets_a_readable_413_once_it_is_too_large() {
    let stack = Stack::start().await;
    let answer = Wire::upload(stack.gateway.address(), &[ALICE, CHUNKED]).await.answer_while_sending().await;
    assert_eq!(answer.status, 413, "{}", answer.body);
    assert!(answer.body.contains("UPLOAD_BYTES_MAX"));
    until("the converter sees a broken video", || stack.script.videos().iter().any(|video| !video.is_whole)).await;
}

#[tokio::test]
async fn a_known_length_over_the_limit_is_refused_before_the_body() {
    let stack = Stack::start().await;
    let length = format!("Content-Length: {}", BYTES_MAX + 1);
    let mut wire = Wire::upload(stack.gateway.address(), &[ALICE, &length]).await;
    assert_eq!(wire.answer().await.status, 413);
    assert!(stack.script.reserves().is_empty());
}

#[tokio::test]
async fn the_converters_early_verdict_reaches_a_client_that_goes_on_sending() {
    // So large that the client does not reach the gateway's own limit before the verdict is there.
    let stack = Stack::start_with(|config| config.upload_bytes_max = u64::MAX).await;
    stack.script.on_video(OnVideo::Refuse(problem(415, "/problems/unknown-container")));
    let answer = Wire::upload(stack.gateway.address(), &[ALICE, CHUNKED]).await.answer_while_sending().await;
    assert_eq!(answer.status, 415, "{}", answer.body);
    assert!(answer.body.contains("/problems/unknown-container"));
}

#[tokio::test]
async fn a_silent_client_gets_408_and_the_video_is_broken() {
    let stack = Stack::start().await;
    for framing in ["Content-Length: 100", CHUNKED] {
        let mut wire = Wire::upload(stack.gateway.address(), &[ALICE, framing]).await;
        if framing == CHUNKED {
            wire.chunk(b"abc").await;
        } else {
            wire.send(b"abc").await;
        }
        let answer = wire.answer().await;
        assert_eq!(answer.status, 408, "{}", answer.body);
        assert!(answer.body.contains("UPLOAD_IDLE_MAX"));
    }
    until("both videos broke", || stack.script.videos().len() == 2).await;
    assert!(stack.script.videos().iter().all(|video| !video.is_whole && video.bytes == b"abc"));
}

#[tokio::test]
async fn a_trickling_client_gets_408() {
    let stack = Stack::start().await;
    let mut wire = Wire::upload(stack.gateway.address(), &[ALICE, CHUNKED]).await;
    let answer = loop {
        wire.chunk(b"x").await;
        if let Ok(answer) = tokio::time::timeout(std::time::Duration::from_millis(50), wire.answer()).await {
            break answer;
        }
    };
    assert_eq!(answer.status, 408, "{}", answer.body);
    assert!(answer.body.contains("UPLOAD_RATE_MIN"), "{}", answer.body);
}

#[tokio::test]
async fn the_head_is_judged_before_the_body() {
    let stack = Stack::start().await;
    for (query, header, named) in [
        ("qualty=V2", None, "qualty"),
        ("bitrate=31", None, "32"),
        ("", Some(("idempotency-key", "a b")), "Idempotency-Key"),
        ("", Some(("request-deadline-ms", "0")), "Request-Deadline-Ms"),
    ] {
        let mut upload = stack.http.post(stack.url(&format!("/upload?{query}"))).bearer_auth("alice").body("video");
        if let Some((name, value)) = header {
            upload = upload.header(name, value);
        }
        let answer = upload.send().await.expect("an answer");
        assert_eq!(answer.status(), 400);
        let text = answer.text().await.expect("a body");
        assert!(text.contains(named), "{text}");
    }
    let empty = stack.upload("").send().await.expect("an answer");
    assert_eq!(empty.status(), 400);
    assert!(empty.text().await.expect("a body").contains("/problems/empty-body"));
    assert!(stack.script.reserves().is_empty());
}
