//! What is left to ffmpeg: as a decoder, or to take an mp3's frames out of their container.

mod messages;
mod process;
mod wav;

use std::io::Read as _;

use self::process::{Process, failed};
use super::Source;
use crate::{
    control::{Refusal, RefusalKind},
    transcode::mix::Position,
};

/// Read from ffmpeg at a time.
const READ_BYTES: usize = 64 * 1024;
/// A WAVE file of floats, all channels and the rate as the source has them, its tags in front.
const SAMPLES: [&str; 7] = ["-threads", "1", "-c:a", "pcm_f32le", "-f", "wav", "pipe:1"];
/// Bare frames.
const FRAMES: [&str; 12] = [
    "-map_metadata",
    "-1",
    "-c:a",
    "copy",
    "-write_xing",
    "0",
    "-id3v2_version",
    "0",
    "-write_id3v1",
    "0",
    "-f",
    "mp3",
];

/// A running ffmpeg that writes floats.
pub(super) struct Ffmpeg {
    process: Process,
    /// Hz.
    pub(super) rate: u32,
    pub(super) positions: Vec<Position>,
    pub(super) codec: String,
    /// The tags that the container has, as the body of a `LIST` chunk; empty where there are none.
    pub(super) info: Vec<u8>,
    /// Bytes of an incomplete sample are kept in front.
    buffer: Vec<u8>,
    kept: usize,
}

impl std::fmt::Debug for Ffmpeg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ffmpeg").field("rate", &self.rate).field("codec", &self.codec).finish_non_exhaustive()
    }
}

impl Ffmpeg {
    pub(super) fn open(source: &Source<'_>) -> Result<Self, Refusal> {
        let mut process = Process::start(source, &SAMPLES)?;
        let Some(head) = wav::read_head(&mut process.stdout).map_err(failed)? else {
            return Err(process.refusal(source));
        };
        let codec = process.codec().unwrap_or_else(|| "unknown".to_owned());
        let wav::Head { rate, mask, channels, info } = head;
        let positions = Position::of_mask(mask, channels.into());
        Ok(Self { process, rate, positions, codec, info, buffer: vec![0; READ_BYTES], kept: 0 })
    }

    /// Reads some samples into `planes`, one for each position; false at the end.
    pub(super) fn next(&mut self, planes: &mut Vec<Vec<f32>>) -> Result<bool, Refusal> {
        let read = self.process.stdout.read(&mut self.buffer[self.kept..]).map_err(broke_off)?;
        if read == 0 {
            return self.process.ended().map(|()| false);
        }
        let channels = self.positions.len();
        let (filled, frame_bytes) = (self.kept + read, 4 * channels);
        let whole = filled - filled % frame_bytes;
        let samples = self.buffer[..whole].as_chunks::<4>().0;
        planes.resize_with(channels, Vec::new);
        for (channel, plane) in planes.iter_mut().enumerate() {
            plane.clear();
            plane.extend(samples.iter().skip(channel).step_by(channels).map(|&bytes| f32::from_le_bytes(bytes)));
        }
        self.buffer.copy_within(whole..filled, 0);
        self.kept = filled - whole;
        Ok(true)
    }

    /// Whether it found fault with the audio; known at the end of that.
    pub(super) fn has_errors(&self) -> bool {
        self.process.has_errors
    }

    /// Ends it, at the end of the audio or before.
    pub(super) fn close(self) {
        self.process.close();
    }
}

/// A running ffmpeg that writes the frames of an mp3 track.
pub(super) struct FfmpegFrames {
    process: Process,
    buffer: Vec<u8>,
}

impl FfmpegFrames {
    pub(super) fn open(source: &Source<'_>) -> Result<Self, Refusal> {
        let process = Process::start(source, &[&FRAMES[..], &["pipe:1"]].concat())?;
        Ok(Self { process, buffer: vec![0; READ_BYTES] })
    }

    /// Appends some bytes; false at the end.
    pub(super) fn next(&mut self, bytes: &mut Vec<u8>) -> Result<bool, Refusal> {
        let read = self.process.stdout.read(&mut self.buffer).map_err(broke_off)?;
        if read == 0 {
            return self.process.ended().map(|()| false);
        }
        bytes.extend_from_slice(&self.buffer[..read]);
        Ok(true)
    }

    /// Whether it found fault with the container; known at the end of the audio.
    pub(super) fn has_errors(&self) -> bool {
        self.process.has_errors
    }

    pub(super) fn close(self) {
        self.process.close();
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn broke_off(cause: std::io::Error) -> Refusal {
    Refusal::new(RefusalKind::Internal, format!("ffmpeg broke off: {cause}"))
}
