//! What the text of one option may be.

use std::ops::RangeInclusive;

use super::{OptionError, Quality, quality::KBPS};

/// Longest text of a tag, in bytes of UTF-8: an option's is refused above it, a source's is cut.
pub(crate) const TAG_BYTES_MAX: usize = 1024;
/// Track numbers that a tag may have.
pub(crate) const TRACK_NUMBERS: RangeInclusive<u16> = 1..=999;
/// Last instant that `start` and `end` may name, in seconds: 24 hours.
const INSTANT_SECONDS_MAX: f64 = 86_400.0;

pub(super) fn quality(level: Option<&str>, kbps: Option<&str>) -> Result<Option<Quality>, OptionError> {
    match (level, kbps) {
        (Some(_), Some(_)) => Err(OptionError("send either quality or bitrate, not both".to_owned())),
        // A conversion's JSON tells a bit rate as its quality, too, and what it tells may be sent again.
        (Some(level), None) => level.parse().map(Some).map_err(|_| {
            let range = format!("V0 (best) to V9 (smallest), or of {KBPS:?} kbit/s");
            OptionError(format!("quality must be one of {range}, not {level:?}"))
        }),
        (None, Some(kbps)) if kbps.starts_with(['V', 'v']) => {
            Err(OptionError(format!("bitrate must be one of {KBPS:?} kbit/s, not {kbps:?}, which is a quality")))
        }
        (None, Some(kbps)) => kbps.parse().map(Some),
        (None, None) => Ok(None),
    }
}

pub(super) fn one_of<T: Copy>(name: &str, text: Option<&str>, known: &[(&str, T)]) -> Result<Option<T>, OptionError> {
    let Some(text) = text else { return Ok(None) };
    let found = known.iter().find(|(word, _)| *word == text);
    found.map(|&(_, value)| Some(value)).ok_or_else(|| {
        let words: Vec<&str> = known.iter().map(|(word, _)| *word).collect();
        OptionError(format!("{name} must be {}, not {text:?}", words.join(" or ")))
    })
}

pub(super) fn number(name: &str, text: Option<&str>, range: RangeInclusive<u16>) -> Result<Option<u16>, OptionError> {
    let Some(text) = text else { return Ok(None) };
    text.parse().ok().filter(|number| range.contains(number)).map(Some).ok_or_else(|| {
        OptionError(format!("{name} must be a number from {} to {}, not {text:?}", range.start(), range.end()))
    })
}

pub(super) fn instant(name: &str, text: Option<&str>) -> Result<Option<f64>, OptionError> {
    let Some(text) = text else { return Ok(None) };
    match text.parse::<f64>() {
        Ok(seconds) if (0.0..=INSTANT_SECONDS_MAX).contains(&seconds) => Ok(Some(seconds)),
        _ => Err(OptionError(format!("{name} must be seconds from 0 to {INSTANT_SECONDS_MAX}, not {text:?}"))),
    }
}

pub(super) fn tag(name: &str, text: Option<&str>) -> Result<Option<String>, OptionError> {
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

/// The shapes `2026`, `2026-11` and `2026-11-24`; the month and day may be any two digits.
pub(super) fn date(text: Option<&str>) -> Result<Option<String>, OptionError> {
    let Some(text) = text else { return Ok(None) };
    let is_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    if matches!(lengths[..], [4] | [4, 2] | [4, 2, 2]) && text.split('-').all(is_digits) {
        return Ok(Some(text.to_owned()));
    }
    Err(OptionError(format!("date must be a year, month or day like 2026-11-24, not {text:?}")))
}
