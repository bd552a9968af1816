//! The queued flow on embedded stores: 202, then the mp3.

use std::fs;

use reqwest::Response;
use serde_json::Value;

use crate::{
    media,
    stack::{Stack, until},
    user::{User, expect},
};

async fn stack() -> Stack {
    Stack::start_with(&[("QUEUED_FLOW", "true")]).await
}

async fn send(user: &User<'_>, key: &str, video: Vec<u8>) -> Response {
    let call = user.post("/upload?filename=a.mp4").header("prefer", "respond-async").header("idempotency-key", key);
    call.body(video).send().await.expect("an answer")
}

/// The state once the conversion has ended.
async fn ended(user: &User<'_>, id: &str) -> Value {
    let status = user.get(&format!("/conversions/{id}")).header("prefer", "wait=60");
    expect(status.send().await.expect("an answer"), 200).await
}

#[tokio::test]
async fn an_upload_that_need_not_wait_is_accepted_and_converted_later() {
    let stack = stack().await;
    let alice = stack.user("alice").await;
    let video = fs::read(media::video("mp4", 3)).expect("the video is there");

    let answer = send(&alice, "k", video.clone()).await;
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
    let replayed = send(&alice, "k", video).await;
    assert_eq!(replayed.headers()["idempotency-replayed"], "true");
    assert_eq!(expect(replayed, 201).await["id"], id);
    until("the mail is delivered, and the video is gone", async || {
        let videos = fs::read_dir(stack.folder().join("conversions/videos")).expect("a folder").count();
        ended(&alice, id).await["mail"]["state"] == "delivered" && videos == 0
    })
    .await;
}
