//! The queues, declared by every connection.
//!
//! ```text
//! publisher ──▶ mp3 ──▶ consumer ──reject, too many deliveries──▶ mp3.dlx ──▶ mp3.dead   (for an operator)
//!                ▲          └─retry later─▶ mp3.retry.2000 ─┐ after 2000 ms
//!                └─────────────────────────────────────────┘
//! ```
//!
//! The same with `video` for `mp3` where the queued flow is on. All are durable quorum queues. A retry leaves its queue only once `mp3` has it (`at-least-once`, which asks for
//! `reject-publish`): its time may end while a server starts, before `mp3` is there. What `mp3` gives up moves at most once,
//! RabbitMQ's default: the document tells the same, and `at-least-once` can hold it back after somebody removed a queue.
//!
//! The server refuses a declaration that differs from the queue that exists: to change a number below, remove the queue or
//! give it a new name.

use std::time::Duration;

use lapin::{
    Channel, ExchangeKind,
    options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable, ShortString},
};

use super::super::Queue;

/// Messages that wait in a queue; the outbox keeps the others. One is a few hundred bytes.
const LENGTH_MAX: i64 = 100_000;
/// Dead letters that are kept; the oldest go first.
const DEAD_LENGTH_MAX: i64 = 10_000;
/// Deliveries that ended without a word, or with a lost connection. `DELIVERY_ATTEMPTS_MAX` (at most 100) gives a mail
/// up long before, so this ends only what kills each consumer.
const DELIVERIES_MAX: i64 = 1_000;
/// Delays beyond are cut: RabbitMQ counts milliseconds in 32 bits.
const DELAY_MAX: Duration = Duration::from_hours(24);
/// How much longer than its delay a retry queue is kept without use: its messages must be gone, also after an outage.
const UNUSED_MAX: Duration = Duration::from_hours(1);

/// Declares everything but the retry queues; does nothing where it exists.
pub(super) async fn declare(channel: &Channel, queue: Queue) -> lapin::Result<()> {
    let name = queue.name();
    let (exchange, dead) = (format!("{name}.dlx"), format!("{name}.dead"));
    let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    channel.exchange_declare(exchange.as_str().into(), ExchangeKind::Fanout, durable, FieldTable::default()).await?;
    declare_queue(channel, &dead, [("x-max-length", DEAD_LENGTH_MAX.into())]).await?;
    let (bound, source) = (dead.into(), exchange.as_str().into());
    channel.queue_bind(bound, source, "".into(), QueueBindOptions::default(), FieldTable::default()).await?;
    let arguments = [
        ("x-delivery-limit", DELIVERIES_MAX.into()),
        ("x-max-length", LENGTH_MAX.into()),
        ("x-overflow", text("reject-publish")),
        ("x-dead-letter-exchange", text(&exchange)),
    ];
    declare_queue(channel, name, arguments).await
}

/// Declares the queue whose messages return after about `delay`, and names it. A queue for each delay: messages leave a
/// queue in order, so a long one would hold the short ones behind it.
pub(super) async fn declare_retry(channel: &Channel, queue: Queue, delay: Duration) -> lapin::Result<ShortString> {
    let delay_ms = rounded_ms(delay);
    let unused_ms = delay_ms + i64::try_from(UNUSED_MAX.as_millis()).unwrap_or(i64::MAX);
    let name = format!("{}.retry.{delay_ms}", queue.name());
    let arguments = [
        ("x-message-ttl", delay_ms.into()),
        // Counted from the last declaration, so from the last message.
        ("x-expires", unused_ms.into()),
        ("x-max-length", LENGTH_MAX.into()),
        ("x-overflow", text("reject-publish")),
        ("x-dead-letter-exchange", text("")),
        ("x-dead-letter-routing-key", text(queue.name())),
        ("x-dead-letter-strategy", text("at-least-once")),
    ];
    declare_queue(channel, &name, arguments).await?;
    Ok(name.into())
}

/// Fails where the queue is not there.
pub(super) async fn check(channel: &Channel, queue: Queue) -> lapin::Result<()> {
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(queue.name().into(), passive, FieldTable::default()).await.map(drop)
}

async fn declare_queue<const N: usize>(
    channel: &Channel,
    name: &str,
    arguments: [(&'static str, AMQPValue); N],
) -> lapin::Result<()> {
    let mut table = FieldTable::default();
    table.insert("x-queue-type".into(), text("quorum"));
    for (key, value) in arguments {
        table.insert(key.into(), value);
    }
    channel.queue_declare(name.into(), QueueDeclareOptions::durable(), table).await.map(drop)
}

fn text(text: &str) -> AMQPValue {
    AMQPValue::LongString(text.into())
}

/// Milliseconds, rounded up to two significant digits: so there are at most some hundred different queues.
fn rounded_ms(delay: Duration) -> i64 {
    let ms = i64::try_from(delay.min(DELAY_MAX).as_millis()).unwrap_or(i64::MAX).max(1);
    let mut unit = 1;
    while ms / unit >= 100 {
        unit *= 10;
    }
    (ms + unit - 1) / unit * unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_is_never_cut_short_and_there_are_few_of_them() {
        let rounded =
            [0, 1, 99, 100, 101, 2_000, 128_000, 300_000, u64::MAX].map(|ms| rounded_ms(Duration::from_millis(ms)));
        assert_eq!(rounded, [1, 1, 99, 100, 110, 2_000, 130_000, 300_000, 87_000_000]);
        let all: std::collections::BTreeSet<i64> =
            (1..=300_000).map(|ms| rounded_ms(Duration::from_millis(ms))).collect();
        assert!(all.len() < 500, "{}", all.len());
    }
}
