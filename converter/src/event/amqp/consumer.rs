//! Consuming, through outages.

use std::{sync::Arc, time::Duration};

use futures_util::StreamExt as _;
use lapin::{
    Acker, Channel,
    options::{BasicCancelOptions, BasicConsumeOptions, BasicQosOptions, BasicRejectOptions},
    types::FieldTable,
};
use tokio::{sync::Mutex, time::timeout};

use super::{
    super::{Event, Queue},
    connect::CONNECT_MAX,
    link::{Link, Session},
    reject,
};

/// Longest silence before the subscription is renewed. RabbitMQ 3.10 may forget to tell a consumer that its queue was
/// removed, and then counts it among those of the new queue without a message ever reaching it.
const SILENCE_MAX: Duration = Duration::from_mins(5);

#[derive(Debug, Clone)]
pub(super) struct Consumer {
    link: Link,
    queue: Queue,
    current: Arc<Mutex<Option<Subscribed>>>,
}

/// A channel on which messages come, or may come again.
#[derive(Debug)]
struct Subscribed {
    session: Session,
    channel: Channel,
    /// `None` while nothing is asked for; what was taken before can still be settled.
    messages: Option<lapin::Consumer>,
}

impl Consumer {
    pub(super) fn new(link: Link, queue: Queue) -> Self {
        Self { link, queue, current: Arc::default() }
    }

    /// The next message that can be read. Dropped, this loses none.
    pub(super) async fn next(&self) -> (Event, Acker) {
        let mut current = self.current.lock().await;
        loop {
            let Some(Subscribed { session, messages: Some(messages), .. }) = &mut *current else {
                // Taken out meanwhile: where nobody waits to the end, the channel goes, and with it what would reach nobody.
                let paused = current.take();
                *current = Some(self.resume(paused).await);
                continue;
            };
            let Ok(message) = timeout(SILENCE_MAX, messages.next()).await else {
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
                    session.give_up();
                    *current = None;
                }
            }
        }
    }

    /// Asks for no further message and gives back those that nobody took; what was taken can still be settled.
    pub(super) async fn pause(&self) {
        let mut current = self.current.lock().await;
        let Some(Subscribed { session, channel, messages }) = &mut *current else { return };
        let Some(mut messages) = messages.take() else { return };
        let pausing = async {
            channel.basic_cancel(messages.tag(), BasicCancelOptions::default()).await?;
            while let Some(message) = messages.next().await {
                message?.acker.reject(BasicRejectOptions { requeue: true }).await?;
            }
            lapin::Result::Ok(())
        };
        if !matches!(timeout(CONNECT_MAX, pausing).await, Ok(Ok(()))) {
            session.give_up();
            *current = None;
        }
    }

    async fn resume(&self, paused: Option<Subscribed>) -> Subscribed {
        if let Some(Subscribed { session, channel, .. }) = paused
            && let Ok(Ok(messages)) = timeout(CONNECT_MAX, consume(&channel, self.queue)).await
        {
            return Subscribed { session, channel, messages: Some(messages) };
        }
        loop {
            let session = self.link.session().await;
            match timeout(CONNECT_MAX, open(&session, self.queue)).await {
                Ok(Ok((channel, messages))) => return Subscribed { session, channel, messages: Some(messages) },
                Ok(Err(cause)) => tracing::warn!(%cause, "the broker delivers no messages"),
                Err(_) => tracing::warn!("the broker does not say whether it delivers messages"),
            }
            // The link waits before the next one.
            session.give_up();
        }
    }
}

async fn open(session: &Session, queue: Queue) -> lapin::Result<(Channel, lapin::Consumer)> {
    let channel = session.channel().await?;
    channel.basic_qos(queue.unsettled_max(), BasicQosOptions::default()).await?;
    let messages = consume(&channel, queue).await?;
    Ok((channel, messages))
}

/// Without a name of its own the server gives the consumer one.
async fn consume(channel: &Channel, queue: Queue) -> lapin::Result<lapin::Consumer> {
    let (name, options) = (queue.name().into(), BasicConsumeOptions::default());
    channel.basic_consume(name, "".into(), options, FieldTable::default()).await
}

fn read(message: &[u8]) -> Option<Event> {
    let id = std::str::from_utf8(message).ok()?.parse().ok()?;
    Some(Event { id })
}
