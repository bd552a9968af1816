//! One `trak` box.

use std::ops::Range;

use super::{
    boxes::{BoxAt, children, descend, find, u16_at, u32_at, word_at},
    extents,
};

/// Entries of an edit list that are read.
const EDITS_MAX: usize = 1024;

/// What the audio track declares.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Track {
    pub(crate) id: u32,
    /// Units of `media_*` per second.
    pub(crate) media_timescale: u32,
    /// Before edits; 0 where it is not known.
    pub(crate) media_duration: u64,
    pub(crate) edits: Edits,
    /// Whether the first sample entry is `mp4a`: AAC of any kind, mostly.
    pub(crate) is_mp4a: bool,
    /// First byte behind the last sample; `None` where the tables contradict themselves.
    pub(crate) samples_end: Option<u64>,
}

/// The edit list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Edits {
    /// Edits that show media at normal speed.
    pub(crate) shown: usize,
    /// Whether there is any other, which is not merely a pause.
    pub(crate) is_odd: bool,
    /// Where the first one begins, in media units.
    pub(crate) media_time: u64,
    /// How long the first one is, in units of the movie; 0 means to the end.
    pub(crate) duration: u64,
}

/// What tells whether a track is wanted.
pub(super) struct Kind {
    pub(super) is_audio: bool,
    pub(super) is_enabled: bool,
}

pub(super) fn kind(bytes: &[u8], trak: Range<usize>) -> Kind {
    let handler = descend(bytes, trak.clone(), &[*b"mdia", *b"hdlr"]);
    let is_audio = handler.and_then(|hdlr| bytes.get(hdlr.start + 8..hdlr.start + 12)) == Some(b"soun");
    // The lowest bit of the flags (§8.3.2.3).
    let is_enabled = find(bytes, trak, *b"tkhd").and_then(|tkhd| bytes.get(tkhd.start + 3)).is_some_and(|f| f & 1 == 1);
    Kind { is_audio, is_enabled }
}

/// Reads the track; `None` where a box that every track has is missing or cut.
pub(super) fn read(bytes: &[u8], trak: Range<usize>) -> Option<Track> {
    let tkhd = find(bytes, trak.clone(), *b"tkhd")?.start;
    let id = u32_at(bytes, tkhd + if bytes.get(tkhd)? == &1 { 20 } else { 12 })?;
    let mdhd = descend(bytes, trak.clone(), &[*b"mdia", *b"mdhd"])?.start;
    let is_wide = bytes.get(mdhd)? == &1;
    let times = mdhd + if is_wide { 20 } else { 12 };
    let media_timescale = u32_at(bytes, times)?;
    let unknown = if is_wide { u64::MAX } else { u64::from(u32::MAX) };
    let media_duration = word_at(bytes, times + 4, is_wide).filter(|&duration| duration != unknown).unwrap_or(0);
    let edits = descend(bytes, trak.clone(), &[*b"edts", *b"elst"]).map(|elst| edits(bytes, elst)).unwrap_or_default();
    let stbl = descend(bytes, trak, &[*b"mdia", *b"minf", *b"stbl"])?;
    let entry = find(bytes, stbl.clone(), *b"stsd").and_then(|stsd| bytes.get(stsd.start + 12..stsd.start + 16));
    let is_mp4a = entry == Some(b"mp4a");
    let samples_end = extents::end(bytes, stbl);
    Some(Track { id, media_timescale, media_duration, edits, is_mp4a, samples_end })
}

fn edits(bytes: &[u8], elst: Range<usize>) -> Edits {
    let mut edits = Edits::default();
    let is_wide = bytes.get(elst.start) == Some(&1);
    let (word, entry_bytes) = if is_wide { (8, 20) } else { (4, 12) };
    let count = u32_at(bytes, elst.start + 4).map_or(0, |count| count as usize).min(EDITS_MAX);
    for entry in (0..count).map(|n| elst.start + 8 + n * entry_bytes) {
        if entry + entry_bytes > elst.end {
            break;
        }
        let (duration, time) = (word_at(bytes, entry, is_wide), word_at(bytes, entry + word, is_wide));
        let (Some(duration), Some(time)) = (duration, time) else { break };
        // -1 is a pause (§8.6.6.3).
        if time == if is_wide { u64::MAX } else { u64::from(u32::MAX) } {
            continue;
        }
        edits.is_odd |= u16_at(bytes, entry + 2 * word) != Some(1);
        if edits.shown == 0 {
            (edits.media_time, edits.duration) = (time, duration);
        }
        edits.shown += 1;
    }
    edits.is_odd |= edits.shown > 1;
    edits
}

/// Hides a box from demuxers.
pub(super) fn free(bytes: &mut [u8], start: usize) {
    if let Some(kind) = bytes.get_mut(start + 4..start + 8) {
        kind.copy_from_slice(b"free");
    }
}

/// Hides all boxes of `kind` within `range` that speak of another track; the track's id stands at `id_at`.
pub(super) fn free_others(bytes: &mut [u8], range: Range<usize>, keep: u32, id_of: fn(&[u8], &BoxAt) -> Option<u32>) {
    let others: Vec<usize> = children(bytes, range)
        .filter(|found| matches!(&found.kind, b"trex" | b"traf") && id_of(bytes, found) != Some(keep))
        .map(|found| found.start)
        .collect();
    for start in others {
        free(bytes, start);
    }
}
