//! How loud audio is (EBU R 128, ITU-R BS.1770-4), and which gain makes it even.

use ebur128::{EbuR128, Mode};

use super::pcm::Block;
use crate::control::{Refusal, RefusalKind};

/// Loudness of a programme by EBU R 128, in LUFS.
const TARGET_LUFS: f64 = -23.0;
/// Highest true peak by EBU R 128, in dBTP: a margin for what a lossy encoder adds.
const TRUE_PEAK_MAX_DB: f64 = -1.0;
/// Loudness that `ReplayGain` 2.0 refers to, in LUFS.
const REPLAY_GAIN_LUFS: f64 = -18.0;

/// Measures audio that comes in pieces.
#[derive(Debug)]
pub(super) struct Meter {
    ebur128: EbuR128,
    channels: u8,
}

/// Which peaks are measured besides the loudness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Peaks {
    /// The largest sample, which costs next to nothing.
    Samples,
    /// The largest value between the samples too: four times oversampled, which takes twice as long as the loudness.
    True,
}

/// What a [`Meter`] found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Loudness {
    /// Integrated loudness; `None` where nothing is above the gate of -70 LUFS, or the audio is shorter than a gating
    /// block of 0.4 s.
    pub(super) lufs: Option<f64>,
    /// The largest sample; full scale is 1.
    pub(super) sample_peak: f32,
    /// The largest value between samples, never below `sample_peak`; the same as that where it was not measured.
    pub(super) true_peak: f32,
}

impl Meter {
    /// For audio of `rate` Hz and 1 or 2 channels. One channel counts once, as BS.1770 says, though most players put
    /// it on both speakers.
    pub(super) fn new(rate: u32, channels: u8, peaks: Peaks) -> Result<Self, Refusal> {
        let mode = match peaks {
            Peaks::Samples => Mode::I | Mode::SAMPLE_PEAK,
            Peaks::True => Mode::I | Mode::TRUE_PEAK,
        };
        let ebur128 = EbuR128::new(channels.into(), rate, mode).map_err(defect)?;
        Ok(Self { ebur128, channels })
    }

    pub(super) fn push(&mut self, block: &Block) -> Result<(), Refusal> {
        let planes = [&block.left[..], &block.right[..]];
        self.ebur128.add_frames_planar_f32(&planes[..self.channels.into()]).map_err(defect)
    }

    pub(super) fn finish(self) -> Result<Loudness, Refusal> {
        let lufs = self.ebur128.loudness_global().map_err(defect)?;
        let (mut sample_peak, mut true_peak) = (0.0_f64, 0.0_f64);
        for channel in 0..u32::from(self.channels) {
            sample_peak = sample_peak.max(self.ebur128.sample_peak(channel).map_err(defect)?);
            true_peak = true_peak.max(self.ebur128.true_peak(channel).unwrap_or(0.0));
        }
        #[expect(clippy::cast_possible_truncation, reason = "peaks of f32 samples")]
        let (sample_peak, true_peak) = (sample_peak as f32, true_peak.max(sample_peak) as f32);
        Ok(Loudness { lufs: Some(lufs).filter(|lufs| lufs.is_finite()), sample_peak, true_peak })
    }
}

impl Loudness {
    /// The factor that brings the audio to -23 LUFS, or as near as the true peak may rise; 1 for silence.
    pub(super) fn normalizing_gain(&self) -> f32 {
        let Some(lufs) = self.lufs else { return 1.0 };
        let gain = factor(TARGET_LUFS - lufs);
        if self.true_peak > 0.0 { gain.min(factor(TRUE_PEAK_MAX_DB) / self.true_peak) } else { gain }
    }

