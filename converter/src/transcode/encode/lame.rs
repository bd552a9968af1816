//! LAME, behind a safe face.
#![expect(unsafe_code, reason = "LAME is a C library; this file is the only way to it")]

use std::ptr::NonNull;

use mp3lame_sys as ffi;

use crate::{
    control::{Refusal, RefusalKind},
    options::Quality,
};

/// Space that one call may fill beyond 5/4 of its samples (LAME's `API` document).
const SLACK_BYTES: usize = 7200;
/// Longest tag frame, with room to spare.
const TAG_BYTES_MAX: usize = 8192;
/// Highest bit rates in kbit/s below 32 kHz (MPEG-2) and below 16 kHz (MPEG-2.5).
const MPEG2_KBPS_MAX: u16 = 160;
const MPEG25_KBPS_MAX: u16 = 64;

/// What an encoder makes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// Hz; one that MPEG audio has.
    pub(super) rate: u32,
    /// 1 or 2.
    pub(super) channels: u8,
    pub(super) quality: Quality,
}

/// What an mp3 of LAME begins with.
pub(super) enum FirstFrame {
    Tag(Vec<u8>),
    /// Frames of silence.
    Audio(Vec<u8>),
}

/// One encoder of one stretch of audio.
#[derive(Debug)]
pub(super) struct Lame {
    flags: NonNull<ffi::lame_global_flags>,
    channels: u8,
}

// SAFETY: the encoder's state belongs to this value alone and LAME keeps none per thread.
unsafe impl Send for Lame {}

impl Lame {
    /// An encoder whose output begins with the first frame of audio.
    pub(super) fn new(shape: &Shape) -> Result<Self, Refusal> {
        Self::open(shape, false)
    }

    /// The length tag's frame with the settings of such an encoder in it, and no counts. LAME makes none where its
    /// frames have no room for it, at bit rates below 64 kbit/s.
    pub(super) fn tag(shape: &Shape) -> Result<FirstFrame, Refusal> {
        let mut lame = Self::open(shape, true)?;
        // LAME makes none before it has encoded something.
        let silence = vec![0.0; 2 * lame.frame_samples()];
        let mut frames = Vec::new();
        lame.encode(&silence, &silence, &mut frames)?;
        lame.flush(&mut frames)?;
        let mut tag = vec![0; TAG_BYTES_MAX];
        // SAFETY: LAME writes at most `tag.len()` bytes and answers how many it wanted.
        let bytes = unsafe { ffi::lame_get_lametag_frame(lame.flags.as_ptr(), tag.as_mut_ptr(), tag.len()) };
        match bytes {
            0 => Ok(FirstFrame::Audio(frames)),
            _ if bytes > tag.len() => Err(failed()),
            _ => {
                tag.truncate(bytes);
                Ok(FirstFrame::Tag(tag))
            }
        }
    }

    fn open(&Shape { rate, channels, quality }: &Shape, has_tag: bool) -> Result<Self, Refusal> {
        let refused = || Refusal::new(RefusalKind::Internal, "the mp3 encoder could not be set up");
        let hertz = i32::try_from(rate).map_err(|_| refused())?;
        // SAFETY: takes no arguments; a null pointer is answered where memory is short.
        let flags = NonNull::new(unsafe { ffi::lame_init() }).ok_or_else(refused)?;
        let lame = Self { flags, channels };
        let g = lame.flags.as_ptr();
        let mode = if channels == 1 { ffi::MPEG_mode::MONO } else { ffi::MPEG_mode::JOINT_STEREO };
        // SAFETY: `g` is a live handle; these calls store plain numbers in it.
        let results = unsafe {
            let rate_control = match quality {
                Quality::Variable(level) => {
                    [ffi::lame_set_VBR(g, ffi::vbr_mode::vbr_mtrh), ffi::lame_set_VBR_quality(g, f32::from(level))]
                }
                Quality::Constant(kbps) => [
                    ffi::lame_set_VBR(g, ffi::vbr_mode::vbr_off),
                    ffi::lame_set_brate(g, i32::from(kbps.min(kbps_max(rate)))),
                ],
            };
            let stream = [
                ffi::lame_set_in_samplerate(g, hertz),
                ffi::lame_set_out_samplerate(g, hertz),
                ffi::lame_set_num_channels(g, i32::from(channels)),
                ffi::lame_set_mode(g, mode),
                ffi::lame_set_bWriteVbrTag(g, i32::from(has_tag)),
                ffi::lame_set_findReplayGain(g, 0),
                ffi::lame_init_params(g),
            ];
            rate_control.into_iter().chain(stream).min()
        };
        if results.is_some_and(|worst| worst < 0) { Err(refused()) } else { Ok(lame) }
    }

