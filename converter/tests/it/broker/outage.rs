//! A server that dies and comes back. Nothing that it confirmed is lost, and nobody has to be started again.

use std::time::Duration;

use converter::event::{Broker, Event, PublishError, Queue};
use testbed::{Kind, Server, or_skip};
use tokio::time::Instant;

use super::{connected, next, publish, published, take_all};

/// Longest a call may take to fail while the server is away: its own limit of 5 s, and a busy machine.
const FAILS_WITHIN: Duration = Duration::from_secs(7);
/// Longest until everything works after the server is back.
const WORKS_WITHIN: Duration = Duration::from_secs(10);
/// How long a retry waits: beyond the death of the server.
const DELAY: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_confirmed_outlives_its_death() {
    let Some(server) = or_skip(tokio::task::block_in_place(|| Server::start(Kind::Rabbit))) else { return };
    let broker = Broker::open(server.url(), Queue::Mp3).expect("the address is right");
    let consumer = Broker::open(server.url(), Queue::Mp3).expect("the address is right");
    connected(&broker).await;
    take_all(&consumer, &published(&broker, 1).await).await;
    // RabbitMQ 3.10 loses a queue that was declared within the last second before a `kill -9`, whatever it confirmed.
    // So the retry queue is an old one; what is lost with a new one comes again from the outbox.
    published(&broker, 1).await;
    next(&consumer).await.retry_later(DELAY).await;
    next(&consumer).await.ack().await;
    // One is in the hands of a consumer when the server dies, and one waits for its time.
    let [held, delayed] = published(&broker, 2).await[..] else { unreachable!("two were published") };
    let (first, second) = (next(&consumer).await, next(&consumer).await);
    assert_eq!((first.event, second.event), (held, delayed));
    second.retry_later(DELAY).await;
    let mut confirmed = published(&broker, 50).await;
    confirmed.extend([held, delayed]);

    for end in [Server::kill as fn(&Server), Server::stop] {
        let busy = tokio::spawn(publish_until_refused(broker.clone()));
        tokio::task::block_in_place(|| end(&server));
        confirmed.extend(busy.await.expect("no panic"));
        refused_in_time(&broker).await;
        tokio::task::block_in_place(|| server.restart());
        let back = Instant::now();
        connected(&broker).await;
        publish(&broker, confirmed[0]).await;
        assert!(back.elapsed() < WORKS_WITHIN, "it took {:?}", back.elapsed());
    }

    // Told to a connection that is over; the message came again already, or will.
    first.ack().await;
    take_all(&consumer, &confirmed).await;
}

/// What was confirmed until the server went away.
async fn publish_until_refused(broker: Broker) -> Vec<Event> {
    let mut confirmed = Vec::new();
    loop {
        let event = super::event();
        if broker.publish(event).await.is_err() {
            return confirmed;
        }
        confirmed.push(event);
    }
}

async fn refused_in_time(broker: &Broker) {
    let since = Instant::now();
    let refused = broker.publish(super::event()).await;
    assert!(matches!(refused, Err(PublishError::Unconfirmed(_))), "{refused:?}");
    assert!(since.elapsed() < FAILS_WITHIN, "it took {:?}", since.elapsed());
    assert!(broker.ping().await.is_err(), "nobody answers");
}
