//! A refusal in the middle of sending can be read, by any client, and forwards no byte.

use std::time::Duration;

use futures_util::StreamExt as _;
use reqwest::Body;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{sleep, timeout},
};

use crate::{
    media,
    stack::{Stack, until},
    user::expect,
};

/// A body that never ends and never says how long it is.
fn endless() -> Body {
    let zeros = futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![0_u8; 64 * 1024]));
    Body::wrap_stream(zeros)
}

#[tokio::test]
async fn an_endless_body_without_a_token_is_refused_at_once() {
    let stack = Stack::start().await;
    let upload = stack.http.post(stack.url("/upload?filename=a.mp4")).body(endless()).send();
    let answer = timeout(Duration::from_secs(10), upload).await.expect("it is refused at once");
    expect(answer.expect("the refusal can be read"), 401).await;
    assert!(stack.engines().is_empty());
}

#[tokio::test]
async fn an_endless_body_that_is_no_video_is_refused_in_the_middle() {
    let stack = Stack::start().await;
    let alice = stack.user("alice").await;
    let upload = alice.post("/upload?filename=a.mp4").body(endless()).send();
    let answer = timeout(Duration::from_secs(10), upload).await.expect("it is refused in the middle");
    expect(answer.expect("the refusal can be read"), 415).await;
}

#[tokio::test]
async fn an_idle_client_is_given_up() {
    let stack = Stack::start_with(&[("UPLOAD_IDLE_MAX", "1s")]).await;
    let alice = stack.user("alice").await;
    let video = std::fs::read(media::video("mp4", 3)).expect("the video is there");
    let mut client = TcpStream::connect(stack.address()).await.expect("a connection");
    let head = format!(
        "PUT /upload/a.mp4 HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\n\r\n",
        alice.token,
        video.len()
    );
    client.write_all(head.as_bytes()).await.expect("the server reads");
    client.write_all(&video[..100]).await.expect("the server reads");

    let mut answer = vec![0; 12];
    timeout(Duration::from_secs(10), client.read_exact(&mut answer))
        .await
        .expect("it answers")
        .expect("the answer can be read");
    assert_eq!(answer, b"HTTP/1.1 408");
    until("no engine is left", async || stack.engines().is_empty()).await;
}

#[tokio::test]
async fn a_full_converter_refuses_before_the_body_and_says_when_to_come_back() {
    let stack = Stack::start_with(&[("CONVERSIONS_MAX", "1")]).await;
    let alice = stack.user("alice").await;
    let video = std::fs::read(media::video("mp4", 3)).expect("the video is there");
    let slow = futures_util::stream::iter([Ok::<_, std::io::Error>(video[..1000].to_vec())]).chain(
        futures_util::stream::once(async {
            sleep(Duration::from_mins(1)).await;
            Ok(vec![])
        }),
    );
    let holder = tokio::spawn(alice.post("/upload?filename=slow.mp4").body(Body::wrap_stream(slow)).send());
    stack.wait_permits(1).await;

    let refused = alice.post("/upload?filename=a.mp4").body(video.clone()).send().await.expect("an answer");
    assert!(refused.headers().contains_key("retry-after"));
    assert_eq!(expect(refused, 503).await["type"], "/problems/busy");

    holder.abort();
    until("the permit is free again", async || {
        alice.post("/upload?filename=a.mp4").body(video.clone()).send().await.expect("an answer").status() == 201
    })
    .await;
}

#[tokio::test]
async fn a_user_has_so_many_uploads_in_flight() {
    let stack = Stack::start_with(&[("UPLOADS_PER_USER_MAX", "1")]).await;
    let (alice, bob) = (stack.user("alice").await, stack.user("bob").await);
    let video = std::fs::read(media::video("mp4", 3)).expect("the video is there");
    let never = futures_util::stream::iter([Ok::<_, std::io::Error>(video[..1000].to_vec())])
        .chain(futures_util::stream::pending());
    let holder = tokio::spawn(alice.post("/upload?filename=slow.mp4").body(Body::wrap_stream(never)).send());
    let video = media::video("mp4", 3);
    stack.wait_permits(1).await;

    let refused = alice.upload(&video).await;
    assert!(refused.headers().contains_key("retry-after"));
    let problem = expect(refused, 429).await;
    assert!(problem["detail"].as_str().expect("text").contains("UPLOADS_PER_USER_MAX"), "{problem}");

    bob.convert(&video).await;
    holder.abort();
}
