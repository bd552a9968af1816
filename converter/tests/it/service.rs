//! The service by itself: permits, claims, fences, drain; with the real engine and an embedded store.

use std::time::{Duration, Instant};

use bytes::Bytes;
use chassis::{Deadline, ServiceToken};
use clap::Parser as _;
use converter::{
    Parts,
    client::{Replica, Reserve, Reserved},
    conversion::{Attempt, State, Timestamp},
    event::Broker,
    store::{Change, Store},
};

use crate::{
    engine_rig::{STEREO, video},
    service_rig::{Flags, Rig, clip, refused, request, stalled, until},
};

#[tokio::test]
async fn an_engine_that_cannot_be_started_is_refused_at_the_start() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = Store::open(&format!("file:{}", folder.path().display()), "the test").await.expect("a new store");
    let plain = folder.path().join("plain");
    std::fs::write(&plain, "no program").expect("the folder is ours");

    for engine in [&plain, folder.path(), &folder.path().join("missing")] {
        let engine = format!("--engine={}", engine.display());
        let config = Flags::parse_from(["converter", "--converter-listen=127.0.0.1:0", &engine]).config;
        let (store, service_token) = (store.clone(), ServiceToken::random());
        let parts = Parts { config, store, broker: Broker::memory(), jobs: None, service_token };
        let refused = format!("{:#}", converter::start(parts).expect_err("no program"));
        assert!(refused.contains("(ENGINE)"), "{refused}");
    }
}

#[tokio::test]
async fn another_services_token_is_refused() {
    let rig = Rig::start(&[]).await;
    let stranger = Replica::new(&rig.converter.address().to_string(), ServiceToken::random()).expect("a client");
    assert_eq!(refused(stranger.reserve(&request(None)).await).status, 401);
}

#[tokio::test]
async fn a_permit_whose_video_does_not_come_is_given_back() {
    let rig = Rig::start(&["--conversions-max=1"]).await;
    let permit = rig.permit(&request(None)).await;
    let full = refused(rig.replica().reserve(&request(None)).await);
    assert_eq!((full.status, full.retry_after.is_some()), (503, true));

    until("the permit is free again", async || rig.replica().reserve(&request(None)).await.is_ok()).await;

    assert_eq!(rig.read(permit.0).await.state, State::Failed);
    assert_eq!(refused(rig.send(permit, clip().into()).await).kind, "/problems/permit-gone");
}

#[tokio::test]
async fn an_attempt_whose_answer_was_lost_is_replaced_and_fenced() {
    let rig = Rig::start(&[]).await;
    let first = request(Some("k"));
    let lost = rig.permit(&first).await;
    assert_eq!(
        refused(rig.replica().reserve(&Reserve { attempt: Attempt::random(), ..first.clone() }).await).status,
        409
    );

    let second = Reserve { attempt: Attempt::random(), instead_of: vec![first.attempt], ..first.clone() };
    let permit = rig.permit(&second).await;
    let (zombie, done) = tokio::join!(rig.send(lost, clip().into()), rig.send(permit, clip().into()));

    assert_eq!(refused(zombie).kind, "/problems/cancelled");
    let done = done.expect("the second attempt wins");
    let document = rig.read(done.id).await;
    assert_eq!((document.state, document.attempt), (State::Done, second.attempt));
    until("the zombie's blob is swept", async || rig.read(done.id).await.garbage.is_empty()).await;
    let Ok(Reserved::Replay(again)) = rig.replica().reserve(&Reserve { attempt: Attempt::random(), ..first }).await
    else {
        panic!("a finished key is replayed");
    };
    assert_eq!(again.mp3, document.mp3);
}

#[tokio::test]
async fn a_deleted_conversion_stops_at_the_next_heartbeat() {
    let rig = Rig::start(&["--conversions-max=1"]).await;
    let permit = rig.permit(&request(None)).await;
    let clip = clip();
    let deleting = async {
        until("the conversion runs", async || rig.read(permit.0).await.progress.received_bytes > 0).await;
        let seen = rig.read(permit.0).await.seen();
        let change = Change::Tombstone { at: Timestamp::now() };
        assert!(rig.store.update(seen, change).await.expect("the store answers"));
    };
    let (answer, ()) = tokio::join!(rig.send(permit, stalled(&clip)), deleting);
    assert_eq!(refused(answer).kind, "/problems/cancelled");
    until("the permit is free again", async || rig.replica().reserve(&request(None)).await.is_ok()).await;
    until("its blob is swept", async || rig.read(permit.0).await.garbage.is_empty()).await;
}

#[tokio::test]
async fn the_deadline_stops_a_conversion() {
    let rig = Rig::start(&[]).await;
    let (id, attempt) = rig.permit(&request(None)).await;
    let clip = clip();
    let answer = rig.replica().convert(id, attempt, stalled(&clip), Deadline::after(Duration::from_secs(1))).await;
    assert_eq!(refused(answer).status, 504);
    let failure = rig.read(id).await.failure.expect("it failed");
    assert!(failure.retryable);
}

#[tokio::test]
async fn a_draining_converter_serves_what_it_admitted_and_nothing_new() {
    let rig = Rig::start(&[]).await;
    let permit = rig.permit(&request(None)).await;
    let replica = rig.replica();
    let draining = async {
        rig.converter.drain().await;
        Instant::now()
    };
    let sending = async {
        until("it refuses what is new", async || replica.reserve(&request(None)).await.is_err()).await;
        let done = rig.send(permit, clip().into()).await.expect("what was admitted is served");
        (done.state, Instant::now())
    };
    let (drained_at, (state, done_at)) = tokio::join!(draining, sending);
    assert_eq!(state, State::Done);
    assert!(drained_at + Duration::from_millis(100) >= done_at, "the drain waited for it");
    rig.converter.stop().await;
}

#[tokio::test]
async fn a_full_disk_refuses_an_upload() {
    let rig = Rig::start(&["--disk-free-min=1000000000000000"]).await;
    let refusal = refused(rig.replica().reserve(&request(None)).await);
    assert_eq!((refusal.status, refusal.kind.as_ref()), (503, "/problems/disk-short"));
    assert!(refusal.detail.contains("DISK_FREE_MIN"), "{refusal}");
}

#[tokio::test]
async fn a_spool_too_small_refuses_what_needs_it_and_nothing_else() {
    let rig = Rig::start(&["--spool-bytes-max=1000"]).await;
    let moov_last: Bytes = video("a.mp4", STEREO, &["-c:v", "mpeg4", "-c:a", "aac"]).into();
    let permit = rig.permit(&request(None)).await;
    let refusal = refused(rig.send(permit, moov_last.into()).await);
    assert_eq!((refusal.status, refusal.detail.contains("SPOOL_BYTES_MAX")), (413, true), "{refusal}");

    let permit = rig.permit(&request(None)).await;
    rig.send(permit, clip().into()).await.expect("what streams needs no spool");
}

#[tokio::test]
async fn a_video_that_fits_the_spool_is_taken_to_its_last_byte() {
    let moov_last: Bytes = video("a.mp4", STEREO, &["-c:v", "mpeg4", "-c:a", "aac"]).into();
    let rig = Rig::start(&[&format!("--spool-bytes-max={}", moov_last.len())]).await;
    let permit = rig.permit(&request(None)).await;
    rig.send(permit, moov_last.into()).await.expect("it fits");
}
