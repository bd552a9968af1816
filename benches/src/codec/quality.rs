//! What parallel encoding costs in quality: the noise of the engine's mp3 against that of ffmpeg's, which encodes the
//! same PCM by the same LAME in one piece.

use std::path::Path;

use anyhow::ensure;
use serde_json::{Map, Value, json};

use super::{
    contender::{Contender, Setting},
    cost,
    pcm::Decoder,
    race::verdict,
};
use crate::{console::say, stats::float};

/// Decibels, of the whole file either way.
const GOAL_WHOLE: f64 = 0.1;
/// Decibels, of the worst frame. Where segments are joined cannot be seen from outside, so this is of any frame.
const GOAL_FRAME: f64 = -2.0;
/// Added to the noise of a frame, so that silence has a ratio.
const NOISE_FLOOR: f64 = 1e-9;

pub(super) fn measure(engine: &Contender, wav: &Path) -> anyhow::Result<Value> {
    say("SNR of the engine's and ffmpeg's mp3 of one 10-minute WAV; a frame's figure is engine − ffmpeg");
    let mut results = Map::new();
    for (name, setting) in [("V2", Setting::V2), ("192k", Setting::Constant(192)), ("128k", Setting::Constant(128))] {
        let folder = tempfile::tempdir()?;
        let (own, theirs) = (folder.path().join("engine.mp3"), folder.path().join("ffmpeg.mp3"));
        cost::convert(engine, wav, setting, &own)?;
        cost::convert(&Contender::Ffmpeg, wav, setting, &theirs)?;
        let noise = compare(wav, &own, &theirs)?;
        let sizes = [own.metadata()?.len(), theirs.metadata()?.len()];
        results.insert(name.to_owned(), noise.report(name, sizes));
    }
    Ok(results.into())
}

/// Energies of a whole file, and of each frame's noise.
#[derive(Debug, Default)]
struct Noise {
    signal: f64,
    /// Engine and ffmpeg.
    frames: Vec<[f64; 2]>,
}

/// Decodes all three beside each other. Both mp3s say how much to trim, so the same place is the same instant.
fn compare(wav: &Path, own: &Path, theirs: &Path) -> anyhow::Result<Noise> {
    let (mut source, mut own, mut theirs) = (Decoder::open(wav)?, Decoder::open(own)?, Decoder::open(theirs)?);
    let mut noise = Noise::default();
    loop {
        let (source, own, theirs) = (source.frame()?, own.frame()?, theirs.frame()?);
        ensure!(
            source.len() == own.len() && source.len() == theirs.len(),
            "after {} frames the lengths differ: source {}, engine {}, ffmpeg {} samples",
            noise.frames.len(),
            source.len() / 2,
            own.len() / 2,
            theirs.len() / 2
        );
        if source.is_empty() {
            return Ok(noise);
        }
        noise.push(&source, &own, &theirs);
    }
}

impl Noise {
    fn push(&mut self, source: &[f64], own: &[f64], theirs: &[f64]) {
        let of = |other: &[f64]| source.iter().zip(other).map(|(a, b)| (a - b).powi(2)).sum();
        self.signal += source.iter().map(|sample| sample.powi(2)).sum::<f64>();
        self.frames.push([of(own), of(theirs)]);
    }

    /// Of the whole file, in decibels.
    fn snr(&self, which: usize) -> f64 {
        decibels(self.signal, self.frames.iter().map(|frame| frame[which]).sum())
    }

    /// How much better than ffmpeg's each frame is, in decibels, and which it is; the worst first.
    fn differences(&self) -> Vec<(f64, usize)> {
        let frames = self.frames.iter().enumerate();
        let mut differences: Vec<_> = frames.map(|(at, [own, theirs])| (decibels(*theirs, *own), at)).collect();
        differences.sort_by(|a, b| a.0.total_cmp(&b.0));
        differences
    }

    fn report(&self, name: &str, [own_bytes, their_bytes]: [u64; 2]) -> Value {
        let (own, theirs, differences) = (self.snr(0), self.snr(1), self.differences());
        let count = differences.len();
        let ((worst, at), best) = (differences[0], differences[count - 1].0);
        let (low, high) = (differences[count / 1000].0, differences[count - 1 - count / 1000].0);
        let bad = differences.partition_point(|difference| difference.0 < GOAL_FRAME);
        let good = count - differences.partition_point(|difference| difference.0 <= -GOAL_FRAME);
        let size = float(own_bytes) / float(their_bytes);
        say(format!(
            "  {name:<18}engine {own:.3} dB, ffmpeg {theirs:.3} dB, difference {:+.3}, goal within {GOAL_WHOLE} {}   size × {size:.4}",
            own - theirs,
            verdict((own - theirs).abs() <= GOAL_WHOLE)
        ));
        say(format!(
            "  {:<18}worst frame {worst:+.2} dB ({at} of {count}), goal ≥ {GOAL_FRAME} {}, 0.1 % ≤ {low:+.2}, {bad} < {GOAL_FRAME};   \
             best {best:+.2}, 0.1 % ≥ {high:+.2}, {good} > {:+}",
            "",
            verdict(worst >= GOAL_FRAME),
            -GOAL_FRAME
        ));
        json!({
            "engine_snr_db": own, "ffmpeg_snr_db": theirs, "size_ratio": size, "frames": count,
            "worst_frame_db": worst, "worst_frame": at, "frame_p0_1_db": low, "frames_below_goal": bad,
            "best_frame_db": best, "frame_p99_9_db": high, "frames_as_much_better": good,
            "goal_whole_db": GOAL_WHOLE, "goal_frame_db": GOAL_FRAME,
        })
    }
}

fn decibels(signal: f64, noise: f64) -> f64 {
    10.0 * ((signal + NOISE_FLOOR) / (noise + NOISE_FLOOR)).log10()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twice_the_noise_is_three_decibels_worse() {
        let mut noise = Noise::default();
        noise.push(&[1.0, -1.0], &[0.0, -1.0], &[1.0, -1.0 + 0.5_f64.sqrt()]);
        noise.push(&[1.0, -1.0], &[1.5, -1.0], &[0.5, -1.0]);
        assert!((noise.snr(0) - 10.0 * (4.0_f64 / 1.25).log10()).abs() < 1e-6);
        let differences = noise.differences();
        assert!((differences[0].0 + 3.0103).abs() < 1e-4 && differences[0].1 == 0);
        assert!(differences[1].0.abs() < 1e-6);
    }
}
