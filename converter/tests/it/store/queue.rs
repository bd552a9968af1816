//! The queue: what waits for a worker, who takes it, and what it leaves behind.

use std::time::Duration;

use converter::{
    conversion::{Attempt, Conversion, ConversionId, DispatchState, Failure, Owner, State, Timestamp},
    store::{Change, Due, Flow, QueueLoad, Store},
};

use super::{NOW, commit, conversion, due, fail, lease, read};

contract!(
    a_queued_video_is_dispatched_and_taken_once,
    one_of_many_workers_takes_a_job,
    a_worker_that_fails_gives_its_job_back_until_its_tries_are_used_up,
    tries_that_a_machine_had_no_room_for_do_not_count,
    nothing_goes_back_to_the_queue_after_its_deadline,
    an_upload_that_ends_early_never_gets_into_the_queue,
    every_end_puts_the_video_into_garbage,
    what_is_queued_is_counted,
    what_has_ended_is_not_open,
);

const DEADLINE: Timestamp = Timestamp(NOW.0 + 60_000);

/// An upload of the queued flow under way.
async fn storing(store: &Store, owner: &str) -> Conversion {
    let attempt = Attempt::random();
    let new = Conversion { attempt, ..conversion(owner) };
    assert!(store.insert(new.clone()).await.expect("the store answers"));
    let change = Change::TakeOver {
        attempt,
        flow: Flow::Queued,
        lease: lease(NOW.plus(Duration::from_secs(15))),
        lease_until: new.lease.as_ref().map(|lease| lease.until),
    };
    assert!(store.update(new.seen(), change).await.expect("the store answers"));
    read(store, new.id).await
}

async fn queued(store: &Store, owner: &str, bytes: u64) -> Conversion {
    let storing = storing(store, owner).await;
    let change = Change::Enqueue { bytes, at: NOW, deadline: DEADLINE };
    assert!(store.update(storing.seen(), change).await.expect("the store answers"));
    read(store, storing.id).await
}

fn take() -> Change {
    Change::TakeJob { attempt: Attempt::random(), lease: lease(NOW.plus(Duration::from_secs(15))) }
}

async fn taken(store: &Store, queued: &Conversion) -> Conversion {
    assert!(store.update(queued.seen(), take()).await.expect("the store answers"));
    read(store, queued.id).await
}

fn dispatch(now: Timestamp, published_before: Timestamp) -> Due {
    Due::Dispatch { now, published_before }
}

async fn a_queued_video_is_dispatched_and_taken_once(store: &Store) {
    let storing = storing(store, "alice").await;
    assert_eq!(due(store, dispatch(NOW, NOW)).await, []);
    let change = Change::Enqueue { bytes: 7, at: NOW, deadline: DEADLINE };
    assert!(store.update(storing.seen(), change.clone()).await.expect("the store answers"));
    assert!(!store.update(storing.seen(), change).await.expect("the store answers"), "once");
    let queued = read(store, storing.id).await;
    assert_eq!((queued.state, queued.lease.is_none()), (State::Queued, true));
    assert_eq!(queued.video.as_ref().map(|video| (video.blob_id, video.bytes)), Some((storing.attempt.video(), 7)));

    assert_eq!(due(store, dispatch(NOW, Timestamp(0))).await, [], "whoever stored it tells the workers");
    let at = Timestamp(NOW.0 + 1_000);
    assert_eq!(due(store, dispatch(at, Timestamp(0))).await, [queued.id], "nobody did");
    assert!(store.update(queued.seen(), Change::Dispatched { at }).await.expect("the store answers"));
    assert_eq!(due(store, dispatch(at, at)).await, [], "published just now");
    let later = Timestamp(at.0 + 1);
    assert_eq!(due(store, dispatch(later, later)).await, [queued.id], "published long ago, and nobody took it");

    let running = taken(store, &queued).await;
    assert_eq!((running.state, running.video.as_ref()), (State::Running, queued.video.as_ref()));
    assert_ne!(running.attempt, queued.attempt);
    assert!(!store.update(queued.seen(), take()).await.expect("the store answers"), "taken");
    assert!(
        !store.update(queued.seen(), Change::Dispatched { at: later }).await.expect("the store answers"),
        "too late"
    );
    assert_eq!(due(store, dispatch(later, later)).await, []);
}

async fn one_of_many_workers_takes_a_job(store: &Store) {
    let queued = queued(store, "alice", 7).await;
    let takes = (0..16).map(|_| store.update(queued.seen(), take()));
    let took = futures_util::future::try_join_all(takes).await.expect("the store answers");
    assert_eq!(took.iter().filter(|took| **took).count(), 1);
}

async fn a_worker_that_fails_gives_its_job_back_until_its_tries_are_used_up(store: &Store) {
    let mut job = queued(store, "alice", 7).await;
    for failures in 1..=2 {
        let running = taken(store, &job).await;
        assert!(store.update(running.seen(), fail()).await.expect("the store answers"));
        job = read(store, running.id).await;
        let back = job.dispatch.clone().expect("it is queued");
        assert_eq!((job.state, back.state, back.failures), (State::Queued, DispatchState::Pending, failures));
        assert!(job.garbage.iter().any(|entry| entry.blob_id == running.attempt.mp3()), "what it wrote");
        assert!(job.video.is_some(), "the video is still needed");
        assert_eq!(due(store, dispatch(NOW, NOW)).await, [], "not at once");
        assert_eq!(due(store, dispatch(back.at, NOW)).await, [job.id]);
    }
    let running = taken(store, &job).await;
    assert!(store.update(running.seen(), fail()).await.expect("the store answers"));
    assert_eq!(read(store, job.id).await.state, State::Failed);
}

