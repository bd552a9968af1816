//! What happens to samples between the decoder and the encoder: they are cut to the range, mixed to one or two channels,
//! brought to a rate that MPEG audio has, and measured.

use std::fs::File;

use super::{
    length_tag::TrackGain,
    loudness::{Loudness, Meter, Peaks},
    mix::{Mixer, Position},
    pcm::{Block, Cutter},
    resample::{Resampler, target_rate},
    scratch::Scratch,
};
use crate::{
    control::{Refusal, RefusalKind},
    options::Options,
};

/// Samples that are passed on at a time.
const BLOCK_SAMPLES: usize = 16 * 1024;

/// Makes blocks for the encoder of a decoder's planes.
pub(super) struct Sound {
    cutter: Cutter,
    mixer: Mixer,
    resampler: Option<Resampler>,
    meter: Option<Meter>,
    /// Where samples wait until their gain is known.
    scratch: Option<Scratch>,
    mixed: Block,
    ready: Block,
    /// Hz, of what comes out.
    pub(super) rate: u32,
    /// 1 or 2.
    pub(super) channels: u8,
}

/// Where blocks go; false where they are not wanted any more.
pub(super) type Pass<'a> = &'a mut dyn FnMut(&Block) -> bool;

impl Sound {
    /// Of a source of `rate` Hz with channels at `positions`. `scratch` is an empty file, which normalizing needs.
    pub(super) fn new(
        options: &Options,
        rate: u32,
        positions: &[Position],
        scratch: Option<File>,
    ) -> Result<Self, Refusal> {
        let channels = options.channels.unwrap_or(if positions.len() == 1 { 1 } else { 2 });
        let target = target_rate(rate);
        let resampler = (target != rate).then(|| Resampler::new(rate, target, channels)).transpose()?;
        let peaks = match (options.normalize, options.replaygain) {
            (Some(_), _) => Some(Peaks::True),
            (None, Some(_)) => Some(Peaks::Samples),
            (None, None) => None,
        };
        let scratch = match (options.normalize, scratch) {
            (None, _) => None,
            (Some(_), Some(file)) => Some(Scratch::new(file, channels)),
            (Some(_), None) => {
                return Err(Refusal::new(RefusalKind::Internal, "there is no file to normalize the audio in"));
            }
        };
        Ok(Self {
            cutter: Cutter::new(options, rate),
            mixer: Mixer::new(positions, channels),
            resampler,
            meter: peaks.map(|peaks| Meter::new(target, channels, peaks)).transpose()?,
            scratch,
            mixed: Block::default(),
            ready: Block::default(),
            rate: target,
            channels,
        })
    }

    /// Samples that were decoded, at the source's rate.
    pub(super) fn position(&self) -> u64 {
        self.cutter.position()
    }

    /// Whether the range's end was reached.
    pub(super) fn is_done(&self) -> bool {
        self.cutter.is_done()
    }

    /// Whether samples are only collected until [`Self::finish`].
    pub(super) fn is_collecting(&self) -> bool {
        self.scratch.is_some()
    }

    /// Takes decoded samples, which it may cut; false where nobody wants any more.
    pub(super) fn push(&mut self, planes: &mut [Vec<f32>], pass: Pass<'_>) -> Result<bool, Refusal> {
        self.cutter.cut(planes);
        match &mut self.resampler {
            None => self.mixer.mix(planes, &mut self.ready),
            Some(resampler) => {
                self.mixed.clear();
                self.mixer.mix(planes, &mut self.mixed);
                resampler.push(&self.mixed, &mut self.ready)?;
            }
        }
        if self.ready.left.len() < BLOCK_SAMPLES { Ok(true) } else { self.pass(pass) }
    }

    fn pass(&mut self, pass: Pass<'_>) -> Result<bool, Refusal> {
        if self.scratch.is_none() {
            // What was louder before, or is by the ringing of a filter, the listener's player would clip. Where a gain
            // follows, that comes first.
            for sample in self.ready.left.iter_mut().chain(&mut self.ready.right) {
                *sample = sample.clamp(-1.0, 1.0);
            }
        }
        if let Some(meter) = &mut self.meter {
            meter.push(&self.ready)?;
        }
        let goes_on = match &mut self.scratch {
            Some(scratch) => scratch.write(&self.ready).map(|()| true)?,
            None => pass(&self.ready),
        };
        self.ready.clear();
        Ok(goes_on)
    }

