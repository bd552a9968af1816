//! From mp3 to mp3 without encoding anew: the source's frames under a length tag of their own.

use std::sync::Arc;

use super::{
    convert::DurationLimit,
    decode::Frames,
    encode::{Encoded, unwritten},
    frame::FrameHeader,
    length_tag::LengthTag,
    output::Output,
    pcm::duration,
    supervisor::Supervisor,
};
use crate::control::{Pass, Refusal, RefusalKind};

/// Bytes that may be no frames, in percent of all, before the audio counts as damaged.
const STRAY_PERCENT_MAX: u64 = 1;
/// Stray bytes that are allowed in any case: a cut last frame, and tags that some programs put behind it.
const STRAY_BYTES_MIN: u64 = 8 * 1024;

/// Copies all frames to `output`, behind `id3`. Answers, too, whether there was anything between them.
pub(super) fn copy(
    frames: &mut Frames,
    id3: &[u8],
    mut output: Output,
    supervisor: Option<&Arc<Supervisor>>,
    limit: &DurationLimit,
) -> Result<(Encoded, bool), Refusal> {
    limit.check(frames.declared.unwrap_or(0))?;
    output.write(id3).map_err(|cause| unwritten(&cause))?;
    let mut copier = Copier { kind: frames.kind, output, tag: None, stray_bytes: 0 };
    let rate = frames.kind.rate;
    let in_time = |samples: u64| duration(samples, rate);
    let total = frames.declared.map(in_time);
    let mut pending = Vec::new();
    while frames.next(&mut pending)? {
        copier.take(&mut pending)?;
        let samples = frames.audible(copier.frames());
        limit.check(samples)?;
        if let Some(supervisor) = supervisor {
            supervisor.progress(Pass::Encode, in_time(samples), total);
        }
    }
    copier.stray_bytes += pending.len() as u64;
    let has_strays = copier.stray_bytes > 0;
    Ok((copier.finish(frames, id3.len() as u64)?, has_strays))
}

struct Copier {
    kind: FrameHeader,
    output: Output,
    /// Made of the first frame.
    tag: Option<LengthTag>,
    stray_bytes: u64,
}

/// What some bytes begin with.
enum Start {
    /// A frame of so many bytes.
    Frame(usize),
    /// What may become a frame with the bytes that follow.
    Cut,
    Stray,
}

impl Copier {
    fn frames(&self) -> u64 {
        self.tag.as_ref().map_or(0, LengthTag::frames)
    }

    /// Copies the whole frames at the start of `bytes` and leaves the rest.
    fn take(&mut self, bytes: &mut Vec<u8>) -> Result<(), Refusal> {
        let mut at = 0;
        loop {
            match self.start(&bytes[at..]) {
                Start::Frame(frame_bytes) => {
                    self.write(&bytes[at..at + frame_bytes])?;
                    at += frame_bytes;
                }
                Start::Cut => break,
                // A frame may begin with the next byte.
                Start::Stray => {
                    at += 1;
                    self.stray_bytes += 1;
                }
            }
        }
        bytes.drain(..at);
        Ok(())
    }

    fn start(&self, bytes: &[u8]) -> Start {
        if bytes.len() < FrameHeader::BYTES {
            return Start::Cut;
        }
        match FrameHeader::parse(bytes).filter(|header| header.continues(&self.kind)) {
            Some(header) if header.bytes > bytes.len() => Start::Cut,
            Some(header) => Start::Frame(header.bytes),
            None => Start::Stray,
        }
    }

    fn write(&mut self, frame: &[u8]) -> Result<(), Refusal> {
        let not_mp3 = || Refusal::new(RefusalKind::Damaged, "the audio holds no mp3 frames; try reencode=always");
        let tag = if let Some(tag) = &mut self.tag {
            tag
        } else {
            let tag = LengthTag::before(frame).ok_or_else(not_mp3)?;
            self.output.write(tag.frame()).map_err(|cause| unwritten(&cause))?;
            self.tag.insert(tag)
        };
        tag.feed(frame).map_err(|_| not_mp3())?;
        self.output.write(frame).map_err(|cause| unwritten(&cause))
    }

    fn finish(self, frames: &Frames, tag_offset: u64) -> Result<Encoded, Refusal> {
        let Self { output, tag, stray_bytes, .. } = self;
        let tag = tag.ok_or_else(|| Refusal::new(RefusalKind::NoAudio, "the audio track holds no audio"))?;
        let bytes = output.bytes();
        if stray_bytes > STRAY_BYTES_MIN.max(bytes / 100 * STRAY_PERCENT_MAX) {
            let detail = format!("the audio is damaged: {stray_bytes} bytes between its frames make no sense");
            return Err(Refusal::new(RefusalKind::Damaged, detail));
        }
        let count = tag.frames();
        let samples = frames.audible(count);
        let tag = tag.finish(frames.ends_of(count), None);
        let head = output.finish(tag_offset, &tag).map_err(|cause| unwritten(&cause))?;
        Ok(Encoded { samples, frames: count, bytes, head })
    }
}
