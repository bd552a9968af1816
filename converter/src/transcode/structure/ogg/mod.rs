//! Ogg: every page of the audio is there and as it was written, and the last one says that it is (RFC 3533 §6).

mod page;
mod serials;
mod stream;

use std::time::Duration;

pub(in crate::transcode) use self::serials::serials;
use self::{
    page::{Checksum, Page},
    stream::{Place, Stream},
};
use super::truncated;
use crate::control::{Completeness, Refusal, RefusalKind};

/// Most audio streams side by side that are followed.
const STREAMS_MAX: usize = 256;

#[derive(Debug, Clone, Default)]
pub(super) struct Walker {
    /// Where the last page ends.
    end: u64,
    /// Audio streams in the order of the file, up to where all have ended and others begin.
    streams: Vec<Stream>,
    /// At least so long are they together with those of the same place before them in a chain.
    durations: Vec<Duration>,
    /// The sum over the page that is passing, where it is one of the audio.
    passing: Option<Checksum>,
    is_damaged: bool,
    /// There may be more than is followed here.
    is_unknown: bool,
}

impl Walker {
    pub(super) fn step(&mut self, at: u64, window: &[u8]) -> Option<u64> {
        self.end_page();
        if !window.starts_with(b"OggS") {
            self.is_unknown = true;
            return None;
        }
        let Some(page) = Page::parse(window) else {
            // A header that has begun must be whole.
            self.end = at.saturating_add(window.len() as u64 + 1);
            return None;
        };
        self.end = at.saturating_add((page.header_bytes + page.body_bytes) as u64);
        if self.take(&page, &window[page.header_bytes..]) {
            self.passing = Some(Checksum::of(&page, window));
        }
        Some(self.end)
    }

    /// Takes the bytes between the windows.
    pub(super) fn skim(&mut self, bytes: &[u8]) {
        if let Some(checksum) = &mut self.passing {
            checksum.update(bytes);
        }
    }

    /// Puts a page, whose body begins with `body`, to its stream; false where that is none of the audio.
    fn take(&mut self, page: &Page, body: &[u8]) -> bool {
        let known = self.streams.iter().position(|stream| stream.serial == page.serial && !stream.has_ended);
        let place = if let Some(known) = known {
            let place = self.streams[known].take(page);
            if self.streams[known].has_ended {
                let duration = self.streams[known].duration_min();
                self.durations[known] = self.durations[known].saturating_add(duration);
            }
            place
        } else if let Some(stream) = Stream::begin(page, body).filter(|_| page.begins) {
            if self.streams.iter().all(|stream| stream.has_ended) {
                self.streams.clear();
            }
            if self.streams.len() == STREAMS_MAX {
                self.is_unknown = true;
                return false;
            }
            self.streams.push(stream);
            self.durations.resize(self.durations.len().max(self.streams.len()), Duration::ZERO);
            Place::Next
        } else {
            return false;
        };
        self.is_damaged |= place == Place::BehindGap;
        self.is_unknown |= place == Place::Joined;
        true
    }

    fn end_page(&mut self) {
        self.is_damaged |= self.passing.take().is_some_and(|checksum| !checksum.is_met());
    }

    /// At least so long is an audio stream, counted from 0.
    pub(super) fn duration_min(&self, track: usize) -> Option<Duration> {
        self.durations.get(track).copied()
    }

    pub(super) fn judge(&self, bytes: u64) -> Result<Completeness, Refusal> {
        if self.end > bytes {
            return Err(truncated(self.end, bytes));
        }
        if self.streams.iter().any(|stream| !stream.has_ended) {
            return Err(Refusal::new(RefusalKind::Truncated, "the video is cut: the audio's last page is missing"));
        }
        if self.is_damaged || self.passing.as_ref().is_some_and(|checksum| !checksum.is_met()) {
            return Err(Refusal::new(
                RefusalKind::Damaged,
                "the audio is damaged: pages are missing or not as written",
            ));
        }
        // Where no audio stream that is known here ever began, nothing tells its end.
        let is_known = !self.is_unknown && !self.streams.is_empty();
        Ok(if is_known { Completeness::Complete } else { Completeness::Unknown })
    }
}

#[cfg(test)]
mod tests {
    use super::{page::tests::page, *};

    fn walk(pages: &[Vec<u8>]) -> Walker {
        let bytes = pages.concat();
        let (mut walker, mut at) = (Walker::default(), 0);
        while let Some(next) = walker.step(at as u64, &bytes[at..]).filter(|&next| next < bytes.len() as u64) {
            at = usize::try_from(next).expect("a small file");
        }
        walker
    }

    fn judge(pages: &[Vec<u8>]) -> Result<Completeness, RefusalKind> {
        walk(pages).judge(pages.concat().len() as u64).map_err(|refusal| refusal.kind)
    }

    /// A stream of four pages.
    fn pages(serial: u32) -> Vec<Vec<u8>> {
        (0..4).map(|n| page(n == 0, n == 3, serial, n, if n == 0 { b"OpusHead\x01" } else { b"..." })).collect()
    }

    #[test]
    fn the_audio_must_end_with_its_last_page() {
        assert_eq!(judge(&pages(7)), Ok(Completeness::Complete));
        for cut in 1..4 {
            assert_eq!(judge(&pages(7)[..cut]), Err(RefusalKind::Truncated), "{cut}");
        }
        let whole = pages(7).concat().len() as u64;
        assert_eq!(walk(&pages(7)).judge(whole - 1).expect_err("a cut page").kind, RefusalKind::Truncated);
        assert_eq!(judge(&[page(true, true, 7, 0, b"unknown")]), Ok(Completeness::Unknown));
    }

    #[test]
    fn a_page_that_is_missing_or_changed_is_damage() {
        let mut without = pages(7);
        without.remove(2);
        assert_eq!(judge(&without), Err(RefusalKind::Damaged));
        for changed in 0..4 {
            let mut pages = pages(7);
            *pages[changed].last_mut().expect("a packet") ^= 1;
            assert_eq!(judge(&pages), Err(RefusalKind::Damaged), "{changed}");
        }
    }

    #[test]
    fn damage_to_the_picture_is_none_to_the_audio() {
        let mut pages = pages(7);
        let mut picture = page(true, false, 8, 0, b"\x80theora");
        *picture.last_mut().expect("a packet") ^= 1;
        pages.insert(1, picture);
        assert_eq!(judge(&pages), Ok(Completeness::Complete));
    }

    #[test]
    fn a_chain_is_as_long_as_its_links_and_ends_with_the_last() {
        let chain = [pages(7), pages(7), pages(9)].concat();
        assert_eq!(judge(&chain), Ok(Completeness::Complete));
        assert_eq!(walk(&chain).duration_min(0), Some(3 * Duration::from_millis(41)));
        assert_eq!(judge(&chain[..11]), Err(RefusalKind::Truncated));
        let hole = vec![0; 100];
        let followed = [pages(7), vec![hole], pages(9)].concat();
        assert_eq!(judge(&followed), Ok(Completeness::Unknown));
    }

    #[test]
    fn a_broadcast_that_was_joined_late_is_not_known_to_be_whole() {
        let mut joined = pages(7);
        joined.remove(1);
        assert_eq!(judge(&joined), Ok(Completeness::Unknown));
    }
}
