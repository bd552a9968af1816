//! Texts from anywhere, made fit for a tag.

use crate::options::parse::{TAG_BYTES_MAX, TRACK_NUMBERS};

/// Text of no declared encoding: UTF-8, or else of the Windows programs of old.
pub(super) fn decode(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|&byte| char::from(byte)).collect(),
    }
}

/// The text without control characters and outer blanks, cut where it is too long; `None` where nothing is left.
pub(super) fn line(text: &str) -> Option<String> {
    let mut line = String::new();
    for c in text.trim().chars().filter(|c| !c.is_control()) {
        if line.len() + c.len_utf8() > TAG_BYTES_MAX {
            break;
        }
        line.push(c);
    }
    let line = line.trim();
    (!line.is_empty()).then(|| line.to_owned())
}

/// The date that a text begins with: `2026`, `2026-11` or `2026-11-24`. What follows must be no part of it, as the time
/// in `2026-11-24T12:00:00Z`; anything else is no date.
pub(super) fn date(text: &str) -> Option<String> {
    let text = text.trim();
    let day = text.split(['T', ' ']).next().unwrap_or(text);
    let is_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let mut lengths = day.split('-').map(str::len);
    let is_date = lengths.next() == Some(4) && day.len() <= "2026-11-24".len() && lengths.all(|length| length == 2);
    (is_date && day.split('-').all(is_digits)).then(|| day.to_owned())
}

/// A track's number.
pub(super) fn track_number(number: u64) -> Option<u16> {
    u16::try_from(number).ok().filter(|number| TRACK_NUMBERS.contains(number))
}

/// The number in `3` or `3/12`, which is how a track of so many is written.
pub(super) fn leading_number(text: &str) -> Option<u16> {
    text.split('/').next()?.trim().parse().ok().and_then(track_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_clean_and_short() {
        assert_eq!(line(" a\0b\n\u{85}c \0").as_deref(), Some("abc"));
        assert_eq!(line(" \t\0"), None);
        let long = line(&"ä€".repeat(1_000)).expect("some text");
        assert!((TAG_BYTES_MAX - 3..=TAG_BYTES_MAX).contains(&long.len()));
        assert!("ä€".repeat(1_000).starts_with(&long));
    }

    #[test]
    fn a_date_is_cut_to_its_day_or_dropped() {
        for (text, wanted) in [
            ("2026", Some("2026")),
            (" 2026-11 ", Some("2026-11")),
            ("2026-11-24", Some("2026-11-24")),
            ("2026-11-24T12:30:00Z", Some("2026-11-24")),
            ("2026-11-24 12:30", Some("2026-11-24")),
            ("26", None),
            ("2026-1-2", None),
            ("2026-11-24-05", None),
            ("24.11.2026", None),
            ("２０２６", None),
            ("2026-", None),
            ("", None),
        ] {
            assert_eq!(date(text).as_deref(), wanted, "{text:?}");
        }
    }

    #[test]
    fn a_track_number_may_tell_of_how_many() {
        for (text, wanted) in [("3", Some(3)), (" 03/12", Some(3)), ("0", None), ("1000", None), ("B2", None)] {
            assert_eq!(leading_number(text), wanted, "{text:?}");
        }
    }
}
