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
const LENGTHS: [usize; 3] = [64, 128, 384];
/// What is left at the end is cut into equal parts of about so many frames: the last part is all that is encoded after
/// the last byte of an upload, and one worker would take twice as long for it as two.
const TAIL_FRAMES: usize = 96;
/// A segment may end so many frames early, but not by more than a quarter.
const WINDOW_FRAMES: usize = 48;
/// A cut is judged by the frames around it: the bit reservoir is empty there, so no transient may be near.
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
}

impl Segmenter {
    /// For `quality`, with so many samples per channel in one frame.
    pub(super) fn new(quality: Quality, frame_samples: usize) -> Self {
        let prime_frames_max = match quality {
            Quality::Variable(_) => PRIME_FRAMES,
            Quality::Constant(_) => PRIME_FRAMES_CONSTANT,
        };
        Self { frame_samples, prime_frames_max, index: 0, prime_frames: 0, pending: Block::default() }
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

    /// The next segment, which must be ready; `next` is an empty block for the start of the one behind it.
    pub(super) fn cut(&mut self, next: Block) -> Segment {
        let length = self.length();
        let end = self.prime_frames + length;
        self.split(self.quietest(end - WINDOW_FRAMES.min(length / 4)..=end), next)
    }

    /// The next segment of those that are left once no samples come any more, and whether it is the last.
    pub(super) fn cut_tail(&mut self, next: Block) -> (Segment, bool) {
        let frames = (self.pending.left.len() / self.frame_samples).saturating_sub(self.prime_frames);
        let parts = frames.div_ceil(TAIL_FRAMES);
        if parts < 2 {
            return (self.last(), true);
        }
        let length = frames / parts;
        let end = self.prime_frames + length;
        // Behind the window there are more frames than a cut is judged by: at least one more part.
        (self.split(self.quietest(end - WINDOW_FRAMES.min(length / 4)..=end), next), false)
    }

    fn last(&mut self) -> Segment {
        let samples = std::mem::take(&mut self.pending);
        Segment { index: self.index, samples, prime_frames: self.prime_frames, frames: None }
    }

    fn length(&self) -> usize {
        LENGTHS[self.index.min(LENGTHS.len() - 1)]
    }

    /// Ends the segment in front of frame `cut` of `pending`.
    fn split(&mut self, cut: usize, mut next: Block) -> Segment {
        let keep = (cut - self.prime_frames_max.min(cut)) * self.frame_samples;
        let end = (cut + AHEAD_FRAMES) * self.frame_samples;
        let mut samples = std::mem::take(&mut self.pending);
        next.left.extend_from_slice(&samples.left[keep..]);
        samples.left.truncate(end);
        if !samples.right.is_empty() {
            next.right.extend_from_slice(&samples.right[keep..]);
            samples.right.truncate(end);
        }
        let (index, prime_frames) = (self.index, self.prime_frames);
        self.pending = next;
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
mod tests {
    use super::*;

    const FRAME: usize = 576;

    /// Noise with pauses in it.
    fn audio(samples: usize) -> Vec<f32> {
        let mut state = 1_u32;
        let noise = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f32::from((state >> 16) as u16) / 65_536.0 - 0.5
        });
        noise.take(samples).enumerate().map(|(n, x)| if n / FRAME % 70 < 30 { x / 100.0 } else { x }).collect()
    }

    fn segments(audio: &[f32], block_samples: usize) -> Vec<Segment> {
        let (mut segmenter, mut segments) = (Segmenter::new(Quality::default(), FRAME), Vec::new());
        for left in audio.chunks(block_samples) {
            segmenter.push(&Block { left: left.to_vec(), right: left.to_vec() });
            while segmenter.is_ready() {
                segments.push(segmenter.cut(Block::default()));
            }
        }
        loop {
            let (segment, is_last) = segmenter.cut_tail(Block::default());
            segments.push(segment);
            if is_last {
                return segments;
            }
        }
    }

    #[test]
    fn segments_cover_the_audio_once_and_in_order() {
        let audio = audio(1500 * FRAME + 77);
        let mut at = 0;
        let all = segments(&audio, 4096);
        assert!(all.len() > 6);
        for (index, segment) in all.iter().enumerate() {
            let start = at - segment.prime_frames * FRAME;
            assert_eq!(segment.index, index);
            assert_eq!(segment.samples.left, audio[start..start + segment.samples.left.len()], "{index}");
            assert_eq!(segment.samples.left, segment.samples.right);
            match segment.frames {
                Some(frames) => {
                    assert!(frames <= 384 && segment.prime_frames == if index == 0 { 0 } else { PRIME_FRAMES });
                    at += frames * FRAME;
                    assert_eq!(start + segment.samples.left.len(), at + AHEAD_FRAMES * FRAME);
                }
                None => assert_eq!(start + segment.samples.left.len(), audio.len()),
            }
        }
        assert!(all.last().is_some_and(|last| last.frames.is_none()));
    }

    #[test]
    fn cuts_do_not_depend_on_the_blocks() {
        let audio = audio(900 * FRAME + 1);
        let cuts = |block_samples| -> Vec<_> {
            segments(&audio, block_samples).into_iter().map(|segment| (segment.frames, segment.samples.left)).collect()
        };
        let whole = cuts(audio.len());
        for block_samples in [1000, FRAME, 30_000] {
            assert!(cuts(block_samples) == whole, "{block_samples}");
        }
    }

    #[test]
    fn cuts_are_where_it_is_quiet() {
        let audio = audio(700 * FRAME);
        let mut at = 0;
        for segment in segments(&audio, 10_000) {
            let Some(frames) = segment.frames else { break };
            at += frames;
            // The first segments have too narrow a window to reach a pause each time.
            assert!(segment.index < 2 || at % 70 < 30, "cut at frame {at}");
        }
    }

    #[test]
    fn what_is_short_is_one_segment() {
        for samples in [0, 1, FRAME, 60 * FRAME] {
            let all = segments(&audio(samples), 1000);
            assert_eq!((all.len(), all[0].samples.left.len(), all[0].prime_frames), (1, samples, 0));
        }
    }
}
