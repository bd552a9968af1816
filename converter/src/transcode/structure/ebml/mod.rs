//! Matroska and `WebM`: the size of the Segment, and every element down to the blocks (RFC 8794 §6, RFC 9559 §5.1).

mod tracks;

use self::tracks::{BLOCK, SIMPLE_BLOCK, TAG, TRACK_ENTRY, Tracks};
use super::{Told, truncated};
use crate::control::{Completeness, Refusal};

const SEGMENT: u64 = 0x1853_8067;
const CLUSTER: u64 = 0x1F43_B675;
const INFO: u64 = 0x1549_A966;
const TRACKS: u64 = 0x1654_AE6B;
const TAGS: u64 = 0x1254_C367;
const BLOCK_GROUP: u64 = 0xA0;
/// The other elements whose inner ones are of interest: the targets of a tag, and a name with its value.
const TARGETS: u64 = 0x63C0;
const SIMPLE_TAG: u64 = 0x67C8;
/// The other children of a Segment: `SeekHead`, `Cues`, `Attachments`, `Chapters`.
const OF_SEGMENT: [u64; 4] = [0x114D_9B74, 0x1C53_BB6B, 0x1941_A469, 0x1043_A770];
/// The children of a Cluster without its blocks: `Timestamp`, `SilentTracks`, `Position`, `PrevSize`, `EncryptedBlock`.
const OF_CLUSTER: [u64; 5] = [0xE7, 0x5854, 0xA7, 0xAB, 0xAF];
/// The children of a `BlockGroup` without its block: virtual and additional blocks, duration, references, the codec's
/// state, padding, slices and trick tracks.
const OF_BLOCK_GROUP: [u64; 10] = [0xA2, 0x75A1, 0x9B, 0xFA, 0xFB, 0xFD, 0xA4, 0x75A2, 0x8E, 0xC8];
/// `Void` and `CRC-32`, which may stand anywhere.
const ANYWHERE: [u64; 2] = [0xEC, 0xBF];

#[derive(Debug, Clone, Default)]
pub(super) struct Walker {
    /// Where the outermost element ends that was seen last.
    end: u64,
    /// Where the Segment ends, if it says so.
    segment_end: Option<u64>,
    /// The elements that are open, from the Segment on.
    parents: Vec<Parent>,
    tracks: Tracks,
    is_broken: bool,
}

#[derive(Debug, Clone, Copy)]
struct Parent {
    id: u64,
    /// Absent where it has no size.
    end: Option<u64>,
}

impl Walker {
    pub(super) fn step(&mut self, at: u64, window: &[u8]) -> Option<u64> {
        let is_within = !self.parents.is_empty();
        self.parents.retain(|parent| parent.end.is_none_or(|end| at < end));
        if is_within && self.parents.is_empty() {
            return None;
        }
        let next = self.element(at, window);
        // A header that nothing follows is cut, of which the Segment's size tells.
        self.is_broken |= next.is_none();
        next
    }

    fn element(&mut self, at: u64, window: &[u8]) -> Option<u64> {
        let (id, id_bytes) = number(window, 4, false)?;
        let (size, size_bytes) = number(window.get(id_bytes..)?, 8, true)?;
        let header_bytes = id_bytes + size_bytes;
        let is_unknown = size == (1 << (7 * size_bytes)) - 1;
        let end = at.checked_add(header_bytes as u64)?.saturating_add(size);
        let end = (!is_unknown).then_some(end);
        if self.parents.is_empty() {
            self.end = end.unwrap_or(self.end);
        }
        if id == SEGMENT {
            self.segment_end = end;
        }
        // What belongs to the Segment ends a Cluster without a size.
        if is_of_segment(id) {
            self.parents.retain(|parent| parent.id != CLUSTER || parent.end.is_some());
        }
        let room = self.parents.iter().filter_map(|parent| parent.end).min();
        let is_beyond = end.zip(room).is_some_and(|(end, room)| end > room);
        if is_beyond || self.parents.last().is_some_and(|parent| !may_hold(parent.id, id)) {
            return None;
        }
        if is_opened(id) {
            self.parents.push(Parent { id, end });
            self.tracks.enter(id);
            return Some(at + header_bytes as u64);
        }
        let body = window.get(header_bytes..).unwrap_or_default();
        self.tracks.take(id, &body[..usize::try_from(size).unwrap_or(usize::MAX).min(body.len())]);
        end
    }

    /// Whether there is something where an element should be.
    pub(super) fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// How long an audio track is, counted from 0.
    pub(super) fn told(&self, track: usize) -> Option<Told> {
        self.tracks.told(track)
    }

