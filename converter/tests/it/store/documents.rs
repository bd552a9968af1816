//! Documents: conditional updates, lists, and what is due.

use std::time::Duration;

use converter::{
    conversion::{Attempt, Conversion, ConversionId, Garbage, Owner, Progress, State},
    store::{Change, Cursor, Due, Flow, Store},
};

use super::{NOW, commit, conversion, done, due, fail, inserted, lease, read};

contract!(
    an_id_is_inserted_once,
    one_of_many_inserts_wins,
    an_update_matches_the_attempt_and_state_that_were_read,
    one_of_many_claims_wins,
    a_commit_and_a_fence_never_both_happen,
    updates_at_one_time_lose_none,
    a_renewed_lease_is_not_taken_over,
    every_end_puts_the_attempts_blob_into_garbage,
    a_tombstone_is_removed_only_without_garbage,
    what_expires_becomes_a_tombstone_first,
    a_page_goes_on_where_the_last_one_ended,
    a_forgotten_owner_has_work_left_for_the_sweep,
);

#[tokio::test]
async fn an_address_without_a_folder_or_a_scheme_is_refused() {
    for (url, why) in
        [("file:", "names no folder"), ("folder", "it has no scheme"), ("ftp:folder", "begins with \"ftp\"")]
    {
        let refused = format!("{:#}", Store::open(url, "the test").await.expect_err(url));
        assert!(refused.contains("STORE_URL") && refused.contains(why), "{url}: {refused}");
    }
}

async fn an_id_is_inserted_once(store: &Store) {
    let new = inserted(store).await;
    let second = Conversion { filename: "other".into(), ..new.clone() };
    assert!(!store.insert(second).await.expect("the store answers"));
    assert_eq!(read(store, new.id).await, new);
    assert_eq!(store.get(ConversionId::random()).await.expect("the store answers"), None);
}

async fn one_of_many_inserts_wins(store: &Store) {
    let new = conversion("alice");
    let claims = (0..32).map(|_| Conversion { attempt: Attempt::random(), ..new.clone() }).collect::<Vec<_>>();
    let inserts = claims.iter().map(|claim| store.insert(claim.clone()));
    let won = futures_util::future::try_join_all(inserts).await.expect("the store answers");
    let winners: Vec<_> = claims.into_iter().zip(won).filter(|(_, won)| *won).map(|(claim, _)| claim).collect();
    assert_eq!(winners, [read(store, new.id).await]);
}

async fn an_update_matches_the_attempt_and_state_that_were_read(store: &Store) {
    let running = inserted(store).await;
    let stale = Conversion { attempt: Attempt::random(), ..running.clone() };
    assert!(!store.update(stale.seen(), commit(&stale)).await.expect("the store answers"));
    assert!(store.update(running.seen(), fail()).await.expect("the store answers"));
    // The same attempt, but no longer running: its commit comes too late.
    assert!(!store.update(running.seen(), commit(&running)).await.expect("the store answers"));
    assert_eq!(read(store, running.id).await.state, State::Failed);
}

async fn one_of_many_claims_wins(store: &Store) {
    let old = inserted(store).await;
    let claims = (0..32).map(|_| {
        let lease_until = old.lease.as_ref().map(|lease| lease.until);
        let change =
            Change::TakeOver { attempt: Attempt::random(), flow: Flow::Blocking, lease: lease(NOW), lease_until };
        store.update(old.seen(), change)
    });
    let won = futures_util::future::try_join_all(claims).await.expect("the store answers");
    assert_eq!(won.into_iter().filter(|won| *won).count(), 1);
    let document = read(store, old.id).await;
    assert_eq!(document.garbage.iter().map(|entry| entry.blob_id).collect::<Vec<_>>(), [old.attempt.mp3()]);
}

async fn a_commit_and_a_fence_never_both_happen(store: &Store) {
    for _ in 0..20 {
        let running = inserted(store).await;
        let updates = [store.update(running.seen(), commit(&running)), store.update(running.seen(), fail())];
        let happened = futures_util::future::try_join_all(updates).await.expect("the store answers");
        let ended = read(store, running.id).await;
        let states = [ended.state == State::Done, ended.state == State::Failed];
        assert_eq!(happened, states);
        assert_eq!((ended.mp3.is_some(), ended.garbage.is_empty()), (states[0], states[0]));
    }
}

async fn updates_at_one_time_lose_none(store: &Store) {
    let garbage: Vec<_> = (0..8).map(|_| Garbage { blob_id: Attempt::random().mp3(), swept_at: None }).collect();
    let new = Conversion { garbage: garbage.clone(), ..conversion("alice") };
    assert!(store.insert(new.clone()).await.expect("the store answers"));

    let until = NOW.plus(Duration::from_mins(1));
    let renewal = Change::Renew { lease: lease(until), progress: Progress::default() };
    let changes = garbage.iter().map(|entry| Change::Sweep { blob_id: entry.blob_id, at: NOW }).chain([renewal]);
    let updates = changes.map(|change| store.update(new.seen(), change));
    let happened = futures_util::future::try_join_all(updates).await.expect("the store answers");

    assert!(happened.into_iter().all(|happened| happened), "each of them matched");
    let swept: Vec<_> = garbage.iter().map(|entry| Garbage { swept_at: Some(NOW), ..*entry }).collect();
    let expected = Conversion { garbage: swept, lease: Some(lease(until)), ..new.clone() };
    assert_eq!(read(store, new.id).await, expected);
}

