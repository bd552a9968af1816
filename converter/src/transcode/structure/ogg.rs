//! Ogg: the last page of the audio says that it is the last (RFC 3533 §6).

use super::truncated;
use crate::control::{Completeness, Refusal, RefusalKind};

const HEADER_BYTES: usize = 27;
const BEGIN: u8 = 2;
const END: u8 = 4;
/// How the first packets of audio streams begin: Vorbis, Opus, FLAC, Speex.
const AUDIO: [&[u8]; 4] = [b"\x01vorbis", b"OpusHead", b"\x7FFLAC", b"Speex   "];

#[derive(Debug, Clone, Default)]
pub(super) struct Walker {
    /// Where the last page ends.
    end: u64,
    /// Serial number of the audio stream that has begun and not ended.
    open: Option<u32>,
    has_ended: bool,
}

impl Walker {
    pub(super) fn step(&mut self, at: u64, window: &[u8]) -> Option<u64> {
        if !window.starts_with(b"OggS") {
            return None;
        }
        // From here on a page has begun, and must be whole.
        self.end = at + HEADER_BYTES as u64;
        let (flags, serial) = (*window.get(5)?, u32::from_le_bytes(*window.get(14..)?.first_chunk()?));
        let segments = usize::from(*window.get(26)?);
        self.end += segments as u64;
        let body: u64 = window.get(HEADER_BYTES..HEADER_BYTES + segments)?.iter().map(|&bytes| u64::from(bytes)).sum();
        self.end += body;
        let packet = window.get(HEADER_BYTES + segments..).unwrap_or_default();
        if flags & BEGIN != 0 && self.open.is_none() && AUDIO.iter().any(|magic| packet.starts_with(magic)) {
            (self.open, self.has_ended) = (Some(serial), false);
        }
        if flags & END != 0 && self.open == Some(serial) {
            (self.open, self.has_ended) = (None, true);
        }
        Some(self.end)
    }

    pub(super) fn judge(&self, bytes: u64) -> Result<Completeness, Refusal> {
        if self.end > bytes {
            return Err(truncated(self.end, bytes));
        }
        match (self.open, self.has_ended) {
            (Some(_), _) => {
                Err(Refusal::new(RefusalKind::Truncated, "the video is cut: the audio's last page is missing"))
            }
            (None, true) => Ok(Completeness::Complete),
            // No audio stream that is known here ever began.
            (None, false) => Ok(Completeness::Unknown),
        }
    }
}

/// Serial numbers of the streams that begin in a file's first bytes, in the order of the file; none of another file.
pub(in crate::transcode) fn serials(mut head: &[u8]) -> Vec<u32> {
    let mut serials = Vec::new();
    // All streams begin before any goes on (RFC 3533 §4).
    while let [b'O', b'g', b'g', b'S', _, flags, ..] = head
        && flags & BEGIN != 0
    {
        let Some(&serial) = head.get(14..).and_then(|bytes| bytes.first_chunk()) else { break };
        serials.push(u32::from_le_bytes(serial));
        let Some(&segments) = head.get(HEADER_BYTES - 1) else { break };
        let body = HEADER_BYTES + usize::from(segments);
        let sizes = head.get(HEADER_BYTES..body).unwrap_or_default();
        head = head.get(body + sizes.iter().map(|&bytes| usize::from(bytes)).sum::<usize>()..).unwrap_or_default();
    }
    serials
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(flags: u8, packet: &[u8]) -> Vec<u8> {
        let mut page = b"OggS\0".to_vec();
        page.push(flags);
        page.resize(26, 7);
        page.extend([1, u8::try_from(packet.len()).expect("a short packet")]);
        page.extend_from_slice(packet);
        page
    }

    #[test]
    fn streams_are_told_in_the_order_of_the_file() {
        let mut streams: Vec<_> = [9_u32, 3, 5].iter().map(|serial| (serial, page(BEGIN, b"\x01vorbis"))).collect();
        for (serial, page) in &mut streams {
            page[14..18].copy_from_slice(&serial.to_le_bytes());
        }
        let begin: Vec<u8> = streams.into_iter().flat_map(|(_, page)| page).collect();
        let head = [&begin[..], &page(0, b"..."), &page(BEGIN, b"chained")].concat();
        assert_eq!(serials(&head), [9, 3, 5]);
        assert_eq!(serials(&head[..60]), [9, 3]);
        for cut in 0..head.len() {
            assert!([9, 3, 5].starts_with(&serials(&head[..cut])), "{cut}");
        }
        assert!(serials(b"RIFF").is_empty());
    }

    #[test]
    fn the_audio_must_end_with_its_last_page() {
        let (first, last) = (page(BEGIN, b"\x01vorbis"), page(END, b"..."));
        let mut walker = Walker::default();
        let next = walker.step(0, &first).expect("another page");
        assert_eq!(next, first.len() as u64);
        assert_eq!(walker.judge(next).expect_err("no last page").kind, RefusalKind::Truncated);
        let end = walker.step(next, &last).expect("the end");
        assert_eq!(walker.judge(end), Ok(Completeness::Complete));
        assert!(walker.judge(end - 1).is_err());
    }
}
