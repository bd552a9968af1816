//! WAVE, AVI and AIFF: the size of the outermost chunk.

use super::truncated;
use crate::control::{Completeness, Refusal};

#[derive(Debug, Clone)]
pub(super) struct Walker {
    is_big_endian: bool,
    /// Where the last outermost chunk ends.
    end: u64,
    is_unknown: bool,
}

impl Walker {
    pub(super) fn little_endian() -> Self {
        Self { is_big_endian: false, end: 0, is_unknown: false }
    }

    pub(super) fn big_endian() -> Self {
        Self { is_big_endian: true, ..Self::little_endian() }
    }

    pub(super) fn step(&mut self, at: u64, window: &[u8]) -> Option<u64> {
        // Large AVI files are several chunks in a row (OpenDML); anything else behind the first is none of it.
        if !matches!(window.get(..4)?, b"RIFF" | b"RF64" | b"FORM") {
            return None;
        }
        let size = *window.get(4..)?.first_chunk()?;
        let size = if self.is_big_endian { u32::from_be_bytes(size) } else { u32::from_le_bytes(size) };
        // What a program writes that could not go back to fill the size in.
        if matches!(size, 0 | u32::MAX) {
            self.is_unknown = true;
            return None;
        }
        self.end = at.saturating_add(8 + u64::from(size));
        Some(self.end + u64::from(size % 2))
    }

    pub(super) fn judge(&self, bytes: u64) -> Result<Completeness, Refusal> {
        if self.end > bytes {
            return Err(truncated(self.end, bytes));
        }
        Ok(if self.is_unknown { Completeness::Unknown } else { Completeness::Complete })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outermost_chunk_must_be_whole() {
        let mut walker = Walker::little_endian();
        assert_eq!(walker.step(0, b"RIFF\x05\0\0\0WAVE"), Some(14));
        assert_eq!(walker.judge(13), Ok(Completeness::Complete));
        assert!(walker.judge(12).is_err());
        let mut open = Walker::little_endian();
        assert_eq!(open.step(0, b"RIFF\xFF\xFF\xFF\xFFWAVE"), None);
        assert_eq!(open.judge(12), Ok(Completeness::Unknown));
    }
}
