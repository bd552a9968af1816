//! The queued flow on embedded stores: 202, then the mp3.

mod crashes;
mod cuts;
mod limits;

use std::fs;

use reqwest::Response;
use serde_json::Value;
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

use crate::{
    media,
    stack::{Stack, until},
    user::{User, expect},
};

const ON: (&str, &str) = ("QUEUED_FLOW", "true");
/// One conversion at a time, and as long as a test likes.
const ONE_AT_A_TIME: [(&str, &str); 5] =
    [ON, ("CONVERSIONS_MAX", "1"), ("UPLOAD_IDLE_MAX", "10m"), ("VIDEO_IDLE_MAX", "11m"), ("UPLOAD_RATE_MIN", "0")];

fn clip() -> Vec<u8> {
    fs::read(media::video("mp4", 3)).expect("the video is there")
}

async fn send(user: &User<'_>, key: &str, video: Vec<u8>) -> Response {
    let call = user.post("/upload?filename=a.mp4").header("prefer", "respond-async").header("idempotency-key", key);
    call.body(video).send().await.expect("an answer")
}

/// The id of an upload that must be accepted.
async fn accepted(user: &User<'_>, key: &str, video: Vec<u8>) -> String {
    expect(send(user, key, video).await, 202).await["id"].as_str().expect("an id").to_owned()
}

async fn status(user: &User<'_>, id: &str) -> Value {
    expect(user.get(&format!("/conversions/{id}")).send().await.expect("an answer"), 200).await
}

/// The state once the conversion has ended.
async fn ended(user: &User<'_>, id: &str) -> Value {
    let status = user.get(&format!("/conversions/{id}")).header("prefer", "wait=60").send().await.expect("an answer");
    assert_eq!(status.headers()["preference-applied"], "wait=60");
    expect(status, 200).await
}

/// Sends the head of an upload with more headers, and the beginning of its body.
async fn begin(user: &User<'_>, headers: &str, start: &[u8]) -> TcpStream {
    let mut client = TcpStream::connect(user.stack.address()).await.expect("a connection");
    let token = &user.token;
    let head = format!(
        "POST /upload?filename=a.mp4 HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n{headers}\r\n\r\n"
    );
    client.write_all(&[head.as_bytes(), start].concat()).await.expect("the server reads");
    client
}

/// Keeps the one permit of [`ONE_AT_A_TIME`] by an upload that does not go on, until it is dropped.
async fn busy(user: &User<'_>) -> TcpStream {
    let video = clip();
    let client = begin(user, &format!("content-length: {}", video.len()), &video[..video.len() / 2]).await;
    user.stack.wait_permits(1).await;
    client
}

/// Stored videos, whole ones or not.
fn videos(stack: &Stack) -> usize {
    fs::read_dir(stack.folder().join("conversions/videos")).expect("a folder").count()
}

#[tokio::test]
async fn an_upload_that_need_not_wait_is_accepted_and_converted_later() {
    let stack = Stack::start_with(&[ON]).await;
    let alice = stack.user("alice").await;

    let answer = send(&alice, "k", clip()).await;
    assert_eq!(answer.headers()["preference-applied"], "respond-async");
    let location = answer.headers()["location"].to_str().expect("text").to_owned();
    let accepted = expect(answer, 202).await;
    let id = accepted["id"].as_str().expect("an id");
    assert_eq!((accepted["state"].as_str(), &*location), (Some("queued"), &*format!("/conversions/{id}")));

    let done = ended(&alice, id).await;
    assert_eq!(done["state"], "done", "{done}");
    let mp3 = alice.download(id).await;
    assert_eq!(done["sha256"], media::sha256(&mp3));
    // The same bytes as those of the blocking flow.
    let blocking = alice.convert(&media::video("mp4", 3)).await;
    assert_eq!(blocking["sha256"], done["sha256"]);
    // Its key replays what it became.
    let replayed = send(&alice, "k", clip()).await;
    assert_eq!(replayed.headers()["idempotency-replayed"], "true");
    assert_eq!(expect(replayed, 201).await["id"], id);
    until("the mail is delivered, and the video is gone", async || {
        status(&alice, id).await["mail"]["state"] == "delivered" && videos(&stack) == 0
    })
    .await;
}

