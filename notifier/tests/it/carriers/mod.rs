//! The contract of a way to send mail. Each rule is a function over a [`Target`], and [`contract!`] runs it for each kind.

mod target;

use converter::conversion::NotifyState;
use mail_parser::MessageParser;

pub(crate) use target::Target;

use crate::post::Post;

/// Runs rules against each kind of target.
macro_rules! contract {
    ($($rule:ident),+ $(,)?) => {
        mod folder {
            $(#[tokio::test]
            async fn $rule() {
                super::$rule(super::Target::folder()).await;
            })+
        }
        mod smtp {
            $(#[tokio::test]
            async fn $rule() {
                let Some(target) = super::Target::smtp() else { return };
                super::$rule(target).await;
            })+
        }
    };
}

contract!(
    a_mail_arrives_with_its_parts,
    many_mails_arrive_once_each,
    a_target_that_is_away_gets_the_mail_when_it_is_back,
    a_mail_is_given_up_after_the_last_attempt,
);

async fn a_mail_arrives_with_its_parts(target: Target) {
    let post = Post::open_with(&target.flags(3)).await;
    let id = post.conversion("alice@bücher.example", "\u{1F3B5} \"músíc\" <音楽>.mp4").await;

    post.announce(id).await;
    post.wait_for(id, NotifyState::Delivered).await;

    let mails = target.mails().await;
    assert_eq!(mails.len(), 1);
    let mail = MessageParser::default().parse(&mails[0]).expect("a mail");
    assert_eq!(mail.to().and_then(|to| to.first()?.address()), Some("alice@xn--bcher-kva.example"));
    assert_eq!(mail.from().and_then(|from| from.first()?.address()), Some("deck@tapedeck.example"));
    assert_eq!(mail.from().and_then(|from| from.first()?.name()), Some("Tape Deck"));
    assert_eq!(mail.subject(), Some("Your mp3 is ready: \u{1F3B5} \"músíc\" <音楽>.mp4"));
    assert_eq!(mail.message_id(), Some(format!("{id}@tapedeck.example").as_str()));
    assert!(mail.date().is_some());
    let link = format!("http://tapedeck.example/download?fid={id}");
    assert!(mail.body_text(0).expect("a text").lines().any(|line| line == link));
    let html = mail.body_html(0).expect("a part in HTML");
    assert!(html.contains(&format!("<a href=\"{link}\">")) && html.contains("&lt;音楽&gt;"), "{html}");
}

async fn many_mails_arrive_once_each(target: Target) {
    let post = Post::open_with(&target.flags(3)).await;
    let mut ids = Vec::new();
    for number in 0..24 {
        let id = post.conversion(&format!("user{number}@example.org"), "talk.mp4").await;
        post.announce(id).await;
        ids.push(id);
    }

    for id in &ids {
        post.wait_for(*id, NotifyState::Delivered).await;
    }

    let mut arrived = Vec::new();
    for mail in target.mails().await {
        let mail = MessageParser::default().parse(&mail).expect("a mail").into_owned();
        arrived.push(mail.message_id().expect("an id").to_owned());
    }
    let mut sent: Vec<_> = ids.iter().map(|id| format!("{id}@tapedeck.example")).collect();
    sent.sort_unstable();
    arrived.sort_unstable();
    assert_eq!(arrived, sent);
}

async fn a_target_that_is_away_gets_the_mail_when_it_is_back(target: Target) {
    let post = Post::open_with(&target.flags(100)).await;
    target.leave();
    let id = post.conversion("alice@example.org", "talk.mp4").await;
    post.announce(id).await;
    post.wait_for_attempts(id, 2).await;
    assert_eq!(post.mail_state(id).await, NotifyState::Pending);
    let ready = post.readyz().await;
    assert!(ready.starts_with("HTTP/1.1 200") && !ready.contains("\"mail\":\"ok\""), "{ready}");

    target.come_back();
    post.wait_for(id, NotifyState::Delivered).await;

    assert_eq!(target.mails().await.len(), 1);
    let ready = post.readyz().await;
    assert!(ready.contains("\"mail\":\"ok\""), "{ready}");
}

async fn a_mail_is_given_up_after_the_last_attempt(target: Target) {
    let post = Post::open_with(&target.flags(3)).await;
    target.leave();
    let id = post.conversion("alice@example.org", "talk.mp4").await;

    post.announce(id).await;
    post.wait_for(id, NotifyState::Dead).await;

    assert_eq!(post.attempts(id).await, 3);
}
