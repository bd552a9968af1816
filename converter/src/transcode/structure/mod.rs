//! Whether all of a container came: its own sizes against the bytes that arrived.
//!
//! Decoders are of no use for this. ffmpeg ends without an error on half a file.

pub(super) mod ebml;
mod mp4;
pub(super) mod ogg;
mod riff;

use std::{fs::File, io, os::unix::fs::FileExt as _, time::Duration};

use crate::{
    control::{Completeness, Refusal, RefusalKind},
    sniff::Container,
    transcode::window::Window,
};

/// Longest header that a walker looks at: an Ogg page with all its lacing, and the first bytes behind it.
const WINDOW_BYTES: usize = 320;
/// Read from a file at a time where all of it counts.
const PIECE_BYTES: usize = 64 * 1024;

/// How long a container says that its audio is, at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// The audio track itself.
    OfAudio(Duration),
    /// The longest of all tracks, which may be the picture.
    OfLongest(Duration),
}

/// Follows the headers of one container through its bytes.
#[derive(Debug, Clone)]
pub(super) struct Structure {
    walker: Walker,
    /// Where the next header begins; `None` where no other is of interest.
    next: Option<u64>,
    /// Bytes that passed.
    passed: u64,
    /// The bytes from `next` on, while there are too few.
    window: Vec<u8>,
}

#[derive(Debug, Clone)]
enum Walker {
    Mp4(mp4::Walker),
    Ebml(ebml::Walker),
    Riff(riff::Walker),
    Ogg(ogg::Walker),
    /// Containers that declare nothing.
    Silent,
}

impl Walker {
    /// Takes the bytes at `at` (fewer than [`WINDOW_BYTES`] only at the end) and answers where the next header is.
    fn step(&mut self, at: u64, window: &[u8]) -> Option<u64> {
        match self {
            Self::Mp4(walker) => walker.step(at, window),
            Self::Ebml(walker) => walker.step(at, window),
            Self::Riff(walker) => walker.step(at, window),
            Self::Ogg(walker) => walker.step(at, window),
            Self::Silent => None,
        }
    }

    /// Takes the bytes between the windows.
    fn skim(&mut self, bytes: &[u8]) {
        if let Self::Ogg(walker) = self {
            walker.skim(bytes);
        }
    }
}

impl Structure {
    pub(super) fn of(container: Container) -> Self {
        let walker = match container {
            Container::Mp4 => Walker::Mp4(mp4::Walker::default()),
            Container::Matroska => Walker::Ebml(ebml::Walker::default()),
            Container::Avi | Container::Wav => Walker::Riff(riff::Walker::little_endian()),
            Container::Aiff => Walker::Riff(riff::Walker::big_endian()),
            Container::Ogg => Walker::Ogg(ogg::Walker::default()),
            _ => Walker::Silent,
        };
        Self { walker, next: Some(0), passed: 0, window: Vec::new() }
    }

    /// Follows a file from header to header, or reads all of it where bodies count.
    pub(super) fn of_file(container: Container, file: &File) -> io::Result<Self> {
        let mut structure = Self::of(container);
        if let Walker::Ogg(_) = structure.walker {
            let (mut piece, mut at) = (vec![0; PIECE_BYTES], 0);
            while let read @ 1.. = file.read_at(&mut piece, at)? {
                structure.feed(&piece[..read]);
                at += read as u64;
            }
            structure.end();
            return Ok(structure);
        }
        structure.passed = file.metadata()?.len();
        let mut window = Window::new(file);
        while let Some(at) = structure.next.filter(|&at| at < structure.passed) {
            structure.next = structure.walker.step(at, window.bytes(at, WINDOW_BYTES)?).filter(|&next| next > at);
        }
        Ok(structure)
    }

    /// Takes the next bytes of a stream.
    pub(super) fn feed(&mut self, mut piece: &[u8]) {
        while let Some(at) = self.next.filter(|_| !piece.is_empty()) {
            let have = at + self.window.len() as u64;
            let skipped = usize::try_from(have.saturating_sub(self.passed)).unwrap_or(usize::MAX).min(piece.len());
            self.walker.skim(&piece[..skipped]);
            self.pass(&mut piece, skipped);
            let wanted = (WINDOW_BYTES - self.window.len()).min(piece.len());
            self.window.extend_from_slice(&piece[..wanted]);
            self.pass(&mut piece, wanted);
            if self.window.len() == WINDOW_BYTES {
                self.step(at);
            }
        }
        self.passed += piece.len() as u64;
    }

