//! One audio stream of an Ogg, followed from page to page.

use std::time::Duration;

use super::page::Page;

/// Of Opus, whatever rate it was recorded with (RFC 7845 §4).
const OPUS_RATE: u32 = 48_000;

#[derive(Debug, Clone)]
pub(super) struct Stream {
    pub(super) serial: u32,
    /// Granules per second; 0 where the first packet is nonsense.
    rate: u32,
    next_sequence: u32,
    /// Of the first page with audio, and of the last.
    granules: Option<(u64, u64)>,
    pub(super) has_ended: bool,
}

/// What a page is to its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Next,
    /// The first behind the stream's headers, from the middle of a broadcast.
    Joined,
    /// Pages before it are missing.
    BehindGap,
}

impl Stream {
    /// The stream that `page` begins, where `packet` begins like one of the known codecs' first.
    pub(super) fn begin(page: &Page, packet: &[u8]) -> Option<Self> {
        let number = |at: usize| packet.get(at..)?.first_chunk().map(|&bytes| u32::from_le_bytes(bytes));
        let rate = match packet {
            [1, b'v', b'o', b'r', b'b', b'i', b's', ..] => number(12),
            [b'O', b'p', b'u', b's', b'H', b'e', b'a', b'd', ..] => Some(OPUS_RATE),
            [b'S', b'p', b'e', b'e', b'x', b' ', b' ', b' ', ..] => number(36),
            // 20 bits of STREAMINFO.
            [0x7F, b'F', b'L', b'A', b'C', ..] => number(27).map(|field| field.swap_bytes() >> 12),
            _ => return None,
        };
        let next_sequence = page.sequence.wrapping_add(1);
        let (serial, has_ended) = (page.serial, page.ends);
        Some(Self { serial, rate: rate.unwrap_or(0), next_sequence, granules: None, has_ended })
    }

    /// Takes the next page of this stream.
    pub(super) fn take(&mut self, page: &Page) -> Place {
        let place = match (page.sequence == self.next_sequence, self.granules) {
            (true, _) => Place::Next,
            (false, None) => Place::Joined,
            (false, Some(_)) => Place::BehindGap,
        };
        self.next_sequence = page.sequence.wrapping_add(1);
        self.has_ended |= page.ends;
        // Headers have the granule 0.
        if let Some(granule) = page.granule.filter(|&granule| granule > 0) {
            self.granules = Some((self.granules.map_or(granule, |(first, _)| first), granule));
        }
        place
    }

    /// At least so long is the audio. What the first page holds is not counted: a broadcast may begin with any granule.
    pub(super) fn duration_min(&self) -> Duration {
        let granules = self.granules.map_or(0, |(first, last)| last.saturating_sub(first));
        let ms = (u128::from(granules) * 1000).checked_div(self.rate.into()).unwrap_or(0);
        Duration::from_millis(u64::try_from(ms).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::{super::page::tests::page, *};

    fn stream(packet: &[u8]) -> Option<Stream> {
        let bytes = page(true, false, 7, 0, packet);
        Stream::begin(&Page::parse(&bytes).expect("a page"), packet)
    }

    fn take(stream: &mut Stream, sequence: u32) -> Place {
        stream.take(&Page::parse(&page(false, false, 7, sequence, b"...")).expect("a page"))
    }

    #[test]
    fn rates_are_read_from_the_first_packets() {
        let rate = |packet: &[u8]| stream(packet).map(|stream| stream.rate);
        assert_eq!(rate(b"\x01vorbis\0\0\0\0\x02\x44\xAC\0\0...."), Some(44_100));
        assert_eq!(rate(b"OpusHead\x01\x02....\0\0\0\0"), Some(48_000));
        assert_eq!(rate(b"\x7FFLAC\x01\0\0\x01fLaC\0\0\0\x22..........\x0A\xC4\x42\xF0"), Some(44_100));
        assert_eq!(rate(b"\x01vorbis"), Some(0));
        assert_eq!(rate(b"\x80theora"), None);
    }

    #[test]
    fn a_gap_is_seen_and_tells_the_length_all_the_same() {
        let mut stream = stream(b"OpusHead").expect("a stream");
        assert_eq!(take(&mut stream, 1), Place::Next);
        assert_eq!(take(&mut stream, 2), Place::Next);
        assert_eq!(take(&mut stream, 97), Place::BehindGap);
        assert_eq!(take(&mut stream, 97), Place::BehindGap);
        assert_eq!(stream.duration_min(), Duration::from_secs(2));
    }

    #[test]
    fn a_broadcast_may_be_joined_anywhere() {
        let mut stream = stream(b"OpusHead").expect("a stream");
        assert_eq!(take(&mut stream, 4807), Place::Joined);
        assert_eq!(take(&mut stream, 4808), Place::Next);
        assert_eq!(stream.duration_min(), Duration::from_millis(20));
    }
}
