//! Consuming, through outages.

use std::{sync::Arc, time::Duration};

use futures_util::StreamExt as _;
use lapin::{
    Acker, Channel,
    options::{BasicCancelOptions, BasicConsumeOptions, BasicQosOptions, BasicRejectOptions},
    types::FieldTable,
};
use tokio::{sync::Mutex, task::JoinHandle, time::timeout};

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
    /// `None` without a connection.
    state: Arc<Mutex<Option<State>>>,
}

#[derive(Debug)]
enum State {
    /// The server is being asked for messages: on a task, since a request that is given up halfway would be answered to nobody,
    /// and the messages that follow would wait for nobody.
    Asking(JoinHandle<Option<Subscribed>>),
    Subscribed(Subscribed),
    /// What was taken before can still be settled.
    Paused {
        session: Session,
        channel: Channel,
    },
}

#[derive(Debug)]
struct Subscribed {
    session: Session,
    channel: Channel,
    messages: lapin::Consumer,
}

impl Consumer {
    pub(super) fn new(link: Link, queue: Queue) -> Self {
        Self { link, queue, state: Arc::default() }
    }

    /// The next message that can be read. Dropped, this loses none.
    pub(super) async fn next(&self) -> (Event, Acker) {
        let mut state = self.state.lock().await;
        loop {
            match &mut *state {
                Some(State::Subscribed(subscribed)) => match subscribed.next().await {
                    Some(taken) => return taken,
                    None => *state = None,
                },
                Some(State::Asking(asking)) => *state = asking.await.ok().flatten().map(State::Subscribed),
                Some(State::Paused { session, channel }) => {
                    let asking = ask(session.clone(), Some(channel.clone()), self.queue);
                    *state = Some(State::Asking(tokio::spawn(asking)));
                }
                None => {
                    let session = self.link.session().await;
                    *state = Some(State::Asking(tokio::spawn(ask(session, None, self.queue))));
                }
            }
        }
    }

    /// Asks for no further message and gives back those that nobody took; what was taken can still be settled.
    pub(super) async fn pause(&self) {
        let mut state = self.state.lock().await;
        if let Some(State::Asking(asking)) = &mut *state {
            *state = asking.await.ok().flatten().map(State::Subscribed);
        }
        *state = match state.take() {
            Some(State::Subscribed(subscribed)) => subscribed.pause().await,
            other => other,
        };
    }
}

impl Subscribed {
    /// `None` where no further one comes this way.
    async fn next(&mut self) -> Option<(Event, Acker)> {
        loop {
            // In silence a new channel is enough: what the old one holds comes again when it closes.
            let message = timeout(SILENCE_MAX, self.messages.next()).await.ok()?;
            match message {
                // Of a connection that is over: it comes again.
                Some(Ok(message)) if !message.acker.usable() => {}
                Some(Ok(message)) => {
                    if let Some(event) = read(&message.data) {
                        return Some((event, message.acker));
                    }
                    tracing::error!(bytes = message.data.len(), "a message that cannot be read becomes a dead letter");
                    reject(&message.acker).await;
                }
                // The connection or the channel ended, or the queue was removed.
                Some(Err(_)) | None => {
                    self.session.give_up();
                    return None;
                }
            }
        }
    }

    async fn pause(self) -> Option<State> {
        let Self { session, channel, mut messages } = self;
        let pausing = async {
            channel.basic_cancel(messages.tag(), BasicCancelOptions::default()).await?;
            while let Some(message) = messages.next().await {
                message?.acker.reject(BasicRejectOptions { requeue: true }).await?;
            }
            lapin::Result::Ok(())
        };
        if let Ok(Ok(())) = timeout(CONNECT_MAX, pausing).await {
            return Some(State::Paused { session, channel });
        }
        session.give_up();
        None
    }
}

/// Subscribes, on a channel that there is or on a new one; `None` where the connection is of no use.
async fn ask(session: Session, channel: Option<Channel>, queue: Queue) -> Option<Subscribed> {
    let asking = async {
        let channel = match channel {
            Some(channel) => channel,
            None => open(&session, queue).await?,
        };
        let messages = consume(&channel, queue).await?;
        lapin::Result::Ok((channel, messages))
    };
    match timeout(CONNECT_MAX, asking).await {
        Ok(Ok((channel, messages))) => return Some(Subscribed { session, channel, messages }),
        Ok(Err(cause)) => tracing::warn!(%cause, "the broker delivers no messages"),
        Err(_) => tracing::warn!("the broker does not say whether it delivers messages"),
    }
    // The link waits before the next one.
    session.give_up();
    None
}

async fn open(session: &Session, queue: Queue) -> lapin::Result<Channel> {
    let channel = session.channel().await?;
    channel.basic_qos(queue.unsettled_max(), BasicQosOptions::default()).await?;
    Ok(channel)
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
