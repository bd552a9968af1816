//! The same over a RabbitMQ server.

use converter::{
    conversion::{ConversionId, NotifyState, Timestamp},
    event::{Broker, Queue},
    store::Change,
};
use testbed::{Kind, shared_or_skip};

use crate::post::Post;

/// One test, since two notifiers would take each other's messages.
#[tokio::test]
async fn a_server_carries_the_messages_and_their_retries() {
    let Some(server) = shared_or_skip(Kind::Rabbit) else { return };
    // As in a cluster: the converter and the notifier have a connection each.
    let converters = Broker::open(server.url(), Queue::Mp3).expect("the address is right");
    let mut post = Post::closed(Broker::open(server.url(), Queue::Mp3).expect("the address is right")).await;
    post.start().await;
    post.broker = converters;

    // Of a conversion that was removed: nobody waits for it.
    post.announce(ConversionId::random()).await;
    // No file can be made in what is a file itself, not even by root.
    std::fs::remove_dir(post.mail_folder()).expect("the folder is empty");
    std::fs::write(post.mail_folder(), b"").expect("the name is free");
    let id = post.conversion("alice@example.org", "talk.mp4").await;
    post.announce(id).await;
    post.wait_for(id, NotifyState::Dead).await;
    assert_eq!(post.read(id).await.notify.map(|notify| notify.attempts), Some(3), "each retry came from the server");

    std::fs::remove_file(post.mail_folder()).expect("it is a file");
    std::fs::create_dir(post.mail_folder()).expect("the name is free");
    post.change(id, Change::SendAgain { at: Timestamp::now() }).await;
    for _ in 0..3 {
        post.announce(id).await;
    }
    post.wait_for(id, NotifyState::Delivered).await;

    assert_eq!(post.mails_at_the_end().await.len(), 1);
}
