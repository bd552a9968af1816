//! The contract of a conversion store. Each rule is a function over `&Store`, and [`contract!`] runs it for each kind.

/// Runs rules against each kind of store.
macro_rules! contract {
    ($($rule:ident),+ $(,)?) => {
        mod embedded {
            $(#[tokio::test]
            async fn $rule() {
                super::$rule(&crate::store::Embedded::open().await.store).await;
            })+
        }

        mod mongo {
            $(#[tokio::test]
            async fn $rule() {
                let Some(mongo) = crate::store::mongo::Mongo::open().await else { return };
                mongo.holds(super::$rule).await;
            })+
        }
    };
}

mod blobs;
mod documents;
mod embedded;
mod mongo;
mod mongo_blobs;
mod mongo_crowd;
mod mongo_late;
mod outbox;
mod queue;

use std::time::Duration;

use converter::{
    control::{Completeness, Decoder},
    conversion::{Attempt, Conversion, ConversionId, Failure, Lease, Mp3, Owner, Timestamp},
    store::{Change, Due, Store},
};

/// A store of its own for one test; removed with it.
struct Embedded {
    store: Store,
    folder: tempfile::TempDir,
}

impl Embedded {
    async fn open() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let url = format!("file:{}", folder.path().display());
        Self { store: Store::open(&url, "the test").await.expect("a new store opens"), folder }
    }
}

const NOW: Timestamp = Timestamp(1_000_000);

fn lease(until: Timestamp) -> Lease {
    Lease { holder: "test".into(), until }
}

fn conversion(owner: &str) -> Conversion {
    Conversion {
        email: "a@example.org".into(),
        filename: "naïve \"film\" 🎬.mp4".into(),
        fingerprint: "f".into(),
        lease: Some(lease(NOW.plus(Duration::from_secs(15)))),
        ..Conversion::new(ConversionId::random(), Owner(owner.into()), Attempt::random(), NOW)
    }
}

fn mp3(conversion: &Conversion) -> Mp3 {
    Mp3 {
        blob_id: conversion.attempt.mp3(),
        bytes: 3,
        duration_ms: 1000,
        sha256: "00".into(),
        sample_rate: 44_100,
        channels: 2,
        completeness: Completeness::Complete,
        decoder: Decoder::Symphonia,
        source: "mp4/aac".into(),
    }
}

fn commit(conversion: &Conversion) -> Change {
    Change::Commit { mp3: mp3(conversion), at: NOW, expires_at: None }
}

fn fail() -> Change {
    let failure =
        Failure { kind: "about:blank".into(), title: "t".into(), status: 500, detail: "d".into(), retryable: true };
    Change::Fail { failure, at: NOW }
}

async fn inserted(store: &Store) -> Conversion {
    let new = conversion("alice");
    assert!(store.insert(new.clone()).await.expect("the store answers"));
    new
}

async fn done(store: &Store) -> Conversion {
    let running = inserted(store).await;
    assert!(store.update(running.seen(), commit(&running)).await.expect("the store answers"));
    read(store, running.id).await
}

async fn read(store: &Store, id: ConversionId) -> Conversion {
    store.get(id).await.expect("the store answers").expect("the document is there")
}

async fn due(store: &Store, due: Due) -> Vec<ConversionId> {
    store.due(due, 10).await.expect("the store answers").into_iter().map(|found| found.id).collect()
}
