//! MP4 and `QuickTime`: which comes first, the index or the media.

use super::{Container, Sniffed};

/// Box types that a file of this family begins with.
const FIRST_BOXES: [&[u8; 4]; 10] =
    [b"ftyp", b"styp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"moof", b"sidx"];

/// Walks the top-level boxes to `moov` or `mdat`; `None` where the first one is of no known type.
pub(super) fn sniff(head: &[u8], can_grow: bool) -> Option<Sniffed> {
    let kind = head.get(4..8)?;
    if !FIRST_BOXES.iter().any(|known| &known[..] == kind) {
        return None;
    }
    let mut at = 0;
    Some(loop {
        let Some(header) = head.get(at..).filter(|rest| rest.len() >= 8) else {
            break if can_grow { Sniffed::NeedMore } else { Sniffed::Spool(Container::Mp4) };
        };
        match &header[4..8] {
            b"moov" | b"moof" => break Sniffed::Stream(Container::Mp4),
            b"mdat" => break Sniffed::Spool(Container::Mp4),
            _ => {}
        }
        // A box with a 64-bit size, one that lasts to the end, and nonsense all leave the order open.
        match u32::from_be_bytes([header[0], header[1], header[2], header[3]]) {
            0..8 => break Sniffed::Spool(Container::Mp4),
            size => at += size as usize,
        }
        if at >= super::HEAD_BYTES_MAX {
            break Sniffed::Spool(Container::Mp4);
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxes(list: &[(&[u8; 4], u32)]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (kind, size) in list {
            bytes.extend_from_slice(&size.to_be_bytes());
            bytes.extend_from_slice(&kind[..]);
            bytes.resize(bytes.len() + (*size as usize).saturating_sub(8).min(100), 0);
        }
        bytes
    }

    #[test]
    fn the_index_first_is_streamed_and_the_media_first_is_spooled() {
        let stream = Some(Sniffed::Stream(Container::Mp4));
        let spool = Some(Sniffed::Spool(Container::Mp4));
        assert_eq!(sniff(&boxes(&[(b"ftyp", 24), (b"moov", 900)]), true), stream);
        assert_eq!(sniff(&boxes(&[(b"moov", 900)]), true), stream);
        assert_eq!(sniff(&boxes(&[(b"ftyp", 24), (b"free", 8), (b"mdat", 900)]), true), spool);
        assert_eq!(sniff(&boxes(&[(b"ftyp", 24), (b"uuid", 1 << 20)]), true), spool);
        assert_eq!(sniff(&boxes(&[(b"ftyp", 3)]), true), spool);
        assert_eq!(sniff(&boxes(&[(b"ftyp", 24)]), true), Some(Sniffed::NeedMore));
        assert_eq!(sniff(&boxes(&[(b"ftyp", 24)]), false), spool);
        assert_eq!(sniff(b"\0\0\0\x18abcd", true), None);
    }
}
