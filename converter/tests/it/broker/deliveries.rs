//! What every kind of broker does with a message.

use std::{collections::HashSet, time::Duration};

use converter::event::UNSETTLED_MAX;
use tokio::time::{Instant, timeout};

use super::{DELAYS_MS, Side, event, next, publish, published};

contract!(
    a_published_message_is_delivered,
    a_settled_message_does_not_come_again,
    a_wait_that_is_given_up_loses_no_message,
    a_retry_comes_after_its_delay,
    a_long_delay_holds_up_no_short_one,
    two_consumers_share_the_messages,
    a_message_that_is_given_back_comes_again_at_once_to_anybody,
);

async fn a_published_message_is_delivered(side: &Side) {
    let sent = published(&side.broker, 3).await;

    for event in sent {
        let delivery = next(&side.broker).await;
        assert_eq!(delivery.event, event);
        delivery.ack().await;
    }
    side.broker.ping().await.expect("it answers");
}

async fn a_settled_message_does_not_come_again(side: &Side) {
    let consumer = side.another();
    published(&side.broker, 2).await;
    next(&consumer).await.ack().await;
    next(&consumer).await.reject().await;

    // Unsettled messages would come again before later ones.
    drop(consumer);
    let last = event();
    publish(&side.broker, last).await;

    assert_eq!(next(&side.another()).await.event, last);
}

async fn a_wait_that_is_given_up_loses_no_message(side: &Side) {
    let consumer = side.another();
    for _ in 0..20 {
        let sent = event();
        publish(&side.broker, sent).await;
        // Given up at any point: before, at and after the arrival.
        for wait_ms in 0..3 {
            if let Ok(delivery) = timeout(Duration::from_millis(wait_ms), consumer.next()).await {
                assert_eq!(delivery.event, sent);
                delivery.retry_later(Duration::ZERO).await;
                break;
            }
        }
        let delivery = next(&consumer).await;
        assert_eq!(delivery.event, sent);
        delivery.ack().await;
    }
}

async fn a_retry_comes_after_its_delay(side: &Side) {
    let delay = Duration::from_millis(DELAYS_MS[0]);
    let sent = published(&side.broker, 1).await;

    let delivery = next(&side.broker).await;
    let since = Instant::now();
    delivery.retry_later(delay).await;
    let again = next(&side.broker).await;

    assert_eq!(again.event, sent[0]);
    assert!(since.elapsed() >= delay, "it came after {:?}", since.elapsed());
    again.ack().await;
}

async fn a_long_delay_holds_up_no_short_one(side: &Side) {
    let [short, long] = DELAYS_MS.map(Duration::from_millis);
    let sent = published(&side.broker, 2).await;
    next(&side.broker).await.retry_later(long).await;
    next(&side.broker).await.retry_later(short).await;

    let first = next(&side.broker).await;
    assert_eq!(first.event, sent[1]);
    first.ack().await;
    let second = next(&side.broker).await;
    assert_eq!(second.event, sent[0]);
    second.ack().await;
}

async fn two_consumers_share_the_messages(side: &Side) {
    let share = usize::from(UNSETTLED_MAX);
    let sent = published(&side.broker, 2 * share).await;

    let mut held = Vec::new();
    for consumer in [side.another(), side.another()] {
        for _ in 0..share {
            held.push(next(&consumer).await);
        }
    }

    let came: HashSet<_> = held.iter().map(|delivery| delivery.event.id).collect();
    assert_eq!(came, sent.iter().map(|event| event.id).collect(), "each goes to one of them");
    for delivery in held {
        delivery.ack().await;
    }
}

async fn a_message_that_is_given_back_comes_again_at_once_to_anybody(side: &Side) {
    let (full, free) = (side.another(), side.another());
    let sent = published(&side.broker, 1).await;
    for _ in 0..3 {
        let delivery = next(&full).await;
        assert_eq!(delivery.event, sent[0]);
        delivery.give_back().await;
    }

    // Whoever has no room asks for no more.
    full.pause().await;
    let delivery = next(&free).await;

    assert_eq!(delivery.event, sent[0]);
    delivery.ack().await;
}
