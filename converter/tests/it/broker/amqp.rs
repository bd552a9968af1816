//! What only a server can do, and what an operator does to it.

use std::time::Duration;

use converter::event::{PublishError, UNSETTLED_MAX};
use lapin::{
    BasicProperties,
    options::{BasicPublishOptions, QueueDeleteOptions},
};
use tokio::time::{Instant, timeout};

use super::{PATIENCE, Rabbit, event, next, published, take_all};

/// The queue's delivery limit.
const DELIVERIES_MAX: usize = 1_000;

#[tokio::test]
async fn a_message_whose_consumer_vanished_comes_again() {
    let Some(rabbit) = Rabbit::open().await else { return };
    let sent = published(&rabbit.side.broker, 1).await;
    let consumer = rabbit.side.another();
    let taken = next(&consumer).await;
    assert_eq!(taken.event, sent[0]);

    drop((taken, consumer));

    let again = next(&rabbit.side.broker).await;
    assert_eq!(again.event, sent[0]);
    again.ack().await;
}

#[tokio::test]
async fn a_consumer_holds_so_many_unsettled_messages_and_no_more() {
    let Some(rabbit) = Rabbit::open().await else { return };
    let (first, second) = (rabbit.side.another(), rabbit.side.another());
    let sent = published(&rabbit.side.broker, usize::from(UNSETTLED_MAX) + 1).await;
    let mut held = Vec::new();
    for event in &sent[..usize::from(UNSETTLED_MAX)] {
        let delivery = next(&first).await;
        assert_eq!(delivery.event, *event);
        held.push(delivery);
    }

    let beyond = next(&second).await;

    assert_eq!(beyond.event, sent[usize::from(UNSETTLED_MAX)]);
    beyond.ack().await;
}

#[tokio::test]
async fn a_rejected_message_becomes_a_dead_letter() {
    let Some(rabbit) = Rabbit::open().await else { return };
    let sent = published(&rabbit.side.broker, 1).await;

    next(&rabbit.side.broker).await.reject().await;

    rabbit.dead_letter(sent[0].id.to_string().as_bytes()).await;
}

#[tokio::test]
async fn a_message_that_cannot_be_read_becomes_a_dead_letter_and_holds_up_nothing() {
    let Some(rabbit) = Rabbit::open().await else { return };
    for nonsense in [&b"{}"[..], b"", b"\xff\xff"] {
        let options = BasicPublishOptions::default();
        let publish =
            rabbit.channel.basic_publish("".into(), "mp3".into(), options, nonsense, BasicProperties::default());
        publish.await.expect("the server takes it");
        let sent = published(&rabbit.side.broker, 1).await;

        take_all(&rabbit.side.broker, &sent).await;

        rabbit.dead_letter(nonsense).await;
    }
}

#[tokio::test]
async fn a_message_that_no_consumer_survives_becomes_a_dead_letter() {
    let Some(rabbit) = Rabbit::open().await else { return };
    let sent = published(&rabbit.side.broker, 1).await;

    let mut deliveries = 0;
    while rabbit.get("mp3", true).await.is_some() {
        deliveries += 1;
        assert!(deliveries <= DELIVERIES_MAX + 1, "the limit does not hold");
    }

    assert!(deliveries >= DELIVERIES_MAX, "it was given up after {deliveries} deliveries");
    rabbit.dead_letter(sent[0].id.to_string().as_bytes()).await;
}

#[tokio::test]
async fn a_removed_queue_is_noticed_and_declared_again() {
    let Some(rabbit) = Rabbit::open().await else { return };
    let broker = &rabbit.side.broker;
    for _ in 0..3 {
        rabbit.channel.queue_delete("mp3".into(), QueueDeleteOptions::default()).await.expect("it can be removed");

        let refused = broker.publish(event()).await;

        assert!(matches!(refused, Err(PublishError::Unroutable)), "{refused:?}");
        // The next connection declares it; on a busy machine that may take longer than one try.
        let (sent, deadline) = (event(), Instant::now() + PATIENCE);
        while let Err(cause) = broker.publish(sent).await {
            assert!(Instant::now() < deadline, "the queue never came back: {cause:?}");
        }
        assert_eq!(rabbit.get("mp3", false).await, Some(sent.id.to_string().into_bytes()));
    }
}

#[tokio::test]
async fn every_message_of_many_publishers_is_confirmed_for_itself() {
    let Some(rabbit) = Rabbit::open().await else { return };
    let publishing: Vec<_> = (0..200)
        .map(|_| {
            let (broker, event) = (rabbit.side.broker.clone(), event());
            tokio::spawn(async move { broker.publish(event).await.map(|()| event).expect("the server takes it") })
        })
        .collect();
    let mut sent = Vec::new();
    for publishing in publishing {
        sent.push(publishing.await.expect("no panic"));
    }

    take_all(&rabbit.side.broker, &sent).await;

    let more = timeout(Duration::from_millis(100), rabbit.side.broker.next()).await;
    assert!(more.is_err(), "a message came twice: {more:?}");
}

#[tokio::test]
async fn retries_that_come_at_once_upon_a_new_delay_are_all_handed_over() {
    let Some(rabbit) = Rabbit::open().await else { return };
    let broker = &rabbit.side.broker;
    // Each delay is a queue of its own, which the first retry makes.
    for delay_ms in (510..=590).step_by(10) {
        let sent = published(broker, usize::from(UNSETTLED_MAX)).await;
        let mut held = Vec::new();
        for _ in &sent {
            held.push(next(broker).await);
        }
        let retries = held.into_iter().map(|delivery| delivery.retry_later(Duration::from_millis(delay_ms)));
        futures_util::future::join_all(retries).await;

        for _ in &sent {
            next(broker).await.ack().await;
        }
    }
}