async fn a_renewed_lease_is_not_taken_over(store: &Store) {
    let running = inserted(store).await;
    let lease_until = running.lease.as_ref().map(|lease| lease.until);
    let renewed = Change::Renew { lease: lease(NOW.plus(Duration::from_mins(1))), progress: Progress::default() };
    assert!(store.update(running.seen(), renewed).await.expect("the store answers"));

    let change = Change::TakeOver { attempt: Attempt::random(), flow: Flow::Blocking, lease: lease(NOW), lease_until };
    assert!(!store.update(running.seen(), change).await.expect("the store answers"));
    let Change::Fail { failure, .. } = fail() else { unreachable!("fail() fails") };
    let end = Change::EndLease { failure, at: NOW };
    assert!(!store.update(running.seen(), end).await.expect("the store answers"));
    assert!(due(store, Due::DeadLease { now: NOW }).await.is_empty());
    assert_eq!(due(store, Due::DeadLease { now: NOW.plus(Duration::from_mins(1)) }).await, [running.id]);
}

async fn every_end_puts_the_attempts_blob_into_garbage(store: &Store) {
    for end in [fail(), Change::Tombstone { at: NOW }] {
        let running = inserted(store).await;
        assert!(store.update(running.seen(), end).await.expect("the store answers"));
        let ended = read(store, running.id).await;
        let blob_id = running.attempt.mp3();
        assert_eq!(ended.garbage.iter().map(|entry| entry.blob_id).collect::<Vec<_>>(), [blob_id]);

        let garbage = Due::Garbage { swept_before: NOW };
        assert!(due(store, garbage).await.contains(&ended.id));
        assert!(store.update(ended.seen(), Change::Sweep { blob_id, at: NOW }).await.expect("the store answers"));
        assert!(!due(store, garbage).await.contains(&ended.id));
        assert!(store.update(ended.seen(), Change::DropGarbage { blob_id }).await.expect("the store answers"));
        assert!(read(store, running.id).await.garbage.is_empty());
    }
}

async fn a_tombstone_is_removed_only_without_garbage(store: &Store) {
    let running = inserted(store).await;
    assert!(!store.remove(running.seen()).await.expect("the store answers"));
    assert!(store.update(running.seen(), Change::Tombstone { at: NOW }).await.expect("the store answers"));
    let tombstone = read(store, running.id).await;
    assert!(!store.remove(tombstone.seen()).await.expect("the store answers"));
    let emptied = Change::DropGarbage { blob_id: running.attempt.mp3() };
    assert!(store.update(tombstone.seen(), emptied).await.expect("the store answers"));

    assert!(due(store, Due::Removal { now: NOW }).await.is_empty());
    assert_eq!(due(store, Due::Removal { now: NOW.plus(Duration::from_hours(2)) }).await, [running.id]);
    assert!(store.remove(tombstone.seen()).await.expect("the store answers"));
    assert_eq!(store.get(running.id).await.expect("the store answers"), None);
}

async fn what_expires_becomes_a_tombstone_first(store: &Store) {
    let kept = done(store).await;
    let running = inserted(store).await;
    let expires_at = Some(NOW.plus(Duration::from_secs(1)));
    let Change::Commit { mp3, at, .. } = commit(&running) else { unreachable!("commit() commits") };
    let commit = Change::Commit { mp3, at, expires_at };
    assert!(store.update(running.seen(), commit).await.expect("the store answers"));
    let failed = inserted(store).await;
    assert!(store.update(failed.seen(), fail()).await.expect("the store answers"));

    assert!(due(store, Due::Expiry { now: NOW }).await.is_empty());
    let later = NOW.plus(Duration::from_secs(1));
    assert_eq!(due(store, Due::Expiry { now: later }).await, [running.id]);
    let never = NOW.plus(Duration::from_hours(24 * 365));
    assert_eq!(
        due(store, Due::Expiry { now: never }).await,
        [running.id, failed.id],
        "the first to expire comes first"
    );
    assert!(due(store, Due::Removal { now: never }).await.is_empty());

    let expired = read(store, running.id).await;
    assert!(store.update(expired.seen(), Change::Tombstone { at: later }).await.expect("the store answers"));
    assert_eq!(due(store, Due::Expiry { now: never }).await, [failed.id]);
    assert_eq!(read(store, kept.id).await, kept);
}

async fn a_page_goes_on_where_the_last_one_ended(store: &Store) {
    let mut expected = Vec::new();
    for age in [3, 2, 2, 2, 1] {
        let new = Conversion { created_at: NOW.minus(Duration::from_secs(age)), ..conversion("alice") };
        expected.push(new.clone());
        assert!(store.insert(new).await.expect("the store answers"));
    }
    assert!(store.insert(conversion("bob")).await.expect("the store answers"));
    expected.sort_by_key(|found| std::cmp::Reverse((found.created_at, found.id)));

    let owner = Owner("alice".into());
    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        // So that pages begin and end among those of one instant.
        let page = store.list(&owner, after, 2).await.expect("the store answers");
        assert!(page.len() <= 2);
        let Some(last) = page.last() else { break };
        after = Some(Cursor { created_at: last.created_at, id: last.id });
        listed.extend(page);
    }
    assert_eq!(listed, expected);
}

async fn a_forgotten_owner_has_work_left_for_the_sweep(store: &Store) {
    let document = done(store).await;
    store.forget(&Owner("somebody else".into())).await.expect("the store answers");
    assert!(due(store, Due::Forgotten).await.is_empty());
    store.forget(&document.owner).await.expect("the store answers");
    store.forget(&document.owner).await.expect("twice is as good as once");
    assert_eq!(due(store, Due::Forgotten).await, [document.id]);
}
