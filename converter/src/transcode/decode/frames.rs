//! The frames of an mp3 track as they are, out of any container.

use super::{Source, ffmpeg::FfmpegFrames, native::Native};
use crate::{
    control::Refusal,
    transcode::{
        frame::{FrameHeader, first_frame},
        length_tag::{self, Ends},
    },
};

/// Bytes before the first frame of what ffmpeg takes for an mp3.
const FIRST_FRAME_BYTES_MAX: usize = 64 * 1024;

/// Frames in a row, all of one kind.
pub(in crate::transcode) struct Frames {
    demuxer: Demuxer,
    pub(in crate::transcode) kind: FrameHeader,
    /// Where the source tells them.
    pub(in crate::transcode) ends: Option<Ends>,
    /// Samples that the container declares.
    pub(in crate::transcode) declared: Option<u64>,
    /// Bytes that were read and not given away.
    pending: Vec<u8>,
}

/// Who takes the frames out of their container.
enum Demuxer {
    Native(Box<Native>),
    Ffmpeg(FfmpegFrames),
}

impl Frames {
    /// The frames of a track that is demuxed here; the track itself where they cannot be copied.
    pub(super) fn of_native(native: Box<Native>) -> Result<Result<Self, Box<Native>>, Refusal> {
        if native.codec != "mp3" || native.is_cut_deep() {
            return Ok(Err(native));
        }
        let kind = native.first_bytes().and_then(|mut bytes| {
            let (kind, _) = first_frame(&mut bytes).filter(|(kind, _)| kind.layer == 3)?;
            bytes.is_empty().then_some(kind)
        });
        let Some(kind) = kind else { return Ok(Err(native)) };
        let (ends, declared) = (native.ends(), native.declared);
        Self { demuxer: Demuxer::Native(native), kind, ends, declared, pending: Vec::new() }.without_tag().map(Ok)
    }

    /// The frames of a track that ffmpeg demuxes; `None` where they are not of layer III.
    pub(super) fn of_ffmpeg(source: &Source<'_>) -> Result<Option<Self>, Refusal> {
        let mut ffmpeg = FfmpegFrames::open(source)?;
        let mut pending = Vec::new();
        let kind = loop {
            let goes_on = ffmpeg.next(&mut pending)?;
            if let Some((kind, _)) = first_frame(&mut &pending[..]).filter(|(kind, _)| kind.layer == 3) {
                break kind;
            }
            if !goes_on || pending.len() > FIRST_FRAME_BYTES_MAX {
                ffmpeg.close();
                return Ok(None);
            }
        };
        Self { demuxer: Demuxer::Ffmpeg(ffmpeg), kind, ends: None, declared: None, pending }.without_tag().map(Some)
    }

    /// Drops a length tag of the source, which is no audio, and keeps what it says.
    fn without_tag(mut self) -> Result<Self, Refusal> {
        if self.pending.is_empty() {
            self.read()?;
        }
        let mut rest = &self.pending[..];
        if let Some((_, frame)) = first_frame(&mut rest).filter(|(_, frame)| length_tag::is_tag(frame)) {
            self.ends = self.ends.or(length_tag::ends(frame));
            let tag_bytes = frame.len();
            self.pending.drain(..tag_bytes);
        }
        Ok(self)
    }

    /// Appends some bytes, of which whole frames can be taken as soon as they are there; false at the end.
    pub(in crate::transcode) fn next(&mut self, bytes: &mut Vec<u8>) -> Result<bool, Refusal> {
        let goes_on = !self.pending.is_empty() || self.read()?;
        bytes.append(&mut self.pending);
        Ok(goes_on)
    }

    fn read(&mut self) -> Result<bool, Refusal> {
        match &mut self.demuxer {
            Demuxer::Native(native) => {
                let packet = native.next_bytes()?;
                self.pending.extend_from_slice(packet.as_deref().unwrap_or_default());
                Ok(packet.is_some())
            }
            Demuxer::Ffmpeg(ffmpeg) => ffmpeg.next(&mut self.pending),
        }
    }

    /// How much is no audio, of `frames` frames in all; `None` where nobody tells. Where only a duration is declared, the
    /// rest is padding.
    pub(in crate::transcode) fn ends_of(&self, frames: u64) -> Option<Ends> {
        let ends = self.ends?;
        let audible = (frames * u64::from(self.kind.samples)).saturating_sub(u64::from(ends.delay));
        let rest = self.declared.map_or(0, |declared| audible.saturating_sub(declared));
        let rest = u16::try_from(rest).ok().filter(|&rest| rest <= Ends::MAX);
        Some(Ends { padding: if ends.padding > 0 { ends.padding } else { rest.unwrap_or(0) }, ..ends })
    }

    /// Samples of the audio in `frames` frames.
    pub(in crate::transcode) fn audible(&self, frames: u64) -> u64 {
        let ends = self.ends_of(frames).unwrap_or_default();
        (frames * u64::from(self.kind.samples)).saturating_sub(u64::from(ends.delay) + u64::from(ends.padding))
    }

    /// Whether the demuxer found fault with the container; known at the end.
    pub(in crate::transcode) fn has_errors(&self) -> bool {
        match &self.demuxer {
            Demuxer::Native(_) => false,
            Demuxer::Ffmpeg(ffmpeg) => ffmpeg.has_errors(),
        }
    }

    /// Ends the reading, at the end of the audio or before.
    pub(in crate::transcode) fn close(self) {
        if let Demuxer::Ffmpeg(ffmpeg) = self.demuxer {
            ffmpeg.close();
        }
    }
}
