//! Matroska and `WebM`: the size of the Segment (RFC 8794 §6, RFC 9559 §5.1).

use super::truncated;
use crate::control::{Completeness, Refusal};

const SEGMENT: u64 = 0x1853_8067;

#[derive(Debug, Clone, Default)]
pub(super) struct Walker {
    /// Where the element ends that was seen last.
    end: u64,
    /// Where the Segment ends, if it says so.
    segment_end: Option<u64>,
}

impl Walker {
    pub(super) fn step(&mut self, at: u64, window: &[u8]) -> Option<u64> {
        let (id, id_bytes) = number(window, 4, false)?;
        let (size, size_bytes) = number(window.get(id_bytes..)?, 8, true)?;
        let is_unknown = size == (1 << (7 * size_bytes)) - 1;
        if is_unknown {
            return None;
        }
        self.end = at.checked_add((id_bytes + size_bytes) as u64)?.saturating_add(size);
        if id == SEGMENT {
            self.segment_end = Some(self.end);
            return None;
        }
        Some(self.end)
    }

    pub(super) fn judge(&self, bytes: u64) -> Result<Completeness, Refusal> {
        if self.end > bytes {
            return Err(truncated(self.end, bytes));
        }
        // Without a size, as in a live recording, nothing tells a whole file from a cut one.
        Ok(if self.segment_end.is_some() { Completeness::Complete } else { Completeness::Unknown })
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

    #[test]
    fn the_segment_must_be_reached_where_it_has_a_size() {
        let mut walker = Walker::default();
        let next = walker.step(0, b"\x1A\x45\xDF\xA3\x84....");
        assert_eq!(next, Some(9));
        assert_eq!(walker.step(9, b"\x18\x53\x80\x67\x01\0\0\0\0\0\0\x64...."), None);
        assert_eq!(walker.judge(121), Ok(Completeness::Complete));
        assert!(walker.judge(120).is_err());
        let mut live = Walker::default();
        assert_eq!(live.step(0, b"\x18\x53\x80\x67\x01\xFF\xFF\xFF\xFF\xFF\xFF\xFF"), None);
        assert_eq!(live.judge(5), Ok(Completeness::Unknown));
    }
}