    /// Encodes samples from -1 to 1 and appends what frames are ready. `right` is not read where there is one channel.
    pub(super) fn encode(&mut self, left: &[f32], right: &[f32], mp3: &mut Vec<u8>) -> Result<(), Refusal> {
        let right = if self.channels == 1 { left } else { right };
        let samples = i32::try_from(left.len()).map_err(|_| failed())?;
        if right.len() != left.len() {
            return Err(failed());
        }
        append(mp3, left.len() * 5 / 4 + SLACK_BYTES, |space, bytes| {
            // SAFETY: both planes hold `samples` floats, and `space` has `bytes` bytes to fill.
            unsafe {
                let g = self.flags.as_ptr();
                ffi::lame_encode_buffer_ieee_float(g, left.as_ptr(), right.as_ptr(), samples, space, bytes)
            }
        })
    }

    /// Appends the last frames, of audio that ends here.
    pub(super) fn flush(&mut self, mp3: &mut Vec<u8>) -> Result<(), Refusal> {
        append(mp3, SLACK_BYTES, |space, bytes| {
            // SAFETY: `space` has `bytes` bytes to fill.
            unsafe { ffi::lame_encode_flush(self.flags.as_ptr(), space, bytes) }
        })
    }

    /// Appends what is left of the frames so far and empties the bit reservoir, of audio that goes on: whatever comes
    /// next can be decoded without what came before.
    pub(super) fn flush_reservoir(&mut self, mp3: &mut Vec<u8>) -> Result<(), Refusal> {
        append(mp3, SLACK_BYTES, |space, bytes| {
            // SAFETY: `space` has `bytes` bytes to fill.
            unsafe { ffi::lame_encode_flush_nogap(self.flags.as_ptr(), space, bytes) }
        })
    }

    /// Frames encoded so far, given away or not.
    pub(super) fn frames(&self) -> usize {
        // SAFETY: reads one number of a live handle.
        usize::try_from(unsafe { ffi::lame_get_frameNum(self.flags.as_ptr()) }).unwrap_or(0)
    }

    /// Samples of silence before the audio.
    pub(super) fn delay(&self) -> u16 {
        // SAFETY: reads one number of a live handle.
        u16::try_from(unsafe { ffi::lame_get_encoder_delay(self.flags.as_ptr()) }).unwrap_or(0)
    }

    /// Samples of silence behind the audio, known after [`Self::flush`].
    pub(super) fn padding(&self) -> u16 {
        // SAFETY: reads one number of a live handle.
        u16::try_from(unsafe { ffi::lame_get_encoder_padding(self.flags.as_ptr()) }).unwrap_or(0)
    }

    /// Samples per channel in one frame: 1152, or 576 below 32 kHz.
    pub(super) fn frame_samples(&self) -> usize {
        // SAFETY: reads one number of a live handle.
        usize::try_from(unsafe { ffi::lame_get_framesize(self.flags.as_ptr()) }).unwrap_or(0)
    }
}

impl Drop for Lame {
    fn drop(&mut self) {
        // SAFETY: the handle is live and not used again.
        unsafe { ffi::lame_close(self.flags.as_ptr()) };
    }
}

/// Lets `fill` write at most `bytes_max` bytes behind `mp3`; it answers how many, or a negative error.
fn append(mp3: &mut Vec<u8>, bytes_max: usize, fill: impl FnOnce(*mut u8, i32) -> i32) -> Result<(), Refusal> {
    let start = mp3.len();
    let space = i32::try_from(bytes_max).map_err(|_| failed())?;
    // Zeroed rather than reserved: it costs nothing beside the encoding, and no length is ever set unchecked.
    mp3.resize(start + bytes_max, 0);
    let written = usize::try_from(fill(mp3[start..].as_mut_ptr(), space)).ok().filter(|&n| n <= bytes_max);
    mp3.truncate(start + written.unwrap_or(0));
    written.map(drop).ok_or_else(failed)
}

fn kbps_max(rate: u32) -> u16 {
    match rate {
        0..16_000 => MPEG25_KBPS_MAX,
        16_000..32_000 => MPEG2_KBPS_MAX,
        _ => u16::MAX,
    }
}

fn failed() -> Refusal {
    Refusal::new(RefusalKind::Internal, "the mp3 encoder failed")
}
