//! Samples between the decoder and the encoder: clean, in the range and with the channels that were asked for.

use crate::{
    control::{Refusal, RefusalKind},
    options::Options,
};

/// Samples that are passed on at a time.
const BLOCK_SAMPLES: usize = 16 * 1024;

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

/// Cuts the range out of a decoder's samples, and mixes.
#[derive(Debug)]
pub(super) struct Cutter {
    channels: u8,
    /// First sample of the range.
    start: u64,
    /// First sample behind it.
    end: Option<u64>,
    /// Samples that were decoded so far.
    position: u64,
    block: Block,
}

impl Cutter {
    /// For audio of `rate` Hz that becomes `channels` channels.
    pub(super) fn new(options: &Options, rate: u32, channels: u8) -> Self {
        let sample = |seconds: f64| whole(seconds * f64::from(rate));
        let (start, end) = (options.start.map_or(0, sample), options.end.map(sample));
        Self { channels, start, end, position: 0, block: Block::default() }
    }

    /// Samples decoded so far.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Whether the range's end was reached.
    pub(super) fn is_done(&self) -> bool {
        self.end.is_some_and(|end| self.position >= end)
    }

    /// Takes decoded samples; answers a block once it is worth passing on.
    pub(super) fn push(&mut self, decoded: &Block) -> Option<Block> {
        let samples = decoded.left.len() as u64;
        let within = |sample: u64| usize::try_from(sample.saturating_sub(self.position).min(samples)).unwrap_or(0);
        let (first, last) = (within(self.start), within(self.end.unwrap_or(u64::MAX)));
        self.position += samples;
        if first < last {
            let left = &decoded.left[first..last];
            let right = decoded.right.get(first..last).unwrap_or(left);
            let cleaned = |samples: &mut Vec<f32>, plane: &[f32]| samples.extend(plane.iter().copied().map(clean));
            if self.channels == 1 && !decoded.right.is_empty() {
                let mixed = left.iter().zip(right).map(|(&l, &r)| clean(f32::midpoint(clean(l), clean(r))));
                self.block.left.extend(mixed);
            } else {
                cleaned(&mut self.block.left, left);
                if self.channels == 2 {
                    cleaned(&mut self.block.right, right);
                }
            }
        }
        (self.block.left.len() >= BLOCK_SAMPLES).then(|| std::mem::take(&mut self.block))
    }

    /// The last samples.
    pub(super) fn finish(self) -> Result<Block, Refusal> {
        match self.position {
            0 => Err(Refusal::new(RefusalKind::NoAudio, "the audio track holds no audio")),
            position if position <= self.start => {
                Err(Refusal::new(RefusalKind::EmptyRange, "start lies behind the end of the audio"))
            }
            _ => Ok(self.block),
        }
    }
}

/// LAME must not see what is no number; and what is louder than full scale would be clipped by the listener's player.
fn clean(sample: f32) -> f32 {
    if sample.is_finite() { sample.clamp(-1.0, 1.0) } else { 0.0 }
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

    fn cut(options: &Options, channels: u8, pieces: &[Block]) -> Block {
        let mut cutter = Cutter::new(options, 10, channels);
        for piece in pieces {
            assert!(cutter.push(piece).is_none());
        }
        cutter.finish().expect("samples in the range")
    }

    fn ramp(from: u8, to: u8) -> Block {
        Block { left: (from..to).map(|n| f32::from(n) / 100.0).collect(), right: Vec::new() }
    }

    #[test]
    fn a_range_is_exact_across_pieces() {
        let options = Options { start: Some(0.5), end: Some(1.2), ..Options::default() };
        let block = cut(&options, 1, &[ramp(0, 6), ramp(6, 9), ramp(9, 30)]);
        assert_eq!(block.left, ramp(5, 12).left);
    }

    #[test]
    fn mono_is_the_mean_and_stereo_repeats() {
        let stereo = Block { left: vec![0.5, 1.0], right: vec![0.0, f32::NAN] };
        assert_eq!(cut(&Options::default(), 1, &[stereo]).left, [0.25, 0.5]);
        let doubled = cut(&Options::default(), 2, &[ramp(1, 3)]);
        assert_eq!(doubled.left, doubled.right);
    }

    #[test]
    fn what_is_no_sample_is_cleaned() {
        let wild = Block { left: vec![f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 2.0, 0.5], right: Vec::new() };
        assert_eq!(cut(&Options::default(), 1, &[wild]).left, [0.0, 0.0, 0.0, 1.0, 0.5]);
    }

    #[test]
    fn a_start_behind_the_end_is_refused() {
        let options = Options { start: Some(9.0), ..Options::default() };
        let mut cutter = Cutter::new(&options, 10, 1);
        cutter.push(&ramp(0, 20));
        assert_eq!(cutter.finish().expect_err("an empty range").kind, RefusalKind::EmptyRange);
    }
}
