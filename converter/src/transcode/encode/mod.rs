//! The encoder, on a thread of its own.

mod lame;

use std::{
    panic::resume_unwind,
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use self::lame::Lame;
use super::{frame::FrameCounter, output::Output, pcm::Block, supervisor::Supervisor};
use crate::{
    control::{Head, Refusal, RefusalKind},
    options::Quality,
};

/// Blocks between the decoder and the encoder.
const BLOCKS_MAX: usize = 4;

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

/// A running encoder.
#[derive(Debug)]
pub(super) struct Encoding {
    blocks: SyncSender<Block>,
    thread: JoinHandle<Result<Encoded, Refusal>>,
}

impl Encoding {
    /// Starts to encode to `output`.
    pub(super) fn start(
        settings: Settings,
        output: Output,
        supervisor: Option<Arc<Supervisor>>,
    ) -> Result<Self, Refusal> {
        let lame = Lame::new(settings.rate, settings.channels, settings.quality)?;
        let (blocks, queue) = sync_channel(BLOCKS_MAX);
        let thread = thread::Builder::new()
            .name("encode".to_owned())
            .spawn(move || {
                Encoder { lame, settings, output, frames: FrameCounter::default() }.run(&queue, supervisor.as_deref())
            })
            .map_err(|cause| Refusal::new(RefusalKind::Internal, format!("no encoding thread: {cause}")))?;
        Ok(Self { blocks, thread })
    }

    /// Passes samples on; false where the encoder has ended, of which [`Self::finish`] tells the reason.
    pub(super) fn push(&self, block: Block) -> bool {
        self.blocks.send(block).is_ok()
    }

    /// Encodes the rest and answers what was made.
    pub(super) fn finish(self) -> Result<Encoded, Refusal> {
        let Self { blocks, thread } = self;
        drop(blocks);
        // A panic must end the process without a verdict.
        thread.join().unwrap_or_else(|panic| resume_unwind(panic))
    }
}

struct Encoder {
    lame: Lame,
    settings: Settings,
    output: Output,
    frames: FrameCounter,
}

impl Encoder {
    fn run(mut self, blocks: &Receiver<Block>, supervisor: Option<&Supervisor>) -> Result<Encoded, Refusal> {
        let rate = u64::from(self.settings.rate);
        let id3 = std::mem::take(&mut self.settings.id3);
        self.output.write(&id3).map_err(|cause| unwritten(&cause))?;
        let mut samples = 0;
        let mut mp3 = Vec::new();
        for Block { left, right } in blocks {
            self.lame.encode(&left, &right, &mut mp3)?;
            self.write(&mut mp3)?;
            samples += left.len() as u64;
            if let Some(supervisor) = supervisor {
                supervisor.progress(Duration::from_millis(samples * 1000 / rate), None);
            }
        }
        self.lame.flush(&mut mp3)?;
        self.write(&mut mp3)?;
        let frames = self.audio_frames(samples)?;
        let tag = self.lame.tag()?;
        let bytes = self.output.bytes();
        let head = self.output.finish(id3.len() as u64, &tag).map_err(|cause| unwritten(&cause))?;
        Ok(Encoded { samples, frames, bytes, head })
    }

    fn write(&mut self, mp3: &mut Vec<u8>) -> Result<(), Refusal> {
        self.frames.feed(mp3);
        self.output.write(mp3).map_err(|cause| unwritten(&cause))?;
        mp3.clear();
        Ok(())
    }

    /// Counts the frames in what was written and proves by it that no sample was lost or added.
    fn audio_frames(&self, samples: u64) -> Result<u64, Refusal> {
        // The first frame is the tag.
        let frames = self.frames.frames().and_then(|frames| frames.checked_sub(1));
        let audible = frames.and_then(|frames| {
            (frames * self.lame.frame_samples()).checked_sub(self.lame.delay() + self.lame.padding())
        });
        match frames {
            Some(frames) if audible == Some(samples) => Ok(frames),
            _ => Err(Refusal::new(
                RefusalKind::Internal,
                format!("the mp3 holds {audible:?} samples in {frames:?} frames instead of {samples}"),
            )),
        }
    }
}

fn unwritten(cause: &std::io::Error) -> Refusal {
    Refusal::new(RefusalKind::Internal, format!("the mp3 could not be written: {cause}"))
}
