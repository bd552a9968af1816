//! Half a video is never accepted, and a bad one is never converted.

use std::fs;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{ON, accepted, begin, clip, ended, send, videos};
use crate::{
    media,
    stack::{Stack, until},
    user::{User, expect},
};

async fn assert_nothing_is_left(user: &User<'_>) {
    until("every claim is over", async || user.list().await.iter().all(|found| found["state"] == "failed")).await;
    assert!(!user.list().await.is_empty(), "the uploads were admitted");
    until("no video is left", async || videos(user.stack) == 0 && user.stack.blobs().is_empty()).await;
}

/// The connection ends in the middle of what was announced.
#[tokio::test]
async fn a_cut_connection_never_gets_202() {
    let stack = Stack::start_with(&[ON, ("UPLOADS_PER_USER_MAX", "100")]).await;
    let alice = stack.user("alice").await;
    let video = clip();
    for cut in [1, video.len() / 2, video.len() - 1] {
        let announced = format!("content-length: {}", video.len());
        let chunk = format!("{:x}\r\n", video.len()).into_bytes();
        // A chunked body without its last chunk is cut, too, although all bytes of the video are there.
        let unended = [&chunk, &video[..], b"\r\n"].concat();
        for (framing, body) in [
            (&*announced, video[..cut].to_vec()),
            ("transfer-encoding: chunked", [&chunk, &video[..cut]].concat()),
            ("transfer-encoding: chunked", unended),
        ] {
            let before = alice.list().await.len();
            let mut client = begin(&alice, &format!("prefer: respond-async\r\n{framing}"), &body).await;
            until("it is admitted", async || alice.list().await.len() > before).await;
            let _ = client.shutdown().await;
            let mut answer = Vec::new();
            let _ = client.read_to_end(&mut answer).await;
            let answer = String::from_utf8_lossy(&answer);
            assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
        }
    }
    assert_nothing_is_left(&alice).await;
}

#[tokio::test]
async fn a_form_without_its_last_boundary_never_gets_202() {
    let stack = Stack::start_with(&[ON]).await;
    let alice = stack.user("alice").await;
    let head = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.mp4\"\r\n\r\n";
    let form = |end: &[u8]| {
        let upload = alice.post("/upload").header("content-type", "multipart/form-data; boundary=b");
        upload.header("prefer", "respond-async").body([head.as_bytes(), &clip(), end].concat())
    };
    expect(form(b"\r\n").send().await.expect("an answer"), 408).await;
    assert_nothing_is_left(&alice).await;

    let whole = expect(form(b"\r\n--b--\r\n").send().await.expect("an answer"), 202).await;
    assert_eq!(ended(&alice, whole["id"].as_str().expect("an id")).await["state"], "done");
}

#[tokio::test]
async fn an_empty_body_is_refused_and_a_key_that_was_cut_may_try_again() {
    let stack = Stack::start_with(&[ON]).await;
    let alice = stack.user("alice").await;
    assert_eq!(expect(send(&alice, "empty", vec![]).await, 400).await["type"], "/problems/empty-body");

    let announced = format!("prefer: respond-async\r\nidempotency-key: k\r\ncontent-length: {}", clip().len());
    let mut client = begin(&alice, &announced, &clip()[..1000]).await;
    until("it is admitted", async || alice.list().await.iter().any(|found| found["state"] == "running")).await;
    let _ = client.shutdown().await;
    drop(client);
    until("its claim is over", async || alice.list().await.iter().all(|found| found["state"] == "failed")).await;

    let id = accepted(&alice, "k", clip()).await;
    assert_eq!(ended(&alice, &id).await["state"], "done");
    until("both videos are gone", async || videos(&stack) == 0).await;
}

#[tokio::test]
async fn a_bad_video_is_accepted_and_fails_for_good_with_its_problem() {
    let stack = Stack::start_with(&[ON]).await;
    let alice = stack.user("alice").await;
    let silent = fs::read(media::silent_film()).expect("the video is there");
    let cut = clip()[..clip().len() / 2].to_vec();
    for (key, video, code, kind) in [
        ("text", b"no video at all, but some text".to_vec(), 415, "/problems/unknown-container"),
        ("silent", silent, 422, "/problems/no-audio"),
        ("cut", cut, 422, "/problems/truncated"),
    ] {
        let id = accepted(&alice, key, video.clone()).await;

        let failed = ended(&alice, &id).await;

        assert_eq!((failed["state"].as_str(), failed["failure"]["type"].as_str()), (Some("failed"), Some(kind)));
        assert_eq!((&failed["failure"]["status"], &failed["failure"]["retryable"]), (&code.into(), &false.into()));
        // Final: its key tells the same, and tries nothing.
        let again = send(&alice, key, video).await;
        assert_eq!(again.headers()["idempotency-replayed"], "true");
        assert_eq!(expect(again, code).await["type"], kind);
    }
    assert_nothing_is_left(&alice).await;
}
