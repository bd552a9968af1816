//! What an AVI says of its length, and what of it is there (`OpenDML` AVI File Format Extensions 1.02).

use std::time::Duration;

use crate::transcode::structure::Told;

/// Most streams that are kept.
const STREAMS_MAX: usize = 256;
/// Frames that may be missing, in percent, before a part is.
const MISSING_PERCENT_MAX: u64 = 1;

#[derive(Debug, Clone, Default)]
pub(super) struct Avi {
    frame_micros: u32,
    /// Frames of the first outermost chunk.
    first_frames: u32,
    /// Frames of all of them, where there may be several.
    all_frames: u32,
    /// Frames that were seen.
    frames: u64,
    /// Durations of the audio streams.
    audio: Vec<Duration>,
    /// Where the last of the parts ends that an index of indexes names.
    pub(super) indexed_end: u64,
}

impl Avi {
    /// Takes a chunk; `body` is its start at least.
    pub(super) fn take(&mut self, kind: [u8; 4], body: &[u8]) {
        let number =
            |at: usize| body.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |b| u32::from_le_bytes(*b));
        match &kind {
            b"avih" => (self.frame_micros, self.first_frames) = (number(0), number(16)),
            b"dmlh" => self.all_frames = number(0),
            b"strh" if body.starts_with(b"auds") && self.audio.len() < STREAMS_MAX => {
                let (scale, rate, length) = (number(20), number(24), number(32));
                let ms = (u128::from(length) * u128::from(scale) * 1000).checked_div(rate.into()).unwrap_or(0);
                self.audio.push(Duration::from_millis(u64::try_from(ms).unwrap_or(u64::MAX)));
            }
            [_, _, b'd', b'c' | b'b'] => self.frames += 1,
            _ => {}
        }
    }

    /// Where the last entry of an index of indexes stands behind the chunk's header; `None` for any other.
    pub(super) fn last_entry(body: &[u8]) -> Option<u64> {
        const ENTRIES_AT: u64 = 24;
        const ENTRY_BYTES: u64 = 16;
        let &[.., kind, a, b, c, d] = body.first_chunk::<8>()?;
        let entries = u64::from(u32::from_le_bytes([a, b, c, d]));
        (kind == 0 && entries > 0).then(|| ENTRIES_AT + ENTRY_BYTES * (entries - 1))
    }

    /// Takes that entry: where an index is, and its size.
    pub(super) fn take_entry(&mut self, entry: &[u8]) {
        if let Some(&[a, b, c, d, e, f, g, h, i, j, k, l]) = entry.first_chunk() {
            let end =
                u64::from_le_bytes([a, b, c, d, e, f, g, h]).saturating_add(u32::from_le_bytes([i, j, k, l]).into());
            self.indexed_end = self.indexed_end.max(end);
        }
    }

    /// Whether a part is missing of an AVI that has several, by its own words.
    pub(super) fn misses_parts(&self) -> bool {
        let all = u64::from(self.all_frames);
        self.all_frames > self.first_frames && self.frames > 0 && self.frames + all * MISSING_PERCENT_MAX / 100 < all
    }

    /// How long an audio stream is, counted from 0.
    pub(super) fn told(&self, track: usize) -> Option<Told> {
        let audio = *self.audio.get(track)?;
        if !audio.is_zero() {
            return Some(Told::OfAudio(audio));
        }
        let micros = u64::from(self.frame_micros) * u64::from(self.all_frames.max(self.first_frames));
        Some(Told::OfLongest(Duration::from_micros(micros)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(fields: &[(usize, u32)]) -> Vec<u8> {
        let mut body = vec![0; 56];
        for &(at, value) in fields {
            body[at..at + 4].copy_from_slice(&value.to_le_bytes());
        }
        body
    }

    #[test]
    fn streams_tell_how_long_they_are() {
        let mut avi = Avi::default();
        avi.take(*b"avih", &header(&[(0, 40_000), (16, 75)]));
        let (picture, sound) = (u32::from_le_bytes(*b"vids"), u32::from_le_bytes(*b"auds"));
        avi.take(*b"strh", &header(&[(0, picture), (20, 1), (24, 25), (32, 75)]));
        avi.take(*b"strh", &header(&[(0, sound), (20, 1152), (24, 44_100), (32, 77)]));
        avi.take(*b"strh", &header(&[(0, sound), (20, 1)]));
        assert_eq!(avi.told(0), Some(Told::OfAudio(Duration::from_millis(2011))));
        assert_eq!(avi.told(1), Some(Told::OfLongest(Duration::from_secs(3))));
        assert_eq!(avi.told(2), None);
    }

    #[test]
    fn the_frames_of_a_missing_part_are_missed() {
        let mut avi = Avi::default();
        avi.take(*b"avih", &header(&[(16, 60)]));
        avi.take(*b"dmlh", &header(&[(0, 100)]));
        for _ in 0..60 {
            assert!(avi.frames == 0 || avi.misses_parts());
            avi.take(*b"00dc", b"");
        }
        assert!(avi.misses_parts());
        (60..99).for_each(|_| avi.take(*b"00db", b""));
        assert!(!avi.misses_parts());
    }

    #[test]
    fn only_an_index_of_indexes_names_parts() {
        assert_eq!(Avi::last_entry(b"\x04\0\0\0\x03\0\0\0"), Some(24 + 32));
        assert_eq!(Avi::last_entry(b"\x02\0\0\x01\x03\0\0\0"), None);
        assert_eq!(Avi::last_entry(b"\x04\0\0\0\0\0\0\0"), None);
        let mut avi = Avi::default();
        avi.take_entry(b"\x10\0\0\0\x01\0\0\0\x07\0\0\0....");
        assert_eq!(avi.indexed_end, 0x1_0000_0017);
    }
}
