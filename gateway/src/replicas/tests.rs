//! Which replica is picked, and what a new list changes.

use super::*;

fn replicas(addresses: &[&str]) -> Arc<Replicas> {
    let replicas = Arc::new(Replicas::new(ServiceToken::random()));
    replicas.set(addresses.iter().map(|&address| address.to_owned()).collect());
    replicas
}

#[test]
fn the_replica_with_the_fewest_requests_is_picked() {
    let replicas = replicas(&["a:1", "b:1", "c:1"]);
    let picks: Vec<_> = (0..6).map(|_| replicas.pick(|_| true).expect("there are three")).collect();
    for address in ["a:1", "b:1", "c:1"] {
        assert_eq!(picks.iter().filter(|pick| pick.entry.address == address).count(), 2);
    }
    drop(picks);
    assert!(replicas.table().listed.iter().all(|entry| entry.in_flight.load(Ordering::Relaxed) == 0));
}

#[test]
fn an_empty_list_keeps_the_last_one_and_a_new_one_keeps_counts() {
    let replicas = replicas(&["a:1", "b:1"]);
    let held = replicas.pick(|entry| entry.address == "b:1").expect("b is there");
    replicas.set(vec![]);
    replicas.set(vec!["b:1".into(), "c:1".into()]);
    let next = replicas.pick(|_| true).expect("two are there");
    assert_eq!(next.entry.address, "c:1", "b has a request in flight");
    drop(held);
}

#[test]
fn a_full_replica_is_free_once_an_upload_there_ends() {
    let replicas = replicas(&["a:1"]);
    let mut running = replicas.pick(|_| true).expect("one is there");
    running.admit();
    replicas.pick(|_| true).expect("one is there").put_aside_full(Duration::from_mins(1));
    assert!(replicas.pick(|entry| entry.is_free(Instant::now())).is_none());
    drop(running);
    assert!(replicas.pick(|entry| entry.is_free(Instant::now())).is_some());
}

#[test]
fn a_replica_that_comes_back_keeps_its_counts() {
    let replicas = replicas(&["a:1", "b:1"]);
    let held: Vec<_> = (0..2).map(|_| replicas.pick(|entry| entry.address == "b:1").expect("b is there")).collect();
    let first = replicas.pick(|entry| entry.address == "a:1").expect("a is there");
    replicas.set(vec!["a:1".into()]);
    replicas.set(vec!["a:1".into(), "b:1".into()]);
    let next = replicas.pick(|_| true).expect("two are there");
    assert_eq!(next.entry.address, "a:1", "b has two requests in flight");
    drop((held, first));
    replicas.set(vec!["a:1".into()]);
    assert!(replicas.table().left.iter().all(|left| left.upgrade().is_none()), "nobody needs b any more");
}

#[tokio::test]
async fn a_name_that_does_not_resolve_keeps_the_last_list() {
    let replicas = Arc::new(Replicas::new(ServiceToken::random()));
    refresh(&Source::Dns { name: "localhost".into(), port: 8082 }, &replicas).await;
    let resolved: Vec<_> = replicas.table().listed.iter().map(|entry| entry.address.clone()).collect();
    assert!(resolved.contains(&"127.0.0.1:8082".to_owned()), "{resolved:?}");
    // Longer than a label may be (RFC 1035 §2.3.4): refused without a question to any server.
    refresh(&Source::Dns { name: "x".repeat(64), port: 8082 }, &replicas).await;
    let kept: Vec<_> = replicas.table().listed.iter().map(|entry| entry.address.clone()).collect();
    assert_eq!(kept, resolved);
}

#[test]
fn a_permit_does_not_bring_back_a_replica_that_lost_a_video_meanwhile() {
    let replicas = replicas(&["a:1"]);
    let mut asking = replicas.pick(|_| true).expect("one is there");
    replicas.pick(|_| true).expect("one is there").answer_lost();
    asking.admit();
    drop(asking);
    assert!(replicas.pick(|entry| entry.is_free(Instant::now())).is_none());
}
