//! Cuts the audio into segments that are encoded side by side.
//!
//! Where a segment ends depends on the samples alone, so the mp3 is the same for any number of workers and however the
//! input is cut into blocks. A segment begins with frames of the one before it, by which its encoder gets into its
//! stride, and ends with samples of the one behind it, which the last frame needs.

use std::ops::RangeInclusive;

use crate::{options::Quality, transcode::pcm::Block};

/// Frames before a segment that are encoded with it: the encoder's psychoacoustic state settles by them and its bit
/// reservoir fills, until it takes over from the encoder before it. With a constant bit rate that takes longer.
const PRIME_FRAMES: usize = 12;
const PRIME_FRAMES_CONSTANT: usize = 20;
/// LAME gives frame j away only when samples of frame j + 1 are there.
const AHEAD_FRAMES: usize = 1;
/// Lengths of the first segments and of all others. The first ones are short, so that every worker soon has something
/// to do, and a short clip is spread over all of them.
const LENGTHS: [usize; 3] = [64, 128, 352];
/// What is left at the end is cut into equal parts of about so many frames: the last part is all that is encoded after
/// the last byte of an upload, and one worker would take twice as long for it as two.
const TAIL_FRAMES: usize = 96;
/// A segment may end so many frames early, but not by more than a quarter.
const WINDOW_FRAMES: usize = 48;
/// A cut is judged by the frames around it: one encoder takes over from another there, so no transient may be near.
const BEFORE_CUT: usize = 3;
const AFTER_CUT: usize = 16;

/// A part of the audio.
#[derive(Debug, Default)]
pub(super) struct Segment {
    /// Its place among the others, from 0.
    pub(super) index: usize,
    pub(super) samples: Block,
    /// Frames in front that belong to the segment before.
    pub(super) prime_frames: usize,
    /// Frames of its own; absent in the last one, which has all that are left.
    pub(super) frames: Option<usize>,
}

/// Makes segments of blocks of any size.
#[derive(Debug)]
pub(super) struct Segmenter {
    frame_samples: usize,
    /// Frames before every segment but the first.
    prime_frames_max: usize,
    index: usize,
    /// Frames of `pending` that belong to the segment before.
    prime_frames: usize,
    pending: Block,
    /// What the segment behind the last one begins with, until there is a block for it.
    carried: Block,
}

impl Segmenter {
    /// For `quality`, with so many samples per channel in one frame.
    pub(super) fn new(quality: Quality, frame_samples: usize) -> Self {
        let prime_frames_max = match quality {
            Quality::Variable(_) => PRIME_FRAMES,
            Quality::Constant(_) => PRIME_FRAMES_CONSTANT,
        };
        Self {
            frame_samples,
            prime_frames_max,
            index: 0,
            prime_frames: 0,
            pending: Block::default(),
            carried: Block::default(),
        }
    }

    /// Takes samples on; after that a segment may be ready.
    pub(super) fn push(&mut self, block: &Block) {
        self.pending.left.extend_from_slice(&block.left);
        self.pending.right.extend_from_slice(&block.right);
    }

    /// Whether all samples are there that decide about the end of the next segment.
    pub(super) fn is_ready(&self) -> bool {
        let frames = self.prime_frames + self.length() + AFTER_CUT + AHEAD_FRAMES;
        self.pending.left.len() >= frames * self.frame_samples
    }

    /// The next segment, which must be ready; [`Self::resume`] comes next.
    pub(super) fn cut(&mut self) -> Segment {
        let length = self.length();
        let end = self.prime_frames + length;
        self.split(self.quietest(end - WINDOW_FRAMES.min(length / 4)..=end))
    }

    /// The next segment once no samples come any more, and whether it is the last; if not, [`Self::resume`] comes next.
    pub(super) fn cut_tail(&mut self) -> (Segment, bool) {
        let frames = (self.pending.left.len() / self.frame_samples).saturating_sub(self.prime_frames);
        let parts = frames.div_ceil(TAIL_FRAMES);
        if parts < 2 {
            return (self.last(), true);
        }
        let length = frames / parts;
        let end = self.prime_frames + length;
        // Behind the window there are more frames than a cut is judged by: at least one more part.
        (self.split(self.quietest(end - WINDOW_FRAMES.min(length / 4)..=end)), false)
    }

    /// Goes on in an empty block behind the last segment.
    pub(super) fn resume(&mut self, mut block: Block) {
        block.left.append(&mut self.carried.left);
        block.right.append(&mut self.carried.right);
        self.pending = block;
    }

    fn last(&mut self) -> Segment {
        let samples = std::mem::take(&mut self.pending);
        Segment { index: self.index, samples, prime_frames: self.prime_frames, frames: None }
    }

    fn length(&self) -> usize {
        LENGTHS[self.index.min(LENGTHS.len() - 1)]
    }

    /// Ends the segment in front of frame `cut` of `pending`.
    fn split(&mut self, cut: usize) -> Segment {
        let keep = (cut - self.prime_frames_max.min(cut)) * self.frame_samples;
        let end = (cut + AHEAD_FRAMES) * self.frame_samples;
        let mut samples = std::mem::take(&mut self.pending);
        self.carried.left.extend_from_slice(&samples.left[keep..]);
        samples.left.truncate(end);
        if !samples.right.is_empty() {
            self.carried.right.extend_from_slice(&samples.right[keep..]);
            samples.right.truncate(end);
        }
        let (index, prime_frames) = (self.index, self.prime_frames);
        self.prime_frames = self.prime_frames_max.min(cut);
        self.index += 1;
        Segment { index, samples, prime_frames, frames: Some(cut - prime_frames) }
    }

    /// The boundary, counted in frames of `pending`, around which the loudest frame is the quietest; of equals the last.
    fn quietest(&self, boundaries: RangeInclusive<usize>) -> usize {
        let first = boundaries.start().saturating_sub(BEFORE_CUT);
        let energies: Vec<f32> = (first..boundaries.end() + AFTER_CUT).map_while(|frame| self.energy(frame)).collect();
        let mut best = (f32::INFINITY, *boundaries.end());
        for boundary in boundaries {
            let around = boundary.saturating_sub(BEFORE_CUT)..boundary + AFTER_CUT;
            let around = around.start - first..(around.end - first).min(energies.len());
            let loudest = energies[around].iter().copied().fold(0.0, f32::max);
            if loudest <= best.0 {
                best = (loudest, boundary);
            }
        }
        best.1
    }

    /// The energy of a frame's differences, which is high in a transient; `None` behind the end.
    fn energy(&self, frame: usize) -> Option<f32> {
        let range = frame * self.frame_samples..(frame + 1) * self.frame_samples;
        let of = |plane: &[f32]| plane.windows(2).map(|pair| (pair[1] - pair[0]).powi(2)).sum::<f32>();
        let left = of(self.pending.left.get(range.clone())?);
        Some(left + self.pending.right.get(range).map_or(0.0, of))
    }
}

#[cfg(test)]
mod tests;
