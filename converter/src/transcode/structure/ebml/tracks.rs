//! What a Matroska says of its audio tracks: where they begin and how long they are (RFC 9559 §5.1.4, §5.1.8).

use std::time::Duration;

use super::number;
use crate::transcode::structure::Told;

/// Most tracks and tags that are kept.
const KEPT_MAX: usize = 256;
/// Elements that are read.
pub(super) const TRACK_ENTRY: u64 = 0xAE;
pub(super) const TAG: u64 = 0x7373;
pub(super) const SIMPLE_BLOCK: u64 = 0xA3;
pub(super) const BLOCK: u64 = 0xA1;
const TIMESTAMP_SCALE: u64 = 0x002A_D7B1;
const DURATION: u64 = 0x4489;
const TRACK_NUMBER: u64 = 0xD7;
const TRACK_UID: u64 = 0x73C5;
const TRACK_TYPE: u64 = 0x83;
const TAG_TRACK_UID: u64 = 0x63C5;
const TAG_NAME: u64 = 0x45A3;
const TAG_STRING: u64 = 0x4487;
const CLUSTER_TIMESTAMP: u64 = 0xE7;
const AUDIO: u64 = 2;
/// Nanoseconds of a tick where none are told.
const SCALE: u64 = 1_000_000;

#[derive(Debug, Clone, Default)]
pub(super) struct Tracks {
    scale: Option<u64>,
    /// Of the longest track, in ticks.
    duration: Option<f64>,
    entries: Vec<Track>,
    /// UIDs of tracks and the durations that whoever wrote the file counted.
    counted: Vec<(u64, Duration)>,
    tag: Tag,
    cluster_ticks: u64,
}

#[derive(Debug, Clone, Default)]
struct Track {
    number: u64,
    uid: u64,
    kind: u64,
    /// Of its first block.
    start_ticks: Option<u64>,
}

#[derive(Debug, Clone, Default)]
struct Tag {
    uid: u64,
    is_duration: bool,
}

impl Tracks {
    /// An element with others in it begins.
    pub(super) fn enter(&mut self, id: u64) {
        match id {
            TRACK_ENTRY if self.entries.len() < KEPT_MAX => self.entries.push(Track::default()),
            TAG => self.tag = Tag::default(),
            _ => {}
        }
    }

    /// Takes an element without others in it; `body` is its start at least.
    pub(super) fn take(&mut self, id: u64, body: &[u8]) {
        match (id, self.entries.last_mut()) {
            (SIMPLE_BLOCK | BLOCK, _) => self.start(body),
            (CLUSTER_TIMESTAMP, _) => self.cluster_ticks = unsigned(body),
            (TRACK_NUMBER, Some(track)) => track.number = unsigned(body),
            (TRACK_UID, Some(track)) => track.uid = unsigned(body),
            (TRACK_TYPE, Some(track)) => track.kind = unsigned(body),
            (TIMESTAMP_SCALE, _) => self.scale = Some(unsigned(body)),
            (DURATION, _) => self.duration = float(body),
            (TAG_TRACK_UID, _) => self.tag.uid = unsigned(body),
            (TAG_NAME, _) => self.tag.is_duration = body == b"DURATION",
            (TAG_STRING, _) if self.tag.is_duration && self.counted.len() < KEPT_MAX => {
                let duration = std::str::from_utf8(body).ok().and_then(clock);
                self.counted.extend(duration.map(|duration| (self.tag.uid, duration)));
            }
            _ => {}
        }
    }

    /// A block tells where its track begins, where it is the first.
    fn start(&mut self, block: &[u8]) {
        let Some((number, length)) = number(block, 8, true) else { return };
        let Some(track) = self.entries.iter_mut().find(|track| track.number == number) else { return };
        if track.start_ticks.is_none()
            && let Some(&offset) = block.get(length..).and_then(|rest| rest.first_chunk())
        {
            track.start_ticks = Some(self.cluster_ticks.saturating_add_signed(i16::from_be_bytes(offset).into()));
        }
    }

