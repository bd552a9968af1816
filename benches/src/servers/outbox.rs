//! How fast the relay empties an outbox that filled while the broker was away.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::ensure;
use converter::{
    control::{Completeness, Decoder},
    conversion::{Attempt, Conversion, ConversionId, Mp3, Owner, Timestamp},
    store::{Change, Due, Store},
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::{Value, json};

use crate::{
    console::{note, say},
    system::{Process, Servers},
};

/// Announcements that wait.
const PENDING: usize = 1000;
/// Documents that are written at a time beforehand.
const WRITERS: usize = 16;
/// Longest wait for all of them.
const DRAIN_MAX: Duration = Duration::from_mins(2);
/// How often it is looked whether any is left.
const LOOK: Duration = Duration::from_millis(20);

/// Fills an outbox, starts a converter, and waits until everything is marked as published.
pub(super) async fn measure(tapedeck: &Path, servers: &Servers) -> anyhow::Result<Value> {
    note(format!("an outbox of {PENDING}"));
    let store = Store::open(servers.mongo.url(), "lab").await?;
    stream::iter((0..PENDING).map(|_| commit(&store))).buffer_unordered(WRITERS).try_collect::<Vec<()>>().await?;
    let token = servers.write("service-token", &"t".repeat(64))?;
    let token = token.to_string_lossy();
    let settings = [
        ("STORE_URL", servers.mongo.url()),
        ("BROKER_URL", servers.rabbit.url()),
        ("SERVICE_TOKEN_FILE", token.as_ref()),
    ];
    let started = Instant::now();
    let _converter = Process::start(tapedeck, "converter", "CONVERTER_LISTEN", &settings).await?;
    while !store.due(Due::Announcement { published_before: Timestamp(0) }, 1).await?.is_empty() {
        ensure!(started.elapsed() < DRAIN_MAX, "the outbox was not empty within {DRAIN_MAX:?}");
        tokio::time::sleep(LOOK).await;
    }
    let took = started.elapsed().as_secs_f64();
    say(format!("{PENDING} announcements, from the converter's start to the last mark: {took:.2} s (goal ≤ 10)"));
    Ok(json!({"announcements": PENDING, "seconds": took}))
}

async fn commit(store: &Store) -> anyhow::Result<()> {
    let (now, attempt) = (Timestamp::now(), Attempt::random());
    let conversion = Conversion {
        email: "lab@example.org".to_owned(),
        filename: "lab.mp4".to_owned(),
        ..Conversion::new(ConversionId::random(), Owner("lab".to_owned()), attempt, now)
    };
    let mp3 = Mp3 {
        blob_id: attempt.mp3(),
        bytes: 1,
        duration_ms: 1000,
        sha256: "0".repeat(64),
        sample_rate: 44_100,
        channels: 2,
        completeness: Completeness::Complete,
        decoder: Decoder::Symphonia,
        source: "mp4/aac".to_owned(),
    };
    let seen = conversion.seen();
    ensure!(store.insert(conversion).await?, "the id is taken");
    ensure!(store.update(seen, Change::Commit { mp3, at: now, expires_at: None }).await?, "the document changed");
    Ok(())
}
