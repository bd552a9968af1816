//! The outbox: what is announced, delivered, cancelled and given up.

use std::time::Duration;

use converter::{
    conversion::{Attempt, DeliveryClaim, NotifyState, State},
    store::{Change, Due, Store},
};

use super::{NOW, done, due, read};

contract!(
    one_notifier_delivers,
    a_dead_mail_can_be_sent_again,
    a_commit_makes_the_mp3_visible_and_pending,
    a_delete_cancels_pending_mail,
);

async fn one_notifier_delivers(store: &Store) {
    let document = done(store).await;
    let until = NOW.plus(Duration::from_secs(30));
    let (mine, other) = (Attempt::random(), Attempt::random());
    let claim = |token, at| Change::ClaimDelivery { claim: DeliveryClaim { token, until }, at };
    let update = async |change| store.update(document.seen(), change).await.expect("the store answers");

    assert!(update(claim(mine, NOW)).await);
    assert!(!update(claim(other, NOW)).await, "a live claim is left alone");
    assert!(!update(Change::Delivered { token: other, at: NOW }).await, "only the claim's holder marks");
    assert!(update(Change::Delivered { token: mine, at: NOW }).await);
    assert!(!update(Change::Published { at: NOW }).await, "a later state is never overwritten");
    assert!(!update(claim(other, until)).await, "it is over");
}

async fn a_dead_mail_can_be_sent_again(store: &Store) {
    let document = done(store).await;
    let update = async |change| store.update(document.seen(), change).await.expect("the store answers");
    for (tries, dead) in [(1, false), (2, true)] {
        let token = Attempt::random();
        let claim = DeliveryClaim { token, until: NOW.plus(Duration::from_secs(1)) };
        assert!(update(Change::ClaimDelivery { claim, at: NOW }).await);
        assert!(update(Change::DeliveryFailed { token, dead, at: NOW }).await);
        assert_eq!(read(store, document.id).await.notify.map(|notify| notify.attempts), Some(tries));
    }
    assert_eq!(due(store, Due::DeadMail).await, [document.id]);
    assert!(update(Change::SendAgain { at: NOW }).await);
    let notify = read(store, document.id).await.notify.expect("it is announced");
    assert_eq!((notify.state, notify.attempts), (NotifyState::Pending, 0));
}

async fn a_commit_makes_the_mp3_visible_and_pending(store: &Store) {
    let document = done(store).await;
    assert_eq!((document.state, document.mp3.is_some(), document.lease.is_some()), (State::Done, true, false));
    let announce = Due::Announcement { published_before: NOW };
    assert_eq!(due(store, announce).await, [document.id]);

    assert!(store.update(document.seen(), Change::Published { at: NOW }).await.expect("the store answers"));
    assert!(due(store, announce).await.is_empty());
    let later = Due::Announcement { published_before: NOW.plus(Duration::from_secs(1)) };
    assert_eq!(due(store, later).await, [document.id]);
}

async fn a_delete_cancels_pending_mail(store: &Store) {
    let document = done(store).await;
    assert!(store.update(document.seen(), Change::Tombstone { at: NOW }).await.expect("the store answers"));
    let deleted = read(store, document.id).await;
    assert_eq!((deleted.state, deleted.mp3.clone()), (State::Deleted, None));
    assert_eq!(deleted.notify.as_ref().map(|notify| notify.state), Some(NotifyState::Cancelled));
    assert!(!store.update(deleted.seen(), Change::Published { at: NOW }).await.expect("the store answers"));
    let listed = store.list(&document.owner, None, 10).await.expect("the store answers");
    assert!(listed.is_empty());
}
