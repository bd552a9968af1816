//! What a mail server refuses, and how it is spoken to: replies, logins, STARTTLS and TLS.

use std::io::Write as _;

use converter::conversion::{ConversionId, NotifyState};
use serde_json::json;
use testbed::MailSecurity::{Starttls, Tls};

use crate::{carriers::Target, post::Post};

/// A notifier with these flags and the target's, and one announced conversion.
async fn announced(target: &Target, flags: &[String]) -> (Post, ConversionId) {
    let post = Post::open_with(&[target.flags(100), flags.to_vec()].concat()).await;
    let id = post.conversion("alice@example.org", "talk.mp4").await;
    post.announce(id).await;
    (post, id)
}

/// Not delivered, and not the mail's fault.
async fn assert_waits(post: &Post, id: ConversionId) {
    post.wait_for_attempts(id, 2).await;
    assert_eq!(post.mail_state(id).await, NotifyState::Pending);
}

#[tokio::test]
async fn a_mail_that_is_refused_for_good_is_given_up_at_once() {
    let Some(target) = Target::smtp() else { return };
    target.misbehave(&json!({"Recipient": {"ErrorCode": 550, "Probability": 100}})).await;

    let (post, id) = announced(&target, &[]).await;
    post.wait_for(id, NotifyState::Dead).await;

    assert_eq!(post.attempts(id).await, 1);
}

#[tokio::test]
async fn a_mail_that_is_refused_for_now_goes_out_later() {
    let Some(target) = Target::smtp() else { return };
    for step in ["Sender", "Recipient"] {
        target.misbehave(&json!({step: {"ErrorCode": 451, "Probability": 100}})).await;
        let (post, id) = announced(&target, &[]).await;
        assert_waits(&post, id).await;

        target.misbehave(&json!({})).await;
        post.wait_for(id, NotifyState::Delivered).await;
    }
    assert_eq!(target.mails().await.len(), 2);
}

#[tokio::test]
async fn a_server_with_tls_and_a_login_takes_the_mail() {
    for security in [Starttls, Tls] {
        let Some(target) = Target::secure(security) else { return };
        let (post, id) = announced(&target, &[target.ca_flag()]).await;
        post.wait_for(id, NotifyState::Delivered).await;
        assert_eq!(target.mails().await.len(), 1, "{security:?}");
    }
}

#[tokio::test]
async fn a_password_may_come_from_a_file_and_starttls_where_it_is_offered() {
    let Some(target) = Target::secure(Starttls) else { return };
    let url = target.url();
    let (user, rest) = url.trim_start_matches("smtp://").split_once(':').expect("a user");
    let (password, host) = rest.split_once('@').expect("a password");
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    writeln!(file, "{password}").expect("it has room");
    let url = format!("--mail-url=smtp://{user}@{}", host.replace("tls=required", "tls=opportunistic"));
    let flags = [url, format!("--mail-password-file={}", file.path().display()), target.ca_flag()];

    let post = Post::open_with(&flags).await;
    let id = post.conversion("alice@example.org", "talk.mp4").await;
    post.announce(id).await;
    post.wait_for(id, NotifyState::Delivered).await;
}

#[tokio::test]
async fn a_wrong_password_makes_the_mail_wait() {
    let Some(target) = Target::secure(Starttls) else { return };
    let url = target.url();
    let (before, host) = url.rsplit_once('@').expect("a login");
    let flags =
        [format!("--mail-url={before}wrong@{host}"), target.ca_flag(), "--delivery-attempts-max=100".to_owned()];

    let post = Post::open_with(&flags).await;
    let id = post.conversion("alice@example.org", "talk.mp4").await;
    post.announce(id).await;

    assert_waits(&post, id).await;
    let ready = post.readyz().await;
    assert!(ready.contains("535"), "{ready}");
}

#[tokio::test]
async fn a_server_that_nobody_vouches_for_gets_no_mail() {
    for security in [Starttls, Tls] {
        let Some(target) = Target::secure(security) else { return };
        let (post, id) = announced(&target, &[]).await;
        assert_waits(&post, id).await;
        let ready = post.readyz().await;
        assert!(ready.contains("invalid peer certificate"), "{ready}");
        assert_eq!(target.mails().await.len(), 0);
    }
}

#[tokio::test]
async fn a_mail_that_wants_starttls_never_goes_out_plain() {
    let Some(target) = Target::smtp() else { return };
    let flags = [format!("--mail-url={}?tls=required", target.url()), "--delivery-attempts-max=100".to_owned()];
    let post = Post::open_with(&flags).await;
    let id = post.conversion("alice@example.org", "talk.mp4").await;
    post.announce(id).await;

    assert_waits(&post, id).await;
    assert_eq!(target.mails().await.len(), 0);

    let flags = [format!("--mail-url={}?tls=opportunistic", target.url())];
    let post = Post::open_with(&flags).await;
    let id = post.conversion("alice@example.org", "talk.mp4").await;
    post.announce(id).await;
    post.wait_for(id, NotifyState::Delivered).await;
}

#[tokio::test]
async fn a_connection_that_broke_between_two_mails_costs_no_attempt() {
    let Some(target) = Target::smtp() else { return };
    let (post, first) = announced(&target, &[]).await;
    post.wait_for(first, NotifyState::Delivered).await;

    target.leave();
    target.come_back();
    let second = post.conversion("alice@example.org", "talk.mp4").await;
    post.announce(second).await;
    post.wait_for(second, NotifyState::Delivered).await;

    assert_eq!(post.attempts(second).await, 0);
}
