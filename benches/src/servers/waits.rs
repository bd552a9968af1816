//! What callers cost who wait for a queued conversion by `Prefer: wait=N`, and how soon they learn of its end.
//!
//! The gateway keeps no list of who waits: it reads the document again and again, for each of them.

use std::{
    path::Path,
    time::{Duration, SystemTime},
};

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use futures_util::{StreamExt as _, future, stream};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{
    console::{note, say},
    inputs::Inputs,
    stats::{Samples, float},
    system::{Account, Servers, Service},
    usage,
};

/// Callers that wait at a time.
const CALLERS: usize = 64;
/// CPU time is counted over so long, with them and without.
const SPAN: Duration = Duration::from_secs(5);
/// Until everything stands still.
const SETTLED: Duration = Duration::from_secs(1);
/// One conversion at a time, which stays taken; as many callers as are wanted.
const SETTINGS: [(&str, &str); 3] =
    [("QUEUED_FLOW", "true"), ("CONVERSIONS_MAX", "1"), ("STATUS_WAITS_PER_USER_MAX", "1000")];

/// Measures on both kinds of store.
pub(super) async fn measure(tapedeck: &Path, inputs: &Inputs, servers: &Servers) -> anyhow::Result<Value> {
    let embedded = Service::start_with(tapedeck, &SETTINGS, Account::OfFolder).await?;
    let real = servers.system_with(tapedeck, servers.mongo.url(), &SETTINGS).await?;
    let video = Bytes::from(std::fs::read(inputs.clip()?)?);
    let mut results = json!({});
    say(format!("Prefer: wait=N, {CALLERS} callers at a time: what one costs, and median (min – max) in milliseconds"));
    for (name, service) in [("embedded stores", &embedded), ("real servers", &real)] {
        note(format!("waits, {name}"));
        let (cpu_share, delays_ms) = waits(service, &video).await?;
        say(format!(
            "  {name:<16}   {:.2} % of a core   the end is told after {delays_ms}   (goal ≤ 20)",
            cpu_share * 100.0
        ));
        results[name] = json!({"cpu_share_per_caller": cpu_share, "told_after_ms": delays_ms});
    }
    Ok(results)
}

/// Share of a core for one caller, and how long after the end the callers were told.
async fn waits(service: &Service, video: &Bytes) -> anyhow::Result<(f64, Samples)> {
    // It takes the one permit and sends no more, so that what is queued stays queued.
    let stalled = stream::iter([Ok::<_, std::io::Error>(video.slice(..video.len() / 2))]).chain(stream::pending());
    let blocker = service.put("blocker.mp4").body(reqwest::Body::wrap_stream(stalled)).send();
    let blocker = tokio::spawn(blocker);
    sleep(SETTLED).await;
    let queued = service.put("waits.mp4").header("prefer", "respond-async").body(video.clone()).send().await?;
    ensure!(queued.status() == 202, "the upload was answered {}", queued.status());
    let queued: Value = queued.json().await?;
    let path = queued["links"]["self"].as_str().context("a 202 without a link")?;

    sleep(SETTLED).await;
    let idle_s = cpu_s(service).await?;
    let callers: Vec<_> = (0..CALLERS).map(|_| tokio::spawn(told(service.get(path)))).collect();
    sleep(SETTLED).await;
    let waiting_s = cpu_s(service).await?;
    blocker.abort();
    let told = future::try_join_all(callers).await?.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    let share = (waiting_s - idle_s).max(0.0) / SPAN.as_secs_f64() / float(CALLERS);
    Ok((share, Samples::of(told)))
}

async fn cpu_s(service: &Service) -> anyhow::Result<f64> {
    let before = usage::cpu_s(&[service.pid()])?;
    sleep(SPAN).await;
    Ok(usage::cpu_s(&[service.pid()])? - before)
}

/// Waits for the end; answers how many milliseconds after it, by the machine's one clock.
async fn told(status: reqwest::RequestBuilder) -> anyhow::Result<f64> {
    let ended: Value = status.header("prefer", "wait=60").send().await?.json().await?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    let done_at = ended["done_at"].as_u64().context("it has not ended")?;
    Ok(now.as_secs_f64() * 1e3 - Duration::from_millis(done_at).as_secs_f64() * 1e3)
}
