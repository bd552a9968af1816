//! The `moov` box and what follows from it.

use super::{
    boxes::{BoxAt, children, descend, find, u32_at, word_at},
    track::{self, Track},
    user_data::{self, Subject},
};

/// Tracks of a movie that are looked at.
const TRACKS_MAX: usize = 1024;

/// What an mp4 declares.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Movie {
    /// The audio track that shall be chosen, counted from 1; absent: the first enabled one, else the first.
    pub(crate) wanted: Option<u16>,
    /// Whether a `moov` box came.
    pub(crate) is_read: bool,
    /// The chosen audio track; `None` where there is none.
    pub(crate) track: Option<Track>,
    /// Its place among the audio tracks.
    pub(crate) audio_index: usize,
    pub(crate) audio_tracks: usize,
    /// Units per second of [`super::track::Edits::duration`] and of `fragments_duration`.
    pub(crate) timescale: u32,
    pub(crate) is_fragmented: bool,
    /// Length of all fragments, where `mehd` has it; otherwise 0.
    pub(crate) fragments_duration: u64,
    /// First byte behind the media that the segment indexes speak of; 0 without any.
    pub(crate) indexed_end: u64,
    /// Texts about the movie, in the order in which they are believed.
    pub(crate) texts: Vec<(Subject, String)>,
    /// Whether each segment index speaks of a part only, so that nobody knows how many parts there are.
    pub(crate) has_partial_indexes: bool,
}

impl Movie {
    /// Reads a whole `moov` box and hides all tracks but one. A track that makes no sense is as good as none.
    pub(super) fn read(moov: &mut [u8], wanted: Option<u16>) -> Self {
        let whole = body(moov);
        let mut movie = Self { wanted, is_read: true, ..Self::default() };
        if let Some(mvhd) = find(moov, whole.clone(), *b"mvhd") {
            let is_wide = moov.get(mvhd.start) == Some(&1);
            movie.timescale = u32_at(moov, mvhd.start + if is_wide { 20 } else { 12 }).unwrap_or(0);
        }
        movie.texts = user_data::read(moov, whole.clone());
        let tracks: Vec<BoxAt> =
            children(moov, whole.clone()).filter(|found| &found.kind == b"trak").take(TRACKS_MAX).collect();
        let audio: Vec<_> = tracks
            .iter()
            .map(|trak| (trak, track::kind(moov, trak.body.clone())))
            .filter(|(_, kind)| kind.is_audio)
            .collect();
        let first_enabled = || audio.iter().position(|(_, kind)| kind.is_enabled).unwrap_or(0);
        let chosen = wanted.map_or_else(first_enabled, |wanted| usize::from(wanted).saturating_sub(1));
        let kept = audio.get(chosen).map(|(trak, _)| trak.start);
        movie.audio_index = chosen;
        movie.audio_tracks = audio.len();
        movie.track = audio.get(chosen).and_then(|(trak, _)| track::read(moov, trak.body.clone()));
        for other in tracks.iter().filter(|trak| Some(trak.start) != kept) {
            track::free(moov, other.start);
        }
        if let Some(mvex) = find(moov, whole, *b"mvex") {
            movie.is_fragmented = true;
            movie.fragments_duration = find(moov, mvex.clone(), *b"mehd")
                .and_then(|mehd| word_at(moov, mehd.start + 4, moov.get(mehd.start) == Some(&1)))
                .unwrap_or(0);
            let id = movie.track.as_ref().map_or(0, |track| track.id);
            track::free_others(moov, mvex, id, |bytes, trex| u32_at(bytes, trex.body.start + 4));
        }
        movie
    }

    /// Where in its media the track begins, in units of its own, for whoever reads the media without its edits. `None`
    /// where the edits are for the demuxer to follow.
    pub(crate) fn plain_start(&self) -> Option<u64> {
        let track = self.track.as_ref().filter(|track| track.is_mp4a && !self.is_fragmented)?;
        let edits = &track.edits;
        (edits.shown == 1 && !edits.is_odd && edits.duration > 0).then_some(edits.media_time)
    }

    /// Whether a segment index tells where all of the file ends.
    pub(crate) fn is_indexed(&self) -> bool {
        self.indexed_end > 0 && !self.has_partial_indexes
    }

    /// Hides the fragments of other tracks in a whole `moof` box.
    pub(super) fn filter_fragment(&self, moof: &mut [u8]) {
        let Some(track) = &self.track else { return };
        let whole = body(moof);
        track::free_others(moof, whole, track.id, |bytes, traf| {
            let tfhd = descend(bytes, traf.body.clone(), &[*b"tfhd"])?;
            u32_at(bytes, tfhd.start + 4)
        });
    }

    /// Reads a whole `sidx` box (ISO/IEC 14496-12 §8.16.3) that ends at `end` in the file.
    pub(super) fn read_segment_index(&mut self, sidx: &[u8], end: u64) {
        let start = body(sidx).start;
        let is_wide = sidx.get(start) == Some(&1);
        let (first_offset, references) = if is_wide { (20, 32) } else { (16, 24) };
        let Some(first_offset) = word_at(sidx, start + first_offset, is_wide) else { return };
        let sizes = sidx.get(start + references..).unwrap_or_default().chunks_exact(12);
        let count = sizes.len();
        let sum: u64 = sizes.filter_map(|entry| u32_at(entry, 0)).map(|size| u64::from(size & 0x7FFF_FFFF)).sum();
        let indexed_end = end.saturating_add(first_offset).saturating_add(sum);
        // An index of all of the file stands first and has an entry for each part; others stand before each part.
        self.has_partial_indexes |= count < 2 || (self.indexed_end > 0 && indexed_end > self.indexed_end);
        self.indexed_end = self.indexed_end.max(indexed_end);
    }

    /// Takes an index box in the order of the file; `end` is where it ends there.
    pub(super) fn take(&mut self, kind: [u8; 4], bytes: &mut [u8], end: u64) {
        match &kind {
            b"moov" => {
                let Self { indexed_end, has_partial_indexes, wanted, .. } = *self;
                *self = Self { indexed_end, has_partial_indexes, ..Self::read(bytes, wanted) };
            }
            b"moof" => self.filter_fragment(bytes),
            _ => self.read_segment_index(bytes, end),
        }
    }
}

/// The body of the one box that fills a buffer.
fn body(bytes: &[u8]) -> std::ops::Range<usize> {
    let header = if u32_at(bytes, 0) == Some(1) { 16 } else { 8 };
    header.min(bytes.len())..bytes.len()
}
