//! How fast the outbox empties, and what a broker that takes nothing leaves in it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use testbed::{Kind, shared_or_skip};

use super::{Outbox, Round, STUCK_MAX, announce, publish};
use crate::{
    App,
    control::{Completeness, Decoder},
    conversion::{Attempt, Conversion, ConversionId, Mp3, Owner, State, Timestamp},
    event::{Broker, Event, Queue},
    store::{
        Change, Due, Seen, Store,
        faulty::{FOR_EVER, Fault, Faulty, Op},
    },
};

/// As many as a broker outage may leave.
const PENDING: usize = 1_000;
/// Longest that they may take.
const EMPTY_WITHIN: Duration = Duration::from_secs(10);
/// What one update takes in a store of several nodes that are far from each other.
const SLOW: Duration = Duration::from_millis(50);
/// Messages that the in-process broker holds.
const MEMORY_QUEUE_MAX: usize = 1024;

#[tokio::test]
async fn a_long_outbox_is_announced_within_seconds_also_on_a_slow_store() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut app, faulty) = converter(Broker::memory(), folder.path()).await;
    for _ in 0..PENDING {
        committed(&app.store).await;
    }
    faulty.fail(vec![(Op::Update, FOR_EVER, Fault::Slow(SLOW))]);
    for broker in [Some(Broker::memory()), amqp()].into_iter().flatten() {
        app.broker = broker;
        // What an earlier broker got is announced again.
        let published_before = Timestamp::now();

        let since = Instant::now();
        while publish(&app, Outbox::Announcements(&app.broker), published_before).await.expect("the store answers")
            == Round::More
        {}

        assert!(since.elapsed() < EMPTY_WITHIN, "{:?}: {:?}", app.broker, since.elapsed());
        assert_eq!(due(&app, published_before).await, 0);
    }
}

#[tokio::test]
async fn what_a_full_broker_refuses_stays_in_the_outbox() {
    let folder = tempfile::tempdir().expect("a folder");
    let (app, _) = converter(Broker::memory(), folder.path()).await;
    for _ in 1..MEMORY_QUEUE_MAX {
        app.broker.publish(Event { id: ConversionId::random() }).await.expect("there is room");
    }
    for _ in 0..3 {
        committed(&app.store).await;
    }

    assert_eq!(
        publish(&app, Outbox::Announcements(&app.broker), Timestamp(0)).await.expect("the store answers"),
        Round::Stuck
    );
    assert_eq!(due(&app, Timestamp(0)).await, 2, "one found room");

    for _ in 0..2 {
        app.broker.next().await.ack().await;
    }
    assert_eq!(
        publish(&app, Outbox::Announcements(&app.broker), Timestamp(0)).await.expect("the store answers"),
        Round::Complete
    );
    assert_eq!(due(&app, Timestamp(0)).await, 0);
}

#[tokio::test]
async fn what_was_confirmed_beside_a_failing_mark_is_marked() {
    let folder = tempfile::tempdir().expect("a folder");
    let (app, faulty) = converter(Broker::memory(), folder.path()).await;
    for _ in 0..20 {
        committed(&app.store).await;
    }
    faulty.fail(vec![(Op::Update, 3..=3, Fault::Before)]);

    // Not `More` or `Complete`: the one would be published again at once.
    assert_eq!(
        publish(&app, Outbox::Announcements(&app.broker), Timestamp(0)).await.expect("the store says what is due"),
        Round::Stuck
    );

    assert_eq!(due(&app, Timestamp(0)).await, 1);
}

#[tokio::test]
async fn one_that_takes_no_mark_neither_stops_the_others_nor_floods_the_broker() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut app, faulty) = converter(Broker::memory(), folder.path()).await;
    app.config.republish_after = Duration::ZERO;
    let broker = app.broker.clone();
    // Published by this process, as it were, and its message was lost.
    let lost = committed(&app.store).await;
    let published = Change::Published { at: Timestamp::now().plus(Duration::from_millis(300)) };
    assert!(app.store.update(lost, published).await.expect("the store answers"));
    let unmarked = committed(&app.store).await;
    faulty.fail(vec![(Op::Update, FOR_EVER, Fault::Before)]);
    let app = Arc::new(app);

    let relay = tokio::spawn(announce(Arc::clone(&app)));
    let mut times = 0;
    let seen = async {
        loop {
            // As busy converters do.
            app.announce.notify_one();
            match broker.next().await.event.id {
                id if id == lost.id => break,
                id => times += u32::from(id == unmarked.id),
            }
        }
    };
    tokio::time::timeout(STUCK_MAX, seen).await.expect("the lost one is announced again");

    assert!((1..=2).contains(&times), "{times}");
    relay.abort();
}

/// The server that tests share, where there is one.
fn amqp() -> Option<Broker> {
    Some(Broker::open(shared_or_skip(Kind::Rabbit)?.url(), Queue::Mp3).expect("the address is right"))
}

async fn converter(broker: Broker, folder: &std::path::Path) -> (App, Faulty) {
    let url = format!("file:{}", folder.join("store").display());
    let Store::Embedded(embedded) = Store::open(&url, "test").await.expect("a store") else {
        panic!("not the embedded store")
    };
    let faulty = Faulty::new(embedded);
    (App::alone(Store::Faulty(faulty.clone()), broker, folder), faulty)
}

async fn due(app: &App, published_before: Timestamp) -> usize {
    let due = app.store.due(Due::Announcement { published_before }, PENDING).await;
    due.expect("the store answers").len()
}

async fn committed(store: &Store) -> Seen {
    let running = Conversion::new(ConversionId::random(), Owner("1".into()), Attempt::random(), Timestamp::now());
    let mp3 = Mp3 {
        blob_id: running.attempt.mp3(),
        bytes: 3,
        duration_ms: 1000,
        sha256: "00".into(),
        sample_rate: 44_100,
        channels: 2,
        completeness: Completeness::Complete,
        decoder: Decoder::Symphonia,
        source: "mp4/aac".into(),
    };
    let (seen, commit) = (running.seen(), Change::Commit { mp3, at: Timestamp::now(), expires_at: None });
    assert!(store.insert(running).await.expect("the store answers"));
    assert!(store.update(seen, commit).await.expect("the store answers"));
    Seen { state: State::Done, ..seen }
}
