//! Consuming, through outages.

use std::{sync::Arc, time::Duration};

use futures_util::StreamExt as _;
use lapin::{
    Acker,
    options::{BasicConsumeOptions, BasicQosOptions},
    types::FieldTable,
};
use tokio::{sync::Mutex, time::timeout};

use super::{
    super::{Mp3Ready, UNSETTLED_MAX},
    connect::CONNECT_MAX,
    link::{Link, Session},
    reject, topology,
};

/// Longest silence before the subscription is renewed. RabbitMQ 3.10 may forget to tell a consumer that its queue was
/// removed, and then counts it among those of the new queue without a message ever reaching it.
const SILENCE_MAX: Duration = Duration::from_mins(5);

#[derive(Debug, Clone)]
pub(super) struct Consumer {
    link: Link,
    subscription: Arc<Mutex<Option<Subscription>>>,
}

#[derive(Debug)]
struct Subscription {
    messages: lapin::Consumer,
    session: Session,
}

impl Consumer {
    pub(super) fn new(link: Link) -> Self {
        Self { link, subscription: Arc::default() }
    }

    /// The next message that can be read. Dropped, this loses none.
    pub(super) async fn next(&self) -> (Mp3Ready, Acker) {
        let mut current = self.subscription.lock().await;
        loop {
            let subscription = match &mut *current {
                Some(subscription) => subscription,
                none => none.insert(self.subscribe().await),
            };
            let Ok(message) = timeout(SILENCE_MAX, subscription.messages.next()).await else {
                // A new channel is enough: what the old one holds comes again when it closes.
                *current = None;
                continue;
            };
            match message {
                // Of a connection that is over: it comes again.
                Some(Ok(message)) if !message.acker.usable() => {}
                Some(Ok(message)) => {
                    if let Some(event) = read(&message.data) {
                        return (event, message.acker);
                    }
                    tracing::error!(bytes = message.data.len(), "a message that cannot be read becomes a dead letter");
                    reject(&message.acker).await;
                }
                // The connection or the channel ended, or the queue was removed.
                Some(Err(_)) | None => {
                    subscription.session.give_up();
                    *current = None;
                }
            }
        }
    }

    async fn subscribe(&self) -> Subscription {
        loop {
            let session = self.link.session().await;
            match timeout(CONNECT_MAX, subscribe(&session)).await {
                Ok(Ok(messages)) => return Subscription { messages, session },
                Ok(Err(cause)) => tracing::warn!(%cause, "the broker delivers no messages"),
                Err(_) => tracing::warn!("the broker does not say whether it delivers messages"),
            }
            // The link waits before the next one.
            session.give_up();
        }
    }
}

async fn subscribe(session: &Session) -> lapin::Result<lapin::Consumer> {
    let channel = session.channel().await?;
    channel.basic_qos(UNSETTLED_MAX, BasicQosOptions::default()).await?;
    // Without a name of its own the server gives the consumer one.
    channel
        .basic_consume(topology::QUEUE.into(), "".into(), BasicConsumeOptions::default(), FieldTable::default())
        .await
}

fn read(message: &[u8]) -> Option<Mp3Ready> {
    let id = std::str::from_utf8(message).ok()?.parse().ok()?;
    Some(Mp3Ready { id })
}
