//! The length tag: a first frame without audio that tells how many frames, bytes and samples the mp3 has.
//!
//! It is the tag that Xing defined and LAME extended ("Mp3 Info Tag rev 1"); players take the exact length, the gapless
//! ends and the seek table from it.

mod seek_points;

use std::ops::Range;

use crc::{CRC_16_ARC, Crc, Digest, Table};

use self::seek_points::SeekPoints;
use crate::transcode::frame::{FrameHeader, first_frame};

/// The checksum of both the music and the tag; the table trades 4 KiB for several bytes at a time.
static CRC: Crc<u16, Table<16>> = Crc::<u16, Table<16>>::new(&CRC_16_ARC);
/// Bytes from the tag's name to its end: flags, counts, seek table, quality, and LAME's part.
const FIELDS_BYTES: usize = 156;
/// Flags: frames, bytes, seek table and quality are there.
const ALL_FIELDS: u32 = 0xF;
/// Stands for the encoder of frames that were copied. Players read LAME's part only where the name begins with LAME's.
const UNKNOWN_ENCODER: &[u8; 9] = b"LAME\0\0\0\0\0";
/// Entries of the seek table.
const SEEK_ENTRIES: usize = 100;
/// Offsets from the tag's name on.
const FLAGS: Range<usize> = 4..8;
const FRAMES: Range<usize> = 8..12;
const BYTES: Range<usize> = 12..16;
const SEEK_TABLE: usize = 16;
const ENCODER: Range<usize> = 120..129;
const PEAK: Range<usize> = 131..135;
const TRACK_GAIN: Range<usize> = 135..137;
const DELAYS: Range<usize> = 141..144;
const MUSIC_BYTES: Range<usize> = 148..152;
const MUSIC_CRC: Range<usize> = 152..154;
const TAG_CRC: Range<usize> = 154..156;

/// How much of an mp3's first and last frames is no audio.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Ends {
    /// Samples before the audio, by the encoder alone; at most [`Ends::MAX`].
    pub(super) delay: u16,
    /// Samples behind the audio; at most [`Ends::MAX`].
    pub(super) padding: u16,
}

impl Ends {
    /// Most samples that the tag's 12 bits tell.
    pub(super) const MAX: u16 = 0xFFF;
}

/// Whether a frame is a length tag: Xing's, or the one of Fraunhofer's encoder.
pub(super) fn is_tag(frame: &[u8]) -> bool {
    const VBRI: Range<usize> = 36..40;
    frame.get(VBRI) == Some(b"VBRI") || place_of(frame).is_some()
}

/// What a frame says of its mp3's ends, if it is a length tag that LAME's part belongs to.
pub(super) fn ends(frame: &[u8]) -> Option<Ends> {
    let fields = &frame[place_of(frame)?..];
    // Every field before LAME's part may be missing.
    let flags = u32::from_be_bytes(*fields.get(FLAGS)?.first_chunk()?);
    let sizes = [4, 4, SEEK_ENTRIES, 4];
    let lame = FLAGS.end + (0..4).filter(|bit| flags >> bit & 1 == 1).map(|bit| sizes[bit]).sum::<usize>();
    let delays = fields.get(lame + DELAYS.start - ENCODER.start..)?;
    let &[a, b, c, ..] = delays else { return None };
    let ends = Ends { delay: u16::from(a) << 4 | u16::from(b >> 4), padding: u16::from(b & 0xF) << 8 | u16::from(c) };
    (ends != Ends::default()).then_some(ends)
}

/// Where the tag's name begins.
fn place_of(frame: &[u8]) -> Option<usize> {
    let name = FrameHeader::BYTES + FrameHeader::parse(frame)?.side_info_bytes();
    matches!(frame.get(name..name + 4)?, b"Xing" | b"Info").then_some(name)
}

/// What players that even out loudness read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct TrackGain {
    /// Towards -18 LUFS, in dB.
    pub(super) gain_db: f64,
    /// Largest sample, 1 is full scale.
    pub(super) peak: f32,
}

/// The bytes of an mp3 hold something else than the frames that belong there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotAFrame;

/// The tag of one mp3, which learns of its frames as they are written.
pub(super) struct LengthTag {
    frame: Vec<u8>,
    /// Where the tag's name begins in its frame.
    name: usize,
    kind: FrameHeader,
    music: Digest<'static, u16, Table<16>>,
    bytes: u64,
    seeks: SeekPoints,
    is_constant: bool,
}

impl LengthTag {
    /// Takes the tag frame that LAME made, which names the encoder's settings. `None` where it is none.
    pub(super) fn of_lame(frame: Vec<u8>) -> Option<Self> {
        let kind = FrameHeader::parse(&frame).filter(|kind| kind.bytes == frame.len())?;
        let name = place_of(&frame)?;
        (frame.len() >= name + FIELDS_BYTES).then(|| Self::with(frame, name, kind))
    }

