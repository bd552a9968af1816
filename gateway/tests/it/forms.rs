//! Uploads as `multipart/form-data`.

use reqwest::StatusCode;

use crate::{
    script::Video,
    stack::{Stack, until},
    wire::Wire,
};

const FORM: &str = "multipart/form-data; boundary=XX";
const HEAD: &str = "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a b.mp4\"\r\n\
    Content-Type: video/mp4\r\n\r\n";
/// Looks like a boundary here and there.
const VIDEO: &[u8] = b"bytes\r\n--X\r\r\n-\r\n--\r\nmore";
const TAIL: &str = "\r\n--XX--\r\n";

fn form() -> Vec<u8> {
    [HEAD.as_bytes(), VIDEO, TAIL.as_bytes()].concat()
}

async fn send(stack: &Stack, body: Vec<u8>) -> (StatusCode, String) {
    let answer = stack.upload(body).header("content-type", FORM).send().await.expect("an answer");
    (answer.status(), answer.text().await.expect("a body"))
}

#[tokio::test]
async fn the_file_of_a_form_is_the_video() {
    let stack = Stack::start().await;
    let (status, text) = send(&stack, form()).await;
    assert_eq!(status, 201, "{text}");
    assert!(text.contains("\"filename\":\"a b.mp4\""), "{text}");
    assert_eq!(stack.script.videos(), [Video { bytes: VIDEO.to_vec(), is_whole: true }]);
}

#[tokio::test]
async fn a_form_that_is_cut_anywhere_is_never_a_whole_video() {
    let stack = Stack::start().await;
    let form = form();
    let address = stack.gateway.address();
    let content_type = format!("Content-Type: {FORM}");
    // The last two bytes are the line break behind the closing boundary; it is not needed.
    for cut in 1..form.len() - 2 {
        let headers = ["Authorization: Bearer alice", &content_type, "Transfer-Encoding: chunked"];
        let mut wire = Wire::upload(address, &headers).await;
        wire.chunk(&form[..cut]).await;
        wire.send(b"0\r\n\r\n").await;
        let answer = wire.answer().await;
        assert!(matches!(answer.status, 400 | 408), "cut at {cut}: {}", answer.body);
    }
    assert!(stack.script.videos().iter().all(|video| !video.is_whole));
    let (status, text) = send(&stack, form[..form.len() - 2].to_vec()).await;
    assert_eq!(status, 201, "{text}");
}

#[tokio::test]
async fn a_second_file_and_a_form_without_one_are_refused() {
    let stack = Stack::start().await;
    let two = [HEAD.as_bytes(), VIDEO, b"\r\n", HEAD.as_bytes(), VIDEO, TAIL.as_bytes()].concat();
    let none = b"--XX\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\nhello\r\n--XX--\r\n".to_vec();
    for (body, named) in [(two, "second file"), (none, "no file")] {
        let (status, text) = send(&stack, body).await;
        assert_eq!(status, 400, "{text}");
        assert!(text.contains(named), "{text}");
    }
    until("the first file's video broke", || stack.script.videos().iter().any(|video| !video.is_whole)).await;
}

#[tokio::test]
async fn a_form_without_a_boundary_is_refused_before_a_converter_is_asked() {
    let stack = Stack::start().await;
    let long = format!("multipart/form-data; boundary={}", "x".repeat(71));
    let bad = ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=a b\"", &long];
    for kind in bad {
        let answer = stack.upload(form()).header("content-type", kind).send().await.expect("an answer");
        assert_eq!(answer.status(), 400, "{kind}");
        let text = answer.text().await.expect("a body");
        assert!(text.contains("/problems/bad-request") && text.contains("boundary"), "{kind}: {text}");
    }
    assert!(stack.script.reserves().is_empty());
}

#[tokio::test]
async fn what_is_around_the_file_is_bounded() {
    let stack = Stack::start().await;
    let field = |bytes| {
        let head = b"--XX\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\n".as_slice();
        [head, &vec![b'x'; bytes], b"\r\n"].concat()
    };
    let (status, text) = send(&stack, [field(8000), form()].concat()).await;
    assert_eq!(status, 201, "{text}");
    let (status, text) = send(&stack, [field(17_000), form()].concat()).await;
    assert_eq!(status, 400);
    assert!(text.contains("16 KiB"), "{text}");
}

#[tokio::test]
async fn a_retry_with_another_boundary_is_the_same_request() {
    let stack = Stack::start().await;
    for boundary in ["XX", "another-boundary"] {
        let body = String::from_utf8(form()).expect("text").replace("--XX", &format!("--{boundary}"));
        let form = format!("multipart/form-data; boundary={boundary}");
        let answer = stack.upload(body).header("content-type", form).header("idempotency-key", "k").send().await;
        assert_eq!(answer.expect("an answer").status(), 201);
    }
    let reserves = stack.script.reserves();
    assert_eq!(reserves[0].fingerprint, reserves[1].fingerprint);
    assert_ne!(reserves[0].attempt, reserves[1].attempt);
}
