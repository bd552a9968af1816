//! Who gets a mail, how often, and when it is given up.

use std::time::Duration;

use converter::{
    conversion::{Attempt, DeliveryClaim, NotifyState, Timestamp},
    store::Change,
};
use notifier::Inbox;

use crate::post::{Post, until};

fn claim(until: Timestamp) -> Change {
    let claim = DeliveryClaim { token: Attempt::random(), until };
    Change::ClaimDelivery { claim, at: Timestamp::now() }
}

#[tokio::test]
async fn three_messages_about_one_mp3_are_one_mail() {
    let mut post = Post::open().await;
    let id = post.conversion("alice@example.org", "talk.mp4").await;

    for _ in 0..3 {
        post.announce(id).await;
    }
    post.wait_for(id, NotifyState::Delivered).await;

    let mails = post.mails_at_the_end().await;
    assert_eq!(mails.len(), 1, "{mails:?}");
    assert_eq!(mails[0].to, "alice@example.org");
    assert_eq!(mails[0].id, format!("{id}@tapedeck.example"));
    assert_eq!(mails[0].subject, "Your mp3 is ready: talk.mp4");
    assert_eq!(mails[0].link, Some(format!("http://tapedeck.example/download?fid={id}")));
    assert!(mails[0].text.contains("0:03:25, 4.9 MB"), "{}", mails[0].text);
}

#[tokio::test]
async fn a_mail_that_another_notifier_is_sending_is_left_to_it() {
    let mut post = Post::open().await;
    let id = post.conversion("alice@example.org", "talk.mp4").await;
    post.change(id, claim(Timestamp::now().plus(Duration::from_mins(1)))).await;

    post.announce(id).await;

    assert_eq!(post.mails_at_the_end().await, []);
    assert_eq!(post.mail_state(id).await, NotifyState::Pending);
}

#[tokio::test]
async fn a_claim_that_is_over_is_taken_over() {
    let mut post = Post::open().await;
    let id = post.conversion("alice@example.org", "talk.mp4").await;
    post.change(id, claim(Timestamp::now().minus(Duration::from_millis(1)))).await;

    post.announce(id).await;
    post.wait_for(id, NotifyState::Delivered).await;

    assert_eq!(post.mails_at_the_end().await.len(), 1);
}

#[tokio::test]
async fn a_mail_is_given_up_after_the_last_attempt() {
    let post = Post::open().await;
    let id = post.conversion("alice@example.org", "talk.mp4").await;
    // No file can be made in what is a file itself, not even by root.
    std::fs::remove_dir(post.mail_folder()).expect("the folder is empty");
    std::fs::write(post.mail_folder(), b"").expect("the name is free");

    post.announce(id).await;
    post.wait_for(id, NotifyState::Dead).await;

    assert_eq!(post.read(id).await.notify.map(|notify| notify.attempts), Some(3));
}

#[tokio::test]
async fn a_folder_that_works_again_gets_the_mail() {
    let mut post = Post::open().await;
    let id = post.conversion("alice@example.org", "talk.mp4").await;
    std::fs::remove_dir(post.mail_folder()).expect("the folder is empty");
    post.announce(id).await;
    post.wait_for(id, NotifyState::Dead).await;

    std::fs::create_dir(post.mail_folder()).expect("the name is free");
    post.change(id, Change::SendAgain { at: Timestamp::now() }).await;
    post.announce(id).await;
    post.wait_for(id, NotifyState::Delivered).await;

    assert_eq!(post.mails_at_the_end().await.len(), 1);
}

#[tokio::test]
async fn an_address_that_is_none_is_given_up_at_once() {
    let mut post = Post::open().await;
    let mut ids = Vec::new();
    for address in ["", "nobody", "a@b@c", "alice@example.org\r\nBcc: eve@example.org"] {
        ids.push(post.conversion(address, "talk.mp4").await);
    }

    for id in &ids {
        post.announce(*id).await;
        post.wait_for(*id, NotifyState::Dead).await;
        assert_eq!(post.read(*id).await.notify.map(|notify| notify.attempts), Some(1));
    }

    assert_eq!(post.mails_at_the_end().await, []);
}

#[tokio::test]
async fn a_deleted_conversion_gets_no_mail() {
    let mut post = Post::open().await;
    let id = post.conversion("alice@example.org", "talk.mp4").await;
    post.change(id, Change::Tombstone { at: Timestamp::now() }).await;

    post.announce(id).await;

    assert_eq!(post.mails_at_the_end().await, []);
    assert_eq!(post.mail_state(id).await, NotifyState::Cancelled);
}

#[tokio::test]
async fn health_and_metrics_are_served() {
    let post = Post::open().await;
    let answer = post.readyz().await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"store\":\"ok\""), "{answer}");
}

#[tokio::test]
async fn a_store_that_is_away_behind_the_sending_makes_no_second_mail() {
    let mut post = Post::open().await;
    let id = post.conversion("alice@example.org", "talk.mp4").await;
    let store = post.store_file();
    store
        .execute_batch(
            "CREATE TRIGGER away BEFORE UPDATE ON conversions WHEN new.document ->> '$.notify.state' = 'delivered'
             BEGIN SELECT RAISE(ABORT, 'away'); END",
        )
        .expect("a trigger");

    post.announce(id).await;
    let inbox = Inbox::new(post.mail_folder());
    until("the mail is there", async || inbox.list(2).await.expect("a folder").len() == 1).await;
    store.execute_batch("DROP TRIGGER away").expect("it is there");
    // By the notifier that sent it: the claim outlasts this test.
    post.wait_for(id, NotifyState::Delivered).await;

    assert_eq!(post.mails_at_the_end().await.len(), 1);
}

#[tokio::test]
async fn a_message_whose_document_cannot_be_read_is_given_up_at_once() {
    let mut post = Post::open().await;
    let id = post.conversion("alice@example.org", "talk.mp4").await;
    let spoil = "UPDATE conversions SET document = json_set(document, '$.state', 'of a newer version') WHERE id = ?1";
    assert_eq!(post.store_file().execute(spoil, [id.to_string()]).expect("the database is not locked"), 1);

    post.announce(id).await;
    assert_eq!(post.mails_at_the_end().await, []);

    // The stop waited for the message, and a retry would come after 5 ms.
    let again = tokio::time::timeout(Duration::from_millis(500), post.broker.next()).await;
    assert!(again.is_err(), "{again:?}");
}
