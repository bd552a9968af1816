use super::*;
use crate::{
    conversion::{Attempt, Failure, Owner},
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
    plan(Some(document.clone()), document.id, request, Flow::Blocking, lease(NOW.0 + 9), NOW)
}

fn failure(status: u16) -> Failure {
    Failure::of(&chassis::Problem::new(status, "about:blank", "t", "d"))
}

#[test]
fn another_fingerprint_is_refused_in_every_state() {
    for state in [State::Running, State::Done, State::Failed, State::Deleted] {
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
        assert_eq!(claimed.garbage.iter().map(|entry| entry.blob_id).collect::<Vec<_>>(), [old.mp3()]);
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
