//! Messages, claims and permits, where the store fails or no permit is free. The engine is no program here: a job that gets
//! that far ends without a verdict.

use std::time::Duration;

use bytes::Bytes;
use tempfile::TempDir;
use tokio::time::timeout;

use super::*;
use crate::{
    conversion::{Lease, Owner},
    event::Event,
    permits::Permits,
    store::{
        Flow, Store,
        faulty::{FOR_EVER, Fault, Faulty, Op, Rule},
    },
};

/// Longest wait for anything that must happen.
const PATIENCE: Duration = Duration::from_secs(30);

struct Rig {
    app: Arc<App>,
    jobs: Broker,
    faulty: Faulty,
    _folder: TempDir,
}

impl Rig {
    async fn new() -> Self {
        Self::with(|_| ()).await
    }

    async fn with(change: impl FnOnce(&mut App)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("file:{}", folder.path().join("store").display());
        let Store::Embedded(embedded) = Store::open(&url, "test").await.expect("a store") else {
            panic!("not the embedded store")
        };
        let faulty = Faulty::new(embedded);
        let mut app = App::alone(Store::Faulty(faulty.clone()), Broker::memory(), folder.path());
        change(&mut app);
        Self { app: Arc::new(app), jobs: Broker::memory(), faulty, _folder: folder }
    }

    /// A stored video in the queue, of which nobody was told.
    async fn queued(&self) -> Conversion {
        let (now, attempt) = (Timestamp::now(), Attempt::random());
        let storing = Conversion {
            lease: Some(Lease { holder: "gateway".into(), until: now.plus(PATIENCE) }),
            video: Flow::Queued.video(attempt),
            ..Conversion::new(ConversionId::random(), Owner("u1".into()), attempt, now)
        };
        assert!(self.app.store.insert(storing.clone()).await.expect("an answer"));
        let mut blob = self.app.store.create_blob(attempt.video()).await.expect("a blob");
        blob.write(Bytes::from_static(b"video")).await.expect("written");
        blob.finish(None).await.expect("finished");
        let change = Change::Enqueue { bytes: 5, at: now, deadline: now.plus(Duration::from_mins(1)) };
        assert!(self.app.store.update(storing.seen(), change).await.expect("an answer"));
        self.document(storing.id).await
    }

    async fn document(&self, id: ConversionId) -> Conversion {
        self.app.store.get(id).await.expect("an answer").expect("a document")
    }

    async fn next(&self) -> Delivery {
        timeout(PATIENCE, self.jobs.next()).await.expect("a message comes")
    }

    /// Takes the message of a job and handles it, as the loop does, while the store fails by these rules.
    async fn handle(&self, id: ConversionId, faults: Vec<Rule>) {
        self.jobs.publish(Event { id }).await.expect("there is room");
        let (delivery, permit) = (self.next().await, self.app.permits.take().expect("a permit"));
        self.faulty.fail(faults);
        Box::pin(handle(Arc::clone(&self.app), delivery, permit)).await;
        self.faulty.fail(vec![]);
    }

    fn all_permits(&self) -> Vec<Permit> {
        std::iter::from_fn(|| self.app.permits.take().ok()).collect()
    }

