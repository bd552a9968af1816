//! `lab servers`: what MySQL, MongoDB, RabbitMQ and SMTP cost against the embedded stores, in one run.

mod outbox;
mod tokens;
mod waits;

use std::{path::Path, time::Instant};

use anyhow::ensure;
use serde_json::json;

use crate::{
    call,
    console::{note, say},
    inputs::Inputs,
    stats::Samples,
    system::{Servers, Service},
};

/// Uploads of the 10-second clip in one round; the median of a few tells more than one.
const CLIPS: usize = 5;

/// Settings of `lab servers`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Rounds of the uploads, interleaved.
    #[arg(long, default_value = "5")]
    rounds: usize,
}

/// Starts the servers, measures, and prints.
pub(crate) async fn run(args: &Args, tapedeck: &Path, inputs: &Inputs) -> anyhow::Result<()> {
    ensure!(args.rounds > 0, "--rounds must be at least 1");
    note("starting the servers");
    let servers = Servers::start(tapedeck)?;
    let uploads = uploads(args.rounds, tapedeck, inputs, &servers).await?;
    let tokens = tokens::measure(tapedeck, &servers).await?;
    let outbox = outbox::measure(tapedeck, &servers).await?;
    let waits = waits::measure(tapedeck, inputs, &servers).await?;
    say(json!({"uploads": uploads, "tokens": tokens, "outbox": outbox, "waits": waits}));
    Ok(())
}

async fn uploads(
    rounds: usize,
    tapedeck: &Path,
    inputs: &Inputs,
    servers: &Servers,
) -> anyhow::Result<serde_json::Value> {
    let (long, clip) = (inputs.ten_minutes()?, inputs.clip()?);
    let (embedded, real) = (Service::start(tapedeck).await?, servers.system(tapedeck).await?);
    let lanes = [&embedded, &real];
    let (mut longs, mut clips) = ([vec![], vec![]], [vec![], vec![]]);
    // The first round opens connections and warms caches.
    for round in 0..=rounds {
        note(format!("uploads, round {round} of {rounds}"));
        let order = if round % 2 == 0 { [0, 1] } else { [1, 0] };
        for lane in order {
            let took = seconds(lanes[lane], &long).await?;
            let mut of_clips = vec![];
            for _ in 0..CLIPS {
                of_clips.push(seconds(lanes[lane], &clip).await?);
            }
            if round > 0 {
                longs[lane].push(took);
                clips[lane].push(Samples::of(of_clips).median);
            }
        }
    }
    let ratios = longs[1].iter().zip(&longs[0]).map(|(real, embedded)| real / embedded).collect();
    let more = clips[1].iter().zip(&clips[0]).map(|(real, embedded)| real - embedded).collect();
    let (longs, clips) = (longs.map(Samples::of), clips.map(Samples::of));
    let (ratio, more) = (Samples::of(ratios), Samples::of(more));
    say(format!("POST /upload → 201, {rounds} rounds: median (min – max) in seconds"));
    say(format!("  10 minutes, embedded stores   {}", longs[0]));
    say(format!("  10 minutes, real servers      {}   {:.2} × (goal ≤ 1.15)", longs[1], ratio.median));
    say(format!("  10 seconds, embedded stores   {}", clips[0]));
    say(format!("  10 seconds, real servers      {}   {:+.0} ms (goal ≤ 40)", clips[1], more.median * 1000.0));
    Ok(json!({
        "long_embedded_s": longs[0], "long_real_s": longs[1], "long_ratio": ratio,
        "clip_embedded_s": clips[0], "clip_real_s": clips[1], "clip_more_s": more,
    }))
}

async fn seconds(service: &Service, video: &Path) -> anyhow::Result<f64> {
    let started = Instant::now();
    call::upload(service, video).await?;
    Ok(started.elapsed().as_secs_f64())
}