    /// The gain in dB that a player shall apply to reach -18 LUFS; `None` for silence.
    pub(super) fn replay_gain_db(&self) -> Option<f64> {
        self.lufs.map(|lufs| REPLAY_GAIN_LUFS - lufs)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a factor for f32 samples")]
fn factor(db: f64) -> f32 {
    10_f64.powf(db / 20.0) as f32
}

fn defect(cause: ebur128::Error) -> Refusal {
    Refusal::new(RefusalKind::Internal, format!("the loudness could not be measured: {cause}"))
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    /// Seconds of a sine; its phase of 45° at a quarter of the rate hides its peak between the samples.
    #[expect(clippy::cast_possible_truncation, reason = "a test's samples")]
    fn sine(rate: u32, hertz: f64, level: f64, tenths: u32) -> Vec<f32> {
        let phase = |n: u32| TAU * (hertz * f64::from(n) / f64::from(rate) + 0.125);
        (0..rate / 10 * tenths).map(|n| (level * phase(n).sin()) as f32).collect()
    }

    fn measured(rate: u32, channels: u8, peaks: Peaks, left: &[f32]) -> Loudness {
        let mut meter = Meter::new(rate, channels, peaks).expect("a meter");
        for piece in left.chunks(4_000) {
            let right = if channels == 2 { piece.to_vec() } else { Vec::new() };
            meter.push(&Block { left: piece.to_vec(), right }).expect("measured");
        }
        meter.finish().expect("a loudness")
    }

    fn assert_near(got: f64, wanted: f64, tolerance: f64) {
        assert!((got - wanted).abs() <= tolerance, "{got} instead of {wanted}");
    }

    /// EBU Tech 3341, test case 1: a stereo sine of 1 kHz at -23 dBFS has -23 LUFS, give or take 0.1.
    #[test]
    fn a_sine_is_as_loud_as_ebu_tech_3341_says() {
        for (rate, channels, lufs) in [(48_000, 2, -23.0), (44_100, 2, -23.0), (48_000, 1, -26.0), (8_000, 2, -23.0)] {
            let level = 10_f64.powf(-23.0 / 20.0);
            let found = measured(rate, channels, Peaks::Samples, &sine(rate, 1_000.0, level, 20));
            assert_near(found.lufs.expect("audible"), lufs, 0.1);
            assert_near(found.sample_peak.into(), level, 1e-2);
        }
    }

    #[test]
    fn a_peak_between_the_samples_is_found() {
        let found = measured(48_000, 2, Peaks::True, &sine(48_000, 12_000.0, 0.5, 5));
        assert_near(found.sample_peak.into(), 0.3536, 1e-3);
        assert_near(found.true_peak.into(), 0.5, 0.03);
        let cheap = measured(48_000, 2, Peaks::Samples, &sine(48_000, 12_000.0, 0.5, 5));
        assert_eq!(cheap.true_peak.to_bits(), cheap.sample_peak.to_bits());
    }

    #[test]
    fn silence_and_a_click_have_no_loudness_and_stay_as_they_are() {
        for samples in [vec![], vec![0.0; 48_000], vec![0.5; 100]] {
            let found = measured(48_000, 2, Peaks::True, &samples);
            assert_eq!((found.lufs, found.replay_gain_db()), (None, None));
            assert_near(found.normalizing_gain().into(), 1.0, 0.0);
        }
    }

    #[test]
    fn what_is_normalized_has_the_target_loudness() {
        for level in [0.001, 0.9] {
            let mut samples = sine(48_000, 1_000.0, level, 20);
            let gain = measured(48_000, 2, Peaks::True, &samples).normalizing_gain();
            for sample in &mut samples {
                *sample *= gain;
            }
            assert_near(measured(48_000, 2, Peaks::True, &samples).lufs.expect("audible"), TARGET_LUFS, 0.05);
        }
    }

    #[test]
    fn the_true_peak_limits_the_gain() {
        let clicks = Loudness { lufs: Some(-40.0), sample_peak: 0.7, true_peak: 0.8 };
        assert_near((clicks.normalizing_gain() * clicks.true_peak).into(), 0.8913, 1e-4);
    }

    #[test]
    fn replay_gain_refers_to_18_lufs() {
        let loud = Loudness { lufs: Some(-9.5), sample_peak: 1.0, true_peak: 1.1 };
        assert_near(loud.replay_gain_db().expect("audible"), -8.5, 1e-9);
    }
}
