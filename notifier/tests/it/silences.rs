//! Servers that fall silent or cannot do what a mail needs, and connections that are used again.

use std::time::{Duration, Instant};

use converter::conversion::NotifyState;

use crate::{
    post::{Post, until},
    scripted::{Never, Scripted},
};

/// A claim whose sending is given up after 200 ms.
const SHORT_CLAIM: &str = "--delivery-claim=300ms";

#[tokio::test]
async fn mails_in_turn_share_a_connection() {
    let server = Scripted::start(Never::Extends).await;
    let post = Post::open_with(&[server.flag()]).await;
    for _ in 0..3 {
        let id = post.conversion("alice@example.org", "talk.mp4").await;
        post.announce(id).await;
        post.wait_for(id, NotifyState::Delivered).await;
    }
    let connections = server.connections();
    assert_eq!(connections.len(), 1, "{connections:?}");
    assert_eq!(connections[0].commands.iter().filter(|command| *command == ".").count(), 3);
}

#[tokio::test]
async fn a_connection_with_an_answer_outstanding_is_never_used_again() {
    let server = Scripted::start(Never::AnswersFirstMail).await;
    let post = Post::open_with(&[server.flag(), SHORT_CLAIM.to_owned()]).await;
    let id = post.conversion("alice@example.org", "talk.mp4").await;

    post.announce(id).await;
    post.wait_for(id, NotifyState::Delivered).await;

    until("the first connection is over", async || server.connections()[0].is_over).await;
    let connections = server.connections();
    assert_eq!(connections.len(), 2, "{connections:?}");
    assert_eq!(connections[0].commands, ["EHLO", "MAIL", "RCPT", "DATA", "."]);
    assert_eq!(connections[1].commands, ["EHLO", "MAIL", "RCPT", "DATA", "."]);
    assert_eq!(post.attempts(id).await, 1);
}

#[tokio::test]
async fn a_server_that_says_nothing_costs_an_attempt_and_no_more_than_the_claim() {
    let server = Scripted::start(Never::Greets).await;
    let began = Instant::now();
    let post = Post::open_with(&[server.flag(), SHORT_CLAIM.to_owned(), "--delivery-attempts-max=2".to_owned()]).await;
    let id = post.conversion("alice@example.org", "talk.mp4").await;

    post.announce(id).await;
    post.wait_for(id, NotifyState::Dead).await;

    assert_eq!(post.attempts(id).await, 2);
    assert!(began.elapsed() > Duration::from_millis(400), "both were waited for: {:?}", began.elapsed());
}

#[tokio::test]
async fn a_name_that_is_not_ascii_goes_only_to_servers_that_take_it() {
    for (never, state) in [(Never::AnswersFirstMail, NotifyState::Delivered), (Never::Extends, NotifyState::Dead)] {
        let server = Scripted::start(never).await;
        let post = Post::open_with(&[server.flag(), SHORT_CLAIM.to_owned()]).await;
        let id = post.conversion("zoë@bücher.example", "talk.mp4").await;

        post.announce(id).await;
        post.wait_for(id, state).await;

        assert_eq!(post.attempts(id).await, 1);
    }
}
