use super::*;
use crate::{
    conversion::{Attempt, BlobId, Failure, Owner, Progress},
    options::Options,
};

const NOW: Timestamp = Timestamp(1_000_000);

fn request() -> Reserve {
    Reserve {
        owner: Owner("u1".into()),
        email: "u1@example.org".into(),
        filename: "a.mp4".into(),
        options: Options::default(),
        idempotency_key: Some("k".into()),
        fingerprint: "f".into(),
        attempt: Attempt::random(),
        instead_of: vec![],
        deadline_ms: 1000,
    }
}

fn lease(until: u64) -> Lease {
    Lease { holder: "other".into(), until: Timestamp(until) }
}

fn existing(change: impl FnOnce(&mut Conversion)) -> Conversion {
    let mut document = new(ConversionId::random(), &request(), Flow::Blocking, lease(NOW.0 + 1), NOW);
    change(&mut document);
    document
}

fn decide(document: &Conversion, request: &Reserve) -> Result<Plan, Refused> {
    decide_in(Flow::Blocking, document, request)
}

fn decide_in(flow: Flow, document: &Conversion, request: &Reserve) -> Result<Plan, Refused> {
    plan(Some(document.clone()), document.id, request, flow, lease(NOW.0 + 9), NOW)
}

/// An upload of the queued flow, whose video is not whole yet.
fn storing(until: u64) -> Conversion {
    let mut document = new(ConversionId::random(), &request(), Flow::Queued, lease(until), NOW);
    document.progress.received_bytes = 3;
    document
}

/// A whole one, in the queue.
fn queued() -> Conversion {
    let mut document = storing(NOW.0 + 1);
    let change = Change::Enqueue { bytes: 7, at: NOW, deadline: NOW.plus(Duration::from_mins(1)) };
    assert!(change.apply(&mut document));
    document
}

/// One that a worker has.
fn taken(until: u64) -> Conversion {
    let mut document = queued();
    assert!(Change::TakeJob { attempt: Attempt::random(), lease: lease(until) }.apply(&mut document));
    document
}

fn garbage(document: &Conversion) -> Vec<BlobId> {
    document.garbage.iter().map(|entry| entry.blob_id).collect()
}

fn failure(status: u16) -> Failure {
    Failure::of(&chassis::Problem::new(status, "about:blank", "t", "d"))
}

#[test]
fn another_fingerprint_is_refused_in_every_state() {
    for state in [State::Running, State::Queued, State::Done, State::Failed, State::Deleted] {
        let other = Reserve { fingerprint: "g".into(), ..request() };
        assert!(matches!(decide(&existing(|d| d.state = state), &other), Err(Refused::KeyReused)), "{state:?}");
    }
}

#[test]
fn a_live_lease_is_left_alone_unless_its_answer_was_lost() {
    let running = existing(|_| ());
    assert!(matches!(decide(&running, &request()), Err(Refused::InProgress)));
    let again = Reserve { instead_of: vec![running.attempt], ..request() };
    assert!(matches!(decide(&running, &again), Ok(Plan::Claim(Claim { over: Some(_), .. }))));
}

#[test]
fn a_dead_lease_and_a_retryable_failure_are_taken_over_and_leave_garbage() {
    let dead = existing(|d| d.lease = Some(lease(NOW.0)));
    let failed = existing(|d| (d.state, d.lease, d.failure) = (State::Failed, None, Some(failure(503))));
    for document in [dead, failed] {
        let (old, request) = (document.attempt, request());
        let Ok(Plan::Claim(Claim { claimed, over: Some((seen, _)) })) = decide(&document, &request) else {
            panic!("no take-over")
        };
        assert_eq!(seen.attempt, old);
        assert_eq!((claimed.state, claimed.attempt, claimed.attempts), (State::Running, request.attempt, 2));
        assert_eq!(garbage(&claimed), [old.mp3()]);
    }
}

#[test]
fn what_is_over_for_good_is_replayed() {
    let done = existing(|d| d.state = State::Done);
    let refused = existing(|d| (d.state, d.failure) = (State::Failed, Some(failure(422))));
    for document in [done, refused] {
        assert!(matches!(decide(&document, &request()), Ok(Plan::Replay(_))));
    }
    assert!(matches!(decide(&existing(|d| d.state = State::Deleted), &request()), Err(Refused::KeyDeleted)));
}

