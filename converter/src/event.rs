//! What the converter announces, and the broker that carries it.
//!
//! A message is a wake-up: the document holds the truth, so a lost, doubled or late message does no harm.

use std::{sync::Arc, time::Duration};

use tokio::sync::{Mutex, mpsc};

use crate::conversion::ConversionId;

/// Most wake-ups that wait in the process; the outbox publishes again what found no room.
const MEMORY_QUEUE_MAX: usize = 1024;

/// The mp3 of this conversion is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mp3Ready {
    pub id: ConversionId,
}

/// Why an announcement is not confirmed; it stays in the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    #[error("the queue is full")]
    Full,
    #[error("nobody listens")]
    Unroutable,
}

/// The broker: a closed enum, one variant a kind.
#[derive(Debug, Clone)]
pub enum Broker {
    /// Wake-ups inside one process; the outbox makes them safe.
    Memory(MemoryBroker),
}

impl Broker {
    /// A broker for services that run in one process.
    pub fn memory() -> Self {
        let (sender, receiver) = mpsc::channel(MEMORY_QUEUE_MAX);
        Self::Memory(MemoryBroker { sender, receiver: Arc::new(Mutex::new(receiver)) })
    }

    /// Opens the broker that `url` names. A single service cannot share the in-process one.
    pub fn open(url: &str) -> anyhow::Result<Self> {
        match url.split_once(':') {
            Some(("memory", _)) => {
                anyhow::bail!("BROKER_URL memory: works only inside `tapedeck up`, where all services are one process")
            }
            _ => anyhow::bail!("BROKER_URL {url:?} names no broker that is known here"),
        }
    }

    /// Whether unread messages are gone when the process ends.
    pub fn dies_with_process(&self) -> bool {
        matches!(self, Self::Memory(_))
    }

    /// Returns once the broker has the message for good.
    pub fn publish(&self, event: Mp3Ready) -> Result<(), PublishError> {
        match self {
            Self::Memory(broker) => broker.sender.try_send(event).map_err(|failed| match failed {
                mpsc::error::TrySendError::Full(_) => PublishError::Full,
                mpsc::error::TrySendError::Closed(_) => PublishError::Unroutable,
            }),
        }
    }

    /// The next message; waits for one. Each goes to one of the callers.
    pub async fn next(&self) -> Mp3Ready {
        match self {
            Self::Memory(broker) => match broker.receiver.lock().await.recv().await {
                Some(event) => event,
                // The sender is part of this value, so the channel cannot be closed.
                None => std::future::pending().await,
            },
        }
    }

    /// Delivers the message again after `delay`. Where there is no room then, the outbox does.
    pub fn retry_later(&self, event: Mp3Ready, delay: Duration) {
        let broker = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            let _ = broker.publish(event);
        });
    }
}

/// See [`Broker::Memory`].
#[derive(Debug, Clone)]
pub struct MemoryBroker {
    sender: mpsc::Sender<Mp3Ready>,
    receiver: Arc<Mutex<mpsc::Receiver<Mp3Ready>>>,
}
