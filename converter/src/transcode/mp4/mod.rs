//! The mp4 filter: every track but one audio track is hidden from whoever reads on.
//!
//! `trak`, `trex` and `traf` boxes of other tracks are renamed to `free`, which moves nothing. A demuxer then reads
//! audio only: a file of 2 GB costs 27 MB of reading, and a stream needs no seeks.

mod boxes;
mod extents;
mod movie;
mod overlay;
#[cfg(any(test, feature = "fuzzing"))]
pub(super) mod sample;
mod stream;
pub(super) mod track;
mod user_data;
mod walk;

pub(super) use self::{
    boxes::BoxHeader,
    movie::Movie,
    overlay::Overlay,
    stream::{Shared, StreamFilter},
    user_data::Subject,
    walk::{BOXES_MAX, Unwalked, too_many_boxes},
};

/// Longest `moov`, `moof` or `sidx` that is read.
pub(super) const INDEX_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// The index boxes, which are read as a whole and rewritten.
fn is_index(kind: [u8; 4]) -> bool {
    matches!(&kind, b"moov" | b"moof" | b"sidx")
}

#[cfg(test)]
mod tests;
