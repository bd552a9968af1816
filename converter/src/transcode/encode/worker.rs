//! Encodes one segment.

use super::{
    lame::{Lame, Shape},
    segment::Segment,
};
use crate::{
    control::{Refusal, RefusalKind},
    transcode::pcm::Block,
};

/// Frames that are passed to LAME at a time: few enough to stay in the processor's cache.
const FRAMES_AT_A_TIME: usize = 8;

/// A segment's frames, and its blocks for the next one.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) index: usize,
    /// Whole frames, whose first needs nothing of the frames before.
    pub(super) mp3: Vec<u8>,
    /// Frames that there must be; absent in the last piece.
    pub(super) frames: Option<usize>,
    /// Samples of silence behind the audio, in the last piece.
    pub(super) padding: u16,
    pub(super) samples: Block,
}

/// Encodes a segment with an encoder of its own.
pub(super) fn encode(shape: &Shape, segment: Segment) -> Result<Piece, Refusal> {
    let Segment { index, mut samples, prime_frames, frames } = segment;
    let mut lame = Lame::new(shape)?;
    let frame_samples = lame.frame_samples();
    // A quarter of the samples as bytes is more than 320 kbit/s.
    let mut mp3 = Vec::with_capacity(samples.left.len() / 4);
    let mut at = 0;
    while lame.frames() < prime_frames {
        let end = (at + frame_samples).min(samples.left.len());
        if at == end {
            return Err(Refusal::new(RefusalKind::Internal, "a segment is shorter than what comes before it"));
        }
        feed(&mut lame, &samples, at..end, &mut mp3)?;
        at = end;
    }
    if prime_frames > 0 {
        lame.flush_reservoir(&mut mp3)?;
        mp3.clear();
    }
    while at < samples.left.len() {
        let end = (at + FRAMES_AT_A_TIME * frame_samples).min(samples.left.len());
        feed(&mut lame, &samples, at..end, &mut mp3)?;
        at = end;
    }
    let padding = if frames.is_some() {
        lame.flush_reservoir(&mut mp3)?;
        0
    } else {
        lame.flush(&mut mp3)?;
        lame.padding()
    };
    samples.clear();
    Ok(Piece { index, mp3, frames, padding, samples })
}

fn feed(lame: &mut Lame, samples: &Block, range: std::ops::Range<usize>, mp3: &mut Vec<u8>) -> Result<(), Refusal> {
    lame.encode(&samples.left[range.clone()], samples.right.get(range).unwrap_or_default(), mp3)
}
