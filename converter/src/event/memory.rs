//! A queue inside the process.

use std::{sync::Arc, time::Duration};

use tokio::sync::{Mutex, mpsc};

use super::{Event, PublishError};

/// Most wake-ups that wait in the process; the outbox publishes again what found no room.
const QUEUE_MAX: usize = 1024;

/// See [`super::Broker::Memory`].
#[derive(Debug, Clone)]
pub struct Memory {
    sender: mpsc::Sender<Event>,
    receiver: Arc<Mutex<mpsc::Receiver<Event>>>,
}

impl Memory {
    pub(super) fn new() -> Self {
        let (sender, receiver) = mpsc::channel(QUEUE_MAX);
        Self { sender, receiver: Arc::new(Mutex::new(receiver)) }
    }

    pub(super) fn publish(&self, event: Event) -> Result<(), PublishError> {
        self.sender.try_send(event).map_err(|failed| match failed {
            mpsc::error::TrySendError::Full(_) => PublishError::Full,
            mpsc::error::TrySendError::Closed(_) => PublishError::Unroutable,
        })
    }

    pub(super) async fn next(&self) -> Event {
        match self.receiver.lock().await.recv().await {
            Some(event) => event,
            // The sender is part of this value, so the channel cannot be closed.
            None => std::future::pending().await,
        }
    }

    pub(super) fn publish_later(self, event: Event, delay: Duration) {
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            let _ = self.publish(event);
        });
    }
}
