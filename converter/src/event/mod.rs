//! What the converter announces, and the broker that carries it.
//!
//! A message is a wake-up: the document holds the truth, so a lost, doubled or late message does no harm.

mod amqp;
mod memory;

use std::time::Duration;

use crate::conversion::ConversionId;

use amqp::Amqp;
use memory::Memory;

/// Most messages that a consumer has taken and not settled. The server holds back what is beyond.
pub const UNSETTLED_MAX: u16 = 8;

/// The mp3 of this conversion is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mp3Ready {
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

/// The broker: a closed enum, one variant a kind. Clones share one connection.
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

    /// Opens the broker that `url` names; a server need not answer yet. A single service cannot share the in-process one.
    pub fn open(url: &str) -> anyhow::Result<Self> {
        match url.split_once(':') {
            Some(("memory", _)) => {
                anyhow::bail!("BROKER_URL memory: works only inside `tapedeck up`, where all services are one process")
            }
            Some(("amqp" | "amqps", _)) => Ok(Self::Amqp(Amqp::open(url)?)),
            _ => anyhow::bail!("BROKER_URL must be amqp://USER:PASSWORD@HOST:PORT/VHOST, or amqps://… for TLS"),
        }
    }

    /// Whether unread messages are gone when the process ends.
    pub fn dies_with_process(&self) -> bool {
        matches!(self, Self::Memory(_))
    }

    /// Returns once the broker has the message for good.
    pub async fn publish(&self, event: Mp3Ready) -> Result<(), PublishError> {
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
    pub event: Mp3Ready,
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

    /// Nobody can do anything with the message: it goes where an operator finds it.
    pub async fn reject(self) {
        match self.receipt {
            Receipt::Memory(_) => {}
            Receipt::Amqp(receipt) => receipt.reject().await,
        }
    }
}
