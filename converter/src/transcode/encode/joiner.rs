//! Joins the pieces of all workers to one mp3.

use std::{
    collections::BTreeMap,
    sync::{Arc, mpsc::Receiver},
    time::Duration,
};

use super::{
    lame::Shape,
    splice::Run,
    unwritten,
    worker::{self, Piece},
};
use crate::{
    control::{Pass, Refusal, RefusalKind},
    options::Quality,
    transcode::{
        length_tag::LengthTag,
        output::Output,
        pcm::{Block, duration},
        supervisor::Supervisor,
    },
};

/// Writes pieces in the order of their segments.
pub(super) struct Joiner {
    pub(super) shape: Shape,
    pub(super) output: Output,
    pub(super) tag: LengthTag,
    pub(super) supervisor: Option<Arc<Supervisor>>,
    pub(super) frame_samples: usize,
    /// Length of the audio, where it is known beforehand.
    pub(super) total: Option<Duration>,
}

/// A written mp3 whose tag is to be finished.
pub(super) struct Joined {
    pub(super) output: Output,
    pub(super) tag: LengthTag,
    /// Samples of silence behind the audio.
    pub(super) padding: u16,
}

impl Joiner {
    /// Writes until the last piece came and gives used blocks back through `reuse`.
    pub(super) fn run(
        mut self,
        pieces: &Receiver<Result<Piece, Refusal>>,
        mut reuse: impl FnMut(Block),
    ) -> Result<Joined, Refusal> {
        let (mut early, mut next) = (BTreeMap::new(), 0);
        // Of the piece before, what is not written: the next one decides where it ends.
        let mut before = None;
        for piece in pieces {
            let piece = piece?;
            early.insert(piece.segment.index, piece);
            while let Some(mut piece) = early.remove(&next) {
                next += 1;
                let run = self.join(before.take(), &mut piece)?;
                let (is_last, padding) = (piece.segment.frames.is_none(), piece.padding);
                let mut samples = piece.segment.samples;
                samples.clear();
                reuse(samples);
                if is_last {
                    self.write(run.bytes())?;
                    return Ok(Joined { output: self.output, tag: self.tag, padding });
                }
                before = Some(run);
            }
        }
        Err(Refusal::new(RefusalKind::Internal, "the encoding ended before the audio"))
    }

    /// Writes the run before a piece as far as it goes and answers the piece's frames that come behind.
    fn join(&mut self, before: Option<Run>, piece: &mut Piece) -> Result<Run, Refusal> {
        let common = piece.segment.prime_frames;
        let mut new = whole(std::mem::take(&mut piece.mp3), piece.segment.frames.map(|own| common + own))?;
        let Some(mut before) = before else { return Ok(new) };
        let is_variable = matches!(self.shape.quality, Quality::Variable(_));
        if let Some(left_out) = before.join(&new, common, is_variable) {
            new = new.skip(left_out);
        } else {
            // Rare, and dear: one more encoding.
            new = whole(worker::encode_apart(&self.shape, &piece.segment)?, piece.segment.frames)?;
        }
        self.write(before.bytes())?;
        Ok(new)
    }

    fn write(&mut self, mp3: &[u8]) -> Result<(), Refusal> {
        self.tag.feed(mp3).map_err(|_| not_frames())?;
        self.output.write(mp3).map_err(|cause| unwritten(&cause))?;
        if let Some(supervisor) = &self.supervisor {
            let samples = self.tag.frames() * self.frame_samples as u64;
            supervisor.progress(Pass::Encode, duration(samples, self.shape.rate), self.total);
        }
        Ok(())
    }
}

/// The frames of a piece, as many as there must be where that is known.
fn whole(mp3: Vec<u8>, frames: Option<usize>) -> Result<Run, Refusal> {
    let run = Run::of(mp3).ok_or_else(not_frames)?;
    match frames {
        Some(frames) if frames != run.frames() => {
            let detail = format!("{frames} frames were to come and {} came", run.frames());
            Err(Refusal::new(RefusalKind::Internal, detail))
        }
        _ => Ok(run),
    }
}

fn not_frames() -> Refusal {
    Refusal::new(RefusalKind::Internal, "the mp3 encoder made something else than frames")
}
