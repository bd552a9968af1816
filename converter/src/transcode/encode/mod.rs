//! The encoder: segments of the audio are encoded side by side and spliced in order.
//!
//! ```text
//! push ─▶ Segmenter ─▶ workers, each with a LAME of its own ─▶ Joiner ─▶ Output
//!             ▲                                                  │
//!             └────────────────── used blocks ◀──────────────────┘
//! ```

mod crew;
mod joiner;
mod lame;
mod segment;
mod splice;
mod worker;

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::Ordering,
        mpsc::{Receiver, sync_channel},
    },
    thread,
    time::Duration,
};

use self::{
    crew::Crew,
    joiner::{Joined, Joiner},
    lame::{FirstFrame, Lame, Shape},
    segment::{Segment, Segmenter},
};
use super::{
    length_tag::{Ends, LengthTag, TrackGain},
    output::Output,
    pcm::Block,
    supervisor::Supervisor,
};
use crate::{
    control::{Head, Refusal, RefusalKind},
    options::Quality,
};

/// Blocks beside those that are being encoded: the one that is filled, and then waits for the next free worker.
const SPARE_BLOCKS: usize = 1;

/// What the mp3 shall be.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    /// Hz; one that MPEG audio has.
    pub(super) rate: u32,
    /// 1 or 2.
    pub(super) channels: u8,
    pub(super) quality: Quality,
    /// Written before the audio.
    pub(super) id3: Vec<u8>,
    /// Threads that encode; the mp3 is the same for any number.
    pub(super) workers: usize,
    /// Length of the audio, where it is known beforehand; for nothing but progress.
    pub(super) total: Option<Duration>,
}

/// A finished mp3.
#[derive(Debug)]
pub(super) struct Encoded {
    pub(super) samples: u64,
    pub(super) frames: u64,
    pub(super) bytes: u64,
    /// The length tag, where [`Output`] could not write it itself.
    pub(super) head: Option<Head>,
}

/// A running encoder. Dropped before [`Self::finish`] it leaves no thread behind, and nothing is written any more.
pub(super) struct Encoding {
    segmenter: Segmenter,
    samples: u64,
    frame_samples: usize,
    delay: u16,
    tag_offset: u64,
    /// Blocks to fill, from the joiner.
    blocks: Receiver<Block>,
    crew: Crew,
}

impl Encoding {
    /// Starts to encode to `output`.
    pub(super) fn start(
        settings: Settings,
        mut output: Output,
        supervisor: Option<Arc<Supervisor>>,
    ) -> Result<Self, Refusal> {
        let Settings { rate, channels, quality, id3, workers, total } = settings;
        let shape = Shape { rate, channels, quality };
        let lame = Lame::new(&shape)?;
        let (frame_samples, delay) = (lame.frame_samples(), lame.delay());
        let tag = match Lame::tag(&shape)? {
            FirstFrame::Tag(tag) => LengthTag::of_lame(tag),
            FirstFrame::Audio(frames) => LengthTag::before(&frames),
        };
        let tag =
            tag.ok_or_else(|| Refusal::new(RefusalKind::Internal, "the encoder's length tag is not known here"))?;
        output.write(&id3).and_then(|()| output.write(tag.frame())).map_err(|cause| unwritten(&cause))?;

        let (segments, queue) = sync_channel(workers);
        let (pieces, encoded) = sync_channel(workers);
        // There are so many blocks and no more, which bounds the memory of all that is under way. The segmenter has one.
        let (used, blocks) = sync_channel(workers + SPARE_BLOCKS);
        for _ in 0..workers + SPARE_BLOCKS - 1 {
            let _ = used.try_send(Block::default());
        }
        let queue = Arc::new(Mutex::new(queue));
        let mut crew = Crew::new(segments);
        for _ in 0..workers {
            let (queue, pieces, is_abandoned) = (Arc::clone(&queue), pieces.clone(), crew.is_abandoned());
            let worker = thread::Builder::new().name("encode".to_owned()).spawn(move || {
                while let Some(segment) = next(&queue).filter(|_| !is_abandoned.load(Ordering::Acquire)) {
                    // A worker that just ended would leave the joiner waiting for its piece for ever.
                    let piece = catch_unwind(AssertUnwindSafe(|| worker::encode(&shape, segment)));
                    let defect = |_| Err(Refusal::new(RefusalKind::Internal, "the encoder has a defect"));
                    if pieces.send(piece.unwrap_or_else(defect)).is_err() {
                        return;
                    }
                }
            });
            crew.workers.push(worker.map_err(|cause| no_thread(&cause))?);
        }
        // The workers' own are all that is left: with the last of them the joiner ends.
        drop((queue, pieces));
        let joiner = Joiner { shape, output, tag, supervisor, frame_samples, total };
        let reuse = move |block| {
            // Nobody needs it any more where the input has ended.
            let _ = used.try_send(block);
        };
        let joiner = thread::Builder::new().name("join".to_owned()).spawn(move || joiner.run(&encoded, reuse));
        crew.joiner = Some(joiner.map_err(|cause| no_thread(&cause))?);
        Ok(Self {
            segmenter: Segmenter::new(quality, frame_samples),
            samples: 0,
            frame_samples,
            delay,
            tag_offset: id3.len() as u64,
            blocks,
            crew,
        })
    }

    /// Passes samples on; false where the encoder has ended, of which [`Self::finish`] tells the reason.
    pub(super) fn push(&mut self, block: &Block) -> bool {
        self.samples += block.left.len() as u64;
        self.segmenter.push(block);
        while self.segmenter.is_ready() {
            if !self.crew.pass(self.segmenter.cut()) {
                return false;
            }
            let Ok(block) = self.blocks.recv() else { return false };
            self.segmenter.resume(block);
        }
        true
    }

    /// Encodes the rest and answers what was made.
    pub(super) fn finish(mut self, gain: Option<TrackGain>) -> Result<Encoded, Refusal> {
        loop {
            let (segment, is_last) = self.segmenter.cut_tail();
            if !self.crew.pass(segment) || is_last {
                break;
            }
            let Ok(block) = self.blocks.recv() else { break };
            self.segmenter.resume(block);
        }
        let Self { samples, frame_samples, delay, tag_offset, blocks, crew, .. } = self;
        drop(blocks);
        let Joined { output, tag, padding } = crew.finish()?;
        let frames = tag.frames();
        // By this no sample was lost or added.
        let audible = (frames * frame_samples as u64).checked_sub(u64::from(delay) + u64::from(padding));
        if audible != Some(samples) {
            let detail = format!("the mp3 holds {audible:?} samples in {frames} frames instead of {samples}");
            return Err(Refusal::new(RefusalKind::Internal, detail));
        }
        let bytes = output.bytes();
        let tag = tag.finish(Some(Ends { delay, padding }), gain);
        let head = output.finish(tag_offset, &tag).map_err(|cause| unwritten(&cause))?;
        Ok(Encoded { samples, frames, bytes, head })
    }
}

/// The next segment of whoever asks first; `None` once there are no more.
fn next(queue: &Mutex<Receiver<Segment>>) -> Option<Segment> {
    queue.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

fn no_thread(cause: &io::Error) -> Refusal {
    Refusal::new(RefusalKind::Internal, format!("no encoding thread: {cause}"))
}

/// The refusal where standard output takes no more.
pub(super) fn unwritten(cause: &io::Error) -> Refusal {
    Refusal::new(RefusalKind::Internal, format!("the mp3 could not be written: {cause}"))
}

#[cfg(test)]
mod tests;
