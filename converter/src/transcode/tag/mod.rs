//! What an mp3 says about itself: title, artist, picture, from the source and from the options.

mod head;
mod id3;
mod metadata;
mod tail;
mod text;

use self::text::{date, leading_number, line};
use super::mp4::Subject;
use crate::options::{self, Options};

/// Largest picture that is taken over, in bytes; larger ones are left out. Covers of a music shop have 100 to 600 KiB.
const PICTURE_BYTES_MAX: usize = 1024 * 1024;

/// The tags of a source or of an mp3; every text is clean and short (see [`text`]), whoever wrote it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tags {
    pub(super) title: Option<String>,
    pub(super) artist: Option<String>,
    pub(super) album: Option<String>,
    /// 1 to 999.
    pub(super) track_number: Option<u16>,
    /// `2026`, `2026-11` or `2026-11-24`.
    pub(super) date: Option<String>,
    pub(super) picture: Option<Picture>,
}

/// A cover.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Picture {
    /// `image/jpeg` or `image/png`.
    pub(super) media_type: &'static str,
    pub(super) bytes: Vec<u8>,
}

impl Picture {
    /// A picture by its magic; `None` where it is of another kind, or larger than [`PICTURE_BYTES_MAX`].
    fn of(bytes: &[u8]) -> Option<Self> {
        let media_type = match bytes {
            [0xFF, 0xD8, 0xFF, ..] => "image/jpeg",
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => "image/png",
            _ => return None,
        };
        (bytes.len() <= PICTURE_BYTES_MAX).then(|| Self { media_type, bytes: bytes.to_vec() })
    }
}

impl Tags {
    /// These, and where one is absent that of `other`.
    #[must_use]
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            title: self.title.or(other.title),
            artist: self.artist.or(other.artist),
            album: self.album.or(other.album),
            track_number: self.track_number.or(other.track_number),
            date: self.date.or(other.date),
            picture: self.picture.or(other.picture),
        }
    }

    /// What `QuickTime` says of a movie.
    pub(super) fn of_movie(texts: &[(Subject, String)]) -> Self {
        let about = |wanted| texts.iter().filter(move |(subject, _)| *subject == wanted).map(|(_, text)| &text[..]);
        Self {
            title: about(Subject::Title).find_map(line),
            artist: about(Subject::Artist).find_map(line),
            album: about(Subject::Album).find_map(line),
            track_number: about(Subject::Track).find_map(leading_number),
            date: about(Subject::Date).find_map(date),
            picture: None,
        }
    }

    /// A source's tags as they were asked for: each option stands in place of the source's.
    #[must_use]
    pub(super) fn with_options(self, options: &Options) -> Self {
        let Options { title, artist, album, track_number, date: day, .. } = options;
        let asked = Self {
            title: title.as_deref().and_then(line),
            artist: artist.as_deref().and_then(line),
            album: album.as_deref().and_then(line),
            track_number: *track_number,
            date: day.as_deref().and_then(date),
            picture: None,
        };
        match options.tags {
            options::Tags::Source => asked.or(self),
            options::Tags::None => asked,
        }
    }
}

#[cfg(test)]
mod tests;