    fn pass(&mut self, piece: &mut &[u8], bytes: usize) {
        self.passed += bytes as u64;
        *piece = &piece[bytes..];
    }

    /// Hands the window to the walker and keeps of it what lies behind the next header's start.
    fn step(&mut self, at: u64) {
        self.next = self.walker.step(at, &self.window).filter(|&next| next > at);
        let done = self.next.map_or(usize::MAX, |next| usize::try_from(next - at).unwrap_or(usize::MAX));
        self.window.drain(..done.min(self.window.len()));
    }

    /// No more bytes will come.
    pub(super) fn end(&mut self) {
        while let Some(at) = self.next.filter(|&at| at < self.passed) {
            self.step(at);
        }
    }

    /// Whether there is something else where a header should be. Sloppy programs leave such, too: alone it is no proof
    /// that audio is missing.
    pub(super) fn is_broken(&self) -> bool {
        match &self.walker {
            Walker::Ebml(walker) => walker.is_broken(),
            Walker::Riff(walker) => walker.is_broken(),
            Walker::Mp4(_) | Walker::Ogg(_) | Walker::Silent => false,
        }
    }

    /// How long an audio track is, counted from 0, where the index of an mp4 or the decoder does not know it better.
    pub(super) fn told(&self, track: usize) -> Option<Told> {
        match &self.walker {
            Walker::Ebml(walker) => walker.told(track),
            Walker::Riff(walker) => walker.told(track),
            Walker::Ogg(walker) => walker.duration_min(track).map(Told::OfAudio),
            Walker::Mp4(_) | Walker::Silent => None,
        }
    }

    /// Refuses what is too much to look at, which may show before the end.
    pub(super) fn check_limits(&self) -> Result<(), Refusal> {
        match &self.walker {
            Walker::Mp4(walker) => walker.check_limits(),
            _ => Ok(()),
        }
    }

    /// Judges the whole. Called after [`Self::end`].
    pub(super) fn judge(&self) -> Result<Completeness, Refusal> {
        match &self.walker {
            Walker::Mp4(walker) => walker.judge(self.passed),
            Walker::Ebml(walker) => walker.judge(self.passed),
            Walker::Riff(walker) => walker.judge(self.passed),
            Walker::Ogg(walker) => walker.judge(self.passed),
            Walker::Silent => Ok(Completeness::Unknown),
        }
    }
}

/// The refusal of a container that declares more than came.
fn truncated(declared: u64, bytes: u64) -> Refusal {
    Refusal::new(
        RefusalKind::Truncated,
        format!("the video is cut: it declares at least {declared} bytes, and {bytes} bytes came; send all of it"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_any_size_lead_to_the_same_end() {
        let mut bytes = Vec::new();
        for (kind, size) in [(b"ftyp", 24_usize), (b"free", 8), (b"moov", 700), (b"mdat", 2000), (b"free", 9)] {
            let start = bytes.len();
            bytes.extend_from_slice(&u32::try_from(size).expect("a small box").to_be_bytes());
            bytes.extend_from_slice(kind);
            bytes.resize(start + size, 0);
        }
        for piece_bytes in [1, 7, 319, 320, 321, 5000] {
            let mut whole = Structure::of(Container::Mp4);
            bytes.chunks(piece_bytes).for_each(|piece| whole.feed(piece));
            whole.end();
            assert_eq!(whole.judge(), Ok(Completeness::Complete), "{piece_bytes}");
            let mut cut = Structure::of(Container::Mp4);
            bytes[..bytes.len() - 1].chunks(piece_bytes).for_each(|piece| cut.feed(piece));
            cut.end();
            assert_eq!(cut.judge().expect_err("a cut box").kind, RefusalKind::Truncated, "{piece_bytes}");
        }
    }
}
