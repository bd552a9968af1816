//! MPEG streams that begin with a sync word instead of a magic.

use super::{Container, HEAD_BYTES_MAX, Sniffed};
use crate::transcode::frame::FrameHeader;

/// Packet length of a transport stream (ISO/IEC 13818-1 §2.4.3.2).
const TS_PACKET: usize = 188;
/// Blu-ray puts four bytes with a time before each packet.
const M2TS_PACKET: usize = TS_PACKET + 4;
const TS_SYNC: u8 = 0x47;
/// Sync bytes in a row that make a transport stream.
const TS_SYNCS: usize = 3;
/// Header of an ADTS frame without a checksum.
const ADTS_HEADER_BYTES: usize = 7;

pub(super) fn sniff(head: &[u8], can_grow: bool) -> Option<Sniffed> {
    if head.starts_with(b"ID3") {
        return Some(behind_id3(head, can_grow));
    }
    transport_stream(head, can_grow).or_else(|| audio(head, can_grow))
}

fn transport_stream(head: &[u8], can_grow: bool) -> Option<Sniffed> {
    for (first, packet) in [(0, TS_PACKET), (4, M2TS_PACKET)] {
        let mut syncs = (0..TS_SYNCS).map_while(|n| head.get(first + n * packet));
        let (mut found, mut broken) = (0, false);
        for &byte in &mut syncs {
            found += 1;
            broken |= byte != TS_SYNC;
        }
        match found {
            TS_SYNCS if !broken => return Some(Sniffed::Stream(Container::MpegTs)),
            1.. if !broken && can_grow => return Some(Sniffed::NeedMore),
            _ => {}
        }
    }
    None
}

/// An `ID3` tag stands before mp3s, and sometimes before other audio. A tag that reaches beyond the head, as one with a
/// picture does, leaves that open: an mp3, then.
fn behind_id3(head: &[u8], can_grow: bool) -> Sniffed {
    let size = head.get(6..10).map_or(0, |b| b.iter().fold(0, |size, &b| size << 7 | usize::from(b & 0x7F)));
    let audio_at = 10 + size;
    if audio_at + ADTS_HEADER_BYTES > HEAD_BYTES_MAX {
        return Sniffed::Stream(Container::Mp3);
    }
    match head.get(audio_at..).unwrap_or_default() {
        audio if can_grow && audio.len() < ADTS_HEADER_BYTES => Sniffed::NeedMore,
        [b'f', b'L', b'a', b'C', ..] => Sniffed::Stream(Container::Flac),
        audio if adts_length(audio).is_some() => Sniffed::Stream(Container::Adts),
        _ => Sniffed::Stream(Container::Mp3),
    }
}

/// Two frames in a row, the second where the first one's header says.
fn audio(head: &[u8], can_grow: bool) -> Option<Sniffed> {
    type FrameLength = fn(&[u8]) -> Option<usize>;
    let kinds: [(Container, FrameLength); 2] = [(Container::Adts, adts_length), (Container::Mp3, mpeg_length)];
    for (container, length) in kinds {
        let Some(bytes) = length(head) else { continue };
        match head.get(bytes..).filter(|rest| rest.len() >= ADTS_HEADER_BYTES) {
            Some(next) if length(next).is_some() => return Some(Sniffed::Stream(container)),
            None if can_grow => return Some(Sniffed::NeedMore),
            // A single frame is a short file.
            None if head.len() >= bytes => return Some(Sniffed::Stream(container)),
            _ => {}
        }
    }
    None
}

fn mpeg_length(head: &[u8]) -> Option<usize> {
    FrameHeader::parse(head).map(|frame| frame.bytes)
}

/// Length of an ADTS frame (ISO/IEC 13818-7 §6.2).
fn adts_length(head: &[u8]) -> Option<usize> {
    let &[0xFF, b1, b2, b3, b4, b5, ..] = head else { return None };
    let is_adts = b1 & 0xF6 == 0xF0 && (b2 >> 2) & 0xF < 13;
    let bytes = usize::from(b3 & 3) << 11 | usize::from(b4) << 3 | usize::from(b5 >> 5);
    (is_adts && bytes >= ADTS_HEADER_BYTES).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transport_streams_need_three_syncs() {
        let mut ts = vec![0; 3 * TS_PACKET];
        ts.iter_mut().step_by(TS_PACKET).for_each(|byte| *byte = TS_SYNC);
        assert_eq!(sniff(&ts, true), Some(Sniffed::Stream(Container::MpegTs)));
        assert_eq!(sniff(&ts[..300], true), Some(Sniffed::NeedMore));
        assert_eq!(sniff(&ts[..300], false), None);
        let mut m2ts = vec![0; 3 * M2TS_PACKET];
        m2ts[4..].iter_mut().step_by(M2TS_PACKET).for_each(|byte| *byte = TS_SYNC);
        assert_eq!(sniff(&m2ts, true), Some(Sniffed::Stream(Container::MpegTs)));
    }

    #[test]
    fn one_sync_word_is_not_an_mp3() {
        // 128 kbit/s at 44.1 kHz: 417 bytes.
        let mut two = vec![0; 2 * 417];
        two[..4].copy_from_slice(&[0xFF, 0xFB, 0x90, 0]);
        assert_eq!(sniff(&two, true), None);
        two[417..421].copy_from_slice(&[0xFF, 0xFB, 0x90, 0]);
        assert_eq!(sniff(&two, true), Some(Sniffed::Stream(Container::Mp3)));
        assert_eq!(sniff(&two[..400], true), Some(Sniffed::NeedMore));
    }

    #[test]
    fn what_follows_an_id3_tag_decides() {
        let mut tagged = b"ID3\x04\0\0\0\0\0\x02..".to_vec();
        assert_eq!(sniff(&tagged, true), Some(Sniffed::NeedMore));
        assert_eq!(sniff(&tagged, false), Some(Sniffed::Stream(Container::Mp3)));
        tagged.extend_from_slice(b"fLaC...");
        assert_eq!(sniff(&tagged, true), Some(Sniffed::Stream(Container::Flac)));
        // What lies behind a large tag is never seen.
        tagged[8] = 0x7F;
        tagged[7] = 0x7F;
        assert_eq!(sniff(&tagged, true), Some(Sniffed::Stream(Container::Mp3)));
    }
}
