//! RabbitMQ.
//!
//! Publishers and consumers have a connection each, since RabbitMQ stops reading from a connection that publishes while
//! its memory or disk is short, and acknowledgements must go on then. lapin's own recovery is not used: a connection
//! that breaks is replaced by a new one with new channels ([`link`]), so that nothing is carried over from the old one.

mod address;
mod connect;
mod consumer;
mod link;
mod publisher;
mod topology;

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use chassis::chain;
use lapin::{
    Acker,
    options::{BasicAckOptions, BasicRejectOptions},
};
use tokio::time::{sleep, timeout};

use super::{Event, PublishError, Queue};
use address::Address;
use consumer::Consumer;
use link::Link;
use publisher::Publisher;

/// Longest wait for the server to take an acknowledgement. A lost one is no loss: the message comes again.
const SETTLE_MAX: Duration = Duration::from_secs(5);

/// Tries of handing a delayed message over: a queue that was declared a moment ago refuses the first ones (seen with 3.10),
/// and the outbox would publish the message `REPUBLISH_AFTER` later.
const RETRY_TRIES_MAX: u32 = 5;
/// Between two of them.
const RETRY_PAUSE: Duration = Duration::from_millis(200);

/// See [`super::Broker::Amqp`].
#[derive(Debug, Clone)]
pub struct Amqp {
    address: Address,
    queue: Queue,
    /// Connects with its first use: a service that ends at its start, over a wrong setting, must leave no connection behind
    /// whose thread outlives the runtime and panics.
    publisher: Arc<OnceLock<Publisher>>,
    /// Only a process that asks for messages gets some.
    consumer: Arc<OnceLock<Consumer>>,
}

/// A message that the server waits to hear about.
#[derive(Debug)]
pub(super) struct Receipt {
    acker: Acker,
    broker: Amqp,
}

impl Amqp {
    /// Connects to nothing yet. The first use starts to connect in the background, for ever; it needs a tokio runtime.
    pub(super) fn open(url: &str, queue: Queue) -> anyhow::Result<Self> {
        Ok(Self { address: url.parse()?, queue, publisher: Arc::default(), consumer: Arc::default() })
    }

    pub(super) async fn publish(&self, event: Event) -> Result<(), PublishError> {
        self.publisher().publish(event, None).await
    }

    pub(super) async fn next(&self) -> (Event, Receipt) {
        let consumer = self.consumer.get_or_init(|| Consumer::new(self.link("consumer"), self.queue));
        let (event, acker) = consumer.next().await;
        (event, Receipt { acker, broker: self.clone() })
    }

    pub(super) async fn pause(&self) {
        if let Some(consumer) = self.consumer.get() {
            consumer.pause().await;
        }
    }

    pub(super) async fn ping(&self) -> Result<(), PublishError> {
        self.publisher().ping().await
    }

    fn publisher(&self) -> &Publisher {
        self.publisher.get_or_init(|| Publisher::new(self.link("publisher"), self.queue))
    }

    fn link(&self, role: &'static str) -> Link {
        Link::start(self.address.clone(), self.queue, role)
    }
}

impl Receipt {
    pub(super) async fn ack(self) {
        settled("ack", self.acker.ack(BasicAckOptions::default())).await;
    }

    /// Where the server does not take the delayed message, the outbox publishes it again: held back here, the
    /// message would keep its place in the consumer's window until the connection ends.
    pub(super) async fn retry_later(self, event: Event, delay: Duration) {
        for left in (0..RETRY_TRIES_MAX).rev() {
            match self.broker.publisher().publish(event, Some(delay)).await {
                Err(PublishError::Full) if left > 0 => sleep(RETRY_PAUSE).await,
                Err(cause) => {
                    tracing::warn!(conversion = %event.id, cause = chain(&cause), "a retry is left to the outbox");
                    break;
                }
                Ok(()) => break,
            }
        }
        self.ack().await;
    }

    pub(super) async fn give_back(self) {
        settled("give back", self.acker.reject(BasicRejectOptions { requeue: true })).await;
    }

    pub(super) async fn reject(self) {
        reject(&self.acker).await;
    }
}

/// `reject`, not `nack`: the message goes to the dead letters.
async fn reject(acker: &Acker) {
    settled("reject", acker.reject(BasicRejectOptions { requeue: false })).await;
}

async fn settled(verb: &str, settling: impl Future<Output = lapin::Result<bool>>) {
    match timeout(SETTLE_MAX, settling).await {
        Ok(Ok(true)) => {}
        // The connection of the message is over.
        Ok(Ok(false)) => tracing::debug!(verb, "a message comes again"),
        Ok(Err(cause)) => tracing::debug!(verb, %cause, "a message comes again"),
        Err(_) => tracing::debug!(verb, "the broker did not take it in time"),
    }
}
