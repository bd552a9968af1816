//! The contract of a broker. Each rule is a function over a [`Side`], and [`contract!`] runs it for each kind.
//!
//! What has no meaning for the in-process broker is in `amqp` and `outage`: its messages are gone with the process, and
//! the outbox publishes them again.

/// Runs rules against each kind of broker.
macro_rules! contract {
    ($($rule:ident),+ $(,)?) => {
        mod memory {
            $(#[tokio::test]
            async fn $rule() {
                super::$rule(&crate::broker::Side::memory()).await;
            })+
        }
        mod amqp {
            $(#[tokio::test]
            async fn $rule() {
                let Some(rabbit) = crate::broker::Rabbit::open().await else { return };
                super::$rule(&rabbit.side).await;
            })+
        }
    };
}

mod amqp;
mod deliveries;
mod jobs;
mod outage;
mod silent;

use std::{collections::HashSet, time::Duration};

use converter::{
    conversion::ConversionId,
    event::{Broker, Delivery, Event, Queue},
};
use lapin::{
    Channel, Connection, ConnectionProperties,
    options::{BasicGetOptions, BasicRejectOptions, QueueDeclareOptions, QueuePurgeOptions},
    types::FieldTable,
};
use testbed::{Kind, shared_or_skip};
use tokio::{
    sync::{Mutex, MutexGuard},
    time::{Instant, sleep, timeout},
};

/// Longest wait for anything that must happen; the server shares its machine with other tests.
const PATIENCE: Duration = Duration::from_secs(20);
/// Pace of looking whether it has happened.
const LOOK: Duration = Duration::from_millis(20);
/// Delays that tests give, as long as the tests can wait for.
const DELAYS_MS: [u64; 2] = [300, 3_000];

/// One kind of broker.
struct Side {
    broker: Broker,
    url: Option<String>,
    queue: Queue,
}

impl Side {
    fn memory() -> Self {
        Self { broker: Broker::memory(), url: None, queue: Queue::Mp3 }
    }

    /// The same broker as another service has it; in memory all are one process.
    fn another(&self) -> Broker {
        match &self.url {
            Some(url) => Broker::open(url, self.queue).expect("the address is right"),
            None => self.broker.clone(),
        }
    }
}

/// The server that all tests share, without any message, and for one test at a time.
struct Rabbit {
    side: Side,
    /// Past the code under test, for what an operator would do.
    channel: Channel,
    /// The queue under test.
    name: &'static str,
    _connection: Connection,
    _turn: MutexGuard<'static, ()>,
}

impl Rabbit {
    /// `None` where there is no server and the test is to be skipped.
    async fn open() -> Option<Self> {
        Self::open_queue(Queue::Mp3).await
    }

    async fn open_queue(queue: Queue) -> Option<Self> {
        static TURN: Mutex<()> = Mutex::const_new(());
        let turn = TURN.lock().await;
        let url = shared_or_skip(Kind::Rabbit)?.url().to_owned();
        let connection =
            Connection::connect(&url, ConnectionProperties::default()).await.expect("the server takes connections");
        let channel = connection.create_channel().await.expect("a channel");
        let broker = Broker::open(&url, queue).expect("the address is right");
        connected(&broker).await;
        let name = match queue {
            Queue::Mp3 => "mp3",
            Queue::Video => "video",
        };
        let side = Side { broker, url: Some(url), queue };
        let rabbit = Self { side, channel, name, _connection: connection, _turn: turn };
        rabbit.empty().await;
        Some(rabbit)
    }

    /// Takes a message out of a queue, or gives it back there.
    async fn get(&self, queue: &str, give_back: bool) -> Option<Vec<u8>> {
        let got =
            self.channel.basic_get(queue.into(), BasicGetOptions::default()).await.expect("the queue is there")?;
        got.reject(BasicRejectOptions { requeue: give_back }).await.expect("the server takes it");
        Some(got.data.clone())
    }

    /// Waits for a dead letter, past those of earlier tests.
    async fn dead_letter(&self, wanted: &[u8]) {
        let deadline = Instant::now() + PATIENCE;
        while self.get(&format!("{}.dead", self.name), false).await.as_deref() != Some(wanted) {
            assert!(Instant::now() < deadline, "no dead letter {wanted:?} came");
            sleep(LOOK).await;
        }
    }

    /// Removes what an earlier test left, once its consumers are gone and have given back what they held. The queues stay:
    /// what RabbitMQ 3.10 still does for a removed queue it may do to a new one of the same name.
    async fn empty(&self) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
            let queue = self.channel.queue_declare(self.name.into(), passive, FieldTable::default()).await;
            let queue = queue.expect("the broker declared it");
            if queue.consumer_count() == 0 && queue.message_count() == 0 {
                return;
            }
            assert!(Instant::now() < deadline, "somebody else uses the server");
            if queue.consumer_count() == 0 {
                let purge = self.channel.queue_purge(self.name.into(), QueuePurgeOptions::default());
                purge.await.expect("it is there");
            }
            sleep(LOOK).await;
        }
    }
}

fn event() -> Event {
    Event { id: ConversionId::random() }
}

/// Returns once the broker answers.
async fn connected(broker: &Broker) {
    let deadline = Instant::now() + PATIENCE;
    while let Err(cause) = broker.ping().await {
        assert!(Instant::now() < deadline, "the broker never answered: {cause:?}");
        sleep(LOOK).await;
    }
}

async fn publish(broker: &Broker, event: Event) {
    broker.publish(event).await.expect("the broker takes it");
}

async fn published(broker: &Broker, count: usize) -> Vec<Event> {
    let events: Vec<_> = (0..count).map(|_| event()).collect();
    for event in &events {
        publish(broker, *event).await;
    }
    events
}

async fn next(broker: &Broker) -> Delivery {
    timeout(PATIENCE, broker.next()).await.expect("a message comes")
}

/// Takes messages until all of `events` came, and settles them.
async fn take_all(broker: &Broker, events: &[Event]) {
    let mut missing: HashSet<ConversionId> = events.iter().map(|event| event.id).collect();
    while !missing.is_empty() {
        let Ok(delivery) = timeout(PATIENCE, broker.next()).await else { panic!("these never came: {missing:?}") };
        missing.remove(&delivery.event.id);
        delivery.ack().await;
    }
}