    /// How long an audio track is, counted from 0.
    pub(super) fn told(&self, track: usize) -> Option<Told> {
        let found = self.entries.iter().filter(|entry| entry.kind == AUDIO).nth(track)?;
        let scale = self.scale.unwrap_or(SCALE);
        // ffmpeg counts from the start of the file, mkvmerge from that of the track: this never asks for too much.
        let after_start = |duration: Duration| {
            duration.saturating_sub(Duration::from_nanos(found.start_ticks.unwrap_or(0).saturating_mul(scale)))
        };
        let counted = self.counted.iter().find(|(uid, _)| found.uid != 0 && *uid == found.uid);
        if let Some(&(_, counted)) = counted {
            return Some(Told::OfAudio(after_start(counted)));
        }
        // A float may hold anything.
        #[expect(clippy::cast_precision_loss, reason = "a millionth does not matter")]
        let longest = Duration::try_from_secs_f64(self.duration? * scale as f64 / 1e9).ok()?;
        let is_alone = self.entries.len() == 1;
        Some(if is_alone { Told::OfAudio(after_start(longest)) } else { Told::OfLongest(after_start(longest)) })
    }
}

fn unsigned(body: &[u8]) -> u64 {
    body.iter().fold(0, |value, &byte| value << 8 | u64::from(byte))
}

fn float(body: &[u8]) -> Option<f64> {
    match body.len() {
        4 => body.first_chunk().map(|&bytes| f32::from_be_bytes(bytes).into()),
        8 => body.first_chunk().map(|&bytes| f64::from_be_bytes(bytes)),
        _ => None,
    }
}

/// `HH:MM:SS.NNNNNNNNN`, to the millisecond.
fn clock(text: &str) -> Option<Duration> {
    let text = text.trim_end_matches('\0');
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut seconds = 0_u64;
    for part in whole.split(':') {
        seconds = seconds.checked_mul(60)?.checked_add(part.parse().ok()?)?;
    }
    let ms = fraction.get(..3).map_or(Some(0), |ms| ms.parse().ok())?;
    Some(Duration::from_secs(seconds).saturating_add(Duration::from_millis(ms)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture and a sound that begins after 2 s, of a file of 10 s.
    fn tracks() -> Tracks {
        let mut tracks = Tracks::default();
        tracks.take(DURATION, &10_000_f64.to_be_bytes());
        for (number, kind) in [(1, 1), (2, 2)] {
            tracks.enter(TRACK_ENTRY);
            tracks.take(TRACK_NUMBER, &[number]);
            tracks.take(TRACK_UID, &[9, number]);
            tracks.take(TRACK_TYPE, &[kind]);
        }
        tracks.take(CLUSTER_TIMESTAMP, &[0x07, 0xC0]);
        tracks.take(SIMPLE_BLOCK, &[0x81, 0, 0, 0x80]);
        tracks.take(SIMPLE_BLOCK, &[0x82, 0, 16, 0x80]);
        tracks.take(SIMPLE_BLOCK, &[0x82, 1, 0, 0x80]);
        tracks
    }

    #[test]
    fn the_longest_track_says_little_of_the_audio() {
        assert_eq!(tracks().told(0), Some(Told::OfLongest(Duration::from_secs(8))));
        assert_eq!(tracks().told(1), None);
        let mut alone = tracks();
        alone.entries.remove(0);
        assert_eq!(alone.told(0), Some(Told::OfAudio(Duration::from_secs(8))));
    }

    #[test]
    fn a_tag_tells_the_duration_of_its_track() {
        let mut tracks = tracks();
        for (uid, duration) in [(1, "00:00:10.000"), (2, "00:00:06.500000000\0")] {
            tracks.enter(TAG);
            tracks.take(TAG_TRACK_UID, &[9, uid]);
            tracks.take(TAG_NAME, b"DURATION");
            tracks.take(TAG_STRING, duration.as_bytes());
            tracks.take(TAG_NAME, b"ENCODER");
            tracks.take(TAG_STRING, b"00:01:00");
        }
        assert_eq!(tracks.told(0), Some(Told::OfAudio(Duration::from_millis(4500))));
    }

    #[test]
    fn nonsense_is_no_duration() {
        assert_eq!(clock("01:02:03.5"), Some(Duration::from_secs(3723)));
        assert_eq!(clock("01:02:03.045"), Some(Duration::from_millis(3_723_045)));
        assert_eq!(clock("18446744073709551615.999"), Some(Duration::from_secs(u64::MAX) + Duration::from_millis(999)));
        for text in ["", "a", "1:-2", "99999999999999999:00:00", "00:00:01.00x"] {
            assert_eq!(clock(text), None, "{text}");
        }
        let mut endless = tracks();
        for duration in [f64::NAN, f64::INFINITY, -1.0, f64::MAX] {
            endless.duration = Some(duration);
            assert_eq!(endless.told(0), None, "{duration}");
        }
    }
}
