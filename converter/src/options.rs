//! What a caller may ask of a conversion, parsed where it enters.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Longest `title` or `artist`, in bytes of UTF-8.
const TAG_BYTES_MAX: usize = 1024;
/// Last instant that `start` and `end` may name, in seconds: 24 hours.
const INSTANT_SECONDS_MAX: f64 = 86_400.0;

/// An option out of its range; the message names the range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct OptionError(String);

/// How many bits the mp3 gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Quality {
    /// Variable bit rate, LAME's V0 (best) to V9 (smallest).
    Variable(u8),
    /// Constant bit rate in kbit/s, 32 to 320.
    Constant(u16),
}

impl Default for Quality {
    fn default() -> Self {
        Self::Variable(2)
    }
}

impl fmt::Display for Quality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(level) => write!(f, "V{level}"),
            Self::Constant(kbps) => write!(f, "{kbps}"),
        }
    }
}

impl FromStr for Quality {
    type Err = OptionError;

    /// Reads `V0` … `V9`, or a bit rate that MPEG-1 layer III has.
    fn from_str(text: &str) -> Result<Self, OptionError> {
        const KBPS: [u16; 14] = [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
        if let Some(level) = text.strip_prefix(['V', 'v']) {
            return match level.parse() {
                Ok(level @ 0..=9) if text.len() == 2 => Ok(Self::Variable(level)),
                _ => Err(OptionError(format!("quality must be one of V0 (best) to V9 (smallest), not {text:?}"))),
            };
        }
        match text.parse() {
            Ok(kbps) if KBPS.contains(&kbps) => Ok(Self::Constant(kbps)),
            _ => Err(OptionError(format!("bitrate must be one of {KBPS:?} kbit/s, not {text:?}"))),
        }
    }
}

impl From<Quality> for String {
    fn from(quality: Quality) -> Self {
        quality.to_string()
    }
}

impl TryFrom<String> for Quality {
    type Error = OptionError;

    fn try_from(text: String) -> Result<Self, OptionError> {
        text.parse()
    }
}

/// The options of one conversion, all within their ranges.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Options {
    #[serde(default)]
    pub quality: Quality,
    /// 1 or 2; absent: as the source, at most 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channels: Option<u8>,
    /// Seconds from the start of the audio, sample-accurate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<f64>,
    /// Seconds from the start of the audio; after `start`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artist: Option<String>,
}

/// The options as a query string or a command line carries them, unchecked.
#[derive(Debug, Clone, Default, Deserialize, clap::Args)]
pub struct RawOptions {
    /// Variable bit rate, V0 (best) to V9 (smallest); V2 where neither this nor a bit rate is given.
    #[arg(long)]
    pub quality: Option<String>,
    /// Constant bit rate in kbit/s, 32 to 320.
    #[arg(long)]
    pub bitrate: Option<String>,
    /// 1 (mono) or 2 (stereo); as the source where absent.
    #[arg(long)]
    pub channels: Option<String>,
    /// First instant to convert, in seconds, e.g. 12.5.
    #[arg(long)]
    pub start: Option<String>,
    /// Instant to stop at, in seconds.
    #[arg(long)]
    pub end: Option<String>,
    /// Title for the mp3's tag.
    #[arg(long)]
    pub title: Option<String>,
    /// Artist for the mp3's tag.
    #[arg(long)]
    pub artist: Option<String>,
}

impl RawOptions {
    /// Checks every option against its range.
    pub fn check(&self) -> Result<Options, OptionError> {
        let quality = match (&self.quality, &self.bitrate) {
            (Some(_), Some(_)) => return Err(OptionError("send either quality or bitrate, not both".to_owned())),
            (Some(level), None) if level.starts_with(['V', 'v']) => level.parse()?,
            (Some(level), None) => {
                return Err(OptionError(format!("quality must be one of V0 (best) to V9 (smallest), not {level:?}")));
            }
            (None, Some(kbps)) if kbps.starts_with(['V', 'v']) => {
                return Err(OptionError(format!("bitrate must be a number of kbit/s from 32 to 320, not {kbps:?}")));
            }
            (None, Some(kbps)) => kbps.parse()?,
            (None, None) => Quality::default(),
        };
        let channels = match self.channels.as_deref() {
            None => None,
            Some("1") => Some(1),
            Some("2") => Some(2),
            Some(other) => return Err(OptionError(format!("channels must be 1 or 2, not {other:?}"))),
        };
        let (start, end) = (instant("start", self.start.as_deref())?, instant("end", self.end.as_deref())?);
        if let Some(end) = end
            && end <= start.unwrap_or(0.0)
        {
            return Err(OptionError(format!("end must come after start, not at {end} s")));
        }
        let (title, artist) = (tag("title", self.title.as_deref())?, tag("artist", self.artist.as_deref())?);
        Ok(Options { quality, channels, start, end, title, artist })
    }
}

fn instant(name: &str, text: Option<&str>) -> Result<Option<f64>, OptionError> {
    let Some(text) = text else { return Ok(None) };
    match text.parse::<f64>() {
        Ok(seconds) if (0.0..=INSTANT_SECONDS_MAX).contains(&seconds) => Ok(Some(seconds)),
        _ => Err(OptionError(format!("{name} must be seconds from 0 to {INSTANT_SECONDS_MAX}, not {text:?}"))),
    }
}

fn tag(name: &str, text: Option<&str>) -> Result<Option<String>, OptionError> {
    match text {
        Some(text) if text.len() > TAG_BYTES_MAX => {
            Err(OptionError(format!("{name} must have at most {TAG_BYTES_MAX} bytes, not {}", text.len())))
        }
        Some(text) if text.chars().any(char::is_control) => {
            Err(OptionError(format!("{name} must not hold control characters")))
        }
        text => Ok(text.filter(|text| !text.is_empty()).map(str::to_owned)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(change: impl FnOnce(&mut RawOptions)) -> RawOptions {
        let mut raw = RawOptions::default();
        change(&mut raw);
        raw
    }

    #[test]
    fn nothing_sent_means_v2_as_the_source() {
        assert_eq!(RawOptions::default().check(), Ok(Options::default()));
        assert_eq!(Options::default().quality, Quality::Variable(2));
    }

    #[test]
    fn each_refusal_names_the_range() {
        for (raw, named) in [
            (raw(|o| o.quality = Some("V10".into())), "V0 (best) to V9"),
            (raw(|o| o.quality = Some("128".into())), "V0 (best) to V9"),
            (raw(|o| o.bitrate = Some("31".into())), "32, 40"),
            (raw(|o| o.bitrate = Some("V2".into())), "32 to 320"),
            (raw(|o| o.channels = Some("3".into())), "1 or 2"),
            (raw(|o| o.start = Some("-1".into())), "0 to 86400"),
            (raw(|o| o.start = Some("NaN".into())), "0 to 86400"),
            (raw(|o| (o.start, o.end) = (Some("5".into()), Some("5".into()))), "after start"),
            (raw(|o| o.title = Some("a\nb".into())), "control characters"),
            (raw(|o| o.artist = Some("x".repeat(1025))), "at most 1024"),
        ] {
            let refusal = raw.check().expect_err(named).to_string();
            assert!(refusal.contains(named), "{refusal}");
        }
    }

    #[test]
    fn options_survive_their_json() {
        let options = raw(|o| (o.bitrate, o.end) = (Some("192".into()), Some("2.5".into()))).check().expect("in range");
        let json = serde_json::to_string(&options).expect("options are JSON");
        assert_eq!(serde_json::from_str::<Options>(&json).expect("the same options"), options);
    }
}
