//! What a caller may ask of a conversion, parsed where it enters.

pub(crate) mod parse;
mod quality;
mod raw;

use serde::{Deserialize, Serialize};

pub use self::{quality::Quality, raw::RawOptions};

/// An option out of its range; the message names the range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct OptionError(String);

/// The options of one conversion, all within their ranges.
///
/// What was not asked for is absent, also in JSON: by that a key's requests are compared, and whether an mp3 may be
/// copied is decided.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Options {
    /// Absent: V2, or the frames of the source where that is an mp3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality: Option<Quality>,
    /// 1 or 2; absent: as the source, at most 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels: Option<u8>,
    /// Seconds from the start of the audio, sample-accurate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<f64>,
    /// Seconds from the start of the audio; after `start`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<f64>,
    /// Which audio track, counted from 1; absent: the first enabled one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub track: Option<u16>,
    #[serde(skip_serializing_if = "Reencode::is_auto")]
    pub reencode: Reencode,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub normalize: Option<Normalize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaygain: Option<ReplayGain>,
    #[serde(skip_serializing_if = "Tags::is_source")]
    pub tags: Tags,
    /// Each stands in place of the source's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artist: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub album: Option<String>,
    /// The recording's year, month or day: `2026`, `2026-11`, `2026-11-24`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub track_number: Option<u16>,
}

impl Options {
    /// Whether the frames of an mp3 source are what was asked for: nothing wants the samples themselves.
    pub fn allow_copy(&self) -> bool {
        let Self { quality, channels, start, end, reencode, normalize, replaygain, .. } = self;
        quality.is_none()
            && channels.is_none()
            && start.is_none()
            && end.is_none()
            && *reencode == Reencode::Auto
            && normalize.is_none()
            && replaygain.is_none()
    }
}

/// Whether an mp3 source is encoded anew.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reencode {
    /// Only where an option asks for other samples or another quality.
    #[default]
    Auto,
    Always,
}

impl Reencode {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    fn is_auto(&self) -> bool {
        *self == Self::Auto
    }
}

/// How loudness is evened out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Normalize {
    /// One gain for all of the audio, to -23 LUFS and at most -1 dBTP (EBU R 128).
    Ebur128,
}

/// Which gain the mp3 tells its player.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReplayGain {
    /// The track's own, to -18 LUFS (`ReplayGain` 2.0).
    Track,
}

/// Where the mp3's tags come from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tags {
    /// The source's title, artist, album, track number, date and picture, and the options in their place.
    #[default]
    Source,
    /// Only what options say.
    None,
}

impl Tags {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    fn is_source(&self) -> bool {
        *self == Self::Source
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_asked_for_is_not_in_the_json() {
        assert_eq!(serde_json::to_string(&Options::default()).expect("options are JSON"), "{}");
    }

    #[test]
    fn options_survive_their_json() {
        let options = Options {
            quality: Some(Quality::Constant(192)),
            end: Some(2.5),
            track: Some(2),
            reencode: Reencode::Always,
            normalize: Some(Normalize::Ebur128),
            tags: Tags::None,
            ..Options::default()
        };
        let json = serde_json::to_string(&options).expect("options are JSON");
        assert_eq!(serde_json::from_str::<Options>(&json).expect("the same options"), options);
    }

    #[test]
    fn only_tags_and_tracks_leave_the_frames_of_an_mp3_alone() {
        let tagged = Options { title: Some("t".into()), track: Some(1), tags: Tags::None, ..Options::default() };
        assert!(tagged.allow_copy());
        for changed in [
            Options { quality: Some(Quality::default()), ..Options::default() },
            Options { channels: Some(2), ..Options::default() },
            Options { start: Some(0.0), ..Options::default() },
            Options { reencode: Reencode::Always, ..Options::default() },
            Options { replaygain: Some(ReplayGain::Track), ..Options::default() },
        ] {
            assert!(!changed.allow_copy(), "{changed:?}");
        }
    }
}
