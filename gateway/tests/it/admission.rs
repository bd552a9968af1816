//! Before the body: permits, the user's limit, replays.

use std::time::{Duration, Instant};

use converter::conversion::{ConversionId, State};
use reqwest::header;

use crate::{
    script::{OnReserve, document, problem},
    stack::{Stack, alices, until},
    wire::Wire,
};

fn full() -> OnReserve {
    OnReserve::Problem(problem(503, "/problems/busy").retry_after(Duration::from_secs(7)))
}

#[tokio::test]
async fn a_full_converter_is_asked_again_with_a_fresh_attempt() {
    let stack = Stack::start().await;
    stack.script.on_reserve([full(), full()]);
    let answer = stack.upload("video").send().await.expect("an answer");
    assert_eq!(answer.status(), 201);
    let reserves = stack.script.reserves();
    assert_eq!(reserves.len(), 3);
    assert!(reserves[0].attempt != reserves[1].attempt && reserves[1].attempt != reserves[2].attempt);
    assert!(reserves[2].instead_of.is_empty(), "no answer was lost");
}

#[tokio::test]
async fn a_converter_that_stays_full_means_503_with_its_wait() {
    let stack = Stack::start().await;
    stack.script.on_reserve((0..200).map(|_| full()));
    let began = Instant::now();
    let answer = stack.upload("video").send().await.expect("an answer");
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.headers()[header::RETRY_AFTER], "7");
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    assert!(stack.script.videos().is_empty());
}

#[tokio::test]
async fn a_lost_reservation_is_named_by_the_next_one() {
    let stack = Stack::start().await;
    stack.script.on_reserve([OnReserve::Lose]);
    let answer = stack.upload("video").send().await.expect("an answer");
    assert_eq!(answer.status(), 201);
    let reserves = stack.script.reserves();
    assert_eq!(reserves[1].instead_of, [reserves[0].attempt]);
}

#[tokio::test]
async fn no_converter_at_all_means_503() {
    let stack = Stack::start_with(|config| {
        // A port that nobody listens on: it was bound, and is free again.
        let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|bound| bound.local_addr()).expect("a port");
        config.converters = free.to_string().parse().expect("an address");
        config.admission_wait_max = Duration::from_millis(100);
    })
    .await;
    let answer = stack.upload("video").send().await.expect("an answer");
    assert_eq!(answer.status(), 503);
    assert!(answer.headers().contains_key(header::RETRY_AFTER));
}

#[tokio::test]
async fn a_users_uploads_in_flight_are_limited() {
    let stack = Stack::start_with(|config| config.uploads_per_user_max = 1).await;
    let headers = ["Authorization: Bearer alice", "Transfer-Encoding: chunked"];
    let mut first = Wire::upload(stack.gateway.address(), &headers).await;
    until("the first is admitted", || stack.script.reserves().len() == 1).await;

    let second = stack.upload("video").send().await.expect("an answer");
    assert_eq!(second.status(), 429);
    assert!(second.headers().contains_key(header::RETRY_AFTER));
    let other = stack.http.post(stack.url("/upload")).bearer_auth("bob").body("video").send().await;
    assert_eq!(other.expect("an answer").status(), 201, "another user is not affected");

    first.chunk(b"video").await;
    first.send(b"0\r\n\r\n").await;
    assert_eq!(first.answer().await.status, 201);
}

#[tokio::test]
async fn replays_say_so_with_the_same_answer() {
    let stack = Stack::start().await;
    let replay = |state| OnReserve::Replay(Box::new(document(&alices(), ConversionId::random(), state)));
    stack.script.on_reserve([replay(State::Done), replay(State::Failed)]);
    for status in [201, 422] {
        let answer = stack.upload("video").header("idempotency-key", "k").send().await.expect("an answer");
        assert_eq!(answer.status(), status);
        assert_eq!(answer.headers()["idempotency-replayed"], "true");
        let text = answer.text().await.expect("a body");
        assert!(!text.contains("\"mail\""), "where the mail is changes, and a replay must not: {text}");
    }
    assert!(stack.script.videos().is_empty());
}

#[tokio::test]
async fn a_draining_gateway_takes_no_upload_and_serves_everything_else() {
    let stack = Stack::start().await;
    stack.gateway.drain();
    let answer = stack.upload("video").send().await.expect("an answer");
    assert_eq!(answer.status(), 503);
    assert!(answer.text().await.expect("a body").contains("/problems/draining"));
    let list = stack.http.get(stack.url("/conversions")).bearer_auth("alice").send().await;
    assert_eq!(list.expect("an answer").status(), 200);
    let ready = stack.http.get(stack.url("/readyz")).send().await.expect("an answer");
    assert_eq!(ready.status(), 503);
}
