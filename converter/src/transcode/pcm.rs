//! Samples between the decoder and the encoder.

use std::time::Duration;

use crate::{
    control::{Refusal, RefusalKind},
    options::Options,
};

/// Samples of one or two channels, one plane for each.
#[derive(Debug, Default)]
pub(super) struct Block {
    pub(super) left: Vec<f32>,
    /// Empty where there is one channel.
    pub(super) right: Vec<f32>,
}

impl Block {
    pub(super) fn clear(&mut self) {
        self.left.clear();
        self.right.clear();
    }
}

/// How long so many samples last, to the millisecond; whatever a container declares of them.
pub(super) fn duration(samples: u64, rate: u32) -> Duration {
    let ms = u128::from(samples) * 1000 / u128::from(rate.max(1));
    Duration::from_millis(u64::try_from(ms).unwrap_or(u64::MAX))
}

/// Cuts the range out of a decoder's samples.
#[derive(Debug)]
pub(super) struct Cutter {
    /// First sample of the range.
    start: u64,
    /// First sample behind it.
    end: Option<u64>,
    /// Samples that were decoded so far.
    position: u64,
}

impl Cutter {
    /// For audio of `rate` Hz.
    pub(super) fn new(options: &Options, rate: u32) -> Self {
        let sample = |seconds: f64| whole(seconds * f64::from(rate));
        Self { start: options.start.map_or(0, sample), end: options.end.map(sample), position: 0 }
    }

    /// Samples decoded so far.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Whether the range's end was reached.
    pub(super) fn is_done(&self) -> bool {
        self.end.is_some_and(|end| self.position >= end)
    }

    /// Takes the next decoded samples, one plane for each channel, and leaves of them what is in the range.
    pub(super) fn cut(&mut self, planes: &mut [Vec<f32>]) {
        let samples = planes.iter().map(Vec::len).min().unwrap_or(0);
        let within =
            |sample: u64| usize::try_from(sample.saturating_sub(self.position)).unwrap_or(usize::MAX).min(samples);
        let (first, last) = (within(self.start), within(self.end.unwrap_or(u64::MAX)));
        self.position += samples as u64;
        for plane in planes {
            plane.truncate(last);
            plane.drain(..first.min(last));
        }
    }

    /// Whether there was anything in the range, at the end of the audio.
    pub(super) fn check(&self) -> Result<(), Refusal> {
        match self.position {
            0 => Err(Refusal::new(RefusalKind::NoAudio, "the audio track holds no audio")),
            position if position <= self.start => {
                Err(Refusal::new(RefusalKind::EmptyRange, "start lies behind the end of the audio"))
            }
            _ => Ok(()),
        }
    }
}

/// The nearest whole number.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the options allow no negative instant and none so late that a u64 could not count its samples"
)]
fn whole(samples: f64) -> u64 {
    samples.round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(from: u8, to: u8) -> Vec<f32> {
        (from..to).map(|n| f32::from(n) / 100.0).collect()
    }

    #[test]
    fn no_number_of_samples_is_too_large_for_a_duration() {
        assert_eq!(duration(66_150, 44_100), Duration::from_millis(1500));
        assert_eq!(duration(u64::MAX, 8_000), Duration::from_millis(u64::MAX / 8));
        assert_eq!(duration(u64::MAX, 1), Duration::from_millis(u64::MAX));
    }

    #[test]
    fn a_range_is_exact_across_pieces() {
        let options = Options { start: Some(0.5), end: Some(1.2), ..Options::default() };
        let mut cutter = Cutter::new(&options, 10);
        let mut left = Vec::new();
        for piece in [ramp(0, 6), ramp(6, 9), ramp(9, 30)] {
            let mut planes = [piece.clone(), piece];
            cutter.cut(&mut planes);
            assert_eq!(planes[0], planes[1]);
            left.append(&mut planes[0]);
        }
        assert_eq!(left, ramp(5, 12));
        assert!(cutter.is_done() && cutter.check().is_ok());
        assert_eq!(cutter.position(), 30);
    }

    #[test]
    fn a_start_behind_the_end_is_refused() {
        let options = Options { start: Some(9.0), ..Options::default() };
        let mut cutter = Cutter::new(&options, 10);
        cutter.cut(&mut [ramp(0, 20)]);
        assert_eq!(cutter.check().expect_err("an empty range").kind, RefusalKind::EmptyRange);
        assert_eq!(Cutter::new(&options, 10).check().expect_err("nothing").kind, RefusalKind::NoAudio);
    }
}
