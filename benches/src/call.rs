//! `lab call`: what one blocking call costs.

use std::{
    path::Path,
    process::Command,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use futures_util::{Stream, stream};
use serde_json::json;
use tokio::{fs::File, io::AsyncReadExt as _};
use tokio_util::io::ReaderStream;

use crate::{
    console::{note, say},
    inputs::Inputs,
    memory::{Peak, Watch},
    stats::{Samples, float},
    system::Service,
};

/// Bytes per second of the throttled upload.
const THROTTLE: f64 = 20e6;
/// Largest piece of an upload.
const PIECE_BYTES: usize = 256 * 1024;

/// Runs the three measurements and prints them.
pub(crate) async fn run(tapedeck: &Path, inputs: &Inputs, rounds: usize, memory: bool) -> anyhow::Result<()> {
    ensure!(rounds > 0, "--rounds must be at least 1");
    let (first, last) = (inputs.ten_minutes()?, inputs.ten_minutes_moov_last()?);
    let (mut ffmpeg, mut moov_first, mut moov_last, mut wait) = (vec![], vec![], vec![], vec![]);
    for round in 1..=rounds {
        note(format!("round {round} of {rounds}"));
        ffmpeg.push(run_ffmpeg(&first)?);
        moov_first.push(whole_call(tapedeck, &first).await?);
        moov_last.push(whole_call(tapedeck, &last).await?);
        wait.push(wait_after_last_byte(tapedeck, &first).await?);
    }
    let [ffmpeg, moov_first, moov_last, wait] = [ffmpeg, moov_first, moov_last, wait].map(Samples::of);
    say(format!("10 min 720p H.264 + AAC-LC 44.1 kHz stereo, V2, {rounds} rounds: median (min – max) in seconds"));
    say(format!("  ffmpeg -i in.mp4 -vn -q:a 2 out.mp3       {ffmpeg}"));
    say(format!(
        "  POST /upload → 201, moov first            {moov_first}   {:.2} × ffmpeg (goal ≤ 1.15)",
        moov_first.median / ffmpeg.median
    ));
    say(format!(
        "  POST /upload → 201, moov last             {moov_last}   {:.2} × ffmpeg",
        moov_last.median / ffmpeg.median
    ));
    say(format!("  last byte sent → 201 at 20 MB/s           {wait}   (goal ≤ 0.150)"));
    let peaks = if memory { Some(peaks(tapedeck, inputs).await?) } else { None };
    let results = json!({
        "ffmpeg_s": ffmpeg, "moov_first_s": moov_first, "moov_last_s": moov_last, "last_byte_to_201_s": wait,
        "peaks_bytes": peaks.map(|(small, large)| json!({
            "small": {"service": small.process, "engine": small.child},
            "large": {"service": large.process, "engine": large.child},
        })),
    });
    say(results);
    Ok(())
}

fn run_ffmpeg(video: &Path) -> anyhow::Result<f64> {
    let out = tempfile::Builder::new().suffix(".mp3").tempfile()?;
    let started = Instant::now();
    let status = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-y", "-i"])
        .arg(video)
        .args(["-vn", "-q:a", "2"])
        .arg(out.path())
        .status()?;
    ensure!(status.success(), "ffmpeg failed");
    Ok(started.elapsed().as_secs_f64())
}

async fn whole_call(tapedeck: &Path, video: &Path) -> anyhow::Result<f64> {
    let service = Service::start(tapedeck).await?;
    let started = Instant::now();
    upload(&service, video).await?;
    Ok(started.elapsed().as_secs_f64())
}

/// Uploads a file and waits for its 201.
pub(crate) async fn upload(service: &Service, video: &Path) -> anyhow::Result<()> {
    let file = File::open(video).await?;
    let length = file.metadata().await?.len();
    let body = reqwest::Body::wrap_stream(ReaderStream::with_capacity(file, PIECE_BYTES));
    service.upload("lab.mp4", length, body).await.map(drop)
}

async fn wait_after_last_byte(tapedeck: &Path, video: &Path) -> anyhow::Result<f64> {
    let service = Service::start(tapedeck).await?;
    let file = File::open(video).await?;
    let length = file.metadata().await?.len();
    let sent = Arc::new(Mutex::new(None));
    service.upload("lab.mp4", length, reqwest::Body::wrap_stream(throttled(file, length, Arc::clone(&sent)))).await?;
    let last_byte = sent.lock().unwrap_or_else(PoisonError::into_inner).context("the upload was answered early")?;
    Ok(last_byte.elapsed().as_secs_f64())
}

/// The file at [`THROTTLE`]; notes when its last byte was handed over.
fn throttled(
    file: File,
    length: u64,
    sent: Arc<Mutex<Option<Instant>>>,
) -> impl Stream<Item = std::io::Result<Bytes>> + Send + 'static {
    let started = Instant::now();
    stream::try_unfold((file, 0_u64, sent), move |(mut file, done, sent)| async move {
        let mut piece = vec![0; PIECE_BYTES / 4];
        let n = file.read(&mut piece).await?;
        if n == 0 {
            return Ok(None);
        }
        piece.truncate(n);
        let done = done + n as u64;
        let due = Duration::from_secs_f64(float(done) / THROTTLE);
        tokio::time::sleep(due.saturating_sub(started.elapsed())).await;
        if done == length {
            *sent.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        }
        Ok(Some((Bytes::from(piece), (file, done, sent))))
    })
}

async fn peaks(tapedeck: &Path, inputs: &Inputs) -> anyhow::Result<(Peak, Peak)> {
    let mut peaks = vec![];
    for video in [inputs.small()?, inputs.large()?] {
        note(format!("memory with {} ({} bytes)", video.display(), std::fs::metadata(&video)?.len()));
        let service = Service::start(tapedeck).await?;
        let watch = Watch::start(service.pid());
        upload(&service, &video).await?;
        peaks.push(watch.finish());
    }
    say("peak memory (VmHWM) in MiB                  service   engine");
    for (name, peak) in ["20 MB", "2 GB"].iter().zip(&peaks) {
        say(format!(
            "  upload of {name:<6}                          {:>6}   {:>6}",
            peak.process >> 20,
            peak.child >> 20
        ));
    }
    Ok((peaks[0], peaks[1]))
}
