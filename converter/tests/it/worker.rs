//! The worker of the queued flow, with the real engine and an embedded store.

use std::time::Duration;

use bytes::Bytes;
use converter::{
    conversion::{Attempt, Conversion, ConversionId, Lease, Owner, State, Timestamp, Video},
    event::Event,
    store::Change,
};
use tokio::time::timeout;

use crate::{
    engine_rig::{STEREO, video},
    service_rig::{PATIENCE, Rig, clip, request, until},
};

/// Puts a document into the queue whose video has `bytes`, over a blob of its own content or none.
async fn queued(rig: &Rig, blob: Option<Bytes>, bytes: u64, deadline: Duration) -> Conversion {
    let (now, attempt) = (Timestamp::now(), Attempt::random());
    let storing = Conversion {
        filename: "a.mp4".into(),
        lease: Some(Lease { holder: "gateway".into(), until: now.plus(PATIENCE) }),
        video: Some(Video { blob_id: attempt.video(), bytes: 0 }),
        ..Conversion::new(ConversionId::random(), Owner("u1".into()), attempt, now)
    };
    assert!(rig.store.insert(storing.clone()).await.expect("the store answers"));
    if let Some(content) = blob {
        let mut blob = rig.store.create_blob(attempt.video()).await.expect("a blob");
        blob.write(content).await.expect("written");
        blob.finish(None).await.expect("finished");
    }
    let change = Change::Enqueue { bytes, at: now, deadline: now.plus(deadline) };
    assert!(rig.store.update(storing.seen(), change).await.expect("the store answers"));
    storing
}

async fn ended(rig: &Rig, id: ConversionId) -> Conversion {
    until("it has ended", async || !rig.read(id).await.is_open()).await;
    rig.read(id).await
}

#[tokio::test]
async fn a_stored_video_is_converted_and_goes() {
    let rig = Rig::start(&["--queued-flow"]).await;
    let job = queued(&rig, Some(clip()), clip().len() as u64, PATIENCE).await;

    let done = ended(&rig, job.id).await;

    assert_eq!((done.state, &done.video, &done.failure), (State::Done, &None, &None));
    until("the video is deleted", async || rig.store.read_blob(job.attempt.video(), 0..=0).await.is_err()).await;
}

/// All that the engine needs is there, so only the missing end mark keeps it from an mp3.
#[tokio::test]
async fn a_stored_video_that_is_gone_or_too_short_never_becomes_an_mp3() {
    let rig = Rig::start(&["--queued-flow"]).await;
    for (blob, bytes) in [(None, clip().len()), (Some(clip()), clip().len() + 1)] {
        let job = queued(&rig, blob, bytes as u64, PATIENCE).await;
        until("it is back in the queue", async || {
            let found = rig.read(job.id).await;
            found.state == State::Queued && found.dispatch.is_some_and(|dispatch| dispatch.failures > 0)
        })
        .await;
        assert_eq!(rig.read(job.id).await.video.map(|video| video.blob_id), Some(job.attempt.video()), "still needed");

        let failed = ended(&rig, job.id).await;

        assert_eq!((failed.state, failed.attempts, &failed.mp3), (State::Failed, 4, &None), "after three tries");
        let failure = failed.failure.expect("it says why");
        assert_eq!((failure.status, failure.retryable), (500, true));
    }
}

#[tokio::test]
async fn what_finds_no_converter_in_time_fails_and_says_so() {
    let rig = Rig::start(&["--queued-flow", "--conversions-max=1", "--permit-hold=1s"]).await;
    let _held = rig.permit(&request(None)).await;
    let job = queued(&rig, Some(clip()), clip().len() as u64, Duration::ZERO).await;

    let failed = ended(&rig, job.id).await;

    let failure = failed.failure.expect("it says why");
    assert_eq!((failed.state, &*failure.kind), (State::Failed, "/problems/timed-out"));
    assert_eq!(failed.video, None);
    until("the video is deleted", async || rig.store.read_blob(job.attempt.video(), 0..=0).await.is_err()).await;
}

#[tokio::test]
async fn a_converter_that_drains_ends_its_job_and_takes_no_further_one() {
    let rig = Rig::start(&["--queued-flow", "--conversions-max=1"]).await;
    let long: Bytes = video("long.mkv", STEREO, &["-c:v", "mpeg4", "-c:a", "aac"]).into();
    let jobs = rig.jobs.clone().expect("the flow is on");
    let running = queued(&rig, Some(long.clone()), long.len() as u64, PATIENCE).await;
    until("it is taken", async || rig.read(running.id).await.state != State::Queued).await;

    timeout(PATIENCE, rig.converter.drain()).await.expect("it drains");

    assert_eq!(rig.read(running.id).await.state, State::Done, "the job it had");
    let job = queued(&rig, Some(clip()), clip().len() as u64, PATIENCE).await;
    jobs.publish(Event { id: job.id }).await.expect("there is room");
    let delivery = timeout(PATIENCE, jobs.next()).await.expect("its message is left to others");
    assert_eq!((delivery.event.id, rig.read(job.id).await.state), (job.id, State::Queued));
}

#[tokio::test]
async fn a_converter_that_is_stopped_gives_its_job_back_and_that_is_no_try() {
    let rig = Rig::start(&["--queued-flow", "--conversions-max=1"]).await;
    let long: Bytes = video("stopped.mkv", STEREO, &["-c:v", "mpeg4", "-c:a", "aac"]).into();
    let running = queued(&rig, Some(long.clone()), long.len() as u64, PATIENCE).await;
    until("it is taken", async || rig.read(running.id).await.state != State::Queued).await;

    let store = rig.store.clone();
    timeout(PATIENCE, rig.converter.stop()).await.expect("it stops");

    let found = store.get(running.id).await.expect("the store answers").expect("it is there");
    let failures = found.dispatch.map(|dispatch| dispatch.failures);
    assert!(
        matches!((found.state, failures), (State::Queued | State::Done, Some(0))),
        "{:?} {failures:?}",
        found.state
    );
}
