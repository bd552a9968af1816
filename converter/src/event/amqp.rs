//! RabbitMQ.

use std::time::Duration;

use super::{Mp3Ready, PublishError};

/// See [`super::Broker::Amqp`].
#[derive(Debug, Clone)]
pub struct Amqp {}

#[derive(Debug)]
pub(super) struct Receipt {}

impl Amqp {
    pub(super) fn open(_url: &str) -> anyhow::Result<Self> {
        anyhow::bail!("amqp is not there yet")
    }

    pub(super) async fn publish(&self, _event: Mp3Ready) -> Result<(), PublishError> {
        std::future::pending().await
    }

    pub(super) async fn next(&self) -> (Mp3Ready, Receipt) {
        std::future::pending().await
    }

    pub(super) async fn ping(&self) -> Result<(), PublishError> {
        std::future::pending().await
    }
}

impl Receipt {
    pub(super) async fn ack(self) {
        std::future::pending::<()>().await;
    }

    pub(super) async fn retry_later(self, _event: Mp3Ready, _delay: Duration) {
        std::future::pending::<()>().await;
    }

    pub(super) async fn reject(self) {
        std::future::pending::<()>().await;
    }
}