    /// A tag before frames that somebody else encoded, of which `first` is the first.
    pub(super) fn before(first: &[u8]) -> Option<Self> {
        let kind = FrameHeader::parse(first)?;
        let name = FrameHeader::BYTES + kind.side_info_bytes();
        // The lowest bit rate whose frames have room, and not below the audio's own, of which some players judge by it.
        let mut header: [u8; FrameHeader::BYTES] = *first.first_chunk()?;
        // No checksum, no padding: neither belongs to what is written here.
        (header[1], header[2]) = (header[1] | 1, header[2] & !2);
        let fitting = (header[2] >> 4..15).find_map(|index| {
            header[2] = index << 4 | header[2] & 0xF;
            FrameHeader::parse(&header).filter(|kind| kind.bytes >= name + FIELDS_BYTES)
        })?;
        let mut frame = vec![0; fitting.bytes];
        frame[..FrameHeader::BYTES].copy_from_slice(&header);
        let mut tag = Self::with(frame, name, kind);
        tag.put(0..4, b"Info");
        tag.put(FLAGS, &ALL_FIELDS.to_be_bytes());
        tag.put(ENCODER, UNKNOWN_ENCODER);
        Some(tag)
    }

    fn with(frame: Vec<u8>, name: usize, kind: FrameHeader) -> Self {
        Self { frame, name, kind, music: CRC.digest(), bytes: 0, seeks: SeekPoints::default(), is_constant: true }
    }

    /// The frame as it stands first in the mp3, to be replaced by what [`Self::finish`] answers.
    pub(super) fn frame(&self) -> &[u8] {
        &self.frame
    }

    /// Frames that were written.
    pub(super) fn frames(&self) -> u64 {
        self.seeks.frames()
    }

    /// Notes frames that are written, all of them whole.
    pub(super) fn feed(&mut self, mut mp3: &[u8]) -> Result<(), NotAFrame> {
        self.music.update(mp3);
        while !mp3.is_empty() {
            let (header, frame) = first_frame(&mut mp3).ok_or(NotAFrame)?;
            if !header.continues(&self.kind) {
                return Err(NotAFrame);
            }
            if self.seeks.frames() == 0 {
                self.kind.kbps = header.kbps;
            }
            self.is_constant &= header.kbps == self.kind.kbps;
            self.seeks.push(self.bytes);
            self.bytes += frame.len() as u64;
        }
        Ok(())
    }

    /// The finished tag frame; it is as long as [`Self::frame`]. Without `ends` players leave all samples in.
    pub(super) fn finish(mut self, ends: Option<Ends>, gain: Option<TrackGain>) -> Vec<u8> {
        let tag_bytes = self.frame.len() as u64;
        let total = tag_bytes + self.bytes;
        // Fields of 32 bits; nothing that is made here is longer.
        let word = |number: u64| u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes();
        let (frames, music) = (self.seeks.frames(), self.music.clone().finalize());
        if &self.frame[self.name..][ENCODER] == UNKNOWN_ENCODER && !self.is_constant {
            self.put(0..4, b"Xing");
        }
        self.put(FRAMES, &word(frames));
        self.put(BYTES, &word(total));
        for entry in 0..SEEK_ENTRIES {
            let frame = frames * entry as u64 / SEEK_ENTRIES as u64;
            let place = (tag_bytes + self.seeks.offset(frame)) * 256 / total;
            self.put(SEEK_TABLE + entry..SEEK_TABLE + entry + 1, &[u8::try_from(place).unwrap_or(u8::MAX)]);
        }
        // Whoever finds LAME's part takes the decoder's delay away as well, even where it says that there is no more.
        if ends.is_none() {
            self.put(ENCODER, &[0; ENCODER.end - ENCODER.start]);
        }
        let ends = ends.unwrap_or_default();
        let [d1, d2] = ends.delay.min(Ends::MAX).to_be_bytes();
        let [p1, p2] = ends.padding.min(Ends::MAX).to_be_bytes();
        self.put(DELAYS, &[d1 << 4 | d2 >> 4, d2 << 4 | p1, p2]);
        if let Some(gain) = gain {
            self.put(PEAK, &peak(gain.peak).to_be_bytes());
            self.put(TRACK_GAIN, &track_gain(gain.gain_db).to_be_bytes());
        }
        self.put(MUSIC_BYTES, &word(total));
        self.put(MUSIC_CRC, &music.to_be_bytes());
        let crc = CRC.checksum(&self.frame[..self.name + TAG_CRC.start]);
        self.put(TAG_CRC, &crc.to_be_bytes());
        self.frame
    }

    fn put(&mut self, field: Range<usize>, bytes: &[u8]) {
        self.frame[self.name..][field].copy_from_slice(bytes);
    }
}

/// Full scale is 2^23.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to what 32 bits hold")]
fn peak(peak: f32) -> u32 {
    (f64::from(peak.clamp(0.0, 255.0)) * f64::from(1 << 23)).round() as u32
}

/// Name 1 (track), originator 3 (made automatically), sign, and tenths of a decibel in 9 bits.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 9 bits")]
fn track_gain(gain_db: f64) -> u16 {
    let tenths = (gain_db.abs() * 10.0).round().min(511.0) as u16;
    1 << 13 | 3 << 10 | u16::from(gain_db < 0.0) << 9 | tenths
}

#[cfg(test)]
mod tests;