    async fn until(&self, what: &str, mut condition: impl AsyncFnMut() -> bool) {
        let looked = async {
            while !condition().await {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(PATIENCE, looked).await.unwrap_or_else(|_| panic!("never: {what}"));
    }
}

#[tokio::test]
async fn a_claim_whose_answer_is_lost_counts_and_counts_once() {
    let rig = Rig::new().await;
    let job = rig.queued().await;
    rig.faulty.fail(vec![(Op::Update, 1..=1, Fault::After)]);

    let claimed = take(&rig.app, job.id).await.expect("one read says whose it is").expect("it is ours");

    assert_eq!(rig.document(job.id).await, claimed);
    assert_eq!((claimed.state, claimed.video == job.video), (State::Running, true));
    assert_ne!(claimed.attempt, job.attempt);
    assert_eq!(take(&rig.app, job.id).await.expect("an answer"), None, "the same message again");
}

#[tokio::test]
async fn a_claim_that_did_not_happen_leaves_the_job_in_the_queue_and_its_message_comes_later() {
    for faults in [
        vec![(Op::Get, FOR_EVER, Fault::Before)],
        vec![(Op::Update, 1..=1, Fault::Before)],
        vec![(Op::Update, 1..=1, Fault::Before), (Op::Get, 2..=2, Fault::Before)],
    ] {
        let rig = Rig::new().await;
        let job = rig.queued().await;

        rig.handle(job.id, faults).await;

        assert_eq!(rig.document(job.id).await, job);
        assert_eq!(rig.next().await.event.id, job.id);
        timeout(PATIENCE, rig.app.permits.idle()).await.expect("its permit is free");
    }
}

#[tokio::test]
async fn a_claim_of_which_nothing_is_known_is_not_worked_on_and_goes_back_when_its_lease_ends() {
    let rig = Rig::new().await;
    let job = rig.queued().await;

    rig.handle(job.id, vec![(Op::Update, 1..=1, Fault::After), (Op::Get, 2..=2, Fault::Before)]).await;

    let claimed = rig.document(job.id).await;
    assert_eq!((claimed.state, claimed.attempts), (State::Running, 2));
    timeout(PATIENCE, rig.app.permits.idle()).await.expect("nobody works on it");
    let until = claimed.lease.as_ref().expect("a lease").until;
    let change =
        Change::EndLease { failure: crate::conversion::Failure::of(&Error::ConverterLost.problem()), at: until };
    assert!(rig.app.store.update(claimed.seen(), change).await.expect("an answer"));
    let back = rig.document(job.id).await;
    assert_eq!((back.state, &back.video), (State::Queued, &job.video));
}

#[tokio::test]
async fn a_message_of_nothing_that_is_queued_is_settled() {
    let rig = Rig::new().await;
    let job = rig.queued().await;
    assert!(rig.app.store.update(job.seen(), Change::Tombstone { at: Timestamp::now() }).await.expect("an answer"));
    for id in [job.id, ConversionId::random()] {
        let before = rig.app.store.get(id).await.expect("an answer");
        rig.handle(id, vec![]).await;
        assert_eq!(rig.app.store.get(id).await.expect("an answer"), before);
    }
    let more = timeout(RETRY * 2, rig.jobs.next()).await;
    assert!(more.is_err(), "it came again: {more:?}");
}

#[tokio::test]
async fn an_idle_worker_holds_no_permit_and_one_without_a_permit_leaves_its_message_to_others() {
    let rig = Rig::new().await;
    let total = rig.all_permits().len();
    let worker = tokio::spawn(run(Arc::clone(&rig.app), rig.jobs.clone(), CancellationToken::new()));
    tokio::task::yield_now().await;
    let taken = rig.all_permits();
    assert_eq!(taken.len(), total, "all are there for uploads");

    let job = rig.queued().await;
    rig.jobs.publish(Event { id: job.id }).await.expect("there is room");
    let delivery = rig.next().await;
    assert_eq!((delivery.event.id, rig.document(job.id).await), (job.id, job.clone()));
    // Back where it came from: the worker has it once there is room.
    delivery.give_back().await;
    drop(taken);
    rig.until("the job is taken", async || rig.document(job.id).await.attempts == 2).await;
    timeout(PATIENCE, rig.app.permits.idle()).await.expect("its permit is free");
    worker.abort();
}

#[tokio::test]
async fn a_worker_that_cannot_convert_gives_the_message_back() {
    let rig = Rig::with(|app| {
        app.config.disk_free_min = u64::MAX;
        app.permits = Permits::new(&app.config, &app.spool_dir);
    })
    .await;
    let job = rig.queued().await;
    let worker = tokio::spawn(run(Arc::clone(&rig.app), rig.jobs.clone(), CancellationToken::new()));
    tokio::task::yield_now().await;
    rig.jobs.publish(Event { id: job.id }).await.expect("there is room");

    assert_eq!(rig.next().await.event.id, job.id);
    assert_eq!(rig.document(job.id).await, job);
    worker.abort();
}

#[tokio::test]
async fn a_backlog_leaves_permits_for_callers_who_wait() {
    let rig = Rig::with(|app| {
        app.config.conversions_max = 4;
        app.permits = Permits::new(&app.config, &app.spool_dir);
    })
    .await;
    let mut queued = vec![];
    for _ in 0..4 {
        queued.push(rig.queued().await.id);
    }
    rig.faulty.fail(vec![(Op::Update, FOR_EVER, Fault::Slow(PATIENCE * 2))]);
    let worker = tokio::spawn(run(Arc::clone(&rig.app), rig.jobs.clone(), CancellationToken::new()));
    for id in &queued {
        rig.jobs.publish(Event { id: *id }).await.expect("there is room");
    }

    rig.until("three are taken", async || rig.all_permits().len() == 1).await;

    assert_eq!(rig.next().await.event.id, queued[3], "the fourth waits, and one permit is free");
    assert_eq!(rig.all_permits().len(), 1);
    worker.abort();
}