    pub(super) fn judge(&self, bytes: u64) -> Result<Completeness, Refusal> {
        if self.end > bytes {
            return Err(truncated(self.end, bytes));
        }
        // Without a size, as in a live recording, nothing tells a whole file from a cut one.
        Ok(if self.segment_end.is_some() { Completeness::Complete } else { Completeness::Unknown })
    }
}

fn is_of_segment(id: u64) -> bool {
    matches!(id, CLUSTER | INFO | TRACKS | TAGS) || OF_SEGMENT.contains(&id)
}

/// Whether the inner elements are walked through.
fn is_opened(id: u64) -> bool {
    matches!(id, SEGMENT | CLUSTER | INFO | TRACKS | TAGS | BLOCK_GROUP | TARGETS | SIMPLE_TAG | TRACK_ENTRY | TAG)
}

/// Whether an element is one that may stand in this other one. Where no audio is, anything may.
fn may_hold(parent: u64, id: u64) -> bool {
    ANYWHERE.contains(&id)
        || match parent {
            SEGMENT => is_of_segment(id),
            CLUSTER => matches!(id, SIMPLE_BLOCK | BLOCK_GROUP) || OF_CLUSTER.contains(&id),
            BLOCK_GROUP => id == BLOCK || OF_BLOCK_GROUP.contains(&id),
            _ => true,
        }
}

/// A number whose leading zero bits tell its length; `is_marked` leaves out the bit behind them.
pub(in crate::transcode) fn number(bytes: &[u8], bytes_max: usize, is_marked: bool) -> Option<(u64, usize)> {
    let first = *bytes.first()?;
    let length = first.leading_zeros() as usize + 1;
    if length > bytes_max {
        return None;
    }
    let value = bytes.get(..length)?.iter().fold(0, |value, &byte| value << 8 | u64::from(byte));
    Some((if is_marked { value & !(1 << (7 * length)) } else { value }, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(bytes: &[u8]) -> Walker {
        let (mut walker, mut at) = (Walker::default(), 0);
        while let Some(next) = walker.step(at as u64, &bytes[at..]).filter(|&next| next < bytes.len() as u64) {
            at = usize::try_from(next).expect("a small file");
        }
        walker
    }

    #[test]
    fn the_segment_must_be_reached_where_it_has_a_size() {
        let mut walker = Walker::default();
        let next = walker.step(0, b"\x1A\x45\xDF\xA3\x84....");
        assert_eq!(next, Some(9));
        assert_eq!(walker.step(9, b"\x18\x53\x80\x67\x01\0\0\0\0\0\0\x64...."), Some(21));
        assert_eq!(walker.judge(121), Ok(Completeness::Complete));
        assert!(walker.judge(120).is_err());
        assert_eq!(walker.step(121, b"anything"), None);
        assert!(!walker.is_broken());
        let mut live = Walker::default();
        assert_eq!(live.step(0, b"\x18\x53\x80\x67\x01\xFF\xFF\xFF\xFF\xFF\xFF\xFF"), Some(12));
        assert_eq!(live.judge(5), Ok(Completeness::Unknown));
    }

    #[test]
    fn a_hole_among_the_blocks_is_seen() {
        // Two Clusters of a time and two blocks each; the first has no size.
        let blocks = b"\xE7\x81\x01\xA3\x85\x81\0\0\x80.\xA0\x87\xA1\x85\x81\0\0\x80.";
        let clusters = [b"\x1F\x43\xB6\x75\xFF", &blocks[..], b"\x1F\x43\xB6\x75\x93", blocks, b"\xEC\x81."].concat();
        let size = u8::try_from(clusters.len()).expect("a small file") | 0x80;
        let whole = [&b"\x1A\x45\xDF\xA3\x80\x18\x53\x80\x67"[..], &[size], &clusters].concat();
        assert!(!walk(&whole).is_broken());
        // Over headers, and within the payload of blocks.
        for (hole, is_seen) in [(15..25, true), (24..25, false), (39..43, true), (49..58, true), (53..57, false)] {
            let mut holed = whole.clone();
            holed[hole.clone()].fill(0);
            assert_eq!(walk(&holed).is_broken(), is_seen, "{hole:?}");
            assert_eq!(walk(&holed).judge(whole.len() as u64), Ok(Completeness::Complete));
        }
        let mut longer = whole.clone();
        longer[19] = 0xFE;
        assert!(walk(&longer).is_broken());
    }
}
