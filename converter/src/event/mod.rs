//! What is announced of conversions, and the broker that carries it: to the notifiers that an mp3 is committed, to the
//! workers of the queued flow that a video is stored.
//!
//! A message is a wake-up: the document holds the truth, so a lost, doubled or late message does no harm.

mod amqp;
mod memory;

use std::time::Duration;

use crate::conversion::ConversionId;

use amqp::Amqp;
use memory::Memory;

/// Most messages that a notifier has taken and not settled. The server holds back what is beyond.
pub const UNSETTLED_MAX: u16 = 8;
/// The same for a worker. It takes messages only while a permit is free and settles each in the milliseconds of a claim, so
/// one is enough, and never more than it has permits: what one replica holds back another one cannot convert.
const JOBS_UNSETTLED_MAX: u16 = 1;

/// Who reads a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Queue {
    /// Notifiers: an mp3 is committed.
    Mp3,
    /// Workers: a video is stored and waits for its conversion.
    Video,
}

impl Queue {
    fn name(self) -> &'static str {
        match self {
            Self::Mp3 => "mp3",
            Self::Video => "video",
        }
    }

    fn unsettled_max(self) -> u16 {
        match self {
            Self::Mp3 => UNSETTLED_MAX,
            Self::Video => JOBS_UNSETTLED_MAX,
        }
    }
}

/// Something happened to this conversion; the queue says what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    pub id: ConversionId,
}

/// Why an announcement is not confirmed; it stays in the outbox.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    #[error("the queue is full")]
    Full,
    #[error("nobody listens")]
    Unroutable,
    #[error("the broker does not answer")]
    Unconfirmed(#[source] anyhow::Error),
}

/// One queue at a broker: a closed enum, one variant a kind. Clones share their connections.
#[derive(Debug, Clone)]
pub enum Broker {
    /// Wake-ups inside one process; the outbox makes them safe.
    Memory(Memory),
    /// A RabbitMQ server.
    Amqp(Amqp),
}

impl Broker {
    /// A broker for services that run in one process.
    pub fn memory() -> Self {
        Self::Memory(Memory::new())
    }

    /// Opens a queue at the broker that `url` names; a server need not answer yet. A single service cannot share the
    /// in-process one.
    pub fn open(url: &str, queue: Queue) -> anyhow::Result<Self> {
        match url.split_once(':') {
            Some(("memory", _)) => {
                anyhow::bail!("BROKER_URL memory: works only inside `tapedeck up`, where all services are one process")
            }
            Some(("amqp" | "amqps", _)) => Ok(Self::Amqp(Amqp::open(url, queue)?)),
            _ => anyhow::bail!("BROKER_URL must be amqp://USER:PASSWORD@HOST:PORT/VHOST, or amqps://… for TLS"),
        }
    }

    /// Whether unread messages are gone when the process ends.
    pub fn dies_with_process(&self) -> bool {
        matches!(self, Self::Memory(_))
    }

    /// Returns once the broker has the message for good.
    pub async fn publish(&self, event: Event) -> Result<(), PublishError> {
        match self {
            Self::Memory(broker) => broker.publish(event),
            Self::Amqp(broker) => broker.publish(event).await,
        }
    }

    /// The next message; waits for one, and for the broker where that is away. Each goes to one of the callers.
    pub async fn next(&self) -> Delivery {
        match self {
            Self::Memory(broker) => Delivery { event: broker.next().await, receipt: Receipt::Memory(broker.clone()) },
            Self::Amqp(broker) => {
                let (event, receipt) = broker.next().await;
                Delivery { event, receipt: Receipt::Amqp(receipt) }
            }
        }
    }

    /// Lets others have what this consumer was sent and did not take, until its next [`Self::next`].
    pub async fn pause(&self) {
        match self {
            Self::Memory(_) => {}
            Self::Amqp(broker) => broker.pause().await,
        }
    }

    /// Whether the broker answers.
    pub async fn ping(&self) -> Result<(), PublishError> {
        match self {
            Self::Memory(_) => Ok(()),
            Self::Amqp(broker) => broker.ping().await,
        }
    }
}

/// One message in the hands of a consumer. Dropped without a word, it comes again when its connection ends.
#[derive(Debug)]
#[must_use = "say what became of it"]
pub struct Delivery {
    pub event: Event,
    receipt: Receipt,
}

#[derive(Debug)]
enum Receipt {
    Memory(Memory),
    Amqp(amqp::Receipt),
}

/// Where the broker does not hear one of these, it delivers the message again.
impl Delivery {
    /// The message did its work.
    pub async fn ack(self) {
        match self.receipt {
            Receipt::Memory(_) => {}
            Receipt::Amqp(receipt) => receipt.ack().await,
        }
    }

    /// Delivers the message again after `delay`. Where there is no room then, the outbox does.
    pub async fn retry_later(self, delay: Duration) {
        match self.receipt {
            Receipt::Memory(broker) => broker.publish_later(self.event, delay),
            Receipt::Amqp(receipt) => receipt.retry_later(self.event, delay).await,
        }
    }

    /// Delivers the message again at once, to whoever has room.
    pub async fn give_back(self) {
        match self.receipt {
            // Where it finds no room, the outbox does.
            Receipt::Memory(broker) => drop(broker.publish(self.event)),
            Receipt::Amqp(receipt) => receipt.give_back().await,
        }
    }

    /// Nobody can do anything with the message: it goes where an operator finds it.
    pub async fn reject(self) {
        match self.receipt {
            Receipt::Memory(_) => {}
            Receipt::Amqp(receipt) => receipt.reject().await,
        }
    }
}