#[test]
fn what_was_accepted_is_told_so_again_in_both_flows_and_never_taken_over() {
    // The sweep puts a job whose worker died back into the queue: its lease is nothing that a request may take.
    for document in [queued(), taken(NOW.0 + 1), taken(NOW.0)] {
        for flow in [Flow::Blocking, Flow::Queued] {
            let lost = Reserve { instead_of: vec![document.attempt], ..request() };
            for request in [request(), lost] {
                let Ok(Plan::Accepted(told)) = decide_in(flow, &document, &request) else {
                    panic!("{flow:?} {:?}", document.state)
                };
                assert_eq!(*told, document);
            }
            let other = Reserve { fingerprint: "g".into(), ..request() };
            assert!(matches!(decide_in(flow, &document, &other), Err(Refused::KeyReused)));
        }
    }
}

#[test]
fn an_upload_that_is_still_being_stored_is_in_progress_for_both_flows() {
    let storing = storing(NOW.0 + 1);
    for flow in [Flow::Blocking, Flow::Queued] {
        assert!(matches!(decide_in(flow, &storing, &request()), Err(Refused::InProgress)));
        let again = Reserve { instead_of: vec![storing.attempt], ..request() };
        assert!(matches!(decide_in(flow, &storing, &again), Ok(Plan::Claim(Claim { over: Some(_), .. }))));
    }
}

#[test]
fn a_dead_upload_and_a_job_that_failed_are_taken_over_by_either_flow_and_leave_their_video_as_garbage() {
    let mut failed = taken(NOW.0 + 1);
    for _ in 0..3 {
        let failure = failure(500);
        assert!(Change::Fail { failure, at: NOW }.apply(&mut failed));
        if failed.state == State::Queued {
            assert!(Change::TakeJob { attempt: Attempt::random(), lease: lease(NOW.0 + 1) }.apply(&mut failed));
        }
    }
    assert_eq!(failed.state, State::Failed, "its tries are used up");
    for document in [storing(NOW.0), failed] {
        let video = document.dispatch.as_ref().map_or(document.attempt, |dispatch| dispatch.upload).video();
        for flow in [Flow::Blocking, Flow::Queued] {
            let request = request();
            let Ok(Plan::Claim(Claim { claimed, over: Some((seen, _)) })) = decide_in(flow, &document, &request) else {
                panic!("no take-over by {flow:?}")
            };
            assert_eq!(seen, document.seen());
            assert_eq!((claimed.state, claimed.attempt), (State::Running, request.attempt));
            assert_eq!((&claimed.dispatch, claimed.progress), (&None, Progress::default()), "nothing of it is left");
            assert_eq!(
                claimed.video.as_ref().map(|video| (video.blob_id, video.bytes)),
                match flow {
                    Flow::Blocking => None,
                    Flow::Queued => Some((request.attempt.video(), 0)),
                }
            );
            let garbage = garbage(&claimed);
            assert!(garbage.contains(&video) && garbage.contains(&document.attempt.mp3()), "{garbage:?}");
            assert!(!garbage.contains(&request.attempt.video()), "its own is none");
        }
    }
}

#[test]
fn a_claim_names_its_video_before_a_byte_of_it_is_stored() {
    let request = request();
    for (flow, named) in [(Flow::Blocking, None), (Flow::Queued, Some(request.attempt.video()))] {
        let Ok(Plan::Claim(claim)) = plan(None, id(&request), &request, flow, lease(NOW.0 + 9), NOW) else {
            panic!("nothing is in the way")
        };
        assert_eq!(claim.claimed.video.map(|video| video.blob_id), named, "{flow:?}");
    }
}

#[test]
fn a_job_that_ended_for_good_is_replayed_in_both_flows() {
    let mut refused = taken(NOW.0 + 1);
    assert!(Change::Fail { failure: failure(422), at: NOW }.apply(&mut refused));
    let mut deleted = queued();
    assert!(Change::Tombstone { at: NOW }.apply(&mut deleted));
    for flow in [Flow::Blocking, Flow::Queued] {
        assert!(matches!(decide_in(flow, &refused, &request()), Ok(Plan::Replay(_))));
        assert!(matches!(decide_in(flow, &deleted, &request()), Err(Refused::KeyDeleted)));
    }
}