    /// Passes on what is left and answers the gain for players, where it was measured.
    pub(super) fn finish(mut self, pass: Pass<'_>) -> Result<Option<TrackGain>, Refusal> {
        self.cutter.check()?;
        if let Some(resampler) = self.resampler.take() {
            resampler.finish(&mut self.ready)?;
        }
        self.pass(&mut *pass)?;
        let Some(loudness) = self.meter.map(Meter::finish).transpose()? else { return Ok(None) };
        let factor = if self.scratch.is_some() { loudness.normalizing_gain() } else { 1.0 };
        if let Some(scratch) = self.scratch {
            scratch.read(factor, |block| pass(&block))?;
        }
        Ok(track_gain(&loudness, factor))
    }
}

/// The gain of audio that was multiplied by `factor`; `None` for silence.
fn track_gain(loudness: &Loudness, factor: f32) -> Option<TrackGain> {
    let gain_db = loudness.replay_gain_db()? - 20.0 * f64::from(factor).log10();
    Some(TrackGain { gain_db, peak: loudness.sample_peak * factor })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::{Normalize, ReplayGain};

    /// A second of a tone, in pieces; 1 kHz at a tenth of full scale has -20 LUFS in stereo.
    fn run(options: &Options, rate: u32, channels: usize) -> (Vec<f32>, Option<TrackGain>) {
        run_at(0.1, options, rate, channels)
    }

    #[expect(clippy::cast_possible_truncation, reason = "a test's samples")]
    fn run_at(level: f64, options: &Options, rate: u32, channels: usize) -> (Vec<f32>, Option<TrackGain>) {
        let positions = Position::of_count(channels);
        let scratch = tempfile::tempfile().expect("a file");
        let mut sound = Sound::new(options, rate, &positions, Some(scratch)).expect("a sound");
        let phase = |n: u32| std::f64::consts::TAU * 1000.0 * f64::from(n) / f64::from(rate);
        let tone: Vec<f32> = (0..rate).map(|n| (level * phase(n).sin()) as f32).collect();
        let mut out = Vec::new();
        let mut pass = |block: &Block| {
            out.extend_from_slice(&block.left);
            true
        };
        for piece in tone.chunks(700) {
            let mut planes = vec![piece.to_vec(); channels];
            assert!(sound.push(&mut planes, &mut pass).expect("pushed"));
        }
        let gain = sound.finish(&mut pass).expect("finished");
        (out, gain)
    }

    #[test]
    fn plain_audio_passes_as_it_is_and_unmeasured() {
        let (out, gain) = run(&Options::default(), 44_100, 2);
        assert_eq!((out.len(), gain), (44_100, None));
    }

    #[test]
    fn other_rates_and_channels_become_what_mp3_has() {
        let (out, _) = run(&Options::default(), 96_000, 6);
        assert_eq!(out.len(), 48_000);
    }

    #[test]
    fn replay_gain_leaves_the_samples_alone() {
        let (plain, _) = run(&Options::default(), 44_100, 2);
        let options = Options { replaygain: Some(ReplayGain::Track), ..Options::default() };
        let (out, gain) = run(&options, 44_100, 2);
        assert_eq!(out, plain);
        let gain = gain.expect("a gain");
        assert!((gain.gain_db - 2.0).abs() < 0.2 && (gain.peak - 0.1).abs() < 0.001, "{gain:?}");
    }

    #[test]
    fn what_is_above_full_scale_is_made_quieter_where_it_is_normalized_and_clipped_elsewhere() {
        for (rate, channels) in [(44_100, 2), (44_100, 1), (96_000, 6)] {
            let options = Options { normalize: Some(Normalize::Ebur128), ..Options::default() };
            let (quiet, _) = run_at(0.1, &options, rate, channels);
            let (loud, _) = run_at(4.0, &options, rate, channels);
            let most = quiet.iter().zip(&loud).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(most < 1e-3, "{rate} Hz, {channels}: {most} apart");
            let (clipped, _) = run_at(4.0, &Options::default(), rate, channels);
            assert!(clipped.iter().all(|sample| sample.abs() <= 1.0), "{rate} Hz, {channels}");
        }
    }

    #[test]
    fn what_is_normalized_has_the_loudness_and_tells_the_rest() {
        let options = Options { normalize: Some(Normalize::Ebur128), ..Options::default() };
        let (out, gain) = run(&options, 44_100, 2);
        let peak = out.iter().copied().fold(0.0, f32::max);
        assert!((peak - 0.0708).abs() < 0.002, "{peak}");
        let gain = gain.expect("a gain");
        assert!((gain.gain_db - 5.0).abs() < 0.1, "{gain:?}");
    }
}
