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

/// What an encoder made of a segment.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) segment: Segment,
    /// Whole frames, those before the segment's own included.
    pub(super) mp3: Vec<u8>,
    /// Samples of silence behind the audio, in the last piece.
    pub(super) padding: u16,
}

/// Encodes a segment and what comes before it, with an encoder of its own.
pub(super) fn encode(shape: &Shape, segment: Segment) -> Result<Piece, Refusal> {
    let mut lame = Lame::new(shape)?;
    let mut mp3 = Vec::new();
    let padding = encode_from(&mut lame, &segment, 0, &mut mp3)?;
    Ok(Piece { segment, mp3, padding })
}

/// Encodes a segment alone: its frames need nothing of those before, and the first ones are the worse for that.
pub(super) fn encode_apart(shape: &Shape, segment: &Segment) -> Result<Vec<u8>, Refusal> {
    let mut lame = Lame::new(shape)?;
    let (mut mp3, mut at) = (Vec::new(), 0);
    while lame.frames() < segment.prime_frames {
        let end = (at + lame.frame_samples()).min(segment.samples.left.len());
        if at == end {
            return Err(Refusal::new(RefusalKind::Internal, "a segment is shorter than what comes before it"));
        }
        feed(&mut lame, &segment.samples, at..end, &mut mp3)?;
        at = end;
    }
    lame.flush_reservoir(&mut mp3)?;
    mp3.clear();
    encode_from(&mut lame, segment, at, &mut mp3)?;
    Ok(mp3)
}

/// Encodes the samples from `at` on and answers the silence behind the last one.
fn encode_from(lame: &mut Lame, segment: &Segment, mut at: usize, mp3: &mut Vec<u8>) -> Result<u16, Refusal> {
    let samples = &segment.samples;
    // Half a byte for each sample is some 176 kbit/s: what most mp3s need, and others grow.
    mp3.reserve(samples.left.len() / 2);
    while at < samples.left.len() {
        let end = (at + FRAMES_AT_A_TIME * lame.frame_samples()).min(samples.left.len());
        feed(lame, samples, at..end, mp3)?;
        at = end;
    }
    if segment.frames.is_some() {
        lame.flush_reservoir(mp3)?;
        return Ok(0);
    }
    lame.flush(mp3)?;
    Ok(lame.padding())
}

fn feed(lame: &mut Lame, samples: &Block, range: std::ops::Range<usize>, mp3: &mut Vec<u8>) -> Result<(), Refusal> {
    lame.encode(&samples.left[range.clone()], samples.right.get(range).unwrap_or_default(), mp3)
}
