//! Status requests that wait for the end of a conversion.

use std::time::{Duration, Instant};

use converter::conversion::{ConversionId, Owner, State};
use reqwest::RequestBuilder;

use crate::{
    script::document,
    stack::{PATIENCE, Stack, alices},
};

/// A running conversion of a user.
async fn running(stack: &Stack, user: &str) -> ConversionId {
    let (id, mut reserve) = (ConversionId::random(), alices());
    reserve.owner = Owner(format!("id-{user}"));
    assert!(stack.store.insert(document(&reserve, id, State::Running)).await.expect("the store works"));
    id
}

fn status(stack: &Stack, user: &str, id: ConversionId, seconds: u64) -> RequestBuilder {
    let call = stack.http.get(stack.url(&format!("/conversions/{id}"))).bearer_auth(user);
    call.header("prefer", format!("wait={seconds}"))
}

/// Whether a wait of no length is granted: the same question as for a longer one.
async fn is_granted(stack: &Stack, user: &str, id: ConversionId) -> bool {
    let answer = status(stack, user, id, 0).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    answer.headers().contains_key("preference-applied")
}

async fn until_granted(stack: &Stack, id: ConversionId) {
    let deadline = Instant::now() + PATIENCE;
    while !is_granted(stack, "alice", id).await {
        assert!(Instant::now() < deadline, "a wait is still not granted");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_user_waits_for_so_many_conversions_and_is_answered_at_once_beyond() {
    let stack = Stack::start_with(|config| config.status_waits_per_user_max = 1).await;
    let (held, other) = (running(&stack, "alice").await, running(&stack, "alice").await);
    let bobs = running(&stack, "bob").await;
    assert!(is_granted(&stack, "alice", other).await);

    let mut waiting = tokio::spawn(status(&stack, "alice", held, 60).send());
    let deadline = Instant::now() + PATIENCE;
    while is_granted(&stack, "alice", other).await {
        assert!(Instant::now() < deadline, "a wait is still granted");
        // The question may have had the only place when this one came.
        if waiting.is_finished() {
            waiting = tokio::spawn(status(&stack, "alice", held, 60).send());
        }
    }
    let began = Instant::now();
    let beyond = status(&stack, "alice", other, 60).send().await.expect("an answer");
    assert_eq!(beyond.status(), 200);
    assert!(!beyond.headers().contains_key("preference-applied"));
    assert!(began.elapsed() < PATIENCE, "it was held");
    assert!(is_granted(&stack, "bob", bobs).await, "another user is not affected");

    let delete = stack.http.delete(stack.url(&format!("/conversions/{held}"))).bearer_auth("alice");
    assert_eq!(delete.send().await.expect("an answer").status(), 204);
    assert_eq!(waiting.await.expect("no panic").expect("an answer").status(), 404);
    until_granted(&stack, other).await;
}