#[tokio::test]
async fn a_preference_that_is_switched_off_is_ignored() {
    let stack = Stack::start().await;
    let alice = stack.user("alice").await;
    let answer = send(&alice, "k", clip()).await;
    assert!(!answer.headers().contains_key("preference-applied"));
    assert_eq!(expect(answer, 201).await["state"], "done");
}

#[tokio::test]
async fn a_key_in_the_queue_replays_its_202_and_nothing_else_takes_it() {
    let stack = Stack::start_with(&ONE_AT_A_TIME).await;
    let (alice, bob) = (stack.user("alice").await, stack.user("bob").await);
    let permit = busy(&bob).await;
    let id = accepted(&alice, "k", clip()).await;

    let again = send(&alice, "k", clip()).await;
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert_eq!(again.headers()["preference-applied"], "respond-async");
    let again = expect(again, 202).await;
    assert_eq!((again["id"].as_str(), again["state"].as_str()), (Some(&*id), Some("queued")));
    // Whoever waits for an mp3 is told to come back for it.
    let blocking = || alice.post("/upload?filename=a.mp4").header("idempotency-key", "k").body(clip());
    let refused = blocking().send().await.expect("an answer");
    assert!(refused.headers().contains_key("retry-after"));
    assert_eq!(expect(refused, 409).await["type"], "/problems/in-progress");
    for other in [blocking().query(&[("channels", "1")]), blocking().header("content-type", "video/mp4")] {
        for other in [other.try_clone().expect("no stream").header("prefer", "respond-async"), other] {
            assert_eq!(expect(other.send().await.expect("an answer"), 422).await["type"], "/problems/key-reused");
        }
    }
    assert_eq!(alice.list().await.len(), 1);
    let by_key = alice.get("/conversions?key=k").send().await.expect("an answer");
    assert_eq!(expect(by_key, 200).await["conversions"][0]["id"], id.as_str());

    drop(permit);
    assert_eq!(ended(&alice, &id).await["state"], "done");
    let replayed = blocking().send().await.expect("an answer");
    assert_eq!(replayed.headers()["idempotency-replayed"], "true");
    assert_eq!(expect(replayed, 201).await["id"], id.as_str());
}

#[tokio::test]
async fn a_key_whose_video_still_comes_is_in_progress() {
    let stack = Stack::start_with(&ONE_AT_A_TIME).await;
    let alice = stack.user("alice").await;
    let (video, prefer) = (clip(), "prefer: respond-async\r\nidempotency-key: k");
    let (start, rest) = video.split_at(video.len() / 2);
    let mut first = begin(&alice, &format!("{prefer}\r\ncontent-length: {}", video.len()), start).await;
    until("it is admitted", async || !alice.list().await.is_empty()).await;

    let refused = send(&alice, "k", video.clone()).await;
    assert!(refused.headers().contains_key("retry-after"));
    assert_eq!(expect(refused, 409).await["type"], "/problems/in-progress");

    first.write_all(rest).await.expect("the server reads");
    let id = alice.list().await[0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(ended(&alice, &id).await["state"], "done");
}

#[tokio::test]
async fn a_deleted_job_is_never_converted_and_its_video_goes() {
    let stack = Stack::start_with(&ONE_AT_A_TIME).await;
    let (alice, bob) = (stack.user("alice").await, stack.user("bob").await);
    let permit = busy(&bob).await;
    let queued = accepted(&alice, "queued", clip()).await;
    delete(&alice, &queued).await;
    drop(permit);
    // It finds the worker free.
    let long = fs::read(media::video("mp4", 120)).expect("the video is there");
    let running = accepted(&alice, "running", long).await;
    until("it is converted", async || status(&alice, &running).await["state"] == "running").await;
    delete(&alice, &running).await;

    stack.wait_permits(0).await;
    until("the engine is gone", async || stack.engines().is_empty()).await;
    until("nothing of them is left", async || videos(&stack) == 0 && stack.blobs().is_empty()).await;
    for key in ["queued", "running"] {
        let video = if key == "queued" { media::video("mp4", 3) } else { media::video("mp4", 120) };
        let again = send(&alice, key, fs::read(video).expect("the video is there")).await;
        assert_eq!(expect(again, 409).await["type"], "/problems/key-deleted");
    }
}

async fn delete(user: &User<'_>, id: &str) {
    let path = format!("/conversions/{id}");
    assert_eq!(user.delete(&path).send().await.expect("an answer").status(), 204);
    expect(user.get(&path).send().await.expect("an answer"), 404).await;
}
