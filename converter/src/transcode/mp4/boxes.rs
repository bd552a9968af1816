//! Boxes of ISO/IEC 14496-12 §4.2, in bytes that nobody vouches for.

use std::ops::Range;

/// The header of a box in a file or stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BoxHeader {
    pub(crate) kind: [u8; 4],
    /// Bytes of the header itself.
    pub(crate) header_bytes: u64,
    /// Bytes of the whole box; `None` where it lasts to the end of the file.
    pub(crate) bytes: Option<u64>,
}

impl BoxHeader {
    /// Longest header of a box.
    pub(crate) const BYTES_MAX: usize = 16;

    /// Reads a header; `None` where it is cut or smaller than itself.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let kind = *bytes.get(4..8)?.first_chunk()?;
        let (header_bytes, size) = match u32_at(bytes, 0)? {
            0 => return Some(Self { kind, header_bytes: 8, bytes: None }),
            1 => (16, u64_at(bytes, 8)?),
            size => (8, u64::from(size)),
        };
        (size >= header_bytes).then_some(Self { kind, header_bytes, bytes: Some(size) })
    }
}

/// A box inside a buffer.
#[derive(Debug, Clone)]
pub(super) struct BoxAt {
    pub(super) kind: [u8; 4],
    /// Where its header begins.
    pub(super) start: usize,
    pub(super) body: Range<usize>,
}

/// The boxes within `range`, up to the first that does not fit into it.
pub(super) fn children(bytes: &[u8], range: Range<usize>) -> impl Iterator<Item = BoxAt> {
    let end = range.end.min(bytes.len());
    let mut at = range.start;
    std::iter::from_fn(move || {
        let rest = bytes.get(at..end)?;
        let header = BoxHeader::parse(rest)?;
        let size = header.bytes.map_or(Some(rest.len()), |size| usize::try_from(size).ok())?;
        if size > rest.len() {
            return None;
        }
        let body = at + usize::try_from(header.header_bytes).ok()?..at + size;
        let found = BoxAt { kind: header.kind, start: at, body };
        at += size;
        Some(found)
    })
}

/// The first box of a kind within `range`.
pub(super) fn find(bytes: &[u8], range: Range<usize>, kind: [u8; 4]) -> Option<Range<usize>> {
    children(bytes, range).find(|found| found.kind == kind).map(|found| found.body)
}

/// The box that is reached by a path of kinds.
pub(super) fn descend(bytes: &[u8], range: Range<usize>, path: &[[u8; 4]]) -> Option<Range<usize>> {
    path.iter().try_fold(range, |range, &kind| find(bytes, range, kind))
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// A field that has 64 bits in version 1 of a box and 32 bits before.
pub(super) fn word_at(bytes: &[u8], at: usize, is_wide: bool) -> Option<u64> {
    if is_wide { u64_at(bytes, at) } else { u32_at(bytes, at).map(u64::from) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_all_sizes_are_read() {
        let header = |bytes: &[u8]| BoxHeader::parse(bytes).map(|header| (header.header_bytes, header.bytes));
        assert_eq!(header(b"\0\0\0\x10mdat"), Some((8, Some(16))));
        assert_eq!(header(b"\0\0\0\0mdat"), Some((8, None)));
        assert_eq!(header(b"\0\0\0\x01mdat\0\0\0\x01\0\0\0\0"), Some((16, Some(1 << 32))));
        assert_eq!(header(b"\0\0\0\x01mdat\0\0\0\0\0\0\0\x08"), None);
        assert_eq!(header(b"\0\0\0\x07mdat"), None);
        assert_eq!(header(b"\0\0\0\x08mda"), None);
    }

    #[test]
    fn children_end_where_one_does_not_fit() {
        let bytes = b"\0\0\0\x09aaaa.\0\0\0\x08bbbb\0\0\0\x09cccc";
        let kinds: Vec<_> = children(bytes, 0..bytes.len()).map(|found| found.kind).collect();
        assert_eq!(kinds, [*b"aaaa", *b"bbbb"]);
    }
}
