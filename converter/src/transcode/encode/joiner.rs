//! Joins the pieces of all workers to one mp3.

use std::{
    collections::BTreeMap,
    sync::{Arc, mpsc::Receiver},
    time::Duration,
};

use super::{unwritten, worker::Piece};
use crate::{
    control::{Refusal, RefusalKind},
    transcode::{output::Output, pcm::Block, supervisor::Supervisor, tag::xing::LengthTag},
};

/// Writes pieces in the order of their segments.
pub(super) struct Joiner {
    pub(super) output: Output,
    pub(super) tag: LengthTag,
    pub(super) supervisor: Option<Arc<Supervisor>>,
    pub(super) rate: u32,
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
        let mut early = BTreeMap::new();
        let mut next = 0;
        for piece in pieces {
            let piece = piece?;
            early.insert(piece.index, piece);
            while let Some(Piece { mp3, frames, padding, samples, .. }) = early.remove(&next) {
                next += 1;
                self.write(&mp3, frames)?;
                reuse(samples);
                if frames.is_none() {
                    return Ok(Joined { output: self.output, tag: self.tag, padding });
                }
            }
        }
        Err(Refusal::new(RefusalKind::Internal, "the encoding ended before the audio"))
    }

    fn write(&mut self, mp3: &[u8], frames: Option<usize>) -> Result<(), Refusal> {
        let before = self.tag.frames();
        let is_sound = self.tag.feed(mp3).is_ok();
        let written = self.tag.frames() - before;
        if !is_sound || frames.is_some_and(|frames| frames as u64 != written) {
            let detail = format!("{frames:?} frames were to come and {written} came");
            return Err(Refusal::new(RefusalKind::Internal, detail));
        }
        self.output.write(mp3).map_err(|cause| unwritten(&cause))?;
        if let Some(supervisor) = &self.supervisor {
            let encoded_ms = self.tag.frames() * self.frame_samples as u64 * 1000 / u64::from(self.rate);
            supervisor.progress(Duration::from_millis(encoded_ms), self.total);
        }
        Ok(())
    }
}
