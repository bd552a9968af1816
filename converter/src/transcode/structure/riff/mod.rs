//! WAVE, AVI and AIFF: the sizes of the chunks.

mod avi;

use self::avi::Avi;
use super::{Told, truncated};
use crate::control::{Completeness, Refusal, RefusalKind};

/// Sizes that programs write which could not go back to fill them in: nothing, and as much as may be, without a header.
const UNFILLED: u32 = 0x7FFF_F000;
/// By so much a size may be too large where its writer counted headers in, or counted them twice.
const MISCOUNTED_BYTES: u64 = 128;

#[derive(Debug, Clone, Default)]
pub(super) struct Walker {
    is_big_endian: bool,
    /// Where the last outermost chunk ends, and the samples.
    end: u64,
    is_unknown: bool,
    is_broken: bool,
    /// The chunks that are open, by their ends.
    parents: Vec<u64>,
    /// What follows the entry of an index that is looked at next.
    behind_entry: Option<u64>,
    avi: Avi,
}

impl Walker {
    pub(super) fn little_endian() -> Self {
        Self::default()
    }

    pub(super) fn big_endian() -> Self {
        Self { is_big_endian: true, ..Self::default() }
    }

    pub(super) fn step(&mut self, at: u64, window: &[u8]) -> Option<u64> {
        if let Some(behind) = self.behind_entry.take() {
            self.avi.take_entry(window);
            return Some(behind);
        }
        let outermost = self.parents.first().copied();
        self.parents.retain(|&end| at < end);
        let Some(&[a, b, c, d, ref size @ ..]) = window.first_chunk::<8>() else {
            self.is_broken |= !self.parents.is_empty();
            return None;
        };
        let (kind, size) = ([a, b, c, d], *size);
        let size = if self.is_big_endian { u32::from_be_bytes(size) } else { u32::from_le_bytes(size) };
        match (self.parents.last(), outermost) {
            (Some(&parent), Some(outermost)) => {
                let next = self.inner(at, (kind, size), parent, window.get(8..)?);
                // The other outermost chunks may be whole.
                Some(next.unwrap_or_else(|| {
                    self.parents.clear();
                    outermost + outermost % 2
                }))
            }
            _ => self.outermost(at, kind, size),
        }
    }

    /// Large AVI files are several chunks in a row (`OpenDML`); anything else behind the first is none of it.
    fn outermost(&mut self, at: u64, kind: [u8; 4], size: u32) -> Option<u64> {
        if !matches!(&kind, b"RIFF" | b"RF64" | b"FORM") {
            return None;
        }
        if is_unfilled(size) {
            self.is_unknown = true;
            return None;
        }
        self.end = at.saturating_add(8 + u64::from(size));
        self.parents.push(self.end);
        Some(at + 12)
    }

    /// A chunk within one that ends at `parent`; `None` where it is nonsense.
    fn inner(&mut self, at: u64, (kind, size): ([u8; 4], u32), parent: u64, body: &[u8]) -> Option<u64> {
        let end = at.saturating_add(8 + u64::from(size));
        let is_samples = matches!(&kind, b"data" | b"SSND");
        if is_samples && is_unfilled(size) && end > parent {
            self.is_unknown = true;
            return None;
        }
        if end > parent || !kind.iter().all(|byte| matches!(byte, b' '..=b'~')) {
            if is_samples && end > parent + MISCOUNTED_BYTES {
                self.end = self.end.max(end);
            }
            self.is_broken = true;
            return None;
        }
        let body = &body[..body.len().min(size as usize)];
        let form = body.first_chunk().filter(|_| &kind == b"LIST");
        if matches!(form, Some(b"hdrl" | b"strl" | b"odml" | b"movi" | b"rec ")) {
            self.parents.push(end);
            return Some(at + 12);
        }
        self.avi.take(kind, body);
        let behind = end + u64::from(size % 2);
        if let Some(entry) = Avi::last_entry(body).filter(|&entry| &kind == b"indx" && entry < size.into()) {
            self.behind_entry = Some(behind);
            return Some(at + 8 + entry);
        }
        Some(behind)
    }

    /// Whether there is something where a chunk should be.
    pub(super) fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// How long an audio stream is, counted from 0.
    pub(super) fn told(&self, track: usize) -> Option<Told> {
        self.avi.told(track)
    }

    pub(super) fn judge(&self, bytes: u64) -> Result<Completeness, Refusal> {
        let end = self.end.max(self.avi.indexed_end);
        if end > bytes {
            return Err(truncated(end, bytes));
        }
        if self.avi.misses_parts() && !self.is_broken {
            return Err(Refusal::new(RefusalKind::Truncated, "the video is cut: frames of its last parts are missing"));
        }
        Ok(if self.is_unknown { Completeness::Unknown } else { Completeness::Complete })
    }
}

fn is_unfilled(size: u32) -> bool {
    matches!(size, 0 | u32::MAX | UNFILLED..=0x7FFF_FFFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(mut walker: Walker, bytes: &[u8]) -> Walker {
        let mut at = 0;
        while let Some(next) = walker.step(at as u64, &bytes[at..]).filter(|&next| next < bytes.len() as u64) {
            assert!(next > at as u64);
            at = usize::try_from(next).expect("a small file");
        }
        walker
    }

    #[test]
    fn the_outermost_chunk_must_be_whole() {
        let mut walker = Walker::little_endian();
        assert_eq!(walker.step(0, b"RIFF\x05\0\0\0WAVE"), Some(12));
        assert_eq!(walker.judge(13), Ok(Completeness::Complete));
        assert!(walker.judge(12).is_err());
        for unfilled in [b"RIFF\0\0\0\0WAVE", b"RIFF\xFF\xFF\xFF\xFFWAVE", b"RIFF\x24\xF0\xFF\x7FWAVE"] {
            let mut open = Walker::little_endian();
            assert_eq!(open.step(0, unfilled), None);
            assert_eq!(open.judge(12), Ok(Completeness::Unknown));
        }
    }

    #[test]
    fn the_samples_must_be_whole() {
        let wave =
            |size: u32| [&b"RIFF\x20\0\0\0WAVEfmt \x04\0\0\0....data"[..], &size.to_le_bytes(), b"........"].concat();
        let aiff =
            |size: u32| [&b"FORM\0\0\0\x20AIFFCOMM\0\0\0\x04....SSND"[..], &size.to_be_bytes(), b"........"].concat();
        for (size, completeness, is_broken) in [
            (8, Some(Completeness::Complete), false),
            (1000, None, true),
            (0x7FFF_F000, Some(Completeness::Unknown), false),
            (u32::MAX, Some(Completeness::Unknown), false),
            // Nonsense behind shorter samples; and a header that was counted in.
            (4, Some(Completeness::Complete), true),
            (52, Some(Completeness::Complete), true),
        ] {
            for (walker, bytes) in [(Walker::little_endian(), wave(size)), (Walker::big_endian(), aiff(size))] {
                let walker = walk(walker, &bytes);
                assert_eq!(walker.judge(bytes.len() as u64).ok(), completeness, "{size}");
                assert_eq!(walker.is_broken(), is_broken, "{size}");
            }
        }
    }
}
