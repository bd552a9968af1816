//! The wait after the last byte: how far behind a stream the engine is.

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, anyhow, ensure};
use serde_json::{Value, json};

use super::{contender::Setting, race::verdict};
use crate::{
    console::say,
    stats::{Samples, float},
};

/// Bytes per second of the stream.
const THROTTLE: f64 = 20e6;
/// Written at a time: what a pipe takes.
const PIECE_BYTES: usize = 64 * 1024;
/// One more than half of them are good where the median is.
const ROUNDS: usize = 7;
/// Seconds.
const GOAL: f64 = 0.060;

pub(super) fn measure(engine: &Path, video: &Path) -> anyhow::Result<Value> {
    let waits = (0..ROUNDS).map(|_| wait_after_last_byte(engine, video)).collect::<anyhow::Result<_>>()?;
    let wait = Samples::of(waits);
    say("10-minute mp4 through a pipe at 20 MB/s, V2");
    say(format!("  {:<18}{wait} s, goal ≤ {GOAL:.3} {}", "last byte to end", verdict(wait.median <= GOAL)));
    Ok(json!({"wait_s": wait, "goal_s": GOAL}))
}

/// Seconds from the last byte of the video going into the pipe to the end of the mp3.
fn wait_after_last_byte(engine: &Path, video: &Path) -> anyhow::Result<f64> {
    let mut child = Command::new(engine)
        .arg("transcode")
        .args(Setting::V2.engine())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        // It only says that a pipe cannot be given a length tag.
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot run {}", engine.display()))?;
    let mut stdin = child.stdin.take().context("no pipe to the engine")?;
    let mut stdout = child.stdout.take().context("no pipe from the engine")?;
    let reader = thread::spawn(move || io::copy(&mut stdout, &mut io::sink()).map(|bytes| (bytes, Instant::now())));
    let fed = feed(video, &mut stdin);
    drop(stdin);
    let (bytes, ended) = reader.join().map_err(|_| anyhow!("the reader panicked"))??;
    let status = child.wait()?;
    ensure!(status.success() && bytes > 0, "the engine failed on a stream: {status}, {bytes} bytes");
    Ok(ended.saturating_duration_since(fed?).as_secs_f64())
}

/// Writes the file at [`THROTTLE`]; answers when its last byte was taken.
fn feed(video: &Path, pipe: &mut impl io::Write) -> io::Result<Instant> {
    let mut file = File::open(video)?;
    let (mut piece, mut bytes, started) = (vec![0; PIECE_BYTES], 0, Instant::now());
    let mut taken = started;
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            return Ok(taken);
        }
        bytes += read;
        park_until(started + Duration::from_secs_f64(float(bytes) / THROTTLE));
        pipe.write_all(&piece[..read])?;
        taken = Instant::now();
    }
}

fn park_until(due: Instant) {
    loop {
        let rest = due.saturating_duration_since(Instant::now());
        if rest.is_zero() {
            return;
        }
        thread::park_timeout(rest);
    }
}
