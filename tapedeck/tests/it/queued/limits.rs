//! How much may wait, and how long.

use tokio::io::AsyncReadExt as _;

use super::{ONE_AT_A_TIME, accepted, begin, busy, clip, ended, send, videos};
use crate::{
    stack::{Stack, until},
    user::expect,
};

#[tokio::test]
async fn what_is_beyond_a_limit_of_the_queue_is_refused_before_its_body() {
    for (limit, status, kind) in [
        ("QUEUE_MAX", 503, "/problems/queue-full"),
        ("QUEUE_BYTES_MAX", 503, "/problems/queue-full"),
        ("QUEUED_PER_USER_MAX", 429, "/problems/too-many-queued"),
    ] {
        let stack = Stack::start_with(&[&ONE_AT_A_TIME[..], &[(limit, "1")]].concat()).await;
        let (alice, bob) = (stack.user("alice").await, stack.user("bob").await);
        let permit = busy(&bob).await;
        let first = accepted(&alice, "first", clip()).await;

        // Its head is all that comes.
        let head = "prefer: respond-async\r\nconnection: close\r\ncontent-length: 1000000";
        let mut client = begin(&alice, head, b"").await;
        let mut answer = vec![0; "HTTP/1.1 503".len()];
        client.read_exact(&mut answer).await.expect("an answer");
        assert_eq!(String::from_utf8_lossy(&answer), format!("HTTP/1.1 {status}"));
        let refused = send(&alice, "second", clip()).await;
        assert!(refused.headers().contains_key("retry-after"), "{limit}");
        let refused = expect(refused, status).await;
        assert_eq!(refused["type"], kind);
        assert!(refused["detail"].as_str().is_some_and(|detail| detail.contains(limit)), "{refused}");
        assert_eq!(alice.list().await.len(), 1, "no trace of them");
        // What is in the queue is told of, whatever the queue.
        assert_eq!(accepted(&alice, "first", clip()).await, first);
        let others = send(&bob, "others", clip()).await.status().as_u16();
        assert_eq!(others, if status == 429 { 202 } else { 503 }, "{limit}");

        drop(permit);
        assert_eq!(ended(&alice, &first).await["state"], "done");
        until("there is room again", async || send(&alice, "second", clip()).await.status() != status).await;
        let second = alice.get("/conversions?key=second").send().await.expect("an answer");
        let second = expect(second, 200).await["conversions"][0]["id"].as_str().expect("an id").to_owned();
        assert_eq!(ended(&alice, &second).await["state"], "done");
    }
}

#[tokio::test]
async fn what_is_not_converted_in_time_fails_and_says_so() {
    let stack = Stack::start_with(&ONE_AT_A_TIME).await;
    let (alice, bob) = (stack.user("alice").await, stack.user("bob").await);
    let permit = busy(&bob).await;
    let upload = |key: &str| {
        let upload = alice.post("/upload?filename=a.mp4").header("prefer", "respond-async");
        upload.header("idempotency-key", key).body(clip())
    };
    let hasty = upload("hasty").header("request-deadline-ms", "10000").send().await.expect("an answer");
    let hasty = expect(hasty, 202).await["id"].as_str().expect("an id").to_owned();
    let patient = accepted(&alice, "patient", clip()).await;

    let failed = ended(&alice, &hasty).await;

    assert_eq!((failed["state"].as_str(), &failed["failure"]["status"]), (Some("failed"), &504.into()));
    assert_eq!(failed["failure"]["type"], "/problems/timed-out");
    until("its video is gone, and the other one is not", async || videos(&stack) == 1).await;
    // Its key may try again.
    let again = accepted(&alice, "hasty", clip()).await;
    assert_eq!(again, hasty);
    drop(permit);
    for id in [&again, &patient] {
        assert_eq!(ended(&alice, id).await["state"], "done");
    }
}