async fn tries_that_a_machine_had_no_room_for_do_not_count(store: &Store) {
    let mut job = queued(store, "alice", 7).await;
    let Change::Fail { failure, .. } = fail() else { unreachable!() };
    let busy = Failure { status: 503, ..failure };
    let mut waits = vec![];
    for age in [1_000, 16_000, 59_000, 59_500] {
        let (at, running) = (Timestamp(NOW.0 + age), taken(store, &job).await);
        assert!(store.update(running.seen(), Change::Fail { failure: busy.clone(), at }).await.expect("an answer"));
        job = read(store, running.id).await;
        let back = job.dispatch.clone().expect("it is queued");
        assert_eq!((job.state, back.failures), (State::Queued, 0));
        waits.push(back.at.0 - at.0);
    }
    assert_eq!(waits, [1_000, 2_000, 7_375, 7_437], "longer and longer");
    let running = taken(store, &job).await;
    assert!(store.update(running.seen(), Change::Fail { failure: busy, at: DEADLINE }).await.expect("an answer"));
    assert_eq!(read(store, job.id).await.state, State::Failed, "until its time is over");
}

async fn nothing_goes_back_to_the_queue_after_its_deadline(store: &Store) {
    let queued = queued(store, "alice", 7).await;
    assert_eq!(due(store, Due::Overdue { now: NOW }).await, []);
    assert_eq!(due(store, Due::Overdue { now: DEADLINE }).await, [queued.id]);
    let running = taken(store, &queued).await;
    assert_eq!(due(store, Due::Overdue { now: DEADLINE }).await, [], "its worker has the deadline");
    let Change::Fail { failure, .. } = fail() else { unreachable!() };
    let late = Change::Fail { failure, at: DEADLINE };
    assert!(store.update(running.seen(), late).await.expect("the store answers"));
    assert_eq!(read(store, queued.id).await.state, State::Failed);
}

async fn an_upload_that_ends_early_never_gets_into_the_queue(store: &Store) {
    let storing = storing(store, "alice").await;
    assert!(store.update(storing.seen(), fail()).await.expect("the store answers"));
    let failed = read(store, storing.id).await;
    assert_eq!(failed.state, State::Failed);
    assert!(failed.garbage.iter().any(|entry| entry.blob_id == storing.attempt.video()));
    let late = Change::Enqueue { bytes: 7, at: NOW, deadline: DEADLINE };
    assert!(!store.update(storing.seen(), late.clone()).await.expect("the store answers"));
    // Nor does one of the other flow, which has no video.
    let blocking = super::inserted(store).await;
    assert!(!store.update(blocking.seen(), late).await.expect("the store answers"));
}

async fn every_end_puts_the_video_into_garbage(store: &Store) {
    let ends: [fn(&Conversion) -> Change; 3] = [
        commit,
        |_| Change::Tombstone { at: NOW },
        |_| {
            let Change::Fail { mut failure, at } = fail() else { unreachable!() };
            failure.retryable = false;
            Change::Fail { failure, at }
        },
    ];
    for end in ends {
        let running = taken(store, &queued(store, "alice", 7).await).await;
        let video = running.video.clone().expect("a video");
        assert!(store.update(running.seen(), end(&running)).await.expect("the store answers"));
        let ended = read(store, running.id).await;
        assert_eq!(ended.video, None);
        assert!(ended.garbage.iter().any(|entry| entry.blob_id == video.blob_id), "{:?}", ended.state);
        assert!(due(store, Due::Garbage { swept_before: NOW }).await.contains(&ended.id));
    }
}

async fn what_is_queued_is_counted(store: &Store) {
    let (alice, bob) = (Owner("alice".into()), Owner("bob".into()));
    assert_eq!(store.queue_load(&alice).await.expect("the store answers"), QueueLoad::default());
    let first = queued(store, "alice", 3_000_000_000).await;
    queued(store, "alice", 2_000_000_000).await;
    queued(store, "bob", 1).await;
    storing(store, "bob").await;
    let load = QueueLoad { conversions: 3, bytes: 5_000_000_001, of_owner: 2 };
    assert_eq!(store.queue_load(&alice).await.expect("the store answers"), load);
    taken(store, &first).await;
    let load = QueueLoad { conversions: 2, bytes: 2_000_000_001, of_owner: 1 };
    assert_eq!(store.queue_load(&bob).await.expect("the store answers"), load);
}

async fn what_has_ended_is_not_open(store: &Store) {
    let (waiting, running, ended) =
        (queued(store, "alice", 1).await, queued(store, "alice", 1).await, queued(store, "alice", 1).await);
    taken(store, &running).await;
    assert!(store.update(ended.seen(), Change::Tombstone { at: NOW }).await.expect("the store answers"));
    let unasked = queued(store, "alice", 1).await;

    let asked = vec![ConversionId::random(), ended.id, running.id, waiting.id];
    let open = store.open_among(asked).await.expect("the store answers");

    assert_eq!(open.len(), 2, "{open:?}");
    assert!(open.contains(&waiting.id) && open.contains(&running.id) && !open.contains(&unasked.id), "{open:?}");
    assert_eq!(store.open_among(vec![]).await.expect("the store answers"), []);
}
