//! Peak memory against the length of the audio.

use std::path::Path;

use anyhow::{Context as _, ensure};
use serde_json::{Map, Value, json};

use super::{
    contender::{Contender, Setting},
    race::verdict,
};
use crate::{console::say, inputs::Inputs, memory::Watch, stats::float};

/// Of the engine with two workers, at any length.
const GOAL_BYTES: u64 = 32 << 20;

pub(super) fn measure(engine: &Contender, inputs: &Inputs) -> anyhow::Result<Value> {
    let videos =
        [("1 min", inputs.small()?), ("10 min", inputs.ten_minutes()?), ("100 min", inputs.hundred_minutes()?)];
    say("peak memory (VmHWM), AAC mp4, V2, in MiB");
    let mut results = Map::new();
    for (name, video) in videos {
        let (own, theirs) = (peak(engine, &video)?, peak(&Contender::Ffmpeg, &video)?);
        say(format!(
            "  {name:<18}engine {:.1}, goal ≤ {} {}   ffmpeg {:.1}",
            mib(own),
            GOAL_BYTES >> 20,
            verdict(own <= GOAL_BYTES),
            mib(theirs)
        ));
        results.insert(name.to_owned(), json!({"engine_bytes": own, "ffmpeg_bytes": theirs, "goal_bytes": GOAL_BYTES}));
    }
    Ok(results.into())
}

/// Bytes.
fn peak(contender: &Contender, video: &Path) -> anyhow::Result<u64> {
    let out = tempfile::Builder::new().suffix(".mp3").tempfile()?;
    let mut command = contender.command(video, Setting::V2, out.path())?;
    let mut child = command.spawn().with_context(|| format!("cannot run {}", contender.program()))?;
    let watch = Watch::start(child.id());
    let status = child.wait()?;
    let peak = watch.finish().process;
    ensure!(status.success(), "{} failed on {}: {status}", contender.program(), video.display());
    Ok(peak)
}

fn mib(bytes: u64) -> f64 {
    float(bytes) / f64::from(1 << 20)
}
