//! Publishing with confirms.

use std::{sync::Arc, time::Duration};

use anyhow::anyhow;
use lapin::{
    BasicProperties, Channel, Confirmation,
    options::{BasicPublishOptions, ConfirmSelectOptions},
    types::ShortString,
};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, timeout, timeout_at},
};

use super::{
    super::{Event, PublishError, Queue},
    link::{Link, Session},
    topology,
};

/// Longest wait for a message to be confirmed, with the wait for a connection; a quorum queue takes some milliseconds.
const PUBLISH_MAX: Duration = Duration::from_secs(5);
/// Longest wait for a sign of life.
const PING_MAX: Duration = Duration::from_secs(2);
/// Messages and signs of life under way at a time, each on a channel of its own: a message that found no queue comes back without the
/// number of its confirm, and beside others lapin may hand it to the wrong one.
const CHANNELS_MAX: usize = 16;
/// AMQP 0-9-1, `delivery-mode`: kept over a restart.
const PERSISTENT: u8 = 2;

impl From<lapin::Error> for PublishError {
    fn from(cause: lapin::Error) -> Self {
        Self::Unconfirmed(cause.into())
    }
}

#[derive(Debug, Clone)]
pub(super) struct Publisher {
    link: Link,
    queue: Queue,
    places: Arc<Semaphore>,
}

impl Publisher {
    pub(super) fn new(link: Link, queue: Queue) -> Self {
        Self { link, queue, places: Arc::new(Semaphore::new(CHANNELS_MAX)) }
    }

    /// Returns once the server has the message for good; with a `delay`, in a queue that it leaves after it.
    pub(super) async fn publish(&self, event: Event, delay: Option<Duration>) -> Result<(), PublishError> {
        let deadline = Instant::now() + PUBLISH_MAX;
        let Ok(session) = timeout_at(deadline, self.link.session()).await else {
            let cause = self.link.session_now().err().unwrap_or_else(|| anyhow!("no connection in {PUBLISH_MAX:?}"));
            return Err(PublishError::Unconfirmed(cause));
        };
        let sent = async {
            let _place = self.place().await?;
            send(&session, self.queue, event, delay).await
        };
        let late = |_| Err(PublishError::Unconfirmed(anyhow!("no confirm in {PUBLISH_MAX:?}")));
        let sent = timeout_at(deadline, sent).await.unwrap_or_else(late);
        // What waits in a connection without answers must not pile up there, and a new one may do better. Somebody removed
        // the queue of what is unroutable: the next connection declares it again. Not this one and at once: RabbitMQ then
        // has no time to tell the consumers.
        if let Err(PublishError::Unconfirmed(_) | PublishError::Unroutable) = &sent {
            session.give_up();
        }
        sent
    }

    async fn place(&self) -> Result<SemaphorePermit<'_>, PublishError> {
        self.places.acquire().await.map_err(|closed| PublishError::Unconfirmed(closed.into()))
    }

    /// Whether the server answers and the queue is there.
    pub(super) async fn ping(&self) -> Result<(), PublishError> {
        let session = self.link.session_now().map_err(PublishError::Unconfirmed)?;
        let check = async {
            let _place = self.place().await?;
            let channel = channel(&session).await?;
            topology::check(&channel, self.queue).await?;
            session.put_back(channel);
            Ok(())
        };
        let late = |_| Err(PublishError::Unconfirmed(anyhow!("no answer in {PING_MAX:?}")));
        timeout(PING_MAX, check).await.unwrap_or_else(late)
    }
}

/// A channel that no other message uses. One that is not put back is closed.
async fn channel(session: &Session) -> lapin::Result<Channel> {
    if let Some(channel) = session.idle_channel() {
        return Ok(channel);
    }
    let channel = session.channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    Ok(channel)
}

async fn send(session: &Session, queue: Queue, event: Event, delay: Option<Duration>) -> Result<(), PublishError> {
    let channel = channel(session).await?;
    let target: ShortString = match delay {
        None => queue.name().into(),
        Some(delay) => topology::declare_retry(&channel, queue, delay).await?,
    };
    let id = event.id.to_string();
    let properties = BasicProperties::default()
        .with_delivery_mode(PERSISTENT)
        .with_content_type("text/plain".into())
        .with_message_id(id.as_str().into());
    // Without a queue the message comes back instead of vanishing.
    let mandatory = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let confirm = channel.basic_publish("".into(), target, mandatory, id.as_bytes(), properties).await?;
    let outcome = match confirm.await? {
        Confirmation::Ack(None) => Ok(()),
        Confirmation::Ack(Some(_)) => Err(PublishError::Unroutable),
        Confirmation::Nack(_) => Err(PublishError::Full),
        Confirmation::NotRequested => Err(PublishError::Unconfirmed(anyhow!("the channel confirms nothing"))),
    };
    session.put_back(channel);
    outcome
}
